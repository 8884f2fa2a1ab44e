// When events happen. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("an event has a trigger", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"do": "power_fail"})")) ==
          "s.json:7:1: /events/0: the event has no trigger: give one of \"at\", \"after\", "
          "\"on_access\", \"when\"");
}

TEST_CASE("an event has one trigger", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"at": 0, "when": {"page": 1, "flag": "hwpoison"}, "do": "power_fail"})")) ==
          "s.json:7:19: /events/0/when: the event has 2 triggers: \"at\", \"when\": keep one");
}

TEST_CASE("after names what it waits for", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"after": {"by": "1us"}, "do": "power_fail"})")) ==
          "s.json:7:11: /events/0/after: it does not say after what: give one of \"event\", "
          "\"signal\", \"phase\"");
}

TEST_CASE("after waits for one thing", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"id": "a", "at": 0, "do": "power_fail"}, {"after": {"event": "a", "phase": "mc.skew"}, "do": "power_fail"})")) ==
          "s.json:7:53: /events/1/after: it waits for several things: give one of \"event\", "
          "\"signal\", \"phase\"");
}

TEST_CASE("after waits for an event that exists", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"id": "first", "at": 0, "do": "power_fail"}, {"after": {"event": "frist"}, "do": "power_fail"})")) ==
          "s.json:7:67: /events/1/after/event: there is no event \"frist\": did you mean \"first\"?");
}

TEST_CASE("after waits for a process that exists", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"after": {"signal": "r"}, "do": "power_fail"})")) ==
          "s.json:7:22: /events/0/after/signal: there is no process \"r\": did you mean \"p\"?");
}

TEST_CASE("after waits for a phase that exists", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"after": {"phase": "kernel.mf_umap"}, "do": "power_fail"})")) ==
          "s.json:7:21: /events/0/after/phase: there is no phase \"kernel.mf_umap\": did you "
          "mean \"kernel.mf_unmap\"?");
}

TEST_CASE("on_access needs an address", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"on_access": {"cpu": 0}, "do": "power_fail"})")) ==
          "s.json:7:15: /events/0/on_access: it has no address: give \"va\" or \"spa\"");
}

TEST_CASE("on_access has one address", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"on_access": {"va": 0, "spa": 0}, "do": "power_fail"})")) ==
          "s.json:7:32: /events/0/on_access/spa: \"va\" and \"spa\" are both given: keep one");
}

TEST_CASE("on_access is by a process or a CPU", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"on_access": {"process": "p", "cpu": 1, "va": 0}, "do": "power_fail"})")) ==
          "s.json:7:39: /events/0/on_access/cpu: \"process\" and \"cpu\" are both given: keep one");
}

TEST_CASE("on_access is to memory", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"on_access": {"spa": "0x900000000"}, "do": "power_fail"})")) ==
          "s.json:7:23: /events/0/on_access/spa: 0x900000000-0x900000001 lies outside all "
          "memory: there are dram0 0x0-0x80000000, region0 0x200000000-0x300000000");
}

TEST_CASE("when looks at a page of memory", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"page": "0x900000", "flag": "hwpoison"}, "do": "power_fail"})")) ==
          "s.json:7:19: /events/0/when/page: 0x900000000-0x900001000 lies outside all memory: "
          "there are dram0 0x0-0x80000000, region0 0x200000000-0x300000000");
}

TEST_CASE("when knows page flags", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"page": 1, "flag": "PG_hwpoison"}, "do": "power_fail"})")) ==
          "s.json:7:30: /events/0/when/flag: \"PG_hwpoison\" is unknown: did you mean \"hwpoison\"?");
}

TEST_CASE("a condition says what it is about", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"set": false}, "do": "power_fail"})")) ==
          R"(s.json:7:10: /events/0/when: it names nothing that can be true or happen: give "page", "signal", "log" or such)");
}

TEST_CASE("a condition is about one thing", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"page": 1, "flag": "dirty", "bank": 3}, "do": "power_fail"})")) ==
          R"(s.json:7:10: /events/0/when: "page" and "bank" are both given: keep one, or put both into "all")");
}

TEST_CASE("keys of one condition do not belong to another", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"bank": 3, "flag": "dirty"}, "do": "power_fail"})")) ==
          R"(s.json:7:30: /events/0/when/flag: "flag" does not belong to "bank": leave it out)");
}

TEST_CASE("the flag of a page is named", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"page": 1}, "do": "power_fail"})")) ==
          R"(s.json:7:10: /events/0/when: "flag" is missing: say which)");
}

