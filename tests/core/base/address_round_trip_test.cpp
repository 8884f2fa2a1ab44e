// Property: whatever coordinates() says of an address leads back to it, on every machine.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>
#include <random>
#include <set>

#include "core/address.hpp"
#include "core/address_places.hpp"

namespace mcemu {
namespace {

constexpr std::uint64_t kMiB = 1ull << 20, kGiB = 1ull << 30;

void add_region(Scenario& s, std::uint64_t base, std::uint32_t ways, std::uint64_t interleave,
                std::uint64_t dpa_base) {
    RegionConfig r;
    r.id = "region" + std::to_string(s.machine.regions.size());
    r.range = {base, base + ways * 192 * kMiB};
    r.interleave = interleave;
    for (std::uint32_t way = 0; way < ways; ++way) {
        NvdimmConfig n;
        n.id = "nmem" + std::to_string(s.machine.nvdimms.size());
        n.size = dpa_base + 192 * kMiB;
        r.nvdimms.push_back(static_cast<std::uint32_t>(s.machine.nvdimms.size()));
        r.dpa_base.push_back(dpa_base);
        s.machine.nvdimms.push_back(n);
    }
    // The order of ways is not that of the modules.
    std::rotate(r.nvdimms.begin(), std::next(r.nvdimms.begin(), ways / 2), r.nvdimms.end());
    s.machine.regions.push_back(r);
}

void add_namespace(Scenario& s, std::uint32_t region, std::uint64_t offset, std::uint64_t size,
                   NamespaceMode mode, std::uint64_t data_offset, std::uint64_t end_trunc) {
    NamespaceConfig ns;
    std::uint32_t number = 0;
    for (const NamespaceConfig& other : s.machine.namespaces) number += other.region == region;
    const std::string name = std::to_string(region) + "." + std::to_string(number);
    ns.id = "namespace" + name;
    ns.region = region;
    const std::uint64_t base = s.machine.regions[region].range.begin + offset;
    ns.range = {base, base + size};
    ns.mode = mode;
    ns.data_offset = data_offset;
    ns.end_trunc = end_trunc;
    ns.device = (mode == NamespaceMode::devdax ? "dax" : "pmem") + name +
                (mode == NamespaceMode::sector ? "s" : "");
    s.machine.namespaces.push_back(ns);
}

MapConfig map_of(std::string id, MapKind kind, std::uint64_t va, std::uint64_t size, int of = -1) {
    MapConfig m;
    m.id = std::move(id);
    m.kind = kind;
    m.va = va;
    m.size = size;
    m.of = of;
    return m;
}

/// RAM with a hole; a 3-way, a 6-way and a 2-way set; each mode of namespace, two on one region.
Scenario machine() {
    Scenario s;
    s.machine.memory.push_back({"dram0", {0, 2 * kGiB}, 0, {}});
    s.machine.memory.push_back({"dram1", {4 * kGiB, 6 * kGiB}, 0, {}});
    for (const char* id : {"mem0", "mem1", "mem2", "mem3"}) {
        MemdevConfig m;
        m.id = id;
        m.volatile_bytes = 64 * kMiB;
        m.persistent_bytes = 256 * kMiB;
        s.machine.memdevs.push_back(m);
    }
    DramConfig cxl{"cxl0", {6 * kGiB, 6 * kGiB + 256 * kMiB}, 0};
    cxl.memdevs = {2, 0, 3, 1};
    cxl.dpa_base = {0, 4096, 0, 0};
    cxl.interleave = 256;
    cxl.xor_hash = true;
    s.machine.memory.push_back(cxl);
    DramConfig plain{"cxl1", {7 * kGiB, 7 * kGiB + 96 * kMiB}, 0};
    plain.memdevs = {0, 1, 2};
    plain.dpa_base = {128 * kMiB, 128 * kMiB, 128 * kMiB};
    plain.interleave = 4096;
    s.machine.memory.push_back(plain);
    add_region(s, 8 * kGiB, 3, 4096, 0);
    add_region(s, 16 * kGiB, 6, 4096, 16 * kMiB);
    add_region(s, 24 * kGiB, 2, 256, 4096);
    add_namespace(s, 0, 0, 256 * kMiB, NamespaceMode::fsdax, 2 * kMiB, 4096);
    add_namespace(s, 0, 256 * kMiB, 128 * kMiB, NamespaceMode::devdax, 0x22000, 0);
    add_namespace(s, 1, 0, 512 * kMiB, NamespaceMode::devdax, 2 * kMiB, 0);
    add_namespace(s, 1, 512 * kMiB, 256 * kMiB, NamespaceMode::sector, 0, 0);
    add_namespace(s, 2, 0, 64 * kMiB, NamespaceMode::raw, 0, 0);
    add_namespace(s, 2, 128 * kMiB, 64 * kMiB, NamespaceMode::sector, 4096, 0);

    FileConfig f;  // a hole from 2 to 6 MiB; the extents are out of order on the media
    f.id = "f0";
    f.on = 0;
    f.size = 10 * kMiB;
    f.extents = {{0, 64 * kMiB, 2 * kMiB}, {6 * kMiB, 2 * kMiB, 2 * kMiB}, {8 * kMiB, 0, 2 * kMiB}};
    s.files.push_back(f);

    ProcessConfig p;
    p.id = "p";
    p.maps.push_back(map_of("dax", MapKind::devdax, 0x7f0000000000, 64 * kMiB, 2));
    p.maps.back().offset = 4 * kMiB;
    p.maps.back().page = 2 * kMiB;
    p.maps.push_back(map_of("small", MapKind::devdax, 0x7f1000000000, kMiB, 1));
    p.maps.push_back(map_of("file", MapKind::fsdax, 0x7f2000000000, 8 * kMiB, 0));
    p.maps.back().offset = kMiB;
    p.maps.push_back(map_of("heap", MapKind::anon, 0x10000, 64 * 4096));
    p.maps.back().at = 0x12345000;
    s.processes.push_back(p);
    ProcessConfig q;
    q.id = "q";
    q.maps.push_back(map_of("same", MapKind::fsdax, 0x7e0000000000, 4 * kMiB));
    q.maps.back().kind = MapKind::shmem;
    q.maps.back().shared_with = "file";
    s.processes.push_back(q);
    ProcessConfig t;
    t.id = "thread";
    t.thread_of = 0;
    s.processes.push_back(t);
    return s;
}

/// Borders of everything, their neighbours, and addresses in between.
std::vector<std::uint64_t> addresses(const Scenario& s) {
    std::set<std::uint64_t> all;
    const auto border = [&](std::uint64_t a) {
        for (const std::int64_t d : {-4096, -512, -64, -1, 0, 1, 64, 511, 512, 4095, 4096})
            if (d >= 0 || a >= static_cast<std::uint64_t>(-d))
                all.insert(a + static_cast<std::uint64_t>(d));
    };
    std::mt19937_64 random(1);
    const auto range = [&](SpaRange r) {
        border(r.begin);
        border(r.end);
        for (int i = 0; i < 40; ++i) all.insert(r.begin + random() % r.size());
    };
    for (const DramConfig& d : s.machine.memory) {
        range(d.range);
        for (int i = 0; i < 14 && !d.is_dram(); ++i)
            border(d.range.begin + static_cast<std::uint64_t>(i) * 64 * d.interleave);
    }
    for (const RegionConfig& r : s.machine.regions) {
        range(r.range);
        for (int i = 0; i < 14; ++i)
            border(r.range.begin + static_cast<std::uint64_t>(i) * r.interleave);
    }
    for (const NamespaceConfig& n : s.machine.namespaces) {
        range(n.range);
        range(n.data());
    }
    for (const FileConfig& f : s.files)
        for (const address::Piece& p : address::pieces(s, f)) range(p.spa);
    for (const ProcessConfig& p : s.processes)
        for (const MapConfig& m : p.maps)
            for (const address::Piece& piece : address::pieces(s, m)) range(piece.spa);
    return {all.begin(), all.end()};
}

void check_round_trips(const Scenario& s, std::set<Coordinate::Kind>& seen) {
    for (const std::uint64_t spa : addresses(s)) {
        for (const Coordinate& c : coordinates(s, spa)) {
            seen.insert(c.kind);
            const std::uint64_t back = resolve_address(s, c.text);
            const std::uint64_t wanted =
                c.kind == Coordinate::Kind::decoy ? round_down(spa, kPageSize) : spa;
            if (back == wanted) continue;
            FAIL(name(c.kind) << " " << c.text << " of " << address::hex(spa) << " leads to "
                              << address::hex(back));
        }
    }
}

bool shows(const std::vector<Coordinate>& all, Coordinate::Kind kind, std::string_view of,
           std::uint64_t value) {
    for (const Coordinate& c : all)
        if (c.kind == kind && c.of == of && c.value == value) return true;
    return false;
}

}  // namespace

TEST_CASE("every coordinate of every address leads back to it", "[core][address]") {
    std::set<Coordinate::Kind> seen;
    for (const ProfileId profile : {ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1})
        for (const bool la57 : {false, true})
            for (const std::uint64_t page_offset :
                 {std::uint64_t{0}, std::uint64_t{0xffff9f0000000000}}) {
                Scenario s = machine();
                s.kernel.profile = profile;
                s.machine.cpus.la57 = la57;
                s.kernel.page_offset = page_offset;  // memory KASLR
                check_round_trips(s, seen);
            }
    CHECK(seen.size() == 14);  // each kind of coordinate was met
}

TEST_CASE("every place that has a physical address shows under it", "[core][address]") {
    using Kind = Coordinate::Kind;
    const Scenario s = machine();
    const auto at = [&](const std::string& text) {
        return coordinates(s, resolve_address(s, text));
    };
    for (std::uint64_t offset :
         {0x0ull, 0x1fffffull, 0x600000ull, 0x7fffffull, 0x800000ull, 0x9fffffull})
        CHECK(shows(at("file:f0:" + address::hex(offset)), Kind::file, "f0", offset));
    for (std::uint64_t va :
         {0x7f2000000000ull, 0x7f20000fffffull, 0x7f2000500000ull, 0x7f20007fffffull})
        CHECK(shows(at("va:p:" + address::hex(va)), Kind::process, "p file", va));
    for (std::uint64_t sector : {0ull, 7ull, 8ull, 130000ull})
        CHECK(shows(at("sector:pmem1.1s:" + std::to_string(sector)), Kind::sector, "pmem1.1s",
                    sector));
    for (std::uint64_t dpa : {0x1000000ull, 0x1000fffull, 0x1001000ull, 0xcffffffull})
        CHECK(shows(at("dpa:nmem5:" + address::hex(dpa)), Kind::nvdimm, "nmem5", dpa));
    for (std::uint64_t dpa : {0x0ull, 0x1fffffull, 0x3fffffffull / 16})
        CHECK(shows(at("dpa:mem3:" + address::hex(dpa)), Kind::memdev, "mem3", dpa));
    CHECK(shows(at("dpa:mem0:0x8000000"), Kind::memdev, "mem0", 0x8000000));
    CHECK(shows(at("device:dax0.1:0x0"), Kind::name_space, "namespace0.1", 0x22000));
}

TEST_CASE("a thread has the addresses of its process, a sharer those of the map",
          "[core][address]") {
    const Scenario s = machine();
    CHECK(resolve_address(s, "va:thread:0x7f0000000000") ==
          resolve_address(s, "va:p:0x7f0000000000"));
    // The shared map has the file's extents too: the third MiB of it is the hole, as in the other.
    CHECK(resolve_address(s, "va:q:0x7e00000fffff") == resolve_address(s, "va:p:0x7f20000fffff"));
    CHECK_THROWS_WITH(resolve_address(s, "va:q:0x7e0000100000"),
                      Catch::Contains("no extent of the file covers it"));
}

TEST_CASE("sectors of a BTT lie behind its info block while the map is new", "[core][address]") {
    const Scenario s = machine();
    const std::uint64_t base = s.machine.namespaces[3].range.begin;
    CHECK(resolve_address(s, "sector:pmem1.1s:0") == base + 4096);
    CHECK(resolve_address(s, "sector:pmem1.1s:9") == base + 2 * 4096 + 512);
    const std::uint64_t v11 = s.machine.namespaces[5].range.begin;  // the layout of labels 1.1
    CHECK(resolve_address(s, "sector:pmem2.1s:0") == v11 + 2 * 4096);
    const auto what = [&](std::uint64_t offset) {
        return address::btt_place(s.machine.namespaces[5], v11 + offset).what;
    };
    // nvdimm.md 3.4, a 64 MiB namespace with the arena at 4096: 4 KiB less than the 64 MiB arena.
    CHECK(what(0) == "in no arena");
    CHECK(what(4096) == "arena 0: info block");
    CHECK(what((64 << 20) - 4096) == "arena 0: second info block");
    CHECK(what((64 << 20) - 4096 - 16384 + 64 * 3) == "arena 0: log of lane 3");
    CHECK_THROWS_WITH(resolve_address(s, "sector:pmem2.1s:999999"),
                      Catch::Contains("lies outside pmem2.1s"));
}

TEST_CASE("numbers beyond their space are refused, not wrapped", "[core][address]") {
    const Scenario s = machine();
    for (const char* text : {"0x10000000000000",
                             "0xffffffffffffffff",
                             "pfn:0x10000000000",
                             "pfn:0xffffffffffffffff",
                             "pfn:0x1+0x1000",
                             "kaddr:0x0",
                             "kaddr:0xffffffffffffffff",
                             "decoy:0x0",
                             "decoy:0xffffffffffffffff",
                             "kaddr:0xffff8800ffffffff",
                             "region:region0:0x24000000",
                             "dram:dram0:0x80000000",
                             "namespace:namespace0.0:0x10000000",
                             "sector:pmem0.0:1+0x200",
                             "device:dax0.1:0x7fde000",
                             "file:f0:0x200000",
                             "file:f0:0xa00000",
                             "sector:dax1.0:0",
                             "region-sector:region0:1179648",
                             "region-sector:region0:36893488147419103232"}) {
        INFO(text);
        CHECK_THROWS_AS(resolve_address(s, text), AddressError);
    }
}

}  // namespace mcemu
