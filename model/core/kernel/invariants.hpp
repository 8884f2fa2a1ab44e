#pragma once  // What must hold of the kernel stub between any two happenings.
#include <cstdint>
#include <string>

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {

struct Pte;
struct Vma;

/// Looks at the whole stub, and at what the trace gained since the last look. Envelope: a page is
/// never both free and mapped or cached; reverse map and page tables agree; the memory type of a
/// page agrees with its entry in the direct map, where the profile tracks it; a page that is not
/// present there is never read through it, nor an uncacheable one by speculation;
/// num_poisoned_pages is the number of marked pages, where the profile says so.
/// The cost follows what the stub knows: for tests.
class Invariants {
public:
    explicit Invariants(const Kernel& kernel) : kernel_(kernel) {}

    /// What is broken, one sentence with its numbers; empty: nothing.
    std::string check();
    /// What must hold when nothing can happen any more: no lock is held.
    std::string check_end() const;

private:
    std::string spaces() const;
    std::string piece(const Process& process, const Vma& vma, std::uint64_t va, std::uint64_t end,
                      const Pte& pte) const;
    std::string trees() const;
    std::string uses() const;
    std::string direct_map() const;
    std::string poisoned() const;
    std::string reads();

    const Kernel& kernel_;
    std::uint32_t seen_ = 0;  // trace records already looked at
};

}  // namespace mcemu::kernel
