// A boot on media that were used before: nvdimm.md 7.3, 12.6, 17.10.
#include "core/pmem/btt_layout.hpp"
#include "core/pmem/image.hpp"
#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::PmemMachine;
using Op = BioEvent::Op;

namespace {

constexpr std::uint64_t kData = 0x201000000;  // of the reference namespace

NvdimmImage image_of(PmemMachine& m) {
    NvdimmImage image{m.scenario.machine.nvdimms,
                      m.scenario.machine.regions,
                      m.scenario.machine.namespaces,
                      {},
                      {}};
    m.kernel.libnvdimm.save(image);
    return image;
}
void start(PmemMachine& m, const NvdimmImage& image, const std::vector<SpaRange>& known = {}) {
    m.kernel.libnvdimm.start_from(image, known);
    m.agenda.run_until(SimTime::max());
}
void sector_mode(Scenario& s) {
    s.machine.namespaces[0].mode = NamespaceMode::sector;
    s.machine.namespaces[0].data_offset = 0;
}
std::size_t scrubs(const PmemMachine& m) {
    std::size_t n = 0;
    for (const DsmRequest& r : m.hw.dsm_calls)
        n += r.function == DsmEvent::Function::ars_start && r.flags == 0;
    return n;
}

}  // namespace

TEST_CASE("what the scrub for known poison reports is in all tables after the boot",
          "[core][nvdimm][state]") {
    PmemMachine m(ProfileId::v6_1);
    start(m, image_of(m), {{kData + 0x1000, kData + 0x1100}, {kData - 512, kData}});
    CHECK(m.kernel.libnvdimm.namespace_badblocks(0) == "8 1\n");
    CHECK(m.kernel.libnvdimm.region_badblocks(0) == "32767 1\n32776 1\n");
    CHECK(m.bio(Op::read, 8, 1) == -EIO);
}

TEST_CASE("the boot asks for a full scrub of the region", "[core][nvdimm][state]") {
    PmemMachine m(ProfileId::v4_19);
    start(m, image_of(m));
    CHECK(scrubs(m) == 1);
    CHECK(m.kernel.libnvdimm.scrub_attribute() == "1\n");
}

TEST_CASE("a kernel without the NFIT driver learns nothing at boot", "[core][nvdimm][state]") {
    PmemMachine m(ProfileId::v6_1, [](Scenario& s) { s.kernel.nfit = false; });
    start(m, image_of(m), {{kData, kData + 512}});
    CHECK(m.kernel.libnvdimm.namespace_badblocks(0).empty());
    CHECK(m.hw.dsm_calls.empty());
}

TEST_CASE("the map of a BTT survives, and so does an error in it", "[core][nvdimm][state]") {
    PmemMachine before(ProfileId::v6_1, &sector_mode);
    CHECK(before.bio(Op::write, 5 * 8, 8) == 0);
    before.machine_check_at(0x200000000 + 4096 + 100 * 4096, 12);
    CHECK(before.bio(Op::read, 100 * 8, 8) == -EIO);
    const NvdimmImage image = image_of(before);
    REQUIRE(image.btts.size() == 1);
    REQUIRE(image.btts[0].size() == 1);
    CHECK(image.btts[0][0].map.size() == 2);
    CHECK(image.btts[0][0].map[1] == pmem::BttImage::Entry{100, 100, true});
    CHECK(image.btts[0][0].free == std::vector<pmem::BttImage::Entry>{{0, 5, false}});

    PmemMachine after(ProfileId::v6_1, &sector_mode);
    start(after, image);
    CHECK(image_of(after).btts == image.btts);
    CHECK(after.bio(Op::read, 100 * 8, 8) == -EIO);  // by the map alone: no table names it
    CHECK(after.kernel.libnvdimm.region_badblocks(0).empty());
    CHECK(after.bio(Op::write, 100 * 8, 8) == 0);
    CHECK(after.bio(Op::read, 100 * 8, 8) == 0);
}

TEST_CASE("an attach heals the free blocks that the log says are bad", "[core][nvdimm][state]") {
    PmemMachine before(ProfileId::v6_1, &sector_mode);
    NvdimmImage image = image_of(before);
    // Lane 1 has freed block 7 with an error; block 7's owner has the lane's first block.
    const std::uint64_t bytes = 0x40000000;
    const auto arena = pmem::btt_layout({0, bytes}, 0)[0];
    image.btts[0][0].map = {{7, arena.external_nlba + 1, false}};
    image.btts[0][0].free = {{1, 7, true}};

    PmemMachine after(ProfileId::v6_1, &sector_mode);
    const std::uint64_t at = 0x200000000 + 4096 + 7 * 4096;
    start(after, image, {{at, at + 256}});
    CHECK(after.kernel.libnvdimm.region_badblocks(0).empty());
    CHECK(image_of(after).btts[0][0].free == std::vector<pmem::BttImage::Entry>{{1, 7, false}});
}
