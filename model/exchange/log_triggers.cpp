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

void Triggers::index() {
    for (; indexed_ < all.size(); ++indexed_)
        if (all[indexed_].pfn) {
            std::vector<std::size_t>& of = by_pfn_[*all[indexed_].pfn].all;
            of.insert(
                std::upper_bound(of.begin(), of.end(), all[indexed_].line,
                                 [&](unsigned l, std::size_t at) { return l < all[at].line; }),
                indexed_);
        }
}

bool Triggers::explained(std::uint64_t pfn, const LogEntry& e, bool soft) {
    index();
    const auto page = by_pfn_.find(pfn);
    if (page == by_pfn_.end()) return false;
    // The nearest stand next to the line.
    constexpr std::size_t kSight = 32;
    const std::vector<std::size_t>& of = page->second.all;
    const auto explains = [&](std::size_t at) {
        return (!soft || all[at].soft) && near(all[at], e);
    };
    if (of.size() <= 2 * kSight) return std::any_of(of.begin(), of.end(), explains);
    const auto next = std::lower_bound(
        of.begin(), of.end(), e.line, [&](std::size_t at, unsigned l) { return all[at].line < l; });
    const auto first = next - std::min<std::ptrdiff_t>(next - of.begin(), kSight);
    const auto last = next + std::min<std::ptrdiff_t>(of.end() - next, kSight);
    return std::any_of(first, last, explains);
}

bool Triggers::explains_one(std::uint64_t pfn, const LogEntry& e) {
    constexpr unsigned kJustBehind = 5;  // ghes_edac speaks before ghes does
    index();
    const auto page = by_pfn_.find(pfn);
    if (page == by_pfn_.end()) return false;
    OfPage& of = page->second;
    for (; of.unused < of.all.size(); ++of.unused) {
        Trigger& t = all[of.all[of.unused]];
        if (t.reported) continue;
        const bool cper = t.event["do"] == "cper";
        if (t.line > e.line + (cper ? kJustBehind : 0)) return false;
        if (!near(t, e)) continue;
        t.reported = true;
        return true;
    }
    return false;
}

}  // namespace mcemu::exchange
