#pragma once  // Runs the scenarios of a source in a pool and tells their outcomes in order.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compare/explore.hpp"
#include "regress/outcome.hpp"
#include "regress/pool.hpp"
#include "regress/source.hpp"

namespace mcemu::regress {

struct Task;
class Prepared;

struct RunnerOptions {
    unsigned jobs = 1;                        ///< workers at a time
    std::chrono::nanoseconds limit{0};        ///< wall time per run; 0: none
    bool twice = false;                       ///< and compare the bytes
    bool fail_fast = false;                   ///< end with the first that is not ok
    bool update = false;
    bool digests = false;
    bool check_invariants = false;
    scenario::Overrides overrides{};          ///< for all; the cell of a matrix is added
    /// Makes a run, in a child; the default is prepare(). For tests.
    std::function<std::unique_ptr<Prepared>(const Task&)> prepare{};
    std::optional<compare::ExploreOptions> explore{};  ///< --explore; not together with update
};

struct Totals {
    std::array<std::uint64_t, kStatusCount> by_status{};
    std::uint64_t files = 0;  ///< whose scenarios were told
    std::uint64_t of(Status s) const { return by_status[static_cast<std::size_t>(s)]; }
    std::uint64_t all() const;
    std::uint64_t not_ok() const { return all() - of(Status::ok); }
};

/// Hears of each outcome, in the order of the source.
class Listener {
public:
    virtual ~Listener() = default;
    virtual void outcome(const Job& job, const Outcome& outcome) = 0;
};

/// A child runs several small scenarios, one after the other: their machines are all elaborated
/// before the first runs. What a child says of a scenario that others ran before counts only where
/// it is good: anything else, and one good one in a hundred, is run again in a process of its own,
/// and must come out the same. One that dies or hangs takes nobody along: the rest is run again.
class Runner {
public:
    Runner(Source& source, RunnerOptions options);

    /// Outcomes that are known already, from an earlier run that was cut short.
    std::function<std::optional<Outcome>(const Job&)> known;
    /// Called now and then with the number of outcomes so far and the titles of what runs.
    std::function<void(const Totals&, const std::vector<const Job*>&)> progress;

    /// Until the source is empty, `interrupt` becomes true, or --fail-fast ends it. After an
    /// interruption what had ended is told, in order, with gaps.
    void run(const std::vector<Listener*>& listeners, const std::atomic<bool>& interrupt);

    const Totals& totals() const { return totals_; }
    bool interrupted() const { return interrupted_; }
    bool cut_short() const { return cut_short_; }  ///< by fail_fast

private:
    struct Slot {
        Job job;
        std::optional<Outcome> done[2];
        std::optional<Outcome> shared{};  ///< of a process that ran others before: to be proved
        bool first_only = false;  ///< there is no second run to wait for
        bool ready(bool twice) const { return done[0] && (!twice || first_only || done[1]); }
    };
    /// One run of a scenario: the second one only with --twice.
    struct Unit {
        std::uint64_t ticket;
        int which;
    };
    /// What a child was given.
    struct Batch {
        std::deque<Unit> units;
        std::size_t answered = 0;
        bool elaborated = false;
        std::chrono::steady_clock::time_point begun;
    };
    void fill();
    std::deque<Unit> gather();
    bool admit(Job job);
    void start(std::deque<Unit> units);
    Task task_of(const Unit& unit, bool alone) const;
    void take(Heard heard);
    void take_answer(Batch& batch, const std::string& answer);
    void take_end(Batch& batch, const Heard& heard);
    void settle(const Unit& unit, Outcome outcome);
    Slot& slot(const Unit& unit) { return slots_[unit.ticket - first_]; }
    void learn(const Batch& batch);
    bool tell(const std::vector<Listener*>& listeners);
    Outcome merged(Slot& slot);
    Outcome outcome_of(const Heard& heard) const;
    void report_progress();

    Source& source_;
    RunnerOptions options_;
    Pool pool_;
    std::deque<Slot> slots_;         ///< from the first that is not yet told
    std::uint64_t first_ = 0;        ///< ticket of slots_.front()
    std::map<std::uint64_t, Batch> batches_;
    std::uint64_t next_batch_ = 0;
    std::deque<Unit> alone_;         ///< to be run by a process of their own
    std::deque<Unit> again_;         ///< given back by a process that had others before
    double batch_size_ = 1;          ///< runs that a process makes in kBatchTime, about
    bool exhausted_ = false, interrupted_ = false, cut_short_ = false;
    Totals totals_;
    std::string file_;  ///< of the outcome told last
};

}  // namespace mcemu::regress
