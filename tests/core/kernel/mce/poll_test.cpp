// Corrected errors: polling, CMCI, storms, the record pool and its worker (kernel.md 1.14 to 1.18).
#include "core/kernel/mce/cec.hpp"
#include "mce_world.hpp"

using namespace mcemu;
using namespace mcemu::test;
using kernel::Line;

namespace {

constexpr auto kV419 = ProfileId::v4_19, kV61 = ProfileId::v6_1;

/// A world whose banks are polled.
std::unique_ptr<MceWorld> polled(ProfileId profile) {
    return std::make_unique<MceWorld>(profile, [](Scenario& s) { s.kernel.cmci_disabled = true; });
}
void latch(MceWorld& w, std::uint64_t status, std::uint64_t addr = kRamAddress,
           std::uint32_t bank = 9) {
    w.hw.latch(0, bank, status, addr, 0x86, 1);
    w.kernel->bank_latched(0);
}

}  // namespace

TEST_CASE("A corrected error is found at the next tick of check_interval") {
    const auto w = polled(kV419);
    w->run_for(std::chrono::milliseconds(300));
    latch(*w, kCe);
    w->run();
    REQUIRE(w->lines() == std::vector<Line>{Line::mce_events_logged});
    CHECK(w->kernel->log.records().back().at >= std::chrono::seconds(1));
    CHECK(w->kernel->log.records().back().at < std::chrono::milliseconds(1001));
}

TEST_CASE("v6.1 prints a corrected record that nobody claimed") {
    const auto w = polled(kV61);
    latch(*w, kCe);
    w->run();
    CHECK(w->log() == std::vector<Printed>{
                          Printed(Line::mce_events_logged),
                          Printed(Line::mce_cpu, {0, 0, 0, 9, kCe}),
                          Printed(Line::mce_tsc, {0, kRamAddress, 0x86, 0}),
                          Printed(Line::mce_processor, {0, 0x50654, 1530000001, 0, 0, 0x2000043})});
}

TEST_CASE("B39: a CMCI reads the bank at once and takes the time stamp") {
    MceWorld w(kV61);
    w.hw.latch(0, 13, kCe, 0x12345000, 0x86);
    w.kernel->cmci(0);
    w.run();
    const auto log = w.log();
    REQUIRE(log.size() == 4);
    CHECK(log[2] == Printed(Line::mce_tsc, {0x1000, 0x12345000, 0x86, 0}));
}

TEST_CASE("v6.1 offlines the page of a polled UCNA, v4.x only logs it") {
    const auto v6 = polled(kV61);
    latch(*v6, kUcna);
    v6->run();
    CHECK(v6->lines() == std::vector<Line>{Line::mce_events_logged, Line::mf_action});
    const auto v4 = polled(kV419);
    latch(*v4, kUcna);
    v4->run();
    CHECK(v4->lines() == std::vector<Line>{Line::mce_events_logged});
}

TEST_CASE("A poll leaves a signalled error in its bank") {
    const auto profile = GENERATE(kV419, kV61);
    const auto w = polled(profile);
    latch(*w, kSraoMc);
    w->run();
    CHECK(w->lines().empty());
    CHECK(w->hw.get(0, mca::msr_mci_status(9)) == kSraoMc);
}

TEST_CASE("The poll timer does not keep a finished run alive") {
    const auto w = polled(kV419);
    latch(*w, kSraoMc);
    CHECK(w->agenda.empty());
}

TEST_CASE("v6.1 polls up an error that is not enabled, v4.x takes what is not signalled") {
    const auto v6 = polled(kV61);
    latch(*v6, 0xad000000000000c0);
    v6->run();
    CHECK(v6->lines().front() == Line::mce_events_logged);
    const auto v4 = polled(kV419);
    latch(*v4, 0xad000000000000c0);
    v4->run();
    CHECK(v4->lines().empty());
}

