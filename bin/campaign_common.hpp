#pragma once  // What the parts of `mcemu campaign` share.
#include <atomic>
#include <memory>
#include <string>

#include "campaign/database.hpp"
#include "campaign/plan.hpp"
#include "campaign/pool.hpp"
#include "options.hpp"

namespace mcemu::cli {

/// The bad input was told already; the exit status is 2.
struct Told {};

/// The plan of a campaign file, or of a database that holds one. Prints findings and throws Told.
std::shared_ptr<campaign::Plan> load_plan(const std::string& path);

/// Opens a database and the plan in it. Throws UsageError with what is wrong.
struct Opened {
    std::unique_ptr<campaign::Database> database;
    std::shared_ptr<campaign::Plan> plan;
};
Opened open_database(const std::string& path, campaign::Database::Mode mode);

/// The work file beside a results file, which holds runs until the campaign is finished.
std::string work_file(const std::string& output);

/// -j, --time-limit and --progress.
void add_pool_options(CommandLine& line);
campaign::PoolOptions pool_options(const boost::program_options::variables_map& values);
bool progress_wanted(const boost::program_options::variables_map& values);

/// Makes what the schedule holds, into `database`. 0, or kInterrupted. Throws Told.
int make_runs(const campaign::Plan& plan, campaign::Schedule& schedule, campaign::Database& database,
              const boost::program_options::variables_map& values);

/// "1,000 runs: 990 recovered, 10 panic": what a campaign came to, on standard error.
void print_summary(const campaign::Plan& plan, const campaign::Database& database);

/// What ends a campaign early: set by SIGINT and SIGTERM once catch_interrupts() was called.
const std::atomic<bool>& interrupt_flag();
void catch_interrupts();

// One function per word after `mcemu campaign`.
int campaign_plan(const Args& args);
int campaign_run(const Args& args);
int campaign_resume(const Args& args);
int campaign_shard(const Args& args);
int campaign_merge(const Args& args);
int campaign_status(const Args& args);
int campaign_report(const Args& args);

}  // namespace mcemu::cli
