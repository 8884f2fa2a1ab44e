#include "core/kernel/mce/handler.hpp"

#include <bit>

namespace mcemu::kernel {

using namespace mca;
using enum Severity;

void Handler::gather(McCpu& c) const {
    c.m = core_.gather(c.cpu, &c.frame);
    c.m.tsc = core_.read(c.cpu, MSR_IA32_TSC);
    c.seen = c.m;
}

void Handler::pre_scan(McCpu& c) {
    MceRecord& m = c.m;
    for (std::uint64_t todo = core_.valid_banks(c.cpu); todo; todo &= todo - 1) {
        const auto bank = static_cast<std::uint32_t>(std::countr_zero(todo));
        m.status = core_.read(c.cpu, msr_mci_status(bank));
        if (!(m.status & MCI_STATUS_VAL)) continue;
        c.valid_banks |= 1ull << bank;
        if (core_.env.profile.local_panic_prints_bank) m.bank = static_cast<std::int32_t>(bank);
        m.origin = core_.origin(c.cpu, bank);
        panic_.suspect(m.origin);
        const Grade g = core_.grade(m, true, true);
        if (g.severity < MCE_PANIC_SEVERITY) continue;
        c.no_way_out = true;  // the banks behind this one are not looked at any more
        c.msg = g.message;
        core_.read_aux(c.cpu, bank, m);
        break;
    }
    c.kill_it = !(m.mcgstatus & MCG_STATUS_RIPV);
}

void Handler::leave_bank(const McCpu& c, std::uint32_t bank, Severity severity) {
    Env& env = core_.env;
    const std::uint32_t id =
        core_.note_dropped(c.cpu, bank, severity, DropReason::left_in_bank);
    env.fates.mark(core_.origin(c.cpu, bank), Fate::latent, FateReason::left_in_bank, id);
}

void Handler::scan(McCpu& c) {
    Env& env = core_.env;
    MceRecord& m = c.m;
    for (std::uint64_t todo = c.valid_banks & core_.examined; todo; todo &= todo - 1) {
        const auto bank = static_cast<std::uint32_t>(std::countr_zero(todo));
        m.misc = m.addr = 0;
        m.bank = static_cast<std::int32_t>(bank);
        m.status = core_.read(c.cpu, msr_mci_status(bank));
        if (!(m.status & MCI_STATUS_VAL)) continue;  // a CPU before this one took it

        const bool signalled = m.status & (core_.ser ? MCI_STATUS_S : MCI_STATUS_UC);
        if (!signalled && !c.no_way_out) {
            leave_bank(c, bank, MCE_NO_SEVERITY);
            continue;
        }
        c.tainted = true;
        if (!env.profile.taint_after_rendezvous) core_.add_taint(c.cpu);

        const Severity severity = core_.grade(m, true, true).severity;
        if ((severity == MCE_KEEP_SEVERITY || severity == MCE_UCNA_SEVERITY) && !c.no_way_out) {
            leave_bank(c, bank, severity);
            continue;
        }
        c.to_clear |= 1ull << bank;
        m.origin = core_.origin(c.cpu, bank);
        if (severity == MCE_NO_SEVERITY) {  // not enabled: cleared, never logged
            const bool stays = c.no_way_out;
            const std::uint32_t id =
                core_.note_dropped(c.cpu, bank, severity,
                                   stays ? DropReason::left_in_bank : DropReason::not_enabled);
            env.fates.mark(m.origin, stays ? Fate::latent : Fate::filtered,
                           stays ? FateReason::left_in_bank : FateReason::en_clear, id);
            continue;
        }
        core_.read_aux(c.cpu, bank, m);
        m.severity = static_cast<std::uint8_t>(severity);
        panic_.suspect(m.origin);
        if (core_.log(c.cpu, m)) c.logged = true;
        if (severity > c.worst) {
            c.seen = m;
            c.worst = severity;
        }
    }
    m = c.seen;
}

void Handler::clear_banks(McCpu& c) {
    if (c.no_way_out) return;
    for (std::uint64_t todo = c.to_clear; todo; todo &= todo - 1) {
        const auto bank = static_cast<std::uint32_t>(std::countr_zero(todo));
        core_.write(c.cpu, msr_mci_status(bank), 0);
    }
}

}  // namespace mcemu::kernel
