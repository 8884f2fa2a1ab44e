#pragma once  // Random bits to a value of the scenario.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "scenario/campaign_file.hpp"

namespace mcemu::campaign {

/// The value at `bits` / 2^64 of the distribution, with arithmetic of our own: the same on every
/// machine.
nlohmann::json draw_value(const scenario::CampaignDraw& draw, std::uint64_t bits);

/// Values that show whether the scenario takes what may be drawn: the least and the largest, or
/// far out in the tails; every choice that has a weight.
std::vector<nlohmann::json> extremes(const scenario::CampaignDraw& draw);

}  // namespace mcemu::campaign
