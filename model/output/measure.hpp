#pragma once  // How long it took from one thing to another, and what the time was spent on.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/latency.hpp"
#include "core/run_view.hpp"

namespace mcemu::output {

/// A thing that happens in a run and can be timed:
/// "event:ID"       the event of that id is performed
/// "signal:PROCESS" a signal is delivered to the process
/// "syscall:EVENT"  the system call that the event made returns
/// "phase:NAME"     that timing parameter begins to be spent
/// "panic"
class TimedPoint {
public:
    /// `what` as above; what is none of these never happens.
    TimedPoint(const Scenario& scenario, std::string_view what);
    /// Id of the first trace record of it that is not before `since`; 0: there is none.
    std::uint32_t find(const RunView& view, SimTime since) const;

private:
    TraceKind kind_ = TraceKind::count_;
    std::uint64_t wanted_ = ~std::uint64_t{0};  // event index, or Lat
    std::string process_;                       // by name: fork makes further ones
};

/// What a breakdown calls time on the path outside any phase.
inline constexpr std::string_view kWaiting = "waiting";

/// A duration and the time of each phase on its critical path, in the order of the path.
struct Measured {
    SimTime begin{}, time{};
    /// The phases sum up to `time`. No Lat: time on the path in which neither the chain of causes nor
    /// its CPU spent a phase: waiting for a lock, a worker, another CPU, memory or a trigger.
    std::vector<std::pair<std::optional<Lat>, SimTime>> phases;
};

/// From the first `from` to the first `to` that is not before it; nullopt when either is missing.
/// The critical path is the chain of causes that leads to `to`, cut off at `from`.
std::optional<Measured> measure(const RunView& view, const TimedPoint& from, const TimedPoint& to);

/// The phases on the chain of causes that leads to record `to`, from `begin` on. Where the chain
/// only waits, what the same CPU did meanwhile set the time, and counts.
std::vector<std::pair<std::optional<Lat>, SimTime>> critical_path(const Trace& trace,
                                                                  std::uint32_t to, SimTime begin);

}  // namespace mcemu::output
