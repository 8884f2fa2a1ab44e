#pragma once  // Worker processes: forked from this one, which has read and checked everything.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "campaign/plan.hpp"
#include "campaign/record.hpp"
#include "campaign/schedule.hpp"
#include "campaign/worker.hpp"

namespace mcemu::campaign {

/// What was drawn for some run makes its scenario a bad one.
struct BadRun {
    std::vector<scenario::Finding> findings;
};

struct PoolOptions {
    unsigned jobs = 1;
    /// A run that takes longer is a failure; none when zero.
    std::chrono::milliseconds time_limit{60'000};
    /// For tests: the worker that comes to this run dies of SIGSEGV, or hangs.
    std::optional<RunId> crash_at{}, hang_at{};
    /// No more runs are begun when it becomes true.
    const std::atomic<bool>* interrupt = nullptr;
};

/// Makes the runs of a schedule. A worker makes several, one after the other; one in a hundred is
/// made once more in a process of its own, and must come out the same. A worker that ends without
/// its results costs a failed run, never the campaign: the others are made again, one by one.
class Pool {
public:
    using Take = std::function<void(std::vector<RunRecord>)>;
    Pool(const Plan& plan, PoolOptions options);
    ~Pool();

    /// Until the schedule has nothing left, or the interrupt. `take` gets every record once, in
    /// any order, and is called at least every half second while there are some. Throws BadRun, and
    /// std::runtime_error when a run made once more differs.
    void run(Schedule& schedule, const Take& take);
    /// Makes some runs of one cell to see how long they take; nothing is kept. How many.
    std::uint64_t try_out(const Piece& piece);

private:
    using Clock = std::chrono::steady_clock;
    struct Child {
        int pid = 0, fd = -1;
        Piece piece;
        std::shared_ptr<CellJob> job;
        std::string bytes;
        std::vector<RunRecord> records;
        Clock::time_point begun, heard;  // when it last sent anything
        bool audit = false;              // its run was made before: `expected` is what must come
        RunRecord expected;
        bool out_of_time = false;
    };
    std::shared_ptr<CellJob> job(std::uint64_t cell, std::uint64_t rep);
    Child& start(const Piece& piece);
    void learn(const Child& child);
    [[noreturn]] void serve(const Piece& piece, const CellJob& job, int fd);
    bool hear(Child& child);
    void end(Child& child, std::vector<RunRecord>& out);
    RunRecord failed(const RunId& id, std::string why) const;

    const Plan& plan_;
    const PoolOptions options_;
    std::list<Child> children_;
    std::deque<Piece> again_;       // runs of workers that failed, one by one
    std::deque<RunRecord> audits_;  // runs to be made once more
    double batch_ = 1;              // runs that a worker makes in kBatchTime, about
    std::map<std::uint64_t, std::shared_ptr<CellJob>> jobs_;
};

}  // namespace mcemu::campaign
