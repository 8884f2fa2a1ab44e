#include "output/classify.hpp"

#include <algorithm>

#include "core/mca/status.hpp"

namespace mcemu::output {
namespace {

/// The process whose own doing the event is, or -1.
int acting_process(const Action& action) {
    if (const auto* e = std::get_if<MceEvent>(&action)) return e->process;
    if (const auto* e = std::get_if<AccessEvent>(&action)) return static_cast<int>(e->process);
    if (const auto* e = std::get_if<MadviseEvent>(&action)) return static_cast<int>(e->process);
    if (const auto* e = std::get_if<CopyEvent>(&action)) return e->process;
    if (const auto* e = std::get_if<FileIoEvent>(&action)) return static_cast<int>(e->process);
    if (const auto* e = std::get_if<BioEvent>(&action)) return e->process;
    if (const auto* e = std::get_if<CallEvent>(&action)) return e->process;
    return -1;
}

bool uncorrected(const Action& action) {
    if (const auto* cper = std::get_if<CperEvent>(&action))
        return cper->severity == CperEvent::Severity::recoverable ||
               cper->severity == CperEvent::Severity::fatal;
    const auto* mce = std::get_if<MceEvent>(&action);
    return !mce || (mce->status & mca::MCI_STATUS_UC);
}

/// Compound memory-hierarchy or memory-controller error codes, or a generic cache error with an
/// address: errors that have a page (kernel.md 1.16).
bool memory_error_with_address(const Action& action) {
    const auto* mce = std::get_if<MceEvent>(&action);
    if (!mce) return true;  // poison, advice, a page number, a CPER memory section
    return (mce->status & mca::MCI_STATUS_ADDRV) &&
           ((mce->status & 0xef80) == 0x80 || (mce->status & 0xef00) == 0x100 ||
            (mce->status & 0xeffc) == 0xc);
}

bool any_configured_poison(const RunView& view) {
    const auto any = [](const auto& devices) {
        return std::any_of(devices.begin(), devices.end(),
                           [](const auto& ranges) { return !ranges.empty(); });
    };
    return !view.dram_poison.empty() || any(view.nvdimm_poison) || any(view.memdev_poison);
}

/// What was seen, and at which event first; kNobody: not at an event.
class Sight {
public:
    static constexpr int kNobody = -1;
    void at(int event) {
        if (!seen_) event_ = event;
        seen_ = true;
    }
    explicit operator bool() const { return seen_; }
    int event() const { return event_; }

private:
    bool seen_ = false;
    int event_ = kNobody;
};
struct Seen {
    Sight silent, latent, recovered, corrected, masked;
    bool injected = false;
};

void look_at(const Action& action, const EventFate& fate, int event, Seen& seen) {
    switch (fate.fate) {
        case Fate::latent:
            seen.latent.at(event);
            break;
        case Fate::filtered:
            if (fate.reason == FateReason::media_cleared) seen.masked.at(event);
            if ((fate.reason == FateReason::en_clear || fate.reason == FateReason::bank_disabled) &&
                std::holds_alternative<PoisonEvent>(action))
                seen.silent.at(event);
            break;
        case Fate::overwritten:
            (uncorrected(action) ? seen.silent : seen.corrected).at(event);
            break;
        case Fate::logged:
            if (!uncorrected(action))
                seen.corrected.at(event);
            else
                (memory_error_with_address(action) ? seen.latent : seen.recovered).at(event);
            break;
        case Fate::consumed:
            seen.recovered.at(event);
            break;
        case Fate::none:
        case Fate::shutdown:
        case Fate::panic:
            break;
    }
}

}  // namespace

bool bystander_killed(const RunView& view, std::uint32_t index) {
    const kernel::Process& process = view.kernel.processes[index];
    if (process.state != kernel::ProcessState::killed) return false;
    const auto& signals = view.kernel.processes.signals();
    const auto killer =
        std::find_if(signals.rbegin(), signals.rend(), [&](const kernel::SignalRecord& s) {
            return s.process == index && s.signo == process.killed_by;
        });
    if (killer == signals.rend()) return false;
    // A fault on poison, or advice to somebody who has the page mapped.
    if (killer->signo == 7 && (killer->code >= 1 && killer->code <= 5)) return false;
    if (killer->origin != 0 && killer->origin <= view.scenario.events.size() &&
        acting_process(view.scenario.events[killer->origin - 1].action) == static_cast<int>(index))
        return false;
    // SIGKILL from memory_failure(): the page could not be unmapped, or there was nothing to
    // unmap and the kernel killed all the same; the log tells which (A37, kernel.md 2.10).
    if (killer->signo == 9)
        return std::any_of(view.kernel.log.records().begin(), view.kernel.log.records().end(),
                           [&](const kernel::LogRecord& r) {
                               return r.line == kernel::Line::mf_no_address &&
                                      r.why.origin == killer->origin && r.args[1] == process.comm;
                           });
    return true;
}

Classified classified(const RunView& view, bool late) {
    using Basis = Classified::Basis;
    if (view.kernel.outcome == kernel::Outcome::shutdown) return {"shutdown", Basis::end};
    if (view.kernel.outcome == kernel::Outcome::panic) return {"panic", Basis::end};
    if (view.kernel.counters.oopses > 0) return {"kernel-bug", Basis::oops};
    // The kernel says each time that the error is handled, and it never is (kernel.md 2.9).
    const auto& accesses = view.kernel.processes.accesses();
    if (std::any_of(accesses.begin(), accesses.end(),
                    [](const kernel::AccessRecord& a) { return a.restarts_for_ever; }))
        return {"kernel-bug", Basis::restarts};

    Seen seen;
    for (std::size_t i = 0; i < view.scenario.events.size() && i < view.fates.size(); ++i) {
        seen.injected = seen.injected || view.fates[i].injects;
        look_at(view.scenario.events[i].action, view.fates[i], static_cast<int>(i), seen);
    }
    if (!seen.injected) {
        const kernel::Counters& c = view.kernel.counters;
        if (c.memory_failures > 0 || c.machine_checks > 0)
            seen.recovered.at(Sight::kNobody);
        else if (c.records > 0)
            seen.corrected.at(Sight::kNobody);
        else if (any_configured_poison(view))
            seen.latent.at(Sight::kNobody);
    }
    const auto of = [](std::string_view word, const Sight& sight) {
        return sight.event() == Sight::kNobody ? Classified{word, Basis::configured}
                                               : Classified{word, Basis::event, sight.event()};
    };
    if (seen.silent) return of("silent", seen.silent);
    for (std::uint32_t i = 0; i < view.kernel.processes.size(); ++i)
        if (bystander_killed(view, i))
            return {"over-kill", Basis::process, static_cast<int>(i)};
    if (late) return {"late", Basis::deadline};
    if (seen.latent) return of("latent", seen.latent);
    if (seen.recovered) return of("recovered", seen.recovered);
    if (seen.corrected) return of("corrected", seen.corrected);
    if (seen.masked) return of("masked", seen.masked);
    return {"not-effective", Basis::nothing};
}

std::string_view classify(const RunView& view, bool late) { return classified(view, late).word; }

}  // namespace mcemu::output
