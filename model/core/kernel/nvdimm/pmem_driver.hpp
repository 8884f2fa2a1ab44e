#pragma once  // The pmem driver: block I/O, poison clearing, DAX reads and writes.
#include <cstdint>
#include <string_view>

#include "core/kernel/nvdimm/bus.hpp"

namespace mcemu::kernel {

/// Source: drivers/nvdimm/pmem.c, fs/dax.c; kernel.md 5.4, 5.5, 5.7; nvdimm.md 12.1, 12.2, 12.4.
class PmemDriver {
public:
    PmemDriver(Kernel& kernel, NvdimmBus& bus) : kernel_(kernel), bus_(bus) {}

    /// A request to a raw or fsdax block device: 0, -EIO, -EOPNOTSUPP (discard) or kTaskDied.
    Task<int> submit_bio(Context& ctx, BioEvent bio);
    /// dax_iomap_rw() over [position, position + size) of a file whose blocks `file` names.
    Task<std::int64_t> dax_rw(Context& ctx, const FileConfig& file, bool write,
                              std::uint64_t position, std::uint64_t size);

    /// A copy out of persistent memory by the driver: 0, -EIO or kTaskDied.
    Task<int> load_or_fail(Context& ctx, std::uint64_t spa, std::uint64_t size);
    /// A copy into it: 0 or kTaskDied.
    Task<int> store_or_oops(Context& ctx, std::uint64_t spa, std::uint64_t size);
    /// arch_invalidate_pmem(): a stale poisoned line must not be written back over healed media.
    Task<void> invalidate(Context& ctx, std::uint64_t spa, std::uint64_t size);

private:
    /// How far a copy came, and why not to its end.
    struct Copy {
        std::uint64_t done = 0;
        enum class Stop : std::uint8_t { none, poison, fault } stop = Stop::none;
        std::uint64_t fault_va = 0;
    };
    /// A piece of a file that lies together in persistent memory, or a hole.
    struct Extent {
        bool hole = false;
        std::uint64_t spa = 0, length = 0;
    };

    Task<int> read_segment(Context& ctx, PmemNamespace& ns, std::uint64_t sector, std::uint64_t size);
    Task<int> write_segment(Context& ctx, PmemNamespace& ns, std::uint64_t sector,
                            std::uint64_t size);
    /// pmem_clear_poison(): 0 or -EIO.
    Task<int> clear_poison(Context& ctx, PmemNamespace& ns, std::uint64_t sector, std::uint64_t size);
    Task<std::int64_t> clear_pages(Context& ctx, PmemNamespace& ns, std::uint64_t spa,
                                   std::uint64_t size);
    Task<void> make_pages_present(Context& ctx, PmemNamespace& ns, std::uint64_t spa,
                                  std::uint64_t cleared);

    Task<Copy> load(Context& ctx, std::uint64_t spa, std::uint64_t size, std::uint64_t ip);
    Task<Copy> store(Context& ctx, std::uint64_t spa, std::uint64_t size);

    static Extent map_blocks(const FileConfig& file, SpaRange data, std::uint64_t position,
                             std::uint64_t size);
    /// dax_iomap_actor(), dax_iomap_iter(): bytes done, or a negative errno when none were.
    Task<std::int64_t> dax_extent(Context& ctx, PmemNamespace& ns, bool write, std::uint64_t spa,
                                  std::uint64_t size);
    Task<std::uint64_t> recovery_write(Context& ctx, PmemNamespace& ns, std::uint64_t spa,
                                       std::uint64_t bytes, std::uint64_t offered);
    /// pmem_direct_access(): pages, or -EIO.
    std::int64_t direct_access(const PmemNamespace& ns, std::uint64_t spa, std::uint64_t pages,
                               bool recovery) const;

    Kernel& kernel_;
    NvdimmBus& bus_;
};

}  // namespace mcemu::kernel
