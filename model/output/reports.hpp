#pragma once  // The "reports", "firmware_calls" and "notifications" of a result.
#include <nlohmann/json.hpp>

#include "core/run_view.hpp"
#include "output/causes.hpp"

namespace mcemu::output {

/// What commands printed and readers of files got, in time order: {t_ns, event, what, ret, errno,
/// output, messages}.
nlohmann::ordered_json reports_of(const RunView& view, const Causes& causes);
/// Calls of the NVDIMM root device that change something, or begin a scrub.
nlohmann::ordered_json firmware_calls_of(const RunView& view, const Causes& causes);
/// ACPI notifications of the root device and of modules.
nlohmann::ordered_json notifications_of(const RunView& view);

}  // namespace mcemu::output
