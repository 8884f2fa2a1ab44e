#pragma once  // What a log says of the hardware: machine checks, firmware's reports, EDAC's.
#include "exchange/log_triggers.hpp"

namespace mcemu::exchange {

/// Records with registers, and reports of firmware.
void add_hardware_errors(Triggers& triggers);
/// EDAC's lines that no trigger explains: to be called when all others are known.
void add_edac_errors(Triggers& triggers);

}  // namespace mcemu::exchange
