#include "core/kernel/mce/rendezvous.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {

using namespace mca;
using enum Severity;

namespace {

unsigned count(std::uint64_t banks) { return static_cast<unsigned>(std::popcount(banks)); }

/// %*pbl: "0,2-3".
std::string list_text(const std::vector<CpuId>& cpus) {
    std::string text;
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t j = i;
        while (j + 1 < cpus.size() && cpus[j + 1] == cpus[j] + 1) ++j;
        if (!text.empty()) text += ',';
        text += std::to_string(cpus[i]);
        if (j > i) text += '-' + std::to_string(cpus[j]);
        i = j + 1;
    }
    return text;
}

}  // namespace

Rendezvous::Rendezvous(MceCore& core, Panic& panic)
    : core_(core),
      panic_(panic),
      handler_(core, panic),
      recovery_(core, panic),
      alarm_(core.env.agenda) {}

SimTime Rendezvous::timeout() const {
    return std::chrono::microseconds(core_.env.config.monarch_timeout_us);
}

Delay Rendezvous::pass(CpuId cpu, Lat which, SimTime when) const {
    const SimTime now = core_.env.agenda.now();
    if (when <= now) return delay(core_.env.agenda, SimTime::zero());
    return spend(core_.env, cpu, which, when - now);
}

void Rendezvous::machine_check(const McDelivery& delivery) {
    Env& env = core_.env;
    ++env.counters.machine_checks;
    const CpuId first = delivery.first;
    const std::uint64_t mcg = core_.read(first, MSR_IA32_MCG_STATUS);
    // E1: an off-line CPU only has to get out of the others' way.
    if (!delivery.broadcast && !core_.online(first) && (mcg & MCG_STATUS_RIPV)) {
        core_.write(first, MSR_IA32_MCG_STATUS, 0);
        return;
    }
    if (!delivery.broadcast && (mcg & MCG_STATUS_LMCES))
        core_.start_flow([&] { return local(first); });
    else if (open_ && open_->waiting)
        join(*open_, delivery, env.agenda.now());
    else if (open_)
        open_->behind.emplace_back(env.agenda.now(), delivery);
    else
        core_.start_flow([&] { return broadcast(delivery); });
}

Task<void> Rendezvous::call_handler(CpuId cpu) {
    McDelivery delivery;
    delivery.broadcast = false;
    delivery.first = cpu;
    delivery.cpus_per_socket = core_.env.machine.cpus.cores * core_.env.machine.cpus.threads;
    recovery_.expect_return(cpu);
    machine_check(delivery);
    co_await recovery_.wait_returned(cpu);
}

// ---------------------------------------------------------------- one CPU alone: LMCE

Task<void> Rendezvous::local(CpuId cpu) {
    Env& env = core_.env;
    McCpu c;
    c.cpu = cpu;
    c.arrival = env.agenda.now();
    c.frame = core_.frame(cpu);
    ++running_;
    co_await phase(env, cpu, Lat::kernel_mc_entry);
    handler_.gather(c);
    co_await phase(env, cpu, Lat::kernel_mc_prescan, count(core_.valid_banks(cpu)));
    handler_.pre_scan(c);
    if (c.no_way_out) panic_.mce_panic(cpu, "Fatal local machine check", &c.m, c.msg);
    co_await stop_if_panicked();

    co_await scan_turn(c);
    if (c.worst >= MCE_PANIC_SEVERITY && (core_.v6 || env.config.tolerant < 3)) {
        c.msg = handler_.message(c.m, true);
        panic_.mce_panic(cpu, "Local fatal machine check!", &c.m, c.msg);
    }
    co_await stop_if_panicked();
    if (!core_.v6) {
        if (env.config.tolerant == 3)
            c.kill_it = false;
        else if (c.no_way_out)
            panic_.mce_panic(cpu, "Fatal machine check on current CPU", &c.m, c.msg);
        co_await stop_if_panicked();
    }
    co_await phase(env, cpu, Lat::kernel_mc_dispose);
    dispose(c);
    co_await stop_if_panicked();
    core_.write(cpu, MSR_IA32_MCG_STATUS, 0);
    if (--running_ == 0) panic_.acquit();
    core_.start_flow([&] { return recovery_.finish(c); });
}

