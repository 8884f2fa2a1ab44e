#include "core/pmem/btt_layout.hpp"

#include <algorithm>

namespace mcemu::pmem {
namespace {

constexpr std::uint64_t kArenaMin = 16ull << 20, kArenaMax = 512ull << 30;
constexpr std::uint64_t kInfo = 4096, kLog = 16384;

}  // namespace

std::vector<BttArena> btt_layout(SpaRange range, std::uint64_t initial_offset,
                                 std::uint32_t sector) {
    std::vector<BttArena> out;
    std::uint64_t begin = initial_offset;
    std::uint64_t left = range.size() > begin ? range.size() - begin : 0;
    while (left >= kArenaMin) {
        BttArena a;
        a.begin = begin;
        a.size = std::min(left, kArenaMax);
        const std::uint64_t available = round_down(a.size, kPageSize) - 2 * kInfo - kLog;
        a.external_lbasize = sector;
        a.internal_lbasize = static_cast<std::uint32_t>(round_up(sector, 64));
        a.internal_nlba =
            static_cast<std::uint32_t>((available - kPageSize) / (a.internal_lbasize + 4));
        a.external_nlba = a.internal_nlba - kBttLanes;
        const std::uint64_t map = round_up(4ull * a.external_nlba, kPageSize);
        a.dataoff = kInfo;
        a.mapoff = a.dataoff + (available - map);
        a.logoff = a.mapoff + map;
        a.info2off = a.logoff + kLog;
        out.push_back(a);
        begin += a.size;
        left -= a.size;
    }
    return out;
}

std::uint64_t btt_capacity(SpaRange range, std::uint64_t initial_offset, std::uint32_t sector) {
    std::uint64_t blocks = 0;
    for (const BttArena& arena : btt_layout(range, initial_offset, sector))
        blocks += arena.external_nlba;
    return blocks * sector;
}

}  // namespace mcemu::pmem
