#include "core/flow.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using mcemu::Agenda;
using mcemu::Causality;
using mcemu::delay;
using mcemu::FlowMutex;
using mcemu::FlowSet;
using mcemu::SimTime;
using mcemu::Task;
using mcemu::WaitQueue;

namespace {

using Story = std::vector<std::string>;

std::string at(Agenda& agenda, const std::string& what) {
    return std::to_string(agenda.now().count() / 1000) + " " + what;
}

/// Counts itself: a flow's locals must die with it.
struct Alive {
    explicit Alive(int& count) : count_(count) { ++count_; }
    Alive(const Alive&) = delete;
    Alive& operator=(const Alive&) = delete;
    ~Alive() { --count_; }
    int& count_;
};

Task<void> walk(Agenda& agenda, Story& story, std::string name, SimTime step, int steps) {
    for (int i = 0; i < steps; ++i) {
        story.push_back(at(agenda, name));
        co_await delay(agenda, step);
    }
    story.push_back(at(agenda, name + " ends"));
}

Task<int> answer(Agenda& agenda, SimTime after, int value) {
    co_await delay(agenda, after);
    co_return value;
}

Task<void> add_answers(Agenda& agenda, int& sum) {
    const int first = co_await answer(agenda, 3ns, 40);
    const int second = co_await answer(agenda, 0ns, 2);
    sum = first + second;
}

Task<void> fail_later(Agenda& agenda, SimTime after) {
    co_await delay(agenda, after);
    throw std::runtime_error("broken at " + std::to_string(agenda.now().count()));
}

Task<void> fail_inside(Agenda& agenda, SimTime after, bool catches, Story& story) {
    try {
        co_await fail_later(agenda, after);
    } catch (const std::runtime_error& e) {
        story.push_back(e.what());
        if (!catches) throw;
    }
}

Task<void> sleep_in(WaitQueue& queue, Agenda& agenda, Story& story, std::string name,
                    std::vector<Causality>* why = nullptr) {
    co_await queue.wait();
    story.push_back(at(agenda, name));
    if (why) why->push_back(agenda.why());
}

Task<void> wake_after(WaitQueue& queue, Agenda& agenda, SimTime after, bool all) {
    co_await delay(agenda, after);
    if (all) queue.wake_all();
    else queue.wake_one();
}

Task<void> hold(FlowMutex& mutex, Agenda& agenda, Story& story, std::string name, SimTime time,
                int times = 1) {
    for (int i = 0; i < times; ++i) {
        co_await mutex.lock();
        story.push_back(at(agenda, name));
        co_await delay(agenda, time);
        mutex.unlock();
    }
}

Task<void> live(Agenda& agenda, int& alive, SimTime time) {
    const Alive here(alive);
    co_await delay(agenda, time);
}

Task<void> live_nested(Agenda& agenda, int& alive, SimTime time) {
    const Alive here(alive);
    co_await live(agenda, alive, time);
}

Task<void> live_in_queue(WaitQueue& queue, int& alive) {
    const Alive here(alive);
    co_await queue.wait();
}

Task<void> nested(Agenda& agenda, int depth, int& deepest) {
    deepest = std::max(deepest, depth);
    if (depth < 1000) co_await nested(agenda, depth + 1, deepest);
    else co_await delay(agenda, 1ns);
}

Task<void> loop_of_finished(Agenda& agenda, int times, std::uint64_t& sum) {
    for (int i = 0; i < times; ++i) {
        const int value = co_await answer(agenda, 0ns, 1);
        sum += static_cast<std::uint64_t>(value);
    }
}

Task<void> remember_why(Agenda& agenda, std::vector<std::uint32_t>& causes) {
    causes.push_back(agenda.why().cause);
    co_await delay(agenda, 5ns);
    causes.push_back(agenda.why().cause);
}

Task<void> spawn_failing(FlowSet& flows, Agenda& agenda) {
    co_await delay(agenda, 1ns);
    flows.spawn([&] { return fail_later(agenda, 0ns); });
}

}  // namespace

TEST_CASE("a flow runs at once up to its first suspension", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    Story story;
    flows.spawn([&] { return walk(agenda, story, "a", 10ns, 1); });
    CHECK(story == Story{"0 a"});
}

TEST_CASE("flows interleave by time, and by order of suspension at one time", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    Story story;
    flows.spawn([&] { return walk(agenda, story, "a", 2ns, 2); });
    flows.spawn([&] { return walk(agenda, story, "b", 1ns, 4); });
    agenda.run_until(100ns);

    // At 2 ns a was suspended for that time before b was; at 4 ns likewise.
    CHECK(story == Story{"0 a", "0 b", "1 b", "2 a", "2 b", "3 b", "4 a ends", "4 b ends"});
}

TEST_CASE("a delay of nothing does not suspend", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    Story story;
    flows.spawn([&] { return walk(agenda, story, "a", 0ns, 2); });
    CHECK(story == Story{"0 a", "0 a", "0 a ends"});
    CHECK(agenda.empty());
}

TEST_CASE("an awaited flow yields its value when it has ended", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    int sum = 0;
    flows.spawn([&] { return add_answers(agenda, sum); });

    agenda.run_until(SimTime{2999});
    CHECK(sum == 0);
    agenda.run_until(3ns);
    CHECK(sum == 42);
}

TEST_CASE("the causality of a flow is restored when it goes on", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    std::vector<std::uint32_t> causes;
    agenda.set_why({1, 1});
    flows.spawn([&] { return remember_why(agenda, causes); });
    agenda.set_why({2, 2});
    flows.spawn([&] { return remember_why(agenda, causes); });
    agenda.run_until(10ns);
    CHECK(causes == std::vector<std::uint32_t>{1, 2, 1, 2});
}

