// read, write, fsync and truncate of files; DAX read and write are the pmem driver's.
#include <algorithm>

#include "core/kernel/mm/process_state.hpp"

namespace mcemu::kernel {

Task<std::int64_t> Processes::State::file_io(Context& ctx, std::uint32_t event, FileIoEvent io) {
    if (!mounted(io.file)) co_return -ENOENT;
    if (mm.is_down(io.file)) co_return -EIO;
    if (mm.is_dax_file(io.file)) {
        const std::uint64_t first = io.offset >> kPageShift;
        const std::uint64_t last = round_up(io.offset + io.size, kPageSize) >> kPageShift;
        if (io.write) {  // what was punched gets its blocks again
            while (const auto hole = mm.punched(io.file, first, last)) {
                const int error = co_await mm.allocate_block(ctx, io.file, *hole);
                if (error != 0) co_return error;
            }
        } else {
            io.size = io.offset >= mm.file_size(io.file)
                          ? 0
                          : std::min(io.size, mm.file_size(io.file) - io.offset);
            const auto hole = mm.punched(io.file, first, last);
            // Up to the hole; a hole reads as zeros, without memory being touched.
            if (hole && *hole > first) io.size = (*hole << kPageShift) - io.offset;
            else if (hole) co_return static_cast<std::int64_t>(std::min(io.size, kPageSize));
        }
        Libnvdimm::Found found;
        const std::int64_t done = co_await kernel.libnvdimm.dax_file_io(ctx, io, found);
        if (io.report) kernel.report_data(event, io.write ? "write" : "read", done, found);
        co_return done;
    }
    Mapping& mapping = mm.file(io.file);
    const bool tmpfs = mapping.kind == MapKind::shmem;
    std::uint64_t end = io.offset + io.size;
    if (!io.write) end = std::min(end, mm.file_size(io.file));
    std::uint64_t at = io.offset;
    while (at < end) {
        const std::uint64_t index = at >> kPageShift;
        const std::uint64_t bytes = std::min(end, (index + 1) << kPageShift) - at;
        auto pfn = mm.cached(mapping, index);
        if (!pfn) {
            // A whole page that is written needs no read from disk.
            if (!tmpfs && !(io.write && bytes == kPageSize))
                co_await phase(env, ctx.cpu, Lat::kernel_bio);
            const std::uint32_t flags =
                bit(PG_uptodate) | bit(PG_lru) | (tmpfs ? bit(PG_swapbacked) | bit(PG_dirty) : 0u);
            pfn = mm.cached(mapping, index);
            if (!pfn) pfn = mm.add_to_cache(mapping, index, flags, kPageShift);
            if (!pfn)
                co_return at > io.offset ? static_cast<std::int64_t>(at - io.offset) : -ENOMEM;
        }
        // v6.1 shmem_file_read_iter(), shmem_write_begin(): a poisoned page stays cached as such.
        if (kernel.memory.page(*pfn).test(PG_hwpoison))
            co_return at > io.offset ? static_cast<std::int64_t>(at - io.offset) : -EIO;
        co_await phase(env, ctx.cpu, Lat::kernel_copy_page);
        Instruction i;
        i.kind = io.write ? AccessKind::store : AccessKind::load;
        i.va = kernel.direct_map.kaddr(*pfn) + at % kPageSize;
        i.size = bytes;
        i.user = false;
        i.ip = kIpCopyPlain;
        const ExecResult r = env.hw.execute(ctx.cpu, i);
        if (r.status == ExecResult::Status::machine_check) {
            co_await kernel.machine_check_core.wait_handled(ctx);
            co_return at > io.offset ? static_cast<std::int64_t>(at - io.offset) : -EFAULT;
        }
        co_await delay(env.agenda, r.delay);
        if (r.status == ExecResult::Status::page_fault) {
            co_await oops_paging(kernel, ctx, i.va, io.write, "memcpy_erms+0x6/0x10");
            co_return kTaskDied;
        }
        if (io.write) kernel.memory.page(*pfn).flags |= bit(PG_dirty);
        at += bytes;
    }
    if (io.write) mm.set_file_size(io.file, std::max(mm.file_size(io.file), end));
    co_return static_cast<std::int64_t>(at > io.offset ? at - io.offset : 0);
}

Task<std::int64_t> Processes::State::fsync(Context& ctx, std::uint32_t file) {
    if (mm.is_down(file)) co_return -EIO;
    Mapping& mapping = mm.file(file);
    if (mm.is_dax_file(file)) kernel.libnvdimm.flush_file(file);  // dax_writeback_mapping_range()
    if (mapping.kind != MapKind::file) co_return 0;  // noop_fsync() of tmpfs; DAX keeps no error
    if (mm.write_back(mapping)) co_await phase(env, ctx.cpu, Lat::kernel_bio);
    const bool failed = mapping.eio;
    mapping.eio = false;  // AS_EIO is told once (filemap_check_errors())
    co_return failed ? -EIO : 0;
}

/// Whether the file's file system is mounted.
bool Processes::State::mounted(std::uint32_t file) const {
    const int on = scenario.files[file].on;
    return on < 0 || kernel.libnvdimm.enabled(static_cast<std::uint32_t>(on));
}

Task<void> Processes::evict(Context& ctx, std::uint32_t file) {
    if (const int on = s_->scenario.files[file].on; on >= 0)
        s_->mm.set_file_system_down(static_cast<std::uint32_t>(on), false);
    if (s_->mm.is_dax_file(file))
        co_await s_->delete_entries(ctx, file, 0);
    else
        s_->mm.drop_from_cache(s_->mm.file(file), 0, ~0ull);
}

/// xfs_break_layouts(), ext4_break_layouts(): a page that somebody has pinned must become idle
/// before its blocks go (fs/dax.c, dax_layout_busy_page; kernel.md 3.1).
Task<void> Processes::State::break_layouts(Context& ctx, std::uint32_t file) {
    const FileConfig& config = scenario.files[file];
    const bool xfs = config.fs != FsKind::ext4;
    if (!xfs && env.profile.id == ProfileId::v4_18) co_return;
    Mapping& mapping = mm.file(file);
    if (mapping.vmas.empty()) co_return;
    const auto busy = [&] {  // dax_layout_busy_page()
        mm.unmap_range(mapping, 0, ~0ull, true);
        const std::vector<Pfn> known = kernel.memory.known();
        return std::any_of(known.begin(), known.end(), [&](Pfn pfn) {
            const auto use = kernel.memory.usage(pfn);
            return use && use->value.mapping == &mapping && kernel.memory.find(pfn)->refcount > 1;
        });
    };
    // The task sleeps, and its CPU is free for others. A reference that memory_failure() leaked
    // is never dropped.
    while (busy()) {
        env.trace.note(Module::kernel, TraceKind::lock_wait, ctx.cpu, file);
        owner.end_kernel_work(ctx.cpu);
        co_await mm.released.wait();
        owner.begin_kernel_work(ctx.cpu);
    }
}

/// Cuts the DAX entries from page index `first` on: their pages lose mapping and index.
Task<void> Processes::State::delete_entries(Context& ctx, std::uint32_t file, std::uint64_t first,
                                            std::uint64_t last) {
    Mapping& mapping = mm.file(file);
    std::vector<RangeMap<DaxRun>::Range> runs;
    mapping.entries.for_each(first, last, [&](const auto& r) { runs.push_back(r); });
    for (const auto& run : runs) {
        // Entries that somebody holds are waited for one by one (dax_delete_mapping_entry()).
        while (true) {
            const auto held = mapping.locked.lower_bound(run.begin);
            if (held == mapping.locked.end() || held->first >= run.end) break;
            const std::uint64_t key = co_await mm.lock_entry(mapping, held->first, kPageShift);
            mm.unlock_entry(mapping, key);
        }
        mapping.entries.erase(run.begin, run.end);
    }
    const std::vector<Pfn> known = kernel.memory.known();
    const bool pinned = std::any_of(known.begin(), known.end(), [&](Pfn pfn) {
        const auto use = kernel.memory.usage(pfn);
        return use && use->value.mapping == &mapping && use->at(pfn.value).index >= first &&
               use->at(pfn.value).index < last &&
               kernel.memory.find(pfn)->refcount > 1;
    });
    if (pinned && !warned_of_pinned) {  // WARN_ON_ONCE(trunc && page_ref_count(page) > 1)
        warned_of_pinned = true;
        env.log.line(ctx.cpu, Line::dax_pinned_warning, ctx.cpu,
                     static_cast<std::uint64_t>(ctx.pid),
                     env.profile.id == ProfileId::v4_18 ? 348 : 376);
    }
    const SpaRange data =
        kernel.namespaces[static_cast<std::size_t>(scenario.files[file].on)].data();
    for (const FileExtent& e : scenario.files[file].extents) {
        const std::uint64_t from = std::max(e.offset >> kPageShift, first);
        const std::uint64_t to = std::min((e.offset + e.size) >> kPageShift, last);
        if (from >= to) continue;
        const std::uint64_t spa = data.begin + e.pmem + ((from << kPageShift) - e.offset);
        kernel.memory.disuse(pfn_of(spa), to - from);
    }
}

// ext4_punch_hole(), xfs_free_file_space(): whole pages lose their blocks, the rest is zeroed.
Task<std::int64_t> Processes::State::punch_hole(Context& ctx, PunchHoleEvent e) {
    if (!mounted(e.file)) co_return -ENOENT;
    if (e.size == 0) co_return -EINVAL;
    const std::uint64_t end = std::min(e.offset + e.size, round_up(mm.file_size(e.file), kPageSize));
    const std::uint64_t first = round_up(e.offset, kPageSize) >> kPageShift;
    const std::uint64_t last = end >> kPageShift;
    Mapping& mapping = mm.file(e.file);
    if (mapping.kind != MapKind::fsdax) {
        if (first < last) mm.unmap_range(mapping, first, last - first, true);
        if (first < last) mm.drop_from_cache(mapping, first, last - first);
        co_return 0;
    }
    co_await break_layouts(ctx, e.file);
    if (first < last) {
        mm.unmap_range(mapping, first, last - first, true);
        co_await delete_entries(ctx, e.file, first, last);
        mm.punch(e.file, first, last);
    }
    const auto zero = [&](std::uint64_t from, std::uint64_t to) {
        FileIoEvent io;
        io.write = true;
        io.file = e.file;
        io.process = e.process;
        io.offset = from;
        io.size = to - from;
        io.data.kind = DataSpec::Kind::fill;
        return io;
    };
    const std::uint64_t inner = first << kPageShift, outer = last << kPageShift;
    std::int64_t done = 0;
    if (e.offset < std::min(inner, end)) done = co_await file_io(ctx, 0, zero(e.offset, std::min(inner, end)));
    if (done >= 0 && first <= last && outer < end) done = co_await file_io(ctx, 0, zero(outer, end));
    co_return done < 0 ? done : 0;
}

Task<std::int64_t> Processes::State::truncate(Context& ctx, TruncateEvent e) {
    if (!mounted(e.file)) co_return -ENOENT;
    if (mm.is_down(e.file)) co_return -EIO;
    Mapping& mapping = mm.file(e.file);
    const std::uint64_t first = round_up(e.size, kPageSize) >> kPageShift;
    const bool dax = mapping.kind == MapKind::fsdax;
    if (dax && e.size < mm.file_size(e.file)) co_await break_layouts(ctx, e.file);
    mm.set_file_size(e.file, e.size);
    mm.unmap_range(mapping, first, ~0ull - first, true);
    if (dax)
        co_await delete_entries(ctx, e.file, first);
    else
        mm.drop_from_cache(mapping, first, ~0ull - first);
    co_return 0;
}

}  // namespace mcemu::kernel
