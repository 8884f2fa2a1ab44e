// memory_failure() for ordinary pages (kernel.md 2.6, 2.7, 2.12), and in v4.18 for all pages.
#include <algorithm>

#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {

Task<int> MemoryFailure::State::ram(Context& ctx, Pfn pfn, unsigned flags) {
    const bool v6 = profile.serialised;
    if (page(pfn).test(PG_hwpoison)) {
        const int rc = co_await already_poisoned(ctx, pfn, flags);
        co_return rc;
    }
    // The state of the page as everybody else sees it, before the flag goes up.
    const int users = mm().page_count(mm().compound_head(pfn));
    set_flag(pfn, PG_hwpoison, true);
    if (!profile.counts_every_action) ++env.counters.num_poisoned_pages;

    if (!(flags & MF_COUNT_INCREASED)) {
        // v6.1's get_hwpoison_page() empties the per-CPU lists first (zone_pcp_disable()), and
        // refuses what is neither on the LRU nor free (HWPoisonHandlable(); kernel.md 2.6, H3).
        if (profile.unhandlable_pages && page(pfn).test(PG_pcp))
            page(pfn).flags = (page(pfn).flags & ~bit(PG_pcp)) | bit(PG_buddy);
        const std::uint32_t state = page(pfn).flags;  // a page may go while we wait
        const bool free = state & bit(PG_buddy);
        if (profile.unhandlable_pages && !(state & bit(PG_lru)) && !free) {
            co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
            env.log.line(ctx.cpu, Line::mf_unhandlable, pfn.value);
            action_result(ctx, pfn, PageType::unknown, MfResult::ignored);
            co_return -EBUSY;
        }
        if (non_anon_thp(pfn) && !v6) {  // get_hwpoison_page() refuses it
            co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
            env.log.line(ctx.cpu, Line::mf_non_anon_thp, pfn.value);
            action_result(ctx, pfn, PageType::kernel_high_order, MfResult::ignored);
            co_return -EBUSY;
        }
        if (users == 0) {
            co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
            if (free) {
                if (v6) {  // take_page_off_buddy()
                    page(pfn).refcount = 1;
                    page(pfn).flags &= ~bit(PG_buddy);
                }
                action_result(
                    ctx, pfn, PageType::buddy,
                    profile.free_page_recovered ? MfResult::recovered : MfResult::delayed);
                co_return 0;
            }
            action_result(ctx, pfn, PageType::kernel_high_order, MfResult::ignored);
            co_return -EBUSY;
        }
        // v6.1's get_any_page() tries again.
        if (lost_tail(ctx, pfn) && !v6) {
            co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
            action_result(ctx, pfn, PageType::kernel_high_order, MfResult::ignored);
            co_return -EBUSY;
        }
        ++page(pfn).refcount;
    }
    if (kernel.memory.is_ram(pfn) && mm().compound_shift(pfn) > kPageShift) {
        if (!splits(pfn, true)) co_return unsplit(ctx, pfn);
        mm().split_thp(pfn);
    }

    co_await first_sleep(ctx);
    co_await lock_page(pfn);
    const int rc = co_await ram_locked(ctx, pfn, flags);
    unlock_page(pfn);
    co_return rc;
}

/// A transparent huge page of a file or of shared memory.
bool MemoryFailure::State::non_anon_thp(Pfn pfn) {
    return kernel.memory.is_ram(pfn) && mm().compound_shift(pfn) > kPageShift &&
           !page(mm().compound_head(pfn)).test(PG_anon) && !is_hugetlb(pfn);
}

/// Whether split_huge_page() can: nobody but us (`referenced`: through `pfn`) holds a reference.
/// v4.x does not even try with pages that are not anonymous.
bool MemoryFailure::State::splits(Pfn pfn, bool referenced) {
    const Pfn head = mm().compound_head(pfn);
    if (non_anon_thp(pfn) && !profile.serialised) return false;
    const int cached = page(head).test(PG_anon) ? 0 : 1;
    const int ours = referenced && head == pfn ? 1 : 0;
    return page(head).refcount - ours <= cached;
}

