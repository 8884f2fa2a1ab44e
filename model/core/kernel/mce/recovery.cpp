#include "core/kernel/mce/recovery.hpp"

#include "core/kernel/kernel.hpp"
#include "core/kernel/pat/oops.hpp"

namespace mcemu::kernel {
namespace {

using namespace mca;
using enum Severity;

constexpr int SIGBUS = 7;
constexpr int SI_KERNEL = 0x80;
// Errors of memory_failure() that v6.1 takes for "somebody has dealt with it" (kill_me_maybe()).
constexpr int kHwpoison = -EHWPOISON;
constexpr int kNotSupported = -EOPNOTSUPP;
constexpr int kMaxMceCount = 10;

/// Exception table: any of the stub's copy routines with an entry. The plain copy has none.
bool has_fixup(std::uint64_t ip) {
    const CopyRoutine* r = copy_routine(ip);
    return r && (r->mc_safe || r->from_user);
}

unsigned action_required(const MceRecord& m) {
    unsigned flags = MF_ACTION_REQUIRED;
    if (!(m.mcgstatus & MCG_STATUS_RIPV)) flags |= MF_MUST_KILL;
    return flags;
}

}  // namespace

// ---------------------------------------------------------------- waiting for the handler

Recovery::Return& Recovery::return_of(CpuId cpu) {
    return returns_.try_emplace(cpu, core_.env.agenda).first->second;
}

Task<bool> Recovery::wait_handled(Context& ctx) {
    Return& r = return_of(ctx.cpu);
    const bool ended_now = r.unclaimed && r.ended == core_.env.agenda.now();
    if (!ended_now) co_await r.waiters.wait();
    r.unclaimed = false;
    co_return r.fixup;
}

void Recovery::resume(CpuId cpu, bool fixup) {
    Return& r = return_of(cpu);
    r.fixup = fixup;
    r.ended = core_.env.agenda.now();
    r.unclaimed = r.waiters.empty();
    r.waiters.wake_all();
}

Task<void> Recovery::wait_returned(CpuId cpu) {
    while (called_.contains(cpu)) co_await callers_.wait();
}

void Recovery::returned(CpuId cpu) {
    if (called_.erase(cpu) != 0) callers_.wake_all();
}

// ---------------------------------------------------------------- v6.1: task work

void Recovery::queue(McCpu& c) {
    if (!core_.v6 || (c.worst != MCE_AR_SEVERITY && !c.kill_it)) return;
    if (c.user()) {
        queue_task_work(c, c.kill_it ? Work::kill_me_now : Work::kill_me_maybe);
        return;
    }
    if ((c.m.kflags & MCE_IN_KERNEL_RECOV) && !has_fixup(c.frame.ip))
        panic_.mce_panic(c.cpu, "Failed kernel mode recovery", &c.m, c.msg);
    if (c.m.kflags & MCE_IN_KERNEL_COPYIN) queue_task_work(c, Work::kill_me_never);
}

void Recovery::queue_task_work(McCpu& c, Work work) {
    Process* const task = core_.kernel.processes.current(c.cpu);
    if (!task) {
        idle_work_[c.cpu] = {work, c.m};
        return;
    }
    const int count = ++task->mce_count;
    if (count == 1) {
        task->mce_addr = c.m.addr;
        const MceRecord m = c.m;
        task->task_work.push_back(
            [this, work, m](Context& ctx) { return task_work(ctx, work, m); });
        return;
    }
    if (count > kMaxMceCount)
        panic_.mce_panic(c.cpu, "Too many consecutive machine checks while accessing user data",
                         &c.m, c.msg);
    if (pfn_of(task->mce_addr) != pfn_of(c.m.addr))
        panic_.mce_panic(c.cpu, "Consecutive machine checks to different user pages", &c.m, c.msg);
}

Task<void> Recovery::task_work(Context& ctx, Work work, MceRecord m) {
    Env& env = core_.env;
    if (ctx.task) ctx.task->mce_count = 0;
    env.agenda.set_why({env.agenda.why().cause, m.origin});
    if (work == Work::kill_me_now) {
        force_sigbus(ctx.task, m.origin);
        co_return;
    }
    if (work == Work::kill_me_never) {
        // The system call slept on its way out, so the worker has had its turn (kernel.md 6).
        co_await core_.kernel.workqueue.might_sleep(ctx);
        env.log.line(ctx.cpu, Line::mce_kernel_accessed, m.addr);
        co_await handle_page(ctx, m, 0);
        co_return;
    }
    env.log.line(ctx.cpu, Line::mce_user_access, m.addr);
    const int ret = co_await handle_page(ctx, m, action_required(m));
    if (ret == 0 || ret == kHwpoison || ret == kNotSupported) co_return;
    env.log.line(ctx.cpu, Line::mce_not_recovered);
    force_sigbus(ctx.task, m.origin);
}

// ---------------------------------------------------------------- both

/// memory_failure() and, when it succeeded, the page's way out of the direct map.
Task<int> Recovery::handle_page(Context& ctx, MceRecord m, unsigned flags) {
    Env& env = core_.env;
    const Pfn pfn = pfn_of(m.addr);
    const int ret = co_await core_.kernel.memory_failure.memory_failure(ctx, pfn, flags);
    if (panic_.panicked()) co_await Never{};
    if (ret == 0) {
        env.fates.mark(m.origin, Fate::consumed, FateReason::memory_failure,
                       env.agenda.why().cause);
        co_await core_.kernel.nospec.set_mce_nospec(ctx, pfn);
    }
    co_return ret;
}

/// force_sig(SIGBUS): no address.
void Recovery::force_sigbus(Process* process, std::uint32_t origin) {
    if (!process) return;
    core_.kernel.processes.force_signal(*process, SIGBUS, SI_KERNEL, false, 0, 0);
    core_.env.fates.mark(origin, Fate::consumed, FateReason::signalled,
                         core_.env.agenda.why().cause);
}

/// The rest of the exception for a user task: do_memory_failure() in v4.x, then
/// exit_to_user_mode with task work and signals.
Task<void> Recovery::run_user_task(McCpu c) {
    Env& env = core_.env;
    Process* const task = core_.kernel.processes.current(c.cpu);
    Context ctx;
    ctx.cpu = c.cpu;
    if (task) ctx = core_.kernel.processes.context(*task);
    if (task) task->in_kernel = true;
    // The exception's tail is kernel code: another machine check here finds the kernel.
    env.hw.set_context(c.cpu, {kIpKernel, 0x10, true});

    if (core_.v6) {
        if (const auto it = idle_work_.find(c.cpu); it != idle_work_.end()) {
            const auto [work, record] = it->second;
            idle_work_.erase(it);
            co_await task_work(ctx, work, record);
        }
    } else {
        core_.kernel.processes.begin_kernel_work(c.cpu);
        bool kill = c.kill_it;
        if (!kill) {
            env.log.line(c.cpu, Line::mce_user_access, c.m.addr);
            const int ret = co_await handle_page(ctx, c.m, action_required(c.m));
            // A task that died in an oops on the way prints and gets nothing more.
            kill = ret != 0 && ret != kTaskDied;
            if (kill) env.log.line(c.cpu, Line::mce_not_recovered);
        }
        if (kill) force_sigbus(task, c.m.origin);
        core_.kernel.processes.end_kernel_work(c.cpu);
    }
    if (task) co_await core_.kernel.processes.exit_to_user(ctx);
}

Task<void> Recovery::finish(McCpu c) {
    Env& env = core_.env;
    const bool acts = c.worst == MCE_AR_SEVERITY || c.kill_it;
    if (core_.v6) returned(c.cpu);  // the task's business waits for its return to user mode
    // Interrupts are on again from here on; the self-interrupt comes first.
    if (c.logged) co_await core_.irq_work(c.cpu);
    env.agenda.set_why({env.agenda.why().cause, c.m.origin ? c.m.origin : env.agenda.why().origin});

    bool fixup = false;
    if (acts && c.user()) {
        co_await run_user_task(c);
    } else if (acts) {
        fixup = has_fixup(c.frame.ip) && (!core_.v6 || (c.m.kflags & MCE_IN_KERNEL_RECOV));
        if (!fixup && !core_.v6) panic_.mce_panic(c.cpu, "Failed kernel mode recovery", &c.m, {});
    }
    if (panic_.panicked()) co_await Never{};
    returned(c.cpu);
    resume(c.cpu, fixup);
}

}  // namespace mcemu::kernel
