#include "core/kernel/mce/injector.hpp"

#include <cstdio>

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {

using namespace mca;

namespace {

/// raise_mce() waits so long for the CPUs it has told.
constexpr SimTime kTellTimeout = std::chrono::seconds(2);

bool in_process(const MceEvent& e) { return e.context != MceEvent::Context::random; }

}  // namespace

Injector::Injector(MceCore& core, Poller& poller, Rendezvous& rendezvous)
    : core_(core), poller_(poller), rendezvous_(rendezvous), mutex_(core.env.agenda) {}

void Injector::inject(std::uint32_t event, const MceEvent& record) {
    Env& env = core_.env;
    const Record r{record, event + 1};
    const bool refused = !core_.online(record.cpu) || record.bank >= core_.banks;
    if (refused) {  // -EINVAL
        const FateReason why =
            core_.online(record.cpu) ? FateReason::no_such_bank : FateReason::no_such_cpu;
        env.fates.mark(r.origin, Fate::filtered, why, env.agenda.why().cause);
    } else if (record.via == MceEvent::Via::debugfs_sw) {
        log_directly(r);
    } else if (record.hold) {
        held_[record.cpu] = r;
    } else {
        core_.start_flow([&] { return run_program(event, r); });
        return;
    }
    core_.kernel.event_done(event);
}

/// do_inject() with SW_INJ: no register, no exception, no grade.
void Injector::log_directly(const Record& r) {
    MceRecord m = core_.setup(r.e.cpu);
    m.socketid = m.apicid = 0;
    m.ppin = 0;
    m.bank = static_cast<std::int32_t>(r.e.bank);
    m.status = r.e.status | MCI_STATUS_VAL | (r.e.misc != 0 ? MCI_STATUS_MISCV : 0);
    m.addr = r.e.addr;
    m.misc = r.e.misc;
    m.tsc = core_.read(r.e.cpu, MSR_IA32_TSC);
    m.origin = r.origin;
    m.source = RecordSource::injector;
    const CpuId writer =
        r.e.process >= 0 ? core_.kernel.processes[static_cast<std::uint32_t>(r.e.process)].cpu : 0;
    if (core_.log(writer, m)) core_.start_flow([&] { return core_.irq_work(writer); });
}

// ---------------------------------------------------------------- the mce-inject program

/// What a CPU without a record of its own gets, so that it enters.
Injector::Record Injector::entered_only(const MceEvent& trigger, CpuId cpu) const {
    Record r;
    r.e.via = MceEvent::Via::mce_inject;
    r.e.cpu = cpu;
    r.e.bank = 0;
    r.e.status = trigger.status & MCI_STATUS_UC;
    r.e.mcgstatus = (trigger.mcgstatus & MCG_STATUS_MCIP) |
                    ((trigger.status & MCI_STATUS_UC) ? MCG_STATUS_RIPV : 0);
    return r;
}

/// do_inject_mce(): a record for every CPU that takes part, a thread for each that raises its own.
Task<void> Injector::run_program(std::uint32_t event, Record trigger) {
    const MceEvent& t = trigger.e;
    std::map<CpuId, Record> held = std::exchange(held_, {});
    held.erase(t.cpu);  // the trigger's record is used
    std::vector<Record> threads;
    std::vector<CpuId> told;
    for (CpuId cpu = 0; cpu < core_.env.machine.cpus.count(); ++cpu) {
        if (cpu == t.cpu || !core_.online(cpu)) continue;
        const auto own = held.find(cpu);
        if (own == held.end() && (t.poll || !t.broadcast)) continue;
        const Record r = own != held.end() ? own->second : entered_only(t, cpu);
        if (in_process(r.e)) {
            threads.push_back(r);
            continue;
        }
        put(r);
        told.push_back(cpu);
    }
    const Tell tell = told.empty() ? Tell::nobody : t.by_ipi ? Tell::ipi : Tell::nmi;
    for (const Record& r : threads) co_await raise(r, Tell::nobody, {});
    co_await raise(trigger, tell, std::move(told));
    core_.kernel.event_done(event);
}

// ---------------------------------------------------------------- the module

/// inject_mce(): the record stands in for the registers from now on.
void Injector::put(const Record& r) {
    Env& env = core_.env;
    const MceEvent& e = r.e;
    InjectedRegisters regs;
    regs.bank = e.bank;
    regs.status = e.status;
    regs.mcgstatus = e.mcgstatus;
    regs.addr = e.addr;
    regs.misc = e.misc;
    // The exception frame of raise_exception(): nothing but IP and CS, interrupts off.
    regs.frame = {e.ip, e.cs & 0xff, false};
    regs.origin = r.origin;
    regs.active = true;
    core_.injected[e.cpu] = regs;
    exception_[e.cpu] = !e.poll;
    if (e.status & MCI_STATUS_VAL)
        env.fates.mark(r.origin, Fate::latent, FateReason::left_in_bank, env.agenda.why().cause);
}

/// The context that an NMI finds on `cpu`.
Frame Injector::running_on(CpuId cpu) const {
    const Process* const process = core_.kernel.processes.current(cpu);
    if (!process) return {kIpIdle, 0x10, true};
    return process->in_kernel ? Frame{kIpKernel, 0x10, true} : Frame{kIpUser, 0x33, true};
}

/// raise_mce() of a record in process context; `others` have been given theirs.
Task<void> Injector::raise(const Record& r, Tell tell, std::vector<CpuId> others) {
    Env& env = core_.env;
    const CpuId cpu = r.e.cpu;
    co_await mutex_.lock();
    put(r);
    std::uint64_t deaf = 0;
    for (const CpuId other : others) {
        if (tell == Tell::ipi && !exception_[other]) {  // mce_irq_ipi() raises exceptions only
            deaf |= other < 64 ? std::uint64_t{1} << other : 0;
            continue;
        }
        // The NMI interrupts whatever runs there; the IPI's handler passes the record's own frame.
        if (tell == Tell::nmi) core_.injected[other].frame = running_on(other);
        core_.start_flow([&] { return raise_on(other); });
    }
    if (tell != Tell::nobody) co_await phase(env, cpu, Lat::mc_skew);
    if (deaf != 0) {
        co_await delay(env.agenda, kTellTimeout);
        char mask[17];
        std::snprintf(mask, sizeof mask, "%llx", static_cast<unsigned long long>(deaf));
        env.log.line(cpu, Line::mcelog_timeout, env.names.intern(mask));
    }
    co_await raise_here(r);
    mutex_.unlock();
}

/// mce_raise_notify(), mce_irq_ipi(): on a CPU that was told. No line is printed there.
Task<void> Injector::raise_on(CpuId cpu) {
    if (exception_[cpu]) {
        co_await rendezvous_.call_handler(cpu);
    } else {
        const Poller::Result found = poller_.machine_check_poll(cpu, 0, ~std::uint64_t{0});
        if (found.logged) core_.start_flow([this, cpu] { return core_.irq_work(cpu); });
    }
    core_.injected[cpu].active = false;
}

/// raise_local().
Task<void> Injector::raise_here(const Record& r) {
    Env& env = core_.env;
    const CpuId cpu = r.e.cpu;
    if (r.e.process >= 0) {
        Process& program = core_.kernel.processes[static_cast<std::uint32_t>(r.e.process)];
        if (program.state == ProcessState::alive) {
            program.cpu = cpu;
            core_.kernel.processes.switch_to(cpu, &program);
        }
    }
    env.agenda.set_why({env.agenda.why().cause, r.origin});
    if (!r.e.poll) {
        env.log.line(cpu, Line::mcelog_triggering, cpu);
        co_await rendezvous_.call_handler(cpu);
        core_.injected[cpu].active = false;
        env.log.line(cpu, Line::mcelog_done, cpu);
    } else if (r.e.status != 0) {
        env.log.line(cpu, Line::mcelog_poll_start, cpu);
        const Poller::Result found = poller_.machine_check_poll(cpu, 0, ~std::uint64_t{0});
        core_.injected[cpu].active = false;
        core_.notify_irq(cpu);
        env.log.line(cpu, Line::mcelog_poll_done, cpu);
        if (found.logged) co_await core_.irq_work(cpu);
    } else {
        core_.injected[cpu].active = false;
    }
}

}  // namespace mcemu::kernel
