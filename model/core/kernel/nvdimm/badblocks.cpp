#include "core/kernel/nvdimm/badblocks.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace mcemu::kernel {
namespace {

// BB_MAKE(): a row as one 64-bit word. Glueing rows of an unsorted table can give a length of nothing
// or less, which then runs over into the start and the acknowledgement: that row reads as sector
// 2^54 - 1 from then on.
Badblocks::Row packed(std::uint64_t start, std::uint64_t length, bool acknowledged) {
    const std::uint64_t word = start << 9 | (length - 1) | std::uint64_t{acknowledged} << 63;
    return {(word & ~(1ull << 63)) >> 9, (word & 0x1ff) + 1, word >> 63 != 0};
}

}  // namespace

// The kernel's bisection, which assumes a sorted table and is wrong in its own way when it is not:
// the same probes in the same order give the same wrong answers.
template <class Predicate>
Badblocks::Place Badblocks::bisect(Predicate keep_low) const {
    std::ptrdiff_t lo = 0, hi = static_cast<std::ptrdiff_t>(rows_.size());
    while (hi - lo > 1) {
        const std::ptrdiff_t middle = (lo + hi) / 2;
        if (keep_low(rows_[static_cast<std::size_t>(middle)])) lo = middle;
        else hi = middle;
    }
    return {lo, hi};
}

int Badblocks::set(std::uint64_t sector, std::uint64_t sectors, bool acknowledged) {
    if (shift_ < 0) return 1;
    std::uint64_t begin = sector, end = sector + sectors;
    if (shift_ > 0) {
        begin >>= shift_;
        end = (end + (1ull << shift_) - 1) >> shift_;
    }
    const int result = model_ == BadblocksModel::ideal
                           ? set_ideal(begin, end - begin, acknowledged)
                           : set_linux(begin, end - begin, acknowledged);
    changed_ = true;
    if (!acknowledged) unacked_exist_ = true;
    else update_acked();
    return result;
}

int Badblocks::set_linux(std::uint64_t s, std::uint64_t sectors, bool acknowledged) {
    auto [low, high] = bisect([s](const Row& row) { return row.start <= s; });
    std::size_t lo = static_cast<std::size_t>(low), hi = static_cast<std::size_t>(high);
    if (hi > lo && rows_[lo].start > s) hi = lo;

    // 1. Left merge: the row that starts at or before s reaches or touches it.
    if (hi > lo && rows_[lo].end() >= s) {
        Row& left = rows_[lo];
        const bool covered = s == left.start && s + sectors >= left.end();
        const bool ack = covered ? acknowledged : left.acknowledged && acknowledged;
        const std::uint64_t begin = left.start, end = std::max(left.end(), s + sectors);
        if (end - begin <= kMaxLength) {
            put(left, packed(begin, end - begin, ack));
            s = end;
        } else {
            if (left.length != kMaxLength) put(left, packed(begin, kMaxLength, ack));
            s = begin + kMaxLength;
        }
        sectors = end - s;
    }
    // 2. Right merge: what is left reaches or touches the next row.
    if (sectors > 0 && hi < rows_.size() && rows_[hi].start <= s + sectors) {
        Row& right = rows_[hi];
        bool ack = right.acknowledged && acknowledged;
        std::uint64_t end = right.end();
        if (end <= s + sectors) {
            end = s + sectors;
            ack = acknowledged;
        }
        const std::uint64_t length = std::min(end - s, kMaxLength);
        put(right, packed(s, length, ack));
        s += length;
        sectors = end - s;
        lo = hi++;
    }
    // 3. Glue: s is the end of row lo, which may now reach the next row.
    if (sectors == 0 && hi < rows_.size() && s >= rows_[hi].start) {
        const std::int64_t length =
            static_cast<std::int64_t>(rows_[lo].length + rows_[hi].length) -
            static_cast<std::int64_t>(s - rows_[hi].start);
        if (length < static_cast<std::int64_t>(kMaxLength)) {
            rows_[lo] = packed(rows_[lo].start, static_cast<std::uint64_t>(length),
                               rows_[lo].acknowledged && rows_[hi].acknowledged);
            rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(hi));
            ++version_;
        }
    }
    // 4. New rows, all at the same index: a long range comes out in falling order.
    while (sectors > 0) {
        if (rows_.size() >= kMaxRows) return 1;
        const std::uint64_t length = std::min(sectors, kMaxLength);
        rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(hi),
                     packed(s, length, acknowledged));
        ++version_;
        s += length;
        sectors -= length;
    }
    return 0;
}

