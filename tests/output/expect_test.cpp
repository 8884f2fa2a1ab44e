#include "output/expect.hpp"

#include <catch2/catch.hpp>

namespace mcemu::output {
namespace {

using Json = nlohmann::ordered_json;

/// The result of a small run: madvise(MADV_HWPOISON) on device-dax, v4.19 (B07).
Json result() {
    return Json::parse(R"({
        "outcome": "running", "panic": null, "class": "recovered",
        "log": [
            {"t_ns": 1, "level": 6, "text": "Injecting memory failure for pfn 0x20cb00 at process virtual address 0x7f763dd00000"},
            {"t_ns": 2, "level": 3, "text": "Memory failure: 0x20cb00: Killing dax-pmd:5421 due to hardware memory corruption"},
            {"t_ns": 3, "level": 3, "text": "Memory failure: 0x20cb00: recovery action for dax page: Recovered"}],
        "signals": [
            {"t_ns": 4, "process": "a", "pid": 801, "signal": "SIGBUS", "code": "BUS_MCEERR_AR", "addr": "0x7f1000300000", "lsb": 21},
            {"t_ns": 4, "process": "b", "pid": 802, "signal": "SIGBUS", "code": "BUS_MCEERR_AO", "addr": "0x7f2000300000", "lsb": 12}],
        "syscalls": [{"event": "e1", "name": "madvise", "ret": 0, "errno": null},
                     {"event": "e2", "name": "madvise", "ret": -16, "errno": "EBUSY"}],
        "processes": [{"id": "a", "pid": 801, "state": "killed", "by": "SIGBUS"},
                      {"id": "b", "pid": 802, "state": "alive"}],
        "events": [{"id": "e1", "t_ns": 1, "fate": "consumed", "because": "memory_failure() acted"}],
        "pages": [{"pfn": "0x20cb00", "flags": ["reserved", "hwpoison"], "users": 1}],
        "memtypes": ["write-back @ 0x200000000-0x240000000"],
        "direct_map": {"4k_kB": 100, "2M_kB": 2048, "1G_kB": 2097152,
                       "ranges": [{"pfn": "0x20cb00", "pages": 2, "type": "UC-"}]},
        "badblocks": {"namespace0.0": "382977 1\n", "region0": "415745 1\n"},
        "poison": {"nmem0": [{"dpa": "0x1000", "length": 256}]},
        "counters": {"HardwareCorrupted_kB": 18446744073709551612, "num_poisoned_pages": -1},
        "msrs": [{"cpu": 0, "bank": 1, "status": "0xbd80000000100134", "addr": "0x0", "misc": "0x86"}],
        "latency": [{"from": "event:e1", "to": "signal:a", "ns": 30834, "phases": []}],
        "expect": []})");
}

std::vector<Finding> judge(const char* expect) {
    return evaluate(nlohmann::json::parse(expect), result());
}
bool met(const char* expect) {
    const auto findings = judge(expect);
    for (const Finding& f : findings)
        if (!f.ok) return false;
    return !findings.empty();
}
Finding failure(const char* expect) {
    for (const Finding& f : judge(expect))
        if (!f.ok) return f;
    throw std::runtime_error("every expectation was met");
}

}  // namespace

// ---------------------------------------------------------------- log

TEST_CASE("a log without gaps must match whole", "[output][expect]") {
    CHECK(met(R"({"log": [
        "Injecting memory failure for pfn 0x20cb00 at process virtual address 0x7f763dd00000",
        "Memory failure: 0x20cb00: Killing dax-pmd:5421 due to hardware memory corruption",
        {"re": "dax page: Recovered$"}]})"));
    const Finding f = failure(R"({"log": [
        "Injecting memory failure for pfn 0x20cb00 at process virtual address 0x7f763dd00000"]})");
    CHECK(f.at == "/expect/log/1");
    CHECK(f.wanted == "the end of the log");
    CHECK(f.got ==
          "Memory failure: 0x20cb00: Killing dax-pmd:5421 due to hardware memory corruption");
}

TEST_CASE("an empty list wants an empty log", "[output][expect]") {
    CHECK_FALSE(met(R"({"log": []})"));
    CHECK(met(R"({"log": ["..."]})"));
}

