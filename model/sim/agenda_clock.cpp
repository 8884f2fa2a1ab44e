#include "sim/agenda_clock.hpp"

#include <algorithm>

#include "wires/sc_time.hpp"

namespace mcemu::sim {
namespace {
// Entries handled between two looks at the interrupt flag.
constexpr std::uint64_t kBatch = 4096;
}  // namespace

AgendaClock::AgendaClock(const sc_core::sc_module_name& name, Agenda& agenda, bool run_ahead,
                         std::optional<SimTime> until, const std::atomic<bool>* interrupt)
    : sc_module(name),
      agenda_(agenda),
      run_ahead_(run_ahead),
      until_(until.value_or(SimTime::max())),
      interrupt_(interrupt) {
    SC_HAS_PROCESS(AgendaClock);
    SC_METHOD(run_method);
    sensitive << go_;
}

void AgendaClock::restart(std::optional<SimTime> until) {
    go_.cancel();
    until_ = until.value_or(SimTime::max());
    after_each_ = nullptr;
    before_each_ = nullptr;
    interrupted_ = cut_off_ = false;
}

void AgendaClock::run_method() {
    const SimTime now = wires::from_sc_time(sc_core::sc_time_stamp()) - base_;
    SimTime limit = now;
    if (run_ahead_) {
        const SimTime pending = wires::from_sc_time(sc_core::sc_time_to_pending_activity());
        // pending is measured from now; nothing pending reads as the end of time.
        limit = pending > SimTime::max() - now ? SimTime::max() : now + pending;
        if (pending == SimTime::zero()) limit = now;
    }
    limit = std::min(limit, until_);
    while (!agenda_.empty() && agenda_.next_time() <= limit) {
        if (before_each_) before_each_(agenda_.next_time());
        agenda_.run_until(limit, after_each_ || before_each_ ? 1 : kBatch);
        if (after_each_) after_each_();
        if (interrupt_ && interrupt_->load(std::memory_order_relaxed)) {
            interrupted_ = true;
            agenda_.stop();
        }
    }
    if (agenda_.empty()) return;  // nothing left: SystemC starves and sc_start returns
    if (agenda_.next_time() > until_) {
        cut_off_ = true;
        agenda_.advance_to(until_);
        return;
    }
    go_.notify(wires::to_sc_time(agenda_.next_time() - now));
}

}  // namespace mcemu::sim
