// What a module keeps while the machine is off: nvdimm.md 9.4, 10.
#include "core/pmem/image.hpp"

#include <catch2/catch.hpp>

#include "core/pmem/smart.hpp"

using namespace mcemu;
using namespace mcemu::pmem;

namespace {

constexpr std::uint32_t on(std::uint32_t field) { return field | field << kSmartEnableShift; }

SmartHealth rebooted(const SmartHealth& before) {
    SmartHealth after(NvdimmProfile::optane);
    after.restore(before.snapshot());
    return after;
}

}  // namespace

TEST_CASE("a dirty shutdown is seen at the next boot, and clean at the one after it",
          "[core][pmem][state]") {
    SmartHealth first(NvdimmProfile::optane);
    first.dirty_shutdown();
    const SmartHealth second = rebooted(first);
    CHECK(second.shutdown_state() == 1);
    CHECK(second.shutdown_count() == 1);
    const SmartHealth third = rebooted(second);
    CHECK(third.shutdown_state() == 0);
    CHECK(third.shutdown_count() == 1);
}

TEST_CASE("an unsafe shutdown that was taken back is none, but counted", "[core][pmem][state]") {
    SmartHealth smart(NvdimmProfile::optane);
    CHECK(smart.inject(on(kSmartUnsafeShutdown), 0, 0));
    CHECK(smart.inject(kSmartUnsafeShutdown, 0, 0));
    CHECK(rebooted(smart).shutdown_state() == 0);
    CHECK(rebooted(smart).shutdown_count() == 1);
}

TEST_CASE("health survives a reboot, injected values too", "[core][pmem][state]") {
    SmartHealth smart(NvdimmProfile::test);
    CHECK(smart.inject(on(kSmartMediaTemperature | kSmartSpares | kSmartFatal), 45 * 16, 3));
    SmartHealth after = rebooted(smart);
    CHECK(after.payload() == smart.payload());
    CHECK(after.health() == kHealthFatal);
    // What was overridden is still there below.
    CHECK(after.inject(kSmartMediaTemperature | kSmartSpares | kSmartFatal, 0, 0));
    CHECK(after.media_temperature() == 23 * 16);
    CHECK(after.spares() == 75);
    CHECK(after.health() == kHealthNonCritical);
}
