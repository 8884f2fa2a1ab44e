// do_machine_check(): worked examples B34 to B38 of kernel.md and records of real kernels.
#include "core/kernel/mce/machine_check.hpp"

#include "mce_world.hpp"

using namespace mcemu;
using namespace mcemu::test;
using kernel::Line;

namespace {

constexpr auto kV418 = ProfileId::v4_18, kV419 = ProfileId::v4_19, kV61 = ProfileId::v6_1;

const Printed kUnknownSource(Line::panic, "Fatal machine check from unknown source");
const Printed kTimeout(Line::panic, "Timeout: Not all CPUs entered broadcast exception handler");

kernel::McDelivery arrival(std::initializer_list<CpuId> order) {
    kernel::McDelivery d;
    std::uint64_t late = 0;
    for (const CpuId cpu : order) d.skew.emplace_back(cpu, from_ns(100 * late++));
    std::sort(d.skew.begin(), d.skew.end());
    return d;
}

/// B34, B35: CPU 2 took a fatal error in user mode.
std::vector<Printed> fatal_lines(std::uint64_t mcg, std::uint64_t bank, std::string reason) {
    return {Printed(Line::mce_cpu, {2, 1, mcg, bank, kFatalPcc}),
            Printed(Line::mce_rip, {1, 0x33, 0x4004f6, 0}),
            Printed(Line::mce_tsc, {0x1000, kRamAddress, 0x86, 0}),
            Printed(Line::mce_processor, {0, 0x50654, 1530000000, 0, 2, 0x2000043}),
            Printed(Line::mce_run_mcelog),
            Printed(Line::mce_machine_check, "Processor context corrupt"),
            Printed(Line::panic, std::move(reason))};
}

void latch_fatal(MceWorld& w) {
    w.hw.frames[2] = {0x4004f6, 0x33, true};
    w.hw.latch(2, 7, kFatalPcc, kRamAddress, 0x86, 1);
}

}  // namespace

// ---------------------------------------------------------------- fatal

TEST_CASE("B34: a fatal broadcast machine check prints its record once and panics") {
    const auto profile = GENERATE(kV418, kV419, kV61);
    MceWorld w(profile);
    latch_fatal(w);
    kernel::McDelivery d = arrival({2, 0, 1, 3});
    d.first = 2;
    w.machine_check(d, 5);
    w.run();
    CHECK(w.log() == fatal_lines(5, 7, "Fatal machine check"));
}

TEST_CASE("A panic leaves the banks for the next boot") {
    MceWorld w(kV419);
    latch_fatal(w);
    w.machine_check(2, 5);
    w.run();
    CHECK(w.hw.get(2, mca::msr_mci_status(7)) == kFatalPcc);
}

TEST_CASE("A panic is the fate of the event whose record it prints") {
    MceWorld w(kV61);
    latch_fatal(w);
    w.machine_check(2, 5);
    w.run();
    CHECK(w.fates[0].fate == Fate::panic);
}

TEST_CASE("B35: a fatal local machine check of v4.x prints bank 0") {
    MceWorld w(kV419);
    latch_fatal(w);
    w.machine_check(2, 0xd, false);
    w.run();
    CHECK(w.log() == fatal_lines(0xd, 0, "Fatal local machine check"));
}

TEST_CASE("B35: a fatal local machine check of v6.1 prints the real bank") {
    MceWorld w(kV61);
    latch_fatal(w);
    w.machine_check(2, 0xd, false);
    w.run();
    CHECK(w.log() == fatal_lines(0xd, 7, "Fatal local machine check"));
}

TEST_CASE("Without restart and error IP the record shows no RIP line") {
    MceWorld w(kV61);
    w.hw.frames[1] = {0x401136, 0x33, true};
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    w.machine_check(1, 4);
    w.run();
    CHECK(w.lines() == std::vector<Line>{Line::mce_cpu, Line::mce_tsc, Line::mce_processor,
                                         Line::mce_run_mcelog, Line::mce_machine_check,
                                         Line::panic});
}

TEST_CASE("v4.x taints inside the scan, so the panic lines follow") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.tainted = false; });
    latch_fatal(w);
    w.machine_check(2, 5);
    w.run();
    CHECK(w.lines().front() == Line::lock_debugging_taint);
}

