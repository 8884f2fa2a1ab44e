#pragma once  // struct page and the physical memory map.
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/config.hpp"
#include "core/kernel/mm/range_map.hpp"
#include "core/units.hpp"

namespace mcemu::kernel {

/// Page flag bits; the names are the kernel's (include/linux/page-flags.h).
enum PageFlag : std::uint32_t {
    PG_locked = 0,
    PG_error = 1,
    PG_referenced = 2,
    PG_uptodate = 3,
    PG_dirty = 4,
    PG_lru = 5,
    PG_slab = 7,
    PG_reserved = 12,
    PG_head = 15,
    PG_swapcache = 16,
    PG_swapbacked = 17,
    PG_unevictable = 18,
    PG_mlocked = 19,
    PG_writeback = 20,
    PG_hwpoison = 21,
    PG_buddy = 22,
    PG_table = 23,
    PG_hugetlb = 24,
    PG_anon = 25,
    PG_offline = 26,
    PG_pcp = 27,
    PG_ksm = 28,
};
constexpr std::uint32_t bit(PageFlag f) { return 1u << f; }

/// Cache mode of a mapping or memtype (kernel.md 4.1); values are the kernel's.
enum class CacheMode : std::uint8_t { wb = 0, wc = 1, uc_minus = 2, uc = 3, wt = 4, wp = 5 };

struct Mapping;  // address_space: mm/mapping.hpp

/// One 4 KiB page that something is known about. Pages nobody touched have no entry; Memory
/// makes it with the state that its kind of memory implies.
struct Page {
    std::uint32_t flags = 0;
    /// References that page tables do not hold: page cache, memory_failure(), leaked ones, and
    /// the base reference of kernel and ZONE_DEVICE pages. page_count() is this + mapcount for RAM.
    std::int32_t refcount = 1;
    std::int32_t mapcount = 0;  ///< as of the last look of the reverse map
    Mapping* mapping = nullptr;
    std::uint64_t index = 0;            ///< page->index, in 4 KiB units
    CacheMode memtype = CacheMode::wb;  ///< RAM only: the PAT page flags
    std::uint32_t associated = 0;       ///< Memory's own: when mapping and index were looked up
    bool test(PageFlag f) const { return flags & bit(f); }
};

/// What lies at a physical address.
enum class MemoryKind : std::uint8_t {
    none,            ///< no struct page
    ram,             ///< System RAM
    pmem,            ///< ZONE_DEVICE page of an fsdax or devdax namespace (dev_pagemap)
    pmem_meta,       ///< the namespace's own metadata area, covered by the dev_pagemap
    pmem_raw,        ///< persistent memory without struct pages
    device_private,  ///< HMM private page
};

/// What a run of pages is used for: the part of struct page that is alike, or linear, in it.
struct PageUse {
    Mapping* mapping = nullptr;
    std::uint64_t index = 0;  ///< of the first page
    bool indexed = true;      ///< false: page->index is never set (kernel.md 5.2, v4.18)
    bool head_only = false;   ///< mapping and index stand in the compound head alone (v6.1 dax)
    std::uint8_t shift = 12;  ///< size of the compound page they form
    std::uint32_t flags = 0;  ///< of a page nothing else is known about
    std::int32_t refcount = 0;
    PageUse advanced(std::uint64_t pages) const {
        PageUse later = *this;
        later.index += pages;
        return later;
    }
};

/// Physical memory: kinds by address, pages by number.
class Memory {
public:
    Memory(const MachineConfig& machine, const std::vector<KernelPagesConfig>& pages,
           const KernelConfig& kernel);

    MemoryKind kind(Pfn pfn) const;
    /// A namespace comes into being, or goes, while the machine runs; it has no pages then.
    void place_namespace(int index, SpaRange range) {
        namespaces_.assign(range.begin, range.end, {index});
    }
    void unplace_namespace(SpaRange range) { namespaces_.erase(range.begin, range.end); }
    /// Index of the namespace that holds `spa`, or -1.
    int namespace_at(std::uint64_t spa) const;
    bool is_ram(Pfn pfn) const { return kind(pfn) == MemoryKind::ram; }
    /// RAM that is not offline: pfn_to_online_page().
    bool is_online(Pfn pfn) const;
    /// State of a page that belongs to no process, when the scenario gives one.
    std::optional<KernelPageState> kernel_state(Pfn pfn) const;

