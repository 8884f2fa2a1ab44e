// Source: nvdimm.md 11.1, 11.3 and the worked examples A.3, A.6 row 87.
#include "core/kernel/nvdimm/badrange.hpp"

#include <catch2/catch.hpp>

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
    CHECK(to_sectors({{0x280205400, 64}}, region) == std::vector<SectorRange>{{4138, 1}});
    CHECK(to_sectors({{0x280205400, 64}}, data) == std::vector<SectorRange>{{42, 1}});
    CHECK(to_sectors({{0x280205000, 4096}}, region) == std::vector<SectorRange>{{4136, 8}});
    CHECK(to_sectors({{0x280205000, 4096}}, data) == std::vector<SectorRange>{{40, 8}});
}

TEST_CASE("a range that begins before the resource is clipped", "[core][nvdimm]") {
    CHECK(to_sectors({{0x2801fff00, 0x200}}, {0x280200000, 0x284000000}) ==
          std::vector<SectorRange>{{0, 1}});
}

TEST_CASE("a range outside the resource does not count", "[core][nvdimm]") {
    CHECK(to_sectors({{0x1000, 0x200}, {0x284000000, 64}}, {0x280000000, 0x284000000}).empty());
}
