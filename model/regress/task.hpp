#pragma once  // Scenarios, each run once and judged: what a worker does.
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

/// A scenario that is loaded, its machine elaborated. SystemC has one kernel per process, which
/// takes no further machine once one has run: prepare all that a process is to run, then run them.
class Prepared {
public:
    virtual ~Prepared() = default;
    /// Runs and judges, once; the machine is gone afterwards. Never throws for a fault of scenario
    /// or emulator.
    virtual Outcome finish() = 0;
};

/// Uses the draft up, or copies it when it has a matrix, whose other cells want it too. Call it in
/// a forked child. Never throws for a fault of scenario or emulator: finish() tells.
std::unique_ptr<Prepared> prepare(const Task& task);

/// Whether a scenario must be run by a process of its own: it starts children, or is too large for
/// its machine to stand beside others.
bool wants_own_process(const Task& task);

}  // namespace mcemu::regress
