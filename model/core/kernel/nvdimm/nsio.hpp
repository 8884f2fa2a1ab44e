#pragma once  // The metadata accessor of a namespace: info blocks, page structs, the BTT.
#include <cstdint>

#include "core/kernel/nvdimm/bus.hpp"

namespace mcemu::kernel {

class PmemDriver;

/// nsio_rw_bytes() over a whole namespace with a table of its own (drivers/nvdimm/claim.c;
/// nvdimm.md 12.3). Offsets count from the namespace's start.
class NamespaceIo {
public:
    NamespaceIo(PmemDriver& driver, NvdimmBus& bus, SpaRange range, std::uint32_t id)
        : driver_(driver), bus_(bus), range_(range), id_(id) {}

    /// 0, -EIO, -EFAULT (out of range) or kTaskDied.
    Task<int> read(Context& ctx, Badblocks& bad, std::uint64_t offset, std::uint64_t size);
    /// Where it may not clear, or the clear falls short, it still writes the data.
    Task<int> write(Context& ctx, Badblocks& bad, std::uint64_t offset, std::uint64_t size,
                    bool atomic);
    static bool is_bad(const Badblocks& bad, std::uint64_t offset, std::uint64_t size);

private:
    PmemDriver& driver_;
    NvdimmBus& bus_;
    SpaRange range_;
    std::uint32_t id_;  // of the table, for the trace
};

}  // namespace mcemu::kernel
