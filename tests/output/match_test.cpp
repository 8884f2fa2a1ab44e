#include "output/match.hpp"

#include <catch2/catch.hpp>

namespace mcemu::output {

TEST_CASE("an address matches in either spelling", "[output][match]") {
    CHECK_FALSE(mismatch("0x20CB00", "0x20cb00"));
    CHECK_FALSE(mismatch(0x20cb00, "0x20cb00"));
    CHECK_FALSE(mismatch("0x0000000000001000", "0x1000"));
    CHECK(mismatch("0x20cb01", "0x20cb00"));
    CHECK(mismatch("20cb00", "0x20cb00"));
}

TEST_CASE("a negative number does not match its two's complement", "[output][match]") {
    CHECK(mismatch(-4, "0xfffffffffffffffc"));
    CHECK_FALSE(mismatch(-4, -4));
    CHECK_FALSE(mismatch(18446744073709551612u, "0xfffffffffffffffc"));
}

TEST_CASE("an object matches one with more members", "[output][match]") {
    const Json got = {{"pid", 5421}, {"code", "BUS_MCEERR_AR"}};
    CHECK_FALSE(mismatch({{"pid", 5421}}, got));
    CHECK(mismatch({{"pid", 5422}}, got) == "/pid");
    CHECK(mismatch({{"lsb", 12}}, got) == "/lsb");
}

TEST_CASE("a list matches item by item and in length", "[output][match]") {
    CHECK_FALSE(mismatch(Json::array({1, 2}), Json::array({1, 2})));
    CHECK(mismatch(Json::array({1, 2}), Json::array({2, 1})) == "/0");
    CHECK(mismatch(Json::array({1}), Json::array({1, 2})) == "/1");
    CHECK(mismatch(Json::array({1, 2}), Json::array({1})) == "/1");
}

TEST_CASE("a pattern is searched in a text", "[output][match]") {
    CHECK_FALSE(mismatch({{"re", "pfn 0x[0-9a-f]+"}}, "at pfn 0x20cb00"));
    CHECK(mismatch({{"re", "^pfn"}}, "at pfn 0x20cb00"));
}

TEST_CASE("a bad pattern is told, not swallowed", "[output][match]") {
    CHECK_THROWS_AS(mismatch({{"re", "("}}, "x"), BadPattern);
    CHECK_THROWS_AS(mismatch({{"re", std::string(1001, 'a')}}, "x"), BadPattern);
}

TEST_CASE("a time is exact in every unit", "[output][match]") {
    CHECK(as_time("50us") == SimTime{50'000'000});
    CHECK(as_time("1.5ms") == SimTime{1'500'000'000});
    CHECK(as_time("0.001ns") == SimTime{1});
    CHECK(as_time(7) == from_ns(7));
    CHECK_FALSE(as_time("50"));
    CHECK_FALSE(as_time("us"));
    CHECK_FALSE(as_time("1.2.3us"));
    CHECK_FALSE(as_time("50 us"));
}

TEST_CASE("the edit distance stops at its limit", "[output][match]") {
    CHECK(distance("kitten", "sitting", 10) == 3);
    CHECK(distance("kitten", "sitting", 2) == 3);
    CHECK(distance("", "abc", 10) == 3);
    CHECK(distance("same", "same", 0) == 0);
}

}  // namespace mcemu::output
