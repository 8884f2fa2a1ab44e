#pragma once  // Why an event's trigger never came.
#include <cstddef>
#include <string>

#include "output/causes.hpp"

namespace mcemu::output {

/// What event `index` waited for, and how near that came: "num_poisoned_pages came to 1, 2 was
/// wanted".
std::string unmet_trigger(const RunView& view, const Causes& causes, std::size_t index);

}  // namespace mcemu::output
