#include "core/kernel/mm/page.hpp"

#include <algorithm>

namespace mcemu::kernel {
namespace {

/// Lower memory holds firmware, kernel text and early allocations on every real machine.
constexpr std::uint64_t kFirstAllocatable = (16ull << 20) >> kPageShift;

std::uint32_t flags_of(KernelPageState state) {
    switch (state) {
        case KernelPageState::buddy:
            return bit(PG_buddy);
        case KernelPageState::pcp:
            return bit(PG_pcp);
        case KernelPageState::slab:
            return bit(PG_slab);
        case KernelPageState::reserved:
            return bit(PG_reserved);
        case KernelPageState::kernel:
            return bit(PG_reserved);
        case KernelPageState::pagetable:
            return bit(PG_table);
        case KernelPageState::offline:
            return bit(PG_reserved) | bit(PG_offline);
        case KernelPageState::high_order:
            return 0;
        case KernelPageState::hugetlb_free:
            return bit(PG_hugetlb) | bit(PG_head);
        case KernelPageState::huge_zero:
            return bit(PG_head) | bit(PG_uptodate);
        case KernelPageState::device_private:
            return bit(PG_reserved);
    }
    return 0;
}

/// Free pages, pages on per-CPU lists and tails of high-order allocations count 0 references.
std::int32_t references_of(KernelPageState state) {
    switch (state) {
        case KernelPageState::buddy:
        case KernelPageState::pcp:
        case KernelPageState::high_order:
        case KernelPageState::hugetlb_free:
            return 0;
        default:
            return 1;
    }
}

}  // namespace

Memory::Memory(const MachineConfig& machine, const std::vector<KernelPagesConfig>& pages,
               const KernelConfig& kernel) {
    for (const DramConfig& dram : machine.memory) {
        ram_.push_back(dram.range);
        kinds_.assign(dram.range.begin >> kPageShift, dram.range.end >> kPageShift,
                      {MemoryKind::ram});
    }
    std::sort(ram_.begin(), ram_.end(), [](SpaRange a, SpaRange b) { return a.begin < b.begin; });
    for (const RegionConfig& region : machine.regions)
        kinds_.assign(region.range.begin >> kPageShift, region.range.end >> kPageShift,
                      {MemoryKind::pmem_raw});
    for (std::size_t i = 0; i < machine.namespaces.size(); ++i) {
        const NamespaceConfig& ns = machine.namespaces[i];
        if (!ns.present) continue;
        namespaces_.assign(ns.range.begin, ns.range.end, {static_cast<int>(i)});
        add_pages(ns);
    }
    for (const SpaRange& image : kernel.image) {
        states_.assign(image.begin >> kPageShift, image.end >> kPageShift,
                       {KernelPageState::kernel});
        taken_.assign(image.begin >> kPageShift, image.end >> kPageShift, {true});
    }
    for (const KernelPagesConfig& k : pages) {
        const std::uint64_t first = k.range.begin >> kPageShift;
        const std::uint64_t last = round_up(k.range.end, kPageSize) >> kPageShift;
        states_.assign(first, last, {k.state});
        taken_.assign(first, last, {true});
        if (k.state == KernelPageState::device_private)
            kinds_.assign(first, last, {MemoryKind::device_private});
    }
    // empty_zero_page is part of the kernel's data; without a known image it stands right below
    // the first page that allocate() may give.
    zero_page_ = kernel.image.empty() ? Pfn{kFirstAllocatable - 1}
                                      : pfn_of(kernel.image.front().end - kPageSize);
    states_.assign(zero_page_.value, zero_page_.value + 1, {KernelPageState::reserved});
    lowest_free_ = kFirstAllocatable;
}

void Memory::add_pages(const NamespaceConfig& ns) {
    if (ns.mode == NamespaceMode::raw || ns.mode == NamespaceMode::sector) {
        kinds_.assign(ns.range.begin >> kPageShift, ns.range.end >> kPageShift,
                      {MemoryKind::pmem_raw});
        return;
    }
    // The dev_pagemap begins with the namespace, metadata included, and ends before end_trunc
    // (drivers/nvdimm/pfn_devs.c, __nvdimm_setup_pfn).
    const SpaRange data = ns.data();
    kinds_.assign(ns.range.begin >> kPageShift, data.begin >> kPageShift, {MemoryKind::pmem_meta});
    kinds_.assign(data.begin >> kPageShift, data.end >> kPageShift, {MemoryKind::pmem});
    if (data.end < ns.range.end)
        kinds_.assign(data.end >> kPageShift, ns.range.end >> kPageShift, {MemoryKind::pmem_raw});
}

std::uint64_t Memory::remove_pages(const NamespaceConfig& ns) {
    const std::uint64_t first = ns.range.begin >> kPageShift, end = ns.range.end >> kPageShift;
    const std::size_t poisoned = static_cast<std::size_t>(
        std::count_if(pages_.begin(), pages_.end(), [&](const auto& known) {
            return known.first >= first && known.first < end && known.second.test(PG_hwpoison);
        }));
    latest_ = nullptr;
    std::erase_if(pages_,
                  [&](const auto& known) { return known.first >= first && known.first < end; });
    uses_.erase(first, end);
    kinds_.assign(first, end, {MemoryKind::pmem_raw});
    return poisoned;
}

bool Memory::any_referenced(const NamespaceConfig& ns) const {
    return std::any_of(pages_.begin(), pages_.end(), [&](const auto& known) {
        return ns.range.contains(Pfn{known.first}.spa()) && known.second.refcount > 1;
    });
}

MemoryKind Memory::kind(Pfn pfn) const {
    const auto r = kinds_.find(pfn.value);
    return r ? r->value.value : MemoryKind::none;
}

int Memory::namespace_at(std::uint64_t spa) const {
    const auto r = namespaces_.find(spa);
    return r ? r->value.value : -1;
}

std::optional<KernelPageState> Memory::kernel_state(Pfn pfn) const {
    const auto r = states_.find(pfn.value);
    if (!r) return std::nullopt;
    return r->value.value;
}

bool Memory::is_online(Pfn pfn) const {
    return is_ram(pfn) && kernel_state(pfn) != KernelPageState::offline;
}

Page Memory::initial(Pfn pfn) const {
    Page p;
    if (const auto state = kernel_state(pfn)) {
        p.flags = flags_of(*state);
        p.refcount = references_of(*state);
        return p;
    }
    if (const auto use = uses_.find(pfn.value); use && is_ram(pfn)) {
        p.flags = use->value.flags;
        p.refcount = use->value.refcount;
        return p;
    }
    switch (kind(pfn)) {
        case MemoryKind::ram:  // nobody uses it
            p.flags = bit(PG_buddy);
            p.refcount = 0;
            break;
        default:  // ZONE_DEVICE pages are reserved and count one reference when idle
            p.flags = bit(PG_reserved);
            p.refcount = 1;
            break;
    }
    return p;
}

Page& Memory::known_page(Pfn pfn) {
    const auto [it, fresh] = pages_.try_emplace(pfn.value);
    Page& page = it->second;
    if (fresh) page = initial(pfn);
    if (page.associated != uses_changed_) {
        associate(pfn, page);
        page.associated = uses_changed_;
    }
    latest_ = &page;
    latest_pfn_ = pfn;
    return page;
}

Page Memory::look(Pfn pfn) const {
    const Page* known = find(pfn);
    Page p = known ? *known : initial(pfn);
    associate(pfn, p);
    return p;
}

/// page->mapping and page->index stand in the run that the page belongs to.
void Memory::associate(Pfn pfn, Page& p) const {
    const auto use = uses_.find(pfn.value);
    const std::uint64_t unit = use ? (1ull << (use->value.shift - kPageShift)) - 1 : 0;
    if (!use || (use->value.head_only && (pfn.value & unit))) {
        p.mapping = nullptr;
        p.index = 0;
    } else {
        const PageUse here = use->at(pfn.value);
        p.mapping = here.mapping;
        p.index = here.indexed ? here.index : 0;
    }
}

const Page* Memory::find(Pfn pfn) const {
    const auto it = pages_.find(pfn.value);
    return it == pages_.end() ? nullptr : &it->second;
}

std::vector<Pfn> Memory::known() const {
    std::vector<Pfn> all;
    all.reserve(pages_.size());
    for (const auto& [pfn, page] : pages_) all.push_back(Pfn{pfn});
    std::sort(all.begin(), all.end());
    return all;
}

std::optional<Pfn> Memory::allocate(std::uint64_t pages, std::uint64_t align) {
    for (const SpaRange& range : ram_) {
        const std::uint64_t end = range.end >> kPageShift;
        std::uint64_t at = std::max(round_up(range.begin, kPageSize) >> kPageShift, lowest_free_);
        while (true) {
            at = round_up(at, align);
            if (at >= end || end - at < pages) break;
            std::uint64_t clash = 0;
            taken_.for_each(at, at + pages, [&](const auto& r) { clash = r.end; });
            if (clash == 0) {
                taken_.assign(at, at + pages, {true});
                if (at == lowest_free_) lowest_free_ = at + pages;
                return Pfn{at};
            }
            // Jump to the end of the whole range that is in the way, not only of the part seen.
            const auto whole = taken_.find(clash - 1);
            if (at == lowest_free_ && whole && whole->begin <= at) lowest_free_ = whole->end;
            at = whole ? whole->end : clash;
        }
    }
    return std::nullopt;
}

bool Memory::allocatable(Pfn first, std::uint64_t pages) const {
    bool gap = false;
    taken_.for_each_gap(std::max(first.value, kFirstAllocatable), first.value + pages,
                        [&](std::uint64_t, std::uint64_t) { gap = true; });
    return gap;
}

void Memory::forget(Pfn first, std::uint64_t pages) {
    latest_ = nullptr;
    const auto forget_one = [&](std::uint64_t pfn) {
        const auto it = pages_.find(pfn);
        if (it == pages_.end() || held_.contains(pfn)) return;
        // The memory type is the address's, not its user's: it outlives both (kernel.md 4.3).
        const CacheMode memtype = it->second.memtype;
        if (memtype == CacheMode::wb) {
            pages_.erase(it);
            return;
        }
        it->second = initial(Pfn{pfn});
        it->second.memtype = memtype;
    };
    if (pages <= pages_.size()) {
        for (std::uint64_t i = 0; i < pages; ++i) forget_one(first.value + i);
        return;
    }
    for (const Pfn pfn : known())
        if (pfn.value >= first.value && pfn.value < first.value + pages) forget_one(pfn.value);
}

void Memory::free(Pfn first, std::uint64_t pages) {
    const std::uint64_t end = first.value + pages;
    uses_.erase(first.value, end);
    ++uses_changed_;
    forget(first, pages);
    taken_.erase(first.value, end);
    for (auto it = held_.lower_bound(first.value); it != held_.end() && *it < end; ++it)
        taken_.assign(*it, *it + 1, {true});
    states_.for_each(first.value, end,
                     [&](const auto& r) { taken_.assign(r.begin, r.end, {true}); });
    lowest_free_ = std::max(kFirstAllocatable, std::min(lowest_free_, first.value));
}

void Memory::reserve(SpaRange range) {
    const std::uint64_t first = range.begin >> kPageShift;
    const std::uint64_t end = round_up(range.end, kPageSize) >> kPageShift;
    if (const auto known = taken_.find(first); known && known->end >= end) return;
    taken_.assign(first, end, {true});
}

void Memory::use(Pfn first, std::uint64_t pages, const PageUse& use) {
    uses_.assign(first.value, first.value + pages, use);
    ++uses_changed_;
    if (is_ram(first)) forget(first, pages);
}

void Memory::use_unused(Pfn first, std::uint64_t pages, const PageUse& use) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps;
    uses_.for_each_gap(first.value, first.value + pages,
                       [&](std::uint64_t b, std::uint64_t e) { gaps.emplace_back(b, e); });
    for (const auto& [b, e] : gaps) uses_.assign(b, e, use.advanced(b - first.value));
    if (!gaps.empty()) ++uses_changed_;
}

