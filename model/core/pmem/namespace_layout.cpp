#include "core/pmem/namespace_layout.hpp"

#include <algorithm>
#include <cerrno>

#include "core/pmem/btt_layout.hpp"

namespace mcemu::pmem {
namespace {

constexpr std::uint64_t kMiB = 1ull << 20;
constexpr std::uint64_t kInfoReserve = 8192;  // 4 KiB unused, 4 KiB info block
constexpr std::uint64_t kPageStruct = 64;

}  // namespace

NamespaceLayout namespace_layout(SpaRange range, NamespaceMode mode, bool map_dev,
                                 std::uint64_t align, bool label_v1_1) {
    NamespaceLayout out;
    switch (mode) {
        case NamespaceMode::raw:
            return out;
        case NamespaceMode::sector:
            out.data_offset = label_v1_1 ? kPageSize : 0;
            if (btt_layout(range, out.data_offset).empty()) out.error = -ENXIO;
            return out;
        default:
            break;
    }
    if (range.begin % (2 * kMiB) != 0) {
        out.error = -EINVAL;
        return out;
    }
    const std::uint64_t unit = std::max(align, 2 * kMiB);
    const std::uint64_t pages =
        range.size() < kInfoReserve ? 0 : (range.size() - kInfoReserve) / kPageSize;
    const std::uint64_t need = kInfoReserve + (map_dev ? kPageStruct * pages : 0);
    out.data_offset = round_up(range.begin + need, unit) - range.begin;
    out.end_trunc = range.end - round_down(range.end, unit);
    if (out.data_offset >= range.size() || out.end_trunc >= range.size() - out.data_offset)
        out.error = -ENXIO;
    return out;
}

std::string device_name(NamespaceMode mode, std::uint32_t region, std::uint32_t number) {
    const std::string r = std::to_string(region), dot = '.' + std::to_string(number);
    if (mode == NamespaceMode::devdax) return "dax" + r + dot;
    return "pmem" + r + (number == 0 ? "" : dot) + (mode == NamespaceMode::sector ? "s" : "");
}

std::uint64_t namespace_capacity(const NamespaceConfig& ns) {
    switch (ns.mode) {
        case NamespaceMode::raw:
            return ns.range.size();
        case NamespaceMode::sector:
            return btt_capacity(ns.range, ns.data_offset, ns.sector_size);
        default:
            return ns.data().size();
    }
}

}  // namespace mcemu::pmem
