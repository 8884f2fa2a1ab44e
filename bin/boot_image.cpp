#include "boot_image.hpp"

#include <iostream>
#include <utility>

#include "regress/boot.hpp"

namespace mcemu::cli {

BootImage boot_image(const scenario::LoadedScenario& loaded, const std::string& path) {
    BootImage out;
    if (loaded.boots_on.empty()) return out;
    regress::Boot boot = regress::boot_on(loaded.boots_on, loaded.scenario.machine,
                                          path == "-" ? "<stdin>" : path);
    for (const std::string& line : boot.problems) std::cerr << line << "\n";
    out.good = boot.image.has_value();
    out.image = std::move(boot.image);
    out.story = std::move(boot.story);
    return out;
}

}  // namespace mcemu::cli
