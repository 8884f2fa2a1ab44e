#include "core/kernel/nvdimm/badrange.hpp"

#include <algorithm>
#include <string>

#include "core/assert.hpp"

namespace mcemu::kernel {
namespace {

/// The heap order of the treap: a fixed mixture of the link's bits, so that equal histories give
/// equal trees.
std::uint32_t priority(std::uint32_t link) {
    std::uint32_t x = link * 0x9e3779b9u;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    return x ^ x >> 16;
}

}  // namespace

void Badranges::put(Slot slot, Range range) {
    const bool is_long = range.length >= kLong;
    const std::uint64_t length = is_long ? kLong : range.length;
    if (is_long) long_[slot] = range.length;
    else if (!long_.empty()) long_.erase(slot);
    entries_[slot >> kEntryShift][slot & ((1u << kEntryShift) - 1)] = {
        {static_cast<std::uint32_t>(range.start),
         static_cast<std::uint32_t>(range.start >> 32 | length << 20),
         static_cast<std::uint32_t>(length >> 12)}};
}

std::uint32_t Badranges::lower_bound(const Block& b, std::uint64_t start, Slot slot) const {
    return static_cast<std::uint32_t>(
        std::partition_point(b.slot, b.slot + b.count,
                             [&](Slot other) { return before(other, start, slot); }) -
        b.slot);
}

// ---------------------------------------------------------------- the treap of blocks

void Badranges::pull(Block& b) {
    b.highest = b.end;
    if (b.left != 0) b.highest = std::max(b.highest, block(b.left).highest);
    if (b.right != 0) b.highest = std::max(b.highest, block(b.right).highest);
}

void Badranges::measure(Block& b) const {
    b.end = b.longest = 0;
    for (std::uint32_t i = 0; i < b.count; ++i) {
        const Range range = entry(b.slot[i]);
        b.end = std::max(b.end, range.end());
        b.longest = std::max(b.longest, range.length);
    }
}

/// Brings `highest` up to date on the way down to a block whose end changed.
void Badranges::refresh(Link link, Link changed) {
    Block& b = block(link);
    if (link != changed) {
        const Slot first = block(changed).slot[0];
        refresh(before(b.slot[0], start_of(first), first) ? b.right : b.left, changed);
    }
    pull(b);
}

/// Blocks that begin before the entry, and the others.
void Badranges::split(Link link, Slot at, Link& low, Link& high) {
    if (link == 0) {
        low = high = 0;
        return;
    }
    Block& b = block(link);
    if (before(b.slot[0], start_of(at), at)) {
        split(b.right, at, b.right, high);
        low = link;
    } else {
        split(b.left, at, low, b.left);
        high = link;
    }
    pull(b);
}

Badranges::Link Badranges::join(Link low, Link high) {
    if (low == 0 || high == 0) return low != 0 ? low : high;
    if (priority(low) > priority(high)) {
        Block& b = block(low);
        b.right = join(b.right, high);
        pull(b);
        return low;
    }
    Block& b = block(high);
    b.left = join(low, b.left);
    pull(b);
    return high;
}

void Badranges::plant(Link& link, Link added) {
    Block& a = block(added);
    if (link == 0 || priority(added) > priority(link)) {
        split(link, a.slot[0], a.left, a.right);
        link = added;
        pull(a);
        return;
    }
    Block& b = block(link);
    plant(before(b.slot[0], start_of(a.slot[0]), a.slot[0]) ? b.right : b.left, added);
    pull(b);
}

void Badranges::uproot(Link& link, Link removed) {
    Block& b = block(link);
    if (link == removed) {
        link = join(b.left, b.right);
        b.left = b.right = 0;
        return;
    }
    const Slot first = block(removed).slot[0];
    uproot(before(b.slot[0], start_of(first), first) ? b.right : b.left, removed);
    pull(b);
}

Badranges::Link Badranges::new_block() {
    if (!spare_.empty()) {
        const Link link = spare_.back();
        spare_.pop_back();
        block(link) = Block();
        return link;
    }
    if (made_ >> kBlockShift == blocks_.size())
        blocks_.push_back(std::make_unique<Block[]>(std::size_t{1} << kBlockShift));
    return ++made_;
}

/// The block that holds (start, slot), or would: the last that begins at or before it, else the
/// first. 0: there is none.
Badranges::Link Badranges::block_of(std::uint64_t start, Slot slot) const {
    Link best = 0, last = 0;
    for (Link link = root_; link != 0;) {
        last = link;
        const Block& b = block(link);
        const Slot first = b.slot[0];
        if (first == slot || before(first, start, slot)) {
            best = link;
            link = b.right;
        } else {
            link = b.left;
        }
    }
    return best != 0 ? best : last;
}

// ---------------------------------------------------------------- entries

void Badranges::insert(Slot slot) {
    const Range range = entry(slot);
    const Link link = block_of(range.start, slot);
    if (link == 0) {
        root_ = new_block();
        Block& b = block(root_);
        b.slot[b.count++] = slot;
        measure(b);
        pull(b);
        return;
    }
    Block* b = &block(link);
    std::uint32_t at = lower_bound(*b, range.start, slot);
    const auto put_in = [slot](Block& to, std::uint32_t place) {
        std::copy_backward(to.slot + place, to.slot + to.count, to.slot + to.count + 1);
        to.slot[place] = slot;
        ++to.count;
    };
    if (b->count < kBlockSlots) {
        put_in(*b, at);
        b->longest = std::max(b->longest, range.length);
        if (range.end() <= b->end) return;
        b->end = range.end();
        refresh(root_, link);
        return;
    }
    // Rising insertion leaves full blocks behind; anything else halves the block.
    const std::uint32_t keep = at == kBlockSlots ? kBlockSlots : kBlockSlots / 2;
    const Link added = new_block();
    b = &block(link);  // pieces of memory do not move, but their list may
    Block& right = block(added);
    right.count = b->count - keep;
    std::copy(b->slot + keep, b->slot + b->count, right.slot);
    b->count = keep;
    if (at >= keep && (at > keep || keep == kBlockSlots)) put_in(right, at - keep);
    else put_in(*b, at);
    measure(*b);
    measure(right);
    refresh(root_, link);
    plant(root_, added);
}

void Badranges::remove(Slot slot) {
    const Range range = entry(slot);
    const Link link = block_of(range.start, slot);
    Block& b = block(link);
    if (b.count == 1) {
        uproot(root_, link);
        spare_.push_back(link);
        return;
    }
    const std::uint32_t at = lower_bound(b, range.start, slot);
    MCEMU_ASSERT(at < b.count && b.slot[at] == slot, "slot " + std::to_string(slot));
    std::copy(b.slot + at + 1, b.slot + b.count, b.slot + at);
    --b.count;
    if (range.end() < b.end) return;
    measure(b);
    refresh(root_, link);
}

/// Gives an entry another length, where it stands.
void Badranges::resize(Slot slot, std::uint64_t length) {
    const Range range = entry(slot);
    const Link link = block_of(range.start, slot);
    put(slot, {range.start, length});
    measure(block(link));
    refresh(root_, link);
}

void Badranges::append(Range range) {
    if (used_ >> kEntryShift == entries_.size())
        entries_.push_back(std::make_unique<Packed[]>(std::size_t{1} << kEntryShift));
    const Slot slot = used_++;
    put(slot, range);
    insert(slot);
    ++live_;
}

/// The first entry of the list that starts at `start`.
std::optional<Badranges::Slot> Badranges::first_at(std::uint64_t start) const {
    // The lowest slot that starts there stands first of them, or at the beginning of the next block.
    Link best = 0, next = 0;
    for (Link link = root_; link != 0;) {
        const Block& b = block(link);
        const bool earlier = start_of(b.slot[0]) < start;
        (earlier ? best : next) = link;
        link = earlier ? b.right : b.left;
    }
    if (best != 0) {
        const Block& b = block(best);
        const std::uint32_t at = lower_bound(b, start, 0);
        if (at < b.count)
            return start_of(b.slot[at]) == start ? std::optional<Slot>(b.slot[at]) : std::nullopt;
    }
    if (next == 0 || start_of(block(next).slot[0]) != start) return std::nullopt;
    return block(next).slot[0];
}

void Badranges::note_change(Slot slot) { changes_.push_back(slot); }

void Badranges::add(std::uint64_t start, std::uint64_t length) {
    MCEMU_ASSERT(length != 0 && start < kMaxAddress && length <= kMaxAddress - start,
                 std::to_string(start));
    if (const auto same = first_at(start)) {
        if (entry(*same).length == length) return;
        resize(*same, length);
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
        const Range range = entry(slot);
        const std::uint64_t range_last = range.end() - 1;
        if (range.start >= start && range_last <= last) {
            remove(slot);
            put(slot, {});
            --live_;
        } else if (start <= range.start) {
            // The kernel tests last > range.start here: one byte of overlap changes nothing.
            if (last == range.start) continue;
            remove(slot);
            put(slot, {last + 1, range_last - last});
            insert(slot);
        } else {
            resize(slot, start - range.start);
            if (range_last > last) append({last + 1, range_last - last});
        }
        note_change(slot);
    }
    tidy();
}

/// Gives back the slots of forgotten entries, and blocks that have become small. Rare enough to
/// cost nothing on the average.
void Badranges::tidy() {
    if (used_ > live_ + live_ / 2 + 1024 || changes_.size() > live_ / 4 + 1024) {
        renumber();
    } else if (made_ > live_ / (kBlockSlots / 3) + 16) {
        fill_blocks(by_address());
    }
}

/// New slots, in the order of the old ones. The record of changes begins anew.
void Badranges::renumber() {
    std::vector<Slot> order = by_address();
    std::vector<Slot> now(used_);
    Slot next = 0;
    for (Slot slot = 0; slot < used_; ++slot) {
        const Range range = entry(slot);
        if (range.length == 0) continue;
        now[slot] = next;
        if (next != slot) {
            put(slot, {});
            put(next, range);
        }
        ++next;
    }
    for (Slot& slot : order) slot = now[slot];
    used_ = next;
    entries_.resize((used_ + (1u << kEntryShift) - 1) >> kEntryShift);
    changes_ = {};
    fill_blocks(order);
    ++generation_;
}

std::vector<Badranges::Slot> Badranges::by_address() const {
    std::vector<Slot> order;
    order.reserve(live_);
    by_address(root_, order);
    return order;
}

void Badranges::by_address(Link link, std::vector<Slot>& out) const {
    if (link == 0) return;
    const Block& b = block(link);
    by_address(b.left, out);
    out.insert(out.end(), b.slot, b.slot + b.count);
    by_address(b.right, out);
}

void Badranges::fill_blocks(const std::vector<Slot>& order) {
    // A little room in every block, so that the first changes do not split each of them.
    constexpr std::size_t kFill = kBlockSlots - 8;
    blocks_.clear();
    spare_.clear();
    root_ = made_ = 0;
    for (std::size_t at = 0; at < order.size(); at += kFill) {
        const Link link = new_block();
        Block& b = block(link);
        b.count = static_cast<std::uint32_t>(std::min(kFill, order.size() - at));
        std::copy_n(order.begin() + static_cast<std::ptrdiff_t>(at), b.count, b.slot);
        measure(b);
        plant(root_, link);
    }
}

std::size_t Badranges::bytes() const {
    return entries_.size() * (sizeof(Packed) << kEntryShift) +
           blocks_.size() * (sizeof(Block) << kBlockShift) +
           entries_.capacity() * sizeof(entries_[0]) + blocks_.capacity() * sizeof(blocks_[0]) +
           spare_.capacity() * sizeof(Link) + changes_.capacity() * sizeof(Slot) +
           long_.size() * (sizeof(*long_.begin()) + 4 * sizeof(void*));
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
    const std::vector<Slot> order = by_address();
    for (std::size_t i = 1; i < order.size(); ++i)
        MCEMU_ASSERT(before(order[i - 1], start_of(order[i]), order[i]),
                     "order at " + std::to_string(start_of(order[i])));
}

std::uint64_t Badranges::check(Link link, std::size_t& count) const {
    if (link == 0) return 0;
    const Block& b = block(link);
    count += b.count;
    MCEMU_ASSERT(b.count != 0 && b.count <= kBlockSlots, std::to_string(b.count) + " in a block");
    for (const Link child : {b.left, b.right})
        MCEMU_ASSERT(child == 0 || priority(child) <= priority(link), "heap order");
    std::uint64_t end = 0;
    for (std::uint32_t i = 0; i < b.count; ++i) {
        const Range range = entry(b.slot[i]);
        MCEMU_ASSERT(range.length != 0, "a forgotten range is in the tree");
        MCEMU_ASSERT(range.length <= b.longest, "longest range of a block");
        end = std::max(end, range.end());
    }
    MCEMU_ASSERT(end == b.end, "highest end of a block");
    const std::uint64_t highest = std::max({end, check(b.left, count), check(b.right, count)});
    MCEMU_ASSERT(highest == b.highest, "highest end of a subtree");
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
