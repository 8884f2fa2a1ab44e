// Kernel logs of the field to scenarios (mce-inject-format.md 3).
#include "exchange/dmesg_import.hpp"

#include <catch2/catch.hpp>

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
Json scenario_of(const std::string& log) { return *import(log).scenario; }

std::string refused(const std::string& log) {
    const scenario::Imported out = import_dmesg("l", log);
    CHECK_FALSE(out.scenario);
    REQUIRE_FALSE(out.findings.empty());
    return out.findings[0].wrong;
}

const std::string kRecord =
    "[  100.000000] mce: [Hardware Error]: CPU 5: Machine Check Exception: 7 Bank 1: "
    "bd80000000100134\n"
    "[  100.000001] mce: [Hardware Error]: RIP 33:<0000000000401136>\n"
    "[  100.000002] mce: [Hardware Error]: TSC abc ADDR e16677040 MISC 86 \n"
    "[  100.000003] mce: [Hardware Error]: PROCESSOR 0:50657 TIME 1530000100 SOCKET 0 APIC a "
    "microcode 5003006\n";

TEST_CASE("a record becomes a machine check of the process that was killed", "[exchange][dmesg]") {
    const Json s = scenario_of(
        kRecord +
        "[  100.000100] Memory failure: 0xe16677: Sending SIGBUS to java:77 due to hardware memory "
        "corruption\n"
        "[  100.000110] Memory failure: 0xe16677: recovery action for dirty LRU page: Recovered\n");
    CHECK(s["kernel"]["profile"] == "v6.1");
    REQUIRE(s["events"].size() == 1);
    const Json& e = s["events"][0];
    CHECK(e["do"] == "mce");
    CHECK(e["at"] == "1ms");
    CHECK(e["cpu"] == 5);
    CHECK(e["status"] == "0xbd80000000100134");
    CHECK(e["cs"] == "0x33");
    CHECK(e["process"] == "java-77");
    CHECK(e["poll"] == false);
    CHECK(s["processes"][0]["pid"] == 77);
    CHECK(s["processes"][0]["cpu"] == 5);
    CHECK(s["processes"][0]["maps"][0]["at"] == "0xe16677000");
    CHECK(s["machine"]["wall_time"] == 1530000100);
    CHECK(s["machine"]["memory"][0]["size"] == "57GiB");
}

TEST_CASE("distances in time are those of the log, whatever its clock", "[exchange][dmesg]") {
    const auto second_at = [](const std::string& a, const std::string& b) {
        const std::string ce =
            "mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 7: 9c00004001010090\n";
        const Json s = scenario_of(a + ce + b + ce + "mce: [Hardware Error]: TSC 0 ADDR 40 \n");
        REQUIRE(s["events"].size() == 2);
        return s["events"][1]["at"].get<std::string>();
    };
    CHECK(second_at("[   10.000000] ", "[   12.500000] ") == "2.501s");
    CHECK(second_at("<3>[   10.000000] ", "<3>[   12.500000] ") == "2.501s");
    CHECK(second_at("[Thu Dec 20 13:38:32 2018] ", "[Thu Dec 20 13:38:35 2018] ") == "3.001s");
    CHECK(second_at("Dec 31 23:59:59 h kernel: ", "Jan  1 00:00:02 h kernel: ") == "3.001s");
    CHECK(second_at("", "") == "101ms");
    CHECK(second_at("[   10.000000] ", "[999999.000000] ") == "86400.001s");
}

TEST_CASE("machine checks of one broadcast happen at one instant", "[exchange][dmesg]") {
    const Json events = scenario_of(
        "[  1.000001] mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 7: "
        "be00000000010090\n"
        "[  1.000005] mce: [Hardware Error]: CPU 0: Machine Check Exception: 5 Bank 4: "
        "be00000000800400\n"
        "[  1.000009] Kernel panic - not syncing: Fatal machine check\n")["events"];
    REQUIRE(events.size() == 2);
    CHECK(events[0]["at"] == events[1]["at"]);
}

TEST_CASE("a panic's repetition of a record is no second event", "[exchange][dmesg]") {
    CHECK(scenario_of(kRecord + kRecord)["events"].size() == 1);
}

TEST_CASE("madvise(MADV_HWPOISON) in a log is done again, on the same page", "[exchange][dmesg]") {
    const Json s = scenario_of(
        "Injecting memory failure for pfn 0x200200 at process virtual address 0x7f763dd00000\n"
        "Memory failure: 0x200200: Killing dax-pmd:5421 due to hardware memory corruption\n"
        "Memory failure: 0x200200: recovery action for dax page: Recovered\n");
    CHECK(s["kernel"]["profile"] == "v4.19");
    CHECK(s["events"][0]["do"] == "madvise");
    CHECK(s["events"][0]["process"] == "dax-pmd-5421");
    CHECK(s["machine"]["regions"][0]["base"] == "0x200000000");
    CHECK(s["machine"]["namespaces"][0]["align"] == "4KiB");
    CHECK(s["processes"][0]["maps"][0]["offset"] == "0x0");
}

TEST_CASE("what memory_failure() says alone becomes a call of it", "[exchange][dmesg]") {
    const Json s =
        scenario_of("Memory failure: 0x4321: recovery action for kernel slab page: Failed\n");
    CHECK(s["events"][0]["do"] == "call");
    CHECK(s["events"][0]["arguments"][0] == "0x4321");
    CHECK(s["kernel_pages"][0]["state"] == "slab");
}