TEST_CASE("v6.1 panics before it would taint") {
    MceWorld w(kV61, [](Scenario& s) { s.kernel.tainted = false; });
    latch_fatal(w);
    w.machine_check(2, 5);
    w.run();
    CHECK(w.lines().front() == Line::mce_cpu);
}

TEST_CASE("A bank that all CPUs see is printed once, with the lowest CPU number") {
    MceWorld w(kV419);
    w.hw.share(7);
    w.hw.latch(0, 7, kFatalPcc, kRamAddress, 0x86);
    w.machine_check(2, 5);
    w.run();
    REQUIRE(w.lines().size() == 6);
    CHECK(w.log()[0] == Printed(Line::mce_cpu, {0, 1, 5, 7, kFatalPcc}));
}

TEST_CASE("Data consumed by unrecoverable kernel code panics with its message") {
    MceWorld w(kV419);
    w.hw.frames[0] = {kernel::kIpCopyFromUser, 0x10, true};
    w.hw.latch(0, 1, kSrarData, kRamAddress, 0x86);
    w.machine_check(0, 7);
    w.run();
    const auto log = w.log();
    REQUIRE(log.size() == 7);
    CHECK(log[5] == Printed(Line::mce_machine_check, "Data load in unrecoverable area of kernel"));
}

// ---------------------------------------------------------------- unknown source

TEST_CASE("B38: a broadcast that no bank explains panics from unknown source, nothing else") {
    const auto profile = GENERATE(kV418, kV419, kV61);
    MceWorld w(profile);
    w.machine_check(0, 5);
    w.run();
    CHECK(w.log() == std::vector<Printed>{kUnknownSource});
}

TEST_CASE("A broadcast whose only bank is UCNA panics from unknown source") {
    const auto profile = GENERATE(kV419, kV61);
    MceWorld w(profile);
    w.hw.latch(0, 9, kUcna, kRamAddress, 0x86);
    w.machine_check(0, 5);
    w.run();
    CHECK(w.log() == std::vector<Printed>{kUnknownSource});
}

TEST_CASE("A signalled error that is not enabled is never logged") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.tainted = false; });
    w.hw.latch(0, 9, 0xad000000000000c0, kRamAddress, 0x8c);
    w.machine_check(0, 5);
    w.run();
    CHECK(w.log() == std::vector<Printed>{Printed(Line::lock_debugging_taint), kUnknownSource});
}

TEST_CASE("One CPU is its own monarch and panics from unknown source alike") {
    MceWorld w(kV61, {}, 1);
    w.machine_check(0, 5, false);
    w.run();
    CHECK(w.log() == std::vector<Printed>{kUnknownSource});
}

// ---------------------------------------------------------------- time-outs

TEST_CASE("B36: v4.x panics when a CPU does not enter, without any record") {
    MceWorld w(kV419);
    w.hw.latch(0, 1, kSrarData, kRamAddress, 0x86);
    kernel::McDelivery d;
    d.missing = {3};
    w.machine_check(d, 7);
    w.run();
    CHECK(w.log() == std::vector<Printed>{kTimeout});
}

TEST_CASE("B36: v6.1 names the CPUs that do not enter") {
    MceWorld w(kV61);
    w.hw.latch(0, 1, kSrarData, kRamAddress, 0x86);
    kernel::McDelivery d;
    d.missing = {2, 3};
    w.machine_check(d, 7);
    w.run();
    CHECK(w.log() == std::vector<Printed>{Printed(Line::mce_cpus_not_responding, "2-3"), kTimeout});
}

TEST_CASE("The rendezvous times out after monarch_timeout") {
    MceWorld w(kV61, [](Scenario& s) { s.kernel.monarch_timeout_us = 500; });
    w.latency.set(Lat::kernel_mc_entry, {});
    kernel::McDelivery d;
    d.missing = {3};
    const SimTime begin = w.agenda.now();
    w.machine_check(d, 7);
    w.run();
    REQUIRE(w.panicked());
    CHECK(w.kernel->log.records().back().at - begin == std::chrono::microseconds(500));
}

TEST_CASE("A CPU that is too late ends the rendezvous though it comes") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.monarch_timeout_us = 10; });
    w.hw.latch(0, 9, kSraoMc, kRamAddress, 0x8c);
    kernel::McDelivery d;
    d.skew = {{3, std::chrono::microseconds(20)}};
    w.machine_check(d, 5);
    w.run();
    CHECK(w.log() == std::vector<Printed>{kTimeout});
}

