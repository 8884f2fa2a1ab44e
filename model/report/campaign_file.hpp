#pragma once  // Reads the results database of a campaign (docs/campaign.md says what its tables hold).
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/input_error.hpp"
#include "report/measures.hpp"

namespace mcemu::report {

/// The runs of one combination of parameters.
struct CampaignCell {
    std::string name;
    nlohmann::ordered_json parameters;
    std::uint64_t runs = 0, failures = 0;           ///< failures: the emulator itself failed
    std::map<std::string, std::uint64_t> classes;   ///< runs by class, without failures
    std::vector<Measure> measures;  ///< the campaign's, then how long poisoned pages stayed reachable
};

/// How much of a duration's variance the levels of a parameter explain (omega squared, 0 to 1).
struct Influence {
    std::string from, to, parameter;
    double share = 0;
    std::vector<std::pair<std::string, double>> levels;  ///< value, mean duration in ps
};

struct CampaignFigures {
    std::string name, version;
    bool finished = false;
    std::uint64_t runs = 0;
    std::vector<CampaignCell> cells;
    std::vector<Influence> influences;
};

/// Reads each run once. Throws InputError for what is no such database, is damaged, or is of another
/// version.
CampaignFigures read_campaign(const std::string& path);

}  // namespace mcemu::report
