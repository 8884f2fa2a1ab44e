#pragma once  // One scenario, emulated once. SystemC has one kernel per process for all of them.
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/agenda.hpp"
#include "core/event.hpp"
#include "core/pmem/image.hpp"
#include "core/run_view.hpp"

namespace mcemu::sim {

/// What changes in the middle of a run: the world as it would have gone on (`mcemu whatif`).
struct Change {
    SimTime at{};
    /// Events of the scenario that exist from then on only, by index.
    std::vector<std::uint32_t> new_events;
    KernelConfig kernel;  ///< members that can change while a kernel runs: see sim/change.cpp
    std::vector<std::pair<Lat, Distribution>> latency;  ///< those that are drawn otherwise
    std::vector<PoisonEvent> media;                     ///< errors planted or healed
};

/// Whether a line of the log is the one that a condition wants.
using LogMatcher = std::function<bool(const kernel::LogRecord&)>;
using MakeLogMatcher = LogMatcher (*)(const Condition&, ProfileId, const Names&);

struct RunOptions {
    /// Trace records kept (48 bytes each); the newest when there are more. 0: none.
    std::size_t trace_capacity = std::size_t{1} << 22;
    /// Log records kept, the oldest; 0: all.
    std::size_t log_capacity = 0;
    /// Handle what nothing else in SystemC waits for inside one activation (temporal decoupling).
    /// The result does not depend on it.
    bool run_ahead = true;
    /// Looks at the kernel stub's invariants after everything that happens, and at the end. A
    /// broken one ends the run: run() throws. The result is the same; needs a trace.
    bool check_invariants = false;
    /// Boot on NVDIMMs that hold this; null: on those of the scenario. It must fit the scenario's
    /// machine, and need not outlive the constructor's call. The image's poison and stuck units
    /// take the place of the scenario's.
    const NvdimmImage* start_from = nullptr;
    /// Decides the order of what is due within `window` of the earliest (see Agenda::choose_by).
    AgendaChooser* chooser = nullptr;
    SimTime window{};
    /// Takes effect at its time; null: nothing changes. Outlives the run.
    const Change* change = nullptr;
    /// Called before every entry of the agenda, with its time, for those who watch (`mcemu debug`).
    /// The run does not go on before it returns; the result is the same.
    std::function<void(SimTime next)> before_each{};
    /// Matches lines of the log for conditions (output::make_log_matcher). A scenario whose
    /// conditions ask for lines needs it: without it the constructor throws.
    MakeLogMatcher log_matcher = nullptr;
    /// Ends the run early when it becomes true; the view is then marked interrupted.
    const std::atomic<bool>* interrupt = nullptr;
};

/// Whether one machine can run both scenarios, one after the other: the same memory devices, of the
/// same sizes at the same addresses. All else may differ.
bool same_wires(const MachineConfig& a, const MachineConfig& b);

/// The emulated machine with its kernel, elaborated from a scenario. A process may elaborate
/// several before the first of them runs, and then run one after the other: each begins at its own
/// time 0, and nothing of one is seen by another. SystemC takes no further machines once one has
/// run. Throws InvariantError when the emulator itself is at fault.
class Simulation {
public:
    Simulation(Scenario scenario, RunOptions options);
    ~Simulation();
    /// Back to the beginning, with a scenario of the same wires (see same_wires()) and the same
    /// options, which must ask for no image and no change. It then runs as a new one would.
    void restart(Scenario scenario);
    /// The same with the scenario that it has, under another seed.
    void restart(std::uint64_t seed);
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    /// Runs until nothing more can happen, the machine is dead, or scenario.until.
    /// Throws InvariantError when a checked invariant does not hold.
    void run();
    /// What the run left behind. References live as long as this object.
    RunView view() const;
    /// What the NVDIMMs keep when the machine goes off now.
    NvdimmImage image() const;

private:
    struct Platform;
    std::unique_ptr<Platform> platform_;
};

}  // namespace mcemu::sim
