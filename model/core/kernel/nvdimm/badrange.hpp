#pragma once  // Bus-wide list of bad physical ranges (drivers/nvdimm/badrange.c; nvdimm.md 11.1).
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/units.hpp"

namespace mcemu::kernel {

/// Unsorted, overlaps allowed: they merge only when converted to sectors. The list's order is that
/// of the slots, in which the entries stand packed in 12 bytes. What an address range meets is found
/// by slots in the order of their addresses, in blocks that are the nodes of a treap, each with the
/// highest end in it and below it. 16 to 18 bytes a range that comes in rising order, as those of a
/// scrub do, about 20 after random changes; add() is O(log n), forget() and for_each_meeting()
/// O(log n + k log n) for k ranges met.
class Badranges {
public:
    struct Range {
        std::uint64_t start = 0, length = 0;  ///< SPA, bytes
        bool operator==(const Range&) const = default;
        std::uint64_t end() const { return start + length; }
    };
    using Slot = std::uint32_t;

    /// badrange_add(): the first entry that starts exactly there takes the new length, also a
    /// shorter one. `length` is not 0, the range below 2^52 (MAXPHYADDR).
    void add(std::uint64_t start, std::uint64_t length);
    /// badrange_forget(). Quirk: a range that ends on the first byte of an entry leaves it alone.
    void forget(std::uint64_t start, std::uint32_t length);

    std::size_t size() const { return live_; }
    /// Memory in use, bytes.
    std::size_t bytes() const;
    /// The entries in list order.
    std::vector<Range> ranges() const;

    // Where the list stands, for those who go through it again and again.

    /// Behind the last slot.
    Slot end() const { return used_; }
    /// Empty: the entry was forgotten.
    std::optional<Range> at(Slot slot) const {
        const Range range = entry(slot);
        return range.length != 0 ? std::optional<Range>(range) : std::nullopt;
    }
    /// Slots mean something else, and changes() begins anew, when this changes.
    std::uint64_t generation() const { return generation_; }
    /// Slots whose entries changed in place, oldest first. New entries are not among them.
    const std::vector<Slot>& changes() const { return changes_; }
    /// Calls f(slot, range) for the entries that have a byte in [begin, end), by start address.
    template <class F>
    void for_each_meeting(std::uint64_t begin, std::uint64_t end, F&& f) const {
        visit(root_, begin, end, f);
    }

    /// Throws InvariantError when the tree is broken. For tests.
    void check() const;

private:
    /// start:52 length:44, from low to high. A length of kLong stands in `long_`.
    struct Packed {
        std::uint32_t word[3];
    };
    static_assert(sizeof(Packed) == 12);
    static constexpr std::uint64_t kMaxAddress = 1ull << 52, kLong = (1ull << 44) - 1;
    using Link = std::uint32_t;  // index of a block + 1; 0: none

    static constexpr std::uint32_t kBlockSlots = 119;
    /// Slots by (start, slot).
    struct Block {
        std::uint64_t end = 0;      // the highest of its ranges
        std::uint64_t highest = 0;  // and of those in its subtree
        std::uint64_t longest = 0;  // no range of it is longer
        Link left = 0, right = 0;
        std::uint32_t count = 0;
        Slot slot[kBlockSlots];
    };
    static_assert(sizeof(Block) == 512);
    static constexpr unsigned kEntryShift = 10, kBlockShift = 4;  // of a piece of memory

    Range entry(Slot slot) const {
        const std::uint32_t* w =
            entries_[slot >> kEntryShift][slot & ((1u << kEntryShift) - 1)].word;
        const std::uint64_t length = w[1] >> 20 | std::uint64_t{w[2]} << 12;
        return {w[0] | std::uint64_t{w[1] & 0xfffff} << 32,
                length == kLong ? long_.at(slot) : length};
    }
    std::uint64_t start_of(Slot slot) const {
        const std::uint32_t* w =
            entries_[slot >> kEntryShift][slot & ((1u << kEntryShift) - 1)].word;
        return w[0] | std::uint64_t{w[1] & 0xfffff} << 32;
    }
    void put(Slot slot, Range range);
    Block& block(Link link) {
        return blocks_[(link - 1) >> kBlockShift][(link - 1) & ((1u << kBlockShift) - 1)];
    }
    const Block& block(Link link) const {
        return blocks_[(link - 1) >> kBlockShift][(link - 1) & ((1u << kBlockShift) - 1)];
    }
    /// Whether the entry stands before (start, slot).
    bool before(Slot a, std::uint64_t start, Slot slot) const {
        const std::uint64_t at = start_of(a);
        return at != start ? at < start : a < slot;
    }
    /// The first place in the block that does not stand before (start, slot).
    std::uint32_t lower_bound(const Block& b, std::uint64_t start, Slot slot) const;

    template <class F>
    void visit(Link link, std::uint64_t begin, std::uint64_t end, F& f) const {
        if (link == 0) return;
        const Block& b = block(link);
        if (b.highest <= begin) return;
        visit(b.left, begin, end, f);
        if (start_of(b.slot[0]) >= end) return;
        if (b.end > begin) {
            const std::uint64_t from = begin < b.longest ? 0 : begin - b.longest;
            for (std::uint32_t i = lower_bound(b, from, 0); i < b.count; ++i) {
                const Range range = entry(b.slot[i]);
                if (range.start >= end) return;
                if (range.end() > begin) f(b.slot[i], range);
            }
        }
        visit(b.right, begin, end, f);
    }
    void pull(Block& b);
    void measure(Block& b) const;
    void refresh(Link link, Link changed);
    void split(Link link, Slot at, Link& low, Link& high);
    Link join(Link low, Link high);
    void plant(Link& link, Link added);
    void uproot(Link& link, Link removed);
    Link new_block();
    Link block_of(std::uint64_t start, Slot slot) const;
    void insert(Slot slot);
    void remove(Slot slot);
    void resize(Slot slot, std::uint64_t length);
    void append(Range range);
    std::optional<Slot> first_at(std::uint64_t start) const;
    void note_change(Slot slot);
    void tidy();
    void renumber();
    std::vector<Slot> by_address() const;
    void by_address(Link link, std::vector<Slot>& out) const;
    void fill_blocks(const std::vector<Slot>& order);
    std::uint64_t check(Link link, std::size_t& count) const;

    std::vector<std::unique_ptr<Packed[]>> entries_;  // by slot; length 0: forgotten
    std::map<Slot, std::uint64_t> long_;
    std::vector<std::unique_ptr<Block[]>> blocks_;
    std::vector<Link> spare_;  // blocks out of use
    Link root_ = 0, made_ = 0;
    Slot used_ = 0;
    std::size_t live_ = 0;
    std::uint64_t generation_ = 0;
    std::vector<Slot> changes_;
};

/// First sector and number of sectors of a table.
struct SectorRange {
    std::uint64_t first = 0, count = 0;
    bool operator==(const SectorRange&) const = default;
    std::uint64_t end() const { return first + count; }
};
/// What an entry means for a table over `resource`; empty: nothing (nvdimm.md 11.3).
std::optional<SectorRange> to_sectors(const Badranges::Range& range, SpaRange resource);

}  // namespace mcemu::kernel
