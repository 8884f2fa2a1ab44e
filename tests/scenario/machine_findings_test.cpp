// The machine block. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("too many CPUs are refused", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"cpus": {"sockets": 8192, "cores": 2}})")) ==
          "s.json:2:21: /machine/cpus: sockets * cores * threads makes 16384 CPUs: at most 8192");
}

TEST_CASE("a stuck CPU exists", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"mca": {"stuck_cpus": [0, 4]}})")) ==
          "s.json:2:39: /machine/mca/stuck_cpus/1: there is no CPU 4: the machine has 4 CPUs: "
          "0 to 3");
}

TEST_CASE("not all CPUs are stuck", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"cpus": {"cores": 1}, "mca": {"stuck_cpus": [0]}})")) ==
          "s.json:2:57: /machine/mca/stuck_cpus: all CPUs are stuck: leave at least one that "
          "runs");
}

TEST_CASE("DRAM is page aligned", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"memory": [{"base": "0x800", "size": "1GiB"}]})")) ==
          "s.json:2:33: /machine/memory/0/base: 0x800 is not a whole number of pages: align it "
          "to 4KiB");
}

TEST_CASE("DRAM ends within the physical address space", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"memory": [{"base": "0xffffffffff000", "size": "1GiB"}]})")) ==
          "s.json:2:24: /machine/memory/0: the range 0xffffffffff000 + 1GiB leaves the "
          "physical address space: it ends at 0x10000000000000");
}

TEST_CASE("poison of DRAM lies inside it", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"memory": [{"base": 0, "size": "1GiB", "poison": [{"spa": "0x40000000"}]}]})")) ==
          "s.json:2:63: /machine/memory/0/poison/0: 0x40000000 + 64B lies outside dram0: dram0 "
          "is 0x0-0x40000000");
}

TEST_CASE("a range of poison is not empty", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"memory": [{"base": 0, "size": "1GiB", "poison": [{"spa": 0, "length": 0}]}]})")) ==
          "s.json:2:84: /machine/memory/0/poison/0/length: the range is empty: a cache line "
          "has 64 bytes");
}

TEST_CASE("ids of DRAM differ", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"memory": [{"id": "d", "base": 0, "size": "1GiB"}, {"id": "d", "base": "0x40000000", "size": "1GiB"}]})")) ==
          "s.json:2:71: /machine/memory/1/id: the id \"d\" is taken by /machine/memory/0/id: "
          "choose another");
}

TEST_CASE("DRAM ranges do not overlap", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"memory": [{"base": "0x20000000", "size": "1GiB"}, {"base": 0, "size": "1GiB"}]})")) ==
          "s.json:2:64: /machine/memory/1: dram1 0x0-0x40000000 overlaps dram0 "
          "0x20000000-0x60000000: move or shrink one of them");
}

TEST_CASE("a region does not overlap DRAM", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"base": "0x40000000", "nvdimms": ["nmem0"]}]})")) ==
          "s.json:2:56: /machine/regions/0: region0 0x40000000-0x80000000 overlaps dram0 "
          "0x0-0x80000000: move or shrink one of them");
}

TEST_CASE("poison of a module lies inside it", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB", "poison": [{"dpa": "0x3fffffc0", "length": "128B"}]}]})")) ==
          "s.json:2:53: /machine/nvdimms/0/poison/0: 0x3fffffc0 + 128B lies outside the "
          "module: it has 1GiB");
}

TEST_CASE("a range of a module is not empty", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB", "stuck": [{"dpa": 0, "length": 0}]}]})")) ==
          "s.json:2:73: /machine/nvdimms/0/stuck/0/length: the range is empty: a cache line "
          "has 64 bytes");
}

TEST_CASE("a module has whole pages", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "10000B"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: 10000B is not a whole number of pages: align "
          "it to 4KiB");
}

TEST_CASE("a module fits into the physical address space", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "8192TiB"}]})")) ==
          "s.json:2:34: /machine/nvdimms/0/size: 8192TiB leaves the physical address space: at "
          "most 4096TiB");
}

TEST_CASE("a clear unit is a power of two", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB", "clear_unit": "192B"}]})")) ==
          "s.json:2:56: /machine/nvdimms/0/clear_unit: 192B is not a power of two: 64B or 256B "
          "are usual");
}

TEST_CASE("modules of a region exist", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmen0"]}]})")) ==
          "s.json:2:69: /machine/regions/0/nvdimms/0: there is no module \"nmen0\": did you mean "
          "\"nmem0\"?");
}

TEST_CASE("modules of a region exist, and when there are none that is told", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"regions": [{"nvdimms": ["nmem0"]}]})")) ==
          "s.json:2:38: /machine/regions/0/nvdimms/0: there is no module \"nmem0\": there are no "
          "modules");
}

TEST_CASE("a module stands once in a region", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0", "nmem0"]}]})")) ==
          "s.json:2:78: /machine/regions/0/nvdimms/1: \"nmem0\" stands twice in this region: "
          "each module once");
}

