#pragma once  // One event of ndctl or sysfs as the shell command that does it.
#include <string>

#include "core/event.hpp"

namespace mcemu::formats {

/// Lines of a shell script, each ended by a newline. What no command does is a comment.
std::string ndctl_event(const NdctlEvent& event, const Scenario& scenario);

}  // namespace mcemu::formats
