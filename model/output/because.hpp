#pragma once  // The sentence behind a fate: why this event ended as it did.
#include <cstddef>
#include <string>

#include "output/causes.hpp"

namespace mcemu::output {

/// `because` of event `index`: one plain sentence, then the chain of causes in brackets.
std::string because(const RunView& view, const Causes& causes, std::size_t index);
/// The sentence alone.
std::string reason(const RunView& view, const Causes& causes, std::size_t index);

}  // namespace mcemu::output