Task<void> Rendezvous::scan_turn(McCpu& c) {
    if (const unsigned n = count(c.valid_banks))
        co_await phase(core_.env, c.cpu, Lat::kernel_mc_scan, n);
    handler_.scan(c);
    handler_.clear_banks(c);
}

/// Taint (v6.1), report (v4.x E13) and task work (v6.1 E15, E16): up to the write of MCG_STATUS.
void Rendezvous::dispose(McCpu& c) {
    if (core_.env.profile.taint_after_rendezvous) {
        if (c.tainted) core_.add_taint(c.cpu);
        recovery_.queue(c);
        return;
    }
    if (c.worst > MCE_NO_SEVERITY && c.frame.interrupts_on) {
        core_.notify_irq(c.cpu);
        core_.schedule_work(c.cpu);
    }
}

// ---------------------------------------------------------------- mce_start(): who comes, when

SimTime Rendezvous::skew(const McDelivery& d, CpuId cpu) const {
    const auto it =
        std::lower_bound(d.skew.begin(), d.skew.end(), cpu,
                         [](const std::pair<CpuId, SimTime>& e, CpuId c) { return e.first < c; });
    if (it != d.skew.end() && it->first == cpu) return it->second;
    if (cpu == d.first) return SimTime::zero();
    const bool same_socket = cpu / d.cpus_per_socket == d.first / d.cpus_per_socket;
    return same_socket ? d.skew_same_socket : d.skew_other_socket;
}

bool Rendezvous::takes_part(const Session& s, CpuId cpu) const {
    const auto& missing = s.delivery.missing;
    return core_.online(cpu) && std::find(missing.begin(), missing.end(), cpu) == missing.end();
}

/// CPUs with something to scan, and the one that raised the machine check.
std::vector<CpuId> Rendezvous::affected(const McDelivery& d) const {
    const Platform& hw = core_.env.hw;
    const std::vector<CpuId> listed = hw.cpus_with_valid_banks();
    const bool only_first =
        std::all_of(listed.begin(), listed.end(), [&d](CpuId c) { return c == d.first; });
    // The raising CPU is the earliest unless its own skew says otherwise: nobody who shares its
    // banks can overtake it. In any other case somebody may, so all are asked.
    if (only_first && skew(d, d.first) == SimTime::zero()) return {d.first};
    std::vector<CpuId> found;
    for (CpuId cpu = 0; cpu < core_.env.machine.cpus.count(); ++cpu)
        if (cpu == d.first || core_.valid_banks(cpu)) found.push_back(cpu);
    return found;
}

void Rendezvous::add(Session& s, CpuId cpu, SimTime arrival) const {
    McCpu c;
    c.cpu = cpu;
    c.arrival = arrival;
    c.frame = core_.frame(cpu);
    s.cpus.push_back(c);
}

/// Counts the CPUs and finds the first and the last of them.
void Rendezvous::call_in(Session& s) const {
    const McDelivery& d = s.delivery;
    const auto missing = static_cast<std::uint32_t>(std::count_if(
        d.missing.begin(), d.missing.end(), [this](CpuId c) { return core_.online(c); }));
    s.called_in = core_.online_count() - missing;

    SimTime latest{};
    for (const auto& [cpu, extra] : d.skew)
        if (takes_part(s, cpu)) latest = std::max(latest, extra);
    const std::uint32_t all = core_.env.machine.cpus.count();
    if (all > 1) latest = std::max(latest, d.skew_same_socket);
    if (all > d.cpus_per_socket) latest = std::max(latest, d.skew_other_socket);
    s.last_arrival = s.begin + latest;

    // The monarch is the earliest; of several the raising CPU, then the lowest number.
    const auto earlier = [this, &d](CpuId a, CpuId b) {
        const SimTime sa = skew(d, a), sb = skew(d, b);
        if (sa != sb) return sa < sb;
        if ((a == d.first) != (b == d.first)) return a == d.first;
        return a < b;
    };
    s.monarch = d.first;
    if (!takes_part(s, d.first) || skew(d, d.first) != SimTime::zero()) {
        CpuId best = kNoCpu;
        for (CpuId cpu = 0; cpu < all; ++cpu)
            if (takes_part(s, cpu) && (best == kNoCpu || earlier(cpu, best))) best = cpu;
        if (best != kNoCpu) s.monarch = best;
    }
    s.monarch_arrival = s.begin + skew(d, s.monarch);
}

