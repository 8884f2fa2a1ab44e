#pragma once  // Processes: address spaces, user-mode accesses, system calls, signals.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/mm/page.hpp"

namespace mcemu::kernel {

struct OpenFile;      // mm/mapping.hpp
struct AddressSpace;  // mm/address_space.hpp: VMAs and page tables
class Mm;             // mm/mm.hpp: all address spaces and what backs them

enum class ProcessState : std::uint8_t { alive, killed, exited, unborn };

/// One thread (a task): the main thread of a process, or a further one.
struct Process {
    Process();
    ~Process();

    std::uint32_t index = 0;
    std::string id;
    int pid = 0;                    ///< gettid(); of a main thread the process's number too
    std::uint32_t comm = 0;         ///< Names number
    Process* leader = nullptr;      ///< the main thread; itself in a main thread
    std::vector<Process*> threads;  ///< of a main thread: all of the process, itself first
    CpuId cpu = 0;
    McePolicy mce_kill = McePolicy::standard;      ///< PF_MCE_PROCESS, PF_MCE_EARLY
    SigbusAction sigbus = SigbusAction::standard;  ///< of a main thread: all share it
    bool sigbus_blocked = false;
    ProcessState state = ProcessState::alive;
    int killed_by = 0;  ///< signal number
    int exit_code = 0;
    std::shared_ptr<AddressSpace> mm;  ///< shared by the threads of a process
    std::map<std::uint32_t, std::shared_ptr<OpenFile>> open_files;  ///< of a main thread: by file
    bool in_kernel = false;            ///< inside a system call, fault or #MC tail

    /// Signals raised and not yet delivered; a standard signal pending is not queued twice.
    std::vector<SignalRecord> pending;
    /// Signals that a handler caught since the last look, for accesses that get jumped out of.
    std::uint64_t handled_signals = 0;
    /// Task work: runs on the way back to user mode, before signals (v6.1 #MC).
    std::deque<std::function<Task<void>(Context&)>> task_work;
    int mce_count = 0;
    std::uint64_t mce_addr = 0;

    bool blocks(int signo) const;
};

/// A map of the scenario found no frames: the caller has not checked that it would.
class NoRamForMap : public std::invalid_argument {
public:
    NoRamForMap(std::size_t of_process, std::size_t of_map, std::uint64_t size);
    std::size_t process, map;  ///< indices
    std::uint64_t bytes;       ///< what was asked for
};

class Processes {
public:
    /// Throws NoRamForMap.
    Processes(Kernel& kernel, const Scenario& scenario);
    ~Processes();

    Process& operator[](std::uint32_t index) { return *processes_[index]; }
    const Process& operator[](std::uint32_t index) const { return *processes_[index]; }
    std::size_t size() const { return processes_.size(); }

    /// The process that `cpu` runs in user mode or in its system call; null: idle or a kthread.
    Process* current(CpuId cpu) const;
    /// Makes `process` the one that runs on its CPU and loads its address space (a context
    /// switch); null: idle.
    void switch_to(CpuId cpu, Process* process);
    Context context(Process& process) const;

    /// Does what a scenario event asks of a process or of the administrator's shell: accesses,
    /// system calls, process life. Actions of one process run one after the other.
    void perform(std::uint32_t event, const Action& action);

    /// exit_to_user_mode: task work, then pending signals. Afterwards the process may be dead.
    Task<void> exit_to_user(Context& ctx);

    // signals (kernel.md 2.11)
    /// force_sig_mceerr() / force_sig(): unblocked; where SIGBUS is blocked or ignored, its action
    /// becomes the default one.
    void force_signal(Process& process, int signo, int code, bool has_address, std::uint64_t addr,
                      int lsb);
    /// send_sig_mceerr(): may be ignored by the receiver, and waits while it is blocked. 0, or
    /// -ESRCH when the thread has gone.
    int send_signal(Process& process, int signo, int code, bool has_address, std::uint64_t addr,
                    int lsb);

    /// Memory management behind all of them.
    Mm& mm();
    const Mm& mm() const;
    /// A task or worker begins, or ends, to work in the kernel on `cpu`: signals for the
    /// processes of that CPU wait until it is done, as it is not preempted.
    void begin_kernel_work(CpuId cpu);
    void end_kernel_work(CpuId cpu);

    /// Page walk for the hardware: user addresses of the process loaded on `cpu`.
    Translation page_walk(CpuId cpu, std::uint64_t va) const;

    const std::vector<SignalRecord>& signals() const { return signals_; }
    const std::vector<SyscallRecord>& syscalls() const { return syscalls_; }
    /// Accesses of processes, in the order in which they ended.
    const std::vector<AccessRecord>& accesses() const { return accesses_; }
    /// evict_inodes(): an unmounted file system forgets what it knows of a file's pages.
    Task<void> evict(Context& ctx, std::uint32_t file);
    /// A call that scenario event `event` made has returned.
    void record_syscall(std::uint32_t event, std::string_view name, std::int64_t ret);

private:
    friend class MemoryFailure;
    struct State;
    Kernel& kernel_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<SignalRecord> signals_;  // delivered, in time order
    std::vector<SyscallRecord> syscalls_;
    std::vector<AccessRecord> accesses_;
    std::unique_ptr<State> s_;
};

}  // namespace mcemu::kernel
