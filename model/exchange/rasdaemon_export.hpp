#pragma once  // What rasdaemon would have recorded of a run, as its database.
#include <nlohmann/json.hpp>

#include "exchange/mce_export.hpp"

namespace mcemu::exchange {

/// A SQLite database that Debian's `ras-mc-ctl --summary` and `--errors` read, with the columns of
/// rasdaemon 0.8 (0.6 ignores those that it does not know): mce_record of the run's records,
/// mc_event of those that an EDAC driver decoded, memory_failure_event of the log; the tables that
/// readers miss otherwise are there, and empty. Times are UTC. The same result gives the same
/// bytes. Source: mce-inject-format.md 2.
Exported rasdaemon_of(const nlohmann::json& result);

}  // namespace mcemu::exchange