/// Another CPU enters while a session waits for all: delivered one by one, they meet all the same.
void Rendezvous::join(Session& s, const McDelivery& delivery, SimTime entered) {
    const auto here = [&s](CpuId cpu) {
        return std::any_of(s.cpus.begin(), s.cpus.end(),
                           [cpu](const McCpu& c) { return c.cpu == cpu; });
    };
    const auto enter_now = [&](CpuId cpu) {
        if (!core_.online(cpu) || here(cpu)) return;
        add(s, cpu, entered + skew(delivery, cpu));
        handler_.gather(s.cpus.back());
        handler_.pre_scan(s.cpus.back());
        ++s.called_in;
        s.last_arrival = std::max(s.last_arrival, s.cpus.back().arrival);
    };
    enter_now(delivery.first);
    if (delivery.broadcast)
        for (CpuId cpu = 0; cpu < core_.env.machine.cpus.count(); ++cpu)
            if (std::find(delivery.missing.begin(), delivery.missing.end(), cpu) ==
                delivery.missing.end())
                enter_now(cpu);
    if (s.waiting && s.called_in >= core_.online_count()) alarm_.wake();
}

// ---------------------------------------------------------------- one machine check for all

Task<void> Rendezvous::broadcast(McDelivery delivery) {
    Session s;
    s.delivery = std::move(delivery);
    s.begin = core_.env.agenda.now();
    s.everyone = s.delivery.broadcast;
    ++running_;
    if (!s.everyone && timeout() != SimTime::zero()) open_ = &s;
    co_await enter(s);
    if (timeout() == SimTime::zero()) {  // no rendezvous: mce_start() returns -1
        co_await alone(s, 0, false);
    } else {
        const bool all_here = co_await meet(s);
        if (all_here) {
            const bool in_time = co_await take_turns(s);
            if (in_time) co_await leave(s);
        } else {
            co_await alone(s, 0, true);
        }
    }
    if (--running_ == 0) panic_.acquit();
}

/// E2 to E7 on every CPU that matters, at its own time.
Task<void> Rendezvous::enter(Session& s) {
    Env& env = core_.env;
    const CpuId first = s.delivery.first;
    const SimTime entry = env.latency.draw(Lat::kernel_mc_entry);
    if (s.everyone) {
        call_in(s);
        for (const CpuId cpu : affected(s.delivery))
            if (takes_part(s, cpu)) add(s, cpu, s.begin + skew(s.delivery, cpu));
        std::sort(s.cpus.begin(), s.cpus.end(), [first](const McCpu& a, const McCpu& b) {
            if (a.arrival != b.arrival) return a.arrival < b.arrival;
            if ((a.cpu == first) != (b.cpu == first)) return a.cpu == first;
            return a.cpu < b.cpu;
        });
    } else {
        add(s, first, s.begin);
        s.called_in = 1;
        s.monarch = first;
        s.monarch_arrival = s.last_arrival = s.begin;
    }
    s.monarch_arrival += entry;
    s.last_arrival += entry;

    bool no_way_out = false;
    for (McCpu& c : s.cpus) {
        c.arrival += entry;
        co_await pass(c.cpu, Lat::kernel_mc_entry, c.arrival);
        handler_.gather(c);
        const unsigned n = count(core_.valid_banks(c.cpu));
        if (n > 0) {
            const SimTime done = c.arrival + env.latency.draw(Lat::kernel_mc_prescan, n);
            co_await pass(c.cpu, Lat::kernel_mc_prescan, done);
            s.last_arrival = std::max(s.last_arrival, done);
        }
        handler_.pre_scan(c);
        no_way_out = no_way_out || c.no_way_out;
    }
    // With no way out every CPU logs what it sees, and nobody clears it for the next one.
    if (!no_way_out || !s.everyone) co_return;
    for (CpuId cpu = 0; cpu < env.machine.cpus.count(); ++cpu) {
        const auto same = [cpu](const McCpu& c) { return c.cpu == cpu; };
        if (!core_.valid_banks(cpu) || !takes_part(s, cpu) ||
            std::any_of(s.cpus.begin(), s.cpus.end(), same))
            continue;
        add(s, cpu, s.begin + skew(s.delivery, cpu) + entry);
        handler_.gather(s.cpus.back());
        handler_.pre_scan(s.cpus.back());
    }
    std::stable_sort(s.cpus.begin(), s.cpus.end(),
                     [](const McCpu& a, const McCpu& b) { return a.arrival < b.arrival; });
}

