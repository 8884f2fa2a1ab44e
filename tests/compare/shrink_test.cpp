#include "compare/shrink.hpp"

#include <catch2/catch.hpp>

#include "compare/bisect.hpp"
#include "compare/loaded.hpp"
#include "compare/roundest.hpp"
#include "compare/world.hpp"
#include "scenario/quantity.hpp"

using namespace mcemu;
using compare::Json;
using compare::rounder;
using compare::shrink;
using compare::Shrunk;
using compare::split_values;

namespace {

/// Two processes and six events; only "bad" matters for the expectation that fails.
const char* const kBig = R"({
  "schema": "mcemu/scenario/1", "name": "big", "description": "much", "seed": 77,
  "processes": [
    {"id": "p", "pid": 9, "comm": "p", "maps": [{"id": "m", "va": "0x10000000", "size": "16KiB", "kind": "anon", "at": "0x5000000"}]},
    {"id": "q", "pid": 10, "comm": "q", "maps": [{"id": "n", "va": "0x20000000", "size": "16KiB", "kind": "anon", "at": "0x6000000"}]}],
  "events": [
    {"id": "l1", "at": "100us", "do": "load", "process": "q", "va": "0x20000000"},
    {"id": "l2", "at": "200us", "do": "load", "process": "p", "va": "0x10000000"},
    {"id": "bad", "after": {"event": "l2", "by": "12345ns"}, "do": "hwpoison_pfn", "pfn": "0x5001"},
    {"id": "l3", "at": "900us", "do": "load", "process": "q", "va": "0x20001000"},
    {"id": "out", "at": "950us", "do": "exit", "process": "q"}],
  "expect": {"outcome": "running", "processes": {"q": "exited"}, "fates": {"bad": "latent"}}})";

}  // namespace

TEST_CASE("a failing scenario shrinks to what its failure needs", "[compare][shrink]") {
    const Json big = Json::parse(kBig);
    const Shrunk s = shrink("big.json", big, {});
    REQUIRE(s.refused.empty());
    CHECK(s.finished);
    CHECK(s.before.failed_at == s.after.failed_at);
    CHECK(s.after.wanted == "latent");
    REQUIRE(s.document["events"].size() == 1);
    CHECK(s.document["events"][0]["id"] == "bad");
    CHECK_FALSE(s.document.contains("description"));
    CHECK(s.document["expect"] == Json::parse(R"({"fates": {"bad": "latent"}})"));
    CHECK(s.document.dump().size() < big.dump().size() / 2);
    // It stands alone and still fails so.
    const auto again = compare::try_scenario(*test::loaded(s.document.dump()), 10);
    CHECK(again.failed_at.starts_with("/expect/fates/bad"));
    // As small as it can be: nothing more goes.
    CHECK(shrink("again.json", s.document, {}).document == s.document);
}

TEST_CASE("shrinking is deterministic, and keeps its bound", "[compare][shrink]") {
    const Json big = Json::parse(kBig);
    CHECK(shrink("a", big, {}).document == shrink("b", big, {}).document);
    compare::ShrinkOptions few;
    few.runs = 3;
    const Shrunk s = shrink("a", big, few);
    CHECK(s.runs == 3);
    CHECK_FALSE(s.finished);
    CHECK(compare::try_scenario(*test::loaded(s.document.dump()), 10)
              .failed_at.starts_with("/expect/fates/bad"));
}

TEST_CASE("what does not fail is not shrunk", "[compare][shrink]") {
    Json good = Json::parse(kBig);
    good["expect"]["fates"]["bad"] = "consumed";
    CHECK(shrink("good", good, {}).refused == "every expectation is met");
    good.erase("expect");
    CHECK(shrink("good", good, {}).refused == "it has no expectation that could fail");
}

TEST_CASE("rounder values come roundest first, and end", "[compare][shrink]") {
    CHECK(rounder("0x0").empty());
    CHECK(rounder("victim").empty());
    CHECK(rounder(true).empty());
    CHECK(rounder(0u).empty());
    for (const Json& value : {Json("12345ns"), Json("0x12345678"), Json("3333B"), Json(98765u)}) {
        Json v = value;
        int steps = 0;
        for (; !rounder(v).empty(); ++steps) {
            REQUIRE(steps < 20);
            v = rounder(v).back();  // even by the least step each time
        }
        CHECK(steps >= 1);
    }
    CHECK(rounder("12345ns").front() == scenario::time_text(SimTime{}));
    const auto hex = rounder("0x12345678");
    CHECK(std::find(hex.begin(), hex.end(), Json("0x10000000")) != hex.end());
    CHECK(std::find(hex.begin(), hex.end(), Json("0x12000000")) != hex.end());
}

TEST_CASE("values of a list are split at the commas outside brackets and quotes", "[compare][bisect]") {
    using V = std::vector<std::string>;
    CHECK(split_values("1,2,3") == V{"1", "2", "3"});
    CHECK(split_values(R"("a,b",[1,{"x":2}],c)") == V{R"("a,b")", R"([1,{"x":2}])", "c"});
    CHECK(split_values(R"("a\",b",c)") == V{R"("a\",b")", "c"});
    CHECK(split_values("").empty());
    CHECK(split_values("1,,2").empty());
    CHECK(split_values("[1,2").empty());
    CHECK(split_values("\"1").empty());
}

TEST_CASE("a verdict that flips twice is not monotone", "[compare][bisect]") {
    const auto load = [](const std::string& value) {
        return test::loaded(test::racing(value));
    };
    const auto found = compare::bisect({"500us", "2ms", "3ms", "600us"}, load, 10);
    CHECK(found.flips == std::vector<std::size_t>{1, 3});
    CHECK_FALSE(found.monotone());
    CHECK(found.cells[0].verdict == "fails");
    CHECK(found.cells[1].verdict == "passes");
    CHECK(compare::bisect({"2ms", "3ms"}, load, 10).flips.empty());
}
