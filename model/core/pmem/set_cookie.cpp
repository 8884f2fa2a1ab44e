#include "core/pmem/set_cookie.hpp"

#include <vector>

namespace mcemu::pmem {
namespace {

constexpr std::size_t kReserved = 31;  // bytes behind a record of version 1.2

void put(std::vector<std::uint8_t>& bytes, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// nd_fletcher64() over little-endian words.
std::uint64_t fletcher64(const std::vector<std::uint8_t>& bytes) {
    std::uint32_t low = 0;
    std::uint64_t high = 0;
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
        std::uint32_t word = 0;
        for (std::size_t b = 0; b < 4; ++b) word |= std::uint32_t{bytes[i + b]} << (8 * b);
        low += word;
        high += low;
    }
    return high << 32 | low;
}

}  // namespace

std::uint64_t set_cookie(const MachineConfig& machine, const RegionConfig& region,
                         bool version_1_1) {
    std::vector<std::uint8_t> records;
    for (std::size_t way = 0; way < region.nvdimms.size(); ++way) {
        const NvdimmConfig& module = machine.nvdimms[region.nvdimms[way]];
        const std::uint64_t first =
            region.interleave_table.empty() ? way : region.interleave_table[way][0];
        put(records, first * region.interleave, 8);
        put(records, module.serial, 4);
        if (version_1_1) {
            put(records, 0, 4);
            continue;
        }
        put(records, module.vendor, 2);
        put(records, module.manufacturing_date, 2);
        put(records, module.manufacturing_location, 1);
        records.resize(records.size() + kReserved);
    }
    return fletcher64(records);
}

}  // namespace mcemu::pmem
