// read(2) and write(2) of DAX files: fs/dax.c dax_iomap_rw() and below (kernel.md 5.7).
#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/nvdimm/pmem_driver.hpp"

namespace mcemu::kernel {

Task<std::int64_t> PmemDriver::dax_rw(Context& ctx, const FileConfig& file, bool write,
                                      std::uint64_t position, std::uint64_t size) {
    PmemNamespace& ns = bus_.namespaces()[static_cast<std::size_t>(file.on)];
    std::uint64_t done = 0;
    std::int64_t error = 0;
    while (done < size) {
        // The file system looks its blocks up under a lock that may sleep: a worker that a machine
        // check has made runnable gets its turn here, before a retry.
        co_await kernel_.workqueue.might_sleep(ctx);
        const Extent extent = map_blocks(file, ns.covered, position + done, size - done);
        if (extent.hole) {
            done += extent.length;  // reads as zeros; a write gets fresh blocks
            continue;
        }
        const std::int64_t part = co_await dax_extent(ctx, ns, write, extent.spa, extent.length);
        if (part <= 0) {
            error = part;
            break;
        }
        done += static_cast<std::uint64_t>(part);
    }
    co_return done != 0 ? static_cast<std::int64_t>(done) : error;
}

PmemDriver::Extent PmemDriver::map_blocks(const FileConfig& file, SpaRange data,
                                          std::uint64_t position, std::uint64_t size) {
    std::uint64_t next = position + size;  // where the hole ends, if it is one
    for (const FileExtent& e : file.extents) {
        if (position >= e.offset && position - e.offset < e.size) {
            const std::uint64_t inside = position - e.offset;
            return {false, data.begin + e.pmem + inside, std::min(size, e.size - inside)};
        }
        if (e.offset > position) next = std::min(next, e.offset);
    }
    return {true, 0, next - position};
}

std::int64_t PmemDriver::direct_access(const PmemNamespace& ns, std::uint64_t spa,
                                       std::uint64_t pages, bool recovery) const {
    if (ns.bad.empty()) return static_cast<std::int64_t>(pages);
    const std::uint64_t sector = (spa - ns.covered.begin) / kSectorSize;
    const Badblocks::Finding found =
        ns.bad.check(sector, (pages << kPageShift) / kSectorSize);
    if (found.result == 0) return static_cast<std::int64_t>(pages);
    if (!recovery) return -EIO;
    // Up to the first bad sector, at least one page. The row is not cut to the range: when it
    // begins before `sector` the difference wraps, and the caller works with what comes out.
    const std::uint64_t good = round_up((found.first_bad - sector) * kSectorSize, kPageSize);
    return good != 0 ? static_cast<std::int64_t>(good >> kPageShift) : 1;
}

Task<std::int64_t> PmemDriver::dax_extent(Context& ctx, PmemNamespace& ns, bool write,
                                          std::uint64_t spa, std::uint64_t size) {
    const std::uint64_t end = spa + size;
    std::uint64_t at = spa;
    std::int64_t error = 0;
    while (at < end) {
        const std::uint64_t offset = at % kPageSize;
        const std::uint64_t pages = round_up(end - at + offset, kPageSize) >> kPageShift;
        bool recovery = false;
        std::int64_t access = direct_access(ns, at - offset, pages, false);
        if (access == -EIO && write && kernel_.env.profile.dax_recovery_write) {
            access = direct_access(ns, at - offset, pages, true);
            recovery = access > 0;
        }
        if (access < 0) {
            error = access;
            break;
        }
        // Signed, as in the kernel: a wrapped page count becomes a negative length here.
        const std::int64_t usable = static_cast<std::int64_t>(
            (static_cast<std::uint64_t>(access) << kPageShift) - offset);
        const std::int64_t length = std::min(usable, static_cast<std::int64_t>(end - at));
        std::uint64_t copied = 0;
        if (recovery) {
            copied = co_await recovery_write(ctx, ns, at, static_cast<std::uint64_t>(length),
                                             end - at);
        } else if (write) {
            const Copy copy = co_await store(ctx, at, static_cast<std::uint64_t>(length));
            copied = copy.done;
        } else {
            // The copy to user memory always survives a machine check, whatever `mcsafe` says.
            const Copy copy =
                co_await load(ctx, at, static_cast<std::uint64_t>(length), kIpCopyMcSafe);
            copied = copy.done;
        }
        at += copied;
        if (copied == 0) error = -EFAULT;
        if (copied < static_cast<std::uint64_t>(length)) break;
    }
    co_return at != spa ? static_cast<std::int64_t>(at - spa) : error;
}

// pmem_recovery_write(): `bytes` as computed by the caller, `offered` what is really there to copy.
Task<std::uint64_t> PmemDriver::recovery_write(Context& ctx, PmemNamespace& ns, std::uint64_t spa,
                                               std::uint64_t bytes, std::uint64_t offered) {
    const std::uint64_t offset = spa % kPageSize;
    const std::uint64_t sector = (spa - offset - ns.covered.begin) / kSectorSize;
    const std::uint64_t length = round_up(offset + bytes, kPageSize);
    const auto narrow = static_cast<std::uint32_t>(length);  // an unsigned int on the way down
    if (!ns.is_bad(sector, narrow)) {
        const Copy copy = co_await store(ctx, spa, std::min(bytes, offered));
        co_return copy.done;
    }
    if (offset != 0 || bytes % kPageSize != 0) co_return 0;
    const std::int64_t cleared = co_await clear_pages(ctx, ns, spa, narrow);
    if (cleared < 0 || static_cast<std::uint64_t>(cleared) < length) co_return 0;
    const Copy copy = co_await store(ctx, spa, std::min(bytes, offered));
    bus_.clear_badblocks(ns, sector, static_cast<std::uint64_t>(cleared) / kSectorSize);
    co_return copy.done;
}

}  // namespace mcemu::kernel
