#pragma once  // Why some things can be named and never reached.
#include <string_view>

namespace mcemu::compare {

/// One sentence for a thing of coverage_universe() that no scenario can reach; empty: some can.
std::string_view why_never(std::string_view kind, std::string_view thing);

}  // namespace mcemu::compare
