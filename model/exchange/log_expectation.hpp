#pragma once  // A line of a kernel log as what is expected of another run.
#include <nlohmann/json.hpp>
#include <string>

namespace mcemu::exchange {

/// An item of "/expect/log": the text itself, or {"re": ...} where it holds what no two runs share:
/// time-stamp counter, time, the number of firmware's report, blanks at the end.
nlohmann::ordered_json expected_line(const std::string& text);

}  // namespace mcemu::exchange
