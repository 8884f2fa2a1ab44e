// Examples: nvdimm.md A.1.
#include "core/pmem/interleave.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace mcemu;
using namespace mcemu::pmem;

namespace {

constexpr std::uint64_t kBase = 0x280000000;

InterleaveSet set_of(std::size_t ways, std::uint64_t dpa_base, std::uint64_t rows = 16384,
                     std::uint64_t granularity = 4096) {
    return {{kBase, kBase + rows * ways * granularity},
            granularity,
            std::vector<std::uint64_t>(ways, dpa_base)};
}

struct Example {
    std::size_t ways;
    std::uint64_t dpa_base, offset;
    std::uint32_t way;
    std::uint64_t dpa;
};

}  // namespace

TEST_CASE("an SPA lies on the way and DPA of the worked examples", "[core][pmem]") {
    const auto e = GENERATE(values<Example>({
        {4, 0x1000000, 0x0, 0, 0x1000000},
        {4, 0x1000000, 0x1000, 1, 0x1000000},
        {4, 0x1000000, 0x4040, 0, 0x1001040},
        {4, 0x1000000, 0x205400, 1, 0x1081400},
        {4, 0x1000000, 0x2100000, 0, 0x1840000},
        {6, 0, 0x123456, 3, 0x30456},
        {6, 0, 0x5fff, 5, 0xfff},
        {6, 0, 0x6000, 0, 0x1000},
        {2, 0, 0x7d000, 1, 0x3e000},
        {3, 0x10000000, 0x2fc0, 2, 0x10000fc0},
        {6, 0, 0x125456, 5, 0x30456},
        {4, 0x1000000, 0x206400, 2, 0x1081400},
    }));
    const InterleaveSet set = set_of(e.ways, e.dpa_base);

    CHECK(set.decode(kBase + e.offset) == InterleaveSet::Place{e.way, e.dpa});
    CHECK(set.encode({e.way, e.dpa}) == kBase + e.offset);
}

TEST_CASE("a range over a chunk border has one piece on each way", "[core][pmem]") {
    const InterleaveSet set = set_of(4, 0x1000000);
    const SpaRange range{0x280000fc0, 0x280001040};

    CHECK(set.on_way(range, 0) == DpaRange{0x1000fc0, 0x1001000});
    CHECK(set.on_way(range, 1) == DpaRange{0x1000000, 0x1000040});
    CHECK(set.on_way(range, 2).size() == 0);
    CHECK(set.on_way(range, 3).size() == 0);
}

TEST_CASE("decode and encode are inverse for every line of a set", "[core][pmem]") {
    const auto ways = GENERATE(1, 2, 3, 4, 6, 8);
    const auto granularity = GENERATE(256, 4096);
    const InterleaveSet set =
        set_of(static_cast<std::size_t>(ways), 0x10000, 8, static_cast<std::uint64_t>(granularity));
    bool same = true;
    for (std::uint64_t spa = set.range().begin; spa < set.range().end; spa += 64)
        same = same && set.encode(set.decode(spa)) == spa;
    for (std::uint32_t way = 0; way < set.ways(); ++way) {
        const DpaRange part = set.on_way(set.range(), way);
        for (std::uint64_t dpa = part.begin; dpa < part.end; dpa += 64)
            same = same && set.decode(set.encode({way, dpa})) == InterleaveSet::Place{way, dpa};
    }
    CHECK(same);
}

TEST_CASE("the part of a range on a way holds just the lines that decode to it", "[core][pmem]") {
    const InterleaveSet set = set_of(3, 0x5000, 6, 256);
    std::mt19937_64 random(1);
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t a = kBase + random() % (set.range().size() / 64 + 1) * 64;
        const std::uint64_t b = kBase + random() % (set.range().size() / 64 + 1) * 64;
        const SpaRange range{std::min(a, b), std::max(a, b)};
        for (std::uint32_t way = 0; way < 3; ++way) {
            std::uint64_t lines = 0;
            bool inside = true;
            const DpaRange part = set.on_way(range, way);
            for (std::uint64_t spa = range.begin; spa < range.end; spa += 64)
                if (const auto place = set.decode(spa); place.way == way) {
                    ++lines;
                    inside = inside && part.contains(place.dpa);
                }
            REQUIRE(inside);
            REQUIRE(part.size() == lines * 64);
        }
    }
}

TEST_CASE("a range that is no multiple of ways times granularity is refused", "[core][pmem]") {
    CHECK_THROWS_AS(InterleaveSet({0, 0x3000}, 4096, {0, 0}), std::invalid_argument);
    CHECK_THROWS_AS(InterleaveSet({0, 0x3000}, 4096, {}), std::invalid_argument);
    CHECK_THROWS_AS(InterleaveSet({0, 0x3000}, 96, {0}), std::invalid_argument);
}

