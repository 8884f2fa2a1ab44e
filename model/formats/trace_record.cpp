#include "formats/trace_record.hpp"

#include <limits>
#include <string>

#include "formats/scan.hpp"

namespace mcemu::formats {
namespace {

template <class T>
bool take(std::optional<std::uint64_t> value, T& to) {
    if (!value || *value > std::numeric_limits<T>::max()) return false;
    to = static_cast<T>(*value);
    return true;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

/// One field's value; false: it is none. A field of another name is passed over.
bool field(const std::string& key, Scan& s, LoggedMce& r) {
    if (key == "cpu") return take(s.decimal(), r.cpu);
    if (key == "mcgc/s")
        return take(s.hex(), r.mcgcap) && s.literal("/") && take(s.hex(), r.mcgstatus);
    if (key == "ipid") return take(s.hex(), r.ipid);
    if (key == "addr") return take(s.hex(), r.addr);
    if (key == "misc") return take(s.hex(), r.misc);
    if (key == "synd") return take(s.hex(), r.synd);
    if (key == "addr/misc/synd")
        return take(s.hex(), r.addr) && s.literal("/") && take(s.hex(), r.misc) && s.literal("/") &&
               take(s.hex(), r.synd);
    if (key == "addr/misc") return take(s.hex(), r.addr) && s.literal("/") && take(s.hex(), r.misc);
    if (key == "rip") {
        std::uint64_t cs = 0;
        if (!take(s.hex(), cs) || !s.literal(":<") || !take(s.hex(), r.ip) || !s.literal(">"))
            return false;
        r.cs = static_cast<std::uint8_t>(cs);
        return true;
    }
    if (key == "tsc") return take(s.hex(), r.tsc);
    if (key == "ppin") return take(s.hex(), r.ppin);
    if (key == "processor") {
        r.processor_known = true;
        return take(s.decimal(), r.vendor) && s.literal(":") && take(s.hex(), r.cpuid);
    }
    if (key == "vendor") {
        r.processor_known = true;
        return take(s.decimal(), r.vendor);
    }
    if (key == "cpuid") return take(s.hex(), r.cpuid);
    if (key == "time") return take(s.decimal(), r.time);
    if (key == "socket") return take(s.decimal(), r.socket);
    if (key == "apic") return take(s.hex(), r.apicid);
    if (key == "microcode") return take(s.hex(), r.microcode);
    return true;
}

}  // namespace

bool trace_record(std::string_view text, LoggedMce& r) {
    const std::size_t mark = text.find("MCGc/s: ");
    if (mark == std::string_view::npos) return false;
    const std::size_t at = text.substr(0, mark).rfind("CPU: ");
    if (at == std::string_view::npos) return false;
    LoggedMce out;
    bool cpu = false, global = false, bank_known = false;
    Scan rest(text.substr(at));
    while (!rest.done()) {
        Scan one(rest.until(", "));
        one.blanks();
        if (one.rest.find(": ") == std::string_view::npos) continue;
        const std::string key = lower(one.until(": "));
        if (key.size() > 2 && key.starts_with("mc") && key[2] >= '0' && key[2] <= '9') {
            std::uint32_t bank = 0;
            Scan number(std::string_view(key).substr(2));
            if (!take(number.decimal(), bank) || !number.done() || bank > 999'999'999 ||
                !take(one.hex(), out.status))
                return false;
            out.bank = static_cast<std::int32_t>(bank);
            bank_known = true;
            continue;
        }
        if (!field(key, one, out)) return false;
        cpu = cpu || key == "cpu";
        global = global || key == "mcgc/s";
    }
    if (!cpu || !global || !bank_known) return false;
    out.exception = out.mcgstatus >> 2 & 1;  // MCIP
    r = std::move(out);
    return true;
}

}  // namespace mcemu::formats
