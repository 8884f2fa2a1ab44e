#include <catch2/catch.hpp>
#include <cerrno>

#include "core/cxl/memdev.hpp"
#include "core/kernel/cxl/poison.hpp"

using namespace mcemu;
using namespace mcemu::cxl;
using namespace mcemu::kernel;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kGiB = 1 << 30;

}  // namespace

// nvdimm.md A.7, rows 95 to 98.
TEST_CASE("cxl driver: inject, clear and list of the worked examples") {
    Memdev device({kGiB, kGiB, 100, 8});
    CHECK(cxl_inject_poison(device, 0x20, 0s) == -EINVAL);
    CHECK(cxl_clear_poison(device, 0x1000) == 0);
    CHECK(cxl_inject_poison(device, 0x40000000, 0s) == 0);
    const CxlPoisonTrace one = cxl_trigger_poison_list(device);
    CHECK(one.error == 0);
    REQUIRE(one.records == std::vector<MediaErrorRecord>{{0x40000003, 1}});
    CHECK(one.records[0].bytes() == 64);

    for (std::uint64_t i = 1; i < 8; ++i) CHECK(cxl_inject_poison(device, i * 64, 0s) == 0);
    CHECK(cxl_inject_poison(device, 0x50000000, 0s) == -EBUSY);
    CHECK(cxl_inject_poison(device, 0x40000000, 0s) == 0);
    CHECK(cxl_trigger_poison_list(device).records.size() == 8);
}

TEST_CASE("cxl driver: the persistent partition is listed first") {
    Memdev device({kGiB, kGiB, 100, 8});
    for (std::uint64_t dpa : {0x600ul, 0x40001000ul, 0x0ul}) cxl_inject_poison(device, dpa, 0s);
    CHECK(cxl_trigger_poison_list(device).records ==
          std::vector<MediaErrorRecord>{{0x40001003, 1}, {0x3, 1}, {0x603, 1}});
}

TEST_CASE("cxl driver: errors of device and driver") {
    Memdev device({0, kGiB, 100, 8});
    CHECK(cxl_inject_poison(device, kGiB, 0s) == -EINVAL);
    CHECK(cxl_clear_poison(device, kGiB - 32) == -EINVAL);
    device.plant({0x40, 0x80}, 1, true);
    CHECK(cxl_clear_poison(device, 0x40) == -ENXIO);
    device.disable_media(true);
    CHECK(cxl_inject_poison(device, 0x80, 0s) == -ENXIO);
    CHECK(cxl_trigger_poison_list(device).error == -ENXIO);
    CHECK(cxl_errno(ReturnCode::invalid_physical_address) == -EFAULT);
}

TEST_CASE("cxl driver: listing stops after 1024 records, at the end of an answer") {
    Memdev device({0, kGiB, 5000, 5000});
    for (std::uint64_t i = 0; i < 2000; ++i) cxl_inject_poison(device, i * 64, 0s);
    CHECK(cxl_trigger_poison_list(device).records.size() == 5 * Memdev::kRecordsPerReply);

    Memdev few({0, kGiB, 300, 5000});
    for (std::uint64_t i = 0; i < 301; ++i) cxl_inject_poison(few, i * 64, 9us);
    const CxlPoisonTrace trace = cxl_trigger_poison_list(few);
    CHECK(trace.records.size() == 300);
    CHECK(trace.overflow);
    CHECK(trace.overflow_ns == 9000);
}
