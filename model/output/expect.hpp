#pragma once  // The `expect` block of a scenario, compared with the result JSON.
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/units.hpp"

namespace mcemu::output {

/// One expectation's answer.
struct Finding {
    std::string at;  ///< JSON pointer into the scenario: "/expect/log/2"
    bool ok = false;
    bool late = false;                 ///< a deadline (`latency` with `max`) that was missed
    nlohmann::ordered_json wanted{};   ///< what the scenario asked for
    nlohmann::ordered_json got{};      ///< what came instead
    nlohmann::ordered_json nearest{};  ///< the nearest miss; null when there is none
    std::string note{};                ///< why it failed, where wanted and got do not say it
    std::optional<SimTime> evidence{}; ///< when the run first showed it; nullopt: only the end did
};

/// {"at", "ok"} and, when it failed, "wanted", "got", "nearest" if there is one, "t_ns" when the run
/// showed it before its end, and "text", all that in words.
nlohmann::ordered_json to_json(const Finding& finding);
/// "/expect/outcome: wanted \"running\", got \"panic\"".
std::string to_text(const Finding& finding);

/// Other names of things in the result: device -> id of its namespace.
using Aliases = std::map<std::string, std::string>;

/// Compares every key but `class` and `temporal` (output/temporal), which the result alone cannot
/// answer: one finding per thing that was asked for, in the order of the
/// keys' names. Keys that are unknown or not supported are findings that failed.
std::vector<Finding> evaluate(const nlohmann::json& expect, const nlohmann::ordered_json& result,
                              const Aliases& devices = {});
/// The member of the result that evaluate() looks at for `key` of an expectation.
std::string_view result_member_of(std::string_view key);
/// `class`, which can be known only when all the others have been compared.
Finding evaluate_class(const nlohmann::json& wanted, const nlohmann::ordered_json& result);

/// The page numbers that the block asks about, rising.
std::vector<Pfn> expected_pages(const nlohmann::json& expect);
/// The pairs (from, to) whose durations it bounds.
std::vector<std::pair<std::string, std::string>> expected_durations(const nlohmann::json& expect);

}  // namespace mcemu::output
