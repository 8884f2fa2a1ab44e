#include "output/measure.hpp"

#include <algorithm>

namespace mcemu::output {

TimedPoint::TimedPoint(const Scenario& scenario, std::string_view what) {
    const auto colon = what.find(':');
    const std::string_view kind = what.substr(0, colon);
    const std::string_view id =
        colon == std::string_view::npos ? std::string_view{} : what.substr(colon + 1);
    const auto event = [&] {
        const auto& events = scenario.events;
        const auto it = std::find_if(events.begin(), events.end(),
                                     [&](const Event& e) { return e.id == id; });
        if (it != events.end()) wanted_ = static_cast<std::uint64_t>(it - events.begin());
    };
    if (kind == "event") {
        kind_ = TraceKind::scenario_event;
        event();
    } else if (kind == "syscall") {
        kind_ = TraceKind::syscall;
        event();
    } else if (kind == "signal") {
        kind_ = TraceKind::signal_delivered;
        process_ = id;
    } else if (kind == "phase") {
        kind_ = TraceKind::phase;
        if (const auto lat = find_latency(id)) wanted_ = static_cast<std::uint64_t>(*lat);
    } else if (what == "panic") {
        kind_ = TraceKind::panic;
    }
}

std::uint32_t TimedPoint::find(const RunView& view, SimTime since) const {
    if (kind_ == TraceKind::count_) return 0;
    // A wanted process by index, once per call: most records are of other kinds.
    std::uint64_t wanted = wanted_;
    if (kind_ == TraceKind::signal_delivered) {
        wanted = ~std::uint64_t{0};
        for (std::uint32_t i = 0; i < view.kernel.processes.size(); ++i)
            if (view.kernel.processes[i].id == process_) wanted = i;
    }
    const Trace& trace = view.trace;
    for (std::uint32_t n = trace.first(); trace.holds(n); ++n) {
        const TraceRecord& r = trace[n];
        if (r.kind != kind_ || r.at < since) continue;
        if (kind_ == TraceKind::panic || (kind_ == TraceKind::phase ? r.a : r.subject) == wanted)
            return n;
    }
    return 0;
}

std::vector<std::pair<std::optional<Lat>, SimTime>> critical_path(const Trace& trace,
                                                                  std::uint32_t to, SimTime begin) {
    std::vector<std::pair<std::optional<Lat>, SimTime>> phases;
    if (!trace.holds(to)) return phases;
    const auto add = [&](std::optional<Lat> which, SimTime time) {
        if (time == SimTime::zero()) return;
        if (!phases.empty() && phases.back().first == which)
            phases.back().second += time;
        else
            phases.emplace_back(which, time);
    };
    // Backwards from the effect: `t` is where the path has been followed to. A phase's record
    // stands at its beginning.
    SimTime t = trace[to].at;
    for (std::uint32_t id = to; id != 0 && trace.holds(id);) {
        const TraceRecord& r = trace[id];
        if (r.at < begin) break;
        if (r.kind == TraceKind::phase) {
            const SimTime end = std::min(t, r.at + SimTime{r.b});
            if (end > r.at) {
                add(std::nullopt, t - end);
                add(static_cast<Lat>(r.a), end - r.at);
                t = r.at;
            }
        }
        if (r.why.cause >= id) break;  // causes are older than their effects
        id = r.why.cause;
    }
    if (t > begin) add(std::nullopt, t - begin);
    std::reverse(phases.begin(), phases.end());
    return phases;
}

std::optional<Measured> measure(const RunView& view, const TimedPoint& from, const TimedPoint& to) {
    const std::uint32_t first = from.find(view, SimTime::zero());
    if (first == 0) return std::nullopt;
    const SimTime begin = view.trace[first].at;
    const std::uint32_t last = to.find(view, begin);
    if (last == 0) return std::nullopt;
    return Measured{begin, view.trace[last].at - begin, critical_path(view.trace, last, begin)};
}

}  // namespace mcemu::output
