// memory_failure() for dev_pagemap pages: patch 8 of the series (kernel.md 2.5, 5.3).
#include <algorithm>

#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {
namespace {

/// EFSCORRUPTED of XFS is EUCLEAN.
constexpr int kEfscorrupted = 117;
/// Where mkfs.xfs puts the headers of the first allocation group, the roots of its trees and its
/// first inodes, with blocks of 4 KiB.
constexpr std::uint64_t kXfsMetadata = 24 * kPageSize;
/// Where XFS shuts down, as Debian's 6.1 for amd64 names it (%pS, %s:%d).
constexpr const char* kXfsCaller = "xfs_dax_notify_failure+0x3d7/0x426 [xfs]";
constexpr std::uint64_t kXfsCallLine = 169;

}  // namespace

Task<int> MemoryFailure::State::dev_pagemap(Context& ctx, Pfn pfn, unsigned flags) {
    const MemoryKind kind = kernel.memory.kind(pfn);
    const bool v6 = profile.dev_pagemap_head;
    int rc = 0;
    if (v6 && (flags & MF_COUNT_INCREASED)) --page(mm().compound_head(pfn)).refcount;
    if (kind == MemoryKind::device_private) {
        rc = v6 ? -ENXIO : -EBUSY;
        if (!v6) co_await first_sleep(ctx);
    } else {
        const int ns = kernel.memory.namespace_at(pfn.spa());
        const NamespaceConfig& config = kernel.namespaces[static_cast<std::size_t>(ns)];
        const auto device = static_cast<std::uint32_t>(ns);
        kernel.libnvdimm.enter(device);  // get_dev_pagemap()
        rc = -EOPNOTSUPP;
        if (v6 && kind == MemoryKind::pmem_meta && config.map_dev)
            rc = -ENXIO;  // altmap
        else if (v6 && has_holder(pfn))
            rc = co_await notify_holder(ctx, pfn, flags);
        if (rc == -EOPNOTSUPP) rc = co_await dax_generic(ctx, pfn, flags);
        kernel.libnvdimm.leave(device);
        if (rc == kTaskDied) co_return rc;
    }
    co_await phase(env, ctx.cpu, Lat::kernel_mf_result);
    action_result(ctx, pfn, PageType::dax, rc ? MfResult::failed : MfResult::recovered);
    co_return rc;
}

Task<int> MemoryFailure::State::dax_generic(Context& ctx, Pfn pfn, unsigned flags) {
    // v6.1 acts on the compound head; v4.19 knows no compound device-dax pages.
    const bool v6 = profile.dev_pagemap_head;
    const Pfn head = v6 ? mm().compound_head(pfn) : pfn;
    const DaxLock lock = co_await lock_dax(ctx, head);
    if (lock.status == DaxLock::Status::died) co_return kTaskDied;
    if (lock.status == DaxLock::Status::failed) co_return -EBUSY;
    if (!filter_accepts(head)) {
        unlock_dax(lock);
        mark_filtered();
        co_return v6 ? -EOPNOTSUPP : 0;
    }
    set_flag(head, PG_hwpoison, true);
    const Page& p = page(head);
    co_await unmap_and_kill(ctx, pfn, *p.mapping, p.index,
                            flags | MF_ACTION_REQUIRED | MF_MUST_KILL);
    unlock_dax(lock);
    co_return 0;
}

/// Collects, unmaps and kills for one page of a DAX mapping.
Task<void> MemoryFailure::State::unmap_and_kill(Context& ctx, Pfn printed, Mapping& mapping,
                                                std::uint64_t index, unsigned flags) {
    // What the collection prints, it prints as it goes; here, when its time is spent.
    constexpr std::uint32_t kNoMemory = ~0u;
    std::vector<Victim> victims;
    std::vector<std::uint32_t> trouble;
    for (const Mapper& m : mm().covering(mapping, index)) {
        Process& p = kernel.processes[m.process];
        const Process* const t = task_early_kill(ctx, p, flags & MF_ACTION_REQUIRED);
        if (!t) continue;
        if (fails(PageFailure::allocate, printed) && (profile.serialised || !victims.empty())) {
            trouble.push_back(kNoMemory);
            continue;
        }
        // dev_pagemap_mapping_shift(): only a devmap entry counts, not a private copy.
        unsigned shift = m.shift;
        if (shift != 0 && kernel.memory.is_ram(Pfn{p.mm->leaf(m.va)->pfn_at(m.va)})) shift = 0;
        if (shift == 0 && !profile.dax_not_mapped_is_sigkill) continue;
        if (shift == 0) trouble.push_back(t->index);
        victims.push_back({t->index, m.va, static_cast<int>(shift), shift != 0});
    }
    if (!victims.empty()) co_await phase(env, ctx.cpu, Lat::kernel_mf_collect, victims.size());
    for (const std::uint32_t process : trouble)
        if (process == kNoMemory)
            env.log.line(ctx.cpu, Line::mf_no_memory);
        else
            env.log.line(ctx.cpu, Line::mf_no_address, printed.value,
                         kernel.processes[process].comm);

    std::uint64_t size = 0;
    for (const Victim& v : victims)
        if (v.valid) size = std::max(size, std::uint64_t{1} << v.shift);
    if (size != 0) {
        co_await phase(env, ctx.cpu, Lat::kernel_mf_unmap);
        co_await phase(env, ctx.cpu, Lat::kernel_mf_unmap_cpu, env.hw.cpu_count());
        const std::uint64_t start = round_down(index << kPageShift, size);
        // v4.19 passes an end where a length is due: the hole reaches from `start` to 2 * start +
        // size (erratum of D6).
        const std::uint64_t length = profile.dax_hole_is_start_plus_size ? start + size : size;
        mm().unmap_range(mapping, start >> kPageShift, length >> kPageShift, false);
    }
    co_await kill_procs(ctx, printed, std::move(victims), false, flags);
}

