// soft_offline_page(): moves contents away from a page that begins to fail (kernel.md 2.13).
#include "core/kernel/mm/memory_failure_state.hpp"
#include "core/kernel/mm/page_flags_text.hpp"

namespace mcemu::kernel {

void MemoryFailure::State::unknown_type(Context& ctx, Pfn pfn) {
    const PageFlagsText text = page_flags_text(page(pfn), pfn, env.machine, profile);
    env.log.line(ctx.cpu, Line::soft_unknown_type, pfn.value, text.word,
                 env.names.intern(text.names));
}

/// What migrate_pages() left where it was. `error`: negative errno, or how many pages stayed.
int MemoryFailure::State::migration_failed(Context& ctx, Pfn pfn, std::int64_t error, bool huge) {
    // putback_lru_page() has put it into a pagevec, where PG_lru is not set yet.
    Page left = page(pfn);
    left.flags &= ~bit(PG_lru);
    const PageFlagsText text = page_flags_text(left, pfn, env.machine, profile);
    env.log.line(ctx.cpu, Line::soft_migration_failed, pfn.value, static_cast<std::uint64_t>(error),
                 text.word, env.names.intern(text.names), huge ? 1 : 0);
    if (error > 0) return profile.serialised ? -EBUSY : -EIO;
    return static_cast<int>(error);
}

/// Somebody else has isolated the page, and holds a reference for as long as that takes.
int MemoryFailure::State::isolation_failed(Context& ctx, Pfn pfn, bool huge) {
    if (huge && !profile.serialised) {
        env.log.line(ctx.cpu, Line::soft_huge_not_isolated, pfn.value);
        return -EBUSY;
    }
    Page isolated = page(pfn);
    isolated.flags &= ~bit(PG_lru);
    // Anonymous memory is dirty in its page tables only.
    if (isolated.test(PG_anon) && !isolated.test(PG_swapcache)) isolated.flags &= ~bit(PG_dirty);
    const PageFlagsText text = page_flags_text(isolated, pfn, env.machine, profile);
    const int count = mm().page_count(mm().compound_head(pfn)) + 1;
    env.log.line(ctx.cpu, Line::soft_isolation_failed, pfn.value,
                 static_cast<std::uint64_t>(std::int64_t{-EBUSY}),
                 static_cast<std::uint64_t>(count), text.word, env.names.intern(text.names),
                 huge ? 1 : 0);
    return -EBUSY;
}

/// put_page() of the caller's reference. A page that was freed meanwhile has taken it along.
void MemoryFailure::State::drop_reference(Pfn pfn) {
    if (Page& p = page(pfn); p.refcount > 0) --p.refcount;
}

Task<int> MemoryFailure::State::soft_offline(Context& ctx, Pfn pfn, unsigned flags) {
    const MemoryKind kind = kernel.memory.kind(pfn);
    if (kind == MemoryKind::none || kind == MemoryKind::pmem_raw) co_return -ENXIO;
    const bool v6 = profile.serialised;
    const Pfn pinned = mm().compound_head(pfn);
    const bool referenced = flags & MF_COUNT_INCREASED;
    if (kind != MemoryKind::ram || (v6 && !kernel.memory.is_online(pfn))) {
        if (referenced) drop_reference(pinned);
        if (!profile.dev_pagemap) unknown_type(ctx, pfn);  // v4.18: an ordinary page off the LRU
        co_return -EIO;
    }
    if (v6) {
        co_await first_sleep(ctx);
        co_await mf_mutex.lock();
    }
    if (referenced) drop_reference(pinned);
    int rc = 0;
    if (page(pfn).test(PG_hwpoison) ||
        (is_hugetlb(pfn) && page(mm().compound_head(pfn)).test(PG_hwpoison))) {
        const bool tail = !v6 && !page(pfn).test(PG_hwpoison);  // only the huge page's head says so
        env.log.line(ctx.cpu, tail ? Line::soft_huge_already : Line::soft_already, pfn.value);
        rc = profile.already_poisoned_is_error ? 0 : -EBUSY;
    } else if (v6 && !filter_accepts(pfn)) {
        const std::uint32_t state = page(mm().compound_head(pfn)).flags;
        if (!(state & (bit(PG_lru) | bit(PG_buddy) | bit(PG_pcp) | bit(PG_hugetlb))))
            env.log.line(ctx.cpu, Line::mf_unhandlable, pfn.value);
        mark_filtered();
        rc = -EOPNOTSUPP;
    } else if (is_hugetlb(pfn)) {
        rc = co_await soft_offline_huge(ctx, pfn);
    } else {
        rc = co_await soft_offline_in_use(ctx, pfn, referenced);
    }
    if (rc == 0)
        env.fates.mark(env.agenda.why().origin, Fate::consumed, FateReason::memory_failure,
                       env.agenda.why().cause);
    if (v6) mf_mutex.unlock();
    co_return rc;
}

Task<int> MemoryFailure::State::soft_offline_in_use(Context& ctx, Pfn pfn, bool referenced) {
    const auto lose = [this](Pfn lost) {
        set_flag(lost, PG_hwpoison, true);
        Page& p = page(lost);
        p.flags &= ~bit(PG_lru);
        // v6.1 takes it off the free list and holds it; v4.x leaves it there, marked.
        const bool taken = profile.free_page_recovered;
        p.flags = taken ? p.flags & ~bit(PG_buddy) : p.flags | bit(PG_buddy);
        p.refcount = taken ? 1 : 0;
        ++env.counters.num_poisoned_pages;
    };
    // v6.1's get_hwpoison_page() empties the per-CPU lists first.
    const bool listed = profile.serialised && page(pfn).test(PG_pcp);
    if (page(pfn).test(PG_buddy) || listed) {  // soft_offline_free_page()
        if (!profile.serialised) env.log.line(ctx.cpu, Line::soft_free_buddy, pfn.value);
        lose(pfn);
        page(pfn).flags &= ~bit(PG_pcp);
        co_return 0;
    }
    const bool lost = !referenced && lost_tail(ctx, pfn);
    if (!profile.serialised && (lost || mm().page_count(mm().compound_head(pfn)) == 0)) {
        const PageFlagsText text = page_flags_text(page(pfn), pfn, env.machine, profile);
        env.log.line(ctx.cpu, Line::soft_zero_refcount, pfn.value, text.word);
        co_return -EIO;
    }
    if (!page(pfn).test(PG_lru)) {
        if (profile.unhandlable_pages)
            env.log.line(ctx.cpu, Line::mf_unhandlable, pfn.value);
        else
            unknown_type(ctx, pfn);
        co_return -EIO;
    }
    if (mm().compound_shift(pfn) > kPageShift) {
        if (!splits(pfn, false)) {
            const bool never = non_anon_thp(pfn) && !profile.serialised;
            env.log.line(ctx.cpu, never ? Line::soft_non_anon_thp : Line::soft_thp_split_failed,
                         pfn.value);
            co_return -EBUSY;
        }
        mm().split_thp(pfn);
    }
    // Our reference keeps the frame from being given to somebody else while we wait.
    kernel.memory.hold(pfn);
    if (!profile.serialised) co_await first_sleep(ctx);
    co_await phase(env, ctx.cpu, Lat::kernel_copy_page);
    if (page(pfn).test(PG_hwpoison)) {  // v4.x serialises nothing: somebody was faster
        env.log.line(ctx.cpu, Line::soft_already, pfn.value);
        co_return -EBUSY;
    }
    kernel.memory.unhold(pfn);
    if (!kernel.memory.usage(pfn)) {  // unmap_and_move(): freed from under us, nothing to move
        lose(pfn);
        co_return 0;
    }
    Mapping* const mapping = page(pfn).mapping;
    const bool unused =
        !page(pfn).test(PG_anon) && !page(pfn).test(PG_dirty) && mm().mappers(pfn).empty();
    if (unused && mapping) {  // invalidate_inode_page()
        mapping->cache.erase(page(pfn).index, page(pfn).index + 1);
        kernel.memory.disuse(pfn, 1);
        env.log.line(ctx.cpu, Line::soft_invalidated, pfn.value);
        lose(pfn);
        co_return 0;
    }
    if (fails(PageFailure::isolate, pfn)) co_return isolation_failed(ctx, pfn, false);
    // migrate_page_move_mapping(): a reference beyond those of the mappings and the page cache.
    const int cached = page(pfn).test(PG_anon) && !page(pfn).test(PG_swapcache) ? 0 : 1;
    if (page(pfn).refcount > cached) co_return migration_failed(ctx, pfn, 1, false);
    const auto fresh = kernel.memory.allocate(1, 1);
    if (!fresh) co_return migration_failed(ctx, pfn, -ENOMEM, false);
    mm().migrate(pfn, *fresh);
    lose(pfn);
    co_return 0;
}

Task<int> MemoryFailure::State::soft_offline_huge(Context& ctx, Pfn pfn) {
    const Pfn head = mm().compound_head(pfn);
    const std::uint64_t pages = 1ull << (mm().compound_shift(pfn) - kPageShift);
    if (!profile.serialised) co_await first_sleep(ctx);
    if (mm().page_count(head) == 0) {
        if (!profile.serialised) env.log.line(ctx.cpu, Line::soft_free_huge, pfn.value);
    } else {
        co_await phase(env, ctx.cpu, Lat::kernel_copy_page, pages);
        // v4.x serialises nothing: a memory_failure() may have dissolved the page meanwhile.
        if (!is_hugetlb(pfn) || page(head).test(PG_hwpoison) || page(pfn).test(PG_hwpoison)) {
            env.log.line(ctx.cpu, Line::soft_already, pfn.value);
            co_return -EBUSY;
        }
        if (fails(PageFailure::isolate, pfn)) co_return isolation_failed(ctx, pfn, true);
        // hugepage_migration_supported() of v4.x knows PMD size only; v6.1 allocates nothing
        // larger for a migration (alloc_migrate_huge_page()).
        if (pages > 1024)
            co_return migration_failed(ctx, pfn, profile.hugetlb_needs_pmd_size ? -ENOSYS : -ENOMEM,
                                       true);
        const int cached = page(head).test(PG_anon) ? 0 : 1;
        if (page(head).refcount > cached) co_return migration_failed(ctx, pfn, 1, true);
        const auto fresh = kernel.memory.allocate(pages, pages);
        if (!fresh) co_return migration_failed(ctx, pfn, -ENOMEM, true);
        const unsigned shift = mm().compound_shift(pfn);
        mm().migrate(head, *fresh);
        PageUse pool;  // the old page is free for a moment, then dissolved
        pool.flags = bit(PG_hugetlb) | bit(PG_head);
        pool.shift = static_cast<std::uint8_t>(shift);
        kernel.memory.use(head, pages, pool);
    }
    dissolve(pfn);
    ++env.counters.num_poisoned_pages;
    co_return 0;
}

}  // namespace mcemu::kernel
