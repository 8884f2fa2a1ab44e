#include "compare/timeless.hpp"

#include <catch2/catch.hpp>

using mcemu::compare::without_times;

TEST_CASE("of a hardware error's lines the times alone are left out", "[compare][timeless]") {
    CHECK(without_times("mce: [Hardware Error]: TSC 201840 ADDR 12345000 MISC 8c ") ==
          "mce: [Hardware Error]: TSC - ADDR 12345000 MISC 8c ");
    CHECK(without_times("mce: [Hardware Error]: TSC 201840") == "mce: [Hardware Error]: TSC -");
    CHECK(without_times("mce: [Hardware Error]: PROCESSOR 0:50657 TIME 1530000000 SOCKET 0 APIC 1") ==
          "mce: [Hardware Error]: PROCESSOR 0:50657 TIME - SOCKET 0 APIC 1");
    // Other lines are what they are.
    CHECK(without_times("clocksource: TSC 12 TIME 13") == "clocksource: TSC 12 TIME 13");
    CHECK(without_times("") == "");
}
