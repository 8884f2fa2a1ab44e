#include "core/kernel/mm/mm.hpp"

#include <algorithm>
#include <bit>

#include "core/assert.hpp"
#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {
namespace {

void reserve_pinned(Memory& memory, const std::vector<MapConfig>& maps) {
    for (const MapConfig& m : maps)
        if (m.at && m.kind != MapKind::devmem) memory.reserve({*m.at, *m.at + m.size});
}

/// vma_adjust_trans_huge(): an entry that maps 2 MiB across `at` is split. One of a file is emptied
/// instead, as faults can make it anew (__split_huge_pmd_locked()).
void split_leaf(Env& env, Process& process, std::uint64_t at) {
    const auto leaf = process.mm->leaf(at);
    if (!leaf || leaf->pte.shift == kPageShift || leaf->pte.kind != Pte::Kind::present) return;
    if (at % (1ull << leaf->pte.shift) == 0) return;
    const Vma* vma = process.mm->find(at);
    if (!vma || vma->kind == MapKind::hugetlb || vma->kind == MapKind::devdax) return;
    if (vma->file) {
        process.mm->table.erase(leaf->begin, leaf->end);
        env.trace.note(Module::kernel, TraceKind::page_unmapped, process.index, leaf->begin,
                       leaf->end - leaf->begin, leaf->pte.pfn);
        return;
    }
    Pte pte = leaf->pte;
    pte.shift = static_cast<std::uint8_t>(kPageShift);
    process.mm->table.assign(leaf->begin, leaf->end, pte);
}

}  // namespace

Mm::Mm(Kernel& kernel, const Scenario& scenario)
    : released(kernel.env.agenda), kernel_(kernel), scenario_(scenario) {
    for (std::size_t i = 0; i < scenario.files.size(); ++i) {
        const FileConfig& f = scenario.files[i];
        auto mapping = std::make_unique<Mapping>();
        mapping->of = static_cast<int>(i);
        mapping->kind = is_dax_file(static_cast<std::uint32_t>(i)) ? MapKind::fsdax
                        : f.fs == FsKind::tmpfs                    ? MapKind::shmem
                                                                   : MapKind::file;
        files_.emplace_back();
        files_.back().size = f.size;
        files_.back().mapping = std::move(mapping);
    }
    for (std::size_t i = 0; i < scenario.machine.namespaces.size(); ++i) {
        file_system_down_.push_back(false);
        devices_.push_back(std::make_unique<Mapping>());
        devices_.back()->kind = MapKind::devdax;
        devices_.back()->of = static_cast<int>(i);
    }
    devmem_.kind = MapKind::devmem;
    // Pinned memory is nobody else's, also when its map comes into being only later.
    for (const ProcessConfig& p : scenario.processes) reserve_pinned(kernel.memory, p.maps);
    for (const Event& e : scenario.events) {
        if (const auto* m = std::get_if<MmapEvent>(&e.action))
            reserve_pinned(kernel.memory, {m->map});
        if (const auto* f = std::get_if<ForkEvent>(&e.action))
            reserve_pinned(kernel.memory, f->child.maps);
    }
}

AddressSpace& Mm::space(std::uint32_t index) const { return *process(index).mm; }

bool Mm::is_dax_file(std::uint32_t file) const {
    const FileConfig& f = scenario_.files[file];
    return f.on >= 0 && f.dax && f.fs != FsKind::tmpfs;
}

bool Mm::is_down(std::uint32_t file) const {
    const int on = scenario_.files[file].on;
    return on >= 0 && file_system_down(static_cast<std::uint32_t>(on));
}

std::optional<Pfn> Mm::dax_pfn(std::uint32_t file, std::uint64_t index) const {
    const FileConfig& f = scenario_.files[file];
    if (files_[file].holes.find(index)) return std::nullopt;
    const std::uint64_t offset = index << kPageShift;
    const SpaRange data = kernel_.namespaces[static_cast<std::size_t>(f.on)].data();
    for (const FileExtent& e : f.extents)
        if (offset >= e.offset && offset - e.offset < e.size)
            return pfn_of(data.begin + e.pmem + (offset - e.offset));
    return std::nullopt;
}

void Mm::punch(std::uint32_t file, std::uint64_t first, std::uint64_t last) {
    for (const FileExtent& e : scenario_.files[file].extents) {
        const std::uint64_t from = std::max(first, e.offset >> kPageShift);
        const std::uint64_t to = std::min(last, (e.offset + e.size) >> kPageShift);
        if (from < to) files_[file].holes.assign(from, to, {});
    }
}

