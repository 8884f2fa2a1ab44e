#include "core/kernel/ghes.hpp"

#include "core/kernel/kernel.hpp"
#include "core/mca/severity.hpp"

namespace mcemu::kernel {
namespace {

using CperSeverity = CperEvent::Severity;

constexpr CpuId kCpu = 0;  // polled sources: their timer runs on the boot CPU
constexpr std::size_t GHES_ESTATUS_CACHES_SIZE = 4;
constexpr SimTime GHES_ESTATUS_IN_CACHE_MAX = std::chrono::seconds(10);

std::string_view severity_word(CperSeverity s) {
    switch (s) {
        case CperSeverity::recoverable: return "recoverable";
        case CperSeverity::fatal: return "fatal";
        case CperSeverity::corrected: return "corrected";
        case CperSeverity::info: return "info";
    }
    return "unknown";
}

/// Not above GHES_SEV_CORRECTED: printed as a warning.
bool is_mild(CperSeverity s) { return s == CperSeverity::corrected || s == CperSeverity::info; }

bool same_block(const CperEvent& a, const CperEvent& b) {
    return a.severity == b.severity && a.address == b.address && a.mask == b.mask &&
           a.source == b.source && a.error_type == b.error_type &&
           a.threshold_exceeded == b.threshold_exceeded;
}

}  // namespace

// ghes_print_estatus(): no more than 2 blocks in 5 s of either kind. Invalid addresses go through
// the default limiter of printk, 10 in 5 s.
Ghes::Ghes(Kernel& kernel)
    : kernel_(kernel),
      corrected_limit_(std::chrono::seconds(5), 2),
      uncorrected_limit_(std::chrono::seconds(5), 2),
      invalid_limit_(std::chrono::seconds(5), 10) {}

void Ghes::report(const CperEvent& record) {
    const Causality mine = kernel_.env.agenda.why();
    kernel_.env.flows.spawn([&] { return handle(record); });
    kernel_.env.agenda.set_why(mine);
}

// ghes_proc(): a fatal block is printed and panics; else print, then act on each section.
Task<void> Ghes::handle(CperEvent record) {
    Env& env = kernel_.env;
    co_await phase(env, kCpu, Lat::kernel_ghes);
    const std::uint32_t id =
        env.trace.step(Module::kernel, TraceKind::ghes, kCpu,
                       static_cast<std::uint64_t>(record.severity), record.address.value_or(0));
    env.fates.mark(env.agenda.why().origin, Fate::logged, FateReason::kernel_record, id);
    if (record.severity == CperSeverity::fatal) {
        print_lines(record);
        kernel_.machine_check_core.panic(kCpu, env.names.intern("Fatal hardware error!"));
        co_return;
    }
    if (!cached(record) && print(record)) remember(record);
    if (!record.address) co_return;
    report_memory_error(record);
    // The status block is read with interrupts on: the self-interrupt that starts the record's
    // worker comes before the page is queued, so its line comes first (records of 4.18, 4.19).
    co_await phase(env, kCpu, Lat::kernel_irq_work);
    handle_memory_failure(record);
}

bool Ghes::cached(const CperEvent& record) const {
    for (const Cached& c : cache_)
        if (same_block(c.record, record) &&
            kernel_.env.agenda.now() - c.at < GHES_ESTATUS_IN_CACHE_MAX)
            return true;
    return false;
}

void Ghes::remember(const CperEvent& record) {
    if (cache_.size() == GHES_ESTATUS_CACHES_SIZE) cache_.pop_front();
    cache_.push_back({record, kernel_.env.agenda.now()});
}

bool Ghes::print(const CperEvent& record) {
    RateLimit& limit = is_mild(record.severity) ? corrected_limit_ : uncorrected_limit_;
    unsigned missed = 0;
    const bool allowed = limit.allow(kernel_.env.agenda.now(), &missed);
    if (missed) kernel_.env.log.line(kCpu, Line::ghes_suppressed, missed);
    if (allowed) print_lines(record);
    return allowed;
}

// cper_estatus_print() with one memory section.
void Ghes::print_lines(const CperEvent& record) {
    Printk& log = kernel_.env.log;
    const std::uint64_t n = ++sequence_;
    const std::uint64_t level = is_mild(record.severity) ? kGhesCorrected : kGhesNotCorrected;
    const std::uint64_t word = kernel_.env.names.intern(severity_word(record.severity));
    log.line(kCpu, Line::ghes_source, n, record.source, level);
    if (record.severity == CperSeverity::corrected) log.line(kCpu, Line::ghes_corrected, n);
    log.line(kCpu, Line::ghes_severity, n, word, level);
    log.line(kCpu, Line::ghes_error, n, 0, word, level);
    log.line(kCpu, Line::ghes_section, n, level);
    if (record.address) log.line(kCpu, Line::ghes_address, n, *record.address, level);
    if (record.mask) log.line(kCpu, Line::ghes_mask, n, *record.mask, level);
    if (record.error_type) log.line(kCpu, Line::ghes_type, n, *record.error_type, level);
}

// apei_mce_report_mem_error(): a faked memory read error on an unknown channel. Since v6.1 it
// carries the radius of the error in MISC.
void Ghes::report_memory_error(const CperEvent& record) {
    using namespace mca;
    Env& env = kernel_.env;
    const CpuConfig& cpus = env.machine.cpus;
    MceRecord m;
    m.bank = -1;
    m.status = MCI_STATUS_VAL | MCI_STATUS_EN | MCI_STATUS_ADDRV | 0x9f;
    if (!is_mild(record.severity)) m.status |= MCI_STATUS_UC;
    if (env.profile.task_work) {
        unsigned lsb = kPageShift;
        for (unsigned bit = 0; record.mask && bit < kPageShift; ++bit)
            if (*record.mask >> bit & 1) {
                lsb = bit;
                break;
            }
        m.status |= MCI_STATUS_MISCV;
        m.misc = make_misc(lsb);
    }
    m.addr = *record.address;
    m.time = env.machine.wall_time +
             static_cast<std::uint64_t>(
                 std::chrono::duration_cast<std::chrono::seconds>(env.agenda.now()).count());
    m.ppin = cpus.ppin;
    m.cpuid = cpus.cpuid_eax;
    m.microcode = cpus.microcode;
    m.extcpu = m.apicid = kCpu;
    m.origin = env.agenda.why().origin;
    m.source = mca::RecordSource::firmware;
    kernel_.machine_check_core.log(kCpu, m);
}

// ghes_handle_memory_failure().
void Ghes::handle_memory_failure(const CperEvent& record) {
    Env& env = kernel_.env;
    const bool soft = record.severity == CperSeverity::corrected && record.threshold_exceeded;
    const bool hard = record.severity == CperSeverity::recoverable;
    // v4.x looks at the address first, v6.1 only when there is something to do.
    if (env.profile.task_work && !soft && !hard) return;
    const Pfn pfn = pfn_of(*record.address);
    if (kernel_.memory.kind(pfn) == MemoryKind::none) {
        unsigned missed = 0;
        if (invalid_limit_.allow(env.agenda.now(), &missed))
            env.log.line(kCpu, Line::ghes_invalid_address, *record.address);
        return;
    }
    if (soft) kernel_.memory_failure.queue(kCpu, pfn, MF_SOFT_OFFLINE);
    if (hard) kernel_.memory_failure.queue(kCpu, pfn, 0);
}

}  // namespace mcemu::kernel