TEST_CASE("runs in SPA order agree with a walk over all lines", "[core][pmem]") {
    const auto seed = GENERATE(range(1u, 7u));
    std::mt19937_64 random(seed);
    const InterleaveSet set = set_of(1 + seed % 4, 0x1000, 32, 256);
    std::vector<PoisonList> modules(set.ways());
    std::vector<const PoisonList*> ways;
    for (const PoisonList& module : modules) ways.push_back(&module);
    for (int i = 0; i < 60; ++i) {
        const auto way = static_cast<std::uint32_t>(random() % set.ways());
        const DpaRange part = set.on_way(set.range(), way);
        const std::uint64_t begin = part.begin + random() % part.size();
        const std::uint64_t end = std::min(part.end, begin + 1 + random() % 700);
        modules[way].add({begin, end}, static_cast<std::uint32_t>(random() % 2),
                         static_cast<std::uint8_t>(random() % 2));
    }
    for (const std::uint8_t flags : {kPoisonAny, kPoisonListed}) {
        std::vector<SpaRange> expected, found;
        for (std::uint64_t spa = set.range().begin; spa < set.range().end; spa += 64) {
            const auto place = set.decode(spa);
            const auto run = modules[place.way].first_in({place.dpa, place.dpa + 1});
            if (!run || (run->flags & flags) != flags) continue;
            if (!expected.empty() && expected.back().end == spa)
                expected.back().end += 64;
            else
                expected.push_back({spa, spa + 64});
        }
        std::uint64_t at = set.range().begin;
        while (const auto run = next_run(set, ways, at, set.range().end, flags)) {
            found.push_back(*run);
            at = run->end;
        }
        CHECK(found == expected);
    }
}

TEST_CASE("XOR interleave turns the places of a stripe by parities of higher bits", "[core][pmem]") {
    // Bits 8, 14 and 22, and 9, 15 and 23: the XORMAPs 0x404100 and 0x808200 of the kernel's
    // cxl_test, at 256 bytes.
    constexpr std::uint64_t kMap[] = {0x404100, 0x808200};
    const std::uint64_t base = 0x100000000;
    const InterleaveSet set({base, base + (64 << 20)}, 256, {0, 0, 0, 0}, true);
    std::mt19937_64 random(1);
    for (int i = 0; i < 2000; ++i) {
        const std::uint64_t spa = base + random() % (64 << 20);
        const InterleaveSet::Place place = set.decode(spa);
        std::uint32_t way = 0;
        for (unsigned bit = 0; bit < 2; ++bit)
            way |= static_cast<std::uint32_t>(__builtin_parityll(spa & kMap[bit])) << bit;
        REQUIRE(place.way == way);
        // The stripe's number leaves the bits of the way out, wherever its chunks went.
        REQUIRE(place.dpa == (spa - base) / 1024 * 256 + spa % 256);
        REQUIRE(set.encode(place) == spa);
    }
}

TEST_CASE("a range has one piece on each way, with XOR too", "[core][pmem]") {
    const std::uint64_t base = 0x40000000;
    const std::uint64_t size = 1 << 20;
    const std::size_t ways = GENERATE(1u, 2u, 4u, 8u, 16u);
    const InterleaveSet set({base, base + size}, 256, std::vector<std::uint64_t>(ways, 4096), true);
    std::mt19937_64 random(ways);
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t begin = base + random() % (size / 64) * 64;
        const std::uint64_t end = std::min(begin + random() % 400 * 64, base + size);
        std::uint64_t bytes = 0;
        for (std::uint32_t way = 0; way < ways; ++way) {
            const DpaRange part = set.on_way({begin, end}, way);
            bytes += part.size();
            for (std::uint64_t dpa = part.begin; dpa < part.end; dpa += 64) {
                const std::uint64_t spa = set.encode({way, dpa});
                REQUIRE(SpaRange{begin, end}.contains(spa));
                REQUIRE(set.decode(spa) == InterleaveSet::Place{way, dpa});
            }
        }
        REQUIRE(bytes == end - begin);
    }
}

TEST_CASE("XOR takes powers of two, from the beginning of a stripe", "[core][pmem]") {
    CHECK_THROWS_AS(InterleaveSet({0, 3 * 4096}, 4096, {0, 0, 0}, true), std::invalid_argument);
    CHECK_THROWS_AS(InterleaveSet({4096, 5 * 4096}, 4096, {0, 0}, true), std::invalid_argument);
    CHECK_NOTHROW(InterleaveSet({8192, 16384}, 4096, {0, 0}, true));
}

