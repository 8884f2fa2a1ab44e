#pragma once  // The keys of a scenario as a page of documentation.
#include <string>

namespace mcemu::scenario {

/// Markdown: one part per object, with a table of its keys, from the same shapes as reader and
/// schema. docs/scenario.md ends with it.
std::string reference();

}  // namespace mcemu::scenario
