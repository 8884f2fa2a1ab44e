#include "output/mca_decode.hpp"

#include <array>
#include <optional>

#include "core/mca/severity.hpp"
#include "core/mca/status.hpp"
#include "output/foreign_decode.hpp"
#include "output/text.hpp"
#include "output/unit_errors.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

using namespace mca;
using Json = nlohmann::ordered_json;

/// A field of a register: bits high to low, and what each value means.
struct StatusField {
    std::string_view name;
    unsigned high, low;
    std::string_view set, clear;  ///< one bit: what 1 and 0 say; more: `set` says what it is

    std::uint64_t of(std::uint64_t value) const {
        return (value >> low) & ((std::uint64_t{1} << (high - low + 1)) - 1);
    }
};
constexpr std::array kStatusFields = std::to_array<StatusField>({
    {"VAL", 63, 63, "the bank holds an error", "the bank holds no error: the rest is stale"},
    {"OVER", 62, 62, "another error arrived and was lost", "no error was lost"},
    {"UC", 61, 61, "not corrected", "corrected"},
    {"EN", 60, 60, "enabled to signal in MCi_CTL", "not enabled to signal in MCi_CTL"},
    {"MISCV", 59, 59, "MISC is valid", "MISC is not valid"},
    {"ADDRV", 58, 58, "ADDR is valid", "ADDR is not valid"},
    {"PCC", 57, 57, "processor context corrupt", "processor context intact"},
    {"S", 56, 56, "signalled by a machine check", "not signalled by a machine check"},
    {"AR", 55, 55, "recovery action required", "no action required"},
    {"TES", 54, 53, "threshold-based error status", ""},
    {"CEC", 52, 38, "corrected error count", ""},
    {"OTHER", 37, 32, "other information", ""},
    {"MSCOD", 31, 16, "model-specific error code", ""},
    {"MCACOD", 15, 0, "architectural error code", ""},
});
constexpr std::array kMcgFields = std::to_array<StatusField>({
    {"RIPV", 0, 0, "the saved instruction pointer can be resumed", "it cannot be resumed"},
    {"EIPV", 1, 1, "the saved instruction pointer met the error",
     "it has nothing to do with the error"},
    {"MCIP", 2, 2, "machine check in progress", "no machine check in progress"},
    {"LMCES", 3, 3, "delivered to this processor only", "delivered to all processors"},
});
constexpr std::array kModes =
    std::to_array<std::string_view>({"segment offset", "linear", "physical", "memory", "reserved",
                                     "reserved", "reserved", "generic"});

bool ser(const McaRegisters& r) { return r.mcgcap & MCG_SER_P; }

/// Bits that this part of the processor does not define (mce.md 2.6).
std::string_view not_defined(const StatusField& f, const McaRegisters& r) {
    if ((f.name == "S" || f.name == "AR") && !ser(r)) return "reserved without MCG_SER_P";
    if (f.name == "TES" && (r.status & MCI_STATUS_UC))
        return "not defined for an uncorrected error";
    if (f.name == "TES" && !(r.mcgcap & MCG_TES_P)) return "model-specific without MCG_TES_P";
    if (f.name == "CEC" && !(r.mcgcap & MCG_CMCI_P)) return "model-specific without MCG_CMCI_P";
    return "";
}

std::string meaning(const StatusField& f, const McaRegisters& r) {
    const std::uint64_t v = f.of(r.status);
    if (const auto none = not_defined(f, r); !none.empty()) return std::string(none);
    if (f.high == f.low) return std::string(v ? f.set : f.clear);
    std::string text(f.set);
    if (f.name == "TES") {
        constexpr std::array kColours =
            std::to_array<std::string_view>({"not tracked", "green", "yellow", "reserved"});
        text += ": " + std::string(kColours[v]);
    }
    if (f.name == "CEC" && (v & 0x4000))
        text += ": it has overflowed, and counted " + std::to_string(v & 0x3fff) + " since";
    if (f.name == "OTHER" && (v & 0x20)) text += ": firmware may have updated this error";
    if (f.name == "MCACOD") {
        text += ": " + std::string(mcacod_form(r.status));
        if (v & 0x1000) text += ", filtered";
    }
    return text;
}

