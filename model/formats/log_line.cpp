#include "formats/log_line.hpp"

#include <algorithm>
#include <array>

#include "formats/journal_json.hpp"
#include "formats/log_stamp.hpp"
#include "formats/scan.hpp"

namespace mcemu::formats {
namespace {

using Clock = LogLine::Clock;

constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 8> kLevels = {"emerg", "alert",  "crit", "err",
                                                     "warn",  "notice", "info", "debug"};

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Without "\x1b[...m" and what else terminals are told so.
std::string without_colours(std::string_view line) {
    std::string out;
    out.reserve(line.size());
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
            std::size_t end = i + 2;
            while (end < line.size() && (digit(line[end]) || line[end] == ';' || line[end] == '?'))
                ++end;
            if (end < line.size() && line[end] >= '@' && line[end] <= '~') {
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
    bool unix_known = false;
    std::int64_t boot_us = 0, unix_us = 0;
    std::int64_t delta_us = 0;  ///< since the line before

    std::string_view run() {
        if (kmsg()) return s_.rest;
        indentation();
        trace();
        for (unsigned n = 0; n < 8 && (level() || facility() || bracket() || calendar() || tag());
             ++n)
            s_.blanks();
        if (!boot_known && !calendar_known && !delta_known && !tagged_ && !out_.level)
            unknown_logger();
        out_.bare = !boot_known && !calendar_known && !delta_known && !tagged_ && !out_.level &&
                    out_.caller.empty();
        return s_.rest;
    }

private:
    /// Blanks, and "> " of a letter that quotes the log.
    void indentation() {
        while (s_.literal("\r")) {
        }
        s_.blanks();
        while (s_.peek() == '>' &&
               (s_.rest.size() == 1 || s_.rest[1] == ' ' || s_.rest[1] == '>')) {
            s_.rest.remove_prefix(1);
            s_.blanks();
        }
    }
    /// ftrace: "   kworker/0:1-123   [000] d.h1.  1234.567890: mce_record: ".
    void trace() {
        Scan s = s_;
        const std::size_t cpu = s.rest.find(" [");
        if (cpu == std::string_view::npos || cpu > 60) return;
        const std::string_view task = s.rest.substr(0, cpu);
        const std::size_t dash = task.rfind('-');
        if (dash == std::string_view::npos || dash + 1 >= task.size() || !digit(task[dash + 1]))
            return;
        s.rest.remove_prefix(cpu + 2);
        if (!s.decimal() || !s.literal("]")) return;
        s.blanks();
        if (!digit(s.peek())) s.word();  // what the CPU was doing: "d.h1."
        const auto us = uptime(s);
        if (!us || !s.literal(": ")) return;
        boot_us = *us;
        boot_known = tagged_ = true;
        s_ = s;
    }
    /// A logger of another kind still says whose words they are.
    void unknown_logger() {
        constexpr std::size_t kFarthest = 160;
        const std::size_t at = s_.rest.substr(0, kFarthest).find(" kernel: ");
        if (at == std::string_view::npos) return;
        s_.rest.remove_prefix(at + 9);
        tagged_ = true;
        for (unsigned n = 0; n < 4 && (level() || bracket()); ++n) s_.blanks();
    }
    /// "6,1234,12345678,-;text": level and facility, sequence, microseconds, flags.
    bool kmsg() {
        Scan s = s_;
        const auto prefix = s.decimal();
        if (!prefix || *prefix > 1023 || !s.literal(",") || !s.decimal() || !s.literal(","))
            return false;
        const auto us = s.decimal();
        if (!us || *us > static_cast<std::uint64_t>(kMaxLogSeconds) * 1'000'000 ||
            !s.literal(",") || !s.behind(";"))
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
        // RFC 5424: the version stands before the date.
        if (s.rest.starts_with("1 ") && s.rest.size() > 6 && s.rest[6] == '-')
            s.rest.remove_prefix(2);
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
        if ((s.literal("T") || s.literal("C"))) {
            s.blanks();
            if (s.decimal() && s.done()) {
                out_.caller = in.rest;
                return true;
            }
        }
        s = in;
        Stamp t;
        if (iso_stamp(s, t) && s.done()) {
            stamp = t;
            calendar_known = true;
            return true;
        }
        s = in;
        t = {};
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
    /// journalctl -o short-unix: "1702475170.123456 host kernel: ".
    bool unix_time() {
        constexpr std::int64_t kEarliest = 1'000'000'000'000'000;  // us: no machine is up so long
        Scan s = s_;
        if (boot_known || calendar_known || !digit(s.peek())) return false;
        const auto us = uptime(s);
        if (!us || *us < kEarliest || s.peek() != ' ') return false;
        unix_us = *us;
        unix_known = true;
        calendar_known = true;
        s_ = s;
        return true;
    }
    bool calendar() {
        if (unix_time()) return true;
        Scan s = s_;
        Stamp t;
        // -o short-full: "Wed 2023-12-13 13:46:08 UTC host kernel: ".
        for (const std::string_view day : kDays)
            if (s.literal(day)) break;
        s.blanks();
        if (iso_stamp(s, t)) {
            Scan zone = s;
            if (zone.literal(" UTC ") || zone.literal(" GMT "))
                s.rest = std::string_view(zone.rest.data() - 1, zone.rest.size() + 1);
        } else {
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
            // "Message from syslogd: kernel:[  723.595042] ..."
            if (s.literal("kernel:[")) {
                s_.rest = std::string_view(s.rest.data() - 1, s.rest.size() + 1);
                return tagged_ = true;
            }
            const std::string_view word = s.word();
            if (word.empty()) return false;
            if (word == "kernel" && s.literal(" - - - ")) {  // RFC 5424
                s_ = s;
                return tagged_ = true;
            }
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
    if (journal_json(line, out)) {
        if (out.clock != Clock::none) {
            before_us_ = out.us;
            before_ = out.clock;
        }
        return out;
    }
    const std::string plain =
        line.find('\x1b') == std::string_view::npos ? std::string(line) : without_colours(line);
    Stripper stripper(plain, out);
    std::string_view text = stripper.run();
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    out.text = text;
    if (stripper.boot_known) {
        out.clock = Clock::boot;
        out.us = stripper.boot_us;
    } else if (stripper.unix_known) {
        out.clock = Clock::calendar;
        out.us = stripper.unix_us;
    } else if (stripper.calendar_known) {
        const Stamp& t = stripper.stamp;
        out.clock = t.year > 0 ? Clock::calendar : Clock::year_unknown;
        std::int64_t year = t.year;
        if (year == 0) {
            if (month_ > t.month + 6) ++year_;
            month_ = t.month;
            year = year_;
        }
        out.us = days_from_civil(year, t.month, t.day) * 86'400'000'000ll + t.us_of_day;
    } else if (stripper.delta_known && before_us_) {
        out.clock = before_;
        out.us = std::min(*before_us_ + stripper.delta_us, 2 * kMaxLogSeconds * 1'000'000);
    }
    if (out.clock == Clock::none) export_field(out);
    if (out.clock != Clock::none) {
        before_us_ = out.us;
        before_ = out.clock;
    }
    return out;
}

/// journalctl -o export: a field a line, the time before the message (-o verbose has none such).
void LogLines::export_field(LogLine& line) {
    Scan s(line.text);
    if (s.literal("__MONOTONIC_TIMESTAMP=")) {
        if (const auto us = s.decimal(); us && *us < 1ull << 56)
            journal_us_ = static_cast<std::int64_t>(*us);
    } else if (s.literal("MESSAGE=")) {
        if (journal_us_) {
            line.clock = Clock::boot;
            line.us = *journal_us_;
        }
        line.bare = false;
        line.text = std::string(s.rest);
    }
}

}  // namespace mcemu::formats
