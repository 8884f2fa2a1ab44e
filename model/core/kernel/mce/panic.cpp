#include "core/kernel/mce/panic.hpp"

#include <cstdio>

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {

using namespace mca;

// pr_emerg_ratelimited(): the default limiter, 10 lines in 5 s.
Panic::Panic(MceCore& core) : core_(core), mcelog_limit_(std::chrono::seconds(5), 10) {}

// %pS: name and offset, or the bare number outside of kernel and modules.
std::uint32_t Panic::symbol(std::uint64_t ip) const {
    char text[96];
    if (const CopyRoutine* r = copy_routine(ip)) {
        const std::string_view name = core_.v6 ? r->name_v6 : r->name_v4;
        std::snprintf(text, sizeof text, "%.*s+0x%llx/0x%llx", static_cast<int>(name.size()),
                      name.data(), static_cast<unsigned long long>(ip - r->begin),
                      static_cast<unsigned long long>(kCopyRoutineSize));
    } else if (ip == kIpIdle) {
        std::snprintf(text, sizeof text, "default_idle+0x1d/0x140");
    } else {
        std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(ip));
    }
    return core_.env.names.intern(text);
}

void Panic::print_record(CpuId cpu, const MceRecord& m) {
    Printk& log = core_.env.log;
    const auto bank = static_cast<std::uint64_t>(static_cast<std::int64_t>(m.bank));
    log.line(cpu, Line::mce_cpu, m.extcpu, (m.mcgstatus & MCG_STATUS_MCIP) != 0, m.mcgstatus, bank,
             m.status);
    constexpr std::uint8_t kKernelCs = 0x10;
    if (m.ip)
        log.line(cpu, Line::mce_rip, !(m.mcgstatus & MCG_STATUS_EIPV), m.cs, m.ip,
                 m.cs == kKernelCs ? symbol(m.ip) : 0);
    log.line(cpu, Line::mce_tsc, m.tsc, m.addr, m.misc, core_.env.profile.prints_ppin ? m.ppin : 0);
    log.line(cpu, Line::mce_processor, m.cpuvendor, m.cpuid, m.time, m.socketid, m.apicid,
             m.microcode);
}

void Panic::print_mce(CpuId cpu, const MceRecord& m) {
    print_record(cpu, m);
    unsigned missed = 0;
    if (mcelog_limit_.allow(core_.env.agenda.now(), &missed))
        core_.env.log.line(cpu, Line::mce_run_mcelog);
}

void Panic::mce_panic(CpuId cpu, std::string_view msg, const MceRecord* final,
                      std::string_view exp) {
    Env& env = core_.env;
    const bool fake = env.config.fake_panic;
    if (fake && std::exchange(fake_panicked_, true)) return;
    if (panicked_) return;  // another CPU's panic is under way; this one waits for it

    // Records that the pool still holds, corrected ones first, the fatal one last.
    const std::vector<RecordPool::Entry> pending = core_.pool.detach_unique();
    for (const auto& e : pending) core_.taken(e.record, LoggedRecord::Taken::panic);
    for (const auto& e : pending)
        if (!(e.record.status & MCI_STATUS_UC)) print_mce(cpu, e.record);
    for (const auto& e : pending)
        if ((e.record.status & MCI_STATUS_UC) && (!final || !same_error(e.record, *final)))
            print_mce(cpu, e.record);
    if (final) print_mce(cpu, *final);
    if (cpu_missing) env.log.line(cpu, Line::mce_cpus_missing_sync);
    if (!exp.empty()) env.log.line(cpu, Line::mce_machine_check, env.names.intern(exp));

    if (fake) {
        env.log.line(cpu, Line::mce_fake_panic, env.names.intern(msg));
        for (const auto& e : pending)
            env.fates.mark(e.record.origin, Fate::logged, FateReason::kernel_record, e.why.cause);
        return;
    }
    for (const auto& e : pending) suspect(e.record.origin);
    if (final) suspect(final->origin);
    panic(cpu, env.names.intern(msg));
}

void Panic::panic(CpuId cpu, std::uint32_t reason_name) {
    if (panicked_) return;
    panicked_ = true;
    Env& env = core_.env;
    const std::uint64_t index = env.log.printed();
    env.log.line(cpu, Line::panic, reason_name);
    const std::uint32_t id = env.trace.note(Module::kernel, TraceKind::panic, cpu, index);
    suspect(env.agenda.why().origin);
    for (const std::uint32_t origin : suspects_)
        env.fates.mark(origin, Fate::panic, FateReason::kernel_panic, id);
    core_.kernel.outcome = Outcome::panic;
    env.hw.halt();
    env.agenda.stop();
}

}  // namespace mcemu::kernel
