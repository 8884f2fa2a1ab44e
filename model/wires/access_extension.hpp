#pragma once  // What a memory transaction carries beside address and data: who asks, and poison.
#include <systemc>
#include <tlm>

#include "core/event.hpp"

namespace mcemu::wires {

/// Mandatory extension of the generic payload. The initiator fills the first part,
/// the target the second. A poisoned read answers TLM_GENERIC_ERROR_RESPONSE with `poisoned` set.
struct AccessExtension : tlm::tlm_extension<AccessExtension> {
    AccessKind kind = AccessKind::load;
    CpuId requester = kNoCpu;
    std::uint32_t socket = 0;        ///< of the requester

    bool poisoned = false;
    std::uint64_t poisoned_spa = 0;  ///< first poisoned line of the access
    std::uint32_t planted_by = 0;    ///< origin (1 + event index) of that poison, 0 configuration

    tlm::tlm_extension_base* clone() const override { return new AccessExtension(*this); }
    void copy_from(const tlm::tlm_extension_base& other) override {
        *this = static_cast<const AccessExtension&>(other);
    }
};

}  // namespace mcemu::wires
