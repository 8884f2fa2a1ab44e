#pragma once  // What a run of a campaign costs, beside a bare fork of the same elaborated process.
#include <cstdint>
#include <nlohmann/json.hpp>

namespace mcemu::bench {

/// Runs of a scenario with 100 errors on 64 CPUs: processor time of a run as a ratio to that of
/// fork and wait of a process that has elaborated its machine, the same for a process that makes
/// one run only, and how much faster two workers are than one. Medians of `rounds`. Throws
/// std::runtime_error when a run is not as it must be.
nlohmann::ordered_json campaign_rate(std::uint64_t runs, int rounds);

/// `runs` runs in this process, for an instruction counter.
nlohmann::ordered_json campaign_here(std::uint64_t runs);

/// One run, as a process of its own makes it: read, elaborate, run, result.
void single_run(const char* scenario);

}  // namespace mcemu::bench
