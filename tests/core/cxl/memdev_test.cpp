#include "core/cxl/memdev.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace mcemu;
using namespace mcemu::cxl;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

Identity small() { return {kMiB, kMiB, 300, 280}; }

DpaRange whole(const Memdev& device) { return {0, device.identify().capacity()}; }

}  // namespace

TEST_CASE("cxl memdev: injecting stops at the limit, but not for lines that are poisoned") {
    Memdev device({0, kMiB, 100, 3});
    for (std::uint64_t dpa : {0x40u, 0x80u, 0x1000u})
        CHECK(device.inject_poison(dpa, 0s) == ReturnCode::success);
    CHECK(device.inject_poison(0x2000, 0s) == ReturnCode::inject_poison_limit);
    CHECK(device.inject_poison(0x80, 0s) == ReturnCode::success);
    const PoisonListReply reply = device.get_poison_list(whole(device));
    CHECK(reply.flags == 0);
    CHECK(reply.records == std::vector<MediaErrorRecord>{{0x43, 1}, {0x83, 1}, {0x1003, 1}});
    CHECK(device.clear_poison(0x80) == ReturnCode::success);
    CHECK(device.injected() == 2);
    CHECK(device.inject_poison(0x2000, 0s) == ReturnCode::success);
}

TEST_CASE("cxl memdev: the persistent partition keeps its errors over a power cycle, and the list") {
    Memdev before(small());
    REQUIRE(before.inject_poison(0x1000, 0s) == ReturnCode::success);  // volatile
    REQUIRE(before.inject_poison(kMiB, 0s) == ReturnCode::success);
    before.plant({0x8000, 0x8100}, 1, true);
    before.plant({kMiB - 64, kMiB + 64}, 2);  // on both sides, and one line known already
    before.plant({kMiB + 0x2000, kMiB + 0x2080}, 3);
    REQUIRE(before.read({kMiB + 0x2000, kMiB + 0x2040}, 1s));  // consumed: both are listed

    const MemdevImage image = before.snapshot();
    CHECK(image.stuck == std::vector<DpaRange>{{0x8000, 0x8100}});
    CHECK(image.poison ==
          std::vector<pmem::PoisonRun>{
              {{0x8000, 0x8100}, 0, 0},
              {{kMiB, kMiB + 64}, 0, pmem::kPoisonListed | pmem::kPoisonInjected},
              {{kMiB + 0x2000, kMiB + 0x2040}, 0, pmem::kPoisonListed},
              {{kMiB + 0x2040, kMiB + 0x2080}, 0, 0}});

    Memdev after(small());
    after.restore(image);
    CHECK(after.snapshot() == image);
    CHECK(after.listed() == 2);
    CHECK(after.injected() == 1);
    CHECK(after.records() ==
          std::vector<MediaErrorRecord>{{kMiB | 3, 1}, {(kMiB + 0x2000) | 2, 1}});
    CHECK(after.clear_poison(0x8000) == ReturnCode::permanent_media_failure);
    CHECK_FALSE(after.poison().first_in({0x1000, 0x1040}));  // memory is written anew
    CHECK_FALSE(after.poison().first_in({kMiB - 64, kMiB}));
}

TEST_CASE("cxl memdev: a latent error is listed once it is read") {
    Memdev device(small());
    device.plant({0x1000, 0x1080}, 7);
    CHECK(device.get_poison_list(whole(device)).records.empty());
    CHECK_FALSE(device.read({0xfc0, 0x1000}, 0s));
    const auto met = device.read({0x1040, 0x1048}, 0s);
    REQUIRE(met);
    CHECK(met->range == DpaRange{0x1040, 0x1080});
    CHECK(met->origin == 7);
    CHECK(device.get_poison_list(whole(device)).records ==
          std::vector<MediaErrorRecord>{{0x1042, 1}});
    CHECK(device.read({0x1040, 0x1048}, 0s));
    CHECK(device.listed() == 1);
}

TEST_CASE("cxl memdev: the list overflows at its maximum and keeps the first time") {
    Memdev device({kMiB, 0, 2, 10});
    CHECK(device.inject_poison(0x0, 1us) == ReturnCode::success);
    CHECK(device.inject_poison(0x40, 2us) == ReturnCode::success);
    CHECK(device.get_poison_list(whole(device)).flags == 0);
    CHECK(device.inject_poison(0x80, 3us) == ReturnCode::success);
    CHECK(device.inject_poison(0xc0, 4us) == ReturnCode::success);
    const PoisonListReply reply = device.get_poison_list(whole(device));
    CHECK(reply.flags == kListOverflow);
    CHECK(reply.overflow_ns == 3000);
    CHECK(reply.records.size() == 2);
    CHECK(device.read({0xc0, 0x100}, 5us));  // poisoned nevertheless
}

