#include "core/latency.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using mcemu::Distribution;
using mcemu::Lat;
using mcemu::Latency;
using mcemu::SimTime;
using Kind = mcemu::Distribution::Kind;

namespace {

/// Says which (stream, draw) was asked for.
struct CountingRng final : mcemu::Rng {
    mutable std::vector<std::pair<std::uint32_t, std::uint64_t>> asked;
    std::uint64_t bits(std::uint32_t stream, std::uint64_t draw) const override {
        asked.emplace_back(stream, draw);
        return draw << 60;
    }
};

constexpr std::uint64_t kMedian = 1ull << 63;
constexpr std::uint64_t kLowest = 0, kHighest = ~0ull;

Distribution make(Kind kind, SimTime first, SimTime second = {}) {
    Distribution d;
    d.kind = kind;
    d.first = first;
    d.second = second;
    return d;
}

/// The value below which `share` of all draws lie.
SimTime quantile(const Distribution& d, double share) {
    return Latency::sample(d, static_cast<std::uint64_t>(share * 0x1p64));
}

struct Moments {
    double mean = 0, deviation = 0;  // ps
};

/// Of the middles of 2^16 equal parts of the random number's range: no chance in it.
Moments moments(const Distribution& d) {
    constexpr std::uint64_t kParts = 1 << 16;
    const auto origin = static_cast<double>(Latency::sample(d, kMedian).count());
    double sum = 0, squares = 0;
    for (std::uint64_t i = 0; i < kParts; ++i) {
        const double x = static_cast<double>(Latency::sample(d, (i << 48) + (1ull << 47)).count()) - origin;
        sum += x;
        squares += x * x;
    }
    const double mean = sum / kParts;
    return {origin + mean, std::sqrt(squares / kParts - mean * mean)};
}

}  // namespace

TEST_CASE("every latency parameter has a name of its own, a unit, a source and a meaning",
          "[core][latency]") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < mcemu::kLatCount; ++i) {
        const mcemu::LatencyInfo& info = mcemu::latency_info(static_cast<Lat>(i));
        INFO(i << " " << info.name);
        CHECK(names.insert(info.name).second);
        CHECK(info.name.find('.') != std::string_view::npos);
        CHECK_FALSE(info.per.empty());
        CHECK_FALSE(info.source.empty());
        CHECK_FALSE(info.meaning.empty());
        CHECK(mcemu::find_latency(info.name) == static_cast<Lat>(i));
    }
}

TEST_CASE("the rows of the latency table stand at their parameters", "[core][latency]") {
    // One name per group: a row that is missing or too many shifts those behind it.
    CHECK(mcemu::latency_info(Lat::mem_dram_read).name == "dram.read");
    CHECK(mcemu::latency_info(Lat::mem_cxl_read).name == "cxl.read");
    CHECK(mcemu::latency_info(Lat::mc_detect).name == "mc.detect");
    CHECK(mcemu::latency_info(Lat::firmware_handler).name == "fw.handler");
    CHECK(mcemu::latency_info(Lat::fw_dsm_call).name == "fw.dsm_call");
    CHECK(mcemu::latency_info(Lat::kernel_mc_entry).name == "kernel.mc_entry");
    CHECK(mcemu::latency_info(Lat::kernel_mf_unmap).name == "kernel.mf_unmap");
    CHECK(mcemu::latency_info(Lat::kernel_sched).name == "kernel.sched");
}

TEST_CASE("kernel.unmap is another name of kernel.mf_unmap", "[core][latency]") {
    CHECK(mcemu::find_latency("kernel.unmap") == Lat::kernel_mf_unmap);
    CHECK_FALSE(mcemu::find_latency("kernel.nothing"));
    CHECK_FALSE(mcemu::find_latency(""));
}

TEST_CASE("a parameter that nobody set is its default", "[core][latency]") {
    const CountingRng rng;
    Latency latency(rng);
    CHECK(latency.draw(Lat::mem_pmem_read) == 305ns);
    CHECK(latency.draw(Lat::kernel_mc_prescan, 20) == 4us);
    CHECK(rng.asked.empty());
}

TEST_CASE("each parameter draws from its own stream and counts its own draws", "[core][latency]") {
    const CountingRng rng;
    Latency latency(rng);
    latency.set(Lat::mc_broadcast, make(Kind::uniform, 0ns, 10ns));
    latency.set(Lat::kernel_mf_unmap, make(Kind::uniform, 0ns, 10ns));
    latency.draw(Lat::mc_broadcast);
    latency.draw(Lat::kernel_mf_unmap);
    latency.draw(Lat::mc_broadcast);

    const auto broadcast = static_cast<std::uint32_t>(Lat::mc_broadcast);
    const auto unmap = static_cast<std::uint32_t>(Lat::kernel_mf_unmap);
    CHECK(rng.asked == std::vector<std::pair<std::uint32_t, std::uint64_t>>{
                           {broadcast, 0}, {unmap, 0}, {broadcast, 1}});
}

TEST_CASE("n draws at once are the sum of n draws", "[core][latency]") {
    const CountingRng rng;
    Latency one(rng), many(rng);
    one.set(Lat::mc_skew, make(Kind::uniform, 0ns, 1us));
    many.set(Lat::mc_skew, make(Kind::uniform, 0ns, 1us));
    SimTime sum{};
    for (int i = 0; i < 5; ++i) sum += one.draw(Lat::mc_skew);
    CHECK(many.draw(Lat::mc_skew, 5) == sum);
}

