// Exposure, critical paths and slack against times that were worked out by hand. Every latency
// parameter is zero but the ones that a case names, so that its sums can be checked on paper.
#include <catch2/catch.hpp>
#include <string>

#include "campaign/observe.hpp"
#include "core/latency.hpp"
#include "output/exposure.hpp"
#include "output/measure.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"
#include "scenario/load.hpp"
#include "sim/run.hpp"
#include "support/isolated.hpp"

using namespace mcemu;

namespace {

// mc.microcode 5: #MC; mf_unmap 7, mf_kill 3: memory_failure(); nospec 11 and 13 for each of the
// two splits (1 GiB to 2 MiB to 4 KiB): the direct map; ret_user 2: the signal.
constexpr const char* kTimes = R"("mc.microcode": "5us", "kernel.mf_unmap": "7us", "kernel.mf_kill": "3us",
    "kernel.nospec": "11us", "kernel.nospec_split": "13us", "kernel.ret_user": "2us")";

std::string latencies(const std::string& named) {
    std::string out = named;
    for (std::size_t i = 0; i < kLatCount; ++i) {
        const std::string name(latency_info(static_cast<Lat>(i)).name);
        if (named.find('"' + name + '"') == std::string::npos) out += ", \"" + name + "\": \"0ns\"";
    }
    return "{" + out + "}";
}

std::string scenario_text(const std::string& processes, const std::string& events,
                          const std::string& profile = "v4.19", const std::string& machine = "") {
    return R"({"schema": "mcemu/scenario/1", "name": "by hand", "kernel": {"profile": ")" + profile +
           R"("}, "machine": {"cpus": {"sockets": 1, "cores": 2, "threads": 1}, "mca": {"cmci": false},
           "memory": [{"id": "dram0", "base": "0x0", "size": "1GiB"}], "latency": )" +
           latencies(kTimes) + machine + R"(}, "processes": [)" + processes + R"(], "events": [)" + events + "]}";
}

nlohmann::json shown(const output::Exposure& e) {
    return {{"pages", e.pages},
            {"user", to_ns(e.user)},
            {"direct_map", to_ns(e.direct_map)},
            {"speculation", to_ns(e.speculation)},
            {"open", {e.user_open, e.direct_map_open, e.speculation_open}},
            {"accesses", e.accesses},
            {"speculative", e.speculative}};
}

/// The exposure of a run, and its result's latencies.
nlohmann::json run(const std::string& text) {
    return test::isolated([&] {
        const auto read = scenario::load_text("by-hand.json", text);
        if (!read.loaded) return nlohmann::json{{"finding", to_text(read.findings.front())}};
        sim::RunOptions options;
        options.log_matcher = output::make_log_matcher;
        sim::Simulation simulation(read.loaded->scenario, options);
        simulation.run();
        const RunView view = simulation.view();
        nlohmann::json out = shown(output::exposure(view));
        out["latency"] = nlohmann::json(output::make_result(view)["latency"]);
        return out;
    });
}

void check_exposure(const nlohmann::json& got, const nlohmann::json& wanted) {
    INFO(got.dump(1));
    for (const auto& [key, value] : wanted.items()) {
        INFO(key);
        CHECK(got.value(key, nlohmann::json()) == value);
    }
}

std::string process(const std::string& id, int pid, const std::string& more,
                    const std::string& map = R"("size": "8KiB", "kind": "anon", "at": "0x10000000")") {
    return R"({"id": ")" + id + R"(", "pid": )" + std::to_string(pid) + R"(, "comm": ")" + id + R"(", "cpu": 0)" + more +
           R"(, "maps": [{"id": "m", "va": "0x7f0000000000", )" + map + "}]}";
}

const std::string kHandler = R"(, "sigbus": "handler")";
const std::string kPlant = R"({"id": "plant", "at": "1ms", "do": "poison", "spa": "0x10000040", "length": "64B"})";
const std::string kLoad = R"({"id": "load", "at": "2ms", "do": "load", "process": "p", "va": "0x7f0000000040"})";

}  // namespace

