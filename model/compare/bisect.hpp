#pragma once  // One setting, several values: where the verdict flips.
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compare/trial.hpp"

namespace mcemu::compare {

struct Cell {
    std::string value;  ///< as given: "v6.1", "40us"
    Trial trial;
    /// What the run is judged by: "passes", "fails", or without expectations outcome and class.
    std::string verdict;
};

struct Bisection {
    std::vector<Cell> cells;         ///< in the order given
    std::vector<std::size_t> flips;  ///< cells whose verdict is not that of the one before
    bool monotone() const { return flips.size() <= 1; }
};

/// The verdict of every value, one run each. `load` makes the scenario with one value; it throws
/// what stops the whole.
template <class Load>
Bisection bisect(const std::vector<std::string>& values, Load load, unsigned limit_s,
                 const NvdimmImage* start_from = nullptr) {
    Bisection out;
    for (const std::string& value : values) {
        const auto loaded = load(value);
        Cell cell{value, try_scenario(*loaded, limit_s, start_from), {}};
        const Trial& t = cell.trial;
        if (t.end != ChildEnd::How::answered) cell.verdict = "no result";
        else if (t.has_expectations) cell.verdict = t.met ? "passes" : "fails";
        else cell.verdict = t.outcome + ", " + t.klass;
        if (!out.cells.empty() && out.cells.back().verdict != cell.verdict)
            out.flips.push_back(out.cells.size());
        out.cells.push_back(std::move(cell));
    }
    return out;
}

/// "a,[b,c],d" without the commas inside brackets, braces and quotes. Empty: a bracket or a quote
/// is left open, or a value is missing.
std::vector<std::string> split_values(std::string_view list);

}  // namespace mcemu::compare
