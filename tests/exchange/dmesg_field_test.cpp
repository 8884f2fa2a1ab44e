// What a field engineer expects of a log: nothing lost in silence, nothing invented.
#include <algorithm>
#include <catch2/catch.hpp>

#include "exchange/dmesg_import.hpp"

namespace mcemu::exchange {
namespace {

using Json = nlohmann::ordered_json;

scenario::Imported import(const std::string& log) {
    scenario::Imported out = import_dmesg("l", log);
    for (const scenario::Finding& f : out.findings)
        UNSCOPED_INFO(f.source << f.line << f.pointer << ": " << f.wrong);
    REQUIRE(out.scenario);
    return out;
}
bool lost(const scenario::Imported& of, const std::string& wrong) {
    return std::any_of(of.lost.begin(), of.lost.end(), [&](const scenario::Finding& f) {
        return f.wrong.find(wrong) != std::string::npos;
    });
}
bool refused_with(const std::string& log, const std::string& wrong) {
    const scenario::Imported out = import_dmesg("l", log);
    CHECK_FALSE(out.scenario);
    REQUIRE_FALSE(out.findings.empty());
    CHECK(out.findings[0].wrong == "this log holds no hardware error that could be emulated");
    return std::any_of(out.findings.begin(), out.findings.end(), [&](const scenario::Finding& f) {
        return f.wrong.find(wrong) != std::string::npos;
    });
}

std::string record(const std::string& stamp, const std::string& first, const std::string& values,
                   unsigned time = 1600000000) {
    const std::string p = stamp + "mce: [Hardware Error]: ";
    return p + first + "\n" + p + values + "\n" + p + "PROCESSOR 0:50657 TIME " +
           std::to_string(time) + " SOCKET 0 APIC 0 microcode 1\n";
}
const std::string kCorrected = "CPU 0: Machine Check: 0 Bank 7: 8c00004000010091";

TEST_CASE("the word Exception without MCIP is an old kernel's polled error", "[exchange][dmesg]") {
    const auto out =
        import(record("[ 1.0] ", "CPU 6: Machine Check Exception: 0 Bank 8: 88000040000200cf",
                      "TSC 0 MISC 98873a2000043000"));
    CHECK((*out.scenario)["events"][0]["poll"] == true);
    CHECK_FALSE((*out.scenario)["events"][0].contains("broadcast"));
    CHECK(lost(out, "without MCIP"));
}

TEST_CASE("two EDAC lines of one page are two errors", "[exchange][dmesg]") {
    const std::string line =
        "EDAC MC0: 1 CE reserved error on unknown label (node:0 page:0x4000 offset:0x300 grain:0 "
        "syndrome:0x0)\n";
    CHECK((*import("[ 1.0] " + line + "[ 1.0] " + line).scenario)["events"].size() == 2);
    // One record explains one of them.
    const std::string with = record("[ 1.0] ", kCorrected, "TSC 0 ADDR 4000300 MISC 86");
    CHECK((*import(with + "[ 1.1] " + line).scenario)["events"].size() == 1);
    CHECK((*import(with + "[ 1.1] " + line + "[ 1.2] " + line).scenario)["events"].size() == 2);
    // ghes_edac speaks before ghes.
    const std::string p = "[ 1.1] {2}[Hardware Error]: ";
    const std::string firmware = p + "Hardware error from APEI Generic Hardware Error Source: 2\n" +
                                 p + "event severity: corrected\n" + p +
                                 "  section_type: memory error\n" + p +
                                 "  physical_address: 0x0000000004000300\n";
    const auto out = import("[ 1.1] " + line + firmware);
    REQUIRE((*out.scenario)["events"].size() == 1);
    CHECK((*out.scenario)["events"][0]["do"] == "cper");
}

TEST_CASE("a corrected error that comes again, five minutes later, comes again",
          "[exchange][dmesg]") {
    const auto out =
        import(record("[ 1.0] ", kCorrected, "TSC 0 ADDR 4000300 MISC 86") +
               record("[ 301.0] ", kCorrected, "TSC 0 ADDR 4000300 MISC 86", 1600000300));
    REQUIRE((*out.scenario)["events"].size() == 2);
    CHECK((*out.scenario)["events"][1]["at"] == "300.001s");
}

TEST_CASE("mcelog's decoding becomes an event, once", "[exchange][dmesg]") {
    const std::string decoded =
        "CPU 0 BANK 7\nMISC 86 ADDR 4000300\nTIME 1600000000 Sun Sep 13 12:26:40 2020\nCorrected "
        "error\nSTATUS 8c00004000010091 MCGSTATUS 0\nMCGCAP f000c14 APICID 0 SOCKETID 0\nCPUID "
        "Vendor Intel Family 6 Model 85\n";
    const auto out = import(decoded);
    REQUIRE((*out.scenario)["events"].size() == 1);
    const Json& e = (*out.scenario)["events"][0];
    CHECK(e["status"] == "0x8c00004000010091");
    CHECK(e["addr"] == "0x4000300");
    CHECK((*out.scenario)["machine"]["wall_time"] == 1600000000);
    const auto both = import(record("[ 1.0] ", kCorrected, "TSC 0 ADDR 4000300 MISC 86") + decoded);
    CHECK((*both.scenario)["events"].size() == 1);
    CHECK(lost(both, "mcelog tells of a record"));
    CHECK(refused_with("CPU 7 THERMAL EVENT TSC 1\nSTATUS c000000088260c00 MCGSTATUS 0\n",
                       "thermal"));
}

TEST_CASE("a machine that cannot be costs its record, not the log", "[exchange][dmesg]") {
    const auto out =
        import(record("[ 1.0] ", "CPU 9999999: Machine Check: 0 Bank 7: 9c00004000010091",
                      "TSC 0 ADDR 1000 MISC 86") +
               record("[ 2.0] ", "CPU 0: Machine Check: 0 Bank 77: 9c00004000010091",
                      "TSC 0 ADDR 1000 MISC 86") +
               record("[ 3.0] ", kCorrected, "TSC 0 ADDR 4000300 MISC 86"));
    CHECK((*out.scenario)["events"].size() == 1);
    CHECK(lost(out, "CPU 9999999 is beyond"));
    CHECK(lost(out, "no machine-check bank 77"));
}

TEST_CASE("bank 255 is firmware's", "[exchange][dmesg]") {
    const auto out = import(
        "EDAC skx MC0: CPU 0: Machine Check Event: 0x0 Bank 255: 0x940000000000009f\n"
        "EDAC skx MC0: ADDR 0x30aa905a80\n");
    REQUIRE((*out.scenario)["events"].size() == 1);
    CHECK((*out.scenario)["events"][0]["do"] == "cper");
    CHECK((*out.scenario)["events"][0]["address"] == "0x30aa905a80");
    CHECK((*out.scenario)["machine"]["memory"][0]["size"] == "195GiB");
}

TEST_CASE("a linear address makes no memory", "[exchange][dmesg]") {
    const auto out =
        import(record("[ 1.0] ", "CPU 5: Machine Check Exception: 5 Bank 1: be00000000800400",
                      "TSC 1 ADDR 7f1d2c3b4a50 MISC 7f1d2c3b4a50"));
    CHECK((*out.scenario)["events"][0]["addr"] == "0x7f1d2c3b4a50");
    CHECK((*out.scenario)["machine"]["memory"][0]["size"] == "2GiB");
}

TEST_CASE("without stamps the records' own TIME counts", "[exchange][dmesg]") {
    const auto out =
        import(record("", "CPU 19: Machine Check Exception: 4 Bank 5: be00000000800400",
                      "TSC 7ebb ADDR 1") +
               record("", "CPU 7: Machine Check Exception: 4 Bank 5: be00000000800400",
                      "TSC 7ecc ADDR 1") +
               record("", kCorrected, "TSC 0 ADDR 4000300 MISC 86", 1600000010));
    const Json& events = (*out.scenario)["events"];
    REQUIRE(events.size() == 3);
    CHECK(events[0]["at"] == "1ms");
    CHECK(events[1]["at"] == "1ms");
    CHECK(events[2]["at"] == "10.001s");
}

TEST_CASE("a first line without a stamp happens with the second", "[exchange][dmesg]") {
    const auto out = import(
        "Injecting memory failure at pfn 0x1234\n"
        "[5000.0] Injecting memory failure at pfn 0x1235\n");
    CHECK((*out.scenario)["events"][1]["at"] == "1ms");
    CHECK_FALSE(lost(out, "more than a day"));
}

TEST_CASE("a soft offline by the collector of corrected errors is one", "[exchange][dmesg]") {
    const auto out = import(record("[ 1.0] ", kCorrected, "TSC 0 ADDR 4000300 MISC 86") +
                            "[ 1.1] RAS: Soft-offlining pfn: 0x4000\n"
                            "[ 1.2] Soft offline: 0x4000: page already poisoned\n");
    const Json& events = (*out.scenario)["events"];
    REQUIRE(events.size() == 2);
    CHECK(events[1]["function"] == "soft_offline_page");
}

TEST_CASE("what is refused is told by what was there", "[exchange][dmesg]") {
    CHECK(
        refused_with("mce: [Hardware Error]: CPU 2: Machine Check: 0 Bank 5: bea0000000000108\n"
                     "mce: [Hardware Error]: PROCESSOR 2:870f10 TIME 1 SOCKET 0 APIC 4\n",
                     "vendor 2"));
    CHECK(
        refused_with("{1}[Hardware Error]: event severity: info\n"
                     "{1}[Hardware Error]:   section_type: PCIe error\n",
                     "PCIe error"));
    CHECK(refused_with(
        "[Hardware Error]: CPU:12 (19:21:0) MC5_STATUS[Over|CE]: 0xdc2040000000011b\n", "AMD"));
    CHECK(
        refused_with("BERT: Error records from previous boot:\n[Hardware Error]: event severity: "
                     "fatal\n",
                     "BERT"));
    CHECK(refused_with("Dec 20 13:38:32 pc rasdaemon[77]: mce_record: bank=1, status= bd8\n",
                       "rasdaemon"));
}

TEST_CASE("the injector's exception without MCIP is an exception", "[exchange][dmesg]") {
    const std::string one = record("[ 1.1] ", "CPU 0: Machine Check: 0 Bank 1: b400000000000000",
                                   "TSC 8b58e69ed9 ADDR 1234");
    const auto out = import("[ 1.0] mce: Triggering MCE exception on CPU 0\n" + one);
    const Json& e = (*out.scenario)["events"][0];
    CHECK(e["poll"] == false);
    CHECK(e["via"] == "mce-inject");
    const auto done = import(
        "[ 1.0] mce: Triggering MCE exception on CPU 0\n"
        "[ 1.0] mce: MCE exception done on CPU 0\n" +
        one);
    CHECK((*done.scenario)["events"][0]["poll"] == true);
    CHECK((*import("[ 1.0] mce: Triggering MCE exception on CPU 1\n" + one)
                .scenario)["events"][0]["poll"] == true);
}

TEST_CASE("a page of a process is memory although its type conflicts", "[exchange][dmesg]") {
    const auto out = import(
        "[ 1.0] mce: Uncorrected hardware memory error in user-access at 185060240\n"
        "[ 1.1] Memory failure: 0x185060: Sending SIGBUS to a:7 due to hardware memory corruption\n"
        "[ 1.2] x86/PAT: a:7 conflicting memory types 185060000-185061000 "
        "uncached-minus<->write-back\n");
    CHECK((*out.scenario)["processes"][0]["maps"][0]["at"] == "0x185060000");
    CHECK(lost(out, "in a range that is no memory"));
}

TEST_CASE("a storm of one page is imported in no time", "[exchange][dmesg]") {
    std::string log;
    for (int i = 0; i < 3000; ++i)
        log +=
            "[" + std::to_string(10 + i) +
            ".0] EDAC MC0: 1 CE memory read error on L (channel:0 slot:0 page:0x12345 offset:0x40 "
            "grain:32 syndrome:0x0 -  err_code:0x0101:0x0090)\n";
    CHECK((*import(log).scenario)["events"].size() == 3000);
}

}  // namespace
}  // namespace mcemu::exchange
