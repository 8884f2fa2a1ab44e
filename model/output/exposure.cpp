#include "output/exposure.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "core/address.hpp"
#include "core/kernel/mm/address_space.hpp"
#include "core/mca/outcomes.hpp"
#include "core/pmem/interleave.hpp"

namespace mcemu::output {
namespace {

/// Time in which a condition held, of one page: from `since` on.
class Span {
public:
    void begin(SimTime at) {
        if (!open_) from_ = at;
        open_ = true;
    }
    void end(SimTime at, SimTime since) {
        if (open_ && at > std::max(from_, since)) total_ += at - std::max(from_, since);
        open_ = false;
    }
    bool open() const { return open_; }
    SimTime total() const { return total_; }

private:
    bool open_ = false;
    SimTime from_{}, total_{};
};

struct Page {
    SimTime since{};
    std::optional<SimTime> healed;
    bool media = false;        // a media error stands behind it
    int maps = 0;              // user mappings present now
    bool map_seen = false;     // its mappings changed during the run
    bool direct_present = false, direct_cacheable = false;
    Span user, direct, speculation;
};

using Pages = std::map<std::uint64_t, Page>;  // by pfn

class Watcher {
public:
    explicit Watcher(const RunView& view) : view_(view) {}

    Exposure watch() {
        find_pages();
        Exposure out;
        out.pages = static_cast<std::uint32_t>(pages_.size());
        if (pages_.empty()) return out;
        set_up();
        const Trace& trace = view_.trace;
        for (std::uint32_t n = trace.first(); trace.holds(n); ++n) step(trace[n], out);
        for (auto& [pfn, page] : pages_) {
            const SimTime end = page.healed.value_or(view_.end);
            const bool gone = page.healed.has_value();
            if (!gone) {
                out.user_open = out.user_open || page.user.open();
                out.direct_map_open = out.direct_map_open || page.direct.open();
                out.speculation_open = out.speculation_open || page.speculation.open();
            }
            page.user.end(end, page.since);
            page.direct.end(end, page.since);
            page.speculation.end(end, page.since);
            out.user = std::max(out.user, page.user.total());
            out.direct_map = std::max(out.direct_map, page.direct.total());
            out.speculation = std::max(out.speculation, page.speculation.total());
        }
        return out;
    }

private:
    void add(std::uint64_t spa, std::uint64_t length, SimTime since) {
        for (std::uint64_t pfn = spa >> kPageShift;
             length != 0 && pfn <= (spa + length - 1) >> kPageShift; ++pfn) {
            if (pages_.size() >= Exposure::kMostPages) return;
            const auto [it, fresh] = pages_.emplace(pfn, Page{});
            if (fresh || !it->second.media) it->second.since = since;
            it->second.media = true;
        }
    }

    /// SPAs of a range of a module, page by page where modules interleave.
    void add_dpa(std::uint32_t nvdimm, DpaRange range, SimTime since) {
        for (const RegionConfig& region : view_.scenario.machine.regions) {
            for (std::uint32_t way = 0; way < region.nvdimms.size(); ++way) {
                if (region.nvdimms[way] != nvdimm) continue;
                for (std::uint64_t dpa = range.begin; dpa < range.end && pages_.size() < Exposure::kMostPages;) {
                    const std::uint64_t next = std::min(range.end, (dpa / kPageSize + 1) * kPageSize);
                    if (const auto spa = region_spa(region, way, dpa)) add(*spa, next - dpa, since);
                    dpa = next;
                }
            }
        }
    }

    /// The parts of a range of a CXL memory device, page by page, by SPA.
    template <class F>
    void each_memdev_page(std::uint32_t memdev, DpaRange range, F use) {
        for (const DramConfig& memory : view_.scenario.machine.memory) {
            for (std::uint32_t way = 0; way < memory.memdevs.size(); ++way) {
                if (memory.memdevs[way] != memdev) continue;
                const pmem::InterleaveSet set(memory);
                const DpaRange here = set.on_way(memory.range, way);
                const std::uint64_t end = std::min(range.end, here.end);
                for (std::uint64_t dpa = std::max(range.begin, here.begin); dpa < end;) {
                    // Part of a page and of a chunk of the interleave: one piece of SPAs.
                    const std::uint64_t spa = set.encode({way, dpa});
                    const std::uint64_t next = std::min(
                        {end, (dpa / kPageSize + 1) * kPageSize, dpa + (set.chunk_end(spa) - spa)});
                    use(spa, next - dpa);
                    dpa = next;
                }
            }
        }
    }

    void find_pages() {
        const MachineConfig& machine = view_.scenario.machine;
        for (const DramConfig& dram : machine.memory)
            for (const SpaRange& r : dram.poison) add(r.begin, r.size(), SimTime::zero());
        for (std::uint32_t i = 0; i < machine.memdevs.size(); ++i)
            for (const DpaRange& r : machine.memdevs[i].poison)
                each_memdev_page(i, r, [&](std::uint64_t spa, std::uint64_t length) {
                    add(spa, length, SimTime::zero());
                });
        for (std::uint32_t i = 0; i < machine.nvdimms.size(); ++i)
            for (const DpaRange& r : machine.nvdimms[i].poison) add_dpa(i, r, SimTime::zero());
        const Trace& trace = view_.trace;
        for (std::uint32_t n = trace.first(); trace.holds(n); ++n) {
            const TraceRecord& r = trace[n];
            if (r.kind == TraceKind::poison_planted) {
                if (r.module == Module::dram)
                    add(r.a, r.b, r.at);
                else if (r.module == Module::nvdimm)
                    add_dpa(r.subject, {r.a, r.a + r.b}, r.at);
                else
                    each_memdev_page(
                        r.subject, {r.a, r.a + r.b},
                        [&](std::uint64_t spa, std::uint64_t length) { add(spa, length, r.at); });
            } else if (r.kind == TraceKind::memory_failure && pages_.size() < Exposure::kMostPages) {
                const auto [it, fresh] = pages_.emplace(r.a, Page{});
                const std::uint32_t origin = r.why.origin;
                if (fresh)
                    it->second.since = origin != 0 && origin <= view_.event_times.size()
                                           ? view_.event_times[origin - 1]
                                           : r.at;
            }
        }
    }

