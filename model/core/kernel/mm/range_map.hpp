#pragma once  // Values over half-open ranges of a 64-bit key: cut, cleared and replaced by range.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace mcemu::kernel {

/// Ranges never overlap; what is in none of them has no value. `V` must have
/// `V advanced(std::uint64_t by) const`: the value of the part that begins `by` keys later.
/// Every operation is O(log n + ranges touched), whatever their length.
template <class V>
class RangeMap {
public:
    struct Range {
        std::uint64_t begin = 0, end = 0;
        V value{};
        bool contains(std::uint64_t key) const { return key >= begin && key < end; }
        V at(std::uint64_t key) const { return value.advanced(key - begin); }
    };

    /// The range that contains `key`.
    std::optional<Range> find(std::uint64_t key) const {
        if (key < hint_.begin || key >= hint_.end) look_up(key);
        if (!hint_.at) return std::nullopt;
        return Range{hint_.begin, hint_.end, hint_.at->second.value};
    }

    /// Replaces whatever lies in [begin, end).
    void assign(std::uint64_t begin, std::uint64_t end, V value) {
        if (begin >= end) return;
        auto it = cut_out(begin, end);
        if (it != items_.end() && it->first == begin) {  // takes the place of what was there
            it->second = Item{end, std::move(value)};
            ++it;
            while (it != items_.end() && it->first < end) it = items_.erase(it);
        } else {
            while (it != items_.end() && it->first < end) it = items_.erase(it);
            items_.emplace_hint(it, begin, Item{end, std::move(value)});
        }
    }

    void erase(std::uint64_t begin, std::uint64_t end) {
        if (begin >= end) return;
        auto it = cut_out(begin, end);
        while (it != items_.end() && it->first < end) it = items_.erase(it);
    }

    /// Calls f(Range) for every part inside [begin, end), rising. f must not change the map.
    template <class F>
    void for_each(std::uint64_t begin, std::uint64_t end, F&& f) const {
        auto it = items_.upper_bound(begin);
        if (it != items_.begin() && std::prev(it)->second.end > begin) --it;
        for (; it != items_.end() && it->first < end; ++it) {
            const std::uint64_t from = std::max(begin, it->first);
            const std::uint64_t to = std::min(end, it->second.end);
            f(Range{from, to, it->second.value.advanced(from - it->first)});
        }
    }
    /// Calls f(begin, end) for every part of [begin, end) that has no value, rising.
    template <class F>
    void for_each_gap(std::uint64_t begin, std::uint64_t end, F&& f) const {
        std::uint64_t at = begin;
        for_each(begin, end, [&](const Range& r) {
            if (r.begin > at) f(at, r.begin);
            at = r.end;
        });
        if (at < end) f(at, end);
    }
    template <class F>
    void for_each(F&& f) const {
        for (const auto& [begin, item] : items_) f(Range{begin, item.end, item.value});
    }

    bool empty() const { return items_.empty(); }
    std::size_t size() const { return items_.size(); }
    void clear() {
        items_.clear();
        hint_.reset();
    }

private:
    struct Item {
        std::uint64_t end;
        V value;
    };
    using Items = std::map<std::uint64_t, Item>;

    /// Makes `begin` and `end` borders; returns the first item from `begin` on.
    typename Items::iterator cut_out(std::uint64_t begin, std::uint64_t end) {
        hint_.reset();
        auto it = items_.lower_bound(begin);
        if (it != items_.begin()) {
            const auto before = std::prev(it);
            if (before->second.end > begin) it = cut(before, begin);
        }
        auto last = it;
        while (last != items_.end() && last->second.end < end) ++last;
        if (last != items_.end() && last->first < end && last->second.end > end) cut(last, end);
        return it;
    }
    /// Cuts an item in two at `key`, which lies inside it; returns the second part.
    typename Items::iterator cut(typename Items::iterator it, std::uint64_t key) {
        Item right{it->second.end, it->second.value.advanced(key - it->first)};
        it->second.end = key;
        return items_.emplace_hint(std::next(it), key, std::move(right));
    }

    /// What find() found last, or the gap in which it found nothing: handling one error asks about
    /// the same page many times. A copy of the map begins without it.
    struct Hint {
        std::uint64_t begin = 0, end = 0;
        const std::pair<const std::uint64_t, Item>* at = nullptr;  // null: a gap
        Hint() = default;
        Hint(const Hint&) {}
        Hint& operator=(const Hint&) {
            reset();
            return *this;
        }
        void reset() {
            begin = end = 0;
            at = nullptr;
        }
    };
    void look_up(std::uint64_t key) const {
        const auto next = items_.upper_bound(key);
        hint_.begin = 0;
        hint_.end = next == items_.end() ? ~std::uint64_t{0} : next->first;
        hint_.at = nullptr;
        if (next == items_.begin()) return;
        const auto& item = *std::prev(next);
        hint_.begin = item.second.end;
        if (key >= item.second.end) return;
        hint_.begin = item.first;
        hint_.end = item.second.end;
        hint_.at = &item;
    }

    std::map<std::uint64_t, Item> items_;
    mutable Hint hint_;
};

}  // namespace mcemu::kernel
