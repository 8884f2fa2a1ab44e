#pragma once  // The kernel's 1:1 map of all memory, its page attributes and its large pages.
#include <cstdint>
#include <map>
#include <unordered_map>
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
};

/// Page attributes by change_page_attr (arch/x86/mm/pageattr.c; kernel.md 4.5). Sparse: only
/// split large pages cost memory.
class DirectMap {
public:
    DirectMap(Kernel& kernel);

    std::uint64_t page_offset() const { return page_offset_; }
    /// kaddr(pfn), decoy(pfn): kernel.md 4.4.
    std::uint64_t kaddr(Pfn pfn) const { return page_offset_ + pfn.spa(); }
    std::uint64_t decoy(Pfn pfn) const { return pfn.spa() + (page_offset_ ^ (1ull << 63)); }
    /// Whether `va` is a (canonical) direct-map address, and of which physical address.
    std::optional<std::uint64_t> physical(std::uint64_t va) const;

    /// The leaf entry that maps `pfn`; present = false also where nothing is mapped.
    DirectMapEntry entry(Pfn pfn) const;
    /// Whether any RAM or namespace with struct pages puts `pfn` into the direct map.
    bool mapped(Pfn pfn) const;

    /// change_page_attr for one page through the linear address `va` (a decoy or the real one).
    /// 0, -EFAULT (no entry) or -ENOMEM. Spends the split and flush latencies.
    Task<int> change(Context& ctx, std::uint64_t va, DirectMapEntry wanted);

    /// DirectMap4k/2M/1G of /proc/meminfo, kB.
    struct Count { std::uint64_t k4 = 0, m2 = 0, g1 = 0; };
    Count counters() const { return counters_; }

    struct Range { Pfn first; std::uint64_t pages; bool present; CacheMode mode; };
    /// All 4 KiB entries that differ from present write-back, merged, rising.
    std::vector<Range> changed() const;

private:
    friend class DirectMapTest;
    Kernel& kernel_;
    std::uint64_t page_offset_;
    Count counters_;
    std::unordered_map<std::uint64_t, DirectMapEntry> split_1g_;   // by spa >> 30: now 2 MiB entries
    std::unordered_map<std::uint64_t, DirectMapEntry> split_2m_;   // by spa >> 21: now 4 KiB entries
    std::map<std::uint64_t, DirectMapEntry> pages_;                // by pfn: 4 KiB entries unlike their split parent
};

}  // namespace mcemu::kernel
