#pragma once  // One machine check, on one CPU or on all: mce_start() to mce_end()
              // (kernel.md 1.6-1.8).
#include <bit>
#include <vector>

#include "core/kernel/mce/recovery.hpp"

namespace mcemu::kernel {

/// How many banks a mask of banks holds.
inline unsigned bank_count(std::uint64_t banks) {
    return static_cast<unsigned>(std::popcount(banks));
}

/// Runs a machine check as one flow, however many CPUs it was delivered to.
///
/// Every CPU enters, but a CPU whose banks are empty and whose MCG_STATUS has RIPV set comes out
/// again without any effect but its time. So only CPUs that see a valid bank, and the one that
/// raised the machine check, are looked at one by one; the others are numbers: how many called
/// in, and when the slowest did.
class Rendezvous {
public:
    Rendezvous(MceCore& core, Panic& panic);

    void machine_check(const McDelivery& delivery);
    Task<bool> wait_handled(Context& ctx) { return recovery_.wait_handled(ctx); }
    /// do_machine_check() called on one CPU, as the injector does it: goes on when it returns.
    Task<void> call_handler(CpuId cpu);

private:
    /// Messages of mce_timed_out().
    enum class Timeout : std::uint8_t { entry, turn, subjects, monarch };
    /// A machine check that CPUs meet for.
    struct Session {
        McDelivery delivery;
        SimTime begin{};
        bool everyone = false;    ///< all online CPUs but delivery.missing; else `cpus` only
        std::vector<McCpu> cpus;  ///< the CPUs looked at, in arrival order
        SimTime monarch_arrival{}, last_arrival{};
        Lat last_message = Lat::mc_skew;  ///< what the CPU that comes last waited for
        CpuId monarch = 0;
        std::uint32_t called_in = 0;
        /// Entered while the first CPUs were still on their way into the rendezvous.
        std::vector<std::pair<SimTime, McDelivery>> behind;
        bool waiting = false;  ///< in meet(), for those that have not called in
    };
    /// Suspends until a deadline or until wake().
    class Alarm final : public AgendaTarget {
    public:
        explicit Alarm(Agenda& agenda) : agenda_(agenda) {}
        auto until(SimTime deadline) {
            struct Awaiter {
                Alarm& alarm;
                SimTime deadline;
                bool await_ready() const { return false; }
                void await_suspend(std::coroutine_handle<> h) {
                    alarm.handle_ = h;
                    alarm.agenda_.post(deadline, alarm, ++alarm.expected_);
                }
                void await_resume() {}
            };
            return Awaiter{*this, deadline};
        }
        void wake() {
            if (handle_) agenda_.post(agenda_.now(), *this, ++expected_);
        }
        void on_agenda(std::uint64_t number) override {
            if (number != expected_) return;
            std::exchange(handle_, {}).resume();
            PromiseBase::rethrow_escaped();
        }

    private:
        Agenda& agenda_;
        std::coroutine_handle<> handle_;
        std::uint64_t expected_ = 0;
    };

    Task<void> local(CpuId cpu);
    Task<void> broadcast(McDelivery delivery);

    // mce_start()
    SimTime skew(const McDelivery& d, CpuId cpu) const;
    bool takes_part(const Session& s, CpuId cpu) const;
    void call_in(Session& s) const;
    std::vector<CpuId> affected(const McDelivery& d) const;
    void add(Session& s, CpuId cpu, SimTime arrival) const;
    void join(Session& s, const McDelivery& delivery, SimTime entered);
    Task<void> enter(Session& s);
    Task<bool> meet(Session& s);
    // the turns
    Task<bool> take_turns(Session& s);
    Task<void> scan_turn(McCpu& c);
    Task<void> alone(Session& s, std::size_t first, bool after_timeout);
    // mce_end()
    void reign(Session& s);
    void timed_out(const Session& s, CpuId cpu, Timeout what);
    Task<void> leave(Session& s);
    void dispose(McCpu& c);
    void clear_mcg_status(const Session& s);

    SimTime timeout() const;
    /// Lets the time until `when` pass, shown as the phase `which`.
    Delay pass(CpuId cpu, Lat which, SimTime when) const;
    /// What makes `cpu` come later than the CPU that raised the machine check.
    Lat message_to(const McDelivery& delivery, CpuId cpu) const;
    Never stop_if_panicked() const { return {!panic_.panicked()}; }

    MceCore& core_;
    Panic& panic_;
    Handler handler_;
    Recovery recovery_;
    Alarm alarm_;
    Session* open_ = nullptr;  ///< session in which not all CPUs have called in yet
    unsigned running_ = 0;     ///< handlers under way
};

}  // namespace mcemu::kernel
