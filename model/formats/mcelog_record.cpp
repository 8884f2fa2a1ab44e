#include "formats/mcelog_record.hpp"

#include <algorithm>
#include <limits>

#include "formats/scan.hpp"

namespace mcemu::formats {
namespace {

constexpr std::uint32_t kThermalBank = 128;  // K8's MCE_THERMAL_BANK

template <class T>
bool take(std::optional<std::uint64_t> value, T& to) {
    if (!value || *value > std::numeric_limits<T>::max()) return false;
    to = static_cast<T>(*value);
    return true;
}

bool begins(Scan s, LoggedMce& r) {
    LoggedMce out;
    out.mcelog = true;
    out.status_known = false;
    if (Scan xen = s; xen.literal("(XEN) ")) {
        if (!xen.behind(" occurred on CPU ") || !take(xen.decimal(), out.cpu)) return false;
        r = std::move(out);
        return true;
    }
    if (!s.literal("CPU ") || !take(s.decimal(), out.cpu)) return false;
    s.blanks();
    std::uint32_t bank = 0;
    if (s.literal("THERMAL EVENT")) {
        bank = kThermalBank;
    } else {
        s.literal("BANK ");
        if (!take(s.decimal(), bank) || bank > 999'999'999) return false;
    }
    out.bank = static_cast<std::int32_t>(bank);
    s.blanks();
    if (s.literal("TSC ") && !take(s.hex(), out.tsc)) return false;
    s.blanks();
    if (!s.done()) return false;
    r = std::move(out);
    return true;
}

/// "CPUID Vendor Intel Family 6 Model 85 Step 4" as the register that says so.
void processor(Scan s, LoggedMce& r) {
    const std::string_view vendor = s.word();
    r.vendor = vendor == "Intel" ? 0 : vendor == "AMD" ? 2 : 255;
    std::uint64_t family = 0, model = 0, step = 0;
    s.blanks();
    if (!s.literal("Family ") || !take(s.decimal(), family)) return;
    s.blanks();
    if (!s.literal("Model ") || !take(s.decimal(), model) || family > 270 || model > 255) return;
    s.blanks();
    if (s.literal("Step ")) take(s.decimal(), step);
    const std::uint64_t base = std::min<std::uint64_t>(family, 15);
    r.cpuid = static_cast<std::uint32_t>((family - base) << 20 | (model >> 4) << 16 | base << 8 |
                                         (model & 15) << 4 | (step & 15));
    r.processor_known = true;
}

/// One value; false: it is none. "FATAL" is no hexadecimal number.
template <class T>
bool whole(Scan& s, std::optional<std::uint64_t> value, T& to) {
    if (!s.done() && s.peek() != ' ' && s.peek() != '\t') return false;
    return take(value, to);
}

/// The value behind `key`; false: it is none of mcelog's keys, or no value.
bool value_of(std::string_view key, Scan& s, LoggedMce& r) {
    const auto hex = [&](auto& to) {
        const auto value = s.hex();
        return whole(s, value, to);
    };
    if (key == "STATUS") return r.status_known = hex(r.status);
    if (key == "MCGSTATUS") {
        if (!hex(r.mcgstatus)) return false;
        r.exception = r.mcgstatus >> 2 & 1;  // MCIP
        return true;
    }
    if (key == "MISC") return hex(r.misc);
    if (key == "ADDR") return hex(r.addr);
    if (key == "TSC") return hex(r.tsc);
    if (key == "MCGCAP") return hex(r.mcgcap);
    if (key == "PPIN") return hex(r.ppin);
    if (key == "SYND") return hex(r.synd);
    if (key == "IPID") return hex(r.ipid);
    if (key == "APICID" || key == "APIC") return hex(r.apicid);
    if (key == "MICROCODE" || key == "microcode") return hex(r.microcode);
    if (key == "TIME") {
        const auto value = s.decimal();
        return whole(s, value, r.time);
    }
    if (key == "SOCKETID" || key == "SOCKET") {
        const auto value = s.decimal();
        return whole(s, value, r.socket);
    }
    if (key != "PROCESSOR" || !take(s.decimal(), r.vendor) || !s.literal(":")) return false;
    return r.processor_known = hex(r.cpuid);
}

/// "MISC 1 ADDR 2": pairs of a key and a number; behind TIME may stand a date.
bool pairs(Scan s, LoggedMce& r) {
    bool any = false;
    for (s.blanks(); !s.done(); s.blanks()) {
        const std::string_view key = s.word();
        s.blanks();
        if (!value_of(key, s, r)) return any;
        any = true;
    }
    return any;
}

}  // namespace

McelogLine read_mcelog(std::string_view text, bool open, LoggedMce& r) {
    Scan s(text);
    if (begins(s, r)) return McelogLine::begin;
    if (!open) return McelogLine::none;
    if (Scan xen = s; xen.literal("(XEN) Bank ")) {
        std::uint32_t bank = 0;
        if (!take(xen.decimal(), bank) || bank > 999'999'999 || !xen.literal(": ") ||
            !take(xen.hex(), r.status))
            return McelogLine::none;
        r.bank = static_cast<std::int32_t>(bank);
        r.status_known = true;
        xen.blanks();
        if (xen.literal("at ")) {
            xen.blanks();
            take(xen.hex(), r.addr);
        }
        return McelogLine::end;
    }
    if (s.literal("CPUID Vendor ")) {
        processor(s, r);
        return McelogLine::end;
    }
    if (s.literal("RIP ")) {
        r.inexact = s.literal("!INEXACT! ");
        std::uint64_t cs = 0, ip = 0;
        if (!take(s.hex(), cs) || !s.literal(":")) return McelogLine::none;
        s.literal("<");
        if (!take(s.hex(), ip)) return McelogLine::none;
        r.cs = static_cast<std::uint8_t>(cs);
        r.ip = ip;
        return McelogLine::part;
    }
    return pairs(s, r) ? McelogLine::part : McelogLine::none;
}

}  // namespace mcemu::formats
