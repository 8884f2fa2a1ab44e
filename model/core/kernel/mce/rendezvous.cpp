#include "core/kernel/mce/rendezvous.hpp"

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {

using namespace mca;
using enum Severity;

Rendezvous::Rendezvous(MceCore& core, Panic& panic)
    : core_(core),
      panic_(panic),
      handler_(core, panic),
      recovery_(core, panic),
      alarm_(core.env.agenda) {}

SimTime Rendezvous::timeout() const {
    return std::chrono::microseconds(core_.env.config.monarch_timeout_us);
}

Delay Rendezvous::pass(CpuId cpu, Lat which, SimTime when) const {
    const SimTime now = core_.env.agenda.now();
    if (when <= now) return delay(core_.env.agenda, SimTime::zero());
    return spend(core_.env, cpu, which, when - now);
}

void Rendezvous::machine_check(const McDelivery& delivery) {
    Env& env = core_.env;
    ++env.counters.machine_checks;
    const CpuId first = delivery.first;
    const std::uint64_t mcg = core_.read(first, MSR_IA32_MCG_STATUS);
    // E1: an off-line CPU only has to get out of the others' way.
    if (!delivery.broadcast && !core_.online(first) && (mcg & MCG_STATUS_RIPV)) {
        core_.write(first, MSR_IA32_MCG_STATUS, 0);
        return;
    }
    if (!delivery.broadcast && (mcg & MCG_STATUS_LMCES))
        core_.start_flow([&] { return local(first); });
    else if (open_ && open_->waiting)
        join(*open_, delivery, env.agenda.now());
    else if (open_)
        open_->behind.emplace_back(env.agenda.now(), delivery);
    else
        core_.start_flow([&] { return broadcast(delivery); });
}

Task<void> Rendezvous::call_handler(CpuId cpu) {
    McDelivery delivery;
    delivery.broadcast = false;
    delivery.first = cpu;
    delivery.cpus_per_socket = core_.env.machine.cpus.cores * core_.env.machine.cpus.threads;
    recovery_.expect_return(cpu);
    machine_check(delivery);
    co_await recovery_.wait_returned(cpu);
}

// ---------------------------------------------------------------- one CPU alone: LMCE

Task<void> Rendezvous::local(CpuId cpu) {
    Env& env = core_.env;
    McCpu c;
    c.cpu = cpu;
    c.arrival = env.agenda.now();
    c.frame = core_.frame(cpu);
    ++running_;
    co_await phase(env, cpu, Lat::kernel_mc_entry);
    handler_.gather(c);
    co_await phase(env, cpu, Lat::kernel_mc_prescan, bank_count(core_.valid_banks(cpu)));
    handler_.pre_scan(c);
    if (c.no_way_out) panic_.mce_panic(cpu, "Fatal local machine check", &c.m, c.msg);
    co_await stop_if_panicked();

    co_await scan_turn(c);
    if (c.worst >= MCE_PANIC_SEVERITY && (core_.v6 || env.config.tolerant < 3)) {
        c.msg = handler_.message(c.m, true);
        panic_.mce_panic(cpu, "Local fatal machine check!", &c.m, c.msg);
    }
    co_await stop_if_panicked();
    if (!core_.v6) {
        if (env.config.tolerant == 3)
            c.kill_it = false;
        else if (c.no_way_out)
            panic_.mce_panic(cpu, "Fatal machine check on current CPU", &c.m, c.msg);
        co_await stop_if_panicked();
    }
    co_await phase(env, cpu, Lat::kernel_mc_dispose);
    dispose(c);
    co_await stop_if_panicked();
    core_.write(cpu, MSR_IA32_MCG_STATUS, 0);
    if (--running_ == 0) panic_.acquit();
    core_.start_flow([&] { return recovery_.finish(c); });
}

Task<void> Rendezvous::scan_turn(McCpu& c) {
    if (const unsigned n = bank_count(c.valid_banks))
        co_await phase(core_.env, c.cpu, Lat::kernel_mc_scan, n);
    handler_.scan(c);
    handler_.clear_banks(c);
}

/// Taint (v6.1), report (v4.x E13) and task work (v6.1 E15, E16): up to the write of MCG_STATUS.
void Rendezvous::dispose(McCpu& c) {
    if (core_.env.profile.taint_after_rendezvous) {
        if (c.tainted) core_.add_taint(c.cpu);
        recovery_.queue(c);
        return;
    }
    if (c.worst > MCE_NO_SEVERITY && c.frame.interrupts_on) {
        core_.notify_irq(c.cpu);
        core_.schedule_work(c.cpu);
    }
}

// ---------------------------------------------------------------- one machine check for all

Task<void> Rendezvous::broadcast(McDelivery delivery) {
    Session s;
    s.delivery = std::move(delivery);
    s.begin = core_.env.agenda.now();
    s.everyone = s.delivery.broadcast;
    ++running_;
    if (!s.everyone && timeout() != SimTime::zero()) open_ = &s;
    co_await enter(s);
    if (timeout() == SimTime::zero()) {  // no rendezvous: mce_start() returns -1
        co_await alone(s, 0, false);
    } else {
        const bool all_here = co_await meet(s);
        if (all_here) {
            const bool in_time = co_await take_turns(s);
            if (in_time) co_await leave(s);
        } else {
            co_await alone(s, 0, true);
        }
    }
    if (--running_ == 0) panic_.acquit();
}

}  // namespace mcemu::kernel
