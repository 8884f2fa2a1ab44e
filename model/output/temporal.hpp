#pragma once  // The temporal expectations, judged by when their conditions held.
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/condition.hpp"
#include "core/run_view.hpp"
#include "output/expect.hpp"
#include "output/never_came.hpp"

namespace mcemu::output {

/// Matcher of a log condition, as a simulation wants it (sim::MakeLogMatcher).
std::function<bool(const kernel::LogRecord&)> make_log_matcher(const Condition& condition,
                                                               ProfileId profile,
                                                               const Names& names);

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

/// Whether items [first, first + count) of the scenario are all met.
bool temporal_met(const RunView& view, std::size_t first, std::size_t count);

/// All items of the scenario, in order. `wanted`: the list as it was written; `place`: where its
/// settings stand.
std::vector<Finding> evaluate_temporal(const RunView& view, const nlohmann::json& wanted,
                                       const SettingPlace& place = {});

}  // namespace mcemu::output
