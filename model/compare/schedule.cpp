#include "compare/schedule.hpp"

#include <charconv>

#include "scenario/quantity.hpp"

namespace mcemu::compare {
namespace {

template <class T>
bool number(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

/// splitmix64: whole numbers only, the same on every machine.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

}  // namespace

std::string to_text(const Schedule& schedule) {
    std::string out;
    if (schedule.window > SimTime::zero()) out = scenario::time_text(schedule.window) + "/";
    if (schedule.choices.empty()) return out + "-";
    for (std::size_t i = 0; i < schedule.choices.size(); ++i)
        out += (i == 0 ? "" : ",") + std::to_string(schedule.choices[i].point) + ":" +
               std::to_string(schedule.choices[i].candidate);
    return out;
}

std::optional<Schedule> parse_schedule(std::string_view text) {
    Schedule schedule;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        const auto window = scenario::parse_time(text.substr(0, slash));
        if (!window.value) return std::nullopt;
        schedule.window = *window.value;
        text.remove_prefix(slash + 1);
    }
    if (text == "-") return schedule;
    while (true) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view one = text.substr(0, comma);
        const std::size_t colon = one.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        Schedule::Choice choice{};
        if (!number(one.substr(0, colon), choice.point) ||
            !number(one.substr(colon + 1), choice.candidate) || choice.candidate == 0)
            return std::nullopt;
        if (!schedule.choices.empty() && choice.point <= schedule.choices.back().point)
            return std::nullopt;
        schedule.choices.push_back(choice);
        if (comma == text.size()) return schedule;
        text.remove_prefix(comma + 1);
    }
}

std::size_t ScheduleChooser::choose(std::span<const AgendaCandidate> candidates) {
    note_last();
    std::size_t chosen = 0;
    if (candidates.size() > 1) {
        const std::uint64_t point = counts_.size();
        counts_.push_back(static_cast<std::uint32_t>(candidates.size()));
        if (next_ < schedule_.choices.size() && schedule_.choices[next_].point == point) {
            chosen = schedule_.choices[next_].candidate;
            ++next_;
            if (chosen >= candidates.size()) {
                if (misfit_.empty())
                    misfit_ = "point " + std::to_string(point) + " has candidates 0 to " +
                              std::to_string(candidates.size() - 1) + ", not " +
                              std::to_string(chosen);
                chosen = 0;
            }
        } else if (random_) {
            // Every third point on average: an order that differs everywhere explains nothing.
            const std::uint64_t draw = mix(*random_ ^ mix(draws_++));
            if (draw % 3 == 0) chosen = (draw >> 8) % candidates.size();
        }
        if (chosen != 0) {
            followed_.choices.push_back({point, static_cast<std::uint32_t>(chosen)});
            deviations_.push_back({point, candidates[chosen].sequence, candidates[0].sequence, 0, 0,
                                   candidates[chosen].why, candidates[0].why});
        }
    }
    last_ = candidates[chosen].sequence;
    records_ = trace_ ? trace_->count() : 0;
    return chosen;
}

/// The entry that ran last left records: they say what it was.
void ScheduleChooser::note_last() {
    if (!trace_ || trace_->count() == records_) return;
    for (Deviation& d : deviations_) {
        if (d.chosen == last_ && d.chosen_did == 0) d.chosen_did = records_ + 1;
        if (d.passed == last_ && d.passed_did == 0) d.passed_did = records_ + 1;
    }
}

const std::vector<ScheduleChooser::Deviation>& ScheduleChooser::deviations() {
    note_last();
    return deviations_;
}

std::string ScheduleChooser::misfit() const {
    if (!misfit_.empty()) return misfit_;
    if (next_ >= schedule_.choices.size()) return {};
    return "point " + std::to_string(schedule_.choices[next_].point) + " never came: the run has " +
           std::to_string(counts_.size()) + (counts_.size() == 1 ? " point" : " points") +
           " of choice";
}

}  // namespace mcemu::compare
