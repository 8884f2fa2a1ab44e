#pragma once  // Why a phase never began, or how near a counter came: hints for what was waited for in vain.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/condition.hpp"
#include "core/run_view.hpp"

namespace mcemu::output {

/// Where a file writes the setting at a JSON pointer of the scenario: "node.json:8"; "" when none
/// does.
using SettingPlace = std::function<std::string(const std::string& pointer)>;

/// Why the phase `which` never began, as far as the run shows it: "the machine check was local:
/// machine.mca.lmce is true (node.json:8)". "" when nothing is known.
std::string why_no_phase(const RunView& view, Lat which, const SettingPlace& place);

/// "num_poisoned_pages reached 1 at most, min is 2". "" where `nearest` is unknown or within.
std::string how_near(const Condition& counter, std::optional<std::int64_t> nearest);

}  // namespace mcemu::output