    /// The page, made on first use.
    Page& page(Pfn pfn) {
        // Handling one error asks for the same page twenty times, 50 instructions each.
        if (latest_ && latest_pfn_ == pfn && latest_->associated == uses_changed_) return *latest_;
        return known_page(pfn);
    }
    const Page* find(Pfn pfn) const;
    /// The page as page() would give it, without making it known.
    Page look(Pfn pfn) const;
    /// All known pages, rising by pfn.
    std::vector<Pfn> known() const;
    std::size_t known_count() const { return pages_.size(); }

    /// Physical memory for `pages` pages, aligned to `align` pages, contiguous; the lowest free
    /// RAM that no pinned range or kernel page occupies. nullopt: memory is full.
    std::optional<Pfn> allocate(std::uint64_t pages, std::uint64_t align);
    /// Gives pages back to the buddy allocator; poisoned ones stay out for good.
    void free(Pfn first, std::uint64_t pages);
    /// Takes [begin, end) out of what allocate() gives (maps with "at").
    void reserve(SpaRange range);

    /// Puts a run of pages to use. RAM: forgets what was known about them before.
    void use(Pfn first, std::uint64_t pages, const PageUse& use);
    /// The same for those of them that have no use yet (a DAX page keeps its first association).
    void use_unused(Pfn first, std::uint64_t pages, const PageUse& use);
    /// devm_memremap_pages(): the namespace gets struct pages with clean flags.
    void add_pages(const NamespaceConfig& ns);
    /// Its struct pages go; returns how many of them were poisoned.
    std::uint64_t remove_pages(const NamespaceConfig& ns);
    /// Whether a page of it has more than its base reference.
    bool any_referenced(const NamespaceConfig& ns) const;

    /// Takes PG_dirty from a run of pages; returns whether one of them had it.
    bool clean(Pfn first, std::uint64_t pages);
    /// page->mapping := NULL, page->index := 0.
    void disuse(Pfn first, std::uint64_t pages);
    std::optional<RangeMap<PageUse>::Range> usage(Pfn pfn) const { return uses_.find(pfn.value); }
    /// Calls f(RangeMap<PageUse>::Range) for every part of [first, last) that is in use, rising.
    template <class F>
    void for_each_use(std::uint64_t first, std::uint64_t last, F&& f) const {
        uses_.for_each(first, last, f);
    }
    /// Whether allocate() could give away any of the pages.
    bool allocatable(Pfn first, std::uint64_t pages) const;

    /// The shared page of zeros that a read of untouched anonymous memory maps.
    Pfn zero_page() const { return zero_page_; }
    /// A poisoned page never returns to the allocator until it is unpoisoned.
    void hold(Pfn pfn) { held_.insert(pfn.value); }
    void unhold(Pfn pfn) { held_.erase(pfn.value); }

private:
    template <class T>
    struct Constant {
        T value{};
        Constant advanced(std::uint64_t) const { return *this; }
    };
    Page& known_page(Pfn pfn);
    Page initial(Pfn pfn) const;
    void associate(Pfn pfn, Page& page) const;
    void forget(Pfn first, std::uint64_t pages);

    RangeMap<Constant<MemoryKind>> kinds_;        // by pfn
    RangeMap<Constant<int>> namespaces_;          // by spa
    RangeMap<Constant<KernelPageState>> states_;  // by pfn
    RangeMap<PageUse> uses_;                      // by pfn
    std::uint32_t uses_changed_ = 1;              // rises with every change of uses_
    RangeMap<Constant<bool>> taken_;              // by pfn: not for allocate()
    std::vector<SpaRange> ram_;                   // sorted
    std::unordered_map<std::uint64_t, Page> pages_;
    Page* latest_ = nullptr;  // what page() gave last, until a page is forgotten
    Pfn latest_pfn_;
    std::set<std::uint64_t> held_;
    Pfn zero_page_;
    std::uint64_t lowest_free_ = 0;  // no free page below
};

}  // namespace mcemu::kernel
