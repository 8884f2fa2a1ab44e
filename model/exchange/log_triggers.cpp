#include "exchange/log_triggers.hpp"

#include <algorithm>
#include <cstdlib>

namespace mcemu::exchange {

using formats::LogEntry;
using formats::LogLine;

namespace {

constexpr std::int64_t kNear = 10'000'000;  ///< us: an error and what became of it

bool near(const Trigger& t, const LogEntry& e) {
    if (t.clock == e.clock && t.clock != LogLine::Clock::none)
        return std::abs(t.us - e.us) <= kNear;
    return t.line > e.line ? t.line - e.line <= kNearLines : e.line - t.line <= kNearLines;
}

}  // namespace

Trigger& Triggers::add(unsigned line, LogLine::Clock clock, std::int64_t us, Json event) {
    Trigger t;
    t.line = line;
    t.clock = clock;
    t.us = us;
    t.event = std::move(event);
    return all.emplace_back(std::move(t));
}

bool Triggers::explained(std::uint64_t pfn, const LogEntry& e, bool backwards_only) {
    for (; indexed_ < all.size(); ++indexed_)
        if (all[indexed_].pfn) by_pfn_.emplace(*all[indexed_].pfn, indexed_);
    const auto [begin, end] = by_pfn_.equal_range(pfn);
    return std::any_of(begin, end, [&](const auto& at) {
        const Trigger& t = all[at.second];
        return near(t, e) && (!backwards_only || t.line <= e.line);
    });
}

}  // namespace mcemu::exchange
