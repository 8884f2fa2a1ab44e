// memory_failure(): entry checks, dispatch, results (mm/memory-failure.c; kernel.md 2.1 to 2.4).
#include "core/kernel/mm/memory_failure.hpp"

#include <charconv>
#include <string>

#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {
namespace {

/// MEMORY_FAILURE_FIFO_SIZE of memory_failure_queue() is 1 << 4.
constexpr std::size_t kFifoSize = 16;

std::string hex(std::uint64_t value) {
    char text[16];
    const auto end = std::to_chars(text, text + sizeof text, value, 16).ptr;
    return {text, end};
}

}  // namespace

MemoryFailure::State::State(Kernel& k)
    : kernel(k),
      env(k.env),
      profile(k.env.profile),
      mf_mutex(k.env.agenda),
      unpoison_limit(std::chrono::seconds(5), 10),  // DEFINE_RATELIMIT_STATE(unpoison_rs, ...)
      fifos(k.env.hw.cpu_count()) {
    find_failing();
}

MemoryFailure::MemoryFailure(Kernel& kernel) : s_(std::make_unique<State>(kernel)) {}
MemoryFailure::~MemoryFailure() = default;

Task<int> MemoryFailure::memory_failure(Context& ctx, Pfn pfn, unsigned flags) {
    Env& env = s_->env;
    ++env.counters.memory_failures;
    if (ctx.task) ctx.task->in_kernel = true;
    s_->kernel.processes.begin_kernel_work(ctx.cpu);
    env.trace.step(Module::kernel, TraceKind::memory_failure, ctx.cpu, pfn.value, flags);
    const int rc = co_await s_->dispatch(ctx, pfn, flags);
    env.trace.note(Module::kernel, TraceKind::memory_failure_end, ctx.cpu, pfn.value,
                   static_cast<std::uint64_t>(static_cast<std::int64_t>(rc)));
    s_->kernel.processes.end_kernel_work(ctx.cpu);
    co_return rc;
}

Task<int> MemoryFailure::corrupt_pfn(Context& ctx, Pfn pfn) {
    State& s = *s_;
    const MemoryKind kind = s.kernel.memory.kind(pfn);
    if (kind == MemoryKind::none || kind == MemoryKind::pmem_raw) {
        s.env.fates.mark(s.env.agenda.why().origin, Fate::filtered, FateReason::no_such_page,
                         s.env.agenda.why().cause);
        co_return -ENXIO;
    }
    unsigned flags = 0;
    if (s.profile.corrupt_pfn_takes_reference) {  // get_hwpoison_page() of a free page fails
        if (s.non_anon_thp(pfn)) {
            s.env.log.line(ctx.cpu, Line::mf_non_anon_thp, pfn.value);
            s.mark_filtered();
            co_return 0;
        }
        const Pfn head = s.mm().compound_head(pfn);
        if (s.mm().page_count(head) == 0 || s.lost_tail(ctx, pfn)) {
            s.env.fates.mark(s.env.agenda.why().origin, Fate::filtered, FateReason::filter_rejected,
                             s.env.agenda.why().cause);
            co_return 0;
        }
        ++s.page(s.is_hugetlb(pfn) ? head : pfn).refcount;
        flags |= MF_COUNT_INCREASED;
    }
    if (s.filter.enable) {  // what is neither on the LRU nor huge never passes
        const Pfn head = s.mm().compound_head(pfn);
        const Page& p = s.page(head);
        const bool free = !s.profile.corrupt_pfn_takes_reference && p.test(PG_buddy);
        if ((!p.test(PG_lru) && !p.test(PG_hugetlb) && !free) || !s.filter_accepts(head)) {
            if (flags & MF_COUNT_INCREASED) s.drop_reference(s.is_hugetlb(pfn) ? head : pfn);
            s.mark_filtered();
            co_return 0;
        }
    }
    if (s.profile.unpoison_refused_after_real) flags |= MF_SW_SIMULATED;
    s.env.log.line(ctx.cpu, Line::inject_pfn, pfn.value);
    const int rc = co_await memory_failure(ctx, pfn, flags);
    co_return rc == -EOPNOTSUPP&& s.profile.serialised ? 0 : rc;
}

