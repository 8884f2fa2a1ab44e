#include "core/kernel/mce/core.hpp"

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {
namespace {

using namespace mca;

constexpr CopyRoutine kCopyRoutines[] = {
    {kIpCopyMcSafe, "__memcpy_mcsafe", "copy_mc_enhanced_fast_string", true, false},
    {kIpCopyFromUser, "copy_user_enhanced_fast_string", "copy_user_enhanced_fast_string", false,
     true},
    {kIpCopyPlain, "memcpy_erms", "memcpy_erms", false, false},
};

}  // namespace

const CopyRoutine* copy_routine(std::uint64_t ip) {
    for (const CopyRoutine& r : kCopyRoutines)
        if (ip >= r.begin && ip - r.begin < kCopyRoutineSize) return &r;
    return nullptr;
}

// Limits: DEFINE_RATELIMIT_STATE(ratelimit, 60*HZ, 2) in mce_notify_irq(); the default limiter of
// printk, 10 in 5 s, for the full pool.
MceCore::MceCore(Kernel& k)
    : kernel(k),
      env(k.env),
      v6(k.env.profile.task_work),
      grader(v6 ? SeverityGrader::Rules::v6 : SeverityGrader::Rules::v4,
             k.env.profile.grades_kernel_uc_as_panic),
      pool(k.env.profile.record_pool_capacity),
      notify_limit_(std::chrono::seconds(60), 2),
      pool_full_limit_(std::chrono::seconds(5), 10) {
    kernel.workqueue.on_busy([this](CpuId cpu, bool busy) {
        if (busy)
            kernel.processes.begin_kernel_work(cpu);
        else
            kernel.processes.end_kernel_work(cpu);
    });
}

void MceCore::set_online(CpuId cpu, bool is_online) {
    if (is_online)
        offline_.erase(cpu);
    else
        offline_.insert(cpu);
}

MceRecord MceCore::setup(CpuId cpu) const {
    const CpuConfig& c = env.machine.cpus;
    MceRecord m;
    m.time = env.machine.wall_time +
             static_cast<std::uint64_t>(
                 std::chrono::duration_cast<std::chrono::seconds>(env.agenda.now()).count());
    m.ppin = c.ppin;
    m.cpuid = c.cpuid_eax;
    m.socketid = cpu / (c.cores * c.threads);
    m.apicid = cpu;
    m.microcode = c.microcode;
    m.extcpu = cpu;
    return m;
}

MceRecord MceCore::gather(CpuId cpu, const Frame* frame) const {
    MceRecord m = setup(cpu);
    m.mcgstatus = read(cpu, MSR_IA32_MCG_STATUS);
    if (frame && (m.mcgstatus & (MCG_STATUS_RIPV | MCG_STATUS_EIPV))) {
        m.ip = frame->ip;
        m.cs = static_cast<std::uint8_t>(frame->cs);
    }
    return m;
}

void MceCore::read_aux(CpuId cpu, std::uint32_t bank, MceRecord& m) const {
    if (m.status & MCI_STATUS_MISCV) m.misc = read(cpu, msr_mci_misc(bank));
    if (m.status & MCI_STATUS_ADDRV) {
        m.addr = read(cpu, msr_mci_addr(bank));
        if (ser && (m.status & MCI_STATUS_MISCV))
            m.addr = round_down(m.addr, 1ull << misc_lsb(m.misc));
    }
}

const InjectedRegisters* MceCore::injected_on(CpuId cpu) const {
    if (injected.empty()) return nullptr;
    const auto it = injected.find(cpu);
    return it != injected.end() && it->second.active ? &it->second : nullptr;
}

namespace {

/// Where `registers` keeps what `msr` reads (msr_to_offset()); null: that MSR reads as 0.
template <class R>
auto* injected_register(R& registers, std::uint32_t msr) {
    if (msr == MSR_IA32_MCG_STATUS) return &registers.mcgstatus;
    if (msr == msr_mci_status(registers.bank)) return &registers.status;
    if (msr == msr_mci_addr(registers.bank)) return &registers.addr;
    if (msr == msr_mci_misc(registers.bank)) return &registers.misc;
    return static_cast<decltype(&registers.misc)>(nullptr);
}

constexpr bool is_error_register(std::uint32_t msr) {
    return msr == MSR_IA32_MCG_STATUS ||
           (msr >= MSR_IA32_MC0_CTL && msr < msr_mci_ctl(32) && (msr & 3) != 0);
}

}  // namespace

std::uint64_t MceCore::read(CpuId cpu, std::uint32_t msr) const {
    const InjectedRegisters* r = is_error_register(msr) ? injected_on(cpu) : nullptr;
    if (!r) return env.hw.rdmsr(cpu, msr).value_or(0);
    const std::uint64_t* value = injected_register(*r, msr);
    return value ? *value : 0;
}

void MceCore::write(CpuId cpu, std::uint32_t msr, std::uint64_t value) {
    if (!is_error_register(msr) || !injected_on(cpu)) {
        env.hw.wrmsr(cpu, msr, value);
    } else if (std::uint64_t* r = injected_register(injected[cpu], msr)) {
        *r = value;
    }
}

std::uint64_t MceCore::valid_banks(CpuId cpu) const {
    const InjectedRegisters* r = injected_on(cpu);
    if (!r) return env.hw.valid_banks(cpu);
    return (r->status & MCI_STATUS_VAL) && r->bank < banks ? std::uint64_t{1} << r->bank : 0;
}

Frame MceCore::frame(CpuId cpu) const {
    const InjectedRegisters* r = injected_on(cpu);
    return r ? r->frame : env.hw.frame(cpu);
}

std::uint32_t MceCore::origin(CpuId cpu, std::uint32_t bank) const {
    if (const InjectedRegisters* r = injected_on(cpu)) return r->origin;
    const std::uint32_t known = env.hw.bank_origin(cpu, bank);
    return known ? known : env.agenda.why().origin;
}

// kernel.md 1.11. What the real kernel decodes from the interrupted instruction, the stub knows
// from the copy routine that it is in.
ErrorContext MceCore::error_context(MceRecord& m, bool has_regs) const {
    if ((m.cs & 3) == 3) return ErrorContext::user;
    const std::uint64_t both = MCG_STATUS_RIPV | MCG_STATUS_EIPV;
    const CopyRoutine* routine = copy_routine(m.ip);
    if ((m.mcgstatus & both) != both || !routine) return ErrorContext::kernel;
    if (v6 && routine->from_user) {
        if (!has_regs || !env.profile.copyin_recovers) return ErrorContext::kernel;
        m.kflags |= MCE_IN_KERNEL_COPYIN;
    } else if (!routine->mc_safe) {
        return ErrorContext::kernel;
    }
    if (v6) m.kflags |= MCE_IN_KERNEL_RECOV;
    return ErrorContext::kernel_recov;
}

Grade MceCore::grade(MceRecord& m, bool from_exception, bool has_regs) {
    GradingInput in;
    in.ser = ser;
    in.from_exception = from_exception;
    in.context = error_context(m, has_regs);
    in.tolerant = env.config.tolerant;
    return grader.grade(m, in);
}

// filter_mce(), v6.1: bank 0 of Haswell, Broadwell and Skylake-X logs corrected internal parity
// errors that mean nothing (errata HSD131, HSM142, HSW131, BDM48, SKX...; kernel.md 1.14).
bool MceCore::filtered(const MceRecord& m) const {
    if (!v6 || m.bank != 0 || (m.status & 0xa0000000ffffffff) != 0x80000000000f0005) return false;
    const std::uint32_t model = ((m.cpuid >> 4) & 0xf) | ((m.cpuid >> 12) & 0xf0);
    return ((m.cpuid >> 8) & 0xf) == 6 &&
           (model == 0x3c || model == 0x45 || model == 0x46 || model == 0x3d || model == 0x55);
}

bool MceCore::log(CpuId cpu, MceRecord m) {
    // Enough for every record that a reader of the result looks at one by one.
    constexpr std::size_t kHistory = 65536;
    const Causality before = env.agenda.why();
    m.number = history.size() < kHistory ? static_cast<std::uint32_t>(history.size()) + 1 : 0;
    env.agenda.set_why({before.cause, m.origin});
    const auto bank = static_cast<std::uint64_t>(static_cast<std::int64_t>(m.bank));
    const auto severity = static_cast<Severity>(m.severity);
    env.trace.step(Module::kernel, TraceKind::mce_record, cpu, bank, m.status, m.severity);
    bool added = false;
    if (filtered(m)) {
        env.fates.mark(m.origin, Fate::filtered, FateReason::filtered_by_kernel,
                       note_dropped(cpu, bank, severity, DropReason::filtered));
    } else if (pool.add(m, env.agenda.why())) {
        ++env.counters.records;
        added = true;
        if (m.number != 0) history.push_back({.at = env.agenda.now(), .record = m});
    } else {
        ++env.counters.records_lost;
        env.fates.mark(m.origin, Fate::filtered, FateReason::pool_full,
                       note_dropped(cpu, bank, severity, DropReason::pool_full));
        unsigned missed = 0;
        if (pool_full_limit_.allow(env.agenda.now(), &missed))
            env.log.line(cpu, Line::mce_pool_full);
    }
    env.agenda.set_why(before);
    return added;
}

Task<void> MceCore::irq_work(CpuId cpu) {
    co_await phase(env, cpu, Lat::kernel_irq_work);
    schedule_work(cpu);
}

void MceCore::schedule_work(CpuId cpu) {
    if (pool.empty() || work_pending_) return;
    work_pending_ = true;
    // A work item never runs twice at a time: while it runs, it is queued where it runs. If that
    // worker has died, it never runs again (kernel.md 5.3, strict_4_19_0).
    const CpuId where = work_running_on_ == kNoCpu ? cpu : work_running_on_;
    kernel.workqueue.schedule(where, [this](Context& ctx) { return work(ctx); });
}

Task<void> MceCore::work(Context& ctx) {
    work_pending_ = false;
    work_running_on_ = ctx.cpu;
    co_await process_records(ctx);
    work_running_on_ = kNoCpu;
}

bool MceCore::notify_irq(CpuId cpu) {
    if (!need_notify_) return false;
    need_notify_ = false;
    unsigned missed = 0;
    const bool allowed = notify_limit_.allow(env.agenda.now(), &missed);
    if (missed) env.log.line(cpu, Line::notify_suppressed, missed);
    if (allowed) env.log.line(cpu, Line::mce_events_logged);
    return true;
}

void MceCore::add_taint(CpuId cpu) {
    if (tainted_ || env.config.tainted) return;
    tainted_ = true;
    env.log.line(cpu, Line::lock_debugging_taint);
}

}  // namespace mcemu::kernel
