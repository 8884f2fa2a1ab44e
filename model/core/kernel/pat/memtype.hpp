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

    /// reserve_memtype() / memtype_reserve(). `new_mode` null: the caller accepts no other type.
    int reserve(Context& ctx, std::uint64_t begin, std::uint64_t end, CacheMode requested,
                CacheMode* new_mode);
    /// free_memtype() / memtype_free().
    int free(Context& ctx, std::uint64_t begin, std::uint64_t end);
    /// lookup_memtype().
    CacheMode lookup(std::uint64_t spa) const;
    /// Entries in the order of pat_memtype_list.
    const std::vector<MemtypeEntry>& entries() const { return entries_; }

private:
    Kernel& kernel_;
    std::vector<MemtypeEntry> entries_;  // ascending start; equal starts: the list's order
};

}  // namespace mcemu::kernel
