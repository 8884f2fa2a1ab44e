#pragma once  // Two results beside each other, kind by kind.
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcemu::compare {

/// One thing that only one side has, or that has other values.
struct Change {
    std::string what;                 ///< "process victim"; "" for the items of a list
    std::optional<std::string> a, b;  ///< in words; nullopt: not there
};

/// One kind of thing: the log, signals, pages ...
struct Kind {
    std::string name;
    std::vector<Change> changes{};
    /// Things that both have, at other times or of other durations.
    std::vector<Change> later{};
    std::size_t in_a = 0, in_b = 0;  ///< things compared
    bool same() const { return changes.empty() && later.empty(); }
};

/// Every kind, in the order of a result. Lists are compared in order (longest common
/// subsequence), things that have a name by it.
std::vector<Kind> diff_results(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b);

/// Names of the kinds that differ; `times`: also those that differ in times only.
std::vector<std::string> differing(const std::vector<Kind>& kinds, bool times);

/// Pairs (index in a, index in b) of equal items in rising order, as many as there can be. Beyond
/// some millions of comparisons only equal beginnings and ends are found.
std::vector<std::pair<std::size_t, std::size_t>> common(const std::vector<std::string>& a,
                                                        const std::vector<std::string>& b);

}  // namespace mcemu::compare
