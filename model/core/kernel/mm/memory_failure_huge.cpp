// memory_failure() for hugetlb pages (kernel.md 2.8).
#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {

bool MemoryFailure::State::is_hugetlb(Pfn pfn) {
    return page(mm().compound_head(pfn)).test(PG_hugetlb);
}

/// dissolve_free_huge_page(): base pages again, of which only the bad one stays out of use.
void MemoryFailure::State::dissolve(Pfn pfn, bool free_others) {
    const Pfn head = mm().compound_head(pfn);
    const std::uint64_t pages = 1ull << (mm().compound_shift(pfn) - kPageShift);
    --env.counters.hugepages_total;
    if (head != pfn) set_flag(head, PG_hwpoison, false);
    set_flag(pfn, PG_hwpoison, true);
    Page& p = page(pfn);
    p.flags = bit(PG_hwpoison);
    p.refcount = 1;
    if (free_others)
        kernel.memory.free(head, pages);
    else
        kernel.memory.disuse(head, pages);
}

/// The filter rejects a huge page: nothing has happened.
int MemoryFailure::State::undo_huge(Pfn head) {
    set_flag(head, PG_hwpoison, false);
    if (!profile.counts_every_action) --env.counters.num_poisoned_pages;
    mark_filtered();
    return profile.serialised ? -EOPNOTSUPP : 0;
}

Task<int> MemoryFailure::State::huge(Context& ctx, Pfn pfn, unsigned flags) {
    const Pfn head = mm().compound_head(pfn);
    if (page(head).test(PG_hwpoison) || page(pfn).test(PG_hwpoison)) {
        const int rc = co_await already_poisoned(ctx, pfn, flags);
        co_return rc;
    }
    const int users = mm().page_count(head);
    set_flag(head, PG_hwpoison, true);
    if (!profile.counts_every_action) ++env.counters.num_poisoned_pages;
    if (!(flags & MF_COUNT_INCREASED)) {
        if (users == 0) {
            co_await first_sleep(ctx);
            if (!filter_accepts(head)) co_return undo_huge(head);
            co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
            dissolve(pfn, kernel.memory.kernel_state(pfn) == std::nullopt);
            action_result(ctx, pfn, PageType::free_huge,
                          profile.free_page_recovered ? MfResult::recovered : MfResult::delayed);
            co_return 0;
        }
        ++page(head).refcount;
    }
    co_await first_sleep(ctx);
    co_await lock_page(head);
    const int rc = co_await huge_locked(ctx, pfn, head, flags);
    unlock_page(head);
    co_return rc;
}

/// `head`: of the huge page as it was found. Its last user may go while we wait.
Task<int> MemoryFailure::State::huge_locked(Context& ctx, Pfn pfn, Pfn head, unsigned flags) {
    if (!page(head).test(PG_hwpoison)) {  // an unpoison was faster
        just_unpoisoned(ctx, pfn, head);
        co_return 0;
    }
    // v4.x asks the filter about free huge pages only.
    if (profile.serialised && !filter_accepts(head)) {
        drop_reference(head);
        co_return undo_huge(head);
    }
    if (profile.hugetlb_needs_pmd_size && mm().compound_shift(pfn) > kPmdShift) {
        co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
        action_result(ctx, pfn, PageType::non_pmd_huge, MfResult::ignored);
        co_return -EBUSY;
    }
    const bool unmapped = co_await user_mappings(ctx, pfn, flags);
    co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
    if (!unmapped) {
        action_result(ctx, pfn, PageType::unmap_failed, MfResult::ignored);
        co_return -EBUSY;
    }
    const MfResult result = me_huge_page(ctx, pfn, head);
    action_result(ctx, pfn, PageType::huge, result);
    co_return result == MfResult::recovered ? 0 : -EBUSY;
}

MfResult MemoryFailure::State::me_huge_page(Context& ctx, Pfn pfn, Pfn head) {
    if (!is_hugetlb(pfn)) {  // its last user is gone meanwhile; v6.1 dissolves it
        if (profile.hugetlb_shared_stays_cached && head != pfn) {
            set_flag(head, PG_hwpoison, false);
            set_flag(pfn, PG_hwpoison, true);
        }
        return MfResult::recovered;
    }
    int expected = 1;
    MfResult result = MfResult::recovered;
    if (!page(head).test(PG_anon) && page(head).mapping) {
        result = truncate_error_page(ctx, pfn);
        if (profile.hugetlb_shared_stays_cached) ++expected;
    } else {
        // Our own reference goes first: who else holds the page keeps it from being dissolved,
        // which v4.x does not even notice.
        drop_reference(head);
        if (mm().page_count(head) == 0)
            dissolve(pfn, true);
        else if (profile.hugetlb_shared_stays_cached)
            result = MfResult::failed;
    }
    const int count = mm().page_count(mm().compound_head(pfn)) - expected;
    if (count <= 0) return result;
    env.log.line(ctx.cpu, Line::mf_still_referenced, pfn.value,
                 static_cast<std::uint64_t>(PageType::huge), static_cast<std::uint64_t>(count));
    return MfResult::failed;
}

}  // namespace mcemu::kernel
