#pragma once  // What NVDIMMs and CXL memory devices keep while the machine is off.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/pmem/contents.hpp"
#include "core/pmem/poison_list.hpp"

namespace mcemu::pmem {

/// Health data that a module stores (nvdimm.md 9), with what Inject SMART overrides.
struct SmartImage {
    std::uint8_t health = 0, spares = 100, life_used = 0, alarm_flags = 0;
    std::uint16_t temperature = 0, controller_temperature = 0;  ///< 1/16 degree Celsius
    std::uint32_t shutdown_count = 0;                           ///< dirty ones
    bool dirty_shutdown = false;  ///< the machine went off before everything reached the media
    std::optional<std::uint8_t> injected_spares{};
    std::optional<std::uint16_t> injected_temperature{};
    bool injected_fatal = false;
    SmartThresholds thresholds{};
    bool operator==(const SmartImage&) const = default;
};

struct ModuleImage {
    std::vector<PoisonRun> poison;  ///< rising; of no event's origin
    std::vector<DpaRange> stuck;    ///< units that cannot be healed
    SmartImage smart;
    std::uint8_t map_flags = 0;     ///< MemoryMapFlags that the next boot finds, of this power loss
    /// Lines whose last writes did not reach the media. For the contents of this image only.
    std::vector<DpaRange> lost{};
    bool operator==(const ModuleImage&) const = default;
};

/// Map and log of one BTT arena where they differ from those of a BTT made anew.
struct BttImage {
    struct Entry {
        std::uint32_t place = 0;  ///< external block, or lane
        std::uint32_t block = 0;  ///< internal block
        bool error = false;       ///< E of the map entry, or of the lane's log entry
        bool zero = false;        ///< Z of the map entry: reads as zeros
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> map, free;  ///< rising by place
    std::vector<std::uint32_t> spoilt_log{};  ///< lanes, rising, whose log was written over
    bool spoilt_map = false;  ///< it was written over: blocks may have two owners, or none
    bool operator==(const BttImage&) const = default;
};

}  // namespace mcemu::pmem

namespace mcemu::cxl {

/// What a CXL memory device keeps: the media errors of its persistent partition with what its list
/// says of them, and lines of either partition that nothing heals. Memory of the volatile
/// partition is written anew at boot, which heals the rest of it; that the list overflowed is
/// forgotten by the reset.
struct MemdevImage {
    std::vector<pmem::PoisonRun> poison;  ///< rising; of no event's origin
    std::vector<DpaRange> stuck;          ///< rising
    bool operator==(const MemdevImage&) const = default;
};

}  // namespace mcemu::cxl

namespace mcemu {

/// Everything that lasts, and the machine that it belongs to. Not in it, because a reset forgets
/// it: the state and results of scrubs, and all that the kernel knows (bad ranges, badblocks,
/// page flags, counters, disabled namespaces). The kernel finds the poison again by scrubbing.
/// Source: nvdimm.md 4, 6.8, 7.1, 9.4, 10, 12.6, 17.10.
struct NvdimmImage {
    std::vector<NvdimmConfig> nvdimms;
    std::vector<RegionConfig> regions;
    std::vector<NamespaceConfig> namespaces;
    std::vector<pmem::ModuleImage> modules;  ///< by NVDIMM
    std::vector<std::vector<pmem::BttImage>>
        btts;  ///< by namespace, then arena; empty unless sector mode
    std::vector<bool> force_raw{};  ///< by namespace: used as raw, whatever it is made as
    /// What the modules hold, by SPA; nothing: nobody followed it.
    std::optional<std::vector<pmem::Contents::Saved>> contents{};
    /// By region: its modules have changed places since, and their labels are of another set.
    std::vector<bool> foreign_labels{};
    std::vector<std::string> patterns{};  ///< names of contents, by their number in it
    std::vector<MemdevConfig> memdevs{};
    /// By CXL memory device; nothing: the image says nothing of them.
    std::optional<std::vector<cxl::MemdevImage>> memdev_images{};
};

}  // namespace mcemu
