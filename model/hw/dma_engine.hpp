#pragma once  // A device that reads and writes memory by itself.
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "core/agenda.hpp"
#include "core/latency.hpp"
#include "core/trace.hpp"
#include "wires/access_extension.hpp"
#include "wires/interfaces.hpp"

namespace mcemu::hw {

/// The bus masters of the machine. A read asks the memory line by line and ends at the first
/// completion that comes back poisoned (EP = 1): the device aborts, and its driver is told with
/// the interrupt. What was read before it has arrived. No machine check of a core follows; the
/// memory controller logs UCNA as for any reader (mce.md 9 row 3g, nvdimm.md 5). A write sends
/// whole lines, and parts of lines at its ends, which the uncore merges.
class DmaEngine final : public sc_core::sc_module, public wires::DmaIf, private AgendaTarget {
public:
    tlm_utils::simple_initiator_socket<DmaEngine> mem_out{"mem_out"};
    sc_core::sc_export<wires::DmaIf> doorbell_in{"doorbell_in"};
    sc_core::sc_port<wires::DmaDoneIf> done_out{"done_out"};

    DmaEngine(const sc_core::sc_module_name& name, Agenda& agenda, Trace& trace, Latency& latency);

    /// As a new one would be.
    void restart() { ends_.clear(); }

    void transfer(std::uint32_t event, const DmaEvent& what, std::uint64_t spa) override;

private:
    struct End {
        std::uint32_t event;
        DmaStatus status;
        std::uint32_t planted_by;
    };
    void on_agenda(std::uint64_t arg) override;

    Agenda& agenda_;
    Trace& trace_;
    Latency& latency_;
    std::vector<End> ends_;  // of every transfer of the run
};

}  // namespace mcemu::hw
