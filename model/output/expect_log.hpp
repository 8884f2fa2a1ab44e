#pragma once  // The log expectations: lines in order, gaps, patterns, lines that must not occur.
#include <vector>

#include "output/expect.hpp"
#include "output/match.hpp"

namespace mcemu::output {

/// `log`: every entry a line (exact text or {"re": ...}) in order; "..." skips any number of
/// lines; without a "..." at its place nothing may come between, before or after.
std::vector<Finding> evaluate_log(const Json& wanted, const Json& log);
/// `no_log`: texts that no line may contain, patterns that no line may match.
std::vector<Finding> evaluate_no_log(const Json& wanted, const Json& log);

}  // namespace mcemu::output
