// Source: kernel.md 5.4 to 5.7 and worked examples B26 to B32, B39; nvdimm.md 12, 13, A.6; records
// clear-*, noclear-*, mce-ce-pmem-address-rounding of 4.18, 4.19 and 6.1.
#include "core/kernel/pat/oops.hpp"
#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::PmemMachine;
using Op = BioEvent::Op;
using Printed = PmemMachine::Printed;

namespace {

constexpr std::uint64_t kBad = 0x20cb00000;  // pmem0 sector 382976, region0 sector 415744
constexpr std::uint64_t kSector = 382976;
constexpr std::uint64_t kLastPage = 0x23ffff000;

std::string pmem0(const PmemMachine& m) { return m.kernel.libnvdimm.namespace_badblocks(0); }
std::string region(const PmemMachine& m) { return m.kernel.libnvdimm.region_badblocks(0); }
void untracked(Scenario& s) { s.kernel.pgmap_memtype_tracking = false; }
void refusing(PmemMachine& m) { m.hw.on_dsm = &PmemMachine::refuse; }
std::size_t stores(const PmemMachine& m) {
    std::size_t n = 0;
    for (const auto& [cpu, i] : m.hw.executed) n += i.kind == AccessKind::store_full_line;
    return n;
}
int mark(PmemMachine& m, std::uint64_t spa) {
    m.poison_page(spa >> 12);
    return m.run(m.kernel.nospec.set_mce_nospec(m.ctx, pfn_of(spa)));
}

/// A file whose only extent is at pmem offset 0xbb00000, that is kBad.
void with_file(Scenario& s) {
    FileConfig f;
    f.id = "f";
    f.on = 0;
    f.size = 0x4000;
    f.extents = {{0, 0xbb00000, 0x4000}};
    s.files.push_back(f);
}

}  // namespace

// ---------------------------------------------------------------- from MCE to badblocks

TEST_CASE("a machine check on pmem lists its sectors, relative to region and data", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    CHECK(m.machine_check_at(0x20cb0025f));
    CHECK(pmem0(m) == "382977 1\n");
    CHECK(region(m) == "415745 1\n");
}

TEST_CASE("v6.1 lists what MISC.LSB names, v4.x one line rounded up", "[core][nvdimm]") {
    PmemMachine whole_page(ProfileId::v6_1);
    whole_page.machine_check_at(kBad + 0x40, 12);
    CHECK(pmem0(whole_page) == "382976 8\n");
    PmemMachine line(ProfileId::v4_19);
    line.machine_check_at(kBad + 0x1f8, 3);
    CHECK(pmem0(line) == "382977 1\n");
    line.machine_check_at(kBad + 0x2fff, 0);
    CHECK(pmem0(line) == "382977 1\n383000 1\n");
}

TEST_CASE("a corrected error is listed by v4.x only", "[core][nvdimm]") {
    const auto profile = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile);  // B39
    const bool v4 = profile != ProfileId::v6_1;
    const mca::MceRecord ce = PmemMachine::record(0x20cb00040, 6, 0x9c0000000000009f);
    CHECK(m.run(m.kernel.libnvdimm.nfit_notifier(m.ctx, ce)) == v4);
    CHECK(pmem0(m) == (v4 ? "382976 1\n" : ""));
}

TEST_CASE("an error outside persistent memory is not for NFIT", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    CHECK_FALSE(m.machine_check_at(0x12345040));
    CHECK(region(m).empty());
}

TEST_CASE("an address that is not usable is refused by v6.1 only", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    CHECK_FALSE(m.machine_check_at(kBad, 13));
    PmemMachine old(ProfileId::v4_19);
    CHECK(old.machine_check_at(kBad, 13));
}

TEST_CASE("poison in front of the data area is the region's alone", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.machine_check_at(0x200001000);
    CHECK(pmem0(m).empty());
    CHECK(region(m) == "8 1\n");
}

TEST_CASE("device-dax has no table and no block device", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, [](Scenario& s) {
        s.machine.namespaces[0].mode = NamespaceMode::devdax;
    });
    m.machine_check_at(kBad);
    CHECK(pmem0(m).empty());
    CHECK_FALSE(m.kernel.libnvdimm.is_bad(0, kBad, 4096));
    CHECK(region(m) == "415744 1\n");
    CHECK(m.bio(Op::read, 0, 8) == -ENXIO);
}

