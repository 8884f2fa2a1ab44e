#include "report/timeline.hpp"

#include <algorithm>
#include <bit>

#include "core/kernel/printk.hpp"

namespace mcemu::report {
namespace {

/// LEB128: seven bits a byte, the lowest first.
void put(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    out += static_cast<char>(value);
}

}  // namespace

/// Neighbouring roots are often of one kind: a storm's stride must not meet the sample's.
std::uint32_t Timeline::mix(std::uint32_t root) {
    std::uint32_t x = root * 0x9e3779b1u;
    x ^= x >> 15;
    x *= 0x85ebca77u;
    return x ^ x >> 13;
}

void Timeline::add(std::uint32_t id, std::uint32_t root, const TraceRecord& r, SimTime begin,
                   output::Lane lane, const std::string& text) {
    if (total_++ == 0) first_at_ = r.at.count();
    const SimTime end = r.kind == TraceKind::phase ? begin + SimTime{r.b} : r.at;
    last_at_ = std::max<std::uint64_t>(last_at_, end.count());
    ++kinds_[static_cast<std::size_t>(r.kind)];
    const auto [place, fresh] =
        lane_numbers_.try_emplace(lane, static_cast<std::uint32_t>(lanes_.size()));
    if (fresh) {
        lanes_.push_back(lane);
        lane_counts_.push_back(0);
    }
    ++lane_counts_[place->second];
    if (!kept(root)) return;
    TimelineRow row{id, place->second, root, 0, begin.count(), r};
    if (!text.empty()) row.text = text_number(text);
    rows_.push_back(row);
    while (rows_.size() > most_) thin();
}

std::uint32_t Timeline::text_number(const std::string& text) {
    const auto [place, fresh] =
        text_numbers_.try_emplace(text, static_cast<std::uint32_t>(texts_.size() + 1));
    if (fresh) texts_.push_back(text);
    return place->second;
}

void Timeline::thin() {
    mask_ = mask_ * 2 + 1;
    const std::vector<std::string> texts = std::move(texts_);
    texts_.clear();
    text_numbers_.clear();
    std::size_t out = 0;
    for (TimelineRow& row : rows_) {
        if (!kept(row.root)) continue;
        if (row.text) row.text = text_number(texts[row.text - 1]);
        rows_[out++] = row;
    }
    rows_.resize(out);
}

std::string Timeline::encode() const {
    // A column each: what is alike stands together, which is what compression needs.
    std::array<std::string, 12> columns;
    std::uint32_t id = 0;
    std::uint64_t at = first_at_;
    for (const TimelineRow& row : rows_) {
        const TraceRecord& r = row.record;
        put(columns[0], row.id - id);
        put(columns[1], r.at.count() - at);
        columns[2] += static_cast<char>(r.kind);
        put(columns[3], row.lane);
        put(columns[4], r.why.cause ? row.id - r.why.cause : 0);
        put(columns[5], r.why.origin);
        put(columns[6], row.begin - r.at.count());
        put(columns[7], r.subject);
        put(columns[8], r.a);
        put(columns[9], r.b);
        put(columns[10], r.c);
        put(columns[11], row.text);
        id = row.id;
        at = r.at.count();
    }
    std::string out;
    for (const std::string& column : columns) put(out, column.size());
    for (const std::string& column : columns) out += column;
    return out;
}

}  // namespace mcemu::report
