#pragma once  // The one queue of future happenings, ordered by (time, sequence).
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/units.hpp"

namespace mcemu {

/// Why something happens: the trace record that set it off, and the scenario event at the
/// root of that chain. Zero means none.
struct Causality {
    std::uint32_t cause{};
    std::uint32_t origin{};
};

/// Receives an agenda entry when its time has come. `arg` is the receiver's own.
class AgendaTarget {
public:
    virtual void on_agenda(std::uint64_t arg) = 0;

protected:
    ~AgendaTarget() = default;
};

/// One of the entries whose order nature leaves open.
struct AgendaCandidate {
    SimTime at;              ///< when it would run; later than its due time when others went first
    std::uint64_t sequence;  ///< which entry it is, for its whole life
    Causality why;
};

/// Decides which entry runs next (`run --explore`).
class AgendaChooser {
public:
    /// Asked before every entry. `candidates` is never empty and stands in (time, sequence) order:
    /// 0 is what runs without a chooser. Returns an index into it.
    virtual std::size_t choose(std::span<const AgendaCandidate> candidates) = 0;

protected:
    ~AgendaChooser() = default;
};

/// Future happenings in (time, sequence) order: entries of one time run in the order in which
/// they were posted, which SystemC does not promise for its own events.
/// The causality current at post() is current again when the entry runs.
class Agenda {
public:
    /// Posts an entry. `at` before now() is a caller's error: throws std::invalid_argument.
    void post(SimTime at, AgendaTarget& target, std::uint64_t arg) { post(at, target, arg, why_); }
    void post(SimTime at, AgendaTarget& target, std::uint64_t arg, Causality why);

    SimTime now() const { return now_; }
    bool empty() const { return !has_next_ && heap_.empty(); }
    std::size_t size() const { return heap_.size() + (has_next_ ? 1 : 0); }
    /// Time of the earliest entry; only when not empty().
    SimTime next_time() const { return has_next_ ? next_.at : heap_.front().at; }

    /// Runs entries with time <= `limit`, also those posted meanwhile, but no more than `most`,
    /// and returns their number. now() is the time of the running entry; afterwards that of the
    /// last one run.
    std::uint64_t run_until(SimTime limit, std::uint64_t most = ~std::uint64_t{0});
    /// The running entry wants to go on at `at`: true when nothing else comes before or with that
    /// time and run_until() may still run an entry, which this then is: now() is `at` already.
    /// Only for an entry that has nothing left to do at now(). Going on costs 15 instructions,
    /// an entry of its own 150.
    bool run_on(SimTime at) {
        if (at > limit_ || left_ == 0 || stopped_ || (!empty() && next_time() <= at)) return false;
        --left_;
        now_ = at;
        return true;
    }
    /// Lets `chooser` (null: nobody) pick among the entries of the earliest time and those that
    /// follow within `window`. Who goes first makes the others late: they run no earlier than it,
    /// and no entry waits for longer than `window` past its own time.
    void choose_by(AgendaChooser* chooser, SimTime window) {
        chooser_ = chooser;
        window_ = window;
    }
    /// Moves now() forward with nothing to run, e.g. to the end of the simulation.
    void advance_to(SimTime t);
    /// Leaves run_until() after the running entry and drops all entries (panic, shutdown).
    void stop();
    bool stopped() const { return stopped_; }

    Causality why() const { return why_; }
    void set_why(Causality why) { why_ = why; }

private:
    struct Entry {
        SimTime at;
        std::uint64_t sequence;
        AgendaTarget* target;
        std::uint64_t arg;
        Causality why;
    };
    void push(const Entry& entry);
    Entry take();
    std::uint64_t run_chosen(SimTime limit, std::uint64_t most);
    Entry take_chosen(SimTime limit);
    static bool later(const Entry& a, const Entry& b) {
        return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }

    /// The earliest entry, when has_next_: a flow that goes on before anything else happens never
    /// passes through the heap.
    Entry next_;
    bool has_next_ = false;
    std::vector<Entry> heap_;  // binary heap, earliest first
    SimTime now_{};
    std::uint64_t sequence_ = 0;
    Causality why_;
    bool stopped_ = false;
    SimTime limit_{};         // of run_until(), while it runs
    std::uint64_t left_ = 0;  // entries that it may still run

    AgendaChooser* chooser_ = nullptr;
    SimTime window_{};
    std::unordered_map<std::uint64_t, SimTime> due_;  // own times of entries made late, by sequence
    std::vector<AgendaCandidate> candidates_;
};

}  // namespace mcemu
