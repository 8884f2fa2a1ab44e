#pragma once  // Workers and the one scheduling rule that decides the order of log lines.
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "core/kernel/env.hpp"

namespace mcemu::kernel {

/// One kworker per CPU (schedule_work() queues on the local CPU). Work runs in queue order.
///
/// kernel.md section 6, default order: a worker that was made runnable while a task is in the
/// kernel starts when that task first sleeps, and ends its pass before the task goes on. Without
/// such a task it starts Lat::kernel_mce_work after it was queued.
class Workqueue {
public:
    using Work = std::function<Task<void>(Context&)>;

    explicit Workqueue(Env& env);
    ~Workqueue();
    /// Queues `work` on `cpu`; it runs in that CPU's kworker context.
    void schedule(CpuId cpu, Work work);
    /// A task on `ctx.cpu` reaches a point where it may sleep: lets a runnable or running worker
    /// of this CPU finish what is queued. At once when there is none, or when `ctx` is a worker.
    Task<void> might_sleep(Context& ctx);
    /// A worker died in an oops: its CPU's queue never runs again.
    void kill_worker(CpuId cpu);
    /// Goes on when the CPU's worker has nothing queued or running.
    Task<void> drained(CpuId cpu);
    /// Called when a worker begins (true) and ends or dies (false) a pass over its queue.
    void on_busy(std::function<void(CpuId, bool)> told) { told_ = std::move(told); }

private:
    struct Worker;
    Worker& worker(CpuId cpu);
    Task<void> run(Worker& worker);
    Task<void> let_finish(Worker& worker);
    void tell(const Worker& worker, bool busy) const;

    Env& env_;
    std::function<void(CpuId, bool)> told_;
    std::vector<std::unique_ptr<Worker>> workers_;  // by CPU, made on first use
};

}  // namespace mcemu::kernel
