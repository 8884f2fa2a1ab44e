#pragma once  // What the source's kernel said, as an expectation of what the emulated one says.
#include <nlohmann/json.hpp>
#include <vector>

#include "scenario/imported.hpp"

namespace mcemu::cli {

/// Runs the imported scenario and writes into its "expect" which of the lines that the source holds
/// the emulated kernel prints too, in the same order, and how the run ends where the source holds
/// a panic. Returns the lines that it does not print. One call per process: it simulates.
std::vector<scenario::SeenLine> fit_expectation(nlohmann::ordered_json& scenario,
                                                const std::vector<scenario::SeenLine>& seen);

}  // namespace mcemu::cli
