#include "compare/schedule.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using namespace mcemu;
using compare::parse_schedule;
using compare::Schedule;
using compare::ScheduleChooser;

TEST_CASE("a schedule is read as it is written", "[compare][schedule]") {
    for (const char* text : {"-", "3:1", "0:2,17:1", "10us/-", "1.5ns/4:1"})
        CHECK(compare::to_text(parse_schedule(text).value()) == text);
    CHECK(parse_schedule("10us/3:1,17:2")->window == 10us);
}

TEST_CASE("what is no schedule is refused", "[compare][schedule]") {
    for (const char* text : {"", "3", "3:", ":1", "3:0", "3:1,", "3:1,3:2", "5:1,3:1", "x/3:1",
                             "3:1 ", "-1:1", "99999999999999999999:1", "/-"})
        CHECK_FALSE(parse_schedule(text));
}

TEST_CASE("a choice that no run can make is told", "[compare][schedule]") {
    const std::array<AgendaCandidate, 2> two{{{1ns, 1, {}}, {1ns, 2, {}}}};
    ScheduleChooser fits(*parse_schedule("0:1"));
    CHECK(fits.choose(two) == 1);
    CHECK(fits.misfit().empty());

    ScheduleChooser late(*parse_schedule("5:1"));
    CHECK(late.choose(two) == 0);
    CHECK(late.misfit() == "point 5 never came: the run has 1 point of choice");

    ScheduleChooser wide(*parse_schedule("0:7"));
    CHECK(wide.choose(two) == 0);
    CHECK(wide.misfit() == "point 0 has candidates 0 to 1, not 7");
}

TEST_CASE("a moment with one candidate is no point of choice", "[compare][schedule]") {
    const std::array<AgendaCandidate, 1> one{{{1ns, 1, {}}}};
    const std::array<AgendaCandidate, 2> two{{{1ns, 1, {}}, {1ns, 2, {}}}};
    ScheduleChooser chooser(*parse_schedule("0:1"));
    CHECK(chooser.choose(one) == 0);
    CHECK(chooser.choose(two) == 1);
    CHECK(chooser.candidates() == std::vector<std::uint32_t>{2});
}

TEST_CASE("a random order is the same for the same seed, and can be replayed", "[compare][schedule]") {
    const std::array<AgendaCandidate, 3> three{{{1ns, 1, {}}, {1ns, 2, {}}, {1ns, 3, {}}}};
    ScheduleChooser a({}, 7), b({}, 7), c({}, 8);
    std::vector<std::size_t> ran;
    for (int i = 0; i < 50; ++i) {
        ran.push_back(a.choose(three));
        CHECK(b.choose(three) == ran.back());
        c.choose(three);
    }
    CHECK_FALSE(a.followed() == c.followed());
    ScheduleChooser again(a.followed());
    for (const std::size_t choice : ran) CHECK(again.choose(three) == choice);
    CHECK(again.misfit().empty());
}
