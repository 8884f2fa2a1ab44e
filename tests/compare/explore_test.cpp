#include "compare/explore.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "compare/loaded.hpp"
#include "compare/world.hpp"

using namespace std::chrono_literals;
using namespace mcemu;
using compare::Exploration;
using compare::explore;
using compare::ExploreOptions;
using test::loaded;
using test::racing;

TEST_CASE("events of one time are tried in both orders", "[compare][explore]") {
    const auto scenario = loaded(racing("1ms"));
    const Exploration found = explore(*scenario, {});
    CHECK(found.complete);
    REQUIRE(found.outcomes.size() == 2);
    // As it stands the page is poisoned first.
    CHECK(found.outcomes[0].schedule.choices.empty());
    CHECK(found.outcomes[0].met);
    CHECK_FALSE(found.outcomes[1].met);
    CHECK_FALSE(found.met());
    REQUIRE(found.outcomes[1].order.size() == 1);
    CHECK(found.outcomes[1].order[0] == "gone (exit) before bad (hwpoison_pfn)");
}

TEST_CASE("events within the window change places, others do not", "[compare][explore]") {
    const auto scenario = loaded(racing("1.000001ms"));  // 1 ns later
    CHECK(explore(*scenario, {}).outcomes.size() == 1);
    ExploreOptions options;
    options.window = SimTime{999};
    CHECK(explore(*scenario, options).outcomes.size() == 1);
    options.window = 1ns;
    CHECK(explore(*scenario, options).outcomes.size() == 2);
}

TEST_CASE("an outcome is replayed exactly by its schedule", "[compare][explore]") {
    const auto scenario = loaded(racing("1ms"));
    const Exploration found = explore(*scenario, {});
    for (const compare::RaceOutcome& o : found.outcomes) {
        const auto schedule = compare::parse_schedule(compare::to_text(o.schedule));
        REQUIRE(schedule);
        compare::ScheduleChooser chooser(*schedule);
        sim::RunOptions run;
        run.chooser = &chooser;
        run.window = schedule->window;
        CHECK(compare::run_world("again", *scenario, run).result == o.result);
    }
}

TEST_CASE("the bound on orders is kept and told", "[compare][explore]") {
    const auto scenario = loaded(racing("1ms"));
    ExploreOptions options;
    options.runs = 1;
    const Exploration found = explore(*scenario, options);
    CHECK(found.runs == 1);
    CHECK_FALSE(found.complete);
}

TEST_CASE("random orders find the same outcomes, the same with the same seed", "[compare][explore]") {
    const auto scenario = loaded(racing("1ms"));
    ExploreOptions options;
    options.seed = 3;
    options.runs = 20;
    const Exploration a = explore(*scenario, options), b = explore(*scenario, options);
    REQUIRE(a.outcomes.size() == 2);
    REQUIRE(b.outcomes.size() == 2);
    CHECK(a.outcomes[1].schedule == b.outcomes[1].schedule);
    CHECK(a.outcomes[1].runs == b.outcomes[1].runs);
}

TEST_CASE("without anything to choose there is one outcome", "[compare][explore]") {
    const auto scenario = loaded(racing("1s"));
    const Exploration found = explore(*scenario, {});
    CHECK(found.complete);
    CHECK(found.runs == 1);
    CHECK(found.outcomes.size() == 1);
}
