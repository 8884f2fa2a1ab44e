#pragma once  // The media-error commands of a CXL memory device's mailbox, as driver and device
              // agree.
#include <cstdint>
#include <vector>

#include "core/units.hpp"

namespace mcemu::cxl {

/// Return codes of the device mailbox (CXL 3.0, 8.2.8.4.5.1); those that these commands give.
enum class ReturnCode : std::uint16_t {
    success = 0x0,
    invalid_input = 0x2,
    busy = 0x6,
    media_disabled = 0x7,
    invalid_physical_address = 0xf,
    inject_poison_limit = 0x10,
    permanent_media_failure = 0x11,
};

/// Who made a media error: bits 2:0 of a record's address (CXL 3.0, 8.2.9.8.4.1).
enum class PoisonSource : std::uint8_t { unknown, external, internal, injected, vendor = 7 };

/// Media Error Record, 16 bytes on the wire.
struct MediaErrorRecord {
    std::uint64_t address = 0;  ///< bits 63:6 of the DPA; bits 2:0 say the source
    std::uint32_t length = 0;   ///< in units of 64 B

    bool operator==(const MediaErrorRecord&) const = default;
    std::uint64_t dpa() const { return address / kLineSize * kLineSize; }
    std::uint64_t bytes() const { return std::uint64_t{length} * kLineSize; }
    PoisonSource source() const { return static_cast<PoisonSource>(address & 7); }
};

/// Output flags of Get Poison List.
inline constexpr std::uint8_t kMoreRecords = 1 << 0, kListOverflow = 1 << 1,
                              kScanInProgress = 1 << 2;
/// And of Get Scan Media Results, beside kMoreRecords: the scan ended where its results were full.
inline constexpr std::uint8_t kScanStopped = 1 << 1;

struct PoisonListReply {
    ReturnCode code = ReturnCode::success;
    std::uint8_t flags = 0;
    std::uint64_t overflow_ns = 0;  ///< when the list overflowed; 0: it has not
    std::vector<MediaErrorRecord> records;
};

struct ScanMediaReply {
    ReturnCode code = ReturnCode::success;
    std::uint8_t flags = 0;
    DpaRange restart{};  ///< kScanStopped: what is left to scan
    std::vector<MediaErrorRecord> records;
};

/// Identify Memory Device (0x4000): what the driver keeps of it.
struct Identity {
    std::uint64_t volatile_bytes = 0;    ///< the partition that starts at DPA 0
    std::uint64_t persistent_bytes = 0;  ///< the partition behind it
    std::uint32_t poison_list_max = 0;   ///< records, 24 bits
    std::uint16_t inject_limit = 0;      ///< records of source "injected"

    std::uint64_t capacity() const { return volatile_bytes + persistent_bytes; }
};

/// Commands at the time they are carried out; the caller spends the time that they take.
class Mailbox {
public:
    virtual ~Mailbox() = default;
    virtual Identity identify() const = 0;
    /// Get Poison List (0x4300). Asking again for the same range after an answer with
    /// kMoreRecords continues behind it.
    virtual PoisonListReply get_poison_list(DpaRange range) = 0;
    /// Inject Poison (0x4301), one line.
    virtual ReturnCode inject_poison(std::uint64_t dpa, SimTime now) = 0;
    /// Clear Poison (0x4302): writes one line and heals it. The 64 B of data are not modelled.
    virtual ReturnCode clear_poison(std::uint64_t dpa) = 0;
    /// Scan Media (0x4304): the device looks for poison in the background. `busy` while it does.
    virtual ReturnCode scan_media(DpaRange range, SimTime now) = 0;
    /// Get Scan Media Results (0x4305). Asking again after kMoreRecords continues.
    virtual ScanMediaReply get_scan_media_results(SimTime now) = 0;
};

}  // namespace mcemu::cxl
