#include "output/class_reason.hpp"

#include "output/because.hpp"
#include "output/classify.hpp"
#include "output/panic_reason.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

using Basis = Classified::Basis;

/// Of an error that the configuration holds: what the kernel did stands for its fate.
std::string configured(const RunView& view, std::string_view word) {
    const kernel::Counters& c = view.kernel.counters;
    const auto counted = [](std::uint64_t n, const char* what) {
        return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
    };
    if (word == "recovered")
        return "no event injected an error, and there were " +
               counted(c.machine_checks, "machine check") + " and " +
               counted(c.memory_failures, "call") + " of memory_failure()";
    if (word == "corrected")
        return "no event injected an error, and the kernel made " + counted(c.records, "record");
    return "poison of the configuration is still in the media";
}

/// Nothing was injected, or the first of what was filtered.
std::string nothing(const RunView& view, const Causes& causes) {
    for (std::size_t i = 0; i < view.scenario.events.size() && i < view.fates.size(); ++i)
        if (view.fates[i].injects)
            return causes.event_id(static_cast<std::uint32_t>(i)) + ": " + reason(view, causes, i);
    return "no event injects an error";
}

std::string sentence(const RunView& view, const Causes& causes, const Classified& c) {
    switch (c.basis) {
        case Basis::end:
            if (c.word == "panic") return panic_line(view);
            return "a processor shut down";
        case Basis::oops:
            return std::to_string(view.kernel.counters.oopses) +
                   (view.kernel.counters.oopses == 1 ? " oops" : " oopses");
        case Basis::restarts:
            return "machine checks restart an access for ever";
        case Basis::event:
            return causes.event_id(static_cast<std::uint32_t>(c.index)) + ": " +
                   reason(view, causes, static_cast<std::size_t>(c.index));
        case Basis::configured:
            return configured(view, c.word);
        case Basis::process: {
            const auto& process = view.kernel.processes[static_cast<std::uint32_t>(c.index)];
            return process.id + " was killed by " + signal_name(process.killed_by) +
                   ", and neither touched the poison nor had its page mapped";
        }
        case Basis::deadline:
            return "an upper bound of the scenario was missed";
        case Basis::nothing:
            return nothing(view, causes);
    }
    return {};
}

std::uint32_t last_of(const RunView& view, TraceKind kind) {
    std::uint32_t last = 0;
    for (std::uint32_t id = view.trace.first(); view.trace.holds(id); ++id)
        if (view.trace[id].kind == kind) last = id;
    return last;
}

}  // namespace

std::string class_reason(const RunView& view, const Causes& causes, bool late) {
    const Classified c = classified(view, late);
    return std::string(c.word) + ": " + sentence(view, causes, c);
}

std::uint32_t class_record(const RunView& view, bool late) {
    const Classified c = classified(view, late);
    switch (c.basis) {
        case Basis::end:
            return last_of(view, c.word == "panic" ? TraceKind::panic : TraceKind::shutdown);
        case Basis::oops:
            return view.trace.find_first(
                [](const TraceRecord& r) { return r.kind == TraceKind::oops; });
        case Basis::restarts:
            return view.trace.find_first(
                [](const TraceRecord& r) { return r.kind == TraceKind::endless_restart; });
        case Basis::event: {
            const EventFate& fate = view.fates[static_cast<std::size_t>(c.index)];
            // What is latent is so at the end: the record tells of its beginning.
            return fate.fate == Fate::latent || !view.trace.holds(fate.cause) ? 0 : fate.cause;
        }
        case Basis::process:
            return view.trace.find_first([&](const TraceRecord& r) {
                return r.kind == TraceKind::process_state &&
                       r.subject == static_cast<std::uint32_t>(c.index) &&
                       static_cast<kernel::ProcessState>(r.a) == kernel::ProcessState::killed;
            });
        case Basis::configured:
        case Basis::deadline:
        case Basis::nothing:
            return 0;
    }
    return 0;
}

}  // namespace mcemu::output
