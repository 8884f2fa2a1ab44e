// nvdimm.md 7.1 and A.5.
#include "core/pmem/ars.hpp"

#include <catch2/catch.hpp>

#include "core/pmem/poison_list.hpp"

using namespace mcemu;
using namespace mcemu::pmem;
using namespace std::chrono_literals;

namespace {

constexpr SpaRange kRange{0x10000, 0x20000};  // 64 KiB, scanned in 64 us: 1 KiB a microsecond

/// One module, SPA = DPA.
struct Media : ArsMedia {
    PoisonList poison;
    SimTime cost{};

    std::optional<SpaRange> next_run(std::uint64_t from, std::uint64_t end,
                                     bool known_only) const override {
        const std::uint8_t flags = known_only ? kPoisonListed : kPoisonAny;
        const std::uint64_t begin = poison.next_poisoned(from, end, flags);
        if (begin >= end) return std::nullopt;
        return SpaRange{begin, poison.next_clean(begin, end, flags)};
    }
    std::uint32_t handle_at(std::uint64_t) const override { return 0x11; }
    void list(SpaRange found) override { poison.mark(found, kPoisonListed); }
    SimTime record_cost() override { return cost; }
};

Ars::Request full(std::uint64_t max_records = 170) { return {kRange, 64us, max_records, false}; }

std::vector<SpaRange> ranges(const Ars& ars) {
    std::vector<SpaRange> result;
    for (const kernel::ArsRecord& r : ars.records()) result.push_back({r.spa, r.spa + r.length});
    return result;
}

}  // namespace

TEST_CASE("before the first start there has been no scrub since boot", "[core][pmem]") {
    Media media;
    Ars ars(media);
    ars.advance(1s);
    CHECK(ars.state() == ArsState::none);
}

TEST_CASE("a scrub is done when its time is over, and not a tick before", "[core][pmem]") {
    Media media;
    Ars ars(media);
    ars.start(full(), 5us);

    ars.advance(69us - SimTime{1});
    CHECK(ars.state() == ArsState::running);
    ars.advance(69us);
    CHECK(ars.state() == ArsState::done);
    CHECK(ars.covered() == kRange);
}

TEST_CASE("every record takes its time", "[core][pmem]") {
    Media media;
    media.cost = 1us;
    media.poison.add({0x11000, 0x11040}, 0);
    media.poison.add({0x12000, 0x12040}, 0);
    Ars ars(media);
    ars.start(full(), 0us);

    ars.advance(66us - SimTime{1});
    CHECK(ars.state() == ArsState::running);
    ars.advance(66us);
    CHECK(ars.state() == ArsState::done);
}

TEST_CASE("a start while a scrub runs changes nothing", "[core][pmem]") {
    Media media;
    media.poison.add({0x11000, 0x11040}, 0);
    Ars ars(media);
    ars.start(full(), 0us);

    CHECK_FALSE(ars.start({{0x10000, 0x10040}, 1us, 1, false}, 30us));
    ars.advance(64us);
    CHECK(ars.state() == ArsState::done);
    CHECK(ranges(ars) == std::vector<SpaRange>{{0x11000, 0x11040}});
}

TEST_CASE("a start in the moment a scrub ends begins a new one", "[core][pmem]") {
    Media media;
    Ars ars(media);
    ars.start(full(), 0us);
    CHECK(ars.start(full(), 64us));
    CHECK(ars.state() == ArsState::running);
}

TEST_CASE("every maximal run is one record, in order", "[core][pmem]") {
    Media media;
    media.poison.add({0x12000, 0x12080}, 1);
    media.poison.add({0x11000, 0x11040}, 2);
    media.poison.add({0x11040, 0x11080}, 3);
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(64us);

    CHECK(ranges(ars) == std::vector<SpaRange>{{0x11000, 0x11080}, {0x12000, 0x12080}});
    CHECK(ars.records()[0].handle == 0x11);
}

TEST_CASE("a run outside the requested range is not reported", "[core][pmem]") {
    Media media;
    media.poison.add({0x0ff00, 0x10040}, 1);
    media.poison.add({0x1ffc0, 0x20100}, 1);
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(64us);

    CHECK(ranges(ars) == std::vector<SpaRange>{{0x10000, 0x10040}, {0x1ffc0, 0x20000}});
}

TEST_CASE("poison planted behind the scan position is left to the next scrub", "[core][pmem]") {
    Media media;
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(32us);  // the scan stands at 0x18000
    media.poison.add({0x10400, 0x10440}, 1);
    ars.advance(64us);
    CHECK(ranges(ars).empty());

    ars.start(full(), 64us);
    ars.advance(128us);
    CHECK(ranges(ars) == std::vector<SpaRange>{{0x10400, 0x10440}});
}

