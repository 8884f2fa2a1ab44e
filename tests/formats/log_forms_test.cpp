// Forms that kernel logs have in the field: broken lines, several callers, journals as JSON, other
// languages, mcelog's own words, reports of several sections.
#include <algorithm>
#include <catch2/catch.hpp>

#include "formats/field_log.hpp"
#include "formats/log_line.hpp"
#include "formats/wrapped_lines.hpp"

namespace mcemu::formats {
namespace {

using Clock = LogLine::Clock;
using Kind = LogEntry::Kind;

LogLine one(std::string_view line) { return LogLines().next(line); }

const std::string kFirst =
    "mce: [Hardware Error]: CPU 2: Machine Check: 0 Bank 7: 8c00004000010091";
const std::string kValues = "mce: [Hardware Error]: TSC 0 ADDR 12345a040 MISC 86 ";
const std::string kLast =
    "mce: [Hardware Error]: PROCESSOR 0:50657 TIME 1600000000 SOCKET 1 APIC 6 microcode 5003006";

void check_record(const std::string& log) {
    INFO(log);
    const auto records = parse_kernel_log(log);
    REQUIRE(records.size() == 1);
    CHECK(records[0].cpu == 2);
    CHECK(records[0].status == 0x8c00004000010091);
    CHECK(records[0].addr == 0x12345a040);
    CHECK(records[0].misc == 0x86);
    CHECK(records[0].cpuid == 0x50657);
    CHECK(records[0].time == 1600000000);
    CHECK(records[0].microcode == 0x5003006);
    CHECK_FALSE(records[0].mixed);
}

TEST_CASE("a record is whole behind any prefix, known or not", "[formats]") {
    for (const char* prefix :
         {"", "  [   12.345678] ", "> [   12.345678] ", "> > <2>[   12.345678] ",
          "[2023-06-22 21:55:31.352444][5975153.869131] ",
          "janv. 10 00:29:08 pc kernel: ", "Okt 3 00:29:08 pc kernel: ",
          "12月 20 13:38:32 pc kernel: ", "<3>1 2023-06-22T21:55:31.35+00:00 pc kernel - - - ",
          "kernel:[  723.595042] ", "node7 console 17 kernel: [   12.345678] ",
          "[   12.345678][    C3] ", "\r\x1b[2J\x1b[?25h[   12.345678] "})
        check_record(prefix + kFirst + "\n" + prefix + kValues + "\n" + prefix + kLast + "\n");
}

TEST_CASE("months of other languages are months", "[formats]") {
    const LogLine french = one("juil. 10 00:29:08 pc kernel: mce: x");
    CHECK(french.clock == Clock::year_unknown);
    CHECK(french.text == "mce: x");
    CHECK(one("Jul 10 00:29:08 pc kernel: mce: x").us == french.us);
    CHECK(one("7月 10 00:29:08 pc kernel: mce: x").us == french.us);
    CHECK(one("juin 10 00:29:08 pc kernel: x").us == one("Jun 10 00:29:08 pc kernel: x").us);
    CHECK(one("Dez 10 00:29:08 pc kernel: x").us == one("Dec 10 00:29:08 pc kernel: x").us);
    CHECK(one("Xyz 10 00:29:08 pc kernel: x").clock == Clock::none);
}

TEST_CASE("a console's date stands before the stamp, which is better", "[formats]") {
    const LogLine line = one("[2023-06-22 21:55:31.352444][5975153.869131] EDAC x");
    CHECK(line.clock == Clock::boot);
    CHECK(line.us == 5975153869131);
    CHECK(line.text == "EDAC x");
}

TEST_CASE("ftrace's lines have a time, and a task that is no part of the words", "[formats]") {
    const LogLine line =
        one("     kworker/0:1-123     [000] d.h1.  1234.567890: mce_record: CPU: 3");
    CHECK(line.clock == Clock::boot);
    CHECK(line.us == 1234567890);
    CHECK(line.text == "mce_record: CPU: 3");
}

TEST_CASE("a journal as JSON is a log", "[formats]") {
    const auto json = [](const std::string& message) {
        return R"({"PRIORITY":"2","_TRANSPORT":"kernel","SYSLOG_IDENTIFIER":"kernel",)"
               R"("_SOURCE_MONOTONIC_TIMESTAMP":"5000010","__MONOTONIC_TIMESTAMP":"5000500",)"
               R"("MESSAGE":")" +
               message + "\"}\n";
    };
    check_record(json(kFirst) + json(kValues) + json(kLast));
    const LogLine line = one(json(R"(a \"b\" \u00e4\n)"));
    CHECK(line.clock == Clock::boot);
    CHECK(line.us == 5000010);
    CHECK(line.level == 2u);
    CHECK(line.text == "a \"b\" \u00e4");
    CHECK(one(R"({"MESSAGE":[109,99,101],"_TRANSPORT":"kernel"})").text == "mce");
    CHECK(one(R"({"MESSAGE":"x","_TRANSPORT":"syslog","SYSLOG_IDENTIFIER":"sshd"})").foreign);
    for (const char* broken : {R"({"MESSAGE":"x)", R"({"MESSAGE":)", R"({"MESSAGE":"x",})",
                               R"({"MESSAGE":"\u12"})", R"({"MESSAGE":[1,})", "{\"MESSAGE\""})
        CHECK(one(broken).clock == Clock::none);
}

TEST_CASE("more of journalctl's forms", "[formats]") {
    const LogLine full = one("Wed 2023-12-13 13:46:08 UTC pc kernel: mce: x");
    CHECK(full.clock == Clock::calendar);
    CHECK(full.us == 1702475168000000);
    CHECK(full.text == "mce: x");
    const LogLine unix_time = one("1702475168.123456 pc kernel: mce: x");
    CHECK(unix_time.clock == Clock::calendar);
    CHECK(unix_time.us == 1702475168123456);
    CHECK(unix_time.text == "mce: x");
    std::string log;
    for (const std::string& line : {kFirst, kValues, kLast})
        log +=
            "__REALTIME_TIMESTAMP=1702475168000000\n__MONOTONIC_TIMESTAMP=5000010\n"
            "_TRANSPORT=kernel\nMESSAGE=" +
            line + "\n\n";
    check_record(log);
    CHECK(parse_kernel_log(log)[0].us == 5000010);
}

TEST_CASE("a symbol on a line of its own", "[formats]") {
    const auto records = parse_kernel_log(
        "[ 1.0] mce: [Hardware Error]: CPU 2: Machine Check Exception: 5 Bank 7: be00000001010091\n"
        "[ 1.1] mce: [Hardware Error]: RIP !INEXACT! 10:<ffffffffac58472a>\n"
        "[ 1.2] {acpi_idle_do_entry+0x4a/0x60}\n"
        "[ 1.3] mce: [Hardware Error]: TSC ae ADDR 314d193000\n");
    REQUIRE(records.size() == 1);
    CHECK(records[0].symbol == "acpi_idle_do_entry+0x4a/0x60");
    CHECK(records[0].addr == 0x314d193000);
}

TEST_CASE("lines that were broken are put together", "[formats]") {
    check_record(
        "[ 1.000001] mce: [Hardware Error]: CPU 2: Machine Check: 0 Bank 7:\n8c00004000010091\n"
        "[ 1.000002] mce: [Hardware Error]: TSC 0 ADDR 12345a040 MISC\n86 PPIN 1\n"
        "[ 1.000003] mce: [Hardware Error]: PROCESSOR 0:50657 TIME\n1600000000 SOCKET 1 APIC 6 "
        "microcode 5003006\n");
    const FieldLog log = parse_field_log(
        "[ 1.0] Memory failure: 0x10d88e: corrupted page was clean:\ndropped without side effects\n"
        "[ 1.1] Memory failure: 0x10d88e: recovery action for clean LRU\npage: Recovered\n"
        "[ 1.2] Injecting memory failure for pfn 0x102f01 at process virtual\naddress 0x7f28\n");
    REQUIRE(log.entries.size() == 3);
    CHECK(log.entries[0].text ==
          "Memory failure: 0x10d88e: corrupted page was clean: dropped without side effects");
    CHECK(log.entries[1].kind == Kind::recovery);
    CHECK(log.entries[1].what == "clean LRU page");
    CHECK(log.entries[1].result == "Recovered");
    CHECK(log.entries[1].line == 3);
    CHECK(log.entries[2].kind == Kind::injected);
    CHECK(log.lines == 6);
    const auto quoted = parse_kernel_log(
        "> [ 83.5] mce: [Hardware Error]: CPU 0: Machine Check Exception: 5 Bank\n> 1: "
        "a000000000000000\n> [ 83.5] mce: [Hardware Error]: TSC 3d39402bdc\n");
    REQUIRE(quoted.size() == 1);
    CHECK(quoted[0].status == 0xa000000000000000);
    CHECK(quoted[0].tsc == 0x3d39402bdc);
    // A line of its own is none that goes on.
    CHECK(
        parse_field_log("mce: [Hardware Error]: CPU 2: Machine Check: 0 Bank 7:\n" + kFirst + "\n")
            .records.size() == 1);
    CHECK_FALSE(unfinished(kFirst));
    CHECK_FALSE(unfinished(kLast));
}

TEST_CASE("what two callers print at once is two records", "[formats]") {
    const auto log = [](const char* a, const char* b) {
        std::string out;
        for (const std::string& line : {kFirst, kValues, kLast}) {
            out += std::string("[ 1.0]") + a + " " + line + "\n";
            std::string other = line;
            if (const auto at = other.find("CPU 2"); at != std::string::npos) other[at + 4] = '3';
            if (const auto at = other.find("12345a040"); at != std::string::npos) other[at] = '7';
            out += std::string("[ 1.0]") + b + " " + other + "\n";
        }
        return parse_kernel_log(out);
    };
    const auto apart = log("[  T100]", "[  C3]");
    REQUIRE(apart.size() == 2);
    CHECK(apart[0].addr == 0x12345a040);
    CHECK(apart[1].addr == 0x72345a040);
    CHECK(apart[1].cpu == 3);
    CHECK_FALSE(apart[0].mixed);
    CHECK_FALSE(apart[1].mixed);
    // Nobody can tell whose they are.
    CHECK(log("", "")[1].mixed);
}

TEST_CASE("the same corrected error, found again later, is another one", "[formats]") {
    const std::string again =
        "mce: [Hardware Error]: PROCESSOR 0:50657 TIME 1600000300 SOCKET 1 APIC 6\n";
    const auto records = parse_kernel_log(kFirst + "\n" + kValues + "\n" + kLast + "\n" + kFirst +
                                          "\n" + kValues + "\n" + again);
    REQUIRE(records.size() == 2);
    CHECK_FALSE(records[1].repeats);
}

TEST_CASE("mcelog's words hold the registers", "[formats]") {
    const std::string log =
        "Mar 30 00:39:12 pc mcelog[2226]: Hardware event. This is not a software error.\n"
        "Mar 30 00:39:12 pc mcelog[2226]: MCE 0\n"
        "Mar 30 00:39:12 pc mcelog[2226]: CPU 3 BANK 7 TSC b98e\n"
        "Mar 30 00:39:12 pc mcelog[2226]: MISC 20086 ADDR 20b5cf8880\n"
        "Mar 30 00:39:12 pc mcelog[2226]: TIME 1617035952 Tue Mar 30 00:39:12 2021\n"
        "Mar 30 00:39:12 pc mcelog[2226]: Corrected error\n"
        "Mar 30 00:39:12 pc mcelog[2226]: STATUS 9c00004001010090 MCGSTATUS 0\n"
        "Mar 30 00:39:12 pc mcelog[2226]: MCGCAP f000c14 APICID 6 SOCKETID 1\n"
        "Mar 30 00:39:12 pc mcelog[2226]: CPUID Vendor Intel Family 6 Model 85 Step 7\n"
        "Mar 30 00:39:12 pc mcelog[2226]: CPU 7 THERMAL EVENT TSC 5811\n"
        "Mar 30 00:39:12 pc mcelog[2226]: STATUS c000000088260c00 MCGSTATUS 0\n"
        "Mar 30 00:39:12 pc mcelog[2226]: CPU 1 BANK 2\n";
    const FieldLog read = parse_field_log(log);
    REQUIRE(read.records.size() == 3);
    const LoggedMce& r = read.records[0];
    CHECK(r.mcelog);
    CHECK(r.line == 3);
    CHECK(r.cpu == 3);
    CHECK(r.bank == 7);
    CHECK(r.tsc == 0xb98e);
    CHECK(r.status == 0x9c00004001010090);
    CHECK(r.addr == 0x20b5cf8880);
    CHECK(r.misc == 0x20086);
    CHECK(r.time == 1617035952);
    CHECK(r.mcgcap == 0xf000c14);
    CHECK(r.apicid == 6);
    CHECK(r.socket == 1);
    CHECK(r.cpuid == 0x50657);
    CHECK(r.vendor == 0);
    CHECK_FALSE(r.exception);
    CHECK(read.records[1].bank == 128);
    CHECK_FALSE(read.records[2].status_known);
    // What people read stands there too: "Corrected error".
    CHECK(std::count_if(read.entries.begin(), read.entries.end(),
                        [](const LogEntry& e) { return e.kind == Kind::unread; }) == 1);
}

TEST_CASE("mcelog --ascii and Xen say it shorter", "[formats]") {
    const auto ascii = parse_kernel_log(
        "# a comment\nCPU 0 13\nPROCESSOR 0:0x806f0\nSTATUS 0xbd80000000100134\nMCGSTATUS 7\n"
        "RIP 33:<401136>\n");
    REQUIRE(ascii.size() == 1);
    CHECK(ascii[0].bank == 13);
    CHECK(ascii[0].status == 0xbd80000000100134);
    CHECK(ascii[0].cpuid == 0x806f0);
    CHECK(ascii[0].exception);
    CHECK(ascii[0].cs == 0x33);
    CHECK(ascii[0].ip == 0x401136);
    // mce-inject's words are no numbers.
    CHECK_FALSE(parse_kernel_log("CPU 1 BANK 4\nSTATUS FATAL S\nMCGSTATUS MCIP\n")[0].status_known);
    const auto xen = parse_kernel_log(
        "(XEN) MCE: The hardware reports a non fatal, correctable incident occurred on CPU 1.\n"
        "(XEN) Bank 2: d400008000040150 at    182c480\n");
    REQUIRE(xen.size() == 1);
    CHECK(xen[0].cpu == 1);
    CHECK(xen[0].bank == 2);
    CHECK(xen[0].status == 0xd400008000040150);
    CHECK(xen[0].addr == 0x182c480);
}

TEST_CASE("the trace point of v6.9 names its fields apart", "[formats]") {
    const auto records = parse_kernel_log(
        "<idle>-0 [003] d.h1. 12.5: mce_record: CPU: 3, MCGc/s: f000c14/7, MC1: bd80000000100134, "
        "IPID: 0000000000000000, ADDR: 000000012345a040, MISC: 0000000000000086, SYND: "
        "0000000000000000, RIP: 33:<00000000004011d6>, TSC: abcd, PPIN: 1234, vendor: 0, CPUID: "
        "50657, time: 1700000000, socket: 1, APIC: 6, microcode: 5003604\n");
    REQUIRE(records.size() == 1);
    CHECK(records[0].us == 12500000);
    CHECK(records[0].bank == 1);
    CHECK(records[0].addr == 0x12345a040);
    CHECK(records[0].misc == 0x86);
    CHECK(records[0].ppin == 0x1234);
    CHECK(records[0].cpuid == 0x50657);
    CHECK(records[0].microcode == 0x5003604);
    CHECK(records[0].exception);
}

TEST_CASE("each section of a firmware report is told", "[formats]") {
    const std::string p = "{35}[Hardware Error]: ";
    const FieldLog log = parse_field_log(
        p + "Hardware error from APEI Generic Hardware Error Source: 4\n" + p +
        "event severity: corrected\n" + p + " Error 0, type: corrected\n" + p +
        "  section_type: memory error\n" + p + "  physical_address: 0x0000000000001000\n" + p +
        " Error 1, type: corrected\n" + p + "  section_type: memory error\n" + p +
        "  physical_address: 0x0000000000002000\n");
    REQUIRE(log.ghes.size() == 2);
    CHECK(log.ghes[0].address == 0x1000u);
    CHECK(log.ghes[1].address == 0x2000u);
    CHECK(log.ghes[1].part == 1);
    CHECK(log.ghes[1].severity == "corrected");
    CHECK(log.ghes[1].source == 4u);
    CHECK(log.entries.size() == 8);
}

TEST_CASE("reports without a number are BERT's, or an old kernel's", "[formats]") {
    const std::string p = "[Hardware Error]: ",
                      body = p + "event severity: fatal\n" + p + " Error 0, type: fatal\n" + p +
                             "  section_type: memory error\n" + p + "  physical_address: 0x1000\n";
    const FieldLog bert = parse_field_log("BERT: Error records from previous boot:\n" + body);
    REQUIRE(bert.ghes.size() == 1);
    CHECK(bert.ghes[0].bert);
    CHECK(bert.ghes[0].memory);
    const FieldLog old =
        parse_field_log(p + "Hardware error from APEI Generic Hardware Error Source: 1\n" + body);
    REQUIRE(old.ghes.size() == 1);
    CHECK_FALSE(old.ghes[0].bert);
    CHECK(old.ghes[0].severity == "fatal");
    CHECK(old.ghes[0].address == 0x1000u);
}

TEST_CASE("EDAC's lines before v3.5, and as its trace point has them", "[formats]") {
    const FieldLog log = parse_field_log(
        "EDAC MC0: CE page 0x2a000, offset 0x40, grain 8, syndrome 0x1, row 0, channel 1, label "
        "\"A1\": i3200 CE\n"
        "mc_event: 2 Uncorrected error: memory read error on CPU_SrcID#0_MC#0 (mc:1 "
        "location:2:0:-1 address:0x12345a040 grain:5 syndrome:0x0 err_code:0x0001:0x0091)\n"
        "EDAC MC0: Giving out device to module skx_edac\n"
        "EDAC MC0: CE row 2, channel 0, label \"CPU_SrcID#0_Channel#2_DIMM#0\": 1 Unknown "
        "error(s): "
        "memory read error on FATAL area : cpu=0 Err=0001:0092 (ch=2), addr= 0x67a2ab040 => "
        "socket=0\n");
    REQUIRE(log.edac.size() == 3);
    CHECK(log.edac[2].address == 0x67a2ab040);
    CHECK(log.edac[2].mcacod == 0x92);
    CHECK(log.edac[0].address == 0x2a000040);
    CHECK(log.edac[0].channel == 1);
    CHECK(log.edac[0].label == "A1");
    CHECK_FALSE(log.edac[0].uncorrected);
    CHECK(log.edac[1].address == 0x12345a040);
    CHECK(log.edac[1].mc == 1);
    CHECK(log.edac[1].channel == 2);
    CHECK(log.edac[1].count == 2);
    CHECK(log.edac[1].uncorrected);
    CHECK(log.edac[1].mcacod == 0x91);
    CHECK(log.entries.size() == 3);
}

TEST_CASE("v2.6.32 says early whom it kills", "[formats]") {
    const FieldLog log =
        parse_field_log("MCE 0x318: Killing a b:7 early due to hardware memory corruption\n");
    REQUIRE(log.entries.size() == 1);
    CHECK(log.entries[0].kind == Kind::killing);
    CHECK(log.entries[0].comm == "a b");
    CHECK(log.entries[0].pid == 7u);
}

TEST_CASE("memory maps of old and new kernels", "[formats]") {
    const FieldLog old = parse_field_log(
        " BIOS-e820: 0000000000100000 - 00000000bf780000 (usable)\n"
        " BIOS-e820: 00000000bf780000 - 00000000c0000000 (reserved)\nBrought up 8 CPUs\n");
    REQUIRE(old.boot.usable.size() == 1);
    CHECK(old.boot.usable[0].begin == 0x100000);
    CHECK(old.boot.usable[0].end == 0xbf780000);
    CHECK(old.boot.cpus == 8u);
    const FieldLog fresh =
        parse_field_log("BIOS-e820: [mem 0x0000000000100000-0x00000000bf77ffff]  System RAM\n");
    REQUIRE(fresh.boot.usable.size() == 1);
    CHECK(fresh.boot.usable[0].end == 0xbf780000);
}

TEST_CASE("another program's words about errors are not passed over in silence", "[formats]") {
    const FieldLog log = parse_field_log(
        "Dec 20 13:38:32 pc rasdaemon[77]: mce_record: status= bd80000000100134\n"
        "Dec 20 13:38:32 pc sshd[12]: accepted\n"
        "Dec 20 13:38:32 pc kernel: [Hardware Error]: CPU:12 (19:21:0) MC5_STATUS[-|CE]: 0x98\n");
    REQUIRE(log.entries.size() == 2);
    CHECK(log.entries[0].kind == Kind::unread);
    CHECK(log.entries[0].foreign);
}

}  // namespace
}  // namespace mcemu::formats
