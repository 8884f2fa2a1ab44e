// Pages that a device holds for DMA: get_user_pages() and its undoing (mm/gup.c).
#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"

namespace mcemu::kernel {

Task<std::int64_t> Mm::pin(Context& ctx, Process& process, PinEvent request) {
    Pinned pinned{process.leader, request.va, request.size, {}};
    const std::uint64_t end = round_up(request.va + request.size, kPageSize);
    for (std::uint64_t va = round_down(request.va, kPageSize); va < end; va += kPageSize) {
        const Vma* vma = process.mm->find(va);
        std::int64_t rc = vma ? 0 : -EFAULT;
        // get_user_pages_longterm(), FOLL_LONGTERM: a file system could never truncate such a file.
        if (vma && request.longterm && vma->kind == MapKind::fsdax) rc = -EOPNOTSUPP;
        std::optional<Pfn> pfn;
        if (rc == 0) {
            pfn = co_await get_user_page(ctx, process, va, true);
            if (!pfn) rc = -EFAULT;
        }
        if (rc != 0) {
            put(pinned);
            co_return rc;
        }
        const Pfn head = compound_head(*pfn);
        ++kernel_.memory.page(head).refcount;
        if (kernel_.memory.is_ram(head)) kernel_.memory.hold(head);
        pinned.pages.push_back(head);
    }
    pinned_.push_back(std::move(pinned));
    co_return 0;
}

std::int64_t Mm::unpin(Process& process, UnpinEvent request) {
    const auto it = std::find_if(pinned_.begin(), pinned_.end(), [&](const Pinned& p) {
        return p.leader == process.leader && p.va == request.va && p.size == request.size;
    });
    if (it == pinned_.end()) return -EINVAL;
    const Pinned gone = std::move(*it);
    pinned_.erase(it);
    put(gone);
    return 0;
}

void Mm::drop_pins(const Process& process) {
    std::vector<Pinned> gone;
    std::erase_if(pinned_, [&](Pinned& p) {
        if (p.leader != process.leader) return false;
        gone.push_back(std::move(p));
        return true;
    });
    for (const Pinned& p : gone) put(p);
}

void Mm::put(const Pinned& pinned) {
    for (const Pfn pfn : pinned.pages) {
        // The pages of a namespace that was taken down are gone, and their counts with them.
        if (!kernel_.memory.find(pfn)) continue;
        Page& page = kernel_.memory.page(pfn);
        if (page.refcount > 0) --page.refcount;
        if (!kernel_.memory.is_ram(pfn) || pins_of(pfn) != 0 || page.test(PG_hwpoison)) continue;
        kernel_.memory.unhold(pfn);
        if (!kernel_.memory.usage(pfn)) kernel_.memory.free(pfn, 1);  // its last reference
    }
    released.wake_all();
}

int Mm::pins_of(Pfn pfn) const {
    std::ptrdiff_t pins = 0;
    for (const Pinned& p : pinned_) pins += std::count(p.pages.begin(), p.pages.end(), pfn);
    return static_cast<int>(pins);
}

bool Mm::pinned_within(SpaRange range) const {
    return std::any_of(pinned_.begin(), pinned_.end(), [&](const Pinned& p) {
        return std::any_of(p.pages.begin(), p.pages.end(),
                           [&](Pfn pfn) { return range.contains(pfn.spa()); });
    });
}

bool Mm::leaked_within(SpaRange range) const {
    const std::vector<Pfn> known = kernel_.memory.known();
    return std::any_of(known.begin(), known.end(), [&](Pfn pfn) {
        return range.contains(pfn.spa()) && kernel_.memory.find(pfn)->refcount > 1 + pins_of(pfn);
    });
}

}  // namespace mcemu::kernel
