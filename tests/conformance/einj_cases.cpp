// Errors planted through ACPI EINJ in a page of a running process. Nothing of it is recorded: what
// the suite itself requires is all there is.
#include <algorithm>
#include <regex>

#include "conformance/mce_test.hpp"
#include "conformance/oracle_translate.hpp"

namespace mcemu::conformance {
namespace {

constexpr const char* kPage = "0x12345000";
constexpr const char* kVa = "0x7f0000001000";
constexpr unsigned kDaemonsThreshold = 10;  // mcelog.conf: memory-ce-threshold = 10 / 24h

/// EINJ error types (ACPI 6.5 table 18.31): bit 3 corrected, bits 4 and 5 uncorrected memory
/// errors.
bool corrected(const json& record) { return number(record["injection"]["error_type"]) & 0x8; }

/// Firmware reports what it corrected, or the kernel counts it by itself.
bool reported_by_firmware(const json& record) { return !record["expect"]["log_patterns"].empty(); }

json access(const std::string& how, const std::string& at) {
    return {{"do", how}, {"at", at}, {"process", "victim"}, {"va", kVa}, {"size", 8}};
}

json events_of(const json& record) {
    const std::string victim = record["preconditions"]["victim_process"];
    const std::string how = victim.find("code page") != std::string::npos ? "fetch" : "load";
    json events = json::array();
    if (!corrected(record)) {
        events.push_back({{"do", "poison"}, {"at", "1ms"}, {"spa", kPage}, {"length", "4KiB"}});
        events.push_back(access(how, "1001ms"));
    } else if (reported_by_firmware(record)) {
        events.push_back({{"do", "cper"},
                          {"at", "1ms"},
                          {"severity", "corrected"},
                          {"section", "memory"},
                          {"address", kPage},
                          {"mask", "0xfffffffffffff000"},
                          {"error_type", 2}});
        events.push_back(access(how, "1001ms"));
    } else {  // one corrected error every 2 s
        events.push_back({{"do", "mce"},
                          {"at", "1ms"},
                          {"every", "2s"},
                          {"times", 100},
                          {"bank", 13},
                          {"status", "0x8c00004000010090"},
                          {"addr", kPage},
                          {"misc", "0x86"}});
        events.push_back(access(how, "299s"));
    }
    return events;
}

}  // namespace

std::vector<Case> einj_cases(const json& record) {
    std::vector<Case> cases;
    for (const std::string profile : {"v4.18", "v4.19", "v6.1"}) {
        Case c;
        c.name = profile;
        c.scenario = {
            {"schema", "mcemu/scenario/1"},
            {"name", record["name"]},
            {"until", record["expect"]["timeout_s"].dump() + "s"},
            {"kernel", {{"profile", profile}}},
            {"machine",
             {{"memory", json::array({{{"id", "dram0"}, {"base", "0x0"}, {"size", "2GiB"}}})}}},
            {"processes", json::array({{{"id", "victim"},
                                        {"maps", json::array({{{"id", "m"},
                                                               {"va", kVa},
                                                               {"size", "4KiB"},
                                                               {"kind", "anon"},
                                                               {"at", kPage}}})}}})},
            {"events", events_of(record)}};
        if (corrected(record) && !reported_by_firmware(record)) {
            // On the suite's machine a daemon counts, and acts on ten errors of a page. Here the
            // kernel's own collector does; that of v4.x would wait for 1023.
            c.scenario["kernel"]["decoders"] = {{"cec", true}};
            if (profile != "v6.1")
                c.scenario["events"].push_back({{"do", "sysctl"},
                                                {"at", "0ms"},
                                                {"name", "count_threshold"},
                                                {"value", kDaemonsThreshold}});
        }
        cases.push_back(c);
    }
    return cases;
}

Verdict compare_einj(const json& record, const Case&, const json& result) {
    Verdict v;
    const json& e = record["expect"];
    differ(v.differences, "panic", e["panic"], result["outcome"] == "panic");
    differ(v.differences, "killed", e["killed"], result["processes"][0]["state"] == "killed");
    if (!e["killed"].get<bool>())
        differ(v.differences, "signals", json::array(), result["signals"]);
    for (const json& pattern : e["log_patterns"]) {
        const std::regex re(pattern.get<std::string>(), std::regex::ECMAScript);
        if (std::none_of(result["log"].begin(), result["log"].end(), [&re](const json& l) {
                return std::regex_search(l["text"].get<std::string>(), re);
            }))
            v.differences.push_back("log_patterns: no line matches " + pattern.get<std::string>());
    }
    if (!corrected(record)) {
        const auto grades = [&result](const std::string& wanted) {
            return std::any_of(result["records"].begin(), result["records"].end(),
                               [&wanted](const json& r) { return r["severity"] == wanted; });
        };
        differ(v.differences, "severity " + e["severity"].get<std::string>(), true,
               grades(e["severity"]));
    }
    if (corrected(record) && !reported_by_firmware(record)) {
        // Soft-offlined: the frame is out of use, and the access at the end found another.
        bool poisoned = false;
        for (const json& p : result["pages"]) poisoned = poisoned || p["pfn"] == "0x12345";
        differ(v.differences, "page soft-offlined", true, poisoned);
    }
    for (const json& a : result["accesses"])
        if (!e["killed"].get<bool>()) differ(v.differences, "access", "ok", a["result"]);
    return v;
}

}  // namespace mcemu::conformance
