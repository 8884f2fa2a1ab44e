#pragma once  // Machine-check records in a kernel log.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/log_line.hpp"

namespace mcemu::formats {

/// One record: the four lines of print_mce(), or the single line of the trace point mce:mce_record.
/// What a line did not say is 0 (ADDR and MISC are printed only when they are not 0: whether they
/// are valid is for STATUS to say).
struct LoggedMce {
    unsigned line = 0;              ///< of the first line, from 1
    std::optional<double> seconds;  ///< its time stamp since boot
    LogLine::Clock clock = LogLine::Clock::none;
    std::int64_t us = 0;  ///< microseconds on that clock
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
    bool edac = false;             ///< printed by an EDAC driver, not by print_mce()
    bool mcelog = false;           ///< as mcelog decodes it
    bool status_known = true;      ///< false: the line with STATUS was not there
    bool mixed = false;            ///< a line of another record may be among its own
    /// Number of the record (from 0) that this one repeats: panics print pending records again.
    std::optional<std::size_t> repeats;
};

/// Puts records together from lines in their order.
class MceRecords {
public:
    /// True when the line belongs to a record.
    bool line(unsigned number, const LogLine& line);
    /// Whether a record of mcelog's goes on: what is said now may be about it.
    bool decoded_by_mcelog(unsigned number, const std::string& caller) const {
        constexpr unsigned kLongest = 30;  ///< lines of one record
        const auto at = open_.find(caller);
        return at != open_.end() && records_[at->second].mcelog &&
               number - records_[at->second].line <= kLongest;
    }
    /// The records; afterwards there are none.
    std::vector<LoggedMce> take();

private:
    LoggedMce& begin(unsigned number, const LogLine& line);
    LoggedMce* open(const std::string& caller);
    void close(const std::string& caller) { open_.erase(caller); }
    bool rest(std::string_view text, const std::string& caller);

    std::vector<LoggedMce> records_;
    std::vector<bool> has_values_;             ///< the line with TSC was there
    std::map<std::string, std::size_t> open_;  ///< records that go on, by who prints them
};

/// Finds the records of a log whose lines may carry any prefix (see LogLines). Lines that are about
/// something else are passed over; lines of a record that are missing are done without; lines that
/// were broken in two are put together, and lines of several callers ("[ T12]") kept apart. Also
/// what mcelog prints of a record (mcelog_record.hpp). Source: arch/x86/kernel/cpu/mce/core.c
/// print_mce(), include/trace/events/mce.h; mce-inject-format.md section 3.
std::vector<LoggedMce> parse_kernel_log(std::string_view text);

}  // namespace mcemu::formats
