// mce-inject text to scenarios and back (mce-inject-format.md 1).
#include "exchange/mce_inject_import.hpp"

#include <catch2/catch.hpp>

#include "exchange/mce_export.hpp"
#include "formats/mce_inject.hpp"
#include "scenario/load.hpp"

namespace mcemu::exchange {
namespace {

using Json = nlohmann::ordered_json;

Json imported(const std::string& text) {
    const scenario::Imported out = import_mce_inject("f", text);
    for (const scenario::Finding& f : out.findings) UNSCOPED_INFO(f.line << ": " << f.wrong);
    REQUIRE(out.scenario);
    return *out.scenario;
}

std::string refused(const std::string& text) {
    const scenario::Imported out = import_mce_inject("f", text);
    CHECK_FALSE(out.scenario);
    REQUIRE(out.findings.size() == 1);
    return std::to_string(out.findings[0].line) + ": " + out.findings[0].wrong;
}

std::string exported(const Json& scenario) {
    const scenario::LoadResult loaded = scenario::load_text("s.json", scenario.dump());
    REQUIRE(loaded.loaded);
    return mce_inject_of(loaded.loaded->scenario, loaded.loaded->document()).text;
}

const std::string kText =
    "CPU 1 BANK 2 STATUS UNCORRECTED SRAO 0x17a MCGSTATUS RIPV MCIP ADDR 0x1000 MISC 0x8c HOLD "
    "IN_PROC\n"
    "CPU 0 BANK 1 TSC 0x1234 SOCKETID 1 APICID 3 MCGCAP 0xc09 STATUS UNCORRECTED SRAR 0x134\n"
    "MCGSTATUS RIPV EIPV MCIP ADDR 0 RIP 0x73:0x1eadbabe PROCESSOR 2:0x800f12 IRQBROADCAST\n"
    "CPU 2 BANK 4 STATUS CORRECTED ADDR 0x777 EXCP NOBROADCAST IN_IRQ\n"
    "CPU 3 BANK 4 STATUS UNCORRECTED POLL\n";

/// Registers, flags and order: all that the program hands to the kernel.
std::string canonical(const std::string& text) {
    std::string out;
    for (const formats::MceInjectRecord& r : formats::parse_mce_inject(text).records) {
        for (const std::uint64_t v :
             {std::uint64_t{r.cpu}, std::uint64_t{r.bank}, r.status, r.mcgstatus,
              r.addr.value_or(0), r.misc.value_or(0), std::uint64_t{r.cs}, r.ip, r.tsc, r.time,
              std::uint64_t{r.cpuvendor}, std::uint64_t{r.cpuid}, std::uint64_t{r.socketid},
              std::uint64_t{r.apicid}, r.mcgcap,
              std::uint64_t{r.raise_as == formats::MceInjectRecord::RaiseAs::poll},
              std::uint64_t{r.hold}, static_cast<std::uint64_t>(r.context),
              static_cast<std::uint64_t>(r.broadcast)})
            out += std::to_string(v) + " ";
        out += "\n";
    }
    return out;
}

TEST_CASE("an mce-inject file survives the way there and back", "[exchange][mce-inject]") {
    const std::string back = exported(imported(kText));
    INFO(back);
    CHECK(canonical(back) == canonical(kText));
    CHECK(exported(imported(back)) == exported(imported(exported(imported(back)))));
}

TEST_CASE("held records happen at the time of their trigger, others one after the other",
          "[exchange][mce-inject]") {
    const Json events = imported(kText)["events"];
    REQUIRE(events.size() == 4);
    CHECK(events[0]["at"] == "1ms");
    CHECK(events[0]["hold"] == true);
    CHECK(events[1]["at"] == "1ms");
    CHECK(events[2]["at"] == "101ms");
    CHECK(events[3]["at"] == "201ms");
}

TEST_CASE("TIME places records to the second", "[exchange][mce-inject]") {
    const Json s =
        imported("MCE TIME 1600000000 BANK 1\nMCE TIME 1600000090 BANK 1\nMCE TIME 5 BANK 1\n");
    CHECK(s["machine"]["wall_time"] == 1600000000);
    CHECK(s["events"][1]["at"] == "90s");
    CHECK(s["events"][2]["at"] == "90.1s");
}

TEST_CASE("broadcast and raise mode are those that the program chooses", "[exchange][mce-inject]") {
    const Json events = imported(kText)["events"];
    CHECK(events[0]["broadcast"] == "nmi");
    CHECK(events[1]["broadcast"] == "irq");
    CHECK(events[2]["broadcast"] == false);
    CHECK(events[2]["poll"] == false);
    CHECK(events[2]["context"] == "irq");
    CHECK(events[3]["poll"] == true);
    CHECK_FALSE(events[3].contains("broadcast"));
}

TEST_CASE("the machine is as large as the records need", "[exchange][mce-inject]") {
    const Json s = imported("CPU 9 BANK 25 ADDR 0x200000000\n");
    CHECK(s["machine"]["cpus"]["cores"] == 10);
    CHECK(s["machine"]["mca"]["banks"] == 26);
    CHECK(s["machine"]["memory"][0]["size"] == "9GiB");
}

TEST_CASE("a bad mce-inject file is refused whole", "[exchange][mce-inject]") {
    CHECK(refused("CPU 0 BANK 1\nSTATUS EIPV\n") == "2: 'EIPV' cannot stand here");
    CHECK(refused("# nothing\n") == "1: there is no record in it");
    CHECK(refused("CPU 70000 BANK 1\n") == "1: CPU 70000 is beyond any emulated machine");
    CHECK(refused("CPU 0\nBANK 200\n") == "1: there is no machine-check bank 200");
}

TEST_CASE("a byte-order mark and CR LF are no part of mce-inject text", "[exchange][mce-inject]") {
    CHECK(imported("\xef\xbb\xbf"
                   "CPU 0 BANK 1\r\nSTATUS CORRECTED\r\n")["events"]
              .size() == 1);
}

TEST_CASE("machine checks of the hardware at one time are held but the last",
          "[exchange][mce-inject]") {
    Json s = {{"schema", "mcemu/scenario/1"}, {"name", "two"}};
    for (const int cpu : {0, 1})
        s["events"].push_back(
            {{"at", "1ms"}, {"do", "mce"}, {"cpu", cpu}, {"status", "FATAL-PCC"}});
    const std::string text = exported(s);
    const auto records = formats::parse_mce_inject(text).records;
    REQUIRE(records.size() == 2);
    CHECK(records[0].hold);
    CHECK_FALSE(records[1].hold);
    CHECK(records[1].time == 1530000000);
}

TEST_CASE("QEMU's commands become machine checks of the hardware and back", "[exchange][qemu]") {
    const std::string text =
        "mce -b 0 1 0xbd80000000000134 0x7 0x12345040 0x8c\nmce 1 9 0x9c00000000010090 0x0 "
        "0x23456000 0x8c\n";
    const scenario::Imported out = import_qemu("f", text);
    REQUIRE(out.scenario);
    const scenario::LoadResult loaded = scenario::load_text("s.json", out.scenario->dump());
    REQUIRE(loaded.loaded);
    CHECK(qemu_of(loaded.loaded->scenario, loaded.loaded->document()).text == text);
    CHECK((*out.scenario)["events"][0]["broadcast"] == true);
    CHECK((*out.scenario)["events"][1]["poll"] == true);
    CHECK_FALSE(out.lost.empty());
}

TEST_CASE("records of a run are exported, but those of firmware", "[exchange][mce-inject]") {
    const nlohmann::json result = {
        {"scenario", "r"},
        {"records",
         {{{"t_ns", 1000},
           {"cpu", 1},
           {"bank", 7},
           {"status", "0xbd000000000000c0"},
           {"mcgstatus", "0x5"},
           {"addr", "0x1000"},
           {"misc", "0x86"},
           {"cs", "0x10"},
           {"ip", "0x0"}},
          {{"t_ns", 1000}, {"cpu", 0}, {"bank", -1}, {"status", "0xbc0000000000009f"}}}}};
    const Exported out = mce_inject_of(result);
    const auto records = formats::parse_mce_inject(out.text).records;
    REQUIRE(records.size() == 1);
    CHECK(records[0].status == 0xbd000000000000c0);
    CHECK(records[0].mcgstatus == 5);
    REQUIRE(out.lost.size() == 1);
    CHECK(out.lost[0].find("bank -1") != std::string::npos);
    CHECK(qemu_of(result).text == "mce -b 1 7 0xbd000000000000c0 0x5 0x1000 0x86\n");
    nlohmann::json higher = result;
    higher["records"][0]["bank"] = 13;
    const std::vector<std::string> told = qemu_of(higher).lost;
    CHECK(std::any_of(told.begin(), told.end(), [](const std::string& line) {
        return line.find("banks 0 to 9") != std::string::npos;
    }));
}

TEST_CASE("records on one line are several events", "[exchange][mce-inject]") {
    const scenario::Imported out = import_mce_inject(
        "f", "CPU 0 BANK 1 STATUS CORRECTED CPU 1 BANK 2 STATUS FATAL MCGSTATUS MCIP");
    REQUIRE(out.scenario);
    const auto& events = (*out.scenario)["events"];
    REQUIRE(events.size() == 2);
    CHECK(events[0]["id"] == "line-1");
    CHECK(events[1]["id"] == "line-1-2");
    CHECK(events[1]["cpu"] == 1);
}

TEST_CASE("a bank that no machine has is told with what was cut", "[exchange][mce-inject]") {
    const scenario::Imported out = import_mce_inject("f", "CPU 0 BANK 300 STATUS CORRECTED");
    CHECK_FALSE(out.scenario);
    REQUIRE(out.findings.size() == 2);
    CHECK(out.findings[0].wrong == "there is no machine-check bank 44");
    CHECK(out.findings[1].wrong.find("300") != std::string::npos);
}

}  // namespace
}  // namespace mcemu::exchange
