#pragma once  // "did you mean": the known name nearest to a wrong one.
#include <span>
#include <string_view>

namespace mcemu::scenario {

/// Edit distance with transpositions of neighbours (optimal string alignment); case is ignored
/// and '-', '_', '.' and ' ' are one character. Texts longer than 64 bytes are far from everything.
unsigned edit_distance(std::string_view a, std::string_view b);

/// The first of the nearest `names`, empty when none is near: within a third of the longer
/// length, at least one edit. Looks at the first 1000 names only.
std::string_view nearest(std::string_view wrong, std::span<const std::string_view> names);

}  // namespace mcemu::scenario
