#include "campaign/plan.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "campaign/draw.hpp"
#include "scenario/campaign_file.hpp"

using namespace mcemu;
using namespace mcemu::campaign;
using scenario::CampaignDraw;

namespace {

scenario::CampaignResult read(const std::string& members) {
    return scenario::read_campaign(
        "c.json", "{ \"schema\": \"mcemu/campaign/1\", \"name\": \"c\", \"scenario\": \"s.json\"" + members + " }");
}

std::string told(const std::string& members) {
    std::string out;
    for (const auto& f : read(members).findings) out += to_text(f) + "\n";
    return out;
}

nlohmann::json swept(const std::string& sweep) {
    const auto r = read(", \"sweep\": [ { \"of\": \"x\", " + sweep + " } ]");
    INFO(told(", \"sweep\": [ { \"of\": \"x\", " + sweep + " } ]"));
    REQUIRE(r.campaign);
    return r.campaign->sweeps[0].values;
}

CampaignDraw drawn(const std::string& draw) {
    const auto r = read(", \"draw\": [ { \"of\": \"x\", " + draw + " } ]");
    INFO(told(", \"draw\": [ { \"of\": \"x\", " + draw + " } ]"));
    REQUIRE(r.campaign);
    return r.campaign->draws[0];
}

}  // namespace

TEST_CASE("a range of a sweep has its values in the unit that it is written in") {
    using json = nlohmann::json;
    CHECK(swept(R"("from": 1, "to": 9, "step": 3)") == json({1, 4, 7}));
    CHECK(swept(R"("from": 1, "to": 10, "step": 3)") == json({1, 4, 7, 10}));
    CHECK(swept(R"("from": 2, "to": 512, "factor": 4)") == json({2, 8, 32, 128, 512}));
    CHECK(swept(R"("from": "1us", "to": "1ms", "points": 4)") == json({"1us", "10us", "100us", "1ms"}));
    CHECK(swept(R"("from": "64B", "to": "4KiB", "factor": 8)") == json({"64B", "512B", "4KiB"}));
    CHECK(swept(R"("from": "0x1000", "to": "0x3000", "step": "4KiB")") == json({"0x1000", "0x2000", "0x3000"}));
    CHECK(swept(R"("from": 0.5, "to": 1.5, "step": 0.5)") == json({0.5, 1.0, 1.5}));
    CHECK(swept(R"("from": 1, "to": 4, "points": 7)") == json({1, 2, 3, 4}));  // rounded ones once
}

TEST_CASE("what a campaign file gets wrong is told where it stands") {
    const auto says = [](const std::string& members, const std::string& text) {
        INFO(told(members));
        CHECK(told(members) == text + "\n");
    };
    says(R"(, "sweep": [ { "of": "x", "from": 5, "to": 1, "step": 1 } ])",
         "c.json:1:109: /sweep/0/to: the range ends before it begins: exchange \"from\" and \"to\"");
    says(R"(, "sweep": [ { "of": "x", "from": "1us", "to": "1MiB", "step": "1us" } ])",
         "c.json:1:113: /sweep/0/to: \"to\" is a size beside a time: give both in the same unit");
    says(R"(, "sweep": [ { "of": "x", "values": [ 1, 2, 1 ] } ])",
         "c.json:1:110: /sweep/0/values/2: this value stands twice: keep one");
    says(R"(, "sweep": [ { "of": "/seed", "values": [ 1 ] } ])",
         "c.json:1:87: /sweep/0/of: \"/seed\" cannot be changed by a campaign: every run has a seed of its "
         "own, from the campaign's");
    says(R"(, "draw": [ { "of": "x", "dist": "choice", "values": [ 1, 2 ], "weights": [ 1 ] } ])",
         "c.json:1:140: /draw/0/weights: 1 weights for 2 values: give each value one");
    says(R"(, "runs": 10, "stop": { "class": "panic", "within": 0.01 })",
         "c.json:1:76: /runs: \"stop\" says how many runs there are: take \"runs\" away, or say \"at_most\" in "
         "\"stop\"");
    says(R"(, "set": { "x": 1 }, "sweep": [ { "of": "/params/x", "values": [ 1 ] } ])",
         "c.json:1:131: /sweep/0/values/0: \"/params/x\" is changed twice: change each place once");
    says(R"(, "numbers": [ { "of": "/counter/cmci" } ])",
         "c.json:1:89: /numbers/0/of: results have no \"counter\": did you mean \"counters\"?");
    says(R"(, "numbers": [ { "of": "/signals/0/pdi" } ])",
         "c.json:1:89: /numbers/0/of: results have no \"pdi\" in /signals/0: did you mean \"pid\"?");
    CHECK(told(R"(, "numbers": [ { "of": "/signals/0/pid" }, { "of": "/poison/dram0" } ])").empty());
    CHECK(told(R"(, "sweeps": [])").find("did you mean \"sweep\"?") != std::string::npos);
}

