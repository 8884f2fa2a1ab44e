#pragma once  // A campaign file: one scenario, run many times over values swept and drawn.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/latency.hpp"
#include "scenario/finding.hpp"
#include "scenario/load.hpp"
#include "scenario/shape.hpp"

namespace mcemu::scenario {

extern const Shape kCampaignShape;  // shapes_campaign.cpp

/// Where something stands in the campaign file.
struct Place {
    std::uint32_t line = 0, column = 0;
    std::string pointer;
};

/// A value for one place of the scenario.
struct Setting {
    std::string pointer;  ///< JSON pointer into the scenario; params are "/params/NAME"
    nlohmann::json value;
    Place place;
};

struct CampaignVariant {
    std::string name;
    std::vector<Setting> set;
    Place place;
};

/// One value after the other at one place of the scenario.
struct CampaignSweep {
    std::string name, pointer;
    std::vector<nlohmann::json> values;
    std::vector<Place> places;  ///< of each value; those of a range share one
};

/// A value drawn anew for every run. Quantities are whole counts: picoseconds, bytes, or as they
/// are; `unit` says how they are written into the scenario.
struct CampaignDraw {
    enum class Unit : std::uint8_t { whole, real, time, size, address };
    std::string name, pointer;
    Unit unit = Unit::whole;
    Distribution how;         ///< counts in place of picoseconds; not used for reals and choices
    std::uint64_t step = 0;   ///< uniform: only low + n * step; 0: every count
    double low = 0, high = 0;             ///< uniform reals: [low, high)
    std::vector<nlohmann::json> choices;  ///< not empty: one of these
    std::vector<double> shares;           ///< cumulative, the last is 1
    Place place;
};

struct CampaignMeasure {
    std::string name, from, to;
    std::optional<SimTime> deadline;
    Place place;
};

struct CampaignClass {
    std::string name;
    nlohmann::json when;  ///< an "expect" block
    Place place;
};

struct CampaignNumber {
    std::string name;
    std::string pointer;  ///< into the result
    Place place;
};

struct CampaignStop {
    std::string of_class;    ///< or
    std::string of_measure;  ///< a measure's name, with
    double quantile = 0.5;
    double within = 0.01;    ///< half the interval: of a share, or of the quantile's own value
    std::uint64_t at_least = 100, at_most = 100'000;
    Place place;
};

struct Campaign {
    std::string file;  ///< as findings name it
    std::string name, description;
    std::string scenario;  ///< path of the base scenario, from where the program stands
    std::uint64_t seed = 0;
    bool common = true;
    std::uint64_t runs = 1;
    double confidence = 0.95;
    std::vector<Setting> set;
    std::vector<CampaignVariant> variants;  ///< never empty: without any, one without a name
    std::vector<CampaignSweep> sweeps;
    std::vector<CampaignDraw> draws;
    std::vector<CampaignMeasure> measures;
    std::vector<CampaignClass> classes;
    std::vector<CampaignNumber> numbers;
    std::optional<CampaignStop> stop;
    Place scenario_place;

    /// A finding at a place of this file.
    Finding at(const Place& place, std::string wrong, std::string right) const {
        return {file, place.line, place.column, place.pointer, std::move(wrong), std::move(right)};
    }
};

struct CampaignResult {
    std::optional<Campaign> campaign;  ///< none when there are findings
    std::vector<Finding> findings;
};

/// Reads the text of a campaign file; `name` stands for it in findings and gives the folder that
/// its scenario's path is relative to. What only the scenario can tell is not checked here.
CampaignResult read_campaign(std::string name, std::string text);

/// The values between two quantities of a sweep; see CampaignDraw for how a count becomes one.
nlohmann::json quantity_json(CampaignDraw::Unit unit, std::uint64_t count);

}  // namespace mcemu::scenario
