#pragma once  // The memory controllers of all sockets: address decode, error reports, patrol scrub.
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "core/agenda.hpp"
#include "core/config.hpp"
#include "core/latency.hpp"
#include "core/pmem/interleave.hpp"
#include "hw/poisoned_media.hpp"
#include "wires/access_extension.hpp"
#include "wires/interfaces.hpp"
#include "wires/media_backdoor.hpp"

namespace mcemu::hw {

/// Decodes an SPA into DRAM range or region, module and DPA; splits accesses at chunk borders;
/// answers TLM_ADDRESS_ERROR_RESPONSE where no memory is.
///
/// A read by a core or a device that comes back poisoned is told to error_out (UCNA of a demand
/// read, mce.md 9 row 1); the read for ownership of a store is not. The scrubber reads through
/// both kinds of memory and reports its finds, one for each maximal poisoned run, as
/// patrol_scrub: what a module finds by its own means goes to the firmware instead.
///
/// A CXL device reports through its own event log, not through the controller: its poison is
/// logged here by nobody, and the scrubber only makes the device list what it met.
///
/// Wiring: dram_out(i) to Dram::mem_in and dram_media_out to Dram::media_in for the entries of
/// MachineConfig::memory that are DRAM, in their order; nvdimm_out(i), nvdimm_media_out,
/// memdev_out(i) and memdev_media_out likewise. Processors send to mem_in, bus masters to io_in.
class MemoryController final : public sc_core::sc_module,
                               public wires::MediaIf,
                               private AgendaTarget {
public:
    using DeviceSocket = tlm_utils::simple_initiator_socket<MemoryController>;

    tlm_utils::simple_target_socket<MemoryController> mem_in{"mem_in"};
    tlm_utils::simple_target_socket_optional<MemoryController> io_in{"io_in"};
    sc_core::sc_export<wires::MediaIf> media_in{"media_in"};
    sc_core::sc_port<wires::MemoryErrorIf, 1, sc_core::SC_ZERO_OR_MORE_BOUND> error_out{
        "error_out"};
    sc_core::sc_port<wires::PoisonStoreIf, 0, sc_core::SC_ZERO_OR_MORE_BOUND> dram_media_out{
        "dram_media_out"};
    sc_core::sc_port<wires::PoisonStoreIf, 0, sc_core::SC_ZERO_OR_MORE_BOUND> nvdimm_media_out{
        "nvdimm_media_out"};
    sc_core::sc_port<wires::PoisonStoreIf, 0, sc_core::SC_ZERO_OR_MORE_BOUND> memdev_media_out{
        "memdev_media_out"};

    MemoryController(const sc_core::sc_module_name& name, const MachineConfig& machine,
                     const MediaContext& context);

    DeviceSocket& dram_out(std::size_t i) { return *dram_out_[i]; }
    DeviceSocket& nvdimm_out(std::size_t i) { return *nvdimm_out_[i]; }
    DeviceSocket& memdev_out(std::size_t i) { return *memdev_out_[i]; }

    // MediaIf
    bool plant(const PoisonEvent& event) override;
    void patrol_scrub(SpaRange range) override;
    void power_fail(const PowerFailEvent& how) override;

private:
    /// A range of SPAs that one DRAM range, one region of modules or some CXL devices answer.
    struct Window {
        pmem::InterleaveSet set;
        Module kind;                                       // dram, nvdimm or memdev
        std::vector<std::uint32_t> devices;                // by way; DRAM: entry of `memory`
        std::vector<DeviceSocket*> out;                    // by way
        std::vector<wires::PoisonStoreIf*> media = {};     // by way
        std::vector<const pmem::PoisonList*> poison = {};  // by way
    };
    struct Scrub {
        SpaRange rest;
        Causality why;
    };

    void end_of_elaboration() override;
    void b_transport(tlm::tlm_generic_payload& trans, sc_core::sc_time& delay);
    void poisoned_read(const Window& window, pmem::InterleaveSet::Place place,
                       wires::AccessExtension& access);
    void on_agenda(std::uint64_t arg) override;

    const Window* window_of(std::uint64_t spa) const;
    bool is_memory(SpaRange range) const;
    std::uint32_t socket_of(const Window& window, std::uint32_t way) const;
    std::uint32_t channel_of(const Window& window, std::uint64_t spa) const;
    std::optional<SpaRange> next_find(SpaRange rest) const;
    void post_scrub(std::uint64_t job);
    void report_find(SpaRange find);

    const MachineConfig& machine_;
    MediaContext context_;
    std::vector<std::unique_ptr<DeviceSocket>> dram_out_, nvdimm_out_, memdev_out_;
    std::vector<Window> windows_;  // by address
    std::vector<Scrub> scrubs_;    // every patrol scrub of the run
};

}  // namespace mcemu::hw
