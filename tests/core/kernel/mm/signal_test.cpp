#include <array>
#include <catch2/catch.hpp>

#include "core/kernel/mm/mm_world.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

// Masks, dispositions and threads: kernel/signal.c, mm/memory-failure.c; kernel.md 2.10, 2.11.

namespace {

constexpr std::uint64_t kHeap = 0x7f0000001000;
constexpr std::uint64_t kPfn = 0x12345;
constexpr std::array kAll{ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1};

Scenario blocked(ProfileId id, McePolicy policy, SigbusAction action) {
    Scenario s = platform(id, NamespaceMode::devdax);
    MapConfig m = map(MapKind::anon, kHeap, 0x4000);
    m.at = kPfn << 12;
    s.processes.push_back(process("heap", 700, {m}, policy, action));
    s.processes[0].sigbus_blocked = true;
    return s;
}

/// Main thread 700 and threads 701, 702 with their policies, on CPUs 0, 1, 2.
Scenario threads(ProfileId id, McePolicy main, McePolicy second, McePolicy third) {
    Scenario s = blocked(id, main, SigbusAction::handler);
    s.processes[0].sigbus_blocked = false;
    for (const auto& [pid, policy] : {std::pair{701, second}, std::pair{702, third}}) {
        ProcessConfig t = process("t" + std::to_string(pid), pid, {}, policy);
        t.cpu = static_cast<CpuId>(pid - 700);
        t.thread_of = 0;
        s.processes.push_back(std::move(t));
    }
    return s;
}

}  // namespace

TEST_CASE("AO waits for a receiver that blocks it, whatever its disposition", "[core][mm]") {
    for (const ProfileId id : kAll)
        for (const SigbusAction action :
             {SigbusAction::handler, SigbusAction::ignore, SigbusAction::standard}) {
            MmWorld w(blocked(id, McePolicy::early, action));
            w.hwpoison(0, kHeap);
            CHECK(w.signals().empty());
            REQUIRE(w.kernel->processes[0].pending.size() == 1);
            CHECK(w.kernel->processes[0].pending[0].code == 5);
            w.perform(SigprocmaskEvent{0, false});
            // get_signal(): who ignores it when it is unblocked sees nothing of it.
            const bool ignored = action == SigbusAction::ignore;
            CHECK(joined(w.signals()) ==
                  (ignored ? "" : "heap 7 code 5 addr 7f0000001000 lsb 12\n"));
            CHECK(w.kernel->processes[0].pending.empty());
            const bool lives = action != SigbusAction::standard;
            CHECK((w.kernel->processes[0].state == ProcessState::alive) == lives);
        }
}

TEST_CASE("AR unblocks SIGBUS and makes it deadly, handler or not", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(blocked(id, McePolicy::standard, SigbusAction::handler));
        w.hwpoison(0, kHeap);
        w.load(0, kHeap + 0x20);
        CHECK(joined(w.signals()) == "heap 7 code 4 addr 7f0000001020 lsb 12\n");
        CHECK(w.kernel->processes[0].killed_by == 7);
    }
}

TEST_CASE("to ignore a signal throws away what is pending", "[core][mm]") {
    MmWorld w(blocked(ProfileId::v4_19, McePolicy::early, SigbusAction::handler));
    w.hwpoison(0, kHeap);
    REQUIRE(w.kernel->processes[0].pending.size() == 1);
    w.perform(SigactionEvent{0, SigbusAction::ignore});
    w.perform(SigprocmaskEvent{0, false});
    CHECK(w.signals().empty());
    CHECK(w.kernel->processes[0].state == ProcessState::alive);
}

TEST_CASE("blocking later keeps what comes later", "[core][mm]") {
    Scenario s = blocked(ProfileId::v6_1, McePolicy::early, SigbusAction::handler);
    s.processes[0].sigbus_blocked = false;
    MmWorld w(std::move(s));
    w.perform(SigprocmaskEvent{0, true});
    w.hwpoison(0, kHeap);
    w.hwpoison(0, kHeap + 0x1000);  // merges with the first (legacy_queue())
    CHECK(w.signals().empty());
    w.perform(SigprocmaskEvent{0, false});
    CHECK(joined(w.signals()) == "heap 7 code 5 addr 7f0000001000 lsb 12\n");
}