TEST_CASE("poison planted ahead of the scan position is reported", "[core][pmem]") {
    Media media;
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(32us);
    media.poison.add({0x18000, 0x18040}, 1);
    ars.advance(64us);

    CHECK(ranges(ars) == std::vector<SpaRange>{{0x18000, 0x18040}});
}

TEST_CASE("a run that the scan is in the middle of becomes one record", "[core][pmem]") {
    Media media;
    media.poison.add({0x17000, 0x19000}, 1);
    Ars ars(media);
    ars.start(full(), 0us);
    for (SimTime t = 0us; t <= 64us; t += 500ns) ars.advance(t);

    CHECK(ranges(ars) == std::vector<SpaRange>{{0x17000, 0x19000}});
}

TEST_CASE("lines healed ahead of the scan inside a run are not reported", "[core][pmem]") {
    Media media;
    media.poison.add({0x17000, 0x19000}, 1);
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(32us);
    media.poison.clear({0x18800, 0x18c00});
    ars.advance(64us);

    CHECK(ranges(ars) == std::vector<SpaRange>{{0x17000, 0x18800}, {0x18c00, 0x19000}});
}

TEST_CASE("the records do not depend on how often the scrub is looked at", "[core][pmem]") {
    const auto scan = [](SimTime step) {
        Media media;
        media.cost = 700ns;
        for (std::uint64_t i = 0; i < 40; ++i)
            media.poison.add({0x10000 + i * 1600, 0x10000 + i * 1600 + 64 * (1 + i % 5)}, 1);
        Ars ars(media);
        ars.start(full(), 0us);
        SimTime t{};
        while (ars.state() == ArsState::running) ars.advance(t += step);
        return ranges(ars);
    };
    CHECK(scan(1s) == scan(10ns));
    CHECK(scan(1s) == scan(333ns));
}

TEST_CASE("a full answer stops the scrub and names where to go on", "[core][pmem]") {
    Media media;
    media.poison.add({0x10100, 0x10200}, 0);
    media.poison.add({0x10900, 0x10a00}, 0);
    media.poison.add({0x12100, 0x12200}, 0);
    Ars ars(media);
    ars.start(full(2), 0us);
    ars.advance(64us);

    CHECK(ars.state() == ArsState::stopped_overflow);
    CHECK(ranges(ars) == std::vector<SpaRange>{{0x10100, 0x10200}, {0x10900, 0x10a00}});
    CHECK(ars.covered() == SpaRange{0x10000, 0x12100});
    CHECK(ars.restart() == SpaRange{0x12100, 0x20000});
}

TEST_CASE("continuing after each overflow reports every run once", "[core][pmem]") {
    Media media;
    std::vector<SpaRange> runs;
    for (std::uint64_t i = 0; i < 23; ++i) {
        runs.push_back({0x10000 + i * 0x900, 0x10000 + i * 0x900 + 0x100});
        media.poison.add(runs.back(), 0);
    }
    Ars ars(media);
    std::vector<SpaRange> seen;
    SpaRange rest = kRange;
    SimTime now{};
    do {
        ars.start({rest, 64us, 4, false}, now);
        ars.advance(now += 64us);
        for (const SpaRange& r : ranges(ars)) seen.push_back(r);
        rest = ars.restart();
    } while (ars.state() == ArsState::stopped_overflow);

    CHECK(ars.state() == ArsState::done);
    CHECK(seen == runs);
}

TEST_CASE("a short scrub reports only what is known, after its time", "[core][pmem]") {
    Media media;
    media.poison.add({0x11000, 0x11040}, 0, kPoisonListed);
    media.poison.add({0x12000, 0x12040}, 1);
    Ars ars(media);
    ars.start({kRange, 10ms, 170, true}, 0us);

    ars.advance(10ms - SimTime{1});
    CHECK(ars.state() == ArsState::running);
    ars.advance(10ms);
    CHECK(ars.state() == ArsState::done);
    CHECK(ranges(ars) == std::vector<SpaRange>{{0x11000, 0x11040}});
}

TEST_CASE("a short scrub with too many records overflows, too", "[core][pmem]") {
    Media media;
    for (std::uint64_t i = 0; i < 3; ++i)
        media.poison.add({0x11000 + i * 0x100, 0x11040 + i * 0x100}, 0, kPoisonListed);
    Ars ars(media);
    ars.start({kRange, 10ms, 2, true}, 0us);
    ars.advance(10ms);

    CHECK(ars.state() == ArsState::stopped_overflow);
    CHECK(ars.restart() == SpaRange{0x11200, 0x20000});
}