Task<int> MemoryFailure::soft_offline_page(Context& ctx, Pfn pfn, unsigned flags) {
    const int rc = co_await s_->soft_offline(ctx, pfn, flags);
    co_return rc;
}

Task<int> MemoryFailure::unpoison_memory(Context& ctx, Pfn pfn) {
    const int rc = co_await s_->unpoison(ctx, pfn);
    co_return rc;
}

bool MemoryFailure::write_filter(std::string_view file, std::uint64_t value) {
    return s_->filter_set(file, value);
}

void MemoryFailure::queue(CpuId cpu, Pfn pfn, unsigned flags) {
    State& s = *s_;
    State::Fifo& fifo = s.fifos[cpu];
    if (fifo.entries.size() >= kFifoSize) {
        s.env.log.line(cpu, Line::mf_queue_overflow, pfn.value);
        return;
    }
    fifo.entries.push_back({pfn, flags, s.env.agenda.why()});
    if (fifo.scheduled) return;
    fifo.scheduled = true;
    State* state = s_.get();
    s.kernel.workqueue.schedule(cpu, [state, cpu](Context& ctx) { return state->drain(ctx, cpu); });
}

/// memory_failure_work_func().
Task<void> MemoryFailure::State::drain(Context& ctx, CpuId cpu) {
    fifos[cpu].scheduled = false;
    while (!fifos[cpu].entries.empty()) {
        const Entry e = fifos[cpu].entries.front();
        fifos[cpu].entries.pop_front();
        env.agenda.set_why(e.why);
        if (e.flags & MF_SOFT_OFFLINE)
            co_await kernel.memory_failure.soft_offline_page(ctx, e.pfn, e.flags);
        else
            co_await kernel.memory_failure.memory_failure(ctx, e.pfn, e.flags);
    }
}

Task<void> MemoryFailure::State::first_sleep(Context& ctx) {
    co_await phase(env, ctx.cpu, Lat::kernel_mf_lock);
    co_await kernel.workqueue.might_sleep(ctx);
}

Task<void> MemoryFailure::State::lock_page(Pfn pfn) {
    if (profile.serialised) return Task<void>::ended();
    if (locked.contains(pfn.value)) return wait_for_page(pfn);
    take_page(pfn);
    return Task<void>::ended();
}

Task<void> MemoryFailure::State::wait_for_page(Pfn pfn) {
    for (auto held = locked.find(pfn.value); held != locked.end(); held = locked.find(pfn.value)) {
        env.trace.note(Module::kernel, TraceKind::lock_wait, 0, pfn.value);
        co_await held->second.wait();
    }
    take_page(pfn);
}

void MemoryFailure::State::take_page(Pfn pfn) {
    if (spare_lock) {
        spare_lock.key() = pfn.value;
        locked.insert(std::move(spare_lock));
    } else {
        locked.try_emplace(pfn.value, env.agenda);
    }
}

void MemoryFailure::State::unlock_page(Pfn pfn) {
    const auto held = locked.find(pfn.value);
    if (held == locked.end()) return;
    held->second.wake_all();
    spare_lock = locked.extract(held);
}

Task<int> MemoryFailure::State::dispatch(Context& ctx, Pfn pfn, unsigned flags) {
    if (!env.config.memory_failure_recovery) return panic(ctx, pfn);
    return profile.serialised ? serialised(ctx, pfn, flags) : handle(ctx, pfn, flags);
}

Task<int> MemoryFailure::State::panic(Context& ctx, Pfn pfn) {
    kernel.machine_check_core.panic(ctx.cpu,
                                    env.names.intern("Memory failure on page " + hex(pfn.value)));
    kernel.processes.end_kernel_work(ctx.cpu);
    co_await std::suspend_always{};
    co_return 0;
}