TEST_CASE("three dots skip any number of lines, also none", "[output][expect]") {
    CHECK(met(
        R"({"log": ["...", "Memory failure: 0x20cb00: recovery action for dax page: Recovered"]})"));
    CHECK(met(R"({"log": [{"re": "^Injecting"}, "..."]})"));
    CHECK(met(
        R"({"log": [{"re": "^Injecting"}, "...", {"re": "Killing"}, "...", {"re": "Recovered"}, "..."]})"));
    CHECK(met(R"({"log": ["...", {"re": "Killing"}, "..."]})"));
}

TEST_CASE("lines without dots between them stand next to each other", "[output][expect]") {
    CHECK(met(R"({"log": ["...", {"re": "Killing"}, {"re": "Recovered"}, "..."]})"));
    CHECK_FALSE(met(R"({"log": ["...", {"re": "Injecting"}, {"re": "Recovered"}, "..."]})"));
}

TEST_CASE("lines come in the order wanted", "[output][expect]") {
    const Finding f =
        failure(R"({"log": ["...", {"re": "Recovered"}, "...", {"re": "Killing"}, "..."]})");
    CHECK(f.at == "/expect/log/3");
}

TEST_CASE("a missing line names the line most like it", "[output][expect]") {
    const Finding f = failure(
        R"({"log": ["...", "Memory failure: 0x20cb00: Killing dax-pmd:5422 due to hardware memory corruption", "..."]})");
    CHECK(f.at == "/expect/log/1");
    CHECK(f.nearest["line"] == 1);
    CHECK(f.nearest["edits"] == 1);
}

TEST_CASE("no_log fails on a line that holds the text", "[output][expect]") {
    CHECK(met(R"({"no_log": ["Could not invalidate", {"re": "^x86/PAT"}]})"));
    const Finding f = failure(R"({"no_log": ["panic", "Killing dax-pmd"]})");
    CHECK(f.at == "/expect/no_log/1");
}

TEST_CASE("a bad pattern fails its expectation", "[output][expect]") {
    CHECK(failure(R"({"no_log": [{"re": "("}]})").note.find("no ECMAScript pattern") !=
          std::string::npos);
    CHECK_FALSE(met(R"({"log": ["...", {"re": "["}]})"));
}

// ---------------------------------------------------------------- signals, system calls, processes

TEST_CASE("signals match in order and completely", "[output][expect]") {
    CHECK(met(
        R"({"signals": [{"process": "a", "code": "BUS_MCEERR_AR", "lsb": 21}, {"process": "b"}]})"));
    CHECK(failure(R"({"signals": [{"process": "a"}]})").at == "/expect/signals/1");
    CHECK(failure(R"({"signals": [{"process": "b"}, {"process": "a"}]})").at ==
          "/expect/signals/0/process");
    CHECK_FALSE(met(R"({"signals": []})"));
}

TEST_CASE("what else differs is told beside the first difference", "[output][expect]") {
    const Finding f = failure(R"({"signals": [
        {"process": "a", "signal": "SIGSEGV", "code": "SEGV_MAPERR", "addr": "0x7f1000300000"},
        {"process": "b"}]})");
    CHECK(f.at == "/expect/signals/0/code");
    CHECK(f.note == "also signal: wanted \"SIGSEGV\", got \"SIGBUS\"");
    CHECK(failure(R"({"signals": [{"process": "a", "lsb": 12}, {"process": "b"}]})").note.empty());
}

TEST_CASE("contains looks for signals in any order, each once", "[output][expect]") {
    CHECK(met(R"({"signals": {"contains": [{"process": "b"}, {"signal": "SIGBUS"}]}})"));
    const Finding f = failure(R"({"signals": {"contains": [{"process": "a"}, {"process": "a"}]}})");
    CHECK(f.at == "/expect/signals/contains/1");
    CHECK_FALSE(met(R"({"signals": {"lacks": [{"process": "b"}]}})"));
}

