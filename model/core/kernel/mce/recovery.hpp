#pragma once  // What follows a scan: irq_work, memory_failure() for the task, signals, the return.
#include <map>
#include <set>

#include "core/kernel/mce/handler.hpp"

namespace mcemu::kernel {

struct Process;

class Recovery {
public:
    Recovery(MceCore& core, Panic& panic) : core_(core), panic_(panic), callers_(core.env.agenda) {}

    /// v6.1 E15, E16: queues the task work before MCG_STATUS is cleared; it may panic.
    void queue(McCpu& c);
    /// From the cleared MCG_STATUS to the interrupted context. v4.x handles the page here (E15,
    /// E16), v6.1 in the task work on the way to user mode.
    Task<void> finish(McCpu c);

    /// See MachineCheck::wait_handled().
    Task<bool> wait_handled(Context& ctx);
    /// For a caller of do_machine_check(): announce the call, then wait for its return.
    void expect_return(CpuId cpu) { called_.insert(cpu); }
    Task<void> wait_returned(CpuId cpu);

private:
    enum class Work : std::uint8_t { kill_me_now, kill_me_maybe, kill_me_never };
    /// How the last machine check of a CPU returned, for the flow whose access raised it.
    struct Return {
        explicit Return(Agenda& agenda) : waiters(agenda) {}
        WaitQueue waiters;
        bool fixup = false;
        bool unclaimed = false;  ///< nobody waited yet
        SimTime ended{};
    };

    void queue_task_work(McCpu& c, Work work);
    Task<void> task_work(Context& ctx, Work work, mca::MceRecord m);
    Task<int> handle_page(Context& ctx, mca::MceRecord m, unsigned flags);
    Task<void> run_user_task(McCpu c);
    void force_sigbus(Process* process, std::uint32_t origin);
    void resume(CpuId cpu, bool fixup);
    void returned(CpuId cpu);
    Return& return_of(CpuId cpu);

    MceCore& core_;
    Panic& panic_;
    std::map<CpuId, Return> returns_;
    std::set<CpuId> called_;  // do_machine_check() was called there and has not returned
    WaitQueue callers_;
    std::map<CpuId, std::pair<Work, mca::MceRecord>> idle_work_;  // user mode, but no process known
};

}  // namespace mcemu::kernel