TEST_CASE("a uniform duration includes both ends", "[core][latency]") {
    const Distribution d = make(Kind::uniform, SimTime{10}, SimTime{13});
    CHECK(Latency::sample(d, kLowest) == SimTime{10});
    CHECK(Latency::sample(d, (1ull << 62) - 1) == SimTime{10});
    CHECK(Latency::sample(d, 1ull << 62) == SimTime{11});
    CHECK(Latency::sample(d, kHighest) == SimTime{13});
}

TEST_CASE("a uniform duration over all times does not overflow", "[core][latency]") {
    const Distribution d = make(Kind::uniform, SimTime{0}, SimTime{~0ull});
    CHECK(Latency::sample(d, kHighest) == SimTime{~0ull});
    CHECK(Latency::sample(d, 5) == SimTime{5});
}

TEST_CASE("a normal duration has its mean as median and 68 percent within one deviation",
          "[core][latency]") {
    const Distribution d = make(Kind::normal, 1us, 100ns);
    CHECK(Latency::sample(d, kMedian) == 1us);
    CHECK(quantile(d, 0.8413447460685429) == SimTime{1100000});
    CHECK(quantile(d, 0.15865525393145707) == SimTime{900000});
}

TEST_CASE("a normal duration is never below zero", "[core][latency]") {
    CHECK(Latency::sample(make(Kind::normal, 1ns, 1us), kLowest) == 0ns);
}

TEST_CASE("a lognormal duration has the median and the percentile that were given",
          "[core][latency]") {
    Distribution d = make(Kind::lognormal, 4us, 30us);
    CHECK(Latency::sample(d, kMedian) == 4us);
    CHECK(quantile(d, 0.99).count() == Approx(30e6).epsilon(1e-9));
    d.percentile = 0.9;
    CHECK(quantile(d, 0.9).count() == Approx(30e6).epsilon(1e-9));
}

TEST_CASE("an exponential duration has half of its draws below mean times ln 2",
          "[core][latency]") {
    const Distribution d = make(Kind::exponential, 1us);
    CHECK(quantile(d, 0.5).count() == Approx(693147.18).epsilon(1e-5));
    CHECK(quantile(d, 1 - 1 / 2.718281828459045).count() == Approx(1e6).epsilon(1e-5));
}

TEST_CASE("an empirical duration lies on the straight lines between its points", "[core][latency]") {
    Distribution d = make(Kind::empirical, {});
    d.table = {{0.0, 1us}, {0.5, 2us}, {1.0, 10us}};
    CHECK(quantile(d, 0.25) == 1500ns);
    CHECK(quantile(d, 0.75) == 6us);
}

TEST_CASE("an empirical duration is constant beyond the ends of its table", "[core][latency]") {
    Distribution d = make(Kind::empirical, {});
    d.table = {{0.25, 2us}, {0.75, 3us}};
    CHECK(quantile(d, 0.1) == 2us);
    CHECK(quantile(d, 0.9) == 3us);
}

TEST_CASE("the extreme draws of every distribution are finite", "[core][latency]") {
    const Kind kind = GENERATE(Kind::fixed, Kind::uniform, Kind::normal, Kind::lognormal,
                               Kind::exponential);
    const Distribution d = make(kind, 1us, 2us);
    CHECK(Latency::sample(d, kLowest) <= Latency::sample(d, kMedian));
    CHECK(Latency::sample(d, kMedian) <= Latency::sample(d, kHighest));
    CHECK(Latency::sample(d, kHighest) < 1ms);
}

TEST_CASE("the same bits give the same duration everywhere", "[core][latency]") {
    // A change of one of these changes the results of scenarios with random latencies.
    constexpr std::uint64_t kBits = 0xd16cfe0994fdcceb;
    CHECK(Latency::sample(make(Kind::uniform, 1us, 2us), kBits).count() == 1818070);
    CHECK(Latency::sample(make(Kind::normal, 1us, 100ns), kBits).count() == 1090803);
    CHECK(Latency::sample(make(Kind::lognormal, 4us, 30us), kBits).count() == 8782504);
    CHECK(Latency::sample(make(Kind::exponential, 1us), kBits).count() == 1704130);
}

TEST_CASE("every distribution has the mean and the deviation that its formula gives", "[core][latency]") {
    const auto near = [](const Moments& m, double mean, double deviation) {
        CHECK(m.mean == Approx(mean).epsilon(1e-3));
        CHECK(m.deviation == Approx(deviation).epsilon(3e-3).margin(1e-6));
    };
    near(moments(make(Kind::fixed, 7us)), 7e6, 0);
    near(moments(make(Kind::uniform, 2us, 14us)), 8e6, 12e6 / std::sqrt(12));
    near(moments(make(Kind::normal, 50us, 3us)), 50e6, 3e6);
    near(moments(make(Kind::exponential, 5us)), 5e6, 5e6);
    // sigma = ln(p99 / median) / z(0.99); mean = median exp(sigma^2 / 2).
    const double sigma = std::log(30.0 / 4.0) / 2.3263478740408408;
    const double mean = 4e6 * std::exp(sigma * sigma / 2);
    near(moments(make(Kind::lognormal, 4us, 30us)), mean, mean * std::sqrt(std::expm1(sigma * sigma)));
    // Half of it 1 us, the other half uniform from 1 to 9 us: E(x) = 3, E(x^2) = 1/2 + 91/6 us^2.
    Distribution measured = make(Kind::empirical, {});
    measured.table = {{0.5, 1us}, {1.0, 9us}};
    near(moments(measured), 3e6, std::sqrt(0.5 + 91.0 / 6 - 9) * 1e6);
    CHECK(quantile(measured, 0.25) == 1us);
    CHECK(quantile(measured, 0.75).count() == Approx(5e6).epsilon(1e-9));
}
