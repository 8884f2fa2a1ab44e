// `ndctl list` JSON to a scenario (nvdimm.md 14.1; ndctl-list(1) of ndctl 76).
#include "scenario/ndctl_import.hpp"

#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

std::string lines(const std::vector<Finding>& findings) {
    std::string out;
    for (const Finding& f : findings) out += to_text(f) + "\n";
    return out;
}

MachineConfig machine_of(const std::string& list) {
    const Imported out = import_ndctl("l.json", list);
    INFO(lines(out.findings));
    REQUIRE(out.scenario);
    return loaded(out.scenario->dump())->scenario.machine;
}

std::string refused(const std::string& list) {
    const Imported out = import_ndctl("l.json", list);
    CHECK_FALSE(out.scenario);
    return lines(out.findings);
}

std::string lost(const std::string& list) { return lines(import_ndctl("l.json", list).lost); }

/// A 4-way set of 64 MiB with the fsdax namespace and the error of nvdimm.md example 33.
const std::string kFourWays = R"([{"provider":"nfit_test.0","dev":"ndbus0","scrub_state":"idle",
"dimms":[{"dev":"nmem0","id":"cdab-0a-07e0-ffffffff","handle":0,"phys_id":0},
 {"dev":"nmem1","handle":1},{"dev":"nmem2","handle":256},{"dev":"nmem3","handle":257}],
"regions":[{"dev":"region1","size":67108864,"available_size":0,"type":"pmem","iset_id":-6382611090938810793,
 "mappings":[{"dimm":"nmem3","offset":16777216,"length":16777216,"position":3},
  {"dimm":"nmem2","offset":16777216,"length":16777216,"position":2},
  {"dimm":"nmem1","offset":16777216,"length":16777216,"position":1},
  {"dimm":"nmem0","offset":16777216,"length":16777216,"position":0}],
 "badblock_count":1,"badblocks":[{"offset":4138,"length":1,"dimms":["nmem1"]}],
 "namespaces":[{"dev":"namespace1.0","mode":"fsdax","map":"dev","size":65011712,"uuid":"x",
  "sector_size":512,"align":2097152,"blockdev":"pmem1","badblock_count":1,
  "badblocks":[{"offset":42,"length":1,"dimms":["nmem1"]}]}]}]}])";

}  // namespace

TEST_CASE("a listing with modules, regions and errors becomes that machine", "[scenario][ndctl]") {
    const MachineConfig m = machine_of(kFourWays);
    REQUIRE(m.nvdimms.size() == 4);
    CHECK(m.nvdimms[2].handle == 256);
    CHECK(m.nvdimms[1].profile == NvdimmProfile::test);
    REQUIRE(m.regions.size() == 1);
    CHECK(m.regions[0].id == "region1");
    CHECK(m.regions[0].nvdimms == std::vector<std::uint32_t>{0, 1, 2, 3});
    CHECK(m.regions[0].dpa_base == std::vector<std::uint64_t>(4, 0x1000000));
    REQUIRE(m.namespaces.size() == 1);
    CHECK(m.namespaces[0].range == m.regions[0].range);
    CHECK(m.namespaces[0].data_offset == 0x200000);
    CHECK(m.namespaces[0].data().size() == 65011712);
    CHECK(m.namespaces[0].device == "pmem1");
    // Region sector 4138 is SPA offset 0x205400: way 1, DPA 0x1081400 (A.1 row 4).
    CHECK(m.nvdimms[1].poison == std::vector<DpaRange>{{0x1081400, 0x1081600}});
    for (const std::size_t i : {0u, 2u, 3u}) CHECK(m.nvdimms[i].poison.empty());
}

TEST_CASE("the kernel of an imported scenario scrubs for what was listed", "[scenario][ndctl]") {
    const Imported out = import_ndctl("l.json", kFourWays);
    REQUIRE(out.scenario);
    REQUIRE((*out.scenario)["events"].size() == 1);
    CHECK((*out.scenario)["events"][0]["region"] == "region1");
}

TEST_CASE("what an import loses is said", "[scenario][ndctl]") {
    const std::string text = lost(kFourWays);
    CHECK(text.find("address and interleave granularity of region1 are not listed") !=
          std::string::npos);
    CHECK(text.find("which lines of a bad sector are poisoned is not listed") != std::string::npos);
    CHECK(text.find(R"("id", "iset_id", "phys_id", "uuid" are not modelled)") != std::string::npos);
}

TEST_CASE("namespaces alone get regions and modules of their own", "[scenario][ndctl]") {
    const std::string list =
        R"([{"dev":"namespace2.0","mode":"devdax","map":"mem","size":4225761280,
"daxregion":{"id":2,"size":4225761280,"align":2097152,"devices":[{"chardev":"dax2.0","size":4225761280}]}},
{"dev":"namespace5.0","mode":"raw","size":33554432,"blockdev":"pmem5","badblock_count":17,
"badblocks":[{"offset":4,"length":1},{"offset":32768,"length":8},{"offset":65528,"length":8}]}])";
    const MachineConfig m = machine_of(list);
    REQUIRE(m.namespaces.size() == 2);
    CHECK(m.namespaces[0].mode == NamespaceMode::devdax);
    CHECK(m.namespaces[0].device == "dax2.0");
    CHECK(m.namespaces[0].data().size() == 4225761280);
    CHECK(m.namespaces[1].range.size() == 33554432);
    CHECK(m.nvdimms[1].poison == std::vector<DpaRange>{{4 * 512, 5 * 512},
                                                       {32768 * 512, 32776 * 512},
                                                       {65528 * 512, 65536 * 512}});
    CHECK(lost(list).find("region2 is not listed") != std::string::npos);
}

