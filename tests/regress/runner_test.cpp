// Many outcomes: in order, each once, whatever the workers do.
#include "regress/runner.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>

#include "regress/folder.hpp"
#include "regress/task.hpp"

namespace mcemu::regress {
namespace {

using namespace std::chrono_literals;

/// Outcomes as "NAME:STATUS".
struct Heard : Listener {
    std::vector<std::string> lines;
    std::vector<Outcome> outcomes;
    void outcome(const Job& job, const Outcome& o) override {
        std::string cell;
        for (const std::string& word : scenario::cell_words(job.cell)) cell += word + ":";
        lines.push_back(cell + std::string(word(o.status)));
        outcomes.push_back(o);
    }
};

/// A matrix of n = 0 .. size - 1.
std::string matrix_of(const Folder& folder, int size) {
    std::string values;
    for (int i = 0; i < size; ++i) values += (i ? ", " : "") + std::to_string(i);
    return folder.write("m.json", scenario_text("m", R"("params": {"n": 0}, "matrix": {"n": [)" + values + "]}, "));
}

/// Runs that do what `body` says.
auto doing(std::function<Outcome(const Task&)> body) {
    struct Made : Prepared {
        Made(std::function<Outcome(const Task&)> b, Task t) : body(std::move(b)), task(std::move(t)) {}
        Outcome finish() override { return body(task); }
        std::function<Outcome(const Task&)> body;
        Task task;
    };
    return [body = std::move(body)](const Task& task) -> std::unique_ptr<Prepared> {
        return std::make_unique<Made>(body, task);
    };
}

int n_of(const Task& task) { return task.overrides.params.at(0).second.get<int>(); }

Heard run(const std::string& path, RunnerOptions options) {
    Source source({.paths = {path}});
    Runner runner(source, std::move(options));
    Heard heard;
    const std::atomic<bool> interrupt = false;
    runner.run({&heard}, interrupt);
    return heard;
}

TEST_CASE("outcomes come in the order of input, whatever the workers", "[regress][runner]") {
    Folder folder;
    const std::string path = matrix_of(folder, 30);
    RunnerOptions options;
    options.prepare = doing([](const Task& task) {
        ::usleep(static_cast<useconds_t>((n_of(task) * 7919) % 5000));
        Outcome o;
        o.seed = static_cast<std::uint64_t>(n_of(task));
        return o;
    });
    for (const unsigned jobs : {1u, 2u, 7u}) {
        options.jobs = jobs;
        const Heard heard = run(path, options);
        REQUIRE(heard.outcomes.size() == 30);
        for (std::size_t i = 0; i < 30; ++i) CHECK(heard.outcomes[i].seed == i);
    }
}

TEST_CASE("one that dies, one that hangs and one that throws are a failure each", "[regress][runner]") {
    Folder folder;
    RunnerOptions options;
    options.jobs = 3;
    options.limit = 300ms;
    options.prepare = doing([](const Task& task) -> Outcome {
        if (n_of(task) == 1) ::kill(::getpid(), SIGSEGV);
        if (n_of(task) == 2)
            while (true) ::pause();
        if (n_of(task) == 3) throw std::runtime_error("thrown");
        return {};
    });
    const Heard heard = run(matrix_of(folder, 5), options);
    CHECK(heard.lines == std::vector<std::string>{"n=0:ok", "n=1:crashed", "n=2:time limit",
                                                  "n=3:crashed", "n=4:ok"});
    CHECK(heard.outcomes[1].wrong.at(0) == "its worker died of SIGSEGV (Segmentation fault)");
    CHECK(heard.outcomes[2].wrong.at(0) == "it ran for longer than the time limit of 300 ms");
    CHECK(heard.outcomes[3].wrong.at(0) == "its worker ended with status 70 and no answer");
    CHECK(heard.outcomes[3].wrong.at(1) == "thrown");
}

TEST_CASE("one that dies behind others of its process costs none of them", "[regress][runner]") {
    Folder folder;
    RunnerOptions options;
    options.jobs = 1;
    options.limit = 2s;
    options.prepare = doing([](const Task& task) -> Outcome {
        const int n = n_of(task);
        if (n == 77) ::kill(::getpid(), SIGKILL);
        if (n == 88)
            while (true) ::pause();
        if (n == 99) throw std::runtime_error("thrown");
        Outcome o;
        o.seed = static_cast<std::uint64_t>(n);
        if (n == 55) o.status = Status::failed;
        return o;
    });
    const Heard heard = run(matrix_of(folder, 120), options);
    REQUIRE(heard.outcomes.size() == 120);
    for (std::size_t i = 0; i < 120; ++i) {
        INFO(i);
        const Status wanted = i == 55   ? Status::failed
                              : i == 88 ? Status::timed_out
                              : i == 77 || i == 99 ? Status::crashed
                                                   : Status::ok;
        CHECK(heard.outcomes[i].status == wanted);
        if (wanted == Status::ok) CHECK(heard.outcomes[i].seed == i);
    }
    CHECK(heard.outcomes[77].wrong.at(0) == "its worker died of SIGKILL (Killed)");
    CHECK(heard.outcomes[99].wrong.at(1) == "thrown");
}

TEST_CASE("what a process leaves behind for the next run is found out", "[regress][runner]") {
    Folder folder;
    RunnerOptions options;
    options.jobs = 1;
    options.prepare = doing([](const Task& task) {
        static int runs = 0;
        Outcome o;
        const int n = n_of(task);
        // The first of a process is good: a failure that is not the scenario's own.
        if (++runs > 1 && n == 20) o.status = Status::failed;
        if (n == 50) o.end_ns = static_cast<std::uint64_t>(runs);  // every hundredth is run again
        return o;
    });
    const Heard heard = run(matrix_of(folder, 70), options);
    for (std::size_t i = 0; i < 70; ++i) {
        INFO(i);
        CHECK(heard.outcomes[i].status == (i == 20 || i == 50 ? Status::broken : Status::ok));
    }
    CHECK(heard.outcomes[20].wrong.at(0) ==
          "the emulator is at fault: it came out otherwise in a process that had run others before "
          "(failed, and ok alone)");
}

TEST_CASE("a process that takes longer than was thought gives back what it has not begun",
          "[regress][runner]") {
    Folder folder;
    RunnerOptions options;
    options.jobs = 4;
    options.prepare = doing([](const Task& task) {
        if (n_of(task) >= 40) ::usleep(60'000);  // and none of them waits for all the others
        Outcome o;
        o.records = static_cast<std::uint64_t>(::getpid());
        return o;
    });
    const Heard heard = run(matrix_of(folder, 56), options);
    REQUIRE(heard.outcomes.size() == 56);
    std::map<std::uint64_t, int> slow;
    for (std::size_t i = 40; i < 56; ++i) ++slow[heard.outcomes[i].records];
    CHECK(slow.size() >= 8);
    for (const auto& [pid, runs] : slow) CHECK(runs <= 2);
}

TEST_CASE("cells of a matrix share a text, not a tree", "[regress][runner]") {
    Folder folder;
    const std::string path = folder.write(
        "m.json",
        R"({"schema": "mcemu/scenario/1", "name": "m", "params": {"n": 0, "word": "running"},
            "matrix": {"n": [3, 5, 7, 9, 11, 13, 15, 17], "word": ["running", "panic"]}, "seed": "${n}",
            "events": [{"at": "1ms", "do": "hwpoison_pfn", "pfn": "0x100"}],
            "expect": {"outcome": "${word}"}})");
    RunnerOptions options;
    options.jobs = 1;
    const Heard heard = run(path, options);
    REQUIRE(heard.outcomes.size() == 16);
    for (std::size_t i = 0; i < 16; ++i) {
        CHECK(heard.outcomes[i].status == (i % 2 ? Status::failed : Status::ok));
        CHECK(heard.outcomes[i].seed == 3 + 2 * (i / 2));
    }
    // A matrix that is wrong is so for each cell.
    const std::string wrong = folder.write(
        "w.json", scenario_text("w", R"("params": {"n": 0}, "matrix": {"n": [1, 2, 3], "m": [1]}, )"));
    CHECK(run(wrong, options).lines ==
          std::vector<std::string>{"n=1:m=1:invalid", "n=2:m=1:invalid", "n=3:m=1:invalid"});
}

TEST_CASE("twice tells other bytes the second time, and where", "[regress][runner]") {
    Folder folder;
    RunnerOptions options;
    options.jobs = 2;
    options.twice = true;
    options.prepare = doing([](const Task& task) {
        Outcome o;
        o.log_text = "same\n" + std::to_string(n_of(task) == 1 ? ::getpid() : 0) + "\n";
        Crc64 crc;
        crc.add(o.log_text);
        o.digest.log = crc.value();
        return o;
    });
    const Heard heard = run(matrix_of(folder, 3), options);
    CHECK(heard.lines == std::vector<std::string>{"n=0:ok", "n=1:differs", "n=2:ok"});
    CHECK(heard.outcomes[1].wrong.at(0).starts_with("the second run gave another kernel log: line 2: '"));
}

TEST_CASE("fail-fast ends with the first in order that is not ok", "[regress][runner]") {
    Folder folder;
    RunnerOptions options;
    options.fail_fast = true;
    options.prepare = doing([](const Task& task) {
        if (n_of(task) == 2) ::usleep(50'000);  // a later failure is known before it
        Outcome o;
        if (n_of(task) >= 2) o.status = Status::failed;
        return o;
    });
    for (const unsigned jobs : {1u, 4u}) {
        options.jobs = jobs;
        CHECK(run(matrix_of(folder, 9), options).lines ==
              std::vector<std::string>{"n=0:ok", "n=1:ok", "n=2:failed"});
    }
}

TEST_CASE("what is known is not run again", "[regress][runner]") {
    Folder folder;
    Source source({.paths = {matrix_of(folder, 6)}});
    RunnerOptions options;
    options.jobs = 2;
    options.prepare = doing([](const Task& task) {
        Outcome o;
        if (n_of(task) < 4) o.status = Status::failed;  // must not be asked
        return o;
    });
    Runner runner(source, options);
    runner.known = [](const Job& job) -> std::optional<Outcome> {
        if (job.number >= 4) return std::nullopt;
        Outcome o;
        o.stored = true;
        return o;
    };
    Heard heard;
    const std::atomic<bool> interrupt = false;
    runner.run({&heard}, interrupt);
    CHECK(heard.lines.size() == 6);
    CHECK(runner.totals().not_ok() == 0);
}

TEST_CASE("an interruption keeps what had ended", "[regress][runner]") {
    Folder folder;
    Source source({.paths = {matrix_of(folder, 5)}});
    RunnerOptions options;
    options.jobs = 1;
    options.prepare = doing([](const Task& task) -> Outcome {
        if (n_of(task) == 2)
            while (true) ::pause();
        return {};
    });
    std::atomic<bool> interrupt = false;
    Runner runner(source, options);
    runner.progress = [&](const Totals& totals, const auto&) { interrupt = totals.all() == 2; };
    Heard heard;
    runner.run({&heard}, interrupt);
    CHECK(runner.interrupted());
    CHECK(heard.lines == std::vector<std::string>{"n=0:ok", "n=1:ok"});
}

TEST_CASE("a scenario is run and judged", "[regress][runner]") {
    Folder folder;
    const std::string good = folder.write("good.json", scenario_text("g", R"("expect": {"outcome": "running"}, )"));
    const std::string bad = folder.write("bad.json", scenario_text("b", R"("expect": {"outcome": "panic"}, )"));
    const std::string wrong = folder.write("wrong.json", scenario_text("w", R"("colour": 1, )"));
    CHECK(run(good, {}).lines == std::vector<std::string>{"ok"});
    const Heard heard = run(bad, {});
    REQUIRE(heard.lines == std::vector<std::string>{"failed"});
    CHECK(heard.outcomes[0].wrong.at(0).find("/expect/outcome: wanted \"panic\", got \"running\"") !=
          std::string::npos);
    CHECK(heard.outcomes[0].divergence.starts_with("at the end, "));
    CHECK(run(wrong, {}).lines == std::vector<std::string>{"invalid"});
}

}  // namespace
}  // namespace mcemu::regress
