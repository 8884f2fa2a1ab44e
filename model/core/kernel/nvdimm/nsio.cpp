#include "core/kernel/nvdimm/nsio.hpp"

#include "core/kernel/nvdimm/pmem_driver.hpp"

namespace mcemu::kernel {

bool NamespaceIo::is_bad(const Badblocks& bad, std::uint64_t offset, std::uint64_t size) {
    if (bad.empty()) return false;
    const std::uint64_t bytes = round_up(size + offset % kSectorSize, kSectorSize);
    return bad.check(offset / kSectorSize, bytes / kSectorSize).result != 0;
}

Task<int> NamespaceIo::read(Context& ctx, Badblocks& bad, std::uint64_t offset,
                            std::uint64_t size) {
    if (offset > range_.size() || size > range_.size() - offset) co_return -EFAULT;
    if (is_bad(bad, offset, size)) co_return -EIO;
    const int error = co_await driver_.load_or_fail(ctx, range_.begin + offset, size);
    co_return error;
}

Task<int> NamespaceIo::write(Context& ctx, Badblocks& bad, std::uint64_t offset,
                             std::uint64_t size, bool atomic) {
    if (offset > range_.size() || size > range_.size() - offset) co_return -EFAULT;
    const std::uint64_t spa = range_.begin + offset;
    int error = 0;
    if (is_bad(bad, offset, size)) {
        error = -EIO;
        if (!atomic && offset % kSectorSize == 0 && size % kSectorSize == 0) {
            const std::int64_t cleared = co_await bus_.clear_poison(ctx, spa, size);
            if (cleared >= static_cast<std::int64_t>(size)) error = 0;
            if (cleared >= static_cast<std::int64_t>(kSectorSize))
                bus_.clear_table(bad, id_, offset / kSectorSize,
                                 static_cast<std::uint64_t>(cleared) / kSectorSize);
            co_await driver_.invalidate(ctx, spa, size);
        }
    }
    const int stored = co_await driver_.store_or_oops(ctx, spa, size);
    co_return stored != 0 ? stored : error;
}

}  // namespace mcemu::kernel
