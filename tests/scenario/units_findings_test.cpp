// Sizes, times and addresses. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("a size with a decimal unit is told with the binary one", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "4KB"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"4KB\" is not a size: did you mean \"4KiB\"?");
}

TEST_CASE("a size with a bare letter is told with the unit", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "4K"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"4K\" is not a size: did you mean \"4KiB\"?");
}

TEST_CASE("a size in small letters is told with the unit", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "4gib"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"4gib\" is not a size: did you mean \"4GiB\"?");
}

TEST_CASE("a size without a unit is refused", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "4096"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"4096\" has no unit: write a number with B, "
          "KiB, MiB, GiB or TiB such as \"2MiB\", or whole bytes without quotes");
}

TEST_CASE("a size with another unit is refused", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "4 pages"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"4 pages\" is not a size: write a number with "
          "B, KiB, MiB, GiB or TiB such as \"2MiB\", or whole bytes without quotes");
}

TEST_CASE("a size that is not whole bytes is refused", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "4.0001KiB"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"4.0001KiB\" is not a whole number of bytes: "
          "round it");
}

TEST_CASE("a size beyond 64 bits is refused", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "99999999999TiB"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"99999999999TiB\" is too large: the largest "
          "size is 18446744073709551615B");
}

TEST_CASE("a negative size is refused", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "-4KiB"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"-4KiB\" is negative: write a number with B, "
          "KiB, MiB, GiB or TiB such as \"2MiB\", or whole bytes without quotes");
}

TEST_CASE("a negative number is no size", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": -4096}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: the number -4096 stands here: expected a size "
          "such as \"2MiB\" of at least 4KiB");
}

TEST_CASE("a fraction is no size", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": 4096.5}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: the number 4096.5 stands here: expected a "
          "size such as \"2MiB\" of at least 4KiB");
}

TEST_CASE("a size below the least is told with it", "[scenario][units]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1KiB"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: \"1KiB\" is out of range: expected a size such "
          "as \"2MiB\" of at least 4KiB");
}

TEST_CASE("a time without a unit is refused", "[scenario][units]") {
    CHECK(told(document(R"("until": "10")")) ==
          "s.json:2:10: /until: \"10\" has no unit: write a number with ps, ns, us, ms, s, min "
          "or h such as \"10us\", or whole nanoseconds without quotes");
}

TEST_CASE("a time with a Greek letter is told with us", "[scenario][units]") {
    CHECK(told(document(R"("until": "10µs")")) ==
          "s.json:2:10: /until: \"10µs\" is not a time: did you mean \"10us\"?");
}

TEST_CASE("a time in seconds spelled out is told with s", "[scenario][units]") {
    CHECK(told(document(R"("until": "10sec")")) ==
          "s.json:2:10: /until: \"10sec\" is not a time: did you mean \"10s\"?");
}

TEST_CASE("a time finer than picoseconds is refused", "[scenario][units]") {
    CHECK(told(document(R"("until": "0.0001ns")")) ==
          "s.json:2:10: /until: \"0.0001ns\" is not a whole number of picoseconds: round it");
}

TEST_CASE("a time beyond the range is refused", "[scenario][units]") {
    CHECK(told(document(R"("until": "9999h")")) ==
          "s.json:2:10: /until: \"9999h\" is too large: the largest time is "
          "18446744073709551615ps");
}

TEST_CASE("nanoseconds beyond the range are refused", "[scenario][units]") {
    CHECK(told(document(R"("until": 18446744073709552)")) ==
          "s.json:2:10: /until: 18446744073709552 ns is too large: the largest time is "
          "18446744073709551615ps");
}

TEST_CASE("a negative time is refused", "[scenario][units]") {
    CHECK(told(document(R"("until": "-1us")")) ==
          "s.json:2:10: /until: \"-1us\" is negative: write a number with ps, ns, us, ms, s, min "
          "or h such as \"10us\", or whole nanoseconds without quotes");
}

TEST_CASE("a word is no time", "[scenario][units]") {
    CHECK(told(document(R"("until": "soon")")) ==
          "s.json:2:10: /until: \"soon\" is not a time: write a number with ps, ns, us, ms, s, "
          "min or h such as \"10us\", or whole nanoseconds without quotes");
}

TEST_CASE("an address without its 0x is told with it", "[scenario][units]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": "7f00dead0000"})")) ==
          "s.json:7:34: /events/0/spa: \"7f00dead0000\" is not an address: did you mean "
          "\"0x7f00dead0000\"?");
}

TEST_CASE("an address in decimal digits may be meant in two ways", "[scenario][units]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": "4096"})")) ==
          "s.json:7:34: /events/0/spa: \"4096\" is not an address: did you mean \"0x4096\", or "
          "4096 without quotes?");
}

TEST_CASE("an address of more than 64 bits is refused", "[scenario][units]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": "0x10000000000000000"})")) ==
          "s.json:7:34: /events/0/spa: \"0x10000000000000000\" has more than 64 bits: the "
          "largest address is \"0xffffffffffffffff\"");
}

TEST_CASE("an address with other letters is refused", "[scenario][units]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": "0xghij"})")) ==
          "s.json:7:34: /events/0/spa: \"0xghij\" is not an address: write it in hex such as "
          "\"0x200000000\"");
}

TEST_CASE("an address is not negative", "[scenario][units]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": -1})")) ==
          "s.json:7:34: /events/0/spa: the number -1 stands here: expected an address such as "
          "\"0x1000\"");
}

TEST_CASE("an address with a fraction is refused", "[scenario][units]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": 4096.0})")) ==
          "s.json:7:34: /events/0/spa: the number 4096.0 stands here: expected an address such "
          "as \"0x1000\"");
}

TEST_CASE("a page frame number is at most 52 bits", "[scenario][units]") {
    CHECK(told(with_events(R"({"at": 0, "do": "hwpoison_pfn", "pfn": "0x10000000000000"})")) ==
          "s.json:7:40: /events/0/pfn: \"0x10000000000000\" is out of range: expected an address "
          "such as \"0x1000\" from 0x0 to 0xfffffffffffff");
}

TEST_CASE("a status name that is nearly right is told", "[scenario][units]") {
    CHECK(told(with_events(R"({"at": 0, "do": "mce", "status": "SRAR_DAT"})")) ==
          "s.json:7:34: /events/0/status: \"SRAR_DAT\" is not an address: did you mean "
          "\"SRAR-DATA\"?");
}

}  // namespace
}  // namespace mcemu::scenario
