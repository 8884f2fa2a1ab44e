#include "campaign/worker.hpp"

#include "core/assert.hpp"
#include "output/temporal.hpp"

namespace mcemu::campaign {

std::shared_ptr<CellJob> make_job(const Plan& plan, std::uint64_t cell, std::uint64_t rep) {
    scenario::LoadResult read = plan.load_run(cell, rep);
    if (!read.loaded) return nullptr;
    auto job = std::make_shared<CellJob>();
    job->cell = cell;
    job->loaded = std::move(read.loaded);
    job->observer = std::make_unique<Observer>(plan.campaign(), *job->loaded);
    return job;
}

Worker::Worker(const Plan& plan, const CellJob& job, std::uint64_t first, std::uint64_t end)
    : plan_(plan), job_(job), first_(first), runs_(end - first) {
    if (plan.campaign().draws.empty()) {
        Scenario scenario = job.loaded->scenario;
        scenario.seed = plan.seed(job.cell, first);
        machine_for(scenario, first);
        return;
    }
    for (std::uint64_t rep = first; rep < end; ++rep) {
        Run& run = runs_[rep - first];
        scenario::LoadResult read = plan.load_run(job.cell, rep);
        run.bad = !read.loaded;
        if (run.bad) continue;
        run.machine = machine_for(read.loaded->scenario, rep);
        run.scenario = std::make_unique<Scenario>(std::move(read.loaded->scenario));
    }
}
Worker::~Worker() = default;

std::size_t Worker::machine_for(const Scenario& scenario, std::uint64_t rep) {
    for (std::size_t i = 0; i < machines_.size(); ++i)
        if (sim::same_wires(machines_[i].wires, scenario.machine)) return i;
    sim::RunOptions options;
    options.log_matcher = output::make_log_matcher;
    machines_.push_back({std::make_unique<sim::Simulation>(scenario, options), scenario.machine, rep});
    return machines_.size() - 1;
}

std::optional<RunRecord> Worker::run(std::uint64_t rep) {
    Run& run = runs_[rep - first_];
    if (run.bad) return std::nullopt;
    const Machine& machine = machines_[run.machine];
    if (machine.made_for != rep) {
        if (run.scenario)
            machine.simulation->restart(std::move(*run.scenario));
        else
            machine.simulation->restart(plan_.seed(job_.cell, rep));
    }
    run.scenario.reset();
    machine.simulation->run();
    RunRecord record = job_.observer->observe(machine.simulation->view());
    record.id = {job_.cell, rep};
    return record;
}

}  // namespace mcemu::campaign
