#pragma once  // Which module holds an address of an interleaved region, and back.
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/config.hpp"
#include "core/pmem/poison_list.hpp"
#include "core/units.hpp"

namespace mcemu::pmem {

/// Uniform interleave without address hashing (nvdimm.md 2.1): consecutive chunks of
/// `granularity` bytes lie on consecutive ways. Within one way, addresses rise with the SPA, so
/// that the part of any SPA range on one way is one range of its DPAs.
class InterleaveSet {
public:
    struct Place {
        std::uint32_t way = 0;
        std::uint64_t dpa = 0;
        bool operator==(const Place&) const = default;
    };

    /// `dpa_base` has one entry per way. Throws std::invalid_argument when the range is no
    /// multiple of ways * granularity, or the granularity no multiple of a line.
    InterleaveSet(SpaRange range, std::uint64_t granularity, std::vector<std::uint64_t> dpa_base)
        : range_(range), granularity_(granularity), dpa_base_(std::move(dpa_base)) {
        if (dpa_base_.empty() || granularity_ == 0 || granularity_ % kLineSize != 0 ||
            range_.begin % kLineSize != 0 || range_.begin >= range_.end ||
            range_.size() % (dpa_base_.size() * granularity_) != 0)
            throw std::invalid_argument("InterleaveSet: " + std::to_string(range_.begin) + "-" +
                                        std::to_string(range_.end) + " in " +
                                        std::to_string(dpa_base_.size()) + " ways of " +
                                        std::to_string(granularity_));
    }
    explicit InterleaveSet(const RegionConfig& region)
        : InterleaveSet(region.range, region.interleave, region.dpa_base) {}

    SpaRange range() const { return range_; }
    std::uint32_t ways() const { return static_cast<std::uint32_t>(dpa_base_.size()); }
    std::uint64_t granularity() const { return granularity_; }

    /// Only for addresses of range().
    Place decode(std::uint64_t spa) const {
        const std::uint64_t offset = spa - range_.begin;
        const std::uint64_t chunk = offset / granularity_;
        const std::uint64_t way = chunk % dpa_base_.size();
        return {static_cast<std::uint32_t>(way),
                dpa_base_[way] + chunk / dpa_base_.size() * granularity_ + offset % granularity_};
    }
    /// Only for a DPA of on_way(range(), place.way), or its end.
    std::uint64_t encode(Place place) const {
        const std::uint64_t offset = place.dpa - dpa_base_[place.way];
        const std::uint64_t row = offset / granularity_;
        return range_.begin + (row * dpa_base_.size() + place.way) * granularity_ +
               offset % granularity_;
    }
    /// First address behind the chunk of `spa`.
    std::uint64_t chunk_end(std::uint64_t spa) const {
        return range_.begin + round_down(spa - range_.begin, granularity_) + granularity_;
    }
    /// The lowest DPA on `way` whose SPA is at or above `spa`; `spa` in range() or its end.
    std::uint64_t first_dpa(std::uint64_t spa, std::uint32_t way) const {
        const std::uint64_t offset = spa - range_.begin;
        const std::uint64_t chunk = offset / granularity_;
        const std::uint64_t row = chunk / dpa_base_.size(), here = chunk % dpa_base_.size();
        const std::uint64_t inside = here == way  ? offset % granularity_
                                     : here > way ? granularity_
                                                  : 0;
        return dpa_base_[way] + row * granularity_ + inside;
    }
    /// What of [spa) lies on `way`: one DPA range, perhaps empty.
    DpaRange on_way(SpaRange spa, std::uint32_t way) const {
        return {first_dpa(spa.begin, way), first_dpa(spa.end, way)};
    }

private:
    SpaRange range_;
    std::uint64_t granularity_;
    std::vector<std::uint64_t> dpa_base_;
};

/// The first maximal poisoned run of a region inside [from, end), in SPA order: lines with all of
/// `flags` on the ways' lists. A run goes over chunk borders where the neighbour is poisoned too.
/// O(ways * log ranges), however long the run.
inline std::optional<SpaRange> next_run(const InterleaveSet& set,
                                        std::span<const PoisonList* const> ways, std::uint64_t from,
                                        std::uint64_t end, std::uint8_t flags = kPoisonAny) {
    from = round_down(from, kLineSize);
    std::uint64_t begin = end;
    for (std::uint32_t way = 0; way < set.ways(); ++way) {
        const DpaRange part = set.on_way({from, begin}, way);
        if (part.begin >= part.end || ways[way]->empty()) continue;
        const std::uint64_t dpa = ways[way]->next_poisoned(part.begin, part.end, flags);
        if (dpa < part.end) begin = set.encode({way, dpa});
    }
    if (begin >= end) return std::nullopt;
    std::uint64_t stop = end;
    for (std::uint32_t way = 0; way < set.ways(); ++way) {
        const DpaRange part = set.on_way({begin, stop}, way);
        if (part.begin >= part.end) continue;
        const std::uint64_t dpa = ways[way]->next_clean(part.begin, part.end, flags);
        if (dpa < part.end) stop = set.encode({way, dpa});
    }
    return SpaRange{begin, stop};
}

}  // namespace mcemu::pmem
