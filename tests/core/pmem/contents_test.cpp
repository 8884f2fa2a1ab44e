// Source: nvdimm.md 3.1, 6.5 (cleared memory reads as zeros).
#include "core/pmem/contents.hpp"

#include <catch2/catch.hpp>

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
