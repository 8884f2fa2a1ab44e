#pragma once  // Scenarios a second in a regression, beside what forks alone allow.
#include <cstdint>
#include <nlohmann/json.hpp>

namespace mcemu::bench {

/// Runs `scenarios` small scenarios of a matrix with two workers, and as many forks that end at
/// once, two at a time, in turn `rounds` times. Throws std::runtime_error when an outcome is not
/// ok. The parent must not have elaborated anything.
nlohmann::ordered_json regress_rate(std::uint64_t scenarios, int rounds);

}  // namespace mcemu::bench
