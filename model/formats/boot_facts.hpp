#pragma once  // What boot messages say of the machine and its kernel.
#include <string_view>

#include "formats/field_log.hpp"

namespace mcemu::formats {

/// Takes what one line says, if anything: "Linux version", e820 maps, command line, CPUs, banks.
void boot_line(std::string_view text, unsigned number, BootFacts& b);

}  // namespace mcemu::formats