TEST_CASE("One CPU alone with LMCES clear waits in vain for the others") {
    MceWorld w(kV61, {}, 2);
    w.hw.latch(0, 9, kSraoMc, kRamAddress, 0x8c);
    w.machine_check(0, 5, false);
    w.run();
    CHECK(w.log() == std::vector<Printed>{Printed(Line::mce_cpus_not_responding, "1"), kTimeout});
}

TEST_CASE("CPUs that enter one by one meet within the time-out") {
    MceWorld w(kV419, {}, 2);
    w.hw.latch(0, 9, kSraoMc, kRamAddress, 0x8c);
    w.machine_check(0, 5, false);
    w.run_for(std::chrono::milliseconds(1));
    w.machine_check(1, 5, false);
    w.run();
    CHECK_FALSE(w.panicked());
    CHECK(w.kernel->counters.records == 1);
}

TEST_CASE("tolerant 2 goes on alone after the time-out") {
    MceWorld w(
        kV419, [](Scenario& s) { s.kernel.tolerant = 2; }, 2);
    w.hw.latch(0, 9, kSraoMc, kRamAddress, 0x8c);
    w.machine_check(0, 5, false);
    w.run();
    CHECK(w.lines() == std::vector<Line>{Line::mce_events_logged, Line::mf_action});
}

TEST_CASE("tolerant 2: a fatal record after the time-out says that CPUs did not answer") {
    MceWorld w(
        kV419, [](Scenario& s) { s.kernel.tolerant = 2; }, 2);
    w.hw.latch(0, 9, kFatalPcc, kRamAddress, 0x86);
    w.machine_check(0, 5, false);
    w.run();
    const auto log = w.log();
    REQUIRE(log.size() == 7);
    CHECK(log[4] == Printed(Line::mce_cpus_missing_sync));
    CHECK(log[6] == Printed(Line::panic, "Fatal machine check on current CPU"));
}

TEST_CASE("monarch_timeout 0 switches the rendezvous off") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.monarch_timeout_us = 0; });
    w.hw.latch(0, 9, kSraoMc, kRamAddress, 0x8c);
    kernel::McDelivery d;
    d.missing = {1, 2, 3};
    w.machine_check(d, 5);
    w.run();
    CHECK_FALSE(w.panicked());
    CHECK(w.kernel->counters.records == 1);
}

TEST_CASE("A monarch that waits too long for the others' scans panics") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.monarch_timeout_us = 100; });
    Distribution slow;
    slow.first = std::chrono::microseconds(200);
    w.latency.set(Lat::kernel_mc_scan, slow);
    w.hw.latch(2, 9, kSraoMc, kRamAddress, 0x8c);
    w.machine_check(0, 5);
    w.run();
    REQUIRE(w.panicked());
    CHECK(w.log().back().text.substr(0, 8) == "Timeout:");
}

// ---------------------------------------------------------------- recoverable

TEST_CASE("B37: the affected CPU scans first and the record is logged once") {
    const auto profile = GENERATE(kV418, kV419, kV61);
    MceWorld w(profile);
    w.hw.share(1);
    w.run_process();
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    kernel::McDelivery d = arrival({1, 0, 2, 3});
    d.first = 1;
    w.machine_check(d, 7);
    w.run();
    CHECK_FALSE(w.panicked());
    CHECK(w.kernel->counters.records == 1);
}

TEST_CASE("B37: an unaffected CPU before it leaves the bank alone") {
    MceWorld w(kV419);
    w.hw.share(1);
    w.run_process();
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    kernel::McDelivery d = arrival({0, 1, 2, 3});
    d.first = 1;
    w.machine_check(d, 7);
    w.run();
    CHECK(w.lines() == std::vector<Line>{Line::mce_user_access, Line::mce_events_logged,
                                         Line::mf_kill, Line::mf_action});
}

TEST_CASE("The worker's lines stand behind the task's first line") {
    MceWorld w(kV61);
    w.run_process();
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    w.machine_check(1, 7);
    w.run();
    CHECK(w.lines() == std::vector<Line>{Line::mce_user_access, Line::mce_events_logged,
                                         Line::mce_cpu, Line::mce_rip, Line::mce_tsc,
                                         Line::mce_processor, Line::mf_kill, Line::mf_action});
}

