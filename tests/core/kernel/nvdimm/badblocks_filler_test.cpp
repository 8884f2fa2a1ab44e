// A table that is filled again and again has the rows of a whole walk over the list each time
// (nvdimm.md 11.3). Source of the walk: the rules themselves, over the same Badblocks.
#include "core/kernel/nvdimm/badblocks_filler.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace mcemu;
using namespace mcemu::kernel;

namespace {

struct Both {
    Badranges list;
    SpaRange resource;
    Badblocks table, plain;
    BadblocksFiller filler;
    std::size_t looked = 0;

    Both(SpaRange r, BadblocksModel model) : resource(r), table(model), plain(model) {}

    void populate() {
        filler.populate(list, resource, table, [&](const SectorRange&) { ++looked; });
        for (const Badranges::Range& range : list.ranges())
            if (const auto sectors = to_sectors(range, resource))
                plain.set(sectors->first, sectors->count, true);
    }
    void clear(std::uint64_t sector, std::uint64_t count) {
        CHECK(table.clear(sector, count) == plain.clear(sector, count));
    }
    std::string rows() const { return text(table); }
    static std::string text(const Badblocks& table) {
        std::string out;
        for (const Badblocks::Row& row : table.rows())
            out += std::to_string(row.start) + "+" + std::to_string(row.length) + " ";
        return out;
    }
};

struct Shape {
    const char* name;
    std::uint64_t space;    // bytes of the resource
    std::uint64_t longest;  // range, bytes
    int steps;
};

}  // namespace

TEST_CASE("filling looks only at what may change, and gives the rows of a whole walk",
          "[core][nvdimm]") {
    const Shape shape = GENERATE(values<Shape>({
        {"dense lines", 64 << 10, 64, 3000},
        {"sectors and pages in little room", 512 << 10, 6000, 1500},
        {"more than fits", 8 << 20, 1500, 1500},
        {"far more than fits", 1ull << 32, 4096, 1300},
        {"ranges longer than a row", 4 << 20, 600 << 10, 600},
        {"mostly short, some longer than a row", 64 << 20, 300 << 10, 900},
    }));
    const BadblocksModel model = GENERATE(BadblocksModel::linux_6_1, BadblocksModel::ideal);
    const unsigned seed = GENERATE(1u, 2u);
    std::mt19937 random(seed);
    const auto below = [&](std::uint64_t limit) { return random() % limit; };
    constexpr std::uint64_t kBase = 1ull << 30;
    Both both({kBase, kBase + shape.space}, model);
    // Ranges also lie before, across and behind the borders of the resource.
    const auto address = [&] { return kBase - 8192 + below(shape.space + 16384); };
    for (int step = 0; step < shape.steps; ++step) {
        const auto what = below(20);
        const std::uint64_t at = address();
        std::uint64_t length = 64 + below(shape.longest) / (below(4) + 1);
        if (shape.longest == 64) length = 64;
        if (what < 14) {
            both.list.add(round_down(at, 64), length);
        } else if (what < 17) {
            // A repair: the list and the table forget, the table perhaps less or more.
            both.list.forget(round_down(at, 256), static_cast<std::uint32_t>(round_up(length, 256)));
            if (at >= kBase && what != 16)
                both.clear((at - kBase) / 512, round_up(length, 512) / 512);
        } else if (what == 17 && !both.table.empty()) {
            // Only the table is cleared: a whole row, or a part.
            const Badblocks::Row row = both.table.rows()[below(both.table.rows().size())];
            both.clear(row.start + below(2) * row.length / 3, 1 + below(row.length));
        }
        // The plain walk of the ideal model is slow.
        if (below(model == BadblocksModel::ideal ? 16 : 2) != 0) continue;
        both.populate();
        INFO(shape.name << ", step " << step);
        REQUIRE(both.rows() == Both::text(both.plain));
    }
}

TEST_CASE("a full table is not filled again from a long list", "[core][nvdimm]") {
    constexpr std::uint64_t kRanges = 20'000, kApart = 8192;
    Both both({0, kRanges * kApart * 2}, BadblocksModel::linux_6_1);
    for (std::uint64_t i = 0; i < kRanges; ++i) both.list.add(i * kApart, 64);
    both.populate();
    CHECK(both.table.rows().size() == Badblocks::kMaxRows);
    CHECK(both.looked == Badblocks::kMaxRows);

    SECTION("a range that cannot fit changes nothing") {
        both.list.add(kRanges * kApart, 64);
        both.populate();
        CHECK(both.looked == Badblocks::kMaxRows);
    }
    SECTION("room goes to the first range of the list that has none") {
        both.list.forget(0, 4096);
        both.clear(0, 8);
        both.populate();
        CHECK(both.looked == Badblocks::kMaxRows + 1);
        CHECK(both.table.rows().front().start == kApart / 512);
        CHECK(both.table.rows().back().start == 512 * kApart / 512);
        CHECK(both.rows() == Both::text(both.plain));
    }
    SECTION("a row of the full table grows by what touches it") {
        both.list.add(512, 64);
        both.populate();
        CHECK(both.table.rows().front() == Badblocks::Row{0, 2, true});
        CHECK(both.rows() == Both::text(both.plain));
    }
}

TEST_CASE("a table of another namespace starts from the beginning", "[core][nvdimm]") {
    Both both({0, 1 << 20}, BadblocksModel::linux_6_1);
    both.list.add(0, 64);
    both.populate();
    both.table = Badblocks();
    both.filler = {};
    both.populate();
    CHECK(both.rows() == "0+1 ");
}
