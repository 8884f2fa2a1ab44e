// Source: nvdimm.md 3.4, 12.3, 12.6 and A.6 rows 91, 92.
#include "core/kernel/nvdimm/btt.hpp"

#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::PmemMachine;
using Op = BioEvent::Op;

namespace {

constexpr std::uint64_t kBase = 0x280000000;
constexpr std::uint64_t kSectors = 8;  // of 512 bytes in one of the translated device

void sector_mode(Scenario& s) {
    s.machine.regions[0].range = {kBase, kBase + (64 << 20)};
    s.machine.namespaces[0].range = s.machine.regions[0].range;
    s.machine.namespaces[0].mode = NamespaceMode::sector;
    s.machine.namespaces[0].data_offset = 0;
}
int read(PmemMachine& m, std::uint64_t lba) { return m.bio(Op::read, lba * kSectors, kSectors); }
int write(PmemMachine& m, std::uint64_t lba) { return m.bio(Op::write, lba * kSectors, kSectors); }
std::uint64_t data_of(std::uint64_t block) { return kBase + 4096 + 4096 * block; }
std::string region(const PmemMachine& m) { return m.kernel.libnvdimm.region_badblocks(0); }

}  // namespace

TEST_CASE("an arena of 64 MiB is laid out as on a real device", "[core][nvdimm]") {
    const auto arenas = Btt::layout({kBase, kBase + (64 << 20)}, 0);
    REQUIRE(arenas.size() == 1);
    CHECK(arenas[0].internal_nlba == 16361);
    CHECK(arenas[0].external_nlba == 16105);
    CHECK(arenas[0].dataoff == 4096);
    CHECK(arenas[0].mapoff == 67022848);
    CHECK(arenas[0].logoff == 67088384);
    CHECK(arenas[0].info2off == 67104768);
}

TEST_CASE("the device ends with the last translated sector", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    CHECK(read(m, 16104) == 0);
    CHECK(read(m, 16105) == -EIO);
    CHECK(m.bio(Op::read, 1, 8) == -EIO);
    CHECK(m.bio(Op::discard, 0, 8) == -EOPNOTSUPP);
}

TEST_CASE("a data error is remembered by the map and healed by one write", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    m.machine_check_at(data_of(100), 12);  // never written: the map is the identity
    CHECK(read(m, 100) == -EIO);
    m.hw.executed.clear();
    CHECK(read(m, 100) == -EIO);
    CHECK(m.hw.executed.size() == 1);  // the map entry alone
    CHECK(write(m, 100) == 0);
    CHECK(region(m).empty());
    CHECK(read(m, 100) == 0);
    CHECK(m.hw.dsm_calls.back().address == data_of(100));
    CHECK(m.hw.dsm_calls.back().length == 4096);
}

TEST_CASE("a bad sector of the map fails all its entries for good", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    m.machine_check_at(kBase + 67022848 + 512);
    CHECK(read(m, 127) == 0);
    CHECK(read(m, 128) == -EIO);
    CHECK(read(m, 255) == -EIO);
    CHECK(read(m, 256) == 0);
    CHECK(write(m, 130) == -EIO);
    CHECK(read(m, 130) == -EIO);
    CHECK(m.hw.dsm_calls.empty());
}

TEST_CASE("a bad free block is zeroed before it is used", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    m.machine_check_at(data_of(16105), 12);  // the free block of lane 0
    CHECK(write(m, 5) == 0);
    CHECK(region(m).empty());
}

TEST_CASE("a free block that cannot be cleared fails the write", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    m.hw.on_dsm = &PmemMachine::refuse;
    m.machine_check_at(data_of(16105), 12);
    CHECK(write(m, 5) == -EIO);
    CHECK(read(m, 5) == 0);
}

TEST_CASE("the tables of a sector namespace count from its start and have no attribute",
          "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    m.machine_check_at(data_of(100), 12);
    CHECK(region(m) == "808 8\n");
    CHECK(m.kernel.libnvdimm.namespace_badblocks(0).empty());
}

TEST_CASE("a cleared map sector reads as never written, and attaching finishes what the log says",
          "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    CHECK(write(m, 3) == 0);
    Btt& btt = *m.kernel.libnvdimm.btt(0);
    CHECK(btt.lookup(3)->block == 16105);
    DsmEvent clear;
    clear.function = DsmEvent::Function::clear_error;
    clear.address = kBase + 67022848;
    clear.length = 512;
    CHECK(m.run(m.kernel.libnvdimm.ioctl(m.ctx, clear)) == 0);
    CHECK(btt.lookup(3)->block == 3);
    CHECK(m.run(m.kernel.libnvdimm.disable(m.ctx, 0)) == 0);
    CHECK(m.run(m.kernel.libnvdimm.enable(m.ctx, 0)) == 0);
    CHECK(btt.lookup(3)->block == 16105);
}

TEST_CASE("a BTT whose log cannot be read does not come up", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    CHECK(m.run(m.kernel.libnvdimm.disable(m.ctx, 0)) == 0);
    const auto types = m.memtypes();
    m.machine_check_at(kBase + 67088384 + 8192);
    CHECK(m.run(m.kernel.libnvdimm.enable(m.ctx, 0)) == -EIO);
    CHECK_FALSE(m.kernel.libnvdimm.enabled(0));
    CHECK(m.memtypes() == types);
    CHECK(read(m, 0) == -ENXIO);
    DsmEvent clear;
    clear.function = DsmEvent::Function::clear_error;
    clear.address = kBase + 67088384 + 8192;
    clear.length = 512;
    CHECK(m.run(m.kernel.libnvdimm.ioctl(m.ctx, clear)) == 0);
    CHECK(m.run(m.kernel.libnvdimm.enable(m.ctx, 0)) == 0);
    CHECK(read(m, 0) == 0);
}

TEST_CASE("a request beyond the end of a BTT writes nothing", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &sector_mode);
    CHECK(m.bio(Op::write, 16104 * kSectors, 2 * kSectors) == -EIO);
    CHECK(m.kernel.libnvdimm.btt(0)->lookup(16104)->block == 16104);
}