TEST_CASE("a system call is judged by number or errno name", "[output][expect]") {
    CHECK(met(R"({"syscalls": {"e1": 0, "e2": "EBUSY"}})"));
    CHECK(met(R"({"syscalls": {"e2": "-EBUSY"}})"));
    CHECK(met(R"({"syscalls": {"e2": -16}})"));
    CHECK_FALSE(met(R"({"syscalls": {"e2": 16}})"));
    // What came is named as what was wanted: without a sign, or with it.
    CHECK(failure(R"({"syscalls": {"e2": "EIO"}})").got == "EBUSY");
    CHECK(failure(R"({"syscalls": {"e2": "-EIO"}})").got == "-EBUSY");
    CHECK(failure(R"({"syscalls": {"e2": 0}})").got == "EBUSY");
    CHECK(failure(R"({"syscalls": {"e9": 0}})").note == "e9 made 0 system calls");
}

TEST_CASE("a process is judged by its state or by more", "[output][expect]") {
    CHECK(met(R"({"processes": {"a": "killed", "b": {"state": "alive"}}})"));
    CHECK(met(R"({"processes": {"a": {"state": "killed", "by": "SIGBUS"}}})"));
    CHECK(failure(R"({"processes": {"a": {"by": "SIGKILL"}}})").at == "/expect/processes/a/by");
    CHECK_FALSE(met(R"({"processes": {"c": "alive"}})"));
}

TEST_CASE("a fate is judged by event id", "[output][expect]") {
    CHECK(met(R"({"fates": {"e1": "consumed"}})"));
    CHECK(failure(R"({"fates": {"e1": "latent"}})").got == "consumed");
}

// ---------------------------------------------------------------- state

TEST_CASE("a page's flags are compared as a set", "[output][expect]") {
    CHECK(
        met(R"({"pages": [{"pfn": "0x20cb00", "flags": ["hwpoison", "reserved"], "users": 1}]})"));
    CHECK_FALSE(met(R"({"pages": [{"pfn": "0x20cb00", "flags": ["hwpoison"]}]})"));
    CHECK(met(R"({"pages": [{"pfn": "0x999", "flags": []}]})"));
}

TEST_CASE("memtypes match whole, or among others", "[output][expect]") {
    CHECK(met(R"({"memtypes": ["write-back @ 0x200000000-0x240000000"]})"));
    CHECK(met(R"({"memtypes": {"contains": ["write-back @ 0x200000000-0x240000000"]}})"));
    CHECK_FALSE(met(R"({"memtypes": []})"));
}

TEST_CASE("the direct map is judged by counter, by range and by page", "[output][expect]") {
    CHECK(met(R"({"direct_map": {"4k_kB": 100, "ranges": [{"pfn": "0x20cb00", "type": "UC-"}]}})"));
    CHECK(met(R"({"direct_map": {"0x20cb01": "UC-", "0x20cb02": "WB"}})"));
    CHECK_FALSE(met(R"({"direct_map": {"0x20cb00": "NP"}})"));
}

TEST_CASE("badblocks are judged by namespace, region and device", "[output][expect]") {
    CHECK(met(R"({"badblocks": {"namespace0.0": "382977 1\n", "region0": "415745 1\n"}})"));
    CHECK_FALSE(met(R"({"badblocks": {"namespace0.0": ""}})"));
    const auto by_device =
        evaluate(nlohmann::json::parse(R"({"badblocks": {"pmem0": "382977 1\n"}})"), result(),
                 {{"pmem0", "namespace0.0"}});
    CHECK(by_device.at(0).ok);
    CHECK(failure(R"({"badblocks": {"dax0.0": ""}})").note == "dax0.0 has no badblocks file");
}

TEST_CASE("counters are unsigned or signed as they are", "[output][expect]") {
    CHECK(met(
        R"({"counters": {"HardwareCorrupted_kB": 18446744073709551612, "num_poisoned_pages": -1}})"));
    CHECK(failure(R"({"counters": {"cows": 1}})").note == "there is no cows");
}

TEST_CASE("a bank that was never used reads zero", "[output][expect]") {
    CHECK(met(R"({"msrs": [{"cpu": 0, "bank": 1, "status": "0xbd80000000100134"},
                           {"cpu": 3, "bank": 7, "status": "0x0"}]})"));
    CHECK(failure(R"({"msrs": [{"cpu": 0, "bank": 1, "misc": "0x8c"}]})").at ==
          "/expect/msrs/0/misc");
}

