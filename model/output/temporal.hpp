#pragma once  // The temporal expectations of a finished run.
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/condition.hpp"
#include "core/run_view.hpp"
#include "output/never_came.hpp"
#include "output/temporal_judge.hpp"

namespace mcemu::output {

/// Matcher of a log condition, as a simulation wants it (sim::MakeLogMatcher).
std::function<bool(const kernel::LogRecord&)> make_log_matcher(const Condition& condition,
                                                               ProfileId profile,
                                                               const Names& names);

/// Whether items [first, first + count) of the scenario are all met.
bool temporal_met(const RunView& view, std::size_t first, std::size_t count);

/// All items of the scenario, in order. `wanted`: the list as it was written; `place`: where its
/// settings stand.
std::vector<Finding> evaluate_temporal(const RunView& view, const nlohmann::json& wanted,
                                       const SettingPlace& place = {});

}  // namespace mcemu::output
