#pragma once  // Steps between a parsed document and its check: include, overrides, "${name}".
#include "scenario/document.hpp"
#include "scenario/load.hpp"

namespace mcemu::scenario {

/// Merges what "include" names under the document: objects merge, arrays append, the including
/// file wins. Takes the key away. False: a file could not be read, so that what the document
/// means cannot be judged.
bool merge_includes(Document& document, std::uint16_t source, const LoadOptions& options,
                    Findings& findings);

/// Applies the overrides. Their values get sources of their own: "--set 1", "--profile".
void apply_overrides(Document& document, const Overrides& overrides, Findings& findings);

/// Replaces "${name}" in every string outside "params" and "matrix"; "$${" stands for "${".
void substitute_params(Document& document, Findings& findings);

}  // namespace mcemu::scenario
