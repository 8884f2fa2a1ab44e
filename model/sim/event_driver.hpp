#pragma once  // Performs the scenario's events when their triggers come.
#include <cstdint>
#include <optional>
#include <vector>

#include "core/event.hpp"
#include "core/fate.hpp"
#include "core/kernel/kernel.hpp"
#include "core/trace.hpp"
#include "sim/condition_watch.hpp"
#include "wires/interfaces.hpp"

namespace mcemu::sim {

/// Firmware-first records enter here: scenario -> firmware.
class FirmwareReportIf {
public:
    virtual ~FirmwareReportIf() = default;
    virtual void report(const CperEvent& record) = 0;
    virtual void stop_scrub() = 0;
    virtual void notify(std::uint32_t value, int nvdimm) = 0;
};

/// Walks the events in (time, index) order and hands each to whoever performs it: the injector of
/// the processors, the memory devices, the firmware, or the kernel stub for what processes do.
/// Events with other triggers than a time wait for the trace record that sets them off.
class EventDriver final : public AgendaTarget {
public:
    struct Hands {
        wires::InjectIf& inject;
        wires::MediaIf& media;
        FirmwareReportIf& firmware;
        wires::DmaIf& dma;
        kernel::Kernel& kernel;
    };
    /// `world` and `make` are for conditions: those of triggers and of temporal expectations.
    EventDriver(const Scenario& scenario, Agenda& agenda, Trace& trace, Fates& fates, Hands hands,
                const ConditionWorld& world, MakeLogMatcher make);

    /// Events that follow one another within `window` are entries of the agenda of their own, so
    /// that their order can be chosen. Before start().
    void apart_within(SimTime window) { window_ = window; }
    /// These events do not exist before wake() is called. Before start().
    void let_sleep(const std::vector<std::uint32_t>& events);
    /// From now on they do: times that are past come now.
    void wake();
    /// Posts the first events; call once, after boot.
    void start();
    /// Fates of events that never ran or that nobody decided; call once, after the run.
    void finish();

    /// Looks at the conditions where no trace record told of a change.
    void look_again() { look(nullptr, agenda_.now(), trace_.count()); }
    bool watches() const { return !watch_.empty() || !whens_.empty(); }
    const std::vector<TemporalHistory>& temporal() const { return watch_.histories(); }

    const std::vector<SimTime>& times() const { return times_; }
    const std::vector<bool>& ran() const { return ran_; }

    void on_agenda(std::uint64_t arg) override;

private:
    struct Waiting {
        std::uint32_t event;
        std::uint64_t seen = 0;  // accesses that matched so far
    };
    struct When {
        std::uint32_t event;
        WatchedCondition condition;
        bool held = false, gone = false;
    };
    static constexpr std::uint64_t kNextTimed = ~std::uint64_t{0};

    void post_next_timed();
    void watch();
    void run(std::uint32_t event);
    void perform(std::uint32_t event);
    void load_address_space(CpuId cpu, std::uint64_t va);
    void perform_mce(const MceEvent& mce);
    void perform_dma(std::uint32_t event, const DmaEvent& dma);
    void event_done(std::uint32_t event);
    void observe(std::uint32_t id, const TraceRecord& record);
    void look(const TraceRecord* record, SimTime at, std::uint32_t id);
    bool sets_off(Waiting& waiting, const TraceRecord& record) const;
    static bool injects(const Action& action);

    const Scenario& scenario_;
    Agenda& agenda_;
    Trace& trace_;
    Fates& fates_;
    Hands hands_;
    const ConditionWorld& world_;
    MakeLogMatcher make_;

    std::vector<std::uint32_t> timed_;  // events with "at", by (time, index)
    std::size_t next_timed_ = 0;
    std::optional<SimTime> window_;     // set: timed events are entries of their own
    std::size_t apart_ = 0;             // of them, posted and not yet run
    std::vector<std::uint32_t> asleep_;
    std::vector<Waiting> waiting_;      // events that wait for a trace record
    std::vector<When> whens_;           // events that wait for a condition
    ConditionWatch watch_;
    std::vector<std::vector<std::uint32_t>> after_;  // by event: who waits for its end
    std::vector<std::uint64_t> runs_;   // how often each has run
    std::vector<SimTime> times_;
    std::vector<bool> ran_;
    std::uint32_t running_ = 0;         // the event whose call is on the stack, 1-based
};

}  // namespace mcemu::sim
