#include "output/causes.hpp"

#include <algorithm>

#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {

std::string Causes::event_id(std::uint32_t index) const {
    const auto& events = view_.scenario.events;
    return index < events.size() ? events[index].id : "event " + std::to_string(index);
}

std::string Causes::process_id(std::uint32_t index) const {
    const auto& processes = view_.kernel.processes;
    return index < processes.size() ? processes[index].id : "process " + std::to_string(index);
}

std::vector<std::uint32_t> Causes::chain(std::uint32_t id) const {
    std::vector<std::uint32_t> ids;
    const std::uint32_t origin = view_.trace.holds(id) ? view_.trace[id].why.origin : 0;
    while (id != 0 && view_.trace.holds(id)) {
        ids.push_back(id);
        const TraceRecord& r = view_.trace[id];
        // A trigger may chain one event to another: the story of an effect begins at its own.
        if (r.kind == TraceKind::scenario_event && r.subject + 1 == origin) break;
        if (r.why.cause >= id) break;  // causes are older than their effects
        id = r.why.cause;
    }
    std::reverse(ids.begin(), ids.end());
    return ids;
}

std::uint32_t Causes::root(const std::vector<std::uint32_t>& chain) const {
    if (chain.empty()) return 0;
    const TraceRecord& first = view_.trace[chain.front()];
    return first.kind == TraceKind::scenario_event ? first.subject + 1 : 0;
}

std::string Causes::describe(std::uint32_t id) const {
    if (!view_.trace.holds(id)) return "record " + std::to_string(id);
    const TraceRecord& r = view_.trace[id];
    const auto cpu = [&] { return " of CPU " + std::to_string(r.subject); };
    const auto on_cpu = [&] { return " on CPU " + std::to_string(r.subject); };
    switch (r.kind) {
        case TraceKind::scenario_event:
            return event_id(r.subject) + " (" +
                   std::string(r.subject < view_.scenario.events.size()
                                   ? word(view_.scenario.events[r.subject].action)
                                   : "?") +
                   ")";
        case TraceKind::access:
            return std::string(word(static_cast<AccessKind>(r.c & 0xff))) + " of " + hex(r.a) +
                   on_cpu();
        case TraceKind::poison_planted:
            return std::to_string(r.b) + " bytes of poison planted at " + hex(r.a);
        case TraceKind::poison_cleared:
            return "poison cleared at " + hex(r.a) + "+" + hex(r.b);
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
            return "bank " + std::to_string(r.a) + cpu() + " not logged";
        case TraceKind::memory_failure:
            return "memory_failure(" + hex(r.a) + ")";
        case TraceKind::memory_failure_end: {
            const auto rc = static_cast<std::int64_t>(r.b);
            const std::string_view name = errno_name(static_cast<int>(-rc));
            return "memory_failure(" + hex(r.a) + ") = " +
                   (rc < 0 && !name.empty() ? "-" + std::string(name) : std::to_string(rc));
        }
        case TraceKind::page_flag: {
            const auto name = page_flag_name(static_cast<std::uint32_t>(r.b));
            return std::string(r.c ? "PG_" : "no PG_") + std::string(name) + " on " + hex(r.a);
        }
        case TraceKind::signal_sent:
        case TraceKind::signal_delivered:
            return signal_name(static_cast<int>(r.a & 0xff)) +
                   (r.kind == TraceKind::signal_sent ? " for " : " delivered to ") +
                   process_id(r.subject);
        case TraceKind::process_state:
            return process_id(r.subject) + " " +
                   std::string(word(static_cast<kernel::ProcessState>(r.a)));
        case TraceKind::bio:
            return "block I/O at sector " + std::to_string(r.a);
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
        default:
            return std::string(word(r.kind));
    }
}

std::string Causes::story(std::uint32_t id) const {
    constexpr std::size_t kMost = 7;  // as many steps as a reader takes in at a glance
    std::vector<std::uint32_t> ids = chain(id);
    std::erase_if(ids, [&](std::uint32_t i) {
        const TraceKind k = view_.trace[i].kind;
        return k == TraceKind::phase || k == TraceKind::log_line || k == TraceKind::lock_wait ||
               k == TraceKind::bank_cleared || k == TraceKind::tlb_flush ||
               k == TraceKind::cache_flush;
    });
    std::string out;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!out.empty()) out += " -> ";
        if (ids.size() > kMost && i == 3) {
            out += "... -> ";
            i = ids.size() - 3;
        }
        out += describe(ids[i]);
    }
    return out;
}

}  // namespace mcemu::output
