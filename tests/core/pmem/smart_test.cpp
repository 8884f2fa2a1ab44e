// nvdimm.md 9.
#include "core/pmem/smart.hpp"

#include <catch2/catch.hpp>

using namespace mcemu;
using namespace mcemu::pmem;

namespace {

constexpr std::uint32_t on(std::uint32_t field) { return field | field << kSmartEnableShift; }
constexpr std::uint32_t off(std::uint32_t field) { return field; }

unsigned u16(const std::vector<std::uint8_t>& bytes, std::size_t at) {
    return bytes.at(at) | bytes.at(at + 1) << 8;
}

}  // namespace

TEST_CASE("the health payload of the test profile is nfit_test's", "[core][pmem]") {
    const auto bytes = SmartHealth(NvdimmProfile::test).payload();

    REQUIRE(bytes.size() == 128);
    CHECK(u16(bytes, 0) == 0x63f);
    CHECK(bytes[8] == 1);
    CHECK(bytes[9] == 75);
    CHECK(bytes[10] == 5);
    CHECK(bytes[11] == 3);
    CHECK(u16(bytes, 12) == 23 * 16);
    CHECK(u16(bytes, 14) == 25 * 16);
    CHECK(bytes[16] == 42);
    CHECK(bytes[31] == 0);
}

TEST_CASE("a sound module raises no alarm", "[core][pmem]") {
    CHECK_FALSE(SmartHealth(NvdimmProfile::optane).alarms());
    CHECK_FALSE(SmartHealth(NvdimmProfile::test).alarms());
}

TEST_CASE("an injected temperature alarms from its threshold on, until it is restored",
          "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);
    CHECK(health.inject(on(kSmartMediaTemperature), 40 * 16 - 1, 0));
    CHECK_FALSE(health.alarms());
    CHECK(health.inject(on(kSmartMediaTemperature), 40 * 16, 0));
    CHECK(health.alarms());
    CHECK(u16(health.payload(), 12) == 40 * 16);
    CHECK(health.inject(off(kSmartMediaTemperature), 0, 0));
    CHECK_FALSE(health.alarms());
}

TEST_CASE("a temperature below zero reaches no threshold", "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);
    health.inject(on(kSmartMediaTemperature), 0x8000 | 50 * 16, 0);
    CHECK_FALSE(health.alarms());
}

TEST_CASE("injected spares alarm at their threshold", "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);
    health.inject(on(kSmartSpares), 0, 6);
    CHECK_FALSE(health.alarms());
    health.inject(on(kSmartSpares), 0, 5);
    CHECK(health.alarms());
}

TEST_CASE("fatal health is 4 while injected and 1 afterwards", "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);
    health.inject(on(kSmartFatal), 0, 0);
    CHECK(health.payload()[8] == 4);
    health.inject(off(kSmartFatal), 0, 0);
    CHECK(health.payload()[8] == 1);
}

TEST_CASE("an injected unsafe shutdown counts up, and its end does not count down",
          "[core][pmem]") {
    SmartHealth health(NvdimmProfile::test);
    health.inject(on(kSmartUnsafeShutdown), 0, 0);
    CHECK(health.shutdown_state() == 1);
    CHECK(health.shutdown_count() == 43);
    health.inject(off(kSmartUnsafeShutdown), 0, 0);
    CHECK(health.shutdown_state() == 0);
    CHECK(health.shutdown_count() == 43);
}

TEST_CASE("an injection that selects nothing or is out of range is refused", "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);
    CHECK_FALSE(health.inject(0, 0, 0));
    CHECK_FALSE(health.inject(1u << 5, 0, 0));
    CHECK_FALSE(health.inject(on(kSmartSpares), 0, 101));
    CHECK_FALSE(health.inject(on(kSmartMediaTemperature), 0x10000, 0));
}

TEST_CASE("a temperature's alarm ends a whole degree below its threshold", "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);
    const auto media = [&](unsigned sixteenths) {
        REQUIRE(health.inject(on(kSmartMediaTemperature), sixteenths, 0));
        return health.alarms();
    };
    CHECK_FALSE(media(39 * 16 + 15));
    CHECK(media(40 * 16));
    CHECK(media(39 * 16 + 1));
    CHECK_FALSE(media(39 * 16));
    CHECK_FALSE(media(39 * 16 + 15));  // on the way up the threshold counts again
    CHECK(media(40 * 16));
}

TEST_CASE("new thresholds are judged without the old alarm", "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);
    health.inject(on(kSmartMediaTemperature), 40 * 16, 0);
    health.inject(on(kSmartMediaTemperature), 39 * 16 + 8, 0);
    CHECK(health.alarm_flags() == 2);
    health.set_thresholds({3, 5, 40 * 16, 30 * 16});
    CHECK(health.alarm_flags() == 0);
}

TEST_CASE("the controller's alarm is armed by itself", "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);  // its controller has 25 degrees
    health.set_thresholds({3, 5, 40 * 16, 20 * 16});
    CHECK_FALSE(health.alarms());
    health.set_thresholds({4, 5, 40 * 16, 20 * 16});
    CHECK(health.alarm_flags() == 4);
}

TEST_CASE("thresholds and temperatures may lie below zero", "[core][pmem]") {
    SmartHealth health(NvdimmProfile::optane);
    health.set_thresholds({2, 5, 0x8000 | 10 * 16, 30 * 16});
    CHECK(health.alarms());  // 23 degrees are more than -10
    health.inject(on(kSmartMediaTemperature), 0x8000 | 10 * 16, 0);
    CHECK(health.alarms());
    health.inject(on(kSmartMediaTemperature), 0x8000 | 11 * 16, 0);
    CHECK_FALSE(health.alarms());
}

TEST_CASE("an unsafe shutdown that waits acts when the machine goes off", "[core][pmem]") {
    SmartStart start;
    start.unsafe_shutdown_immediate = false;
    SmartHealth health(NvdimmProfile::test, start);
    health.inject(on(kSmartUnsafeShutdown), 0, 0);
    CHECK(health.shutdown_state() == 0);
    CHECK(health.shutdown_count() == 42);
    CHECK_FALSE(health.alarms());
    CHECK(health.snapshot().dirty_shutdown);
    CHECK(health.snapshot().shutdown_count == 43);

    SmartHealth latched_off = health;
    latched_off.latch(false);
    CHECK(latched_off.snapshot().shutdown_count == 42);
    SmartHealth failed = health;  // power fails as well: it is one dirty shutdown
    failed.dirty_shutdown();
    CHECK(failed.snapshot().shutdown_count == 43);
    health.inject(off(kSmartUnsafeShutdown), 0, 0);
    CHECK_FALSE(health.snapshot().dirty_shutdown);
}
