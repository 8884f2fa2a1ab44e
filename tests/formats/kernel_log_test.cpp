#include "formats/kernel_log.hpp"

#include <catch2/catch.hpp>

using namespace mcemu::formats;

// Source: print_mce() of arch/x86/kernel/cpu/mcheck/mce.c v4.19 and mce/core.c v6.1,
// include/trace/events/mce.h.

TEST_CASE("a record is its four lines, whatever stands before them", "[formats]") {
    const auto records = parse_kernel_log(
        "<0>[   12.345678] mce: [Hardware Error]: CPU 2: Machine Check Exception: 5 Bank 7: "
        "be00000000000090\n"
        "<0>[   12.345679] mce: [Hardware Error]: RIP !INEXACT! 10:<ffffffff81001000> "
        "{default_idle+0x1d/0x140}\n"
        "<0>[   12.345680] mce: [Hardware Error]: TSC 1000 ADDR 12345040 MISC 86 PPIN abc \n"
        "<0>[   12.345681] mce: [Hardware Error]: PROCESSOR 0:50654 TIME 1530000000 SOCKET 1 APIC "
        "2 microcode 2000043\n"
        "<0>[   12.345682] mce: [Hardware Error]: Run the above through 'mcelog --ascii'\n");
    REQUIRE(records.size() == 1);
    const LoggedMce& r = records[0];
    CHECK(r.line == 1);
    CHECK(r.seconds == Approx(12.345678));
    CHECK(r.cpu == 2);
    CHECK(r.exception);
    CHECK(r.mcgstatus == 5);
    CHECK(r.bank == 7);
    CHECK(r.status == 0xbe00000000000090);
    CHECK(r.inexact);
    CHECK(r.cs == 0x10);
    CHECK(r.ip == 0xffffffff81001000);
    CHECK(r.symbol == "default_idle+0x1d/0x140");
    CHECK(r.tsc == 0x1000);
    CHECK(r.addr == 0x12345040);
    CHECK(r.misc == 0x86);
    CHECK(r.ppin == 0xabc);
    CHECK(r.processor_known);
    CHECK(r.cpuid == 0x50654);
    CHECK(r.time == 1530000000);
    CHECK(r.socket == 1);
    CHECK(r.apicid == 2);
    CHECK(r.microcode == 0x2000043);
}

TEST_CASE("without the word Exception a record was polled", "[formats]") {
    const auto records = parse_kernel_log(
        "mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 13: 9c0000000000009f");
    REQUIRE(records.size() == 1);
    CHECK_FALSE(records[0].exception);
    CHECK_FALSE(records[0].seconds);
    CHECK_FALSE(records[0].processor_known);
}

TEST_CASE("old kernels pad MCG_STATUS with blanks", "[formats]") {
    const auto records = parse_kernel_log(
        "[Hardware Error]: CPU 1: Machine Check Exception:                4 Bank 4: "
        "b200000000070f0f");
    REQUIRE(records.size() == 1);
    CHECK(records[0].mcgstatus == 4);
    CHECK(records[0].status == 0xb200000000070f0f);
}

TEST_CASE("numbers may carry 0x, as EDAC prints them", "[formats]") {
    const auto records = parse_kernel_log(
        "EDAC DEBUG: CPU 0: Machine Check Event: 0x0 Bank 7: 0x8c00004000010090\nTSC 0x10 \nADDR "
        "0x2f4a5e1c40 \nMISC 0x86 \n"
        "PROCESSOR 0:0x50657 TIME 1530000000 SOCKET 0 APIC 0x0\n");
    REQUIRE(records.size() == 1);
    CHECK(records[0].status == 0x8c00004000010090);
    CHECK(records[0].addr == 0x2f4a5e1c40);
    CHECK(records[0].misc == 0x86);
    CHECK(records[0].cpuid == 0x50657);
    CHECK_FALSE(records[0].exception);
}

TEST_CASE("the trace point says all in one line", "[formats]") {
    const auto records = parse_kernel_log(
        "  kworker-7 [001] 1.5: mce_record: CPU: 3, MCGc/s: f000c14/5, MC1: bd80000000100134, "
        "IPID: 0000000000000000, "
        "ADDR/MISC/SYND: 0000002f4a5e1c40/0000000000000086/0000000000000000, RIP: "
        "33:<0000000000401136>, TSC: abc, "
        "PROCESSOR: 0:50657, TIME: 1530000000, SOCKET: 0, APIC: 6");
    REQUIRE(records.size() == 1);
    CHECK(records[0].mcgcap == 0xf000c14);
    CHECK(records[0].mcgstatus == 5);
    CHECK(records[0].bank == 1);
    CHECK(records[0].addr == 0x2f4a5e1c40);
    CHECK(records[0].cs == 0x33);
    CHECK(records[0].apicid == 6);
    CHECK(records[0].exception);
}

TEST_CASE("a record that a panic prints again is known as the same", "[formats]") {
    const std::string one =
        "mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 1: 9c0000000000009f\n"
        "mce: [Hardware Error]: TSC 10 ADDR 20 \n";
    const auto records = parse_kernel_log(one + "something else\n" + one);
    REQUIRE(records.size() == 2);
    CHECK_FALSE(records[0].repeats);
    CHECK(records[1].repeats == 0u);
    CHECK(records[1].line == 4);
}

TEST_CASE("lines behind a whole record belong to nobody", "[formats]") {
    const auto records = parse_kernel_log(
        "mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 1: 9c0000000000009f\n"
        "mce: [Hardware Error]: PROCESSOR 0:50657 TIME 1 SOCKET 0 APIC 0 microcode 1\n"
        "other: TSC 10 ADDR 20\n");
    REQUIRE(records.size() == 1);
    CHECK(records[0].addr == 0);
}

TEST_CASE("a log without machine checks has no records", "[formats]") {
    CHECK(parse_kernel_log("").empty());
    CHECK(
        parse_kernel_log("Memory failure: 0x1: recovery action for dax page: Recovered\n").empty());
}
