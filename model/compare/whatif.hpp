#pragma once  // The same run twice, one of them changed in the middle.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compare/world.hpp"

namespace mcemu::compare {

struct WhatIf {
    World as_it_was, changed;
    /// Why the change cannot be made at that time; then nothing is in the worlds.
    std::vector<scenario::Finding> findings;
};

/// Runs `before`, and again with what `after` says otherwise from `at` on. Until then both are the
/// same. Settings that are fixed when a machine boots, and events that already began, are
/// findings; `sets` ("/pointer=value") and `unsets` ("/pointer") are the options that made `after`.
/// Throws ChildError; InvariantError when the worlds part too early.
WhatIf what_if(const std::string& name, const scenario::LoadedScenario& before,
               const scenario::LoadedScenario& after, SimTime at,
               const std::vector<std::string>& sets,
               const std::vector<std::string>& unsets = {},
               const NvdimmImage* start_from = nullptr);

/// Whether the value at a JSON pointer of a scenario can change while the machine runs.
bool can_change(std::string_view pointer);

}  // namespace mcemu::compare
