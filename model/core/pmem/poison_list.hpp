#pragma once  // The media errors of one memory device, in 64-byte lines.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/pmem/range_blocks.hpp"
#include "core/units.hpp"

namespace mcemu::pmem {

/// What is known about a poisoned line beside that it is poisoned (nvdimm.md 4.1, 6.8).
enum PoisonFlags : std::uint8_t {
    kPoisonAny = 0,       ///< as a mask: every poisoned line
    kPoisonListed = 1,    ///< in the module's own list: a short scrub reports it
    kPoisonInjected = 2,  ///< planted by an Inject call: Inject Status reports it
};

/// Poisoned lines of one origin: the scenario event that planted them (1 + its index), or 0 for
/// the configuration.
struct PoisonRun {
    DpaRange range;
    std::uint32_t origin = 0;
    std::uint8_t flags = 0;
    bool operator==(const PoisonRun&) const = default;
};

/// The poison of one device: what a read meets, ARS reports and Clear Uncorrectable Error heals.
/// Addresses are the device's own, in bytes. Nothing is proportional to the capacity but a filter
/// of one bit per 2 MiB, as long as the highest poisoned address needs, which answers the common
/// question, "is this line clean", with one load. Behind it stand disjoint ranges in order;
/// touching ranges of the same origin and flags are one.
/// Source: nvdimm.md 4; the 64 B unit is the one in which a CPU sees poison.
class PoisonList {
public:
    static constexpr std::uint64_t kMaxAddress = LineRange::kMaxLines * kLineSize;

    /// Poisons the lines that `range` touches. Lines that are already poisoned stay as they are.
    /// Returns the newly poisoned bytes. Throws std::invalid_argument when empty or too high.
    std::uint64_t add(DpaRange range, std::uint32_t origin, std::uint8_t flags = 0);
    /// As add() for each range, in O(n log n), for an empty list at the start of a run.
    void load(std::span<const DpaRange> ranges, std::uint32_t origin, std::uint8_t flags = 0);

    /// Heals the lines that lie wholly inside `range`. Returns the bytes healed.
    std::uint64_t clear(DpaRange range);
    /// The same; appends what was healed to `removed`.
    std::uint64_t clear(DpaRange range, std::vector<PoisonRun>& removed);

    /// Sets flags of the poisoned lines that `range` touches.
    void mark(DpaRange range, std::uint8_t flags);

    /// The lowest poisoned lines among those that `range` touches; of one origin.
    std::optional<PoisonRun> first_in(DpaRange range) const {
        return range.begin < range.end && may_hold(range) ? find(range) : std::nullopt;
    }

    /// The first poisoned line with all of `flags` at or above the line of `from` and below
    /// `end`; `end` when there is none. And the first line that is not one.
    std::uint64_t next_poisoned(std::uint64_t from, std::uint64_t end,
                                std::uint8_t flags = kPoisonAny) const;
    std::uint64_t next_clean(std::uint64_t from, std::uint64_t end,
                             std::uint8_t flags = kPoisonAny) const;

    /// Maximal poisoned runs inside `range`, rising, whoever planted them.
    std::vector<DpaRange> runs(DpaRange range = {0, kMaxAddress},
                               std::uint8_t flags = kPoisonAny) const;
    /// How many maximal runs have all of `flags`; counts no further than `most`.
    std::uint64_t count(std::uint8_t flags, std::uint64_t most) const;
    /// The ranges as kept, rising: of one origin and one set of flags each.
    std::vector<PoisonRun> tagged(DpaRange range = {0, kMaxAddress}) const;

    /// Calls f(PoisonRun) for each range as kept, rising.
    template <class F>
    void for_each(F&& f) const {
        for (auto p = ranges_.begin(); !ranges_.is_end(p); p = ranges_.next(p)) {
            const LineRange& r = ranges_.at(p);
            f(PoisonRun{{r.begin() * kLineSize, r.end() * kLineSize}, r.origin(), r.flags()});
        }
    }
    /// The highest range; only when not empty().
    DpaRange last() const {
        const LineRange& r = ranges_.at(ranges_.previous(ranges_.end()));
        return {r.begin() * kLineSize, r.end() * kLineSize};
    }

    std::size_t size() const { return ranges_.size(); }  ///< ranges as kept
    bool empty() const { return ranges_.empty(); }
    std::uint64_t poisoned_bytes() const { return lines_ * kLineSize; }
    /// Memory in use, bytes: ranges, and the filter.
    std::size_t bytes() const { return ranges_.bytes() + filter_bytes(); }
    std::size_t filter_bytes() const { return filter_.capacity() * sizeof(filter_[0]); }

    /// Throws InvariantError when order, merging, counts or the filter are broken. For tests.
    void check() const;

private:
    static constexpr unsigned kLineShift = 6;
    static constexpr unsigned kChunkShift = 21;  // one filter bit per 2 MiB

    bool bit(std::uint64_t chunk) const {
        return chunk / 64 < filter_.size() && (filter_[chunk / 64] >> (chunk % 64) & 1) != 0;
    }
    /// False: no line that `range` touches is poisoned.
    bool may_hold(DpaRange range) const {
        const std::uint64_t first = range.begin >> kChunkShift;
        const std::uint64_t last = (range.end - 1) >> kChunkShift;
        if (first == last) return bit(first);
        if (last - first >= 64) return !ranges_.empty();
        for (std::uint64_t chunk = first; chunk <= last; ++chunk)
            if (bit(chunk)) return true;
        return false;
    }
    std::optional<PoisonRun> find(DpaRange range) const;
    void set_bits(std::uint64_t begin_line, std::uint64_t end_line);
    void clear_bits(std::uint64_t begin_line, std::uint64_t end_line);
    void emit(LineRange range);
    std::uint64_t clear(DpaRange range, std::vector<PoisonRun>* removed);

    RangeBlocks ranges_;
    std::uint64_t lines_ = 0;
    std::vector<std::uint64_t> filter_;
    std::vector<LineRange> scratch_;  // what a change puts in place of the ranges it met
};

}  // namespace mcemu::pmem
