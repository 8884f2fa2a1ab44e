// unpoison_memory(): undoes a software-injected failure (kernel.md 2.14).
#include <algorithm>

#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {

void MemoryFailure::State::unpoison_line(Context& ctx, Line line, Pfn pfn) {
    unsigned missed = 0;
    if (unpoison_limit.allow(env.agenda.now(), &missed)) env.log.line(ctx.cpu, line, pfn.value);
}

/// Clears the flag and takes the page off the count, on which v4.19 never put DAX pages.
void MemoryFailure::State::lift(Pfn pfn) {
    set_flag(pfn, PG_hwpoison, false);
    const auto raw = static_cast<std::int64_t>(take_raw_pages(pfn).size());
    env.counters.num_poisoned_pages -= std::max<std::int64_t>(raw, 1);
    if (!kernel.memory.is_ram(pfn) && !profile.dax_counts_hardware_corrupted)
        ++env.counters.uncounted_poison_removed;
}

Task<int> MemoryFailure::State::unpoison(Context& ctx, Pfn pfn) {
    const bool v6 = profile.serialised;
    const int refused = v6 ? -EBUSY : 0;
    const MemoryKind kind = kernel.memory.kind(pfn);
    if (v6 && !kernel.memory.is_online(pfn)) co_return -EIO;  // pfn_to_online_page()
    if (kind == MemoryKind::none || kind == MemoryKind::pmem_raw) co_return -ENXIO;
    if (v6) {
        co_await first_sleep(ctx);
        co_await mf_mutex.lock();
    }
    int rc = refused;
    const Pfn head = is_hugetlb(pfn) ? mm().compound_head(pfn) : pfn;
    Page& p = page(head);
    const bool ram = kernel.memory.is_ram(pfn);
    const bool huge_zero = kernel.memory.kernel_state(pfn) == KernelPageState::huge_zero;
    if (profile.unpoison_refused_after_real && hw_memory_failure) {
        unpoison_line(ctx, Line::unpoison_disabled, pfn);
        rc = -EOPNOTSUPP;
    } else if (v6 && huge_zero) {
        unpoison_line(ctx, Line::unpoison_huge_zero, pfn);
        rc = -EOPNOTSUPP;
    } else if (!page(pfn).test(PG_hwpoison)) {  // of a huge page the head has the flag
        unpoison_line(ctx, Line::unpoison_already, pfn);
    } else if ((ram ? mm().page_count(head) : p.refcount) > 1) {
        unpoison_line(ctx, Line::unpoison_grabbed, pfn);
    } else if (ram && !mm().mappers(head).empty()) {
        unpoison_line(ctx, Line::unpoison_mapped, pfn);
    } else if (p.mapping && !p.test(PG_anon)) {
        unpoison_line(ctx, Line::unpoison_mapping, pfn);
    } else if (!v6 && ram && !is_hugetlb(pfn) && mm().compound_shift(pfn) > kPageShift) {
        unpoison_line(ctx, Line::unpoison_running, pfn);  // not split yet
    } else if (v6 && (p.test(PG_slab) || p.test(PG_table) || p.test(PG_reserved))) {
        // refused without a line
    } else if (v6 && is_hugetlb(pfn) && !raw_pages.contains(head.value)) {
        // free_raw_hwp_pages(): no base page is known to be bad
    } else if (p.refcount == 0) {
        unpoison_line(ctx, v6 ? Line::unpoison_done : Line::unpoison_free, pfn);
        lift(head);
        if (p.test(PG_buddy)) kernel.memory.free(head, 1);
        rc = 0;
    } else {
        co_await lock_page(head);
        if (page(head).test(PG_hwpoison)) {
            unpoison_line(ctx, Line::unpoison_done, pfn);
            lift(head);
            rc = 0;
            // memory_failure()'s own reference goes too: RAM returns to the buddy allocator, an
            // idle DAX page keeps its base reference.
            const Page& done = page(head);
            if (ram && !done.test(PG_reserved) && !done.test(PG_slab)) kernel.memory.free(head, 1);
        }
        unlock_page(head);
    }
    if (v6) mf_mutex.unlock();
    co_return rc;
}

}  // namespace mcemu::kernel
