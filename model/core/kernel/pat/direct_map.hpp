#pragma once  // The kernel's 1:1 map of all memory, its page attributes and its large pages.
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/mm/page.hpp"

namespace mcemu::kernel {

/// A leaf entry of the direct map.
struct DirectMapEntry {
    unsigned shift = kPudShift;  ///< 30, 21 or 12
    bool present = true;
    bool global = true;
    CacheMode mode = CacheMode::wb;

    bool operator==(const DirectMapEntry&) const = default;
    /// Attributes as one number, for TraceKind::direct_map: cache mode, present << 8, global << 9,
    /// shift << 16.
    std::uint64_t packed() const {
        return static_cast<std::uint64_t>(mode) | std::uint64_t{present} << 8 |
               std::uint64_t{global} << 9 | std::uint64_t{shift} << 16;
    }
};

/// Page attributes by change_page_attr (arch/x86/mm/pageattr.c, mm/pat/set_memory.c; kernel.md
/// 4.5). Sparse: only split large pages and pages unlike the rest cost memory.
class DirectMap {
public:
    explicit DirectMap(Kernel& kernel);

    std::uint64_t page_offset() const { return page_offset_; }
    /// kaddr(pfn), decoy(pfn): kernel.md 4.4.
    std::uint64_t kaddr(Pfn pfn) const { return page_offset_ + pfn.spa(); }
    std::uint64_t decoy(Pfn pfn) const { return pfn.spa() + (page_offset_ ^ (1ull << 63)); }
    /// The address with bit 63 made equal to bit 62: a decoy becomes the real address.
    static constexpr std::uint64_t canonical(std::uint64_t va) {
        return va << 1 >> 63 ? va | 1ull << 63 : va & ~(1ull << 63);
    }
    /// __pa(): also of a decoy, whose physical address then has bit 63 set.
    std::uint64_t pa(std::uint64_t va) const { return va - page_offset_; }
    /// Whether `va` is a (canonical) direct-map address, and of which physical address.
    std::optional<std::uint64_t> physical(std::uint64_t va) const;

    /// The leaf entry that maps `pfn`; present = false also where nothing is mapped. Namespaces
    /// without struct pages have a present entry, too: it stands for the driver's own mapping.
    DirectMapEntry entry(Pfn pfn) const;
    /// Whether any RAM or namespace with struct pages puts `pfn` into the direct map.
    bool mapped(Pfn pfn) const;

    /// change_page_attr for one page through the linear address `va` (a decoy or the real one):
    /// presence and cache mode become those of `wanted`. 0, -EFAULT (no entry) or kTaskDied.
    /// Spends the split and flush latencies.
    Task<int> change(Context& ctx, std::uint64_t va, DirectMapEntry wanted);

    /// DirectMap4k/2M/1G of /proc/meminfo, kB.
    struct Count { std::uint64_t k4 = 0, m2 = 0, g1 = 0; };
    Count counters() const { return counters_; }
    /// The same when the kernel had booted.
    Count boot_counters() const { return boot_counters_; }

    /// arch_remove_memory(): the area of a namespace goes. 4 KiB entries that are not present
    /// stay as they are, and so does the table that holds them (remove_pte_table()).
    void remove(SpaRange range);
    /// arch_add_memory(): it comes back, around whatever stayed.
    void add(SpaRange range);
    /// The same for a range that the machine did not begin with, with struct pages or without.
    void add(SpaRange range, bool pages);
    /// Whether the area that begins where `range` does is there.
    bool holds(SpaRange range) const { return area(range.begin) != nullptr; }

    struct Range { Pfn first; std::uint64_t pages; bool present; CacheMode mode; };
    /// All 4 KiB entries that differ from present write-back, merged, rising; areas that were
    /// removed count as not present.
    std::vector<Range> changed() const;
    struct Split { Pfn first; unsigned shift; };  ///< shift: of the large page that is no more
    /// Large pages that were split since boot: 1 GiB, then 2 MiB, each rising.
    std::vector<Split> splits() const;

private:
    struct Area {
        SpaRange range;
        bool pages;  // part of the direct map proper
    };
    const Area* area(std::uint64_t spa) const;
    static unsigned boot_shift(SpaRange range, std::uint64_t spa);
    void count(SpaRange range);
    void split(Pfn pfn, unsigned shift, bool counted);
    void split_image(Pfn pfn);
    Delay flush_tlb(Context& ctx, bool all, std::uint64_t va);

    Kernel& kernel_;
    std::uint64_t page_offset_;
    DirectMapEntry boot_entry_;
    Count counters_, boot_counters_;
    Count sizes(const Area& area) const;
    std::vector<Area> areas_;                          // rising, disjoint
    std::vector<Area> removed_;                        // likewise
    std::unordered_set<std::uint64_t> split_1g_;       // spa >> 30: now 2 MiB entries
    std::unordered_set<std::uint64_t> split_2m_;       // spa >> 21: now 4 KiB entries
    std::unordered_set<std::uint64_t> split_image_;    // spa >> 21 of the image's own mapping
    std::map<std::uint64_t, DirectMapEntry> pages_;    // by pfn: entries unlike those around them
};

}  // namespace mcemu::kernel