// ---------------------------------------------------------------- block reads

TEST_CASE("a listed sector is refused without touching memory", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::read, kSector, 8) == -EIO);
    CHECK(m.hw.executed.empty());
    CHECK(m.bio(Op::read, kSector + 8, 8) == 0);
}

TEST_CASE("a read ends at its first bad segment", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v4_19);
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::read, kSector - 8, 24) == -EIO);
    CHECK(m.hw.executed.size() == 1);
}

TEST_CASE("a request beyond the end of the device fails", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    constexpr std::uint64_t kSectors = 0x3f000000 / 512;
    CHECK(m.bio(Op::read, kSectors - 8, 8) == 0);
    CHECK(m.bio(Op::read, kSectors - 8, 9) == -EIO);
}

TEST_CASE("the driver does not discard", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::discard, kSector, 8) == -EOPNOTSUPP);
    CHECK(pmem0(m) == "382976 1\n");
}

TEST_CASE("an mc-safe read of a page that is not mapped fails, a plain one is an oops",
          "[core][nvdimm]") {
    PmemMachine safe(ProfileId::v6_1);
    mark(safe, kBad);
    CHECK(safe.bio(Op::read, kSector, 8) == -EIO);
    CHECK(safe.printed().empty());
    PmemMachine plain(ProfileId::v6_1, [](Scenario& s) { s.kernel.mcsafe = false; });
    mark(plain, kBad);
    CHECK(plain.bio(Op::read, kSector, 8) == kTaskDied);
    CHECK(plain.printed()[0] == Printed{Line::oops_paging, {0xffff88820cb00000}});
}

// ---------------------------------------------------------------- clearing by block writes

TEST_CASE("a page write clears, and v4.19 has no memtype to give back", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v4_19);  // B26
    m.poison_page(kBad >> 12);
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::write, kSector, 8) == 0);
    CHECK(m.printed() == std::vector<Printed>{{Line::pat_free_invalid,
                                               {m.ctx.comm, 77, kBad, kBad + 0xfff}}});
    CHECK_FALSE(m.poisoned(kBad >> 12));
    CHECK(pmem0(m).empty());
    CHECK(region(m).empty());
    CHECK(stores(m) == 2);
}

TEST_CASE("a page write makes an untracked page write-back again", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v4_19, &untracked);  // B27
    CHECK(mark(m, kBad) == 0);
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::write, kSector, 8) == 0);
    CHECK(m.printed().empty());
    CHECK(m.memtypes().empty());
    CHECK(m.kernel.direct_map.changed().empty());
    CHECK_FALSE(m.poisoned(kBad >> 12));
    CHECK(pmem0(m).empty());
}

TEST_CASE("clearing one sector repairs no page", "[core][nvdimm]") {
    const auto profile = GENERATE(ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile);  // B28
    m.poison_page(kBad >> 12);
    m.machine_check_at(kBad + 0x200);
    CHECK(m.bio(Op::write, kSector + 1, 1) == 0);
    CHECK(m.printed().empty());
    CHECK(pmem0(m).empty());
    CHECK(region(m).empty());
    CHECK(m.poisoned(kBad >> 12));
}

TEST_CASE("the last page of a region stays in its table under v4.x", "[core][nvdimm]") {
    const auto profile = GENERATE(ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile);  // B29
    m.poison_page(kLastPage >> 12);
    m.machine_check_at(kLastPage);
    const std::uint64_t sector = (kLastPage - 0x201000000) / 512;
    CHECK(m.bio(Op::write, sector, 8) == 0);
    CHECK(pmem0(m).empty());
    CHECK(region(m) == (profile == ProfileId::v4_19 ? "2097144 1\n" : ""));
    CHECK(m.printed().empty());
}

TEST_CASE("the last page of a write-back entry can be marked once it was cut off",
          "[core][nvdimm]") {
    PmemMachine m(ProfileId::v4_19);  // kernel.md 4.6
    m.poison_page(kLastPage >> 12);
    m.machine_check_at(kLastPage);
    m.bio(Op::write, (kLastPage - 0x201000000) / 512, 8);
    CHECK(m.memtypes()[0][1] == kLastPage);
    CHECK(mark(m, kLastPage) == 0);
    CHECK(m.memtypes().size() == 2);
    m.machine_check_at(kLastPage);
    m.bio(Op::write, (kLastPage - 0x201000000) / 512, 8);
    CHECK(m.memtypes().size() == 1);
    CHECK(m.kernel.direct_map.changed().empty());
}

