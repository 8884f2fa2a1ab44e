#pragma once  // Pieces of work in forked children, their answers in order.
#include <functional>
#include <optional>
#include <string>

#include "regress/pool.hpp"

namespace mcemu::regress {

/// What a child does: its one answer.
using Work = std::function<std::string()>;

/// Does what `next` gives, until it gives nothing, in at most `jobs` children at a time, and hands
/// what came of each to `take` in the order in which it was given: answers are empty where a child
/// ended without one. `take` returns false to end early. `next` is called shortly before its work
/// begins, so that it may depend on what was taken so far only where that does not change answers.
/// Throws std::system_error when the system gives no process.
void in_order(unsigned jobs, const std::function<std::optional<Work>()>& next,
              const std::function<bool(const Heard&)>& take);

}  // namespace mcemu::regress
