#pragma once  // The generator of a run: Philox4x32-10, a function of (seed, stream, draw).
#include <array>
#include <cstdint>

#include "core/rng.hpp"

namespace mcemu::sim {

/// One block of Philox4x32 with ten rounds.
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Random123).
std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key);

/// Key: the seed, low word first. Counter: stream, draw low, draw high, 0. Result: the first two
/// words of the block, low word first.
class PhiloxRng final : public Rng {
public:
    explicit PhiloxRng(std::uint64_t seed) : seed_(seed) {}
    std::uint64_t bits(std::uint32_t stream, std::uint64_t draw) const override;

private:
    std::uint64_t seed_;
};

}  // namespace mcemu::sim
