#include "core/kernel/mm/page_flags_text.hpp"

namespace mcemu::kernel {
namespace {

struct Named {
    PageFlag ours;
    unsigned v4, v6;  ///< bit positions
    const char* name;
};
// In the order in which the kernel names them.
constexpr Named kNamed[] = {
    {PG_locked, 0, 0, "locked"},
    {PG_error, 1, 8, "error"},
    {PG_referenced, 2, 1, "referenced"},
    {PG_uptodate, 3, 2, "uptodate"},
    {PG_dirty, 4, 3, "dirty"},
    {PG_lru, 5, 4, "lru"},
    {PG_slab, 8, 9, "slab"},
    {PG_swapcache, 9, 10, "owner_priv_1"},
    {PG_reserved, 11, 12, "reserved"},
    {PG_writeback, 14, 15, "writeback"},
    {PG_head, 15, 16, "head"},
    {PG_swapbacked, 18, 19, "swapbacked"},
    {PG_unevictable, 19, 20, "unevictable"},
    {PG_mlocked, 20, 21, "mlocked"},
    {PG_hwpoison, 22, 23, "hwpoison"},
};

// Zones by number (include/linux/mmzone.h): DMA32 ends at 4 GiB, ZONE_DEVICE as the records of
// v4.18 show it.
constexpr std::uint64_t kDma32 = 1, kNormal = 2, kDevice = 3;
constexpr unsigned kZoneShiftV4 = 56, kZoneShiftV6 = 51, kLastCpuidShift = 30;
constexpr std::uint64_t kNoLastCpupid = 0x1fffff;

}  // namespace

PageFlagsText page_flags_text(const Page& page, Pfn pfn, bool ram, const Profile& profile) {
    const bool v6 = profile.id == ProfileId::v6_1;
    const std::uint64_t zone = !ram ? kDevice : pfn.spa() < (4ull << 30) ? kDma32 : kNormal;
    PageFlagsText text;
    text.word = zone << (v6 ? kZoneShiftV6 : kZoneShiftV4);
    for (const Named& f : kNamed) {
        if (!page.test(f.ours)) continue;
        text.word |= 1ull << (v6 ? f.v6 : f.v4);
        if (!text.names.empty()) text.names += '|';
        text.names += f.name;
    }
    if (!v6) return text;
    text.word |= kNoLastCpupid << kLastCpuidShift;
    if (!text.names.empty()) text.names += '|';
    text.names += "node=0|zone=" + std::to_string(zone) + "|lastcpupid=0x1fffff";
    return text;
}

}  // namespace mcemu::kernel