std::optional<std::uint64_t> Mm::punched(std::uint32_t file, std::uint64_t first,
                                         std::uint64_t last) const {
    std::optional<std::uint64_t> found;
    files_[file].holes.for_each(first, last, [&](const auto& r) {
        if (!found) found = std::max(first, r.begin);
    });
    return found;
}

Task<int> Mm::allocate_block(Context& ctx, std::uint32_t file, std::uint64_t index) {
    files_[file].holes.erase(index, index + 1);
    const auto pfn = dax_pfn(file, index);
    if (!pfn) co_return -EIO;
    const auto ns = static_cast<std::uint32_t>(scenario_.files[file].on);
    const int error = co_await kernel_.libnvdimm.zero_page(ctx, ns, pfn->spa());
    if (error != 0) files_[file].holes.assign(index, index + 1, {});
    co_return error;
}

void Mm::revoke_devmem(SpaRange range) {
    if (devmem_.vmas.empty()) return;
    unmap_range(devmem_, range.begin >> kPageShift, range.size() >> kPageShift, true);
}

Mapping& Mm::new_mapping(MapKind kind) {
    mappings_.push_back(std::make_unique<Mapping>());
    mappings_.back()->kind = kind;
    return *mappings_.back();
}

Mapping& Mm::anon_of(Vma& vma) {
    if (!vma.anon) {  // anon_vma_prepare()
        vma.anon = &new_mapping(MapKind::anon);
        vma.anon->vmas.insert(vma);
    }
    return *vma.anon;
}

void Mm::enter_trees(Vma& vma) {
    if (vma.file) vma.file->vmas.insert(vma);
    if (vma.anon) vma.anon->vmas.insert(vma);
}

void Mm::leave_trees(Vma& vma) {
    if (vma.file) vma.file->vmas.erase(vma);
    if (vma.anon) vma.anon->vmas.erase(vma);
}

Vma& Mm::add_vma(Process& process, std::unique_ptr<Vma> vma) {
    Vma& v = *vma;
    v.process = process.leader->index;
    v.sequence = ++sequence_;
    process.mm->vmas.insert_or_assign(v.begin, std::move(vma));
    enter_trees(v);
    return v;
}

int Mm::map(Process& process, const MapConfig& m) {
    if (m.size == 0 || m.va % kPageSize) return -EINVAL;
    const std::uint64_t end = m.va + round_up(m.size, kPageSize);
    if (const int rc = unmap(process, m.va, end); rc != 0) return rc;  // MAP_FIXED

    auto vma = std::make_unique<Vma>();
    vma->begin = m.va;
    vma->end = end;
    // Shared anonymous memory is a file of tmpfs that has no name (shmem_zero_setup()).
    const MapKind kind = m.kind == MapKind::anon && m.shared ? MapKind::shmem : m.kind;
    vma->kind = kind;
    vma->of = m.of;
    vma->shared = m.shared;
    vma->thp = m.state == MapState::thp;
    vma->locked = m.state == MapState::mlocked;
    vma->pgoff = m.offset >> kPageShift;
    vma->shift = static_cast<std::uint8_t>(std::countr_zero(m.page));
    const auto with = m.shared_with.empty() ? named_.end() : named_.find(m.shared_with);
    Vma* partner =
        with == named_.end() ? nullptr : space(with->second.process).find(with->second.va);

    switch (kind) {
        case MapKind::devdax: {
            const NamespaceConfig& ns =
                kernel_.namespaces[static_cast<std::size_t>(m.of)];
            vma->file = devices_[static_cast<std::size_t>(m.of)].get();
            vma->shift = static_cast<std::uint8_t>(std::countr_zero(ns.align));
            vma->shared = true;
            vma->mixedmap = !kernel_.env.profile.devdax_page_mapping;
            break;
        }
        case MapKind::fsdax:
        case MapKind::file:
            vma->file = files_[static_cast<std::size_t>(m.of)].mapping.get();
            vma->kind = vma->file->kind;  // a file on tmpfs is shared memory
            // fs-dax maps 2 MiB at most (fs/dax.c has no PUD fault).
            vma->shift = static_cast<std::uint8_t>(
                vma->kind == MapKind::fsdax && vma->shift >= kPmdShift ? kPmdShift : kPageShift);
            vma->mixedmap = vma->kind == MapKind::fsdax && !kernel_.env.profile.devdax_page_mapping;
            break;
        case MapKind::shmem:
        case MapKind::hugetlb:
            if (kind == MapKind::shmem)
                vma->shift = kPageShift;
            else if (vma->shift < kPmdShift)
                vma->shift = kPmdShift;
            if (kind == MapKind::shmem) vma->shared = true;
            if (vma->shared) {
                vma->file = partner && partner->file ? partner->file : &new_mapping(kind);
                if (partner) vma->pgoff += partner->pgoff;
            }
            break;
        case MapKind::anon:
            vma->shift = kPageShift;
            vma->pgoff = m.va >> kPageShift;
            break;
        case MapKind::devmem:  // remap_pfn_range(): no page structs, no faults
            vma->shift = kPageShift;
            vma->pgoff = m.at.value_or(0) >> kPageShift;
            vma->file = &devmem_;
            vma->mixedmap = true;
            break;
    }
    if (!vma->file) {
        if (m.kind == MapKind::hugetlb) vma->pgoff = m.va >> kPageShift;
        const bool joins = partner && partner->anon;
        vma->anon = joins ? partner->anon : &new_mapping(MapKind::anon);
        if (joins) vma->pgoff = partner->pgoff + (m.offset >> kPageShift);
    }
    Vma& v = add_vma(process, std::move(vma));
    if (m.at && m.kind != MapKind::devmem && !(v.file && v.file->is_dax()))
        (v.file ? *v.file : anon_of(v)).pins.push_back({v.pgoff, v.pages(), *m.at >> kPageShift});
    if (!m.id.empty()) named_[m.id] = {process.leader->index, v.begin};
    if (v.file && v.file->of >= 0 && v.file->kind != MapKind::devdax)
        open_file(process, static_cast<std::uint32_t>(v.file->of));
    if (m.state == MapState::untouched) return 0;
    if (partner && !v.file) {
        share_anon(process, v, with->second, m.offset);
        return 0;
    }
    const int rc = populate(process, v, m);
    if (rc != 0) unmap(process, m.va, end);
    return rc;
}

