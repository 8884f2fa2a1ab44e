#include "regress_rate.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "regress/runner.hpp"

namespace mcemu::bench {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Forks a second, two at a time.
double fork_rate(std::uint64_t count) {
    const auto begin = Clock::now();
    std::uint64_t running = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (running == 2) {
            ::wait(nullptr);
            --running;
        }
        const pid_t child = ::fork();
        if (child == 0) ::_exit(0);
        if (child < 0) throw std::runtime_error("no process");
        ++running;
    }
    while (running-- > 0) ::wait(nullptr);
    return static_cast<double>(count) / since(begin);
}

struct Check : regress::Listener {
    std::uint64_t ok = 0;
    void outcome(const regress::Job&, const regress::Outcome& o) override {
        if (o.status == regress::Status::ok && o.met == 2) ++ok;
    }
};

double scenario_rate(const std::string& path, std::uint64_t count) {
    regress::Source source({.paths = {path}});
    regress::RunnerOptions options;
    options.jobs = 2;
    regress::Runner runner(source, options);
    Check check;
    const std::atomic<bool> interrupt = false;
    const auto begin = Clock::now();
    runner.run({&check}, interrupt);
    const double rate = static_cast<double>(count) / since(begin);
    if (check.ok != count) throw std::runtime_error("regress: not every scenario was ok");
    return rate;
}

/// A matrix of `count` soft-offlined pages.
std::string write_matrix(const std::filesystem::path& folder, std::uint64_t count) {
    const std::string path = (folder / "matrix.json").string();
    std::ofstream file(path);
    file << R"({"schema": "mcemu/scenario/1", "name": "small", "params": {"n": 0}, "matrix": {"n": [)";
    for (std::uint64_t i = 0; i < count; ++i) file << (i ? "," : "") << i;
    file << R"(]}, "seed": "${n}", "events": [{"id": "e", "at": "1ms", "do": "hwpoison_pfn", )"
         << R"("pfn": "0x100"}], "expect": {"outcome": "running", "fates": {"e": "filtered"}}})";
    return path;
}

}  // namespace

nlohmann::ordered_json regress_rate(std::uint64_t scenarios, int rounds) {
    std::string name = (std::filesystem::temp_directory_path() / "mcemu-bench-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    std::vector<double> forks, runs;
    try {
        const std::string path = write_matrix(name, scenarios);
        for (int i = 0; i < rounds; ++i) {
            forks.push_back(fork_rate(scenarios));
            runs.push_back(scenario_rate(path, scenarios));
        }
    } catch (...) {
        std::filesystem::remove_all(name);
        throw;
    }
    std::filesystem::remove_all(name);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto spread = [](const std::vector<double>& v) {
        return nlohmann::ordered_json{*std::min_element(v.begin(), v.end()),
                                      *std::max_element(v.begin(), v.end())};
    };
    return {{"name", "regress"},
            {"unit", "scenario"},
            {"results", "as they must be"},
            {"workers", 2},
            {"size", scenarios},
            {"units_per_s", median(runs)},
            {"spread", spread(runs)},
            {"empty_forks_per_s", median(forks)},
            {"empty_forks_spread", spread(forks)},
            {"ratio_to_empty_fork", median(runs) / median(forks)},
            {"parent_peak_bytes", usage.ru_maxrss * 1024}};
}

}  // namespace mcemu::bench
