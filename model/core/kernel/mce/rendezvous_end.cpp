// The turns of the CPUs, and mce_end(): the monarch judges, all leave (kernel.md 1.5 to 1.8).
#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mce/rendezvous.hpp"

namespace mcemu::kernel {

using namespace mca;
using enum Severity;

/// E9, E10, one CPU after the other. False: somebody lost patience, the rest went on alone.
Task<bool> Rendezvous::take_turns(Session& s) {
    Env& env = core_.env;
    const bool global_nwo =
        std::any_of(s.cpus.begin(), s.cpus.end(), [](const McCpu& c) { return c.no_way_out; });
    SimTime monarch_end = env.agenda.now();
    for (std::size_t i = 0; i < s.cpus.size(); ++i) {
        McCpu& c = s.cpus[i];
        c.no_way_out = global_nwo;
        SimTime need{};
        if (const unsigned n = bank_count(c.valid_banks))
            need = env.latency.draw(Lat::kernel_mc_scan, n);
        // While this CPU scans, those behind it wait for their turn (T2), the monarch for all (T3).
        const SimTime turn_deadline = c.arrival + timeout();
        const SimTime monarch_deadline = monarch_end + timeout();
        const bool monarch_waits = c.cpu != s.monarch;
        const SimTime deadline =
            monarch_waits ? std::min(turn_deadline, monarch_deadline) : turn_deadline;
        if (s.called_in > 1 && env.agenda.now() + need >= deadline) {
            co_await pass(c.cpu, Lat::kernel_mc_scan, deadline);
            const bool turn = deadline == turn_deadline;
            timed_out(s, turn ? c.cpu : s.monarch, turn ? Timeout::turn : Timeout::subjects);
            co_await stop_if_panicked();
            co_await alone(s, i, true);
            co_return false;
        }
        co_await pass(c.cpu, Lat::kernel_mc_scan, env.agenda.now() + need);
        handler_.scan(c);
        handler_.clear_banks(c);
        if (c.cpu == s.monarch) monarch_end = env.agenda.now();
    }
    // The monarch waits for the last one, then judges; meanwhile the subjects wait for it (T4).
    const SimTime out = env.latency.draw(Lat::kernel_mc_rdv_out);
    const SimTime grade = env.latency.draw(Lat::kernel_mc_grade);
    const SimTime deadline = monarch_end + timeout();
    if (s.called_in > 1 && env.agenda.now() + out + grade >= deadline) {
        co_await pass(s.monarch, Lat::kernel_mc_rdv_out, deadline);
        timed_out(s, s.monarch, Timeout::monarch);
        co_await stop_if_panicked();
    } else {
        co_await pass(s.monarch, Lat::kernel_mc_rdv_out, env.agenda.now() + out);
        co_await pass(s.monarch, Lat::kernel_mc_grade, env.agenda.now() + grade);
    }
    reign(s);
    co_await stop_if_panicked();
    co_return true;
}

/// mce_reign(): the monarch decides for all.
void Rendezvous::reign(Session& s) {
    std::vector<McCpu*> by_cpu;
    for (McCpu& c : s.cpus) by_cpu.push_back(&c);
    std::sort(by_cpu.begin(), by_cpu.end(),
              [](const McCpu* a, const McCpu* b) { return a->cpu < b->cpu; });
    Severity worst = MCE_NO_SEVERITY;
    McCpu* of = nullptr;
    std::string_view msg;
    for (McCpu* c : by_cpu) {
        Severity severity = static_cast<Severity>(c->seen.severity);
        std::string_view message;
        if (!core_.v6) {  // v4.x grades once more
            const Grade g = core_.grade(c->seen, true, true);
            severity = g.severity;
            message = g.message;
        }
        if (severity <= worst) continue;
        worst = severity;
        of = c;
        msg = message;
    }
    if (!core_.v6 && core_.env.config.tolerant >= 3) return;
    if (of && worst >= MCE_PANIC_SEVERITY) {
        if (core_.v6) msg = handler_.message(of->seen, false);
        panic_.mce_panic(s.monarch, "Fatal machine check", &of->seen, msg);
    }
    if (worst <= MCE_KEEP_SEVERITY)
        panic_.mce_panic(s.monarch, "Fatal machine check from unknown source", nullptr, {});
}

/// E12 to E17 for all, after the reign.
Task<void> Rendezvous::leave(Session& s) {
    Env& env = core_.env;
    for (McCpu& c : s.cpus) {
        if (core_.v6) continue;
        if (env.config.tolerant == 3)
            c.kill_it = false;
        else if (c.no_way_out)
            panic_.mce_panic(c.cpu, "Fatal machine check on current CPU", &c.m, c.msg);
    }
    co_await stop_if_panicked();
    co_await phase(env, s.monarch, Lat::kernel_mc_dispose);
    for (McCpu& c : s.cpus) dispose(c);
    co_await stop_if_panicked();
    clear_mcg_status(s);
    for (const McCpu& c : s.cpus) core_.start_flow([&] { return recovery_.finish(c); });
}

void Rendezvous::clear_mcg_status(const Session& s) {
    Platform& hw = core_.env.hw;
    if (s.everyone && s.delivery.missing.empty()) {
        hw.wrmsr_all(MSR_IA32_MCG_STATUS, 0);
        return;
    }
    if (s.everyone) {  // CPUs that never came are still in whatever keeps them
        for (CpuId cpu = 0; cpu < core_.env.machine.cpus.count(); ++cpu)
            if (takes_part(s, cpu)) core_.write(cpu, MSR_IA32_MCG_STATUS, 0);
        return;
    }
    for (const McCpu& c : s.cpus) core_.write(c.cpu, MSR_IA32_MCG_STATUS, 0);
}

/// From CPU number `first` of the rendezvous on: everybody without the others, order -1 (E9 to
/// E17).
Task<void> Rendezvous::alone(Session& s, std::size_t first, bool after_timeout) {
    Env& env = core_.env;
    for (std::size_t i = 0; i < s.cpus.size(); ++i) {
        McCpu& c = s.cpus[i];
        if (i >= first) {
            if (after_timeout) co_await pass(c.cpu, Lat::mc_skew, c.arrival + timeout());
            co_await scan_turn(c);
        }
        if (core_.v6) {
            c.no_way_out = c.no_way_out || c.worst >= MCE_PANIC_SEVERITY;
            if (c.no_way_out)
                panic_.mce_panic(c.cpu, "Fatal machine check on current CPU", &c.m, c.msg);
        } else {
            c.no_way_out = c.worst >= MCE_PANIC_SEVERITY;
            if (env.config.tolerant == 3)
                c.kill_it = false;
            else if (c.no_way_out)
                panic_.mce_panic(c.cpu, "Fatal machine check on current CPU", &c.m, c.msg);
        }
        co_await stop_if_panicked();
        co_await phase(env, c.cpu, Lat::kernel_mc_dispose);
        dispose(c);
        co_await stop_if_panicked();
        core_.write(c.cpu, MSR_IA32_MCG_STATUS, 0);
        core_.start_flow([&] { return recovery_.finish(c); });
    }
    if (!s.everyone) co_return;
    for (CpuId cpu = 0; cpu < env.machine.cpus.count(); ++cpu) {
        const auto same = [cpu](const McCpu& c) { return c.cpu == cpu; };
        if (takes_part(s, cpu) && std::none_of(s.cpus.begin(), s.cpus.end(), same))
            core_.write(cpu, MSR_IA32_MCG_STATUS, 0);
    }
}

}  // namespace mcemu::kernel