TEST_CASE("what a full scrub found is known to later short ones", "[core][pmem]") {
    Media media;
    media.poison.add({0x11000, 0x11040}, 1);
    Ars ars(media);
    ars.start(full(), 0us);
    ars.start({kRange, 10ms, 170, true}, 64us);
    ars.advance(20ms);

    CHECK(ranges(ars) == std::vector<SpaRange>{{0x11000, 0x11040}});
}

TEST_CASE("a scrub stopped early keeps what it found so far", "[core][pmem]") {
    Media media;
    media.poison.add({0x11000, 0x11040}, 1);
    media.poison.add({0x1f000, 0x1f040}, 1);
    Ars ars(media);
    ars.start(full(), 0us);
    ars.stop(32us);

    CHECK(ars.state() == ArsState::stopped);
    CHECK(ars.covered() == SpaRange{0x10000, 0x18000});
    CHECK(ranges(ars) == std::vector<SpaRange>{{0x11000, 0x11040}});
}

TEST_CASE("a finished scrub stays finished until the next start", "[core][pmem]") {
    Media media;
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(64us);
    ars.advance(1h);
    CHECK(ars.state() == ArsState::done);
}

TEST_CASE("a platform reset forgets the results", "[core][pmem]") {
    Media media;
    media.poison.add({0x11000, 0x11040}, 1);
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(64us);
    ars.reset();

    CHECK(ars.state() == ArsState::none);
    CHECK(ars.records().empty());
}

TEST_CASE("healed lines leave the results still held", "[core][pmem]") {
    Media media;
    media.poison.add({0x11000, 0x11400}, 1);
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(64us);
    ars.forget({0x11100, 0x11200});

    CHECK(ranges(ars) == std::vector<SpaRange>{{0x11000, 0x11100}, {0x11200, 0x11400}});
}

TEST_CASE("a record split by healing that no longer fits overflows", "[core][pmem]") {
    Media media;
    media.poison.add({0x11000, 0x11400}, 1);
    Ars ars(media);
    ars.start(full(1), 0us);
    ars.advance(64us);
    ars.forget({0x11100, 0x11200});

    CHECK(ars.state() == ArsState::stopped_overflow);
    CHECK(ranges(ars) == std::vector<SpaRange>{{0x11000, 0x11100}});
    CHECK(ars.restart() == SpaRange{0x11200, 0x20000});
}

TEST_CASE("healing the open run does not lengthen another record", "[core][pmem]") {
    Media media;
    media.poison.add({0x11000, 0x11040}, 1);
    media.poison.add({0x17000, 0x19000}, 1);
    Ars ars(media);
    ars.start(full(), 0us);
    ars.advance(32us);
    media.poison.clear({0x17000, 0x18000});
    ars.forget({0x17000, 0x18000});
    ars.advance(64us);

    CHECK(ranges(ars) == std::vector<SpaRange>{{0x11000, 0x11040}, {0x18000, 0x19000}});
}

TEST_CASE("a scan asks as often as it finds something, however much it scans", "[core][pmem]") {
    struct Counting : Media {
        mutable int asked = 0;
        std::optional<SpaRange> next_run(std::uint64_t from, std::uint64_t end,
                                         bool known_only) const override {
            ++asked;
            return Media::next_run(from, end, known_only);
        }
    };
    const std::uint64_t size = GENERATE(1ull << 30, 6ull << 40);
    Counting media;
    constexpr int kRuns = 100;
    for (std::uint64_t i = 0; i < kRuns; ++i)
        media.poison.add({size / kRuns * i, size / kRuns * i + 64}, 0);
    Ars ars(media);
    ars.start({{0, size}, 6000s, kRuns, false}, 0s);
    ars.advance(3000s);
    ars.advance(6000s);
    CHECK(ars.state() == ArsState::done);
    CHECK(ars.count() == kRuns);
    CHECK(media.asked <= kRuns + 2);
}

TEST_CASE("results of a region at the top of the address space are as any others", "[core][pmem]") {
    constexpr std::uint64_t kTop = 1ull << 52;
    struct High : Media {
        std::optional<SpaRange> next_run(std::uint64_t from, std::uint64_t end, bool) const override {
            const SpaRange bad{kTop - 256, kTop};
            if (from >= bad.end || end <= bad.begin) return std::nullopt;
            return SpaRange{std::max(from, bad.begin), std::min(end, bad.end)};
        }
        void list(SpaRange) override {}
    } high;
    Ars ars(high);
    ars.start({{kTop - 0x10000, kTop}, 64us, 10, false}, 0us);
    ars.advance(64us);
    CHECK(ranges(ars) == std::vector<SpaRange>{{kTop - 256, kTop}});
    ars.forget({kTop - 192, kTop - 128});
    CHECK(ranges(ars) == std::vector<SpaRange>{{kTop - 256, kTop - 192}, {kTop - 128, kTop}});
}
