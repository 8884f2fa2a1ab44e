#pragma once  // How a processor's error handling ended: the small enumerations of trace records.
#include <cstdint>

namespace mcemu::mca {

/// Why a processor went into shutdown on a machine check (SDM vol. 3B 15.10.4; mce.md 6.3).
enum class ShutdownReason : std::uint8_t {
    cr4_mce_clear,  ///< CR4.MCE = 0: there is no exception to take
    mcip_set,       ///< MCG_STATUS.MCIP = 1: a machine check inside a machine check
};

/// What became of a speculative read (mce.md section 10).
enum class SpeculationResult : std::uint8_t {
    clean,          ///< the line was filled; nothing wrong with it
    poison,         ///< the line came back poisoned
    non_canonical,  ///< no translation exists for such an address, speculative or not
    not_present,    ///< the walk ended without a mapping
    not_cacheable,  ///< UC, UC- or WC: speculation does not leave the core
    no_memory,      ///< nothing answers at the physical address
    idle,           ///< no register holds a linear address
};

}  // namespace mcemu::mca
