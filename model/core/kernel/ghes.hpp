#pragma once  // Firmware-first error records (APEI GHES; kernel.md 1.19).
#include <deque>
#include <optional>

#include "core/kernel/env.hpp"

namespace mcemu::kernel {

/// Source: drivers/acpi/apei/ghes.c, drivers/firmware/efi/cper.c, mcheck/mce-apei.c.
class Ghes {
public:
    explicit Ghes(Kernel& kernel);
    /// A status block arrived: prints its lines and acts on memory sections.
    void report(const CperEvent& record);

private:
    /// A block that was printed; the same block is not printed again for a while.
    struct Cached {
        CperEvent record;
        SimTime at;
    };

    Task<void> handle(CperEvent record);
    bool cached(const CperEvent& record) const;
    void remember(const CperEvent& record);
    bool print(const CperEvent& record);
    void print_lines(const CperEvent& record);
    void report_memory_error(const CperEvent& record);
    void handle_memory_failure(const CperEvent& record);

    Kernel& kernel_;
    std::uint32_t sequence_ = 0;
    std::deque<Cached> cache_;  // oldest first
    RateLimit corrected_limit_, uncorrected_limit_, invalid_limit_;
};

}  // namespace mcemu::kernel
