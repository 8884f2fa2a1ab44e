#pragma once  // The SystemC shell of the kernel stub: ports to the hardware, nothing else.
#include <optional>
#include <systemc>

#include "core/kernel/kernel.hpp"
#include "wires/interfaces.hpp"

namespace mcemu::os {

/// Gives kernel::Kernel its hardware: MSR and execution calls leave through `cpu_out`, _DSM calls
/// through `firmware_out`; interrupts and ACPI notifications come in through the exports.
class KernelStub : public sc_core::sc_module,
                   public wires::InterruptIf,
                   public wires::FirmwareNotifyIf,
                   public wires::DmaDoneIf,
                   private kernel::Platform {
public:
    sc_core::sc_port<wires::CpuIf> cpu_out{"cpu_out"};
    sc_core::sc_port<wires::FirmwareIf> firmware_out{"firmware_out"};
    /// In the order of MachineConfig::memdevs.
    sc_core::sc_port<wires::CxlMailboxIf, 0, sc_core::SC_ZERO_OR_MORE_BOUND> cxl_out{"cxl_out"};
    sc_core::sc_export<wires::InterruptIf> interrupt_in{"interrupt_in"};
    sc_core::sc_export<wires::DmaDoneIf> dma_done_in{"dma_done_in"};
    sc_core::sc_export<wires::FirmwareNotifyIf> notify_in{"notify_in"};

    KernelStub(const sc_core::sc_module_name& name, const Scenario& scenario, Agenda& agenda,
               Trace& trace, Names& names, Latency& latency, Fates& fates);

    kernel::Kernel& kernel() { return *kernel_; }
    const kernel::Kernel& kernel() const { return *kernel_; }

    /// Ends the kernel, which must not be used until start() makes another at the same place.
    void stop() { kernel_.reset(); }
    void start(const Scenario& scenario, Agenda& agenda, Trace& trace, Names& names, Latency& latency,
               Fates& fates);

    // wires::InterruptIf
    void machine_check(const kernel::McDelivery& delivery) override;
    void cmci(CpuId cpu) override;
    kernel::Translation page_walk(CpuId cpu, std::uint64_t va, bool user) const override;
    void shutdown(CpuId cpu) override;
    void bank_latched(CpuId cpu) override;
    // wires::FirmwareNotifyIf
    void nfit_notify(std::uint32_t value, int nvdimm) override;
    void ghes(const CperEvent& record) override;
    // wires::DmaDoneIf
    void dma_done(std::uint32_t event, DmaStatus status, std::uint32_t planted_by) override;

private:
    // kernel::Platform
    std::uint32_t cpu_count() const override { return cpus_; }
    std::optional<std::uint64_t> rdmsr(CpuId cpu, std::uint32_t msr) override;
    bool wrmsr(CpuId cpu, std::uint32_t msr, std::uint64_t value) override;
    void wrmsr_all(std::uint32_t msr, std::uint64_t value) override;
    std::uint64_t valid_banks(CpuId cpu) const override;
    std::vector<CpuId> cpus_with_valid_banks() const override;
    std::uint32_t bank_origin(CpuId cpu, std::uint32_t bank) const override;
    kernel::Frame frame(CpuId cpu) const override;
    void set_context(CpuId cpu, kernel::Frame frame) override;
    kernel::ExecResult execute(CpuId cpu, const kernel::Instruction& instruction) override;
    void set_register(CpuId cpu, unsigned slot, std::uint64_t va) override;
    bool clflush(CpuId cpu, std::uint64_t va, std::uint64_t bytes) override;
    kernel::DsmReply dsm(const kernel::DsmRequest& request) override;
    cxl::Mailbox* cxl_mailbox(std::uint32_t memdev) override;
    void set_online(CpuId cpu, bool online) override;
    void halt() override;

    std::uint32_t cpus_ = 0;
    std::optional<kernel::Kernel> kernel_;
};

}  // namespace mcemu::os
