#include "formats/log_stamp.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace mcemu::formats {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

bool digit(char c) { return c >= '0' && c <= '9'; }

/// ".123456" or ",123456" as microseconds; nothing there is 0.
std::int64_t fraction(Scan& s) {
    if ((s.peek() != '.' && s.peek() != ',') || s.rest.size() < 2 || !digit(s.rest[1])) return 0;
    s.rest.remove_prefix(1);
    std::int64_t us = 0, worth = 100000;
    while (digit(s.peek())) {
        us += (s.peek() - '0') * worth;
        worth /= 10;
        s.rest.remove_prefix(1);
    }
    return us;
}

/// Exactly two digits.
std::optional<unsigned> two(Scan& s) {
    if (s.rest.size() < 2 || !digit(s.rest[0]) || !digit(s.rest[1])) return std::nullopt;
    const auto value = static_cast<unsigned>((s.rest[0] - '0') * 10 + s.rest[1] - '0');
    s.rest.remove_prefix(2);
    return value;
}

/// The beginnings of months' names that are not English ones, in lower case: German, French,
/// Spanish, Italian, Portuguese.
struct MonthName {
    std::string_view begins;
    unsigned month;
};
constexpr MonthName kForeignMonths[] = {
    {"gen", 1},  {"ene", 1},  {"janv", 1}, {"fév", 2},  {"fev", 2},  {"mär", 3},
    {"mars", 3}, {"avr", 4},  {"abr", 4},  {"mai", 5},  {"mag", 5},  {"giu", 6},
    {"juin", 6}, {"juil", 7}, {"lug", 7},  {"aoû", 8},  {"ago", 8},  {"set", 9},
    {"okt", 10}, {"ott", 10}, {"out", 10}, {"dez", 12}, {"dic", 12}, {"déc", 12},
};

/// A month's name in any language known, as a whole word with or without a full stop.
std::optional<unsigned> month_name(Scan& s) {
    std::size_t n = 0;
    std::string word;
    while (n < s.rest.size() && n < 16) {
        const auto c = static_cast<unsigned char>(s.rest[n]);
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
        if (!letter) break;
        word += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        ++n;
    }
    if (word.empty()) return std::nullopt;
    std::optional<unsigned> month;
    for (const MonthName& name : kForeignMonths)
        if (!month && word.starts_with(name.begins)) month = name.month;
    for (unsigned m = 0; m < kMonths.size() && !month; ++m)
        if (word.starts_with(kMonths[m])) month = m + 1;
    if (!month) return std::nullopt;
    s.rest.remove_prefix(n);
    s.literal(".");
    return month;
}

}  // namespace

std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
    y -= m <= 2;
    const std::int64_t era = y / 400;
    const std::int64_t yoe = y - era * 400;
    const std::int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool time_of_day(Scan& s, Stamp& t, bool seconds_needed) {
    const auto h = two(s);
    if (!h || !s.literal(":")) return false;
    const auto m = two(s);
    if (!m || *h > 23 || *m > 59) return false;
    std::int64_t us = (*h * 60 + *m) * 60'000'000ll;
    if (s.literal(":")) {
        const auto sec = two(s);
        if (!sec || *sec > 60) return false;
        us += *sec * 1'000'000ll + fraction(s);
    } else if (seconds_needed) {
        return false;
    }
    t.us_of_day = us;
    return true;
}

bool month_and_day(Scan& s, Stamp& t) {
    Scan at = s;
    std::optional<unsigned> month;
    // "12月 20".
    if (Scan number = at; digit(number.peek())) {
        const auto n = number.decimal();
        if (n && *n >= 1 && *n <= 12 && number.literal("月")) {
            month = static_cast<unsigned>(*n);
            at = number;
        }
    } else {
        month = month_name(at);
    }
    if (!month) return false;
    at.blanks();
    const auto d = at.decimal();
    if (!d || *d < 1 || *d > 31) return false;
    t.month = *month;
    t.day = static_cast<unsigned>(*d);
    s = at;
    return true;
}

bool iso_stamp(Scan& s, Stamp& t) {
    if (s.rest.size() < 19 || s.rest[4] != '-' || s.rest[7] != '-') return false;
    const auto century = two(s), rest = two(s);
    if (!century || !rest) return false;
    t.year = *century * 100 + *rest;
    s.literal("-");
    const auto m = two(s);
    s.literal("-");
    const auto d = two(s);
    if (!m || !d || *m < 1 || *m > 12 || *d < 1 || *d > 31) return false;
    if (!s.literal("T") && !s.literal(" ")) return false;
    if (!time_of_day(s, t)) return false;
    t.month = *m;
    t.day = *d;
    if (s.literal("Z")) return true;
    if (s.peek() != '+' && s.peek() != '-') return true;
    const int sign = s.peek() == '-' ? 1 : -1;
    Scan zone(s.rest.substr(1));
    const auto h = two(zone);
    zone.literal(":");
    const auto min = two(zone);
    if (!h || !min) return true;
    s.rest = zone.rest;
    t.us_of_day += sign * static_cast<std::int64_t>(*h * 60 + *min) * 60'000'000ll;
    return true;
}

std::optional<std::int64_t> uptime(Scan& s) {
    s.blanks();
    const auto seconds = s.decimal();
    if (!seconds || *seconds > kMaxLogSeconds || s.peek() != '.') return std::nullopt;
    return static_cast<std::int64_t>(*seconds) * 1'000'000 + fraction(s);
}

}  // namespace mcemu::formats