TEST_CASE("a measured distribution is drawn between the points of its table") {
    const CampaignDraw d = drawn(R"("dist": "empirical", "table": [[0.5, "1us"], [0.9, "5us"], [1, "9us"]])");
    CHECK(d.unit == CampaignDraw::Unit::time);
    const auto at = [&](double share) { return draw_value(d, static_cast<std::uint64_t>(share * 0x1p64)); };
    CHECK(at(0.3) == "1us");
    CHECK(at(0.7) == "3us");
    CHECK(at(0.95) == "7us");
    CHECK(extremes(d) == std::vector<nlohmann::json>{"1us", "9us"});
    CHECK(told(R"(, "draw": [ { "of": "x", "dist": "empirical", "table": [[0.5, "1us"], [0.4, "2us"]] } ])") ==
          "c.json:1:121: /draw/0/table: the last share is not 1: the last row holds the largest value: [1, VALUE]\n"
          "c.json:1:136: /draw/0/table/1: the table does not rise here: shares rise, and values do not fall\n");
}

TEST_CASE("draws come from the distribution that is asked for") {
    const CampaignDraw uniform = drawn(R"("dist": "uniform", "low": "0x1000", "high": "0x10ff", "step": "64B")");
    std::map<std::string, int> seen;
    for (std::uint64_t i = 0; i < 4000; ++i)
        ++seen[draw_value(uniform, i * (~std::uint64_t{0} / 4000)).get<std::string>()];
    CHECK(seen.size() == 4);
    for (const char* at : {"0x1000", "0x1040", "0x1080", "0x10c0"}) CHECK(std::abs(seen[at] - 1000) <= 1);

    const CampaignDraw choice = drawn(R"("dist": "choice", "values": [ "a", "b", "c" ], "weights": [ 1, 0, 3 ])");
    std::map<std::string, int> chosen;
    for (std::uint64_t i = 0; i < 4000; ++i)
        ++chosen[draw_value(choice, i * (~std::uint64_t{0} / 4000)).get<std::string>()];
    CHECK(std::abs(chosen["a"] - 1000) <= 1);
    CHECK(chosen.count("b") == 0);
    CHECK(extremes(choice).size() == 2);

    const CampaignDraw lognormal = drawn(R"("dist": "lognormal", "median": "4us", "p99": "30us")");
    CHECK(draw_value(lognormal, std::uint64_t{1} << 63) == "4us");
    const CampaignDraw real = drawn(R"("dist": "uniform", "low": 0.5, "high": 1)");
    CHECK(draw_value(real, 0) == 0.5);
    CHECK(draw_value(real, std::uint64_t{1} << 63) == 0.75);
}

TEST_CASE("cells cross variants and sweeps, and the first varies slowest") {
    const auto r = Plan::restore({{"c.json",
                                   R"({ "schema": "mcemu/campaign/1", "name": "c", "scenario": "s.json",
                                        "variants": [ { "name": "p" }, { "name": "q" } ],
                                        "sweep": [ { "of": "x", "values": [ 1, 2, 3 ] }, { "of": "y", "values": [ 5, 6 ] } ] })"}});
    REQUIRE(r.plan);
    CHECK(r.plan->cells() == 12);
    CHECK(r.plan->cell_name(0) == "p, x 1, y 5");
    CHECK(r.plan->cell_name(1) == "p, x 1, y 6");
    CHECK(r.plan->cell_name(7) == "q, x 1, y 6");
    CHECK(r.plan->cell_name(11) == "q, x 3, y 6");
}

TEST_CASE("run n has the same random numbers in all cells, unless each is to have its own") {
    const auto plan = [](const std::string& more) {
        return Plan::restore({{"c.json",
                               R"({ "schema": "mcemu/campaign/1", "name": "c", "scenario": "s.json", "seed": 3,
                                    "sweep": [ { "of": "x", "values": [ 1, 2 ] } ],
                                    "draw": [ { "of": "y", "dist": "uniform", "low": 0, "high": 1000000 } ])" +
                                   more + " }"}})
            .plan;
    };
    const auto common = plan(""), own = plan(R"(, "common": false)");
    std::set<std::uint64_t> seeds;
    for (std::uint64_t rep = 0; rep < 50; ++rep) {
        CHECK(common->seed(0, rep) == common->seed(1, rep));
        CHECK(common->drawn(0, 0, rep) == common->drawn(0, 1, rep));
        CHECK(own->seed(0, rep) != own->seed(1, rep));
        CHECK(own->drawn(0, 0, rep) != own->drawn(0, 1, rep));
        seeds.insert(own->seed(0, rep));
        seeds.insert(own->seed(1, rep));
    }
    CHECK(seeds.size() == 100);
}

TEST_CASE("another draw beside it leaves a draw as it was") {
    const auto plan = [](const std::string& before) {
        return Plan::restore({{"c.json", R"({ "schema": "mcemu/campaign/1", "name": "c", "scenario": "s.json", "draw": [ )" +
                                             before + R"({ "of": "y", "dist": "uniform", "low": 0, "high": 1000000 } ] })"}})
            .plan;
    };
    const auto one = plan(""), two = plan(R"({ "of": "z", "dist": "uniform", "low": 0, "high": 9 }, )");
    for (std::uint64_t rep = 0; rep < 20; ++rep) CHECK(one->drawn(0, 0, rep) == two->drawn(1, 0, rep));
}
