#include "campaign/statistics.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "campaign/progress.hpp"

using namespace mcemu::campaign;

TEST_CASE("Clopper-Pearson intervals are those of the tables") {
    // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine
    // 17, 1998, table I, method 5.
    const auto close = [](Interval i, double low, double high) {
        CHECK(i.low == Approx(low).margin(5e-5));
        CHECK(i.high == Approx(high).margin(5e-5));
    };
    close(clopper_pearson(81, 263, 0.95), 0.2527, 0.3676);
    close(clopper_pearson(15, 148, 0.95), 0.0578, 0.1617);
    close(clopper_pearson(0, 20, 0.95), 0.0000, 0.1684);
    close(clopper_pearson(1, 29, 0.95), 0.0009, 0.1776);
    close(clopper_pearson(29, 29, 0.95), 0.8806, 1.0000);
}

TEST_CASE("Clopper-Pearson bounds leave half of what the confidence leaves on each side") {
    // P(X >= k) at the lower bound, P(X <= k) at the upper one, by summing without the library.
    const auto at_most = [](std::uint64_t n, std::uint64_t k, double p) {
        double sum = 0, log_choose = 0;
        for (std::uint64_t i = 0; i <= k; ++i) {
            if (i > 0) log_choose += std::log(static_cast<double>(n - i + 1) / static_cast<double>(i));
            sum += std::exp(log_choose + static_cast<double>(i) * std::log(p) +
                            static_cast<double>(n - i) * std::log1p(-p));
        }
        return sum;
    };
    for (const double confidence : {0.9, 0.95, 0.99})
        for (const std::uint64_t n : {1, 10, 59, 1000})
            for (const std::uint64_t k : {std::uint64_t{0}, std::uint64_t{1}, n / 3, n - 1, n}) {
                const double tail = (1 - confidence) / 2;
                const Interval i = clopper_pearson(k, n, confidence);
                INFO(k << " of " << n << " at " << confidence);
                if (k > 0)
                    CHECK(1 - at_most(n, k - 1, i.low) == Approx(tail).epsilon(1e-6));
                else
                    CHECK(i.low == 0);
                if (k < n)
                    CHECK(at_most(n, k, i.high) == Approx(tail).epsilon(1e-6));
                else
                    CHECK(i.high == 1);
            }
    // Nothing in 300 runs: at most 1.2 % (one-sided 1 %, the rule of three).
    CHECK(clopper_pearson(0, 300, 0.9).high == Approx(0.00994).margin(1e-5));
}

TEST_CASE("without trials every share is possible") {
    const Interval i = clopper_pearson(0, 0, 0.95);
    CHECK(i.low == 0);
    CHECK(i.high == 1);
}

TEST_CASE("ranks of a quantile cover it with the confidence, and one rank fewer would not") {
    // By summing the binomial distribution, without the program's library.
    const auto below = [](std::uint64_t n, double q, std::uint64_t r) {  // P(B < r)
        double sum = 0, log_choose = 0;
        for (std::uint64_t k = 0; k < r; ++k) {
            if (k > 0) log_choose += std::log(static_cast<double>(n - k + 1) / static_cast<double>(k));
            sum += std::exp(log_choose + static_cast<double>(k) * std::log(q) +
                            static_cast<double>(n - k) * std::log(1 - q));
        }
        return sum;
    };
    for (const std::uint64_t n : {5, 20, 100, 1000})
        for (const double q : {0.5, 0.9, 0.99}) {
            const auto [low, high] = quantile_ranks(n, q, 0.95);
            INFO(n << " " << q << " " << low << " " << high);
            if (low >= 1) CHECK(below(n, q, low) <= 0.025);
            if (low < n) CHECK(below(n, q, low + 1) > 0.025);
            if (high <= n) CHECK(1 - below(n, q, high) <= 0.025);
            if (high > 1) CHECK(1 - below(n, q, high - 1) > 0.025 - 1e-12);
        }
}

TEST_CASE("a sample too small for a quantile has no bound on that side") {
    const std::vector<std::uint64_t> ten = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const Quantile q = quantile(ten, 0.99, 0.95);
    CHECK(q.value == 10);
    CHECK(q.low.has_value());
    CHECK(!q.high.has_value());
    CHECK(quantile(ten, 0.5, 0.95).value == 5);
    CHECK(quantile(ten, 0.9, 0.95).value == 9);
}

TEST_CASE("a parameter that decides an output explains all of it, one without influence nothing") {
    CorrelationRatio decides(4), idle(4);
    for (std::uint64_t i = 0; i < 400; ++i) {
        decides.add(i % 4, static_cast<double>(i % 4));
        idle.add(i / 100, static_cast<double>(i % 4));
    }
    CHECK(decides.value() == Approx(1));
    CHECK(idle.value() == Approx(0).margin(1e-9));
    CHECK(*decides.mean(3) == Approx(3));
    CorrelationRatio constant(2);
    for (int i = 0; i < 10; ++i) constant.add(static_cast<std::size_t>(i % 2), 1e15);
    CHECK(constant.value() == 0);
}

TEST_CASE("the progress line says how much is left") {
    CHECK(Progress::text(0, 0, 1000, 0) == "0 of 1,000 runs, 0 %");
    CHECK(Progress::text(0, 250, 1000, 10) == "250 of 1,000 runs, 25 %, 25/s, 30 s left");
    // What an earlier session made says nothing about the rate.
    CHECK(Progress::text(200, 250, 1000, 10) == "250 of 1,000 runs, 25 %, 5.0/s, 2:30 min left");
    CHECK(Progress::text(0, 1000, 1000, 10) == "1,000 of 1,000 runs, 100 %, 100/s");
    CHECK(Progress::text(0, 1, 100000, 1) == "1 of 100,000 runs, 0 %, 1.0/s, 27:46 h left");
}