// ---------------------------------------------------------------- by a table (nvdimm.md 2.2)

namespace {

RegionConfig table_region(std::vector<std::vector<std::uint32_t>> table, std::uint64_t stripes,
                          std::uint64_t granularity = 4096) {
    RegionConfig region;
    region.id = "r";
    region.interleave = granularity;
    for (std::uint32_t way = 0; way < table.size(); ++way) {
        region.nvdimms.push_back(way);
        region.dpa_base.push_back(0x100000 * (way + 1));
    }
    region.interleave_table = std::move(table);
    region.range = {0x280000000, 0x280000000 + stripes * region.stripe()};
    return region;
}

}  // namespace

TEST_CASE("a table gives the places of a stripe line by line", "[core][pmem]") {
    // The rule of nvdimm.md 2.2, from the module's side.
    const auto table = GENERATE(std::vector<std::vector<std::uint32_t>>{{0, 3}, {1, 2}},
                                std::vector<std::vector<std::uint32_t>>{{0, 1}, {2, 3}},
                                std::vector<std::vector<std::uint32_t>>{{0, 4, 8}, {1, 3, 7}, {2, 5, 6}},
                                std::vector<std::vector<std::uint32_t>>{{0}, {1}, {2}});
    const std::uint64_t line_size = GENERATE(256u, 4096u);
    const RegionConfig region = table_region(table, 5, line_size);
    const InterleaveSet set(region);
    const std::uint64_t lines = table[0].size(), ways = table.size();
    for (std::uint32_t way = 0; way < ways; ++way)
        for (std::uint64_t offset = 0; offset < 5 * lines * line_size; offset += 64) {
            const std::uint64_t line = offset / line_size;
            const std::uint64_t spa = region.range.begin +
                                      line / lines * (lines * line_size * ways) +
                                      table[way][line % lines] * line_size + offset % line_size;
            const InterleaveSet::Place place{way, region.dpa_base[way] + offset};
            REQUIRE(set.encode(place) == spa);
            REQUIRE(set.decode(spa) == place);
        }
}

TEST_CASE("a range has one piece on each way, with a table too", "[core][pmem]") {
    const InterleaveSet set(table_region({{0, 4, 8}, {1, 3, 7}, {2, 5, 6}}, 40));
    const SpaRange all = set.range();
    std::mt19937_64 random(3);
    for (int i = 0; i < 300; ++i) {
        const std::uint64_t begin = all.begin + random() % (all.size() / 64) * 64;
        const std::uint64_t end = std::min(begin + random() % 2000 * 64, all.end);
        std::uint64_t bytes = 0;
        for (std::uint32_t way = 0; way < set.ways(); ++way) {
            const DpaRange part = set.on_way({begin, end}, way);
            bytes += part.size();
            for (std::uint64_t dpa = part.begin; dpa < part.end; dpa += 64)
                REQUIRE(SpaRange{begin, end}.contains(set.encode({way, dpa})));
        }
        REQUIRE(bytes == end - begin);
    }
}

TEST_CASE("without a gap, a table of one line a way is uniform interleave", "[core][pmem]") {
    RegionConfig region = table_region({{0}, {1}, {2}}, 7);
    const InterleaveSet by_table(region);
    region.interleave_table.clear();
    const InterleaveSet uniform(region);
    for (std::uint64_t spa = region.range.begin; spa < region.range.end; spa += 64)
        REQUIRE(by_table.decode(spa) == uniform.decode(spa));
}

TEST_CASE("a table that does not tile the stripe is refused", "[core][pmem]") {
    CHECK_THROWS_AS(InterleaveSet(table_region({{0, 1}, {1, 2}}, 1)), std::invalid_argument);
    CHECK_THROWS_AS(InterleaveSet(table_region({{3, 0}, {1, 2}}, 1)), std::invalid_argument);
    CHECK_THROWS_AS(InterleaveSet(table_region({{0, 4}, {1, 2}}, 1)), std::invalid_argument);
}

TEST_CASE("a range of a module's addresses lies in one part a chunk", "[core][pmem]") {
    const InterleaveSet set({0x280000000, 0x280010000}, 4096, {0x1000000, 0x1000000});
    CHECK(set.spa_of(1, {0x1000f00, 0x1001100}) ==
          std::vector<SpaRange>{{0x280001f00, 0x280002000}, {0x280003000, 0x280003100}});
    CHECK(set.spa_of(0, {0, 0x1000100}) == std::vector<SpaRange>{{0x280000000, 0x280000100}});
    CHECK(set.spa_of(0, {0, 0x1000}).empty());
}
