#pragma once  // An order of what nature leaves open, as text that replays it exactly.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/agenda.hpp"
#include "core/trace.hpp"

namespace mcemu::compare {

/// Which entry runs where more than one may. Choice points are the moments in which the agenda had
/// more than one candidate, counted from 0; where none is named, the first candidate runs, as
/// without a schedule.
struct Schedule {
    SimTime window{};  ///< candidates: what is due within it (Agenda::choose_by)
    struct Choice {
        std::uint64_t point;
        std::uint32_t candidate;  ///< from 1
        bool operator==(const Choice&) const = default;
    };
    std::vector<Choice> choices;  ///< by rising point
    bool operator==(const Schedule&) const = default;
};

/// "10us/3:1,17:2"; without a window "3:1,17:2"; "-" for the order as it stands.
std::string to_text(const Schedule& schedule);
/// Nullopt: `text` is no schedule.
std::optional<Schedule> parse_schedule(std::string_view text);

/// Chooses by a schedule, or beyond it at random; notes what was there to choose from.
class ScheduleChooser final : public AgendaChooser {
public:
    explicit ScheduleChooser(Schedule schedule, std::optional<std::uint64_t> random = std::nullopt)
        : schedule_(std::move(schedule)), random_(random) {}
    ScheduleChooser(const ScheduleChooser&) = delete;
    ScheduleChooser& operator=(const ScheduleChooser&) = delete;

    /// Lets later() know what each entry did.
    void watch(const Trace& trace) { trace_ = &trace; }

    std::size_t choose(std::span<const AgendaCandidate> candidates) override;

    /// The schedule that this run followed: replays it.
    const Schedule& followed() const { return followed_; }
    /// How many candidates each choice point had.
    const std::vector<std::uint32_t>& candidates() const { return counts_; }
    /// A choice of the schedule that no run can make: the point never came, or had too few
    /// candidates. Empty: it fitted. After the run.
    std::string misfit() const;

    /// One deviation: what ran first, and what would have.
    struct Deviation {
        std::uint64_t point;
        std::uint64_t chosen, passed;            ///< sequence numbers
        std::uint32_t chosen_did = 0, passed_did = 0;  ///< first records they left; 0 none
        Causality chosen_why, passed_why;
    };
    /// After the run.
    const std::vector<Deviation>& deviations();

private:
    void note_last();

    Schedule schedule_;
    std::optional<std::uint64_t> random_;
    std::uint64_t draws_ = 0;
    const Trace* trace_ = nullptr;
    Schedule followed_;
    std::vector<std::uint32_t> counts_;
    std::vector<Deviation> deviations_;
    std::size_t next_ = 0;  // choice of the schedule
    std::string misfit_;
    std::uint64_t last_ = ~std::uint64_t{0};  // sequence of the entry that ran last
    std::uint32_t records_ = 0;               // before it
};

}  // namespace mcemu::compare
