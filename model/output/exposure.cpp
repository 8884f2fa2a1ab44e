#include "output/exposure.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/address.hpp"
#include "core/kernel/mm/address_space.hpp"
#include "core/mca/outcomes.hpp"
#include "core/pmem/interleave.hpp"

namespace mcemu::output {
namespace {

constexpr std::uint64_t kLine = 64;  // bytes; a page has 64 of them, one per bit of a word
static_assert(kPageSize / kLine == 64);

/// The lines of a page that [begin, begin + length) touches, all inside the page.
std::uint64_t lines_of(std::uint64_t begin, std::uint64_t length) {
    const std::uint64_t first = begin % kPageSize / kLine;
    const std::uint64_t last = (begin % kPageSize + length - 1) / kLine;
    const std::uint64_t from_first = ~std::uint64_t{0} << first;
    return last == 63 ? from_first : from_first & ((std::uint64_t{1} << (last + 1)) - 1);
}

/// Time in which a condition held.
class Span {
public:
    void turn(bool on, SimTime at) {
        if (on == open_) return;
        open_ = on;
        if (on)
            from_ = at;
        else if (at > from_)
            total_ += at - from_;
    }
    bool open() const { return open_; }
    SimTime total() const { return total_; }

private:
    bool open_ = false;
    SimTime from_{}, total_{};
};

struct Page {
    std::uint64_t lines = 0;     // with a media error now
    bool media = false;          // it had one at some time
    bool announced = false;      // bad because memory_failure() was told so, from `told` on
    SimTime told{};
    std::uint32_t maps = 0;      // user mappings present now
    bool direct_present = false, direct_cacheable = false;
    Span user, direct, speculation;

    bool bad(SimTime at) const { return lines != 0 || (announced && at >= told); }
};

/// A page of a process: whose address space, and where.
using Place = std::pair<std::uint32_t, std::uint64_t>;

class Watcher {
public:
    explicit Watcher(const RunView& view) : view_(view) {}

    Exposure watch() {
        find_pages();
        Exposure out;
        out.pages = static_cast<std::uint32_t>(pages_.size());
        if (pages_.empty()) return out;
        set_up();
        for (const TraceRecord* r : relevant_) step(*r, out);
        for (auto& [pfn, page] : pages_) {
            out.user_open = out.user_open || page.user.open();
            out.direct_map_open = out.direct_map_open || page.direct.open();
            out.speculation_open = out.speculation_open || page.speculation.open();
            for (Span* span : {&page.user, &page.direct, &page.speculation})
                span->turn(false, view_.end);
            out.user = std::max(out.user, page.user.total());
            out.direct_map = std::max(out.direct_map, page.direct.total());
            out.speculation = std::max(out.speculation, page.speculation.total());
        }
        return out;
    }

private:
    // ------------------------------------------------------------ where media errors lie

    /// Calls use(spa, length) for each part of [begin, begin + length) that lies in one page.
    template <class F>
    static void each_page_of(std::uint64_t begin, std::uint64_t length, F use) {
        for (std::uint64_t end = begin + length; begin < end;) {
            const std::uint64_t next = std::min(end, (begin / kPageSize + 1) * kPageSize);
            use(begin, next - begin);
            begin = next;
        }
    }
    /// The same for a range of a module, by system physical address.
    template <class F>
    void each_page_of_dimm(std::uint32_t nvdimm, DpaRange range, F use) const {
        for (const RegionConfig& region : view_.scenario.machine.regions) {
            for (std::uint32_t way = 0; way < region.nvdimms.size(); ++way) {
                if (region.nvdimms[way] != nvdimm) continue;
                for (std::uint64_t dpa = std::max(range.begin, region.dpa_base[way]);
                     dpa < range.end;) {
                    // One unit of the interleave is one piece of system physical addresses.
                    const std::uint64_t inside = dpa - region.dpa_base[way];
                    const std::uint64_t next = std::min(
                        range.end, dpa + region.interleave - inside % region.interleave);
                    const auto spa = region_spa(region, way, dpa);
                    if (!spa) break;  // behind the region
                    each_page_of(*spa, next - dpa, use);
                    dpa = next;
                }
            }
        }
    }
    template <class F>
    void each_page_of_memdev(std::uint32_t memdev, DpaRange range, F use) const {
        for (const DramConfig& memory : view_.scenario.machine.memory) {
            for (std::uint32_t way = 0; way < memory.memdevs.size(); ++way) {
                if (memory.memdevs[way] != memdev) continue;
                const pmem::InterleaveSet set(memory);
                const DpaRange here = set.on_way(memory.range, way);
                const std::uint64_t end = std::min(range.end, here.end);
                for (std::uint64_t dpa = std::max(range.begin, here.begin); dpa < end;) {
                    const std::uint64_t spa = set.encode({way, dpa});
                    const std::uint64_t next = std::min(end, dpa + (set.chunk_end(spa) - spa));
                    each_page_of(spa, next - dpa, use);
                    dpa = next;
                }
            }
        }
    }
    /// The pages of a record of poison that came or went.
    template <class F>
    void each_page_of(const TraceRecord& r, F use) const {
        if (r.module == Module::dram)
            each_page_of(r.a, r.b, use);
        else if (r.module == Module::nvdimm)
            each_page_of_dimm(r.subject, {r.a, r.a + r.b}, use);
        else
            each_page_of_memdev(r.subject, {r.a, r.a + r.b}, use);
    }

