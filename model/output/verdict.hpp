#pragma once  // What people read on stderr after a run.
#include <functional>
#include <string>

#include "output/result.hpp"

namespace mcemu::output {

/// Where the value of a JSON pointer stands in the scenario: "FILE:LINE:COL".
using Where = std::function<std::string(const std::string& pointer)>;

/// A line per event with its fate and reason, the outcome and class, then every expectation that
/// failed. `colour`: with ANSI colours.
std::string verdict(const Json& result, const Where& where, bool colour);

/// The expectations that failed alone, a line each: "FILE:LINE:COL: /expect/...: wanted ...".
std::string failed_expectations(const Json& result, const Where& where, bool colour);

}  // namespace mcemu::output
