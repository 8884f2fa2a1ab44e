#pragma once  // Rounder values in place of a value of a scenario.
#include <nlohmann/json.hpp>
#include <vector>

namespace mcemu::compare {

/// Values that are rounder than `value`, the roundest first; of its own kind: times, sizes, hex
/// numbers, whole numbers. None when it is none of these, or as round as can be.
std::vector<nlohmann::ordered_json> rounder(const nlohmann::ordered_json& value);

}  // namespace mcemu::compare
