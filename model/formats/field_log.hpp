#pragma once  // What a kernel log says of hardware errors, beside machine-check records.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/units.hpp"
#include "formats/kernel_log.hpp"

namespace mcemu::formats {

/// A line of a log that is about hardware errors or what became of them.
struct LogEntry {
    enum class Kind : std::uint8_t {
        record,          ///< a line of a machine-check record: number `index`, when its first line
        memory_failure,  ///< "Memory failure: PFN: ...": `what` is the rest
        killing,         ///< of it: comm, pid
        recovery,        ///< of it: `what` the page type, `result`
        injected,        ///< madvise(MADV_HWPOISON): pfn, va
        injected_pfn,    ///< corrupt-pfn: pfn
        soft_madvise,    ///< madvise(MADV_SOFT_OFFLINE): pfn, va
        soft_offline,    ///< what became of a soft offline: pfn
        unpoison,        ///< unpoison-pfn: pfn
        fault,           ///< "MCE: Killing ... fault at": comm, pid, va
        user_access,   ///< "Uncorrected hardware memory error in user-access at": va is the address
        edac,          ///< a report of an EDAC driver: number `index`
        ghes,          ///< a line of a report of firmware: number `index`
        pat_conflict,  ///< comm, pid, range, mode wanted and mode found
        pat_reserve,   ///< "reserve_memtype failed": range, mode
        pat_free,      ///< "freeing invalid memtype": comm, pid, range
        panic,         ///< "Kernel panic - not syncing: ": `what` is the rest
        other,         ///< some other line of the same code
        unread,        ///< words about errors that are not understood, or another program's
    };
    Kind kind = Kind::other;
    unsigned line = 0;  ///< from 1
    LogLine::Clock clock = LogLine::Clock::none;
    std::int64_t us = 0;
    std::string text;  ///< all of it
    std::uint64_t pfn = 0, va = 0;
    std::optional<std::uint32_t> pid;
    std::string comm, what, result;
    SpaRange range;
    bool foreign = false;          ///< another program's line
    unsigned mode = 0, found = 0;  ///< cache modes, in the order of core CacheMode
    std::size_t index = 0;
};

/// "EDAC MC0: 1 CE memory read error on LABEL (channel:0 slot:0 page:0x1 offset:0x0 grain:32 ...)".
struct EdacReport {
    unsigned mc = 0, channel = 0;
    std::uint64_t count = 1, address = 0;
    bool uncorrected = false, overflow = false, recoverable = false, code_known = false;
    std::uint16_t mscod = 0, mcacod = 0;
    std::string message, label;
};

/// One section of a report of firmware, as far as it is about memory.
struct GhesReport {
    std::uint64_t number = 0;
    std::string severity;  ///< corrected, recoverable, fatal, info
    std::optional<std::uint64_t> address, mask, error_type, source;
    bool memory = false;
    std::string section;  ///< of another kind, as named
    unsigned part = 0;    ///< section of a report, from 0; each is told like a report of its own
    bool bert = false;    ///< of the boot before, which ended with it
};

/// What boot messages say of the machine and its kernel.
struct BootFacts {
    std::string version;  ///< "4.19.0-17-amd64"
    std::optional<unsigned> major, minor;
    unsigned version_line = 0, boots = 0;
    std::vector<SpaRange> usable, persistent;
    std::optional<std::uint64_t> cpus, nodes, banks;
    std::vector<std::string> command_line;
};

struct FieldLog {
    std::vector<LoggedMce> records;
    std::vector<LogEntry> entries;  ///< in the order of lines
    bool crowded = false;           ///< lines of records beyond the first thousands are no entries
    std::vector<EdacReport> edac;
    std::vector<GhesReport> ghes;
    BootFacts boot;
    std::size_t lines = 0;
    bool new_words = false, old_words = false;  ///< lines that only v6.1, or only v4.x, prints so
};

/// Reads a log with any prefixes (LogLines). Words of other programs, and lines about other things,
/// are passed over. Never throws for anything that a file can hold.
/// Source: kernel.md appendix A, mce-inject-format.md 3; mm/memory-failure.c,
/// drivers/edac/edac_mc.c, drivers/firmware/efi/cper.c, arch/x86/mm/pat.c; old forms ("MCE 0x318:
/// recovery action ...", "Injecting memory failure for page ...") from mm/memory-failure.c v3.x.
FieldLog parse_field_log(std::string_view text);

}  // namespace mcemu::formats
