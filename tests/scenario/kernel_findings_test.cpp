// The kernel block. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("tolerant is no option of Linux 6.1", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"profile": "v6.1", "boot": {"mce.tolerant": 1}})")) ==
          "s.json:2:56: /kernel/boot/mce.tolerant: Linux 6.1 has no \"tolerant\": leave it out, "
          "or use profile \"v4.19\" or \"v4.18\"");
}

TEST_CASE("print_all is no option of Linux 4.19", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"boot": {"mce.print_all": true}})")) ==
          "s.json:2:38: /kernel/boot/mce.print_all: \"print_all\" came after Linux 4.19: leave "
          "it out, or use profile \"v6.1\"");
}

TEST_CASE("the word print_all is no option of Linux 4.19", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"boot": {"mce": ["recovery", "print_all"]}})")) ==
          "s.json:2:41: /kernel/boot/mce/1: \"print_all\" came after Linux 4.19: leave it out, "
          "or use profile \"v6.1\"");
}

TEST_CASE("the direct map begins at a whole GiB of the kernel's half", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"boot": {"page_offset": "0x1000"}})")) ==
          "s.json:2:36: /kernel/boot/page_offset: 0x1000 is no place for the direct map: "
          "choose a whole GiB in the kernel's half such as \"0xffff888000000000\"");
}

TEST_CASE("two spellings of a sysctl may not differ", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"sysctl": {"memory_failure_recovery": 1, "vm.memory_failure_recovery": 0}})")) ==
          "s.json:2:83: /kernel/sysctl/vm.memory_failure_recovery: "
          "\"vm.memory_failure_recovery\" and \"memory_failure_recovery\" differ: keep one");
}

TEST_CASE("two places of a knob may not differ", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"decoy": false, "knobs": {"decoy": true}})")) ==
          "s.json:2:21: /kernel/decoy: \"decoy\" says otherwise in \"knobs\": keep one");
}

TEST_CASE("the poll interval is whole seconds", "[scenario][kernel]") {
    CHECK(told(document(R"("kernel": {"check_interval": "1500ms"})")) ==
          "s.json:2:30: /kernel/check_interval: 1.5s is not a whole number of seconds: round it");
}

}  // namespace
}  // namespace mcemu::scenario
