#include "compare/result_diff.hpp"

#include <catch2/catch.hpp>

#include "compare/loaded.hpp"
#include "compare/world.hpp"

using namespace mcemu;
using compare::common;
using compare::Json;
using compare::Kind;
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

namespace {

const Kind& kind(const std::vector<Kind>& kinds, const std::string& name) {
    for (const Kind& k : kinds)
        if (k.name == name) return k;
    throw std::runtime_error("no kind " + name);
}

Json result() {
    return compare::run_world("racing", *test::loaded(test::racing("2ms"))).result;
}

}  // namespace

TEST_CASE("the longest common subsequence pairs what is equal", "[compare][diff]") {
    CHECK(common({}, {}) == Pairs{});
    CHECK(common({"a", "b", "c"}, {"a", "c"}) == Pairs{{0, 0}, {2, 1}});
    CHECK(common({"a", "b"}, {"b", "a", "b"}) == Pairs{{0, 1}, {1, 2}});
    CHECK(common({"x", "a", "y"}, {"a", "z"}) == Pairs{{1, 0}});
}

TEST_CASE("a result is the same as itself", "[compare][diff]") {
    const Json a = result();
    for (const Kind& k : compare::diff_results(a, a)) CHECK(k.same());
}

TEST_CASE("one changed value shows in its kind and in no other", "[compare][diff]") {
    const Json a = result();
    struct Case {
        const char* pointer;
        Json value;
        const char* kind;
    };
    for (const Case& c : std::initializer_list<Case>{{"/outcome", "panic", "outcome"},
                                                     {"/log/0/text", "no such line", "log"},
                                                     {"/signals/0/signal", "SIGKILL", "signals"},
                                                     {"/processes/0/state", "alive", "processes"},
                                                     {"/pages/0/users", 77, "pages"},
                                                     {"/counters/signals", 5, "counters"},
                                                     {"/events/0/fate", "latent", "fates"},
                                                     {"/memtypes/0", "uncached @ 0-1", "memtypes"}}) {
        Json b = a;
        b[Json::json_pointer(c.pointer)] = c.value;
        const auto kinds = compare::diff_results(a, b);
        CHECK(compare::differing(kinds, true) == std::vector<std::string>{c.kind});
        CHECK(kind(kinds, c.kind).changes.size() >= 1);
    }
}

TEST_CASE("what only comes at another time is told apart from what changed", "[compare][diff]") {
    const Json a = result();
    Json b = a;
    b["log"][0]["t_ns"] = b["log"][0]["t_ns"].get<std::uint64_t>() + 1000;
    b["latency"][0]["ns"] = 1;
    b["end_ns"] = 1;
    const auto kinds = compare::diff_results(a, b);
    CHECK(compare::differing(kinds, false).empty());
    CHECK(compare::differing(kinds, true) == std::vector<std::string>{"log", "latencies", "end"});
}
