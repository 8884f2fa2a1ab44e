#pragma once  // Random numbers as a function of (seed, stream, draw): no state, no order.
#include <cstdint>

namespace mcemu {

/// A counter-based generator. The same seed, stream and draw give the same bits everywhere.
class Rng {
public:
    virtual ~Rng() = default;
    virtual std::uint64_t bits(std::uint32_t stream, std::uint64_t draw) const = 0;
};

}  // namespace mcemu
