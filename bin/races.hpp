#pragma once  // `--explore`, `--schedule`: the orders that nature leaves open, on the command line.
#include <optional>
#include <string>

#include "compare/explore.hpp"
#include "options.hpp"

namespace mcemu::cli {

/// Adds --explore, --window, --explore-seed and --explore-runs.
void add_explore_options(CommandLine& line);
/// What they say; nullopt without --explore. Throws UsageError (also for one of the others without
/// --explore).
std::optional<compare::ExploreOptions> explore_options(
    const boost::program_options::variables_map& values);

/// The schedule of `--schedule S`. Throws UsageError.
compare::Schedule schedule_of(const std::string& text);

/// How many outcomes, then each with the order and the command that replays it. `file`: what the
/// command names.
std::string exploration_text(const compare::Exploration& found, const std::string& file);
nlohmann::ordered_json exploration_json(const compare::Exploration& found);

}  // namespace mcemu::cli
