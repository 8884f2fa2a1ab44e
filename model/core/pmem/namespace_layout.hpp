#pragma once  // How a namespace is laid out, and what its device is called (nvdimm.md 3.1, 3.2).
#include <cstdint>
#include <string>

#include "core/config.hpp"

namespace mcemu::pmem {

/// Where the data of a namespace lie. `error`: 0 or a negative errno.
struct NamespaceLayout {
    std::uint64_t data_offset = 0, end_trunc = 0;
    int error = 0;
};

/// fsdax and devdax: behind the info block and, with map=dev, the page structs, aligned to at
/// least 2 MiB. raw: all of it. sector: the offset of the first arena, 4 KiB in the layout of
/// version 1.1 labels.
NamespaceLayout namespace_layout(SpaRange range, NamespaceMode mode, bool map_dev,
                                 std::uint64_t align, bool label_v1_1 = false);
/// "dax0.0", "pmem0", "pmem0.1", "pmem0s".
std::string device_name(NamespaceMode mode, std::uint32_t region, std::uint32_t number);
/// Bytes that its device offers.
std::uint64_t namespace_capacity(const NamespaceConfig& ns);

}  // namespace mcemu::pmem
