// Records through /dev/mcelog and debugfs: kernel.md 3.3, 3.4.
#include "core/kernel/mce/mce_world.hpp"

namespace mcemu::test {
namespace {

using kernel::Line;

constexpr std::uint64_t kSrarLoad = 0xbd80000000000134;

MceEvent record(CpuId cpu, std::uint32_t bank, std::uint64_t status, std::uint64_t mcgstatus) {
    MceEvent e;
    e.via = MceEvent::Via::mce_inject;
    e.cpu = cpu;
    e.bank = bank;
    e.status = status;
    e.mcgstatus = mcgstatus;
    e.poll = !(status & mca::MCI_STATUS_UC);
    return e;
}
MceEvent held(MceEvent e) {
    e.hold = true;
    return e;
}

TEST_CASE("a record stands in for the registers of its CPU only while it is raised",
          "[mce][inject]") {
    MceWorld w(ProfileId::v4_19);
    w.hw.latch(2, 3, kCe);
    w.kernel->perform(0, record(2, 7, kCe, 0));
    w.run_for(std::chrono::milliseconds(1));
    REQUIRE(w.kernel->machine_check_core.records().size() == 1);
    CHECK(w.kernel->machine_check_core.records()[0].record.bank == 7);
    CHECK_FALSE(w.kernel->machine_check_core.injected().at(2).active);
    CHECK(w.kernel->machine_check_core.injected().at(2).status == 0);
    CHECK(w.hw.get(2, mca::msr_mci_status(3)) == kCe);  // the hardware's own was not seen
}

TEST_CASE("the raising CPU says when it begins and when it is done", "[mce][inject]") {
    MceWorld w(ProfileId::v4_19);
    MceEvent e = record(1, 2, kSraoMc, 5);
    w.kernel->perform(0, e);
    w.run_for(std::chrono::milliseconds(1));
    const auto lines = w.lines();
    REQUIRE(lines.size() >= 3);
    CHECK(lines[0] == Line::mcelog_triggering);
    CHECK(lines[1] == Line::mcelog_done);
    CHECK(lines[2] == Line::mce_events_logged);
}

TEST_CASE("a dummy releases held records without a line of its own", "[mce][inject]") {
    MceWorld w(ProfileId::v4_19);
    w.kernel->perform(0, held(record(0, 1, kCe, 0)));
    CHECK(w.log().empty());
    w.kernel->perform(1, record(1, 0, 0, 0));
    w.run_for(std::chrono::milliseconds(1));
    REQUIRE(w.lines() == std::vector{Line::mce_events_logged});
    CHECK(w.kernel->machine_check_core.records()[0].record.extcpu == 0);
}

TEST_CASE("without broadcast and LMCES the rendezvous times out", "[mce][inject]") {
    MceWorld w(ProfileId::v4_19);
    MceEvent e = record(0, 2, kSrarLoad, 7);
    e.broadcast = false;
    w.kernel->perform(0, e);
    w.run();
    CHECK(w.panicked());
    CHECK(w.agenda.now() >= std::chrono::seconds(1));
    CHECK(w.log().back().text == "Timeout: Not all CPUs entered broadcast exception handler");
}

TEST_CASE("with LMCES one CPU is enough", "[mce][inject]") {
    MceWorld w(ProfileId::v4_19);
    MceEvent e = record(0, 2, kSraoMc, 0xd);
    e.broadcast = false;
    w.kernel->perform(0, e);
    w.run_for(std::chrono::milliseconds(1));
    CHECK_FALSE(w.panicked());
    CHECK(w.kernel->machine_check_core.records().size() == 1);
}

TEST_CASE("an NMI shows the frame of its CPU, the trigger its record's", "[mce][inject]") {
    MceWorld w(ProfileId::v4_19);
    MceEvent other = held(record(0, 3, 0xbd00000000000000, 7));
    other.ip = 0x12343434;
    other.cs = 0x10;
    MceEvent trigger = record(1, 1, 0xbd00000000000000, 7);
    trigger.ip = 0xabcd;
    trigger.cs = 0x10;
    w.kernel->perform(0, other);
    w.kernel->perform(1, trigger);
    w.run_for(std::chrono::milliseconds(1));
    const auto& records = w.kernel->machine_check_core.records();
    REQUIRE(records.size() == 2);
    CHECK(records[0].record.ip == kernel::kIpIdle);
    CHECK(records[1].record.ip == 0xabcd);
}

TEST_CASE("two CPUs that raise in process context never meet", "[mce][inject]") {
    MceWorld w(ProfileId::v4_19, [](Scenario& s) { s.kernel.tolerant = 2; });
    MceEvent first = held(record(1, 1, kSraoMc, 5));
    first.context = MceEvent::Context::process;
    w.kernel->perform(0, first);
    w.kernel->perform(1, record(0, 2, kSraoMc, 5));
    w.run_for(std::chrono::milliseconds(1500));
    CHECK(w.kernel->machine_check_core.records().size() == 1);
    w.run_for(std::chrono::milliseconds(1000));
    CHECK(w.kernel->machine_check_core.records().size() == 2);
}

TEST_CASE("an IPI raises no poll: the injector waits 2 s and says so", "[mce][inject]") {
    MceWorld w(ProfileId::v4_19);
    w.kernel->perform(0, held(record(3, 1, kCe, 0)));
    MceEvent trigger = record(0, 2, kCe, 0);
    trigger.by_ipi = true;
    w.kernel->perform(1, trigger);
    w.run_for(std::chrono::milliseconds(1999));
    CHECK(w.log().empty());
    w.run_for(std::chrono::milliseconds(2));
    REQUIRE(!w.log().empty());
    CHECK(w.log()[0].line == Line::mcelog_timeout);
    CHECK((w.kernel->machine_check_core.injected().at(3).status & mca::MCI_STATUS_VAL) != 0);
}

TEST_CASE("a later held record of a CPU replaces the earlier one, the trigger's both",
          "[mce][inject]") {
    MceWorld w(ProfileId::v4_19);
    w.kernel->perform(0, held(record(1, 1, kCe, 0)));
    w.kernel->perform(1, held(record(1, 2, kCe, 0)));
    w.kernel->perform(2, held(record(0, 3, kCe, 0)));
    w.kernel->perform(3, record(0, 4, kCe, 0));
    w.run_for(std::chrono::milliseconds(1));
    std::vector<int> banks;
    for (const auto& r : w.kernel->machine_check_core.records()) banks.push_back(r.record.bank);
    CHECK(banks == std::vector{2, 4});
}

TEST_CASE("software mode goes past registers and grades", "[mce][inject]") {
    MceWorld w(ProfileId::v6_1);
    MceEvent e;
    e.via = MceEvent::Via::debugfs_sw;
    e.bank = 9;
    e.status = 0x3c000000000000c0;
    e.addr = kRamAddress;
    e.misc = 0x8c;
    w.kernel->perform(0, e);
    w.run_for(std::chrono::milliseconds(1));
    REQUIRE(w.kernel->machine_check_core.records().size() == 1);
    const mca::MceRecord& m = w.kernel->machine_check_core.records()[0].record;
    CHECK(m.status == 0xbc000000000000c0);
    CHECK(m.mcgstatus == 0);
    CHECK(m.severity == 0);
    CHECK(w.kernel->counters.memory_failures == 0);
}

TEST_CASE("machine checks of single CPUs at one instant meet", "[mce]") {
    MceWorld w(ProfileId::v4_19);
    w.hw.latch(0, 1, kSraoMc);
    for (CpuId cpu = 0; cpu < 4; ++cpu) w.machine_check(cpu, 5, false);
    w.run_for(std::chrono::milliseconds(10));
    CHECK_FALSE(w.panicked());
    CHECK(w.kernel->machine_check_core.records().size() == 1);
}

}  // namespace
}  // namespace mcemu::test
