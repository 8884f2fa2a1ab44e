// mcemu campaign run, resume and shard: the parts that make runs.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "campaign/cluster.hpp"
#include "campaign/progress.hpp"
#include "campaign/schedule.hpp"
#include "campaign_common.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;
using campaign::Database;

std::string text(const po::variables_map& values, const char* name, const std::string& usage) {
    if (!values.count(name))
        throw UsageError(std::string(name) == "output" ? "-o FILE is needed: mcemu " + usage
                                                       : "something is missing: mcemu " + usage);
    return values[name].as<std::string>();
}

/// Failed runs are the emulator's fault.
int status_of(const Database& database) {
    const auto cursor = database.runs_of();
    while (const campaign::RunRecord* r = cursor->next())
        if (!r->failure.empty()) return kOwnFault;
    return kDone;
}

/// Makes what is missing of the campaign in `work`, and finishes it as `output`.
int go_on(const campaign::Plan& plan, Database& work, const std::string& output, const po::variables_map& values) {
    campaign::Schedule schedule(plan, &work);
    const int status = make_runs(plan, schedule, work, values);
    if (status != kDone) {
        std::cerr << "mcemu: interrupted: " << schedule.done() << " runs are kept in " << work.path()
                  << ": mcemu campaign resume " << output << " goes on\n";
        return status;
    }
    campaign::write_results(output, plan, {&work}, true);
    if (!values.count("quiet")) print_summary(plan, work);
    const int failed = status_of(work);
    fs::remove(work.path());
    return failed;
}

void add_cluster_options(CommandLine& line) {
    // clang-format off
    line.visible.add_options()
        ("on", po::value<std::string>()->value_name("WHAT"),
         "slurm: as a job array, through sbatch; local: on this machine")
        ("submit", po::value<std::string>()->value_name("TEMPLATE"),
         "another scheduler: a shell command that submits an array of {count} tasks, numbered from "
         "1, of {script}; {log} is a file for their output")
        ("submit-option", po::value<std::vector<std::string>>()->value_name("OPTION")->composing(),
         "a further argument of sbatch, e.g. --partition=long (several allowed)")
        ("shards", po::value<std::string>()->value_name("N"), "tasks of the array (default: by --shard-time)")
        ("shard-time", po::value<std::string>()->default_value("30s")->value_name("TIME"),
         "how long a task takes, about")
        ("lost-after", po::value<std::string>()->default_value("1h")->value_name("TIME"),
         "tasks without news for so long are submitted again, with --submit");
    line.hidden.add_options()("poll", po::value<std::string>()->default_value("500ms"));
    // clang-format on
}

bool on_cluster(const po::variables_map& values) {
    const std::string on = values.count("on") ? values["on"].as<std::string>() : "";
    if (!on.empty() && on != "slurm" && on != "local") throw UsageError("--on takes slurm or local, not '" + on + "'");
    if (on == "local" && values.count("submit")) throw UsageError("--on local and --submit exclude each other");
    if (on == "slurm" && values.count("submit")) throw UsageError("--on slurm and --submit exclude each other");
    return on == "slurm" || values.count("submit");
}

std::chrono::milliseconds milliseconds(const po::variables_map& values, const char* name) {
    const SimTime time = parse_time(values[name].as<std::string>());
    return std::chrono::milliseconds(std::max<std::uint64_t>(1, time.count() / 1'000'000'000));
}

campaign::ClusterOptions cluster_options(const po::variables_map& values, const std::string& output) {
    campaign::ClusterOptions options;
    options.program = fs::read_symlink("/proc/self/exe").string();
    options.output = output;
    if (values.count("submit")) options.submit = values["submit"].as<std::string>();
    if (!options.submit.empty() && options.submit.find("{script}") == std::string::npos)
        throw UsageError("--submit names no {script}: as in 'bsub -J \"mcemu[1-{count}]\" -o {log} {script}'");
    if (values.count("submit-option")) options.submit_options = values["submit-option"].as<std::vector<std::string>>();
    if (values.count("shards")) {
        options.shards = parse_number(values["shards"].as<std::string>(), "--shards");
        if (options.shards == 0) throw UsageError("--shards takes 1 or more");
    }
    options.shard_time = milliseconds(values, "shard-time");
    options.lost_after = milliseconds(values, "lost-after");
    options.poll = milliseconds(values, "poll");
    options.interrupt = &interrupt_flag();
    return options;
}

int run_array(const campaign::Plan& plan, const std::string& output, const po::variables_map& values) {
    campaign::ClusterOptions options = cluster_options(values, output);
    catch_interrupts();
    campaign::Progress progress(progress_wanted(values), 0);
    options.progress = [&](std::uint64_t done, std::uint64_t planned) { progress.update(done, planned); };
    try {
        if (!campaign::run_on_cluster(plan, options)) {
            progress.clear();
            std::cerr << "mcemu: interrupted: the shards that are done are kept in " << campaign::shards_folder(output)
                      << ": the same command goes on, and so does mcemu campaign resume " << output << "\n";
            return kInterrupted;
        }
    } catch (const campaign::ClusterError& error) {
        progress.clear();
        std::cerr << "mcemu: " << error.what() << "\n";
        return kOwnFault;
    }
    progress.clear();
    const Database database(output, Database::Mode::read);
    if (!values.count("quiet")) print_summary(plan, database);
    return status_of(database);
}

/// Results of shards that an interrupted job array left become a work file; false: there are none.
bool adopt_shards(const std::string& output) {
    const std::string folder = campaign::shards_folder(output);
    if (!fs::exists(folder)) return false;
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".db" && campaign::is_sqlite(entry.path().string()))
            files.push_back(entry.path().string());
    if (files.empty()) return false;
    std::sort(files.begin(), files.end());
    campaign::merge_files(files, output);
    campaign::remove_shards(output);
    return true;
}

}  // namespace

