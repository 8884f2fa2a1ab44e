#pragma once  // What people read on stderr after a run.
#include <string>

#include "output/result.hpp"

namespace mcemu::output {

/// A line per event with its fate and reason, the outcome and class, then every expectation that
/// failed. `colour`: with ANSI colours.
std::string verdict(const Json& result, bool colour);

}  // namespace mcemu::output