TEST_CASE("The consumer of poison gets BUS_MCEERR_AR with its address") {
    const auto profile = GENERATE(kV418, kV419, kV61);
    MceWorld w(profile);
    w.run_process();
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86, 1);
    w.machine_check(1, 0xf, false);
    w.run();
    const auto& signals = w.kernel->processes.signals();
    REQUIRE(signals.size() == 1);
    CHECK(signals[0].code == 4);
    CHECK(signals[0].addr == MceWorld::kVa);
    CHECK(w.fates[0].fate == Fate::consumed);
}

TEST_CASE("RIPV clear in user mode: a plain SIGBUS, no memory_failure()") {
    const auto profile = GENERATE(kV418, kV419, kV61);
    MceWorld w(profile);
    w.run_process();
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    w.machine_check(1, 6);
    w.run();
    const auto& signals = w.kernel->processes.signals();
    REQUIRE(signals.size() == 1);
    CHECK(signals[0].code == 0x80);
    CHECK(w.kernel->counters.memory_failures == 0);
    CHECK(w.lines().front() == Line::mce_events_logged);
}

TEST_CASE("tolerant 3 lets memory_failure() run though RIPV is clear") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.tolerant = 3; });
    w.run_process();
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    w.machine_check(1, 6);
    w.run();
    CHECK(w.lines() == std::vector<Line>{Line::mce_user_access, Line::mce_events_logged,
                                         Line::mf_kill, Line::mf_action});
}

TEST_CASE("tolerant 3 and a fatal error: no panic, the poll finds the record again") {
    MceWorld w(kV419, [](Scenario& s) {
        s.kernel.tolerant = 3;
        s.kernel.cmci_disabled = true;
    });
    w.hw.latch(0, 9, kFatalPcc, kRamAddress, 0x86);
    w.kernel->bank_latched(0);
    w.machine_check(0, 5);
    w.run();
    CHECK_FALSE(w.panicked());
    CHECK(w.lines() == std::vector<Line>{Line::mce_events_logged, Line::mce_events_logged});
}

TEST_CASE("MCG_STATUS is cleared on every CPU of a broadcast") {
    MceWorld w(kV419);
    w.hw.latch(2, 9, kSraoMc, kRamAddress, 0x8c);
    w.machine_check(2, 5);
    w.run();
    for (CpuId cpu = 0; cpu < 4; ++cpu) CHECK(w.hw.get(cpu, mca::MSR_IA32_MCG_STATUS) == 0);
}

TEST_CASE("Machine check events logged: two lines a minute, then a summary") {
    MceWorld w(kV419);
    for (int i = 0; i < 5; ++i) {
        w.hw.latch(0, 9, kSraoMc, 0x20000000u + 0x1000u * static_cast<unsigned>(i), 0x80);
        w.machine_check(0, 5);
        w.run();
    }
    w.run_for(std::chrono::seconds(61));
    w.hw.latch(0, 9, kSraoMc, 0x30000000, 0x80);
    w.machine_check(0, 5);
    w.run();
    const auto log = w.log();
    const auto count = [&log](Line line) {
        return std::count_if(log.begin(), log.end(),
                             [line](const Printed& p) { return p.line == line; });
    };
    CHECK(count(Line::mce_events_logged) == 3);
    REQUIRE(count(Line::notify_suppressed) == 1);
    CHECK(std::find(log.begin(), log.end(), Printed(Line::notify_suppressed, {3})) != log.end());
}

TEST_CASE("Idle CPUs cost a broadcast nothing") {
    const auto reads = [](std::uint32_t cpus) {
        MceWorld w(kV61, {}, cpus);
        w.hw.latch(0, 9, kSraoMc, kRamAddress, 0x8c);
        const std::size_t before = w.hw.msr_reads;
        w.machine_check(0, 5);
        w.run();
        return w.hw.msr_reads - before;
    };
    CHECK(reads(4) == reads(64));
}

// ---------------------------------------------------------------- kernel copies

