#pragma once  // The hardware as the kernel stub reaches it: MSRs, memory, interrupts, firmware.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/event.hpp"
#include "core/trace.hpp"
#include "core/units.hpp"

namespace mcemu::cxl {
class Mailbox;
}

namespace mcemu::kernel {

/// How one instruction's memory access ended. Times are for the caller to spend.
struct ExecResult {
    enum class Status : std::uint8_t {
        retired,        ///< done after `delay`
        page_fault,     ///< no translation, or not allowed; nothing was accessed
        machine_check,  ///< poison was consumed: #MC reaches the kernel after `delay` or later
        bus_error,      ///< no memory answers at that address
        shutdown,       ///< the CPU is dead
    } status = Status::retired;
    SimTime delay{};
    std::uint64_t spa = 0;            ///< physical address accessed
    std::uint64_t poisoned_spa = 0;   ///< machine_check: first poisoned line
    std::uint32_t origin = 0;         ///< machine_check: scenario event (1-based) that planted the poison
};

/// One access as an instruction makes it.
struct Instruction {
    AccessKind kind = AccessKind::load;
    std::uint64_t va = 0;    ///< virtual address; never crosses a page
    std::uint64_t size = 8;
    bool user = true;        ///< CPL 3
    std::uint64_t ip = 0;    ///< where the instruction is; decides about kernel recovery
};

/// The interrupted context, as an exception frame shows it.
struct Frame {
    std::uint64_t ip = 0;
    std::uint64_t cs = 0x10;
    bool interrupts_on = true;
};

/// A set of CPUs a machine check was delivered to.
struct McDelivery {
    bool broadcast = true;   ///< all online CPUs; else only `first`
    CpuId first = 0;         ///< the CPU that raised it (LMCE: the only one)
    /// Extra entry time per CPU (skew), only for CPUs that differ; sorted by cpu.
    std::vector<std::pair<CpuId, SimTime>> skew;
    std::vector<CpuId> missing;  ///< CPUs that do not enter the handler at all
    /// Extra entry time of the CPUs without an entry in `skew`, other than `first`.
    SimTime skew_same_socket{}, skew_other_socket{};
    std::uint32_t cpus_per_socket = 1;
};

struct DsmRequest {
    DsmEvent::Function function = DsmEvent::Function::ars_cap;
    std::uint64_t address = 0, length = 0;  ///< SPA, bytes
    std::uint32_t flags = 0;
    int nvdimm = -1;                        ///< DIMM calls
    SmartThresholds thresholds{};           ///< smart_set_threshold
};
struct ArsRecord {
    std::uint32_t handle = 0;
    std::uint64_t spa = 0, length = 0;
};
struct DsmReply {
    std::uint32_t status = 0;        ///< low 16 bits status, high 16 bits extended (nvdimm.md 6.3)
    std::uint64_t cleared = 0;       ///< clear_error
    std::uint32_t max_ars_out = 0, clear_err_unit = 0, scrub_time_s = 0;
    std::uint16_t flags = 0;         ///< ars_cap: bit 0 the platform tells of errors by 0x81
    std::uint32_t out_length = 0;    ///< ars_status
    SpaRange covered{}, restart{};   ///< ars_status
    bool overflow = false;
    std::vector<ArsRecord> records;  ///< ars_status, inject_status
    std::vector<std::uint8_t> data;  ///< smart: the payload behind the status word
    std::uint64_t dpa = 0;           ///< translate_spa; records[0] holds handle, spa, length
    SimTime delay{};                 ///< how long the call takes
    int error = 0;                   ///< negative errno of a bus that refuses the call itself
};

/// Everything the kernel stub may do to, and learn from, the hardware.
class Platform {
public:
    virtual ~Platform() = default;

    virtual std::uint32_t cpu_count() const = 0;

