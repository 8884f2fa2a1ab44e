#pragma once  // All logical processors of a machine: accesses, machine checks, speculation.
#include <tlm_utils/simple_initiator_socket.h>

#include <array>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "core/agenda.hpp"
#include "core/config.hpp"
#include "core/fate.hpp"
#include "core/latency.hpp"
#include "core/mca/hardware_errors.hpp"
#include "core/mca/machine.hpp"
#include "core/trace.hpp"
#include "wires/access_extension.hpp"
#include "wires/interfaces.hpp"

namespace mcemu::hw {

/// Slots with stable numbers for what waits in the agenda.
template <class T>
class SlotPool {
public:
    std::uint32_t put(T value) {
        if (free_.empty()) {
            slots_.push_back(std::move(value));
            return static_cast<std::uint32_t>(slots_.size() - 1);
        }
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        slots_[slot] = std::move(value);
        return slot;
    }
    T take(std::uint32_t slot) {
        free_.push_back(slot);
        return std::move(slots_[slot]);
    }
    T& operator[](std::uint32_t slot) { return slots_[slot]; }

private:
    std::vector<T> slots_;
    std::vector<std::uint32_t> free_;
};

/// Thin SystemC shell around mca::McaState: what the cores of all sockets do with memory and what
/// they make of errors. One module and no process for any number of CPUs; time comes from the
/// agenda. Caches are not modelled: every access reaches memory.
///
/// A processor starts as firmware leaves it, but with what a kernel's boot does outside the code
/// that the stub models: CR4.MCE on (except on McaConfig::mce_disabled_cpus), the CMCI vector
/// unmasked, LMCE_EN set where the part has it. CTL and CTL2 are the kernel's to program.
///
/// Machine checks that come while another is still on its way join it: the CPUs they belong to
/// enter the same handler round, each with its own MCG_STATUS and frame. A machine check that is
/// delivered while MCIP is set is a shutdown.
class Processors final : public sc_core::sc_module,
                         public wires::CpuIf,
                         public wires::InjectIf,
                         public wires::MemoryErrorIf,
                         private AgendaTarget {
public:
    tlm_utils::simple_initiator_socket<Processors> mem_out{"mem_out"};
    sc_core::sc_export<wires::CpuIf> cpu_in{"cpu_in"};
    sc_core::sc_export<wires::InjectIf> inject_in{"inject_in"};
    sc_core::sc_export<wires::MemoryErrorIf> error_in{"error_in"};
    sc_core::sc_port<wires::InterruptIf> interrupt_out{"interrupt_out"};

    Processors(const sc_core::sc_module_name& name, const CpuConfig& cpus, const McaConfig& mca,
               Agenda& agenda, Trace& trace, Latency& latency, Fates& fates);
    ~Processors() override;

    // CpuIf
    std::uint32_t cpu_count() const override { return cpus_.count(); }
    std::optional<std::uint64_t> rdmsr(CpuId cpu, std::uint32_t msr) override;
    bool wrmsr(CpuId cpu, std::uint32_t msr, std::uint64_t value) override;
    void wrmsr_all(std::uint32_t msr, std::uint64_t value) override;
    std::uint64_t valid_banks(CpuId cpu) const override { return mca_.valid_banks(cpu); }
    std::vector<CpuId> cpus_with_valid_banks() const override {
        return mca_.cpus_with_valid_banks();
    }
    std::uint32_t bank_origin(CpuId cpu, std::uint32_t bank) const override;
    kernel::Frame frame(CpuId cpu) const override;
    void set_context(CpuId cpu, kernel::Frame frame) override { contexts_[cpu].running = frame; }
    kernel::ExecResult execute(CpuId cpu, const kernel::Instruction& instruction) override;
    void set_register(CpuId cpu, unsigned slot, std::uint64_t va) override;
    bool clflush(CpuId cpu, std::uint64_t va, std::uint64_t bytes) override;
    void set_online(CpuId cpu, bool online) override { mca_.set_online(cpu, online); }
    void halt() override { dead_ = true; }

    // InjectIf
    void inject(const MceEvent& record) override;
    void speculate(const SpeculateEvent& event, std::uint64_t direct_map_va) override;

    // MemoryErrorIf
    void memory_error(const wires::MemoryError& error) override;

    void reset(mca::ResetKind kind);
    /// As new ones would be.
    void restart(const CpuConfig& cpus, const McaConfig& mca);
    void set_cr4_mce(CpuId cpu, bool on) { mca_.set_cr4_mce(cpu, on); }

    /// Every bank that was ever used, rising.
    std::vector<BankSnapshot> bank_snapshots() const { return mca_.banks().snapshot(); }

    struct Counters {
        std::uint64_t accesses = 0;  ///< of instructions
        std::uint64_t errors_logged = 0;
        std::uint64_t machine_checks = 0;  ///< deliveries, broadcast or local
        std::uint64_t cmcis = 0;
        std::uint64_t speculative_reads = 0;  ///< that left the core
        std::uint64_t speculation_hits = 0;   ///< of those, the ones that met poison
    };
    const Counters& counters() const { return counters_; }

private:
    struct Context {
        kernel::Frame running;
        kernel::Frame exception;     // of the last machine check that named this CPU
        std::uint32_t delivery = 0;  // its number
    };
    // An error on its way into a bank, with what it takes to signal it.
    struct Logging {
        CpuId cpu = 0;
        mca::UnitError unit;
        kernel::Frame frame;
        bool context_frame = true;  // the frame is what the CPU runs at delivery
        bool retiring = false;      // an instruction of this CPU waits for the exception
        bool may_signal = true;
    };
    struct Hit {
        mca::Affected affected;
        kernel::Frame frame;
        bool context_frame = false;
        std::uint32_t origin = 0;
        bool firmware_first = false;  // an SMI comes before it
    };
    // A machine check on its way to its CPUs.
    struct Pending {
        bool broadcast = true;
        bool absorbed = false;  // another one carries its hits now
        std::vector<Hit> hits;  // the first one raised it
    };
    struct Registers {
        CpuId cpu = 0;
        std::array<std::uint64_t, 16> va{};
    };
    struct Answer {
        bool no_memory = false, poisoned = false;
        std::uint64_t poisoned_spa = 0;
        std::uint32_t planted_by = 0;
        SimTime delay{};
    };
    enum class Step : std::uint8_t { log, deliver, cmci, phases };
    // Phases that follow each other, and what follows them. Durations are drawn at once; each
    // phase is traced when it begins.
    struct Phases {
        CpuId cpu = 0;
        std::uint8_t count = 0, next = 0;
        std::array<std::pair<Lat, SimTime>, 4> list{};
        SimTime not_before{};  // what follows waits for this as well
        Step then = Step::log;
        std::uint32_t slot = 0;
    };

    void on_agenda(std::uint64_t arg) override;
    void post(SimTime at, Step step, std::uint32_t slot, Causality why);
    void enable_machine_checks();

    bool canonical(std::uint64_t va) const;
    Answer transport(AccessKind kind, CpuId cpu, std::uint64_t spa, std::uint64_t size);
    kernel::ExecResult access(CpuId cpu, const kernel::Instruction& i);
    void consume_poison(CpuId cpu, const kernel::Instruction& i, const mca::UnitError& unit,
                        const Answer& a);
    void speculate_at(CpuId cpu, std::uint64_t va);
    void speculated_on_poison(CpuId cpu, const Answer& a);
    std::uint32_t origin_of(std::uint32_t planted_by) const {
        return planted_by != 0 ? planted_by : agenda_.why().origin;
    }
    /// Draws one more phase; its duration.
    SimTime add_phase(Phases& phases, Lat which);
    /// Spends what is left of `phases` from now on.
    void spend(Phases phases);
    /// Whether an SMI takes the error before the kernel is told.
    bool firmware_first(mca::ErrorClass error_class) const;
    void add_firmware(Phases& phases);
    void log_after_access(const Logging& entry, SimTime delay);

    mca::LogResult log_error(CpuId cpu, std::uint32_t bank, const mca::NewError& error,
                             bool may_cmci);
    void log_step(const Logging& entry);
    void request_cmci(CpuId cpu, std::uint32_t bank, std::uint32_t origin,
                      mca::ErrorClass error_class);
    void cmci_step(CpuId cpu);
    void release_cmcis();

    void raise(const Hit& hit, bool local, bool retiring);
    static void join(Pending& pending, Hit hit);
    void deliver_step(const Pending& pending);
    void shut_down(const mca::Shutdown& why, const std::vector<Hit>& hits);
    void fill_delivery(const Pending& pending);
    SimTime draw_skew(CpuId first, CpuId cpu);

    CpuConfig cpus_;
    McaConfig mca_config_;
    Agenda& agenda_;
    Trace& trace_;
    Latency& latency_;
    Fates& fates_;

    mca::McaState mca_;
    std::vector<Context> contexts_;
    std::vector<Registers> registers_;  // CPUs that hold any address, rising
    std::uint32_t delivery_number_ = 0;
    std::vector<std::uint32_t> handled_;  // events whose machine check was delivered last
    std::uint32_t last_broadcast_ = 0;
    bool dead_ = false;

    SlotPool<Logging> logging_;
    SlotPool<Pending> pending_;
    SlotPool<Phases> phases_;
    std::vector<Hit> spare_hits_;  // empty: of the last machine check delivered, for the next one
    std::vector<std::uint32_t> on_the_way_;  // slots of pending_, oldest first
    std::vector<CpuId> cmci_requested_;      // IRR: CPUs with a CMCI on its way or held
    struct HeldCmci {
        CpuId cpu = 0;
        Causality why;
    };
    std::vector<HeldCmci> cmci_held_;      // until the machine-check handler ends
    std::vector<mca::Affected> affected_;  // scratch

    tlm::tlm_generic_payload payload_;  // one for all accesses
    wires::AccessExtension access_;
    std::array<unsigned char, kPageSize> data_{};  // contents are not modelled
    SimTime last_memory_error_{};  // when the newest error of the memory side stands in its bank
    kernel::McDelivery delivery_;
    Counters counters_;
};

}  // namespace mcemu::hw
