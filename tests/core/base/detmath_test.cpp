#include "core/detmath.hpp"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

namespace detmath = mcemu::detmath;

namespace {

/// Rough generator of test arguments (not of the emulator's random numbers).
struct Arguments {
    std::uint64_t state = 12345;
    double next() {  // (0, 1)
        state = state * 6364136223846793005u + 1442695040888963407u;
        return (static_cast<double>(state >> 12) + 0.5) * 0x1p-52;
    }
};

}  // namespace

TEST_CASE("log agrees with the C library to 14 digits", "[core][detmath]") {
    Arguments arguments;
    double worst = 0;
    for (int i = 0; i < 100000; ++i) {
        const double x = std::ldexp(0.5 + arguments.next(), static_cast<int>(arguments.next() * 120) - 60);
        const double expected = std::log(x);
        worst = std::max(worst, std::abs(detmath::log(x) - expected) / std::max(std::abs(expected), 1e-2));
    }
    CHECK(worst < 1e-14);
}

TEST_CASE("exp agrees with the C library to 14 digits", "[core][detmath]") {
    Arguments arguments;
    double worst = 0;
    for (int i = 0; i < 100000; ++i) {
        const double x = 80 * (arguments.next() - 0.5);
        worst = std::max(worst, std::abs(detmath::exp(x) / std::exp(x) - 1));
    }
    CHECK(worst < 1e-14);
}

TEST_CASE("the normal quantile inverts the error function to 12 digits", "[core][detmath]") {
    Arguments arguments;
    double worst = 0;
    for (int i = 0; i < 100000; ++i) {
        const double p = i % 2 ? arguments.next() : std::pow(10, -15 * arguments.next());
        if (p >= 1) continue;
        // P(Z <= z) = erfc(-z / sqrt 2) / 2, taken on the side where it loses no digits.
        const double z = detmath::normal_quantile(p);
        const double back = p < 0.5 ? std::erfc(-z / std::sqrt(2.0)) / 2
                                    : 1 - std::erfc(z / std::sqrt(2.0)) / 2;
        worst = std::max(worst, std::abs(back / p - 1));
    }
    CHECK(worst < 1e-12);
}

TEST_CASE("the normal quantile is odd around the median", "[core][detmath]") {
    for (const double p : {0.5, 0.25, 0.0625, 0x1p-20, 0x1p-50})
        CHECK(detmath::normal_quantile(p) == -detmath::normal_quantile(1 - p));
}

TEST_CASE("arguments outside of a function's domain have no value", "[core][detmath]") {
    CHECK(std::isnan(detmath::log(0)));
    CHECK(std::isnan(detmath::log(-1)));
    CHECK(std::isnan(detmath::normal_quantile(0)));
    CHECK(std::isnan(detmath::normal_quantile(1)));
    CHECK(detmath::exp(-1000) == 0);
    CHECK(std::isinf(detmath::exp(1000)));
}

TEST_CASE("the bits of the functions are the same everywhere", "[core][detmath]") {
    // A change of one of these bits changes the results of scenarios with random latencies.
    const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
    CHECK(bits(detmath::log(10)) == 0x40026bb1bbb55516);
    CHECK(bits(detmath::log(0.3)) == 0xbff34378fcbda721);
    CHECK(bits(detmath::exp(1)) == 0x4005bf0a8b14576a);
    CHECK(bits(detmath::exp(-3.7)) == 0x3f99511fc6871044);
    CHECK(bits(detmath::normal_quantile(0.99)) == 0x40029c5c4630ff0e);
    CHECK(bits(detmath::normal_quantile(0.3)) == 0xbfe0c7e39582c5fa);
    CHECK(bits(detmath::normal_quantile(1e-12)) == 0xc01c234fba57a32a);
}