TEST_CASE("poison is judged by device", "[output][expect]") {
    CHECK(met(R"({"poison": {"nmem0": [{"dpa": "0x1000", "length": 256}]}})"));
    CHECK_FALSE(met(R"({"poison": {"nmem0": []}})"));
}

// ---------------------------------------------------------------- the rest

TEST_CASE("a latency is bounded from both sides, at the bound itself", "[output][expect]") {
    CHECK(met(R"({"latency": [{"from": "event:e1", "to": "signal:a", "max": "30.834us"}]})"));
    CHECK(met(R"({"latency": [{"from": "event:e1", "to": "signal:a", "min": 30834}]})"));
    CHECK_FALSE(met(R"({"latency": [{"from": "event:e1", "to": "signal:a", "min": "30.835us"}]})"));
    const Finding late =
        failure(R"({"latency": [{"from": "event:e1", "to": "signal:a", "max": "30.833us"}]})");
    CHECK(late.late);
    CHECK(late.at == "/expect/latency/0");
    CHECK(failure(R"({"latency": [{"from": "event:e1", "to": "signal:b", "max": "1s"}]})").note ==
          "it never came");
}

TEST_CASE("panic is a text, a pattern, or whether there was one", "[output][expect]") {
    CHECK(met(R"({"panic": null})"));
    CHECK(met(R"({"panic": false})"));
    CHECK_FALSE(met(R"({"panic": true})"));
    CHECK_FALSE(met(R"({"panic": "Fatal machine check"})"));
    Json panicked = result();
    panicked["panic"] = "Fatal machine check";
    const auto ok = [&](const char* expect) {
        return evaluate(nlohmann::json::parse(expect), panicked).at(0).ok;
    };
    CHECK(ok(R"({"panic": "Fatal machine check"})"));
    CHECK(ok(R"({"panic": {"re": "^Fatal"}})"));
    CHECK(ok(R"({"panic": true})"));
    CHECK_FALSE(ok(R"({"panic": null})"));
}

TEST_CASE("an expectation that is not supported fails", "[output][expect]") {
    CHECK(failure(R"({"weather": "fine"})").note == "there is no expectation of this name");
}

TEST_CASE("a value of the wrong shape fails and does not end the program", "[output][expect]") {
    for (const char* expect :
         {R"({"signals": 5})", R"({"log": "x"})", R"({"syscalls": [1]})", R"({"processes": 7})",
          R"({"msrs": {"cpu": 0}})", R"({"latency": [5]})", R"({"counters": 3})",
          R"({"direct_map": 4})", R"({"badblocks": []})", R"({"pages": "x"})", R"({"fates": 1})"}) {
        INFO(expect);
        bool all = true;
        for (const Finding& f : judge(expect)) all = all && f.ok;
        CHECK_FALSE((all && !judge(expect).empty()));
    }
}

TEST_CASE("a class is judged after all others, one or several may do", "[output][expect]") {
    CHECK(evaluate_class("recovered", result()).ok);
    CHECK(evaluate_class({"masked", "recovered"}, result()).ok);
    CHECK_FALSE(evaluate_class("panic", result()).ok);
    CHECK(judge(R"({"class": "panic"})").empty());
}

TEST_CASE("a failed expectation says what was wanted and what came", "[output][expect]") {
    CHECK(to_text(failure(R"({"outcome": "panic"})")) ==
          "/expect/outcome: wanted \"panic\", got \"running\"");
    const Json json = to_json(failure(R"({"outcome": "panic"})"));
    CHECK(json["text"] == "/expect/outcome: wanted \"panic\", got \"running\"");
    CHECK(json["ok"] == false);
}

TEST_CASE("the block says which pages and durations it asks about", "[output][expect]") {
    const auto expect = nlohmann::json::parse(
        R"({"pages": [{"pfn": "0x30"}, {"pfn": "0x20"}], "latency": [{"from": "event:e1", "to": "panic", "max": 1}]})");
    CHECK(expected_pages(expect) == std::vector<Pfn>{Pfn{0x20}, Pfn{0x30}});
    CHECK(expected_durations(expect) ==
          std::vector<std::pair<std::string, std::string>>{{"event:e1", "panic"}});
    CHECK(expected_pages(nullptr).empty());
}

}  // namespace mcemu::output
