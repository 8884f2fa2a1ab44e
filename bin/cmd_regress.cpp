// mcemu regress: many scenarios, each held against its expectations.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <thread>

#include "options.hpp"
#include "output/atomic_file.hpp"
#include "regress/database.hpp"
#include "regress/junit.hpp"
#include "regress/report.hpp"
#include "regress/runner.hpp"
#include "regress/updater.hpp"
#include "races.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
using regress::Status;

std::atomic<bool> regress_interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // set in a signal handler

extern "C" void on_regress_interrupt(int number) {
    regress_interrupted = true;
    std::signal(number, SIG_DFL);  // the second one ends the program at once
}

CommandLine regress_line() {
    CommandLine line;
    line.usage = "regress [options] PATH...";
    line.what =
        "Runs every scenario of the files and folders named, in parallel, and holds each against\n"
        "its expectations. Folders are searched for *.json, in the order of names; parts that\n"
        "others include, campaigns and the like are passed over. A scenario with a matrix is run\n"
        "once per combination.\n"
        "\n"
        "Exit status: 0 all are as expected; 1 some are not; 2 bad usage, or nothing could be run;\n"
        "3 a worker crashed or the emulator found itself at fault; 4 an output could not be\n"
        "written; 124 all that is wrong is the time limit; 130 interrupted.";
    using Texts = std::vector<std::string>;
    // clang-format off
    line.visible.add_options()
        ("jobs,j", po::value<std::string>()->value_name("N"),
         "workers at a time (default: one per processor)")
        ("filter", po::value<Texts>()->composing()->value_name("GLOB"),
         "only scenarios whose file, name or \"file [cell]\" matches (several: any)")
        ("tag", po::value<Texts>()->composing()->value_name("TAG"),
         "only scenarios with this tag (several: any)")
        ("shard", po::value<std::string>()->value_name("I/N"),
         "only every N-th of those selected, from the I-th on")
        ("time-limit", po::value<std::string>()->default_value("5min")->value_name("T"),
         "wall time that a scenario may take, e.g. 10s; 0: any")
        ("twice", "run each twice: other bytes the second time are a failure")
        ("fail-fast", "end with the first that is not ok")
        ("check-invariants", "look at the emulator's own invariants after everything that happens")
        ("junit", po::value<std::string>()->value_name("FILE"), "write the outcomes as JUnit XML")
        ("db", po::value<std::string>()->value_name("FILE"),
         "add this run to an SQLite database, made when there is none")
        ("label", po::value<std::string>()->default_value("")->value_name("TEXT"),
         "name of this run in the database, e.g. a commit")
        ("resume", "go on with the newest run of --db when that is unfinished")
        ("update", "write what came into the expectations that failed, after showing the difference")
        ("profile", po::value<std::string>()->value_name("NAME"),
         "kernel to emulate instead of the scenarios'")
        ("seed", po::value<std::string>()->value_name("N"), "seed instead of the scenarios'")
        ("set", po::value<Texts>()->composing()->value_name("/POINTER=VALUE"),
         "change a value of every scenario (several allowed)")
        ("unset", po::value<Texts>()->composing()->value_name("/POINTER"),
         "take a key of every scenario away, before --set (several allowed)")
        ("quiet,q", "only what is not ok, and the totals")
        ("color", po::value<std::string>()->default_value("auto")->value_name("WHEN"),
         "auto, always or never");
    // clang-format on
    add_explore_options(line);
    line.hidden.add_options()("path", po::value<Texts>());
    line.positional.add("path", -1);
    return line;
}

template <class T>
T value_or(const po::variables_map& values, const char* name, T otherwise) {
    return values.count(name) ? values[name].as<T>() : otherwise;
}

regress::Selection selection_of(const po::variables_map& values) {
    using Texts = std::vector<std::string>;
    regress::Selection selection;
    selection.paths = values["path"].as<Texts>();
    for (const std::string& path : selection.paths)
        if (path == "-") throw UsageError("regress reads files and folders, not standard input");
    selection.tags = value_or<Texts>(values, "tag", {});
    selection.filters = value_or<Texts>(values, "filter", {});
    if (values.count("shard")) {
        const std::string& text = values["shard"].as<std::string>();
        const std::size_t slash = text.find('/');
        if (slash == std::string::npos)
            throw UsageError("--shard '" + text + "' is not I/N, as in 1/4");
        selection.shard = parse_number(text.substr(0, slash), "the shard");
        selection.shards = parse_number(text.substr(slash + 1), "the number of shards");
        if (selection.shard < 1 || selection.shard > selection.shards)
            throw UsageError("--shard " + text + ": shards are counted from 1 to " +
                             std::to_string(selection.shards));
    }
    return selection;
}

