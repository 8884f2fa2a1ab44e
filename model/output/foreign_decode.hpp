#pragma once  // Machine-check registers of processors that are not Intel's.
#include <nlohmann/json.hpp>
#include <string>

#include "output/mcacod.hpp"

namespace mcemu::output {

/// Whether STATUS has Intel's layout: also Centaur's and Zhaoxin's.
bool intel_layout(std::uint32_t vendor);
/// "AMD", "Hygon" ...; the number when it has no name (arch/x86/include/asm/processor.h).
std::string vendor_name(std::uint32_t vendor);

/// What the manual of that vendor says of every family: fields and what they come to. No unit, no
/// grade: those need the model, and the kernel profiles grade Intel's machine checks only.
/// Source: AMD64 Architecture Programmer's Manual vol. 2, 9.3.2.2 (MCA_STATUS).
nlohmann::ordered_json decode_foreign_json(const McaRegisters& r);
std::string decode_foreign_text(const McaRegisters& r);

}  // namespace mcemu::output
