#include "core/agenda.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "core/trace.hpp"

using namespace std::chrono_literals;
using mcemu::Agenda;
using mcemu::AgendaTarget;
using mcemu::SimTime;

namespace {

/// Notes the argument of every entry, then does what the test asks for.
struct Recorder final : AgendaTarget {
    std::vector<std::uint64_t> seen;
    std::function<void(std::uint64_t)> then;
    void on_agenda(std::uint64_t arg) override {
        seen.push_back(arg);
        if (then) then(arg);
    }
};

}  // namespace

TEST_CASE("agenda entries run in the order of their times", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    for (const unsigned at : {5u, 1u, 4u, 2u, 3u}) agenda.post(SimTime{at}, r, at);

    CHECK(agenda.run_until(10ns) == 5);
    CHECK(r.seen == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
}

TEST_CASE("agenda entries of one time run in the order in which they were posted", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    for (std::uint64_t i = 0; i < 100; ++i) {
        agenda.post(7ns, r, i);
        agenda.post(9ns, r, 1000 + i);  // heap entries in between must not disturb it
    }
    agenda.run_until(7ns);

    REQUIRE(r.seen.size() == 100);
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(r.seen[i] == i);
}

TEST_CASE("an entry posted for the running time runs after those already waiting for it",
          "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    r.then = [&](std::uint64_t arg) {
        if (arg == 1) agenda.post(agenda.now(), r, 3);
    };
    agenda.post(1ns, r, 1);
    agenda.post(1ns, r, 2);
    agenda.run_until(1ns);

    CHECK(r.seen == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("an entry runs at its time and not a picosecond before", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    agenda.post(SimTime{1000}, r, 1);

    CHECK(agenda.run_until(SimTime{999}) == 0);
    CHECK(agenda.run_until(SimTime{1000}) == 1);
    CHECK(agenda.now() == SimTime{1000});
}

TEST_CASE("run_until stops after the number of entries that it may run", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    for (std::uint64_t i = 0; i < 5; ++i) agenda.post(1ns, r, i);

    CHECK(agenda.run_until(1ns, 2) == 2);
    CHECK(agenda.size() == 3);
}

TEST_CASE("posting before now is the caller's error and says both times", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    agenda.advance_to(2ns);

    CHECK_THROWS_WITH(agenda.post(SimTime{1999}, r, 0),
                      "Agenda::post: 1999 ps lies before now, 2000 ps");
}

TEST_CASE("advance_to never moves time backwards", "[core][agenda]") {
    Agenda agenda;
    agenda.advance_to(5ns);
    agenda.advance_to(3ns);
    CHECK(agenda.now() == 5ns);
}

TEST_CASE("a stopped agenda drops what waits and takes nothing more", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    r.then = [&](std::uint64_t) { agenda.stop(); };
    agenda.post(1ns, r, 1);
    agenda.post(1ns, r, 2);
    agenda.run_until(10ns);
    agenda.post(20ns, r, 3);

    CHECK(r.seen == std::vector<std::uint64_t>{1});
    CHECK(agenda.empty());
    CHECK(agenda.stopped());
}

TEST_CASE("the causality current at post is current again when the entry runs", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    std::vector<std::uint32_t> causes, origins;
    r.then = [&](std::uint64_t) {
        causes.push_back(agenda.why().cause);
        origins.push_back(agenda.why().origin);
        agenda.set_why({99, 99});  // must not leak into the next entry
    };
    agenda.set_why({1, 10});
    agenda.post(2ns, r, 0);
    agenda.set_why({2, 20});
    agenda.post(1ns, r, 0);
    agenda.post(3ns, r, 0, {3, 30});
    agenda.run_until(10ns);

    CHECK(causes == std::vector<std::uint32_t>{2, 1, 3});
    CHECK(origins == std::vector<std::uint32_t>{20, 10, 30});
}

TEST_CASE("nothing is the cause of what happens outside of entries", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    agenda.set_why({1, 1});
    agenda.post(1ns, r, 0);
    agenda.run_until(1ns);
    CHECK(agenda.why().cause == 0);
    CHECK(agenda.why().origin == 0);
}

TEST_CASE("an exception from an entry leaves run_until and the rest stays queued", "[core][agenda]") {
    Agenda agenda;
    Recorder r;
    r.then = [](std::uint64_t arg) {
        if (arg == 1) throw std::runtime_error("first");
    };
    agenda.post(1ns, r, 1);
    agenda.post(2ns, r, 2);

    CHECK_THROWS_WITH(agenda.run_until(5ns), "first");
    CHECK(agenda.run_until(5ns) == 1);
    CHECK(r.seen == std::vector<std::uint64_t>{1, 2});
}

// ---------------------------------------------------------------- trace

TEST_CASE("a step is the cause of what the same activity does next, a note is not", "[core][trace]") {
    using mcemu::Module;
    using mcemu::TraceKind;
    Agenda agenda;
    mcemu::Trace trace(agenda, 16);
    agenda.set_why({0, 4});
    const auto step = trace.step(Module::cpu, TraceKind::access);
    const auto note = trace.note(Module::kernel, TraceKind::log_line);
    const auto last = trace.note(Module::kernel, TraceKind::bank_logged);

    CHECK(trace[note].why.cause == step);
    CHECK(trace[last].why.cause == step);
    CHECK(trace[last].why.origin == 4);
}

TEST_CASE("a full trace keeps its newest records under their own ids", "[core][trace]") {
    Agenda agenda;
    mcemu::Trace trace(agenda, 4);
    for (std::uint32_t i = 1; i <= 10; ++i)
        trace.note(mcemu::Module::cpu, mcemu::TraceKind::access, i);

    CHECK(trace.count() == 10);
    CHECK(trace.first() == 7);
    CHECK_FALSE(trace.holds(6));
    for (std::uint32_t id = 7; id <= 10; ++id) CHECK(trace[id].subject == id);
}

TEST_CASE("a trace without room still counts and still carries causality", "[core][trace]") {
    Agenda agenda;
    mcemu::Trace trace(agenda, 0);
    trace.note(mcemu::Module::cpu, mcemu::TraceKind::access);
    const auto id = trace.step(mcemu::Module::cpu, mcemu::TraceKind::access);

    CHECK(id == 2);
    CHECK_FALSE(trace.holds(id));
    CHECK(agenda.why().cause == id);
}

TEST_CASE("the observer sees every record, also those that are not kept", "[core][trace]") {
    Agenda agenda;
    mcemu::Trace trace(agenda, 0);
    std::vector<std::uint32_t> ids;
    trace.observe([&](std::uint32_t id, const mcemu::TraceRecord&) { ids.push_back(id); });
    trace.note(mcemu::Module::cpu, mcemu::TraceKind::access);
    trace.note(mcemu::Module::cpu, mcemu::TraceKind::access);
    CHECK(ids == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("equal texts have one number and number 0 is the empty text", "[core][trace]") {
    mcemu::Names names;
    const auto a = names.intern("madvise");
    CHECK(names.intern("madvise") == a);
    CHECK(names[a] == "madvise");
    CHECK(names[0].empty());
    CHECK(names.intern("") == 0);
}

namespace {

/// Chooses what the test says, in the order in which it is asked; then always the first.
struct Picker final : mcemu::AgendaChooser {
    std::vector<std::size_t> picks;
    std::vector<std::vector<std::uint64_t>> seen;  // times of the candidates, ps
    std::size_t choose(std::span<const mcemu::AgendaCandidate> candidates) override {
        seen.emplace_back();
        for (const auto& c : candidates) seen.back().push_back(c.at.count());
        return seen.size() <= picks.size() ? picks[seen.size() - 1] : 0;
    }
};

}  // namespace

TEST_CASE("a chooser that always takes the first changes nothing", "[core][agenda][choose]") {
    Agenda plain, chosen;
    Recorder a, b;
    Picker picker;
    chosen.choose_by(&picker, SimTime{3});
    for (std::uint64_t i = 0; i < 200; ++i) {
        const SimTime at{i * 7919 % 31};
        plain.post(at, a, i);
        chosen.post(at, b, i);
    }
    CHECK(plain.run_until(SimTime{20}) == chosen.run_until(SimTime{20}));
    CHECK(plain.run_until(1ns) == chosen.run_until(1ns));
    CHECK(a.seen == b.seen);
    CHECK(plain.now() == chosen.now());
}

TEST_CASE("a chooser picks among the entries of one time", "[core][agenda][choose]") {
    Agenda agenda;
    Recorder r;
    Picker picker;
    picker.picks = {2, 1};
    agenda.choose_by(&picker, SimTime{});
    for (const std::uint64_t i : {0u, 1u, 2u}) agenda.post(SimTime{5}, r, i);
    agenda.post(SimTime{6}, r, 3);
    agenda.run_until(1ns);
    CHECK(r.seen == std::vector<std::uint64_t>{2, 1, 0, 3});
    CHECK(picker.seen == std::vector<std::vector<std::uint64_t>>{{5, 5, 5}, {5, 5}, {5}, {6}});
}

TEST_CASE("who goes first makes the others late, by no more than the window",
          "[core][agenda][choose]") {
    Agenda agenda;
    Recorder r;
    std::vector<std::uint64_t> times;
    r.then = [&](std::uint64_t) { times.push_back(agenda.now().count()); };
    Picker picker;
    picker.picks = {1};
    agenda.choose_by(&picker, SimTime{10});
    agenda.post(SimTime{100}, r, 0);
    agenda.post(SimTime{106}, r, 1);
    agenda.post(SimTime{111}, r, 2);  // 11 ps after the first: it cannot wait for this one
    agenda.run_until(1ns);
    CHECK(picker.seen == std::vector<std::vector<std::uint64_t>>{{100, 106}, {106}, {111}});
    CHECK(r.seen == std::vector<std::uint64_t>{1, 0, 2});
    CHECK(times == std::vector<std::uint64_t>{106, 106, 111});
}

TEST_CASE("no entry beyond the limit is a candidate", "[core][agenda][choose]") {
    Agenda agenda;
    Recorder r;
    Picker picker;
    agenda.choose_by(&picker, SimTime{10});
    agenda.post(SimTime{1}, r, 0);
    agenda.post(SimTime{5}, r, 1);
    CHECK(agenda.run_until(SimTime{4}) == 1);
    CHECK(picker.seen == std::vector<std::vector<std::uint64_t>>{{1}});
    CHECK(agenda.now() == SimTime{1});
}
