#pragma once  // One range of DRAM behind a memory controller.
#include <tlm_utils/simple_target_socket.h>

#include <systemc>
#include <tlm>

#include "core/config.hpp"
#include "core/latency.hpp"
#include "hw/poisoned_media.hpp"
#include "wires/access_extension.hpp"
#include "wires/media_backdoor.hpp"

namespace mcemu::hw {

/// Thin TLM-2.0 LT target around PoisonList; addresses count from the beginning of the range.
/// A read that meets poison answers TLM_GENERIC_ERROR_RESPONSE with the extension's second part
/// filled in; a full-line store heals (nvdimm.md 5). Contents are not modelled: data pointers are
/// never followed.
class Dram final : public sc_core::sc_module, public wires::PoisonStoreIf {
public:
    tlm_utils::simple_target_socket<Dram> mem_in{"mem_in"};
    sc_core::sc_export<wires::PoisonStoreIf> media_in{"media_in"};

    /// `index` is the position in MachineConfig::memory.
    Dram(const sc_core::sc_module_name& name, const DramConfig& config, std::uint32_t index,
         const MediaContext& context);

    const pmem::PoisonList& poison() const override { return media_.list(); }
    std::uint64_t plant(DpaRange range, std::uint32_t origin, std::uint8_t flags) override {
        return media_.plant(range, origin, flags);
    }
    std::uint64_t heal(DpaRange range) override { return media_.heal(range); }
    void list(DpaRange range, ScrubEvent::Kind) override { media_.mark_listed(range); }
    /// Contents are lost with the power; poison is not modelled beyond the run.
    void power_fail(const PowerFailEvent&) override {}

    /// Maximal poisoned runs, rising, by SPA.
    std::vector<SpaRange> poisoned_spa() const;

private:
    void b_transport(tlm::tlm_generic_payload& trans, sc_core::sc_time& delay);

    const SpaRange range_;
    Latency& latency_;
    PoisonedMedia media_;
};

}  // namespace mcemu::hw