TEST_CASE("an exception passes from an awaited flow to the one that awaits it", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    Story story;
    const SimTime after = GENERATE(0ns, 5ns);
    flows.spawn([&] { return fail_inside(agenda, after, true, story); });
    agenda.run_until(10ns);
    CHECK(story == Story{"broken at " + std::to_string(after.count())});
}

TEST_CASE("an exception from a detached flow arrives at run_until", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    Story story;
    flows.spawn([&] { return fail_inside(agenda, 5ns, false, story); });
    CHECK_THROWS_WITH(agenda.run_until(10ns), "broken at 5000");
    CHECK_NOTHROW(agenda.run_until(20ns));  // only once
}

TEST_CASE("an exception before the first suspension arrives at spawn", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    CHECK_THROWS_WITH(flows.spawn([&] { return fail_later(agenda, 0ns); }), "broken at 0");
}

TEST_CASE("an exception from a flow spawned by a flow arrives at run_until", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    flows.spawn([&] { return spawn_failing(flows, agenda); });
    CHECK_THROWS_WITH(agenda.run_until(10ns), "broken at 1000");
}

TEST_CASE("flows that have not ended are destroyed with their set, with all they await",
          "[core][flow]") {
    Agenda agenda;
    WaitQueue queue(agenda);
    int alive = 0;
    {
        FlowSet flows;
        flows.spawn([&] { return live(agenda, alive, 5ns); });
        flows.spawn([&] { return live_nested(agenda, alive, 50ns); });
        flows.spawn([&] { return live_in_queue(queue, alive); });
        CHECK(alive == 4);
        agenda.run_until(10ns);
        CHECK(alive == 3);
    }
    CHECK(alive == 0);
}

TEST_CASE("an awaited flow that is dropped before its end is destroyed", "[core][flow]") {
    Agenda agenda;
    int alive = 0;
    {
        const Task<void> dropped = live(agenda, alive, 5ns);
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
}

TEST_CASE("sleepers wake in the order in which they fell asleep", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    WaitQueue queue(agenda);
    Story story;
    for (const char* name : {"a", "b", "c"})
        flows.spawn([&] { return sleep_in(queue, agenda, story, name); });
    flows.spawn([&] { return wake_after(queue, agenda, 4ns, true); });
    agenda.run_until(10ns);
    CHECK(story == Story{"4 a", "4 b", "4 c"});
    CHECK(queue.empty());
}

TEST_CASE("wake_one wakes one sleeper, and nobody when nobody sleeps", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    WaitQueue queue(agenda);
    Story story;
    queue.wake_one();
    for (const char* name : {"a", "b"})
        flows.spawn([&] { return sleep_in(queue, agenda, story, name); });
    flows.spawn([&] { return wake_after(queue, agenda, 4ns, false); });
    agenda.run_until(10ns);
    CHECK(story == Story{"4 a"});
    CHECK_FALSE(queue.empty());
}

TEST_CASE("a woken flow keeps its own causality, not that of who woke it", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    WaitQueue queue(agenda);
    Story story;
    std::vector<Causality> why;
    agenda.set_why({7, 3});
    flows.spawn([&] { return sleep_in(queue, agenda, story, "a", &why); });
    agenda.set_why({8, 4});
    flows.spawn([&] { return wake_after(queue, agenda, 1ns, true); });
    agenda.run_until(10ns);
    REQUIRE(why.size() == 1);
    CHECK(why[0].cause == 7);
    CHECK(why[0].origin == 3);
}

TEST_CASE("a lock admits its waiters in the order in which they came", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    FlowMutex mutex(agenda);
    Story story;
    for (const char* name : {"a", "b", "c"})
        flows.spawn([&] { return hold(mutex, agenda, story, name, 2ns); });
    agenda.run_until(10ns);
    CHECK(story == Story{"0 a", "2 b", "4 c"});
    CHECK_FALSE(mutex.locked());
}

TEST_CASE("who releases a lock and takes it again queues behind those who wait", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    FlowMutex mutex(agenda);
    Story story;
    flows.spawn([&] { return hold(mutex, agenda, story, "a", 1ns, 2); });
    flows.spawn([&] { return hold(mutex, agenda, story, "b", 1ns, 2); });
    agenda.run_until(10ns);
    CHECK(story == Story{"0 a", "1 b", "2 a", "3 b"});
    CHECK_FALSE(mutex.locked());
}

TEST_CASE("try_lock fails while the lock is held or handed on", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    FlowMutex mutex(agenda);
    Story story;
    REQUIRE(mutex.try_lock());
    CHECK_FALSE(mutex.try_lock());
    flows.spawn([&] { return hold(mutex, agenda, story, "a", 1ns); });
    mutex.unlock();
    CHECK_FALSE(mutex.try_lock());  // a will have it
    agenda.run_until(10ns);
    CHECK(mutex.try_lock());
}

TEST_CASE("flows nest a thousand deep and unwind", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    int deepest = 0;
    flows.spawn([&] { return nested(agenda, 1, deepest); });
    agenda.run_until(10ns);
    CHECK(deepest == 1000);
    CHECK(agenda.empty());
}

TEST_CASE("awaiting flows that have already ended needs no stack", "[core][flow]") {
    Agenda agenda;
    FlowSet flows;
    std::uint64_t sum = 0;
    flows.spawn([&] { return loop_of_finished(agenda, 1'000'000, sum); });
    CHECK(sum == 1'000'000);
}
