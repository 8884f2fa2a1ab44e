#pragma once  // New expectations for what came: edits of a scenario's text.
#include <functional>
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

/// The findings (as in a result) of other expectations about the same run.
using Judge = std::function<output::Json(const nlohmann::json& expect)>;

/// What to write in place of the expectations that failed. `result` is complete, `options` are
/// those with which the scenario at `path` was loaded.
Update propose(const std::string& path, const scenario::LoadOptions& options,
               const scenario::LoadedScenario& loaded, const output::Json& result,
               const Judge& judge);

/// The text with the edits done.
std::string edited(std::string_view text, const std::vector<Edit>& edits);

}  // namespace mcemu::regress
