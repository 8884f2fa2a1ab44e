#pragma once  // What the runs of a campaign say: shares, quantiles, breakdowns, influences.
#include <nlohmann/json.hpp>
#include <string>

#include "campaign/database.hpp"
#include "campaign/plan.hpp"

namespace mcemu::campaign {

/// All figures as JSON ("mcemu/campaign-report/1"; docs/campaign.md). Times are whole picoseconds.
/// Reads the runs once; memory follows the runs of one set of compared cells.
nlohmann::ordered_json figures(const Plan& plan, const Database& database);

/// The same for people, for a page, and for a spreadsheet (one row per cell and figure).
std::string figures_text(const nlohmann::ordered_json& figures);
std::string figures_markdown(const nlohmann::ordered_json& figures);
std::string figures_csv(const nlohmann::ordered_json& figures);

}  // namespace mcemu::campaign
