#include "output/trace_lanes.hpp"

#include <algorithm>

#include "core/latency.hpp"
#include "output/text.hpp"

namespace mcemu::output {
namespace {

Lane of_kind(const TraceRecord& r) {
    using G = LaneGroup;
    const auto cpu = [&] { return Lane{G::cpu, r.subject}; };
    const auto kernel = [](KernelLane lane) {
        return Lane{G::kernel, static_cast<std::uint64_t>(lane)};
    };
    switch (r.kind) {
        case TraceKind::scenario_event:
            return {G::scenario, 0};
        case TraceKind::access:
        case TraceKind::speculation:
        case TraceKind::register_held:
        case TraceKind::mc_raised:
        case TraceKind::mc_taken:
        case TraceKind::shutdown:
        case TraceKind::cmci:
        case TraceKind::poll:
        case TraceKind::phase:
        case TraceKind::mce_record:
        case TraceKind::mce_dropped:
        case TraceKind::tlb_flush:
        case TraceKind::cache_flush:
            return cpu();
        case TraceKind::bank_logged:
        case TraceKind::bank_overwritten:
        case TraceKind::bank_kept:
        case TraceKind::bank_cleared:
            return {G::bank, std::uint64_t{r.subject} << 32 | (r.a & 0xffffffff)};
        case TraceKind::worker:
        case TraceKind::notifier:
            return {G::worker, 0};
        case TraceKind::page_unmapped:
        case TraceKind::page_mapped:
        case TraceKind::signal_sent:
        case TraceKind::signal_delivered:
        case TraceKind::process_state:
        case TraceKind::endless_restart:
            return {G::process, r.subject};
        case TraceKind::oops:
            if (r.subject == ~std::uint32_t{0}) return kernel(KernelLane::other);
            return {G::process, r.subject};
        case TraceKind::memory_failure:
        case TraceKind::memory_failure_end:
        case TraceKind::page_flag:
        case TraceKind::direct_map:
            return {G::page, r.a};
        case TraceKind::poison_planted:
        case TraceKind::poison_cleared:
        case TraceKind::poison_read:
        case TraceKind::dsm:
        case TraceKind::cxl_command:
        case TraceKind::ars:
        case TraceKind::nfit_notify: {
            const bool own = r.module == Module::dram || r.module == Module::memdev;
            const Module where = own ? r.module : Module::nvdimm;
            return {G::memory, std::uint64_t{static_cast<std::uint16_t>(where)} << 32 | r.subject};
        }
        case TraceKind::log_line:
        case TraceKind::panic:
            return kernel(KernelLane::log);
        case TraceKind::badrange_added:
        case TraceKind::badrange_forgotten:
        case TraceKind::badblocks_set:
        case TraceKind::badblocks_cleared:
        case TraceKind::bio:
            return kernel(KernelLane::nvdimm_driver);
        case TraceKind::memtype_reserved:
        case TraceKind::memtype_freed:
        case TraceKind::memtype_conflict:
        case TraceKind::direct_map_split:
            return kernel(KernelLane::memory_types);
        default:
            return kernel(KernelLane::other);
    }
}

/// Done by the worker whoever caused it: a record in the pool remembers its exception, not the
/// worker that took it out.
bool only_worker(const TraceRecord& r) {
    if (r.kind == TraceKind::worker || r.kind == TraceKind::notifier) return true;
    return r.kind == TraceKind::phase && (r.a == static_cast<std::uint64_t>(Lat::kernel_notifier) ||
                                          r.a == static_cast<std::uint64_t>(Lat::kernel_mce_work));
}

/// Begins an activity of its own, whatever set it off.
bool leaves_worker(const TraceRecord& r) {
    return r.kind == TraceKind::scenario_event || r.kind == TraceKind::signal_delivered ||
           r.kind == TraceKind::access || r.kind == TraceKind::mc_raised;
}

}  // namespace

std::string_view word(LaneGroup group) {
    constexpr std::string_view kWords[] = {"scenario",  "CPUs",  "banks",  "worker",
                                           "processes", "pages", "memory", "kernel"};
    return kWords[static_cast<std::size_t>(group)];
}

std::string lane_name(Lane lane, const TraceNames& names) {
    const auto low = static_cast<std::uint32_t>(lane.number);
    switch (lane.group) {
        case LaneGroup::scenario:
            return "events";
        case LaneGroup::cpu:
            return "CPU " + std::to_string(lane.number);
        case LaneGroup::bank:
            return "CPU " + std::to_string(lane.number >> 32) + " bank " + std::to_string(low);
        case LaneGroup::worker:
            return "worker";
        case LaneGroup::process:
            return names.process(lane.number);
        case LaneGroup::page:
            return "page " + hex(lane.number);
        case LaneGroup::memory:
            return names.device(static_cast<Module>(lane.number >> 32), low);
        default: {
            constexpr const char* kKernel[] = {"log", "NVDIMM driver", "memory types", "other"};
            return kKernel[std::min<std::uint64_t>(lane.number, 3)];
        }
    }
}

Lane LaneFinder::lane(std::uint32_t id, const TraceRecord& r) {
    if (past_.empty()) past_.resize(kWindow);
    const Past* cause = past(r.why.cause);
    Past now{id, only_worker(r) || (cause && cause->worker && !leaves_worker(r)), r.at, r.at};
    if (r.kind == TraceKind::phase) {
        // Phases of one moment are announced one after the other: the second waits for the first.
        const bool chained = cause && cause->at == r.at && cause->end > r.at;
        now.end = (chained ? cause->end : r.at) + SimTime{r.b};
    }
    Lane lane = of_kind(r);
    if (now.worker && lane.group == LaneGroup::cpu) lane = {LaneGroup::worker, 0};
    past_[id % kWindow] = now;
    return lane;
}

}  // namespace mcemu::output