Task<int> MemoryFailure::State::serialised(Context& ctx, Pfn pfn, unsigned flags) {
    co_await first_sleep(ctx);
    if (mf_mutex.locked()) env.trace.note(Module::kernel, TraceKind::lock_wait, ctx.cpu, pfn.value);
    co_await mf_mutex.lock();
    if (!(flags & MF_SW_SIMULATED)) hw_memory_failure = true;
    const int rc = co_await handle(ctx, pfn, flags);
    mf_mutex.unlock();
    co_return rc;
}

int MemoryFailure::State::outside(Context& ctx, Pfn pfn) {
    env.log.line(ctx.cpu, Line::mf_outside, pfn.value);
    env.fates.mark(env.agenda.why().origin, Fate::filtered, FateReason::no_such_page,
                   env.agenda.why().cause);
    return -ENXIO;
}

Task<int> MemoryFailure::State::handle(Context& ctx, Pfn pfn, unsigned flags) {
    switch (kernel.memory.kind(pfn)) {
        case MemoryKind::none:
        case MemoryKind::pmem_raw:
            return Task<int>::ended(outside(ctx, pfn));
        case MemoryKind::pmem:
        case MemoryKind::pmem_meta:
        case MemoryKind::device_private:
            // v4.18 takes ZONE_DEVICE pages for reserved kernel pages.
            return profile.dev_pagemap ? dev_pagemap(ctx, pfn, flags) : ram(ctx, pfn, flags);
        case MemoryKind::ram:
            break;
    }
    // pfn_to_online_page(), v6.1 only (kernel.md 2.4).
    if (profile.serialised && !kernel.memory.is_online(pfn))
        return Task<int>::ended(outside(ctx, pfn));
    return is_hugetlb(pfn) ? huge(ctx, pfn, flags) : ram(ctx, pfn, flags);
}

Task<int> MemoryFailure::State::already_poisoned(Context& ctx, Pfn pfn, unsigned flags) {
    env.log.line(ctx.cpu, Line::mf_already, pfn.value);
    env.fates.mark(env.agenda.why().origin, Fate::filtered, FateReason::already_poisoned,
                   env.agenda.why().cause);
    if (!profile.already_poisoned_is_error) co_return 0;  // the caller's reference is leaked
    int rc = -kEhwpoison;
    if ((flags & MF_ACTION_REQUIRED) && profile.already_poisoned_kills_accessor) {
        co_await phase(env, ctx.cpu, Lat::kernel_mf_kill);
        rc = kill_accessing_process(ctx, is_hugetlb(pfn) ? mm().compound_head(pfn) : pfn, flags);
    }
    if (flags & MF_COUNT_INCREASED) drop_reference(mm().compound_head(pfn));
    co_return rc;
}

void MemoryFailure::State::action_result(Context& ctx, Pfn pfn, PageType type, MfResult result) {
    const bool counted = type == PageType::dax ? profile.dax_counts_hardware_corrupted
                                               : profile.counts_every_action;
    if (counted) ++env.counters.num_poisoned_pages;
    env.log.line(ctx.cpu, Line::mf_action, pfn.value, static_cast<std::uint64_t>(type),
                 static_cast<std::uint64_t>(result));
    const bool handled = result == MfResult::recovered || result == MfResult::delayed;
    env.fates.mark(env.agenda.why().origin, handled ? Fate::consumed : Fate::logged,
                   FateReason::memory_failure, env.agenda.why().cause);
}

void MemoryFailure::State::set_flag(Pfn pfn, PageFlag flag, bool on) {
    Page& p = page(pfn);
    const bool was = p.test(flag);
    if (on)
        p.flags |= bit(flag);
    else
        p.flags &= ~bit(flag);
    if (flag == PG_hwpoison && kernel.memory.is_ram(pfn)) {
        if (on)
            kernel.memory.hold(pfn);
        else
            kernel.memory.unhold(pfn);
        // A page that is lost while free must not be handed out either.
        if (on) kernel.memory.reserve({pfn.spa(), pfn.spa() + kPageSize});
    }
    if (was != on)
        env.trace.step(Module::kernel, TraceKind::page_flag, 0, pfn.value, flag, on ? 1 : 0);
}

}  // namespace mcemu::kernel
