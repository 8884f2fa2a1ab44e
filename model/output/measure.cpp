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
    return view.trace.find_first([&](const TraceRecord& r) {
        return r.kind == kind_ && r.at >= since &&
               (kind_ == TraceKind::panic || (kind_ == TraceKind::phase ? r.a : r.subject) == wanted);
    });
}

namespace {

constexpr std::uint32_t kUnknown = ~std::uint32_t{0};

/// A piece of the path. No Lat: nothing on the chain of causes says what it was spent on.
struct Piece {
    std::optional<Lat> which;
    SimTime begin, end;
    std::uint32_t cpu;  // of the phase; of a gap: of the phase behind it, or else before it
};

/// The phases on the chain of causes that leads to `to`, from `begin` on, oldest first.
std::vector<const TraceRecord*> phases_of_chain(const Trace& trace, std::uint32_t to, SimTime begin) {
    std::vector<const TraceRecord*> phases;
    for (std::uint32_t id = to; id != 0 && trace.holds(id);) {
        const TraceRecord& r = trace[id];
        if (r.at < begin) break;
        if (r.kind == TraceKind::phase && r.b != 0) phases.push_back(&r);
        if (r.why.cause >= id) break;  // causes are older than their effects
        id = r.why.cause;
    }
    std::reverse(phases.begin(), phases.end());
    return phases;
}

/// The same with the gaps between them, in the order of time. A phase's record stands at its
/// beginning, and the next phase ends it; several of one moment were announced one after the
/// other, and each waits for the one before it.
std::vector<Piece> pieces_of_chain(const Trace& trace, std::uint32_t to, SimTime begin) {
    const std::vector<const TraceRecord*> phases = phases_of_chain(trace, to, begin);
    const SimTime end = trace[to].at;
    std::vector<Piece> pieces;
    SimTime now = begin;
    for (std::size_t i = 0; i < phases.size(); ++i) {
        const TraceRecord& r = *phases[i];
        SimTime until = end;
        for (std::size_t k = i + 1; k < phases.size() && until == end; ++k)
            if (phases[k]->at > r.at) until = phases[k]->at;
        const SimTime from = std::max(now, r.at);
        until = std::min({until, end, from + SimTime{r.b}});
        if (until <= from) continue;
        if (from > now) pieces.push_back({std::nullopt, now, from, kUnknown});
        pieces.push_back({static_cast<Lat>(r.a), from, until, r.subject});
        now = until;
    }
    if (now < end) pieces.push_back({std::nullopt, now, end, kUnknown});
    std::uint32_t cpu = kUnknown;
    for (auto p = pieces.rbegin(); p != pieces.rend(); ++p) {
        if (p->which)
            cpu = p->cpu;
        else
            p->cpu = cpu;
    }
    for (Piece& p : pieces) {
        if (p.cpu == kUnknown) p.cpu = cpu;
        cpu = p.cpu;
    }
    return pieces;
}

/// The first record that is not before `begin`: records are in the order of time.
std::uint32_t first_at(const Trace& trace, SimTime begin) {
    std::uint32_t low = trace.first(), high = trace.count() + 1;
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (trace[middle].at < begin)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
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
    for (const Piece& p : pieces_of_chain(trace, to, begin)) {
        if (p.which || p.cpu == kUnknown) {
            add(p.which, p.end - p.begin);
            continue;
        }
        // A gap is what the same CPU did meanwhile, and had done at its end: a signal waits until
        // its process leaves the kernel.
        SimTime t = p.begin, announced{};
        bool any = false;
        for (std::uint32_t n = first_at(trace, p.begin); n < to && trace[n].at < p.end; ++n) {
            const TraceRecord& r = trace[n];
            if (r.kind != TraceKind::phase || r.subject != p.cpu || r.b == 0) continue;
            const bool waits = any && r.at == announced;  // for the phase announced before it
            if (r.at < t && !waits) continue;
            const SimTime from = std::max(t, r.at), end = from + SimTime{r.b};
            if (end > p.end) continue;
            add(std::nullopt, from - t);
            add(static_cast<Lat>(r.a), end - from);
            t = end;
            announced = r.at;
            any = true;
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
