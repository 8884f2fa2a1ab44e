#pragma once  // The machine and kernel of a log.
#include "exchange/incident.hpp"
#include "formats/field_log.hpp"

namespace mcemu::exchange {

/// Puts into the incident what the log says, or lets one conclude, of kernel version, boot options,
/// processors, banks, memory map and decoders.
void describe_machine(Incident& incident, const formats::FieldLog& log);

}  // namespace mcemu::exchange
