#pragma once  // One NVDIMM behind a memory controller.
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <systemc>
#include <tlm>

#include "core/config.hpp"
#include "core/latency.hpp"
#include "core/pmem/error_log.hpp"
#include "hw/poisoned_media.hpp"
#include "wires/access_extension.hpp"
#include "wires/media_backdoor.hpp"

namespace mcemu::hw {

/// Thin TLM-2.0 LT target around PoisonList; addresses are DPAs. Poison from the configuration is
/// known to the module. A host read that meets poison enters the line into the module's list, as
/// its error log would (nvdimm.md 4.4). Contents are not modelled.
class Nvdimm final : public sc_core::sc_module, public wires::DimmMailboxIf {
public:
    tlm_utils::simple_target_socket<Nvdimm> mem_in{"mem_in"};
    sc_core::sc_export<wires::PoisonStoreIf> media_in{"media_in"};
    sc_core::sc_export<wires::DimmMailboxIf> mailbox_in{"mailbox_in"};
    sc_core::sc_port<wires::MediaWatchIf, 1, sc_core::SC_ZERO_OR_MORE_BOUND> watch_out{"watch_out"};

    /// `index` is the position in MachineConfig::nvdimms.
    Nvdimm(const sc_core::sc_module_name& name, const NvdimmConfig& config, std::uint32_t index,
           const MediaContext& context);

    const pmem::PoisonList& poison() const override { return media_.list(); }
    std::uint64_t plant(DpaRange range, std::uint32_t origin, std::uint8_t flags) override;
    std::uint64_t heal(DpaRange range) override;
    void list(DpaRange range, ScrubEvent::Kind scrub) override;
    void power_fail(const PowerFailEvent& how) override;
    pmem::SmartHealth& health() override { return health_; }
    void health_changed() override;

    const pmem::SmartHealth& smart() const { return health_; }
    const pmem::ErrorLog& error_log() const { return log_; }
    /// What lasts when the machine goes off now.
    pmem::ModuleImage snapshot() const;
    /// For a module without configured poison, before the run.
    void restore(const pmem::ModuleImage& image);

private:
    // A write that the module has accepted, and when the media works on it.
    struct MediaWrite {
        DpaRange data{}, lines{};  // whole media lines
        SimTime begin{}, end{};
    };

    void b_transport(tlm::tlm_generic_payload& trans, sc_core::sc_time& delay);
    void queue_write(DpaRange range, SimTime accepted);
    void about_to_change() {
        if (watch_out.size() != 0) watch_out->media_about_to_change();
    }

    const std::uint64_t size_;
    const std::vector<DpaRange> stuck_;
    const NvdimmProfile profile_;
    const bool heal_on_full_line_write_;
    Agenda& agenda_;
    Latency& latency_;
    PoisonedMedia media_;
    pmem::SmartHealth health_;
    pmem::ErrorLog log_;
    std::uint8_t hot_ = 0;  // temperature alarms that stand
    std::array<MediaWrite, 64> buffer_{};  // the newest writes; 16 KiB of 256 B lines
    std::size_t next_write_ = 0;
    std::uint8_t map_flags_ = 0;   // of the last power loss
    std::vector<DpaRange> lost_;  // whose writes it cut short
    SimTime media_free_{};  // when the media is done with all of them
};

}  // namespace mcemu::hw
