#pragma once  // The machine-check state of all processors, and who hears of an error.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/config.hpp"
#include "core/mca/msr_file.hpp"
#include "core/mca/outcomes.hpp"

namespace mcemu::mca {

/// A processor an error belongs to, and what its MCG_STATUS shall say about it.
struct Affected {
    CpuId cpu = 0;
    std::uint64_t mcg_status = 0;
};

/// What the processors cannot survive.
struct Shutdown {
    CpuId cpu = 0;
    ShutdownReason reason = ShutdownReason::mcip_set;
};

/// Registers and decisions of mce.md sections 2 to 6 for a whole machine. Knows no time of its
/// own and calls nobody. An idle CPU costs a few bytes; a broadcast costs the same for any number
/// of CPUs.
class McaState {
public:
    McaState(const CpuConfig& cpus, const McaConfig& mca);
    McaState(const McaState&) = delete;
    McaState& operator=(const McaState&) = delete;

    std::optional<std::uint64_t> rdmsr(CpuId cpu, std::uint32_t msr, SimTime now) const {
        return msrs_.read(cpu, msr, now);
    }
    bool wrmsr(CpuId cpu, std::uint32_t msr, std::uint64_t value, SimTime now) {
        return msrs_.write(cpu, msr, value, now);
    }
    bool wrmsr_all(std::uint32_t msr, std::uint64_t value, SimTime now) {
        return msrs_.write_all(msr, value, now);
    }
    void reset(ResetKind kind);
    /// CR4.MCE of one CPU.
    void set_cr4_mce(CpuId cpu, bool on) { cr4_mce_.set(cpu, on); }
    void set_cr4_mce_all(bool on) { cr4_mce_.set_all(on); }
    bool cr4_mce(CpuId cpu) const { return cr4_mce_.get(cpu) != 0; }

    void set_online(CpuId cpu, bool online);
    bool online(CpuId cpu) const { return online_[cpu]; }
    std::uint32_t online_count() const { return online_count_; }
    /// The first online CPU of a socket; its first CPU when all are offline.
    CpuId first_of_socket(std::uint32_t socket) const;

    LogResult log(CpuId cpu, std::uint32_t bank, const NewError& error, SimTime now) {
        return msrs_.banks().log(cpu, bank, error, msrs_.has(), now);
    }
    const Bank& bank(CpuId cpu, std::uint32_t number) const { return banks().at(cpu, number); }
    const BankStore& banks() const { return msrs_.banks(); }
    void set_record(CpuId cpu, std::uint32_t bank, std::uint32_t record) {
        msrs_.banks().set_record(cpu, bank, record);
    }
    std::uint32_t valid_banks(CpuId cpu) const { return banks().valid_banks(cpu); }
    /// One CPU per valid bank: the one it was logged for, if that is online; rising, unique.
    std::vector<CpuId> cpus_with_valid_banks() const;

    /// May this error stay on its own CPU? (mce.md 6.2; the caller knows whether another #MC is
    /// on its way.)
    bool local_allowed(CpuId cpu, std::uint32_t bank, ErrorClass error_class) const;
    /// The exception reaches all CPUs: MCG_STATUS is set everywhere, unless one of them cannot
    /// take it (6.3).
    std::optional<Shutdown> take_broadcast(std::span<const Affected> affected);
    /// Only this CPU takes it.
    std::optional<Shutdown> take_local(const Affected& affected);
    bool in_machine_check(CpuId cpu) const {
        return (msrs_.mcg_status().get(cpu) & MCG_STATUS_MCIP) != 0;
    }

    /// The CPU that gets the CMCI of a bank. Hardware interrupts every CPU that shares the bank
    /// and has its LVT unmasked; all but one find nothing to do. That one is the CPU that
    /// switched CMCI_EN on; where all were switched on at once, the CPU the error was logged for.
    /// Falls back to the next unmasked online CPU of the scope; none: nullopt.
    std::optional<CpuId> cmci_target(CpuId cpu, std::uint32_t bank) const;

    const BankMap& map() const { return map_; }
    const Capabilities& has() const { return msrs_.has(); }

private:
    CpuId online_in(CpuId first, std::uint32_t count) const;

    CpuConfig cpus_;
    BankMap map_;
    MsrFile msrs_;
    PerCpuRegister cr4_mce_;
    std::vector<bool> online_;
    std::uint32_t online_count_;
};

}  // namespace mcemu::mca
