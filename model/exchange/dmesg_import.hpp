#pragma once  // A kernel log with hardware errors to a timed scenario.
#include <string>

#include "scenario/imported.hpp"

namespace mcemu::exchange {

/// Machine-check records, firmware's reports, EDAC's, injections and memory-type conflicts become
/// events at the times of the log, the first 1 ms after boot; what the log says of pages,
/// processes, machine and kernel becomes the machine. What memory_failure() and the others said is
/// expected (Imported::seen). What the log does not hold is told as lost. Source:
/// mce-inject-format.md 3, kernel.md. Never throws for anything that a file can hold.
scenario::Imported import_dmesg(std::string name, std::string text);

/// The same from the database of rasdaemon, given by its bytes: a row of a table is a line.
scenario::Imported import_rasdaemon(std::string name, std::string bytes);

}  // namespace mcemu::exchange
