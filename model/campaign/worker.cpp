#include "campaign/worker.hpp"

#include "core/assert.hpp"
#include "output/temporal.hpp"
#include "sim/run.hpp"

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
    : job_(job), first_(first) {
    for (std::uint64_t rep = first; rep < end; ++rep) machines_.push_back(elaborate(plan, rep));
}
Worker::~Worker() = default;

std::unique_ptr<sim::Simulation> Worker::elaborate(const Plan& plan, std::uint64_t rep) const {
    Scenario scenario;
    if (plan.campaign().draws.empty()) {
        scenario = job_.loaded->scenario;
        scenario.seed = plan.seed(job_.cell, rep);
    } else {
        scenario::LoadResult read = plan.load_run(job_.cell, rep);
        if (!read.loaded) return nullptr;
        scenario = std::move(read.loaded->scenario);
    }
    sim::RunOptions options;
    options.log_matcher = output::make_log_matcher;
    return std::make_unique<sim::Simulation>(std::move(scenario), options);
}

std::optional<RunRecord> Worker::run(std::uint64_t rep) {
    // The machine goes away after its run: what it has gathered is larger than what it began with.
    const std::unique_ptr<sim::Simulation> machine = std::move(machines_[rep - first_]);
    if (!machine) return std::nullopt;
    machine->run();
    RunRecord record = job_.observer->observe(machine->view());
    record.id = {job_.cell, rep};
    return record;
}

}  // namespace mcemu::campaign
