#pragma once  // What of a result is time alone: for comparisons that times do not count in.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace mcemu::compare {

/// Members that hold a time: of log lines, signals and accesses "t_ns", of records also the
/// time-stamp counter and the wall clock's second.
inline constexpr std::string_view kTimeMembers[] = {"t_ns", "tsc", "time"};

/// A line of the kernel's log with "-" for the time-stamp counter and the second that print_mce()
/// writes: "mce: [Hardware Error]: TSC - ADDR 52003000".
std::string without_times(std::string_view line);

}  // namespace mcemu::compare
