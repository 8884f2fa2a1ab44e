#pragma once  // The smallest scenario that still fails the same way.
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "compare/trial.hpp"

namespace mcemu::compare {

struct ShrinkOptions {
    std::size_t runs = 5000;  ///< at most so many
    const NvdimmImage* start_from = nullptr;  ///< what the scenario boots on, if it does
    unsigned limit_s = 10;    ///< seconds of real time per run; a run that takes longer has no result
    /// Called after every run; false ends the search with the best so far.
    std::function<bool(std::size_t runs)> progress{};
};

struct Shrunk {
    nlohmann::ordered_json document;  ///< a scenario, with what it includes
    Trial before, after;
    std::size_t runs = 0;
    bool finished = true;  ///< false: the bound or progress() ended the search
    /// Not empty: there is nothing to shrink, and why.
    std::string refused;
};

/// Takes away, as long as the same first expectation fails: whole things with all that names them,
/// then items of lists (ddmin), then members; events get a time in place of another trigger; then
/// each value becomes the roundest that still fails alike. Where the failure is that something did
/// not come, one event stays of each kind that did the same, with its values: without any event it
/// would fail as well, and tell nothing. Deterministic.
Shrunk shrink(const std::string& name, const nlohmann::ordered_json& document,
              const ShrinkOptions& options);

/// "events 12 -> 2, processes 3 -> 1, 3120 -> 410 bytes".
std::string shrunk_words(const nlohmann::ordered_json& before, const nlohmann::ordered_json& after);

}  // namespace mcemu::compare
