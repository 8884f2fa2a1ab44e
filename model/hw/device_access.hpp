#pragma once  // One memory transaction as a device sees it.
#include <tlm>

#include "core/assert.hpp"
#include "core/pmem/poison_list.hpp"
#include "wires/access_extension.hpp"

namespace mcemu::hw {

/// The wires' extension is mandatory: without it nobody could say what kind of access it is.
inline wires::AccessExtension& extension_of(const tlm::tlm_generic_payload& trans) {
    auto* extension = trans.get_extension<wires::AccessExtension>();
    MCEMU_ASSERT(extension != nullptr, "transaction without AccessExtension");
    return *extension;
}

struct DeviceAccess {
    tlm::tlm_generic_payload& trans;
    wires::AccessExtension& extension;
    DpaRange range;

    explicit DeviceAccess(tlm::tlm_generic_payload& t)
        : trans(t),
          extension(extension_of(t)),
          range{t.get_address(), t.get_address() + t.get_data_length()} {}

    /// The access brings whole new lines, without a read before. What it covers only in part is
    /// read, merged and written back, poison included (nvdimm.md 5).
    bool replaces_lines() const {
        return extension.kind == AccessKind::store_full_line ||
               extension.kind == AccessKind::dma_write;
    }
    /// `poisoned_spa` holds the device's address until the controller translates it.
    void answer_poisoned(const pmem::PoisonRun& run) const {
        extension.poisoned = true;
        extension.poisoned_spa = run.range.begin;
        extension.planted_by = run.origin;
        trans.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    }
};

}  // namespace mcemu::hw
