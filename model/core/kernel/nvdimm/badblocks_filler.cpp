#include "core/kernel/nvdimm/badblocks_filler.hpp"

#include <algorithm>
#include <utility>

namespace mcemu::kernel {
namespace {

using Row = Badblocks::Row;

bool in_order(const Row& a, const Row& b) { return a.end() <= b.start; }

/// The row of orderly `rows` that is the last to begin at or before `sector`, or rows.end().
auto row_at(const std::vector<Row>& rows, std::uint64_t sector) {
    const auto after = std::upper_bound(
        rows.begin(), rows.end(), sector,
        [](std::uint64_t at, const Row& row) { return at < row.start; });
    return after == rows.begin() ? rows.end() : after - 1;
}

}  // namespace

std::optional<std::uint64_t> BadblocksFiller::populate(
    const Badranges& list, SpaRange resource, Badblocks& table,
    const std::function<void(const SectorRange&)>& changed) {
    const Walk walk{list, resource, table, changed};
    catch_up(walk);
    if (orderly_) look_at_what_may_change(walk);
    else if (!settled_) look_at_everything(walk, 0);
    else look_at_news(walk);
    anew_ = false;
    seen_ = list.end();
    changes_seen_ = list.changes().size();
    return walk.failed;
}

/// Takes in what happened to list and table since the last time.
void BadblocksFiller::catch_up(const Walk& walk) {
    if (generation_ != walk.list.generation()) {
        start_anew(walk);
        return;
    }
    const std::vector<Slot>& changes = walk.list.changes();
    pending_.insert(changes.begin() + static_cast<std::ptrdiff_t>(changes_seen_), changes.end());
    if (version_ == walk.table.version()) return;
    const bool was_orderly = orderly_;
    follow_rows(walk);
    if (orderly_ && !was_orderly) start_anew(walk);
    else if (!orderly_) settled_ = false;
}

/// Nothing is known of any range but that those that touch no row cannot change a full table.
void BadblocksFiller::start_anew(const Walk& walk) {
    generation_ = walk.list.generation();
    seen_ = walk.list.end();
    pending_.clear();
    frontier_ = 0;
    rows_.clear();
    orderly_ = true;
    settled_ = false;
    anew_ = true;
    follow_rows(walk);
}

void BadblocksFiller::look_at_what_may_change(const Walk& walk) {
    constexpr Slot kNone = ~Slot{0};
    Slot at = 0, scan = frontier_;
    for (;;) {
        const auto due = pending_.lower_bound(at);
        Slot slot = due != pending_.end() ? *due : kNone;
        if (const Slot fresh = std::max(seen_, at); fresh < walk.list.end())
            slot = std::min(slot, fresh);
        const Slot next = std::max(scan, at);
        if (walk.table.rows().size() < Badblocks::kMaxRows && next < std::min(walk.list.end(), slot))
            slot = next;
        if (slot == kNone) {
            if (anew_ && !walk.failed) walk.failed = without_room(walk, next);
            return;
        }
        at = slot + 1;
        if (slot >= scan) scan = slot == scan ? slot + 1 : scan;
        pending_.erase(slot);
        if (slot == frontier_) ++frontier_;
        const bool changes = set(walk, slot);
        if (!orderly_) {
            look_at_everything(walk, at);
            settled_ = false;
            return;
        }
        if (changes) {
            const auto range = walk.list.at(slot);
            if (!covered(*to_sectors(*range, walk.resource))) pending_.insert(slot);
        }
    }
}

/// First sector of the first range from `from` on that a full table has no row for.
std::optional<std::uint64_t> BadblocksFiller::without_room(const Walk& walk, Slot from) const {
    for (Slot slot = from; slot < walk.list.end(); ++slot) {
        const auto range = walk.list.at(slot);
        const auto sectors = range ? to_sectors(*range, walk.resource) : std::nullopt;
        if (sectors && !covered(*sectors)) return sectors->first;
    }
    return std::nullopt;
}

/// What is new or changed, after a walk over a table that is not orderly changed nothing.
void BadblocksFiller::look_at_news(const Walk& walk) {
    const std::set<Slot> now = std::exchange(pending_, {});
    const auto changes = [&](Slot slot) {
        if (!set(walk, slot)) return false;
        look_at_everything(walk, slot + 1);
        settled_ = false;
        return true;
    };
    for (const Slot slot : now)
        if (slot < seen_ && changes(slot)) return;
    for (Slot slot = seen_; slot < walk.list.end(); ++slot)
        if (changes(slot)) return;
}

void BadblocksFiller::look_at_everything(const Walk& walk, Slot from) {
    pending_.clear();
    bool any = false;
    for (Slot slot = from; slot < walk.list.end(); ++slot) any |= set(walk, slot);
    settled_ = from == 0 && !any;
    if (orderly_) start_anew(walk);
}

/// Sets one range; true: rows changed.
bool BadblocksFiller::set(const Walk& walk, Slot slot) {
    const auto range = walk.list.at(slot);
    if (!range) return false;
    const auto sectors = to_sectors(*range, walk.resource);
    if (!sectors) return false;
    // A full table is not an error: the hardware will still raise the exception.
    const int full = walk.table.set(sectors->first, sectors->count, true);
    if (full != 0) {
        frontier_ = std::min(frontier_, slot);
        if (!walk.failed) walk.failed = sectors->first;
    }
    if (walk.table.version() == version_) return false;
    follow_rows(walk);
    walk.changed(*sectors);
    return true;
}

/// The table's rows are not what they were: finds who may be concerned.
void BadblocksFiller::follow_rows(const Walk& walk) {
    const std::vector<Row> old = std::move(rows_);
    rows_ = walk.table.rows();
    version_ = walk.table.version();
    const auto acknowledged = [](const Row& row) { return row.acknowledged; };
    const bool was_orderly = orderly_;
    orderly_ = std::all_of(rows_.begin(), rows_.end(), acknowledged) &&
               std::adjacent_find(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
                   return !in_order(a, b);
               }) == rows_.end();
    if (!orderly_ || !was_orderly) return;

