#include "output/evidence.hpp"

#include <algorithm>

#include "output/class_reason.hpp"
#include "output/match.hpp"
#include "output/measure.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

using When = std::optional<SimTime>;

When from_member(const Json& entry) {
    const auto t = entry.find("t_ns");
    if (t == entry.end() || !t->is_number_unsigned()) return std::nullopt;
    return from_ns(t->get<std::uint64_t>());
}

When time_of(const RunView& view, std::uint32_t id) {
    return id != 0 && view.trace.holds(id) ? When(view.trace[id].at) : std::nullopt;
}

/// The last record for which `wanted` holds.
template <class F>
When last_time(const RunView& view, F wanted) {
    When last;
    view.trace.for_each([&](const TraceRecord& r) {
        if (wanted(r)) last = r.at;
    });
    return last;
}

/// What a record adds to a counter.
std::int64_t change_of(std::string_view counter, const TraceRecord& r) {
    const auto is = [&](TraceKind kind) { return r.kind == kind ? 1 : 0; };
    if (counter == "num_poisoned_pages" || counter == "HardwareCorrupted_kB") {
        if (r.kind != TraceKind::page_flag || r.b != kernel::PG_hwpoison) return 0;
        return (r.c != 0 ? 1 : -1) * (counter == "num_poisoned_pages" ? 1 : 4);
    }
    if (counter == "machine_checks") return is(TraceKind::mc_taken);
    if (counter == "cmci") return is(TraceKind::cmci);
    if (counter == "polls") return is(TraceKind::poll);
    if (counter == "records" || counter == "records_lost") {
        if (r.kind == TraceKind::mce_record) return counter == "records" ? 1 : 0;
        if (r.kind != TraceKind::mce_dropped) return 0;
        const auto why = static_cast<DropReason>(r.c);
        if (counter == "records_lost") return why == DropReason::pool_full ? 1 : 0;
        return why == DropReason::pool_full || why == DropReason::filtered ? -1 : 0;
    }
    if (counter == "memory_failures") return is(TraceKind::memory_failure);
    if (counter == "signals") return is(TraceKind::signal_sent);
    if (counter == "tlb_flushes") return is(TraceKind::tlb_flush);
    if (counter == "cache_flushes") return is(TraceKind::cache_flush);
    if (counter == "oopses") return is(TraceKind::oops);
    return 0;
}

/// When the counter last left the wanted value. nullopt: it never had it, or the records do not
/// add up to what the kernel counted.
When counter_left(const RunView& view, const std::string& counter, const Json& wanted,
                  const Json& got) {
    const auto want = as_number(wanted), came = as_number(got);
    if (!want || !came) return std::nullopt;
    std::int64_t value = 0;
    When left;
    view.trace.for_each([&](const TraceRecord& r) {
        const std::int64_t change = change_of(counter, r);
        if (change == 0) return;
        if (value == static_cast<std::int64_t>(*want)) left = r.at;
        value += change;
    });
    return value == static_cast<std::int64_t>(*came) ? left : std::nullopt;
}

When log_time(const Finding& finding, const Json& log) {
    for (std::size_t i = 0; finding.got.is_string() && i < log.size(); ++i)
        if (log[i]["text"] == finding.got) return from_member(log[i]);
    return std::nullopt;
}

/// Index of the event of that id; the number of events when there is none.
std::size_t event_index(const RunView& view, const std::string& id) {
    std::size_t i = 0;
    while (i < view.scenario.events.size() && view.scenario.events[i].id != id) ++i;
    return i;
}

When fate_time(const RunView& view, const std::string& id) {
    const std::size_t i = event_index(view, id);
    if (i == view.scenario.events.size() || i >= view.event_ran.size() || !view.event_ran[i])
        return std::nullopt;
    const EventFate& fate = view.fates[i];
    // What is latent was as wanted when it was planted: only the end shows that nobody met it.
    if (fate.fate == Fate::latent) return std::nullopt;
    if (const When t = time_of(view, fate.cause)) return t;
    return view.event_times[i];
}

/// The first return of the event's system call that is the value that came.
When syscall_time(const RunView& view, const std::string& id, const Finding& finding,
                  const std::vector<std::string>& steps) {
    const std::size_t event = event_index(view, id);
    if (finding.got.is_null()) return std::nullopt;  // another number of calls: seen at the end
    When found;
    std::size_t n = 0;
    view.trace.for_each([&](const TraceRecord& r) {
        if (r.kind != TraceKind::syscall || r.subject != event) return;
        const auto ret = static_cast<std::int64_t>(r.a);
        const std::string name(ret < 0 ? errno_name(static_cast<int>(-ret)) : "");
        const bool same = name.empty() ? Json(ret) == finding.got
                                       : finding.got == name || finding.got == "-" + name;
        // A list says which call it is about.
        const bool here = steps.size() > 3 ? steps[3] == std::to_string(n) : same;
        if (here && !found) found = r.at;
        ++n;
    });
    return found;
}

/// Signals: the one at that index, or the one that must not occur.
When signal_time(const Finding& finding, const Json& signals, const std::vector<std::string>& steps) {
    if (finding.got.is_object())
        if (const When t = from_member(finding.got)) return t;
    for (std::size_t i = 0; i < signals.size(); ++i)
        if (steps[2] == std::to_string(i)) return from_member(signals[i]);
    return std::nullopt;
}

