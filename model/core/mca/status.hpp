#pragma once  // Register fields of the machine-check architecture (SDM vol. 3B 15.3; mce.md 2).
#include <cstdint>

namespace mcemu::mca {

// IA32_MCi_STATUS
inline constexpr std::uint64_t MCI_STATUS_VAL = 1ull << 63;
inline constexpr std::uint64_t MCI_STATUS_OVER = 1ull << 62;
inline constexpr std::uint64_t MCI_STATUS_UC = 1ull << 61;
inline constexpr std::uint64_t MCI_STATUS_EN = 1ull << 60;
inline constexpr std::uint64_t MCI_STATUS_MISCV = 1ull << 59;
inline constexpr std::uint64_t MCI_STATUS_ADDRV = 1ull << 58;
inline constexpr std::uint64_t MCI_STATUS_PCC = 1ull << 57;
inline constexpr std::uint64_t MCI_STATUS_S = 1ull << 56;
inline constexpr std::uint64_t MCI_STATUS_AR = 1ull << 55;
inline constexpr unsigned MCI_STATUS_TES_SHIFT = 53;
inline constexpr unsigned MCI_STATUS_CEC_SHIFT = 38;
inline constexpr std::uint64_t MCI_STATUS_CEC_MASK = 0x7fffull << 38;
inline constexpr std::uint64_t MCI_STATUS_DEFERRED = 1ull << 44;
inline constexpr std::uint64_t MCI_STATUS_POISON = 1ull << 43;
inline constexpr std::uint16_t MCACOD_MASK = 0xefff;  ///< bit 12 filters corrected errors

// IA32_MCG_STATUS
inline constexpr std::uint64_t MCG_STATUS_RIPV = 1u << 0;
inline constexpr std::uint64_t MCG_STATUS_EIPV = 1u << 1;
inline constexpr std::uint64_t MCG_STATUS_MCIP = 1u << 2;
inline constexpr std::uint64_t MCG_STATUS_LMCES = 1u << 3;

// IA32_MCG_CAP
inline constexpr std::uint64_t MCG_CTL_P = 1u << 8;
inline constexpr std::uint64_t MCG_EXT_P = 1u << 9;
inline constexpr std::uint64_t MCG_CMCI_P = 1u << 10;
inline constexpr std::uint64_t MCG_TES_P = 1u << 11;
inline constexpr std::uint64_t MCG_SER_P = 1u << 24;
inline constexpr std::uint64_t MCG_EMC_P = 1u << 25;
inline constexpr std::uint64_t MCG_ELOG_P = 1u << 26;
inline constexpr std::uint64_t MCG_LMCE_P = 1u << 27;

// IA32_MCi_CTL2
inline constexpr std::uint64_t MCI_CTL2_CMCI_EN = 1ull << 30;
inline constexpr std::uint64_t MCI_CTL2_THRESHOLD = 0x7fff;

// MSR numbers
inline constexpr std::uint32_t MSR_IA32_FEATURE_CONTROL = 0x3a;
inline constexpr std::uint32_t MSR_IA32_MCG_CAP = 0x179;
inline constexpr std::uint32_t MSR_IA32_MCG_STATUS = 0x17a;
inline constexpr std::uint32_t MSR_IA32_MCG_CTL = 0x17b;
inline constexpr std::uint32_t MSR_IA32_MISC_ENABLE = 0x1a0;
inline constexpr std::uint32_t MSR_IA32_MC0_CTL2 = 0x280;
inline constexpr std::uint32_t MSR_IA32_MC0_CTL = 0x400;
inline constexpr std::uint32_t MSR_IA32_MC0_STATUS = 0x401;
inline constexpr std::uint32_t MSR_IA32_MC0_ADDR = 0x402;
inline constexpr std::uint32_t MSR_IA32_MC0_MISC = 0x403;
inline constexpr std::uint32_t MSR_IA32_MCG_EXT_CTL = 0x4d0;
inline constexpr std::uint32_t MSR_LVT_CMCI = 0x82f;
inline constexpr std::uint32_t MSR_PPIN_CTL = 0x4e;
inline constexpr std::uint32_t MSR_PPIN = 0x4f;
inline constexpr std::uint32_t MSR_IA32_TSC = 0x10;

constexpr std::uint32_t msr_mci_ctl(std::uint32_t bank) { return MSR_IA32_MC0_CTL + 4 * bank; }
constexpr std::uint32_t msr_mci_status(std::uint32_t bank) { return MSR_IA32_MC0_STATUS + 4 * bank; }
constexpr std::uint32_t msr_mci_addr(std::uint32_t bank) { return MSR_IA32_MC0_ADDR + 4 * bank; }
constexpr std::uint32_t msr_mci_misc(std::uint32_t bank) { return MSR_IA32_MC0_MISC + 4 * bank; }
constexpr std::uint32_t msr_mci_ctl2(std::uint32_t bank) { return MSR_IA32_MC0_CTL2 + bank; }

// IA32_MCi_MISC
constexpr unsigned misc_lsb(std::uint64_t misc) { return misc & 0x3f; }
constexpr unsigned misc_mode(std::uint64_t misc) { return (misc >> 6) & 7; }
inline constexpr unsigned MISC_MODE_PHYSICAL = 2;
constexpr std::uint64_t make_misc(unsigned lsb, unsigned mode = MISC_MODE_PHYSICAL) {
    return lsb | (mode << 6);
}
inline constexpr std::uint64_t kMiscLine = 0x86;  ///< physical, 64 B
inline constexpr std::uint64_t kMiscPage = 0x8c;  ///< physical, 4 KiB

constexpr std::uint16_t mcacod(std::uint64_t status) { return status & 0xffff; }
constexpr std::uint16_t mscod(std::uint64_t status) { return (status >> 16) & 0xffff; }

/// Error class of a record (SDM 15.6.3; mce.md 3). `fatal` also without SER when PCC is set.
enum class ErrorClass : std::uint8_t { invalid, corrected, ucna, srao, srar, fatal, uncorrected, illegal };
constexpr ErrorClass classify(std::uint64_t status, bool ser) {
    if (!(status & MCI_STATUS_VAL)) return ErrorClass::invalid;
    if (!(status & MCI_STATUS_UC)) return ErrorClass::corrected;
    if (status & MCI_STATUS_PCC) return ErrorClass::fatal;
    if (!ser) return ErrorClass::uncorrected;
    const bool s = status & MCI_STATUS_S, ar = status & MCI_STATUS_AR;
    if (ar) return s ? ErrorClass::srar : ErrorClass::illegal;
    return s ? ErrorClass::srao : ErrorClass::ucna;
}

}  // namespace mcemu::mca
