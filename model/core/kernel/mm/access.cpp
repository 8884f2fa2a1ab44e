// What processes and kernel copies do to memory, one page at a time.
#include <algorithm>
#include <utility>

#include "core/kernel/mm/process_state.hpp"

namespace mcemu::kernel {
namespace {

/// An access that a machine check interrupts is restarted. Where nothing takes the page away
/// (kernel.md 2.9: already poisoned, v4.x) the real machine does so for ever; the result says so.
constexpr unsigned kMaxRestarts = 32;

std::uint64_t within_page(std::uint64_t va, std::uint64_t end) {
    return std::min(end, round_down(va, kPageSize) + kPageSize) - va;
}

}  // namespace

Task<void> Processes::State::access(Process& p, std::uint32_t event, AccessEvent a) {
    const bool write = a.kind == AccessKind::store || a.kind == AccessKind::store_full_line;
    const std::uint64_t handled = p.handled_signals;
    const std::uint64_t end = a.va + std::max<std::uint64_t>(a.size, 1);
    std::uint64_t va = a.va;
    unsigned restarts = 0;
    bool reached = false, met_poison = false;
    std::uint64_t first_spa = 0;
    Libnvdimm::Found found;
    found.equal = true;
    while (va < end && p.state == ProcessState::alive && p.handled_signals == handled &&
           restarts < kMaxRestarts) {
        owner.switch_to(p.cpu, &p);
        Instruction i;
        i.kind = a.kind;
        i.va = va;
        i.size = within_page(va, end);
        i.ip = kIpUser;
        const ExecResult r = env.hw.execute(p.cpu, i);
        Context ctx = owner.context(p);
        switch (r.status) {
            case ExecResult::Status::retired:
            case ExecResult::Status::bus_error:  // reads of nothing give ones, writes are lost
                if (!std::exchange(reached, true)) first_spa = r.spa;
                touched(a, r.spa, i.size, va - a.va, found);
                co_await delay(env.agenda, r.delay);
                va += i.size;
                restarts = 0;
                break;
            case ExecResult::Status::page_fault:
                co_await delay(env.agenda, r.delay);
                if (p.state != ProcessState::alive) break;
                p.in_kernel = true;
                env.hw.set_context(p.cpu, kKernelFrame);
                owner.begin_kernel_work(ctx.cpu);
                co_await user_fault(ctx, p, va, write);
                owner.end_kernel_work(ctx.cpu);
                co_await owner.exit_to_user(ctx);
                break;
            case ExecResult::Status::machine_check:
                if (!std::exchange(reached, true)) first_spa = r.spa;
                met_poison = true;
                co_await kernel.machine_check_core.wait_handled(ctx);
                if (!p.pending.empty() || !p.task_work.empty()) co_await owner.exit_to_user(ctx);
                ++restarts;
                break;
            case ExecResult::Status::shutdown:
                co_return;
        }
    }
    const bool endless = restarts >= kMaxRestarts;
    if (endless)
        env.trace.note(Module::kernel, TraceKind::endless_restart, p.index, va, restarts);
    owner.accesses_.push_back(
        {env.agenda.now(), event, va >= end, endless, reached, met_poison, first_spa});
    if (a.report && va >= end)
        kernel.report_data(event, write ? "store" : "load", 0, found);
}

/// What a store leaves in persistent memory, or what a load finds there. `done`: bytes of the
/// access before this piece.
void Processes::State::touched(const AccessEvent& a, std::uint64_t spa, std::uint64_t size,
                               std::uint64_t done, Libnvdimm::Found& found) {
    NvdimmBus& bus = kernel.libnvdimm.bus();
    if (!bus.tracks_contents() || bus.region_at(spa) < 0) {
        found.equal = false;
        return;
    }
    const SpaRange at{spa, spa + size};
    if (a.kind == AccessKind::store || a.kind == AccessKind::store_full_line) {
        const pmem::Contents::Fill fill = bus.media().fill_of(a.data, spa - done);
        if (a.kind == AccessKind::store) bus.media().write_cached(at, fill);
        else bus.media().write(at, fill);
        return;
    }
    found.equal = found.equal && bus.media().holds(at, a.data, spa - done);
    if (a.report) found.pieces.push_back(bus.media().describe(at));
}

/// CLWB of every line, then SFENCE: user space does it without the kernel. A page that is not
/// mapped has nothing in the caches.
Task<void> Processes::State::flush(Context& ctx, Process& p, FlushEvent e) {
    const std::uint64_t end = round_up(e.va + e.size, kLineSize);
    std::uint64_t pages = 0;
    for (std::uint64_t va = round_down(e.va, kLineSize); va < end; ++pages) {
        const std::uint64_t size = within_page(va, end);
        const Translation t = mm.walk(p, va);
        if (t.present) kernel.libnvdimm.bus().media().flush({t.spa, t.spa + size});
        va += size;
    }
    co_await phase(env, ctx.cpu, Lat::cpu_clflush_page, pages);
}

Task<void> Processes::State::user_fault(Context& ctx, Process& p, std::uint64_t va, bool write) {
    const Fault f = co_await mm.fault(ctx, p, va, write);
    switch (f.kind) {
        case Fault::Kind::mapped:
            break;
        case Fault::Kind::hwpoison:  // do_sigbus() (arch/x86/mm/fault.c; kernel.md 2.12)
            env.log.line(ctx.cpu, Line::fault_kill, p.comm, static_cast<std::uint64_t>(p.pid), va);
            owner.force_signal(p, kSigbus, kBusMceerrAr, true, va, static_cast<int>(f.shift));
            break;
        case Fault::Kind::bus_error:
            owner.force_signal(p, kSigbus, kBusAdrerr, true, va, 0);
            break;
        case Fault::Kind::no_vma:
            owner.force_signal(p, kSigsegv, kSegvMaperr, true, va, 0);
            break;
        case Fault::Kind::no_memory:
            owner.force_signal(p, kSigkill, kSiKernel, false, 0, 0);
            break;
    }
}

/// write(2) to a pipe, read(2) of /dev/zero: the kernel copies page-sized chunks, and a chunk that
/// fails part-way fails as a whole (kernel.md 2.12).
Task<std::int64_t> Processes::State::copy_user(Context& ctx, Process& p, CopyEvent copy) {
    const bool write = copy.direction == CopyEvent::Direction::to_user;
    const std::uint64_t end = copy.va + copy.size;
    std::uint64_t done = 0;
    while (done < copy.size) {
        const std::uint64_t chunk = std::min(end, copy.va + done + kPageSize);
        for (std::uint64_t va = copy.va + done; va < chunk;) {
            if (p.state != ProcessState::alive) co_return -EFAULT;
            Instruction i;
            i.kind = write ? AccessKind::store : AccessKind::load;
            i.va = va;
            i.size = within_page(va, chunk);
            i.user = false;
            i.ip = write ? kIpCopyPlain : kIpCopyFromUser;
            owner.switch_to(ctx.cpu, &p);
            env.hw.set_context(ctx.cpu, {i.ip, kKernelFrame.cs, true});
            const ExecResult r = env.hw.execute(ctx.cpu, i);
            bool failed = false;
            if (r.status == ExecResult::Status::machine_check) {
                co_await kernel.machine_check_core.wait_handled(ctx);
                failed = true;
            } else {
                co_await delay(env.agenda, r.delay);
            }
            if (r.status == ExecResult::Status::page_fault) {
                const Fault f = co_await mm.fault(ctx, p, va, write);
                if (f.kind == Fault::Kind::mapped) continue;
                failed = true;
            }
            if (failed) co_return done != 0 ? static_cast<std::int64_t>(done) : -EFAULT;
            va += i.size;
        }
        done = chunk - copy.va;
    }
    co_return static_cast<std::int64_t>(done);
}

/// A kernel copy out of physical memory, through the direct map.
Task<std::int64_t> Processes::State::copy_physical(Context& ctx, CopyEvent copy) {
    const std::uint64_t begin = kernel.direct_map.kaddr(Pfn{0}) + copy.spa;
    std::uint64_t done = 0;
    while (done < copy.size) {
        Instruction i;
        i.va = begin + done;
        i.size = within_page(i.va, begin + copy.size);
        i.user = false;
        i.ip = copy.safe ? kIpCopyMcSafe : kIpCopyPlain;
        const ExecResult r = env.hw.execute(ctx.cpu, i);
        if (r.status == ExecResult::Status::machine_check) {
            co_await kernel.machine_check_core.wait_handled(ctx);
            co_return -EIO;
        }
        co_await delay(env.agenda, r.delay);
        if (r.status == ExecResult::Status::page_fault && copy.safe) co_return -EIO;
        if (r.status == ExecResult::Status::page_fault) {
            co_await oops_paging(kernel, ctx, i.va, false, "memcpy_erms+0x6/0x10");
            co_return kTaskDied;
        }
        done += i.size;
    }
    co_return static_cast<std::int64_t>(done);
}

}  // namespace mcemu::kernel
