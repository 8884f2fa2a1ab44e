#include "output/unmet_trigger.hpp"

#include <variant>

#include "output/words.hpp"

namespace mcemu::output {
namespace {

constexpr const char* kEndedBefore = "the run ended before it";

/// The counter that EventFate::came_to is of.
const Condition* counter_in(const Condition& condition) {
    if (condition.kind == Condition::Kind::counter) return &condition;
    for (const Condition& part : condition.parts)
        if (const Condition* found = counter_in(part)) return found;
    return nullptr;
}

std::string phase_words(std::uint64_t phase) {
    return std::string(latency_info(static_cast<Lat>(phase)).name) + " never began";
}

std::string counter_words(const Condition& counter, std::int64_t came_to) {
    const std::string name(word(static_cast<CounterName>(counter.number)));
    if (counter.off_by(came_to) == 0) return name + " came to " + std::to_string(came_to);
    return name + " came to " + std::to_string(came_to) + ", " +
           (came_to < counter.min ? "at least " + std::to_string(counter.min)
                                  : "at most " + std::to_string(counter.max)) +
           " was waited for";
}

std::string condition_words(const Condition& condition, const Causes& causes) {
    using Kind = Condition::Kind;
    switch (condition.kind) {
        case Kind::event:
            return causes.event_id(condition.index) + " never came";
        case Kind::done:
            return causes.event_id(condition.index) + " never ended";
        case Kind::signal:
            return "no such signal was delivered to " + causes.process_id(condition.index);
        case Kind::log:
            return "no such line was logged";
        case Kind::phase:
            return phase_words(condition.number);
        case Kind::panic:
        case Kind::oops:
            return std::string("there was no ") +
                   (condition.kind == Kind::panic ? "panic" : "oops");
        default:
            return "what it waits for never came to be so";
    }
}

std::string after_words(const RunView& view, const Causes& causes, const TriggerAfter& after,
                        bool waits) {
    if (after.event >= 0) {
        const auto event = static_cast<std::size_t>(after.event);
        if (event < view.event_ran.size() && view.event_ran[event]) return kEndedBefore;
        return causes.event_id(static_cast<std::uint32_t>(event)) + " never came";
    }
    if (!waits) return kEndedBefore;
    if (after.signal >= 0)
        return "no signal was delivered to " +
               causes.process_id(static_cast<std::uint32_t>(after.signal));
    return phase_words(static_cast<std::uint64_t>(after.phase.value_or(Lat{})));
}

}  // namespace

std::string unmet_trigger(const RunView& view, const Causes& causes, std::size_t index) {
    const Trigger& trigger = view.scenario.events[index].trigger;
    const std::optional<std::int64_t>& came_to = view.fates[index].came_to;
    if (const auto* after = std::get_if<TriggerAfter>(&trigger))
        return after_words(view, causes, *after, came_to.has_value());
    if (const auto* access = std::get_if<TriggerOnAccess>(&trigger))
        return came_to ? std::to_string(*came_to) + " of " + std::to_string(access->nth) +
                             " such accesses came"
                       : kEndedBefore;
    if (const auto* when = std::get_if<TriggerWhen>(&trigger)) {
        const Condition* counter = counter_in(when->condition);
        return counter && came_to ? counter_words(*counter, *came_to)
                                  : condition_words(when->condition, causes);
    }
    return kEndedBefore;
}

}  // namespace mcemu::output
