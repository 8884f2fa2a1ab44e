#include <catch2/catch.hpp>
#include <vector>

#include "scenario/nearest.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::scenario {
namespace {

using namespace std::chrono_literals;

TEST_CASE("every unit of size counts by 1024", "[scenario][units]") {
    CHECK(parse_size("64B").value == 64u);
    CHECK(parse_size("4KiB").value == 4096u);
    CHECK(parse_size("2MiB").value == 2ull << 20);
    CHECK(parse_size("1GiB").value == 1ull << 30);
    CHECK(parse_size("6TiB").value == 6ull << 40);
}

TEST_CASE("a fraction of a size is exact", "[scenario][units]") {
    CHECK(parse_size("1.5GiB").value == 3ull << 29);
    CHECK(parse_size("0.5KiB").value == 512u);
    CHECK(parse_size("0.0009765625KiB").value == 1u);
    CHECK_FALSE(parse_size("0.00097656250000000000000000001KiB").value);
}

TEST_CASE("a size may be hex", "[scenario][units]") { CHECK(parse_size("0x1000").value == 4096u); }

TEST_CASE("the largest size has all 64 bits", "[scenario][units]") {
    CHECK(parse_size("18446744073709551615B").value == ~0ull);
    CHECK_FALSE(parse_size("18446744073709551616B").value);
    CHECK_FALSE(parse_size("16777216TiB").value);
}

TEST_CASE("every unit of time is exact in picoseconds", "[scenario][units]") {
    CHECK(parse_time("100ps").value == SimTime{100});
    CHECK(parse_time("250ns").value == SimTime{250'000});
    CHECK(parse_time("10us").value == SimTime{10us});
    CHECK(parse_time("1.5ms").value == SimTime{1500us});
    CHECK(parse_time("3s").value == SimTime{3s});
    CHECK(parse_time("2min").value == SimTime{120s});
    CHECK(parse_time("24h").value == SimTime{86400s});
}

TEST_CASE("a fraction of a time is never rounded", "[scenario][units]") {
    CHECK(parse_time("0.001ns").value == SimTime{1});
    CHECK(parse_time("0.1us").value == SimTime{100'000});
    CHECK(parse_time("4294967.296001ms").value == SimTime{4294967296001000});
    CHECK_FALSE(parse_time("0.0001ns").value);
}

TEST_CASE("the longest time has all 64 bits", "[scenario][units]") {
    CHECK(parse_time("18446744073709551615ps").value == SimTime{~0ull});
    CHECK(parse_time("18446744.073709551615s").value == SimTime{~0ull});
    CHECK_FALSE(parse_time("18446744.073709551616s").value);
}

TEST_CASE("an address has up to 64 bits in either case", "[scenario][units]") {
    CHECK(parse_address("0x0").value == 0u);
    CHECK(parse_address("0xffff888000000000").value == 0xffff888000000000u);
    CHECK(parse_address("0X7F763DD00000").value == 0x7f763dd00000u);
    CHECK(parse_address("0x0000000000000000ff").value == 255u);
}

TEST_CASE("no address has a sign, a blank or a tail", "[scenario][units]") {
    for (const char* text : {"0x", "0x-1", "0x 1", "0x1g", " 0x1", "-0x1", ""}) {
        CAPTURE(text);
        CHECK_FALSE(parse_address(text).value);
    }
}

TEST_CASE("no size or time has a sign, a blank, an exponent or half a fraction", "[scenario][units]") {
    for (const char* text : {"+1B", "1 B", "1e3B", "1.B", ".5KiB", "B", "1BB", "1..5B", ""}) {
        CAPTURE(text);
        CHECK_FALSE(parse_size(text).value);
    }
    for (const char* text : {"+1us", "1 us", "1e3us", "1.us", ".5us", "us", "1uss", ""}) {
        CAPTURE(text);
        CHECK_FALSE(parse_time(text).value);
    }
}

TEST_CASE("sizes and times are written in their largest exact unit", "[scenario][units]") {
    CHECK(size_text(0) == "0B");
    CHECK(size_text(1536) == "1536B");
    CHECK(size_text(3ull << 30) == "3GiB");
    CHECK(time_text(SimTime{0}) == "0ps");
    CHECK(time_text(SimTime{1500us}) == "1.5ms");
    CHECK(time_text(SimTime{1'000'001}) == "1.000001us");
}

TEST_CASE("what is written reads back as the same", "[scenario][units]") {
    for (std::uint64_t n = 1; n < (1ull << 63); n = n * 3 + 1) {
        CAPTURE(n);
        CHECK(parse_size(size_text(n)).value == n);
        CHECK(parse_time(time_text(SimTime{n})).value == SimTime{n});
        CHECK(parse_address(hex_text(n)).value == n);
    }
}

TEST_CASE("edit distance counts swapped neighbours once", "[scenario][nearest]") {
    CHECK(edit_distance("frist", "first") == 1);
    CHECK(edit_distance("machine", "machine") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("edit distance does not see case, dashes and underscores", "[scenario][nearest]") {
    CHECK(edit_distance("SRAR_DATA", "srar-data") == 0);
}

TEST_CASE("the nearest name is the first of the nearest", "[scenario][nearest]") {
    const std::vector<std::string_view> names = {"nmem1", "nmem0", "region0"};
    CHECK(nearest("nmem2", names) == "nmem1");
    CHECK(nearest("nmem0x", names) == "nmem0");
    CHECK(nearest("elsewhere", names).empty());
}

}  // namespace
}  // namespace mcemu::scenario
