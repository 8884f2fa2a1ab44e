#pragma once  // When the triggers of a log happened.
#include "exchange/log_triggers.hpp"

namespace mcemu::exchange {

/// Sorts the triggers, of which there is one at least, by time, and counts their times from the
/// first. Clocks that are missing or differ are made up for, and long silence is cut; each loss is
/// told. Sets the incident's wall_time where the log says what day it was.
void place_in_time(Triggers& triggers);

}  // namespace mcemu::exchange
