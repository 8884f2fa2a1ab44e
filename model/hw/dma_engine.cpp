#include "hw/dma_engine.hpp"

#include <algorithm>

#include "core/units.hpp"
#include "wires/sc_time.hpp"

namespace mcemu::hw {
namespace {

constexpr std::uint64_t kRequest = 4096;  // largest read request and page of a transfer, bytes

}  // namespace

DmaEngine::DmaEngine(const sc_core::sc_module_name& name, Agenda& agenda, Trace& trace,
                     Latency& latency)
    : sc_module(name), agenda_(agenda), trace_(trace), latency_(latency) {
    doorbell_in.bind(*this);
}

void DmaEngine::transfer(std::uint32_t event, const DmaEvent& what, std::uint64_t spa) {
    wires::AccessExtension access;
    access.kind = what.write ? AccessKind::dma_write : AccessKind::dma_read;
    access.socket = what.socket;
    tlm::tlm_generic_payload trans;
    trans.set_command(what.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    trans.set_data_ptr(nullptr);
    trans.set_streaming_width(static_cast<unsigned>(kRequest));
    trans.set_extension(&access);

    SimTime time = latency_.draw(Lat::dma_start);
    End end{event, DmaStatus::done, 0};
    std::uint64_t moved = 0;
    std::uint64_t failed = spa;
    while (moved < what.size && end.status == DmaStatus::done) {
        const std::uint64_t at = spa + moved;
        const std::uint64_t chunk = std::min(what.size - moved, kRequest - at % kRequest);
        trans.set_address(at);
        trans.set_data_length(static_cast<unsigned>(chunk));
        trans.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        mem_out->b_transport(trans, delay);
        const std::uint64_t lines = (at % kLineSize + chunk + kLineSize - 1) / kLineSize;
        // Requests follow each other without waiting: the first answer's delay counts once.
        if (moved == 0) time += wires::from_sc_time(delay);
        time += latency_.draw(Lat::dma_line, lines);
        if (trans.is_response_ok()) {
            moved += chunk;
        } else if (access.poisoned) {
            end = {event, DmaStatus::poisoned, access.planted_by};
            failed = access.poisoned_spa;
            moved = failed > spa ? failed - spa : 0;
        } else {
            end.status = DmaStatus::unsupported_request;
            failed = at;
        }
    }
    trans.clear_extension(&access);
    trace_.step(Module::dma, TraceKind::dma, event, end.status == DmaStatus::done ? spa : failed,
                moved, static_cast<std::uint64_t>(end.status) | (what.write ? 1u << 8 : 0));
    ends_.push_back(end);
    agenda_.post(agenda_.now() + time, *this, ends_.size() - 1);
}

void DmaEngine::on_agenda(std::uint64_t arg) {
    const End& end = ends_[arg];
    done_out->dma_done(end.event, end.status, end.planted_by);
}

}  // namespace mcemu::hw
