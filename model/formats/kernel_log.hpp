#pragma once  // Machine-check records in a kernel log.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcemu::formats {

/// One record: the four lines of print_mce(), or the single line of the trace point mce:mce_record.
/// What a line did not say is 0 (ADDR and MISC are printed only when they are not 0: whether they
/// are valid is for STATUS to say).
struct LoggedMce {
    unsigned line = 0;              ///< of the first line, from 1
    std::optional<double> seconds;  ///< its time stamp
    std::uint32_t cpu = 0;
    bool exception = false;  ///< the word Exception: MCIP was set
    std::uint64_t mcgstatus = 0, mcgcap = 0;
    std::int32_t bank = 0;  ///< -1: reported by firmware
    std::uint64_t status = 0, addr = 0, misc = 0, tsc = 0, ppin = 0, synd = 0, ipid = 0;
    std::uint64_t ip = 0;
    std::uint8_t cs = 0;
    bool inexact = false;  ///< EIPV was clear
    std::string symbol;
    std::uint32_t vendor = 0, cpuid = 0, socket = 0, apicid = 0, microcode = 0;
    bool processor_known = false;  ///< the line with vendor and CPUID was there
    std::uint64_t time = 0;        ///< seconds since 1970
    /// Number of the record (from 0) that this one repeats: panics print pending records again.
    std::optional<std::size_t> repeats;
};

/// Finds the records of a log whose lines may carry any prefix (priority, time stamp, host,
/// "mcelog: "). Lines that are about something else are passed over; lines of a record that are
/// missing are done without. Source: arch/x86/kernel/cpu/mce/core.c print_mce(),
/// include/trace/events/mce.h; mce-inject-format.md section 3.
std::vector<LoggedMce> parse_kernel_log(std::string_view text);

}  // namespace mcemu::formats
