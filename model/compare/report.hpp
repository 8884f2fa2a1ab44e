#pragma once  // The difference of two runs, as text and as JSON.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compare/cause_diff.hpp"
#include "compare/result_diff.hpp"
#include "compare/world.hpp"

namespace mcemu::compare {

struct Comparison {
    CauseDiff causes;
    std::vector<Kind> kinds;
    bool with_traces = false, with_results = false;
    /// Whether anything differs; `times`: differences in time count.
    bool differs(bool times) const;
};

/// Compares what both have: traces, results.
Comparison compare(const World& a, const World& b);

struct ReportOptions {
    bool times = true;          ///< show and count differences in time
    std::size_t most = 10;      ///< changes shown per kind
    std::string a = "A", b = "B";  ///< what the two are called
};

/// Where the runs part, then each kind that differs.
std::string report_text(const Comparison& comparison, const World& a, const World& b,
                        const ReportOptions& options);
/// mcemu/diff/1.
nlohmann::ordered_json report_json(const Comparison& comparison, const World& a, const World& b,
                                   const ReportOptions& options);

}  // namespace mcemu::compare
