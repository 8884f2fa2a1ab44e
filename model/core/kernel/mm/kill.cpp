// Who is told about a lost page, and how (kernel.md 2.9 to 2.11).
#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {

/// task_early_kill(). v4.x, forced: every process. v6.1, forced: current alone; the others follow
/// their policy.
bool MemoryFailure::State::task_early_kill(const Context& ctx, const Process& p,
                                           bool forced) const {
    if (p.state != ProcessState::alive) return false;
    if (forced && (profile.ao_to_all_sharers || ctx.task == &p)) return true;
    if (p.mce_kill == McePolicy::early) return true;
    if (p.mce_kill == McePolicy::late && profile.late_policy_beats_sysctl) return false;
    return env.config.memory_failure_early_kill;
}

void MemoryFailure::State::kill_proc(Context& ctx, Pfn pfn, const Victim& v, unsigned flags) {
    Process& p = kernel.processes[v.process];
    env.log.line(ctx.cpu, Line::mf_kill, pfn.value, p.comm, static_cast<std::uint64_t>(p.pid));
    if ((flags & MF_ACTION_REQUIRED) && ctx.task == &p)
        kernel.processes.force_signal(p, kSigbus, kBusMceerrAr, true, v.addr, v.shift);
    else
        kernel.processes.send_signal(p, kSigbus, kBusMceerrAo, true, v.addr, v.shift);
}

Task<void> MemoryFailure::State::kill_procs(Context& ctx, Pfn pfn, std::vector<Victim> victims,
                                            bool fail, unsigned flags) {
    const Causality why =
        env.agenda.why();  // each signal is caused by this failure, not by another
    for (const Victim& v : victims) {
        co_await phase(env, ctx.cpu, Lat::kernel_mf_kill);
        Process& p = kernel.processes[v.process];
        if (p.state != ProcessState::alive) continue;
        if (fail || !v.valid) {
            env.log.line(ctx.cpu, Line::mf_forcibly, pfn.value, p.comm,
                         static_cast<std::uint64_t>(p.pid));
            kernel.processes.force_signal(p, kSigkill, kSiKernel, false, 0, 0);
        } else {
            kill_proc(ctx, pfn, v, flags);
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
        const unsigned shift = whole ? r.value.shift : kPageShift;
        found =
            Victim{ctx.task->index, round_down(va, 1ull << shift), static_cast<int>(shift), true};
    });
    if (!found) return 0;  // a clean page that was dropped: the access finds good data
    kill_proc(ctx, pfn, *found, flags);
    return -kEhwpoison;
}

}  // namespace mcemu::kernel
