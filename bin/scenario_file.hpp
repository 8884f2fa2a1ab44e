#pragma once  // The scenario argument of a command, with the options that change it.
#include <memory>

#include "options.hpp"
#include "scenario/load.hpp"

namespace mcemu::cli {

/// Adds --profile and --set, which every command that reads one scenario takes.
void add_scenario_options(CommandLine& line);

/// Loads the value of "scenario" with --profile, --set, --seed and --until applied. Prints every
/// finding to stderr; null: there were some, the exit status is 2.
std::shared_ptr<scenario::LoadedScenario> load_scenario(
    const boost::program_options::variables_map& values);

}  // namespace mcemu::cli
