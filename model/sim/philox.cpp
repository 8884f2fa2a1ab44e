#include "sim/philox.hpp"

#include <Random123/philox.h>

namespace mcemu::sim {

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) {
    const r123::Philox4x32_R<10>::ctr_type c = {{counter[0], counter[1], counter[2], counter[3]}};
    const r123::Philox4x32_R<10>::key_type k = {{key[0], key[1]}};
    const auto block = r123::Philox4x32_R<10>()(c, k);
    return {block[0], block[1], block[2], block[3]};
}

std::uint64_t PhiloxRng::bits(std::uint32_t stream, std::uint64_t draw) const {
    const auto block = philox4x32_10(
        {stream, static_cast<std::uint32_t>(draw), static_cast<std::uint32_t>(draw >> 32), 0},
        {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
    return block[0] | static_cast<std::uint64_t>(block[1]) << 32;
}

}  // namespace mcemu::sim
