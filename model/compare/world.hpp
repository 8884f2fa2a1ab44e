#pragma once  // A run in words that can be laid beside another one: its result and its trace.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "scenario/load.hpp"
#include "sim/run.hpp"

namespace mcemu::compare {

using Json = nlohmann::ordered_json;

/// One trace record in words that mean the same in every run: no number in it counts records.
struct Step {
    std::uint32_t id = 0, cause = 0;  ///< ids of this run; cause 0: none
    std::uint64_t t_ps = 0;
    std::uint64_t spent_ps = 0;  ///< of a phase: how long it took
    std::string origin;          ///< id of the scenario's event at the root, "" none
    std::string kind;            ///< "page_flag"
    std::string about;           ///< value of its first field: the CPU, the process, the page
    std::string what;            ///< all fields: "pfn 0x200, flag hwpoison, set 1"
};

struct World {
    std::string name;  ///< of the scenario or file, for messages
    Json result;       ///< mcemu/result/1; null when only a trace was read
    std::vector<Step> steps;
    bool has_trace = false;
    bool was_read = false;  ///< from a file: the members of its objects stand in any order
    /// False: an expectation failed, or (a result that was read) is marked so.
    bool met = true;
};

/// Runs the scenario in a child of its own. `limit_s`: seconds of real time, 0 for ever. Throws
/// ChildError.
World run_world(const std::string& name, const scenario::LoadedScenario& loaded,
                const sim::RunOptions& options = {}, unsigned limit_s = 0);

/// A line of a trace (`--trace F.ndjson`) as a step. Throws std::invalid_argument saying what is
/// wrong with it.
Step step_of(std::string_view line);
/// All lines of a trace. Throws std::invalid_argument: "line 7: ...".
std::vector<Step> steps_of(std::string_view ndjson);

/// "pid 5421, signal SIGBUS": the members of an object but for those named in `without`.
std::string in_words(const Json& object, const std::vector<std::string_view>& without = {});
/// A value without quotes.
std::string in_words_plain(const Json& value);
/// "event e1", "log \"...\"", "phase kernel.mf_kill (4.000 us)", "page flag pfn 0x200, ...".
std::string describe(const Step& step);

}  // namespace mcemu::compare
