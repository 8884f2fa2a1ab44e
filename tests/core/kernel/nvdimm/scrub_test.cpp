// Source: nvdimm.md 7.3, 7.4, 8 and A.5.
#include "core/kernel/nvdimm/scrub.hpp"

#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::PmemMachine;
using Function = DsmEvent::Function;

namespace {

using namespace std::chrono_literals;

/// A firmware with one scan, whose answers the test lines up: status words for Query ARS Status.
struct Firmware {
    std::vector<DsmReply> answers;  // of ars_status, in order; the last one stays
    std::size_t next = 0;
    std::uint32_t start_status = 0;
    std::vector<DsmRequest> starts;

    DsmReply operator()(const DsmRequest& request) {
        DsmReply reply;
        if (request.function == Function::ars_start) {
            starts.push_back(request);
            reply.status = start_status;
        }
        if (request.function == Function::ars_status)
            return answers[std::min(next++, answers.size() - 1)];
        return reply;
    }
};

DsmReply status(std::uint32_t word) {
    DsmReply r;
    r.status = word;
    r.out_length = 44;
    return r;
}
DsmReply done(std::vector<ArsRecord> records) {
    DsmReply r = status(0);
    r.out_length = 44 + 24 * static_cast<std::uint32_t>(records.size());
    r.covered = {0x200000000, 0x240000000};
    r.records = std::move(records);
    return r;
}

void attach(PmemMachine& m, Firmware& firmware) {
    m.hw.on_dsm = [&firmware](const DsmRequest& r) { return firmware(r); };
}

}  // namespace

TEST_CASE("notification 0x81 lists what the firmware knows a second later", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    Firmware firmware{{status(2u << 16), done({{0, 0x20cb00000, 256}})}, 0, 0, {}};
    attach(m, firmware);
    m.kernel.nfit_notify(0x81, -1);
    m.agenda.run_until(999ms);
    CHECK(m.kernel.libnvdimm.region_badblocks(0).empty());
    CHECK(m.kernel.libnvdimm.scrub_attribute() == "0+\n");
    m.agenda.run_until(SimTime::max());
    CHECK(m.kernel.libnvdimm.region_badblocks(0) == "415744 1\n");
    CHECK(m.kernel.libnvdimm.namespace_badblocks(0) == "382976 1\n");
    CHECK(m.kernel.libnvdimm.scrub_attribute() == "1\n");
    REQUIRE(firmware.starts.size() == 1);
    CHECK(firmware.starts[0].flags == 2);
    CHECK(firmware.starts[0].address == 0x200000000);
    CHECK(firmware.starts[0].length == 0x40000000);
}

TEST_CASE("with hw_error_scrub a notification asks for a whole scan", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, [](Scenario& s) { s.kernel.hw_error_scrub = true; });
    Firmware firmware{{status(2u << 16), done({})}, 0, 0, {}};
    attach(m, firmware);
    m.kernel.nfit_notify(0x81, -1);
    m.agenda.run_until(SimTime::max());
    REQUIRE(firmware.starts.size() == 1);
    CHECK(firmware.starts[0].flags == 0);
}

TEST_CASE("other notifications start nothing", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.kernel.nfit_notify(0x80, -1);
    m.kernel.nfit_notify(0x82, -1);
    m.kernel.nfit_notify(0x81, 0);
    CHECK(m.agenda.empty());
}

TEST_CASE("a request already made is EBUSY, without scrubs it is ENOTTY", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    Firmware firmware{{status(1u << 16), status(2u << 16), done({})}, 0, 0, {}};
    attach(m, firmware);
    CHECK(m.kernel.libnvdimm.rescan(true) == 0);
    CHECK(m.kernel.libnvdimm.rescan(true) == -EBUSY);
    PmemMachine none(ProfileId::v6_1,
                     [](Scenario& s) { s.machine.clear_error_supported = false; });
    CHECK(none.kernel.libnvdimm.rescan(true) == -ENOTTY);
}