TEST_CASE("a firmware report becomes a cper event, processes that asked are told early",
          "[exchange][dmesg]") {
    const Json s = scenario_of(
        "{7}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 4\n"
        "{7}[Hardware Error]: event severity: recoverable\n"
        "{7}[Hardware Error]:   section_type: memory error\n"
        "{7}[Hardware Error]:   physical_address: 0x000000276aeb0180\n"
        "Memory failure: 0x276aeb0: Sending SIGBUS to qemu:9 due to hardware memory corruption\n"
        "Memory failure: 0x276aeb0: Sending SIGBUS to other:10 due to hardware memory "
        "corruption\n");
    REQUIRE(s["events"].size() == 1);
    CHECK(s["events"][0]["do"] == "cper");
    CHECK(s["events"][0]["address"] == "0x276aeb0180");
    REQUIRE(s["processes"].size() == 2);
    CHECK(s["processes"][0]["mce_kill"] == "early");
    CHECK(s["processes"][1]["maps"][0]["shared_with"] == s["processes"][0]["maps"][0]["id"]);
}

TEST_CASE("EDAC's line alone becomes a corrected error, with its record it adds nothing",
          "[exchange][dmesg]") {
    const std::string edac =
        "EDAC MC0: 1 CE memory read error on L (channel:0 slot:0 page:0x1845e22 offset:0x440 "
        "grain:32 syndrome:0x0 -  "
        "err_code:0101:0090)\n";
    const Json alone = scenario_of(edac);
    CHECK(alone["events"][0]["status"] == "0x9c00004001010090");
    CHECK(alone["events"][0]["addr"] == "0x1845e22440");
    CHECK(alone["kernel"]["decoders"]["edac"] == true);
    const Json both = scenario_of(
        "EDAC skx MC0: CPU 3: Machine Check Event: 0 Bank 7: 9c00004001010090\nEDAC skx MC0: TSC "
        "0\n"
        "EDAC skx MC0: ADDR 1845e22440\nEDAC skx MC0: PROCESSOR 0:50657 TIME 1 SOCKET 0 APIC 0\n" +
        edac);
    REQUIRE(both["events"].size() == 1);
    CHECK(both["events"][0]["cpu"] == 3);
}

TEST_CASE("a memory-type conflict is made again by two reservations", "[exchange][dmesg]") {
    const Json s = scenario_of(
        "x86/PAT: pcimem:922 conflicting memory types ca000000-ca800000 "
        "uncached-minus<->write-combining\n"
        "x86/PAT: reserve_memtype failed [mem 0xca000000-0xca7fffff], track uncached-minus, req "
        "uncached-minus\n");
    REQUIRE(s["events"].size() == 2);
    CHECK(s["events"][0]["arguments"][2] == "0x1");
    CHECK(s["events"][1]["arguments"][2] == "0x2");
    CHECK(s["events"][1]["process"] == "pcimem-922");
}

TEST_CASE("the nearest profile is taken, and said", "[exchange][dmesg]") {
    const scenario::Imported out = import("Linux version 5.4.0-1 (x)\n" + kRecord);
    CHECK((*out.scenario)["kernel"]["profile"] == "v4.19");
    bool said = false;
    for (const scenario::Finding& f : out.lost)
        said = said || f.wrong.find("Linux 5.4.0-1") != std::string::npos;
    CHECK(said);
    CHECK(scenario_of("Linux version 3.10.0 (x)\n" + kRecord)["kernel"]["profile"] == "v4.18");
    CHECK(scenario_of("Linux version 99.1 (x)\n" + kRecord)["kernel"]["profile"] != "v4.18");
}

TEST_CASE("memory outside kernel control is none of the machine's", "[exchange][dmesg]") {
    const Json s = scenario_of("Memory failure: 0x4321: memory outside kernel control\n");
    REQUIRE(s["machine"]["memory"].size() == 2);
    CHECK(s["machine"]["memory"][0]["size"] == "68740KiB");
    CHECK(s["machine"]["memory"][1]["base"] == "0x4322000");
}

TEST_CASE("another vendor's records are left out, and said", "[exchange][dmesg]") {
    CHECK(
        refused(
            "mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 21: dc2040000400011b\n"
            "mce: [Hardware Error]: PROCESSOR 2:a60f12 TIME 1 SOCKET 0 APIC 0 microcode a601206\n")
            .find("no hardware error that could be emulated") != std::string::npos);
}

TEST_CASE("a log without errors is refused in one line", "[exchange][dmesg]") {
    CHECK(refused("") == "this log holds no hardware error that could be emulated");
    CHECK(refused("[    1.0] usb 1-1: new device\n").starts_with("this log holds no"));
}

TEST_CASE("ten thousand records in a day are imported in order", "[exchange][dmesg]") {
    std::string log;
    for (int i = 0; i < 10000; ++i)
        log += "[" + std::to_string(i) + ".000000] Memory failure: 0x" +
               std::to_string(1000 + i % 500) + ": already hardware poisoned\n";
    CHECK(scenario_of(log)["events"].size() > 500);
}

}  // namespace
}  // namespace mcemu::exchange