TEST_CASE("cxl memdev: a long list comes in several answers") {
    Memdev device(small());
    for (std::uint64_t i = 0; i < 260; ++i) device.inject_poison(i * 128, 0s);
    const PoisonListReply first = device.get_poison_list(whole(device));
    CHECK(first.flags == kMoreRecords);
    CHECK(first.records.size() == 254);
    const PoisonListReply second = device.get_poison_list(whole(device));
    CHECK(second.flags == 0);
    REQUIRE(second.records.size() == 6);
    CHECK(second.records[0].dpa() == 254 * 128);
    CHECK(device.get_poison_list(whole(device)).records[0].dpa() == 0);

    device.get_poison_list({0, kMiB});  // another range starts afresh
    CHECK(device.get_poison_list({0, 2 * kMiB}).records[0].dpa() == 0);
}

TEST_CASE("cxl memdev: bad addresses, disabled media and permanent failures") {
    Memdev device(small());
    CHECK(device.inject_poison(0x20, 0s) == ReturnCode::invalid_physical_address);
    CHECK(device.clear_poison(2 * kMiB) == ReturnCode::invalid_physical_address);
    CHECK(device.get_poison_list({0, 3 * kMiB}).code == ReturnCode::invalid_physical_address);
    CHECK(device.clear_poison(0x1000) == ReturnCode::success);  // clean

    device.plant({0x2000, 0x2040}, 1, true);
    device.plant({0x2040, 0x2080}, 2);
    CHECK(device.clear_poison(0x2000) == ReturnCode::permanent_media_failure);
    CHECK(device.write({0x1fc0, 0x2100}) == 64);
    CHECK(device.poison().runs() == std::vector<DpaRange>{{0x2000, 0x2040}});

    device.disable_media(true);
    CHECK(device.inject_poison(0x40, 0s) == ReturnCode::media_disabled);
    CHECK(device.clear_poison(0x40) == ReturnCode::media_disabled);
    CHECK(device.get_poison_list({0, kMiB}).code == ReturnCode::media_disabled);
}

TEST_CASE("cxl memdev: an impossible device is refused") {
    CHECK_THROWS_AS(Memdev({0, 0, 1, 1}), std::invalid_argument);
    CHECK_THROWS_AS(Memdev({100, 0, 1, 1}), std::invalid_argument);
    CHECK_THROWS_AS(Memdev({64, 0, 1u << 24, 1}), std::invalid_argument);
    CHECK_THROWS_AS(Memdev(small()).plant({0, 3 * kMiB}, 0), std::invalid_argument);
    CHECK_THROWS_AS(Memdev(small()).plant({64, 64}, 0), std::invalid_argument);
}

TEST_CASE("cxl memdev: random commands agree with a line by line model") {
    std::mt19937 random(20);
    constexpr std::uint64_t kLines = 64;
    Memdev device({kLines * 32, kLines * 32, kLines, 20});
    struct Line {
        bool injected, listed;
    };
    std::map<std::uint64_t, Line> naive;
    for (int step = 0; step < 20000; ++step) {
        const std::uint64_t dpa = random() % kLines * 64;
        const auto injected = static_cast<std::uint64_t>(std::count_if(
            naive.begin(), naive.end(), [](const auto& l) { return l.second.injected; }));
        switch (random() % 4) {
            case 0: {
                const bool full = !naive.count(dpa) && injected >= 20;
                CHECK(device.inject_poison(dpa, 0s) ==
                      (full ? ReturnCode::inject_poison_limit : ReturnCode::success));
                if (!full) naive.emplace(dpa, Line{true, true});
                break;
            }
            case 1:
                CHECK(device.clear_poison(dpa) == ReturnCode::success);
                naive.erase(dpa);
                break;
            case 2:
                device.plant({dpa, dpa + 64}, 1);
                naive.emplace(dpa, Line{false, false});
                break;
            default:
                CHECK(device.read({dpa, dpa + 64}, 0s).has_value() == (naive.count(dpa) != 0));
                if (naive.count(dpa)) naive.at(dpa).listed = true;
        }
        std::vector<MediaErrorRecord> expected;
        for (const auto& [at, line] : naive)
            if (line.listed) expected.push_back({at | (line.injected ? 3u : 2u), 1});
        REQUIRE(device.get_poison_list(whole(device)).records == expected);
        REQUIRE(device.listed() == expected.size());
    }
    device.poison().check();
}

