#pragma once  // struct page and the physical memory map.
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/config.hpp"
#include "core/units.hpp"

namespace mcemu::kernel {

/// Page flag bits; the names are the kernel's (include/linux/page-flags.h).
enum PageFlag : std::uint32_t {
    PG_locked = 0, PG_error = 1, PG_referenced = 2, PG_uptodate = 3, PG_dirty = 4, PG_lru = 5,
    PG_slab = 7, PG_reserved = 12, PG_head = 15, PG_swapcache = 16, PG_swapbacked = 17,
    PG_unevictable = 18, PG_mlocked = 19, PG_writeback = 20, PG_hwpoison = 21, PG_buddy = 22,
    PG_table = 23, PG_hugetlb = 24, PG_anon = 25, PG_offline = 26, PG_pcp = 27,
};
constexpr std::uint32_t bit(PageFlag f) { return 1u << f; }

/// Cache mode of a mapping or memtype (kernel.md 4.1); values are the kernel's.
enum class CacheMode : std::uint8_t { wb = 0, wc = 1, uc_minus = 2, uc = 3, wt = 4, wp = 5 };

struct Mapping;  // address_space: mm/mapping.hpp

/// One 4 KiB page that something is known about. Pages nobody touched have no entry; Memory
/// makes it with the state that its kind of memory implies.
struct Page {
    std::uint32_t flags = 0;
    std::int32_t refcount = 1;
    std::int32_t mapcount = 0;
    Mapping* mapping = nullptr;
    std::uint64_t index = 0;       ///< page->index, in 4 KiB units
    CacheMode memtype = CacheMode::wb;  ///< RAM only: the PAT page flags
    bool test(PageFlag f) const { return flags & bit(f); }
};

/// What lies at a physical address.
enum class MemoryKind : std::uint8_t {
    none,        ///< no struct page
    ram,         ///< System RAM
    pmem,        ///< ZONE_DEVICE page of an fsdax or devdax namespace (dev_pagemap)
    pmem_meta,   ///< the namespace's own metadata area, covered by the dev_pagemap
    pmem_raw,    ///< persistent memory without struct pages
    device_private,  ///< HMM private page
};

/// Physical memory: kinds by address, pages by number.
class Memory {
public:
    Memory(const MachineConfig& machine, const std::vector<KernelPagesConfig>& pages,
           const KernelConfig& kernel);

    MemoryKind kind(Pfn pfn) const;
    /// Index of the namespace that holds `spa`, or -1.
    int namespace_at(std::uint64_t spa) const;
    bool is_ram(Pfn pfn) const { return kind(pfn) == MemoryKind::ram; }

    /// The page, made on first use.
    Page& page(Pfn pfn);
    const Page* find(Pfn pfn) const;
    /// All known pages, rising by pfn.
    std::vector<Pfn> known() const;
    std::size_t known_count() const { return pages_.size(); }

    /// Physical memory for `pages` pages, aligned to `align` pages, contiguous; the lowest free
    /// RAM that no pinned range or kernel page occupies. nullopt: memory is full.
    std::optional<Pfn> allocate(std::uint64_t pages, std::uint64_t align);
    /// Takes [begin, end) out of what allocate() gives (maps with "at").
    void reserve(SpaRange range);

private:
    const MachineConfig& machine_;
    const std::vector<KernelPagesConfig>& kernel_pages_;
    const KernelConfig& kernel_;
    std::unordered_map<std::uint64_t, Page> pages_;
    std::vector<SpaRange> reserved_;   // sorted
    std::uint64_t next_free_ = 0;
};

}  // namespace mcemu::kernel
