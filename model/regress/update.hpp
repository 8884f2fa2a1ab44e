#pragma once  // New expectations for what came: edits of a scenario's text.
#include <string>
#include <string_view>
#include <vector>

#include "output/result.hpp"
#include "regress/outcome.hpp"
#include "scenario/load.hpp"

namespace mcemu::regress {

struct Update {
    std::vector<Edit> edits;  ///< of the scenario's own file, by rising offset, apart
    std::string why_not;      ///< not empty: there are no edits that would do
};

/// What to write in place of the expectations that failed. `result` is complete.
Update propose(const scenario::LoadedScenario& loaded, const output::Json& result);

/// The text with the edits done.
std::string edited(std::string_view text, const std::vector<Edit>& edits);

/// The lines that differ, as a unified difference of `name`.
std::string difference(const std::string& name, std::string_view before, std::string_view after);

}  // namespace mcemu::regress
