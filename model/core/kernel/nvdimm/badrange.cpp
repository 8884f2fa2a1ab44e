#include "core/kernel/nvdimm/badrange.hpp"

#include <algorithm>

namespace mcemu::kernel {

void Badranges::add(std::uint64_t start, std::uint64_t length) {
    const auto same = std::find_if(ranges_.begin(), ranges_.end(),
                                   [start](const Range& r) { return r.start == start; });
    if (same != ranges_.end()) same->length = length;
    else ranges_.push_back({start, length});
}

void Badranges::forget(std::uint64_t start, std::uint32_t length) {
    const std::uint64_t last = start + length - 1;
    std::vector<Range> kept, tails;
    for (Range r : ranges_) {
        const std::uint64_t r_last = r.start + r.length - 1;
        if (r.start > last || r_last < start) {
            kept.push_back(r);
        } else if (r.start >= start && r_last <= last) {
            // wholly forgotten
        } else if (start <= r.start) {
            // The kernel tests last > r.start here: one byte of overlap changes nothing.
            if (last > r.start) r = {last + 1, r_last - last};
            kept.push_back(r);
        } else {
            if (r_last > last) tails.push_back({last + 1, r_last - last});
            r.length = start - r.start;
            kept.push_back(r);
        }
    }
    kept.insert(kept.end(), tails.begin(), tails.end());
    ranges_ = std::move(kept);
}

std::vector<SectorRange> to_sectors(const std::vector<Badranges::Range>& ranges,
                                    SpaRange resource) {
    std::vector<SectorRange> out;
    for (const Badranges::Range& r : ranges) {
        const std::uint64_t begin = std::max(r.start, resource.begin);
        const std::uint64_t end = std::min(r.start + r.length, resource.end);
        if (begin >= end) continue;
        const std::uint64_t first = (begin - resource.begin) / kSectorSize;
        const std::uint64_t past = round_up(end - resource.begin, kSectorSize) / kSectorSize;
        out.push_back({first, past - first});
    }
    return out;
}

}  // namespace mcemu::kernel
