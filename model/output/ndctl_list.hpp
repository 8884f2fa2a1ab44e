#pragma once  // The NVDIMMs of a finished run, as ndctl lists them.
#include <string>

#include "core/run_view.hpp"

namespace mcemu::output {

/// JSON in the form of `ndctl list -BDHRNXM` (ndctl-list(1), nvdimm.md 14.1, 14.5). Keys for what
/// is not modelled (numa_node, firmware), and a uuid that nobody gave, are absent.
std::string ndctl_list(const RunView& view);

}  // namespace mcemu::output