    const auto first = std::mismatch(old.begin(), old.end(), rows_.begin(), rows_.end());
    auto old_end = old.end();
    auto new_end = rows_.cend();
    while (old_end != first.first && new_end != rows_.begin() + (first.second - rows_.begin()) &&
           *(old_end - 1) == *(new_end - 1)) {
        --old_end;
        --new_end;
    }
    const auto boundary = [&](std::uint64_t sector) {
        await(walk, sector == 0 ? 0 : sector - 1, sector + 1, false);
    };
    for (auto row = first.first; row != old_end; ++row) {
        boundary(row->start);
        boundary(row->end());
        // What no row covers any more.
        std::uint64_t at = row->start;
        for (auto now = row_at(rows_, at); at < row->end();) {
            if (now == rows_.end()) now = rows_.begin();
            else if (now->end() <= at) ++now;
            const std::uint64_t next = now == rows_.end() ? row->end() : now->start;
            if (at < next) await(walk, at, std::min(next, row->end()), false);
            if (now == rows_.end()) break;
            at = std::max(at, now->end());
        }
    }
    const auto new_first = static_cast<std::size_t>(first.second - rows_.begin());
    const auto new_last = static_cast<std::size_t>(new_end - rows_.cbegin());
    for (std::size_t i = new_first; i < new_last; ++i) {
        boundary(rows_[i].start);
        boundary(rows_[i].end());
    }
    // The kernel joins two rows that touch only when something inside the first is set again.
    for (std::size_t i = new_first == 0 ? 0 : new_first - 1; i <= new_last && i < rows_.size(); ++i)
        if (glues(i)) await(walk, rows_[i].start, rows_[i].end(), true);
}

/// Marks the ranges in [first, past) to be looked at, but those that one row covers.
void BadblocksFiller::await(const Walk& walk, std::uint64_t first, std::uint64_t past,
                            bool also_covered) {
    const std::uint64_t base = walk.resource.begin;
    const std::uint64_t begin = base + first * kSectorSize;
    const std::uint64_t end = std::min(base + past * kSectorSize, walk.resource.end);
    walk.list.for_each_meeting(begin, end, [&](Slot slot, const Badranges::Range& range) {
        if (also_covered || !covered(*to_sectors(range, walk.resource))) pending_.insert(slot);
    });
}

bool BadblocksFiller::covered(const SectorRange& sectors) const {
    const auto row = row_at(rows_, sectors.first);
    return row != rows_.end() && row->end() >= sectors.end() &&
           !glues(static_cast<std::size_t>(row - rows_.begin()));
}

bool BadblocksFiller::glues(std::size_t row) const {
    return row + 1 < rows_.size() && rows_[row].end() == rows_[row + 1].start &&
           rows_[row].length + rows_[row + 1].length < Badblocks::kMaxLength;
}

}  // namespace mcemu::kernel
