// nvdimm.md 4.3, 4.4.
#include "core/pmem/error_log.hpp"

#include <catch2/catch.hpp>

using namespace mcemu;
using namespace mcemu::pmem;
using Transaction = ErrorLogEntry::Transaction;

TEST_CASE("each priority keeps its newest entries, and counts all", "[core][pmem]") {
    ErrorLog log;
    for (std::uint64_t i = 0; i < 70; ++i)
        log.media(false, SimTime{i}, {i * 64, i * 64 + 64}, Transaction::patrol, false);
    log.media(true, SimTime{99}, {0x1000, 0x1100}, Transaction::app_direct_read, true);
    REQUIRE(log.low().size() == 64);
    CHECK(log.low().front().sequence == 7);
    CHECK(log.low().front().dpa == 6 * 64);
    CHECK(log.low().back().sequence == 70);
    REQUIRE(log.high().size() == 1);
    CHECK(log.high()[0].sequence == 1);
    CHECK(log.high()[0].range_log2 == 8);
    CHECK(log.high()[0].injected);
}

TEST_CASE("a range is given as the power of two that holds it", "[core][pmem]") {
    ErrorLog log;
    for (const std::uint64_t lines : {1u, 2u, 3u, 4u})
        log.media(false, {}, {0, lines * 64}, Transaction::ars, false);
    CHECK(log.low()[0].range_log2 == 6);
    CHECK(log.low()[1].range_log2 == 7);
    CHECK(log.low()[2].range_log2 == 8);
    CHECK(log.low()[3].range_log2 == 8);
}
