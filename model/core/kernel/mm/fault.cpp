// handle_mm_fault(): what a touch of an address that is not mapped, or not that way, leads to.
#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint32_t kAnonFlags =
    bit(PG_uptodate) | bit(PG_lru) | bit(PG_swapbacked) | bit(PG_anon) | bit(PG_dirty);
constexpr std::uint32_t kHugeFlags =
    bit(PG_uptodate) | bit(PG_dirty) | bit(PG_hugetlb) | bit(PG_head);

constexpr Fault kMapped{};
constexpr Fault kBusError{Fault::Kind::bus_error};
constexpr Fault kNoMemory{Fault::Kind::no_memory};

}  // namespace

void Mm::set_leaf(Process& process, std::uint64_t va, const Pte& pte) {
    const std::uint64_t unit = 1ull << pte.shift;
    const std::uint64_t begin = round_down(va, unit);
    // What it takes the place of: a copy on write, a huge page that was split.
    process.mm->table.for_each(begin, begin + unit, [&](const auto& r) {
        if (r.value.kind == Pte::Kind::present && r.value.pfn != pte.pfn)
            kernel_.env.trace.note(Module::kernel, TraceKind::page_unmapped, process.index, r.begin,
                                   r.end - r.begin, r.value.pfn);
    });
    process.mm->table.assign(begin, begin + unit, pte);
    kernel_.env.trace.note(Module::kernel, TraceKind::page_mapped, process.index, begin, pte.pfn,
                           pte.shift);
}

std::optional<Pfn> Mm::new_anon_page(Vma& vma, std::uint64_t va, unsigned shift) {
    const std::uint64_t pages = 1ull << (shift - kPageShift);
    Mapping& anon = anon_of(vma);
    const std::uint64_t index = vma.index_of(round_down(va, 1ull << shift));
    const auto pfn = frames_for(anon, index, pages);
    if (!pfn) return std::nullopt;
    PageUse use;
    use.mapping = &anon;
    use.index = index;
    use.flags = shift == kPageShift ? kAnonFlags : kHugeFlags | bit(PG_anon);
    use.shift = static_cast<std::uint8_t>(shift);
    kernel_.memory.use(*pfn, pages, use);
    return pfn;
}

/// The kernel reads a page through its direct map, as copy_user_highpage() does. False: the copy
/// met poison and the kernel survived it.
Task<bool> Mm::copy_page(Context& ctx, Pfn from) {
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_copy_page);
    Instruction load;
    load.va = kernel_.direct_map.kaddr(from);
    load.size = kPageSize;
    load.user = false;
    load.ip = kIpCopyPlain;
    const ExecResult r = kernel_.env.hw.execute(ctx.cpu, load);
    co_await delay(kernel_.env.agenda, r.delay);
    if (r.status != ExecResult::Status::machine_check) co_return true;
    co_await kernel_.machine_check_core.wait_handled(ctx);
    co_return false;
}

Task<Fault> Mm::fault(Context& ctx, Process& process, std::uint64_t va, bool write) {
    Vma* vma = process.mm->find(va);
    if (!vma) {
        co_await phase(kernel_.env, ctx.cpu, Lat::kernel_fault);
        co_return Fault{Fault::Kind::no_vma};
    }
    if (const auto leaf = process.mm->leaf(va)) {
        switch (leaf->pte.kind) {
            case Pte::Kind::hwpoison: {
                const Fault f{Fault::Kind::hwpoison, leaf->pte.shift};
                co_await phase(kernel_.env, ctx.cpu, Lat::kernel_refault);
                co_return f;
            }
            case Pte::Kind::swap: {
                const Fault f = co_await fault_swap(ctx, process, va);
                co_return f;
            }
            case Pte::Kind::present: {
                if (!write || leaf->pte.writable) co_return kMapped;  // somebody was faster
                const Fault f = co_await fault_write_protected(ctx, process, va);
                co_return f;
            }
        }
    }
    switch (vma->kind) {
        case MapKind::devdax: {
            const Fault f = co_await fault_dax_device(ctx, process, va);
            co_return f;
        }
        case MapKind::fsdax: {
            const Fault f = co_await fault_dax_file(ctx, process, va, write);
            co_return f;
        }
        case MapKind::file:
        case MapKind::shmem: {
            const Fault f = co_await fault_cache(ctx, process, va, write);
            co_return f;
        }
        case MapKind::hugetlb:
            if (vma->shared) {
                const Fault f = co_await fault_cache(ctx, process, va, write);
                co_return f;
            }
            break;
        case MapKind::anon:
            break;
        case MapKind::devmem:
            co_return kBusError;  // its vm_ops have no fault handler
    }
    const Fault f = co_await fault_anon(ctx, process, va, write);
    co_return f;
}

