#pragma once  // What an importer makes of another tool's text.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenario/finding.hpp"

namespace mcemu::scenario {

/// A line of the kernel's log that the source holds.
struct SeenLine {
    unsigned line = 0;  ///< in the source, from 1; 0: it has no lines
    std::string text;   ///< as it stands there, without what loggers put before it
    nlohmann::ordered_json
        want;  ///< as an item of "/expect/log": what differs between runs left open
};

struct Imported {
    std::optional<nlohmann::ordered_json> scenario;  ///< none when there are findings
    std::vector<Finding> findings;                   ///< why nothing was imported
    std::vector<Finding> lost;                       ///< what the scenario does not say, or guesses
    std::vector<SeenLine> seen;  ///< what the source's kernel said, in its order
};

}  // namespace mcemu::scenario
