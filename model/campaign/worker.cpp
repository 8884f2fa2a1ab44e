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

Worker::Worker(const Plan& plan, const CellJob& job) : plan_(plan), job_(job) {}
Worker::~Worker() = default;

std::optional<RunRecord> Worker::run(std::uint64_t rep) {
    MCEMU_ASSERT(simulation_ == nullptr, "a second run in one process");
    Scenario scenario;
    if (plan_.campaign().draws.empty()) {
        scenario = job_.loaded->scenario;
        scenario.seed = plan_.seed(job_.cell, rep);
    } else {
        scenario::LoadResult read = plan_.load_run(job_.cell, rep);
        if (!read.loaded) return std::nullopt;
        scenario = std::move(read.loaded->scenario);
    }
    sim::RunOptions options;
    options.log_matcher = output::make_log_matcher;
    simulation_ = std::make_unique<sim::Simulation>(std::move(scenario), options);
    simulation_->run();
    RunRecord record = job_.observer->observe(simulation_->view());
    record.id = {job_.cell, rep};
    return record;
}

}  // namespace mcemu::campaign
