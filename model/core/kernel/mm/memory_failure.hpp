#pragma once  // memory_failure() and its relatives (mm/memory-failure.c; kernel.md section 2).
#include <cstdint>
#include <string_view>

#include "core/kernel/env.hpp"

namespace mcemu::kernel {

enum MfFlags : unsigned {
    MF_COUNT_INCREASED = 1,
    MF_ACTION_REQUIRED = 2,
    MF_MUST_KILL = 4,
    MF_SOFT_OFFLINE = 8,
    MF_UNPOISON = 16,
    MF_SW_SIMULATED = 32,
    MF_NO_RETRY = 64,
};

class MemoryFailure {
public:
    explicit MemoryFailure(Kernel& kernel);
    ~MemoryFailure();

    /// Handles an uncorrectable error of a page. 0 or a negative errno (kernel.md 2.4 to 2.8).
    Task<int> memory_failure(Context& ctx, Pfn pfn, unsigned flags);
    /// soft_offline_page(), kernel.md 2.13.
    Task<int> soft_offline_page(Context& ctx, Pfn pfn, unsigned flags);
    /// Write to debugfs unpoison-pfn, kernel.md 2.14.
    Task<int> unpoison_memory(Context& ctx, Pfn pfn);
    /// Write to debugfs corrupt-pfn, kernel.md 3.2.
    Task<int> corrupt_pfn(Context& ctx, Pfn pfn);
    /// Write to debugfs hwpoison/corrupt-filter-*: false when there is no such file.
    bool write_filter(std::string_view file, std::uint64_t value);
    /// memory_failure_queue(): 16 entries per CPU, drained by its worker (GHES, CEC).
    void queue(CpuId cpu, Pfn pfn, unsigned flags);

private:
    struct State;
    std::unique_ptr<State> s_;
};

}  // namespace mcemu::kernel