int MemoryFailure::State::unsplit(Context& ctx, Pfn pfn) {
    if (profile.serialised) {  // the flag stays
        drop_reference(pfn);
        action_result(ctx, pfn, PageType::unsplit_thp, MfResult::ignored);
        return -EBUSY;
    }
    env.log.line(ctx.cpu, non_anon_thp(pfn) ? Line::mf_non_anon_thp : Line::mf_thp_split_failed,
                 pfn.value);
    set_flag(pfn, PG_hwpoison, false);
    --env.counters.num_poisoned_pages;
    drop_reference(pfn);
    env.fates.mark(env.agenda.why().origin, Fate::logged, FateReason::memory_failure,
                   env.agenda.why().cause);
    return -EBUSY;
}

Task<int> MemoryFailure::State::ram_locked(Context& ctx, Pfn pfn, unsigned flags) {
    if (!page(pfn).test(PG_hwpoison)) {  // an unpoison was faster
        just_unpoisoned(ctx, pfn, pfn);
        co_return 0;
    }
    if (!filter_accepts(pfn)) {  // all is undone
        set_flag(pfn, PG_hwpoison, false);
        if (!profile.counts_every_action) --env.counters.num_poisoned_pages;
        drop_reference(pfn);
        mark_filtered();
        co_return profile.serialised ? -EOPNOTSUPP : 0;
    }
    const std::uint32_t snapshot = page(pfn).flags;
    if (page(pfn).test(PG_lru) || page(pfn).test(PG_writeback)) {
        const bool unmapped = co_await user_mappings(ctx, pfn, flags);
        if (!unmapped) {
            action_result(ctx, pfn, PageType::unmap_failed, MfResult::ignored);
            co_return -EBUSY;
        }
        const Page& p = page(pfn);
        if (p.test(PG_lru) && !p.test(PG_swapcache) && !p.test(PG_anon) && !p.mapping) {
            action_result(ctx, pfn, PageType::truncated_lru, MfResult::ignored);
            co_return -EBUSY;
        }
    }
    co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
    PageType type = classify(page(pfn).flags);
    if (type == PageType::unknown) type = classify(snapshot | (page(pfn).flags & bit(PG_dirty)));
    const MfResult result = act(ctx, pfn, type);
    co_return finish(ctx, pfn, type, result);
}

/// unpoison_memory() has cleared the flag and taken the page off the count; here it is taken off
/// once more.
void MemoryFailure::State::just_unpoisoned(Context& ctx, Pfn pfn, Pfn head) {
    env.log.line(ctx.cpu, Line::mf_just_unpoisoned, pfn.value);
    if (!profile.counts_every_action) {
        --env.counters.num_poisoned_pages;
        ++env.counters.uncounted_poison_removed;
    }
    drop_reference(head);
}

int MemoryFailure::State::finish(Context& ctx, Pfn pfn, PageType type, MfResult result) {
    const MfResult checked = check_references(ctx, pfn, type, result);
    action_result(ctx, pfn, type, checked);
    return checked == MfResult::recovered || checked == MfResult::delayed ? 0 : -EBUSY;
}

