#pragma once  // Expressions of records over values saved earlier: Python arithmetic, str(), slices.
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace mcemu::conformance {

using Values = std::map<std::string, nlohmann::json>;

/// The value of `text` (without the leading "="): a whole number or a string. nullopt: it names a
/// value that is not saved. Throws std::invalid_argument for what is no such expression.
std::optional<nlohmann::json> evaluate_expression(std::string_view text, const Values& values);

}  // namespace mcemu::conformance
