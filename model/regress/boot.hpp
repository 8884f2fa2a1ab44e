#pragma once  // "boots_on": the NVDIMMs that another scenario leaves.
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/pmem/image.hpp"

namespace mcemu::regress {

struct Boot {
    std::optional<NvdimmImage> image;   ///< none: `problems` says why
    std::vector<std::string> problems;  ///< a line each
    /// What became of the scenarios that ran before, the first one first, a line each.
    std::vector<std::string> story{};
};

/// Runs the scenario at `path` in a forked child, and first those that it boots on itself. `machine`
/// is the machine that boots next, `scenario` its scenario's file for findings.
Boot boot_on(const std::string& path, const MachineConfig& machine, const std::string& scenario);

}  // namespace mcemu::regress
