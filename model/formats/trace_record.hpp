#pragma once  // A machine check as the trace point mce:mce_record prints it.
#include <string_view>

#include "formats/kernel_log.hpp"

namespace mcemu::formats {

/// "CPU: 3, MCGc/s: f000c14/5, MC1: bd80000000100134, IPID: 0, ADDR/MISC/SYND: a/b/c, RIP:
/// 33:<400000>, TSC: 1, PROCESSOR: 0:50654, TIME: 1, SOCKET: 0, APIC: 0"; older: no IPID, no SYND;
/// newer: ADDR, MISC and SYND apart, PPIN, vendor, CPUID and microcode by name. Fields may stand in
/// any order; CPU, MCGc/s and the bank's are needed.
/// Source: include/trace/events/mce.h of v4.x, v6.1 and v6.9.
bool trace_record(std::string_view text, LoggedMce& r);

}  // namespace mcemu::formats
