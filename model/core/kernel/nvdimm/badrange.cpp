#include "core/kernel/nvdimm/badrange.hpp"

#include <algorithm>
#include <string>

#include "core/assert.hpp"

namespace mcemu::kernel {
namespace {

/// The heap order of the treap: a fixed mixture of the slot's bits, so that equal histories give
/// equal trees.
std::uint32_t priority(std::uint32_t slot) {
    std::uint32_t x = slot * 0x9e3779b9u;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    return x ^ x >> 16;
}

}  // namespace

void Badranges::pull(Node& n) {
    n.highest = n.start + n.length;
    if (n.left != 0) n.highest = std::max(n.highest, node(n.left - 1).highest);
    if (n.right != 0) n.highest = std::max(n.highest, node(n.right - 1).highest);
}

/// Brings `highest` up to date on the way down to an entry whose length changed.
void Badranges::refresh(Slot link, std::uint64_t start, Slot slot) {
    Node& n = node(link - 1);
    if (link - 1 != slot) refresh(before(link - 1, start, slot) ? n.right : n.left, start, slot);
    pull(n);
}

void Badranges::split(Slot link, std::uint64_t start, Slot slot, Slot& low, Slot& high) {
    if (link == 0) {
        low = high = 0;
        return;
    }
    Node& n = node(link - 1);
    if (before(link - 1, start, slot)) {
        split(n.right, start, slot, n.right, high);
        low = link;
    } else {
        split(n.left, start, slot, low, n.left);
        high = link;
    }
    pull(n);
}

Badranges::Slot Badranges::join(Slot low, Slot high) {
    if (low == 0 || high == 0) return low != 0 ? low : high;
    if (priority(low - 1) > priority(high - 1)) {
        Node& n = node(low - 1);
        n.right = join(n.right, high);
        pull(n);
        return low;
    }
    Node& n = node(high - 1);
    n.left = join(low, n.left);
    pull(n);
    return high;
}

void Badranges::insert(Slot& link, Slot slot) {
    Node& added = node(slot);
    if (link == 0 || priority(slot) > priority(link - 1)) {
        split(link, added.start, slot, added.left, added.right);
        link = slot + 1;
        pull(added);
        return;
    }
    Node& n = node(link - 1);
    insert(before(link - 1, added.start, slot) ? n.right : n.left, slot);
    pull(n);
}

void Badranges::remove(Slot& link, Slot slot) {
    Node& n = node(link - 1);
    if (link - 1 == slot) {
        link = join(n.left, n.right);
        n.left = n.right = 0;
        return;
    }
    remove(before(link - 1, node(slot).start, slot) ? n.right : n.left, slot);
    pull(n);
}

void Badranges::append(Range range) {
    if (used_ >> kChunkShift == chunks_.size())
        chunks_.push_back(std::make_unique<Node[]>(std::size_t{1} << kChunkShift));
    const Slot slot = used_++;
    node(slot) = {range.start, range.length, range.end(), 0, 0};
    insert(root_, slot);
    ++live_;
}

/// The first entry of the list that starts at `start`.
std::optional<Badranges::Slot> Badranges::first_at(std::uint64_t start) const {
    std::optional<Slot> best;
    for (Slot link = root_; link != 0;) {
        const Node& n = node(link - 1);
        if (n.start == start) best = link - 1;  // the tree orders equal starts by slot
        link = n.start >= start ? n.left : n.right;
    }
    return best;
}

void Badranges::note_change(Slot slot) { changes_.push_back(slot); }

void Badranges::add(std::uint64_t start, std::uint64_t length) {
    MCEMU_ASSERT(length != 0, std::to_string(start));
    if (const auto same = first_at(start)) {
        if (node(*same).length == length) return;
        node(*same).length = length;
        refresh(root_, start, *same);
        note_change(*same);
        return;
    }
    append({start, length});
}

void Badranges::forget(std::uint64_t start, std::uint32_t length) {
    if (length == 0) return;
    const std::uint64_t last = start + length - 1;
    std::vector<Slot> met;
    for_each_meeting(start, last + 1, [&](Slot slot, const Range&) { met.push_back(slot); });
    std::sort(met.begin(), met.end());  // right parts go to the tail in the list's order
    for (const Slot slot : met) {
        Node& n = node(slot);
        const std::uint64_t n_last = n.start + n.length - 1;
        if (n.start >= start && n_last <= last) {
            remove(root_, slot);
            n.length = 0;
            --live_;
        } else if (start <= n.start) {
            // The kernel tests last > n.start here: one byte of overlap changes nothing.
            if (last == n.start) continue;
            remove(root_, slot);
            n.start = last + 1;
            n.length = n_last - last;
            insert(root_, slot);
        } else {
            n.length = start - n.start;
            refresh(root_, n.start, slot);
            if (n_last > last) append({last + 1, n_last - last});
        }
        note_change(slot);
    }
    if (used_ > 2 * live_ + 1024 || changes_.size() > live_ + 1024) compact();
}

/// Slots of forgotten entries are given back, and the record of changes begins anew. Rare enough
/// to cost nothing on the average.
void Badranges::compact() {
    const std::vector<Range> kept = ranges();
    chunks_.clear();
    root_ = used_ = 0;
    live_ = 0;
    changes_.clear();
    changes_.shrink_to_fit();
    for (const Range& range : kept) append(range);
    ++generation_;
}

std::size_t Badranges::bytes() const {
    return chunks_.size() * (sizeof(Node) << kChunkShift) +
           chunks_.capacity() * sizeof(chunks_[0]) + changes_.capacity() * sizeof(changes_[0]);
}

std::vector<Badranges::Range> Badranges::ranges() const {
    std::vector<Range> out;
    out.reserve(live_);
    for (Slot slot = 0; slot < used_; ++slot)
        if (const auto range = at(slot)) out.push_back(*range);
    return out;
}

void Badranges::check() const {
    std::size_t count = 0;
    check(root_, count);
    MCEMU_ASSERT(count == live_, std::to_string(count) + " of " + std::to_string(live_));
}

std::uint64_t Badranges::check(Slot link, std::size_t& count) const {
    if (link == 0) return 0;
    const Node& n = node(link - 1);
    ++count;
    MCEMU_ASSERT(n.length != 0, "a forgotten range is in the tree");
    for (const Slot child : {n.left, n.right})
        MCEMU_ASSERT(child == 0 || priority(child - 1) <= priority(link - 1), "heap order");
    MCEMU_ASSERT(n.left == 0 || before(n.left - 1, n.start, link - 1), "order of the left child");
    MCEMU_ASSERT(n.right == 0 || !before(n.right - 1, n.start, link - 1), "of the right child");
    const std::uint64_t highest =
        std::max({n.start + n.length, check(n.left, count), check(n.right, count)});
    MCEMU_ASSERT(highest == n.highest, "highest end of a subtree");
    return highest;
}

std::optional<SectorRange> to_sectors(const Badranges::Range& range, SpaRange resource) {
    const std::uint64_t begin = std::max(range.start, resource.begin);
    const std::uint64_t end = std::min(range.end(), resource.end);
    if (begin >= end) return std::nullopt;
    const std::uint64_t first = (begin - resource.begin) / kSectorSize;
    const std::uint64_t past = round_up(end - resource.begin, kSectorSize) / kSectorSize;
    return SectorRange{first, past - first};
}

}  // namespace mcemu::kernel