    Page* page_of(std::uint64_t pfn) {
        if (const auto it = pages_.find(pfn); it != pages_.end()) return &it->second;
        return pages_.size() < Exposure::kMostPages ? &pages_[pfn] : nullptr;
    }

    /// Which pages to watch, and which records tell of them: one pass over the trace.
    void find_pages() {
        const MachineConfig& machine = view_.scenario.machine;
        const auto bad_from_the_beginning = [&](std::uint64_t spa, std::uint64_t length) {
            Page* page = page_of(spa >> kPageShift);
            if (!page) return;
            page->lines |= lines_of(spa, length);
            page->media = true;
        };
        for (const DramConfig& dram : machine.memory)
            for (const SpaRange& r : dram.poison) each_page_of(r.begin, r.size(), bad_from_the_beginning);
        for (std::uint32_t i = 0; i < machine.memdevs.size(); ++i)
            for (const DpaRange& r : machine.memdevs[i].poison)
                each_page_of_memdev(i, r, bad_from_the_beginning);
        for (std::uint32_t i = 0; i < machine.nvdimms.size(); ++i)
            for (const DpaRange& r : machine.nvdimms[i].poison)
                each_page_of_dimm(i, r, bad_from_the_beginning);

        view_.trace.for_each([&](const TraceRecord& r) {
            switch (r.kind) {
                case TraceKind::poison_planted:
                    each_page_of(r, [&](std::uint64_t spa, std::uint64_t) {
                        if (Page* page = page_of(spa >> kPageShift)) page->media = true;
                    });
                    break;
                case TraceKind::memory_failure:
                    announce(r);
                    break;
                case TraceKind::page_mapped:
                case TraceKind::page_unmapped:
                case TraceKind::direct_map:
                case TraceKind::access:
                case TraceKind::speculation:
                case TraceKind::poison_cleared:
                case TraceKind::page_flag:
                    break;
                default:
                    return;
            }
            relevant_.push_back(&r);
        });
    }
    /// A page without a media error is bad from the event on that made the kernel think so.
    void announce(const TraceRecord& r) {
        Page* page = page_of(r.a);
        if (!page || page->media || page->announced) return;
        const std::uint32_t origin = r.why.origin;
        page->announced = true;
        page->told = origin != 0 && origin <= view_.event_times.size()
                         ? view_.event_times[origin - 1]
                         : r.at;
    }

    // ------------------------------------------------------------ who maps them

    std::uint32_t owner(std::uint32_t process) const {
        return view_.kernel.processes[process].leader->index;
    }
    /// Calls f(place, page) for the watched ones of `count` pages from `pfn`, mapped from `va` on.
    template <class F>
    void each(std::uint32_t process, std::uint64_t va, std::uint64_t pfn, std::uint64_t count, F f) {
        for (auto it = pages_.lower_bound(pfn); it != pages_.end() && it->first - pfn < count; ++it)
            f(Place{owner(process), va + ((it->first - pfn) << kPageShift)}, it->second);
    }
    /// Takes the mappings of `process` in [va, va + bytes) away; returns their pages.
    std::vector<Page*> take(std::uint32_t process, std::uint64_t va, std::uint64_t bytes) {
        std::vector<Page*> gone;
        auto it = mapped_.lower_bound({owner(process), va});
        while (it != mapped_.end() && it->first.first == owner(process) && it->first.second - va < bytes) {
            --it->second->maps;
            gone.push_back(it->second);
            it = mapped_.erase(it);
        }
        return gone;
    }
    void put(const Place& place, Page& page) {
        if (mapped_.emplace(place, &page).second) ++page.maps;
    }
    /// Bytes that a page_mapped record speaks of.
    static std::uint64_t bytes_of(const TraceRecord& r) {
        return ((r.c >> 8) + 1) << (r.c & 0xff);
    }

