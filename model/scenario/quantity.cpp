#include "scenario/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "scenario/nearest.hpp"

namespace mcemu::scenario {
namespace {

__extension__ typedef unsigned __int128 Wide;

struct Unit {
    std::string_view name;
    std::uint64_t worth;
};
constexpr std::array<Unit, 5> kSizeUnits{{{"B", 1},
                                          {"KiB", 1ull << 10},
                                          {"MiB", 1ull << 20},
                                          {"GiB", 1ull << 30},
                                          {"TiB", 1ull << 40}}};
// In picoseconds.
constexpr std::array<Unit, 7> kTimeUnits{{{"ps", 1},
                                          {"ns", 1'000},
                                          {"us", 1'000'000},
                                          {"ms", 1'000'000'000},
                                          {"s", 1'000'000'000'000},
                                          {"min", 60'000'000'000'000},
                                          {"h", 3'600'000'000'000'000}}};

constexpr std::string_view kSizeRight =
    "write a number with B, KiB, MiB, GiB or TiB such as \"2MiB\", or whole bytes without quotes";
constexpr std::string_view kTimeRight =
    "write a number with ps, ns, us, ms, s, min or h such as \"10us\", or whole nanoseconds "
    "without quotes";

bool digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t from) {
    std::size_t n = 0;
    while (from + n < text.size() && digit(text[from + n])) ++n;
    return n;
}

/// A decimal number and what follows it.
struct Split {
    std::string_view whole, fraction, unit;
    bool number = false;
};

Split split(std::string_view text) {
    Split s;
    const std::size_t n = digits_at(text, 0);
    s.whole = text.substr(0, n);
    std::size_t end = n;
    s.number = n > 0;
    if (end < text.size() && text[end] == '.') {
        const std::size_t f = digits_at(text, end + 1);
        s.fraction = text.substr(end + 1, f);
        s.number = n > 0 && f > 0;
        end += 1 + f;
    }
    s.unit = text.substr(end);
    return s;
}

enum class Scaling { done, too_large, lossy };

/// whole.fraction * worth, exactly.
Scaling scale(const Split& s, std::uint64_t worth, std::uint64_t& result) {
    const std::size_t zeros = std::min(s.whole.find_first_not_of('0'), s.whole.size());
    const std::string_view whole = s.whole.substr(zeros);
    const std::string_view fraction = s.fraction.substr(0, s.fraction.find_last_not_of('0') + 1);
    if (whole.size() > 20) return Scaling::too_large;
    if (fraction.size() > 19) return Scaling::lossy;  // 10^19 < 2^64
    Wide value = 0;
    for (const char c : whole) value = value * 10 + static_cast<unsigned>(c - '0');
    constexpr Wide kMax = std::numeric_limits<std::uint64_t>::max();
    if (value > kMax) return Scaling::too_large;
    value *= worth;
    Wide part = 0, ten = 1;
    for (const char c : fraction) {
        part = part * 10 + static_cast<unsigned>(c - '0');
        ten *= 10;
    }
    part *= worth;
    if (part % ten != 0) return Scaling::lossy;
    value += part / ten;
    if (value > kMax) return Scaling::too_large;
    result = static_cast<std::uint64_t>(value);
    return Scaling::done;
}

/// What somebody may have meant who wrote the unit `wrong`.
std::string_view meant_unit(std::string_view wrong, std::span<const Unit> units) {
    std::string plain;
    for (const char c : wrong) {
        if (c != ' ') plain += c;
    }
    if (plain == "\u00b5s" || plain == "\u03bcs" || plain == "usec") return "us";
    if (plain == "sec") return "s";
    for (const Unit& unit : units) {
        // K, KB, kB, kib for KiB; MS for ms.
        std::string decimal(unit.name);
        if (decimal.size() == 3 && decimal[1] == 'i') decimal = {unit.name[0], 'B'};
        if (edit_distance(plain, unit.name) == 0 || edit_distance(plain, decimal) == 0 ||
            (decimal.size() == 2 && decimal[1] == 'B' && edit_distance(plain, decimal.substr(0, 1)) == 0))
            return unit.name;
    }
    return {};
}

/// `what` is "size" or "time", `grain` what the value must be a whole number of.
Parsed<std::uint64_t> parse_with_units(std::string_view text, std::span<const Unit> units,
                                       std::string_view what, std::string_view grain,
                                       std::string_view largest, std::string_view right) {
    Parsed<std::uint64_t> out;
    const std::string a(what == "size" ? "a size" : "a time");
    const Split s = split(text);
    if (s.number) {
        for (const Unit& unit : units) {
            if (s.unit != unit.name) continue;
            std::uint64_t value = 0;
            switch (scale(s, unit.worth, value)) {
                case Scaling::done: out.value = value; return out;
                case Scaling::too_large:
                    out.problem = {in_quotes(text) + " is too large", "the largest " + std::string(what) +
                                   " is " + std::string(largest)};
                    return out;
                case Scaling::lossy:
                    out.problem = {in_quotes(text) + " is not a whole number of " + std::string(grain),
                                   "round it"};
                    return out;
            }
        }
        if (s.unit.empty()) {
            out.problem = {in_quotes(text) + " has no unit", std::string(right)};
            return out;
        }
        if (const std::string_view unit = meant_unit(s.unit, units); !unit.empty()) {
            const std::string_view number = text.substr(0, text.size() - s.unit.size());
            out.problem = {in_quotes(text) + " is not " + a,
                           "did you mean " + in_quotes(std::string(number) + std::string(unit)) + "?"};
            return out;
        }
    } else if (text.size() > 1 && text[0] == '-' && split(text.substr(1)).number) {
        out.problem = {in_quotes(text) + " is negative", std::string(right)};
        return out;
    }
    out.problem = {in_quotes(text) + " is not " + a, std::string(right)};
    return out;
}

std::optional<std::uint64_t> hex_value(std::string_view digits, bool& too_large) {
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    too_large = error == std::errc::result_out_of_range && end == digits.data() + digits.size();
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

bool has_hex_prefix(std::string_view text) {
    return text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && text[2] != '-';
}

std::string number_text(std::uint64_t value) { return std::to_string(value); }

}  // namespace

Parsed<std::uint64_t> parse_size(std::string_view text) {
    if (has_hex_prefix(text)) {
        bool too_large = false;
        if (const auto value = hex_value(text.substr(2), too_large)) return {value, {}};
    }
    return parse_with_units(text, kSizeUnits, "size", "bytes", "18446744073709551615B", kSizeRight);
}

Parsed<SimTime> parse_time(std::string_view text) {
    auto ps = parse_with_units(text, kTimeUnits, "time", "picoseconds", "18446744073709551615ps",
                               kTimeRight);
    if (!ps.value) return {std::nullopt, std::move(ps.problem)};
    return {SimTime{*ps.value}, {}};
}

Parsed<SimTime> time_from_ns(std::uint64_t ns) {
    if (ns > std::numeric_limits<std::uint64_t>::max() / 1000)
        return {std::nullopt,
                {number_text(ns) + " ns is too large", "the largest time is 18446744073709551615ps"}};
    return {from_ns(ns), {}};
}

Parsed<std::uint64_t> parse_address(std::string_view text) {
    Parsed<std::uint64_t> out;
    if (has_hex_prefix(text)) {
        bool too_large = false;
        if (const auto value = hex_value(text.substr(2), too_large)) return {value, {}};
        if (too_large) {
            out.problem = {in_quotes(text) + " has more than 64 bits",
                           "the largest address is \"0xffffffffffffffff\""};
            return out;
        }
    } else if (!text.empty()) {
        bool too_large = false;
        if (hex_value(text, too_large)) {
            const bool decimal = digits_at(text, 0) == text.size();
            out.problem = {in_quotes(text) + " is not an address",
                           "did you mean \"0x" + std::string(text) + "\"" +
                               (decimal ? ", or " + std::string(text) + " without quotes?" : "?")};
            return out;
        }
    }
    out.problem = {in_quotes(text) + " is not an address", "write it in hex such as \"0x200000000\""};
    return out;
}

std::string size_text(std::uint64_t bytes) {
    const Unit* best = &kSizeUnits[0];
    for (const Unit& unit : kSizeUnits) {
        if (bytes != 0 && bytes % unit.worth == 0) best = &unit;
    }
    return number_text(bytes / best->worth) + std::string(best->name);
}

std::string time_text(SimTime time) {
    const std::uint64_t ps = time.count();
    const Unit* best = &kTimeUnits[0];
    for (const Unit& unit : std::span(kTimeUnits).first(5)) {
        if (ps != 0 && ps >= unit.worth) best = &unit;
    }
    std::string text = number_text(ps / best->worth);
    if (std::uint64_t rest = ps % best->worth; rest != 0) {
        std::string digits = number_text(rest), width = number_text(best->worth);
        digits.insert(0, width.size() - 1 - digits.size(), '0');
        digits.erase(digits.find_last_not_of('0') + 1);
        text += '.' + digits;
    }
    return text + std::string(best->name);
}

std::string hex_text(std::uint64_t value) {
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kLongest = 80;
    std::string out = "\"";
    std::size_t taken = 0;
    for (const char c : text) {
        // Never cut inside a UTF-8 character.
        if (taken >= kLongest && (static_cast<unsigned char>(c) & 0xc0) != 0x80) {
            out += "...";
            break;
        }
        ++taken;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            constexpr char kHex[] = "0123456789abcdef";
            out += "\\u00";
            out += kHex[static_cast<unsigned char>(c) >> 4];
            out += kHex[c & 0xf];
        } else {
            out += c;
        }
    }
    return out + '"';
}

}  // namespace mcemu::scenario
