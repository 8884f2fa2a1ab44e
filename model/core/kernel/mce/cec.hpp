#pragma once  // The Correctable Errors Collector (drivers/ras/cec.c; kernel.md 1.18).
#include <cstdint>
#include <vector>

#include "core/kernel/mce/core.hpp"

namespace mcemu::kernel {

/// Counts corrected errors per page frame in 512 elements and soft-offlines the worst pages.
class Cec {
public:
    explicit Cec(MceCore& core) : core_(core) {}

    /// True: the record is a corrected memory error, counted and eaten.
    bool swallow(CpuId cpu, const mca::MceRecord& m);

private:
    struct Element {
        std::uint64_t pfn;
        std::uint32_t generation;  ///< 2 bits: 3 fresh, 0 decayed
        std::uint32_t count;       ///< 10 bits
    };
    /// cec_add_elem(): false when the page went over the threshold instead.
    bool add(CpuId cpu, std::uint64_t pfn);
    /// count_threshold (v4.x), action_threshold (v6.1).
    std::uint32_t threshold() const;
    void offline(CpuId cpu, std::uint64_t pfn);
    void remove_least_recent();
    void spring_cleaning();

    MceCore& core_;
    std::vector<Element> elements_;  // sorted by pfn
    unsigned decay_count_ = 0;
};

}  // namespace mcemu::kernel
