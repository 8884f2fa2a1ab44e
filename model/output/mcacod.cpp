#include "output/mcacod.hpp"

#include <array>
#include <bit>
#include <cstdio>

#include "core/mca/status.hpp"
#include "output/unit_errors.hpp"

namespace mcemu::output {
namespace {

using namespace mca;

// Levels are shown differently: mcelog counts cache levels from 1, rasdaemon prints the field.
enum class Dialect { mcelog, rasdaemon };

constexpr std::array kTypes =
    std::to_array<std::string_view>({"Instruction", "Data", "Generic", "Unknown"});
constexpr std::array kRequests = std::to_array<std::string_view>(
    {"Generic", "Read", "Write", "Data-Read", "Data-Write", "Instruction-Fetch", "Prefetch",
     "Eviction", "Snoop", "UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN",
     "UNKNOWN"});
constexpr std::array kMemory =
    std::to_array<std::string_view>({"GEN", "RD", "WR", "AC", "MS", "RES5", "RES6", "RES7"});
constexpr std::array kTransactions = std::to_array<std::string_view>(
    {"Generic undefined request", "Memory read error", "Memory write error",
     "Address/Command error", "Memory scrubbing error", "Reserved 5", "Reserved 6", "Reserved 7"});
// So spelled by both.
constexpr std::array kParticipations =
    std::to_array<std::string_view>({"Local-CPU-originated-request", "Responed-to-request",
                                     "Observed-error-as-third-party", "Generic"});
constexpr std::array kInterconnects =
    std::to_array<std::string_view>({"Memory-access", "Reserved", "IO", "Other-transaction"});
constexpr std::array kSimple = std::to_array<std::string_view>(
    {"No Error", "Unclassified", "Microcode ROM parity error", "External error", "FRC error",
     "Internal parity error", "SMM Handler Code Access Violation"});

constexpr std::uint16_t kFilter = 1u << 12;
constexpr unsigned kUnspecifiedChannel = 15;

enum class Form {
    simple,
    generic_cache,
    tlb,
    memory,
    extended_memory,
    cache,
    internal,
    bus,
    unknown
};

/// By the highest bit that is set (mce.md 8.2).
Form form_of(unsigned code) {
    if (code < kSimple.size() || code == 0x400) return Form::simple;
    switch (std::bit_width(code)) {
        case 4:
            return (code & 0xc) == 0xc ? Form::generic_cache : Form::unknown;
        case 5:
            return Form::tlb;
        case 8:
            return Form::memory;
        case 9:
            return Form::cache;
        case 10:
            return (code & 0x180) == 0x80 ? Form::extended_memory : Form::unknown;
        case 11:
            return Form::internal;
        case 12:
            return Form::bus;
        default:
            return Form::unknown;
    }
}
unsigned code_of(std::uint64_t status) { return mcacod(status) & ~kFilter & 0xffffu; }

std::string hex_digits(std::uint64_t value) {
    char text[17];
    std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
    return text;
}
std::string text_of(std::string_view s) { return std::string(s); }
std::string level(unsigned ll) { return "Level-" + std::to_string(ll); }

std::string cache_level(unsigned code, Dialect d) {
    return level((code & 3) + (d == Dialect::mcelog ? 1 : 0));
}
std::string cache_type(unsigned code) { return text_of(kTypes[(code >> 2) & 3]); }

std::string memory_error(unsigned code) {
    const unsigned channel = code & 0xf;
    return "MEMORY CONTROLLER " + text_of(kMemory[(code >> 4) & 7]) + "_CHANNEL" +
           (channel == kUnspecifiedChannel ? "unspecified" : std::to_string(channel)) + "_ERR";
}
std::string transaction(unsigned code) {
    return "Transaction: " + text_of(kTransactions[(code >> 4) & 7]);
}
std::string bus_words(unsigned code) {
    return level(code & 3) + " " + text_of(kParticipations[(code >> 9) & 3]) + " " +
           text_of(kRequests[(code >> 4) & 0xf]) + " " + text_of(kInterconnects[(code >> 2) & 3]) +
           " " + ((code >> 8) & 1 ? "Request-timed-out" : "Request-did-not-timeout");
}

/// Integrated I/O: which root port reported (mce.md 2.7). Empty for other codes.
std::string root_port(const McaRegisters& r) {
    if (code_of(r.status) != 0x0e0b || !(r.status & MCI_STATUS_MISCV)) return "";
    char text[64];
    std::snprintf(
        text, sizeof text, "IO MCA reported by root port %x:%02x:%02x.%x",
        static_cast<unsigned>(r.misc >> 32) & 0xff, static_cast<unsigned>(r.misc >> 24) & 0xff,
        static_cast<unsigned>(r.misc >> 19) & 0x1f, static_cast<unsigned>(r.misc >> 16) & 7);
    return text;
}

std::string simple_words(unsigned code) {
    return code == 0x400 ? "Internal Timer error" : text_of(kSimple[code]);
}

bool ser(const McaRegisters& r) { return r.mcgcap & MCG_SER_P; }
unsigned tes(const McaRegisters& r) {
    const bool told = !(r.status & MCI_STATUS_UC) && (r.mcgcap & MCG_TES_P);
    return told ? (r.status >> MCI_STATUS_TES_SHIFT) & 3 : 0;
}
constexpr std::array kTes = std::to_array<std::string_view>({"", "green", "yellow", "res3"});

/// UCNA is never said; PCC goes before.
std::string_view recovery_class(const McaRegisters& r) {
    if (!ser(r) || (r.status & MCI_STATUS_PCC)) return "";
    const bool s = r.status & MCI_STATUS_S, ar = r.status & MCI_STATUS_AR;
    return s && ar ? "SRAR" : s ? "SRAO" : ar ? "AR" : "";
}

std::string mcg_words(std::uint64_t mcgstatus) {
    std::string text;
    if (mcgstatus & MCG_STATUS_RIPV) text += "RIPV ";
    if (mcgstatus & MCG_STATUS_EIPV) text += "EIPV ";
    if (mcgstatus & MCG_STATUS_MCIP) text += "MCIP ";
    if (mcgstatus & MCG_STATUS_LMCES) text += "LMCE ";
    if (!text.empty()) text.pop_back();
    return text;
}

void mca_lines(const McaRegisters& r, std::vector<std::string>& lines) {
    const unsigned code = code_of(r.status);
    std::vector<std::string> out;
    if (mcacod(r.status) & kFilter)
        out.emplace_back("corrected filtering (some unreported errors in same region)");
    switch (form_of(code)) {
        case Form::simple:
            out.push_back(simple_words(code));
            break;
        case Form::generic_cache:
            out.push_back(level(code & 3) + " Generic cache hierarchy error");
            break;
        case Form::tlb:
            out.push_back(cache_type(code) + " TLB " + level(code & 3) + " Error");
            break;
        case Form::extended_memory:
        case Form::memory:
            out.push_back((form_of(code) == Form::memory ? "" : "Memory as cache: ") +
                          memory_error(code));
            out.push_back(transaction(code));
            break;
        case Form::cache:
            out.push_back(cache_type(code) + " CACHE " + cache_level(code, Dialect::mcelog) + " " +
                          text_of(kRequests[(code >> 4) & 0xf]) + " Error");
            break;
        case Form::internal:
            out.push_back("Internal unclassified error: " + hex_digits(code));
            break;
        case Form::bus:
            out.push_back("BUS error: " + std::to_string(r.socket) + " " + std::to_string(r.cpu) +
                          " " + bus_words(code));
            if (const std::string port = root_port(r); !port.empty()) out.push_back(port);
            break;
        case Form::unknown:
            out.push_back("Unknown Error " + hex_digits(code));
            break;
    }
    out.front().insert(0, "MCA: ");
    if (form_of(code) == Form::cache && tes(r) == 2) {
        out.push_back("CPU " + std::to_string(r.cpu) + " on socket " + std::to_string(r.socket) +
                      " has large number of corrected cache errors in " +
                      cache_level(code, Dialect::mcelog) + " " + cache_type(code));
        out.emplace_back(
            "System operating correctly, but might lead to uncorrected cache errors soon");
    }
    lines.insert(lines.end(), out.begin(), out.end());
}

}  // namespace

std::string_view mcacod_form(std::uint64_t status) {
    switch (form_of(code_of(status))) {
        case Form::simple:
            return "simple";
        case Form::generic_cache:
            return "generic cache hierarchy";
        case Form::tlb:
            return "TLB";
        case Form::memory:
            return "memory controller";
        case Form::extended_memory:
            return "memory used as cache";
        case Form::cache:
            return "cache hierarchy";
        case Form::internal:
            return "internal unclassified";
        case Form::bus:
            return "bus and interconnect";
        case Form::unknown:
            return "unknown";
    }
    return "unknown";
}

std::vector<std::string> mcelog_lines(const McaRegisters& r) {
    std::vector<std::string> lines{"MCG status:" + mcg_words(r.mcgstatus), "MCi status:"};
    const std::uint64_t s = r.status;
    if (!(s & MCI_STATUS_VAL)) lines.emplace_back("Machine check not valid");
    if (s & MCI_STATUS_OVER) lines.emplace_back("Error overflow");
    lines.emplace_back(s & MCI_STATUS_UC ? "Uncorrected error" : "Corrected error");
    if (s & MCI_STATUS_EN) lines.emplace_back("Error enabled");
    if (s & MCI_STATUS_MISCV) lines.emplace_back("MCi_MISC register valid");
    if (s & MCI_STATUS_ADDRV) lines.emplace_back("MCi_ADDR register valid");
    if (s & MCI_STATUS_PCC) lines.emplace_back("Processor context corrupt");
    if (const auto c = recovery_class(r); !c.empty()) lines.emplace_back(c);
    if (ser(r) && ((s >> 37) & 1)) lines.emplace_back("Firmware may have updated this error");
    if (const unsigned t = tes(r)) {
        lines.push_back("Threshold based error status: " + text_of(kTes[t]));
        if (t == 2) {
            lines.emplace_back(
                "Large number of corrected cache errors. System operating, but might lead");
            lines.emplace_back("to uncorrected errors soon");
        }
    }
    mca_lines(r, lines);
    const UnitError unit = unit_error(r);
    if (unit.unit.empty()) return lines;
    std::string text = unit.unit + ":";
    if (!unit.group.empty()) text += " " + unit.group;
    for (std::size_t i = 0; i < unit.errors.size(); ++i) {
        if (i == 0) {
            text += " " + unit.errors[0];
            continue;
        }
        lines.push_back(std::move(text));
        text = unit.errors[i];
    }
    lines.push_back(std::move(text));
    return lines;
}

RasdaemonColumns rasdaemon_columns(const McaRegisters& r) {
    RasdaemonColumns c;
    const std::uint64_t s = r.status;
    const unsigned code = code_of(s);
    const auto add = [](std::string& to, std::string_view word) {
        if (word.empty()) return;
        if (!to.empty() && to.back() != ' ') to += ' ';
        to += word;
    };
    c.mcgstatus_msg = "mcgstatus=" + std::to_string(r.mcgstatus);
    add(c.mcgstatus_msg, mcg_words(r.mcgstatus));

    if (!(s & MCI_STATUS_VAL)) add(c.mcistatus_msg, "MCE_INVALID");
    if (s & MCI_STATUS_OVER) add(c.mcistatus_msg, "Error_overflow");
    add(c.mcistatus_msg, s & MCI_STATUS_UC ? "Uncorrected_error" : "Corrected_error");
    if (s & MCI_STATUS_EN) add(c.mcistatus_msg, "Error_enabled");
    if (s & MCI_STATUS_PCC) add(c.mcistatus_msg, "Processor_context_corrupt");
    add(c.mcistatus_msg, recovery_class(r));
    if (const unsigned t = tes(r)) {
        add(c.mcistatus_msg, "Threshold based error status: " + text_of(kTes[t]));
        // Its test takes green for what the manual calls yellow (mce.md 8.6).
        if (t == 1)
            c.user_action =
                "Large number of corrected cache errors. System operating, but might lead"
                "to uncorrected errors soon";
    }

    const bool filtered = mcacod(s) & kFilter;
    if (filtered)
        add(c.mcastatus_msg, "corrected filtering (some unreported errors in same region)");
    switch (form_of(code)) {
        case Form::simple:
            add(c.mcastatus_msg, simple_words(code));
            break;
        case Form::generic_cache:
            add(c.mcastatus_msg, level(code & 3) + " Generic memory hierarchy error");
            break;
        case Form::tlb:
            add(c.mcastatus_msg, cache_type(code) + " TLB " + level(code & 3) + " Error");
            break;
        case Form::memory:
            add(c.error_msg, memory_error(code) + " " + transaction(code));
            break;
        case Form::cache:
            add(c.mcastatus_msg, cache_type(code) + " CACHE " +
                                     cache_level(code, Dialect::rasdaemon) + " " +
                                     text_of(kRequests[(code >> 4) & 0xf]) + " Error");
            break;
        case Form::internal:
            add(c.mcastatus_msg, "Internal unclassified error: " + hex_digits(code));
            break;
        case Form::bus:
            add(c.mcastatus_msg, "BUS " + bus_words(code) + " Error");
            add(c.mcastatus_msg, root_port(r));
            break;
        case Form::extended_memory:
        case Form::unknown:
            add(c.mcastatus_msg, "Unknown Error " + hex_digits(code));
            break;
    }
    const UnitError unit = unit_error(r);
    if (unit.unit == "PCU") {
        if (!unit.group.empty()) add(c.mcastatus_msg, unit.group + " ");
    } else if (!unit.unit.empty()) {
        add(c.mcastatus_msg, unit.unit + ": ");
    }
    for (const std::string& e : unit.errors) add(c.error_msg, e);
    if (form_of(code) == Form::memory && !filtered) {
        const std::uint64_t n = (s & MCI_STATUS_CEC_MASK) >> MCI_STATUS_CEC_SHIFT;
        c.mc_location = "n_errors=" + std::to_string(n);
        if (unit.unit == "MemCtrl" && !(s & MCI_STATUS_UC) && (code & 0xf) != kUnspecifiedChannel)
            c.mc_location += " memory_channel=" + std::to_string(code & 0xf);
    }
    if (c.error_msg.empty()) c.error_msg = c.mcastatus_msg;
    return c;
}

}  // namespace mcemu::output
