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
    if (chooser_) [[unlikely]] return run_chosen(limit, most);
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

/// As run_until(), each entry chosen. left_ stays 0: a flow that went on without an entry of its own
/// would take a choice away.
std::uint64_t Agenda::run_chosen(SimTime limit, std::uint64_t most) {
    std::uint64_t ran = 0;
    for (; ran < most && !empty() && next_time() <= limit; ++ran) {
        const Entry entry = take_chosen(limit);
        now_ = entry.at;
        why_ = entry.why;
        entry.target->on_agenda(entry.arg);
    }
    why_ = {};
    return ran;
}

Agenda::Entry Agenda::take_chosen(SimTime limit) {
    if (has_next_) {
        has_next_ = false;
        push(next_);
    }
    std::sort(heap_.begin(), heap_.end(), [](const Entry& a, const Entry& b) { return later(b, a); });
    SimTime last = limit;  // nobody may be made later than this
    for (const Entry& e : heap_) {
        const auto late = due_.find(e.sequence);
        const SimTime due = late == due_.end() ? e.at : late->second;
        if (window_ < SimTime::max() - due) last = std::min(last, due + window_);
    }
    candidates_.clear();
    for (const Entry& e : heap_) {
        // What is late for two reasons may stand beyond `last`: the first one always counts.
        if (e.at > last && !candidates_.empty()) break;
        candidates_.push_back({e.at, e.sequence, e.why});
    }
    const std::size_t chosen = chooser_->choose(candidates_);
    if (chosen >= candidates_.size())
        throw std::logic_error("AgendaChooser::choose: " + std::to_string(chosen) + " of " +
                               std::to_string(candidates_.size()));
    const Entry entry = heap_[chosen];
    for (std::size_t i = 0; i < chosen; ++i) {
        if (heap_[i].at == entry.at) continue;
        due_.try_emplace(heap_[i].sequence, heap_[i].at);
        heap_[i].at = entry.at;
    }
    heap_.erase(heap_.begin() + static_cast<std::ptrdiff_t>(chosen));
    due_.erase(entry.sequence);
    std::make_heap(heap_.begin(), heap_.end(), later);
    return entry;
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
