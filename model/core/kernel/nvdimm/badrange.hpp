#pragma once  // Bus-wide list of bad physical ranges (drivers/nvdimm/badrange.c; nvdimm.md 11.1).
#include <cstdint>
#include <vector>

#include "core/units.hpp"

namespace mcemu::kernel {

/// Unsorted, overlaps allowed: they merge only when converted to sectors.
class Badranges {
public:
    struct Range {
        std::uint64_t start = 0, length = 0;  ///< SPA, bytes
        bool operator==(const Range&) const = default;
    };

    /// badrange_add(): an entry that starts exactly there takes the new length, also a shorter one.
    void add(std::uint64_t start, std::uint64_t length);
    /// badrange_forget(). Quirk: a range that ends on the first byte of an entry leaves it alone.
    void forget(std::uint64_t start, std::uint32_t length);

    const std::vector<Range>& ranges() const { return ranges_; }

private:
    std::vector<Range> ranges_;
};

/// First sector and number of sectors of a table.
struct SectorRange {
    std::uint64_t first = 0, count = 0;
    bool operator==(const SectorRange&) const = default;
};
/// nvdimm_badblocks_populate(): what each entry means for a table over `resource`, in list order
/// (nvdimm.md 11.3).
std::vector<SectorRange> to_sectors(const std::vector<Badranges::Range>& ranges, SpaRange resource);

}  // namespace mcemu::kernel
