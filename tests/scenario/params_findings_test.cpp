// Parameters. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("an unknown parameter is told with the nearest", "[scenario][params]") {
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "t", "params": {"address": "0x1000"}, "events": [
{"at": 0, "do": "poison", "spa": "${adress}"}]})") ==
          "s.json:2:34: /events/0/spa: there is no parameter \"adress\": did you mean \"address\"?");
}

TEST_CASE("an unknown parameter without params is told", "[scenario][params]") {
    CHECK(told(with_events(R"({"at": 0, "do": "poison", "spa": "${a}"})")) ==
          "s.json:7:34: /events/0/spa: there is no parameter \"a\": add it to \"params\"");
}

TEST_CASE("an unclosed parameter is told", "[scenario][params]") {
    CHECK(told(document(R"("description": "costs ${a")")) ==
          "s.json:2:16: /description: \"${\" has no \"}\": close it, or write \"$${\" if it is meant "
          "so");
}

TEST_CASE("a parameter of the wrong type is told where it is used", "[scenario][params]") {
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "t", "params": {"n": "many"}, "events": [],
"machine": {"cpus": {"cores": "${n}"}}})") ==
          "s.json:2:31: /machine/cpus/cores: the string \"many\" stands here: expected a whole "
          "number from 1 to 8192");
}

}  // namespace
}  // namespace mcemu::scenario