TEST_CASE("while the firmware is busy the worker asks ever less often", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    Firmware firmware{{status(1u << 16), status(1u << 16), status(1u << 16), status(2u << 16),
                       done({})}, 0, 0, {}};
    attach(m, firmware);
    std::vector<std::uint64_t> seconds;
    m.hw.on_dsm = [&](const DsmRequest& r) {
        if (r.function == Function::ars_status) seconds.push_back(to_ns(m.agenda.now()) / 1000000000);
        return firmware(r);
    };
    m.kernel.libnvdimm.rescan(false);
    m.agenda.run_until(SimTime::max());
    CHECK(seconds == std::vector<std::uint64_t>{0, 2, 6, 14, 15});
}

TEST_CASE("a privileged read while it waits brings the worker back to one second, once per run",
          "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    Firmware firmware{{status(1u << 16), status(1u << 16), status(1u << 16), status(1u << 16),
                       status(2u << 16), done({})}, 0, 0, {}};
    std::vector<std::uint64_t> seconds;
    m.hw.on_dsm = [&](const DsmRequest& r) {
        if (r.function == Function::ars_status) seconds.push_back(to_ns(m.agenda.now()) / 1000000000);
        return firmware(r);
    };
    m.kernel.libnvdimm.rescan(false);
    m.agenda.run_until(3s);  // asked at 0 and 2; the next would be at 6
    m.kernel.libnvdimm.scrub().privileged_read();
    m.agenda.run_until(3500ms);
    m.kernel.libnvdimm.scrub().privileged_read();  // nothing more before the worker has run
    m.agenda.run_until(SimTime::max());
    CHECK(seconds == std::vector<std::uint64_t>{0, 2, 4, 6, 10, 11});
}

TEST_CASE("records of a scan the kernel did not start are stale", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    Firmware firmware{{done({{0, 0x20cb00000, 256}}), done({})}, 0, 0, {}};
    attach(m, firmware);
    m.kernel.libnvdimm.rescan(false);
    m.agenda.run_until(SimTime::max());
    CHECK(m.kernel.libnvdimm.region_badblocks(0).empty());
}

TEST_CASE("after an overflow the scan goes on, its second batch is skipped", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);  // A.5 rows 72, 73
    DsmReply full = done({{0, 0x20cb00000, 256}});
    full.status = 3u << 16;
    full.overflow = true;
    full.restart = {0x220000000, 0x240000000};
    Firmware firmware{{status(2u << 16), full, done({{0, 0x230000000, 256}})}, 0, 0, {}};
    attach(m, firmware);
    m.kernel.libnvdimm.rescan(true);
    m.agenda.run_until(SimTime::max());
    REQUIRE(firmware.starts.size() == 2);
    CHECK(firmware.starts[1].address == 0x220000000);
    CHECK(firmware.starts[1].length == 0x20000000);
    CHECK(m.kernel.libnvdimm.region_badblocks(0) == "415744 1\n");
}

TEST_CASE("records beyond the answer's length are not used", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);  // A.5 row 77
    DsmReply cut = done({{0, 0x20cb00000, 256}, {0, 0x20cb10000, 256}, {0, 0x20cb20000, 256}});
    cut.out_length = 92;
    Firmware firmware{{status(2u << 16), cut, done({})}, 0, 0, {}};
    attach(m, firmware);
    m.kernel.libnvdimm.rescan(true);
    m.agenda.run_until(SimTime::max());
    CHECK(m.kernel.libnvdimm.region_badblocks(0) == "415744 1\n415872 1\n");
}

TEST_CASE("a range whose scan cannot start is given up", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    Firmware firmware{{status(2u << 16)}, 0, 2, {}};
    attach(m, firmware);
    CHECK(m.kernel.libnvdimm.rescan(true) == 0);
    m.agenda.run_until(SimTime::max());
    CHECK(firmware.starts.size() == 1);
    CHECK(m.kernel.libnvdimm.rescan(true) == -ENOTTY);
}
