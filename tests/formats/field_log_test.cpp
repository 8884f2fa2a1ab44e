// What a kernel log says of errors, beside machine-check records (kernel.md appendix A).
#include "formats/field_log.hpp"

#include <catch2/catch.hpp>

namespace mcemu::formats {
namespace {

using Kind = LogEntry::Kind;

LogEntry one(const std::string& line) {
    FieldLog log = parse_field_log(line);
    INFO(line);
    REQUIRE(log.entries.size() == 1);
    return log.entries[0];
}

TEST_CASE("lines of memory_failure() are read in the words of every kernel", "[formats][log]") {
    const LogEntry kill =
        one("Memory failure: 0xe16677: Killing java:5421 due to hardware memory corruption");
    CHECK(kill.kind == Kind::killing);
    CHECK(kill.pfn == 0xe16677);
    CHECK(kill.comm == "java");
    CHECK(kill.pid == 5421u);
    CHECK(one("Memory failure: 0x1: Sending SIGBUS to a b:c:7 due to hardware memory corruption")
              .comm == "a b:c");
    CHECK(
        one("Memory failure: 0x1: forcibly killing x:7 because of failure to unmap corrupted page")
            .kind == Kind::killing);
    const LogEntry action =
        one("Memory failure: 0x1: recovery action for dirty LRU page: Recovered");
    CHECK(action.kind == Kind::recovery);
    CHECK(action.what == "dirty LRU page");
    CHECK(action.result == "Recovered");
    CHECK(one("MCE 0x318: recovery action for dirty LRU page: Recovered").pfn == 0x318);
    CHECK(one("Memory failure: 0x1: already hardware poisoned").what ==
          "already hardware poisoned");
    CHECK(one("Injecting memory failure for page 0x318 at 0x44f01d").va == 0x44f01d);
    CHECK(one("Injecting memory failure for pfn 0x1 at process virtual address 0x7f0000000000")
              .kind == Kind::injected);
    CHECK(one("MCE: Killing p:9 due to hardware memory corruption fault at 7f00").va == 0x7f00);
    CHECK(one("Unpoison: Software-unpoisoned free page 0x7").kind == Kind::unpoison);
}

TEST_CASE("EDAC's line holds address and error code", "[formats][log]") {
    const FieldLog log = parse_field_log(
        "EDAC MC1: 262 CE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#0 (channel:1 slot:0 "
        "page:0x2031c14 offset:0x940 "
        "grain:32 syndrome:0x0 -  OVERFLOW area:DRAM err_code:0001:0091 socket:0 ha:0 "
        "channel_mask:2 rank:1)\n"
        "EDAC MC3: 1 UE memory read error on L (channel:2 slot:0 page:0xb757589 offset:0xdc0 "
        "grain:32 -  recoverable "
        "err_code:0x0101:0x0092)\n");
    REQUIRE(log.edac.size() == 2);
    CHECK(log.edac[0].count == 262);
    CHECK(log.edac[0].address == 0x2031c14940);
    CHECK(log.edac[0].overflow);
    CHECK_FALSE(log.edac[0].uncorrected);
    CHECK(log.edac[0].mscod == 1);
    CHECK(log.edac[0].mcacod == 0x91);
    CHECK(log.edac[0].message == "memory read error");
    CHECK(log.edac[1].uncorrected);
    CHECK(log.edac[1].recoverable);
    CHECK(log.edac[1].mc == 3);
}

TEST_CASE("reports of firmware are told apart by their number", "[formats][log]") {
    const FieldLog log = parse_field_log(
        "{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 4\n"
        "{2}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 5\n"
        "{1}[Hardware Error]: event severity: recoverable\n"
        "{2}[Hardware Error]: event severity: corrected\n"
        "{1}[Hardware Error]:   section_type: memory error\n"
        "{1}[Hardware Error]:   physical_address: 0x0000000e16677000\n"
        "{1}[Hardware Error]:   error_type: 3, multi-bit ECC\n"
        "{2}[Hardware Error]:   section_type: PCIe error\n"
        "{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 0\n");
    REQUIRE(log.ghes.size() == 3);
    CHECK(log.ghes[0].address == 0xe16677000u);
    CHECK(log.ghes[0].source == 4u);
    CHECK(log.ghes[0].error_type == 3u);
    CHECK(log.ghes[0].memory);
    CHECK(log.ghes[1].severity == "corrected");
    CHECK_FALSE(log.ghes[1].memory);
    CHECK(log.ghes[2].source == 0u);
}

TEST_CASE("memory-type lines hold range and modes", "[formats][log]") {
    const LogEntry e =
        one("x86/PAT: pcimem:922560 conflicting memory types ca000000-ca800000 "
            "uncached-minus<->write-combining");
    CHECK(e.kind == Kind::pat_conflict);
    CHECK(e.range == SpaRange{0xca000000, 0xca800000});
    CHECK(e.mode == 2);
    CHECK(e.found == 1);
    CHECK(e.pid == 922560u);
    CHECK(one("x86/PAT: memtype_reserve failed [mem 0x387fe0000000-0x387fefffffff], track "
              "uncached-minus, req uncached")
              .mode == 3);
    CHECK(one("x86/PAT: p:1 freeing invalid memtype [mem 0x1000-0x1fff]").range ==
          SpaRange{0x1000, 0x2000});
}

TEST_CASE("boot messages tell kernel and machine", "[formats][log]") {
    const FieldLog log = parse_field_log(
        "[    0.000000] Linux version 6.1.0-18-amd64 (x@y) (gcc) #1 SMP\n"
        "[    0.000000] Command line: root=/dev/sda mce=recovery nopat\n"
        "[    0.000000] BIOS-e820: [mem 0x0000000000001000-0x000000000009ffff] usable\n"
        "[    0.000000] BIOS-e820: [mem 0x0000000100000000-0x00000001ffffffff] persistent (type "
        "7)\n"
        "[    0.000000] mce: CPU supports 22 MCE banks\n"
        "[    0.000000] smp: Brought up 2 nodes, 96 CPUs\n");
    CHECK(log.entries.empty());
    CHECK(log.boot.major == 6u);
    CHECK(log.boot.minor == 1u);
    CHECK(log.boot.banks == 22u);
    CHECK(log.boot.cpus == 96u);
    CHECK(log.boot.nodes == 2u);
    CHECK(log.boot.command_line.size() == 3);
    CHECK(log.boot.usable == std::vector<SpaRange>{{0x1000, 0xa0000}});
    CHECK(log.boot.persistent.size() == 1);
}

TEST_CASE("lines about other things are passed over", "[formats][log]") {
    CHECK(parse_field_log(
              "usb 1-1: new device addr 5\nEXT4-fs (sda1): mounted\nMemory: 1K/2K available\n"
              "EDAC MC: Ver: 3.0.0\nmce: CPU0: Thermal monitoring enabled (TM1)\n"
              "x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT  \n")
              .entries.size() <= 1);
    CHECK(parse_field_log(std::string("\0\0\xff\n\n\r\n", 7)).entries.empty());
}

}  // namespace
}  // namespace mcemu::formats
