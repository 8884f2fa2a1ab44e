#pragma once  // Memory-type tracking (arch/x86/mm/pat.c, pat_rbtree.c; kernel.md 4.2, 4.3).
#include <cstdint>
#include <string>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/mm/page.hpp"

namespace mcemu::kernel {

struct MemtypeEntry {
    std::uint64_t begin = 0, end = 0;  ///< exclusive end
    CacheMode mode = CacheMode::wb;
};

class Memtypes {
public:
    explicit Memtypes(Kernel& kernel);

    /// reserve_memtype() / memtype_reserve(): 0, -EINVAL or -EBUSY. `new_mode` null: the caller
    /// accepts no other type.
    int reserve(Context& ctx, std::uint64_t begin, std::uint64_t end, CacheMode requested,
                CacheMode* new_mode);
    /// free_memtype() / memtype_free(): 0 or -EINVAL.
    int free(Context& ctx, std::uint64_t begin, std::uint64_t end);
    /// lookup_memtype().
    CacheMode lookup(std::uint64_t spa) const;
    /// The write-back entry of a pmem namespace, made before the log begins: no lines.
    void reserve_at_boot(SpaRange range);
    /// Entries in the order of pat_memtype_list.
    const std::vector<MemtypeEntry>& entries() const { return entries_; }

private:
    enum class RangeKind : std::uint8_t { other, ram, mixed };
    RangeKind range_kind(std::uint64_t begin, std::uint64_t end) const;
    CacheMode effective(std::uint64_t begin, std::uint64_t end, CacheMode requested) const;
    int reserve_ram(Context& ctx, std::uint64_t begin, std::uint64_t end, CacheMode requested,
                    CacheMode* new_mode);
    bool check_conflict(Context& ctx, std::uint64_t begin, std::uint64_t end, CacheMode requested,
                        CacheMode* new_mode);
    void insert(MemtypeEntry entry);
    std::uint64_t sanitize(std::uint64_t address) const;

    Kernel& kernel_;
    std::vector<SpaRange> ram_;          // rising, at and above 1 MiB
    std::vector<MemtypeEntry> entries_;  // ascending start; equal starts: the list's order
};

}  // namespace mcemu::kernel
