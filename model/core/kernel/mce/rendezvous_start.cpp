// mce_start(): who takes part in a machine check, when each of them arrives, and who is waited for
// in vain (kernel.md 1.6, 1.7).
#include <algorithm>
#include <string>
#include <utility>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mce/rendezvous.hpp"

namespace mcemu::kernel {

using namespace mca;
using enum Severity;

namespace {

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

SimTime Rendezvous::skew(const McDelivery& d, CpuId cpu) const {
    const auto it =
        std::lower_bound(d.skew.begin(), d.skew.end(), cpu,
                         [](const std::pair<CpuId, SimTime>& e, CpuId c) { return e.first < c; });
    if (it != d.skew.end() && it->first == cpu) return it->second;
    if (cpu == d.first) return SimTime::zero();
    return message_to(d, cpu) == Lat::mc_skew ? d.skew_same_socket : d.skew_other_socket;
}

Lat Rendezvous::message_to(const McDelivery& d, CpuId cpu) const {
    return cpu / d.cpus_per_socket == d.first / d.cpus_per_socket ? Lat::mc_skew
                                                                  : Lat::mc_broadcast;
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
    const auto comes = [&](SimTime later, Lat message) {
        if (later <= latest) return;
        latest = later;
        s.last_message = message;
    };
    for (const auto& [cpu, extra] : d.skew)
        if (takes_part(s, cpu)) comes(extra, message_to(d, cpu));
    const std::uint32_t all = core_.env.machine.cpus.count();
    if (all > 1) comes(d.skew_same_socket, Lat::mc_skew);
    if (all > d.cpus_per_socket) comes(d.skew_other_socket, Lat::mc_broadcast);
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
        if (s.cpus.back().arrival > s.last_arrival) {
            s.last_arrival = s.cpus.back().arrival;
            s.last_message = message_to(delivery, cpu);
        }
    };
    enter_now(delivery.first);
    if (delivery.broadcast)
        for (CpuId cpu = 0; cpu < core_.env.machine.cpus.count(); ++cpu)
            if (std::find(delivery.missing.begin(), delivery.missing.end(), cpu) ==
                delivery.missing.end())
                enter_now(cpu);
    if (s.waiting && s.called_in >= core_.online_count()) alarm_.wake();
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
        const bool earliest = &c == &s.cpus.front();
        if (earliest) co_await pass(c.cpu, message_to(s.delivery, c.cpu), c.arrival);
        c.arrival += entry;
        // All enter alike: who is later than the one before is so by its message.
        co_await pass(c.cpu, earliest ? Lat::kernel_mc_entry : message_to(s.delivery, c.cpu),
                      c.arrival);
        handler_.gather(c);
        const unsigned n = bank_count(core_.valid_banks(c.cpu));
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
        co_await pass(s.monarch, s.last_message, s.last_arrival);
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

}  // namespace mcemu::kernel
