#pragma once  // How long poisoned pages stayed reachable, by whom, and what might have hit them.
#include <cstdint>

#include "core/run_view.hpp"

namespace mcemu::output {

/// Of all poisoned pages of a run the longest times. A page counts from the moment its poison is
/// planted (configured poison: from the beginning), or, when no media error stands behind it, from
/// the event that made memory_failure() work on it. Poison that is healed ends the exposure.
struct Exposure {
    std::uint32_t pages = 0;         ///< poisoned pages looked at, at most kMostPages
    SimTime user{};                  ///< some user mapping was present
    SimTime direct_map{};            ///< the kernel's direct map had it present
    SimTime speculation{};           ///< some mapping was present and cacheable
    bool user_open = false;          ///< and it still was when the run ended
    bool direct_map_open = false;
    bool speculation_open = false;
    std::uint64_t accesses = 0;      ///< reads and writes of those pages in that time
    std::uint64_t speculative = 0;   ///< speculative reads of them

    static constexpr std::uint32_t kMostPages = 4096;
    bool operator==(const Exposure&) const = default;
};

/// From the run's trace, which must hold its beginning.
Exposure exposure(const RunView& view);

}  // namespace mcemu::output