    /// What was mapped when the run began: what is mapped now, and all changes taken back.
    void set_up() {
        for (auto& [pfn, page] : pages_) {
            page.direct_present = in_direct_map(view_.scenario, pfn << kPageShift);
            page.direct_cacheable = page.direct_present;
        }
        for (std::uint32_t i = 0; i < view_.kernel.processes.size(); ++i) {
            const kernel::Process& p = view_.kernel.processes[i];
            if (!p.mm || p.leader != &p) continue;
            p.mm->table.for_each([&](const kernel::PageTable::Range& r) {
                if (r.value.kind != kernel::Pte::Kind::present) return;
                each(r.value.pfn, (r.end - r.begin) >> kPageShift, [](Page& page) { ++page.maps; });
            });
        }
        const Trace& trace = view_.trace;
        for (std::uint32_t n = trace.count(); trace.holds(n); --n) {
            const TraceRecord& r = trace[n];
            if (r.kind == TraceKind::page_mapped)
                each(r.b, std::uint64_t{1} << (r.c - kPageShift), [](Page& page) { --page.maps; });
            else if (r.kind == TraceKind::page_unmapped && r.c != 0)
                each(r.c, r.b >> kPageShift, [](Page& page) { ++page.maps; });
            if (n == trace.first()) break;
        }
        for (auto& [pfn, page] : pages_) {
            // A leaf that replaced another leaves one record: counts below zero mean that.
            page.maps = std::max(page.maps, 0);
            follow(page, SimTime::zero());
        }
    }

    template <class F>
    void each(std::uint64_t first, std::uint64_t count, F f) {
        for (auto it = pages_.lower_bound(first); it != pages_.end() && it->first < first + count; ++it)
            f(it->second);
    }

    void follow(Page& page, SimTime at) {
        const bool user = page.maps > 0;
        const auto turn = [&](Span& span, bool on) {
            if (on)
                span.begin(at);
            else
                span.end(at, page.since);
        };
        if (page.healed) return;
        turn(page.user, user);
        turn(page.direct, page.direct_present);
        turn(page.speculation, user || page.direct_cacheable);
    }

    void step(const TraceRecord& r, Exposure& out) {
        switch (r.kind) {
            case TraceKind::page_mapped:
                each(r.b, std::uint64_t{1} << (r.c - kPageShift), [&](Page& page) {
                    ++page.maps;
                    follow(page, r.at);
                });
                break;
            case TraceKind::page_unmapped:
                if (r.c == 0) break;
                each(r.c, r.b >> kPageShift, [&](Page& page) {
                    page.maps = std::max(page.maps - 1, 0);
                    follow(page, r.at);
                });
                break;
            case TraceKind::direct_map:
                each(r.a, 1, [&](Page& page) {
                    page.direct_present = r.b >> 8 & 1;
                    page.direct_cacheable = page.direct_present && (r.b & 0xff) == 0;
                    follow(page, r.at);
                });
                break;
            case TraceKind::access:
                each(r.a >> kPageShift, 1, [&](Page& page) {
                    if (r.at >= page.since && !page.healed && r.a != 0) ++out.accesses;
                });
                break;
            case TraceKind::speculation:
                if ((r.c & 0xff) > static_cast<std::uint64_t>(mca::SpeculationResult::poison)) break;
                each(r.b >> kPageShift, 1, [&](Page& page) {
                    if (r.at >= page.since && !page.healed) ++out.speculative;
                });
                break;
            case TraceKind::poison_cleared:
                heal(r);
                break;
            default:
                break;
        }
    }

    /// A page whose last poison goes is exposed no longer.
    void heal(const TraceRecord& r) {
        if (r.module == Module::dram)
            heal_spa(r.a, r.b, r.at);
        else if (r.module == Module::nvdimm)
            heal_dpa(r);
        else
            each_memdev_page(
                r.subject, {r.a, r.a + r.b},
                [&](std::uint64_t spa, std::uint64_t length) { heal_spa(spa, length, r.at); });
    }
    void heal_spa(std::uint64_t spa, std::uint64_t length, SimTime at) {
        if (length == 0) return;
        const std::uint64_t first = spa >> kPageShift, last = (spa + length - 1) >> kPageShift;
        each(first, last - first + 1, [&](Page& page) {
            if (!page.media || page.healed || at < page.since) return;
            const SimTime since = page.since;
            for (Span* span : {&page.user, &page.direct, &page.speculation}) span->end(at, since);
            page.healed = at;
        });
    }
    void heal_dpa(const TraceRecord& r) {
        for (const RegionConfig& region : view_.scenario.machine.regions)
            for (std::uint32_t way = 0; way < region.nvdimms.size(); ++way) {
                if (region.nvdimms[way] != r.subject) continue;
                for (std::uint64_t dpa = r.a; dpa < r.a + r.b;) {
                    const std::uint64_t next = std::min(r.a + r.b, (dpa / kPageSize + 1) * kPageSize);
                    if (const auto spa = region_spa(region, way, dpa)) heal_spa(*spa, next - dpa, r.at);
                    dpa = next;
                }
            }
    }

    const RunView& view_;
    Pages pages_;
};

}  // namespace

Exposure exposure(const RunView& view) { return Watcher(view).watch(); }

}  // namespace mcemu::output