    /// RDMSR, WRMSR of one CPU; nullopt / false stands for #GP(0).
    virtual std::optional<std::uint64_t> rdmsr(CpuId cpu, std::uint32_t msr) = 0;
    virtual bool wrmsr(CpuId cpu, std::uint32_t msr, std::uint64_t value) = 0;
    /// WRMSR of the same value on every online CPU (cost independent of their number).
    virtual void wrmsr_all(std::uint32_t msr, std::uint64_t value) = 0;
    /// Banks of `cpu` whose STATUS.VAL is set, as a mask; and the CPUs for which that mask is not
    /// zero, rising (a shared bank is visible on every CPU of its scope, but only one is listed:
    /// the one the error was logged for, or the first online one when that is offline).
    /// What a scan of all banks would find, without the scan.
    virtual std::uint64_t valid_banks(CpuId cpu) const = 0;
    virtual std::vector<CpuId> cpus_with_valid_banks() const = 0;
    /// Scenario event (1-based) that latched what the bank of `cpu` holds; 0: not known, the
    /// causality of the moment decides.
    virtual std::uint32_t bank_origin(CpuId, std::uint32_t /*bank*/) const { return 0; }

    /// The frame of the last exception taken by `cpu`.
    virtual Frame frame(CpuId cpu) const = 0;
    /// What `cpu` runs from now on: the frame an asynchronous exception would show.
    virtual void set_context(CpuId cpu, Frame frame) = 0;

    /// Executes one access on `cpu` with the address space that page_walk() answers for.
    virtual ExecResult execute(CpuId cpu, const Instruction& instruction) = 0;
    /// Puts a linear address into a register, where speculation may pick it up (slot 0..15);
    /// forget with va 0.
    virtual void set_register(CpuId cpu, unsigned slot, std::uint64_t va) = 0;
    /// CLFLUSH of [va, va + bytes): false stands for #GP (non-canonical address).
    virtual bool clflush(CpuId cpu, std::uint64_t va, std::uint64_t bytes) = 0;

    /// _DSM call on the NVDIMM root device or one DIMM.
    virtual DsmReply dsm(const DsmRequest& request) = 0;

    /// The mailbox of a CXL memory device; null: there is no such device.
    virtual cxl::Mailbox* cxl_mailbox(std::uint32_t /*memdev*/) { return nullptr; }

    /// CPU on- and offlining.
    virtual void set_online(CpuId cpu, bool online) = 0;
    /// The machine is dead: a panic halts all CPUs.
    virtual void halt() = 0;
};

/// One translation, as the page walker finds it.
struct Translation {
    bool present = false;
    bool writable = true;
    bool user = true;
    bool cacheable = true;   ///< WB, WT, WP: speculation allowed
    bool canonical = true;
    std::uint64_t spa = 0;
    unsigned shift = 12;
};

/// What the hardware calls in the kernel: interrupts, and the page tables in memory.
class KernelEntry {
public:
    virtual ~KernelEntry() = default;
    virtual void machine_check(const McDelivery& delivery) = 0;
    virtual void cmci(CpuId cpu) = 0;
    /// An error was latched in a bank that `cpu` sees. No interrupt: it lets the model arm the
    /// poll timer only when a poll could find something.
    virtual void bank_latched(CpuId) {}
    /// ACPI notification of the NFIT root device (0x80, 0x81, 0x82) or of a DIMM.
    virtual void nfit_notify(std::uint32_t value, int nvdimm) = 0;
    virtual void ghes(const CperEvent& record) = 0;
    /// Interrupt of a device whose transfer ended. `planted_by`: origin of the poison that did it.
    virtual void dma_done(std::uint32_t event, DmaStatus status, std::uint32_t planted_by) = 0;
    /// Page walk with the address space loaded on `cpu` (CR3) or the kernel's own.
    virtual Translation page_walk(CpuId cpu, std::uint64_t va, bool user) const = 0;
    /// A CPU went into shutdown.
    virtual void shutdown(CpuId cpu) = 0;
};

}  // namespace mcemu::kernel