void Mm::split_vma(Process& process, std::uint64_t at) {
    Vma* left = process.mm->find(at);
    if (!left || left->begin == at) return;
    auto right = std::make_unique<Vma>(*left);
    leave_trees(*left);
    right->begin = at;
    right->pgoff = left->index_of(at);
    left->end = at;
    enter_trees(*left);
    add_vma(process, std::move(right));
}

int Mm::unmap(Process& process, std::uint64_t begin, std::uint64_t end) {
    if (begin % kPageSize || begin >= end) return -EINVAL;
    end = round_up(end, kPageSize);
    for (const std::uint64_t edge : {begin, end}) {
        const Vma* v = process.mm->find(edge);
        if (!v || v->begin == edge) continue;
        // dev_dax_split(), hugetlb_vm_op_split(): no border inside a unit.
        const bool whole_units = v->kind == MapKind::devdax || v->kind == MapKind::hugetlb;
        if (whole_units && edge % v->unit()) return -EINVAL;
    }
    split_leaf(kernel_.env, process, begin);
    split_leaf(kernel_.env, process, end);
    split_vma(process, begin);
    split_vma(process, end);
    auto& vmas = process.mm->vmas;
    for (auto it = vmas.lower_bound(begin); it != vmas.end() && it->first < end;) {
        release(process, *it->second);
        it = vmas.erase(it);
    }
    return 0;
}

void Mm::release(Process& process, Vma& vma) {
    std::vector<PageTable::Range> runs;
    process.mm->table.for_each(vma.begin, vma.end, [&](const auto& r) { runs.push_back(r); });
    process.mm->table.erase(vma.begin, vma.end);
    leave_trees(vma);
    for (const auto& r : runs)
        if (r.value.kind == Pte::Kind::present)
            kernel_.env.trace.note(Module::kernel, TraceKind::page_unmapped, process.index, r.begin,
                                   r.end - r.begin, r.value.pfn);
    if (vma.anon)
        for (const auto& r : runs)
            if (r.value.kind != Pte::Kind::hwpoison)
                free_unmapped(*vma.anon, r.value.pfn, (r.end - r.begin) >> kPageShift,
                              vma.index_of(r.begin), r.value.shift);
    if (vma.file) free_cache_if_last(*vma.file);
}

