#pragma once  // mce-inject text and QEMU monitor commands to scenarios.
#include <string>

#include "scenario/imported.hpp"

namespace mcemu::exchange {

/// The text that the mce-inject program reads: its records as "mce" events with "via":
/// "mce-inject". A record that is not held, with those held before it, happens at one time; TIME
/// places it, to the second, else it follows 100 ms after the one before. `name` stands for the
/// file in findings. Source: mce-inject-format.md 1. Never throws for anything a file can hold.
scenario::Imported import_mce_inject(std::string name, std::string text);

/// `mce` commands of QEMU's monitor, 100 ms apart: "mce" events of the hardware.
scenario::Imported import_qemu(std::string name, std::string text);

/// What a record holds beyond its event stands in the event's description behind this; the export
/// puts it back.
inline constexpr std::string_view kAlsoInRecord = "also in the record: ";

}  // namespace mcemu::exchange
