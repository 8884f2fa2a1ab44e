#pragma once  // One run: a scenario in, a record out, in a process of its own.
#include <memory>
#include <optional>
#include <vector>

#include "campaign/observe.hpp"
#include "campaign/plan.hpp"
#include "campaign/record.hpp"
#include "sim/run.hpp"

namespace mcemu::campaign {

/// What all runs of a cell share: read and checked once, before the processes part.
struct CellJob {
    std::uint64_t cell = 0;
    /// The scenario of the cell's run 0. Runs differ from it by their seed, and by what is drawn.
    std::shared_ptr<scenario::LoadedScenario> loaded;
    std::unique_ptr<Observer> observer;
};

/// Null when the scenario has findings: Plan::explain() tells them.
std::shared_ptr<CellJob> make_job(const Plan& plan, std::uint64_t cell, std::uint64_t rep);

/// Makes some runs of one cell, one after the other in one SystemC simulation: a machine goes back to
/// its beginning between its runs. Scenarios with other wires need machines of their own, which are
/// all elaborated at first. SystemC has one kernel per process: so one Worker, too.
class Worker {
public:
    /// For runs [first, end). Throws InvariantError.
    Worker(const Plan& plan, const CellJob& job, std::uint64_t first, std::uint64_t end);
    ~Worker();
    /// Each once, rising. Nullopt when what was drawn makes its scenario a bad one. Throws
    /// InvariantError.
    std::optional<RunRecord> run(std::uint64_t rep);

private:
    struct Machine {
        std::unique_ptr<sim::Simulation> simulation;
        MachineConfig wires;  ///< as it was elaborated
        std::uint64_t made_for = 0;
    };
    struct Run {
        std::size_t machine = 0;
        std::unique_ptr<Scenario> scenario;  ///< null: that of the cell, or a bad one
        bool bad = false;
    };
    std::size_t machine_for(const Scenario& scenario, std::uint64_t rep);

    const Plan& plan_;
    const CellJob& job_;
    const std::uint64_t first_;
    std::vector<Machine> machines_;
    std::vector<Run> runs_;
};

}  // namespace mcemu::campaign
