// Signals: raising, merging, dispositions, delivery on the way back to user mode (kernel.md 2.11).
#include <algorithm>

#include "core/kernel/mm/process_state.hpp"

namespace mcemu::kernel {

void Processes::State::raise(Process& p, const SignalRecord& signal) {
    // legacy_queue(): a standard signal that is pending already is not queued a second time.
    const bool known = std::any_of(p.pending.begin(), p.pending.end(),
                                   [&](const SignalRecord& s) { return s.signo == signal.signo; });
    if (known) return;
    p.pending.push_back(signal);
    Queue& q = queues[p.index];
    if (p.in_kernel || q.waking) return;
    q.waking = true;
    const Causality why = env.agenda.why();
    kernel.flows.spawn(wake(p));
    env.agenda.set_why(why);
}

void Processes::force_signal(Process& p, int signo, int code, bool has_address, std::uint64_t addr,
                             int lsb) {
    if (p.state != ProcessState::alive) return;
    if (signo == kSigbus && p.sigbus == SigbusAction::ignore) p.sigbus = SigbusAction::standard;
    const std::uint32_t id = kernel_.env.trace.step(Module::kernel, TraceKind::signal_sent, p.index,
                                                    static_cast<std::uint64_t>(signo | code << 8),
                                                    addr, static_cast<std::uint64_t>(lsb));
    s_->raise(p, {kernel_.env.agenda.now(), id, p.index, signo, code, has_address, addr, lsb,
                  kernel_.env.agenda.why().origin});
}

void Processes::send_signal(Process& p, int signo, int code, bool has_address, std::uint64_t addr,
                            int lsb) {
    if (p.state != ProcessState::alive) return;
    if (signo == kSigbus && p.sigbus == SigbusAction::ignore) return;  // sig_ignored()
    const std::uint32_t id = kernel_.env.trace.step(Module::kernel, TraceKind::signal_sent, p.index,
                                                    static_cast<std::uint64_t>(signo | code << 8),
                                                    addr, static_cast<std::uint64_t>(lsb));
    s_->raise(p, {kernel_.env.agenda.now(), id, p.index, signo, code, has_address, addr, lsb,
                  kernel_.env.agenda.why().origin});
}

/// A process in user mode, or waiting for its CPU, sees its signals when that CPU has left the
/// kernel.
Task<void> Processes::State::wake(Process& p) {
    while (p.state == ProcessState::alive && !p.pending.empty() && !p.in_kernel) {
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
    while (p->state == ProcessState::alive && (!p->task_work.empty() || !p->pending.empty())) {
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
    const auto next = fatal != p.pending.end() ? fatal : p.pending.begin();
    SignalRecord signal = *next;
    p.pending.erase(next);
    const Causality before = env.agenda.why();
    env.agenda.set_why({signal.trace_id, signal.origin});
    signal.at = env.agenda.now();
    signal.trace_id = env.trace.step(Module::kernel, TraceKind::signal_delivered, p.index,
                                     static_cast<std::uint64_t>(signal.signo | signal.code << 8),
                                     signal.addr, static_cast<std::uint64_t>(signal.lsb));
    owner.signals_.push_back(signal);
    ++env.counters.signals;
    env.fates.mark(signal.origin, Fate::consumed, FateReason::signalled, signal.trace_id);

    const bool caught = signal.signo == kSigbus && (p.sigbus == SigbusAction::handler ||
                                                    p.sigbus == SigbusAction::handler_remaps);
    if (!caught) {
        die(p, ProcessState::killed, signal.signo, 0);
    } else if (p.sigbus == SigbusAction::handler || !signal.has_address) {
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
    p.state = how;
    p.killed_by = signo;
    p.exit_code = code;
    p.pending.clear();
    p.task_work.clear();
    env.trace.step(Module::kernel, TraceKind::process_state, p.index,
                   static_cast<std::uint64_t>(how));
    mm.exit(p);
    for (CpuId cpu = 0; cpu < cpus.size(); ++cpu)
        if (cpus[cpu].current == &p) owner.switch_to(cpu, nullptr);
}

}  // namespace mcemu::kernel
