#pragma once  // Which module holds an address of an interleaved region, and back.
#include <algorithm>
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

/// Uniform interleave (nvdimm.md 2.1): consecutive chunks of `granularity` bytes lie on consecutive
/// ways. With the XOR arithmetic of CXL the ways of one stripe change their places from stripe to
/// stripe: bit i of the way is the parity of the address bits i, i + 6 and i + 14 above the
/// granularity (nvdimm.md 15; the bits are those of the XORMAPs of the kernel's cxl_test). Within
/// one way, addresses rise with the SPA either way, so that the part of any SPA range on one way
/// is one range of its DPAs.
class InterleaveSet {
public:
    struct Place {
        std::uint32_t way = 0;
        std::uint64_t dpa = 0;
        bool operator==(const Place&) const = default;
    };

    /// `dpa_base` has one entry per way. Throws std::invalid_argument when the range is no
    /// multiple of ways * granularity, or the granularity no multiple of a line; with XOR also when
    /// one of the numbers is no power of two, or the range begins inside a stripe.
    InterleaveSet(SpaRange range, std::uint64_t granularity, std::vector<std::uint64_t> dpa_base,
                  bool xor_hash = false)
        : range_(range), granularity_(granularity), dpa_base_(std::move(dpa_base)), xor_(xor_hash) {
        if (dpa_base_.empty() || granularity_ == 0 || granularity_ % kLineSize != 0 ||
            range_.begin % kLineSize != 0 || range_.begin >= range_.end ||
            range_.size() % (dpa_base_.size() * granularity_) != 0 ||
            (xor_ && (!power_of_two(dpa_base_.size()) || !power_of_two(granularity_) ||
                      range_.begin % (dpa_base_.size() * granularity_) != 0)))
            throw std::invalid_argument("InterleaveSet: " + std::to_string(range_.begin) + "-" +
                                        std::to_string(range_.end) + " in " +
                                        std::to_string(dpa_base_.size()) + " ways of " +
                                        std::to_string(granularity_));
    }
    /// With RegionConfig::interleave_table the places of a stripe are given line by line (NFIT
    /// type 2; nvdimm.md 2.2). Throws, too, when a way's places do not rise, or a place of the
    /// stripe is nobody's or several ways'.
    explicit InterleaveSet(const RegionConfig& region)
        : InterleaveSet(region.range, region.interleave, region.dpa_base) {
        if (region.interleave_table.empty()) return;
        places_ = region.interleave_table;
        lines_ = places_[0].size();
        owners_.assign(lines_ * ways(), {ways(), 0});
        bool good = places_.size() == ways() && range_.size() % region.stripe() == 0;
        for (std::uint32_t way = 0; good && way < ways(); ++way) {
            good = places_[way].size() == lines_ &&
                   std::is_sorted(places_[way].begin(), places_[way].end());
            for (std::uint32_t line = 0; good && line < lines_; ++line) {
                const std::uint32_t place = places_[way][line];
                good = place < owners_.size() && owners_[place].way == ways();
                if (good) owners_[place] = {way, line};
            }
        }
        if (!good) throw std::invalid_argument("InterleaveSet: table of " + region.id);
    }
    explicit InterleaveSet(const DramConfig& memory)
        : InterleaveSet(memory.range, memory.is_dram() ? memory.range.size() : memory.interleave,
                        memory.is_dram() ? std::vector<std::uint64_t>{0} : memory.dpa_base,
                        memory.xor_hash) {}

    SpaRange range() const { return range_; }
    std::uint32_t ways() const { return static_cast<std::uint32_t>(dpa_base_.size()); }
    std::uint64_t granularity() const { return granularity_; }

    /// Only for addresses of range().
    Place decode(std::uint64_t spa) const {
        const std::uint64_t offset = spa - range_.begin;
        const std::uint64_t chunk = offset / granularity_;
        if (lines_ != 0) {
            const Owner owner = owners_[chunk % owners_.size()];
            const std::uint64_t line = chunk / owners_.size() * lines_ + owner.line;
            return {owner.way, dpa_base_[owner.way] + line * granularity_ + offset % granularity_};
        }
        const std::uint64_t row = chunk / dpa_base_.size();
        const std::uint64_t way = chunk % dpa_base_.size() ^ turn(row);
        return {static_cast<std::uint32_t>(way),
                dpa_base_[way] + row * granularity_ + offset % granularity_};
    }
    /// Only for a DPA of on_way(range(), place.way), or its end.
    std::uint64_t encode(Place place) const {
        const std::uint64_t offset = place.dpa - dpa_base_[place.way];
        const std::uint64_t row = offset / granularity_;
        if (lines_ != 0)
            return range_.begin + offset % granularity_ +
                   (row / lines_ * owners_.size() + places_[place.way][row % lines_]) *
                       granularity_;
        return range_.begin + (row * dpa_base_.size() + (place.way ^ turn(row))) * granularity_ +
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
        if (lines_ != 0) {
            // Whole lines of the stripe below this place, and what of its own line lies below.
            const auto place = static_cast<std::uint32_t>(chunk % owners_.size());
            const auto& mine = places_[way];
            const auto below = static_cast<std::uint64_t>(
                std::lower_bound(mine.begin(), mine.end(), place) - mine.begin());
            return dpa_base_[way] +
                   (chunk / owners_.size() * lines_ + below) * granularity_ +
                   (owners_[place].way == way ? offset % granularity_ : 0);
        }
        const std::uint64_t row = chunk / dpa_base_.size(), here = chunk % dpa_base_.size();
        const std::uint64_t place = way ^ turn(row);
        const std::uint64_t inside = here == place  ? offset % granularity_
                                     : here > place ? granularity_
                                                    : 0;
        return dpa_base_[way] + row * granularity_ + inside;
    }
    /// What of [spa) lies on `way`: one DPA range, perhaps empty.
    DpaRange on_way(SpaRange spa, std::uint32_t way) const {
        return {first_dpa(spa.begin, way), first_dpa(spa.end, way)};
    }

    /// Where the bytes of a DPA range on `way` lie in the address space: one part a chunk, rising.
    std::vector<SpaRange> spa_of(std::uint32_t way, DpaRange dpa) const {
        const DpaRange all = on_way(range_, way);
        std::vector<SpaRange> out;
        const std::uint64_t end = std::min(dpa.end, all.end);
        for (std::uint64_t at = std::max(dpa.begin, all.begin); at < end;) {
            const std::uint64_t spa = encode({way, at});
            const std::uint64_t size = std::min(end - at, chunk_end(spa) - spa);
            out.push_back({spa, spa + size});
            at += size;
        }
        return out;
    }

    /// What turns a chunk's place in stripe `row` into its way, by exclusive or; 0 with modulo.
    std::uint64_t turn(std::uint64_t row) const {
        if (!xor_) return 0;
        const std::uint64_t stripe = range_.begin / granularity_ + row * dpa_base_.size();
        return ((stripe >> 6) ^ (stripe >> 14)) & (dpa_base_.size() - 1);
    }
    bool xor_hash() const { return xor_; }

private:
    static bool power_of_two(std::uint64_t value) { return (value & (value - 1)) == 0; }

    SpaRange range_;
    std::uint64_t granularity_;
    std::vector<std::uint64_t> dpa_base_;
    bool xor_ = false;
    struct Owner {
        std::uint32_t way, line;
    };
    std::uint64_t lines_ = 0;                         // of each way in a stripe; 0: no table
    std::vector<std::vector<std::uint32_t>> places_;  // by way, rising
    std::vector<Owner> owners_;                       // by place
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
