#pragma once  // Which runs a campaign has, and what each of them changes in the scenario.
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenario/campaign_file.hpp"
#include "scenario/load.hpp"

namespace mcemu::campaign {

/// A file as it was when the campaign began.
struct SourceFile {
    std::string path, text;
    bool operator==(const SourceFile&) const = default;
};

/// One combination of a variant and a value of each sweep. All its runs differ by what is drawn
/// at random alone.
struct Cell {
    std::uint32_t variant = 0;
    std::vector<std::uint32_t> values;  ///< per sweep: which value
};

/// A campaign with all the files it is made from. Cells and runs are numbered from 0: run `rep` of
/// cell `cell` is the same wherever and whenever it is made.
class Plan {
public:
    struct Result {
        std::shared_ptr<Plan> plan;  ///< null when there are findings
        std::vector<scenario::Finding> findings;
    };
    /// Reads a campaign file ("-": stdin), its scenario and what that includes, and checks every
    /// cell; with more than kCheckedCells, each value of each sweep.
    static Result load(const std::string& path);
    /// From files that were read before, the campaign first; checks nothing.
    static Result restore(std::vector<SourceFile> files);

    const scenario::Campaign& campaign() const { return campaign_; }
    const std::vector<SourceFile>& files() const { return files_; }

    std::uint64_t cells() const { return cells_; }
    Cell cell(std::uint64_t index) const;
    /// {"variant": "lmce", "cores": 4}; without the variant when there is one only.
    nlohmann::ordered_json cell_values(std::uint64_t index) const;
    /// "lmce, cores 4"; "all runs" when there is one cell.
    std::string cell_name(std::uint64_t index) const;

    /// Seed of a run's own random numbers.
    std::uint64_t seed(std::uint64_t cell, std::uint64_t rep) const;
    /// What draw number `draw` comes to in a run.
    nlohmann::json drawn(std::size_t draw, std::uint64_t cell, std::uint64_t rep) const;
    /// The random number behind it, uniform in [0, 1).
    double drawn_share(std::size_t draw, std::uint64_t cell, std::uint64_t rep) const;

    /// The scenario of a run. Never reads the disk. Its Scenario::temporal are the orders over time
    /// that the campaign's classes ask about, one class after the other, and no others.
    scenario::LoadResult load_run(std::uint64_t cell, std::uint64_t rep) const;
    /// Findings of a run's scenario, told where the campaign file caused them.
    std::vector<scenario::Finding> explain(std::uint64_t cell, std::uint64_t rep) const;

    static constexpr std::uint64_t kCheckedCells = 512;
    static constexpr std::uint64_t kMostCells = 1'000'000;

private:
    Plan() = default;
    /// A value and where the campaign file has it.
    struct Change {
        const std::string* pointer;
        nlohmann::json value;
        const scenario::Place* place;
        std::string name;  ///< "cores 4"
    };
    std::optional<scenario::Finding> count_cells();
    std::vector<Change> changes(std::uint64_t cell, std::optional<std::uint64_t> rep) const;
    /// `schema_too`: see LoadOptions::second_opinion.
    scenario::LoadResult load_with(const std::vector<Change>& changes, std::uint64_t seed,
                                   bool schema_too = true) const;
    std::vector<scenario::Finding> check();
    void check_cell(std::uint64_t cell, std::vector<scenario::Finding>& findings) const;
    void check_draws(std::vector<scenario::Finding>& findings) const;
    void check_scenario_words(std::vector<scenario::Finding>& findings) const;
    std::vector<scenario::Finding> blame(const std::vector<Change>& changes) const;
    std::uint64_t bits(std::uint32_t stream, std::uint64_t cell, std::uint64_t rep) const;
    const SourceFile* file(const std::string& path) const;

    scenario::Campaign campaign_;
    std::vector<SourceFile> files_;
    std::vector<std::uint32_t> streams_;  ///< per draw
    std::uint64_t cells_ = 1;
    /// Reads the disk while the campaign is loaded for the first time.
    bool open_ = false;
    mutable std::vector<SourceFile> read_;
};

}  // namespace mcemu::campaign
