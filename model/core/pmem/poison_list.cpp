#include "core/pmem/poison_list.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/assert.hpp"

namespace mcemu::pmem {
namespace {

/// The lines that `range` touches, as [begin, end) line numbers.
struct Lines {
    std::uint64_t begin, end;
    explicit Lines(DpaRange range)
        : begin(range.begin / kLineSize),
          end(range.end / kLineSize + (range.end % kLineSize != 0 ? 1 : 0)) {}
};

PoisonRun to_run(const LineRange& r, const Lines& clip) {
    const std::uint64_t begin = std::max(r.begin(), clip.begin);
    const std::uint64_t end = std::min(r.end(), clip.end);
    return {{begin * kLineSize, end * kLineSize}, r.origin(), r.flags()};
}

void require_range(DpaRange range, const char* where) {
    if (range.begin < range.end && range.end <= PoisonList::kMaxAddress) return;
    throw std::invalid_argument(std::string(where) + ": empty or too high: " +
                                std::to_string(range.begin) + "-" + std::to_string(range.end));
}

bool has(const LineRange& r, std::uint8_t flags) { return (r.flags() & flags) == flags; }

}  // namespace

/// Appends to the replacement, joined with its last range where both touch and are alike.
void PoisonList::emit(LineRange range) {
    if (!scratch_.empty() && scratch_.back().end() == range.begin() &&
        scratch_.back().same_tag(range)) {
        range = {scratch_.back().begin(), range.end(), range.origin(), range.flags()};
        scratch_.pop_back();
    }
    scratch_.push_back(range);
}

std::uint64_t PoisonList::add(DpaRange range, std::uint32_t origin, std::uint8_t flags) {
    require_range(range, "PoisonList::add");
    const Lines lines(range);
    // The neighbours that touch take part: they may merge.
    const auto first = ranges_.first_ending_after(lines.begin == 0 ? 0 : lines.begin - 1);
    scratch_.clear();
    std::size_t met = 0;
    std::uint64_t at = lines.begin, added = 0;
    const auto fill_to = [&](std::uint64_t end) {
        if (at >= end) return;
        emit({at, end, origin, flags});
        added += end - at;
        at = end;
    };
    for (auto p = first; !ranges_.is_end(p); p = ranges_.next(p), ++met) {
        const LineRange r = ranges_.at(p);
        if (r.begin() > lines.end) break;
        fill_to(std::min(r.begin(), lines.end));
        emit(r);
        at = std::max(at, r.end());
    }
    fill_to(lines.end);
    if (added == 0) return 0;
    ranges_.splice(first, met, scratch_);
    lines_ += added;
    set_bits(lines.begin, lines.end);
    return added * kLineSize;
}

void PoisonList::load(std::span<const DpaRange> ranges, std::uint32_t origin, std::uint8_t flags) {
    if (!empty()) {
        for (const DpaRange& range : ranges) add(range, origin, flags);
        return;
    }
    std::vector<LineRange> sorted;
    sorted.reserve(ranges.size());
    for (const DpaRange& range : ranges) {
        require_range(range, "PoisonList::load");
        const Lines lines(range);
        sorted.emplace_back(lines.begin, lines.end, origin, flags);
    }
    const auto earlier = [](const LineRange& a, const LineRange& b) {
        return a.begin() < b.begin();
    };
    if (!std::is_sorted(sorted.begin(), sorted.end(), earlier))
        std::sort(sorted.begin(), sorted.end(), earlier);
    std::size_t kept = 0;
    for (const LineRange& r : sorted) {
        if (kept != 0 && r.begin() <= sorted[kept - 1].end()) {
            const LineRange& last = sorted[kept - 1];
            sorted[kept - 1] = {last.begin(), std::max(last.end(), r.end()), origin, flags};
        } else {
            sorted[kept++] = r;
        }
    }
    sorted.resize(kept);
    for (const LineRange& r : sorted) lines_ += r.lines();
    if (kept != 0) set_bits(sorted.back().end() - 1, sorted.back().end());  // grows it once
    for (const LineRange& r : sorted) set_bits(r.begin(), r.end());
    ranges_.assign(sorted);
}

std::uint64_t PoisonList::clear(DpaRange range) { return clear(range, nullptr); }

std::uint64_t PoisonList::clear(DpaRange range, std::vector<PoisonRun>& removed) {
    return clear(range, &removed);
}

std::uint64_t PoisonList::clear(DpaRange range, std::vector<PoisonRun>* removed) {
    const std::uint64_t begin = range.begin / kLineSize + (range.begin % kLineSize != 0 ? 1 : 0);
    const std::uint64_t end = range.end / kLineSize;
    if (begin >= end || !may_hold({begin * kLineSize, end * kLineSize})) return 0;
    const Lines lines({begin * kLineSize, end * kLineSize});
    const auto first = ranges_.first_ending_after(begin);
    scratch_.clear();
    std::size_t met = 0;
    std::uint64_t cleared = 0;
    for (auto p = first; !ranges_.is_end(p); p = ranges_.next(p), ++met) {
        const LineRange r = ranges_.at(p);
        if (r.begin() >= end) break;
        if (r.begin() < begin) emit({r.begin(), begin, r.origin(), r.flags()});
        if (r.end() > end) emit({end, r.end(), r.origin(), r.flags()});
        const PoisonRun run = to_run(r, lines);
        cleared += run.range.size();
        if (removed) removed->push_back(run);
    }
    if (met == 0) return 0;
    ranges_.splice(first, met, scratch_);
    lines_ -= cleared / kLineSize;
    clear_bits(begin, end);
    return cleared;
}

void PoisonList::mark(DpaRange range, std::uint8_t flags) {
    if (range.begin >= range.end || !may_hold(range)) return;
    const Lines lines(range);
    const auto first = ranges_.first_ending_after(lines.begin == 0 ? 0 : lines.begin - 1);
    scratch_.clear();
    std::size_t met = 0;
    bool changed = false;
    for (auto p = first; !ranges_.is_end(p); p = ranges_.next(p), ++met) {
        const LineRange r = ranges_.at(p);
        if (r.begin() > lines.end) break;
        const std::uint64_t begin = std::max(r.begin(), lines.begin);
        const std::uint64_t end = std::min(r.end(), lines.end);
        if (has(r, flags) || begin >= end) {
            emit(r);
            continue;
        }
        changed = true;
        if (r.begin() < begin) emit({r.begin(), begin, r.origin(), r.flags()});
        emit({begin, end, r.origin(), static_cast<std::uint8_t>(r.flags() | flags)});
        if (end < r.end()) emit({end, r.end(), r.origin(), r.flags()});
    }
    if (changed) ranges_.splice(first, met, scratch_);
}

std::optional<PoisonRun> PoisonList::find(DpaRange range) const {
    const Lines lines(range);
    const auto p = ranges_.first_ending_after(lines.begin);
    if (ranges_.is_end(p) || ranges_.at(p).begin() >= lines.end) return std::nullopt;
    return to_run(ranges_.at(p), lines);
}

std::uint64_t PoisonList::next_poisoned(std::uint64_t from, std::uint64_t end,
                                        std::uint8_t flags) const {
    for (auto p = ranges_.first_ending_after(from / kLineSize); !ranges_.is_end(p);
         p = ranges_.next(p)) {
        const LineRange& r = ranges_.at(p);
        if (r.begin() * kLineSize >= end) break;
        if (has(r, flags)) return std::max(r.begin(), from / kLineSize) * kLineSize;
    }
    return end;
}

std::uint64_t PoisonList::next_clean(std::uint64_t from, std::uint64_t end,
                                     std::uint8_t flags) const {
    std::uint64_t line = from / kLineSize;
    for (auto p = ranges_.first_ending_after(line); !ranges_.is_end(p); p = ranges_.next(p)) {
        const LineRange& r = ranges_.at(p);
        if (r.begin() > line || !has(r, flags)) break;
        line = r.end();
    }
    return std::min(line * kLineSize, end);
}

std::vector<DpaRange> PoisonList::runs(DpaRange range, std::uint8_t flags) const {
    std::vector<DpaRange> result;
    const Lines lines(range);
    for (auto p = ranges_.first_ending_after(lines.begin); !ranges_.is_end(p);
         p = ranges_.next(p)) {
        const LineRange& r = ranges_.at(p);
        if (r.begin() >= lines.end) break;
        if (!has(r, flags)) continue;
        const DpaRange run = to_run(r, lines).range;
        if (!result.empty() && result.back().end == run.begin)
            result.back().end = run.end;
        else
            result.push_back(run);
    }
    return result;
}

std::uint64_t PoisonList::count(std::uint8_t flags, std::uint64_t most) const {
    std::uint64_t runs = 0, end = ~std::uint64_t{0};
    for (auto p = ranges_.begin(); !ranges_.is_end(p) && runs < most; p = ranges_.next(p)) {
        const LineRange& r = ranges_.at(p);
        if (!has(r, flags)) continue;
        if (r.begin() != end) ++runs;
        end = r.end();
    }
    return runs;
}

std::vector<PoisonRun> PoisonList::tagged(DpaRange range) const {
    std::vector<PoisonRun> result;
    const Lines lines(range);
    for (auto p = ranges_.first_ending_after(lines.begin); !ranges_.is_end(p);
         p = ranges_.next(p)) {
        if (ranges_.at(p).begin() >= lines.end) break;
        result.push_back(to_run(ranges_.at(p), lines));
    }
    return result;
}

void PoisonList::set_bits(std::uint64_t begin_line, std::uint64_t end_line) {
    const std::uint64_t first = begin_line >> (kChunkShift - kLineShift);
    const std::uint64_t last = (end_line - 1) >> (kChunkShift - kLineShift);
    if (last / 64 >= filter_.size()) filter_.resize(last / 64 + 1);
    if (first == last) {
        filter_[first / 64] |= std::uint64_t{1} << first % 64;
        return;
    }
    const std::uint64_t head = ~std::uint64_t{0} << first % 64;
    const std::uint64_t tail = ~std::uint64_t{0} >> (63 - last % 64);
    if (first / 64 == last / 64) {
        filter_[first / 64] |= head & tail;
        return;
    }
    filter_[first / 64] |= head;
    std::fill(filter_.begin() + first / 64 + 1, filter_.begin() + last / 64, ~std::uint64_t{0});
    filter_[last / 64] |= tail;
}

/// After the lines were healed: clears the bits of chunks without poison. The two chunks at the
/// edges may hold lines outside [begin_line, end_line).
void PoisonList::clear_bits(std::uint64_t begin_line, std::uint64_t end_line) {
    constexpr unsigned kShift = kChunkShift - kLineShift;
    const auto update = [this](std::uint64_t chunk) {
        const auto p = ranges_.first_ending_after(chunk << kShift);
        if (ranges_.is_end(p) || ranges_.at(p).begin() >= (chunk + 1) << kShift)
            filter_[chunk / 64] &= ~(std::uint64_t{1} << chunk % 64);
    };
    const std::uint64_t first = begin_line >> kShift;
    const std::uint64_t last =
        std::min((end_line - 1) >> kShift, std::uint64_t{filter_.size()} * 64 - 1);
    update(first);
    if (last <= first) return;
    update(last);
    for (std::uint64_t chunk = first + 1; chunk < last;) {
        if (chunk % 64 == 0 && last - chunk >= 64) {
            filter_[chunk / 64] = 0;
            chunk += 64;
        } else {
            filter_[chunk / 64] &= ~(std::uint64_t{1} << chunk % 64);
            ++chunk;
        }
    }
}

void PoisonList::check() const {
    ranges_.check();
    std::uint64_t lines = 0;
    std::vector<std::uint64_t> bits(filter_.size());
    std::optional<LineRange> last;
    for (auto p = ranges_.begin(); !ranges_.is_end(p); p = ranges_.next(p)) {
        const LineRange r = ranges_.at(p);
        MCEMU_ASSERT(!last || last->end() < r.begin() || !last->same_tag(r),
                     "unmerged at line " + std::to_string(r.begin()));
        last = r;
        lines += r.lines();
        for (std::uint64_t chunk = r.begin() >> 15; chunk <= (r.end() - 1) >> 15; ++chunk) {
            MCEMU_ASSERT(chunk / 64 < bits.size(), "chunk " + std::to_string(chunk));
            bits[chunk / 64] |= std::uint64_t{1} << chunk % 64;
        }
    }
    MCEMU_ASSERT(lines == lines_, std::to_string(lines) + " lines, " + std::to_string(lines_));
    MCEMU_ASSERT(bits == filter_, "filter");
}

}  // namespace mcemu::pmem
