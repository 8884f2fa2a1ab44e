#pragma once  // machine_check_poll() and its timer (kernel.md 1.17).
#include <vector>

#include "core/kernel/mce/core.hpp"

namespace mcemu::kernel {

enum McpFlags : unsigned {
    MCP_TIMESTAMP = 1,  ///< read the TSC
    MCP_UC = 2,         ///< log uncorrected errors too: boot
    MCP_DONTLOG = 4,    ///< only clear: boot with nobootlog
};

/// Looks into banks for errors that raised no machine check.
///
/// The kernel's timers tick on every CPU, always. Here one timer stands for all, and it is on the
/// agenda only while some CPU polls a bank that holds something a poll would take: a run ends
/// when nothing more can happen. The ticks are those of a timer that began at boot (or at the last
/// write of check_interval), so an error is found when the real timer would find it. Its interval
/// never changes: it would halve only if mce_notify_irq() had something to say at the tick, but
/// the first notifier has always said it before.
class Poller final : public AgendaTarget {
public:
    explicit Poller(MceCore& core);

    struct Result {
        bool seen = false;    ///< a bank was taken
        bool logged = false;  ///< a record is in the pool: irq_work is due
    };
    Result machine_check_poll(CpuId cpu, unsigned flags, std::uint64_t banks);

    /// Banks that the timer of `cpu` looks at (mce_poll_banks): those CMCI does not cover.
    std::uint64_t& poll_banks(CpuId cpu) { return poll_banks_[cpu]; }

    /// Puts the next tick on the agenda if it could find something.
    void arm();
    /// Cheap form of arm() after an error was latched for `cpu`.
    void arm_for(CpuId cpu);
    /// check_interval was written: the timers start anew.
    void restart();

    void on_agenda(std::uint64_t number) override;

private:
    bool takes(std::uint64_t status, unsigned flags) const;
    bool would_find(CpuId cpu);
    Task<void> tick();

    MceCore& core_;
    std::vector<std::uint64_t> poll_banks_;  // by CPU
    SimTime base_{};
    std::uint64_t expected_ = 0;
    bool armed_ = false;
};

}  // namespace mcemu::kernel
