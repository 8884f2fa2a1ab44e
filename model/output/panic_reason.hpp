#pragma once  // What made the kernel panic: the row of the severity table, and the log's line.
#include <string>

#include "core/run_view.hpp"

namespace mcemu::output {

/// "Kernel panic - not syncing: ...", as the log has it; "" without a panic.
std::string panic_line(const RunView& view);

/// The row that graded PANIC, its message, the record that it graded, and the log's line:
/// "row 5 of severity table S6 graded PANIC, \"Neither restart nor error IP\" (CPU 2, bank 1,
/// MCG_STATUS 0x4 ...); log: ...". Without a row what stands for it. "" without a panic.
std::string panic_reason(const RunView& view);

}  // namespace mcemu::output
