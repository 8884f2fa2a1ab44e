// What events do. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("a machine check is on a CPU that exists", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "mce", "cpu": 4, "status": "UCNA"})")) ==
          "s.json:7:31: /events/0/cpu: there is no CPU 4: the machine has 4 CPUs: 0 to 3");
}

TEST_CASE("a machine check is in a bank that exists", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "mce", "bank": 20, "status": "UCNA"})")) ==
          "s.json:7:32: /events/0/bank: there is no bank 20: the machine has 20 banks: 0 to 19");
}

TEST_CASE("a local machine check is not broadcast", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "mce", "status": "SRAR-DATA", "mcgstatus": "0xf", "broadcast": true})")) ==
          "s.json:7:80: /events/0/broadcast: \"broadcast\" contradicts MCG_STATUS.LMCES: a local "
          "machine check reaches one CPU: clear one of them");
}

TEST_CASE("only mce-inject holds records and chooses how others are told", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "mce", "status": "UCNA", "hold": true})")) ==
          "s.json:7:50: /events/0/hold: \"hold\" means nothing to this way of injecting: leave it out, "
          "or write \"via\": \"mce-inject\"");
    CHECK(told(with_events(R"({"at": 0, "do": "mce", "status": "UCNA", "broadcast": "nmi"})")) ==
          "s.json:7:55: /events/0/broadcast: hardware tells all CPUs by itself: true or false, or "
          "write \"via\": \"mce-inject\"");
}

TEST_CASE("a machine check interrupts a process that exists", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "mce", "status": "SRAR-DATA", "process": "pp"})")) ==
          "s.json:7:58: /events/0/process: there is no process \"pp\": did you mean \"p\"?");
}

TEST_CASE("poison has an address", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison"})")) ==
          "s.json:7:1: /events/0: it has no address: give \"spa\", or \"nvdimm\" and \"dpa\"");
}

TEST_CASE("poison has one address", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": 0, "nvdimm": "nmem0", "dpa": 0})")) ==
          "s.json:7:1: /events/0: \"spa\" and \"nvdimm\" with \"dpa\" are both given: give \"spa\", or "
          "\"nvdimm\" and \"dpa\"");
}

TEST_CASE("poison in a module has an address there", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "nvdimm": "nmem0"})")) ==
          "s.json:7:1: /events/0: \"nvdimm\" and \"dpa\" belong together: give \"spa\", or \"nvdimm\" "
          "and \"dpa\"");
}

TEST_CASE("poison lies in memory", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": "0x900000000"})")) ==
          "s.json:7:34: /events/0/spa: 0x900000000-0x900000040 lies outside all memory: there "
          "are dram0 0x0-0x80000000, region0 0x200000000-0x300000000");
}

TEST_CASE("poison lies in its module", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "unpoison_media", "nvdimm": "nmem0", "dpa": "4GiB"})")) ==
          "s.json:7:61: /events/0/dpa: \"4GiB\" is not an address: write it in hex such as "
          "\"0x200000000\"");
}

TEST_CASE("poison lies inside its module", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "unpoison_media", "nvdimm": "nmem0", "dpa": "0x100000000"})")) ==
          "s.json:7:61: /events/0/dpa: 0x100000000 + 64B lies outside nmem0: it has 4GiB");
}

TEST_CASE("poison does not wrap around", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": "0xffffffffffffffc0", "length": "128B"})")) ==
          "s.json:7:66: /events/0/length: the range wraps around: make it smaller");
}

TEST_CASE("an access is by a process", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "load", "va": 0})")) ==
          "s.json:7:1: /events/0: the key \"process\" is missing: expected a string");
}

TEST_CASE("an access has an address", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "load", "process": "p"})")) ==
          "s.json:7:1: /events/0: it has no address: give \"va\", or \"map\" and \"offset\"");
}

TEST_CASE("an access has one address", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "load", "process": "p", "va": 0, "map": "m"})")) ==
          "s.json:7:57: /events/0/map: \"va\" and \"map\" are both given: keep one");
}

TEST_CASE("an offset needs a map", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "load", "process": "p", "va": 0, "offset": 8})")) ==
          "s.json:7:60: /events/0/offset: \"offset\" without \"map\": name a map of the process "
          "instead of \"va\"");
}

TEST_CASE("an access is to a map of the process", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "load", "process": "p", "map": "n"})")) ==
          "s.json:7:48: /events/0/map: \"p\" has no map \"n\": did you mean \"m\"?");
}

TEST_CASE("an access by a process without maps is told", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "load", "process": "q", "map": "m"})")) ==
          "s.json:7:48: /events/0/map: \"q\" has no map \"m\": it has no maps");
}

TEST_CASE("an access is inside the map", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "load", "process": "p", "map": "m", "offset": "2MiB"})")) ==
          "s.json:7:63: /events/0/offset: 0x200000 lies outside the map: it has 2MiB");
}

TEST_CASE("an access does not wrap around", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "load", "process": "p", "va": "0xfffffffffffffffc"})")) ==
          "s.json:7:1: /events/0: the range wraps around: make it smaller");
}

TEST_CASE("a full-line store is of whole lines", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "store", "process": "p", "va": 8, "full_line": true})")) ==
          "s.json:7:64: /events/0/full_line: a full-line store of a part of a line: align va "
          "and size to 64B");
}

TEST_CASE("speculation has an address", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "speculate"})")) ==
          "s.json:7:1: /events/0: it has no address: give one of \"va\", \"spa\" and \"registers\": "
          "true");
}

