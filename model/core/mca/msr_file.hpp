#pragma once  // The machine-check MSRs of every logical processor, with their write rules.
#include <cstdint>
#include <optional>

#include "core/config.hpp"
#include "core/mca/bank_store.hpp"
#include "core/mca/per_cpu_register.hpp"

namespace mcemu::mca {

inline constexpr std::uint64_t FEATURE_CONTROL_LOCKED = 1u << 0;
inline constexpr std::uint64_t FEATURE_CONTROL_LMCE = 1u << 20;
inline constexpr std::uint64_t MCG_EXT_CTL_LMCE_EN = 1u << 0;
inline constexpr std::uint64_t MISC_ENABLE_FAST_STRING = 1u << 0;
inline constexpr std::uint64_t LVT_MASKED = 1u << 16;

/// Source: SDM vol. 3B 15.3; mce.md 2.10.
enum class ResetKind : std::uint8_t {
    power_up,
    warm,  ///< RESET#: STATUS, ADDR and MISC live on, for the next boot to find
    init,
    s3,
};

/// IA32_MCG_CAP as the configuration describes the part.
std::uint64_t make_mcg_cap(const McaConfig& mca);

/// RDMSR and WRMSR of the registers in mce.md section 2. A refused access (#GP(0)) leaves
/// everything as it was. Strict where the manual leaves it open: reserved bits fault.
class MsrFile {
public:
    MsrFile(const CpuConfig& cpus, const McaConfig& mca, const BankMap& map);

    std::optional<std::uint64_t> read(CpuId cpu, std::uint32_t msr, SimTime now) const;
    bool write(CpuId cpu, std::uint32_t msr, std::uint64_t value, SimTime now);
    /// The same write on every CPU, online or not (an offline one of Linux still runs the
    /// machine-check handler); costs what was touched, not the number of CPUs.
    bool write_all(std::uint32_t msr, std::uint64_t value, SimTime now);

    void reset(ResetKind kind);

    const Capabilities& has() const { return has_; }
    BankStore& banks() { return banks_; }
    const BankStore& banks() const { return banks_; }
    PerCpuRegister& mcg_status() { return mcg_status_; }
    const PerCpuRegister& mcg_status() const { return mcg_status_; }
    bool lmce_enabled(CpuId cpu) const {
        return lmce_p_ && (mcg_ext_ctl_.get(cpu) & MCG_EXT_CTL_LMCE_EN) != 0;
    }
    bool cmci_masked(CpuId cpu) const { return (lvt_cmci_.get(cpu) & LVT_MASKED) != 0; }

private:
    enum class Register : std::uint8_t { ctl, status, addr, misc, ctl2 };
    struct BankRegister {
        Register which;
        std::uint32_t bank;
    };
    // The bank register of that number, if it exists.
    std::optional<BankRegister> bank_register(std::uint32_t msr) const;
    bool allows(std::uint32_t msr, std::uint64_t value, CpuId cpu) const;
    bool allows(BankRegister r, std::uint64_t value) const;
    PerCpuRegister* per_cpu(std::uint32_t msr);
    std::uint64_t tsc(SimTime now) const;

    const CpuConfig& cpus_;
    const BankMap& map_;
    std::uint64_t mcg_cap_;
    Capabilities has_;
    bool lmce_p_;
    std::uint32_t cmci_threshold_;  ///< what firmware leaves in CTL2
    BankStore banks_;
    PerCpuRegister mcg_status_, mcg_ctl_, mcg_ext_ctl_, feature_control_, misc_enable_, lvt_cmci_,
        tsc_offset_;
};

}  // namespace mcemu::mca
