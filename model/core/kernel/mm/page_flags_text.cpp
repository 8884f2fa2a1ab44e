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

constexpr unsigned kActiveV4 = 6;

// Zones by number (include/linux/mmzone.h): DMA ends at 16 MiB, DMA32 at 4 GiB; ZONE_DEVICE as the
// records of v4.18 show it. The node stands above the zone.
constexpr std::uint64_t kDma = 0, kDma32 = 1, kNormal = 2, kDevice = 3;
constexpr unsigned kZoneShiftV4 = 56, kNodeShiftV4 = 58;
constexpr unsigned kZoneShiftV6 = 51, kNodeShiftV6 = 54, kLastCpuidShift = 30;
constexpr std::uint64_t kNoLastCpupid = 0x1fffff;

struct Where {
    std::uint64_t zone = kDevice, node = 0;
};

Where where(Pfn pfn, const MachineConfig& machine) {
    for (const DramConfig& dram : machine.memory)
        if (dram.range.contains(pfn.spa()))
            return {pfn.spa() < (16ull << 20)  ? kDma
                    : pfn.spa() < (4ull << 30) ? kDma32
                                               : kNormal,
                    dram.socket};
    for (const RegionConfig& region : machine.regions)
        if (region.range.contains(pfn.spa()) && !region.nvdimms.empty())
            return {kDevice, machine.nvdimms[region.nvdimms.front()].socket};
    return {};
}

}  // namespace

PageFlagsText page_flags_text(const Page& page, Pfn pfn, const MachineConfig& machine,
                              const Profile& profile) {
    const bool v6 = profile.id == ProfileId::v6_1;
    const Where at = where(pfn, machine);
    const bool active = !v6 && page.test(PG_anon) && !page.test(PG_unevictable);
    PageFlagsText text;
    text.word = at.zone << (v6 ? kZoneShiftV6 : kZoneShiftV4) |
                at.node << (v6 ? kNodeShiftV6 : kNodeShiftV4);
    const auto name = [&text](unsigned bit, const char* what) {
        text.word |= 1ull << bit;
        if (!text.names.empty()) text.names += '|';
        text.names += what;
    };
    for (const Named& f : kNamed) {
        if (page.test(f.ours)) name(v6 ? f.v6 : f.v4, f.name);
        if (f.ours == PG_lru && active) name(kActiveV4, "active");
    }
    if (!v6) return text;
    text.word |= kNoLastCpupid << kLastCpuidShift;
    if (!text.names.empty()) text.names += '|';
    text.names += "node=" + std::to_string(at.node) + "|zone=" + std::to_string(at.zone) +
                  "|lastcpupid=0x1fffff";
    return text;
}

}  // namespace mcemu::kernel