TEST_CASE("v4.18 clears the media and leaves the page poisoned", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v4_18);  // B30
    m.poison_page(kBad >> 12);
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::write, kSector, 8) == 0);
    CHECK(m.poisoned(kBad >> 12));
    CHECK(pmem0(m).empty());
    CHECK(m.printed().empty());
}

TEST_CASE("v4.18 oopses at a write to a page it took out of the direct map", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v4_18);  // record clear-then-poison-again
    mark(m, kBad);
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::write, kSector, 8) == kTaskDied);
    REQUIRE(m.printed().size() == 3);
    CHECK(m.printed()[0] == Printed{Line::oops_paging, {0xffff88020cb00000}});
    CHECK(m.printed()[1] == Printed{Line::oops_number, {1, 2}});
    CHECK(m.printed()[2].line == Line::oops_rip);
    CHECK(pmem0(m) == "382976 1\n");
    CHECK(m.hw.dsm_calls.empty());
}

TEST_CASE("v6.1 clears first, maps the page again, then writes", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);  // B31
    mark(m, kBad);
    m.machine_check_at(kBad, 12);
    CHECK(m.bio(Op::write, kSector, 8) == 0);
    CHECK(m.printed().empty());
    CHECK_FALSE(m.poisoned(kBad >> 12));
    CHECK(m.kernel.direct_map.entry(pfn_of(kBad)).present);
    CHECK(pmem0(m).empty());
    CHECK(stores(m) == 1);
}

TEST_CASE("v6.1 writes an unlisted page that is not mapped and oopses", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);  // kernel.md 5.5, the hazard
    mark(m, kBad);
    CHECK(m.bio(Op::write, kSector, 8) == kTaskDied);
}

TEST_CASE("when the clear fails v4.x has written twice, v6.1 not at all", "[core][nvdimm]") {
    const auto profile = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile);  // B32
    refusing(m);
    m.poison_page(kBad >> 12);
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::write, kSector, 8) == -EIO);
    CHECK(stores(m) == (profile == ProfileId::v6_1 ? 0 : 2));
    CHECK(pmem0(m) == "382976 1\n");
    CHECK(m.poisoned(kBad >> 12));
    CHECK(m.printed().empty());
}

TEST_CASE("a write inside a row splits it", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);  // nvdimm.md A.6 row 89
    m.machine_check_at(kBad, 12);
    CHECK(m.bio(Op::write, kSector + 4, 2) == 0);
    CHECK(pmem0(m) == "382976 4\n382982 2\n");
    CHECK(m.hw.dsm_calls.back().address == kBad + 0x800);
    CHECK(m.hw.dsm_calls.back().length == 1024);
}

TEST_CASE("a clear that stops early repairs what it cleared and fails", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.hw.on_dsm = [](const DsmRequest& request) {
        DsmReply reply = PmemMachine::clear_all(request);
        if (request.function == DsmEvent::Function::clear_error) reply.cleared = 1024;
        return reply;
    };
    m.machine_check_at(kBad, 12);
    CHECK(m.bio(Op::write, kSector, 8) == -EIO);
    CHECK(pmem0(m) == "382978 6\n");
    CHECK(stores(m) == 0);
}

TEST_CASE("a clear must be made of whole clear units", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.hw.on_dsm = [](const DsmRequest& request) {
        DsmReply reply = PmemMachine::clear_all(request);
        reply.clear_err_unit = 4096;
        return reply;
    };
    m.machine_check_at(kBad);
    CHECK(m.bio(Op::write, kSector, 1) == -EIO);
    CHECK(m.hw.dsm_calls.size() == 1);
    CHECK(m.bio(Op::write, kSector, 8) == 0);
}

// ---------------------------------------------------------------- DAX files

TEST_CASE("read() of a known bad page is EIO", "[core][nvdimm]") {
    const auto profile = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile, &with_file);
    m.machine_check_at(kBad + 0x1000);
    CHECK(m.file_io(false, 0x1000, 0x1000) == -EIO);
    CHECK(m.file_io(false, 0x2000, 0x1000) == 0x1000);
}