TEST_CASE("a single object without an array is a listing too", "[scenario][ndctl]") {
    const MachineConfig m = machine_of(
        R"({"dev":"namespace0.0","mode":"memory","size":65011712,"blockdev":"pmem0","map":"dev"})");
    CHECK(m.namespaces[0].mode == NamespaceMode::fsdax);
    CHECK(m.namespaces[0].data().size() == 65011712);
    CHECK(m.namespaces[0].range.size() == 67108864);
}

TEST_CASE("each mode and size gets a namespace that offers just that size", "[scenario][ndctl]") {
    // nvdimm.md A.6 rows 81 to 86, and a BTT of 32 MiB.
    const struct {
        const char *mode, *map;
        std::uint64_t align, capacity, whole;
    } rows[] = {{"fsdax", "dev", 2 << 20, 65011712, 64ull << 20},
                {"fsdax", "dev", 2 << 20, 1054867456, 1ull << 30},
                {"devdax", "dev", 1 << 30, 7516192768, 8ull << 30},
                {"fsdax", "dev", 4096, 8453619712, 8ull << 30},
                {"fsdax", "dev", 2 << 20, 135289372672, 128ull << 30},
                {"devdax", "mem", 1 << 30, 3221225472, 4ull << 30}};
    for (const auto& row : rows) {
        const std::string list = R"({"dev":"namespace0.0","mode":")" + std::string(row.mode) +
                                 R"(","map":")" + row.map + R"(","align":)" +
                                 std::to_string(row.align) + R"(,"size":)" +
                                 std::to_string(row.capacity) + "}";
        const MachineConfig m = machine_of(list);
        INFO(list);
        CHECK(m.namespaces[0].data().size() == row.capacity);
        CHECK(m.namespaces[0].range.size() <= row.whole);
    }
}

TEST_CASE("what is no listing of ndctl is refused", "[scenario][ndctl]") {
    CHECK(refused("[]") ==
          "l.json:1:1: /: it lists no persistent memory: `ndctl list -BDRNM` lists "
          "modules, regions, namespaces and media errors\n");
    CHECK(refused("{\"schema\": 1}").find("it has neither \"dev\" nor a list of devices") !=
          std::string::npos);
    CHECK(
        refused("[{\"dev\":\"namespace0.0\",\"mode\":\"raw\",\"size\":\"4.00 GiB (4.29 GB)\"}]")
            .find("/0/size: the string \"4.00 GiB (4.29 GB)\" is rounded: a listing without -u") !=
        std::string::npos);
    CHECK(refused("[{\"dev\":\"namespace0\",\"size\":1}]").find("is no name of a namespace") !=
          std::string::npos);
    CHECK(refused("[{\"dev\":\"eth0\"}]").find("\"eth0\" is no device of ndctl") !=
          std::string::npos);
    CHECK(refused("[1]").find("/0: the number 1 stands here") != std::string::npos);
    CHECK(refused("[{\"dev\":").find("l.json:1:") == 0);
    CHECK(
        refused(
            R"([{"dev":"namespace0.0","mode":"raw","size":4096},{"dev":"namespace0.0","mode":"raw","size":4096}])")
            .find("\"namespace0.0\" is listed twice") != std::string::npos);
}

TEST_CASE("mappings that are no interleave set are refused", "[scenario][ndctl]") {
    CHECK(refused(R"([{"dev":"region0","size":8388608,"mappings":[
{"dimm":"nmem0","offset":0,"length":4194304,"position":0},{"dimm":"nmem1","offset":0,"length":4194304,"position":2}]}])")
              .find("are no interleave set") != std::string::npos);
    CHECK(refused(R"([{"dev":"region0","size":4194304,"mappings":[
{"dimm":"nmem0","offset":0,"length":4194304},{"dimm":"nmem1","offset":0,"length":4194304}]}])")
              .find("have 8MiB together, the region 4MiB") != std::string::npos);
}

TEST_CASE("a listing that was cut or changed is refused or imported, never half",
          "[scenario][ndctl]") {
    for (std::size_t n = 0; n < kFourWays.size(); n += 7) {
        CHECK_FALSE(refused(kFourWays.substr(0, n)).empty());
        std::string other = kFourWays;
        other[n] = static_cast<char>(other[n] ^ 4);
        const Imported out = import_ndctl("l.json", other);
        CHECK(out.scenario.has_value() == out.findings.empty());
    }
}

TEST_CASE("a region of any size is imported without work in proportion to it",
          "[scenario][ndctl]") {
    const MachineConfig m = machine_of(R"([{"dev":"region0","size":1125899906842624,
"badblocks":[{"offset":2199023255551,"length":1},{"offset":0,"length":2199023255552}]}])");
    CHECK(m.nvdimms[0].poison == std::vector<DpaRange>{{0, 1ull << 50}});
}

}  // namespace mcemu::scenario