// ---------------------------------------------------------------- dax_lock_mapping_entry()

Task<MemoryFailure::State::DaxLock> MemoryFailure::State::lock_dax(Context& ctx, Pfn pfn) {
    co_await first_sleep(ctx);
    DaxLock lock;
    while (true) {
        const Page& p = page(pfn);
        Mapping* mapping = p.mapping;
        if (!mapping) {
            if (!env.config.strict_4_19_0 || profile.id != ProfileId::v4_19) co_return lock;
            // Linux 4.19.0 and 4.19.1 read page->mapping->host without a look at page->mapping.
            if (ctx.worker) kernel.processes.end_kernel_work(ctx.cpu);  // it dies in there
            co_await oops_null(kernel, ctx, "dax_lock_mapping_entry+0x14/0xd0");
            lock.status = DaxLock::Status::died;
            co_return lock;
        }
        if (!mapping->is_dax()) co_return lock;
        if (mapping->kind == MapKind::devdax) {  // no radix tree: nothing to lock
            lock.status = DaxLock::Status::locked;
            co_return lock;
        }
        if (!mapping->entries.find(p.index)) co_return lock;
        if (!profile.dax_lock) {  // whoever faults or truncates now is not kept out
            lock.status = DaxLock::Status::locked;
            co_return lock;
        }
        const std::uint64_t key = mapping->entry_key(p.index);
        const auto held = mapping->locked.find(key);
        if (held == mapping->locked.end()) {
            mapping->locked.try_emplace(key, env.agenda);
            lock.status = DaxLock::Status::locked;
            lock.mapping = mapping;
            lock.key = key;
            co_return lock;
        }
        // Sleeps, then begins anew with page->mapping: a truncate may have taken it away.
        env.trace.note(Module::kernel, TraceKind::lock_wait, ctx.cpu, pfn.value);
        co_await held->second.wait();
    }
}

void MemoryFailure::State::unlock_dax(const DaxLock& lock) {
    if (lock.mapping) mm().unlock_entry(*lock.mapping, lock.key);
}

// ---------------------------------------------------------------- file-system holder, v6.1

/// XFS with a reverse map registers as holder of its DAX device; ext4 does not (kernel.md 2.5).
bool MemoryFailure::State::has_holder(Pfn pfn) const {
    const int ns = kernel.memory.namespace_at(pfn.spa());
    return std::any_of(
        kernel.scenario.files.begin(), kernel.scenario.files.end(),
        [&](const FileConfig& f) { return f.on == ns && f.dax && f.fs == FsKind::xfs_rmap; });
}

/// dax_holder_notify_failure() -> xfs_dax_notify_failure() -> mf_dax_kill_procs().
Task<int> MemoryFailure::State::notify_holder(Context& ctx, Pfn pfn, unsigned flags) {
    const auto ns = static_cast<std::size_t>(kernel.memory.namespace_at(pfn.spa()));
    const SpaRange data = kernel.namespaces[ns].data();
    if (!data.contains(pfn.spa())) co_return -ENXIO;
    const std::uint64_t offset = pfn.spa() - data.begin;
    for (std::uint32_t i = 0; i < kernel.scenario.files.size(); ++i) {
        const FileConfig& f = kernel.scenario.files[i];
        if (f.on != static_cast<int>(ns) || !f.dax) continue;
        for (const FileExtent& e : f.extents) {
            if (offset < e.pmem || offset - e.pmem >= e.size) continue;
            const std::uint64_t index = (e.offset + (offset - e.pmem)) >> kPageShift;
            Mapping& mapping = mm().file(i);
            if (index << kPageShift >= mm().file_size(i)) continue;  // freed by a truncate
            const std::uint64_t key = co_await mm().lock_entry(mapping, index, kPageShift);
            if (mapping.entries.find(index)) {  // else nothing was ever mapped: no one to tell
                const auto first = mm().dax_pfn(i, mapping.entry_key(index));
                set_flag(*first, PG_hwpoison, true);
                co_await unmap_and_kill(ctx, *first, mapping, index,
                                        flags | MF_ACTION_REQUIRED | MF_MUST_KILL);
            }
            mm().unlock_entry(mapping, key);
            co_return 0;
        }
    }
    // xfs_dax_failure_fn(): what belongs to no file is metadata, and the file system shuts down;
    // free space has no owner at all.
    if (offset >= kXfsMetadata) co_return 0;
    if (!mm().file_system_down(static_cast<std::uint32_t>(ns))) {
        mm().set_file_system_down(static_cast<std::uint32_t>(ns), true);
        const std::uint32_t device = env.names.intern(kernel.namespaces[ns].device);
        env.log.line(ctx.cpu, Line::xfs_shutdown, device, env.names.intern(kXfsCaller),
                     kXfsCallLine);
        env.log.line(ctx.cpu, Line::xfs_unmount, device);
    }
    co_return -kEfscorrupted;
}

}  // namespace mcemu::kernel