Task<Fault> Mm::fault_anon(Context& ctx, Process& process, std::uint64_t va, bool write) {
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_fault);
    Vma* vma = process.mm->find(va);
    if (!vma) co_return Fault{Fault::Kind::no_vma};
    if (process.mm->leaf(va)) co_return kMapped;
    Pte pte;
    if (!write && vma->kind == MapKind::anon) {  // do_anonymous_page(): the shared zero page
        pte.pfn = kernel_.memory.zero_page().value;
        set_leaf(process, va, pte);
        co_return kMapped;
    }
    const unsigned shift = vma->kind == MapKind::hugetlb ? vma->shift : kPageShift;
    const auto pfn = new_anon_page(*vma, va, shift);
    if (!pfn) co_return kNoMemory;
    pte.writable = true;
    pte.shift = static_cast<std::uint8_t>(shift);
    pte.pfn = pfn->value;
    set_leaf(process, va, pte);
    co_return kMapped;
}

Task<Fault> Mm::fault_write_protected(Context& ctx, Process& process, std::uint64_t va) {
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_fault);
    Vma* vma = process.mm->find(va);
    auto leaf = process.mm->leaf(va);
    if (!vma || !leaf || leaf->pte.kind != Pte::Kind::present || leaf->pte.writable)
        co_return kMapped;
    const Pfn old{leaf->pfn_at(va)};
    Pte pte = leaf->pte;
    pte.writable = true;
    if (vma->shared) {  // page_mkwrite(): the first store to a clean page
        if (kernel_.memory.is_ram(old)) kernel_.memory.page(old).flags |= bit(PG_dirty);
        set_leaf(process, va, pte);
        co_return kMapped;
    }
    const auto usage = kernel_.memory.usage(old);
    const bool own = vma->anon && usage && usage->value.mapping == vma->anon;
    // The last user keeps the page, unless it is KSM's: that one stays as it is (do_wp_page()).
    const bool merged = kernel_.memory.page(old).test(PG_ksm);
    if (own && !merged && mappers(compound_head(old)).size() == 1) {
        const bool huge = vma->kind == MapKind::hugetlb;
        kernel_.memory.page(huge ? compound_head(old) : old).flags |= bit(PG_dirty);
        set_leaf(process, va, pte);
        co_return kMapped;
    }
    if (old != kernel_.memory.zero_page()) {
        const bool good = co_await copy_page(ctx, old);
        if (!good) co_return Fault{Fault::Kind::hwpoison};
        vma = process.mm->find(va);
        leaf = process.mm->leaf(va);
        if (!vma || !leaf || leaf->pte.kind != Pte::Kind::present || leaf->pfn_at(va) != old.value)
            co_return kMapped;  // changed meanwhile: the access decides anew
    }
    const unsigned shift = vma->kind == MapKind::hugetlb ? vma->shift : kPageShift;
    const auto fresh = new_anon_page(*vma, va, shift);
    if (!fresh) co_return kNoMemory;
    if (leaf->pte.shift > shift) {  // a huge page is copied by base pages: split its mapping first
        Pte small = leaf->pte;
        small.shift = static_cast<std::uint8_t>(kPageShift);
        process.mm->table.assign(leaf->begin, leaf->end, small);
    }
    pte.shift = static_cast<std::uint8_t>(shift);
    pte.pfn = fresh->value;
    set_leaf(process, va, pte);
    if (own) {
        const std::uint64_t unit = round_down(va, 1ull << shift);
        free_unmapped(*vma->anon, round_down(old.value, 1ull << (shift - kPageShift)),
                      1ull << (shift - kPageShift), vma->index_of(unit), shift);
    }
    co_return kMapped;
}

