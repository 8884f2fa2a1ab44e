#pragma once  // `ndctl inject-error` commands that plant the media errors of a scenario.
#include <string>
#include <vector>

#include "core/event.hpp"

namespace mcemu::formats {

/// The bad sectors of a block device: a row of its badblocks attribute.
struct NamespaceBadblocks {
    std::string ns;  ///< "namespace0.0"
    std::uint64_t block = 0, count = 0;
};

/// A shell script: what is planted before the scenario begins and by its events, in order of time;
/// comments say what ndctl cannot do. Source: ndctl-inject-error(1), nvdimm.md 14.2.
std::string ndctl_commands(const Scenario& scenario);
/// The same for bad sectors that a run ended with.
std::string ndctl_commands(const std::string& name, const std::vector<NamespaceBadblocks>& rows);

}  // namespace mcemu::formats