int Badblocks::clear(std::uint64_t sector, std::uint64_t sectors) {
    std::uint64_t begin = sector, target = sector + sectors;
    if (shift_ > 0) {
        begin = (begin + (1ull << shift_) - 1) >> shift_;
        target >>= shift_;
    }
    const int result = model_ == BadblocksModel::ideal ? clear_ideal(begin, target)
                                                       : clear_linux(begin, target);
    if (result != 0) return result;
    update_acked();
    changed_ = true;
    return 0;
}

int Badblocks::clear_linux(std::uint64_t s, std::uint64_t target) {
    auto [lo, hi] = bisect([target](const Row& row) { return row.start < target; });
    if (hi <= lo) return 0;
    const auto at = [this](std::ptrdiff_t i) -> Row& { return rows_[static_cast<std::size_t>(i)]; };

    if (at(lo).end() > target && at(lo).start < target) {
        const Row row = at(lo);
        if (row.start < s) {
            if (rows_.size() >= kMaxRows) return -ENOSPC;
            rows_.insert(rows_.begin() + lo, packed(row.start, s - row.start, row.acknowledged));
            ++lo;
        }
        at(lo) = packed(target, row.end() - target, row.acknowledged);
        ++version_;
        hi = lo--;
    }
    while (lo >= 0 && at(lo).end() > s && at(lo).start < target) {
        if (at(lo).start < s) {
            at(lo) = packed(at(lo).start, s - at(lo).start, at(lo).acknowledged);
            ++version_;
            break;
        }
        --lo;
    }
    if (hi - lo > 1) {
        rows_.erase(rows_.begin() + lo + 1, rows_.begin() + hi);
        ++version_;
    }
    return 0;
}

Badblocks::Finding Badblocks::check(std::uint64_t sector, std::uint64_t sectors) const {
    std::uint64_t begin = sector, target = sector + sectors;
    if (shift_ > 0) {
        begin >>= shift_;
        target = (target + (1ull << shift_) - 1) >> shift_;
    }
    Finding found;
    auto [lo, hi] = bisect([target](const Row& row) { return row.start < target; });
    if (hi <= lo) return found;
    for (; lo >= 0; --lo) {
        const Row& row = rows_[static_cast<std::size_t>(lo)];
        if (row.end() <= begin) break;
        if (row.start >= target) continue;
        found.result = found.result != -1 && row.acknowledged ? 1 : -1;
        found.first_bad = row.start;
        found.bad_sectors = row.length;
    }
    return found;
}

void Badblocks::put(Row& row, const Row& value) {
    if (row == value) return;
    row = value;
    ++version_;
}

void Badblocks::ack_all() {
    if (changed_ || !unacked_exist_) return;
    for (Row& row : rows_) row.acknowledged = true;
    ++version_;
    unacked_exist_ = false;
}

void Badblocks::update_acked() {
    if (!unacked_exist_) return;
    unacked_exist_ = std::any_of(rows_.begin(), rows_.end(),
                                 [](const Row& row) { return !row.acknowledged; });
}

Badblocks::Listing Badblocks::list(bool unacknowledged) const {
    constexpr std::size_t kPage = 4096;
    Listing out;
    if (shift_ < 0) return out;
    for (const Row& row : rows_) {
        if (out.text.size() >= kPage) break;
        if (unacknowledged && row.acknowledged) continue;
        out.text += std::to_string(row.start << shift_) + ' ' +
                    std::to_string(row.length << shift_) + '\n';
    }
    out.result = static_cast<int>(out.text.size());
    if (out.text.size() > kPage - 1) out.text.resize(kPage - 1);
    return out;
}

