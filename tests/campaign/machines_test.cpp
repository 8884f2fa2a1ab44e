#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "output/result.hpp"
#include "output/temporal.hpp"
#include "scenario/load.hpp"
#include "sim/run.hpp"
#include "support/isolated.hpp"

using namespace mcemu;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<sim::Simulation> machine(const std::string& file) {
    sim::RunOptions options;
    options.log_matcher = output::make_log_matcher;
    return std::make_unique<sim::Simulation>(scenario::load_file(file).loaded->scenario, options);
}

/// A number that stands for all that a run leaves behind.
std::size_t left_behind(sim::Simulation& simulation) {
    simulation.run();
    const RunView view = simulation.view();
    std::string out = output::make_result(view).dump();
    for (std::uint32_t n = view.trace.first(); view.trace.holds(n); ++n) {
        const TraceRecord& r = view.trace[n];
        for (const std::uint64_t x :
             {std::uint64_t{r.at.count()}, std::uint64_t{r.why.cause}, std::uint64_t{r.why.origin},
              static_cast<std::uint64_t>(r.kind), static_cast<std::uint64_t>(r.module),
              std::uint64_t{r.subject}, r.a, r.b, r.c})
            out += std::to_string(x) + ' ';
    }
    return std::hash<std::string>{}(out);
}

}  // namespace

TEST_CASE("machines of one process run as each does in a process of its own") {
    std::vector<std::string> files, all;
    for (const auto& entry : fs::recursive_directory_iterator(MCEMU_SOURCE_DIR "/scenarios"))
        if (entry.path().extension() == ".json") all.push_back(entry.path().string());
    std::sort(all.begin(), all.end());
    // Every third of the shipped scenarios; machines of many CPUs say no more than small ones.
    std::size_t scenarios = 0;
    for (const std::string& file : all) {
        const auto read = scenario::load_file(file);
        if (!read.loaded || read.loaded->scenario.events.empty()) continue;
        if (read.loaded->scenario.machine.cpus.count() > 64 || scenarios++ % 3 != 0) continue;
        files.push_back(file);
    }
    CHECK(files.size() > 60);
    // One machine that goes from one scenario to the next, where the wires allow it.
    const auto restarted = test::isolated([&] {
        std::vector<Scenario> scenarios;
        std::vector<std::unique_ptr<sim::Simulation>> machines;
        std::vector<std::size_t> machine_of;
        sim::RunOptions options;
        options.log_matcher = output::make_log_matcher;
        for (const std::string& file : files) {
            scenarios.push_back(scenario::load_file(file).loaded->scenario);
            std::size_t i = 0;
            while (i < machine_of.size() &&
                   !sim::same_wires(scenarios[i].machine, scenarios.back().machine))
                ++i;
            machine_of.push_back(i < machine_of.size() ? machine_of[i] : machines.size());
            if (machine_of.back() == machines.size())
                machines.push_back(std::make_unique<sim::Simulation>(scenarios.back(), options));
        }
        nlohmann::json out = nlohmann::json::array();
        std::vector<bool> used(machines.size());
        for (std::size_t i = 0; i < files.size(); ++i) {
            sim::Simulation& m = *machines[machine_of[i]];
            if (used[machine_of[i]]) m.restart(scenarios[i]);
            used[machine_of[i]] = true;
            out.push_back(left_behind(m));
        }
        out.push_back(machines.size());
        return out;
    });
    CHECK(restarted.back() < files.size() * 2 / 3);  // many did go from one to the next
    const auto together = test::isolated([&] {
        std::vector<std::unique_ptr<sim::Simulation>> machines;
        for (const std::string& file : files) machines.push_back(machine(file));
        nlohmann::json out = nlohmann::json::array();
        for (auto& m : machines) {
            out.push_back(left_behind(*m));
            m.reset();
        }
        return out;
    });
    REQUIRE(together.size() == files.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
        INFO(files[i]);
        const auto alone = test::isolated([&] { return nlohmann::json(left_behind(*machine(files[i]))); });
        CHECK(together[i] == alone);
        CHECK(restarted[i] == alone);
    }
}
