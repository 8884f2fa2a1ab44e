// Source: nvdimm.md 3.1, 6.5 (cleared memory reads as zeros).
#include "core/pmem/contents.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

using namespace mcemu;
using namespace mcemu::pmem;

namespace {

DataSpec fill(std::uint8_t byte) {
    return {DataSpec::Kind::fill, byte * 0x01010101u};
}
constexpr DataSpec kSalt{DataSpec::Kind::pattern, 3}, kPepper{DataSpec::Kind::pattern, 4};
std::string_view what(const Contents& c, std::uint64_t begin, std::uint64_t end) {
    return c.describe({begin, end}).what;
}

}  // namespace

TEST_CASE("memory that nobody wrote holds zeros", "[core][pmem]") {
    const Contents c;
    CHECK(what(c, 0x1000, 0x2000) == "zero");
    CHECK(c.holds({0x1000, 0x2000}, fill(0)));
    CHECK(!c.holds({0x1000, 0x2000}, fill(1)));
}

TEST_CASE("a write splits what stood there and joins its like", "[core][pmem]") {
    Contents c;
    c.write({0x1000, 0x4000}, fill(0xa5));
    c.write({0x2000, 0x3000}, fill(7));
    CHECK(what(c, 0x1000, 0x2000) == "fill");
    CHECK(what(c, 0x1000, 0x3000) == "mixed");
    CHECK(c.describe({0x2000, 0x3000}).word == 0x07070707);
    c.write({0x2000, 0x3000}, fill(0xa5));
    CHECK(what(c, 0x1000, 0x4000) == "fill");
    CHECK(what(c, 0x0fff, 0x4000) == "mixed");
    CHECK(what(c, 0x1000, 0x4001) == "mixed");
    c.zero({0x1000, 0x4000});
    CHECK(what(c, 0, 0x10000) == "zero");
}

TEST_CASE("a pattern is the same only from where it was written", "[core][pmem]") {
    Contents c;
    c.write({0x1000, 0x5000}, kSalt);
    CHECK(c.holds({0x1000, 0x5000}, kSalt));
    CHECK(!c.holds({0x2000, 0x5000}, kSalt));
    CHECK(c.holds({0x2000, 0x5000}, kSalt, 0x1000));
    CHECK(!c.holds({0x1000, 0x5000}, kPepper));
    CHECK(!c.holds({0x1000, 0x6000}, kSalt));
    CHECK(c.describe({0x1000, 0x5000}).pattern == 3u);
}

TEST_CASE("a write without contents leaves them unknown", "[core][pmem]") {
    Contents c;
    c.write({0x1000, 0x2000}, DataSpec{});
    CHECK(what(c, 0x1000, 0x2000) == "unknown");
    CHECK(!c.holds({0x1000, 0x2000}, DataSpec{}));
}

TEST_CASE("an info block counts only while all of it stands", "[core][pmem]") {
    Contents c;
    InfoBlock block;
    block.dataoff = 0x200000;
    c.write_info(0x1000, block);
    REQUIRE(c.info_at(0x1000) != nullptr);
    CHECK(*c.info_at(0x1000) == block);
    CHECK(c.info_at(0x1200) == nullptr);
    c.write({0x1200, 0x1400}, fill(0));
    CHECK(c.info_at(0x1000) == nullptr);
    c.write_info(0x1000, block);
    CHECK(c.info_at(0x1000) != nullptr);
}

TEST_CASE("a power failure takes back what only caches held", "[core][pmem]") {
    Contents c;
    c.write({0x1000, 0x1080}, fill(1));
    c.write_cached({0x1040, 0x10c0}, Contents::fill_of(fill(2), 0x1040));
    CHECK(c.holds({0x1040, 0x10c0}, fill(2)));
    c.write_cached({0x1040, 0x1060}, Contents::fill_of(fill(3), 0x1040));
    c.lose_cached();
    CHECK(c.holds({0x1000, 0x1080}, fill(1)));
    CHECK(what(c, 0x1080, 0x2000) == "zero");
    c.lose_cached();  // nothing more to lose
    CHECK(c.holds({0x1000, 0x1080}, fill(1)));
}

TEST_CASE("what was flushed, or written past the caches, stays", "[core][pmem]") {
    Contents c;
    c.write_cached({0x1000, 0x1100}, Contents::fill_of(fill(2), 0x1000));
    c.flush({0x1000, 0x1040});
    c.write({0x1080, 0x10c0}, fill(4));
    c.lose_cached();
    CHECK(c.holds({0x1000, 0x1040}, fill(2)));
    CHECK(what(c, 0x1040, 0x1080) == "zero");
    CHECK(c.holds({0x1080, 0x10c0}, fill(4)));
    CHECK(what(c, 0x10c0, 0x1100) == "zero");
}

TEST_CASE("contents come back as they were saved", "[core][pmem]") {
    Contents c;
    InfoBlock block;
    block.dataoff = 2 << 20;
    block.align = 2 << 20;
    c.write_info(0x1000, block);
    c.write({0x3000, 0x4000}, kSalt);
    c.write({0x3800, 0x3a00}, fill(7));
    c.write({0x5000, 0x5040}, DataSpec{});
    Contents d;
    d.write({0x9000, 0xa000}, fill(1));  // forgotten
    d.restore(c.save());
    CHECK(d.save() == c.save());
    REQUIRE(d.info_at(0x1000));
    CHECK(*d.info_at(0x1000) == block);
    CHECK(d.holds({0x3a00, 0x4000}, kSalt, 0x3000));
    CHECK(what(d, 0x5000, 0x5040) == "unknown");
    CHECK(what(d, 0x9000, 0xa000) == "zero");
    d.write({0x1000, 0x1200}, fill(0));
    d.restore(d.save());
    CHECK(d.info_at(0x1000) == nullptr);
}

TEST_CASE("random stores, flushes and power failures end as bytes do", "[core][pmem]") {
    // Reference: an array of bytes that is visible, and one that lasts.
    constexpr std::uint64_t kBytes = 4096, kUnit = 64;
    Contents c;
    std::vector<std::uint8_t> seen(kBytes / kUnit), lasting(kBytes / kUnit);
    std::uint64_t random = 12345;
    const auto draw = [&](std::uint64_t limit) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        return (random >> 33) % limit;
    };
    for (int step = 0; step < 4000; ++step) {
        const std::uint64_t begin = draw(seen.size()), end = begin + 1 + draw(seen.size() - begin);
        const SpaRange range{begin * kUnit, end * kUnit};
        const auto byte = static_cast<std::uint8_t>(draw(4));
        const std::uint64_t what = draw(8);
        const auto put = [&](std::vector<std::uint8_t>& to) {
            std::fill(to.begin() + static_cast<std::ptrdiff_t>(begin),
                      to.begin() + static_cast<std::ptrdiff_t>(end), byte);
        };
        if (what < 4) {
            c.write_cached(range, Contents::fill_of(fill(byte), range.begin));
            put(seen);
        } else if (what < 6) {
            c.write(range, fill(byte));
            put(seen);
            put(lasting);
        } else if (what == 6) {
            c.flush(range);
            std::copy(seen.begin() + static_cast<std::ptrdiff_t>(begin),
                      seen.begin() + static_cast<std::ptrdiff_t>(end),
                      lasting.begin() + static_cast<std::ptrdiff_t>(begin));
        } else {
            c.lose_cached();
            seen = lasting;
        }
        for (std::uint64_t i = 0; i < seen.size(); ++i)
            REQUIRE(c.holds({i * kUnit, (i + 1) * kUnit}, fill(seen[i])));
    }
}
