#include "sim/philox.hpp"

#include <catch2/catch.hpp>
#include <set>

using mcemu::sim::philox4x32_10;
using mcemu::sim::PhiloxRng;
using Block = std::array<std::uint32_t, 4>;

// Source of the blocks: kat_vectors of Random123, "philox4x32 10".
TEST_CASE("Philox4x32-10 gives the published blocks", "[sim][philox]") {
    CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
          Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
          Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a draw is the first two words of the block of stream and draw under the seed",
          "[sim][philox]") {
    CHECK(PhiloxRng(0).bits(0, 0) == 0xe169c58d6627e8d5);

    const Block block = philox4x32_10({7, 0x9abcdef0, 0x12345678, 0}, {0x89abcdef, 0x01234567});
    CHECK(PhiloxRng(0x0123456789abcdef).bits(7, 0x123456789abcdef0) ==
          (block[0] | std::uint64_t{block[1]} << 32));
}

TEST_CASE("seeds, streams and draws are all told apart", "[sim][philox]") {
    std::set<std::uint64_t> seen;
    for (std::uint64_t seed = 0; seed < 4; ++seed)
        for (std::uint32_t stream = 0; stream < 16; ++stream)
            for (std::uint64_t draw = 0; draw < 16; ++draw)
                seen.insert(PhiloxRng(seed).bits(stream, draw));
    CHECK(seen.size() == 4 * 16 * 16);
}
