#include "core/kernel/mm/process.hpp"

#include <string>

#include "core/kernel/mm/process_state.hpp"

namespace mcemu::kernel {
namespace {

template <class... F>
struct Overload : F... {
    using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

/// The process that performs an action; -1: the administrator's shell.
int performer(const Action& action) {
    return std::visit(Overload{
                          [](const AccessEvent& e) { return static_cast<int>(e.process); },
                          [](const CopyEvent& e) { return e.process; },
                          [](const BioEvent& e) { return e.process; },
                          [](const MadviseEvent& e) { return static_cast<int>(e.process); },
                          [](const FileIoEvent& e) { return static_cast<int>(e.process); },
                          [](const PunchHoleEvent& e) { return static_cast<int>(e.process); },
                          [](const MmapEvent& e) { return static_cast<int>(e.process); },
                          [](const MunmapEvent& e) { return static_cast<int>(e.process); },
                          [](const ForkEvent& e) { return static_cast<int>(e.process); },
                          [](const ExitEvent& e) { return static_cast<int>(e.process); },
                          [](const TruncateEvent& e) { return e.process; },
                          [](const MlockEvent& e) { return static_cast<int>(e.process); },
                          [](const FsyncEvent& e) { return static_cast<int>(e.process); },
                          [](const FlushEvent& e) { return static_cast<int>(e.process); },
                          [](const PrctlMceKillEvent& e) { return static_cast<int>(e.process); },
                          [](const SigprocmaskEvent& e) { return static_cast<int>(e.process); },
                          [](const SigactionEvent& e) { return static_cast<int>(e.process); },
                          [](const PinEvent& e) { return static_cast<int>(e.process); },
                          [](const UnpinEvent& e) { return static_cast<int>(e.process); },
                          [](const auto&) { return -1; },
                      },
                      action);
}

}  // namespace

Process::Process() = default;
Process::~Process() = default;

Processes::State::State(Kernel& k, Processes& o, const Scenario& s)
    : kernel(k), owner(o), scenario(s), env(k.env), mm(k, s), child_of(s.events.size()) {
    cpus.resize(k.env.hw.cpu_count());
    for (Cpu& cpu : cpus) cpu.left_kernel = std::make_unique<WaitQueue>(k.env.agenda);
}

NoRamForMap::NoRamForMap(std::size_t of_process, std::size_t of_map, std::uint64_t size)
    : std::invalid_argument("Processes: no RAM left for map " + std::to_string(of_map) +
                            " of process " + std::to_string(of_process) + ", " +
                            std::to_string(size) + " bytes"),
      process(of_process),
      map(of_map),
      bytes(size) {}

Processes::Processes(Kernel& kernel, const Scenario& scenario)
    : kernel_(kernel), s_(std::make_unique<State>(kernel, *this, scenario)) {
    const auto add = [&](const ProcessConfig& config, bool born) {
        processes_.push_back(std::make_unique<Process>());
        processes_.back()->index = static_cast<std::uint32_t>(processes_.size() - 1);
        s_->start(*processes_.back(), config, born);
    };
    for (const ProcessConfig& p : scenario.processes) add(p, true);
    for (std::size_t i = 0; i < scenario.events.size(); ++i) {
        const auto* fork = std::get_if<ForkEvent>(&scenario.events[i].action);
        if (!fork) continue;
        s_->child_of[i] = static_cast<std::uint32_t>(processes_.size());
        add(fork->child, false);
    }
    s_->queues.resize(processes_.size());
    s_->mm.attach(processes_);
    // Two passes: a map may share the memory of one that stands further down.
    for (const bool sharing : {false, true})
        for (std::size_t i = 0; i < scenario.processes.size(); ++i)
            for (std::size_t j = 0; j < scenario.processes[i].maps.size(); ++j) {
                const MapConfig& m = scenario.processes[i].maps[j];
                if (m.shared_with.empty() == sharing) continue;
                if (s_->mm.map(*processes_[i], m) != 0) throw NoRamForMap(i, j, m.size);
            }
}

Processes::~Processes() = default;

void Processes::State::start(Process& p, const ProcessConfig& config, bool born) {
    p.id = config.id;
    p.pid = config.pid;
    p.comm = comm(config.comm);
    p.cpu = config.cpu;
    p.mce_kill = config.mce_kill;
    p.sigbus = config.sigbus;
    p.sigbus_blocked = config.sigbus_blocked;
    p.state = born ? ProcessState::alive : ProcessState::unborn;
    p.leader = config.thread_of < 0 ? &p : &owner[static_cast<std::uint32_t>(config.thread_of)];
    p.leader->threads.push_back(&p);
    if (p.leader == &p)
        p.mm = std::make_shared<AddressSpace>();
    else
        p.mm = p.leader->mm;
}

Mm& Processes::mm() { return s_->mm; }
const Mm& Processes::mm() const { return s_->mm; }

Process* Processes::current(CpuId cpu) const {
    return cpu < s_->cpus.size() ? s_->cpus[cpu].current : nullptr;
}

void Processes::switch_to(CpuId cpu, Process* process) {
    s_->cpus[cpu].current = process;
    kernel_.env.hw.set_context(cpu, process ? kUserFrame : kKernelFrame);
}

Context Processes::context(Process& process) const {
    return {process.cpu, &process, process.comm, process.pid, false};
}

void Processes::begin_kernel_work(CpuId cpu) { ++s_->cpus[cpu].in_kernel; }

void Processes::end_kernel_work(CpuId cpu) {
    State::Cpu& c = s_->cpus[cpu];
    if (--c.in_kernel == 0) c.left_kernel->wake_all();
}

Translation Processes::page_walk(CpuId cpu, std::uint64_t va) const {
    const Process* p = current(cpu);
    return p ? s_->mm.walk(*p, va) : Translation{};
}

void Processes::perform(std::uint32_t event, const Action& action) {
    State& s = *s_;
    const Action* kept = &action;
    const bool own = event < s.scenario.events.size() && &s.scenario.events[event].action == kept;
    if (!own) kept = &s.kept.emplace_back(action);
    const Causality why = kernel_.env.agenda.why();
    const int who = performer(action);
    if (who < 0) {
        kernel_.flows.spawn([&] { return s.shell(event, kept, why); });
    } else {
        State::Queue& q = s.queues[static_cast<std::size_t>(who)];
        q.actions.push_back({event, kept, why});
        if (!q.running) {
            q.running = true;
            kernel_.flows.spawn([&] { return s.run_queue(static_cast<std::uint32_t>(who)); });
        }
    }
    kernel_.env.agenda.set_why(why);
}

Task<void> Processes::State::run_queue(std::uint32_t index) {
    while (!queues[index].actions.empty()) {
        const Pending next = queues[index].actions.front();
        queues[index].actions.pop_front();
        env.agenda.set_why(next.why);
        co_await act(*owner.processes_[index], next.event, *next.action);
        kernel.event_done(next.event);
    }
    queues[index].running = false;
}

void Processes::record_syscall(std::uint32_t event, std::string_view name, std::int64_t ret) {
    s_->returned(event, name, ret);
}

void Processes::State::returned(std::uint32_t event, std::string_view name, std::int64_t ret) {
    env.trace.step(Module::kernel, TraceKind::syscall, event, static_cast<std::uint64_t>(ret));
    owner.syscalls_.push_back({env.agenda.now(), event, env.names.intern(name), ret});
}

Task<void> Processes::State::act(Process& p, std::uint32_t event, const Action& action) {
    if (p.state != ProcessState::alive) co_return;  // the dead do nothing
    if (const auto* a = std::get_if<AccessEvent>(&action)) {
        co_await access(p, event, *a);
        co_return;
    }
    owner.switch_to(p.cpu, &p);
    Context ctx = owner.context(p);
    p.in_kernel = true;
    env.hw.set_context(p.cpu, kKernelFrame);
    owner.begin_kernel_work(ctx.cpu);
    co_await phase(env, ctx.cpu, Lat::kernel_syscall);

    std::string_view name;
    std::int64_t ret = 0;
    if (p.state != ProcessState::alive) {
        // killed on the way in
    } else if (const auto* e = std::get_if<MadviseEvent>(&action)) {
        name = "madvise";
        ret = co_await madvise(ctx, p, *e);
    } else if (const auto* copy = std::get_if<CopyEvent>(&action)) {
        name = copy->direction == CopyEvent::Direction::from_user ? "write" : "read";
        if (copy->direction == CopyEvent::Direction::from_pmem)
            ret = co_await copy_physical(ctx, *copy);
        else
            ret = co_await copy_user(ctx, p, *copy);
    } else if (const auto* bio = std::get_if<BioEvent>(&action)) {
        name = bio->op == BioEvent::Op::read    ? "read"
               : bio->op == BioEvent::Op::write ? "write"
                                                : "ioctl";
        ret = co_await submit_bio(ctx, event, *bio);
    } else if (const auto* hole = std::get_if<PunchHoleEvent>(&action)) {
        name = "fallocate";
        ret = co_await punch_hole(ctx, *hole);
    } else if (const auto* io = std::get_if<FileIoEvent>(&action)) {
        name = io->write ? "write" : "read";
        ret = co_await file_io(ctx, event, *io);
    } else if (const auto* map = std::get_if<MmapEvent>(&action)) {
        name = "mmap";
        ret = co_await mmap(ctx, p, map->map);
        if (ret >= 0 && (map->map.kind == MapKind::devdax || map->map.kind == MapKind::fsdax)) {
            const auto leaf = p.mm->leaf(map->map.va);  // KernelPageSize of /proc/PID/smaps
            kernel.report(event, "mmap", 0).output =
                Node::object().add("page", leaf ? std::uint64_t{1} << leaf->pte.shift : std::uint64_t{0});
        }
    } else if (const auto* unmap = std::get_if<MunmapEvent>(&action)) {
        name = "munmap";
        ret = mm.unmap(p, unmap->va, unmap->va + unmap->size);
    } else if (const auto* forked = std::get_if<ForkEvent>(&action)) {
        name = "fork";
        ret = co_await fork(ctx, p, event, forked->child);
    } else if (const auto* lock = std::get_if<MlockEvent>(&action)) {
        name = "mlock";
        ret = co_await mlock(ctx, p, *lock);
    } else if (const auto* cut = std::get_if<TruncateEvent>(&action)) {
        name = "truncate";
        ret = co_await truncate(ctx, *cut);
    } else if (const auto* sync = std::get_if<FsyncEvent>(&action)) {
        name = "fsync";
        ret = co_await fsync(ctx, sync->file);
    } else if (const auto* lines = std::get_if<FlushEvent>(&action)) {
        co_await flush(ctx, p, *lines);
    } else if (const auto* policy = std::get_if<PrctlMceKillEvent>(&action)) {
        name = "prctl";
        p.mce_kill = policy->policy;
    } else if (const auto* mask = std::get_if<SigprocmaskEvent>(&action)) {
        name = "sigprocmask";
        ret = sigprocmask(p, mask->block);
    } else if (const auto* disposition = std::get_if<SigactionEvent>(&action)) {
        name = "sigaction";
        ret = sigaction(p, disposition->action);
    } else if (const auto* pin = std::get_if<PinEvent>(&action)) {
        name = "ioctl";
        ret = co_await mm.pin(ctx, p, *pin);
    } else if (const auto* unpin = std::get_if<UnpinEvent>(&action)) {
        name = "ioctl";
        ret = mm.unpin(p, *unpin);
    } else if (const auto* leave = std::get_if<ExitEvent>(&action)) {
        if (p.leader == &p)
            die(p, ProcessState::exited, 0, leave->code);
        else
            end_thread(p, ProcessState::exited, 0, leave->code);
    }
    // A task that died in an oops has no system call to return from.
    if (p.state == ProcessState::alive && !name.empty() && ret != kTaskDied)
        returned(event, name, ret);
    owner.end_kernel_work(ctx.cpu);
    co_await owner.exit_to_user(ctx);
}

/// Direct I/O on the block device: bytes, or a negative errno.
Task<std::int64_t> Processes::State::submit_bio(Context& ctx, std::uint32_t event, BioEvent bio) {
    Libnvdimm::Found found;
    const int rc = co_await kernel.libnvdimm.submit_bio(ctx, bio, found);
    if (bio.report) kernel.report_data(event, "read", rc, found);
    if (rc != 0) co_return rc;
    co_return bio.op == BioEvent::Op::discard
        ? 0
        : static_cast<std::int64_t>(bio.sectors * kSectorSize);
}

Context Processes::State::shell_context() const {
    Context ctx;
    ctx.comm = env.names.intern("sh");
    ctx.pid = 1000;
    return ctx;
}

Task<void> Processes::State::shell(std::uint32_t event, const Action* action, Causality why) {
    env.agenda.set_why(why);
    Context ctx = shell_context();
    owner.begin_kernel_work(ctx.cpu);
    co_await phase(env, ctx.cpu, Lat::kernel_syscall);
    std::string_view name = "write";
    std::int64_t ret = 0;
    if (const auto* poison = std::get_if<HwpoisonPfnEvent>(action)) {
        ret = co_await kernel.memory_failure.corrupt_pfn(ctx, poison->pfn);
    } else if (const auto* heal = std::get_if<UnpoisonPfnEvent>(action)) {
        ret = co_await kernel.memory_failure.unpoison_memory(ctx, heal->pfn);
    } else if (const auto* cut = std::get_if<TruncateEvent>(action)) {
        name = "truncate";
        ret = co_await truncate(ctx, *cut);
    } else if (const auto* bio = std::get_if<BioEvent>(action)) {
        name = bio->op == BioEvent::Op::read    ? "read"
               : bio->op == BioEvent::Op::write ? "write"
                                                : "ioctl";
        ret = co_await submit_bio(ctx, event, *bio);
    } else if (const auto* copy = std::get_if<CopyEvent>(action)) {
        name = "read";
        ret = co_await copy_physical(ctx, *copy);
    }
    if (ret != kTaskDied) returned(event, name, ret);
    if (const auto* heal = std::get_if<UnpoisonPfnEvent>(action)) co_await reuse(ctx, heal->pfn);
    owner.end_kernel_work(ctx.cpu);
    kernel.event_done(event);
}

/// v4.18: a page that a machine check took out of the direct map never comes back into it. Once
/// unpoisoned it is the first free page the shell is given, and clearing it is the end of the
/// shell (kernel.md 2.14).
Task<void> Processes::State::reuse(Context& ctx, Pfn pfn) {
    if (env.profile.marking != PoisonMarking::unmap_for_good) co_return;
    if (!kernel.memory.is_ram(pfn) || kernel.direct_map.entry(pfn).present) co_return;
    Page& page = kernel.memory.page(pfn);
    if (page.test(PG_hwpoison) || !page.test(PG_buddy)) co_return;
    page.flags &= ~bit(PG_buddy);
    page.refcount = 1;
    co_await oops_paging(kernel, ctx, kernel.direct_map.kaddr(pfn), true,
                         "clear_page_erms+0x7/0x10");
}

}  // namespace mcemu::kernel
