#include "compare/cause_diff.hpp"

#include <catch2/catch.hpp>

#include "compare/report.hpp"

using namespace mcemu;
using compare::CauseDiff;
using compare::diff_causes;
using compare::Divergence;
using compare::Parting;
using compare::Step;

namespace {

/// id, cause, time and what; the first word is the kind, the second the subject.
Step step(std::uint32_t id, std::uint32_t cause, std::uint64_t t, const std::string& kind,
          const std::string& what, std::uint64_t spent = 0) {
    Step s;
    s.id = id, s.cause = cause, s.t_ps = t, s.spent_ps = spent;
    s.kind = kind, s.what = what;
    s.about = what.substr(0, what.find(','));
    return s;
}

const std::vector<Step> kBase{
    step(1, 0, 100, "scenario_event", "e1"),   step(2, 1, 100, "memory_failure", "0x5"),
    step(3, 2, 110, "page_flag", "0x5, 1"),    step(4, 2, 120, "signal_sent", "p, 7"),
    step(5, 0, 500, "scenario_event", "e2"),   step(6, 5, 500, "access", "0, load"),
};

}  // namespace

TEST_CASE("a trace does not part from itself, whatever its ids", "[compare][causes]") {
    std::vector<Step> other = kBase;
    for (Step& s : other) s.id += 10, s.cause += s.cause ? 10 : 0;
    const CauseDiff d = diff_causes(kBase, other);
    CHECK(d.first() == nullptr);
    CHECK(d.common == kBase.size());
}

TEST_CASE("what happened in one run only is named with its shared cause", "[compare][causes]") {
    std::vector<Step> other = kBase;
    other.erase(other.begin() + 3);  // no signal
    const CauseDiff d = diff_causes(kBase, other);
    REQUIRE(d.happened.size() == 1);
    CHECK(d.first()->how == Parting::only_a);
    CHECK(d.first()->a == 3);
    CHECK(d.first()->b == Divergence::kNone);
    CHECK(d.first()->cause_a == 1);
    CHECK(d.first()->at_ps == 120);
    CHECK(diff_causes(other, kBase).first()->how == Parting::only_b);
}

TEST_CASE("what follows from a divergence is not one of its own", "[compare][causes]") {
    std::vector<Step> other = kBase;
    other[1].what = other[1].about = "0x6";  // all below has another cause
    const CauseDiff d = diff_causes(kBase, other);
    REQUIRE(d.happened.size() == 1);
    CHECK(d.happened[0].how == Parting::values);
    CHECK(d.happened[0].a == 1);
}

TEST_CASE("an earlier cause comes before an earlier place in the file", "[compare][causes]") {
    // The second tree parts at 500, the first one's consequence at 120: the walk is by cause, the
    // first divergence by time among those that do not follow from another.
    std::vector<Step> other = kBase;
    other[5].what = "0, store";
    other[3].what = "p, 9";
    const CauseDiff d = diff_causes(kBase, other);
    REQUIRE(d.happened.size() == 2);
    CHECK(d.happened[0].at_ps == 120);
    CHECK(d.happened[1].at_ps == 500);
}

TEST_CASE("a later effect of the same cause is a divergence in time, once", "[compare][causes]") {
    std::vector<Step> other = kBase;
    // memory_failure() takes 5 longer to the flag; the event e2 and its access move as well.
    other[2].t_ps += 5;
    other[4].t_ps += 7, other[5].t_ps += 7;
    const CauseDiff d = diff_causes(kBase, other);
    CHECK(d.happened.empty());
    REQUIRE(d.times.size() == 2);  // the flag, and e2 itself; not what e2 set off
    CHECK(d.times[0].a == 2);
    CHECK(d.times[1].a == 4);
}

TEST_CASE("the same things in another order are told last", "[compare][causes]") {
    std::vector<Step> a = kBase, b = kBase;
    for (auto* list : {&a, &b})
        for (Step& s : *list) s.t_ps = 100;
    std::swap(b[2].what, b[3].what), std::swap(b[2].kind, b[3].kind), std::swap(b[2].about, b[3].about);
    const CauseDiff d = diff_causes(a, b);
    CHECK(d.happened.empty());
    CHECK(d.times.empty());
    REQUIRE(d.order.size() == 1);
    CHECK(diff_causes(a, a).order.empty());
}

TEST_CASE("a chain of causes leaves out phases and log lines", "[compare][causes]") {
    const std::vector<Step> steps{
        step(1, 0, 0, "scenario_event", "e"), step(2, 1, 0, "phase", "x", 5),
        step(3, 2, 5, "memory_failure", "0x5"), step(4, 3, 5, "log_line", "text hello")};
    CHECK(compare::chain(steps, 3) == std::vector<std::size_t>{0, 2, 3});
    CHECK(compare::chain(steps, 2) == std::vector<std::size_t>{0, 2});
}

TEST_CASE("a chain of a hundred thousand causes is walked", "[compare][causes]") {
    std::vector<Step> a;
    for (std::uint32_t i = 1; i <= 100'000; ++i) a.push_back(step(i, i - 1, i, "worker", "0"));
    std::vector<Step> b = a;
    b.back().kind = "poll";
    const CauseDiff d = diff_causes(a, b);
    REQUIRE(d.happened.size() == 2);
    CHECK(d.common == 99'999);
}
