// Errors of the processors: into the banks, and out as #MC or CMCI (mce.md sections 4 to 6, 9).
#include <algorithm>

#include "core/assert.hpp"
#include "hw/processors.hpp"

namespace mcemu::hw {

using kernel::Frame;
using kernel::Instruction;
using mca::CmciResult;
using mca::Logged;
using mca::LogResult;
using mca::NewError;
using mca::UnitError;

namespace {

constexpr unsigned kStepShift = 32;
constexpr std::uint64_t kUserCs = 0x33, kKernelCs = 0x10;

}  // namespace

void Processors::post(SimTime at, Step step, std::uint32_t slot, Causality why) {
    agenda_.post(at, *this, static_cast<std::uint64_t>(step) << kStepShift | slot, why);
}

void Processors::on_agenda(std::uint64_t arg) {
    const auto slot = static_cast<std::uint32_t>(arg);
    switch (static_cast<Step>(arg >> kStepShift)) {
        case Step::log: {
            const Logging entry = logging_.take(slot);
            if (!dead_) log_step(entry);
            break;
        }
        case Step::deliver: {
            on_the_way_.erase(std::find(on_the_way_.begin(), on_the_way_.end(), slot));
            Pending pending = pending_.take(slot);
            deliver_step(pending);
            pending.hits.clear();
            spare_hits_ = std::move(pending.hits);
            break;
        }
        case Step::cmci:
            cmci_step(slot);
            break;
        case Step::phases: {
            const Phases phases = phases_.take(slot);
            if (!dead_) spend(phases);
            break;
        }
    }
}

SimTime Processors::add_phase(Phases& phases, Lat which) {
    MCEMU_ASSERT(phases.count < phases.list.size(), std::to_string(phases.count));
    const SimTime t = latency_.draw(which);
    phases.list[phases.count++] = {which, t};
    return t;
}

void Processors::spend(Phases phases) {
    SimTime t{};
    while (phases.next < phases.count) {
        const Lat which = phases.list[phases.next].first;
        t = phases.list[phases.next++].second;
        trace_.step(Module::cpu, TraceKind::phase, phases.cpu, static_cast<std::uint64_t>(which),
                    t.count());
        if (t > SimTime::zero() && phases.next < phases.count)
            return post(agenda_.now() + t, Step::phases, phases_.put(phases), agenda_.why());
    }
    post(std::max(agenda_.now() + t, phases.not_before), phases.then, phases.slot, agenda_.why());
}

bool Processors::firmware_first(mca::ErrorClass error_class) const {
    return mca_config_.firmware_first == FirmwareFirst::all ||
           (mca_config_.firmware_first == FirmwareFirst::corrected &&
            error_class == mca::ErrorClass::corrected);
}

void Processors::add_firmware(Phases& phases) {
    add_phase(phases, Lat::smi);
    add_phase(phases, Lat::firmware_handler);
}

// ---------------------------------------------------------------- where errors come from

void Processors::consume_poison(CpuId cpu, const Instruction& i, const UnitError& unit,
                                const Answer& a) {
    Logging entry;
    entry.cpu = cpu;
    entry.unit = unit;
    entry.unit.error.origin = origin_of(a.planted_by);
    entry.frame = {i.ip, i.user ? kUserCs : kKernelCs,
                   i.user || contexts_[cpu].running.interrupts_on};
    entry.context_frame = false;
    entry.retiring = mca_.bank(cpu, unit.bank).ctl() != 0;
    log_after_access(entry, a.delay);
}

/// The core's record of what an access met that takes until `delay` from now.
void Processors::log_after_access(const Logging& entry, SimTime delay) {
    Phases phases{.cpu = entry.cpu};
    add_phase(phases, Lat::mc_bank_update);
    // The record at the memory controller comes first (mce.md section 9).
    phases.not_before = last_memory_error_;
    phases.then = Step::log;
    phases.slot = logging_.put(entry);
    post(agenda_.now() + delay, Step::phases, phases_.put(phases),
         {agenda_.why().cause, entry.unit.error.origin});
}

void Processors::speculated_on_poison(CpuId cpu, const Answer& a) {
    Logging entry;
    entry.cpu = cpu;
    switch (mca_config_.speculative_poison) {
        case SpeculativePoison::ucna:
            return;  // the memory controller has said it
        case SpeculativePoison::core_log:
            entry.unit = mca::speculation_noted(mca_.map(), a.poisoned_spa);
            entry.may_signal = false;
            break;
        case SpeculativePoison::machine_check:
            entry.unit =
                mca::poison_consumed(mca_.map(), mca_config_, AccessKind::load, a.poisoned_spa);
            break;
    }
    entry.unit.error.origin = origin_of(a.planted_by);
    log_after_access(entry, a.delay);
}

void Processors::memory_error(const wires::MemoryError& e) {
    using Kind = wires::MemoryError::Kind;
    if (dead_) return;
    MCEMU_ASSERT(e.socket < cpus_.sockets, "socket " + std::to_string(e.socket));
    // Without SER_P there is no UCNA: the error is told when the data is used.
    if (e.kind == Kind::demand_read && !(mca_config_.ucna_on_read && mca_config_.ser)) return;

    Logging entry;
    entry.cpu = mca_.first_of_socket(e.socket);
    Phases phases{.cpu = entry.cpu};
    SimTime at = agenda_.now();
    switch (e.kind) {
        case Kind::demand_read:
            entry.unit = mca::demand_read(mca_.map(), e.channel, e.persistent, e.spa, e.lsb);
            break;
        case Kind::patrol_scrub:
            entry.unit = mca::patrol_scrub(mca_.map(), mca_config_, e.channel, e.spa, e.lsb);
            at += add_phase(phases, Lat::mc_detect);
            break;
        case Kind::write_back:
            entry.unit = mca::write_back(mca_.map(), mca_config_, e.spa, e.lsb);
            at += add_phase(phases, Lat::mc_detect);
            break;
    }
    at += add_phase(phases, Lat::mc_bank_update);
    entry.unit.error.origin = origin_of(e.planted_by);
    last_memory_error_ = std::max(last_memory_error_, at);
    phases.then = Step::log;
    phases.slot = logging_.put(entry);
    const Causality before = agenda_.why();
    agenda_.set_why({before.cause, entry.unit.error.origin});
    spend(phases);
    agenda_.set_why(before);
}

void Processors::inject(const MceEvent& record) {
    const std::uint32_t origin = agenda_.why().origin;
    const auto refused = [&](FateReason reason) {
        fates_.mark(origin, Fate::filtered, reason, agenda_.why().cause);
    };
    if (record.cpu >= cpus_.count()) return refused(FateReason::no_such_cpu);
    if (record.bank >= mca_.map().count()) return refused(FateReason::no_such_bank);
    if (dead_) return;

    NewError error;
    error.status = record.status;
    error.addr = record.addr;
    error.misc = record.misc;
    error.verbatim = true;
    error.origin = origin;
    log_error(record.cpu, record.bank, error, record.poll);
    if (record.poll) return;

    Hit hit;
    hit.affected = {record.cpu, record.mcgstatus};
    hit.origin = origin;
    hit.frame = contexts_[record.cpu].running;
    hit.frame.cs = record.cs_given ? record.cs : record.process >= 0 ? kUserCs : kKernelCs;
    if (record.cs_given || record.ip != 0) hit.frame.ip = record.ip;
    if ((hit.frame.cs & 3) == 3) hit.frame.interrupts_on = true;  // user mode: always
    hit.firmware_first = firmware_first(mca::classify(record.status, mca_config_.ser));
    raise(hit, !record.broadcast, false);
}

// ---------------------------------------------------------------- banks

LogResult Processors::log_error(CpuId cpu, std::uint32_t bank, const NewError& error,
                                bool may_cmci) {
    const LogResult r = mca_.log(cpu, bank, error, agenda_.now());
    ++counters_.errors_logged;
    std::uint32_t id = 0;
    switch (r.what) {
        case Logged::overwrote:
            trace_.note(Module::cpu, TraceKind::bank_overwritten, cpu, bank, r.previous_status,
                        r.previous_record);
            [[fallthrough]];
        case Logged::stored:
            id = trace_.step(Module::cpu, TraceKind::bank_logged, cpu, bank, r.status, error.addr);
            mca_.set_record(cpu, bank, id);
            fates_.mark_for_now(error.origin, Fate::latent, FateReason::left_in_bank, id);
            if (r.what == Logged::overwrote && r.previous_origin != error.origin)
                fates_.mark(r.previous_origin, Fate::overwritten, FateReason::by_newer_error, id,
                            error.origin);
            break;
        case Logged::ignored:
            // It stands in a free bank as written, but nothing there says that it is a record.
            id = trace_.step(Module::cpu, r.latched ? TraceKind::bank_logged : TraceKind::bank_kept,
                             cpu, bank, r.status, r.latched ? error.addr : r.new_status);
            if (r.latched) mca_.set_record(cpu, bank, id);
            fates_.mark_for_now(error.origin, Fate::filtered, FateReason::val_clear, id);
            break;
        case Logged::kept:
        case Logged::filtered:
            id = trace_.step(Module::cpu, TraceKind::bank_kept, cpu, bank, r.status, r.new_status);
            if (r.previous_origin != error.origin)
                fates_.mark(error.origin, Fate::overwritten, FateReason::lost_to_older_error, id,
                            r.previous_origin);
            break;
    }
    if (r.bank_disabled) fates_.mark(error.origin, Fate::filtered, FateReason::bank_disabled, id);
    if (mca_.bank(cpu, bank).valid()) interrupt_out->bank_latched(cpu);

    if (may_cmci) {
        if (r.cmci == CmciResult::fired)
            request_cmci(cpu, bank, error.origin, r.error_class);
        else if (r.cmci == CmciResult::disabled)
            fates_.mark_for_now(error.origin, Fate::filtered, FateReason::cmci_disabled, id);
        else if (r.cmci == CmciResult::below_threshold)
            fates_.mark_for_now(error.origin, Fate::filtered, FateReason::threshold_not_reached,
                                id);
    }
    return r;
}

void Processors::log_step(const Logging& entry) {
    const std::uint32_t bank = entry.unit.bank;
    const LogResult r = log_error(entry.cpu, bank, entry.unit.error, entry.may_signal);
    if (!entry.may_signal || !(r.machine_check || entry.retiring)) return;

    Hit hit;
    hit.affected = {entry.cpu, entry.unit.mcg_status};
    hit.frame = entry.frame;
    hit.context_frame = entry.context_frame;
    hit.origin = entry.unit.error.origin;
    hit.firmware_first = firmware_first(r.error_class);
    const bool local = on_the_way_.empty() && mca_.local_allowed(entry.cpu, bank, r.error_class);
    if (local) hit.affected.mcg_status |= mca::MCG_STATUS_LMCES;
    raise(hit, local, entry.retiring);
}

// ---------------------------------------------------------------- CMCI

void Processors::request_cmci(CpuId cpu, std::uint32_t bank, std::uint32_t origin,
                              mca::ErrorClass error_class) {
    const auto target = mca_.cmci_target(cpu, bank);
    if (!target) {
        fates_.mark_for_now(origin, Fate::filtered, FateReason::cmci_disabled,
                            agenda_.why().cause);
        return;
    }
    // One request bit in the APIC: an interrupt on its way stands for all that come before it is
    // taken, and the handler reads all banks.
    if (std::find(cmci_requested_.begin(), cmci_requested_.end(), *target) != cmci_requested_.end())
        return;
    cmci_requested_.push_back(*target);
    const Causality before = agenda_.why();
    trace_.step(Module::cpu, TraceKind::cmci, *target, bank);
    Phases phases{.cpu = *target};
    if (firmware_first(error_class)) add_firmware(phases);
    add_phase(phases, Lat::cmci_accept);
    add_phase(phases, Lat::cmci_handler);
    phases.then = Step::cmci;
    phases.slot = *target;
    spend(phases);
    agenda_.set_why(before);
}

void Processors::cmci_step(CpuId cpu) {
    if (dead_) return;
    // The handler of a machine check runs with interrupts off.
    if (mca_.in_machine_check(cpu)) {
        cmci_held_.push_back({cpu, agenda_.why()});
        return;
    }
    std::erase(cmci_requested_, cpu);
    if (!mca_.online(cpu)) return;  // went offline meanwhile: the record waits for a poll
    ++counters_.cmcis;
    interrupt_out->cmci(cpu);
}

void Processors::release_cmcis() {
    if (cmci_held_.empty()) return;
    std::erase_if(cmci_held_, [this](const HeldCmci& held) {
        if (mca_.in_machine_check(held.cpu)) return false;
        post(agenda_.now(), Step::cmci, held.cpu, held.why);
        return true;
    });
}

// ---------------------------------------------------------------- #MC

/// Two errors of one CPU meet in one exception: it may be restarted only if both say so.
void Processors::join(Pending& pending, Hit hit) {
    if (pending.broadcast) hit.affected.mcg_status &= ~mca::MCG_STATUS_LMCES;
    for (Hit& known : pending.hits) {
        if (known.affected.cpu != hit.affected.cpu) continue;
        std::uint64_t& a = known.affected.mcg_status;
        const std::uint64_t b = hit.affected.mcg_status;
        a = ((a | b) & ~mca::MCG_STATUS_RIPV) | (a & b & mca::MCG_STATUS_RIPV);
        return;
    }
    pending.hits.push_back(hit);
}

void Processors::raise(const Hit& hit, bool local, bool retiring) {
    trace_.step(Module::cpu, TraceKind::mc_raised, hit.affected.cpu, local ? 0 : 1);
    for (const std::uint32_t slot : on_the_way_) {
        Pending& p = pending_[slot];
        if (p.absorbed) continue;
        if (p.broadcast || (local && p.hits.front().affected.cpu == hit.affected.cpu))
            return join(p, hit);
    }
    Pending fresh;
    fresh.broadcast = !local;
    fresh.hits = std::move(spare_hits_);
    fresh.hits.push_back(hit);
    if (fresh.broadcast) {
        for (const std::uint32_t slot : on_the_way_) {
            Pending& p = pending_[slot];
            for (const Hit& h : p.hits) join(fresh, h);
            p.hits.clear();
            p.absorbed = true;
        }
    }
    const std::uint32_t slot = pending_.put(std::move(fresh));
    on_the_way_.push_back(slot);
    Phases phases{.cpu = hit.affected.cpu};
    if (hit.firmware_first) add_firmware(phases);
    if (retiring) add_phase(phases, Lat::mc_retire);
    add_phase(phases, Lat::mc_microcode);
    phases.then = Step::deliver;
    phases.slot = slot;
    spend(phases);
}

void Processors::deliver_step(const Pending& pending) {
    if (dead_ || pending.absorbed) return;
    affected_.clear();
    for (const Hit& h : pending.hits) affected_.push_back(h.affected);
    const auto fatal =
        pending.broadcast ? mca_.take_broadcast(affected_) : mca_.take_local(affected_.front());
    if (fatal) return shut_down(*fatal, pending.hits);

    handled_.clear();
    for (const Hit& h : pending.hits) handled_.push_back(h.origin);
    ++delivery_number_;
    if (pending.broadcast) last_broadcast_ = delivery_number_;
    for (const Hit& h : pending.hits) {
        Context& c = contexts_[h.affected.cpu];
        c.exception = h.context_frame ? c.running : h.frame;
        c.delivery = delivery_number_;
    }
    ++counters_.machine_checks;
    fill_delivery(pending);
    trace_.step(Module::cpu, TraceKind::mc_taken, delivery_.first,
                pending.broadcast ? mca_.online_count() : 1);
    interrupt_out->machine_check(delivery_);
}

SimTime Processors::draw_skew(CpuId first, CpuId cpu) {
    return latency_.draw(cpus_.socket_of(first) == cpus_.socket_of(cpu) ? Lat::mc_skew
                                                                        : Lat::mc_broadcast);
}

void Processors::fill_delivery(const Pending& pending) {
    kernel::McDelivery& d = delivery_;
    d.broadcast = pending.broadcast;
    d.first = pending.hits.front().affected.cpu;
    d.cpus_per_socket = mca_.map().cpus_per(mca::Scope::package);
    d.skew.clear();
    d.missing.clear();
    d.skew_same_socket = d.skew_other_socket = {};
    if (!d.broadcast) return;
    d.missing = mca_config_.stuck_cpus;

    const auto fixed = [this](Lat which) {
        return latency_.distribution(which).kind == Distribution::Kind::fixed;
    };
    // CPUs with an error of their own do not wait for the message of another.
    for (const Hit& h : pending.hits)
        if (h.affected.cpu != d.first) d.skew.emplace_back(h.affected.cpu, SimTime{});
    std::sort(d.skew.begin(), d.skew.end());
    if (fixed(Lat::mc_skew) && fixed(Lat::mc_broadcast)) {
        d.skew_same_socket = latency_.draw(Lat::mc_skew);
        d.skew_other_socket = latency_.draw(Lat::mc_broadcast);
        return;
    }
    const auto own = d.skew;
    d.skew.clear();
    auto next = own.begin();
    for (CpuId cpu = 0; cpu < cpus_.count(); ++cpu) {
        if (next != own.end() && next->first == cpu)
            d.skew.push_back(*next++);
        else if (cpu != d.first && mca_.online(cpu))
            d.skew.emplace_back(cpu, draw_skew(d.first, cpu));
    }
}

void Processors::shut_down(const mca::Shutdown& why, const std::vector<Hit>& hits) {
    dead_ = true;
    const std::uint32_t id = trace_.step(Module::cpu, TraceKind::shutdown, why.cpu,
                                         static_cast<std::uint64_t>(why.reason));
    const FateReason reason = why.reason == mca::ShutdownReason::mcip_set
                                  ? FateReason::mcip_set
                                  : FateReason::cr4_mce_clear;
    for (const Hit& h : hits) fates_.mark(h.origin, Fate::shutdown, reason, id);
    // The handler that set MCIP never ends: its own event goes down with it.
    if (reason == FateReason::mcip_set)
        for (const std::uint32_t origin : handled_)
            if (origin != 0 && origin <= fates_.size() && fates_[origin - 1].fate < Fate::consumed)
                fates_.mark(origin, Fate::shutdown, reason, id);
    interrupt_out->shutdown(why.cpu);
}

}  // namespace mcemu::hw
