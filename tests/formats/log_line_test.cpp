// What loggers put before the kernel's words.
#include "formats/log_line.hpp"

#include <catch2/catch.hpp>

namespace mcemu::formats {
namespace {

using Clock = LogLine::Clock;

LogLine one(std::string_view line) { return LogLines().next(line); }

void is_boot(std::string_view line, std::int64_t us) {
    const LogLine l = one(line);
    INFO(line);
    CHECK(l.text == "mce: text");
    CHECK(l.clock == Clock::boot);
    CHECK(l.us == us);
}
void is_calendar(std::string_view line, std::int64_t us, Clock clock = Clock::calendar) {
    const LogLine l = one(line);
    INFO(line);
    CHECK(l.text == "mce: text");
    CHECK(l.clock == clock);
    CHECK(l.us == us);
}

TEST_CASE("times since boot are read in every form", "[formats][log]") {
    is_boot("[   12.345678] mce: text", 12345678);
    is_boot("<3>[   12.345678] mce: text", 12345678);
    is_boot("[86412.1] mce: text\r", 86412100000);
    is_boot("[   12.345678 <    0.000004>] mce: text", 12345678);
    is_boot("[   12.345678][ T1234] mce: text", 12345678);
    is_boot("[   12.345678] [    C3] mce: text", 12345678);
    is_boot("kern  :err   : [   12.345678] mce: text", 12345678);
    is_boot("3,123,12345678,-;mce: text", 12345678);
    is_boot("6,99,12345678,c,caller=T1;mce: text", 12345678);
    is_boot("Dec 20 13:38:32 host kernel: [   12.345678] mce: text", 12345678);
    is_boot("2018-12-20T13:38:32.1+00:00 host kernel: [   12.345678] mce: text", 12345678);
    is_boot("[   12.345678] host kernel: mce: text", 12345678);  // journalctl -o short-monotonic
    is_boot("\x1b[32m[   12.345678] \x1b[0m\x1b[31mmce: text\x1b[0m", 12345678);
    is_boot("\xef\xbb\xbf[   12.345678] mce: text", 12345678);
}

TEST_CASE("dates are read in every form", "[formats][log]") {
    constexpr std::int64_t kTime = 1545313112000000;  // 2018-12-20 13:38:32 UTC
    is_calendar("[Thu Dec 20 13:38:32 2018] mce: text", kTime);
    is_calendar("2018-12-20T13:38:32,123456+00:00 mce: text", kTime + 123456);
    is_calendar("2018-12-20T14:38:32+0100 host kernel: mce: text", kTime);
    is_calendar("2018-12-20 08:08:32-05:30 host kernel: mce: text", kTime);
    is_calendar("2018-12-20T13:38:32Z mce: text", kTime);
    is_calendar("<4>Dec 20 2018 13:38:32 host kernel: mce: text", kTime);
    constexpr std::int64_t kLeapYear = 93706712000000;  // in 1972
    is_calendar("Dec 20 13:38:32 host kernel: mce: text", kLeapYear, Clock::year_unknown);
    is_calendar("Dec 20 13:38:32.5 host kernel: mce: text", kLeapYear + 500000,
                Clock::year_unknown);
    is_calendar("Dec 20 13:38:32 kernel: mce: text", kLeapYear, Clock::year_unknown);
    is_calendar("Feb 29 00:00:00 host kernel: mce: text", 68169600000000, Clock::year_unknown);
}

TEST_CASE("a level is the three low bits of the priority", "[formats][log]") {
    CHECK(one("<3>x").level == 3u);
    CHECK(one("<30>x").level == 6u);
    CHECK(one("kern  :warn  : x").level == 4u);
    CHECK_FALSE(one("x").level);
}

TEST_CASE("relative times of dmesg -e count from the line before", "[formats][log]") {
    LogLines lines;
    const LogLine first = lines.next("[May19 19:57] CMCI storm detected");
    const LogLine second = lines.next("[  +0.000127] mce: text");
    CHECK(first.clock == Clock::year_unknown);
    CHECK(second.us == first.us + 127);
    CHECK(second.text == "mce: text");
}

TEST_CASE("January behind December is of the next year", "[formats][log]") {
    LogLines lines;
    const LogLine december = lines.next("Dec 31 23:59:59 h kernel: a");
    const LogLine january = lines.next("Jan  1 00:00:01 h kernel: b");
    CHECK(january.us - december.us == 2'000'000);
}

TEST_CASE("other programs' lines are foreign, the kernel's are not", "[formats][log]") {
    CHECK(one("Dec 20 13:38:32 host sshd[12]: Memory failure: 0x1: x").foreign);
    CHECK_FALSE(one("Dec 20 13:38:32 host kernel: Memory failure: 0x1: x").foreign);
    CHECK_FALSE(one("[   12.345678] {1}[Hardware Error]: x").foreign);
}

TEST_CASE("what is no prefix stays", "[formats][log]") {
    for (const char* text :
         {"[mem 0x1-0x2] usable", "{1}[Hardware Error]: x", "CPU 0: Machine Check",
          "1,2,3 are numbers", "<a>", "[", "[]", "[12.", "2018", "Decade", "kern: x"})
        CHECK(one(text).text == text);
    CHECK(one("").text.empty());
    CHECK(one("[99999999999999999999.0] x").clock == Clock::none);
}

}  // namespace
}  // namespace mcemu::formats
