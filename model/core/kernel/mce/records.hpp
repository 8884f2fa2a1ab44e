#pragma once  // What the machine-check core keeps for those who look at it from outside.
#include <cstdint>

#include "core/kernel/platform.hpp"
#include "core/mca/mce_record.hpp"
#include "core/units.hpp"

namespace mcemu::kernel {

/// Registers that the injector put in place of a CPU's own (per-CPU `injectm`; kernel.md 3.4):
/// one bank, and MCG_STATUS.
struct InjectedRegisters {
    std::uint32_t bank = 0;
    std::uint64_t status = 0, mcgstatus = 0, addr = 0, misc = 0;
    Frame frame;               ///< what an exception shows while they stand in
    std::uint32_t origin = 0;  ///< scenario event, 1-based
    bool active = false;       ///< reads and writes of the machine-check code go here
};

/// A record that went into the pool, and who took it out again.
struct LoggedRecord {
    enum class Taken : std::uint8_t { no, notifiers, panic } taken = Taken::no;
    SimTime at{};
    mca::MceRecord record;
};

}  // namespace mcemu::kernel
