#include "output/encounters.hpp"

#include <algorithm>
#include <variant>

#include "core/address.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

/// A run of poison is cut where the interleave takes it to another module: of a longer one the
/// first pieces are enough to say where it is.
constexpr std::uint64_t kMostPieces = 4096;

void add_region(const RegionConfig& region, const std::vector<std::vector<DpaRange>>& poison,
                std::vector<SpaRange>& out) {
    for (std::uint32_t way = 0; way < region.nvdimms.size(); ++way) {
        const auto nvdimm = static_cast<std::size_t>(region.nvdimms[way]);
        if (nvdimm >= poison.size()) continue;
        for (const DpaRange& run : poison[nvdimm]) {
            std::uint64_t pieces = 0;
            for (std::uint64_t dpa = run.begin; dpa < run.end && pieces < kMostPieces; ++pieces) {
                const std::uint64_t end = std::min(run.end, round_down(dpa, kPageSize) + kPageSize);
                if (const auto spa = region_spa(region, way, dpa))
                    out.push_back({*spa, *spa + (end - dpa)});
                dpa = end;
            }
        }
    }
}

}  // namespace

Encounters::Encounters(const RunView& view) : view_(view), poison_(view.dram_poison) {
    const kernel::Processes& processes = view.kernel.processes;
    for (const kernel::AccessRecord& a : processes.accesses()) accesses_[a.event] = &a;
    for (const kernel::SignalRecord& s : processes.signals())
        if (s.origin != 0) signals_.emplace(s.origin - 1, &s);
    for (const kernel::SyscallRecord& c : processes.syscalls()) returned_.emplace(c.event, c.ret);
    view.trace.find_first([this](const TraceRecord& r) {
        if (r.kind == TraceKind::poison_cleared && r.why.origin != 0)
            healers_.insert(r.why.origin - 1);
        if (r.kind == TraceKind::poison_read && r.why.origin != 0)
            met_.emplace(r.why.origin - 1, r.a);
        return false;  // all of them
    });
    for (const RegionConfig& region : view.scenario.machine.regions)
        add_region(region, view.nvdimm_poison, poison_);
    std::sort(poison_.begin(), poison_.end(),
              [](const SpaRange& a, const SpaRange& b) { return a.begin < b.begin; });
}

std::string Encounters::of(std::size_t event) const {
    const Action& action = view_.scenario.events[event].action;
    if (const auto* access = std::get_if<AccessEvent>(&action)) return of_access(*access, event);
    if (const auto* bio = std::get_if<BioEvent>(&action)) return of_bio(*bio, event);
    return {};
}

std::string Encounters::of_access(const AccessEvent& access, std::size_t event) const {
    const auto found = accesses_.find(static_cast<std::uint32_t>(event));
    if (found == accesses_.end()) return {};
    const kernel::AccessRecord& a = *found->second;
    const bool write =
        access.kind == AccessKind::store || access.kind == AccessKind::store_full_line;
    if (a.met_poison) {
        const auto met = met_.find(static_cast<std::uint32_t>(event));
        return ": it met the poison of SPA " + hex(met == met_.end() ? a.spa : met->second);
    }
    if (a.reached && write) return ": it wrote SPA " + hex(a.spa) + healed(event);
    if (a.reached)
        return ": it read SPA " + hex(a.spa) + ", where no poison was" + nearest_poison(a.spa);
    const auto signal = signals_.find(static_cast<std::uint32_t>(event));
    const std::string where = " VA " + hex(access.va) + " led to memory";
    if (signal == signals_.end()) return ": its process ended before" + where;
    const kernel::SignalRecord& s = *signal->second;
    return ": " + signal_name(s.signo) + " (" + signal_code_name(s.signo, s.code) +
           ") ended it before" + where;
}

std::string Encounters::of_bio(const BioEvent& bio, std::size_t event) const {
    const auto ret = returned_.find(static_cast<std::uint32_t>(event));
    if (bio.op == BioEvent::Op::discard || ret == returned_.end() || ret->second < 0) return {};
    const bool write = bio.op == BioEvent::Op::write;
    const std::string& id = view_.scenario.machine.namespaces[bio.ns].id;
    const std::string sectors = (write ? ": it wrote " : ": it read ") +
                                std::to_string(bio.sectors) + " sectors of " + id + " from " +
                                std::to_string(bio.sector) + " on";
    if (write) return sectors + healed(event);
    for (const NamespaceConfig& ns : view_.kernel.namespaces) {
        if (ns.id != id) continue;
        try {
            const std::uint64_t spa = resolve_address(
                view_.scenario, "sector:" + ns.device + ":" + std::to_string(bio.sector));
            return sectors + ", SPA " + hex(spa) + ", where no poison was" + nearest_poison(spa);
        } catch (const AddressError&) {  // the device is no longer what the scenario made it
            break;
        }
    }
    return sectors;
}

std::optional<std::uint64_t> Encounters::planted_at(std::size_t event) const {
    const auto* poison = std::get_if<PoisonEvent>(&view_.scenario.events[event].action);
    if (poison == nullptr || poison->memdev >= 0) return std::nullopt;
    if (poison->nvdimm < 0) return poison->address;
    for (const RegionConfig& region : view_.scenario.machine.regions)
        for (std::uint32_t way = 0; way < region.nvdimms.size(); ++way)
            if (static_cast<int>(region.nvdimms[way]) == poison->nvdimm)
                if (const auto spa = region_spa(region, way, poison->address)) return spa;
    return std::nullopt;
}

const char* Encounters::healed(std::size_t event) const {
    return healers_.contains(static_cast<std::uint32_t>(event)) ? ", and healed the poison there"
                                                                : "";
}

std::string Encounters::nearest_poison(std::uint64_t spa) const {
    if (poison_.empty()) return {};
    const auto after = std::partition_point(poison_.begin(), poison_.end(),
                                            [&](const SpaRange& p) { return p.begin <= spa; });
    auto nearest = after;
    if (after != poison_.begin()) {
        const auto before = std::prev(after);
        const std::uint64_t gap = before->end <= spa ? spa - before->end : 0;
        if (after == poison_.end() || gap <= after->begin - spa) nearest = before;
    }
    return "; the nearest lies at SPA " + hex(nearest->begin) + ", " +
           std::to_string(nearest->end - nearest->begin) + " bytes";
}

}  // namespace mcemu::output
