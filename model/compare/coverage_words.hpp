#pragma once  // The names of what can be reached, and where a run shows that it was.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compare/coverage.hpp"
#include "compare/profile_rules.hpp"
#include "core/mca/severity.hpp"
#include "core/run_view.hpp"

namespace mcemu::compare {

inline constexpr std::string_view kRowsV4Kind = "severity rows v4.x";
inline constexpr std::string_view kRowsV6Kind = "severity rows v6.1";
inline constexpr std::string_view kRuleKind = "kernel differences";

/// "7 AR: Action required; unknown MCACOD".
std::string row_words(unsigned number, const mca::SeverityRow& row);
/// "copyin_recovers as in v4.18, v4.19".
std::string side_words(const ProfileRule& rule, const kernel::Profile& own);

/// The kinds that trace records and log lines show.
std::vector<CoverageKind> record_kinds();

/// Calls `reached(kind, thing)` for all that the run shows, some of it more than once.
void reached_in(const RunView& view,
                const std::function<void(const std::string& kind, const std::string& thing)>& reached);

}  // namespace mcemu::compare
