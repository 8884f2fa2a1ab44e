// Who is told about a lost page, and how (kernel.md 2.9 to 2.11).
#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {

/// task_early_kill(): the thread that is to be told, or null. `main` stands for its process.
/// v4.x, forced: the main thread of every process. v6.1, forced: current alone; the others follow
/// their policy.
Process* MemoryFailure::State::task_early_kill(const Context& ctx, Process& main,
                                               bool forced) const {
    if (main.state != ProcessState::alive) return nullptr;  // exit_mm() has run
    const bool sysctl = env.config.memory_failure_early_kill;
    if (forced && profile.ao_to_all_sharers) return &main;
    if (forced && ctx.task && ctx.task->leader == &main) return ctx.task;
    for (Process* t : main.threads) {  // find_early_kill_thread()
        if (t->state != ProcessState::alive) continue;
        if (t->mce_kill == McePolicy::early) return t;
        const bool undecided = t->mce_kill == McePolicy::standard;
        if (profile.late_policy_beats_sysctl && undecided && sysctl) return t;
    }
    return !profile.late_policy_beats_sysctl && sysctl ? &main : nullptr;
}

/// kill_proc(): 0, or -ESRCH from a task that nobody can signal any more.
int MemoryFailure::State::kill_proc(Context& ctx, Pfn pfn, const Victim& v, unsigned flags) {
    Process& p = kernel.processes[v.process];
    const auto pid = static_cast<std::uint64_t>(p.pid);
    env.log.line(ctx.cpu, Line::mf_kill, pfn.value, p.comm, pid);
    // Who shares current's address space (v4.x), or is current (v6.1): current gets the signal.
    Process* const current = ctx.task;
    const bool affected =
        current && (profile.ao_to_all_sharers ? current->leader == p.leader : current == &p);
    if ((flags & MF_ACTION_REQUIRED) && affected) {
        kernel.processes.force_signal(*current, kSigbus, kBusMceerrAr, true, v.addr, v.shift);
        return 0;
    }
    const int rc = kernel.processes.send_signal(p, kSigbus, kBusMceerrAo, true, v.addr, v.shift);
    if (rc != 0)
        env.log.line(ctx.cpu, Line::mf_signal_error, p.comm, pid,
                     static_cast<std::uint64_t>(static_cast<std::int64_t>(rc)));
    return rc;
}

Task<void> MemoryFailure::State::kill_procs(Context& ctx, Pfn pfn, std::vector<Victim> victims,
                                            bool fail, unsigned flags) {
    const Causality why =
        env.agenda.why();  // each signal is caused by this failure, not by another
    for (const Victim& v : victims) {
        co_await phase(env, ctx.cpu, Lat::kernel_mf_kill);
        // A process that ended meanwhile is still on the list, which holds its task.
        Process& p = kernel.processes[v.process];
        const auto pid = static_cast<std::uint64_t>(p.pid);
        if (fail || !v.valid) {
            env.log.line(ctx.cpu, Line::mf_forcibly, pfn.value, p.comm, pid);
            kernel.processes.force_signal(p, kSigkill, kSiKernel, false, 0, 0);
        } else if (kill_proc(ctx, pfn, v, flags) < 0) {
            env.log.line(ctx.cpu, Line::mf_no_advisory, pfn.value, p.comm, pid);
        }
        env.agenda.set_why(why);
    }
}

int MemoryFailure::State::kill_accessing_process(Context& ctx, Pfn pfn, unsigned flags) {
    if (!ctx.task) return -EFAULT;
    std::optional<Victim> found;
    ctx.task->mm->table.for_each([&](const auto& r) {
        if (found || r.value.kind == Pte::Kind::swap) return;
        const std::uint64_t pages = (r.end - r.begin) >> kPageShift;
        if (pfn.value < r.value.pfn || pfn.value >= r.value.pfn + pages) return;
        const std::uint64_t va = r.begin + ((pfn.value - r.value.pfn) << kPageShift);
        const Vma* vma = ctx.task->mm->find(va);
        const bool whole = vma && vma->kind == MapKind::hugetlb;
        // hwpoison_hugetlb_range() knows a huge page by its head alone.
        if (whole && (va & ((1ull << r.value.shift) - 1)) != 0) return;
        const unsigned shift = whole ? r.value.shift : kPageShift;
        found =
            Victim{ctx.task->index, round_down(va, 1ull << shift), static_cast<int>(shift), true};
    });
    if (!found) return 0;  // a clean page that was dropped: the access finds good data
    kill_proc(ctx, pfn, *found, flags);
    return -kEhwpoison;
}

}  // namespace mcemu::kernel
