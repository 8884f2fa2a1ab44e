#include "core/pmem/poison_list.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace mcemu;
using namespace mcemu::pmem;

namespace {

constexpr std::uint64_t kMiB = 1 << 20, kGiB = 1 << 30, kTiB = kGiB * 1024;

/// The same rules, line by line.
class NaivePoison {
public:
    std::uint64_t add(DpaRange range, std::uint32_t origin, std::uint8_t flags) {
        std::uint64_t added = 0;
        for (std::uint64_t line = range.begin / 64; line * 64 < range.end; ++line)
            added += lines_.emplace(line, Tag{origin, flags}).second;
        return added * 64;
    }
    std::uint64_t clear(DpaRange range) {
        std::uint64_t cleared = 0;
        for (std::uint64_t line = (range.begin + 63) / 64; line * 64 + 64 <= range.end; ++line)
            cleared += lines_.erase(line);
        return cleared * 64;
    }
    void mark(DpaRange range, std::uint8_t flags) {
        for (std::uint64_t line = range.begin / 64; line * 64 < range.end; ++line)
            if (const auto it = lines_.find(line); it != lines_.end())
                it->second.flags = static_cast<std::uint8_t>(it->second.flags | flags);
    }
    std::vector<PoisonRun> tagged() const {
        std::vector<PoisonRun> result;
        for (const auto& [line, tag] : lines_) {
            if (!result.empty() && result.back().range.end == line * 64 &&
                result.back().origin == tag.origin && result.back().flags == tag.flags)
                result.back().range.end += 64;
            else
                result.push_back({{line * 64, line * 64 + 64}, tag.origin, tag.flags});
        }
        return result;
    }
    std::vector<DpaRange> runs(std::uint8_t flags) const {
        std::vector<DpaRange> result;
        for (const auto& [line, tag] : lines_) {
            if ((tag.flags & flags) != flags) continue;
            if (!result.empty() && result.back().end == line * 64)
                result.back().end += 64;
            else
                result.push_back({line * 64, line * 64 + 64});
        }
        return result;
    }
    bool poisoned(std::uint64_t address) const { return lines_.count(address / 64) != 0; }
    std::uint64_t bytes() const { return lines_.size() * 64; }

private:
    struct Tag {
        std::uint32_t origin;
        std::uint8_t flags;
    };
    std::map<std::uint64_t, Tag> lines_;
};

}  // namespace

TEST_CASE("clearing the middle of a run leaves two runs", "[core][pmem]") {
    PoisonList poison;
    poison.add({0x1000, 0x1400}, 0);

    CHECK(poison.clear({0x1100, 0x1200}) == 0x100);
    CHECK(poison.runs() == std::vector<DpaRange>{{0x1000, 0x1100}, {0x1200, 0x1400}});
}

TEST_CASE("clear heals only the lines that lie wholly inside", "[core][pmem]") {
    PoisonList poison;
    poison.add({0x1000, 0x1100}, 0);

    CHECK(poison.clear({0x1001, 0x10ff}) == 0x80);
    CHECK(poison.runs() == std::vector<DpaRange>{{0x1000, 0x1040}, {0x10c0, 0x1100}});
}

TEST_CASE("adding rounds out to lines of 64 bytes", "[core][pmem]") {
    PoisonList poison;

    CHECK(poison.add({0x103f, 0x1041}, 0) == 0x80);
    CHECK(poison.runs() == std::vector<DpaRange>{{0x1000, 0x1080}});
}

TEST_CASE("an already poisoned line keeps the origin that poisoned it", "[core][pmem]") {
    PoisonList poison;
    poison.add({0x1000, 0x1080}, 1);

    CHECK(poison.add({0x1040, 0x10c0}, 2) == 0x40);
    CHECK(poison.tagged() ==
          std::vector<PoisonRun>{{{0x1000, 0x1080}, 1, 0}, {{0x1080, 0x10c0}, 2, 0}});
}

TEST_CASE("touching ranges of one origin are one range", "[core][pmem]") {
    PoisonList poison;
    poison.add({0x1000, 0x1040}, 1);
    poison.add({0x1080, 0x10c0}, 1);
    poison.add({0x1040, 0x1080}, 1);

    CHECK(poison.size() == 1);
}

TEST_CASE("the canonical view merges touching ranges of different origins", "[core][pmem]") {
    PoisonList poison;
    poison.add({0x1000, 0x1040}, 1);
    poison.add({0x1040, 0x1080}, 2);

    CHECK(poison.runs() == std::vector<DpaRange>{{0x1000, 0x1080}});
}

