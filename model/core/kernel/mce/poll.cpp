#include "core/kernel/mce/poll.hpp"

#include <bit>

namespace mcemu::kernel {

using namespace mca;

Poller::Poller(MceCore& core)
    : core_(core), poll_banks_(core.env.machine.cpus.count(), ~std::uint64_t{0}) {}

// v4.x: whatever the exception handler would see is left to it. v6.1 (should_log_poll_error()):
// uncorrected errors are taken if they are not enabled, or are UCNA.
bool Poller::takes(std::uint64_t status, unsigned flags) const {
    if (!(status & MCI_STATUS_VAL)) return false;
    if (flags & MCP_UC) return true;
    if (core_.env.profile.poll_checks_s_only)
        return !(status & (core_.ser ? MCI_STATUS_S : MCI_STATUS_UC));
    if (!(status & MCI_STATUS_UC)) return true;
    if (!core_.ser) return false;
    return !(status & MCI_STATUS_EN) || !(status & (MCI_STATUS_PCC | MCI_STATUS_S));
}

Poller::Result Poller::machine_check_poll(CpuId cpu, unsigned flags, std::uint64_t banks) {
    Env& env = core_.env;
    Result result;
    std::uint64_t todo = core_.valid_banks(cpu) & banks & core_.examined;
    if (!todo) return result;

    MceRecord m = core_.gather(cpu, nullptr);
    m.source = RecordSource::poll;
    if (flags & MCP_TIMESTAMP) m.tsc = core_.read(cpu, MSR_IA32_TSC);
    unsigned seen = 0;
    for (; todo; todo &= todo - 1) {
        const auto bank = static_cast<std::uint32_t>(std::countr_zero(todo));
        m.misc = m.addr = 0;
        m.bank = static_cast<std::int32_t>(bank);
        m.status = core_.read(cpu, msr_mci_status(bank));
        if (!takes(m.status, flags)) continue;
        ++seen;
        m.origin = core_.origin(cpu, bank);
        core_.read_aux(cpu, bank, m);
        m.severity = static_cast<std::uint8_t>(core_.grade(m, false, false).severity);
        // dont_log_ce: an error with a usable address is still acted upon.
        if (!(flags & MCP_DONTLOG) && (!env.config.dont_log_ce || usable_address(m))) {
            if (core_.log(cpu, m)) result.logged = true;
        } else {
            env.fates.mark(m.origin, Fate::filtered, FateReason::filtered_by_kernel,
                           core_.note_dropped(cpu, bank, static_cast<Severity>(m.severity),
                                              DropReason::dont_log));
        }
        core_.write(cpu, msr_mci_status(bank), 0);
    }
    result.seen = seen != 0;
    if (result.seen) {
        ++env.counters.polls;
        env.trace.step(Module::kernel, TraceKind::poll, cpu, seen);
    }
    return result;
}

bool Poller::would_find(CpuId cpu) {
    if (!core_.online(cpu)) return false;
    const std::uint64_t polled = poll_banks_[cpu] & core_.examined;
    for (std::uint64_t todo = core_.valid_banks(cpu) & polled; todo; todo &= todo - 1) {
        const auto bank = static_cast<std::uint32_t>(std::countr_zero(todo));
        if (takes(core_.read(cpu, msr_mci_status(bank)), 0)) return true;
    }
    return false;
}

void Poller::arm_for(CpuId cpu) {
    if (!armed_ && would_find(cpu)) arm();
}

void Poller::arm() {
    Env& env = core_.env;
    if (armed_ || env.config.ignore_ce || env.config.check_interval_s == 0) return;
    bool any = false;
    for (const CpuId cpu : env.hw.cpus_with_valid_banks()) any = any || would_find(cpu);
    if (!any) return;
    const SimTime interval = std::chrono::seconds(env.config.check_interval_s);
    const std::uint64_t ticks = (env.agenda.now() - base_) / interval + 1;
    armed_ = true;
    env.agenda.post(base_ + ticks * interval, *this, ++expected_);
}

void Poller::restart() {
    armed_ = false;
    ++expected_;
    base_ = core_.env.agenda.now();
    arm();
}

void Poller::on_agenda(std::uint64_t number) {
    if (number != expected_) return;
    armed_ = false;
    core_.start_flow([this] { return tick(); });
}

Task<void> Poller::tick() {
    Env& env = core_.env;
    // By value: a poll clears banks.
    const std::vector<CpuId> cpus = env.hw.cpus_with_valid_banks();
    for (const CpuId cpu : cpus) {
        if (!would_find(cpu)) continue;
        co_await phase(env, cpu, Lat::kernel_poll);
        const Result result = machine_check_poll(cpu, 0, poll_banks_[cpu]);
        // What it returns would halve the interval, or double it up to check_interval. But the
        // first notifier runs in the worker and takes the bit itself: it is never set here, and
        // the interval stays what it was (mce_timer_fn(); kernel.md 1.17).
        core_.notify_irq(cpu);
        if (result.logged) co_await core_.irq_work(cpu);
    }
    arm();
}

}  // namespace mcemu::kernel