TEST_CASE("a module gives each of its addresses to one region", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0"]}, {"nvdimms": ["nmem0"], "size": "512MiB"}]})")) ==
          "s.json:2:80: /machine/regions/1: region1 0x0-0x20000000 overlaps region0 "
          "0x0-0x40000000 in nmem0: move or shrink one of them");
}

TEST_CASE("interleaving is by a power of two", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0"], "interleave": "3KiB"}]})")) ==
          "s.json:2:93: /machine/regions/0/interleave: 3KiB is not a power of two: 4KiB is "
          "usual");
}

TEST_CASE("interleaving is by at least 256 bytes", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0"], "interleave": "128B"}]})")) ==
          "s.json:2:93: /machine/regions/0/interleave: \"128B\" is out of range: expected a size "
          "such as \"2MiB\" from 256B to 1GiB");
}

TEST_CASE("a region begins somewhere in each module", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0"], "dpa_base": [0, 0]}]})")) ==
          "s.json:2:91: /machine/regions/0/dpa_base: 2 addresses for 1 modules: one per module");
}

TEST_CASE("a region begins inside its modules", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0"], "dpa_base": ["0x40000000"]}]})")) ==
          "s.json:2:56: /machine/regions/0: the modules are smaller than one stripe: at least "
          "4KiB each\n"
          "s.json:2:91: /machine/regions/0/dpa_base: 0x40000000 lies outside nmem0: it has 1GiB");
}

TEST_CASE("a region is no larger than its modules", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0"], "size": "2GiB"}]})")) ==
          "s.json:2:87: /machine/regions/0/size: 2GiB is more than the modules hold: at most "
          "1GiB");
}

TEST_CASE("a region has whole stripes", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}, {"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0", "nmem1"], "size": "1052672B"}]})")) ==
          "s.json:2:114: /machine/regions/0/size: 1028KiB is not a whole number of stripes: a "
          "multiple of 8KiB");
}

TEST_CASE("a region's modules hold a stripe", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "4KiB"}], "regions": [{"nvdimms": ["nmem0"], "interleave": "8KiB"}]})")) ==
          "s.json:2:56: /machine/regions/0: the modules are smaller than one stripe: at least "
          "8KiB each");
}

TEST_CASE("a region is page aligned", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"base": "0x100000800", "nvdimms": ["nmem0"]}]})")) ==
          "s.json:2:65: /machine/regions/0/base: 0x100000800 is not page aligned: align it to "
          "2MiB");
}

TEST_CASE("a region ends within the physical address space", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}], "regions": [{"base": "0xffffffffff000", "nvdimms": ["nmem0"]}]})")) ==
          "s.json:2:56: /machine/regions/0: the range 0xffffffffff000 + 1GiB leaves the "
          "physical address space: it ends at 0x10000000000000");
}

TEST_CASE("a namespace has a name of its form", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"id": "ns0"}]})")) ==
          "s.json:3:8: /machine/namespaces/0/id: \"ns0\" is no name of a namespace: write "
          "namespaceR.N, as in \"namespace0.0\"");
}

TEST_CASE("a namespace lies in a region that exists", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"region": "region1"}]})")) ==
          "s.json:3:12: /machine/namespaces/0/region: there is no region \"region1\": did you "
          "mean \"region0\"?");
}

TEST_CASE("a namespace without regions is told", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"namespaces": [{}]})")) ==
          "s.json:2:28: /machine/namespaces/0: the key \"region\" is missing: there are no "
          "regions");
}

TEST_CASE("a namespace names its region where there are several", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "1GiB"}, {"size": "1GiB"}], "regions": [{"nvdimms": ["nmem0"]}, {"nvdimms": ["nmem1"]}], "namespaces": [
{}]})")) ==
          "s.json:3:1: /machine/namespaces/0: the key \"region\" is missing: there are several "
          "regions: name one");
}

TEST_CASE("namespaces do not overlap", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"size": "2GiB"}, {"offset": "1GiB", "size": "1GiB"}]})")) ==
          "s.json:3:19: /machine/namespaces/1: namespace0.1 0x240000000-0x280000000 overlaps "
          "namespace0.0 0x200000000-0x280000000: move or shrink one of them");
}

TEST_CASE("ids of namespaces differ", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.0"}]})")) ==
          "s.json:3:48: /machine/namespaces/1/id: the id \"namespace0.0\" is taken by "
          "/machine/namespaces/0/id: choose another");
}

TEST_CASE("a namespace that finds its region full is told", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{}, {}]})")) ==
          "s.json:3:5: /machine/namespaces/1: no room is left in region0: it has 4GiB: give "
          "the namespaces sizes");
}

TEST_CASE("a namespace is no larger than what is left", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"size": "8GiB"}]})")) ==
          "s.json:3:10: /machine/namespaces/0/size: 8GiB is more than is left in region0: at "
          "most 4GiB");
}

