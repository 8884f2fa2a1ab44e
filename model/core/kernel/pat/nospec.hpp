#pragma once  // Taking poison out of the 1:1 map without touching it (kernel.md 4.6).
#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/kernel/env.hpp"

namespace mcemu::kernel {

/// v4.18 mce_unmap_kpfn(), v4.19 and v6.1 set_mce_nospec() / clear_mce_nospec(). All return 0, a
/// negative errno, or kTaskDied when the running task died in an oops.
class Nospec {
public:
    explicit Nospec(Kernel& kernel) : kernel_(kernel) {}
    /// Marks the page; a failure prints its warning.
    Task<int> set_mce_nospec(Context& ctx, Pfn pfn);
    /// Undoes the marking where the profile can.
    Task<int> clear_mce_nospec(Context& ctx, Pfn pfn);
    /// set_memory_uc, _wb, _np, _p of one page at a linear address (kernel.md 4.5).
    Task<int> set_memory_uc(Context& ctx, std::uint64_t va);
    Task<int> set_memory_wb(Context& ctx, std::uint64_t va);
    Task<int> set_memory_np(Context& ctx, std::uint64_t va);
    Task<int> set_memory_p(Context& ctx, std::uint64_t va);
    /// Whether somebody is between the memory type and the direct-map entry of the page.
    bool changing(Pfn pfn) const {
        return std::find(changing_.begin(), changing_.end(), pfn.value) != changing_.end();
    }

private:
    void hold(Context& ctx, std::uint64_t va);
    Kernel& kernel_;
    void changed(Pfn pfn);
    std::vector<std::uint64_t> changing_;  // pfns, as often as they are being changed
};

}  // namespace mcemu::kernel
