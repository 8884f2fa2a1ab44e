#pragma once  // Machine-check events and records as mce-inject text and QEMU monitor commands.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/event.hpp"

namespace mcemu::exchange {

/// What was written, and what it does not say: a line each, for standard error.
struct Exported {
    std::string text;
    std::vector<std::string> lost;
};

/// The "mce" events of a scenario in order of time. `document` is its JSON, for what descriptions
/// keep of an import.
Exported mce_inject_of(const Scenario& scenario, const nlohmann::json& document);
Exported qemu_of(const Scenario& scenario, const nlohmann::json& document);

/// The machine-check records that the kernel made in a run. `result` has the form of
/// mcemu/result/1.
Exported mce_inject_of(const nlohmann::json& result);
Exported qemu_of(const nlohmann::json& result);

}  // namespace mcemu::exchange
