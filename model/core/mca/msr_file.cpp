#include "core/mca/msr_file.hpp"

#include "core/mca/status.hpp"

namespace mcemu::mca {
namespace {

constexpr std::uint32_t MSR_IA32_P5_MC_ADDR = 0x0, MSR_IA32_P5_MC_TYPE = 0x1;
constexpr std::uint64_t kCtl2Bits = MCI_CTL2_THRESHOLD | MCI_CTL2_CMCI_EN;
// Lock, VMX inside and outside SMX, SENTER, SGX, LMCE_ON (SDM vol. 4, IA32_FEATURE_CONTROL).
constexpr std::uint64_t kFeatureControlBits = 0x16ff07 | FEATURE_CONTROL_LMCE;
// Vector, delivery mode, delivery status (read-only: a write to it is dropped), mask.
constexpr std::uint64_t kLvtBits = 0xff | 0x700 | LVT_MASKED, kLvtReadOnly = 1u << 12;
constexpr std::uint64_t kPpinEnabled = 1u << 1;

}  // namespace

std::uint64_t make_mcg_cap(const McaConfig& mca) {
    std::uint64_t cap = mca.banks & 0xff;
    if (mca.ctl_p) cap |= MCG_CTL_P;
    if (mca.cmci) cap |= MCG_CMCI_P;
    if (mca.tes) cap |= MCG_TES_P;
    if (mca.ser) cap |= MCG_SER_P;
    if (mca.emc) cap |= MCG_EMC_P;
    if (mca.elog) cap |= MCG_ELOG_P;
    if (mca.lmce) cap |= MCG_LMCE_P;
    return cap;
}

MsrFile::MsrFile(const CpuConfig& cpus, const McaConfig& mca, const BankMap& map)
    : cpus_(cpus),
      map_(map),
      mcg_cap_(make_mcg_cap(mca)),
      has_{mca.ser, mca.cmci, mca.tes},
      lmce_p_(mca.lmce),
      cmci_threshold_(mca.cmci ? mca.cmci_threshold : 0),
      banks_(map),
      mcg_status_(cpus.count(), 0, MCG_STATUS_MCIP),
      mcg_ctl_(cpus.count()),
      mcg_ext_ctl_(cpus.count()),
      feature_control_(cpus.count()),
      misc_enable_(cpus.count(), MISC_ENABLE_FAST_STRING),
      lvt_cmci_(cpus.count(), LVT_MASKED),
      tsc_offset_(cpus.count()) {
    reset(ResetKind::power_up);
}

void MsrFile::reset(ResetKind kind) {
    lvt_cmci_.set_all(LVT_MASKED);
    if (kind == ResetKind::init) return;
    mcg_status_.set_all(0);
    mcg_ctl_.set_all(0);
    mcg_ext_ctl_.set_all(0);
    misc_enable_.set_all(MISC_ENABLE_FAST_STRING);
    tsc_offset_.set_all(0);
    // Firmware runs before any operating system and locks the register.
    feature_control_.set_all(FEATURE_CONTROL_LOCKED | (lmce_p_ ? FEATURE_CONTROL_LMCE : 0));
    if (kind == ResetKind::warm) {
        for (std::uint32_t b = 0; b < map_.count(); ++b) {
            banks_.set_ctl_all(b, 0);
            banks_.set_ctl2_all(b, 0);
        }
    } else {
        banks_.clear();
    }
    if (cmci_threshold_ == 0) return;
    for (std::uint32_t b = 0; b < map_.count(); ++b)
        if (map_[b].cmci) banks_.set_ctl2_all(b, cmci_threshold_);
}

std::uint64_t MsrFile::tsc(SimTime now) const {
    // ps * MHz / 10^6 without overflow: whole microseconds first.
    const std::uint64_t us = now.count() / 1'000'000, rest = now.count() % 1'000'000;
    return cpus_.tsc_base + us * cpus_.tsc_mhz + rest * cpus_.tsc_mhz / 1'000'000;
}

std::optional<MsrFile::BankRegister> MsrFile::bank_register(std::uint32_t msr) const {
    if (msr >= MSR_IA32_MC0_CTL2 && msr < MSR_IA32_MC0_CTL2 + kMaxBanks) {
        const std::uint32_t bank = msr - MSR_IA32_MC0_CTL2;
        if (!has_.cmci || bank >= map_.count()) return std::nullopt;
        return BankRegister{Register::ctl2, bank};
    }
    if (msr < MSR_IA32_MC0_CTL || msr >= MSR_IA32_MC0_CTL + 4 * kMaxBanks) return std::nullopt;
    const std::uint32_t bank = (msr - MSR_IA32_MC0_CTL) / 4;
    const auto which = static_cast<Register>((msr - MSR_IA32_MC0_CTL) % 4);
    if (bank >= map_.count()) return std::nullopt;
    if (which == Register::addr && !map_[bank].addr) return std::nullopt;
    if (which == Register::misc && !map_[bank].misc) return std::nullopt;
    return BankRegister{which, bank};
}

std::optional<std::uint64_t> MsrFile::read(CpuId cpu, std::uint32_t msr, SimTime now) const {
    if (const auto r = bank_register(msr)) {
        const Bank& bank = banks_.at(cpu, r->bank);
        switch (r->which) {
            case Register::ctl:
                return bank.ctl();
            case Register::status:
                return bank.status();
            case Register::addr:
                return bank.addr();
            case Register::misc:
                return bank.misc();
            case Register::ctl2:
                return bank.ctl2();
        }
    }
    switch (msr) {
        case MSR_IA32_P5_MC_ADDR:
        case MSR_IA32_P5_MC_TYPE:
            return 0;
        case MSR_IA32_TSC:
            return tsc(now) + tsc_offset_.get(cpu);
        case MSR_IA32_MCG_CAP:
            return mcg_cap_;
        case MSR_IA32_MCG_STATUS:
            return mcg_status_.get(cpu);
        case MSR_IA32_FEATURE_CONTROL:
            return feature_control_.get(cpu);
        case MSR_IA32_MISC_ENABLE:
            return misc_enable_.get(cpu);
        case MSR_IA32_MCG_CTL:
            if (mcg_cap_ & MCG_CTL_P) return mcg_ctl_.get(cpu);
            return std::nullopt;
        case MSR_IA32_MCG_EXT_CTL:
            if (lmce_p_ && (feature_control_.get(cpu) & FEATURE_CONTROL_LMCE))
                return mcg_ext_ctl_.get(cpu);
            return std::nullopt;
        case MSR_LVT_CMCI:
            if (has_.cmci) return lvt_cmci_.get(cpu);
            return std::nullopt;
        case MSR_PPIN_CTL:
            if (cpus_.ppin != 0) return kPpinEnabled;
            return std::nullopt;
        case MSR_PPIN:
            if (cpus_.ppin != 0) return cpus_.ppin;
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

bool MsrFile::allows(BankRegister r, std::uint64_t value) const {
    switch (r.which) {
        case Register::ctl:
            return true;
        case Register::status:
        case Register::addr:
        case Register::misc:
            return value == 0;
        case Register::ctl2:
            return (value & ~kCtl2Bits) == 0;
    }
    return false;
}

bool MsrFile::allows(std::uint32_t msr, std::uint64_t value, CpuId cpu) const {
    switch (msr) {
        case MSR_IA32_TSC:
            return true;
        case MSR_IA32_MCG_STATUS: {
            const std::uint64_t bits = MCG_STATUS_RIPV | MCG_STATUS_EIPV | MCG_STATUS_MCIP |
                                       (lmce_p_ ? MCG_STATUS_LMCES : 0);
            return (value & ~bits) == 0;
        }
        case MSR_IA32_MCG_CTL:
            return (mcg_cap_ & MCG_CTL_P) != 0;
        case MSR_IA32_MCG_EXT_CTL:
            return lmce_p_ && (feature_control_.get(cpu) & FEATURE_CONTROL_LMCE) &&
                   (value & ~MCG_EXT_CTL_LMCE_EN) == 0;
        case MSR_IA32_FEATURE_CONTROL:
            return !(feature_control_.get(cpu) & FEATURE_CONTROL_LOCKED) &&
                   (value & ~kFeatureControlBits) == 0;
        case MSR_IA32_MISC_ENABLE:
            return true;
        case MSR_LVT_CMCI:
            return has_.cmci && (value & ~(kLvtBits | kLvtReadOnly)) == 0;
        default:
            return false;
    }
}

PerCpuRegister* MsrFile::per_cpu(std::uint32_t msr) {
    switch (msr) {
        case MSR_IA32_MCG_STATUS:
            return &mcg_status_;
        case MSR_IA32_MCG_CTL:
            return &mcg_ctl_;
        case MSR_IA32_MCG_EXT_CTL:
            return &mcg_ext_ctl_;
        case MSR_IA32_FEATURE_CONTROL:
            return &feature_control_;
        case MSR_IA32_MISC_ENABLE:
            return &misc_enable_;
        case MSR_LVT_CMCI:
            return &lvt_cmci_;
        default:
            return nullptr;
    }
}

bool MsrFile::write(CpuId cpu, std::uint32_t msr, std::uint64_t value, SimTime now) {
    if (const auto r = bank_register(msr)) {
        if (!allows(*r, value)) return false;
        switch (r->which) {
            case Register::ctl:
                banks_.set_ctl(cpu, r->bank, value);
                break;
            case Register::status:
                banks_.clear_status(cpu, r->bank);
                break;
            case Register::addr:
                banks_.clear_addr(cpu, r->bank);
                break;
            case Register::misc:
                banks_.clear_misc(cpu, r->bank);
                break;
            case Register::ctl2:
                // A bank without CMCI swallows the write: software finds nothing when it reads.
                if (map_[r->bank].cmci) banks_.set_ctl2(cpu, r->bank, value);
                break;
        }
        return true;
    }
    if (!allows(msr, value, cpu)) return false;
    if (msr == MSR_IA32_TSC)
        tsc_offset_.set(cpu, value - tsc(now));
    else
        per_cpu(msr)->set(cpu, msr == MSR_LVT_CMCI ? value & ~kLvtReadOnly : value);
    return true;
}

bool MsrFile::write_all(std::uint32_t msr, std::uint64_t value, SimTime now) {
    if (const auto r = bank_register(msr)) {
        if (!allows(*r, value)) return false;
        switch (r->which) {
            case Register::ctl:
                banks_.set_ctl_all(r->bank, value);
                break;
            case Register::status:
                banks_.clear_status_all(r->bank);
                break;
            case Register::addr:
                banks_.clear_addr_all(r->bank);
                break;
            case Register::misc:
                banks_.clear_misc_all(r->bank);
                break;
            case Register::ctl2:
                if (map_[r->bank].cmci) banks_.set_ctl2_all(r->bank, value);
                break;
        }
        return true;
    }
    if (!allows(msr, value, 0)) return false;
    if (msr == MSR_IA32_TSC)
        tsc_offset_.set_all(value - tsc(now));
    else
        per_cpu(msr)->set_all(msr == MSR_LVT_CMCI ? value & ~kLvtReadOnly : value);
    return true;
}

}  // namespace mcemu::mca
