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

namespace {

/// A piece of the path. No Lat: nothing on the chain of causes says what it was spent on.
struct Piece {
    std::optional<Lat> which;
    SimTime begin, end;
    std::uint32_t cpu;  // of the phase; of a gap: of the phase behind it, or else before it
};

/// The chain of causes that leads to `to`, as pieces from `begin` on, in the order of time.
std::vector<Piece> pieces_of_chain(const Trace& trace, std::uint32_t to, SimTime begin) {
    constexpr std::uint32_t kUnknown = ~std::uint32_t{0};
    std::vector<Piece> pieces;  // backwards from the effect
    // `t` is where the path has been followed to. A phase's record stands at its beginning.
    SimTime t = trace[to].at;
    for (std::uint32_t id = to; id != 0 && trace.holds(id);) {
        const TraceRecord& r = trace[id];
        if (r.at < begin) break;
        if (r.kind == TraceKind::phase) {
            const SimTime end = std::min(t, r.at + SimTime{r.b});
            if (end > r.at) {
                const std::uint32_t behind = pieces.empty() ? r.subject : pieces.back().cpu;
                if (t > end) pieces.push_back({std::nullopt, end, t, behind});
                pieces.push_back({static_cast<Lat>(r.a), r.at, end, r.subject});
                t = r.at;
            }
        }
        if (r.why.cause >= id) break;  // causes are older than their effects
        id = r.why.cause;
    }
    if (t > begin)
        pieces.push_back({std::nullopt, begin, t, pieces.empty() ? kUnknown : pieces.back().cpu});
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
}

}  // namespace

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
    // A gap is what the same CPU did meanwhile: a signal waits until its process leaves the kernel.
    // The records are in the order of time: one pass serves all gaps.
    std::uint32_t next = trace.first();
    for (const Piece& p : pieces_of_chain(trace, to, begin)) {
        if (p.which) {
            add(p.which, p.end - p.begin);
            continue;
        }
        SimTime t = p.begin;
        for (; trace.holds(next) && trace[next].at < p.end; ++next) {
            const TraceRecord& r = trace[next];
            if (r.kind != TraceKind::phase || r.subject != p.cpu || r.at < t) continue;
            const SimTime end = std::min(p.end, r.at + SimTime{r.b});
            if (end <= r.at) continue;
            add(std::nullopt, r.at - t);
            add(static_cast<Lat>(r.a), end - r.at);
            t = end;
        }
        add(std::nullopt, p.end - t);
    }
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