regress::RunnerOptions runner_options(const po::variables_map& values) {
    regress::RunnerOptions options;
    options.jobs = std::max(1u, std::thread::hardware_concurrency());
    if (values.count("jobs")) {
        const std::uint64_t jobs = parse_number(values["jobs"].as<std::string>(), "--jobs");
        if (jobs < 1 || jobs > 4096) throw UsageError("--jobs takes 1 to 4096");
        options.jobs = static_cast<unsigned>(jobs);
    }
    const SimTime limit = parse_time(values["time-limit"].as<std::string>());
    options.limit = std::chrono::nanoseconds(limit.count() / 1000);
    if (limit > SimTime::zero() && options.limit < std::chrono::milliseconds(1))
        throw UsageError("--time-limit is at least 1ms, or 0 for none");
    options.twice = values.count("twice") > 0;
    options.fail_fast = values.count("fail-fast") > 0;
    options.check_invariants = values.count("check-invariants") > 0;
    if (values.count("profile")) options.overrides.profile = values["profile"].as<std::string>();
    if (values.count("seed"))
        options.overrides.seed = parse_number(values["seed"].as<std::string>(), "--seed");
    options.overrides.set = value_or<std::vector<std::string>>(values, "set", {});
    options.overrides.unset = value_or<std::vector<std::string>>(values, "unset", {});
    return options;
}

/// What a run takes, in words: what a resumed run must take too.
std::string selection_words(const po::variables_map& values) {
    std::string out;
    const auto add = [&](std::string_view word) {
        out += (out.empty() ? "" : " ") + regress::shell_word(word);
    };
    for (const char* name : {"filter", "tag", "unset", "set"})
        for (const std::string& value : value_or<std::vector<std::string>>(values, name, {}))
            add("--" + std::string(name)), add(value);
    if (values.count("explore")) add("--explore");
    for (const char* name : {"shard", "profile", "seed", "window", "explore-seed", "explore-runs"})
        if (values.count(name)) add("--" + std::string(name)), add(values[name].as<std::string>());
    for (const std::string& path : values["path"].as<std::vector<std::string>>()) add(path);
    return out;
}

/// Passes outcomes on to files once something was emulated: when nothing can be, the exit status
/// is 2 and no output is touched.
class Held : public regress::Listener {
public:
    std::vector<regress::Listener*> behind;

    void outcome(const regress::Job& job, const regress::Outcome& outcome) override {
        if (!open_ && outcome.status == Status::invalid && held_.size() < kMost) {
            held_.emplace_back(job, outcome);
            return;
        }
        open();
        for (regress::Listener* listener : behind) listener->outcome(job, outcome);
    }
    bool is_open() const { return open_; }

private:
    static constexpr std::size_t kMost = 1000;  // more are no oversight: they are told
    void open() {
        if (std::exchange(open_, true)) return;
        for (const auto& [job, outcome] : held_)
            for (regress::Listener* listener : behind) listener->outcome(job, outcome);
        held_.clear();
    }
    bool open_ = false;
    std::vector<std::pair<regress::Job, regress::Outcome>> held_;
};

/// One line on a terminal that says how far it is; other output takes its place.
class Progress {
public:
    explicit Progress(bool on) : on_(on) {}
    ~Progress() { clear(); }

    void show(const regress::Totals& totals, const std::vector<const regress::Job*>& running) {
        const auto now = std::chrono::steady_clock::now();
        if (!on_ || now - last_ < std::chrono::milliseconds(100)) return;
        last_ = now;
        std::string text = std::to_string(totals.all()) + " done";
        if (totals.not_ok() > 0) text += ", " + std::to_string(totals.not_ok()) + " not ok";
        if (!running.empty()) text += ", running " + running.front()->title();
        if (text.size() > 78) text = text.substr(0, 75) + "...";
        std::cerr << "\r" << text << "\x1b[K" << std::flush;
        shown_ = true;
    }
    void clear() {
        if (shown_) std::cerr << "\r\x1b[K" << std::flush;
        shown_ = false;
    }

private:
    bool on_, shown_ = false;
    std::chrono::steady_clock::time_point last_{};
};

/// Standard output in large pieces, so that a fork never copies a half-full buffer for nothing.
class Lines {
public:
    void write(std::string_view text) {
        buffer_ += text;
        if (live_ || buffer_.size() > 64 * 1024) flush();
    }
    /// Whoever reads a log along sees what is done.
    void tick() {
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < std::chrono::seconds(1)) return;
        last_ = now;
        flush();
    }
    void flush() {
        if (buffer_.empty()) return;
        if (!out_) out_ = std::make_unique<output::AtomicFile>("-");
        out_->write(buffer_);
        out_->commit();
        buffer_.clear();
    }
    bool live() const { return live_; }

private:
    bool live_ = ::isatty(STDOUT_FILENO) != 0;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
    std::string buffer_;
    std::unique_ptr<output::AtomicFile> out_;
};

