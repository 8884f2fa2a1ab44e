#pragma once  // The wires between the modules: what crosses from one to another, and nothing else.
#include <systemc>

#include "core/cxl/mailbox.hpp"
#include "core/event.hpp"
#include "core/kernel/platform.hpp"
#include "core/trace.hpp"

namespace mcemu::wires {

/// MSRs, instruction execution and exception frames of all CPUs: processors -> kernel's use.
class CpuIf : public virtual sc_core::sc_interface {
public:
    virtual std::uint32_t cpu_count() const = 0;
    virtual std::optional<std::uint64_t> rdmsr(CpuId cpu, std::uint32_t msr) = 0;
    virtual bool wrmsr(CpuId cpu, std::uint32_t msr, std::uint64_t value) = 0;
    virtual void wrmsr_all(std::uint32_t msr, std::uint64_t value) = 0;
    virtual std::uint64_t valid_banks(CpuId cpu) const = 0;
    virtual std::vector<CpuId> cpus_with_valid_banks() const = 0;
    virtual std::uint32_t bank_origin(CpuId, std::uint32_t /*bank*/) const { return 0; }
    virtual kernel::Frame frame(CpuId cpu) const = 0;
    virtual void set_context(CpuId cpu, kernel::Frame frame) = 0;
    virtual kernel::ExecResult execute(CpuId cpu, const kernel::Instruction& instruction) = 0;
    virtual void set_register(CpuId cpu, unsigned slot, std::uint64_t va) = 0;
    virtual bool clflush(CpuId cpu, std::uint64_t va, std::uint64_t bytes) = 0;
    virtual void set_online(CpuId cpu, bool online) = 0;
    virtual void halt() = 0;
};

/// Interrupts and exceptions, and the page tables that the walker reads: processors -> kernel.
class InterruptIf : public virtual sc_core::sc_interface {
public:
    virtual void machine_check(const kernel::McDelivery& delivery) = 0;
    virtual void cmci(CpuId cpu) = 0;
    virtual void bank_latched(CpuId) {}
    virtual kernel::Translation page_walk(CpuId cpu, std::uint64_t va, bool user) const = 0;
    virtual void shutdown(CpuId cpu) = 0;
};

/// ACPI method calls into firmware: kernel -> firmware.
class FirmwareIf : public virtual sc_core::sc_interface {
public:
    virtual kernel::DsmReply dsm(const kernel::DsmRequest& request) = 0;
};

/// Mailbox of a CXL memory device: kernel -> device.
class CxlMailboxIf : public virtual sc_core::sc_interface, public cxl::Mailbox {};

/// A device that masters the bus: scenario -> its doorbell.
class DmaIf : public virtual sc_core::sc_interface {
public:
    /// Moves [spa, spa + size) on behalf of scenario event `event`; the end comes as DmaDoneIf.
    virtual void transfer(std::uint32_t event, const DmaEvent& what, std::uint64_t spa) = 0;
};
/// And its interrupt: device -> kernel.
class DmaDoneIf : public virtual sc_core::sc_interface {
public:
    /// `planted_by`: origin of the poison that ended it.
    virtual void dma_done(std::uint32_t event, DmaStatus status, std::uint32_t planted_by) = 0;
};

/// ACPI notifications and GHES interrupts: firmware -> kernel.
class FirmwareNotifyIf : public virtual sc_core::sc_interface {
public:
    virtual void nfit_notify(std::uint32_t value, int nvdimm) = 0;
    virtual void ghes(const CperEvent& record) = 0;
};

/// An error that the memory side found by itself or while serving a read.
struct MemoryError {
    enum class Kind : std::uint8_t {
        demand_read,   ///< UCNA: poison created or forwarded on a read
        patrol_scrub,  ///< uncorrectable, found by the controller's scrubber
        write_back,    ///< explicit write-back of a poisoned line (LLC)
    } kind = Kind::demand_read;
    std::uint64_t spa = 0;       ///< first byte of the line
    unsigned lsb = 6;            ///< MISC.LSB
    std::uint32_t socket = 0;
    std::uint32_t channel = 0;   ///< 0..5 of the socket
    bool persistent = false;     ///< behind the DDR-T command engine
    std::uint32_t planted_by = 0;  ///< origin (1 + event index) of the poison, 0 configuration
};
/// Memory controller -> the uncore banks of a socket.
class MemoryErrorIf : public virtual sc_core::sc_interface {
public:
    virtual void memory_error(const MemoryError& error) = 0;
};

/// Test access of the scenario to the processors: what an injector or a debugger could do.
class InjectIf : public virtual sc_core::sc_interface {
public:
    /// Latches the record in the bank and signals it. The kernel has already been told what the
    /// CPU runs (CpuIf::set_context).
    virtual void inject(const MceEvent& record) = 0;
    virtual void speculate(const SpeculateEvent& event, std::uint64_t direct_map_va) = 0;
};

/// Test access of the scenario to the memory devices.
class MediaIf : public virtual sc_core::sc_interface {
public:
    /// Plants or heals a media error. False: no memory there.
    virtual bool plant(const PoisonEvent& event) = 0;
    /// A patrol scrub over [range): finds are reported as the hardware does.
    virtual void patrol_scrub(SpaRange range) = 0;
    virtual void power_fail(const PowerFailEvent& how) = 0;
};

}  // namespace mcemu::wires
