// madvise(MADV_HWPOISON), madvise(MADV_SOFT_OFFLINE): kernel.md 3.1.
#include "core/kernel/mm/process_state.hpp"

namespace mcemu::kernel {

Task<std::int64_t> Processes::State::madvise(Context& ctx, Process& p, MadviseEvent e) {
    if (e.va % kPageSize) co_return -EINVAL;
    const Profile& profile = env.profile;
    const std::uint64_t end = e.va + round_up(e.size, kPageSize);
    std::uint64_t step = kPageSize;
    for (std::uint64_t va = e.va; va < end; va += step) {
        const auto found = co_await mm.get_user_page(ctx, p, va);
        if (!found) co_return -EFAULT;
        const Pfn pfn = *found;
        const bool ram = kernel.memory.is_ram(pfn);
        // get_user_pages() marks and pins the page; the pin of a compound page is its head's.
        const Pfn pinned = mm.compound_head(pfn);
        kernel.memory.page(pfn).flags |= bit(PG_referenced);
        ++kernel.memory.page(pinned).refcount;
        step = 1ull << mm.compound_shift(pfn);

        if (profile.madvise_skips_poisoned && kernel.memory.page(pfn).test(PG_hwpoison)) {
            --kernel.memory.page(pinned).refcount;
            env.fates.mark(env.agenda.why().origin, Fate::filtered, FateReason::already_poisoned,
                           env.agenda.why().cause);
            continue;
        }
        int rc = 0;
        if (e.soft_offline) {
            env.log.line(ctx.cpu, Line::soft_offline_madvise, pfn.value, va);
            rc = co_await kernel.memory_failure.soft_offline_page(ctx, pfn, MF_COUNT_INCREASED);
        } else {
            env.log.line(ctx.cpu, Line::inject_madvise, pfn.value, va);
            unsigned flags = 0;
            if (profile.madvise_drops_reference) --kernel.memory.page(pinned).refcount;  // patch 5
            if (profile.madvise_keeps_count) flags |= MF_COUNT_INCREASED;
            if (profile.unpoison_refused_after_real) flags |= MF_SW_SIMULATED;
            // What the GUP reference keeps alive moves to the page once a THP is split.
            if (!profile.madvise_drops_reference && ram && pinned != pfn &&
                !kernel.memory.page(pinned).test(PG_hugetlb)) {
                --kernel.memory.page(pinned).refcount;
                ++kernel.memory.page(pfn).refcount;
            }
            rc = co_await kernel.memory_failure.memory_failure(ctx, pfn, flags);
            if (rc == -EOPNOTSUPP && profile.serialised) rc = 0;
        }
        if (rc != 0) co_return rc;
        if (p.state != ProcessState::alive) co_return -EINTR;
    }
    co_return 0;
}

}  // namespace mcemu::kernel
