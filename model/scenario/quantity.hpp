#pragma once  // Sizes, times and addresses as text: exact, never through a double.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/units.hpp"

namespace mcemu::scenario {

inline constexpr std::uint64_t kMiB = 1ull << 20, kGiB = 1ull << 30;

/// What is wrong with a value, and what would be right.
struct Problem {
    std::string wrong, right;
};

template <class T>
struct Parsed {
    std::optional<T> value;
    Problem problem;  ///< when there is no value
};

/// "64B", "4KiB", "1.5GiB", "0x1000": bytes. A fraction must come out as whole bytes.
Parsed<std::uint64_t> parse_size(std::string_view text);
/// "10us", "1.5ms", "24h": exact to the picosecond.
Parsed<SimTime> parse_time(std::string_view text);
/// "0x200000000": up to 64 bits.
Parsed<std::uint64_t> parse_address(std::string_view text);
/// A whole number of nanoseconds, the form of a time without a unit.
Parsed<SimTime> time_from_ns(std::uint64_t ns);

/// In the largest unit that is exact: "2MiB", "1536B"; "1.5ms"; "0x1000".
std::string size_text(std::uint64_t bytes);
std::string time_text(SimTime time);
std::string hex_text(std::uint64_t value);

/// `text` in double quotes on one line: control characters escaped, long texts cut.
std::string in_quotes(std::string_view text);

}  // namespace mcemu::scenario
