#pragma once  // Machine checks injected by software through the kernel (kernel.md 3.3, 3.4).
#include <map>

#include "core/kernel/mce/poll.hpp"
#include "core/kernel/mce/rendezvous.hpp"

namespace mcemu::kernel {

/// The injector module together with the programs that write to it.
///
/// Through /dev/mcelog the record of a CPU replaces its registers while it is raised. The
/// mce-inject program gives every CPU that takes part a record of its own: the held ones as
/// written; with broadcast also the rest, whose record says no more than that a machine check is
/// in progress. Source: mce-inject inject.c; mcheck/mce-inject.c (v4.x), mce/inject.c (v6.1).
///
/// Raising in process context holds a mutex, so two such CPUs of one trigger never meet in the
/// rendezvous. Which goes first is chance there; here the held ones, by CPU.
class Injector {
public:
    Injector(MceCore& core, Poller& poller, Rendezvous& rendezvous);

    /// One record. Held ones wait for the next that is not; that event ends when all of its
    /// records have been raised.
    void inject(std::uint32_t event, const MceEvent& record);

private:
    struct Record {
        MceEvent e;
        std::uint32_t origin = 0;
    };
    /// How the CPUs other than the trigger's are told.
    enum class Tell : std::uint8_t { nobody, nmi, ipi };

    void log_directly(const Record& r);
    Task<void> run_program(std::uint32_t event, Record trigger);
    Record entered_only(const MceEvent& trigger, CpuId cpu) const;
    Frame running_on(CpuId cpu) const;
    void put(const Record& r);
    Task<void> raise(const Record& r, Tell tell, std::vector<CpuId> others);
    Task<void> raise_on(CpuId cpu);
    Task<void> raise_here(const Record& r);

    MceCore& core_;
    Poller& poller_;
    Rendezvous& rendezvous_;
    FlowMutex mutex_;  // mce_inject_mutex
    std::map<CpuId, Record> held_;
    std::map<CpuId, bool> exception_;  // the record of a CPU is raised as #MC
};

}  // namespace mcemu::kernel