namespace {

struct CopyResult {
    bool returned = false;
    bool fixup = false;
};
Task<void> copy(kernel::Kernel& k, CopyResult& result) {
    kernel::Context ctx = k.processes.context(k.processes[0]);
    result.fixup = co_await k.machine_check_core.wait_handled(ctx);
    result.returned = true;
    co_await k.processes.exit_to_user(ctx);
}

CopyResult copy_at(MceWorld& w, std::uint64_t ip) {
    w.run_process();
    w.hw.frames[1] = {ip, 0x10, true};
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    CopyResult result;
    w.kernel->flows.spawn([&] { return copy(*w.kernel, result); });
    w.machine_check(1, 7);
    w.run();
    return result;
}

}  // namespace

TEST_CASE("B41: a machine-check safe copy resumes at its fixup without memory_failure()") {
    const auto profile = GENERATE(kV418, kV419, kV61);
    MceWorld w(profile);
    const CopyResult result = copy_at(w, kernel::kIpCopyMcSafe);
    CHECK(result.returned);
    CHECK(result.fixup);
    CHECK(w.lines() == std::vector<Line>{Line::mce_events_logged});
}

TEST_CASE("v6.1 recovers from poison in copy_from_user: worker first, then the task, no signal") {
    MceWorld w(kV61);
    const CopyResult result = copy_at(w, kernel::kIpCopyFromUser);
    CHECK(result.fixup);
    CHECK(w.lines() ==
          std::vector<Line>{Line::mce_events_logged, Line::mce_kernel_accessed, Line::mf_action});
    CHECK(w.kernel->processes.signals().empty());
}

TEST_CASE("B41: a plain copy of unknown poison panics") {
    MceWorld w(kV419);
    copy_at(w, kernel::kIpCopyPlain);
    CHECK(w.panicked());
}

// ---------------------------------------------------------------- v6.1 task work

TEST_CASE("v6.1 panics on a machine check for another page before the first was handled") {
    MceWorld w(kV61);
    w.run_process();
    w.kernel->processes[0].mce_count = 1;
    w.kernel->processes[0].mce_addr = 0x54321000;
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    w.machine_check(1, 7);
    w.run();
    REQUIRE(w.panicked());
    CHECK(w.log().back() ==
          Printed(Line::panic, "Consecutive machine checks to different user pages"));
}

TEST_CASE("v6.1 panics on the eleventh machine check in a row") {
    MceWorld w(kV61);
    w.run_process();
    w.kernel->processes[0].mce_count = 10;
    w.kernel->processes[0].mce_addr = kRamAddress;
    w.hw.latch(1, 1, kSrarData, kRamAddress, 0x86);
    w.machine_check(1, 7);
    w.run();
    REQUIRE(w.panicked());
    CHECK(w.log().back() ==
          Printed(Line::panic, "Too many consecutive machine checks while accessing user data"));
}

// ---------------------------------------------------------------- fake panic

TEST_CASE("A fake panic prints its lines and the machine goes on") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.fake_panic = true; });
    w.hw.latch(0, 9, kFatalPcc, kRamAddress, 0x86);
    w.machine_check(0, 5);
    w.run();
    CHECK_FALSE(w.panicked());
    const auto log = w.log();
    REQUIRE(log.size() == 6);
    CHECK(log.back() == Printed(Line::mce_fake_panic, "Fatal machine check"));
}

TEST_CASE("After a fake panic the poll finds the bank that was kept") {
    MceWorld w(kV419, [](Scenario& s) {
        s.kernel.fake_panic = true;
        s.kernel.cmci_disabled = true;
    });
    w.hw.latch(0, 9, kFatalPcc, kRamAddress, 0x86);
    w.kernel->bank_latched(0);
    w.machine_check(0, 5);
    w.run();
    CHECK(w.lines().back() == Line::mce_events_logged);
}

TEST_CASE("The second fake panic is silent until the knob is written") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.fake_panic = true; });
    w.machine_check(0, 5);
    w.run();
    w.machine_check(0, 5);
    w.run();
    CHECK(w.lines() == std::vector<Line>{Line::mce_fake_panic});
    w.kernel->machine_check_core.config_changed("fake_panic");
    w.machine_check(0, 5);
    w.run();
    CHECK(w.lines().size() == 2);
}

TEST_CASE("A fake local panic comes before the scan, so the record is logged all the same") {
    MceWorld w(kV419, [](Scenario& s) { s.kernel.fake_panic = true; });
    w.hw.latch(0, 9, kFatalPcc, kRamAddress, 0x86);
    w.machine_check(0, 0xd, false);
    w.run();
    CHECK(w.lines().back() == Line::mce_events_logged);
}
