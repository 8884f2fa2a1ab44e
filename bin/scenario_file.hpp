#pragma once  // The scenario argument of a command, with the options that change it.
#include <memory>

#include "options.hpp"
#include "scenario/load.hpp"

namespace mcemu::cli {

/// Adds --profile, --set, --unset and --matrix, which every command that reads one scenario takes.
void add_scenario_options(CommandLine& line);
/// Whether one of them is given.
bool changes_scenario(const boost::program_options::variables_map& values);

/// Loads the value of "scenario" with these options, --seed and --until applied. Prints every
/// finding to stderr; null: there were some, the exit status is 2.
std::shared_ptr<scenario::LoadedScenario> load_scenario(
    const boost::program_options::variables_map& values);

/// The same for a file that was read before: standard input has no second time.
std::shared_ptr<scenario::LoadedScenario> load_scenario_text(
    const boost::program_options::variables_map& values, const std::string& path,
    const scenario::ReadText& text);

/// As load_scenario(), for those who ask about the machine and the maps alone: findings elsewhere
/// are printed and do not count. Null: findings are in the way, which is said.
std::shared_ptr<scenario::LoadedScenario> load_machine(
    const boost::program_options::variables_map& values);

/// A scenario, or the result of a run.
struct ScenarioOrResult {
    std::shared_ptr<scenario::LoadedScenario> scenario;  ///< null: it is a result
    nlohmann::json result;
};
/// As load_scenario(), for commands that take a result too. Nullopt after findings.
std::optional<ScenarioOrResult> load_scenario_or_result(
    const boost::program_options::variables_map& values);

}  // namespace mcemu::cli
