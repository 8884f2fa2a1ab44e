// The kernel block. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("tolerant is no option of Linux 6.1", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"profile": "v6.1", "boot": {"mce.tolerant": 1}})")) ==
          "s.json:2:56: /kernel/boot/mce.tolerant: Linux 6.1 has no \"tolerant\": leave it out, "
          "or use profile \"v4.19\" or \"v4.18\"");
}

TEST_CASE("print_all is no option of Linux 4.19", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"boot": {"mce.print_all": true}})")) ==
          "s.json:2:38: /kernel/boot/mce.print_all: \"print_all\" came after Linux 4.19: leave "
          "it out, or use profile \"v6.1\"");
}

TEST_CASE("the word print_all is no option of Linux 4.19", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"boot": {"mce": ["recovery", "print_all"]}})")) ==
          "s.json:2:41: /kernel/boot/mce/1: \"print_all\" came after Linux 4.19: leave it out, "
          "or use profile \"v6.1\"");
}

TEST_CASE("the direct map begins at a whole GiB of the kernel's half", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"boot": {"page_offset": "0x1000"}})")) ==
          "s.json:2:36: /kernel/boot/page_offset: 0x1000 is no place for the direct map: "
          "choose a whole GiB in the kernel's half such as \"0xffff888000000000\"");
}

TEST_CASE("two spellings of a sysctl may not differ", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"sysctl": {"memory_failure_recovery": 1, "vm.memory_failure_recovery": 0}})")) ==
          "s.json:2:83: /kernel/sysctl/vm.memory_failure_recovery: "
          "\"vm.memory_failure_recovery\" and \"memory_failure_recovery\" differ: keep one");
}

TEST_CASE("two places of a knob may not differ", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"decoy": false, "knobs": {"decoy": true}})")) ==
          "s.json:2:21: /kernel/decoy: \"decoy\" says otherwise in \"knobs\": keep one");
}

TEST_CASE("the poll interval is whole seconds", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"check_interval": "1500ms"})")) ==
          "s.json:2:30: /kernel/check_interval: 1.5s is not a whole number of seconds: round it");
}

/// A page failure in a scenario with one process `a`, and persistent memory from 4 GiB on.
std::string page_failure(const std::string& failures) {
    return told(
        "{\"schema\": \"mcemu/scenario/1\", \"name\": \"t\", \"kernel\": {\"knobs\": {\"page_failures\": [" +
        failures +
        R"(]}},
"machine": {"memory": [{"base": 0, "size": "2GiB"}], "nvdimms": [{"id": "n0", "size": "1GiB"}],
  "regions": [{"id": "region0", "base": "0x100000000", "nvdimms": ["n0"]}],
  "namespaces": [{"id": "namespace0.0", "region": "region0", "mode": "devdax"}]},
"processes": [{"id": "a", "pid": 70, "maps": [
  {"id": "heap", "va": "0x7f0000000000", "size": "8KiB"},
  {"id": "later", "va": "0x7f1000000000", "size": "8KiB", "state": "untouched"},
  {"id": "dax", "va": "0x7f2000000000", "size": "2MiB", "kind": "devdax", "of": "namespace0.0"}]}],
"events": [{"at": "1us", "do": "fork", "process": "a", "child": {"id": "b", "pid": 71}}]})");
}

TEST_CASE("a page failure names its page once", "[scenario][kernel]") {
    CHECK(page_failure(R"({"what": "punch"})") ==
          "s.json:1:84: /kernel/knobs/page_failures/0: it names no page: give one of \"at\", "
          "\"pfn\", and \"process\" with \"map\"");
    CHECK(page_failure(R"({"what": "punch", "at": "0x1000000", "pfn": "0x1000"})") ==
          "s.json:1:84: /kernel/knobs/page_failures/0: it names a page twice: give one of \"at\", "
          "\"pfn\", and \"process\" with \"map\"");
    CHECK(page_failure(R"({"what": "punch", "at": "0x1000000", "process": "a"})") ==
          "s.json:1:132: /kernel/knobs/page_failures/0/process: \"process\" without \"map\": name a "
          "map, or leave it out");
    CHECK(page_failure(R"({"what": "punch", "map": "heap"})") ==
          "s.json:1:109: /kernel/knobs/page_failures/0/map: \"map\" without \"process\": say whose "
          "map it is");
}

TEST_CASE("a page that fails is there when the run begins", "[scenario][kernel]") {
    CHECK(page_failure(R"({"what": "punch", "process": "a", "map": "heap", "offset": "8KiB"})") ==
          "s.json:1:143: /kernel/knobs/page_failures/0/offset: 0x2000 lies outside the map: it has "
          "8KiB");
    CHECK(page_failure(R"({"what": "punch", "process": "a", "map": "later"})") ==
          "s.json:1:125: /kernel/knobs/page_failures/0/map: \"later\" is untouched: no page is there "
          "yet: give the map another \"state\", or \"at\" and name its page");
    CHECK(page_failure(R"({"what": "punch", "pfn": "0x90000"})") ==
          "s.json:1:109: /kernel/knobs/page_failures/0/pfn: 0x90000000-0x90001000 lies outside "
          "all memory: there are dram0 0x0-0x80000000, region0 0x100000000-0x140000000");
}

TEST_CASE("of persistent memory nothing but an allocation fails", "[scenario][kernel]") {
    CHECK(page_failure(R"({"what": "unmap", "at": "0x100200000"})") ==
          "s.json:1:108: /kernel/knobs/page_failures/0/at: of a page of persistent memory nothing but "
          "\"allocate\" fails: name a page of DRAM");
    CHECK(page_failure(R"({"what": "isolate", "process": "a", "map": "dax"})") ==
          "s.json:1:127: /kernel/knobs/page_failures/0/map: \"dax\" maps persistent memory: name its "
          "page by \"at\" or \"pfn\"");
    CHECK(page_failure(R"({"what": "allocate", "at": "0x100200000"})").empty());
}

TEST_CASE("a file system can remove a page from a file, or but invalidate it", "[scenario][kernel]") {
    CHECK(page_failure(R"({"what": "invalidate", "pfn": "0x1000"}, {"what": "punch", "at": "0x1000123"})") ==
          "s.json:1:83: /kernel/knobs/page_failures: \"invalidate\" and \"punch\" are both given for "
          "one page: keep one: a file system that can but invalidate does neither");
}

}  // namespace
}  // namespace mcemu::scenario
