// Source: nvdimm.md 11.1, 11.3 and the worked examples A.3, A.6 row 87.
#include "core/kernel/nvdimm/badrange.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using mcemu::SpaRange;
using mcemu::kernel::Badranges;
using mcemu::kernel::SectorRange;
using mcemu::kernel::to_sectors;
using Ranges = std::vector<Badranges::Range>;

namespace {
Badranges list(const Ranges& ranges) {
    Badranges out;
    for (const Badranges::Range& r : ranges) out.add(r.start, r.length);
    return out;
}
}  // namespace

TEST_CASE("forgetting trims, splits and removes ranges", "[core][nvdimm]") {
    struct Example {
        Ranges before;
        std::uint64_t start;
        std::uint32_t length;
        Ranges after;
    };
    const auto example = GENERATE(values<Example>({
        {{{0x1000, 0x1000}}, 0x1400, 0x100, {{0x1000, 0x400}, {0x1500, 0xb00}}},
        {{{0x1000, 0x1000}}, 0x0, 0x1100, {{0x1100, 0xf00}}},
        {{{0x1000, 0x1000}}, 0x1f00, 0x1000, {{0x1000, 0xf00}}},
        {{{0x1000, 0x200}, {0x1100, 0x40}}, 0x1000, 0x100, {{0x1100, 0x100}, {0x1100, 0x40}}},
        {{{0x1000, 0x100}, {0x3000, 0x100}}, 0x1000, 0x100, {{0x3000, 0x100}}},
    }));
    Badranges ranges = list(example.before);
    ranges.forget(example.start, example.length);
    CHECK(ranges.ranges() == example.after);
}

TEST_CASE("forgetting only the first byte of a range leaves it alone", "[core][nvdimm]") {
    Badranges ranges = list({{0x1000, 0x100}});
    ranges.forget(0x0f01, 0x100);
    CHECK(ranges.ranges() == Ranges{{0x1000, 0x100}});
}

TEST_CASE("an addition at a known start replaces the length, also by a smaller one",
          "[core][nvdimm]") {
    CHECK(list({{0x1000, 0x200}, {0x1000, 0x40}}).ranges() == Ranges{{0x1000, 0x40}});
}

TEST_CASE("overlapping ranges are kept as they are", "[core][nvdimm]") {
    CHECK(list({{0x1000, 0x200}, {0x1100, 0x40}}).ranges() ==
          Ranges{{0x1000, 0x200}, {0x1100, 0x40}});
}

TEST_CASE("ranges become whole sectors of the table's resource", "[core][nvdimm]") {
    const SpaRange region{0x280000000, 0x284000000}, data{0x280200000, 0x284000000};
    CHECK(to_sectors({0x280205400, 64}, region) == SectorRange{4138, 1});
    CHECK(to_sectors({0x280205400, 64}, data) == SectorRange{42, 1});
    CHECK(to_sectors({0x280205000, 4096}, region) == SectorRange{4136, 8});
    CHECK(to_sectors({0x280205000, 4096}, data) == SectorRange{40, 8});
}

TEST_CASE("a range that begins before the resource is clipped", "[core][nvdimm]") {
    CHECK(to_sectors({0x2801fff00, 0x200}, {0x280200000, 0x284000000}) == SectorRange{0, 1});
}

TEST_CASE("a range outside the resource does not count", "[core][nvdimm]") {
    CHECK(!to_sectors({0x1000, 0x200}, {0x280000000, 0x284000000}));
    CHECK(!to_sectors({0x284000000, 64}, {0x280000000, 0x284000000}));
}

namespace {

/// nvdimm.md 11.1 as a walk over a plain list.
struct PlainList {
    Ranges list;

    void add(std::uint64_t start, std::uint64_t length) {
        for (Badranges::Range& r : list)
            if (r.start == start) {
                r.length = length;
                return;
            }
        list.push_back({start, length});
    }
    void forget(std::uint64_t a, std::uint32_t n) {
        const std::uint64_t e = a + n - 1;
        Ranges kept, tail;
        for (Badranges::Range r : list) {
            const std::uint64_t s = r.start, t = r.start + r.length - 1;
            const bool apart = e < s || t < a, inside = a <= s && t <= e;
            if (inside) continue;
            if (apart || e == s) {
                kept.push_back(r);
            } else if (a <= s) {
                kept.push_back({e + 1, t - e});
            } else {
                kept.push_back({s, a - s});
                if (t > e) tail.push_back({e + 1, t - e});
            }
        }
        list = kept;
        list.insert(list.end(), tail.begin(), tail.end());
    }
};

}  // namespace

