#pragma once  // The Linux kernel stub: its parts, and its two faces (interrupts, scenario actions).
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/ghes.hpp"
#include "core/kernel/mce/machine_check.hpp"
#include "core/kernel/mm/memory_failure.hpp"
#include "core/kernel/mm/page.hpp"
#include "core/kernel/mm/process.hpp"
#include "core/kernel/ndctl/ndctl.hpp"
#include "core/kernel/nvdimm/libnvdimm.hpp"
#include "core/kernel/pat/direct_map.hpp"
#include "core/kernel/pat/memtype.hpp"
#include "core/kernel/pat/nospec.hpp"
#include "core/kernel/report.hpp"
#include "core/kernel/workqueue.hpp"

namespace mcemu::kernel {

/// The parts in the order in which they are built; each gets the Kernel and reaches the others
/// through it. Nothing in a constructor may use a later part: that is what boot() is for.
class Kernel final : public KernelEntry {
public:
    Kernel(const Scenario& scenario, Agenda& agenda, Trace& trace, Names& names, Latency& latency,
           Fates& fates, Platform& hw);
    ~Kernel() override;

    const Scenario& scenario;
    KernelConfig config;      ///< as booted; sysctl events change it
    /// As they are now: ndctl makes, changes and destroys them. Their number never changes.
    std::vector<NamespaceConfig> namespaces;
    Counters counters;
    Printk log;
    Env env;
    Workqueue workqueue;
    Memory memory;
    DirectMap direct_map;
    Memtypes memtypes;
    Nospec nospec;
    Processes processes;
    MemoryFailure memory_failure;
    Libnvdimm libnvdimm;
    Ndctl ndctl_tool;
    MachineCheck machine_check_core;
    Ghes ghes_driver;
    Outcome outcome = Outcome::running;
    FlowSet flows;            ///< last: what sleeps in it refers to the parts above

    /// Called when a scenario event that the kernel performed has run to its end (the system call
    /// has returned, the access has retired or died): triggers wait for it.
    std::function<void(std::uint32_t event)> on_event_done;
    void event_done(std::uint32_t event) {
        if (on_event_done) on_event_done(event);
    }

    /// Memtypes of pmem, CMCI ownership, timers.
    void boot();
    /// One scenario event that the kernel or user space performs. `event` is its index.
    void perform(std::uint32_t event, const Action& action);

    /// What commands printed and readers got, in time order.
    std::vector<Report> reports;
    Report& report(std::uint32_t event, std::string what, std::int64_t ret);
    /// What a read found of the contents of persistent memory.
    void report_data(std::uint32_t event, std::string what, std::int64_t ret,
                     const Libnvdimm::Found& found);

    /// Pages that a `dump_page` call asked for: they are shown in the result whatever their state.
    std::vector<Pfn> looked_at;

    // KernelEntry
    void machine_check(const McDelivery& delivery) override;
    void cmci(CpuId cpu) override;
    void bank_latched(CpuId cpu) override { machine_check_core.bank_latched(cpu); }
    void nfit_notify(std::uint32_t value, int nvdimm) override;
    void ghes(const CperEvent& record) override;
    void dma_done(std::uint32_t event, DmaStatus status, std::uint32_t planted_by) override;
    Translation page_walk(CpuId cpu, std::uint64_t va, bool user) const override;
    void shutdown(CpuId cpu) override;

private:
    // perform.cpp
    Task<void> dsm_ioctl(std::uint32_t event, DsmEvent e);
    Task<void> cxl_command(std::uint32_t event, CxlEvent e);
    Task<void> ndctl(std::uint32_t event, NamespaceEvent e);
    void start_scrub(std::uint32_t event, const ScrubEvent& e);
    int write_knob(std::string_view name, std::uint64_t value);
    void sysctl(std::uint32_t event, const SysctlEvent& e);
    void hotplug(std::uint32_t event, const CpuHotplugEvent& e);
    Task<void> call_function(std::uint32_t event, CallEvent call);
};

}  // namespace mcemu::kernel
