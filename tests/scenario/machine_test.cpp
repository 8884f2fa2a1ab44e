// What follows from what is written: places, sizes, names.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

constexpr std::uint64_t kMiB = 1ull << 20, kGiB = 1ull << 30;

MachineConfig machine(const std::string& body) {
    return loaded(document("\"machine\": {" + body + "}"))->scenario.machine;
}

MachineConfig with_namespaces(const std::string& list) {
    return machine(R"("nvdimms": [{"size": "4GiB"}], "regions": [{"base": "0x200000000", "nvdimms": ["nmem0"]}],
                      "namespaces": [)" + list + "]");
}

TEST_CASE("a region begins behind all memory at a whole GiB", "[scenario][machine]") {
    const auto m = machine(R"("memory": [{"base": 0, "size": "1536MiB"}], "nvdimms": [{"size": "1GiB"}, {"size": "1GiB"}],
                              "regions": [{"nvdimms": ["nmem0"]}, {"nvdimms": ["nmem1"]}])");
    CHECK(m.regions[0].range == SpaRange{2 * kGiB, 3 * kGiB});
    CHECK(m.regions[1].range == SpaRange{3 * kGiB, 4 * kGiB});
}

TEST_CASE("a region has the size of its modules", "[scenario][machine]") {
    const auto m = machine(R"("nvdimms": [{"size": "1GiB"}, {"size": "1GiB"}], "regions": [{"nvdimms": ["nmem1", "nmem0"]}])");
    CHECK(m.regions[0].range.size() == 2 * kGiB);
    CHECK(m.regions[0].nvdimms == std::vector<std::uint32_t>{1, 0});
    CHECK(m.regions[0].dpa_base == std::vector<std::uint64_t>{0, 0});
}

TEST_CASE("two regions share a module at different addresses", "[scenario][machine]") {
    const auto m = machine(R"("nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0"], "size": "512MiB"},
                              {"nvdimms": ["nmem0"], "dpa_base": ["0x20000000"]}])");
    CHECK(m.regions[1].range.size() == 512 * kMiB);
}

TEST_CASE("an NVDIMM-N heals by full lines and clears 64 bytes", "[scenario][machine]") {
    const auto m = machine(R"("nvdimms": [{"size": "8GiB", "profile": "nvdimm_n"}])");
    CHECK(m.nvdimms[0].heal_on_full_line_write);
    CHECK(m.nvdimms[0].clear_unit == 64);
}

TEST_CASE("poison is of whole cache lines", "[scenario][machine]") {
    const auto m = machine(R"("nvdimms": [{"size": "8GiB", "poison": [{"dpa": "0x1010", "length": "64B"}]}])");
    REQUIRE(m.nvdimms[0].poison.size() == 1);
    CHECK(m.nvdimms[0].poison[0] == DpaRange{0x1000, 0x1080});
}

TEST_CASE("namespaces follow one another, and the last takes the rest", "[scenario][machine]") {
    const auto m = with_namespaces(R"({"size": "1GiB"}, {})");
    CHECK(m.namespaces[0].range == SpaRange{0x200000000, 0x240000000});
    CHECK(m.namespaces[1].range == SpaRange{0x240000000, 0x300000000});
    CHECK(m.namespaces[0].id == "namespace0.0");
    CHECK(m.namespaces[1].id == "namespace0.1");
}

TEST_CASE("a device has the name of its mode and namespace", "[scenario][machine]") {
    const auto m = with_namespaces(R"({"id": "namespace0.0", "size": "64MiB"}, {"id": "namespace0.1", "size": "64MiB"},
        {"id": "namespace3.2", "size": "64MiB", "mode": "devdax"}, {"id": "namespace4.0", "size": "64MiB", "mode": "sector"},
        {"id": "namespace5.0", "size": "64MiB", "mode": "raw"})");
    CHECK(m.namespaces[0].device == "pmem0");
    CHECK(m.namespaces[1].device == "pmem0.1");
    CHECK(m.namespaces[2].device == "dax3.2");
    CHECK(m.namespaces[3].device == "pmem4s");
    CHECK(m.namespaces[4].device == "pmem5");
}

// drivers/nvdimm/pfn_devs.c nd_pfn_init()
TEST_CASE("data begin behind the info block when page structures live in DRAM", "[scenario][machine]") {
    const auto m = with_namespaces(R"({"map": "mem"})");
    CHECK(m.namespaces[0].data_offset == 2 * kMiB);
    CHECK(m.namespaces[0].end_trunc == 0);
}

TEST_CASE("data begin behind the page structures when they live in the namespace", "[scenario][machine]") {
    // 4 GiB: 1048574 pages, 64 MiB of structures and the info block, to whole 2 MiB.
    const auto m = with_namespaces(R"({"map": "dev"})");
    CHECK(m.namespaces[0].data_offset == 66 * kMiB);
}

TEST_CASE("alignment cuts the data at both ends", "[scenario][machine]") {
    const auto m = with_namespaces(R"({"size": "2500MiB", "align": "1GiB", "mode": "devdax"})");
    CHECK(m.namespaces[0].data_offset == kGiB);
    CHECK(m.namespaces[0].end_trunc == (2500 - 2048) * kMiB);
    CHECK(m.namespaces[0].data() == SpaRange{0x240000000, 0x280000000});
}

