#pragma once  // What people read on stderr after a run.
#include <cstdint>
#include <functional>
#include <string>

#include "output/result.hpp"

namespace mcemu::output {

/// Where the value of a JSON pointer stands in the scenario: "FILE:LINE:COL".
using Where = std::function<std::string(const std::string& pointer)>;
/// The same place as a number that rises with the text.
using Rank = std::function<std::uint64_t(const std::string& pointer)>;

/// A line per event with its fate and reason, the outcome and class, then every expectation that
/// failed. `colour`: with ANSI colours.
/// `rank`: the order of places, for failures of one time (output/evidence).
std::string verdict(const Json& result, const Where& where, bool colour, const Rank& rank = {});

/// The expectations that failed alone, a line each, by the time of their first evidence:
/// "FILE:LINE:COL: /expect/...: wanted ...".
std::string failed_expectations(const Json& result, const Where& where, bool colour,
                                const Rank& rank = {});

}  // namespace mcemu::output
