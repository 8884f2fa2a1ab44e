#include "core/address.hpp"

#include <catch2/catch.hpp>

namespace mcemu {
namespace {

/// The 4-way and 6-way sets of nvdimm.md appendix A.1.
RegionConfig region(std::uint64_t base, std::uint64_t ways, std::uint64_t dpa_base) {
    RegionConfig r;
    r.id = "region0";
    r.range = {base, base + ways * 0x4000000};
    for (std::uint32_t way = 0; way < ways; ++way) {
        r.nvdimms.push_back(way);
        r.dpa_base.push_back(dpa_base);
    }
    return r;
}

/// Reference platform P0 of kernel.md B.0, with a file and two processes on it.
Scenario platform() {
    Scenario s;
    s.kernel.profile = ProfileId::v4_19;
    s.machine.memory.push_back({"dram0", {0x100000, 0x200000000}, 0, {}});
    s.machine.nvdimms.resize(1);
    s.machine.nvdimms[0].id = "nmem0";
    s.machine.nvdimms[0].size = 0x40000000;
    RegionConfig r;
    r.id = "region0";
    r.range = {0x200000000, 0x240000000};
    r.nvdimms = {0};
    r.dpa_base = {0};
    s.machine.regions.push_back(r);
    NamespaceConfig ns;
    ns.id = "namespace0.0";
    ns.range = r.range;
    ns.data_offset = 0x1000000;
    ns.device = "pmem0";
    s.machine.namespaces.push_back(ns);
    FileConfig f;
    f.id = "f0";
    f.on = 0;
    f.size = 0x400000;
    f.extents = {{0, 0xba00000, 0x400000}};
    s.files.push_back(f);
    ProcessConfig p;
    p.id = "fsd";
    MapConfig m;
    m.id = "m0";
    m.kind = MapKind::fsdax;
    m.of = 0;
    m.va = 0x7f0000000000;
    m.size = 0x400000;
    p.maps.push_back(m);
    MapConfig anon;
    anon.id = "heap";
    anon.va = 0x10000;
    anon.size = 0x1000;
    p.maps.push_back(anon);
    s.processes.push_back(p);
    return s;
}

const Coordinate& find(const std::vector<Coordinate>& all, Coordinate::Kind kind) {
    for (const Coordinate& c : all)
        if (c.kind == kind) return c;
    throw std::runtime_error("no such coordinate");
}

}  // namespace

TEST_CASE("an SPA decodes to the way and DPA of its interleave chunk", "[core][address]") {
    const RegionConfig four = region(0x280000000, 4, 0x1000000);
    const RegionConfig six = region(0, 6, 0);
    const auto at = [](const RegionConfig& r, std::uint64_t offset) {
        return dimm_address(r, r.range.begin + offset);
    };
    CHECK(at(four, 0x0) == DimmAddress{0, 0, 0x1000000});
    CHECK(at(four, 0x1000) == DimmAddress{1, 1, 0x1000000});
    CHECK(at(four, 0x4040) == DimmAddress{0, 0, 0x1001040});
    CHECK(at(four, 0x205400) == DimmAddress{1, 1, 0x1081400});
    CHECK(at(four, 0x2100000) == DimmAddress{0, 0, 0x1840000});
    CHECK(at(six, 0x123456) == DimmAddress{3, 3, 0x30456});
    CHECK(at(six, 0x5fff) == DimmAddress{5, 5, 0xfff});
    CHECK(at(six, 0x6000) == DimmAddress{0, 0, 0x1000});
}

TEST_CASE("the inverse of the interleave decode gives the SPA back", "[core][address]") {
    const RegionConfig four = region(0x280000000, 4, 0x1000000);
    CHECK(region_spa(region(0, 6, 0), 5, 0x30456) == 0x125456);
    CHECK(region_spa(four, 2, 0x1081400) == 0x280206400);
    for (std::uint64_t spa = four.range.begin; spa < four.range.begin + 0x40000; spa += 0x340) {
        const DimmAddress d = dimm_address(four, spa);
        CHECK(region_spa(four, d.way, d.dpa) == spa);
    }
}

TEST_CASE("a DPA outside what the region uses has no SPA", "[core][address]") {
    const RegionConfig four = region(0x280000000, 4, 0x1000000);
    CHECK(region_spa(four, 0, 0xffffff) == std::nullopt);
    CHECK(region_spa(four, 0, 0x1000000 + 0x3ffffff).has_value());
    CHECK(region_spa(four, 0, 0x1000000 + 0x4000000) == std::nullopt);
}

TEST_CASE("a pmem address shows in every coordinate of platform P0", "[core][address]") {
    using Kind = Coordinate::Kind;
    const auto all = coordinates(platform(), 0x20cb00240);
    CHECK(find(all, Kind::pfn).value == 0x20cb00);
    CHECK(find(all, Kind::region).value == 0xcb00240);
    CHECK(find(all, Kind::nvdimm).value == 0xcb00240);
    CHECK(find(all, Kind::sector).value == 382977);
    CHECK(find(all, Kind::sector).offset == 0x40);
    CHECK(find(all, Kind::region_sector).value == 415745);
    CHECK(find(all, Kind::file).value == 0x100240);
    CHECK(find(all, Kind::process).value == 0x7f0000100240);
    CHECK(find(all, Kind::kaddr).value == 0xffff88020cb00240);
    CHECK(find(all, Kind::decoy).value == 0x7fff88020cb00000);
}

TEST_CASE("every kind of address text leads to the same SPA", "[core][address]") {
    const Scenario s = platform();
    for (const char* text :
         {"0x20cb00000", "8802795520", "spa:0x20cb00000", "pfn:0x20cb00", "dpa:nmem0:0xcb00000",
          "sector:pmem0:382976", "sector:namespace0.0:382976", "region-sector:region0:415744",
          "va:fsd:0x7f0000100000", "file:f0:0x100000", "kaddr:0xffff88020cb00000",
          "decoy:0x7fff88020cb00000"}) {
        INFO(text);
        CHECK(resolve_address(s, text) == 0x20cb00000);
    }
}

TEST_CASE("an address text without meaning says what would have one", "[core][address]") {
    const Scenario s = platform();
    CHECK_THROWS_WITH(resolve_address(s, "sector:pmem7:1"),
                      "there is no block device 'pmem7' (there is: pmem0)");
    CHECK_THROWS_WITH(resolve_address(s, "va:fsd:0x10000"),
                      Catch::Contains("give it \"at\" to fix them"));
    CHECK_THROWS_WITH(resolve_address(s, "va:fsd:0x7e0000000000"),
                      "fsd maps nothing at 0x7e0000000000");
    CHECK_THROWS_WITH(resolve_address(s, "0x20cg"), Catch::Contains("is no address"));
    CHECK_THROWS_WITH(resolve_address(s, "page:1:2"), Catch::Contains("is no kind of address"));
    CHECK_THROWS_AS(resolve_address(s, "sector:pmem0:99999999"), AddressError);
    CHECK_THROWS_AS(resolve_address(s, "dpa:nmem0:0x40000000"), AddressError);
}

TEST_CASE("raw persistent memory has no direct-map address", "[core][address]") {
    Scenario s = platform();
    s.machine.namespaces[0].mode = NamespaceMode::raw;
    CHECK_FALSE(in_direct_map(s, 0x20cb00000));
    CHECK(in_direct_map(s, 0x12345000));
}

TEST_CASE("the decoys of each profile and paging mode are those of the table", "[core][address]") {
    struct Row {
        ProfileId profile;
        bool la57;
        std::uint64_t spa, kaddr, decoy;
    };
    // kernel.md 4.4
    for (const Row& row :
         {Row{ProfileId::v4_18, false, 0x20cb00000, 0xffff88020cb00000, 0x7fff88020cb00000},
          Row{ProfileId::v6_1, false, 0x20cb00000, 0xffff88820cb00000, 0x7fff88820cb00000},
          Row{ProfileId::v4_19, true, 0x20cb00000, 0xff1000020cb00000, 0x7f1000020cb00000},
          Row{ProfileId::v6_1, true, 0x20cb00000, 0xff1100020cb00000, 0x7f1100020cb00000}}) {
        Scenario s = platform();
        s.kernel.profile = row.profile;
        s.machine.cpus.la57 = row.la57;
        const auto all = coordinates(s, row.spa);
        CHECK(find(all, Coordinate::Kind::kaddr).value == row.kaddr);
        CHECK(find(all, Coordinate::Kind::decoy).value == row.decoy);
    }
}

}  // namespace mcemu