Task<Fault> Mm::fault_swap(Context& ctx, Process& process, std::uint64_t va) {
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_refault);
    Vma* vma = process.mm->find(va);
    const auto leaf = process.mm->leaf(va);
    if (!vma || !leaf || leaf->pte.kind != Pte::Kind::swap) co_return kMapped;
    // do_swap_page(): a poisoned page that stayed in the swap cache is as good as an hwpoison
    // entry; one that left it is read back from the swap device.
    const Pfn old{leaf->pfn_at(va)};
    if (kernel_.memory.page(old).test(PG_swapcache) && kernel_.memory.page(old).test(PG_hwpoison))
        co_return Fault{Fault::Kind::hwpoison};
    const auto pfn = new_anon_page(*vma, va, kPageShift);
    if (!pfn) co_return kNoMemory;
    Pte pte;
    pte.writable = true;
    pte.pfn = pfn->value;
    set_leaf(process, va, pte);
    co_return kMapped;
}

Task<Fault> Mm::fault_cache(Context& ctx, Process& process, std::uint64_t va, bool write) {
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_fault);
    Vma* vma = process.mm->find(va);
    if (!vma) co_return Fault{Fault::Kind::no_vma};
    Mapping& mapping = *vma->file;
    const std::uint64_t index = vma->index_of(va);
    if (mapping.of >= 0) {
        const std::uint64_t size = files_[static_cast<std::size_t>(mapping.of)].size;
        if (index >= round_up(size, kPageSize) >> kPageShift) co_return kBusError;
    }
    const unsigned shift = vma->kind == MapKind::hugetlb ? vma->shift : kPageShift;
    auto pfn = cached(mapping, index);
    if (!pfn) {
        std::uint32_t flags = bit(PG_uptodate) | bit(PG_lru);
        if (vma->kind == MapKind::shmem) flags |= bit(PG_swapbacked);
        if (vma->kind == MapKind::hugetlb) flags = kHugeFlags;
        if (vma->kind == MapKind::file) {
            co_await phase(kernel_.env, ctx.cpu, Lat::kernel_bio);  // read from disk
            vma = process.mm->find(va);
            if (!vma) co_return Fault{Fault::Kind::no_vma};
            pfn = cached(mapping, index);
        }
        if (!pfn) pfn = add_to_cache(mapping, index, flags, shift);
        if (!pfn) co_return kNoMemory;
    }
    // __do_fault(), hugetlb_no_page(): a poisoned page found in the cache is not mapped.
    const Pfn marked = vma->kind == MapKind::hugetlb ? compound_head(*pfn) : *pfn;
    if (kernel_.memory.page(marked).test(PG_hwpoison))
        co_return Fault{Fault::Kind::hwpoison, shift};
    Pte pte;
    pte.shift = static_cast<std::uint8_t>(shift);
    pte.pfn = round_down(pfn->value, 1ull << (shift - kPageShift));
    // The kernel's entry for shared memory is writable and tells of the first store by its dirty
    // bit; here the first store faults.
    pte.writable = vma->shared && (write || vma->kind == MapKind::hugetlb);
    if (pte.writable) kernel_.memory.page(*pfn).flags |= bit(PG_dirty);
    set_leaf(process, va, pte);
    co_return kMapped;  // a private write comes back as a write-protection fault and copies
}

Task<Fault> Mm::fault_dax_device(Context& ctx, Process& process, std::uint64_t va) {
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_fault);
    Vma* vma = process.mm->find(va);
    if (!vma) co_return Fault{Fault::Kind::no_vma};
    if (process.mm->leaf(va)) co_return kMapped;
    if (!kernel_.libnvdimm.enabled(static_cast<std::uint32_t>(vma->of))) co_return kBusError;
    // kernel.md 5.1: the aligned unit must lie inside the VMA and the device.
    const std::uint64_t begin = round_down(va, vma->unit());
    if (begin < vma->begin || begin + vma->unit() > vma->end) co_return kBusError;
    const SpaRange data = kernel_.namespaces[static_cast<std::size_t>(vma->of)].data();
    const std::uint64_t offset = vma->index_of(begin) << kPageShift;
    if (offset >= data.size() || data.size() - offset < vma->unit()) co_return kBusError;
    // The unit of the device must be aligned as well: physical memory is mapped in whole leaves.
    const std::uint64_t spa = data.begin + round_down(offset, vma->unit());
    Pte pte;
    pte.shift = vma->shift;
    pte.writable = true;
    pte.pfn = spa >> kPageShift;
    associate(*vma->file, vma->index_of(begin), Pfn{pte.pfn}, vma->unit() >> kPageShift);
    set_leaf(process, va, pte);
    co_return kMapped;
}

