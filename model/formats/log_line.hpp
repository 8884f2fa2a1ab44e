#pragma once  // A line of a kernel log, without what loggers put before it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcemu::formats {

struct LogLine {
    /// What its time counts from. boot: since boot; calendar: UTC where the line says its zone,
    /// else the logger's clock; year_unknown: likewise, in a year of which only the order is known.
    enum class Clock : std::uint8_t { none, boot, calendar, year_unknown } clock = Clock::none;
    std::int64_t us = 0;            ///< microseconds, since boot or since 1970
    std::optional<unsigned> level;  ///< of printk, 0 to 7
    bool foreign = false;           ///< another program's
    bool bare = false;              ///< no logger put anything before the text
    std::string caller;             ///< "T123" or "C0", who printed it, where the line says so
    std::string text;               ///< the kernel's own words, without blanks at the end
};

/// Takes lines in their order: relative times count from the one before, and a month before the
/// last one is of the next year. Understood: levels ("<3>", "<30>"), dmesg's stamps
/// ("[   12.345678]", -d
/// "[12.3 <0.000004>]", -e "[Dec20 13:38]" and "[  +0.000004]", -T "[Thu Dec 20 13:38:32 2018]",
/// --time-format iso), consoles' own date before the stamp, dmesg -x ("kern  :err   : "), the
/// thread behind a stamp ("[ T123]"), colours, /dev/kmsg and netconsole ("3,123,4567,-;"), syslog
/// and journalctl ("Dec 20 13:38:32 host kernel: " with months of several languages, -o short-iso,
/// short-precise, short-monotonic, json), RFC 5424, ftrace ("task-12 [000] d.h. 12.345678: "),
/// "mcelog: ", indentation and "> " of letters. CR at the end is no part of a line.
class LogLines {
public:
    LogLine next(std::string_view line);

private:
    void export_field(LogLine& line);

    std::optional<std::int64_t> journal_us_;  ///< of an entry of journalctl -o export
    std::optional<std::int64_t> before_us_;
    LogLine::Clock before_ = LogLine::Clock::none;
    int year_ = 1972;  ///< where none is said: a leap year
    unsigned month_ = 0;
};

}  // namespace mcemu::formats
