#pragma once  // Small scenarios that reach what others did not.
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compare/coverage.hpp"

namespace mcemu::compare {

/// One thing that was not reached, and a scenario that reaches it.
struct Proposal {
    std::string kind, thing;
    nlohmann::ordered_json scenario;  ///< null: none of ours reaches it
};

/// Small scenarios made from the model's own tables: a record for every row of the severity tables
/// under every kernel, an error in a page of every state, pairs of records in one bank, every
/// firmware call, block I/O, memory types. Valid, each with a name of its own.
std::vector<nlohmann::ordered_json> proposal_pool();

/// For everything that `reached` lacks: the first scenario of the pool that reached it when it was
/// run. With `rules`, also for the sides of kernel differences. `progress` is called after each
/// scenario of the pool; false ends the search.
std::vector<Proposal> propose(const Reached& reached, bool rules,
                              const std::function<bool(std::size_t done, std::size_t of)>& progress = {});

}  // namespace mcemu::compare
