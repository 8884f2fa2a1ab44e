#pragma once  // What can be true of the emulated machine, or happen in it: triggers, temporal expectations.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/units.hpp"

namespace mcemu {

/// A state holds for a while; a happening is true at the trace record that tells of it.
struct Condition {
    enum class Kind : std::uint8_t {
        // states
        page_flag,      ///< number: PageFlag bit; address: SPA of the page
        process_state,  ///< index: process; number: ProcessState
        bank_valid,     ///< index: CPU; number: bank
        poison,         ///< a media error anywhere in [address, address + length)
        bad_block,      ///< index: namespace, or region with `region`; sectors address, length
        direct_map,     ///< address: SPA of the page; number: CacheMode, or kNotPresent
        memtype,        ///< address: SPA; number: CacheMode, or kNoEntry
        counter,        ///< number: CounterName; between min and max
        // happenings
        event,   ///< index: a scenario event is performed
        done,    ///< index: its system call returned (events without one: performed)
        signal,  ///< index: process; a signal is delivered. number: signo, 0 any; code
        log,     ///< a line of the kernel's log: text, or a match of it with `pattern`
        phase,   ///< number: Lat; a phase begins
        panic,
        oops,
        // of others
        all,
        any,
    };
    static constexpr std::uint32_t kNotPresent = 0xff, kNoEntry = 0xff;
    static constexpr std::int32_t kAnyCode = INT32_MIN;

    Kind kind = Kind::panic;
    bool set = true;  ///< a state: wanted so, or (false) not so
    std::uint32_t index = 0, number = 0;
    std::uint64_t address = 0, length = 0;
    bool region = false;
    std::int32_t code = kAnyCode;  ///< si_code
    std::int64_t min = INT64_MIN, max = INT64_MAX;
    std::string text;
    bool pattern = false;  ///< text is an ECMAScript regular expression
    std::vector<Condition> parts;

    /// How far a counter's value is from min and max; 0: it lies between them.
    std::uint64_t off_by(std::int64_t value) const {
        const auto difference = [](std::int64_t high, std::int64_t low) {
            return static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
        };
        return value < min ? difference(min, value) : value > max ? difference(value, max) : 0;
    }
    bool is_state() const {
        if (kind == Kind::all || kind == Kind::any) {
            for (const Condition& part : parts)
                if (!part.is_state()) return false;
            return true;
        }
        return kind < Kind::event;
    }
};

/// The counters that a condition can ask for, as the result names them.
enum class CounterName : std::uint8_t {
    HardwareCorrupted_kB,
    num_poisoned_pages,
    machine_checks,
    cmci,
    polls,
    records,
    records_lost,
    memory_failures,
    signals,
    tlb_flushes,
    cache_flushes,
    oopses,
    hugepages_total,
};

/// One item of expect.temporal.
struct TemporalExpectation {
    enum class Op : std::uint8_t { always, never, eventually, before } op = Op::eventually;
    Condition what;
    std::optional<Condition> then;   ///< before: what comes later
    std::optional<Condition> after;  ///< counted from its first moment on
    std::optional<Condition> until;  ///< up to its first moment from there on
    std::optional<SimTime> within;   ///< and for so long
};

/// When a condition held during the run, in the order of time and trace records.
struct ConditionHistory {
    struct Span {
        SimTime begin{}, end = SimTime::max();   ///< end: when it stopped; max: never
        std::uint32_t begin_id = 0, end_id = ~0u;  ///< trace records that showed it; 0: the start
        bool moment = false;                       ///< a happening: begin and end are one record
    };
    std::vector<Span> spans;
    std::vector<ConditionHistory> parts;  ///< of Condition::parts
    /// Of a counter: the value nearest to its bounds.
    std::optional<std::int64_t> nearest{};
};

/// Of one TemporalExpectation.
struct TemporalHistory {
    ConditionHistory what, then, after, until;
};

}  // namespace mcemu
