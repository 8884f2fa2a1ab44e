#pragma once  // Lets SystemC's time drive the agenda.
#include <atomic>
#include <functional>
#include <optional>
#include <systemc>

#include "core/agenda.hpp"
#include "wires/sc_time.hpp"

namespace mcemu::sim {

/// One SC_METHOD, statically sensitive to one event, re-armed once per activation: 661
/// instructions per timestamp, or 83 when it runs ahead (performance.md section 3).
///
/// Running ahead: nothing in SystemC waits for the agenda, so entries up to the next pending
/// SystemC activity are handled in one activation with agenda.now() as the local time.
class AgendaClock : public sc_core::sc_module {
public:
    AgendaClock(const sc_core::sc_module_name& name, Agenda& agenda, bool run_ahead,
                std::optional<SimTime> until, const std::atomic<bool>* interrupt);

    /// Called after every entry of the agenda (for tests).
    void after_each(std::function<void()> f) { after_each_ = std::move(f); }
    /// Called before every entry of the agenda with its time; what it does belongs to no entry.
    void before_each(std::function<void(SimTime next)> f) { before_each_ = std::move(f); }
    /// Time 0 of the agenda is now: other simulations may have run before.
    void begin() { base_ = wires::from_sc_time(sc_core::sc_time_stamp()); }
    /// Looks at the agenda again: something was posted from outside it.
    void wake() { go_.notify(sc_core::SC_ZERO_TIME); }
    /// As a new one for the same agenda would be.
    void restart(std::optional<SimTime> until);
    bool interrupted() const { return interrupted_; }
    /// True when `until` came before the agenda was empty.
    bool cut_off() const { return cut_off_; }

private:
    void run_method();

    Agenda& agenda_;
    const bool run_ahead_;
    SimTime until_;
    const std::atomic<bool>* interrupt_;
    SimTime base_{};  // SystemC's time at the agenda's time 0
    sc_core::sc_event go_{"go"};
    std::function<void()> after_each_;
    std::function<void(SimTime)> before_each_;
    bool interrupted_ = false;
    bool cut_off_ = false;
};

}  // namespace mcemu::sim