TEST_CASE("a page is reachable from its poison to the end of each of its mappings") {
    const std::string events =
        kPlant + R"(, {"id": "before", "at": "500us", "do": "load", "process": "p", "va": "0x7f0000000000"},
        {"id": "near", "at": "1100us", "do": "load", "process": "p", "va": "0x7f0000000000"},
        {"id": "guess", "at": "1200us", "do": "speculate", "cpu": 1, "spa": "0x10000000"}, )" + kLoad +
        R"(, {"id": "late", "at": "3ms", "do": "speculate", "cpu": 1, "spa": "0x10000000"})";
    const auto old = run(scenario_text(process("p", 10, kHandler), events));
    // #MC 5 us after the load, unmapped 7 us later; killed 3, then 11 + 2 * 13 for the direct map.
    // v4.19 leaves it present, uncached: there, but of no use for speculation.
    check_exposure(old, {{"pages", 1},
                         {"user", 1'000'000 + 5'000 + 7'000},
                         {"speculation", 1'000'000 + 5'000 + 7'000 + 3'000 + 11'000 + 26'000},
                         {"open", {false, true, false}},
                         {"accesses", 2},      // near and load: of that page, while it was bad
                         {"speculative", 1}});  // the late one finds no cacheable mapping
    // v6.1 leaves memory_failure() to task work: on the way back to user mode, 2 us later.
    const auto fresh = run(scenario_text(process("p", 10, kHandler), events, "v6.1"));
    check_exposure(fresh, {{"user", 1'012'000 + 2'000},
                           {"speculation", 1'052'000 + 2'000},
                           {"direct_map", 1'052'000 + 2'000},  // not present any more
                           {"open", {false, false, false}},
                           {"speculative", 1}});
}

TEST_CASE("the phases of a result's duration are all named and sum up to it") {
    const auto got = run(scenario_text(process("p", 10, kHandler), kPlant + ", " + kLoad));
    REQUIRE(got["latency"].size() == 2);
    const nlohmann::json path = {{{"name", "mc.microcode"}, {"ns", 5'000}},
                                 {{"name", "kernel.mf_unmap"}, {"ns", 7'000}},
                                 {{"name", "kernel.mf_kill"}, {"ns", 3'000}},
                                 {{"name", "kernel.nospec"}, {"ns", 11'000}},
                                 {{"name", "kernel.nospec_split"}, {"ns", 26'000}},
                                 {{"name", "kernel.ret_user"}, {"ns", 2'000}}};
    CHECK(got["latency"][0] ==
          nlohmann::json({{"from", "event:load"}, {"to", "signal:p"}, {"ns", 54'000}, {"phases", path}}));
    nlohmann::json latent = {{{"name", "waiting"}, {"ns", 1'000'000}}};
    latent.insert(latent.end(), path.begin(), path.end());
    CHECK(got["latency"][1] ==
          nlohmann::json({{"from", "event:plant"}, {"to", "signal:p"}, {"ns", 1'054'000}, {"phases", latent}}));
}

TEST_CASE("a page is bad until the last of its lines is healed") {
    const auto store = [](const char* id, const char* at, const char* va) {
        return std::string(R"({"id": ")") + id + R"(", "at": ")" + at +
               R"(", "do": "store", "process": "p", "va": ")" + va + R"(", "size": "64B", "full_line": true})";
    };
    const std::string events = R"({"id": "two", "at": "1ms", "do": "poison", "spa": "0x10000040", "length": "128B"}, )" +
                               store("s1", "2ms", "0x7f0000000040") + ", " + store("s2", "4ms", "0x7f0000000080") +
                               R"(, {"id": "again", "at": "5ms", "do": "poison", "spa": "0x100000c0", "length": "64B"}, )" +
                               store("s3", "7ms", "0x7f00000000c0");
    check_exposure(run(scenario_text(process("p", 10, kHandler), events)),
                   {{"user", 3'000'000 + 2'000'000},
                    {"direct_map", 5'000'000},
                    {"speculation", 5'000'000},
                    {"open", {false, false, false}},
                    {"accesses", 1}});  // the first store: the others leave nothing bad behind
}

TEST_CASE("a process that dies takes its mappings of other bad pages along") {
    // The second page is never met; its process dies of the first, 54 us after the load.
    const std::string events = R"({"id": "both", "at": "1ms", "do": "poison", "spa": "0x10000000", "length": "64B"},
        {"id": "other", "at": "1500us", "do": "poison", "spa": "0x10001000", "length": "64B"},
        {"id": "load", "at": "2ms", "do": "load", "process": "p", "va": "0x7f0000000000"})";
    check_exposure(run(scenario_text(process("p", 10, ""), events)),
                   {{"pages", 2},
                    {"user", 1'012'000},  // the first one's; the second one's is 554 us
                    {"open", {false, true, true}}});
    const std::string later = R"({"id": "first", "at": "1900us", "do": "poison", "spa": "0x10000000", "length": "64B"},
        {"id": "other", "at": "1ms", "do": "poison", "spa": "0x10001000", "length": "64B"},
        {"id": "load", "at": "2ms", "do": "load", "process": "p", "va": "0x7f0000000000"})";
    check_exposure(run(scenario_text(process("p", 10, ""), later)), {{"user", 1'054'000}, {"open", {false, true, true}}});
}

TEST_CASE("mappings that come and go while the page is bad count for as long as they are there") {
    const std::string events = R"({"id": "plant", "at": "1ms", "do": "poison", "spa": "0x20000000", "length": "64B"},
        {"id": "map", "at": "3ms", "do": "mmap", "process": "p",
         "map": {"id": "fresh", "va": "0x7f1000000000", "size": "16KiB", "kind": "anon", "at": "0x20000000"}},
        {"id": "unmap", "at": "4500us", "do": "munmap", "process": "p", "va": "0x7f1000000000", "size": "16KiB"},
        {"id": "end", "at": "6ms", "do": "load", "process": "p", "va": "0x7f0000000000"})";
    check_exposure(run(scenario_text(process("p", 10, kHandler), events)),
                   {{"user", 1'500'000}, {"direct_map", 5'000'000}, {"speculation", 5'000'000}, {"open", {false, true, true}}});
}

TEST_CASE("a copy on write leaves the bad page to whoever still maps it") {
    // The child's first write gives it a page of its own; the parent keeps the bad one.
    const std::string events = R"({"id": "plant", "at": "1ms", "do": "poison", "spa": "0x10000040", "length": "64B"},
        {"id": "fork", "at": "2ms", "do": "fork", "process": "p", "child": {"id": "c", "pid": 11, "comm": "c", "cpu": 1}},
        {"id": "unmap", "at": "4ms", "do": "munmap", "process": "p", "va": "0x7f0000000000", "size": "8KiB"},
        {"id": "exit", "at": "5ms", "do": "exit", "process": "c"},
        {"id": "end", "at": "6ms", "do": "speculate", "cpu": 1, "spa": "0x1000"})";
    check_exposure(run(scenario_text(process("p", 10, kHandler), events)),
                   {{"user", 4'000'000}, {"speculation", 5'000'000}, {"open", {false, true, true}}});
}

TEST_CASE("a page without a media error is bad from the event to its unpoisoning") {
    const std::string events = R"({"id": "advice", "at": "1ms", "do": "madvise", "process": "p", "va": "0x7f0000000000",
         "size": "4KiB", "advice": "hwpoison"},
        {"id": "unpoison", "at": "3ms", "do": "unpoison_pfn", "pfn": "0x10000"},
        {"id": "end", "at": "6ms", "do": "speculate", "cpu": 1, "spa": "0x1000"})";
    const auto got = run(scenario_text(process("p", 10, kHandler), events));
    check_exposure(got, {{"pages", 1}, {"user", 7'000}, {"open", {false, false, false}}});
}

TEST_CASE("poison of a module is found at the addresses that its interleave gives") {
    // Two modules, 4 KiB each in turn: DPA 0x1100 of nmem1 is byte 0x100 of the region's fourth page.
    const std::string machine = R"(, "nvdimms": [{"id": "nmem0", "size": "1GiB"}, {"id": "nmem1", "size": "1GiB"}],
        "regions": [{"id": "region0", "base": "0x200000000", "nvdimms": ["nmem0", "nmem1"], "interleave": "4KiB"}],
        "namespaces": [{"id": "namespace0.0", "region": "region0", "mode": "devdax", "align": "4KiB", "data_offset": "0x0"}])";
    const std::string events = R"({"id": "plant", "at": "1ms", "do": "poison", "nvdimm": "nmem1", "dpa": "0x1100", "length": "256B"},
        {"id": "elsewhere", "at": "1500us", "do": "load", "process": "p", "va": "0x7f0000002100"},
        {"id": "load", "at": "2ms", "do": "load", "process": "p", "va": "0x7f0000003100"})";
    const auto got = run(scenario_text(
        process("p", 10, kHandler, R"("size": "2MiB", "kind": "devdax", "of": "namespace0.0", "offset": "0x0", "page": "4KiB", "share": "shared")"),
        events, "v4.19", machine));
    // v4.19: the memory type of the namespace stands in the way of a change of the direct map.
    check_exposure(got, {{"pages", 1}, {"user", 1'012'000}, {"accesses", 1}, {"open", {false, true, true}}});
}
