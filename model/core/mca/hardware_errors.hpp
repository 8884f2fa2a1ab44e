#pragma once  // The errors this machine's units log by themselves, as they meet a bank.
#include <cstdint>

#include "core/event.hpp"
#include "core/mca/bank.hpp"
#include "core/mca/bank_map.hpp"

namespace mcemu::mca {

/// An error, the bank it goes to, and MCG_STATUS of the CPU it belongs to should it raise #MC.
struct UnitError {
    std::uint32_t bank = 0;
    NewError error;
    std::uint64_t mcg_status = 0;
};

/// A retiring load or instruction fetch got poison: SRAR in the DCU or IFU bank. Without SER_P
/// there is no recoverable class: an uncorrected error with its context intact. (mce.md 3, 9)
UnitError poison_consumed(const BankMap& map, const McaConfig& mca, AccessKind kind,
                          std::uint64_t line);
/// A load of poison through uncacheable memory on parts where that is fatal (mce.md 10.1).
UnitError uncached_poison(const BankMap& map, std::uint64_t line);
/// The core noted poison it only speculated on: UCNA in the DCU bank, without a signal.
UnitError speculation_noted(const BankMap& map, std::uint64_t line);

/// Poison met at the memory controller on a read: UCNA in the M2M bank, or in the controller
/// bank with the code of the DDR-T command engine for persistent memory.
UnitError demand_read(const BankMap& map, std::uint32_t channel, bool persistent, std::uint64_t spa,
                      unsigned lsb);
/// The patrol scrubber found an uncorrectable line; its look is a firmware choice (section 7).
UnitError patrol_scrub(const BankMap& map, const McaConfig& mca, std::uint32_t channel,
                       std::uint64_t spa, unsigned lsb);
/// A poisoned line left the last-level cache by explicit write-back. Quiet unless the patrol
/// mode asks for #MC.
UnitError write_back(const BankMap& map, const McaConfig& mca, std::uint64_t spa, unsigned lsb);

}  // namespace mcemu::mca
