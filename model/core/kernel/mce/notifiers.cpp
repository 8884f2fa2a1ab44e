#include "core/kernel/mce/notifiers.hpp"

#include <utility>

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {

using namespace mca;

Task<void> Notifiers::process(Context& ctx) {
    Env& env = core_.env;
    std::vector<RecordPool::Entry> entries = core_.pool.detach();
    for (RecordPool::Entry& entry : entries) {
        env.agenda.set_why(entry.why);
        env.fates.mark(entry.record.origin, Fate::logged, FateReason::kernel_record,
                       entry.why.cause);
        core_.taken(entry.record, LoggedRecord::Taken::notifiers);
        co_await chain(ctx, entry.record);
        core_.pool.release();
    }
    core_.pool.recycle(std::move(entries));
}

void Notifiers::note(CpuId cpu, Notifier which, const MceRecord& m) {
    core_.env.trace.step(Module::kernel, TraceKind::notifier, cpu,
                         static_cast<std::uint64_t>(which), m.status);
}

// Order of priority: v4.x first, SRAO, EXTLOG, NFIT, EDAC, MCELOG, default; v6.1 CEC, early, UC,
// EXTLOG, NFIT, EDAC, MCELOG, default (include/asm/mce.h, enum mce_notifier_prios).
Task<void> Notifiers::chain(Context& ctx, MceRecord& m) {
    Env& env = core_.env;
    const KernelConfig& loaded = env.config;

    if (loaded.cec) {
        co_await phase(env, ctx.cpu, Lat::kernel_notifier);
        note(ctx.cpu, Notifier::cec, m);
        const bool eaten = cec_.swallow(ctx.cpu, m);
        if (eaten && !core_.v6) co_return;  // v4.x: the first notifier stops the chain
        if (eaten) m.kflags |= MCE_HANDLED_CEC;
    }

    co_await phase(env, ctx.cpu, Lat::kernel_notifier);
    note(ctx.cpu, Notifier::first, m);
    core_.set_need_notify();
    core_.notify_irq(ctx.cpu);

    co_await phase(env, ctx.cpu, Lat::kernel_notifier);
    note(ctx.cpu, Notifier::uc, m);
    co_await srao_or_uc(ctx, m);

    if (loaded.extlog) {
        // Acts only on records that firmware described in its own error log: there are none here.
        co_await phase(env, ctx.cpu, Lat::kernel_notifier);
        note(ctx.cpu, Notifier::extlog, m);
    }
    if (loaded.nfit) {
        co_await phase(env, ctx.cpu, Lat::kernel_notifier);
        note(ctx.cpu, Notifier::nfit, m);
        const bool matched = co_await core_.kernel.libnvdimm.nfit_notifier(ctx, m);
        if (matched && env.profile.nfit_sets_handled) m.kflags |= MCE_HANDLED_NFIT;
    }
    if (loaded.edac) {
        // skx_edac takes memory controller errors with an address and says so on debug level.
        co_await phase(env, ctx.cpu, Lat::kernel_notifier);
        note(ctx.cpu, Notifier::edac, m);
        const bool from_controller = (m.status & 0xef80) == 0x80;
        if (from_controller && (m.status & MCI_STATUS_ADDRV)) m.kflags |= MCE_HANDLED_EDAC;
    }
    if (loaded.mcelog) {
        co_await phase(env, ctx.cpu, Lat::kernel_notifier);
        note(ctx.cpu, Notifier::mcelog, m);
        m.kflags |= MCE_HANDLED_MCELOG;
    }

    co_await phase(env, ctx.cpu, Lat::kernel_notifier);
    note(ctx.cpu, Notifier::default_printer, m);
    if (printer_prints(m)) panic_.print_record(ctx.cpu, m);
}

// srao_decode_notifier(), v4.x; uc_decode_notifier(), v6.1.
Task<void> Notifiers::srao_or_uc(Context& ctx, MceRecord& m) {
    if (!usable_address(m)) return Task<void>::ended();
    const auto severity = static_cast<Severity>(m.severity);
    const bool optional = severity == Severity::MCE_AO_SEVERITY;
    const bool deferred = severity == Severity::MCE_UCNA_SEVERITY;
    const bool takes = optional || (deferred && core_.env.profile.uc_notifier_handles_ucna);
    return takes ? lose_page(ctx, m) : Task<void>::ended();
}

Task<void> Notifiers::lose_page(Context& ctx, MceRecord& m) {
    Env& env = core_.env;
    const Pfn pfn = pfn_of(m.addr);
    const int ret = co_await core_.kernel.memory_failure.memory_failure(ctx, pfn, 0);
    if (panic_.panicked()) co_await Never{};
    if (ret != 0) co_return;
    env.fates.mark(m.origin, Fate::consumed, FateReason::memory_failure, env.agenda.why().cause);
    co_await core_.kernel.nospec.set_mce_nospec(ctx, pfn);
    if (core_.v6) m.kflags |= MCE_HANDLED_UC;
}

// v4.x: somebody beside the first, the SRAO and the default notifier will have decoded it
// (num_notifiers > NUM_DEFAULT_NOTIFIERS). v6.1: nobody claimed the record.
bool Notifiers::printer_prints(const MceRecord& m) const {
    const KernelConfig& c = core_.env.config;
    if (core_.env.profile.printer_looks_at_kflags) return c.print_all || m.kflags == 0;
    return !c.nfit && !c.edac && !c.mcelog && !c.extlog;
}

}  // namespace mcemu::kernel
