#include "core/kernel/workqueue.hpp"

#include "mce_world.hpp"

using namespace mcemu;
using namespace mcemu::test;

namespace {

using Story = std::vector<std::string>;

Task<void> work(kernel::Env& env, kernel::Context& ctx, Story& story, std::string what) {
    story.push_back(what);
    co_await kernel::phase(env, ctx.cpu, Lat::kernel_notifier);
    story.push_back(what + " done");
}
Task<void> task(kernel::Workqueue& queue, CpuId cpu, Story& story) {
    kernel::Context ctx;
    ctx.cpu = cpu;
    story.emplace_back("task");
    co_await queue.might_sleep(ctx);
    story.emplace_back("task goes on");
}

struct Fixture {
    Fixture() : world(ProfileId::v6_1) {}
    void schedule(CpuId cpu, const std::string& what) {
        kernel::Env& env = world.kernel->env;
        Story& s = story;
        world.kernel->workqueue.schedule(
            cpu, [&env, &s, what](kernel::Context& ctx) { return work(env, ctx, s, what); });
    }
    MceWorld world;
    Story story;
};

}  // namespace

TEST_CASE("A worker that is runnable runs when the task sleeps and ends before the task goes on") {
    Fixture f;
    f.schedule(0, "first");
    f.schedule(0, "second");
    f.world.kernel->flows.spawn([&] { return task(f.world.kernel->workqueue, 0, f.story); });
    f.world.run();
    CHECK(f.story == Story{"task", "first", "first done", "second", "second done", "task goes on"});
}

TEST_CASE("A task does not wait for another CPU's worker") {
    Fixture f;
    f.schedule(1, "work");
    f.world.kernel->flows.spawn([&] { return task(f.world.kernel->workqueue, 0, f.story); });
    f.world.run();
    CHECK(f.story == Story{"task", "task goes on", "work", "work done"});
}

TEST_CASE("Without a sleeping task a worker starts one scheduling latency later") {
    Fixture f;
    f.schedule(0, "work");
    CHECK(f.story.empty());
    CHECK(f.world.agenda.next_time() ==
          f.world.agenda.now() + f.world.latency.draw(Lat::kernel_mce_work));
}

TEST_CASE("A dead worker never runs what is queued") {
    Fixture f;
    f.world.kernel->workqueue.kill_worker(0);
    f.schedule(0, "work");
    f.world.kernel->flows.spawn([&] { return task(f.world.kernel->workqueue, 0, f.story); });
    f.world.run();
    CHECK(f.story == Story{"task", "task goes on"});
}

TEST_CASE("The worker's name may carry the CPU number") {
    MceWorld w(ProfileId::v6_1, [](Scenario& s) { s.kernel.worker_comm = "kworker/%u:1"; });
    std::uint32_t comm = 0;
    w.kernel->workqueue.schedule(2, [&comm](kernel::Context& ctx) {
        comm = ctx.comm;
        return []() -> Task<void> { co_return; }();
    });
    w.run();
    CHECK(w.names[comm] == "kworker/2:1");
}
