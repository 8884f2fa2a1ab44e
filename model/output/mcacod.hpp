#pragma once  // IA32_MCi_STATUS in the words of the field's two decoders.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcemu::output {

/// The registers of one error. Defaults: Cascade Lake (family 6 model 0x55 stepping 7).
struct McaRegisters {
    std::uint64_t status = 0;
    std::uint64_t mcgstatus = 0;
    std::uint64_t addr = 0, misc = 0;  ///< meaningful with ADDRV, MISCV
    std::uint64_t mcgcap = 0x0f000c14;
    std::uint32_t cpuid = 0x50657;    ///< CPUID.1.EAX
    std::optional<unsigned> bank;     ///< unknown: nothing is said about the unit
    std::optional<std::uint64_t> cs;  ///< unknown: kernel mode
    unsigned cpu = 0, socket = 0;
    std::uint32_t vendor = 0;  ///< Linux's number: 0 Intel, 2 AMD
};

/// Which form of code MCACOD is (SDM vol. 3B 15.9; mce.md 8.1, 8.2): "cache hierarchy".
std::string_view mcacod_form(std::uint64_t status);

/// What `mcelog --ascii` prints of a record, line by line (mce.md 8.4).
std::vector<std::string> mcelog_lines(const McaRegisters& r);

/// The text columns of rasdaemon's mce_record (mce.md 8.5, mce-inject-format.md 2.1).
struct RasdaemonColumns {
    std::string mcgstatus_msg, mcistatus_msg, mcastatus_msg, error_msg, mc_location, user_action;
};
RasdaemonColumns rasdaemon_columns(const McaRegisters& r);

/// The unit that bank `bank` of a Skylake-SP or Cascade Lake belongs to: "M2M 0"; empty elsewhere.
std::string unit_name(unsigned bank, std::uint32_t cpuid);

}  // namespace mcemu::output
