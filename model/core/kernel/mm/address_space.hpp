#pragma once  // mm_struct: VMAs and page tables of one process.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "core/kernel/mm/mapping.hpp"
#include "core/kernel/mm/range_map.hpp"

namespace mcemu::kernel {

/// vm_area_struct.
struct Vma {
    std::uint64_t begin = 0, end = 0;  ///< user addresses
    std::uint64_t pgoff = 0;           ///< page index of `begin`
    std::uint64_t sequence = 0;        ///< rising with creation
    std::uint32_t process = 0;         ///< index
    MapKind kind = MapKind::anon;
    std::uint8_t shift = kPageShift;  ///< size its pages are mapped with where possible
    bool shared = false;
    bool thp = false;         ///< madvise(MADV_HUGEPAGE)
    bool locked = false;      ///< VM_LOCKED
    bool mixedmap = false;    ///< VM_MIXEDMAP (kernel.md 5.1 patch 2)
    int of = -1;              ///< as in Mapping
    Mapping* file = nullptr;  ///< page cache or device; null for private anonymous memory
    Mapping* anon = nullptr;  ///< where its private pages are found

    std::uint64_t pages() const { return (end - begin) >> kPageShift; }
    std::uint64_t index_of(std::uint64_t va) const { return pgoff + ((va - begin) >> kPageShift); }
    std::uint64_t va_of(std::uint64_t index) const {
        return begin + ((index - pgoff) << kPageShift);
    }
    std::uint64_t last_index() const { return pgoff + pages() - 1; }
    std::uint64_t unit() const { return 1ull << shift; }
};

/// A run of page-table leaves alike: nothing mapped has no run.
struct Pte {
    enum class Kind : std::uint8_t {
        present,
        hwpoison,  ///< a touch is answered with BUS_MCEERR_AR
        swap,      ///< the page is in the swap cache, or only on the swap device
    } kind = Kind::present;
    std::uint8_t shift = kPageShift;
    bool writable = false;
    std::uint64_t pfn = 0;  ///< of the first byte
    Pte advanced(std::uint64_t bytes) const {
        Pte later = *this;
        later.pfn += bytes >> kPageShift;
        return later;
    }
};
using PageTable = RangeMap<Pte>;

/// One leaf entry: the unit of its run that contains an address.
struct Leaf {
    std::uint64_t begin = 0, end = 0;
    Pte pte;
    std::uint64_t pfn_at(std::uint64_t va) const { return pte.pfn + ((va - begin) >> kPageShift); }
};

struct AddressSpace {
    std::map<std::uint64_t, std::unique_ptr<Vma>> vmas;  ///< by begin
    PageTable table;                                     ///< by user address

    Vma* find(std::uint64_t va) const {
        auto it = vmas.upper_bound(va);
        if (it == vmas.begin()) return nullptr;
        --it;
        return va < it->second->end ? it->second.get() : nullptr;
    }
    std::optional<Leaf> leaf(std::uint64_t va) const {
        const auto run = table.find(va);
        if (!run) return std::nullopt;
        const std::uint64_t unit = 1ull << run->value.shift;
        Leaf l;
        l.begin = round_down(va, unit);
        l.end = l.begin + unit;
        l.pte = run->at(l.begin);
        return l;
    }
};

}  // namespace mcemu::kernel
