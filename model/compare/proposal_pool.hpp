#pragma once  // The scenarios from which proposals are taken.
#include <nlohmann/json.hpp>
#include <vector>

namespace mcemu::compare {

/// First the small scenarios of the three lists, shortest first, under every kernel; then what is made
/// from the model's own tables: a record for every row of the severity tables, an error in a page of
/// every state, pairs of records in one bank, every firmware call, block I/O, memory types. Each has a
/// name of its own; combinations that no machine has are among them, and fail the check.
std::vector<nlohmann::ordered_json> proposal_pool();

}  // namespace mcemu::compare