int campaign_run(const Args& args) {
    CommandLine line{.usage = "campaign run [options] FILE -o OUT.db",
                     .what = "Makes all runs of a campaign. Until they are done they are kept in OUT.db.part,\n"
                             "from which mcemu campaign resume goes on after an interruption."};
    add_pool_options(line);
    // clang-format off
    line.visible.add_options()
        ("output,o", po::value<std::string>()->value_name("FILE"), "the results database")
        ("force", "begin anew though runs of an interrupted campaign are kept")
        ("quiet,q", "no summary");
    // clang-format on
    add_cluster_options(line);
    line.hidden.add_options()("file", po::value<std::string>());
    line.positional.add("file", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    const std::string output = text(*values, "output", line.usage);
    if (output == "-") throw UsageError("a database cannot go to standard output");
    const bool cluster = on_cluster(*values);
    cluster_options(*values, output);
    pool_options(*values);  // bad ones are told before anything is done
    progress_wanted(*values);
    const auto plan = load_plan(text(*values, "file", line.usage));
    if (cluster) return run_array(*plan, output, *values);
    const std::string part = work_file(output);
    if (fs::exists(part) && !values->count("force"))
        throw UsageError(part + " holds runs of a campaign that was interrupted: mcemu campaign resume " + output +
                         " goes on with it, --force begins anew");
    const auto work = Database::create(part, *plan);
    return go_on(*plan, *work, output, *values);
}

int campaign_resume(const Args& args) {
    CommandLine line{.usage = "campaign resume [options] OUT.db",
                     .what = "Makes the runs that an interrupted campaign, or one merged from some of its parts,\n"
                             "still lacks. The result has the bytes that it would have had at once."};
    add_pool_options(line);
    line.visible.add_options()("quiet,q", "no summary");
    line.hidden.add_options()("file", po::value<std::string>());
    line.positional.add("file", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    const std::string output = text(*values, "file", line.usage);
    const std::string part = work_file(output);
    pool_options(*values);
    progress_wanted(*values);
    if (!fs::exists(part)) {
        adopt_shards(output);
        const Opened opened = open_database(output, Database::Mode::read);
        if (opened.database->finished()) {
            if (!values->count("quiet")) print_summary(*opened.plan, *opened.database);
            return status_of(*opened.database);
        }
        // Runs of some parts: they become the beginning of a work file.
        const auto work = Database::create(part, *opened.plan);
        std::vector<campaign::RunRecord> some;
        const auto cursor = opened.database->runs_of();
        while (const campaign::RunRecord* r = cursor->next()) {
            some.push_back(*r);
            if (some.size() < 10'000) continue;
            work->add(some);
            some.clear();
        }
        work->add(some);
        return go_on(*opened.plan, *work, output, *values);
    }
    const Opened opened = open_database(part, Database::Mode::append);
    return go_on(*opened.plan, *opened.database, output, *values);
}

int campaign_shard(const Args& args) {
    CommandLine line{.usage = "campaign shard [options] I/N FILE -o PART.db",
                     .what = "Makes the I-th of N parts (1 to N) of the runs of a campaign; mcemu campaign merge\n"
                             "puts them together. With --after, of the runs that the given database lacks."};
    add_pool_options(line);
    // clang-format off
    line.visible.add_options()
        ("output,o", po::value<std::string>()->value_name("FILE"), "the part's database")
        ("after", po::value<std::string>()->value_name("DB"), "runs that were made before")
        ("quiet,q", "no summary");
    // clang-format on
    line.hidden.add_options()("shard", po::value<std::string>())("file", po::value<std::string>());
    line.positional.add("shard", 1).add("file", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    const std::string shard = text(*values, "shard", line.usage);
    const auto slash = shard.find('/');
    if (slash == std::string::npos) throw UsageError("'" + shard + "' is no part: write I/N, as in 3/10");
    const std::uint64_t index = parse_number(shard.substr(0, slash), "part");
    const std::uint64_t count = parse_number(shard.substr(slash + 1), "number of parts");
    if (index < 1 || index > count || count > 10'000'000)
        throw UsageError("there is no part " + shard + ": write 1/N to N/N");
    const std::string output = text(*values, "output", line.usage);
    if (output == "-") throw UsageError("a database cannot go to standard output");
    const auto plan = load_plan(text(*values, "file", line.usage));
    Opened before;
    if (values->count("after")) {
        before = open_database((*values)["after"].as<std::string>(), Database::Mode::read);
        if (before.plan->files() != plan->files())
            throw UsageError(before.database->path() + ": it is of another campaign");
    }
    campaign::Schedule schedule(*plan, before.database.get());
    schedule.keep_shard(index, count);
    // A name of its own: the same part may be made twice at a time, when a scheduler believes a
    // node lost that still works. Whoever is done renames its file into place; both are the same.
    char host[256] = "host";
    ::gethostname(host, sizeof host - 1);
    const std::string temporary = output + "." + host + "." + std::to_string(::getpid()) + ".part";
    struct Remover {
        const std::string& name;
        ~Remover() {
            std::error_code ignored;
            fs::remove(name, ignored);
            fs::remove(name + "-journal", ignored);
        }
    } remover{temporary};
    const auto work = Database::create(temporary, *plan);
    const int status = make_runs(*plan, schedule, *work, *values);
    if (status != kDone) {
        std::cerr << "mcemu: interrupted: nothing is kept of part " << shard << "\n";
        return status;
    }
    campaign::write_results(output, *plan, {work.get()}, false);
    if (!values->count("quiet")) print_summary(*plan, *work);
    return status_of(*work);
}

}  // namespace mcemu::cli
