#pragma once  // One bank's registers as a finished run shows them.
#include <cstdint>

#include "core/units.hpp"

namespace mcemu {

struct BankSnapshot {
    CpuId cpu = 0;
    std::uint32_t bank = 0;
    std::uint64_t status = 0, addr = 0, misc = 0;
};

}  // namespace mcemu
