#pragma once  // One physical address in every coordinate: pure arithmetic over a scenario.
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/units.hpp"

namespace mcemu {

/// An address text that means nothing in this scenario; the message says what would.
class AddressError : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

/// A place inside one NVDIMM.
struct DimmAddress {
    std::uint32_t way = 0;     ///< position in RegionConfig::nvdimms
    std::uint32_t nvdimm = 0;  ///< index into MachineConfig::nvdimms
    std::uint64_t dpa = 0;
    bool operator==(const DimmAddress&) const = default;
};
/// Uniform interleave decode of an SPA inside the region (nvdimm.md 2.1).
DimmAddress dimm_address(const RegionConfig& region, std::uint64_t spa);
/// Its inverse: the SPA of `dpa` on `way`; nullopt when the region does not use that DPA.
std::optional<std::uint64_t> region_spa(const RegionConfig& region, std::uint32_t way,
                                        std::uint64_t dpa);

/// Where the direct map begins: the scenario's choice, else the profile's for its paging mode.
std::uint64_t page_offset(const Scenario& scenario);
/// Bytes of the direct map: 64 TiB, with 5-level paging 32 PiB (Documentation/x86/x86_64/mm).
std::uint64_t direct_map_size(const Scenario& scenario);
/// Whether the kernel's direct map covers `spa`: RAM, and what memremap_pages() maps for namespaces
/// with struct pages (v4.x rounds that out to sections of 128 MiB).
bool in_direct_map(const Scenario& scenario, std::uint64_t spa);

/// The address in one coordinate.
struct Coordinate {
    enum class Kind : std::uint8_t {
        spa,
        pfn,
        dram,
        region,
        nvdimm,
        memdev,
        region_sector,
        name_space,
        sector,
        device,
        file,
        process,
        kaddr,
        decoy,
    } kind = Kind::spa;
    std::string of;  ///< id of the region, DIMM, device, file or process; map id with a process
    std::uint64_t value = 0;   ///< address, offset or sector
    std::uint64_t offset = 0;  ///< sector: bytes into it
    std::string rule;          ///< the arithmetic applied, with its numbers
    std::string text;          ///< resolve_address() leads back from it; a decoy's to the page
};
std::string_view name(Coordinate::Kind kind);

/// The SPA that `text` names: "0x20cb00000" or "spa:0x20cb00000", "pfn:0x20cb00",
/// "dram:dram0:0x1000", "region:region0:0x1000", "dpa:nmem0:0x1000" (a module or a CXL device), "region-sector:region0:8",
/// "namespace:namespace0.0:0x1000", "sector:pmem0:8", "device:dax0.0:0x1000", "file:f0:0x1000",
/// "va:PROCESS:0x7f...", "kaddr:0xffff...", "decoy:0x7fff...". A sector may be followed by bytes:
/// "sector:pmem0:8+0x40". Throws AddressError.
std::uint64_t resolve_address(const Scenario& scenario, std::string_view text);

/// Every coordinate that applies to `spa`, in a fixed order.
std::vector<Coordinate> coordinates(const Scenario& scenario, std::uint64_t spa);

}  // namespace mcemu
