#pragma once  // What every part of the kernel stub shares: time, trace, log, hardware, knobs.
#include <cerrno>  // return codes are the kernel's: 0 or a negative errno
#include <cstdint>
#include <memory>
#include <vector>

#include "core/event.hpp"
#include "core/fate.hpp"
#include "core/flow.hpp"
#include "core/kernel/platform.hpp"
#include "core/kernel/printk.hpp"
#include "core/kernel/profile.hpp"
#include "core/latency.hpp"
#include "core/trace.hpp"

namespace mcemu::kernel {

class Kernel;
struct Process;

/// Figures of /proc and of the emulation, in `counters` of the result.
struct Counters {
    std::int64_t num_poisoned_pages = 0;  ///< HardwareCorrupted is 4 kB times this, as unsigned 64 bit
    std::uint64_t machine_checks = 0;     ///< #MC exceptions taken, per CPU entry of an affected CPU or broadcast
    std::uint64_t cmci = 0;
    std::uint64_t polls = 0;              ///< machine_check_poll calls that found something
    std::uint64_t records = 0;            ///< records put into the pool
    std::uint64_t records_lost = 0;       ///< pool full
    std::uint64_t memory_failures = 0;    ///< memory_failure() calls
    std::uint64_t signals = 0;
    std::uint64_t tlb_flushes = 0, cache_flushes = 0;
    std::uint64_t oopses = 0;
    /// Decrements of num_poisoned_pages that no increment came before (v4.19: DAX pages).
    std::int64_t uncounted_poison_removed = 0;
    std::int64_t hugepages_total = 0;     ///< change of HugePages_Total
};

struct Env {
    Agenda& agenda;
    FlowSet& flows;
    Trace& trace;
    Names& names;
    Latency& latency;
    Fates& fates;
    Platform& hw;
    Printk& log;
    const Profile& profile;
    const KernelConfig& config;
    const MachineConfig& machine;
    Counters& counters;
};

/// Who is executing: a task (system call, fault, tail of #MC), a kworker, or an interrupt.
struct Context {
    CpuId cpu = 0;
    Process* task = nullptr;   ///< `current` when it has an mm; null in a worker
    std::uint32_t comm = 0;    ///< Names number
    int pid = 0;
    bool worker = false;
};

/// Spends the latency `which`, `times` over: traces the phase (cause of what follows) and goes on
/// afterwards. `co_await phase(env, ctx.cpu, Lat::kernel_mf_kill);`
inline Delay phase(Env& env, CpuId cpu, Lat which, std::uint64_t times = 1) {
    const SimTime t = env.latency.draw(which, times);
    env.trace.step(Module::kernel, TraceKind::phase, cpu, static_cast<std::uint64_t>(which), t.count());
    return delay(env.agenda, t);
}
/// The same for a duration that hardware named (an access, a firmware call).
inline Delay spend(Env& env, CpuId cpu, Lat which, SimTime t) {
    env.trace.step(Module::kernel, TraceKind::phase, cpu, static_cast<std::uint64_t>(which), t.count());
    return delay(env.agenda, t);
}

// ---------------------------------------------------------------- what user space saw

struct SignalRecord {
    SimTime at;
    std::uint32_t trace_id;
    std::uint32_t process;   ///< index
    int signo;               ///< 7 SIGBUS, 9 SIGKILL
    int code;                ///< 4 BUS_MCEERR_AR, 5 BUS_MCEERR_AO, 2 BUS_ADRERR, 0x80 SI_KERNEL, 0 SI_USER
    bool has_address;        ///< SI_KERNEL and SIGKILL carry none
    std::uint64_t addr;
    int lsb;                 ///< si_addr_lsb
    std::uint32_t origin;
};
struct SyscallRecord {
    SimTime at;
    std::uint32_t event;     ///< index of the scenario event that made the call
    std::uint32_t name;      ///< Names: "madvise", "read" ...
    std::int64_t ret;        ///< negative errno on error
};

/// How a process's own load, store or fetch ended.
struct AccessRecord {
    SimTime at;
    std::uint32_t event;     ///< index of the scenario event
    bool completed;          ///< false: a signal ended it, or the process died
    /// Machine checks restart it and nothing ever takes the poison away: not followed further.
    bool restarts_for_ever = false;
    bool reached = false;     ///< memory, at `spa` first; else its address led nowhere
    bool met_poison = false;  ///< a machine check ended a part of it
    std::uint64_t spa = 0;
};

enum class Outcome : std::uint8_t { running, panic, shutdown };

}  // namespace mcemu::kernel
