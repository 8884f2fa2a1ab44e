#pragma once  // The machine-check core: #MC, rendezvous, records, notifiers, CMCI and polling.
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/mce/records.hpp"
#include "core/mca/severity.hpp"

namespace mcemu::kernel {

/// Source: arch/x86/kernel/cpu/mcheck/mce.c (v4.x), cpu/mce/core.c (v6.1); kernel.md section 1.
class MachineCheck {
public:
    explicit MachineCheck(Kernel& kernel);
    ~MachineCheck();

    /// Boot: enables banks, claims CMCI, logs what a previous life left in the banks, starts the
    /// poll timer.
    void start();

    // interrupts
    void machine_check(const McDelivery& delivery);
    void cmci(CpuId cpu);
    /// An error was latched: see KernelEntry::bank_latched().
    void bank_latched(CpuId cpu);
    /// A CPU went off line or came back: CMCI ownership moves (cmci_clear(), cmci_rediscover()).
    void cpu_hotplug(CpuId cpu, bool online);
    /// One of this part's settings in Kernel::config was written (sysfs, debugfs): "fake_panic",
    /// "check_interval", "ignore_ce", "cmci_disabled"; others need no action.
    void config_changed(std::string_view name);
    /// bankN of every CPU: IA32_MCi_CTL of bank `number`. 0, or -ENOENT: no such file.
    int write_bank(std::string_view number, std::uint64_t ctl);

    /// mce_log(): adds a record to the pool; its worker runs the notifier chain.
    void log(CpuId cpu, const mca::MceRecord& record);
    /// A record written to one of the kernel's injectors: MceEvent::via other than hardware.
    /// `event` is its index.
    void inject(std::uint32_t event, const MceEvent& record);

    // what a finished run shows
    const std::vector<LoggedRecord>& records() const;
    const std::map<CpuId, InjectedRegisters>& injected() const;
    const mca::SeverityGrader& grader() const;
    /// A #MC taken while `ctx` executed an instruction has been raised (Platform::execute said
    /// so): goes on when the handler has returned to that context. True when the kernel resumes
    /// at an exception fixup (the copy stops early). Call it directly after execute(); the time
    /// until delivery passes inside.
    Task<bool> wait_handled(Context& ctx);

    bool panicked() const;
    /// panic(reason): prints the line and stops the machine (or not, with fake_panic).
    void panic(CpuId cpu, std::uint32_t reason_name);
    /// First taint prints its line.
    void add_taint(CpuId cpu);
    /// oops_enter(): lock debugging is off from now on, so that no taint says it again.
    void lock_debugging_off();

private:
    struct State;
    std::unique_ptr<State> s_;
};

/// Exception-table entries of the stub's copy routines: an instruction pointer inside one of
/// them makes a machine check recoverable (kernel.md 1.11 context).
inline constexpr std::uint64_t kIpCopyMcSafe = 0xffffffff81a3c9c0;  ///< memcpy_mcsafe / copy_mc_*
inline constexpr std::uint64_t kIpCopyFromUser =
    0xffffffff81a3cb50;  ///< copy_user_* reading user memory
inline constexpr std::uint64_t kIpCopyPlain = 0xffffffff81a3ce10;  ///< memcpy: no fixup
inline constexpr std::uint64_t kIpKernel = 0xffffffff81001000;     ///< some other kernel text
inline constexpr std::uint64_t kIpIdle = 0xffffffff8143295d;       ///< the idle loop, waiting
inline constexpr std::uint64_t kIpUser = 0x401136;                 ///< an instruction of a process

}  // namespace mcemu::kernel
