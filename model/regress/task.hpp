#pragma once  // One scenario, run once and judged: what a worker does.
#include <memory>
#include <optional>

#include "compare/explore.hpp"
#include "regress/outcome.hpp"
#include "scenario/load.hpp"

namespace mcemu::regress {

struct Task {
    std::shared_ptr<scenario::Draft> draft;
    scenario::Overrides overrides{};  ///< with the params of the cell of a matrix
    bool check_invariants = false;
    bool digest = false;              ///< the CRCs of log, result and trace are wanted
    bool texts = false;               ///< log and result themselves are wanted
    bool update = false;              ///< edits of the expectations are wanted
    /// Set: every order that nature leaves open is tried, each in a child of the worker; the
    /// expectations must be met in all of them.
    std::optional<compare::ExploreOptions> explore{};
};

/// Loads, runs and judges. Uses the draft up and leaves a SystemC kernel behind: call it in a
/// forked child. Never throws for a fault of scenario or emulator.
Outcome perform(const Task& task);

}  // namespace mcemu::regress
