#include "core/pmem/contents.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mcemu::pmem {

void Contents::cut(Runs& runs, std::uint64_t at) {
    auto it = runs.upper_bound(at);
    if (it == runs.begin()) return;
    --it;
    if (it->first == at || it->second.end <= at) return;
    const Run right = it->second;
    it->second.end = at;
    runs.emplace(at, right);
}

/// Returns the first run behind the range.
Contents::Runs::iterator Contents::erase(Runs& runs, SpaRange range) {
    if (range.begin >= range.end) return runs.end();
    cut(runs, range.begin);
    cut(runs, range.end);
    return runs.erase(runs.lower_bound(range.begin), runs.lower_bound(range.end));
}

void Contents::set(SpaRange range, const Fill& fill) {
    if (range.begin >= range.end) return;
    const auto first = erase(runs_, range);
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

void Contents::write(SpaRange range, const Fill& fill) {
    erase(under_, range);
    set(range, fill);
}

void Contents::write_cached(SpaRange range, const Fill& fill) {
    // What the media holds is what stands there now, but where it is remembered already.
    std::vector<std::pair<std::uint64_t, Run>> news;
    const auto remember = [&](std::uint64_t begin, std::uint64_t end) {
        auto it = runs_.upper_bound(begin);
        if (it != runs_.begin() && std::prev(it)->second.end > begin) --it;
        while (begin < end) {
            const bool covered = it != runs_.end() && it->first <= begin;
            const std::uint64_t next = covered              ? it->second.end
                                       : it == runs_.end() ? end
                                                           : it->first;
            const std::uint64_t stop = std::min(end, next);
            news.push_back({begin, {stop, covered ? it->second.fill : Fill{}}});
            begin = stop;
            if (covered) ++it;
        }
    };
    std::uint64_t at = range.begin;
    auto known = under_.upper_bound(at);
    if (known != under_.begin() && std::prev(known)->second.end > at) --known;
    for (; known != under_.end() && known->first < range.end; ++known) {
        if (known->first > at) remember(at, known->first);
        at = std::max(at, known->second.end);
    }
    if (at < range.end) remember(at, range.end);
    for (const auto& [begin, run] : news) under_.emplace(begin, run);
    set(range, fill);
}

void Contents::lose_cached() {
    for (const auto& [begin, run] : under_) set({begin, run.end}, run.fill);
    under_.clear();
}

std::vector<Contents::Saved> Contents::save() const {
    std::vector<Saved> out;
    for (const auto& [begin, run] : runs_) {
        out.push_back({{begin, run.end}, run.fill, {}});
        if (run.fill.kind != Fill::Kind::info) continue;
        out.back().info = infos_[run.fill.value];
        out.back().fill.value = 0;
    }
    return out;
}

void Contents::restore(const std::vector<Saved>& runs) {
    *this = Contents();
    for (const Saved& run : runs) {
        Fill fill = run.fill;
        if (fill.kind == Fill::Kind::info) {
            infos_.push_back(run.info);
            fill.value = static_cast<std::uint32_t>(infos_.size() - 1);
        }
        set(run.range, fill);
    }
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
