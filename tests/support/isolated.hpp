#pragma once  // One SystemC kernel per test case: the case simulates in a forked child.
#include <functional>
#include <nlohmann/json.hpp>

namespace mcemu::test {

/// Runs `body` in a forked child, which owns a fresh SystemC kernel, and returns the JSON it
/// observed. The child simulates, the parent judges: no CHECK or REQUIRE inside `body`.
/// Throws std::runtime_error when the child throws, crashes, or runs for longer than `limit_s`
/// seconds. Same under ctest or by hand: one bad case fails alone.
nlohmann::json isolated(const std::function<nlohmann::json()>& body, unsigned limit_s = 60);

}  // namespace mcemu::test
