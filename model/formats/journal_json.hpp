#pragma once  // A line of `journalctl -o json`.
#include <string_view>

#include "formats/log_line.hpp"

namespace mcemu::formats {

/// True when it is one: `out` then has its words, time since boot (else of the calendar), level,
/// and whether another program than the kernel said them. Words that are no text (a list of bytes)
/// are taken byte by byte. Source: systemd's JOURNAL_EXPORT_FORMATS.
bool journal_json(std::string_view line, LogLine& out);

}  // namespace mcemu::formats
