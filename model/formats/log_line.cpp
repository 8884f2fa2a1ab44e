#include "formats/log_line.hpp"

#include <algorithm>
#include <array>

#include "formats/scan.hpp"

namespace mcemu::formats {
namespace {

using Clock = LogLine::Clock;

constexpr std::int64_t kMaxSeconds = 1ll << 36;  ///< more is no time of this world

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 8> kLevels = {"emerg", "alert",  "crit", "err",
                                                     "warn",  "notice", "info", "debug"};

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, days_from_civil).
std::int64_t days(std::int64_t y, unsigned m, unsigned d) {
    y -= m <= 2;
    const std::int64_t era = y / 400;
    const std::int64_t yoe = y - era * 400;
    const std::int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct Stamp {
    std::int64_t year = 0;  ///< 0: not said
    unsigned month = 0, day = 0;
    std::int64_t us_of_day = 0;
};

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

/// "13:38:32", "13:38:32.123456", and "13:38" where seconds may be missing.
bool time_of_day(Scan& s, Stamp& t, bool seconds_needed = true) {
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

/// "Dec 20", "Dec  2", "Dec20".
bool month_and_day(Scan& s, Stamp& t) {
    for (unsigned m = 0; m < kMonths.size(); ++m) {
        if (!s.literal(kMonths[m])) continue;
        s.blanks();
        const auto d = s.decimal();
        if (!d || *d < 1 || *d > 31) return false;
        t.month = m + 1;
        t.day = static_cast<unsigned>(*d);
        return true;
    }
    return false;
}

/// "2018-12-20T13:38:32,123456+00:00", "2018-12-20 13:38:32+0000".
bool iso(Scan& s, Stamp& t) {
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

/// "12345.678901" as microseconds.
std::optional<std::int64_t> uptime(Scan& s) {
    s.blanks();
    const auto seconds = s.decimal();
    if (!seconds || *seconds > kMaxSeconds || s.peek() != '.') return std::nullopt;
    return static_cast<std::int64_t>(*seconds) * 1'000'000 + fraction(s);
}

/// Without "\x1b[...m".
std::string without_colours(std::string_view line) {
    std::string out;
    out.reserve(line.size());
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
            std::size_t end = i + 2;
            while (end < line.size() && (digit(line[end]) || line[end] == ';')) ++end;
            if (end < line.size() && (line[end] == 'm' || line[end] == 'K')) {
                i = end;
                continue;
            }
        }
        out += line[i];
    }
    return out;
}

/// Takes prefix after prefix off one line.
class Stripper {
public:
    Stripper(std::string_view line, LogLine& out) : s_(line), out_(out) {}

    // Flags instead of std::optional: g++ 12 takes those for uninitialised.
    bool calendar_known = false, boot_known = false, delta_known = false;
    Stamp stamp;
    std::int64_t boot_us = 0;
    std::int64_t delta_us = 0;  ///< since the line before

    std::string_view run() {
        if (kmsg()) return s_.rest;
        for (unsigned n = 0; n < 8 && (level() || facility() || bracket() || calendar() || tag());
             ++n)
            s_.blanks();
        return s_.rest;
    }

private:
    /// "6,1234,12345678,-;text": level and facility, sequence, microseconds, flags.
    bool kmsg() {
        Scan s = s_;
        const auto prefix = s.decimal();
        if (!prefix || *prefix > 1023 || !s.literal(",") || !s.decimal() || !s.literal(","))
            return false;
        const auto us = s.decimal();
        if (!us || *us > static_cast<std::uint64_t>(kMaxSeconds) * 1'000'000 || !s.literal(",") ||
            !s.behind(";"))
            return false;
        out_.level = static_cast<unsigned>(*prefix & 7);
        boot_us = static_cast<std::int64_t>(*us);
        boot_known = true;
        s_ = s;
        return true;
    }
    bool level() {
        Scan s = s_;
        if (!s.literal("<")) return false;
        const auto n = s.decimal();
        if (!n || *n > 1023 || !s.literal(">")) return false;
        out_.level = static_cast<unsigned>(*n & 7);
        s_ = s;
        return true;
    }
    /// dmesg -x.
    bool facility() {
        for (const std::string_view name : {"kern", "user", "daemon", "syslog"}) {
            Scan s = s_;
            if (!s.literal(name)) continue;
            s.blanks();
            if (!s.literal(":")) continue;
            for (unsigned i = 0; i < kLevels.size(); ++i) {
                Scan l = s;
                if (!l.literal(kLevels[i])) continue;
                l.blanks();
                if (!l.literal(":")) continue;
                out_.level = i;
                s_ = l;
                return true;
            }
        }
        return false;
    }
    bool bracket() {
        Scan s = s_;
        if (!s.literal("[")) return false;
        Scan inner(s.until("]"));
        if (s.rest.data() == s_.rest.data() + s_.rest.size() && !s_.rest.ends_with(']'))
            return false;
        if (!inside(inner)) return false;
        s_ = s;
        return true;
    }
    bool inside(Scan in) {
        in.blanks();
        Scan s = in;
        if (const auto us = uptime(s)) {
            s.blanks();
            if (!s.done() && s.peek() != '<') return false;
            boot_us = *us;
            boot_known = true;
            return true;
        }
        s = in;
        if (s.literal("+")) {
            const auto us = uptime(s);
            if (!us || !s.done()) return false;
            delta_us = *us;
            delta_known = true;
            return true;
        }
        s = in;
        if ((s.literal("T") || s.literal("C")) && s.decimal() && s.done()) return true;
        s = in;
        Stamp t;
        for (const std::string_view day : kDays)
            if (s.literal(day)) break;
        s.blanks();
        if (!month_and_day(s, t)) return false;
        s.blanks();
        if (!time_of_day(s, t, false)) return false;
        s.blanks();
        if (const auto year = s.decimal(); year && *year >= 1970 && *year < 10000)
            t.year = static_cast<std::int64_t>(*year);
        if (!s.done()) return false;
        stamp = t;
        calendar_known = true;
        return true;
    }
    bool calendar() {
        Scan s = s_;
        Stamp t;
        if (!iso(s, t)) {
            s = s_;
            t = {};
            if (!month_and_day(s, t)) return false;
            s.blanks();
            // Some loggers put the year here.
            Scan with_year = s;
            const auto year = with_year.decimal();
            if (year && *year >= 1970 && *year < 10000 && with_year.peek() == ' ') {
                t.year = static_cast<std::int64_t>(*year);
                with_year.blanks();
                s = with_year;
            }
            if (!time_of_day(s, t)) return false;
        }
        if (!s.done() && s.peek() != ' ') return false;
        stamp = t;
        calendar_known = true;
        s_ = s;
        return true;
    }
    /// "host kernel: ", "kernel: ", "host mcelog[12]: ", and what other programs say.
    bool tag() {
        if (tagged_) return false;
        Scan s = s_;
        for (unsigned n = 0; n < 2; ++n) {
            s.blanks();
            const std::string_view word = s.word();
            if (word.empty()) return false;
            if (word == "kernel:" || word == "mcelog:" || word.starts_with("mcelog[") ||
                word.starts_with("kernel[")) {
                if (word.ends_with(':')) {
                    tagged_ = word.starts_with("kernel");
                    s_ = s;
                    return true;
                }
                return false;
            }
            // A logger's line names its program: "sshd[12]:".
            if ((calendar_known || boot_known) && n == 1 && word.ends_with("]:") &&
                word.find('[') != std::string_view::npos && word.find('[') != 0)
                out_.foreign = true;
            if (!calendar_known && !boot_known) return false;  // no logger's line
        }
        return false;
    }

    Scan s_;
    LogLine& out_;
    bool tagged_ = false;
};

}  // namespace

LogLine LogLines::next(std::string_view line) {
    constexpr std::size_t kLongest = 8192;  ///< more is cut: no line of a kernel is that long
    LogLine out;
    if (line.size() > kLongest) line = line.substr(0, kLongest);
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    const std::string plain = without_colours(line);
    Stripper stripper(plain, out);
    std::string_view text = stripper.run();
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    out.text = text;
    if (stripper.boot_known) {
        out.clock = Clock::boot;
        out.us = stripper.boot_us;
    } else if (stripper.calendar_known) {
        const Stamp& t = stripper.stamp;
        out.clock = t.year > 0 ? Clock::calendar : Clock::year_unknown;
        std::int64_t year = t.year;
        if (year == 0) {
            if (month_ > t.month + 6) ++year_;
            month_ = t.month;
            year = year_;
        }
        out.us = days(year, t.month, t.day) * 86'400'000'000ll + t.us_of_day;
    } else if (stripper.delta_known && before_us_) {
        out.clock = before_;
        out.us = std::min(*before_us_ + stripper.delta_us, 2 * kMaxSeconds * 1'000'000);
    }
    if (out.clock != Clock::none) {
        before_us_ = out.us;
        before_ = out.clock;
    }
    return out;
}

}  // namespace mcemu::formats
