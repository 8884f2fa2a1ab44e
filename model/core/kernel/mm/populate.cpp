// What a map of the scenario looks like after its process has used it, made at one stroke.
#include <algorithm>
#include <bit>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"

namespace mcemu::kernel {
namespace {

std::uint32_t anon_flags(MapState state) {
    const std::uint32_t base = bit(PG_uptodate) | bit(PG_lru) | bit(PG_swapbacked) | bit(PG_anon);
    switch (state) {
        case MapState::clean:
            return base;
        case MapState::mlocked:
            return base | bit(PG_dirty) | bit(PG_mlocked) | bit(PG_unevictable);
        case MapState::unevictable:
            return base | bit(PG_dirty) | bit(PG_unevictable);
        case MapState::swapcache:
            return base | bit(PG_dirty) | bit(PG_swapcache);
        case MapState::ksm:
            return base | bit(PG_dirty) | bit(PG_ksm);
        default:
            return base | bit(PG_dirty);
    }
}

std::uint32_t cache_flags(MapKind kind, MapState state) {
    std::uint32_t flags = bit(PG_uptodate) | bit(PG_lru);
    if (kind == MapKind::shmem) flags |= bit(PG_swapbacked);
    if (state != MapState::clean) flags |= bit(PG_dirty);
    if (state == MapState::mlocked) flags |= bit(PG_mlocked) | bit(PG_unevictable);
    if (state == MapState::unevictable) flags |= bit(PG_unevictable);
    if (kind == MapKind::hugetlb)
        flags = bit(PG_uptodate) | bit(PG_dirty) | bit(PG_hugetlb) | bit(PG_head);
    return flags;
}

constexpr std::uint64_t pages_of(unsigned shift) { return 1ull << (shift - kPageShift); }

}  // namespace

std::optional<Pfn> Mm::frames_for(const Mapping& mapping, std::uint64_t index,
                                  std::uint64_t pages) {
    for (const Mapping::Pin& pin : mapping.pins) {
        if (index < pin.index || index + pages > pin.index + pin.pages) continue;
        const Pfn first{pin.pfn + (index - pin.index)};
        bool free = true;
        for (std::uint64_t i = 0; i < pages && free; ++i)
            free = !kernel_.memory.usage(Pfn{first.value + i}) &&
                   !kernel_.memory.look(Pfn{first.value + i}).test(PG_hwpoison);
        if (!free) break;
        kernel_.memory.reserve({first.spa(), first.spa() + pages * kPageSize});
        return first;
    }
    return kernel_.memory.allocate(pages, pages);
}

int Mm::populate(Process& process, Vma& vma, const MapConfig& m) {
    switch (vma.kind) {
        case MapKind::devdax:
            populate_devdax(process, vma);
            return 0;
        case MapKind::fsdax:
            populate_fsdax(process, vma);
            return 0;
        case MapKind::file:
        case MapKind::shmem:
            // A private page that was written is anonymous memory (kernel.md 2.7).
            if (!vma.shared && m.state != MapState::clean) return populate_anon(process, vma, m);
            return populate_cache(process, vma, m);
        case MapKind::hugetlb:
            return vma.shared ? populate_cache(process, vma, m) : populate_anon(process, vma, m);
        case MapKind::anon:
            return populate_anon(process, vma, m);
        case MapKind::devmem:
            populate_devmem(process, vma);
            return 0;
    }
    return 0;
}

int Mm::populate_anon(Process& process, Vma& vma, const MapConfig& m) {
    const bool hugetlb = vma.kind == MapKind::hugetlb;
    const std::uint64_t pages = vma.pages();
    const unsigned shift = hugetlb ? vma.shift : vma.thp ? kPmdShift : kPageShift;
    // Huge units need the same position inside their unit in both address spaces.
    const std::uint64_t lead = (vma.begin >> kPageShift) % pages_of(shift);
    std::uint64_t first = 0;
    if (m.at) {
        first = *m.at >> kPageShift;
    } else {
        const auto got = kernel_.memory.allocate(pages + lead, pages_of(shift));
        if (!got) return -ENOMEM;
        first = got->value + lead;
        if (lead != 0) kernel_.memory.free(*got, lead);
    }
    PageUse use;
    use.mapping = &anon_of(vma);
    use.index = vma.pgoff;
    use.flags =
        hugetlb ? cache_flags(MapKind::hugetlb, m.state) | bit(PG_anon) : anon_flags(m.state);
    // A private huge page is dirty once it was written (try_to_unmap() moves the entry's bit); one
    // of a file always is.
    if (hugetlb && m.state == MapState::clean) use.flags &= ~bit(PG_dirty);
    use.refcount = m.state == MapState::swapcache ? 1 : 0;
    Pte pte;
    // Whoever writes gets a copy of a KSM page, and makes a clean one dirty.
    pte.writable = m.state != MapState::ksm && m.state != MapState::clean;
    if (hugetlb) use.shift = pte.shift = vma.shift;
    pte.pfn = first;
    kernel_.memory.use(Pfn{first}, pages, use);
    process.mm->table.assign(vma.begin, vma.end, pte);

    if (!hugetlb && shift == kPmdShift && (vma.begin >> kPageShift) % 512 == first % 512) {
        const std::uint64_t from = round_up(vma.begin, 1ull << kPmdShift);
        const std::uint64_t to = round_down(vma.end, 1ull << kPmdShift);
        if (from < to) {
            use.shift = pte.shift = kPmdShift;
            use.flags |= bit(PG_head);
            use.index = vma.index_of(from);
            pte.pfn = first + ((from - vma.begin) >> kPageShift);
            kernel_.memory.use(Pfn{pte.pfn}, (to - from) >> kPageShift, use);
            process.mm->table.assign(from, to, pte);
        }
    }
    return 0;
}

int Mm::populate_cache(Process& process, Vma& vma, const MapConfig& m) {
    Mapping& mapping = *vma.file;
    std::uint64_t last = vma.pgoff + vma.pages();
    if (mapping.of >= 0) {
        const std::uint64_t size = files_[static_cast<std::size_t>(mapping.of)].size;
        last = std::min(last, round_up(size, kPageSize) >> kPageShift);
    }
    if (last <= vma.pgoff) return 0;
    PageUse use;
    use.mapping = &mapping;
    use.flags = cache_flags(vma.kind, m.state);
    use.refcount = 1;
    use.shift = vma.kind == MapKind::hugetlb ? vma.shift : static_cast<std::uint8_t>(kPageShift);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> missing;
    mapping.cache.for_each_gap(
        vma.pgoff, last, [&](std::uint64_t b, std::uint64_t e) { missing.emplace_back(b, e); });
    for (const auto& [b, e] : missing) {
        const bool huge = vma.thp && vma.kind == MapKind::shmem;
        const std::uint64_t unit = pages_of(huge ? kPmdShift : use.shift);
        std::uint64_t pfn = 0;
        if (m.at) {
            pfn = (*m.at >> kPageShift) + (b - vma.pgoff);
        } else {  // huge units need the same position inside their unit in file and memory
            const std::uint64_t lead = huge ? b % unit : 0;
            const auto got = kernel_.memory.allocate(e - b + lead, unit);
            if (!got) return -ENOMEM;
            pfn = got->value + lead;
            if (lead != 0) kernel_.memory.free(*got, lead);
        }
        use.index = b;
        mapping.cache.assign(b, e, {pfn});
        kernel_.memory.use(Pfn{pfn}, e - b, use);
        const std::uint64_t from = round_up(b, unit), to = round_down(e, unit);
        if (!huge || from >= to || (pfn + (from - b)) % unit != 0) continue;
        PageUse whole = use.advanced(from - b);
        whole.shift = static_cast<std::uint8_t>(kPmdShift);
        whole.flags |= bit(PG_head);
        kernel_.memory.use(Pfn{pfn + (from - b)}, to - from, whole);
    }
    // A clean page is mapped read-only: the first store makes it dirty, and tells a file system.
    Pte pte;
    pte.shift = use.shift;
    pte.writable = vma.shared && (vma.kind == MapKind::hugetlb || m.state != MapState::clean);
    std::vector<RangeMap<CacheRun>::Range> runs;
    mapping.cache.for_each(vma.pgoff, last, [&](const auto& r) { runs.push_back(r); });
    for (const auto& r : runs) {
        pte.pfn = r.value.pfn;
        process.mm->table.assign(vma.va_of(r.begin),
                                 vma.va_of(r.begin) + ((r.end - r.begin) << kPageShift), pte);
        if (vma.thp) map_huge_units(process, vma, r);
    }
    // What is poisoned in the cache is left to a fault, which refuses it.
    for (const auto& r : runs)
        kernel_.memory.for_each_held(Pfn{r.value.pfn}, r.end - r.begin, [&](Pfn pfn) {
            if (!kernel_.memory.page(pfn).test(PG_hwpoison)) return;
            const std::uint64_t va = vma.va_of(r.begin + (pfn.value - r.value.pfn));
            process.mm->table.erase(va, va + (1ull << pte.shift));
        });
    return 0;
}

/// A whole transparent huge page, where address and file allow it, is mapped by one entry.
void Mm::map_huge_units(Process& process, const Vma& vma, const RangeMap<CacheRun>::Range& run) {
    const std::uint64_t unit = 1ull << kPmdShift, pages = pages_of(kPmdShift);
    const std::uint64_t begin = vma.va_of(run.begin);
    const std::uint64_t end = begin + ((run.end - run.begin) << kPageShift);
    for (std::uint64_t va = round_up(begin, unit); va + unit <= end; va += unit) {
        const std::uint64_t pfn = run.at(vma.index_of(va)).pfn;
        if (pfn % pages != 0 || compound_shift(Pfn{pfn}) != kPmdShift) continue;
        Pte pte = process.mm->leaf(va)->pte;
        pte.shift = static_cast<std::uint8_t>(kPmdShift);
        pte.pfn = pfn;
        process.mm->table.assign(va, va + unit, pte);
    }
}

void Mm::populate_devdax(Process& process, Vma& vma) {
    const SpaRange data = kernel_.namespaces[static_cast<std::size_t>(vma.of)].data();
    const std::uint64_t offset = vma.pgoff << kPageShift;
    if (offset >= data.size()) return;
    const std::uint64_t bytes =
        round_down(std::min(vma.end - vma.begin, data.size() - offset), vma.unit());
    if (bytes == 0) return;
    Pte pte;
    pte.shift = vma.shift;
    pte.writable = true;
    pte.pfn = (data.begin + round_down(offset, vma.unit())) >> kPageShift;
    process.mm->table.assign(vma.begin, vma.begin + bytes, pte);
    associate(*vma.file, vma.pgoff, Pfn{pte.pfn}, bytes >> kPageShift);
}

void Mm::populate_devmem(Process& process, Vma& vma) {
    Pte pte;
    pte.shift = static_cast<std::uint8_t>(kPageShift);
    pte.writable = vma.shared;
    pte.pfn = vma.pgoff;
    process.mm->table.assign(vma.begin, vma.end, pte);
}

void Mm::populate_fsdax(Process& process, Vma& vma) {
    const auto file = static_cast<std::size_t>(vma.of);
    const FileConfig& f = scenario_.files[file];
    const SpaRange data = kernel_.namespaces[static_cast<std::size_t>(f.on)].data();
    const std::uint64_t map_begin = vma.pgoff << kPageShift;
    const std::uint64_t map_end =
        std::min(map_begin + (vma.end - vma.begin), round_up(files_[file].size, kPageSize));
    for (const FileExtent& e : f.extents) {
        const std::uint64_t from = std::max(map_begin, e.offset);
        const std::uint64_t to = std::min(map_end, e.offset + e.size);
        if (from >= to) continue;
        // What was punched is left to faults, and with it the rest of its extent.
        if (punched(static_cast<std::uint32_t>(file), from >> kPageShift, to >> kPageShift))
            continue;
        const std::uint64_t va = vma.begin + (from - map_begin);
        const std::uint64_t spa = data.begin + e.pmem + (from - e.offset);
        Pte pte;
        pte.writable = vma.shared;
        const auto put = [&](std::uint64_t begin, std::uint64_t end, std::uint8_t shift) {
            if (begin >= end) return;
            const std::uint64_t index = (from + (begin - va)) >> kPageShift;
            const std::uint64_t pages = (end - begin) >> kPageShift;
            pte.shift = shift;
            pte.pfn = (spa + (begin - va)) >> kPageShift;
            process.mm->table.assign(begin, end, pte);
            // An entry of 2 MiB serves maps of 4 KiB as well, so it stays where it is.
            std::vector<std::pair<std::uint64_t, std::uint64_t>> fresh;
            if (shift > kPageShift)
                fresh.emplace_back(index, index + pages);
            else
                vma.file->entries.for_each_gap(
                    index, index + pages,
                    [&](std::uint64_t b, std::uint64_t e2) { fresh.emplace_back(b, e2); });
            for (const auto& [b, e2] : fresh) vma.file->entries.assign(b, e2, {shift});
            associate(*vma.file, index, Pfn{pte.pfn}, pages);
        };
        const std::uint64_t unit = 1ull << kPmdShift;
        const bool alike = va % unit == spa % unit && va % unit == from % unit;
        const std::uint64_t end = va + (to - from);
        const std::uint64_t big_begin = std::min(end, round_up(va, unit));
        const std::uint64_t big_end = std::max(big_begin, round_down(end, unit));
        if (vma.shift >= kPmdShift && alike && big_begin < big_end) {
            put(va, big_begin, kPageShift);
            put(big_begin, big_end, kPmdShift);
            put(big_end, end, kPageShift);
        } else {
            put(va, end, kPageShift);
        }
    }
}

void Mm::share_anon(Process& target, Vma& vma, const Named& with, std::uint64_t offset) {
    AddressSpace& other = space(with.process);
    const std::uint64_t from = with.va + round_down(offset, kPageSize);
    std::vector<PageTable::Range> runs;
    other.table.for_each(from, from + (vma.end - vma.begin),
                         [&](const auto& r) { runs.push_back(r); });
    for (auto& r : runs) {
        r.value.writable = false;  // as after fork: whoever writes first gets a copy
        other.table.assign(r.begin, r.end, r.value);
        target.mm->table.assign(vma.begin + (r.begin - from), vma.begin + (r.end - from), r.value);
    }
}

std::optional<Pfn> Mm::cached(const Mapping& mapping, std::uint64_t index) const {
    const auto run = mapping.cache.find(index);
    if (!run) return std::nullopt;
    return Pfn{run->at(index).pfn};
}

std::optional<Pfn> Mm::add_to_cache(Mapping& mapping, std::uint64_t index, std::uint32_t flags,
                                    unsigned shift) {
    const std::uint64_t pages = pages_of(shift);
    const auto pfn = frames_for(mapping, round_down(index, pages), pages);
    if (!pfn) return std::nullopt;
    PageUse use;
    use.mapping = &mapping;
    use.index = round_down(index, pages);
    use.flags = flags;
    use.refcount = 1;
    use.shift = static_cast<std::uint8_t>(shift);
    mapping.cache.assign(use.index, use.index + pages, {pfn->value});
    kernel_.memory.use(*pfn, pages, use);
    return Pfn{pfn->value + index % pages};
}

void Mm::drop_from_cache(Mapping& mapping, std::uint64_t index, std::uint64_t pages) {
    std::vector<RangeMap<CacheRun>::Range> runs;
    mapping.cache.for_each(index, index + pages, [&](const auto& r) { runs.push_back(r); });
    mapping.cache.erase(index, index + pages);
    for (const auto& r : runs) {
        // A poisoned page stays with memory_failure(), without the cache's reference.
        kernel_.memory.for_each_held(Pfn{r.value.pfn}, r.end - r.begin, [this](Pfn pfn) {
            if (Page& page = kernel_.memory.page(pfn); page.refcount > 0) --page.refcount;
        });
        kernel_.memory.free(Pfn{r.value.pfn}, r.end - r.begin);
    }
}

}  // namespace mcemu::kernel
