#pragma once  // One CXL type 3 memory device behind a memory controller.
#include <tlm_utils/simple_target_socket.h>

#include <systemc>
#include <tlm>

#include "core/config.hpp"
#include "core/cxl/memdev.hpp"
#include "core/latency.hpp"
#include "hw/poisoned_media.hpp"
#include "wires/access_extension.hpp"
#include "wires/interfaces.hpp"
#include "wires/media_backdoor.hpp"

namespace mcemu::hw {

/// Thin shell around cxl::Memdev with the sockets of an Nvdimm: memory by DPA, the scenario's
/// access to the media, and the device's own mailbox. A read that meets poison puts the line into
/// the device's list; a write of whole lines heals them (nvdimm.md 15). Contents are not modelled.
class CxlMemdev final : public sc_core::sc_module,
                        public wires::PoisonStoreIf,
                        public wires::CxlMailboxIf {
public:
    tlm_utils::simple_target_socket<CxlMemdev> mem_in{"mem_in"};
    sc_core::sc_export<wires::PoisonStoreIf> media_in{"media_in"};
    sc_core::sc_export<wires::CxlMailboxIf> mailbox_in{"mailbox_in"};

    /// `index` is the position in MachineConfig::memdevs.
    CxlMemdev(const sc_core::sc_module_name& name, const MemdevConfig& config, std::uint32_t index,
              const MediaContext& context);

    /// As a new one of the same size would be.
    void restart(const MemdevConfig& config);

    // PoisonStoreIf
    const pmem::PoisonList& poison() const override { return device_.poison(); }
    std::uint64_t plant(DpaRange range, std::uint32_t origin, std::uint8_t flags) override;
    std::uint64_t heal(DpaRange range) override;
    /// A scrubber of the host is a reader like others.
    void list(DpaRange range, ScrubEvent::Kind scrub) override;
    /// The device holds what it has accepted.
    void power_fail(const PowerFailEvent&) override {}

    // CxlMailboxIf
    cxl::Identity identify() const override { return device_.identify(); }
    cxl::PoisonListReply get_poison_list(DpaRange range) override;
    cxl::ReturnCode inject_poison(std::uint64_t dpa, SimTime now) override;
    cxl::ReturnCode clear_poison(std::uint64_t dpa) override;
    cxl::ReturnCode scan_media(DpaRange range, SimTime now) override;
    cxl::ScanMediaReply get_scan_media_results(SimTime now) override;

    const cxl::Memdev& device() const { return device_; }
    /// Before time starts: begins with what an earlier run left.
    void restore(const cxl::MemdevImage& image) { device_.restore(image); }

private:
    void b_transport(tlm::tlm_generic_payload& trans, sc_core::sc_time& delay);
    void planted(DpaRange range, std::uint32_t origin, std::uint64_t added);
    void healed(DpaRange range);

    const std::uint32_t index_;
    const std::uint64_t size_;
    MediaContext context_;
    cxl::Memdev device_;
};

}  // namespace mcemu::hw
