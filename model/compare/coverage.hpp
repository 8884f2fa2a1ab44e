#pragma once  // What runs reached of all that the model knows, and what none did.
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/pmem/image.hpp"
#include "scenario/load.hpp"

namespace mcemu::compare {

/// Per kind of thing and thing: the kernels under which it was reached.
using Reached = std::map<std::string, std::map<std::string, std::set<std::string>>>;

/// One kind of thing, with all that there is of it, in the order in which it is shown.
struct CoverageKind {
    std::string name;  ///< "severity rows v4"
    std::vector<std::string> things;
};

/// All that could be reached: rows of both severity tables, page types and results of
/// memory_failure(), transitions of banks, PAT paths, operations of NVDIMMs, log lines, and both
/// sides of every rule in which the kernels differ.
const std::vector<CoverageKind>& coverage_universe();

struct CoverOptions {
    /// Also asks which rules mattered: the scenario runs once more for each rule in which another
    /// kernel differs, with that rule alone taken from there; it matters where the outcome, or
    /// what else is reached, changes.
    bool rules = true;
    const NvdimmImage* start_from = nullptr;
    unsigned limit_s = 60;  ///< seconds of real time per run
};

/// Adds what a run of the scenario reaches. Rules that `into` already has under its kernel are not
/// asked again. Throws ChildError when the scenario has no result.
void cover(const scenario::LoadedScenario& loaded, const CoverOptions& options, Reached& into);

/// Adds what `from` reached to `into`.
void merge(const Reached& from, Reached& into);

/// The things of one kind that are not reached.
std::vector<std::string> missing(const CoverageKind& kind, const Reached& reached);

}  // namespace mcemu::compare
