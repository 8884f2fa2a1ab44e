#pragma once  // The NVDIMM bus: known bad ranges, the tables made from them, calls to the firmware.
#include <cstdint>
#include <memory>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/nvdimm/badblocks.hpp"
#include "core/kernel/nvdimm/badblocks_filler.hpp"
#include "core/kernel/nvdimm/badrange.hpp"

namespace mcemu::kernel {

/// TraceKind::badblocks_set and _cleared name a table by its region index, or by this plus the
/// namespace index.
inline constexpr std::uint32_t kNamespaceTable = 0x10000;

struct PmemRegion {
    const RegionConfig* config = nullptr;
    Badblocks bad;
    BadblocksFiller filler;
    std::uint64_t filled_at = 0;  ///< NvdimmBus::revalidations() of the last time
};

struct PmemNamespace {
    const NamespaceConfig* config = nullptr;
    std::uint32_t index = 0;
    /// What sector 0 and the last sector of its table are: the data area of an fsdax namespace, the
    /// whole namespace for raw block devices and the metadata accessor of sector mode.
    SpaRange covered;
    bool has_table = false;  ///< device-dax has none of its own
    Badblocks bad;
    BadblocksFiller filler;
    std::unique_ptr<WaitQueue> idle;  ///< who waits for the last user to leave
    unsigned users = 0;
    unsigned open_files = 0;  ///< of its file system, by calls that are going on
    bool enabled = true;

    bool is_bad(std::uint64_t sector, std::uint64_t bytes) const {
        return !bad.empty() && bad.check(sector, bytes / kSectorSize).result != 0;
    }
};

/// Source: drivers/nvdimm/{bus,badrange,region_devs}.c, drivers/acpi/nfit/core.c; nvdimm.md 6.3,
/// 6.5, 11; kernel.md 5.5, 5.6.
class NvdimmBus {
public:
    explicit NvdimmBus(Kernel& kernel);

    std::vector<PmemRegion>& regions() { return regions_; }
    std::vector<PmemNamespace>& namespaces() { return namespaces_; }
    const std::vector<PmemRegion>& regions() const { return regions_; }
    const std::vector<PmemNamespace>& namespaces() const { return namespaces_; }
    const Badranges& ranges() const { return ranges_; }
    /// Index of the region that holds `spa`, or -1.
    int region_at(std::uint64_t spa) const;

    /// nvdimm_bus_add_badrange().
    void add_badrange(std::uint64_t spa, std::uint64_t length);
    /// nvdimm_region_notify(NVDIMM_REVALIDATE_POISON): the region's table, then those of its
    /// namespaces, take in what the list holds. Rows are only ever added.
    void revalidate_poison(std::uint32_t region);
    /// How often that was.
    std::uint64_t revalidations() const { return revalidations_; }
    /// nvdimm_clear_poison(): bytes cleared, or a negative errno.
    Task<std::int64_t> clear_poison(Context& ctx, std::uint64_t spa, std::uint64_t length);
    /// nvdimm_account_cleared_poison(): the list and the regions' tables forget what was cleared.
    void account_cleared(std::uint64_t spa, std::uint64_t cleared);
    /// Takes sectors out of a namespace's table and signals its attribute.
    void clear_badblocks(PmemNamespace& ns, std::uint64_t sector, std::uint64_t sectors);

    /// A firmware call of the kernel; the time it takes is spent.
    Task<DsmReply> call(Context& ctx, DsmRequest request);
    /// False: a legacy range without a firmware interface, whose clears are only pretended.
    bool has_firmware() const { return env_.config.nfit; }

private:
    void populate(Badblocks& table, BadblocksFiller& filler, std::uint32_t id, SpaRange resource);

    Env& env_;
    std::vector<PmemRegion> regions_;
    std::vector<PmemNamespace> namespaces_;
    Badranges ranges_;
    std::uint64_t revalidations_ = 0;
};

}  // namespace mcemu::kernel