Badblocks::Listing Badblocks::show(bool unacknowledged) {
    Listing out = list(unacknowledged);
    if (unacknowledged && out.result == 0 && shift_ >= 0) unacked_exist_ = false;
    return out;
}

int Badblocks::store(std::string_view text, bool unacknowledged) {
    // Reads "%llu %d" and at most one character, which must be a newline.
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto skip = [&] {
        while (at != end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
    };
    std::uint64_t sector = 0;
    std::int32_t length = 0;
    skip();
    auto r = std::from_chars(at, end, sector);
    if (r.ec != std::errc()) return -EINVAL;
    at = r.ptr;
    skip();
    r = std::from_chars(at, end, length);
    if (r.ec != std::errc()) return -EINVAL;
    at = r.ptr;
    if (at != end && *at != '\n') return -EINVAL;
    if (length <= 0) return -EINVAL;
    if (set(sector, static_cast<std::uint64_t>(length), !unacknowledged) != 0) return -ENOSPC;
    return static_cast<int>(text.size());
}

// ---------------------------------------------------------------- the model "ideal"

namespace {

using Row = Badblocks::Row;
using Runs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // [begin, end), rising

/// The sectors that sorted rows cover, in as few runs as possible.
Runs runs_of(const std::vector<Row>& rows) {
    Runs runs;
    for (const Row& row : rows) {
        if (!runs.empty() && runs.back().second == row.start)
            runs.back().second = row.end();
        else
            runs.emplace_back(row.start, row.end());
    }
    return runs;
}

bool sorted_and_disjoint(const std::vector<Row>& rows) {
    return std::adjacent_find(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
               return a.end() > b.start;
           }) == rows.end();
}

/// [begin, end) in rows of the greatest length.
void append_cut(std::vector<Row>& rows, std::uint64_t begin, std::uint64_t end, bool acknowledged) {
    for (; begin < end; begin += Badblocks::kMaxLength)
        rows.push_back({begin, std::min(end - begin, Badblocks::kMaxLength), acknowledged});
}

}  // namespace

// What it covers is a matter of sets; how it is cut into rows, and what becomes acknowledged, is
// the kernel's wherever the kernel's own algorithm covers the right sectors.
int Badblocks::set_ideal(std::uint64_t s, std::uint64_t sectors, bool acknowledged) {
    const std::uint64_t end = s + sectors;
    std::vector<Row> wanted;
    std::uint64_t lo = s, hi = end;
    bool ack = acknowledged;
    bool placed = false;
    for (const Row& row : rows_) {
        if (row.end() < s) {
            wanted.push_back(row);
        } else if (row.start > end) {
            if (!placed) append_cut(wanted, lo, hi, ack);
            placed = true;
            wanted.push_back(row);
        } else {  // touched: one run with the new range
            lo = std::min(lo, row.start);
            hi = std::max(hi, row.end());
            const bool covered = row.start >= s && row.end() <= end;
            if (!covered) ack = ack && row.acknowledged;
        }
    }
    if (!placed) append_cut(wanted, lo, hi, ack);

    std::vector<Row> before = rows_;
    const std::uint64_t version = version_;
    const int result = set_linux(s, sectors, acknowledged);
    version_ = version;
    const bool right = result == 0 && sorted_and_disjoint(rows_) && runs_of(rows_) == runs_of(wanted);
    if (!right && wanted.size() > kMaxRows) {
        rows_ = std::move(before);
        return 1;
    }
    if (!right) rows_ = std::move(wanted);
    if (rows_ != before) ++version_;
    return 0;
}

int Badblocks::clear_ideal(std::uint64_t s, std::uint64_t target) {
    if (target <= s) return 0;
    std::vector<Row> rows;
    for (const Row& row : rows_) {
        if (row.start < s)
            rows.push_back({row.start, std::min(row.end(), s) - row.start, row.acknowledged});
        if (row.end() > target) {
            const std::uint64_t tail = std::max(row.start, target);
            rows.push_back({tail, row.end() - tail, row.acknowledged});
        }
    }
    if (rows.size() > kMaxRows) return -ENOSPC;
    if (rows != rows_) ++version_;
    rows_ = std::move(rows);
    return 0;
}

}  // namespace mcemu::kernel
