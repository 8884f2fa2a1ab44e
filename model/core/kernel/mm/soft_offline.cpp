// soft_offline_page(): moves contents away from a page that begins to fail (kernel.md 2.13).
#include <bit>
#include <string>

#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {
namespace {

/// %pGp and %lx of page->flags in 4.18 (include/linux/page-flags.h): the names of the set bits and
/// their positions, with the zone of ZONE_DEVICE pages as the records show it.
constexpr std::uint64_t kZoneDevice = 3ull << 56;
constexpr std::uint64_t kZoneDma32 = 1ull << 56, kZoneNormal = 2ull << 56;
struct KernelFlag {
    PageFlag ours;
    unsigned bit;
    const char* name;
};
constexpr KernelFlag kKernelFlags[] = {
    {PG_locked, 0, "locked"},     {PG_error, 1, "error"},        {PG_referenced, 2, "referenced"},
    {PG_uptodate, 3, "uptodate"}, {PG_dirty, 4, "dirty"},        {PG_lru, 5, "lru"},
    {PG_slab, 8, "slab"},         {PG_reserved, 11, "reserved"},
};

}  // namespace

void MemoryFailure::State::unknown_type(Context& ctx, Pfn pfn) {
    const Page& p = page(pfn);
    std::uint64_t word = !kernel.memory.is_ram(pfn) ? kZoneDevice
                         : pfn.spa() < (4ull << 30) ? kZoneDma32
                                                    : kZoneNormal;
    std::string names;
    for (const KernelFlag& f : kKernelFlags) {
        if (!p.test(f.ours)) continue;
        word |= 1ull << f.bit;
        if (!names.empty()) names += '|';
        names += f.name;
    }
    env.log.line(ctx.cpu, Line::soft_unknown_type, pfn.value, word, env.names.intern(names));
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
        env.log.line(ctx.cpu, Line::soft_already, pfn.value);
        rc = profile.already_poisoned_is_error ? 0 : -EBUSY;
    } else if (is_hugetlb(pfn)) {
        rc = co_await soft_offline_huge(ctx, pfn);
    } else {
        rc = co_await soft_offline_in_use(ctx, pfn);
    }
    if (rc == 0)
        env.fates.mark(env.agenda.why().origin, Fate::consumed, FateReason::memory_failure,
                       env.agenda.why().cause);
    if (v6) mf_mutex.unlock();
    co_return rc;
}

Task<int> MemoryFailure::State::soft_offline_in_use(Context& ctx, Pfn pfn) {
    const auto lose = [this](Pfn lost) {
        set_flag(lost, PG_hwpoison, true);
        Page& p = page(lost);
        p.flags &= ~(bit(PG_lru) | bit(PG_buddy));
        p.refcount = 1;
        ++env.counters.num_poisoned_pages;
    };
    if (page(pfn).test(PG_buddy)) {  // soft_offline_free_page()
        lose(pfn);
        co_return 0;
    }
    if (!page(pfn).test(PG_lru)) {
        if (profile.unhandlable_pages)
            env.log.line(ctx.cpu, Line::mf_unhandlable, pfn.value);
        else
            unknown_type(ctx, pfn);
        co_return -EIO;
    }
    if (mm().compound_shift(pfn) > kPageShift) {
        page(pfn).refcount = 0;
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
    const auto fresh = kernel.memory.allocate(1, 1);
    if (!fresh) {
        env.log.line(ctx.cpu, Line::soft_migration_failed, pfn.value,
                     static_cast<std::uint64_t>(static_cast<std::int64_t>(-ENOMEM)),
                     page(pfn).flags, env.names.intern("uptodate|lru"));
        co_return -ENOMEM;
    }
    mm().migrate(pfn, *fresh);
    lose(pfn);
    co_return 0;
}

Task<int> MemoryFailure::State::soft_offline_huge(Context& ctx, Pfn pfn) {
    const Pfn head = mm().compound_head(pfn);
    const std::uint64_t pages = 1ull << (mm().compound_shift(pfn) - kPageShift);
    if (!profile.serialised) co_await first_sleep(ctx);
    if (mm().page_count(head) > 0) {
        co_await phase(env, ctx.cpu, Lat::kernel_copy_page, pages);
        // v4.x serialises nothing: a memory_failure() may have dissolved the page meanwhile.
        if (!is_hugetlb(pfn) || page(head).test(PG_hwpoison) || page(pfn).test(PG_hwpoison)) {
            env.log.line(ctx.cpu, Line::soft_already, pfn.value);
            co_return -EBUSY;
        }
        const auto fresh = kernel.memory.allocate(pages, pages);
        if (!fresh) {
            env.log.line(ctx.cpu, Line::soft_migration_failed, pfn.value,
                         static_cast<std::uint64_t>(static_cast<std::int64_t>(-ENOMEM)),
                         page(head).flags, env.names.intern("uptodate|head"), 1);
            co_return -ENOMEM;
        }
        const unsigned shift = mm().compound_shift(pfn);
        mm().migrate(head, *fresh);
        PageUse pool;  // the old page is free for a moment, then dissolved
        pool.flags = bit(PG_hugetlb) | bit(PG_head);
        pool.shift = static_cast<std::uint8_t>(shift);
        kernel.memory.use(head, pages, pool);
    }
    dissolve(pfn, kernel.memory.kernel_state(pfn) == std::nullopt);
    ++env.counters.num_poisoned_pages;
    co_return 0;
}

}  // namespace mcemu::kernel