Task<Fault> Mm::fault_dax_file(Context& ctx, Process& process, std::uint64_t va, bool write) {
    Vma* vma = process.mm->find(va);
    Mapping& mapping = *vma->file;
    const auto file = static_cast<std::uint32_t>(mapping.of);
    const FileConfig& config = scenario_.files[file];
    const auto ns = static_cast<std::uint32_t>(config.on);
    const std::uint64_t index = vma->index_of(va);

    // dax_iomap_pmd_fault() first: everything about the 2 MiB unit must fit, else it falls back.
    unsigned shift = kPageShift;
    const std::uint64_t unit = 1ull << kPmdShift;
    const std::uint64_t big = round_down(va, unit);
    if (vma->shift >= kPmdShift && big >= vma->begin && big + unit <= vma->end) {
        const std::uint64_t first = vma->index_of(big);
        const auto pfn = dax_pfn(file, first);
        const auto end = dax_pfn(file, first + 511);
        const auto run = mapping.entries.find(index);
        if (first % 512 == 0 && !punched(file, first, first + 512) && pfn && end && pfn->value % 512 == 0 &&
            end->value == pfn->value + 511 &&
            (first + 512) << kPageShift <= round_up(files_[file].size, kPageSize) &&
            (!run || run->value.shift == kPmdShift) &&
            !kernel_.libnvdimm.is_bad(ns, pfn->spa(), unit))
            shift = kPmdShift;
    }
    const std::uint64_t key = co_await lock_entry(mapping, index, shift);
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_fault);
    Fault result = kMapped;
    vma = process.mm->find(va);
    const auto there = process.mm->leaf(va);
    int refused = 0;
    if (vma && vma->file == &mapping && !there && punched(file, index, index + 1))
        refused = co_await allocate_block(ctx, file, index);
    vma = process.mm->find(va);
    const auto pfn = dax_pfn(file, index);
    if (!vma || vma->file != &mapping) {
        result = {Fault::Kind::no_vma};
    } else if (there) {
        result = kMapped;
    } else if (refused != 0) {
        result = kBusError;
    } else if (is_down(file)) {
        result = kBusError;  // xfs_read_iomap_begin() -EIO
    } else if (index >= round_up(files_[file].size, kPageSize) >> kPageShift || !pfn) {
        result = kBusError;  // behind the end of the file, or a hole that nothing can fill
    } else if (shift == kPageShift && kernel_.libnvdimm.is_bad(ns, pfn->spa(), kPageSize)) {
        result = kBusError;  // pmem_direct_access() -EIO (kernel.md 2.12)
    } else {
        const std::uint64_t pages = 1ull << (shift - kPageShift);
        const std::uint64_t first = round_down(index, pages);
        Pte pte;
        pte.shift = static_cast<std::uint8_t>(shift);
        pte.pfn = pfn->value - (index - first);
        pte.writable = vma->shared;
        if (!mapping.entries.find(index))
            mapping.entries.assign(first, first + pages, {static_cast<std::uint8_t>(shift)});
        associate(mapping, first, Pfn{pte.pfn}, pages);
        set_leaf(process, va, pte);
    }
    unlock_entry(mapping, key);
    (void)write;  // a private write comes back as a write-protection fault and copies
    co_return result;
}

Task<std::optional<Pfn>> Mm::get_user_page(Context& ctx, Process& process, std::uint64_t va,
                                           bool write) {
    while (true) {
        const Vma* vma = process.mm->find(va);
        // check_vma_flags(): behind VM_IO and VM_PFNMAP there is no struct page to hold.
        if (!vma || vma->kind == MapKind::devmem) co_return std::nullopt;
        const auto leaf = process.mm->leaf(va);
        if (leaf && leaf->pte.kind == Pte::Kind::present && (!write || leaf->pte.writable))
            co_return Pfn{leaf->pfn_at(va)};
        const Fault f = co_await fault(ctx, process, va, write);
        if (f.kind != Fault::Kind::mapped) co_return std::nullopt;
    }
}

}  // namespace mcemu::kernel