    /// What was mapped when the run began: what is mapped now, and all changes taken back.
    void set_up() {
        for (std::uint32_t i = 0; i < view_.kernel.processes.size(); ++i) {
            const kernel::Process& p = view_.kernel.processes[i];
            if (!p.mm || p.leader != &p) continue;
            p.mm->table.for_each([&](const kernel::PageTable::Range& r) {
                if (r.value.kind != kernel::Pte::Kind::present) return;
                each(i, r.begin, r.value.pfn, (r.end - r.begin) >> kPageShift,
                     [&](const Place& place, Page& page) { put(place, page); });
            });
        }
        for (std::size_t n = relevant_.size(); n-- > 0;) {
            const TraceRecord& r = *relevant_[n];
            if (r.kind == TraceKind::page_mapped)
                take(r.subject, r.a, bytes_of(r));
            else if (r.kind == TraceKind::page_unmapped && r.c != 0)
                each(r.subject, r.a, r.c, r.b >> kPageShift,
                     [&](const Place& place, Page& page) { put(place, page); });
        }
        for (auto& [pfn, page] : pages_) {
            page.direct_present = in_direct_map(view_.scenario, pfn << kPageShift);
            page.direct_cacheable = page.direct_present;
            follow(page, SimTime::zero());
        }
    }

    // ------------------------------------------------------------ the run once more

    void follow(Page& page, SimTime at) {
        // Not yet bad, but it will be without a record of it.
        const bool later = page.announced && page.lines == 0;
        if (later) at = std::max(at, page.told);
        const bool bad = page.bad(at);
        page.user.turn(bad && page.maps > 0, at);
        page.direct.turn(bad && page.direct_present, at);
        page.speculation.turn(bad && (page.maps > 0 || page.direct_cacheable), at);
    }

    void step(const TraceRecord& r, Exposure& out) {
        switch (r.kind) {
            case TraceKind::page_mapped: {
                // What the page was mapped in place of is mapped no longer.
                for (Page* gone : take(r.subject, r.a, bytes_of(r))) follow(*gone, r.at);
                each(r.subject, r.a, r.b, bytes_of(r) >> kPageShift,
                     [&](const Place& place, Page& page) {
                         put(place, page);
                         follow(page, r.at);
                     });
                break;
            }
            case TraceKind::page_unmapped:
                for (Page* gone : take(r.subject, r.a, r.b)) follow(*gone, r.at);
                break;
            case TraceKind::direct_map:
                use(r.a, [&](Page& page) {
                    const auto mode = static_cast<kernel::CacheMode>(r.b & 0xff);
                    page.direct_present = r.b >> 8 & 1;
                    page.direct_cacheable =
                        page.direct_present &&
                        (mode == kernel::CacheMode::wb || mode == kernel::CacheMode::wt);
                    follow(page, r.at);
                });
                break;
            case TraceKind::access:
                if (r.a != 0)
                    use(r.a >> kPageShift, [&](Page& page) {
                        if (page.bad(r.at)) ++out.accesses;
                    });
                break;
            case TraceKind::speculation:
                if ((r.c & 0xff) > static_cast<std::uint64_t>(mca::SpeculationResult::poison)) break;
                use(r.b >> kPageShift, [&](Page& page) {
                    if (page.bad(r.at)) ++out.speculative;
                });
                break;
            case TraceKind::poison_planted:
            case TraceKind::poison_cleared:
                each_page_of(r, [&](std::uint64_t spa, std::uint64_t length) {
                    use(spa >> kPageShift, [&](Page& page) {
                        if (r.kind == TraceKind::poison_planted)
                            page.lines |= lines_of(spa, length);
                        else
                            page.lines &= ~lines_of(spa, length);
                        follow(page, r.at);
                    });
                });
                break;
            case TraceKind::page_flag:
                // Unpoisoning ends what was no media error.
                if (r.b == kernel::PG_hwpoison)
                    use(r.a, [&](Page& page) {
                        if (page.media) return;
                        page.announced = r.c != 0;
                        follow(page, r.at);
                    });
                break;
            default:
                break;
        }
    }
    template <class F>
    void use(std::uint64_t pfn, F f) {
        if (const auto it = pages_.find(pfn); it != pages_.end()) f(it->second);
    }

    const RunView& view_;
    std::map<std::uint64_t, Page> pages_;  // by pfn
    std::vector<const TraceRecord*> relevant_;  // oldest first
    std::map<Place, Page*> mapped_;
};

}  // namespace

Exposure exposure(const RunView& view) { return Watcher(view).watch(); }

}  // namespace mcemu::output