TEST_CASE("which thread is told of an optional action", "[core][mm]") {
    using P = McePolicy;
    struct Case {
        P main, second, third;
        bool sysctl;
        int v4, v6;  // tid; 0: nobody
    };
    for (const Case& c : {Case{P::standard, P::standard, P::standard, false, 0, 0},
                          Case{P::standard, P::standard, P::early, false, 702, 702},
                          Case{P::standard, P::early, P::early, false, 701, 701},
                          Case{P::early, P::standard, P::early, false, 700, 700},
                          Case{P::standard, P::standard, P::standard, true, 700, 700},
                          Case{P::standard, P::standard, P::early, true, 702, 700},
                          Case{P::late, P::standard, P::early, true, 702, 701},
                          Case{P::late, P::late, P::late, true, 700, 0}})
        for (const ProfileId id : kAll) {
            Scenario s = threads(id, c.main, c.second, c.third);
            s.kernel.memory_failure_early_kill = c.sysctl;
            MmWorld w(std::move(s));
            w.failure(-1, kPfn, 0);
            const int told = id == ProfileId::v6_1 ? c.v6 : c.v4;
            const auto& signals = w.kernel->processes.signals();
            REQUIRE(signals.size() == (told == 0 ? 0 : 1));
            if (told != 0) {
                CHECK(w.kernel->processes[signals[0].process].pid == told);
                CHECK(signals[0].code == 5);
            }
        }
}

TEST_CASE("the thread that consumed poison is signalled; 4.x names the main thread", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(threads(id, McePolicy::standard, McePolicy::standard, McePolicy::early));
        w.failure(1, kPfn, MF_ACTION_REQUIRED);
        const bool v6 = id == ProfileId::v6_1;
        CHECK(w.log().front() == (v6 ? "Memory failure: 0x12345: Sending SIGBUS to t701:701 due "
                                       "to hardware memory corruption"
                                     : "Memory failure: 0x12345: Killing heap:700 due to "
                                       "hardware memory corruption"));
        CHECK(joined(w.signals()) == "t701 7 code 4 addr 7f0000001000 lsb 12\n");
    }
}

TEST_CASE("SIGBUS without a handler ends all threads, exit of one thread only that", "[core][mm]") {
    Scenario s =
        threads(ProfileId::v4_19, McePolicy::standard, McePolicy::standard, McePolicy::standard);
    s.processes[0].sigbus = SigbusAction::standard;
    MmWorld w(std::move(s));
    w.perform(ExitEvent{2, 3});
    CHECK(w.kernel->processes[2].state == ProcessState::exited);
    CHECK(w.kernel->processes[0].state == ProcessState::alive);
    w.failure(1, kPfn, MF_ACTION_REQUIRED);
    CHECK(w.kernel->processes[0].state == ProcessState::killed);
    CHECK(w.kernel->processes[1].state == ProcessState::killed);
    CHECK(w.kernel->processes[2].state == ProcessState::exited);
    CHECK(w.kernel->processes[0].mm->vmas.empty());
}

TEST_CASE("a process that ends between collection and signal is named and not found",
          "[core][mm][race]") {
    for (const ProfileId id : kAll) {
        Scenario s = platform(id, NamespaceMode::devdax);
        MapConfig m = map(MapKind::shmem, kHeap, 0x4000);
        m.id = "m";
        m.at = kPfn << 12;
        MapConfig other = map(MapKind::shmem, kHeap, 0x4000);
        other.shared_with = "m";
        s.processes.push_back(process("a", 700, {m}, McePolicy::early));
        s.processes.push_back(process("b", 701, {other}, McePolicy::early));
        s.processes[1].cpu = 1;
        MmWorld w(std::move(s));
        // b ends while the mappings are being removed: collected, and not yet told.
        w.trace.observe([&w, done = false](std::uint32_t, const TraceRecord& r) mutable {
            if (done || r.kind != TraceKind::phase ||
                r.a != static_cast<std::uint64_t>(Lat::kernel_mf_unmap))
                return;
            done = true;
            w.begin(ExitEvent{1, 0});
        });
        w.failure(-1, kPfn, 0);
        std::vector<Line> lines;
        for (const LogRecord& r : w.kernel->log.records()) lines.push_back(r.line);
        CHECK(lines == std::vector{Line::mf_kill, Line::mf_kill, Line::mf_signal_error,
                                   Line::mf_no_advisory, Line::mf_action});
        CHECK(joined(w.signals()) == "a 7 code 5 addr 7f0000001000 lsb 12\n");
    }
}

TEST_CASE("a child has its parent's policy, disposition and mask of the moment", "[core][mm]") {
    Scenario s = blocked(ProfileId::v6_1, McePolicy::standard, SigbusAction::standard);
    s.processes[0].sigbus_blocked = false;
    ProcessConfig child = process("child", 710, {});
    child.inherits_mce_kill = child.inherits_sigbus = child.inherits_mask = true;
    Event fork;
    fork.action = ForkEvent{0, child};
    s.events.push_back(fork);
    MmWorld w(std::move(s));
    w.begin(PrctlMceKillEvent{0, McePolicy::early});
    w.begin(SigactionEvent{0, SigbusAction::handler});
    w.perform(SigprocmaskEvent{0, true});
    w.kernel->processes.perform(0, w.scenario.events[0].action);
    w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(50));
    const Process& p = w.kernel->processes[1];
    REQUIRE(p.state == ProcessState::alive);
    CHECK(p.mce_kill == McePolicy::early);
    CHECK(p.sigbus == SigbusAction::handler);
    CHECK(p.sigbus_blocked);
}
