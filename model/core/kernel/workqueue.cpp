#include "core/kernel/workqueue.hpp"

#include <string>

namespace mcemu::kernel {

/// One kworker. Its start is an agenda entry, so that a task that sleeps earlier can overtake it:
/// an entry whose number is no longer `expected_` starts nothing.
struct Workqueue::Worker final : AgendaTarget {
    struct Item {
        Work work;
        Causality why;
    };

    Worker(Workqueue& owner, CpuId id) : queue_owner(owner), cpu(id), done(owner.env_.agenda) {
        context.cpu = id;
        context.worker = true;
        context.pid = static_cast<int>(owner.env_.config.worker_pid);
        std::string comm = owner.env_.config.worker_comm;
        if (const auto at = comm.find("%u"); at != std::string::npos)
            comm.replace(at, 2, std::to_string(id));
        context.comm = owner.env_.names.intern(comm);
    }
    void on_agenda(std::uint64_t number) override {
        if (number != expected || running) return;
        queue_owner.env_.flows.spawn([this] { return queue_owner.run(*this); });
    }
    bool idle() const { return !running && items.empty(); }

    Workqueue& queue_owner;
    CpuId cpu;
    Context context;
    std::deque<Item> items;
    WaitQueue done;
    std::uint64_t expected = 0;
    bool running = false;
    bool dead = false;
};

Workqueue::Workqueue(Env& env) : env_(env) {}
Workqueue::~Workqueue() = default;

Workqueue::Worker& Workqueue::worker(CpuId cpu) {
    if (workers_.size() <= cpu) workers_.resize(cpu + 1);
    if (!workers_[cpu]) workers_[cpu] = std::make_unique<Worker>(*this, cpu);
    return *workers_[cpu];
}

void Workqueue::schedule(CpuId cpu, Work work) {
    Worker& w = worker(cpu);
    if (w.dead || w.running || !w.items.empty()) {
        w.items.push_back({std::move(work), env_.agenda.why()});
        return;
    }
    const Causality before = env_.agenda.why();
    const SimTime until_start = env_.latency.draw(Lat::kernel_mce_work);
    env_.trace.step(Module::kernel, TraceKind::phase, cpu,
                    static_cast<std::uint64_t>(Lat::kernel_mce_work), until_start.count());
    w.items.push_back({std::move(work), env_.agenda.why()});
    env_.agenda.post(env_.agenda.now() + until_start, w, ++w.expected);
    env_.agenda.set_why(before);
}

Task<void> Workqueue::run(Worker& w) {
    w.running = true;
    ++w.expected;  // an entry that would start it later has become void
    tell(w, true);
    while (!w.items.empty()) {
        Worker::Item item = std::move(w.items.front());
        w.items.pop_front();
        env_.agenda.set_why(item.why);
        env_.trace.step(Module::kernel, TraceKind::worker, w.cpu, 1);
        co_await item.work(w.context);
        env_.trace.note(Module::kernel, TraceKind::worker, w.cpu, 0);
    }
    w.running = false;
    tell(w, false);
    w.done.wake_all();
}

void Workqueue::tell(const Worker& w, bool busy) const {
    if (told_) told_(w.cpu, busy);
}

Task<void> Workqueue::might_sleep(Context& ctx) {
    if (ctx.worker || workers_.size() <= ctx.cpu || !workers_[ctx.cpu]) return Task<void>::ended();
    Worker& w = *workers_[ctx.cpu];
    if (w.dead || w.idle()) return Task<void>::ended();
    return let_finish(w);
}

Task<void> Workqueue::let_finish(Worker& w) {
    if (!w.running) {
        const Causality mine = env_.agenda.why();
        env_.flows.spawn([&] { return run(w); });
        env_.agenda.set_why(mine);
    }
    while (!w.dead && !w.idle()) co_await w.done.wait();
}

void Workqueue::kill_worker(CpuId cpu) {
    Worker& w = worker(cpu);
    if (w.dead) return;
    w.dead = true;
    if (w.running) tell(w, false);
    w.done.wake_all();
}

Task<void> Workqueue::drained(CpuId cpu) {
    Worker& w = worker(cpu);
    while (!w.dead && !w.idle()) co_await w.done.wait();
}

}  // namespace mcemu::kernel
