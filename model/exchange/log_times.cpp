#include "exchange/log_times.hpp"

#include <algorithm>
#include <map>

namespace mcemu::exchange {
namespace {

using formats::LoggedMce;
using formats::LogLine;

constexpr std::int64_t kStepUs = 100'000;  ///< between events whose times are not known
constexpr std::int64_t kLongestGap = 86'400'000'000ll;  ///< us; longer silence is cut to it
constexpr std::int64_t kWhole = 180 * kLongestGap;  ///< us: a scenario's clock ends after 213 days

/// What the calendar said at the beginning.
void set_wall_time(Triggers& all, LogLine::Clock clock, std::int64_t origin) {
    for (const LoggedMce& r : all.log.records) {
        if (r.time == 0 || r.time >= 1ull << 40 || r.repeats) continue;
        for (const Trigger& t : all.all)
            if (t.line == r.line) {
                const auto since = static_cast<std::uint64_t>(t.us) / 1'000'000;
                all.incident.wall_time = r.time - std::min(r.time, since);
                return;
            }
    }
    if (clock == LogLine::Clock::calendar && origin > 0)
        all.incident.wall_time = static_cast<std::uint64_t>(origin) / 1'000'000;
}

}  // namespace

void place_in_time(Triggers& all) {
    Incident& incident = all.incident;
    std::vector<Trigger>& triggers = all.all;
    std::stable_sort(triggers.begin(), triggers.end(),
                     [](const Trigger& a, const Trigger& b) { return a.line < b.line; });
    std::map<LogLine::Clock, std::size_t> clocks;
    for (const Trigger& t : triggers) ++clocks[t.clock];
    LogLine::Clock clock = LogLine::Clock::none;
    for (const auto c :
         {LogLine::Clock::boot, LogLine::Clock::calendar, LogLine::Clock::year_unknown})
        if (clock == LogLine::Clock::none && clocks.contains(c)) clock = c;
    if (clock == LogLine::Clock::none)
        incident.lose(0, 0, "the log has no times", "its events follow one another after 100ms");
    else if (clock != LogLine::Clock::boot)
        incident.lose(0, 0, "the log has no times since boot",
                      "those of the logger, to the second or so");

    // What has another clock, or none, happens where it stands: before the first that has it, with
    // it.
    std::int64_t last = 0;
    for (const Trigger& t : triggers)
        if (t.clock == clock && clock != LogLine::Clock::none) {
            last = t.us;
            break;
        }
    bool any = clock == LogLine::Clock::none;
    for (Trigger& t : triggers) {
        if (t.clock == clock && clock != LogLine::Clock::none) {
            last = t.us;
            any = true;
        } else {
            t.us = any ? (last += kStepUs) : last;
        }
    }
    std::stable_sort(triggers.begin(), triggers.end(),
                     [](const Trigger& a, const Trigger& b) { return a.us < b.us; });

    // Long silence is cut: nothing happens in it, and clocks end.
    std::int64_t before = triggers.front().us, cut = 0;
    const std::int64_t origin = before;
    for (Trigger& t : triggers) {
        const std::int64_t gap = t.us - before;
        before = t.us;
        if (gap > kLongestGap) {
            incident.lose(t.line, 0, "more than a day passes without an error", "a day");
            cut += gap - kLongestGap;
        }
        t.us = t.us - origin - cut;
        if (t.us > kWhole) {
            incident.lose(t.line, 0, "the log goes on for longer than a clock can", "at its end");
            t.us = kWhole;
        }
    }
    // Machine checks that one broadcast brought in were latched at one instant.
    for (std::size_t i = 0; i < triggers.size(); ++i) {
        if (!triggers[i].machine_check) continue;
        for (std::size_t k = i + 1;
             k < triggers.size() && triggers[k].us - triggers[i].us <= kTogether; ++k)
            if (triggers[k].machine_check) triggers[k].us = triggers[i].us;
    }
    std::stable_sort(triggers.begin(), triggers.end(),
                     [](const Trigger& a, const Trigger& b) { return a.us < b.us; });
    set_wall_time(all, clock, origin);
}

}  // namespace mcemu::exchange
