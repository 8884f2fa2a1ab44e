#pragma once  // Looks at conditions while the run goes on.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/condition.hpp"
#include "core/kernel/kernel.hpp"
#include "core/trace.hpp"
#include "sim/run.hpp"

namespace mcemu::sim {

/// What conditions ask the machine.
struct ConditionWorld {
    const Scenario& scenario;
    const kernel::Kernel& kernel;
    const Names& names;
    std::function<bool(CpuId, std::uint32_t bank)> bank_valid;
    std::function<bool(SpaRange)> poisoned;
};

/// The present truth of one condition and of its parts.
class WatchedCondition {
public:
    /// Throws std::invalid_argument for a log condition without `make`.
    WatchedCondition(const Condition& condition, const ConditionWorld& world, MakeLogMatcher make);

    /// Looks again. `record` null: at the start, between records, at the end. True: it holds.
    bool look(const TraceRecord* record);
    bool holds() const { return holds_; }
    /// Of a counter: the value nearest to its bounds so far. Of several conditions: their first
    /// counter's.
    std::optional<std::int64_t> nearest() const;
    /// A scenario event has run to its end.
    void event_done(std::uint32_t event);

    /// Appends what has changed to `history` since the last call; `at` and `id` of the record.
    void note(ConditionHistory& history, SimTime at, std::uint32_t id);

private:
    bool state(const TraceRecord* record);
    bool happens(const TraceRecord& record) const;
    bool bad_block() const;
    std::int64_t counter() const;

    const Condition* condition_;
    const ConditionWorld* world_;
    LogMatcher log_;
    std::vector<WatchedCondition> parts_;
    bool holds_ = false, known_ = false, open_ = false, done_ = false;
    bool bad_ = false;  // bad_block: as of the last change of a table
    std::optional<std::int64_t> nearest_;
};

/// The histories of all temporal expectations.
class ConditionWatch {
public:
    ConditionWatch(const std::vector<TemporalExpectation>& wanted, const ConditionWorld& world,
                   MakeLogMatcher make);
    bool empty() const { return watched_.empty(); }
    void look(const TraceRecord* record, SimTime at, std::uint32_t id);
    void event_done(std::uint32_t event);
    const std::vector<TemporalHistory>& histories() const { return histories_; }

private:
    struct One {
        WatchedCondition condition;
        std::size_t item;
        ConditionHistory TemporalHistory::*where;
    };
    std::vector<One> watched_;
    std::vector<TemporalHistory> histories_;
};

}  // namespace mcemu::sim
