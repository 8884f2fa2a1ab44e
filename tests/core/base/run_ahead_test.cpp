// A flow that takes time goes on without an entry of the agenda where nobody can tell.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/flow.hpp"

using namespace std::chrono_literals;
using mcemu::Agenda;
using mcemu::AgendaTarget;
using mcemu::delay;
using mcemu::FlowSet;
using mcemu::SimTime;
using mcemu::Task;

namespace {

using Story = std::vector<std::string>;

struct World {
    Agenda agenda;
    FlowSet flows;
    Story story;
    std::vector<std::size_t> queued;  ///< entries of the agenda at each note()

    void note(const std::string& what) {
        story.push_back(std::to_string(agenda.now().count() / 1000) + " " + what);
        queued.push_back(agenda.size());
    }
};

Task<void> walk(World& w, std::string name, SimTime step, int steps) {
    for (int i = 0; i < steps; ++i) {
        co_await delay(w.agenda, step);
        w.note(name);
    }
}

Task<void> walk_nested(World& w, std::string name, SimTime step, int steps) {
    co_await walk(w, name, step, steps);
    w.note(name + " ends");
}

Task<void> start_another(World& w) {
    co_await delay(w.agenda, 1ns);
    w.flows.spawn([&] { return walk(w, "started", 1ns, 2); });
    w.note("starter");
    co_await delay(w.agenda, 1ns);
    w.note("starter");
}

struct Bell final : AgendaTarget {
    explicit Bell(World& w) : world(w) {}
    void on_agenda(std::uint64_t) override { world.note("bell"); }
    World& world;
};

Task<int> ended_or_not(Agenda& agenda, bool waits) {
    if (!waits) return Task<int>::ended(7);
    return [](Agenda& a) -> Task<int> {
        co_await delay(a, 1ns);
        co_return 8;
    }(agenda);
}

Task<void> sum_up(Agenda& agenda, int& sum) {
    for (const bool waits : {false, true, false}) sum += co_await ended_or_not(agenda, waits);
}

}  // namespace

TEST_CASE("a flow alone goes on without queueing, each step at its time", "[core][flow]") {
    World w;
    w.flows.spawn([&] { return walk_nested(w, "a", 2ns, 3); });
    CHECK(w.agenda.size() == 1);  // started from outside: it waits for run_until()
    CHECK(w.agenda.run_until(10ns) == 3);
    CHECK(w.story == Story{"2 a", "4 a", "6 a", "6 a ends"});
    CHECK(w.queued == std::vector<std::size_t>{0, 0, 0, 0});
    CHECK(w.agenda.now() == 6ns);
}

TEST_CASE("a flow does not overtake what is queued before or at its time", "[core][flow]") {
    World w;
    Bell bell(w);
    w.agenda.post(3ns, bell, 0);
    w.agenda.post(4ns, bell, 0);
    w.flows.spawn([&] { return walk(w, "a", 2ns, 3); });
    w.agenda.run_until(10ns);
    CHECK(w.story == Story{"2 a", "3 bell", "4 bell", "4 a", "6 a"});
}

TEST_CASE("a flow does not go on beyond the limit of run_until", "[core][flow]") {
    World w;
    w.flows.spawn([&] { return walk(w, "a", 2ns, 3); });
    CHECK(w.agenda.run_until(5ns) == 2);
    CHECK(w.story == Story{"2 a", "4 a"});
    CHECK(w.agenda.now() == 4ns);
    CHECK(w.agenda.run_until(6ns) == 1);
    CHECK(w.story.back() == "6 a");
}

TEST_CASE("going on counts as an entry that run_until may run", "[core][flow]") {
    World w;
    w.flows.spawn([&] { return walk(w, "a", 2ns, 5); });
    for (int ran = 1; ran <= 5; ++ran) {
        CHECK(w.agenda.run_until(100ns, 1) == 1);
        CHECK(w.story.size() == static_cast<std::size_t>(ran));
    }
}

TEST_CASE("a flow that another starts leaves the starter its time", "[core][flow]") {
    World w;
    w.flows.spawn([&] { return start_another(w); });
    w.agenda.run_until(10ns);
    // Both want 2 ns; the one that was started asked first.
    CHECK(w.story == Story{"1 starter", "2 started", "2 starter", "3 started"});
}

TEST_CASE("a stopped agenda lets no flow go on", "[core][flow]") {
    World w;
    w.flows.spawn([&] {
        return [](World& world) -> Task<void> {
            co_await delay(world.agenda, 1ns);
            world.agenda.stop();
            co_await delay(world.agenda, 1ns);
            world.note("after the end");
        }(w);
    });
    w.agenda.run_until(10ns);
    CHECK(w.story.empty());
    CHECK(w.agenda.now() == 1ns);
}

TEST_CASE("the cause stays when a flow goes on", "[core][flow]") {
    World w;
    std::vector<std::uint32_t> causes;
    w.agenda.set_why({5, 2});
    w.flows.spawn([&] {
        return [](World& world, std::vector<std::uint32_t>& seen) -> Task<void> {
            co_await delay(world.agenda, 1ns);
            seen.push_back(world.agenda.why().cause);
            world.agenda.set_why({6, 2});
            co_await delay(world.agenda, 1ns);
            seen.push_back(world.agenda.why().cause);
        }(w, causes);
    });
    w.agenda.set_why({});
    w.agenda.run_until(10ns);
    CHECK(causes == std::vector<std::uint32_t>{5, 6});
}

TEST_CASE("a Task that ended without a coroutine yields its value like any other", "[core][flow]") {
    World w;
    int sum = 0;
    w.flows.spawn([&] { return sum_up(w.agenda, sum); });
    CHECK(sum == 7);
    w.agenda.run_until(10ns);
    CHECK(sum == 7 + 8 + 7);

    w.flows.spawn([] { return Task<void>::ended(); });
    CHECK(Task<void>::ended().done());
    CHECK(w.agenda.empty());
}