TEST_CASE("ignore_ce switches polling off") {
    const auto w = polled(kV419);
    w->kernel->config.ignore_ce = true;
    latch(*w, kCe);
    w->run();
    CHECK(w->lines().empty());
}

TEST_CASE("A logged record is the fate of the event that latched it") {
    const auto w = polled(kV419);
    latch(*w, kCe);
    w->run();
    CHECK(w->fates[0].fate == Fate::logged);
}

// ---------------------------------------------------------------- CMCI ownership and storms

TEST_CASE("The first CPU owns the CMCI of a shared bank") {
    MceWorld w(kV419);
    CHECK((w.hw.get(0, mca::msr_mci_ctl2(3)) & mca::MCI_CTL2_CMCI_EN) != 0);
}

TEST_CASE("A bank without CMCI is polled") {
    MceWorld w(
        kV419, [](Scenario&) {}, 4, [](FakePlatform& hw) { hw.cmci = false; });
    latch(w, kCe);
    w.run();
    CHECK(w.lines() == std::vector<Line>{Line::mce_events_logged});
}

TEST_CASE("A bank that CMCI covers is not polled") {
    MceWorld w(kV419);
    latch(w, kCe);
    CHECK(w.agenda.empty());
}

TEST_CASE("B40: the sixteenth CMCI in a second starts a storm") {
    MceWorld w(kV419);
    for (int i = 0; i < 16; ++i) {
        w.hw.latch(0, 13, kCe, 0x20000000u + 64u * static_cast<unsigned>(i), 0x86);
        w.kernel->cmci(0);
        w.run_for(std::chrono::milliseconds(1));
    }
    CHECK(w.lines() ==
          std::vector<Line>{Line::mce_events_logged, Line::mce_events_logged, Line::cmci_storm});
    CHECK(w.kernel->counters.records == 15);
}

TEST_CASE("A storm ends after 300 quiet seconds and CMCI is on again") {
    MceWorld w(kV61);
    for (int i = 0; i < 16; ++i) w.kernel->cmci(0);
    const std::uint64_t during = w.hw.get(0, mca::msr_mci_ctl2(13));
    w.run();
    CHECK((during & mca::MCI_CTL2_CMCI_EN) == 0);
    CHECK((w.hw.get(0, mca::msr_mci_ctl2(13)) & mca::MCI_CTL2_CMCI_EN) != 0);
    CHECK(w.lines() == std::vector<Line>{Line::cmci_storm, Line::cmci_storm_over});
    CHECK(w.kernel->log.records().back().at == std::chrono::seconds(300));
}

TEST_CASE("During a storm the timer picks up what the interrupt left") {
    MceWorld w(kV419);
    for (int i = 0; i < 15; ++i) w.kernel->cmci(0);
    w.hw.latch(0, 13, kCe, 0x20000000, 0x86);
    w.kernel->cmci(0);
    w.run_for(std::chrono::milliseconds(1100));
    CHECK(w.lines() == std::vector<Line>{Line::cmci_storm, Line::mce_events_logged});
}

TEST_CASE("When the owner of a bank goes off line another CPU takes the bank over") {
    MceWorld w(kV419);
    w.hw.share(13);
    w.kernel->machine_check_core.cpu_hotplug(0, false);
    w.hw.latch(1, 13, kCe, 0x20000000, 0x86);
    for (CpuId cpu = 1; cpu < 4; ++cpu) w.kernel->cmci(cpu);
    w.run();
    CHECK(w.lines() == std::vector<Line>{Line::mce_events_logged});
}

// ---------------------------------------------------------------- record pool

TEST_CASE("The pool of v4.x holds 64 records, that of v6.1 half as many") {
    const auto [profile, capacity] =
        GENERATE(table<ProfileId, std::uint64_t>({{kV419, 64}, {kV61, 32}}));
    MceWorld w(profile);
    mca::MceRecord m;
    m.status = kCe;
    for (std::uint64_t i = 0; i <= capacity; ++i) {
        m.addr = 64 * i;
        w.kernel->machine_check_core.log(0, m);
    }
    CHECK(w.lines() == std::vector<Line>{Line::mce_pool_full});
    CHECK(w.kernel->counters.records == capacity);
    CHECK(w.kernel->counters.records_lost == 1);
}

