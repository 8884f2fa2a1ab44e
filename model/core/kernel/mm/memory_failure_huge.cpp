// memory_failure() for hugetlb pages (kernel.md 2.8).
#include <algorithm>
#include <utility>

#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {

bool MemoryFailure::State::is_hugetlb(Pfn pfn) {
    return page(mm().compound_head(pfn)).test(PG_hugetlb);
}

/// dissolve_free_huge_page() and, v6.1, take_page_off_buddy(): base pages again, of which only
/// the bad ones stay out of use. False: v6.1 could not take the page off the free list.
bool MemoryFailure::State::dissolve(Pfn pfn) {
    const Pfn head = mm().compound_head(pfn);
    const std::uint64_t pages = 1ull << (mm().compound_shift(pfn) - kPageShift);
    const bool pool = kernel.memory.kernel_state(pfn).has_value();
    // Pages of more than 4 MiB are freed one by one, and a poisoned one never arrives at the free
    // list (free_contig_range(), free_pages_prepare()).
    const bool gigantic = pages > 1024 && page(head).test(PG_hwpoison);
    const bool taken = profile.free_page_recovered && !gigantic;
    --env.counters.hugepages_total;
    const std::vector<Pfn> raw = take_raw_pages(head);
    set_flag(head, PG_hwpoison, false);
    for (const Pfn bad : raw) set_flag(bad, PG_hwpoison, true);
    set_flag(pfn, PG_hwpoison, true);
    if (pool)
        kernel.memory.dissolve_pool_page(head, pages);
    else
        kernel.memory.free(head, pages);
    for (const Pfn bad : raw) {
        page(bad).flags = bit(PG_hwpoison) | bit(PG_buddy);
        page(bad).refcount = 0;
    }
    Page& p = page(pfn);
    p.flags = bit(PG_hwpoison);
    if (!profile.free_page_recovered) p.flags |= bit(PG_buddy);
    p.refcount = taken ? 1 : 0;
    return taken || !profile.free_page_recovered;
}

/// hugetlb_update_hwpoison(): PG_hwpoison goes to the head; v6.1 remembers the base page as well,
/// and counts each further one.
bool MemoryFailure::State::poisoned_before(Pfn pfn, Pfn head) {
    const bool was = page(head).test(PG_hwpoison);
    set_flag(head, PG_hwpoison, true);
    if (!profile.hugetlb_raw_pages) return was;
    std::vector<Pfn>& raw = raw_pages[head.value];
    if (std::find(raw.begin(), raw.end(), pfn) != raw.end()) return true;
    raw.push_back(pfn);
    if (was) ++env.counters.num_poisoned_pages;
    return was;
}

std::vector<Pfn> MemoryFailure::State::take_raw_pages(Pfn head) {
    const auto it = raw_pages.find(head.value);
    if (it == raw_pages.end()) return {};
    std::vector<Pfn> raw = std::move(it->second);
    raw_pages.erase(it);
    return raw;
}

/// The filter rejects a huge page. hugetlb_clear_page_hwpoison() moves the flag to the base page,
/// where it stays; when that is the head, the huge page goes on as a poisoned one.
int MemoryFailure::State::undo_huge(Pfn head) {
    set_flag(head, PG_hwpoison, false);
    for (const Pfn bad : take_raw_pages(head)) set_flag(bad, PG_hwpoison, true);
    if (!profile.counts_every_action) --env.counters.num_poisoned_pages;
    mark_filtered();
    return profile.serialised ? -EOPNOTSUPP : 0;
}

Task<int> MemoryFailure::State::huge(Context& ctx, Pfn pfn, unsigned flags) {
    const Pfn head = mm().compound_head(pfn);
    const int users = mm().page_count(head);
    if (poisoned_before(pfn, head)) {
        const int rc = co_await already_poisoned(ctx, pfn, flags);
        co_return rc;
    }
    if (!profile.counts_every_action) ++env.counters.num_poisoned_pages;
    if (!(flags & MF_COUNT_INCREASED)) {
        if (users == 0) {
            co_await first_sleep(ctx);
            if (!profile.hugetlb_raw_pages && head != pfn) {
                // The flag that was just set on the head looks like an error in another base
                // page that came first (memory_failure_hugetlb(), TestSetPageHWPoison(head)).
                --env.counters.num_poisoned_pages;
                ++env.counters.uncounted_poison_removed;  // the head stays marked
                env.fates.mark(env.agenda.why().origin, Fate::filtered,
                               FateReason::already_poisoned, env.agenda.why().cause);
                co_return 0;
            }
            if (!filter_accepts(head)) co_return undo_huge(head);
            co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
            const bool done = dissolve(pfn);
            const MfResult result = !profile.free_page_recovered ? MfResult::delayed
                                    : done                       ? MfResult::recovered
                                                                 : MfResult::failed;
            action_result(ctx, pfn, PageType::free_huge, result);
            co_return result == MfResult::failed ? -EBUSY : 0;
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
        take_raw_pages(head);
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
        const bool dissolved = mm().page_count(head) == 0 && dissolve(pfn);
        if (!dissolved && profile.hugetlb_shared_stays_cached) result = MfResult::failed;
    }
    const int count = mm().page_count(mm().compound_head(pfn)) - expected;
    if (count <= 0) return result;
    env.log.line(ctx.cpu, Line::mf_still_referenced, pfn.value,
                 static_cast<std::uint64_t>(PageType::huge), static_cast<std::uint64_t>(count));
    return MfResult::failed;
}

}  // namespace mcemu::kernel
