#pragma once  // Dates and times as loggers write them.
#include <cstdint>
#include <optional>

#include "formats/scan.hpp"

namespace mcemu::formats {

constexpr std::int64_t kMaxLogSeconds = 1ll << 36;  ///< more is no time of this world

/// A day, and a time of it.
struct Stamp {
    std::int64_t year = 0;  ///< 0: not said
    unsigned month = 0, day = 0;
    std::int64_t us_of_day = 0;
};

/// Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, days_from_civil).
std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d);

/// "13:38:32", "13:38:32.123456", and "13:38" where seconds may be missing.
bool time_of_day(Scan& s, Stamp& t, bool seconds_needed = true);
/// "Dec 20", "Dec  2", "Dec20"; "janv. 10", "Dez 20", "12月 20" of other languages.
bool month_and_day(Scan& s, Stamp& t);
/// "2018-12-20T13:38:32,123456+00:00", "2018-12-20 13:38:32+0000".
bool iso_stamp(Scan& s, Stamp& t);
/// "12345.678901" as microseconds.
std::optional<std::int64_t> uptime(Scan& s);

}  // namespace mcemu::formats
