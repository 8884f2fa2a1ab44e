#pragma once  // The child of Debugger: simulates, and answers between the entries.
#include <cstdint>

#include "core/pmem/image.hpp"
#include "scenario/load.hpp"

namespace mcemu::compare {

/// Runs the scenario; before entry `position`, and wherever it stops later, sends a reply to `out`
/// and takes commands, a line each, from `in` until that ends. Never returns.
[[noreturn]] void debug_session(const scenario::LoadedScenario& loaded, const NvdimmImage* start_from,
                                std::uint64_t position, int in, int out);

}  // namespace mcemu::compare
