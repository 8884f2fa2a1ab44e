#include "campaign_common.hpp"

#include <unistd.h>

#include <csignal>
#include <iostream>
#include <map>
#include <set>

#include "campaign/progress.hpp"

namespace mcemu::cli {
namespace po = boost::program_options;
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // set in a signal handler

extern "C" void on_campaign_interrupt(int) {
    interrupted = true;
    std::signal(SIGINT, SIG_DFL);  // the second one ends the program at once
    std::signal(SIGTERM, SIG_DFL);
}

[[noreturn]] void tell(const std::vector<scenario::Finding>& findings) {
    for (const scenario::Finding& f : findings) std::cerr << scenario::to_text(f) << "\n";
    throw Told{};
}

}  // namespace

std::shared_ptr<campaign::Plan> load_plan(const std::string& path) {
    if (path != "-" && campaign::is_sqlite(path))
        return open_database(path, campaign::Database::Mode::read).plan;
    campaign::Plan::Result read = campaign::Plan::load(path);
    if (!read.plan) tell(read.findings);
    return read.plan;
}

Opened open_database(const std::string& path, campaign::Database::Mode mode) {
    Opened out;
    out.database = std::make_unique<campaign::Database>(path, mode);
    out.plan = campaign::plan_of(*out.database);
    return out;
}

std::string work_file(const std::string& output) { return output + ".part"; }

void add_pool_options(CommandLine& line) {
    // clang-format off
    line.visible.add_options()
        ("jobs,j", po::value<std::string>()->value_name("N"),
         "worker processes (default: the processors there are)")
        ("time-limit", po::value<std::string>()->default_value("60s")->value_name("TIME"),
         "a run that takes longer in real time is a failure; 0: none")
        ("progress", po::value<std::string>()->default_value("auto")->value_name("WHEN"),
         "how far it is: auto (on a terminal), always or never");
    line.hidden.add_options()
        ("crash-at", po::value<std::string>()->value_name("CELL/RUN"))
        ("hang-at", po::value<std::string>()->value_name("CELL/RUN"));
    // clang-format on
}

namespace {
std::optional<campaign::RunId> run_id(const po::variables_map& values, const char* name) {
    if (!values.count(name)) return std::nullopt;
    const std::string& text = values[name].as<std::string>();
    const auto slash = text.find('/');
    if (slash == std::string::npos) throw UsageError("'" + text + "' is no run: write CELL/RUN");
    return campaign::RunId{parse_number(text.substr(0, slash), "cell"), parse_number(text.substr(slash + 1), "run")};
}
}  // namespace

campaign::PoolOptions pool_options(const po::variables_map& values) {
    campaign::PoolOptions options;
    const long processors = ::sysconf(_SC_NPROCESSORS_ONLN);
    options.jobs = processors > 0 ? static_cast<unsigned>(processors) : 1;
    if (values.count("jobs")) {
        const std::uint64_t jobs = parse_number(values["jobs"].as<std::string>(), "--jobs");
        if (jobs == 0 || jobs > 1024) throw UsageError("--jobs takes 1 to 1024, not " + std::to_string(jobs));
        options.jobs = static_cast<unsigned>(jobs);
    }
    const SimTime limit = parse_time(values["time-limit"].as<std::string>());
    options.time_limit = std::chrono::milliseconds(limit.count() / 1'000'000'000);
    if (options.time_limit.count() == 0 && limit != SimTime::zero()) options.time_limit = std::chrono::milliseconds(1);
    options.crash_at = run_id(values, "crash-at");
    options.hang_at = run_id(values, "hang-at");
    options.interrupt = &interrupted;
    return options;
}

bool progress_wanted(const po::variables_map& values) {
    const std::string& when = values["progress"].as<std::string>();
    if (when == "always") return true;
    if (when == "never") return false;
    if (when != "auto") throw UsageError("--progress takes auto, always or never, not '" + when + "'");
    return ::isatty(STDERR_FILENO);
}

const std::atomic<bool>& interrupt_flag() { return interrupted; }
void catch_interrupts() {
    std::signal(SIGINT, on_campaign_interrupt);
    std::signal(SIGTERM, on_campaign_interrupt);
}

int make_runs(const campaign::Plan& plan, campaign::Schedule& schedule, campaign::Database& database,
              const po::variables_map& values) {
    catch_interrupts();
    campaign::Progress progress(progress_wanted(values), schedule.done());
    campaign::Pool pool(plan, pool_options(values));
    try {
        progress.update(schedule.done(), schedule.planned());
        pool.run(schedule, [&](std::vector<campaign::RunRecord> records) {
            database.add(records);
            progress.update(schedule.done(), schedule.planned());
        });
    } catch (const campaign::BadRun& bad) {
        progress.clear();
        tell(bad.findings);
    }
    return interrupted && !schedule.complete() ? kInterrupted : kDone;
}

void print_summary(const campaign::Plan&, const campaign::Database& database) {
    std::map<std::string, std::uint64_t> classes;
    std::map<std::string, std::uint64_t> failures;
    std::uint64_t runs = 0;
    const auto cursor = database.runs_of();
    while (const campaign::RunRecord* r = cursor->next()) {
        ++runs;
        if (r->failure.empty())
            ++classes[r->of_class];
        else
            ++failures[r->failure];
    }
    std::string text = std::to_string(runs) + (runs == 1 ? " run:" : " runs:");
    const char* separator = " ";
    for (const auto& [name, n] : classes) {
        text += separator + std::to_string(n) + " " + name;
        separator = ", ";
    }
    for (const auto& [why, n] : failures) {
        text += separator + std::to_string(n) + " failed (" + why + ")";
        separator = ", ";
    }
    std::cerr << text << "\n";
}

}  // namespace mcemu::cli
