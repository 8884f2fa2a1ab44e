// What the scenario wants to go wrong with a page (kernel.knobs.page_failures): causes of the log
// lines that nothing else in the stub leads to.
#include <algorithm>

#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {

/// Pages that a process maps are looked up once, as its maps are made.
void MemoryFailure::State::find_failing() {
    for (const PageFailureConfig& f : env.config.page_failures) {
        Pfn pfn = pfn_of(f.at);
        if (f.process >= 0) {
            const auto leaf =
                kernel.processes[static_cast<std::uint32_t>(f.process)].mm->leaf(f.va);
            if (!leaf) continue;  // a map that nobody touched: the resolver refuses it
            pfn = Pfn{leaf->pfn_at(f.va)};
        }
        failing.push_back({f.what, pfn});
    }
}

bool MemoryFailure::State::fails(PageFailure what, Pfn pfn) {
    if (failing.empty()) return false;
    const Pfn head = mm().compound_head(pfn);
    const std::uint64_t end = head.value + (1ull << (mm().compound_shift(pfn) - kPageShift));
    return std::any_of(failing.begin(), failing.end(), [&](const FailingPage& f) {
        return f.what == what && f.pfn.value >= head.value && f.pfn.value < end;
    });
}

bool MemoryFailure::State::lost_tail(Context& ctx, Pfn pfn) {
    if (failing.empty() || !kernel.memory.is_ram(pfn) || is_hugetlb(pfn)) return false;
    if (mm().compound_head(pfn) == pfn || !kernel.memory.usage(pfn)) return false;
    const bool lost = std::any_of(failing.begin(), failing.end(), [&](const FailingPage& f) {
        return f.what == PageFailure::grab_tail && f.pfn == pfn;
    });
    if (!lost) return false;
    mm().split_thp(pfn);
    env.log.line(ctx.cpu, Line::mf_cannot_catch, pfn.value);
    return true;
}

bool MemoryFailure::State::room_for_victim(Context& ctx, Pfn pfn, bool first) {
    if (!fails(PageFailure::allocate, pfn)) return true;
    // v4.x allocates the first entry beforehand, where it may sleep.
    if (first && !profile.serialised) return true;
    env.log.line(ctx.cpu, Line::mf_no_memory);
    return false;
}

}  // namespace mcemu::kernel
