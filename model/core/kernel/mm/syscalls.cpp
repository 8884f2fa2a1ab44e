// mmap, fork, mlock: process life as far as memory errors see it.
#include <bit>

#include "core/kernel/mm/process_state.hpp"

namespace mcemu::kernel {

Task<std::int64_t> Processes::State::mmap(Context& ctx, Process& p, const MapConfig& map) {
    const bool file = map.kind == MapKind::file || map.kind == MapKind::fsdax;
    if (file && !mounted(static_cast<std::uint32_t>(map.of))) co_return -ENOENT;
    if (map.kind == MapKind::devdax &&
        !kernel.libnvdimm.enabled(static_cast<std::uint32_t>(map.of)))
        co_return -ENXIO;
    if (map.kind == MapKind::devdax) {  // check_vma() (drivers/dax/device.c; kernel.md 5.1)
        const NamespaceConfig& ns = kernel.namespaces[static_cast<std::size_t>(map.of)];
        const std::uint32_t device = env.names.intern(ns.device);
        const std::uint32_t function = env.names.intern("dax_mmap");
        const std::uint64_t end = map.va + round_up(map.size, kPageSize);
        const std::uint64_t mask = ns.align - 1;
        if (ns.mode != NamespaceMode::devdax) {
            env.log.line(ctx.cpu, Line::dax_not_capable, device, p.comm, function);
            co_return -EINVAL;
        }
        if (!map.shared) {
            env.log.line(ctx.cpu, Line::dax_private, device, p.comm, function);
            co_return -EINVAL;
        }
        if ((map.va | end) & mask) {
            env.log.line(ctx.cpu, Line::dax_unaligned, device, p.comm, function, map.va, end, mask);
            co_return -EINVAL;
        }
    }
    const int rc = mm.map(p, map);
    if (rc == 0) mm.note_mapped(p, map.va, map.va + map.size);
    co_return rc == 0 ? static_cast<std::int64_t>(map.va) : rc;
}

Task<std::int64_t> Processes::State::fork(Context&, Process& parent, std::uint32_t event,
                                          const ProcessConfig& config) {
    Process& child = owner[child_of[event]];
    if (child.state != ProcessState::unborn) co_return -EAGAIN;  // a repeated event has one child
    mm.fork(parent, child);
    if (config.inherits_mce_kill) child.mce_kill = parent.mce_kill;
    if (config.inherits_sigbus) child.sigbus = parent.leader->sigbus;
    if (config.inherits_mask) child.sigbus_blocked = parent.sigbus_blocked;
    child.state = ProcessState::alive;
    env.trace.note(Module::kernel, TraceKind::process_state, child.index,
                   static_cast<std::uint64_t>(ProcessState::alive));
    for (const MapConfig& m : config.maps) {
        if (const int rc = mm.map(child, m); rc != 0) co_return rc;
        mm.note_mapped(child, m.va, m.va + m.size);
    }
    co_return child.pid;
}

Task<std::int64_t> Processes::State::mlock(Context& ctx, Process& p, MlockEvent e) {
    const std::uint64_t begin = round_down(e.va, kPageSize);
    const std::uint64_t end = round_up(e.va + e.size, kPageSize);
    for (std::uint64_t va = begin; va < end;) {
        Vma* vma = p.mm->find(va);
        if (!vma) co_return -ENOMEM;
        vma->locked = true;
        const bool write = !vma->shared;  // populate_vma_page_range(): private pages are broken up
        const std::uint64_t stop = std::min(end, vma->end);
        while (va < stop) {  // runs that are mapped already cost one look
            const auto run = p.mm->table.find(va);
            const bool good =
                run && run->value.kind == Pte::Kind::present && (run->value.writable || !write);
            if (good) {
                va = run->end;
                continue;
            }
            const Fault f = co_await mm.fault(ctx, p, va, write);
            // __mlock_posix_error_return(): -EFAULT becomes -ENOMEM, and -ENOMEM -EAGAIN.
            if (f.kind != Fault::Kind::mapped)
                co_return f.kind == Fault::Kind::no_memory ? -EAGAIN : -ENOMEM;
            if (p.state != ProcessState::alive || !p.mm->find(va)) co_return -ENOMEM;
        }
    }
    co_return 0;
}

}  // namespace mcemu::kernel
