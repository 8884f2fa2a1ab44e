#include "core/kernel/mce/cmci.hpp"

namespace mcemu::kernel {
namespace {

using namespace mca;

constexpr SimTime CMCI_POLL_INTERVAL = std::chrono::seconds(30);
constexpr SimTime CMCI_STORM_INTERVAL = std::chrono::seconds(1);
constexpr unsigned CMCI_STORM_THRESHOLD = 15;
constexpr int INITIAL_CHECK_INTERVAL = 5 * 60;  // ticks of the storm timer
constexpr std::uint64_t CMCI_THRESHOLD = 1;

}  // namespace

Cmci::Cmci(MceCore& core, Poller& poller)
    : core_(core), poller_(poller), owned_(core.env.machine.cpus.count()) {}

void Cmci::discover(CpuId cpu) {
    Platform& hw = core_.env.hw;
    if (!(core_.read(cpu, MSR_IA32_MCG_CAP) & MCG_CMCI_P)) return;
    for (std::uint32_t bank = 0; bank < core_.banks; ++bank) {
        const std::uint64_t bit = 1ull << bank;
        if (owned_[cpu] & bit) continue;
        const std::uint64_t ctl2 = core_.read(cpu, msr_mci_ctl2(bank));
        if (ctl2 & MCI_CTL2_CMCI_EN) {  // another CPU of the bank's scope has it
            poller_.poll_banks(cpu) &= ~bit;
            continue;
        }
        const bool keep = core_.env.config.bios_cmci_threshold && (ctl2 & MCI_CTL2_THRESHOLD);
        const std::uint64_t threshold = keep ? ctl2 & MCI_CTL2_THRESHOLD : CMCI_THRESHOLD;
        const std::uint64_t wanted = (ctl2 & ~MCI_CTL2_THRESHOLD) | threshold | MCI_CTL2_CMCI_EN;
        hw.wrmsr(cpu, msr_mci_ctl2(bank), wanted);
        if (!(core_.read(cpu, msr_mci_ctl2(bank)) & MCI_CTL2_CMCI_EN)) continue;  // has none
        owned_[cpu] |= bit;
        poller_.poll_banks(cpu) &= ~bit;
    }
}

void Cmci::set_enabled(CpuId cpu, bool enabled) {
    for (std::uint32_t bank = 0; bank < core_.banks; ++bank) {
        if (!(owned_[cpu] & (1ull << bank))) continue;
        std::uint64_t ctl2 = core_.read(cpu, msr_mci_ctl2(bank));
        ctl2 = enabled ? ctl2 | MCI_CTL2_CMCI_EN : ctl2 & ~MCI_CTL2_CMCI_EN;
        core_.env.hw.wrmsr(cpu, msr_mci_ctl2(bank), ctl2);
    }
}

void Cmci::clear(CpuId cpu) {
    set_enabled(cpu, false);
    owned_[cpu] = 0;
}

void Cmci::cpu_dead(CpuId dead) {
    if (const auto it = cpus_.find(dead); it != cpus_.end()) {
        if (it->second.state == Storm::active) --storming_;
        it->second.state = Storm::none;
        ++it->second.timer;
    }
    for (CpuId cpu = 0; cpu < core_.env.machine.cpus.count(); ++cpu)
        if (cpu != dead && core_.online(cpu)) discover(cpu);
}

void Cmci::interrupt(CpuId cpu) {
    if (storm_detect(cpu)) return;
    if (core_.env.hw.valid_banks(cpu) & owned_[cpu])
        core_.start_flow([=, this] { return handle(cpu); });
}

bool Cmci::storm_detect(CpuId cpu) {
    Env& env = core_.env;
    PerCpu& c = cpus_[cpu];
    if (c.state != Storm::none) return true;
    const SimTime now = env.agenda.now();
    if (c.count > 0 && now <= c.stamp + CMCI_STORM_INTERVAL) {
        ++c.count;
    } else {
        c.count = 1;
        c.stamp = now;
    }
    if (c.count <= CMCI_STORM_THRESHOLD) return false;

    set_enabled(cpu, false);
    c.state = Storm::active;
    c.backoff = INITIAL_CHECK_INTERVAL;
    post_timer(cpu, c, CMCI_STORM_INTERVAL);
    if (++storming_ == 1) env.log.line(cpu, Line::cmci_storm);
    return true;
}

Task<void> Cmci::poll_owned(CpuId cpu, unsigned flags, bool* seen) {
    const Poller::Result result = poller_.machine_check_poll(cpu, flags, owned_[cpu]);
    if (seen) *seen = result.seen;
    return result.logged ? core_.irq_work(cpu) : Task<void>::ended();
}

/// The time until it runs, Lat::cmci_handler, is over: the hardware spends it.
Task<void> Cmci::handle(CpuId cpu) { co_await poll_owned(cpu, MCP_TIMESTAMP, nullptr); }

void Cmci::post_timer(CpuId cpu, PerCpu& c, SimTime delay) {
    Agenda& agenda = core_.env.agenda;
    agenda.post(agenda.now() + delay, *this, cpu | std::uint64_t{++c.timer} << 32);
}

void Cmci::on_agenda(std::uint64_t arg) {
    const auto cpu = static_cast<CpuId>(arg);
    if (cpus_[cpu].timer != arg >> 32) return;
    core_.start_flow([=, this] { return storm_tick(cpu); });
}

// mce_timer_fn() with cmci_intel_adjust_timer(), while the CPU is not in state none.
Task<void> Cmci::storm_tick(CpuId cpu) {
    PerCpu& c = cpus_[cpu];
    bool seen = false;
    co_await poll_owned(cpu, 0, &seen);
    if (seen)
        c.backoff = INITIAL_CHECK_INTERVAL;
    else
        --c.backoff;

    if (c.state == Storm::active) {
        if (c.backoff > 0) {
            core_.notify_irq(cpu);
            post_timer(cpu, c, CMCI_STORM_INTERVAL);
            co_return;
        }
        c.state = Storm::subsided;
        if (--storming_ == 0) core_.env.log.line(cpu, Line::cmci_storm_over);
    }
    if (storming_ == 0) {
        c.state = Storm::none;
        c.count = 0;
        set_enabled(cpu, true);
        co_await poll_owned(cpu, 0, nullptr);  // cmci_recheck()
        co_return;  // the next tick finds fair weather: nothing to do there
    }
    post_timer(cpu, c, CMCI_POLL_INTERVAL);
}

}  // namespace mcemu::kernel
