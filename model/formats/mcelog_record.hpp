#pragma once  // A machine check as mcelog prints it, or takes it with --ascii; as Xen prints it.
#include <string_view>

#include "formats/kernel_log.hpp"

namespace mcemu::formats {

enum class McelogLine : std::uint8_t {
    none,   ///< none of mcelog's registers
    begin,  ///< the first line of a record; it is fresh
    part,   ///< registers of the record
    end,    ///< likewise, the last line
};

/// "CPU 0 BANK 7 TSC b98e63765d2", "CPU 0 7", "CPU 7 THERMAL EVENT TSC 1"; then, with `open`,
/// "MISC 1 ADDR 2", "STATUS 9c00004001010090 MCGSTATUS 0", "TIME 1617035952 Tue ...", "MCGCAP c09
/// APICID 7 SOCKETID 0", "PROCESSOR 0:50657", "CPUID Vendor Intel Family 6 Model 85". Numbers are
/// hexadecimal but for CPU, bank, TIME, socket, family and model. A thermal event is one of bank
/// 128, which Linux keeps for it. "(XEN) ... occurred on CPU 1." and "(XEN) Bank 2: STATUS at
/// ADDR". Source: mcelog.c dump_mce(), decodefatal(); mce-inject-format.md 1.6.
McelogLine read_mcelog(std::string_view text, bool open, LoggedMce& r);

}  // namespace mcemu::formats
