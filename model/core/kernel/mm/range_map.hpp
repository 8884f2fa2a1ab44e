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
        if (!hint_.at || key < hint_.at->first || key >= hint_.at->second.end) {
            auto it = items_.upper_bound(key);
            if (it == items_.begin()) return std::nullopt;
            --it;
            if (key >= it->second.end) return std::nullopt;
            hint_.at = &*it;
        }
        return Range{hint_.at->first, hint_.at->second.end, hint_.at->second.value};
    }

    /// Replaces whatever lies in [begin, end).
    void assign(std::uint64_t begin, std::uint64_t end, V value) {
        erase(begin, end);
        items_.emplace(begin, Item{end, std::move(value)});
    }

    void erase(std::uint64_t begin, std::uint64_t end) {
        if (begin >= end) return;
        cut(begin);
        cut(end);
        auto it = items_.lower_bound(begin);
        while (it != items_.end() && it->first < end) it = items_.erase(it);
        hint_.at = nullptr;
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
        hint_.at = nullptr;
    }

private:
    struct Item {
        std::uint64_t end;
        V value;
    };
    /// Makes `key` a border when it lies inside a range.
    void cut(std::uint64_t key) {
        auto it = items_.lower_bound(key);
        if (it == items_.begin()) return;
        --it;
        if (it->second.end <= key) return;
        Item right{it->second.end, it->second.value.advanced(key - it->first)};
        it->second.end = key;
        items_.emplace(key, std::move(right));
    }

    /// What find() found last: handling one error asks about the same page many times. A copy of
    /// the map begins without it.
    struct Hint {
        const std::pair<const std::uint64_t, Item>* at = nullptr;
        Hint() = default;
        Hint(const Hint&) {}
        Hint& operator=(const Hint&) {
            at = nullptr;
            return *this;
        }
    };

    std::map<std::uint64_t, Item> items_;
    mutable Hint hint_;
};

}  // namespace mcemu::kernel
