// What expectations refer to. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("an unknown expectation is told with the nearest", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"outcom": "running"})")) ==
          "s.json:2:12: /expect/outcom: unknown key \"outcom\": did you mean \"outcome\"?");
}

TEST_CASE("an unknown outcome is told", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"outcome": "runing"})")) ==
          "s.json:2:23: /expect/outcome: \"runing\" is unknown: did you mean \"running\"?");
}

TEST_CASE("a regular expression compiles", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"log": ["...", {"re": "a(b"}]})")) ==
          "s.json:2:34: /expect/log/1/re: \"a(b\" is no regular expression: write an ECMAScript "
          "one: \\\\ before . * + ? ( ) [ ] { } | ^ $ takes them as they are");
}

TEST_CASE("a regular expression of no_log compiles", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"no_log": [{"re": "[z-a]"}]})")) ==
          "s.json:2:30: /expect/no_log/0/re: \"[z-a]\" is no regular expression: write an "
          "ECMAScript one: \\\\ before . * + ? ( ) [ ] { } | ^ $ takes them as they are");
}

TEST_CASE("a regular expression of panic compiles", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"panic": {"re": "*"}})")) ==
          "s.json:2:28: /expect/panic/re: \"*\" is no regular expression: write an ECMAScript "
          "one: \\\\ before . * + ? ( ) [ ] { } | ^ $ takes them as they are");
}

TEST_CASE("a regular expression has at most 1000 bytes", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"log": [{"re": ")" + std::string(1001, 'a') + R"("}]})")) ==
          "s.json:2:27: /expect/log/0/re: a string of 1001 bytes: expected at most 1000");
}

TEST_CASE("a signal goes to a process that exists", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"signals": [{"process": "p"}]})")) ==
          "s.json:2:36: /expect/signals/0/process: there is no process \"p\": there are no "
          "processes");
}

TEST_CASE("a signal among others goes to a process that exists", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"signals": {"contains": [{"process": "p"}]}})")) ==
          "s.json:2:49: /expect/signals/contains/0/process: there is no process \"p\": there are "
          "no processes");
}

TEST_CASE("a system call is of an event that exists", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"syscalls": {"e1": 0}})")) ==
          "s.json:2:31: /expect/syscalls/e1: there is no event \"e1\": there are no events");
}

TEST_CASE("a fate is of an event that exists", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"fates": {"e1": "logged"}})")) ==
          "s.json:2:28: /expect/fates/e1: there is no event \"e1\": there are no events");
}

TEST_CASE("an unknown fate is told", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"fates": {"e1": "lost"}})")) ==
          "s.json:2:28: /expect/fates/e1: \"lost\" is unknown: expected one of \"none\", \"latent\", "
          "\"filtered\", \"overwritten\", \"logged\", \"consumed\", \"shutdown\", \"panic\"\n"
          "s.json:2:28: /expect/fates/e1: there is no event \"e1\": there are no events");
}

TEST_CASE("what becomes of a process needs the process", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"processes": {"p": "killed"}})")) ==
          "s.json:2:31: /expect/processes/p: there is no process \"p\": there are no processes");
}

TEST_CASE("badblocks are of something that exists", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"badblocks": {"pmem0": ""}})")) ==
          "s.json:2:26: /expect/badblocks/pmem0: there is no \"pmem0\": the machine has no "
          "persistent memory");
}

TEST_CASE("poison is of something that exists", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"poison": {"drm0": []}})")) ==
          "s.json:2:23: /expect/poison/drm0: there is no \"drm0\": did you mean \"dram0\"?");
}

TEST_CASE("a bank that is looked at exists", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"msrs": [{"cpu": 0, "bank": 20}]})")) ==
          "s.json:2:40: /expect/msrs/0/bank: there is no bank 20: the machine has 20 banks: 0 "
          "to 19");
}

TEST_CASE("a CPU that is looked at exists", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"msrs": [{"cpu": 4, "bank": 0}]})")) ==
          "s.json:2:29: /expect/msrs/0/cpu: there is no CPU 4: the machine has 4 CPUs: 0 to 3");
}

TEST_CASE("a duration is bounded", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"latency": [{"from": "phase:mc.skew", "to": "phase:mc.skew"}]})")) ==
          "s.json:2:24: /expect/latency/0: it bounds nothing: give \"max\" or \"min\"");
}

TEST_CASE("a duration's bounds are in order", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"latency": {"from": "phase:mc.skew", "to": "phase:mc.skew", "max": 1, "min": 2}})")) ==
          "s.json:2:79: /expect/latency/max: \"max\" is below \"min\": exchange them");
}

TEST_CASE("a duration is between things that can be timed", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"latency": [{"from": "e1", "to": "thing:x", "max": 1}]})")) ==
          "s.json:2:33: /expect/latency/0/from: \"e1\" is nothing that can be timed: write "
          "\"event:ID\", \"signal:PROCESS\", \"syscall:EVENT\", \"phase:NAME\" or \"panic\"\n"
          "s.json:2:45: /expect/latency/0/to: \"thing:x\" is nothing that can be timed: write "
          "\"event:ID\", \"signal:PROCESS\", \"syscall:EVENT\", \"phase:NAME\" or \"panic\"");
}

TEST_CASE("a duration is between things that exist", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"latency": [{"from": "event:e1", "to": "signal:p", "max": 1}]})")) ==
          "s.json:2:33: /expect/latency/0/from: there is no event \"e1\": there are no events\n"
          "s.json:2:51: /expect/latency/0/to: there is no process \"p\": there are no processes");
}

TEST_CASE("a duration is between phases that exist", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"latency": [{"from": "phase:mc.skw", "to": "phase:mc.skew", "max": 1}]})")) ==
          "s.json:2:33: /expect/latency/0/from: there is no phase \"mc.skw\": did you mean "
          "\"mc.skew\"?");
}

TEST_CASE("a matrix sweeps parameters that exist", "[scenario][expect]") {
    CHECK(told(document(R"("params": {"a": 1}, "matrix": {"b": [1, 2]})")) ==
          "s.json:2:32: /matrix/b: there is no parameter \"b\": did you mean \"a\"?");
}

TEST_CASE("a temporal expectation says what holds", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"temporal": [{"within": "1us"}]})")) ==
          R"(s.json:2:25: /expect/temporal/0: it does not say what holds: give "always", "never", "eventually" or "before")");
}

TEST_CASE("a temporal expectation holds one thing", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"temporal": [{"never": "panic", "eventually": "oops"}]})")) ==
          R"(s.json:2:25: /expect/temporal/0: "never" and "eventually" are both given: make two items of it)");
}

TEST_CASE("what only happens does not last", "[scenario][expect]") {
    CHECK(told(document(R"("expect": {"temporal": [{"always": "panic"}]})")) ==
          R"(s.json:2:36: /expect/temporal/0/always: what only happens does not last: "eventually" or "never" would do)");
}

}  // namespace
}  // namespace mcemu::scenario