When process_time(const RunView& view, const std::string& id) {
    for (std::uint32_t i = 0; i < view.kernel.processes.size(); ++i)
        if (view.kernel.processes[i].id == id)
            return last_time(view, [&](const TraceRecord& r) {
                return r.kind == TraceKind::process_state && r.subject == i;
            });
    return std::nullopt;
}

When page_time(const RunView& view, const Json& page) {
    const auto pfn = as_number(page);
    if (!pfn) return std::nullopt;
    return last_time(view, [&](const TraceRecord& r) {
        return r.kind == TraceKind::page_flag && r.a == *pfn;
    });
}

/// The name that an item goes by: the key of an object, or the member `key` of an item of a list.
Json name_of(const nlohmann::json& all, const std::vector<std::string>& steps, const char* key) {
    if (all.is_object()) return Json(steps[2]);
    for (std::size_t i = 0; all.is_array() && i < all.size(); ++i)
        if (steps[2] == std::to_string(i) && all[i].is_object() && all[i].contains(key))
            return Json(all[i][key]);
    return nullptr;
}

When latency_time(const RunView& view, const Finding& finding) {
    if (!finding.wanted.is_object()) return std::nullopt;
    const auto found = measure(view, TimedPoint(view.scenario, finding.wanted.value("from", "")),
                               TimedPoint(view.scenario, finding.wanted.value("to", "")));
    return found ? When(found->begin + found->time) : std::nullopt;
}

When temporal_time(const Finding& finding) {
    const Json& near = finding.nearest;
    // Of two that both came, the second was too early or too late. One that never came is missed at
    // the end only.
    const char* member = near.is_object() && near.contains("first_ns") && near.contains("second_ns")
                             ? "second_ns"
                             : "t_ns";
    if (!near.is_object() || !near.contains(member) || !near[member].is_number_unsigned())
        return std::nullopt;
    return from_ns(near[member].get<std::uint64_t>());
}

When end_of_machine(const RunView& view) {
    return last_time(view, [](const TraceRecord& r) {
        return r.kind == TraceKind::panic || r.kind == TraceKind::shutdown;
    });
}

}  // namespace

std::vector<std::string> pointer_steps(std::string_view pointer) {
    std::vector<std::string> steps;
    while (!pointer.empty()) {
        pointer.remove_prefix(1);
        const std::size_t end = std::min(pointer.find('/'), pointer.size());
        std::string step;
        for (std::size_t i = 0; i < end; ++i) {
            const bool escape = pointer[i] == '~' && i + 1 < end;
            if (escape) ++i;
            step.push_back(escape ? (pointer[i] == '1' ? '/' : '~') : pointer[i]);
        }
        steps.push_back(std::move(step));
        pointer.remove_prefix(end);
    }
    return steps;
}

std::optional<SimTime> evidence_of(const RunView& view, const nlohmann::json& expect,
                                   const Json& result, const Finding& finding, bool late) {
    const std::vector<std::string> steps = pointer_steps(finding.at);
    if (steps.size() < 2) return std::nullopt;
    const std::string& key = steps[1];
    if (key == "outcome" || key == "panic") return end_of_machine(view);
    if (key == "class") return time_of(view, class_record(view, late));
    if (key == "log" || key == "no_log") return log_time(finding, result["log"]);
    if (key == "latency") return latency_time(view, finding);
    if (key == "temporal") return temporal_time(finding);
    if (steps.size() < 3) return std::nullopt;
    if (key == "counters") return counter_left(view, steps[2], finding.wanted, finding.got);
    if (key == "syscalls") return syscall_time(view, steps[2], finding, steps);
    if (key == "signals") return signal_time(finding, result["signals"], steps);
    const auto named = [&](const char* member) {
        return expect.is_object() && expect.contains(key) ? name_of(expect[key], steps, member)
                                                          : Json(nullptr);
    };
    if (key == "pages") return page_time(view, named("pfn"));
    if (key == "fates" || key == "processes") {
        const Json id = named("id");
        if (!id.is_string()) return std::nullopt;
        return key == "fates" ? fate_time(view, id.get<std::string>())
                              : process_time(view, id.get<std::string>());
    }
    return std::nullopt;
}

std::vector<const Json*> failures_in_order(
    const Json& result, const std::function<std::uint64_t(const std::string&)>& rank) {
    struct One {
        std::uint64_t t_ns, rank;
        const Json* finding;
    };
    std::vector<One> failed;
    for (const Json& finding : result["expect"]) {
        if (finding["ok"].get<bool>()) continue;
        const auto t = finding.find("t_ns");
        failed.push_back({t == finding.end() ? ~std::uint64_t{0} : t->get<std::uint64_t>(),
                          rank ? rank(finding["at"].get<std::string>()) : 0, &finding});
    }
    std::stable_sort(failed.begin(), failed.end(), [](const One& a, const One& b) {
        return a.t_ns != b.t_ns ? a.t_ns < b.t_ns : a.rank < b.rank;
    });
    std::vector<const Json*> out;
    for (const One& one : failed) out.push_back(one.finding);
    return out;
}

}  // namespace mcemu::output
