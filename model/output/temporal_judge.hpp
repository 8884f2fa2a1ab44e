#pragma once  // The temporal expectations, judged by when their conditions held.
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "core/condition.hpp"
#include "core/units.hpp"
#include "output/expect.hpp"

namespace mcemu::output {

/// What a judge knows beyond the histories.
struct TemporalContext {
    SimTime end{};                                   ///< of the run
    std::function<std::string(std::uint32_t)> told;  ///< a trace record in words; empty: gone
    /// What came near a condition that never held; "": nothing.
    std::function<std::string(const Condition&, const ConditionHistory&)> instead;
};

/// One item: `wanted` as it was written, `at` its pointer.
Finding judge(const TemporalExpectation& item, const TemporalHistory& history,
              const TemporalContext& context, std::string at, nlohmann::ordered_json wanted);

}  // namespace mcemu::output