void Mm::free_unmapped(Mapping& anon, std::uint64_t pfn, std::uint64_t pages, std::uint64_t index,
                       unsigned shift) {
    struct Mark {
        Mark advanced(std::uint64_t) const { return {}; }
    };
    const auto usage = kernel_.memory.usage(Pfn{pfn});
    if (!usage || usage->value.mapping != &anon) return;  // page cache, DAX or the zero page
    const bool huge = usage->value.flags & bit(PG_hugetlb);
    // A transparent huge page goes as a whole: as long as one of its pages is mapped it stays
    // (page_remove_rmap(): a partial unmap only queues a split for when memory is short).
    const std::uint64_t unit = huge ? 1 : 1ull << (usage->value.shift - kPageShift);
    const std::uint64_t before = pfn % unit;
    pfn -= before;
    index -= before;
    pages = round_up(pages + before, unit);
    RangeMap<Mark> unmapped;
    unmapped.assign(pfn, pfn + pages, {});
    anon.vmas.for_each(index, index + pages - 1, [&](Vma& v) {
        const std::uint64_t from = v.va_of(std::max(index, v.pgoff));
        const std::uint64_t to = v.va_of(std::min(index + pages - 1, v.last_index())) + kPageSize;
        space(v.process).table.for_each(from, to, [&](const auto& r) {
            if (r.value.kind != Pte::Kind::hwpoison)
                unmapped.erase(r.value.pfn, r.value.pfn + ((r.end - r.begin) >> kPageShift));
        });
        return !unmapped.empty();
    });
    unmapped.for_each([&](const auto& r) {
        if (!huge) {
            const std::uint64_t first = round_up(r.begin, unit), end = round_down(r.end, unit);
            if (first < end) kernel_.memory.free(Pfn{first}, end - first);
            return;
        }
        // A huge page returns to its pool, not to the buddy allocator.
        PageUse pool;
        pool.flags = bit(PG_hugetlb) | bit(PG_head);
        pool.shift = static_cast<std::uint8_t>(shift);
        kernel_.memory.use(Pfn{r.begin}, r.end - r.begin, pool);
    });
}

void Mm::free_cache_if_last(Mapping& mapping) {
    // Shared memory without a name goes with its last user; files keep their page cache.
    if (mapping.of >= 0 || !mapping.vmas.empty()) return;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
    mapping.cache.for_each([&](const auto& r) { runs.emplace_back(r.value.pfn, r.end - r.begin); });
    mapping.cache.clear();
    for (const auto& [pfn, pages] : runs) kernel_.memory.free(Pfn{pfn}, pages);
}

OpenFile& Mm::open_file(Process& process, std::uint32_t file) {
    auto& open = process.leader->open_files[file];
    if (!open) {
        const Mapping& m = *files_[file].mapping;
        // errseq_sample(): an error that nobody has seen is still news to who opens the file.
        open = std::make_shared<OpenFile>(OpenFile{m.error_seen ? m.errors : 0});
    }
    return *open;
}

void Mm::fork(Process& parent, Process& child) {
    child.leader->open_files = parent.leader->open_files;
    for (const auto& [begin, old] : parent.mm->vmas) {
        Vma& v = add_vma(child, std::make_unique<Vma>(*old));
        v.locked = false;  // VM_LOCKED is not inherited
        // copy_page_range(): what a fault can find again is not copied (mm/memory.c).
        const bool copies = v.anon || v.mixedmap || v.kind == MapKind::hugetlb;
        if (!copies) continue;
        std::vector<PageTable::Range> runs;
        parent.mm->table.for_each(v.begin, v.end, [&](const auto& r) { runs.push_back(r); });
        for (auto& r : runs) {
            if (!v.shared) {
                r.value.writable = false;
                parent.mm->table.assign(r.begin, r.end, r.value);
            }
            child.mm->table.assign(r.begin, r.end, r.value);
        }
        note_mapped(child, v.begin, v.end);
    }
}

void Mm::note_mapped(const Process& process, std::uint64_t begin, std::uint64_t end) {
    process.mm->table.for_each(begin, end, [&](const auto& r) {
        if (r.value.kind != Pte::Kind::present) return;
        const std::uint64_t leaves = std::max<std::uint64_t>(1, (r.end - r.begin) >> r.value.shift);
        kernel_.env.trace.note(Module::kernel, TraceKind::page_mapped, process.index, r.begin,
                               r.value.pfn, r.value.shift | (leaves - 1) << 8);
    });
}

void Mm::exit(Process& process) {
    auto& vmas = process.mm->vmas;
    while (!vmas.empty()) {
        release(process, *vmas.begin()->second);
        vmas.erase(vmas.begin());
    }
    process.mm->table.clear();
}

Translation Mm::walk(const Process& process, std::uint64_t va) const {
    Translation t;
    const auto leaf = process.mm->leaf(va);
    if (!leaf || leaf->pte.kind != Pte::Kind::present) return t;
    t.present = true;
    t.writable = leaf->pte.writable;
    t.shift = leaf->pte.shift;
    t.spa = (leaf->pfn_at(va) << kPageShift) + va % kPageSize;
    return t;
}

}  // namespace mcemu::kernel
