#include "output/temporal.hpp"

#include <catch2/catch.hpp>

namespace mcemu::output {
namespace {

using Op = TemporalExpectation::Op;
using Span = ConditionHistory::Span;
using std::chrono::milliseconds;
constexpr SimTime ms(int n) { return std::chrono::duration_cast<SimTime>(milliseconds(n)); }

/// A state that holds from record `begin` (at that many ms) to record `end`.
Span state(int begin, int end) {
    return {ms(begin), end < 0 ? SimTime::max() : ms(end), static_cast<std::uint32_t>(begin),
            end < 0 ? ~0u : static_cast<std::uint32_t>(end), false};
}
Span moment(int at) {
    return {ms(at), ms(at), static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at), true};
}

/// Records are numbered by their millisecond; the run ends at 100 ms.
struct Case {
    TemporalExpectation item;
    TemporalHistory history;

    explicit Case(Op op) { item.op = op; }
    Case& what(std::vector<Span> spans) {
        history.what.spans = std::move(spans);
        return *this;
    }
    Case& then(std::vector<Span> spans) {
        item.then.emplace();
        history.then.spans = std::move(spans);
        return *this;
    }
    Case& after(std::vector<Span> spans) {
        item.after.emplace();
        history.after.spans = std::move(spans);
        return *this;
    }
    Case& until(std::vector<Span> spans) {
        item.until.emplace();
        history.until.spans = std::move(spans);
        return *this;
    }
    Case& within(int n) {
        item.within = ms(n);
        return *this;
    }
    Finding judged() const {
        TemporalContext context;
        context.end = ms(100);
        context.told = [](std::uint32_t id) { return "record " + std::to_string(id); };
        context.instead = [](const Condition&, const ConditionHistory&) { return std::string("nothing like it"); };
        return judge(item, history, context, "/expect/temporal/0", "as written");
    }
    bool met() const { return judged().ok; }
    std::string got() const { return judged().got.get<std::string>(); }
};

}  // namespace

TEST_CASE("always: a state that lasts as long as it is asked for", "[output][temporal]") {
    CHECK(Case(Op::always).what({state(0, -1)}).met());
    CHECK(Case(Op::always).what({state(0, 50)}).within(49).met());
    CHECK(Case(Op::always).what({state(10, 50)}).after({moment(10)}).until({moment(50)}).met());
    CHECK(Case(Op::always).what({state(0, 50)}).got() == "not so from 50.000 ms (record 50) for 50.000 ms");
    CHECK(Case(Op::always).what({state(0, 50), state(60, -1)}).got() ==
          "not so from 50.000 ms (record 50) for 10.000 ms");
    CHECK(Case(Op::always).what({state(20, -1)}).got() == "not so from 0.000 ns (the start) for 20.000 ms");
    CHECK(Case(Op::always).what({}).got() == "not so from 0.000 ns (the start) for 100.000 ms");
    // Between an event and its effect at the same time nothing is missed.
    const Span effect{ms(10), SimTime::max(), 11, ~0u, false};
    CHECK(Case(Op::always).what({effect}).after({moment(10)}).met());
    CHECK_FALSE(Case(Op::always).what({state(0, 100)}).met());  // it ends with the run
    const Finding f = Case(Op::always).what({state(0, 50), state(60, -1)}).judged();
    CHECK(f.nearest == nlohmann::ordered_json{{"t_ns", 50'000'000}, {"for_ns", 10'000'000}});
}

TEST_CASE("never: neither a state nor a happening in the window", "[output][temporal]") {
    CHECK(Case(Op::never).what({}).met());
    CHECK(Case(Op::never).what({moment(20)}).within(19).met());
    CHECK_FALSE(Case(Op::never).what({moment(20)}).within(20).met());
    CHECK(Case(Op::never).what({moment(20)}).after({moment(21)}).met());
    CHECK(Case(Op::never).what({moment(20)}).until({moment(20)}).met());
    CHECK(Case(Op::never).what({moment(20)}).got() == "it was so at 20.000 ms (record 20)");
    // A state that began before the window reaches into it.
    CHECK(Case(Op::never).what({state(5, 30)}).after({moment(10)}).got() ==
          "it was so at 10.000 ms (record 10)");
    CHECK(Case(Op::never).what({state(5, 10)}).after({moment(10)}).met());
}

TEST_CASE("eventually: in time, or how late", "[output][temporal]") {
    CHECK(Case(Op::eventually).what({moment(20)}).within(20).met());
    CHECK(Case(Op::eventually).what({state(5, 30)}).after({moment(10)}).within(1).met());
    const Finding late = Case(Op::eventually).what({moment(50)}).after({moment(10)}).within(30).judged();
    CHECK_FALSE(late.ok);
    CHECK(late.late);
    CHECK(late.got == "it came at 50.000 ms (record 50), 10.000 ms late");
    CHECK(late.nearest["late_ns"] == 10'000'000);
    CHECK(Case(Op::eventually).what({moment(50)}).until({moment(40)}).got() ==
          "it came at 50.000 ms (record 50), after its \"until\" at 40.000 ms (record 40)");
    CHECK(Case(Op::eventually).what({moment(5)}).after({moment(10)}).got() ==
          "it came at 5.000 ms (record 5), before its \"after\" at 10.000 ms (record 10)");
    CHECK(Case(Op::eventually).what({}).got() == "it never came: nothing like it");
}

TEST_CASE("eventually: of several conditions, which never held", "[output][temporal]") {
    Case c(Op::eventually);
    c.item.what.kind = Condition::Kind::all;
    c.item.what.parts.resize(2);
    c.history.what.parts = {ConditionHistory{{state(7, -1)}, {}}, ConditionHistory{}};
    CHECK(c.got() == "it never came: /0 first at 7.000 ms, /1 never (nothing like it)");
}

TEST_CASE("before: both come, in order and in time", "[output][temporal]") {
    CHECK(Case(Op::before).what({moment(10)}).then({moment(20)}).met());
    CHECK(Case(Op::before).what({moment(10)}).then({moment(20)}).within(10).met());
    CHECK(Case(Op::before).what({moment(20)}).then({moment(10)}).got() ==
          "the second came first: at 10.000 ms (record 10), the first at 20.000 ms (record 20)");
    CHECK(Case(Op::before).what({moment(10)}).then({moment(20)}).within(9).got() ==
          "the second came 10.000 ms after the first, 1.000 ms late");
    CHECK(Case(Op::before).what({}).then({moment(20)}).got() == "the first never came: nothing like it");
    CHECK(Case(Op::before).what({moment(10)}).then({}).got() == "the second never came: nothing like it");
    // Two of one record are not one before the other.
    CHECK_FALSE(Case(Op::before).what({moment(10)}).then({moment(10)}).met());
}

TEST_CASE("a window that never opens fails", "[output][temporal]") {
    for (const Op op : {Op::always, Op::never, Op::eventually, Op::before}) {
        const Finding f = Case(op).what({state(0, -1)}).then({moment(1)}).after({}).judged();
        CHECK_FALSE(f.ok);
        CHECK(f.note == "its \"after\" never came: nothing like it");
    }
}

}  // namespace mcemu::output
