#pragma once  // A report of an EDAC driver in a kernel log.
#include <optional>
#include <string_view>

#include "formats/field_log.hpp"

namespace mcemu::formats {

/// "EDAC MC0: 1 CE memory read error on LABEL (channel:0 slot:0 page:0x1 offset:0x0 grain:32 ...)",
/// as edac_mc.c prints it; the trace point's "mc_event: 1 Corrected error: memory read error on
/// LABEL (mc:0 location:0:0:-1 address:0x1000 grain:5 ...)".
std::optional<EdacReport> edac_line(std::string_view text);

/// "err_code:0x0101:0x0090" in a driver's detail, with or without 0x; " OVERFLOW", " recoverable".
void edac_detail(std::string_view detail, EdacReport& r);

}  // namespace mcemu::formats
