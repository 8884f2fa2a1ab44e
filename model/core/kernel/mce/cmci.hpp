#pragma once  // Corrected machine-check interrupts: who owns which bank, and storms
              // (kernel.md 1.17).
#include <map>
#include <vector>

#include "core/kernel/mce/poll.hpp"

namespace mcemu::kernel {

/// Source: mcheck/mce_intel.c, mce/intel.c. A bank that several CPUs share belongs to the first
/// one that switched its CMCI on; a storm makes a CPU poll its banks until 300 s were quiet.
class Cmci final : public AgendaTarget {
public:
    Cmci(MceCore& core, Poller& poller);

    /// cmci_discover(): takes the banks of `cpu` that nobody owns yet.
    void discover(CpuId cpu);
    /// cmci_clear(): gives the banks of `cpu` up.
    void clear(CpuId cpu);
    /// A CPU that owned banks has gone: all others look for free ones, and a storm there is over.
    void cpu_dead(CpuId cpu);

    /// The interrupt.
    void interrupt(CpuId cpu);

    /// The storm timer of a CPU: arg is the CPU, or'ed with its generation << 32.
    void on_agenda(std::uint64_t arg) override;

private:
    enum class Storm : std::uint8_t { none, active, subsided };
    struct PerCpu {
        Storm state = Storm::none;
        SimTime stamp{};
        unsigned count = 0;
        int backoff = 0;
        std::uint32_t timer = 0;  ///< number of the timer entry that counts
    };

    bool storm_detect(CpuId cpu);
    void set_enabled(CpuId cpu, bool enabled);
    void post_timer(CpuId cpu, PerCpu& c, SimTime delay);
    Task<void> handle(CpuId cpu);
    Task<void> storm_tick(CpuId cpu);
    Task<void> poll_owned(CpuId cpu, unsigned flags, bool* seen);

    MceCore& core_;
    Poller& poller_;
    std::vector<std::uint64_t> owned_;  // mce_banks_owned, by CPU
    std::map<CpuId, PerCpu> cpus_;      // CPUs that ever got a CMCI
    unsigned storming_ = 0;             // cmci_storm_on_cpus
};

}  // namespace mcemu::kernel
