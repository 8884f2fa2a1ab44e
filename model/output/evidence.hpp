#pragma once  // When a run first showed that an expectation is not met; failures in that order.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/run_view.hpp"
#include "output/expect.hpp"

namespace mcemu::output {

/// The time of the first evidence against a finding that failed: of the log line, the signal, the
/// system call, the record that decided the fate or the class, the change that took a counter away
/// from what was wanted, the panic. nullopt: only the end shows it. `expect` as it was written,
/// `late`: as in classify().
std::optional<SimTime> evidence_of(const RunView& view, const nlohmann::json& expect,
                                   const nlohmann::ordered_json& result, const Finding& finding,
                                   bool late);

/// The steps of a JSON pointer: "/expect/log/2" -> {"expect", "log", "2"}.
std::vector<std::string> pointer_steps(std::string_view pointer);

/// The findings of a complete result that failed: by the time of their first evidence (what only
/// the end shows comes last), then by `rank`, their place in the scenario's text.
std::vector<const nlohmann::ordered_json*> failures_in_order(
    const nlohmann::ordered_json& result,
    const std::function<std::uint64_t(const std::string& pointer)>& rank);

}  // namespace mcemu::output
