#include "hw/firmware.hpp"

#include "core/renew.hpp"

namespace mcemu::hw {
namespace {

/// The word of an answer that says most, for the trace.
std::uint64_t first_word(DsmEvent::Function function, const kernel::DsmReply& reply) {
    using Function = DsmEvent::Function;
    switch (function) {
        case Function::ars_cap:
            return reply.max_ars_out;
        case Function::ars_start:
            return reply.scrub_time_s;
        case Function::ars_status:
        case Function::inject_status:
            return reply.records.size();
        case Function::clear_error:
            return reply.cleared;
        case Function::translate_spa:
            return reply.dpa;
        default:
            return 0;
    }
}

}  // namespace

Firmware::Firmware(const sc_core::sc_module_name& name, const MachineConfig& machine,
                   Agenda& agenda, Trace& trace, Latency& latency, Fates& fates)
    : sc_module(name),
      agenda_(agenda),
      trace_(trace),
      latency_(latency),
      fates_(fates),
      firmware_(machine, latency, *this) {
    dsm_in.bind(*this);
    watch_in.bind(*this);
}

void Firmware::restart(const MachineConfig& machine) {
    pmem::Modules& modules = *this;
    renew(firmware_, machine, latency_, modules);
    planted_ = 0;
    seen_ = pmem::ArsState::none;
    ars_posted_ = false;
    notifications_.clear();
    reports_.clear();
}

kernel::DsmReply Firmware::dsm(const kernel::DsmRequest& request) {
    planted_ = 0;
    pmem::Firmware::Answer answer = firmware_.call(request, agenda_.now());
    const std::uint32_t subject =
        request.nvdimm >= 0 ? static_cast<std::uint32_t>(request.nvdimm) : kRootDevice;
    const std::uint32_t record = trace_.step(
        Module::firmware, TraceKind::dsm, subject, static_cast<std::uint64_t>(request.function),
        answer.reply.status, first_word(request.function, answer.reply));
    if (request.function == DsmEvent::Function::inject_error) decide_fate(answer.reply, record);
    if (request.nvdimm >= 0 && answer.reply.status == 0)
        mailbox_out[request.nvdimm]->health_changed();
    if (request.function == DsmEvent::Function::ars_start && answer.reply.status == 0)
        seen_ = pmem::ArsState::none;  // a new scrub: its beginning is traced in any case
    follow_ars();
    if (answer.notify) notify(*answer.notify);
    return std::move(answer.reply);
}

/// An injection that poisoned something is latent by now, or what becomes of it later.
void Firmware::decide_fate(const kernel::DsmReply& reply, std::uint32_t record) {
    if (planted_ != 0) return;
    const FateReason reason =
        reply.status == 0 ? FateReason::already_poisoned : FateReason::no_such_page;
    fates_.mark(agenda_.why().origin, Fate::filtered, reason, record);
}

/// Traces a change of the scrub's state, and looks again when the scrub should end.
void Firmware::follow_ars() {
    const pmem::Ars& ars = firmware_.ars();
    if (ars.state() != seen_) {
        seen_ = ars.state();
        trace_.note(Module::firmware, TraceKind::ars, kRootDevice,
                    static_cast<std::uint64_t>(seen_), ars.count());
    }
    if (seen_ != pmem::ArsState::running || ars_posted_) return;
    ars_posted_ = true;
    post(Step::ars, 0, ars.finish_time());
}

void Firmware::stop_scrub() {
    if (!firmware_.stop_scrub(agenda_.now())) return;
    follow_ars();
    constexpr std::uint32_t kArsStopped = 0x82;
    notify({kArsStopped, -1});
}

void Firmware::notify(const pmem::Notification& notification) {
    const SimTime wait = latency_.draw(Lat::fw_notify);
    notifications_.push_back(notification);
    post(Step::notify, static_cast<std::uint32_t>(notifications_.size() - 1), agenda_.now() + wait);
}

void Firmware::report(const CperEvent& record) {
    const SimTime handler = latency_.draw(Lat::firmware_handler);
    trace_.step(Module::firmware, TraceKind::phase, 0,
                static_cast<std::uint64_t>(Lat::firmware_handler), handler.count());
    reports_.push_back(record);
    post(Step::ghes, static_cast<std::uint32_t>(reports_.size() - 1), agenda_.now() + handler);
}

void Firmware::post(Step step, std::uint32_t value, SimTime at) {
    agenda_.post(at, *this, std::uint64_t{static_cast<std::uint32_t>(step)} << 32 | value);
}

void Firmware::on_agenda(std::uint64_t arg) {
    const auto value = static_cast<std::uint32_t>(arg);
    switch (static_cast<Step>(arg >> 32)) {
        case Step::ars:
            ars_posted_ = false;
            firmware_.before_media_change(agenda_.now());
            follow_ars();
            break;
        case Step::notify: {
            const pmem::Notification n = notifications_[value];
            const std::uint32_t subject =
                n.nvdimm >= 0 ? static_cast<std::uint32_t>(n.nvdimm) : kRootDevice;
            trace_.step(Module::firmware, TraceKind::nfit_notify, subject, n.value);
            notify_out->nfit_notify(n.value, n.nvdimm);
            break;
        }
        case Step::ghes:
            notify_out->ghes(reports_[value]);
            break;
    }
}

// ---------------------------------------------------------------- the modules' mailboxes

const pmem::PoisonList& Firmware::poison(std::uint32_t nvdimm) const {
    // sc_port's element access is not const, though it changes nothing.
    return const_cast<Firmware*>(this)->mailbox_out[static_cast<int>(nvdimm)]->poison();
}

void Firmware::plant(std::uint32_t nvdimm, DpaRange range, std::uint8_t flags) {
    planted_ += mailbox_out[static_cast<int>(nvdimm)]->plant(range, agenda_.why().origin, flags);
}

void Firmware::heal(std::uint32_t nvdimm, DpaRange range) {
    mailbox_out[static_cast<int>(nvdimm)]->heal(range);
}

void Firmware::list(std::uint32_t nvdimm, DpaRange range) {
    mailbox_out[static_cast<int>(nvdimm)]->list(range, ScrubEvent::Kind::ars_full);
}

pmem::SmartHealth& Firmware::health(std::uint32_t nvdimm) {
    return mailbox_out[static_cast<int>(nvdimm)]->health();
}

}  // namespace mcemu::hw
