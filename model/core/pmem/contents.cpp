#include "core/pmem/contents.hpp"

#include <iterator>

namespace mcemu::pmem {

void Contents::cut(std::uint64_t at) {
    auto it = runs_.upper_bound(at);
    if (it == runs_.begin()) return;
    --it;
    if (it->first == at || it->second.end <= at) return;
    const Run right = it->second;
    it->second.end = at;
    runs_.emplace(at, right);
}

void Contents::write(SpaRange range, const Fill& fill) {
    if (range.begin >= range.end) return;
    cut(range.begin);
    cut(range.end);
    auto first = runs_.lower_bound(range.begin);
    first = runs_.erase(first, runs_.lower_bound(range.end));
    if (fill == Fill{}) return;  // zeros need no entry
    if (first != runs_.begin()) {
        const auto before = std::prev(first);
        if (before->second.end == range.begin && before->second.fill == fill) {
            range.begin = before->first;
            runs_.erase(before);
        }
    }
    if (first != runs_.end() && first->first == range.end && first->second.fill == fill) {
        range.end = first->second.end;
        runs_.erase(first);
    }
    runs_.insert_or_assign(range.begin, Run{range.end, fill});
}

Contents::Fill Contents::fill_of(const DataSpec& data, std::uint64_t origin) {
    switch (data.kind) {
        case DataSpec::Kind::fill:
            return {Fill::Kind::word, data.word, 0};
        case DataSpec::Kind::pattern:
            return {Fill::Kind::pattern, data.word, origin};
        case DataSpec::Kind::none:
            break;
    }
    return {Fill::Kind::unknown, 0, 0};
}

void Contents::write(SpaRange range, const DataSpec& data) {
    write(range, fill_of(data, range.begin));
}

void Contents::write_info(std::uint64_t spa, const InfoBlock& block) {
    infos_.push_back(block);
    write({spa, spa + kInfoBlock},
          Fill{Fill::Kind::info, static_cast<std::uint32_t>(infos_.size() - 1), spa});
}

const InfoBlock* Contents::info_at(std::uint64_t spa) const {
    const auto it = runs_.find(spa);
    if (it == runs_.end() || it->second.fill.kind != Fill::Kind::info ||
        it->second.fill.origin != spa || it->second.end != spa + kInfoBlock)
        return nullptr;
    return &infos_[it->second.fill.value];
}

bool Contents::holds(SpaRange range, const DataSpec& data, std::uint64_t origin) const {
    if (data.kind == DataSpec::Kind::none) return false;
    const bool zero = data.kind == DataSpec::Kind::fill && data.word == 0;
    auto it = runs_.upper_bound(range.begin);
    if (it != runs_.begin() && std::prev(it)->second.end > range.begin) --it;
    std::uint64_t at = range.begin;
    for (; it != runs_.end() && it->first < range.end; ++it) {
        if (it->first > at && !zero) return false;
        const Fill& fill = it->second.fill;
        const bool same = data.kind == DataSpec::Kind::fill
                              ? fill.kind == Fill::Kind::word && fill.value == data.word
                              : fill.kind == Fill::Kind::pattern && fill.value == data.word &&
                                    fill.origin == origin;
        if (!same) return false;
        at = it->second.end;
    }
    return at >= range.end || zero;
}

Contents::Summary Contents::describe(SpaRange range) const {
    auto it = runs_.upper_bound(range.begin);
    if (it != runs_.begin() && std::prev(it)->second.end > range.begin) --it;
    if (it == runs_.end() || it->first >= range.end) return {};
    const auto alike = [&](const Fill& a, const Fill& b) { return a == b; };
    const Fill first = it->first <= range.begin ? it->second.fill : Fill{};
    std::uint64_t at = range.begin;
    for (; it != runs_.end() && it->first < range.end; ++it) {
        if (it->first > at && !alike(first, Fill{})) return {"mixed"};
        if (!alike(it->second.fill, first)) return {"mixed"};
        at = it->second.end;
    }
    if (at < range.end && !alike(first, Fill{})) return {"mixed"};
    switch (first.kind) {
        case Fill::Kind::word:
            return {first.value == 0 ? "zero" : "fill", first.value, {}};
        case Fill::Kind::pattern:
            return {"pattern", 0, first.value};
        case Fill::Kind::info:
            return {"info"};
        case Fill::Kind::unknown:
            break;
    }
    return {"unknown"};
}

}  // namespace mcemu::pmem
