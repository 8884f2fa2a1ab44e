#include "core/agenda.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace mcemu {

void Agenda::post(SimTime at, AgendaTarget& target, std::uint64_t arg, Causality why) {
    if (at < now_) [[unlikely]]
        throw std::invalid_argument("Agenda::post: " + std::to_string(at.count()) +
                                    " ps lies before now, " + std::to_string(now_.count()) + " ps");
    if (stopped_) return;
    const Entry fresh{at, sequence_++, &target, arg, why};
    // The fresh entry has the highest sequence number: at an equal time it comes later.
    if (has_next_) {
        if (at >= next_.at) return push(fresh);
        push(next_);
    } else if (!heap_.empty() && at >= heap_.front().at) {
        return push(fresh);
    }
    next_ = fresh;
    has_next_ = true;
}

void Agenda::push(const Entry& entry) {
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), later);
}

Agenda::Entry Agenda::take() {
    if (has_next_) {
        has_next_ = false;
        return next_;
    }
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Entry entry = heap_.back();
    heap_.pop_back();
    return entry;
}

std::uint64_t Agenda::run_until(SimTime limit, std::uint64_t most) {
    limit_ = limit;
    left_ = most;
    while (left_ != 0 && !empty() && next_time() <= limit) {
        const Entry entry = take();
        --left_;
        now_ = entry.at;
        why_ = entry.why;
        entry.target->on_agenda(entry.arg);
    }
    why_ = {};
    return most - std::exchange(left_, 0);
}

void Agenda::advance_to(SimTime t) {
    if (t > now_) now_ = t;
}

void Agenda::stop() {
    stopped_ = true;
    has_next_ = false;
    heap_.clear();
}

}  // namespace mcemu