/// hwpoison_user_mappings(): tells, unmaps; false when a mapping could not be removed.
Task<bool> MemoryFailure::State::user_mappings(Context& ctx, Pfn pfn, unsigned flags) {
    const Pfn head = mm().compound_head(pfn);
    const bool dirty = page(head).test(PG_dirty);
    const std::vector<Mapper> mapped = mm().mappers(head);
    if (mapped.empty()) co_return true;
    if (page(head).test(PG_ksm)) {
        env.log.line(ctx.cpu, Line::mf_ksm, pfn.value);
        co_return false;
    }

    // What is left behind in the page tables: hwpoison entries, swap entries, or nothing.
    Pte::Kind left = Pte::Kind::hwpoison;
    const Pte::Kind* leave = &left;
    bool collect = true;
    if (page(head).test(PG_swapcache)) {
        env.log.line(ctx.cpu, Line::mf_keep_swapcache, pfn.value);
        left = Pte::Kind::swap;
    }
    // Only file systems with dirty accounting can tell that nothing is lost.
    Mapping* const mapping = page(head).mapping;
    const bool accounted = mapping && mapping->kind == MapKind::file;
    if (!(flags & MF_MUST_KILL) && !dirty && accounted) {
        env.log.line(ctx.cpu, Line::mf_clean_dropped, pfn.value);
        leave = nullptr;
        collect = profile.serialised;
    }
    std::vector<Victim> victims;
    const auto shift = static_cast<int>(mm().compound_shift(pfn));
    if (collect) {
        // Anonymous pages must be mapped there; for files the VMA's coverage is enough (2.10).
        const bool anon = page(head).test(PG_anon);
        const std::vector<Mapper> covering =
            anon ? std::vector<Mapper>() : mm().covering(*mapping, page(head).index);
        for (const Mapper& m : anon ? mapped : covering)
            if (const Process* t =
                    task_early_kill(ctx, kernel.processes[m.process], flags & MF_ACTION_REQUIRED);
                t && room_for_victim(ctx, pfn, victims.empty()))
                victims.push_back({t->index, m.va, shift, true});
        if (!victims.empty()) co_await phase(env, ctx.cpu, Lat::kernel_mf_collect, victims.size());
    }
    co_await phase(env, ctx.cpu, Lat::kernel_mf_unmap);
    co_await phase(env, ctx.cpu, Lat::kernel_mf_unmap_cpu, env.hw.cpu_count());
    if (fails(PageFailure::unmap, head)) {
        if (profile.serialised && is_hugetlb(pfn) && !page(head).test(PG_anon))
            env.log.line(ctx.cpu, Line::mf_no_mapping_lock, pfn.value);
        env.log.line(ctx.cpu, Line::mf_unmap_failed, pfn.value, mm().mappers(head).size());
        if (profile.serialised || page(head).test(PG_dirty) || (flags & MF_MUST_KILL))
            co_await kill_procs(ctx, pfn, std::move(victims), true, flags);
        co_return false;
    }
    mm().unmap_page(head, leave);
    // try_to_unmap() ends the mlock, and the page goes back to the evictable LRU.
    Page& p = page(head);
    if (p.test(PG_mlocked)) p.flags &= ~(bit(PG_mlocked) | bit(PG_unevictable));
    const bool forcekill = p.test(PG_dirty) || (flags & MF_MUST_KILL);
    if (forcekill) co_await kill_procs(ctx, pfn, std::move(victims), false, flags);
    co_return true;
}

/// error_states[] (kernel.md 2.7).
PageType MemoryFailure::State::classify(std::uint32_t flags) const {
    const auto is = [&](PageFlag f) { return (flags & bit(f)) != 0; };
    const bool dirty = is(PG_dirty);
    if (is(PG_reserved)) return PageType::kernel;
    if (is(PG_slab)) return PageType::slab;
    if (is(PG_head)) return PageType::huge;
    if (is(PG_swapcache) && is(PG_swapbacked))
        return dirty ? PageType::dirty_swapcache : PageType::clean_swapcache;
    if (is(PG_mlocked)) return dirty ? PageType::dirty_mlocked_lru : PageType::clean_mlocked_lru;
    if (is(PG_unevictable))
        return dirty ? PageType::dirty_unevictable_lru : PageType::clean_unevictable_lru;
    if (is(PG_lru)) return dirty ? PageType::dirty_lru : PageType::clean_lru;
    return PageType::unknown;
}

