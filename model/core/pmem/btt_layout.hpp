#pragma once  // Where a Block Translation Table keeps what (nvdimm.md 3.4).
#include <cstdint>
#include <vector>

#include "core/units.hpp"

namespace mcemu::pmem {

inline constexpr std::uint64_t kBttSector = 4096;  ///< external sector, bytes
inline constexpr std::uint32_t kBttLanes = 256;    ///< as many free blocks

/// The layout of one arena in bytes from the namespace's start.
struct BttArena {
    std::uint64_t begin = 0, size = 0;
    std::uint32_t external_lbasize = kBttSector, internal_lbasize = kBttSector;
    std::uint32_t internal_nlba = 0, external_nlba = 0;
    std::uint64_t dataoff = 0, mapoff = 0, logoff = 0, info2off = 0;  ///< from the arena's start
    bool operator==(const BttArena&) const = default;
};

/// The arenas of a namespace whose BTT begins `initial_offset` bytes into it.
std::vector<BttArena> btt_layout(SpaRange range, std::uint64_t initial_offset,
                                 std::uint32_t sector = kBttSector);
/// Bytes that its block device offers.
std::uint64_t btt_capacity(SpaRange range, std::uint64_t initial_offset,
                           std::uint32_t sector = kBttSector);

}  // namespace mcemu::pmem