TEST_CASE("a flag splits off the lines it is set for", "[core][pmem]") {
    PoisonList poison;
    poison.add({0x1000, 0x1100}, 7);
    poison.mark({0x1050, 0x1060}, kPoisonListed);

    CHECK(poison.tagged() == std::vector<PoisonRun>{{{0x1000, 0x1040}, 7, 0},
                                                    {{0x1040, 0x1080}, 7, kPoisonListed},
                                                    {{0x1080, 0x1100}, 7, 0}});
}

TEST_CASE("first_in names the first poisoned line that an access touches", "[core][pmem]") {
    PoisonList poison;
    poison.add({0x1080, 0x1140}, 3);

    CHECK_FALSE(poison.first_in({0x1000, 0x1080}));
    CHECK(poison.first_in({0x107f, 0x1081}) == PoisonRun{{0x1080, 0x10c0}, 3, 0});
    CHECK(poison.first_in({0x10c8, 0x10d0}) == PoisonRun{{0x10c0, 0x1100}, 3, 0});
    CHECK_FALSE(poison.first_in({0x1140, 0x2000}));
}

TEST_CASE("what clear removed is told with its origin", "[core][pmem]") {
    PoisonList poison;
    poison.add({0x1000, 0x1080}, 1);
    poison.add({0x1080, 0x1100}, 2);
    std::vector<PoisonRun> removed;
    poison.clear({0x1040, 0x10c0}, removed);

    CHECK(removed == std::vector<PoisonRun>{{{0x1040, 0x1080}, 1, 0}, {{0x1080, 0x10c0}, 2, 0}});
}

TEST_CASE("an empty range or one beyond 1 PiB is a caller's error", "[core][pmem]") {
    PoisonList poison;
    CHECK_THROWS_AS(poison.add({0x1000, 0x1000}, 0), std::invalid_argument);
    CHECK_THROWS_AS(poison.add({0, PoisonList::kMaxAddress + 1}, 0), std::invalid_argument);
    CHECK_NOTHROW(poison.add({PoisonList::kMaxAddress - 64, PoisonList::kMaxAddress}, ~0u, 0xff));
    CHECK(poison.tagged().at(0).origin == ~0u);
    CHECK(poison.tagged().at(0).flags == 0xff);
}

TEST_CASE("a clean part of 6 TiB costs nothing", "[core][pmem]") {
    PoisonList poison;
    CHECK_FALSE(poison.first_in({6 * kTiB - 64, 6 * kTiB}));
    CHECK(poison.clear({0, 6 * kTiB}) == 0);
    CHECK(poison.bytes() == 0);
}

TEST_CASE("a whole part of 6 TiB poisoned is one range and its filter", "[core][pmem]") {
    PoisonList poison;
    CHECK(poison.add({0, 6 * kTiB}, 1) == 6 * kTiB);
    CHECK(poison.clear({4096, 6 * kTiB - 4096}) == 6 * kTiB - 8192);
    poison.check();
    CHECK(poison.size() == 2);
    CHECK(poison.filter_bytes() <= 384 * 1024);
}

TEST_CASE("random operations agree with a list of single lines", "[core][pmem]") {
    const auto seed = GENERATE(range(1u, 9u));
    std::mt19937_64 random(seed);
    // Dense enough to merge and split, wide enough for several blocks and filter bits.
    const std::uint64_t space = seed % 2 == 0 ? 256 * 1024 : 24 * kMiB;
    const std::uint64_t longest = seed % 3 == 0 ? 256 : 8192;
    PoisonList poison;
    NaivePoison naive;
    for (int step = 0; step < 2500; ++step) {
        const std::uint64_t begin = random() % space;
        const DpaRange range{begin, begin + 1 + random() % longest};
        const auto origin = static_cast<std::uint32_t>(random() % 3);
        const auto flags = static_cast<std::uint8_t>(random() % 4);
        switch (random() % 8) {
            case 0:
            case 1:
            case 2:
            case 3:
                REQUIRE(poison.add(range, origin, flags) == naive.add(range, origin, flags));
                break;
            case 4:
            case 5:
                REQUIRE(poison.clear(range) == naive.clear(range));
                break;
            case 6:
                poison.mark(range, flags);
                naive.mark(range, flags);
                break;
            default: {
                const auto run = poison.first_in(range);
                std::uint64_t at = range.begin / 64 * 64;
                while (at < range.end && !naive.poisoned(at)) at += 64;
                REQUIRE(run.has_value() == (at < range.end));
                if (run) REQUIRE(run->range.begin == at);
            }
        }
        if (step % 100 == 0) {
            poison.check();
            REQUIRE(poison.tagged() == naive.tagged());
            REQUIRE(poison.runs() == naive.runs(0));
            REQUIRE(poison.runs({0, 2 * space}, kPoisonListed) == naive.runs(kPoisonListed));
            REQUIRE(poison.poisoned_bytes() == naive.bytes());
        }
    }
}