/// Waits until all CPUs have called in. False: the monarch's patience ended first. A CPU that is
/// late by more than that ends the rendezvous for all: nobody is left for it to meet.
Task<bool> Rendezvous::meet(Session& s) {
    const SimTime deadline = s.monarch_arrival + timeout();
    for (const auto& [entered, delivery] : std::exchange(s.behind, {}))
        join(s, delivery, entered + core_.env.latency.draw(Lat::kernel_mc_entry));
    if (s.called_in < core_.online_count()) {
        const SimTime from = core_.env.agenda.now();
        open_ = &s;
        s.waiting = true;
        co_await alarm_.until(std::max(deadline, from));
        s.waiting = false;
        core_.env.trace.step(Module::kernel, TraceKind::phase, s.monarch,
                             static_cast<std::uint64_t>(Lat::mc_skew),
                             (core_.env.agenda.now() - from).count());
    }
    if (open_ == &s) open_ = nullptr;
    const bool all_here = s.called_in >= core_.online_count();
    if (all_here && s.last_arrival < deadline) {
        co_await pass(s.monarch, Lat::mc_skew, s.last_arrival);
        co_return true;
    }
    co_await pass(s.monarch, Lat::mc_skew, deadline);
    timed_out(s, s.monarch, Timeout::entry);
    co_await stop_if_panicked();
    co_return false;
}

/// mce_timed_out() after the budget is used up. Comes back with tolerant >= 2 or a fake panic.
void Rendezvous::timed_out(const Session& s, CpuId cpu, Timeout what) {
    static constexpr std::string_view kMessages[] = {
        "Timeout: Not all CPUs entered broadcast exception handler",
        "Timeout: Subject CPUs unable to finish machine check processing",
        "Timeout: Monarch CPU unable to finish machine check processing",
        "Timeout: Monarch CPU did not finish machine check processing",
    };
    Env& env = core_.env;
    const std::string_view message = kMessages[static_cast<std::size_t>(what)];
    if (!env.profile.reports_missing_cpus) {
        if (env.config.tolerant <= 1) panic_.mce_panic(cpu, message, nullptr, {});
        panic_.cpu_missing = true;
        return;
    }
    if (what == Timeout::entry) {
        std::vector<CpuId> silent;
        for (CpuId c = 0; c < env.machine.cpus.count(); ++c) {
            const auto same = [c](const McCpu& here) { return here.cpu == c; };
            const bool here =
                s.everyone ? takes_part(s, c) : std::any_of(s.cpus.begin(), s.cpus.end(), same);
            if (core_.online(c) && !here) silent.push_back(c);
        }
        if (!silent.empty())
            env.log.line(cpu, Line::mce_cpus_not_responding, env.names.intern(list_text(silent)));
    }
    panic_.mce_panic(cpu, message, nullptr, {});
}

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
        if (const unsigned n = count(c.valid_banks))
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
