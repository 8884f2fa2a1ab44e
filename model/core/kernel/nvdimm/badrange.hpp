#pragma once  // Bus-wide list of bad physical ranges (drivers/nvdimm/badrange.c; nvdimm.md 11.1).
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/units.hpp"

namespace mcemu::kernel {

/// Unsorted, overlaps allowed: they merge only when converted to sectors. The list's order is that
/// of the slots; a search tree by address (a treap, each node with the highest end below it) finds
/// what an address range meets. 32 bytes a range; add() is O(log n), forget() and
/// for_each_meeting() O(log n + k log n) for k ranges met.
class Badranges {
public:
    struct Range {
        std::uint64_t start = 0, length = 0;  ///< SPA, bytes
        bool operator==(const Range&) const = default;
        std::uint64_t end() const { return start + length; }
    };
    using Slot = std::uint32_t;

    /// badrange_add(): the first entry that starts exactly there takes the new length, also a
    /// shorter one. `length` is not 0.
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
        const Node& n = node(slot);
        return n.length != 0 ? std::optional<Range>({n.start, n.length}) : std::nullopt;
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
    struct Node {
        std::uint64_t start, length;  // length 0: forgotten, not in the tree
        std::uint64_t highest;        // end of any range in this subtree
        Slot left, right;             // index + 1; 0: none
    };
    static_assert(sizeof(Node) == 32);
    static constexpr unsigned kChunkShift = 10;

    Node& node(Slot slot) { return chunks_[slot >> kChunkShift][slot & ((1u << kChunkShift) - 1)]; }
    const Node& node(Slot slot) const {
        return chunks_[slot >> kChunkShift][slot & ((1u << kChunkShift) - 1)];
    }
    bool before(Slot a, std::uint64_t start, Slot slot) const {
        const Node& n = node(a);
        return n.start != start ? n.start < start : a < slot;
    }
    template <class F>
    void visit(Slot link, std::uint64_t begin, std::uint64_t end, F& f) const {
        if (link == 0) return;
        const Node& n = node(link - 1);
        if (n.highest <= begin) return;
        visit(n.left, begin, end, f);
        if (n.start >= end) return;
        if (n.start + n.length > begin) f(link - 1, Range{n.start, n.length});
        visit(n.right, begin, end, f);
    }
    void pull(Node& n);
    void refresh(Slot link, std::uint64_t start, Slot slot);
    void split(Slot link, std::uint64_t start, Slot slot, Slot& low, Slot& high);
    Slot join(Slot low, Slot high);
    void insert(Slot& link, Slot slot);
    void remove(Slot& link, Slot slot);
    void append(Range range);
    std::optional<Slot> first_at(std::uint64_t start) const;
    void note_change(Slot slot);
    void compact();
    std::uint64_t check(Slot link, std::size_t& count) const;

    std::vector<std::unique_ptr<Node[]>> chunks_;
    Slot root_ = 0, used_ = 0;
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