/// The me_...() functions.
MfResult MemoryFailure::State::act(Context& ctx, Pfn pfn, PageType type) {
    Page& p = page(pfn);
    switch (type) {
        case PageType::kernel:
        case PageType::slab:
            return MfResult::ignored;
        case PageType::dirty_swapcache:
            p.flags &= ~(bit(PG_dirty) | bit(PG_uptodate));
            return delete_from_lru_cache(pfn) ? MfResult::delayed : MfResult::failed;
        case PageType::clean_swapcache:
            p.flags &= ~bit(PG_swapcache);
            --p.refcount;
            return delete_from_lru_cache(pfn) ? MfResult::recovered : MfResult::failed;
        case PageType::dirty_mlocked_lru:
        case PageType::dirty_unevictable_lru:
        case PageType::dirty_lru:
            p.flags |= bit(PG_error);
            if (p.mapping && !p.test(PG_anon)) p.mapping->set_error();
            [[fallthrough]];
        case PageType::clean_mlocked_lru:
        case PageType::clean_unevictable_lru:
        case PageType::clean_lru:
            delete_from_lru_cache(pfn);  // whoever holds the page is counted afterwards
            if (p.test(PG_anon)) return MfResult::recovered;
            if (!p.mapping) return MfResult::failed;
            return truncate_error_page(ctx, pfn);
        default:
            env.log.line(ctx.cpu, Line::mf_unknown_state, pfn.value);
            return MfResult::failed;
    }
}

/// False: somebody else has isolated the page.
bool MemoryFailure::State::delete_from_lru_cache(Pfn pfn) {
    page(pfn).flags &= ~bit(PG_lru);
    return !fails(PageFailure::isolate, pfn);
}

/// Of a page in a page cache; `pfn` is what the lines name.
MfResult MemoryFailure::State::truncate_error_page(Context& ctx, Pfn pfn) {
    const Pfn head = mm().compound_head(pfn);
    Page& p = page(head);
    if (fails(PageFailure::invalidate, pfn)) {
        env.log.line(ctx.cpu, Line::mf_invalidate_failed, pfn.value);
        return MfResult::failed;
    }
    if (fails(PageFailure::punch, pfn)) {
        env.log.line(ctx.cpu, Line::mf_punch_failed, pfn.value,
                     static_cast<std::uint64_t>(std::int64_t{-EIO}));
        return MfResult::failed;
    }
    const bool huge = p.test(PG_hugetlb);
    const bool stays = huge ? profile.hugetlb_shared_stays_cached
                            : p.mapping->kind == MapKind::shmem && profile.shmem_stays_cached;
    if (!stays) {
        const unsigned shift = mm().compound_shift(pfn);
        const std::uint64_t pages = 1ull << (shift - kPageShift);
        p.mapping->cache.erase(p.index, p.index + pages);
        --p.refcount;
        if (huge) {  // out of its file, but a huge page still
            PageUse lost;
            lost.flags = bit(PG_hugetlb) | bit(PG_head);
            lost.shift = static_cast<std::uint8_t>(shift);
            lost.refcount = 1;
            kernel.memory.use(head, pages, lost);
        } else {
            kernel.memory.disuse(pfn, 1);
        }
    }
    if (fails(PageFailure::release, pfn)) {
        ++page(head).refcount;  // of the buffers
        env.log.line(ctx.cpu, Line::mf_release_failed, pfn.value);
        return MfResult::failed;
    }
    return MfResult::recovered;
}

MfResult MemoryFailure::State::check_references(Context& ctx, Pfn pfn, PageType type,
                                                MfResult result) {
    const Page& p = page(pfn);
    if (!profile.reference_check_everywhere) {
        // v6.1: only where the action itself looks (kernel.md 2.7).
        const bool looks = type != PageType::kernel && type != PageType::slab &&
                           type != PageType::unknown && !p.test(PG_anon);
        const bool swapcache =
            type == PageType::dirty_swapcache || type == PageType::clean_swapcache;
        if (!looks && !swapcache) return result;
    }
    int expected = 1;
    if (type == PageType::dirty_swapcache && result == MfResult::delayed) ++expected;
    if (profile.shmem_stays_cached && p.mapping && p.mapping->kind == MapKind::shmem) ++expected;
    const int isolator = fails(PageFailure::isolate, pfn) ? 1 : 0;
    const int count = mm().page_count(pfn) + isolator - expected;
    if (count <= 0) return result;
    env.log.line(ctx.cpu, Line::mf_still_referenced, pfn.value, static_cast<std::uint64_t>(type),
                 static_cast<std::uint64_t>(count));
    return MfResult::failed;
}

}  // namespace mcemu::kernel
