// Taking a namespace down and bringing it up again: what `umount`, `ndctl disable-namespace`,
// `ndctl enable-namespace` and `mount` do (drivers/nvdimm/pmem.c, drivers/dax/pmem.c,
// kernel/memremap.c; kernel.md 3.1, 4.6, 5.5).
#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"
#include "core/kernel/nvdimm/libnvdimm_state.hpp"
#include "core/kernel/pat/pgmap.hpp"

namespace mcemu::kernel {

bool Libnvdimm::enabled(std::uint32_t ns) const { return s_->bus.namespaces()[ns].enabled; }

void Libnvdimm::enter(std::uint32_t ns) { ++s_->bus.namespaces()[ns].users; }

void Libnvdimm::leave(std::uint32_t ns) {
    PmemNamespace& n = s_->bus.namespaces()[ns];
    if (--n.users == 0) n.idle->wake_all();
}

/// umount: a file that somebody maps keeps the file system busy; else every inode goes.
Task<int> Libnvdimm::unmount(Context& ctx, std::uint32_t ns) {
    Kernel& kernel = s_->kernel;
    Mm& mm = kernel.processes.mm();
    const auto& files = kernel.scenario.files;
    const auto here = [&](std::uint32_t file) {
        return files[file].on == static_cast<int>(ns) && files[file].fs != FsKind::tmpfs;
    };
    for (std::uint32_t file = 0; file < files.size(); ++file)
        if (here(file) && !mm.file(file).vmas.empty()) co_return -EBUSY;
    if (s_->bus.namespaces()[ns].open_files != 0) co_return -EBUSY;
    for (std::uint32_t file = 0; file < files.size(); ++file)
        if (here(file)) co_await kernel.processes.evict(ctx, file);
    co_return 0;
}

Task<int> Libnvdimm::disable(Context& ctx, std::uint32_t index) {
    Kernel& kernel = s_->kernel;
    Env& env = kernel.env;
    PmemNamespace& ns = s_->bus.namespaces()[index];
    const NamespaceConfig& config = *ns.config;
    co_await phase(env, ctx.cpu, Lat::kernel_syscall);
    if (!ns.enabled) co_return -ENODEV;
    const int busy = co_await unmount(ctx, index);
    if (busy != 0) co_return busy;
    if (!ns.enabled) co_return -ENODEV;  // two at once: the other was faster
    ns.enabled = false;
    ns.bad = Badblocks(env.config.badblocks);
    ns.filler = {};
    // kill_dev_dax(): nobody maps the device any more, and faults find it dead.
    if (config.mode == NamespaceMode::devdax)
        kernel.processes.mm().unmap_range(kernel.processes.mm().device(index), 0, ~0ull, true);
    while (ns.users != 0) co_await ns.idle->wait();

    // v6.1 memunmap_pages() waits for the last reference before it takes the pages away; the
    // driver of v4.x waits afterwards (dax_pmem_percpu_exit(), blk_mq_freeze_queue_wait()). What
    // memory_failure() leaked is waited for in vain.
    Mm& mm = kernel.processes.mm();
    const bool leaked = kernel.memory.any_referenced(config);
    if (leaked) env.trace.note(Module::kernel, TraceKind::lock_wait, ctx.cpu, config.range.begin);
    if (env.profile.dev_pagemap_head)
        while (kernel.memory.any_referenced(config)) co_await mm.released.wait();
    const bool for_good = mm.leaked_within(config.range);
    const auto poisoned = static_cast<std::int64_t>(kernel.memory.remove_pages(config));
    env.counters.num_poisoned_pages -= poisoned;
    if (!env.profile.dax_counts_hardware_corrupted)
        env.counters.uncounted_poison_removed += poisoned;
    const SpaRange range = pgmap_range(config, env.profile);
    kernel.direct_map.remove(range);
    if (!has_pages(config) || env.config.pgmap_memtype_tracking)
        kernel.memtypes.free(ctx, range.begin, range.end);
    while (for_good || mm.pinned_within(config.range)) co_await mm.released.wait();
    co_return 0;
}

Task<int> Libnvdimm::enable(Context& ctx, std::uint32_t index) {
    Kernel& kernel = s_->kernel;
    Env& env = kernel.env;
    PmemNamespace& ns = s_->bus.namespaces()[index];
    const NamespaceConfig& config = *ns.config;
    co_await phase(env, ctx.cpu, Lat::kernel_syscall);
    if (!ns.made.present) co_return -ENODEV;
    if (ns.enabled) co_return -EBUSY;
    if (!s_->bus.regions()[ns.made.region].enabled) co_return -ENXIO;
    if (locked(ns.made.region)) co_return -EACCES;  // nvdimm_namespace_common_probe()
    NamespaceConfig attached = co_await personality(ctx, index);
    if (ns.enabled) co_return -EBUSY;  // two at once: the other was faster
    kernel.namespaces[index] = std::move(attached);
    s_->bus.attach(ns);
    // request_mem_region() of a busy range takes it away from who mapped /dev/mem (5.8 and later).
    if (env.profile.revokes_devmem) kernel.processes.mm().revoke_devmem(ns.made.range);
    const SpaRange range = pgmap_range(config, env.profile);
    if (kernel.direct_map.holds(range)) co_return -EBUSY;  // the other side is not done yet
    if (!has_pages(config) || env.config.pgmap_memtype_tracking) {
        // reserve_pfn_range(): another type already there is refused, as write-back is wanted.
        CacheMode mode = CacheMode::wb;
        const int rc = kernel.memtypes.reserve(ctx, range.begin, range.end, CacheMode::wb, &mode);
        if (rc != 0) co_return rc;
        if (mode != CacheMode::wb) {
            kernel.memtypes.free(ctx, range.begin, range.end);
            co_return -EINVAL;
        }
    }
    kernel.memory.add_pages(config);
    kernel.direct_map.add(range, has_pages(config));
    if (has_pages(config) && config.map_dev && s_->bus.tracks_contents()) {
        const int rc = co_await clear_memmap_errors(ctx, index);
        if (rc != 0) {
            kernel.memory.remove_pages(config);
            kernel.direct_map.remove(range);
            if (env.config.pgmap_memtype_tracking) kernel.memtypes.free(ctx, range.begin, range.end);
            co_return rc;
        }
    }
    ns.enabled = true;
    s_->bus.fill(ns);
    if (config.mode != NamespaceMode::sector) co_return 0;
    enter(index);
    const int attached_btt = co_await s_->btts[index]->attach(ctx);
    leave(index);
    if (attached_btt == 0) co_return 0;
    // btt_probe() fails: there is no device, and what was claimed for it is given back.
    ns.enabled = false;
    s_->bus.attach(ns);
    kernel.direct_map.remove(range);
    kernel.memtypes.free(ctx, range.begin, range.end);
    co_return attached_btt;
}

}  // namespace mcemu::kernel
