#include "output/unit_errors.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "core/mca/status.hpp"

namespace mcemu::output {
namespace {

using Code = std::pair<unsigned, std::string_view>;

// Power control unit, STATUS[31:24].
constexpr std::array kPcu = std::to_array<Code>({
    {0x00, "No Error"},
    {0x0d, "MCA_DMI_TRAINING_TIMEOUT"},
    {0x0f, "MCA_DMI_CPU_RESET_ACK_TIMEOUT"},
    {0x10, "MCA_MORE_THAN_ONE_LT_AGENT"},
    {0x1e, "MCA_BIOS_RST_CPL_INVALID_SEQ"},
    {0x1f, "MCA_BIOS_INVALID_PKG_STATE_CONFIG"},
    {0x25, "MCA_MESSAGE_CHANNEL_TIMEOUT"},
    {0x27, "MCA_MSGCH_PMREQ_CMP_TIMEOUT"},
    {0x30, "MCA_PKGC_DIRECT_WAKE_RING_TIMEOUT"},
    {0x31, "MCA_PKGC_INVALID_RSP_PCH"},
    {0x33, "MCA_PKGC_WATCHDOG_HANG_CBZ_DOWN"},
    {0x34, "MCA_PKGC_WATCHDOG_HANG_CBZ_UP"},
    {0x38, "MCA_PKGC_WATCHDOG_HANG_C3_UP_SF"},
    {0x40, "MCA_SVID_VCCIN_VR_ICC_MAX_FAILURE"},
    {0x41, "MCA_SVID_COMMAND_TIMEOUT"},
    {0x42, "MCA_SVID_VCCIN_VR_VOUT_FAILURE"},
    {0x43, "MCA_SVID_CPU_VR_CAPABILITY_ERROR"},
    {0x44, "MCA_SVID_CRITICAL_VR_FAILED"},
    {0x45, "MCA_SVID_SA_ITD_ERROR"},
    {0x46, "MCA_SVID_READ_REG_FAILED"},
    {0x47, "MCA_SVID_WRITE_REG_FAILED"},
    {0x48, "MCA_SVID_PKGC_INIT_FAILED"},
    {0x49, "MCA_SVID_PKGC_CONFIG_FAILED"},
    {0x4a, "MCA_SVID_PKGC_REQUEST_FAILED"},
    {0x4b, "MCA_SVID_IMON_REQUEST_FAILED"},
    {0x4c, "MCA_SVID_ALERT_REQUEST_FAILED"},
    {0x4d, "MCA_SVID_MCP_VR_RAMP_ERROR"},
    {0x56, "MCA_FIVR_CATAS_OVERVOL_FAULT"},
    {0x57, "MCA_FIVR_CATAS_OVERCUR_FAULT"},
    {0x58, "MCA_WATCHDOG_TIMEOUT_PKGC_SECONDARY"},
    {0x59, "MCA_WATCHDOG_TIMEOUT_PKGC_MAIN"},
    {0x5a, "MCA_WATCHDOG_TIMEOUT_PKGS_MAIN"},
    {0x61, "MCA_PKGS_CPD_UNCPD_TIMEOUT"},
});

// UPI links, STATUS[21:16].
constexpr std::array kUpi = std::to_array<Code>({
    {0x00, "UC Phy Initialization Failure"},
    {0x01, "UC Phy detected drift buffer alarm"},
    {0x02, "UC Phy detected latency buffer rollover"},
    {0x10, "UC LL Rx detected CRC error: unsuccessful LLR: entered abort state"},
    {0x11, "UC LL Rx unsupported or undefined packet"},
    {0x12, "UC LL or Phy control error"},
    {0x13, "UC LL Rx parameter exchange exception"},
    {0x1f, "UC LL detected control error from the link-mesh interface"},
    {0x20, "COR Phy initialization abort"},
    {0x21, "COR Phy reset"},
    {0x22, "COR Phy lane failure, recovery in x8 width"},
    {0x23, "COR Phy L0c error corrected without Phy reset"},
    {0x24, "COR Phy L0c error triggering Phy Reset"},
    {0x25, "COR Phy L0p exit error corrected with Phy reset"},
    {0x30, "COR LL Rx detected CRC error - successful LLR without Phy Reinit"},
    {0x31, "COR LL Rx detected CRC error - successful LLR with Phy Reinit"},
});
constexpr unsigned kUpiControlError = 0x12;
// Bits 22 to 31: which control error.
constexpr std::array kUpiControl = std::to_array<std::string_view>({
    "Phy Control Error",
    "Unexpected Retry.Ack flit",
    "Unexpected Retry.Req flit",
    "RF parity error",
    "Routeback Table error",
    "unexpected Tx Protocol flit (EOP, Header or Data)",
    "Rx Header-or-Credit BGF credit overflow/underflow",
    "Link Layer Reset still in progress when Phy enters L0",
    "Link Layer reset initiated while protocol traffic not idle",
    "Link Layer Tx Parity Error",
});

// Mesh to memory, bits 16 to 23.
constexpr std::array kM2m = std::to_array<std::string_view>(
    {"MscodDataRdErr", "Reserved", "MscodPtlWrErr", "MscodFullWrErr", "MscodBgfErr", "MscodTimeOut",
     "MscodParErr", "MscodBucket1Err"});

// Memory controller, bits 16 to 26.
constexpr std::array kImc = std::to_array<std::string_view>(
    {"Address parity error", "HA write data parity error", "HA write byte enable parity error",
     "Corrected patrol scrub error", "Uncorrected patrol scrub error", "Corrected spare error",
     "Uncorrected spare error", "Any HA read error", "WDB read parity error",
     "DDR4 command address parity error", "Uncorrected address parity error"});
// With bit 27: the command engine of persistent memory, STATUS[23:16].
constexpr std::array kDdrT = std::to_array<std::string_view>(
    {"Unrecognized request type", "Read response to an invalid scoreboard entry",
     "Unexpected read response", "DDR4 completion to an invalid scoreboard entry",
     "Completion to an invalid scoreboard entry", "Completion FIFO overflow",
     "Correctable parity error", "Uncorrectable error",
     "Interrupt received while outstanding interrupt was not ACKed", "ERID FIFO overflow",
     "Error on Write credits", "Error on Read credits", "Scheduler error", "Error event"});

bool skylake_x(std::uint32_t cpuid) {
    const std::uint32_t model = ((cpuid >> 4) & 0xf) | ((cpuid >> 12) & 0xf0);
    return ((cpuid >> 8) & 0xf) == 6 && model == 0x55;
}

template <std::size_t N>
void add_code(UnitError& e, const std::array<Code, N>& codes, unsigned value) {
    for (const auto& [code, text] : codes)
        if (code == value) e.errors.emplace_back(text);
}
template <std::size_t N>
void add_bits(UnitError& e, const std::array<std::string_view, N>& bits, std::uint64_t value) {
    for (std::size_t i = 0; i < N; ++i)
        if ((value >> i) & 1) e.errors.emplace_back(bits[i]);
}

std::string pcu_group(unsigned mcacod) {
    switch (mcacod) {
        case 0x402:
        case 0x403:
            return "Internal errors";
        case 0x406:
            return "Intel TXT errors";
        case 0x407:
            return "Other UBOX Internal errors";
        default:
            return "";
    }
}

}  // namespace

UnitError unit_error(const McaRegisters& r) {
    UnitError e;
    if (!r.bank || !skylake_x(r.cpuid)) return e;
    const std::uint64_t s = r.status;
    switch (*r.bank) {
        case 4:
            e.unit = "PCU";
            e.group = pcu_group(mca::mcacod(s) & mca::MCACOD_MASK);
            add_code(e, kPcu, (s >> 24) & 0xff);
            break;
        case 5:
        case 12:
        case 19: {
            e.unit = "UPI";
            const unsigned code = (s >> 16) & 0x3f;
            add_code(e, kUpi, code);
            if (code == kUpiControlError) add_bits(e, kUpiControl, s >> 22);
            break;
        }
        case 7:
        case 8:
            e.unit = "M2M";
            add_bits(e, kM2m, (s >> 16) & 0xff);
            break;
        case 13:
        case 14:
        case 15:
        case 16:
        case 17:
        case 18:
            e.unit = "MemCtrl";
            if (!((s >> 27) & 1)) {
                add_bits(e, kImc, (s >> 16) & 0x7ff);
            } else if (const unsigned code = (s >> 16) & 0xff; code < kDdrT.size()) {
                e.errors.emplace_back(kDdrT[code]);
            }
            break;
        default:
            break;
    }
    return e;
}

std::string unit_name(unsigned bank, std::uint32_t cpuid) {
    static constexpr std::array kUnits = std::to_array<std::string_view>({"IFU",
                                                                          "DCU",
                                                                          "DTLB",
                                                                          "MLC",
                                                                          "PCU",
                                                                          "UPI 0",
                                                                          "IIO",
                                                                          "M2M 0",
                                                                          "M2M 1",
                                                                          "CHA",
                                                                          "CHA",
                                                                          "CHA",
                                                                          "UPI 1",
                                                                          "iMC 0 channel 0",
                                                                          "iMC 0 channel 1",
                                                                          "iMC 1 channel 0",
                                                                          "iMC 1 channel 1",
                                                                          "iMC 0 channel 2",
                                                                          "iMC 1 channel 2",
                                                                          "UPI 2"});
    if (!skylake_x(cpuid) || bank >= kUnits.size()) return "";
    return std::string(kUnits[bank]);
}

}  // namespace mcemu::output
