#pragma once  // What became of a run's events, in a few lines.
#include <string>
#include <vector>

#include "output/result.hpp"

namespace mcemu::regress {

/// The first lines of what `run` prints to stderr: what became of the events, and of the run.
std::vector<std::string> what_became(const output::Json& result);

}  // namespace mcemu::regress