struct Graded {
    std::string_view profiles;
    std::string_view where;  ///< empty when the context makes no difference, or is known
    Grade grade;
};
/// What the kernels make of it. The context is what CS says; without CS, both where they differ.
/// A kernel at an instruction with a machine-check-safe entry is not told from registers.
std::vector<Graded> grades(const McaRegisters& r) {
    MceRecord m;
    m.status = r.status;
    m.mcgstatus = r.mcgstatus;
    m.misc = r.misc;
    m.addr = r.addr;
    m.cpuid = r.cpuid;
    m.bank = r.bank ? static_cast<std::int32_t>(*r.bank) : 0;
    GradingInput in;
    in.ser = ser(r);
    in.from_exception = r.mcgstatus & MCG_STATUS_MCIP;
    const bool ip_known = r.mcgstatus & (MCG_STATUS_RIPV | MCG_STATUS_EIPV);
    in.context = ip_known && r.cs && (*r.cs & 3) == 3 ? ErrorContext::user : ErrorContext::kernel;
    std::vector<Graded> all;
    for (const auto& [profiles, rules] : {std::pair{"v4.18, v4.19", SeverityGrader::Rules::v4},
                                          std::pair{"v6.1", SeverityGrader::Rules::v6}}) {
        const Grade grade = SeverityGrader(rules).grade(m, in);
        GradingInput user = in;
        user.context = ErrorContext::user;
        const Grade in_user = SeverityGrader(rules).grade(m, user);
        const bool open = ip_known && !r.cs && in_user.row != grade.row;
        if (open) all.push_back({profiles, "user mode", in_user});
        all.push_back({profiles, open ? "kernel mode" : "", grade});
    }
    return all;
}

std::optional<std::uint64_t> masked_address(const McaRegisters& r) {
    if (!(r.status & MCI_STATUS_ADDRV)) return std::nullopt;
    if (!ser(r) || !(r.status & MCI_STATUS_MISCV)) return r.addr;
    return r.addr >> misc_lsb(r.misc) << misc_lsb(r.misc);
}

bool usable(const McaRegisters& r) {
    MceRecord m;
    m.status = r.status;
    m.misc = r.misc;
    return usable_address(m);
}

std::string fixed_hex(std::uint64_t value, unsigned bits) {
    std::string digits = hex(value).substr(2);
    const std::size_t width = (bits + 3) / 4;
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    return "0x" + digits;
}

/// What is to be done (mce.md section 3).
std::string_view advice(const McaRegisters& r) {
    switch (mca::classify(r.status, ser(r))) {
        case ErrorClass::invalid:
            return "ignore the bank";
        case ErrorClass::corrected:
            return "log and count";
        case ErrorClass::ucna:
            return "bad data was found, not used: log and go on";
        case ErrorClass::srao:
            return "bad data was found, not used: take its page out of use if you like";
        case ErrorClass::srar:
            return "bad data is being used: the interrupted program must not go on";
        case ErrorClass::fatal:
            return "the processor's state is lost: reset";
        case ErrorClass::uncorrected:
            return "uncorrected, without information about recovery";
        case ErrorClass::illegal:
            return "hardware never produces this: fatal";
    }
    return "";
}

}  // namespace

std::string error_class(const McaRegisters& r) {
    const bool scrub = (mcacod(r.status) & 0xeff0) == 0xc0;
    const bool write_back = (mcacod(r.status) & MCACOD_MASK) == 0x17a;
    const bool enabled = r.status & MCI_STATUS_EN;
    switch (mca::classify(r.status, ser(r))) {
        case ErrorClass::invalid:
            return "invalid";
        case ErrorClass::corrected:
            return "CE";
        case ErrorClass::ucna:
            return scrub || write_back ? "SRAO (via CMCI)" : "UCNA";
        case ErrorClass::srao:
            return enabled ? "SRAO" : "SRAO, not enabled";
        case ErrorClass::srar:
            return enabled ? "SRAR" : "SRAR, not enabled";
        case ErrorClass::fatal:
            return enabled ? "UC (fatal)" : "UC, not enabled";
        case ErrorClass::uncorrected:
            return enabled ? "UC" : "UC, not enabled";
        case ErrorClass::illegal:
            return "illegal (S=0, AR=1)";
    }
    return "";
}

