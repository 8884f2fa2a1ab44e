#include "output/trace_names.hpp"

#include <memory>

#include "output/dmesg.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

/// "-EBUSY", or the number.
std::string returned(std::int64_t value) {
    const std::string_view name = value < 0 ? errno_name(static_cast<int>(-value)) : "";
    return name.empty() ? std::to_string(value) : "-" + std::string(name);
}

/// Attributes as TraceKind::direct_map packs them: "WB", "UC-"; "NP": not present.
std::string map_type(std::uint64_t packed) {
    if ((packed >> 8 & 1) == 0) return "NP";
    return std::string(short_word(static_cast<kernel::CacheMode>(packed & 0xff)));
}

std::string dropped(DropReason why, const std::string& bank) {
    switch (why) {
        case DropReason::left_in_bank: return bank + " left to a poll";
        case DropReason::not_enabled: return bank + " not logged: not enabled";
        case DropReason::dont_log: return bank + " cleared without a record (dont_log_ce, nobootlog)";
        case DropReason::bank_cleared: return bank + " cleared unread";
        case DropReason::filtered: return "record of " + bank + " filtered";
        case DropReason::pool_full: return "record of " + bank + " lost: the pool is full";
        case DropReason::count_: break;
    }
    return bank + " not logged";
}

/// An address in the media: of a module its own, of DRAM the system's.
std::string place_of(const TraceRecord& r, const TraceNames& names) {
    if (r.module == Module::dram) return hex(r.a);
    return names.device(r.module, r.subject) + " " + hex(r.a);
}

std::string named(const std::vector<std::string>& names, std::uint64_t index, const char* what) {
    return index < names.size() ? names[index] : what + std::to_string(index);
}

}  // namespace

std::string TraceNames::event(std::uint64_t index) const { return named(events, index, "event "); }
std::string TraceNames::action(std::uint64_t index) const {
    return index < actions.size() ? actions[index] : "?";
}
std::string TraceNames::process(std::uint64_t index) const {
    return named(processes, index, "process ");
}
std::string TraceNames::device(Module module, std::uint32_t index) const {
    if (index == ~std::uint32_t{0}) return "root";
    if (module == Module::memdev) return named(memdevs, index, "memdev ");
    return module == Module::dram ? named(drams, index, "dram ") : named(nvdimms, index, "nvdimm ");
}

TraceNames names_of(const RunView& view) {
    TraceNames names;
    for (const Event& e : view.scenario.events) {
        names.events.push_back(e.id);
        names.actions.emplace_back(word(e.action));
    }
    for (std::uint32_t i = 0; i < view.kernel.processes.size(); ++i)
        names.processes.push_back(view.kernel.processes[i].id);
    for (const DramConfig& d : view.scenario.machine.memory) names.drams.push_back(d.id);
    for (const NvdimmConfig& n : view.scenario.machine.nvdimms) names.nvdimms.push_back(n.id);
    for (const MemdevConfig& m : view.scenario.machine.memdevs) names.memdevs.push_back(m.id);
    const auto dmesg = std::make_shared<Dmesg>(view.scenario.kernel.profile, view.names);
    names.log_text = [&view, dmesg](std::string& out, std::uint64_t index) {
        const auto& log = view.kernel.log.records();
        if (index < log.size()) dmesg->append_text(out, log[index]);
    };
    return names;
}

