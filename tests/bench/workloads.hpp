#pragma once  // The loads of the benchmark: generated, run, and checked against what must come out.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/run_view.hpp"

namespace mcemu::bench {

/// A generated scenario and what its run must show.
struct Workload {
    Scenario scenario;
    std::uint64_t units = 0;     ///< errors, CPUs x rendezvous, operations: what a rate counts
    std::uint64_t signals = 0;   ///< SIGBUS delivered
    std::uint64_t poisoned = 0;  ///< num_poisoned_pages afterwards
    std::uint64_t records = 0;   ///< records that the kernel took from banks
    std::optional<std::uint64_t> bad_ranges;  ///< in the kernel's list; not looked at when absent
    std::uint64_t media_lines = 0;  ///< poisoned 64-byte lines left in the DIMMs
};

/// `errors` errors, one every 2 ms, on 64 CPUs: 60 % corrected, 15 % UCNA, 15 % SRAO of patrol
/// scrubbing, 10 % SRAR of 1000 processes; 10^4 poisoned ranges in the DIMMs. `only`: all of one
/// class ("ce", "ucna", "srao", "srar").
Workload storm(std::uint64_t errors, const std::string& only = "");

/// `rendezvous` broadcast machine checks of `cpus` CPUs, one of which has a valid bank. The unit
/// is one CPU in one rendezvous.
Workload wide(std::uint32_t cpus, std::uint64_t rendezvous);

/// `ranges` poisoned ranges in 6 TiB of persistent memory, all found by a full scrub; processes'
/// loads that meet them and as many Clear Uncorrectable Error calls elsewhere, `operations`
/// together. The unit is one operation.
Workload deep(std::uint64_t ranges, std::uint64_t operations);

/// The same with a thousand operations. The unit is one range: what it costs to be loaded, found
/// by the scrub and kept by kernel and modules.
Workload deep_ranges(std::uint64_t ranges);

/// One page of a device-dax mapping shared by `processes` processes, and one machine check in it
/// that is consumed: everybody is told. The unit is one process found.
Workload shared(std::uint32_t processes);

/// `errors` consumed errors in the memory of 10^4 processes that map 10^6 pages together.
Workload crowd(std::uint64_t errors);

/// What differs from what must have come out; empty: nothing.
std::string check(const Workload& expected, const RunView& view);

}  // namespace mcemu::bench
