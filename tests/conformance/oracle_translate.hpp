#pragma once  // A record of a real kernel as a scenario.
#include <map>
#include <string>
#include <vector>

#include "conformance/family.hpp"

namespace mcemu::conformance {

/// Which scenario event stands for which observation of the record.
struct Observation {
    std::string role;    ///< process that observed
    std::string event;   ///< id of the scenario event
    json expected;       ///< element of the record's `results`
};

struct Translation {
    json scenario;
    std::vector<Observation> observations;  ///< in the record's order
};

Translation translate_oracle(const json& record);

std::uint64_t number(const std::string& text);
std::string hex(std::uint64_t value);

}  // namespace mcemu::conformance
