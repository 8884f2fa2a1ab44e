#pragma once  // The same scenario in every order that nature leaves open.
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compare/schedule.hpp"
#include "scenario/load.hpp"
#include "sim/run.hpp"

namespace mcemu::compare {

struct ExploreOptions {
    SimTime window{};                       ///< how far apart in time things may change places
    std::optional<std::uint64_t> seed;      ///< set: orders at random instead of one after the other
    std::size_t runs = 1000;                ///< at most so many
    unsigned limit_s = 60;                  ///< seconds of real time per run, 0 for ever
    sim::RunOptions run{};                  ///< chooser and window are set by explore()
    /// Called after every run with how many there were; false ends the exploration.
    std::function<bool(std::size_t runs)> progress{};
};

/// What came out, and the first order that made it.
struct RaceOutcome {
    Schedule schedule;
    std::vector<std::string> order;  ///< in words, per deviation: "X before Y"
    nlohmann::ordered_json result;   ///< mcemu/result/1
    bool met = true;                 ///< every expectation was
    /// The run had no result: the emulator failed in it, or it took too long. `result` is null.
    std::string error;
    std::size_t runs = 1;            ///< that came out so
};

struct Exploration {
    std::vector<RaceOutcome> outcomes;  ///< in the order of discovery; the first is the order as it stands
    std::size_t runs = 0;
    std::size_t points = 0;  ///< choice points of the order as it stands
    bool complete = false;   ///< every order was tried
    bool met() const;        ///< in every order
};

/// Runs the scenario, in children of this process, first as it stands, then with one choice made
/// otherwise, then with two ... until every order was tried or options.runs is reached; with a seed
/// at random. Outcomes are the same when they differ in times only, those inside records and log lines
/// included (compare/timeless). Deterministic. Throws ChildError when the order as it stands has no
/// result.
Exploration explore(const scenario::LoadedScenario& loaded, const ExploreOptions& options);

/// What must be alike for two runs to have the same outcome: all but times and durations.
nlohmann::ordered_json outcome_of(nlohmann::ordered_json result);

/// What a regression prints or stores: one line per outcome.
std::string summary(const RaceOutcome& outcome);

}  // namespace mcemu::compare
