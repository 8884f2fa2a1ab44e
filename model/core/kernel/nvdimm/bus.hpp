#pragma once  // The NVDIMM bus: known bad ranges, the tables made from them, calls to the firmware.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/nvdimm/badblocks.hpp"
#include "core/kernel/nvdimm/badblocks_filler.hpp"
#include "core/kernel/nvdimm/badrange.hpp"
#include "core/pmem/contents.hpp"

namespace mcemu::kernel {

/// TraceKind::badblocks_set and _cleared name a table by its region index, or by this plus the
/// namespace index.
inline constexpr std::uint32_t kNamespaceTable = 0x10000;

struct PmemRegion {
    const RegionConfig* config = nullptr;
    Badblocks bad;
    BadblocksFiller filler{};
    std::uint64_t filled_at = 0;  ///< NvdimmBus::revalidations() of the last time
    bool enabled = true;
    bool read_only = false;  ///< the `read_only` attribute: block devices on it refuse writes
};

/// A module as its driver sees it.
struct Dimm {
    const NvdimmConfig* config = nullptr;
    bool enabled = true;
    bool locked = false;  ///< its label area answers "access denied"
    std::map<std::string, int> failing;  ///< commands that are made to fail, with their errno
    bool label_spoilt = false;           ///< its label area holds no valid index
    // What the driver learnt when the NFIT was registered (nvdimm.md 1.4, 9.4).
    std::uint8_t map_flags = 0;          ///< MemoryMapFlags
    bool dirty = false;                  ///< the last shutdown was a dirty one
    std::uint32_t dirty_shutdowns = 0;
};

/// A firmware call that the kernel made, other than asking for capabilities or status.
struct FirmwareCall {
    SimTime at{};
    std::uint32_t origin = 0;  ///< scenario event, 1-based; 0: none
    DsmRequest request;
    std::uint32_t status = 0;
    std::uint64_t cleared = 0;
};

struct PmemNamespace {
    const NamespaceConfig* config = nullptr;  ///< as it is used now
    /// As its info block makes it; `force_raw` uses it as raw all the same.
    NamespaceConfig made;
    bool force_raw = false;
    bool labels_lost = false;  ///< of one module at least: the region's next enabling misses it
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
    std::uint64_t filled_at = 0;  ///< NvdimmBus::revalidations() of the last time

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
    /// The namespace's own table alone, as when it is enabled (nvdimm.md 11.3).
    void fill(PmemNamespace& ns);
    /// How often that was.
    std::uint64_t revalidations() const { return revalidations_; }
    /// nvdimm_clear_poison(): bytes cleared, or a negative errno.
    Task<std::int64_t> clear_poison(Context& ctx, std::uint64_t spa, std::uint64_t length);
    /// nvdimm_account_cleared_poison(): the list and the regions' tables forget what was cleared.
    void account_cleared(std::uint64_t spa, std::uint64_t cleared);
    /// Takes sectors out of a table and signals its attribute.
    void clear_table(Badblocks& table, std::uint32_t id, std::uint64_t sector,
                     std::uint64_t sectors);
    /// Takes sectors out of a namespace's table and signals its attribute.
    void clear_badblocks(PmemNamespace& ns, std::uint64_t sector, std::uint64_t sectors);

    /// A firmware call of the kernel; the time it takes is spent.
    Task<DsmReply> call(Context& ctx, DsmRequest request);
    /// False: a legacy range without a firmware interface, whose clears are only pretended.
    bool has_firmware() const { return env_.config.nfit; }

    /// What is on the modules, as far as somebody wrote it on purpose.
    pmem::Contents& media() { return media_; }
    const pmem::Contents& media() const { return media_; }
    /// Whether anybody asks what memory holds; else contents are not followed.
    bool tracks_contents() const { return tracks_contents_; }
    /// Contents that lasted over a reboot: they are followed, and nothing else is there.
    void start_from(pmem::Contents contents) {
        media_ = std::move(contents);
        tracks_contents_ = true;
    }
    std::vector<Dimm>& dimms() { return dimms_; }
    const std::vector<Dimm>& dimms() const { return dimms_; }
    /// Calls so far, in order.
    const std::vector<FirmwareCall>& calls() const { return calls_; }
    /// The personality's table: what it covers, empty, then filled from the list.
    void attach(PmemNamespace& ns);
    void populate(Badblocks& table, BadblocksFiller& filler, std::uint32_t id, SpaRange resource);
    /// Told of what a clear left zeros in, beside media().
    std::function<void(SpaRange)> on_zeroed{};
    /// A table of its own over `resource`, filled from the list.
    Badblocks table_over(SpaRange resource) const;
    /// A namespace's own table, and the region's, begin anew with nothing in them.
    Badblocks fresh_table() const { return Badblocks(env_.config.badblocks); }

private:
    std::string device_of(std::uint32_t table) const;

    Env& env_;
    pmem::Contents media_;
    bool tracks_contents_ = false;
    std::vector<Dimm> dimms_;
    std::vector<FirmwareCall> calls_;
    std::vector<PmemRegion> regions_;
    std::vector<PmemNamespace> namespaces_;
    Badranges ranges_;
    std::uint64_t revalidations_ = 0;
    bool told_full_ = false;  // dev_info_once() of set_badblock()
};

}  // namespace mcemu::kernel
