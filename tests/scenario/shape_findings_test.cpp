// Types, keys, ranges and names: what the schema says too. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("required keys that are missing are all told", "[scenario][shape]") {
    CHECK(told("{}") ==
          "s.json:1:1: /: the key \"events\" is missing: expected an array\n"
          "s.json:1:1: /: the key \"name\" is missing: expected a string\n"
          "s.json:1:1: /: the key \"schema\" is missing: expected \"mcemu/scenario/1\"");
}

TEST_CASE("an unknown key is told with the nearest known one", "[scenario][shape]") {
    CHECK(told(document(R"("machin": {})")) ==
          "s.json:2:1: /machin: unknown key \"machin\": did you mean \"machine\"?");
}

TEST_CASE("an unknown key far from all is told with the known ones", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"nvdimms": [{"size": "4GiB", "colour": "red"}]})")) ==
          "s.json:2:42: /machine/nvdimms/0/colour: unknown key \"colour\": known keys are \"id\", "
          "\"size\", \"profile\", \"clear_unit\", \"reported_clear_unit\", "
          "\"heal_on_full_line_write\", \"max_ars_out\", \"ars_rate\", \"poison\", "
          "\"max_poison\", \"stuck\", \"labels\", \"flags\", \"unsafe_shutdown_immediate\", "
          "\"serial\", \"vendor\", \"manufacturing_date\", \"manufacturing_location\", "
          "\"smart\", \"thresholds\", \"handle\", \"socket\"");
}

TEST_CASE("a key of another event is told with this event's keys", "[scenario][shape]") {
    CHECK(told(with_events(R"({"at": 0, "do": "hwpoison_pfn", "pfn": 1, "advice": "hwpoison"})")) ==
          "s.json:7:43: /events/0/advice: unknown key \"advice\" of \"hwpoison_pfn\": known keys "
          "are \"pfn\", \"id\", \"do\", \"at\", \"after\", \"on_access\", \"when\", \"every\", \"times\", "
          "\"description\"");
}

TEST_CASE("an unknown event is told with the nearest known one", "[scenario][shape]") {
    CHECK(told(with_events(R"({"at": 0, "do": "madvice"})")) ==
          "s.json:7:17: /events/0/do: \"madvice\" is unknown: did you mean \"madvise\"?");
}

TEST_CASE("an event without do is told", "[scenario][shape]") {
    CHECK(told(with_events(R"({"at": 0})")) ==
          "s.json:7:1: /events/0: the key \"do\" is missing: expected one of \"mce\", \"poison\", "
          "\"unpoison_media\", \"load\", \"store\", \"fetch\", \"speculate\", \"copy\", \"scrub\", "
          "\"madvise\", \"hwpoison_pfn\", \"unpoison_pfn\", \"bio\", \"read_file\", \"write_file\", "
          "\"fsync\", \"flush\", \"dsm\", \"cxl\", \"dma\", \"cper\", \"mmap\", \"munmap\", \"mlock\", \"fork\", \"exit\", \"truncate\", "
          "\"prctl_mce_kill\", \"sigprocmask\", \"sigaction\", \"pin\", \"unpin\", \"sysctl\", "
          "\"cpu_offline\", \"cpu_online\", "
          "\"disable_namespace\", \"enable_namespace\", \"create_namespace\", "
          "\"reconfigure_namespace\", \"destroy_namespace\", \"check_namespace\", \"inject_error\", "
          "\"clear_errors\", \"start_scrub\", \"wait_scrub\", \"enable_region\", \"disable_region\", "
          "\"enable_dimm\", \"disable_dimm\", \"list\", \"inject_smart\", \"monitor\", "
          "\"read_attribute\", \"write_attribute\", \"read_infoblock\", \"btt_lookup\", "
          "\"init_labels\", \"zero_labels\", \"check_labels\", \"read_labels\", "
          "\"write_infoblock\", \"fail_command\", \"punch_hole\", \"power_fail\", \"stop_scrub\", \"notify\", \"call\"");
}

TEST_CASE("an unknown enumerator is told with the nearest known one", "[scenario][shape]") {
    CHECK(told(document(R"("kernel": {"profile": "v4.20"})")) ==
          "s.json:2:23: /kernel/profile: \"v4.20\" is unknown: expected one of \"v4.18\", \"v4.19\", "
          "\"v6.1\"");
}

TEST_CASE("an unknown enumerator far from all is told with all", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"mca": {"patrol_uc_mode": "whatever"}})")) ==
          "s.json:2:39: /machine/mca/patrol_uc_mode: \"whatever\" is unknown: expected one of "
          "\"mce\", \"cmci\", \"ce\"");
}

TEST_CASE("the version of the schema is fixed", "[scenario][shape]") {
    CHECK(told(R"({"schema": "mcemu/scenario/2", "name": "t", "events": []})") ==
          "s.json:1:12: /schema: \"mcemu/scenario/2\" is unknown: did you mean "
          "\"mcemu/scenario/1\"?");
}

