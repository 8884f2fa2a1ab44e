#pragma once  // Firmware-first error records (APEI GHES; kernel.md 1.19).
#include "core/kernel/env.hpp"

namespace mcemu::kernel {

class Ghes {
public:
    explicit Ghes(Kernel& kernel) : kernel_(kernel) {}
    /// A status block arrived: prints its lines and acts on memory sections.
    void report(const CperEvent& record);

private:
    Task<void> handle(CperEvent record);
    Kernel& kernel_;
    std::uint32_t sequence_ = 0;
};

}  // namespace mcemu::kernel
