#include "campaign/schedule.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

using namespace mcemu::campaign;

namespace {

std::shared_ptr<Plan> plan(const std::string& members) {
    return Plan::restore({{"c.json", R"({ "schema": "mcemu/campaign/1", "name": "c", "scenario": "s.json",
                                          "sweep": [ { "of": "x", "values": [ 1, 2, 3 ] } ])" + members + " }"}})
        .plan;
}

RunRecord record(const RunId& id, const char* of_class) {
    RunRecord r;
    r.id = id;
    r.of_class = of_class;
    return r;
}

}  // namespace

TEST_CASE("the parts of a campaign have every run once, however many there are") {
    const auto p = plan(R"(, "runs": 7)");
    for (const std::uint64_t parts : {1, 2, 5, 21, 30}) {
        std::map<RunId, int> seen;
        std::uint64_t planned = 0;
        for (std::uint64_t i = 1; i <= parts; ++i) {
            Schedule s(*p, nullptr);
            s.keep_shard(i, parts);
            planned += s.planned();
            for (Piece piece = s.next(2); piece.first < piece.end; piece = s.next(2)) {
                CHECK(piece.end - piece.first <= 2);
                for (std::uint64_t rep = piece.first; rep < piece.end; ++rep) ++seen[{piece.cell, rep}];
            }
        }
        CHECK(planned == 21);
        CHECK(seen.size() == 21);
        for (const auto& [id, n] : seen) CHECK(n == 1);
    }
}

TEST_CASE("a stop rule asks for more until the interval is narrow, and no sooner") {
    const auto p = plan(R"(, "stop": { "class": "panic", "within": 0.1, "at_least": 10, "at_most": 1000 })");
    Schedule s(*p, nullptr);
    std::map<std::uint64_t, std::uint64_t> runs;
    // Cell 0 always panics, cell 1 half the time, cell 2 is never effective.
    for (Piece piece = s.next(3); piece.first < piece.end; piece = s.next(3))
        for (std::uint64_t rep = piece.first; rep < piece.end; ++rep) {
            ++runs[piece.cell];
            s.add(record({piece.cell, rep}, piece.cell == 0   ? "panic"
                                            : piece.cell == 1 ? (rep % 2 ? "panic" : "recovered")
                                                              : "not-effective"));
        }
    CHECK(s.complete());
    // 10, 15, 23: with all of 23 the half width is (1 - 0.025^(1/23)) / 2 = 0.074; with 15 0.109.
    CHECK(runs[0] == 23);
    // 10 15 23 35 53 80 120: half widths of a half: 0.1146 at 80, 0.0925 at 120.
    CHECK(runs[1] == 120);
    CHECK(runs[2] == 1000);
}