Json decode_json(const McaRegisters& r) {
    if (!intel_layout(r.vendor)) return decode_foreign_json(r);
    Json j = {{"status", fixed_hex(r.status, 64)}};
    for (const StatusField& f : kStatusFields) j["fields"][f.name] = f.of(r.status);
    j["class"] = error_class(r);
    j["mcacod"] = {{"code", fixed_hex(mcacod(r.status), 16)},
                   {"form", mcacod_form(r.status)},
                   {"filtered", (mcacod(r.status) & 0x1000) != 0}};
    j["mscod"] = fixed_hex(mscod(r.status), 16);
    j["bank"] = r.bank ? Json(*r.bank) : Json(nullptr);
    j["unit"] = r.bank && !unit_name(*r.bank, r.cpuid).empty() ? Json(unit_name(*r.bank, r.cpuid))
                                                               : Json(nullptr);
    j["mcgstatus"] = {{"value", hex(r.mcgstatus)}};
    for (const StatusField& f : kMcgFields) j["mcgstatus"][f.name] = f.of(r.mcgstatus);
    j["addr"] = nullptr;
    if (const auto masked = masked_address(r))
        j["addr"] = {{"value", hex(r.addr)}, {"masked", hex(*masked)}, {"usable", usable(r)}};
    j["misc"] = nullptr;
    if (r.status & MCI_STATUS_MISCV)
        j["misc"] = {
            {"value", hex(r.misc)}, {"lsb", misc_lsb(r.misc)}, {"mode", kModes[misc_mode(r.misc)]}};
    j["grades"] = Json::array();
    for (const Graded& g : grades(r))
        j["grades"].push_back({{"profiles", g.profiles},
                               {"context", g.where.empty() ? Json() : Json(g.where)},
                               {"row", g.grade.row},
                               {"severity", word(g.grade.severity)},
                               {"message", g.grade.message}});
    j["advice"] = advice(r);
    j["mcelog"] = mcelog_lines(r);
    const RasdaemonColumns c = rasdaemon_columns(r);
    j["rasdaemon"] = {{"mcgstatus_msg", c.mcgstatus_msg}, {"mcistatus_msg", c.mcistatus_msg},
                      {"mcastatus_msg", c.mcastatus_msg}, {"error_msg", c.error_msg},
                      {"mc_location", c.mc_location},     {"user_action", c.user_action}};
    return j;
}

std::string decode_text(const McaRegisters& r) {
    if (!intel_layout(r.vendor)) return decode_foreign_text(r);
    std::string out;
    const auto line = [&out](std::string_view name, const std::string& value,
                             const std::string& text) {
        std::string left = "  " + std::string(name);
        left.resize(std::max<std::size_t>(left.size() + 1, 10), ' ');
        left += value;
        left.resize(std::max<std::size_t>(left.size() + 2, 20), ' ');
        out += left + text + "\n";
    };
    out += "STATUS " + fixed_hex(r.status, 64) + "\n";
    for (const StatusField& f : kStatusFields) {
        const std::uint64_t v = f.of(r.status);
        const bool number = f.name == "CEC";
        line(f.name,
             f.high == f.low || number ? std::to_string(v) : fixed_hex(v, f.high - f.low + 1),
             meaning(f, r));
    }
    out += "MCG_STATUS " + hex(r.mcgstatus) + "\n";
    for (const StatusField& f : kMcgFields)
        line(f.name, std::to_string(f.of(r.mcgstatus)),
             std::string(f.of(r.mcgstatus) ? f.set : f.clear));
    if (const auto masked = masked_address(r)) {
        out += "ADDR " + hex(r.addr) + "\n";
        line("valid", hex(*masked),
             "page frame " + hex(*masked >> 12) +
                 (usable(r) ? "" : "; no physical page address to act on"));
    }
    if (r.status & MCI_STATUS_MISCV) {
        out += "MISC " + hex(r.misc) + "\n";
        if (ser(r)) {
            line("LSB", std::to_string(misc_lsb(r.misc)),
                 "address bits below this one are not valid");
            line("MODE", std::to_string(misc_mode(r.misc)),
                 std::string(kModes[misc_mode(r.misc)]) + " address");
        }
    }
    if (r.bank) {
        out += "BANK " + std::to_string(*r.bank);
        const std::string unit = unit_name(*r.bank, r.cpuid);
        out += unit.empty() ? "\n" : ": " + unit + "\n";
        for (const std::string& e : unit_error(r).errors) out += "  " + e + "\n";
    }
    out += "class " + error_class(r) + ": " + std::string(advice(r)) + "\n";
    for (const Graded& g : grades(r))
        out += "Linux " + std::string(g.profiles) +
               (g.where.empty() ? "" : " in " + std::string(g.where)) + ": " +
               std::string(word(g.grade.severity)) + ", \"" + std::string(g.grade.message) +
               "\" (row " + std::to_string(g.grade.row) + " of its severity table)\n";
    out += "mcelog\n";
    for (const std::string& l : mcelog_lines(r)) out += "  " + l + "\n";
    const RasdaemonColumns c = rasdaemon_columns(r);
    out += "rasdaemon\n";
    for (const std::string& column : {c.error_msg, c.mcgstatus_msg, c.mcistatus_msg,
                                      c.mcastatus_msg, c.mc_location, c.user_action})
        if (!column.empty()) out += "  " + column + "\n";
    return out;
}

}  // namespace mcemu::output