TEST_CASE("speculation has one address", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "speculate", "va": 0, "registers": true})")) ==
          "s.json:7:1: /events/0: it has several addresses: give one of \"va\", \"spa\" and "
          "\"registers\": true");
}

TEST_CASE("a copy out of persistent memory begins somewhere", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "copy", "direction": "from_pmem"})")) ==
          "s.json:7:1: /events/0: the key \"spa\" is missing: copying from_pmem begins at a "
          "physical address");
}

TEST_CASE("a copy out of persistent memory lies in memory", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "copy", "direction": "from_pmem", "spa": "0x900000000"})")) ==
          "s.json:7:58: /events/0/spa: 0x900000000-0x900001000 lies outside all memory: there "
          "are dram0 0x0-0x80000000, region0 0x200000000-0x300000000");
}

TEST_CASE("a copy of user memory is of a process", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "copy", "va": 0})")) ==
          "s.json:7:1: /events/0: the key \"process\" is missing: it says whose memory is copied");
}

TEST_CASE("a scrub is of something", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "scrub"})")) ==
          "s.json:7:1: /events/0: what to scrub is unclear: give \"region\", or \"spa\" and "
          "\"length\"");
}

TEST_CASE("a scrub is of a region that exists", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "scrub", "region": "region9"})")) ==
          "s.json:7:36: /events/0/region: there is no region \"region9\": did you mean \"region0\"?");
}

TEST_CASE("a scrub is of memory", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "scrub", "spa": "0x900000000", "length": "4KiB"})")) ==
          "s.json:7:33: /events/0/spa: 0x900000000-0x900001000 lies outside all memory: there "
          "are dram0 0x0-0x80000000, region0 0x200000000-0x300000000");
}

TEST_CASE("madvise needs an advice", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "madvise", "process": "p", "va": 0})")) ==
          "s.json:7:1: /events/0: the key \"advice\" is missing: expected one of \"hwpoison\", "
          "\"soft_offline\"");
}

TEST_CASE("block I/O is on a block device", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "bio", "op": "read", "namespace": "namespace0.1", "sector": 0})")) ==
          "s.json:7:51: /events/0/namespace: \"namespace0.1\" has no block device: device-dax is "
          "a character device: use mode \"fsdax\", \"raw\" or \"sector\"");
}

TEST_CASE("block I/O is inside the device", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "bio", "op": "read", "namespace": "namespace0.0", "sector": 2093055, "sectors": 2})")) ==
          "s.json:7:77: /events/0/sector: sectors 2093055 + 2 lie outside pmem0: it has 2093056");
}

TEST_CASE("file I/O is on a file that exists", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "read_file", "process": "p", "file": "ff"})")) ==
          "s.json:7:54: /events/0/file: there is no file \"ff\": did you mean \"f\"?");
}

TEST_CASE("a module's call names it", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "dsm", "function": "smart"})")) ==
          "s.json:7:1: /events/0: the key \"nvdimm\" is missing: \"smart\" is a call of a module");
}

TEST_CASE("an argument of a firmware call stands once", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "dsm", "function": "clear_error", "address": 0, "arguments": {"address": 0}})")) ==
          "s.json:7:62: /events/0/address: \"address\" stands in \"arguments\" too: keep one");
}

TEST_CASE("munmap needs a size with an address", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "munmap", "process": "p", "va": 0})")) ==
          "s.json:7:1: /events/0: the key \"size\" is missing: with \"va\" nothing tells how much");
}

TEST_CASE("a child has an id of its own", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "fork", "process": "p", "child": {"id": "p"}})")) ==
          "s.json:7:57: /events/0/child/id: the id \"p\" is taken by /processes/0/id: choose "
          "another");
}

TEST_CASE("a child has a pid of its own", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "fork", "process": "p", "child": {"id": "c", "pid": 100}})")) ==
          "s.json:7:69: /events/0/child/pid: the pid 100 is taken by /processes/0: choose "
          "another");
}

TEST_CASE("a fork happens once", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "every": "1us", "times": 2, "do": "fork", "process": "p", "child": {"id": "c"}})")) ==
          "s.json:7:20: /events/0/every: a fork that is repeated: each child has an id of its "
          "own: write one event for each");
}

TEST_CASE("a child that forks has been forked", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 1, "do": "fork", "process": "c", "child": {"id": "d"}}, {"at": 0, "do": "fork", "process": "p", "child": {"id": "c"}})")) ==
          "s.json:7:36: /events/0/process: \"c\" is forked by a later event: list its own fork "
          "first");
}

TEST_CASE("a call is of a function that exists", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "call", "function": "set_mce_nospek", "arguments": [1]})")) ==
          "s.json:7:37: /events/0/function: \"set_mce_nospek\" is unknown: did you mean "
          "\"set_mce_nospec\"?");
}

TEST_CASE("a call has its function's arguments", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "call", "function": "reserve_memtype", "arguments": [1]})")) ==
          "s.json:7:69: /events/0/arguments: \"reserve_memtype\" with 1 arguments: it takes "
          "begin, end and memory type");
}

TEST_CASE("an offlined CPU exists", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "cpu_offline", "cpu": 9})")) ==
          "s.json:7:39: /events/0/cpu: there is no CPU 9: the machine has 4 CPUs: 0 to 3");
}

TEST_CASE("a sysctl is one that is known", "[scenario][actions]") {
    CHECK(told(with_events(R"({"at": 0, "do": "sysctl", "name": "memory_failure_earl_kill", "value": 1})")) ==
          "s.json:7:35: /events/0/name: \"memory_failure_earl_kill\" is unknown: did you mean "
          "\"memory_failure_early_kill\"?");
}

}  // namespace
}  // namespace mcemu::scenario
