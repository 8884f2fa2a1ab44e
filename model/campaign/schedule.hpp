#pragma once  // Which runs are still to be made, and when a cell has had enough.
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "campaign/database.hpp"
#include "campaign/plan.hpp"
#include "campaign/record.hpp"

namespace mcemu::campaign {

/// Hands out runs in pieces. Without a stop rule each cell has Campaign::runs of them. With one a
/// cell is looked at when its first `at_least` runs are all there, and then each time half as many
/// again are: what decides is runs [0, n) alone, so that the same runs are made whatever the number
/// of processes, shards and interruptions.
class Schedule {
public:
    /// `done`: runs that exist already; null: none.
    Schedule(const Plan& plan, const Database* done);
    /// Keeps to part `index` (from 1) of `count` of what is to be made now; later looks at the
    /// stop rule are somebody else's.
    void keep_shard(std::uint64_t index, std::uint64_t count);

    /// At most `most` runs of one cell; an empty piece when there are none for the moment.
    Piece next(std::uint64_t most);
    /// A run was made.
    void add(const RunRecord& record);

    std::uint64_t done() const { return done_; }
    /// Runs known to be needed, made ones included; a stop rule may ask for more.
    std::uint64_t planned() const { return planned_; }
    /// Whether the runs made so far are all.
    bool complete() const { return done_ == planned_; }
    /// Runs that exist, and runs that a cell is known to need.
    std::uint64_t cell_done(std::uint64_t cell) const { return cells_[cell].done; }
    std::uint64_t cell_target(std::uint64_t cell) const { return cells_[cell].target; }

private:
    struct CellState {
        std::uint64_t done = 0, target = 0;
        std::uint64_t hits = 0, trials = 0;      // stop by the share of a class
        std::vector<std::uint64_t> durations{};  // stop by a quantile
    };
    bool enough(const CellState& cell) const;
    void count(const RunRecord& record, CellState& cell) const;
    bool grow(CellState& cell) const;

    const scenario::Campaign& campaign_;
    std::vector<CellState> cells_;
    std::deque<Piece> pending_;
    std::uint64_t done_ = 0, planned_ = 0;
    bool sharded_ = false;
    int stop_class_ = -1;    // index of the campaign's own class, or -1
    int stop_measure_ = -1;
};

}  // namespace mcemu::campaign
