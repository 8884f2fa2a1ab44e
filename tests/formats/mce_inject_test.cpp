#include "formats/mce_inject.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace mcemu::formats;
using Record = MceInjectRecord;

// Source of all: mce-inject mce.lex, mce.y and mce-inject.8, tried on the program.

namespace {

Record only(const std::string& text) {
    const MceInjectText parsed = parse_mce_inject(text);
    if (parsed.error) FAIL("line " << parsed.error->line << ": " << parsed.error->wrong);
    REQUIRE(parsed.records.size() == 1);
    return parsed.records[0];
}
Remark error_of(const std::string& text) {
    const MceInjectText parsed = parse_mce_inject(text);
    REQUIRE(parsed.error);
    return *parsed.error;
}

}  // namespace

TEST_CASE("keywords are case-insensitive and a record may take one line or many", "[formats]") {
    const Record r = only("cpu 2\nBank 3 STATUS corrected mCgStatus ripv\tMCIP\n addr 0x1000");
    CHECK(r.cpu == 2);
    CHECK(r.bank == 3);
    CHECK(r.status == 0x9400000000000000);
    CHECK(r.mcgstatus == 5);
    CHECK(r.addr == 0x1000u);
    CHECK_FALSE(r.misc);
    CHECK(r.line == 1);
}

TEST_CASE("numbers are hexadecimal, octal or decimal and saturate", "[formats]") {
    CHECK(only("MCE STATUS 0x1F").status == 0x1f);
    CHECK(only("MCE STATUS 017").status == 15);
    CHECK(only("MCE STATUS 17").status == 17);
    CHECK(only("MCE STATUS 08").status == 0);
    CHECK(only("MCE STATUS 0x1ffffffffffffffff").status == ~std::uint64_t{0});
    CHECK(only("MCE STATUS 18446744073709551616").status == ~std::uint64_t{0});
}

TEST_CASE("0X begins no number", "[formats]") {
    const Remark e = error_of("MCE STATUS 0X10");
    CHECK(e.line == 1);
    CHECK(e.column == 13);
    CHECK(e.wrong == "'X10' cannot stand here");
}

TEST_CASE("comments end with their line, or with the text", "[formats]") {
    CHECK(only("# one\nMCE # two\nBANK 4 # CPU 1\n#three").bank == 4);
    CHECK(parse_mce_inject("# nothing").records.empty());
    CHECK_FALSE(parse_mce_inject("").error);
}

TEST_CASE("lines may end with CR LF, but a CR elsewhere is no white space", "[formats]") {
    CHECK(only("CPU 1\r\nBANK 2\r\n").bank == 2);
    CHECK(error_of("CPU 1\rBANK 2").wrong ==
          "there is no such character in this format: 'byte 13'");
}

TEST_CASE("STATUS assigns: an ADDR or MISC before it loses its valid bit", "[formats]") {
    const MceInjectText before = parse_mce_inject("MCE ADDR 0x1000 MISC 0x86 STATUS CORRECTED");
    REQUIRE(before.records.size() == 1);
    CHECK(before.records[0].status == 0x9000000000000000);
    CHECK(before.records[0].addr == 0x1000u);
    REQUIRE(before.warnings.size() == 2);
    CHECK(before.warnings[0].right == "ADDR behind STATUS");
    CHECK(only("MCE STATUS CORRECTED ADDR 0 MISC 0").status == 0x9c00000000000000);
    CHECK(only("MCE STATUS FATAL STATUS CORRECTED").status == 0x9000000000000000);
}

TEST_CASE("an empty STATUS list is 0 and SRAO, SRAR set no more than S and AR", "[formats]") {
    CHECK(only("MCE STATUS BANK 1").status == 0);
    CHECK(only("MCE STATUS SRAR").status == 0x0180000000000000);
    CHECK(only("MCE STATUS UNCORRECTED SRAO 0xc0").status == 0xb1000000000000c0);
    CHECK(only("MCE STATUS CORRECTED TES_YELLOW OVER").status == 0xd040000000000000);
    CHECK(only("MCE MCGSTATUS TES_P SEAM_NR LMCES EIPV").mcgstatus == 0x180a);
}

TEST_CASE("fields that are too large lose their upper bits, with a warning", "[formats]") {
    const MceInjectText t = parse_mce_inject("CPU 0 BANK 300 RIP 0x173:0x10");
    REQUIRE(t.records.size() == 1);
    CHECK(t.records[0].bank == 44);
    CHECK(t.records[0].cs == 0x73);
    REQUIRE(t.warnings.size() == 2);
    CHECK(t.warnings[0].wrong == "BANK has 8 bits: 300 becomes 44");
}