TEST_CASE("v6.1 drops the meaningless parity records of bank 0") {
    MceWorld w(kV61);
    mca::MceRecord m;
    m.status = 0x90000040000f0005;
    m.cpuid = 0x50654;
    m.origin = 1;
    w.kernel->machine_check_core.log(0, m);
    w.run();
    CHECK(w.lines().empty());
    CHECK(w.fates[0].reason == FateReason::filtered_by_kernel);
}

TEST_CASE("v4.x prints records only when nobody else decodes them") {
    const auto w = std::make_unique<MceWorld>(kV419, [](Scenario& s) { s.kernel.nfit = false; });
    w->hw.latch(0, 13, kCe, 0x20000000, 0x86);
    w->kernel->cmci(0);
    w->run();
    CHECK(w->lines() == std::vector<Line>{Line::mce_events_logged, Line::mce_cpu, Line::mce_tsc,
                                          Line::mce_processor});
}

TEST_CASE("The CEC eats corrected errors until their page is worn out") {
    MceWorld w(kV61, [](Scenario& s) { s.kernel.cec = true; });
    for (int i = 0; i < 2; ++i) {
        w.hw.latch(0, 13, kCe, kRamAddress, 0x86);
        w.kernel->cmci(0);
        w.run_for(std::chrono::milliseconds(1));
    }
    const auto lines = w.lines();
    const auto soft = std::find(lines.begin(), lines.end(), Line::cec_soft_offline);
    CHECK(std::count(lines.begin(), soft, Line::mce_cpu) == 0);
    CHECK(std::count(soft, lines.end(), Line::mce_cpu) == 1);
}

// set_bank(), mce_restart(): kernel.md 1.2, 1.21.
TEST_CASE("a bank whose CTL is 0 is not polled; writing it logs and clears the others") {
    for (const ProfileId profile : {kV419, kV61}) {
        const auto w = polled(profile);
        latch(*w, kCe, kRamAddress, 3);
        w->kernel->perform(0, SysctlEvent{"bank9", 0});
        w->run();
        REQUIRE(w->kernel->processes.syscalls().back().ret == 0);
        CHECK(w->lines().front() == Line::mce_events_logged);  // bank 3, at the restart
        const auto before = w->lines().size();
        latch(*w, kCe, kRamAddress, 9);
        w->run();
        CHECK(w->lines().size() == before);
        w->kernel->perform(0, SysctlEvent{"bank9", ~std::uint64_t{0}});
        w->run();
        CHECK(w->hw.rdmsr(0, mca::msr_mci_status(9)) == 0);
    }
}

TEST_CASE("there is no file of a bank that the part has not") {
    MceWorld w(kV419);
    for (const char* name : {"bank20", "bank31", "bank", "bankx", "bank1x"}) {
        INFO(name);
        w.kernel->perform(0, SysctlEvent{name, 0});
        CHECK(w.kernel->processes.syscalls().back().ret == -ENOENT);
    }
}

TEST_CASE("the collector's threshold has ten bits, and its file the kernel's own name") {
    MceWorld w(kV61, [](Scenario& s) { s.kernel.cec = true; });
    const auto write = [&w](const char* name, std::uint64_t value) {
        w.kernel->perform(0, SysctlEvent{name, value});
        return w.kernel->processes.syscalls().back().ret;
    };
    CHECK(write("action_threshold", 1024) == -EINVAL);
    CHECK(write("count_threshold", 5) == -ENOENT);
    CHECK(write("action_threshold", 1) == 0);
    w.hw.latch(0, 13, kCe, 0x12345000, 0x86);
    w.kernel->cmci(0);
    w.run();
    CHECK(w.lines().front() == Line::cec_soft_offline);  // the first error already
}