bool Memory::clean(Pfn first, std::uint64_t pages) {
    const std::uint64_t end = first.value + pages;
    std::vector<RangeMap<PageUse>::Range> dirty;
    uses_.for_each(first.value, end, [&](const auto& r) {
        if (r.value.flags & bit(PG_dirty)) dirty.push_back(r);
    });
    for (RangeMap<PageUse>::Range& r : dirty) {  // known pages keep flags of their own
        r.value.flags &= ~bit(PG_dirty);
        uses_.assign(r.begin, r.end, r.value);
    }
    if (!dirty.empty()) ++uses_changed_;
    bool any = !dirty.empty();
    const auto clean_one = [&](Page& page) {
        any = any || page.test(PG_dirty);
        page.flags &= ~bit(PG_dirty);
    };
    if (pages < pages_.size()) {
        for (std::uint64_t pfn = first.value; pfn < end; ++pfn)
            if (const auto known = pages_.find(pfn); known != pages_.end()) clean_one(known->second);
    } else {
        for (auto& [pfn, page] : pages_)
            if (pfn >= first.value && pfn < end) clean_one(page);
    }
    return any;
}

void Memory::disuse(Pfn first, std::uint64_t pages) {
    uses_.erase(first.value, first.value + pages);
    ++uses_changed_;
}

}  // namespace mcemu::kernel