TEST_CASE("a condition in short form is something that happens", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": "flag:dirty", "do": "power_fail"})")) ==
          R"(s.json:7:10: /events/0/when: "flag:dirty" is nothing that happens: write "panic", "event:ID", "done:ID", "signal:PROCESS", "log:LINE" or "phase:NAME")");
}

TEST_CASE("a condition waits for a process that exists", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": "signal:r", "do": "power_fail"})")) ==
          R"(s.json:7:10: /events/0/when: there is no process "r": did you mean "p"?)");
}

TEST_CASE("a condition asks a table that exists", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"badblocks": "namespace0.7"}, "do": "power_fail"})")) ==
          R"(s.json:7:24: /events/0/when/badblocks: there is no table of "namespace0.7": did you mean "namespace0.0"?)");
}

TEST_CASE("the direct map has types of its own", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"direct_map": 1, "type": "uncached-minus"}, "do": "power_fail"})")) ==
          R"(s.json:7:36: /events/0/when/type: "uncached-minus" is no type of the direct map: "WB", "UC-" or "NP" would be)");
}

TEST_CASE("a counter is bounded", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"counter": "cmci"}, "do": "power_fail"})")) ==
          R"(s.json:7:10: /events/0/when: it bounds nothing: give "min" or "max")");
}

TEST_CASE("a signal has a name", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"signal": "p", "name": "SIGBUSS"}, "do": "power_fail"})")) ==
          R"(s.json:7:34: /events/0/when/name: there is no name "SIGBUSS": did you mean "SIGBUS"?)");
}

TEST_CASE("states and happenings are no alternatives", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"when": {"any": [{"bank": 1}, "panic"]}, "do": "power_fail"})")) ==
          R"(s.json:7:18: /events/0/when/any: states and what only happens stand side by side: keep the ones or the others)");
}

TEST_CASE("a repeated event lets time pass", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"at": 0, "every": 0, "times": 2, "do": "power_fail"})")) ==
          "s.json:7:20: /events/0/every: it repeats without time passing: give a time above "
          "zero");
}

TEST_CASE("times needs every", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"at": 0, "times": 2, "do": "power_fail"})")) ==
          "s.json:7:20: /events/0/times: \"times\" without \"every\": say after which time it "
          "repeats");
}

TEST_CASE("every needs times", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"at": 0, "every": "1us", "do": "power_fail"})")) ==
          "s.json:7:20: /events/0/every: \"every\" without \"times\": say how often it happens in "
          "all");
}

TEST_CASE("a repetition ends within the range of time", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"at": 0, "every": "24h", "times": 1000, "do": "power_fail"})")) ==
          "s.json:7:36: /events/0/times: the last repetition lies beyond the range of time: "
          "213 days at most");
}

TEST_CASE("ids of events differ", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"id": "a", "at": 0, "do": "power_fail"}, {"id": "a", "at": 0, "do": "power_fail"})")) ==
          "s.json:7:50: /events/1/id: the id \"a\" is taken by /events/0/id: choose another");
}

TEST_CASE("an event that waits for itself never happens", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"id": "a", "after": {"event": "a"}, "do": "power_fail"})")) ==
          "s.json:7:22: /events/0/after: the event never happens: \"a\" waits for \"a\": break the "
          "circle");
}

TEST_CASE("events that wait for one another never happen", "[scenario][triggers]") {
    CHECK(told(with_events(R"({"id": "a", "after": {"event": "b"}, "do": "power_fail"},
{"id": "b", "after": {"event": "a"}, "do": "power_fail"},
{"id": "c", "after": {"event": "a"}, "do": "power_fail"})")) ==
          "s.json:7:22: /events/0/after: the event never happens: \"a\" waits for \"b\" waits for "
          "\"a\": break the circle\n"
          "s.json:9:22: /events/2/after: the event never happens: it waits for \"a\", which "
          "never happens: wait for something else");
}

TEST_CASE("an event behind the end never happens", "[scenario][triggers]") {
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "t", "until": "1ms", "events": [
{"id": "a", "at": "2ms", "do": "power_fail"},
{"after": {"event": "a"}, "do": "power_fail"}]})") ==
          "s.json:2:19: /events/0/at: the event never happens: the run ends at 1ms: make "
          "\"until\" later than 2ms\n"
          "s.json:3:11: /events/1/after: the event never happens: it waits for \"a\", which "
          "never happens: wait for something else");
}

TEST_CASE("option --until may end a run before its last event", "[scenario][triggers]") {
    LoadOptions options;
    options.overrides.until = "1ms";
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "t", "events": [
{"id": "a", "at": "2ms", "do": "power_fail"}, {"after": {"event": "a"}, "do": "power_fail"}]})",
               options)
              .empty());
}

}  // namespace
}  // namespace mcemu::scenario
