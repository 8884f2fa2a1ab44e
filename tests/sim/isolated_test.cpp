#include "support/isolated.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <stdexcept>
#include <systemc>

using mcemu::test::isolated;
using nlohmann::json;

namespace {

json run_for(double ns) {
    sc_core::sc_start(sc_core::sc_time(ns, sc_core::SC_NS));
    return sc_core::sc_time_stamp().to_string();
}

}  // namespace

TEST_CASE("every isolated case has a SystemC kernel of its own, at time zero", "[sim][isolated]") {
    CHECK(isolated([] { return run_for(5); }) == "5 ns");
    CHECK(isolated([] { return run_for(7); }) == "7 ns");
    CHECK(sc_core::sc_time_stamp() == sc_core::SC_ZERO_TIME);
}

TEST_CASE("an exception in an isolated case reaches the parent with its text", "[sim][isolated]") {
    CHECK_THROWS_WITH(isolated([]() -> json { throw std::runtime_error("poison everywhere"); }),
                      "the child threw: poison everywhere");
}

TEST_CASE("a crash in an isolated case fails that case alone", "[sim][isolated]") {
    CHECK_THROWS_WITH(isolated([]() -> json {
                          std::raise(SIGKILL);
                          return {};
                      }),
                      "the child died of signal 9");
}

TEST_CASE("an isolated case that leaves the program fails", "[sim][isolated]") {
    CHECK_THROWS_WITH(isolated([]() -> json { ::_exit(5); }), "the child ended with status 5");
}

TEST_CASE("an isolated case that hangs is ended", "[sim][isolated]") {
    CHECK_THROWS_WITH(isolated(
                          []() -> json {
                              for (;;) ::pause();
                          },
                          1),
                      "the child ran for longer than 1 s");
}

TEST_CASE("an isolated case may answer more than a pipe holds", "[sim][isolated]") {
    const json answer = isolated([] { return json(std::string(1 << 20, 'x')); });
    CHECK(answer.get<std::string>().size() == 1 << 20);
}
