// Source: nvdimm.md 3.1, 3.2, 3.4 and A.6 rows 81 to 86.
#include "core/pmem/namespace_layout.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

#include "core/pmem/btt_layout.hpp"

using namespace mcemu;
using namespace mcemu::pmem;

namespace {

constexpr std::uint64_t kKiB = 1024, kMiB = kKiB * kKiB, kGiB = kKiB * kMiB;

struct Row {
    std::uint64_t start, size;
    bool map_dev;
    std::uint64_t align, dataoff, capacity;
};

}  // namespace

TEST_CASE("data of fsdax and devdax begin behind info block and page structs", "[core][pmem]") {
    const Row rows[] = {
        {0x280000000, 64 * kMiB, true, 2 * kMiB, 0x200000, 65011712},
        {0x280000000, 64 * kMiB, true, 4 * kKiB, 0x200000, 65011712},
        {0x240000000, kGiB, true, 2 * kMiB, 0x1200000, 1054867456},
        {0x240000000, 8 * kGiB, true, kGiB, 0x40000000, 7516192768},
        {0x240000000, 8 * kGiB, true, 4 * kKiB, 0x8200000, 8453619712},
        {0x240000000, 128 * kGiB, true, 2 * kMiB, 0x80200000, 135289372672},
        {0x240000000, 4 * kGiB, false, kGiB, 0x40000000, 3221225472},
        // Others: page structs that just leave 2 MiB; an end that is not aligned; map=mem.
        {0x100000000, 128 * kMiB, true, 2 * kMiB, 0x400000, 124 * kMiB},
        {0x100000000, 64 * kMiB + 4 * kKiB, false, 2 * kMiB, 0x200000, 62 * kMiB},
        {0x100200000, 3 * kGiB - 2 * kMiB, false, kGiB, 0x3fe00000, 2 * kGiB},
    };
    for (const Row& r : rows) {
        CAPTURE(r.start, r.size, r.align);
        const SpaRange range{r.start, r.start + r.size};
        const auto layout = namespace_layout(range, NamespaceMode::fsdax, r.map_dev, r.align);
        CHECK(layout.error == 0);
        CHECK(layout.data_offset == r.dataoff);
        CHECK(r.size - layout.data_offset - layout.end_trunc == r.capacity);
        NamespaceConfig ns;
        ns.range = range;
        ns.mode = NamespaceMode::devdax;
        ns.data_offset = layout.data_offset;
        ns.end_trunc = layout.end_trunc;
        CHECK(namespace_capacity(ns) == r.capacity);
    }
}

TEST_CASE("a start off 2 MiB is EINVAL, no room for data ENXIO", "[core][pmem]") {
    const auto of = [](std::uint64_t start, std::uint64_t size, std::uint64_t align) {
        return namespace_layout({start, start + size}, NamespaceMode::devdax, true, align).error;
    };
    CHECK(of(0x280100000, 64 * kMiB, 2 * kMiB) == -EINVAL);
    CHECK(of(0x280000000, 2 * kMiB, 2 * kMiB) == -ENXIO);
    CHECK(of(0x280000000, 512 * kMiB, kGiB) == -ENXIO);
    CHECK(of(0x280000000, 4 * kMiB, 2 * kMiB) == 0);
}

TEST_CASE("a raw namespace is all data, a sector one begins with its BTT", "[core][pmem]") {
    const SpaRange range{0x280100000, 0x280100000 + 64 * kMiB};
    CHECK(namespace_layout(range, NamespaceMode::raw, false, 4096).data_offset == 0);
    CHECK(namespace_layout(range, NamespaceMode::sector, false, 4096).data_offset == 0);
    CHECK(namespace_layout(range, NamespaceMode::sector, false, 4096, true).data_offset == 4096);
    CHECK(namespace_layout({range.begin, range.begin + 15 * kMiB}, NamespaceMode::sector, false, 4096)
              .error == -ENXIO);
}

TEST_CASE("a BTT of 512-byte sectors has more and smaller blocks", "[core][pmem]") {
    const SpaRange range{0x280000000, 0x280000000 + 32 * kMiB};
    const auto arenas = btt_layout(range, 0, 512);
    REQUIRE(arenas.size() == 1);
    const std::uint64_t available = 32 * kMiB - 8192 - 16384;
    CHECK(arenas[0].internal_nlba == (available - 4096) / (512 + 4));
    CHECK(arenas[0].external_nlba == arenas[0].internal_nlba - 256);
    const std::uint64_t map = (arenas[0].external_nlba * 4ull + 4095) / 4096 * 4096;
    CHECK(arenas[0].mapoff == 4096 + available - map);
    CHECK(arenas[0].logoff == arenas[0].mapoff + map);
    CHECK(arenas[0].info2off == arenas[0].logoff + 16384);
    CHECK(btt_capacity(range, 0, 512) == arenas[0].external_nlba * 512ull);
}

TEST_CASE("more than 512 GiB make several arenas", "[core][pmem]") {
    const auto arenas = btt_layout({0, 1030 * kGiB}, 0);
    REQUIRE(arenas.size() == 3);
    CHECK(arenas[0].size == 512 * kGiB);
    CHECK(arenas[2].begin == 1024 * kGiB);
    CHECK(arenas[2].size == 6 * kGiB);
}

TEST_CASE("devices are called after region and namespace", "[core][pmem]") {
    CHECK(device_name(NamespaceMode::raw, 1, 0) == "pmem1");
    CHECK(device_name(NamespaceMode::fsdax, 1, 2) == "pmem1.2");
    CHECK(device_name(NamespaceMode::sector, 3, 0) == "pmem3s");
    CHECK(device_name(NamespaceMode::devdax, 0, 1) == "dax0.1");
}
