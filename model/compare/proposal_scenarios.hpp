#pragma once  // Small scenarios, each written for something that few others reach.
#include <string_view>
#include <vector>

namespace mcemu::compare {

/// Without schema, name and kernel profile: each is tried under every kernel.
struct SmallScenario {
    std::string_view name;
    std::string_view text;  ///< JSON
};

const std::vector<SmallScenario>& processor_scenarios();
const std::vector<SmallScenario>& memory_scenarios();
const std::vector<SmallScenario>& pmem_scenarios();

}  // namespace mcemu::compare
