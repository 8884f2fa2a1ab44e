#pragma once  // "matrix": lists of values of params, and the combinations they make.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "scenario/document.hpp"

namespace mcemu::scenario {

/// Names and values of params.
using Params = std::vector<std::pair<std::string, nlohmann::json>>;

struct Matrix {
    struct Axis {
        std::string name;
        std::vector<nlohmann::json> values;  ///< at least one
    };
    std::vector<Axis> axes;  ///< in the order of the document; none: there is no matrix

    static constexpr std::uint64_t kMostCells = std::uint64_t{1} << 32;

    /// How many combinations: 1 without axes. Counts no further than kMostCells + 1.
    std::uint64_t cells() const;
    /// The combination `number` < cells(): the first name varies slowest.
    Params cell(std::uint64_t number) const;
};

/// The matrix of a scenario. A malformed one is none: who loads the scenario says so.
Matrix matrix_of(const Value& root);

/// "va=0x1000 n=3": names and values as --matrix takes them.
std::vector<std::string> cell_words(const Params& cell);

/// The cell that "name=value" words pick: each name of the matrix once, with one of its values.
/// Adds findings ("--matrix 1") and returns nullopt when they do not.
std::optional<Params> pick_cell(Document& document, std::span<const std::string> words,
                                Findings& findings);

}  // namespace mcemu::scenario
