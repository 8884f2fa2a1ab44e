// From a page to those who map it (mm/rmap.c), and the changes that follow (kernel.md 2.5, 2.12).
#include <algorithm>
#include <bit>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"

namespace mcemu::kernel {

namespace {

/// In kill order; most pages have one user, and sorting allocates.
void sort_by_process(std::vector<Mapper>& found) {
    const auto before = [](const Mapper& a, const Mapper& b) { return a.process < b.process; };
    if (!std::is_sorted(found.begin(), found.end(), before))
        std::stable_sort(found.begin(), found.end(), before);
}

}  // namespace

std::vector<Mapper> Mm::covering(Mapping& mapping, std::uint64_t index) const {
    std::vector<Mapper> found;
    mapping.vmas.for_each(index, index, [&](Vma& v) {
        Mapper m{&v, v.process, v.va_of(index), 0};
        const auto leaf = space(v.process).leaf(m.va);
        if (leaf && leaf->pte.kind == Pte::Kind::present) m.shift = leaf->pte.shift;
        found.push_back(m);
        return true;
    });
    sort_by_process(found);
    return found;
}

template <class F>
void Mm::for_each_mapper(const Page& page, Pfn pfn, F&& f) const {
    if (!page.mapping) return;
    page.mapping->vmas.for_each(page.index, page.index, [&](Vma& v) {
        const std::uint64_t va = v.va_of(page.index);
        const auto leaf = space(v.process).leaf(va);
        if (leaf && leaf->pte.kind == Pte::Kind::present && leaf->pfn_at(va) == pfn.value)
            f(Mapper{&v, v.process, va, leaf->pte.shift});
        return true;
    });
}

std::vector<Mapper> Mm::mappers(Pfn pfn) {
    Page& page = kernel_.memory.page(pfn);
    std::vector<Mapper> found;
    for_each_mapper(page, pfn, [&found](const Mapper& m) { found.push_back(m); });
    sort_by_process(found);
    page.mapcount = static_cast<std::int32_t>(found.size());
    return found;
}

int Mm::page_count(Pfn pfn) {
    Page& page = kernel_.memory.page(pfn);
    if (!kernel_.memory.is_ram(pfn)) return page.refcount;  // device mappings hold no reference
    page.mapcount = 0;
    for_each_mapper(page, pfn, [&page](const Mapper&) { ++page.mapcount; });
    return page.refcount + page.mapcount;
}

void Mm::unmap_page(Pfn pfn, const Pte::Kind* leave) {
    Page& page = kernel_.memory.page(pfn);
    // Most pages have one user: no list of them, and no allocation.
    Mapper only;
    std::size_t users = 0;
    for_each_mapper(page, pfn, [&](const Mapper& m) {
        only = m;
        ++users;
    });
    if (users == 1)
        unmap(only, leave);
    else if (users > 1)
        for (const Mapper& m : mappers(pfn)) unmap(m, leave);
    page.mapcount = 0;
}

void Mm::unmap(const Mapper& m, const Pte::Kind* leave) {
    AddressSpace& mm = space(m.process);
    const auto leaf = mm.leaf(m.va);
    if (!leaf || leaf->pte.kind != Pte::Kind::present) return;
    if (leave) {
        Pte pte = leaf->pte;
        pte.kind = *leave;
        mm.table.assign(leaf->begin, leaf->end, pte);
    } else {
        mm.table.erase(leaf->begin, leaf->end);
    }
    kernel_.env.trace.note(Module::kernel, TraceKind::page_unmapped, m.process, leaf->begin,
                           leaf->end - leaf->begin, leaf->pte.pfn);
}

void Mm::unmap_range(Mapping& mapping, std::uint64_t first, std::uint64_t pages, bool even_cows) {
    if (pages == 0) return;
    const std::uint64_t last = first + pages - 1 < first ? ~0ull : first + pages - 1;
    struct Zap {
        Vma* vma;
        PageTable::Range run;
    };
    std::vector<Zap> zaps;
    mapping.vmas.for_each(first, last, [&](Vma& v) {
        const std::uint64_t from = v.va_of(std::max(first, v.pgoff));
        const std::uint64_t to = v.va_of(std::min(last, v.last_index())) + kPageSize;
        space(v.process).table.for_each(from, to, [&](const auto& r) {
            // zap_pte_range(): with even_cows 0 neither private copies nor swap-like entries go.
            const auto usage = kernel_.memory.usage(Pfn{r.value.pfn});
            const bool copy = v.anon && usage && usage->value.mapping == v.anon;
            if (!even_cows && (copy || r.value.kind != Pte::Kind::present)) return;
            zaps.push_back({&v, r});
        });
        return true;
    });
    std::stable_sort(zaps.begin(), zaps.end(),
                     [](const Zap& a, const Zap& b) { return a.vma->process < b.vma->process; });
    for (const Zap& z : zaps) {
        // A huge leaf of which a part is to go is split, and splitting one of a file empties it.
        const std::uint64_t unit = 1ull << z.run.value.shift;
        const std::uint64_t from = round_down(z.run.begin, unit);
        const std::uint64_t to = round_up(z.run.end, unit);
        space(z.vma->process).table.erase(from, to);
        // The frame of the whole leaf's first byte, of which the run may be the later part.
        const std::uint64_t before = (z.run.begin - from) >> kPageShift;
        kernel_.env.trace.note(Module::kernel, TraceKind::page_unmapped, z.vma->process, from,
                               to - from,
                               z.run.value.kind == Pte::Kind::present ? z.run.value.pfn - before : 0);
        if (z.vma->anon && z.run.value.kind == Pte::Kind::present)
            free_unmapped(*z.vma->anon, z.run.value.pfn, (z.run.end - z.run.begin) >> kPageShift,
                          z.vma->index_of(z.run.begin), z.run.value.shift);
    }
}

bool Mm::write_back(Mapping& mapping) {
    bool any = false;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;  // first index, pages
    mapping.cache.for_each([&](const auto& r) {
        any = kernel_.memory.clean(Pfn{r.value.pfn}, r.end - r.begin) || any;
        runs.emplace_back(r.begin, r.end - r.begin);
    });
    for (const auto& [first, pages] : runs)
        mapping.vmas.for_each(first, first + pages - 1, [&](Vma& v) {
            if (v.shared) write_protect(v, first, first + pages - 1);
            return true;
        });
    return any;
}

/// page_mkclean(): whoever writes again faults, and makes the page dirty again.
void Mm::write_protect(Vma& vma, std::uint64_t first, std::uint64_t last) {
    const std::uint64_t from = vma.va_of(std::max(first, vma.pgoff));
    const std::uint64_t to = vma.va_of(std::min(last, vma.last_index())) + kPageSize;
    PageTable& table = space(vma.process).table;
    std::vector<PageTable::Range> writable;
    table.for_each(from, to, [&](const auto& r) {
        if (r.value.kind == Pte::Kind::present && r.value.writable) writable.push_back(r);
    });
    for (PageTable::Range& r : writable) {
        r.value.writable = false;
        table.assign(r.begin, r.end, r.value);
    }
}

unsigned Mm::compound_shift(Pfn pfn) const {
    if (kernel_.memory.kind(pfn) == MemoryKind::pmem) {
        const int ns = kernel_.memory.namespace_at(pfn.spa());
        const NamespaceConfig& config = kernel_.namespaces[static_cast<std::size_t>(ns)];
        // v6.1: alignment > 4K makes device-dax pages compound (kernel.md 5.1).
        if (kernel_.env.profile.dev_pagemap_head && config.mode == NamespaceMode::devdax)
            return static_cast<unsigned>(std::countr_zero(config.align));
        return kPageShift;
    }
    const auto state = kernel_.memory.kernel_state(pfn);
    if (state == KernelPageState::hugetlb_free || state == KernelPageState::huge_zero)
        return kPmdShift;
    const auto usage = kernel_.memory.usage(pfn);
    return usage ? usage->value.shift : kPageShift;
}

Pfn Mm::compound_head(Pfn pfn) const {
    return Pfn{round_down(pfn.value, 1ull << (compound_shift(pfn) - kPageShift))};
}

void Mm::split_thp(Pfn pfn) {
    const Pfn head = compound_head(pfn);
    const auto usage = kernel_.memory.usage(head);
    const std::uint64_t pages = 1ull << (usage->value.shift - kPageShift);
    for (const Mapper& m : mappers(head)) {
        if (m.shift == kPageShift) continue;
        AddressSpace& mm = space(m.process);
        const auto leaf = mm.leaf(m.va);
        Pte pte = leaf->pte;
        pte.shift = kPageShift;
        mm.table.assign(leaf->begin, leaf->end, pte);
    }
    PageUse use = usage->at(head.value);
    use.shift = kPageShift;
    use.flags &= ~bit(PG_head);
    kernel_.memory.use(head, pages, use);
    kernel_.memory.page(pfn).flags &= ~bit(PG_head);
}

void Mm::migrate(Pfn old, Pfn fresh) {
    const auto usage = kernel_.memory.usage(old);
    const unsigned shift = usage->value.shift;
    const std::uint64_t pages = 1ull << (shift - kPageShift);
    const Pfn head = compound_head(old);
    PageUse use = usage->at(head.value);
    use.flags |= kernel_.memory.page(old).flags & bit(PG_dirty);
    const std::vector<Mapper> users = mappers(head);
    kernel_.memory.disuse(head, pages);
    kernel_.memory.use(fresh, pages, use);
    if (use.mapping && use.mapping->kind != MapKind::anon)
        use.mapping->cache.assign(use.index, use.index + pages, {fresh.value});
    for (const Mapper& m : users) {
        AddressSpace& mm = space(m.process);
        const auto leaf = mm.leaf(m.va);
        Pte pte = leaf->pte;
        if (pte.kind == Pte::Kind::present)
            kernel_.env.trace.note(Module::kernel, TraceKind::page_unmapped, m.process, leaf->begin,
                                   leaf->end - leaf->begin, pte.pfn);
        pte.pfn = fresh.value + ((leaf->begin - round_down(m.va, 1ull << shift)) >> kPageShift);
        mm.table.assign(leaf->begin, leaf->end, pte);
        kernel_.env.trace.note(Module::kernel, TraceKind::page_mapped, m.process, leaf->begin,
                               pte.pfn, shift);
    }
}

}  // namespace mcemu::kernel