TEST_CASE("cxl memdev: a scan of the media finds latent errors and lists them") {
    Memdev device({kMiB, 0, 10, 10}, kMiB);  // a second for all of it
    device.plant({0x1000, 0x1100}, 3);
    device.plant({0x80000, 0x80040}, 4);
    CHECK(device.scan_media({0, kMiB}, 1s) == ReturnCode::success);
    CHECK(device.scan_media({0, kMiB}, 1s + 1ms) == ReturnCode::busy);
    CHECK(device.get_scan_media_results(1500ms).code == ReturnCode::busy);
    CHECK((device.get_poison_list(whole(device)).flags & kScanInProgress) != 0);
    CHECK(device.listed() == 4);  // what the position has passed by now

    const ScanMediaReply reply = device.get_scan_media_results(3s);
    CHECK(reply.code == ReturnCode::success);
    CHECK(reply.flags == 0);
    CHECK(reply.records == std::vector<MediaErrorRecord>{{0x1002, 4}, {0x80002, 1}});
    CHECK(device.listed() == 5);
    CHECK(device.get_poison_list(whole(device)).flags == 0);
}

TEST_CASE("cxl memdev: a scan misses what fails behind it, and stops where its results are full") {
    Memdev device({kMiB, 0, 2, 10}, kMiB);
    CHECK(device.scan_media({0, kMiB}, 0s) == ReturnCode::success);
    device.advance(500ms);
    device.plant({0x1000, 0x1040}, 1);  // behind
    for (std::uint64_t dpa : {0x90000u, 0xa0000u, 0xb0000u}) device.plant({dpa, dpa + 64}, 1);
    const ScanMediaReply reply = device.get_scan_media_results(2s);
    CHECK(reply.records == std::vector<MediaErrorRecord>{{0x90002, 1}, {0xa0002, 1}});
    CHECK(reply.flags == kScanStopped);
    CHECK(reply.restart == DpaRange{0xb0000, kMiB});
    CHECK(device.scan_media(reply.restart, 2s) == ReturnCode::success);
    CHECK(device.get_scan_media_results(4s).records ==
          std::vector<MediaErrorRecord>{{0xb0002, 1}});
}

TEST_CASE("cxl memdev: results of a scan leave out what was cleared since") {
    Memdev device({kMiB, 0, 10, 10}, kMiB);
    device.plant({0x1000, 0x1100}, 1);
    device.scan_media({0, kMiB}, 0s);
    device.advance(2s);
    CHECK(device.clear_poison(0x1040) == ReturnCode::success);
    CHECK(device.get_scan_media_results(2s).records ==
          std::vector<MediaErrorRecord>{{0x1002, 1}, {0x1082, 2}});
}

TEST_CASE("cxl memdev: a scan asks for whole lines inside the device, and media that are on") {
    Memdev device({kMiB, 0, 10, 10});
    CHECK(device.scan_media({0, 2 * kMiB}, 0s) == ReturnCode::invalid_physical_address);
    CHECK(device.scan_media({0, 32}, 0s) == ReturnCode::invalid_physical_address);
    CHECK(device.scan_media({64, 64}, 0s) == ReturnCode::invalid_physical_address);
    device.disable_media(true);
    CHECK(device.scan_media({0, kMiB}, 0s) == ReturnCode::media_disabled);
    CHECK(device.get_scan_media_results(0s).code == ReturnCode::media_disabled);
}

TEST_CASE("cxl memdev: a permanent line fails for good only once it is poisoned") {
    Memdev device({kMiB, 0, 10, 10});
    device.make_permanent({0x1000, 0x1040});
    CHECK_FALSE(device.read({0x1000, 0x1040}, 0s));
    device.plant({0x1000, 0x1080}, 1);
    CHECK(device.clear_poison(0x1000) == ReturnCode::permanent_media_failure);
    CHECK(device.write({0x1000, 0x1080}) == 64);
    CHECK(device.healed() == std::vector<pmem::PoisonRun>{{{0x1040, 0x1080}, 1, 0}});
    CHECK(device.read({0x1000, 0x1040}, 0s));
}
