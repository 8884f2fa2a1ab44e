#pragma once  // Ways to a memory device's poison beside the data path: scrubber, mailbox, scenario.
#include <systemc>

#include "core/event.hpp"
#include "core/pmem/poison_list.hpp"
#include "core/pmem/smart.hpp"

namespace mcemu::wires {

/// The poison of one device, by its own addresses (DPA; for DRAM the offset in its range).
class PoisonStoreIf : public virtual sc_core::sc_interface {
public:
    virtual const pmem::PoisonList& poison() const = 0;
    /// Poisons the lines that `range` touches, on behalf of the scenario event `origin`; returns
    /// the newly poisoned bytes. `flags` are pmem::PoisonFlags of all these lines.
    virtual std::uint64_t plant(DpaRange range, std::uint32_t origin, std::uint8_t flags) = 0;
    /// Heals the whole lines inside `range`; returns the bytes that were poisoned.
    virtual std::uint64_t heal(DpaRange range) = 0;
    /// A scrub of this kind met this poison: it is in the device's own list from now on.
    virtual void list(DpaRange range, ScrubEvent::Kind scrub) = 0;
    /// Power is lost. `adr_fails`: before everything accepted has reached the media.
    virtual void power_fail(const PowerFailEvent& how) = 0;
};

/// What firmware reaches through an NVDIMM's mailbox.
class DimmMailboxIf : public virtual PoisonStoreIf {
public:
    virtual pmem::SmartHealth& health() = 0;
    /// Health was changed through health().
    virtual void health_changed() = 0;
};

/// Tells a running scrub that the media changes under it: NVDIMM -> firmware.
class MediaWatchIf : public virtual sc_core::sc_interface {
public:
    virtual void media_about_to_change() = 0;
};

}  // namespace mcemu::wires
