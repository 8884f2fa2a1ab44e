#pragma once  // Where a run first parted from what its scenario expects.
#include <string>

#include "output/verdict.hpp"

namespace mcemu::regress {

/// Of the expectations that failed the one whose evidence is earliest: "at 1.031 ms: /expect/...",
/// and for a log line those before it. What holds at the end of the run comes last. `result` is
/// complete; "" when all were met.
std::string first_divergence(const output::Json& result, const output::Rank& rank = {});

}  // namespace mcemu::regress
