#include "hw/cxl_memdev.hpp"

#include "core/assert.hpp"
#include "hw/device_access.hpp"
#include "wires/sc_time.hpp"

namespace mcemu::hw {

CxlMemdev::CxlMemdev(const sc_core::sc_module_name& name, const MemdevConfig& config,
                     std::uint32_t index, const MediaContext& context)
    : sc_module(name),
      index_(index),
      size_(config.size()),
      context_(context),
      device_({config.volatile_bytes, config.persistent_bytes, config.poison_list_max,
               config.inject_limit},
              config.scan_rate) {
    mem_in.register_b_transport(this, &CxlMemdev::b_transport);
    media_in.bind(*this);
    mailbox_in.bind(*this);
    for (const DpaRange& range : config.poison) device_.plant(range, 0);
    for (const DpaRange& range : config.stuck) device_.make_permanent(range);
    device_.disable_media(config.media_disabled);
}

void CxlMemdev::b_transport(tlm::tlm_generic_payload& trans, sc_core::sc_time& delay) {
    const DeviceAccess access(trans);
    MCEMU_ASSERT(access.range.end <= size_, std::to_string(access.range.end));
    trans.set_response_status(tlm::TLM_OK_RESPONSE);
    const SimTime now = context_.agenda.now();
    if (trans.is_read()) {
        delay += wires::to_sc_time(context_.latency.draw(Lat::mem_cxl_read));
        device_.advance(now);
        if (const auto run = device_.read(access.range, now)) access.answer_poisoned(*run);
        return;
    }
    delay += wires::to_sc_time(context_.latency.draw(Lat::mem_cxl_write));
    if (access.replaces_lines()) heal(access.range);
}

std::uint64_t CxlMemdev::plant(DpaRange range, std::uint32_t origin, std::uint8_t) {
    device_.advance(context_.agenda.now());
    const std::uint64_t added = device_.plant(range, origin);
    planted(range, origin, added);
    return added;
}

std::uint64_t CxlMemdev::heal(DpaRange range) {
    device_.advance(context_.agenda.now());
    const std::uint64_t bytes = device_.write(range);
    healed(range);
    return bytes;
}

void CxlMemdev::list(DpaRange range, ScrubEvent::Kind) {
    device_.advance(context_.agenda.now());
    while (const auto run = device_.read(range, context_.agenda.now())) range.begin = run->range.end;
}

void CxlMemdev::planted(DpaRange range, std::uint32_t origin, std::uint64_t added) {
    if (added == 0) return;
    const std::uint32_t id = context_.trace.note(Module::memdev, TraceKind::poison_planted, index_,
                                                 range.begin, range.size());
    context_.ledger.planted(origin, added);
    context_.fates.mark(origin, Fate::latent, FateReason::nobody_looked, id);
}

void CxlMemdev::healed(DpaRange range) {
    if (device_.healed().empty()) return;
    const std::uint32_t id = context_.trace.note(Module::memdev, TraceKind::poison_cleared, index_,
                                                 range.begin, range.size());
    for (const pmem::PoisonRun& run : device_.healed())
        if (context_.ledger.healed(run.origin, run.range.size()))
            context_.fates.mark(run.origin, Fate::filtered, FateReason::media_cleared, id);
}

// ---------------------------------------------------------------- mailbox

namespace {

void trace_command(Trace& trace, std::uint32_t device, CxlEvent::Command command,
                   cxl::ReturnCode code, std::size_t records = 0) {
    trace.step(Module::memdev, TraceKind::cxl_command, device, static_cast<std::uint64_t>(command),
               static_cast<std::uint64_t>(code), records);
}

}  // namespace

cxl::PoisonListReply CxlMemdev::get_poison_list(DpaRange range) {
    device_.advance(context_.agenda.now());
    cxl::PoisonListReply reply = device_.get_poison_list(range);
    trace_command(context_.trace, index_, CxlEvent::Command::get_poison_list, reply.code,
                  reply.records.size());
    return reply;
}

cxl::ReturnCode CxlMemdev::inject_poison(std::uint64_t dpa, SimTime now) {
    const std::uint32_t origin = context_.agenda.why().origin;
    const std::uint64_t before = device_.poison().poisoned_bytes();
    device_.act_for(origin);
    const cxl::ReturnCode code = device_.inject_poison(dpa, now);
    trace_command(context_.trace, index_, CxlEvent::Command::inject_poison, code);
    const std::uint64_t added = device_.poison().poisoned_bytes() - before;
    planted({dpa, dpa + kLineSize}, origin, added);
    if (added == 0)
        context_.fates.mark(origin, Fate::filtered,
                            code == cxl::ReturnCode::success ? FateReason::already_poisoned
                                                             : FateReason::syscall_failed,
                            context_.agenda.why().cause);
    return code;
}

cxl::ReturnCode CxlMemdev::clear_poison(std::uint64_t dpa) {
    device_.advance(context_.agenda.now());
    const cxl::ReturnCode code = device_.clear_poison(dpa);
    trace_command(context_.trace, index_, CxlEvent::Command::clear_poison, code);
    healed({dpa, dpa + kLineSize});
    return code;
}

cxl::ReturnCode CxlMemdev::scan_media(DpaRange range, SimTime now) {
    const cxl::ReturnCode code = device_.scan_media(range, now);
    trace_command(context_.trace, index_, CxlEvent::Command::scan_media, code);
    return code;
}

cxl::ScanMediaReply CxlMemdev::get_scan_media_results(SimTime now) {
    cxl::ScanMediaReply reply = device_.get_scan_media_results(now);
    trace_command(context_.trace, index_, CxlEvent::Command::get_scan_media_results, reply.code,
                  reply.records.size());
    return reply;
}

}  // namespace mcemu::hw