TEST_CASE("a string is not a number", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"cpus": {"cores": "4"}})")) ==
          "s.json:2:31: /machine/cpus/cores: the string \"4\" stands here: expected a whole "
          "number from 1 to 8192, without quotes");
}

TEST_CASE("a fraction is not a whole number", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"cpus": {"cores": 1.5}})")) ==
          "s.json:2:31: /machine/cpus/cores: the number 1.5 stands here: expected a whole "
          "number from 1 to 8192");
}

TEST_CASE("a whole number written as a fraction is not a whole number", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"cpus": {"cores": 4.0}})")) ==
          "s.json:2:31: /machine/cpus/cores: the number 4.0 stands here: expected a whole "
          "number from 1 to 8192");
}

TEST_CASE("a negative number is not a count", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"cpus": {"cores": -1}})")) ==
          "s.json:2:31: /machine/cpus/cores: the number -1 stands here: expected a whole "
          "number from 1 to 8192");
}

TEST_CASE("a truth value is not a number", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"cpus": {"cores": true}})")) ==
          "s.json:2:31: /machine/cpus/cores: true stands here: expected a whole number from 1 "
          "to 8192");
}

TEST_CASE("a number is not a truth value", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"mca": {"ser": 1}})")) ==
          "s.json:2:28: /machine/mca/ser: the number 1 stands here: expected true or false");
}

TEST_CASE("a switch takes no number but 0 and 1", "[scenario][shape]") {
    CHECK(told(document(R"("kernel": {"sysctl": {"memory_failure_recovery": 2}})")) ==
          "s.json:2:50: /kernel/sysctl/memory_failure_recovery: 2 is out of range: expected a "
          "whole number from 0 to 1");
}

TEST_CASE("null stands for nothing", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"cpus": {"cores": null}})")) ==
          "s.json:2:31: /machine/cpus/cores: null stands here: expected a whole number from 1 "
          "to 8192");
}

TEST_CASE("an array is not an object", "[scenario][shape]") {
    CHECK(told(document(R"("machine": [])")) ==
          "s.json:2:12: /machine: an array stands here: expected an object");
}

TEST_CASE("an object is not an array", "[scenario][shape]") {
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "t", "events": {}})") ==
          "s.json:1:55: /events: an object stands here: expected an array");
}

TEST_CASE("a number out of range is told with the range", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"mca": {"banks": 33}})")) ==
          "s.json:2:30: /machine/mca/banks: 33 is out of range: expected a whole number from 1 "
          "to 32");
}

TEST_CASE("zero is out of the range of a count of CPUs", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"cpus": {"sockets": 0}})")) ==
          "s.json:2:33: /machine/cpus/sockets: 0 is out of range: expected a whole number from "
          "1 to 8192");
}

TEST_CASE("a number beyond 64 bits is refused", "[scenario][shape]") {
    CHECK(told(document(R"("seed": 18446744073709551616)")) ==
          "s.json:2:9: /seed: the number 18446744073709551616 stands here: expected a whole "
          "number, at most 18446744073709551615");
}

TEST_CASE("a tuple has its length", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "empirical", "table": [[0.5]]}}})")) ==
          "s.json:2:68: /machine/latency/mc.skew/table/0: an array of 1 item: expected an "
          "array of 2 items: a number from 0 to 1, a time such as \"10us\"");
}

TEST_CASE("a share lies between 0 and 1", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"latency": {"mc.skew": {"dist": "empirical", "table": [[1.5, "1us"]]}}})")) ==
          "s.json:2:69: /machine/latency/mc.skew/table/0/0: the number 1.5 is out of range: "
          "expected a number from 0 to 1");
}

TEST_CASE("an array that may not be empty is told", "[scenario][shape]") {
    CHECK(told(document(R"("machine": {"regions": [{"nvdimms": []}]})")) ==
          "s.json:2:37: /machine/regions/0/nvdimms: an empty array stands here: expected at "
          "least one item");
}

TEST_CASE("an empty name is refused", "[scenario][shape]") {
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "", "events": []})") ==
          "s.json:1:40: /name: an empty string stands here: expected at least one character");
}

TEST_CASE("values of params are scalars", "[scenario][shape]") {
    CHECK(told(document(R"("params": {"a": [1]})")) ==
          "s.json:2:17: /params/a: an array stands here: expected a string, or a number, or "
          "true or false");
}

TEST_CASE("too many arguments are refused", "[scenario][shape]") {
    CHECK(told(with_events(R"({"at": 0, "do": "call", "function": "dump_page", "arguments": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]})")) ==
          "s.json:7:63: /events/0/arguments: an array of 17 items: expected at most 16");
}

}  // namespace
}  // namespace mcemu::scenario
