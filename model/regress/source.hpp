#pragma once  // Which scenarios a regression runs: files, folders, matrices, and what selects.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "regress/walk.hpp"
#include "scenario/load.hpp"

namespace mcemu::regress {

struct Selection {
    std::vector<std::string> paths{};   ///< files and folders
    std::vector<std::string> tags{};    ///< scenarios with one of these; none: all
    std::vector<std::string> filters{}; ///< globs for file, name or "file[cell]"; none: all
    std::uint64_t shard = 1, shards = 1;  ///< 1-based: every `shards`-th of those selected
};

/// One run to do.
struct Job {
    std::uint64_t number = 0;  ///< among all that are selected, whatever the shard; from 0
    std::string file{};        ///< as the user would name it
    std::string name{};        ///< of the scenario; of the file when it has none
    scenario::Params cell{};   ///< of its matrix; empty: it has none
    std::shared_ptr<scenario::Draft> draft{};  ///< null: `problem` says why
    std::uint64_t texts = 0;   ///< CRC-64 of the file and what it includes
    std::uint64_t cells = 1;   ///< how many runs the file stands for
    std::string problem{};     ///< why there is nothing to run

    /// "file", or "file [va=0x1000 n=3]".
    std::string title() const;
};

/// Gives one job after the other; holds one file at a time.
class Source {
public:
    /// Throws std::invalid_argument when a path does not exist.
    explicit Source(Selection selection);

    std::optional<Job> next();
    /// Whether next() has one to give.
    bool any();

    std::uint64_t selected() const { return selected_; }  ///< scenarios of all shards, so far
    std::uint64_t left_out() const { return left_out_; }  ///< scenarios that were not selected
    std::uint64_t passed_over() const { return passed_over_; }  ///< files that are no scenarios

private:
    std::optional<std::string> next_path();
    bool open_next();
    std::optional<Job> find();
    bool wanted(const Job& job) const;

    Selection selection_;
    std::size_t next_root_ = 0;
    std::optional<Walk> walk_;
    bool named_ = false;  ///< the path came from the user, not from a folder
    // The open file.
    std::string file_;
    std::shared_ptr<scenario::Draft> draft_;
    std::string problem_;
    std::uint64_t cell_ = 0, cells_ = 0, texts_ = 0;
    std::optional<Job> ahead_;  ///< found by any()
    std::uint64_t selected_ = 0, left_out_ = 0, passed_over_ = 0;
};

}  // namespace mcemu::regress
