#pragma once  // The NVDIMMs that a scenario boots on, for commands that run it.
#include <optional>
#include <string>
#include <vector>

#include "core/pmem/image.hpp"
#include "scenario/load.hpp"

namespace mcemu::cli {

struct BootImage {
    bool good = true;  ///< false: there were findings, which were printed
    std::optional<NvdimmImage> image{};
    std::vector<std::string> story{};  ///< of the runs that left them, a line each
    /// Null: the scenario boots on its own NVDIMMs.
    const NvdimmImage* get() const { return image ? &*image : nullptr; }
};

/// Runs what `loaded`, read from `path`, boots on.
BootImage boot_image(const scenario::LoadedScenario& loaded, const std::string& path);

}  // namespace mcemu::cli
