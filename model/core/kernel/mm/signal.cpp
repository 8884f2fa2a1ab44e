// Signals: raising, merging, dispositions, delivery on the way back to user mode (kernel.md 2.11).
#include <algorithm>

#include "core/kernel/mm/process_state.hpp"

namespace mcemu::kernel {

bool Process::blocks(int signo) const { return signo == kSigbus && sigbus_blocked; }

void Processes::State::raise(Process& p, const SignalRecord& signal) {
    // legacy_queue(): a standard signal that is pending already is not queued a second time.
    const bool known = std::any_of(p.pending.begin(), p.pending.end(),
                                   [&](const SignalRecord& s) { return s.signo == signal.signo; });
    if (!known) p.pending.push_back(signal);
    Queue& q = queues[p.index];
    if (p.in_kernel || q.waking || !deliverable(p)) return;
    q.waking = true;
    const Causality why = env.agenda.why();
    kernel.flows.spawn([&] { return wake(p); });
    env.agenda.set_why(why);
}

bool Processes::State::deliverable(const Process& p) const {
    return std::any_of(p.pending.begin(), p.pending.end(),
                       [&](const SignalRecord& s) { return !p.blocks(s.signo); });
}

void Processes::force_signal(Process& p, int signo, int code, bool has_address, std::uint64_t addr,
                             int lsb) {
    if (p.state != ProcessState::alive) return;
    SigbusAction& action = p.leader->sigbus;
    if (signo == kSigbus && (p.sigbus_blocked || action == SigbusAction::ignore)) {
        action = SigbusAction::standard;
        p.sigbus_blocked = false;
    }
    const std::uint32_t id = kernel_.env.trace.step(Module::kernel, TraceKind::signal_sent, p.index,
                                                    static_cast<std::uint64_t>(signo | code << 8),
                                                    addr, static_cast<std::uint64_t>(lsb));
    s_->raise(p, {kernel_.env.agenda.now(), id, p.index, signo, code, has_address, addr, lsb,
                  kernel_.env.agenda.why().origin});
}

int Processes::send_signal(Process& p, int signo, int code, bool has_address, std::uint64_t addr,
                           int lsb) {
    if (p.state != ProcessState::alive) return -ESRCH;
    // sig_ignored(): a blocked signal is kept, as its action may be another when it is unblocked.
    if (signo == kSigbus && p.leader->sigbus == SigbusAction::ignore && !p.sigbus_blocked) return 0;
    const std::uint32_t id = kernel_.env.trace.step(Module::kernel, TraceKind::signal_sent, p.index,
                                                    static_cast<std::uint64_t>(signo | code << 8),
                                                    addr, static_cast<std::uint64_t>(lsb));
    s_->raise(p, {kernel_.env.agenda.now(), id, p.index, signo, code, has_address, addr, lsb,
                  kernel_.env.agenda.why().origin});
    return 0;
}

std::int64_t Processes::State::sigprocmask(Process& p, bool block) {
    p.sigbus_blocked = block;
    return 0;
}

std::int64_t Processes::State::sigaction(Process& p, SigbusAction action) {
    p.leader->sigbus = action;
    if (action == SigbusAction::ignore)  // do_sigaction(): what is pending is thrown away
        for (Process* t : p.leader->threads)
            std::erase_if(t->pending, [](const SignalRecord& s) { return s.signo == kSigbus; });
    return 0;
}

/// A process in user mode, or waiting for its CPU, sees its signals when that CPU has left the
/// kernel.
Task<void> Processes::State::wake(Process& p) {
    while (p.state == ProcessState::alive && deliverable(p) && !p.in_kernel) {
        Cpu& cpu = cpus[p.cpu];
        if (cpu.in_kernel > 0) {
            co_await cpu.left_kernel->wait();
            continue;
        }
        Context ctx = owner.context(p);
        co_await owner.exit_to_user(ctx);
    }
    queues[p.index].waking = false;
}

Task<void> Processes::exit_to_user(Context& ctx) {
    Process* p = ctx.task;
    if (!p || p->state != ProcessState::alive) co_return;
    p->in_kernel = true;
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_ret_user);
    while (p->state == ProcessState::alive && (!p->task_work.empty() || s_->deliverable(*p))) {
        if (p->task_work.empty()) {
            s_->deliver(*p);
            continue;
        }
        const auto work = std::move(p->task_work.front());
        p->task_work.pop_front();
        co_await work(ctx);
    }
    p->in_kernel = false;
    if (current(ctx.cpu) == p) kernel_.env.hw.set_context(ctx.cpu, kUserFrame);
}

void Processes::State::deliver(Process& p) {
    const auto fatal = std::find_if(p.pending.begin(), p.pending.end(),
                                    [](const SignalRecord& s) { return s.signo == kSigkill; });
    const auto next = fatal != p.pending.end()
                          ? fatal
                          : std::find_if(p.pending.begin(), p.pending.end(),
                                         [&](const SignalRecord& s) { return !p.blocks(s.signo); });
    SignalRecord signal = *next;
    p.pending.erase(next);
    // get_signal(): what waited while it was blocked is dropped if it is ignored by now.
    if (signal.signo == kSigbus && p.leader->sigbus == SigbusAction::ignore) return;
    const Causality before = env.agenda.why();
    env.agenda.set_why({signal.trace_id, signal.origin});
    signal.at = env.agenda.now();
    signal.trace_id = env.trace.step(Module::kernel, TraceKind::signal_delivered, p.index,
                                     static_cast<std::uint64_t>(signal.signo | signal.code << 8),
                                     signal.addr, static_cast<std::uint64_t>(signal.lsb));
    owner.signals_.push_back(signal);
    ++env.counters.signals;
    env.fates.mark(signal.origin, Fate::consumed, FateReason::signalled, signal.trace_id);

    const SigbusAction action = p.leader->sigbus;
    const bool caught = signal.signo == kSigbus &&
                        (action == SigbusAction::handler || action == SigbusAction::handler_remaps);
    if (!caught) {
        die(p, ProcessState::killed, signal.signo, 0);
    } else if (action == SigbusAction::handler || !signal.has_address) {
        ++p.handled_signals;  // siglongjmp() out of the access
    } else {
        // The handler puts fresh memory where the lost memory was; the access is tried again.
        MapConfig fresh;
        fresh.size = 1ull << std::max(signal.lsb, static_cast<int>(kPageShift));
        fresh.va = round_down(signal.addr, fresh.size);
        fresh.state = MapState::untouched;
        if (mm.map(p, fresh) != 0) ++p.handled_signals;
    }
    env.agenda.set_why({env.agenda.why().cause, before.origin});
}

void Processes::State::die(Process& p, ProcessState how, int signo, int code) {
    Process& main = *p.leader;
    for (Process* t : main.threads)
        if (t != &main && t->state == ProcessState::alive) end_thread(*t, how, signo, code);
    end_thread(main, how, signo, code);
    mm.exit(main);
    mm.drop_pins(main);
}

void Processes::State::end_thread(Process& p, ProcessState how, int signo, int code) {
    p.state = how;
    p.killed_by = signo;
    p.exit_code = code;
    p.pending.clear();
    p.task_work.clear();
    env.trace.step(Module::kernel, TraceKind::process_state, p.index,
                   static_cast<std::uint64_t>(how));
    for (CpuId cpu = 0; cpu < cpus.size(); ++cpu)
        if (cpus[cpu].current == &p) owner.switch_to(cpu, nullptr);
}

}  // namespace mcemu::kernel
