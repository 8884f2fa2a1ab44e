#include "core/agenda.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace mcemu {

void Agenda::post(SimTime at, AgendaTarget& target, std::uint64_t arg) {
    post(at, target, arg, why_);
}

void Agenda::post(SimTime at, AgendaTarget& target, std::uint64_t arg, Causality why) {
    if (at < now_)
        throw std::invalid_argument("Agenda::post: " + std::to_string(at.count()) +
                                    " ps lies before now, " + std::to_string(now_.count()) + " ps");
    if (stopped_) return;
    heap_.push_back({at, sequence_++, &target, arg, why});
    std::push_heap(heap_.begin(), heap_.end(), later);
}

std::uint64_t Agenda::run_until(SimTime limit, std::uint64_t most) {
    std::uint64_t ran = 0;
    while (ran < most && !heap_.empty() && heap_.front().at <= limit) {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const Entry entry = heap_.back();
        heap_.pop_back();
        now_ = entry.at;
        why_ = entry.why;
        entry.target->on_agenda(entry.arg);
        ++ran;
    }
    why_ = {};
    return ran;
}

void Agenda::advance_to(SimTime t) {
    if (t > now_) now_ = t;
}

void Agenda::stop() {
    stopped_ = true;
    heap_.clear();
}

}  // namespace mcemu