/// Which scenarios changed since the run before.
void tell_changes(regress::Database& database,
                  const std::function<void(std::string_view)>& write) {
    constexpr std::size_t kMost = 20;
    std::uint64_t total = 0;
    std::int64_t before = 0;
    const std::vector<regress::Change> changes = database.changes(kMost, total, before);
    if (before == 0) return;
    std::string text = "since run " + std::to_string(before) + ": " +
                       (total == 0 ? "nothing changed\n" : std::to_string(total) + " changed\n");
    for (const regress::Change& change : changes)
        text += "  " + change.before + " -> " + change.now + "  " + change.title + "\n";
    if (total > changes.size())
        text += "  ... and " + std::to_string(total - changes.size()) + " more\n";
    write(text);
}

int status_of(const regress::Runner& runner) {
    const regress::Totals& totals = runner.totals();
    if (runner.interrupted()) return kInterrupted;
    if (totals.of(Status::crashed) + totals.of(Status::broken) > 0) return kOwnFault;
    if (totals.not_ok() == 0) return kDone;
    if (totals.of(Status::invalid) == totals.all()) return kUsage;
    return totals.of(Status::timed_out) == totals.not_ok() ? kTimeLimit : kDiffers;
}

}  // namespace

int cmd_regress(const Args& args) {
    const CommandLine line = regress_line();
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("path"))
        throw UsageError("a file or folder is needed: mcemu " + line.usage);
    regress::RunnerOptions options = runner_options(*values);
    const bool colour_asked = (*values)["color"].as<std::string>() == "always";
    const bool colour = colour_wanted((*values)["color"].as<std::string>()) &&
                        (colour_asked || ::isatty(STDOUT_FILENO));
    std::unique_ptr<regress::Source> source;
    try {
        source = std::make_unique<regress::Source>(selection_of(*values));
    } catch (const std::invalid_argument& error) {
        throw UsageError(error.what());
    }

    if (values->count("resume") && !values->count("db"))
        throw UsageError("--resume goes on with a run of a database: add --db FILE");
    options.update = values->count("update") > 0;
    options.explore = explore_options(*values);
    if (options.explore && options.update)
        throw UsageError("--update accepts what one order gives, --explore tries many");
    options.digests = values->count("db") > 0;
    if (!source->any() && source->selected() == 0)  // a shard may be empty
        throw UsageError(source->passed_over() + source->left_out() > 0
                             ? "no scenario is selected"
                             : "there is no scenario in what was named");

    Held files;
    std::unique_ptr<regress::Database> database;
    std::unique_ptr<regress::JUnit> junit;
    try {
        if (values->count("db"))
            database = std::make_unique<regress::Database>(
                (*values)["db"].as<std::string>(), selection_words(*values),
                (*values)["label"].as<std::string>(), values->count("resume") > 0);
        if (values->count("junit"))
            junit = std::make_unique<regress::JUnit>((*values)["junit"].as<std::string>(), options);
    } catch (const regress::DatabaseError& error) {
        throw UsageError(error.what());
    }
    if (database) files.behind.push_back(database.get());
    if (junit) files.behind.push_back(junit.get());

    Progress progress(::isatty(STDERR_FILENO) != 0);
    Lines lines;
    const auto write = [&](std::string_view text) {
        if (lines.live()) progress.clear();
        lines.write(text);
    };
    regress::Table table(
        {.quiet = values->count("quiet") > 0, .colour = colour, .write = write}, options);
    regress::Updater updater(write);
    regress::Runner runner(*source, options);
    runner.progress = [&](const regress::Totals& totals, const auto& running) {
        progress.show(totals, running);
        lines.tick();
    };
    if (database && database->resumed()) {
        std::cerr << "mcemu: going on with run " << database->run() << "\n";
        runner.known = [&](const regress::Job& job) { return database->known(job); };
    }
    // The updater first: what it says of a file, when the next one begins, stands below its rows.
    std::vector<regress::Listener*> listeners;
    if (options.update) listeners.push_back(&updater);
    listeners.insert(listeners.end(), {&table, &files});

    std::signal(SIGINT, on_regress_interrupt);
    std::signal(SIGTERM, on_regress_interrupt);
    try {
        runner.run(listeners, regress_interrupted);
    } catch (const regress::DatabaseError& error) {
        throw UsageError(error.what());
    }
    progress.clear();
    const std::string note =
        runner.interrupted() ? "interrupted: what had ended is kept"
        : runner.cut_short() ? "ended with the first that is not ok (--fail-fast)"
                             : "";
    if (options.update) updater.end();
    table.end(runner.totals(), *source, note);
    if (updater.changed() > 0)
        write("updated: " + std::to_string(updater.changed()) +
              (updater.changed() == 1 ? " file\n" : " files\n"));
    if (files.is_open()) {
        if (database) {
            database->end(runner.totals(), note.empty());
            if (note.empty()) tell_changes(*database, write);
        }
        if (junit) junit->end(note);
    }
    lines.flush();
    const int status = status_of(runner);
    // What was accepted is no longer a failure.
    const bool all_accepted = options.update && status == kDiffers && updater.refused() == 0 &&
                              runner.totals().of(Status::failed) == runner.totals().not_ok();
    return all_accepted ? kDone : status;
}

}  // namespace mcemu::cli