TEST_CASE("write() to a bad page recovers in v6.1 and is EIO before", "[core][nvdimm]") {
    const auto profile = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile, &with_file);  // records clear-ext4dax-write
    m.machine_check_at(kBad + 0x1000);
    const bool recovers = profile == ProfileId::v6_1;
    CHECK(m.file_io(true, 0x1000, 0x1000) == (recovers ? 0x1000 : -EIO));
    CHECK(pmem0(m) == (recovers ? "" : "382984 1\n"));
}

TEST_CASE("a recovery write makes the page present again", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &with_file);
    mark(m, kBad);
    m.machine_check_at(kBad, 12);
    CHECK(m.file_io(true, 0, 0x1000) == 0x1000);
    CHECK(m.kernel.direct_map.entry(pfn_of(kBad)).present);
    CHECK_FALSE(m.poisoned(kBad >> 12));
}

TEST_CASE("a recovery write that cannot clear is EFAULT", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &with_file);
    refusing(m);
    m.machine_check_at(kBad);
    CHECK(m.file_io(true, 0, 0x1000) == -EFAULT);
    CHECK(pmem0(m) == "382976 1\n");
}

TEST_CASE("a recovery write wants whole pages", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &with_file);
    m.machine_check_at(kBad);
    CHECK(m.file_io(true, 0x200, 0x200) == -EFAULT);
    CHECK(m.file_io(true, 0, 0x200) == -EFAULT);
}

TEST_CASE("a long write goes up to the bad page, recovers it and goes on", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &with_file);
    m.machine_check_at(kBad + 0x2000);
    CHECK(m.file_io(true, 0, 0x4000) == 0x4000);
    CHECK(pmem0(m).empty());
}

TEST_CASE("a recovery write inside a row of two pages is EFAULT", "[core][nvdimm]") {
    // pmem_direct_access() of 6.1 takes the distance to the row's start, which is negative here.
    PmemMachine m(ProfileId::v6_1, &with_file);
    m.hw.on_dsm = [](const DsmRequest& request) {
        if (request.length > 0x40000000) return PmemMachine::refuse(request);
        return PmemMachine::clear_all(request);
    };
    m.machine_check_at(kBad, 12);
    m.machine_check_at(kBad + 0x1000, 12);
    CHECK(m.file_io(true, 0x1000, 0x1000) == -EFAULT);
    CHECK(m.file_io(true, 0, 0x2000) == 0x2000);
    CHECK(pmem0(m).empty());
}

TEST_CASE("a DAX read of a page that is not mapped is short, or EFAULT", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, &with_file);
    mark(m, kBad + 0x1000);
    CHECK(m.file_io(false, 0, 0x4000) == 0x1000);
    CHECK(m.file_io(false, 0x1000, 0x1000) == -EFAULT);
}

TEST_CASE("a hole of a file touches no memory", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1, [](Scenario& s) {
        with_file(s);
        s.files[0].extents[0].offset = 0x2000;
    });
    CHECK(m.file_io(false, 0, 0x3000) == 0x3000);
    CHECK(m.hw.executed.size() == 1);
}

TEST_CASE("the first range without room is told by the first walk as well", "[core][nvdimm]") {
    // A walk over all ranges leaves out those that a full table cannot take; it must not be silent.
    for (const std::uint64_t ranges : {512u, 513u, 600u}) {
        kernel::Badranges list;
        for (std::uint64_t i = 0; i < ranges; ++i) list.add(0x200000000 + i * 4096, 64);
        kernel::Badblocks table;
        kernel::BadblocksFiller filler;
        const auto full = filler.populate(list, {0x200000000, 0x240000000}, table, [](const kernel::SectorRange&) {});
        CHECK(table.rows().size() == 512);
        CHECK(full == (ranges == 512 ? std::nullopt : std::optional<std::uint64_t>(4096)));
        CHECK(filler.populate(list, {0x200000000, 0x240000000}, table, [](const kernel::SectorRange&) {}) == std::nullopt);
    }
}

TEST_CASE("the first bad range that finds no room in a table is told, once", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    for (std::uint64_t i = 0; i < 515; ++i) m.machine_check_at(0x200000000 + i * 4096);
    const auto printed = m.printed();
    REQUIRE(printed.size() == 1);
    CHECK(printed[0].line == Line::badblocks_full);
    CHECK(printed[0].values == std::vector<std::uint64_t>{m.names.intern("nd_region region0"), 4096});
}