TEST_CASE("a namespace has whole pages", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"size": "67108865B"}]})")) ==
          "s.json:3:10: /machine/namespaces/0/size: 67108865B is not a whole number of pages: "
          "align it to 4KiB");
}

TEST_CASE("a namespace begins at whole 2 MiB", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"offset": "1MiB"}]})")) ==
          "s.json:3:1: /machine/namespaces/0: the namespace begins at 0x200100000, not at "
          "whole 2MiB: align the region's base and the offset");
}

TEST_CASE("a namespace has one of three alignments", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"align": "4MiB"}]})")) ==
          "s.json:3:11: /machine/namespaces/0/align: 4MiB is no alignment: 4KiB, 2MiB or 1GiB");
}

TEST_CASE("a namespace has room for data", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"size": "2MiB"}]})")) ==
          "s.json:3:1: /machine/namespaces/0: no room for data: they begin at 2MiB, 0B are cut "
          "off at the end, of 2MiB: make the namespace larger or the alignment smaller");
}

TEST_CASE("data of a namespace are page aligned", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"data_offset": "0x800"}]})")) ==
          "s.json:3:17: /machine/namespaces/0/data_offset: the data are not page aligned: "
          "align it to 4KiB");
}

TEST_CASE("data of a devdax namespace keep its alignment", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"mode": "devdax", "data_offset": "1MiB"}]})")) ==
          "s.json:3:35: /machine/namespaces/0/data_offset: the data begin at 0x200100000, not "
          "at whole 2MiB: align it, or leave \"data_offset\" out");
}

TEST_CASE("devices of namespaces differ", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"id": "nmem0", "size": "4GiB"}], "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0"]}], "namespaces": [
{"size": "1GiB", "device": "pmem7"}, {"device": "pmem7"}]})")) ==
          "s.json:3:38: /machine/namespaces/1: the device \"pmem7\" is taken by namespace0.0: "
          "give it another \"id\" or \"device\"");
}

TEST_CASE("an unknown timing parameter is told with the nearest", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.brodcast": "1us"}})")) ==
          "s.json:2:25: /machine/latency/mc.brodcast: there is no timing parameter "
          "\"mc.brodcast\": did you mean \"mc.broadcast\"?");
}

TEST_CASE("two names of one timing parameter are told", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"kernel.mf_unmap": "1us", "kernel.unmap": "1us"}})")) ==
          "s.json:2:51: /machine/latency/kernel.unmap: \"kernel.unmap\" is the same timing "
          "parameter as \"kernel.mf_unmap\": keep one");
}

TEST_CASE("a uniform time rises", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "uniform", "low": "2us", "high": "1us"}}})")) ==
          "s.json:2:78: /machine/latency/mc.skew/high: \"high\" 1us is below \"low\" 2us: exchange "
          "them");
}

TEST_CASE("a log-normal time has one percentile", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "lognormal", "median": "1us"}}})")) ==
          "s.json:2:36: /machine/latency/mc.skew: 0 percentiles are given: give one of \"p90\", "
          "\"p95\", \"p99\", \"p999\"");
}

TEST_CASE("a percentile is above the median", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "lognormal", "median": "2us", "p99": "1us"}}})")) ==
          "s.json:2:82: /machine/latency/mc.skew/p99: \"p99\" 1us is below the median 2us: make "
          "it larger");
}

TEST_CASE("a log-normal median is above zero", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "lognormal", "median": 0, "p99": "1us"}}})")) ==
          "s.json:2:68: /machine/latency/mc.skew/median: the median is zero: a log-normal time "
          "is above zero");
}

TEST_CASE("a table rises", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "empirical", "table": [[0.5, "1us"], [0.4, "2us"], [1, "3us"]]}}})")) ==
          "s.json:2:82: /machine/latency/mc.skew/table/1: the table does not rise here: shares "
          "rise, and times do not fall");
}

TEST_CASE("a table ends at share 1", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "empirical", "table": [[0.5, "1us"]]}}})")) ==
          "s.json:2:67: /machine/latency/mc.skew/table: the last share is not 1: the last row "
          "holds the longest time: [1, TIME]");
}

TEST_CASE("an unknown distribution is told", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "gauss"}}})")) ==
          "s.json:2:45: /machine/latency/mc.skew/dist: \"gauss\" is unknown: expected one of "
          "\"uniform\", \"normal\", \"lognormal\", \"exponential\", \"empirical\"");
}

TEST_CASE("a distribution's unknown key is told", "[scenario][machine]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "normal", "mean": 1, "sd": 1, "median": 2}}})")) ==
          "s.json:2:75: /machine/latency/mc.skew/median: unknown key \"median\" of \"normal\": did "
          "you mean \"mean\"?");
}

}  // namespace
}  // namespace mcemu::scenario