TEST_CASE("next_poisoned and next_clean walk the runs of a flag", "[core][pmem]") {
    std::mt19937_64 random(5);
    PoisonList poison;
    NaivePoison naive;
    for (int i = 0; i < 300; ++i) {
        const std::uint64_t begin = random() % (64 * 1024);
        const auto flags = static_cast<std::uint8_t>(random() % 4);
        const DpaRange range{begin, begin + 1 + random() % 300};
        poison.add(range, 1 + random() % 2, flags);
        naive.add(range, 1 + random() % 2, flags);
    }
    for (std::uint8_t flags = 0; flags < 4; ++flags) {
        std::vector<DpaRange> walked;
        const std::uint64_t end = kMiB;
        for (std::uint64_t at = 0;;) {
            const std::uint64_t begin = poison.next_poisoned(at, end, flags);
            if (begin == end) break;
            at = poison.next_clean(begin, end, flags);
            walked.push_back({begin, at});
        }
        CHECK(walked == naive.runs(flags));
    }
}

TEST_CASE("loading in bulk gives the same list as adding one by one", "[core][pmem]") {
    std::mt19937_64 random(3);
    std::vector<DpaRange> ranges;
    for (int i = 0; i < 20000; ++i) {
        const std::uint64_t begin = random() % (64 * kMiB);
        ranges.push_back({begin, begin + 1 + random() % 4096});
    }
    PoisonList loaded, added;
    loaded.load(ranges, 0, kPoisonListed);
    for (const DpaRange& range : ranges) added.add(range, 0, kPoisonListed);

    loaded.check();
    CHECK(loaded.tagged() == added.tagged());
}

TEST_CASE("a hundred thousand ranges cost at most 64 bytes each", "[core][pmem]") {
    constexpr std::uint64_t kRanges = 100'000;
    const auto per_range = [](const PoisonList& poison) {
        return (poison.bytes() - poison.filter_bytes()) / poison.size();
    };
    PoisonList poison;

    SECTION("in rising order") {
        for (std::uint64_t i = 0; i < kRanges; ++i) poison.add({i * 128, i * 128 + 64}, 1);
        CHECK(poison.size() == kRanges);
    }
    SECTION("in falling order") {
        for (std::uint64_t i = kRanges; i-- > 0;) poison.add({i * 128, i * 128 + 64}, 1);
        CHECK(poison.size() == kRanges);
    }
    SECTION("in random order") {
        std::mt19937_64 random(1);
        while (poison.size() < kRanges) {
            const std::uint64_t begin = random() % (6 * kTiB) / 128 * 128;
            poison.add({begin, begin + 64}, 1);
        }
    }
    SECTION("in bulk") {
        std::vector<DpaRange> ranges;
        for (std::uint64_t i = 0; i < kRanges; ++i) ranges.push_back({i * 128, i * 128 + 64});
        poison.load(ranges, 0);
        CHECK(per_range(poison) <= 20);
    }
    SECTION("after all but every fiftieth were healed one by one") {
        for (std::uint64_t i = 0; i < kRanges; ++i) poison.add({i * 128, i * 128 + 64}, 1);
        for (std::uint64_t i = 0; i < kRanges; ++i)
            if (i % 50 != 0) poison.clear({i * 128, i * 128 + 64});
        CHECK(poison.size() == kRanges / 50);
    }
    SECTION("after all but every fiftieth were healed at random") {
        for (std::uint64_t i = 0; i < kRanges; ++i) poison.add({i * 128, i * 128 + 64}, 1);
        std::mt19937_64 random(2);
        for (std::uint64_t i = 0; i < kRanges; ++i) {
            const std::uint64_t k = random() % kRanges;
            const std::uint64_t most = 49 - k % 50;  // the next fiftieth stays
            if (k % 50 != 0) poison.clear({k * 128, (k + 1 + random() % (most + 1)) * 128});
        }
        CHECK(poison.size() >= kRanges / 50);
    }
    SECTION("after long pieces were healed") {
        for (std::uint64_t i = 0; i < kRanges; ++i) poison.add({i * 128, i * 128 + 64}, 1);
        for (std::uint64_t i = 0; i < kRanges; i += 1000) poison.clear({i * 128, (i + 980) * 128});
        CHECK(poison.size() == kRanges / 50);
    }
    poison.check();
    CHECK(per_range(poison) <= 64);
}