TEST_CASE("raw and sector namespaces are data from end to end", "[scenario][machine]") {
    const auto m = with_namespaces(R"({"size": "64MiB", "mode": "raw"}, {"size": "64MiB", "mode": "sector"})");
    for (const NamespaceConfig& ns : m.namespaces) {
        CHECK(ns.data_offset == 0);
        CHECK(ns.end_trunc == 0);
    }
}

TEST_CASE("the place of data that is given counts", "[scenario][machine]") {
    const auto m = with_namespaces(R"({"data_offset": "0x0", "mode": "devdax"})");
    CHECK(m.namespaces[0].data() == m.namespaces[0].range);
}

TEST_CASE("a processor's signature is its model's", "[scenario][machine]") {
    CHECK(machine(R"("cpus": {"model": "skylake_sp"})").cpus.cpuid_eax == 0x50654);
    CHECK(machine(R"("cpus": {"model": "icelake_sp"})").cpus.cpuid_eax == 0x606a6);
    CHECK(machine(R"("cpus": {"model": "icelake_sp", "cpuid": "0x1"})").cpus.cpuid_eax == 1);
}

TEST_CASE("latencies are times or distributions", "[scenario][machine]") {
    const auto s = loaded(document(R"("machine": {"latency": {"mc.skew": 5, "mc.broadcast": {"dist": "lognormal",
        "median": "4us", "p95": "30us"}, "mc.retire": {"dist": "uniform", "low": 1, "high": 2},
        "mc.detect": {"dist": "empirical", "table": [[0.25, "1us"], [1, "9us"]]}}})"));
    const auto& l = s->scenario.latency;
    REQUIRE(l.size() == 4);
    CHECK(l[0].first == Lat::mc_skew);
    CHECK(l[0].second.first == SimTime{5000});
    CHECK(l[1].second.kind == Distribution::Kind::lognormal);
    CHECK(l[1].second.percentile == 0.95);
    CHECK(l[2].second.kind == Distribution::Kind::uniform);
    CHECK(l[2].second.second == SimTime{2000});
    CHECK(l[3].second.table.at(0) == std::pair<double, SimTime>{0.25, SimTime{1'000'000}});
}

TEST_CASE("a knob counts in either place", "[scenario][machine]") {
    CHECK_FALSE(loaded(document(R"("kernel": {"decoy": false})"))->scenario.kernel.decoy);
    CHECK_FALSE(loaded(document(R"("kernel": {"knobs": {"decoy": false}})"))->scenario.kernel.decoy);
    CHECK_FALSE(loaded(document(R"("kernel": {"decoy": false, "knobs": {"decoy": false}})"))->scenario.kernel.decoy);
}

TEST_CASE("boot options come to the kernel", "[scenario][machine]") {
    const auto k = loaded(document(R"("kernel": {"boot": {"mce.tolerant": 3, "mce": "no_cmci", "nopat": 1,
        "page_offset": "0xffff9c0000000000"}, "sysctl": {"vm.memory_failure_early_kill": 1}, "check_interval": "5min"})"))
                       ->scenario.kernel;
    CHECK(k.tolerant == 3);
    CHECK(k.cmci_disabled);
    CHECK_FALSE(k.pat);
    CHECK(k.page_offset == 0xffff9c0000000000);
    CHECK(k.memory_failure_early_kill);
    CHECK(k.check_interval_s == 300);
}

TEST_CASE("pages of state kernel are the kernel's image", "[scenario][machine]") {
    const auto s = loaded(document(R"("kernel_pages": [{"at": "0x1000000", "size": "2MiB", "state": "kernel"}])"));
    REQUIRE(s->scenario.kernel.image.size() == 1);
    CHECK(s->scenario.kernel.image[0] == SpaRange{0x1000000, 0x1200000});
}

TEST_CASE("a file without extents lies in one piece behind the others", "[scenario][machine]") {
    const auto s = loaded(document(R"("machine": {"nvdimms": [{"size": "4GiB"}],
        "regions": [{"base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{}]},
        "files": [{"id": "a", "on": "namespace0.0", "size": "5000B"},
                  {"id": "b", "on": "namespace0.0", "size": "4KiB", "extents": [{"pmem": "8MiB", "size": "4KiB"}]},
                  {"id": "c", "on": "namespace0.0", "size": "4KiB"}])"));
    const auto& files = s->scenario.files;
    REQUIRE(files[0].extents.size() == 1);
    CHECK(files[0].extents[0].pmem == 10 * kMiB);
    CHECK(files[0].extents[0].size == 8192);
    CHECK(files[2].extents[0].pmem == 12 * kMiB);
    CHECK(files[2].path == "/mnt/c");
}

TEST_CASE("a devdax map has the device's pages and is shared", "[scenario][machine]") {
    const auto s = loaded(document(R"("machine": {"nvdimms": [{"size": "4GiB"}],
        "regions": [{"base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [{"mode": "devdax"}]},
        "processes": [{"id": "p", "maps": [{"va": "0x200000", "size": "2MiB", "kind": "devdax"}]}])"));
    const MapConfig& m = s->scenario.processes[0].maps[0];
    CHECK(m.of == 0);
    CHECK(m.page == 2 * kMiB);
    CHECK(m.shared);
}

TEST_CASE("maps of different processes may have one id", "[scenario][machine]") {
    CHECK(told(document(R"("processes": [{"id": "p", "maps": [{"id": "m", "va": 4096, "size": 4096}]},
                                         {"id": "q", "maps": [{"id": "m", "va": 4096, "size": 4096}]}])")).empty());
}

}  // namespace
}  // namespace mcemu::scenario
