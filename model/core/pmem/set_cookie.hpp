#pragma once  // By what the labels of an interleave set know their own set again (nvdimm.md 2.4).
#include <cstdint>

#include "core/config.hpp"

namespace mcemu::pmem {

/// The 64-bit Fletcher sum over the set's modules, in the order of their offsets in the region: of
/// offset and serial number for version 1.1 labels, of vendor and manufacturing data too for 1.2.
/// Modules that change places change it. Source: Linux 6.1 acpi_nfit_init_interleave_set().
std::uint64_t set_cookie(const MachineConfig& machine, const RegionConfig& region,
                         bool version_1_1 = false);

}  // namespace mcemu::pmem