TEST_CASE("RIP takes an address, a segment and an address, or the kernel's form", "[formats]") {
    CHECK(only("MCE RIP 0x1234").ip == 0x1234);
    CHECK(only("MCE RIP 0x10:0x1234").cs == 0x10);
    const Record r = only("MCE RIP 0x33:<0x401136> {main} HOLD");
    CHECK(r.cs == 0x33);
    CHECK(r.ip == 0x401136);
    CHECK(r.hold);
    CHECK(error_of("MCE RIP 0x33:<0x401136> HOLD").right == "\"{\"");
    CHECK(error_of("MCE RIP 0x33:<0x401136> {poll}").right == "a symbol");
}

TEST_CASE("the second number of CPU is the bank", "[formats]") {
    const Record r = only(
        "CPU 1 4 TSC 0x10 TIME 1530000000 PROCESSOR 0:0x50654 SOCKETID 1 APICID 2 MCGCAP 0xc07");
    CHECK(r.cpu == 1);
    CHECK(r.bank == 4);
    CHECK(r.tsc == 0x10);
    CHECK(r.time == 1530000000);
    CHECK(r.cpuid == 0x50654);
    CHECK(r.socketid == 1);
    CHECK(r.apicid == 2);
    CHECK(r.mcgcap == 0xc07);
}

TEST_CASE("the kernel's panic line needs 0x and raises on CPU 0", "[formats]") {
    const MceInjectText t = parse_mce_inject(
        "CPU 3: machine check exception: 0x4 BANK 2: 0xbe00000000000175\nADDR 0x10");
    REQUIRE(t.records.size() == 1);
    CHECK(t.records[0].cpu == 0);
    CHECK(t.records[0].legacy_cpu == 3);
    CHECK(t.records[0].mcgstatus == 4);
    CHECK(t.records[0].status == 0xbe00000000000175);
    CHECK(t.warnings.size() == 1);
    CHECK(error_of("CPU 3: machine check exception: 4 BANK 2: be00000000000175\nADDR 1").right ==
          "STATUS, a number");
}

TEST_CASE("UC decides how a record is raised unless EXCP or POLL is written", "[formats]") {
    CHECK(only("MCE STATUS UC").raise_as == Record::RaiseAs::exception);
    CHECK(only("MCE STATUS CORRECTED").raise_as == Record::RaiseAs::poll);
    const Record polled = only("MCE EXCP POLL STATUS UC");
    CHECK(polled.raise_as == Record::RaiseAs::poll);
    CHECK(polled.raise_explicit);
    CHECK(polled.broadcast == Record::Broadcast::none);
    CHECK(only("MCE STATUS UC").broadcast == Record::Broadcast::nmi);
    CHECK(only("MCE STATUS UC IRQBROADCAST").broadcast == Record::Broadcast::irq);
    CHECK(only("MCE STATUS UC NOBROADCAST").broadcast == Record::Broadcast::none);
    CHECK(only("MCE STATUS UC IN_IRQ IN_PROC").context == Record::Context::process);
}

TEST_CASE("every start resets everything", "[formats]") {
    const MceInjectText t =
        parse_mce_inject("CPU 1 STATUS FATAL HOLD ADDR 0x10\nCPU 2 BANK 1\nMCE BANK 2");
    REQUIRE(t.records.size() == 3);
    CHECK(t.records[1].status == 0);
    CHECK_FALSE(t.records[1].hold);
    CHECK(t.records[2].cpu == 0);
    CHECK(t.records[2].line == 3);
}

TEST_CASE("a start without any term is an error", "[formats]") {
    CHECK(error_of("CPU 1").wrong == "the text ends here");
    CHECK(error_of("CPU 1 CPU 2 BANK 1").column == 7);
    CHECK(error_of("BANK 1").right == "\"CPU\"");
}

TEST_CASE("words belong to one list only, and unknown words to none", "[formats]") {
    CHECK(error_of("MCE STATUS EIPV").wrong == "'EIPV' cannot stand here");
    CHECK(error_of("MCE MCGSTATUS UC").wrong == "'UC' cannot stand here");
    CHECK(error_of("MCE STATUS FATAL MISCV").wrong == "'MISCV' cannot stand here");
    CHECK(error_of("MCE BANK -1").wrong == "there is no such character in this format: '-'");
}

TEST_CASE("the program hands over what is whole before it complains", "[formats]") {
    // Seen: "CPU 0 BANK 1 / STATUS uncorrected EIPV" injects the record, then fails in line 2.
    const MceInjectText list = parse_mce_inject("CPU 0 BANK 1\nSTATUS uncorrected EIPV\n");
    REQUIRE(list.records.size() == 1);
    CHECK(list.records[0].status == 0xb000000000000000);
    CHECK(list.tool_line == 2);
    // A term that is cut off in the middle keeps its record back.
    CHECK(parse_mce_inject("CPU 0 BANK 1 ADDR HOLD").records.empty());
}

TEST_CASE("the program does not count lines that end in a comment", "[formats]") {
    const MceInjectText t = parse_mce_inject("# a comment\nCPU 0 # another\nBANK 1\nSTATUS EIPV\n");
    REQUIRE(t.error);
    CHECK(t.error->line == 4);
    CHECK(t.tool_line == 2);
}
