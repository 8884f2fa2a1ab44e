#pragma once  // What Processes keeps behind its interface: queues of actions and who runs where.
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/kernel/pat/oops.hpp"

namespace mcemu::kernel {

inline constexpr int kSigbus = 7, kSigkill = 9, kSigsegv = 11;
inline constexpr int kBusAdrerr = 2, kBusMceerrAr = 4, kBusMceerrAo = 5;
inline constexpr int kSegvMaperr = 1, kSiKernel = 0x80, kSiUser = 0;

inline constexpr Frame kUserFrame{kIpUser, 0x33, true};
inline constexpr Frame kKernelFrame{kIpKernel, 0x10, true};

struct Processes::State {
    struct Pending {
        std::uint32_t event;
        const Action* action;
        Causality why;
    };
    struct Queue {
        std::deque<Pending> actions;
        bool running = false;
        bool waking = false;  // a flow is about to deliver signals
    };
    struct Cpu {
        Process* current = nullptr;
        unsigned in_kernel = 0;
        std::unique_ptr<WaitQueue> left_kernel;
    };

    State(Kernel& kernel, Processes& owner, const Scenario& scenario);

    Kernel& kernel;
    Processes& owner;
    const Scenario& scenario;
    Env& env;
    Mm mm;
    std::vector<Queue> queues;  // by process
    std::vector<Cpu> cpus;
    std::vector<std::uint32_t> child_of;  // by event: the process that a fork event makes
    bool warned_of_pinned = false;        // WARN_ON_ONCE
    std::deque<Action> kept;              // actions of callers that are not scenario events

    // process.cpp
    void start(Process& process, const ProcessConfig& config, bool born);
    Task<void> run_queue(std::uint32_t process);
    Task<void> act(Process& process, std::uint32_t event, const Action& action);
    Task<std::int64_t> submit_bio(Context& ctx, std::uint32_t event, BioEvent bio);
    Task<void> shell(std::uint32_t event, const Action* action, Causality why);
    Task<void> reuse(Context& ctx, Pfn pfn);
    Context shell_context() const;
    std::uint32_t comm(std::string_view text) const { return env.names.intern(text); }
    void returned(std::uint32_t event, std::string_view name, std::int64_t ret);

    // signal.cpp
    void raise(Process& process, const SignalRecord& signal);
    bool deliverable(const Process& process) const;
    void deliver(Process& process);
    /// do_group_exit(): all threads, and what the process held.
    void die(Process& process, ProcessState how, int signo, int code);
    void end_thread(Process& process, ProcessState how, int signo, int code);
    Task<void> wake(Process& process);

    // access.cpp
    Task<void> access(Process& process, std::uint32_t event, AccessEvent access);
    void touched(const AccessEvent& access, std::uint64_t spa, std::uint64_t size,
                 std::uint64_t done, Libnvdimm::Found& found);
    Task<void> flush(Context& ctx, Process& p, FlushEvent e);
    Task<void> user_fault(Context& ctx, Process& process, std::uint64_t va, bool write);
    Task<std::int64_t> copy_user(Context& ctx, Process& process, CopyEvent copy);
    Task<std::int64_t> copy_physical(Context& ctx, CopyEvent copy);

    // syscalls.cpp, madvise.cpp, file_calls.cpp
    Task<std::int64_t> madvise(Context& ctx, Process& process, MadviseEvent event);
    Task<std::int64_t> mmap(Context& ctx, Process& process, const MapConfig& map);
    Task<std::int64_t> fork(Context& ctx, Process& process, std::uint32_t event,
                            const ProcessConfig& child);
    Task<std::int64_t> mlock(Context& ctx, Process& process, MlockEvent event);
    Task<std::int64_t> file_io(Context& ctx, std::uint32_t event, FileIoEvent io);
    Task<std::int64_t> punch_hole(Context& ctx, PunchHoleEvent event);
    Task<std::int64_t> truncate(Context& ctx, TruncateEvent event);
    Task<std::int64_t> fsync(Context& ctx, std::uint32_t file);
    std::int64_t sigprocmask(Process& process, bool block);
    std::int64_t sigaction(Process& process, SigbusAction action);
    bool mounted(std::uint32_t file) const;
    Task<void> break_layouts(Context& ctx, std::uint32_t file);
    Task<void> delete_entries(Context& ctx, std::uint32_t file, std::uint64_t first,
                              std::uint64_t last = ~0ull);
};

}  // namespace mcemu::kernel