std::string describe(const TraceRecord& r, const TraceNames& names) {
    const auto cpu = [&] { return " of CPU " + std::to_string(r.subject); };
    const auto on_cpu = [&] { return " on CPU " + std::to_string(r.subject); };
    switch (r.kind) {
        case TraceKind::scenario_event:
            return names.event(r.subject) + " (" + names.action(r.subject) + ")";
        case TraceKind::access:
            // Without a page there is no physical address to tell.
            if (r.a == 0 && r.b != 0)
                return std::string(word(static_cast<AccessKind>(r.c & 0xff))) + " of " + hex(r.b) +
                       on_cpu() + ": no page is mapped there";
            return std::string(word(static_cast<AccessKind>(r.c & 0xff))) + " of " + hex(r.a) +
                   on_cpu();
        case TraceKind::poison_planted:
            return std::to_string(r.b) + " bytes of poison planted at " + place_of(r, names);
        case TraceKind::poison_cleared:
            return "poison cleared at " + place_of(r, names) + "+" + hex(r.b);
        case TraceKind::poison_read:
            return "poison read at " + hex(r.a);
        case TraceKind::bank_logged:
            return "bank " + std::to_string(r.a) + cpu() + " latched " + hex(r.b);
        case TraceKind::bank_overwritten:
            return "bank " + std::to_string(r.a) + cpu() + " lost " + hex(r.b);
        case TraceKind::bank_kept:
            return "bank " + std::to_string(r.a) + cpu() + " kept " + hex(r.b);
        case TraceKind::bank_cleared:
            return "bank " + std::to_string(r.a) + cpu() + " cleared";
        case TraceKind::cmci:
            return "CMCI" + on_cpu();
        case TraceKind::mc_raised:
            return std::string(r.a ? "#MC broadcast by CPU " : "local #MC of CPU ") +
                   std::to_string(r.subject);
        case TraceKind::mc_taken:
            return r.a == 1 ? "#MC taken by CPU " + std::to_string(r.subject)
                            : "#MC taken by " + std::to_string(r.a) + " CPUs";
        case TraceKind::shutdown:
            return "shutdown" + cpu();
        case TraceKind::speculation:
            return "speculative read of " + hex(r.b) + on_cpu();
        case TraceKind::phase:
            return std::string(latency_info(static_cast<Lat>(r.a)).name) + " for " +
                   human_time(SimTime{r.b});
        case TraceKind::mce_record:
            return "record of bank " + std::to_string(r.a) + cpu() + " (" + hex(r.b) + ")";
        case TraceKind::mce_dropped:
            return dropped(static_cast<DropReason>(r.c), "bank " + std::to_string(r.a) + cpu());
        case TraceKind::memory_failure:
            return "memory_failure(" + hex(r.a) + ")";
        case TraceKind::memory_failure_end:
            return "memory_failure(" + hex(r.a) +
                   ") = " + returned(static_cast<std::int64_t>(r.b));
        case TraceKind::page_flag: {
            const auto name = page_flag_name(static_cast<std::uint32_t>(r.b));
            return std::string(r.c ? "PG_" : "no PG_") + std::string(name) + " on " + hex(r.a);
        }
        case TraceKind::signal_sent:
        case TraceKind::signal_delivered:
            return signal_name(static_cast<int>(r.a & 0xff)) +
                   (r.kind == TraceKind::signal_sent ? " for " : " delivered to ") +
                   names.process(r.subject);
        case TraceKind::process_state:
            return names.process(r.subject) + " " +
                   std::string(word(static_cast<kernel::ProcessState>(r.a)));
        case TraceKind::bio:
            return "block I/O at sector " + std::to_string(r.a);
        case TraceKind::cxl_command:
            return "mailbox command of " + names.device(Module::memdev, r.subject);
        case TraceKind::cxl_poison:
            return "listed poison at " + hex(r.a);
        case TraceKind::dma:
            return std::string((r.c >> 8) != 0 ? "DMA write" : "DMA read") + " of " + hex(r.a) +
                   ((r.c & 0xff) == 0 ? "" : " failed");
        case TraceKind::nfit_notify:
            return "NFIT notification " + hex(r.a);
        case TraceKind::ghes:
            return "GHES record";
        case TraceKind::panic:
            return "panic";
        case TraceKind::oops:
            return "oops";
        case TraceKind::worker:
            return "worker" + cpu();
        case TraceKind::notifier:
            return "notifier chain" + on_cpu();
        case TraceKind::poll:
            return "poll" + on_cpu();
        case TraceKind::page_unmapped:
            return names.process(r.subject) + " no longer maps " + hex(r.a) + "+" + hex(r.b);
        case TraceKind::page_mapped:
            return names.process(r.subject) + " maps " + hex(r.b) + " at " + hex(r.a);
        case TraceKind::log_line: {
            std::string text;
            if (names.log_text) names.log_text(text, r.subject);
            return text;
        }
        case TraceKind::direct_map:
            return "direct map of " + hex(r.a) + ": " + map_type(r.c) + " to " + map_type(r.b);
        case TraceKind::direct_map_split:
            return "direct map split at " + hex(r.a);
        case TraceKind::tlb_flush:
            return "TLB flush" + on_cpu();
        case TraceKind::cache_flush:
            return "cache flush of " + hex(r.a) + on_cpu();
        case TraceKind::register_held:
            return "CPU " + std::to_string(r.subject) + " holds " + hex(r.a);
        case TraceKind::memtype_reserved:
        case TraceKind::memtype_freed:
            return std::string(cache_mode_name(r.c)) +
                   (r.kind == TraceKind::memtype_reserved ? " reserved" : " freed") + " for " +
                   hex(r.a) + "-" + hex(r.b);
        case TraceKind::badrange_added:
        case TraceKind::badrange_forgotten:
            return "bad range " + hex(r.a) + "+" + hex(r.b) +
                   (r.kind == TraceKind::badrange_added ? " noted" : " forgotten");
        case TraceKind::badblocks_set:
        case TraceKind::badblocks_cleared:
            return "sector " + std::to_string(r.a) + "+" + std::to_string(r.b) +
                   (r.kind == TraceKind::badblocks_set ? " bad" : " good again");
        case TraceKind::syscall:
            return "system call of " + names.event(r.subject) + " = " +
                   returned(static_cast<std::int64_t>(r.a));
        default:
            return std::string(word(r.kind));
    }
}

}  // namespace mcemu::output
