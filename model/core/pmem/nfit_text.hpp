#pragma once  // What the kernel and ndctl print of the NFIT (nvdimm.md 1.4, 10).
#include <cstdint>
#include <cstdio>
#include <string>

#include "core/config.hpp"

namespace mcemu::pmem {

constexpr std::uint32_t swapped32(std::uint32_t v) {
    return v << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) | v >> 24;
}
constexpr std::uint32_t swapped16(std::uint32_t v) { return (v & 0xff) << 8 | (v >> 8 & 0xff); }

/// id_show(): vendor, place and date of manufacture, serial number; bytes as they stand in memory.
inline std::string dimm_id(const NvdimmConfig& n) {
    char text[32];
    std::snprintf(text, sizeof text, "%04x-%02x-%04x-%08x", swapped16(n.vendor),
                  unsigned{n.manufacturing_location}, swapped16(n.manufacturing_date),
                  swapped32(n.serial));
    return text;
}

/// persistence_domain_show(); empty: nothing is said.
inline const char* persistence_domain(const MachineConfig& machine) {
    switch (machine.persistence_domain) {
        case PersistenceDomain::memory_controller: return "memory_controller";
        case PersistenceDomain::cpu_cache: return "cpu_cache";
        case PersistenceDomain::none: break;
    }
    return "";
}

/// What `ndctl list -D` shows of a module's flags, in its order.
struct FlagWord {
    MemoryMapFlags bit;
    const char* key;
};
inline constexpr FlagWord kListedFlags[] = {
    {kMapFail, "flag_failed_map"},         {kMapSaveFail, "flag_failed_save"},
    {kMapNotArmed, "flag_failed_arm"},     {kMapRestoreFail, "flag_failed_restore"},
    {kMapFlushFail, "flag_failed_flush"},  {kMapSmartEvent, "flag_smart_event"}};

}  // namespace mcemu::pmem