TEST_CASE("the indexed list is the plain one, whatever is added and forgotten", "[core][nvdimm]") {
    // Small spaces give equal starts, overlaps and single bytes; the large one gives deep trees.
    const auto [seed, space, longest] = GENERATE(table<unsigned, unsigned, unsigned>(
        {{1, 40, 9}, {2, 200, 60}, {3, 5000, 70}, {4, 5000, 4000}, {5, 1u << 20, 300}}));
    std::mt19937 random(seed);
    const auto below = [&](unsigned limit) { return std::uint64_t{random() % limit}; };
    Badranges ranges;
    PlainList plain;
    for (int step = 0; step < 3000; ++step) {
        // Growth and decline take turns, so that slots are given back.
        const bool grow = below(10) < (step / 500 % 2 == 0 ? 8 : 3);
        const std::uint64_t start = below(space);
        const auto length = static_cast<std::uint32_t>(1 + below(longest));
        if (grow) {
            ranges.add(start, length);
            plain.add(start, length);
        } else {
            ranges.forget(start, length);
            plain.forget(start, length);
        }
        INFO("step " << step << (grow ? ", add " : ", forget ") << start << "+" << length);
        REQUIRE(ranges.size() == plain.list.size());
        if (step % 16 != 0) continue;
        REQUIRE(ranges.ranges() == plain.list);
        ranges.check();
        const std::uint64_t begin = below(space), end = begin + below(longest) + 1;
        Ranges met, wanted;
        ranges.for_each_meeting(begin, end, [&](auto, const auto& r) { met.push_back(r); });
        for (const Badranges::Range& r : plain.list)
            if (r.start < end && r.end() > begin) wanted.push_back(r);
        std::stable_sort(wanted.begin(), wanted.end(),
                         [](const auto& a, const auto& b) { return a.start < b.start; });
        REQUIRE(met == wanted);
    }
    CHECK(ranges.bytes() <= 64 * (3000 + 2048));
}

TEST_CASE("ten thousand adds and forgets leave no trace in memory", "[core][nvdimm]") {
    Badranges ranges;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        ranges.add(i * 4096, 64);
        ranges.forget(i * 4096, 64);
    }
    CHECK(ranges.size() == 0);
    CHECK(ranges.bytes() < 128 * 1024);
}

TEST_CASE("a range of more than 16 TiB keeps its length", "[core][nvdimm]") {
    constexpr std::uint64_t kTiB = 1ull << 40;
    Badranges ranges;
    ranges.add(0x1000, 16 * kTiB - 1);
    ranges.add(32 * kTiB, 100 * kTiB);
    ranges.add(0x2000, 16 * kTiB - 2);
    CHECK(ranges.ranges() == Ranges{{0x1000, 16 * kTiB - 1}, {32 * kTiB, 100 * kTiB}, {0x2000, 16 * kTiB - 2}});
    ranges.add(32 * kTiB, 64);  // a shorter one
    ranges.forget(0x1000, 0x1000);
    CHECK(ranges.ranges() == Ranges{{0x2000, 16 * kTiB - 0x1001}, {32 * kTiB, 64}, {0x2000, 16 * kTiB - 2}});
    ranges.check();
    // The highest address of a machine, and none above.
    ranges.add((1ull << 52) - 64, 64);
    CHECK(ranges.ranges().back() == Badranges::Range{(1ull << 52) - 64, 64});
}

TEST_CASE("a range takes less than 24 bytes, whatever order they come in", "[core][nvdimm]") {
    constexpr std::uint64_t kRanges = 100'000;
    const bool rising = GENERATE(true, false);
    Badranges ranges;
    for (std::uint64_t i = 0; i < kRanges; ++i)
        ranges.add((rising ? i : i * 0x9e3779b1u % (1u << 20)) * 4096, 256);
    REQUIRE(ranges.size() == kRanges);
    CHECK(ranges.bytes() < kRanges * (rising ? 18 : 24));
    // Half of them go, at random: blocks and slots are given back.
    for (std::uint64_t i = 0; i < kRanges; i += 2)
        ranges.forget((rising ? i : i * 0x9e3779b1u % (1u << 20)) * 4096, 256);
    REQUIRE(ranges.size() == kRanges / 2);
    ranges.check();
    CHECK(ranges.bytes() < kRanges / 2 * 40);
}
