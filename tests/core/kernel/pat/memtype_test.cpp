// Source: kernel.md 4.2, 4.3 (arch/x86/mm/pat.c, pat_rbtree.c; pat/memtype.c, memtype_interval.c).
#include "core/kernel/pat/memtype.hpp"

#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::PmemMachine;
using Printed = PmemMachine::Printed;

namespace {
constexpr std::uint64_t kDevice = 0xfed00000;  // neither RAM nor pmem
constexpr auto kUc = static_cast<std::uint64_t>(CacheMode::uc_minus);
constexpr auto kWb = static_cast<std::uint64_t>(CacheMode::wb);
constexpr auto kWc = static_cast<std::uint64_t>(CacheMode::wc);

int reserve(PmemMachine& m, std::uint64_t begin, std::uint64_t end, CacheMode mode,
            CacheMode* adopted = nullptr) {
    return m.kernel.memtypes.reserve(m.ctx, begin, end, mode, adopted);
}
void no_pmem(Scenario& s) { s.kernel.pgmap_memtype_tracking = false; }
void debug(Scenario& s) {
    s.kernel.pgmap_memtype_tracking = false;
    s.kernel.debugpat = true;
}
}  // namespace

TEST_CASE("a pmem namespace is write-back, by sections in v4.x and exactly in v6.1",
          "[core][pat]") {
    const auto profile = GENERATE(ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile, [](Scenario& s) {
        s.machine.namespaces[0].range = {0x204000000, 0x20a000000};
    });
    const bool sections = profile == ProfileId::v4_19;
    CHECK(m.memtypes() == decltype(m.memtypes()){{sections ? 0x200000000u : 0x204000000u,
                                                  sections ? 0x210000000u : 0x20a000000u, kWb}});
}

TEST_CASE("identical reservations are counted by entries", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, &no_pmem);
    CHECK(reserve(m, kDevice, kDevice + 0x1000, CacheMode::uc_minus) == 0);
    CHECK(reserve(m, kDevice, kDevice + 0x1000, CacheMode::uc_minus) == 0);
    CHECK(m.memtypes().size() == 2);
    CHECK(m.kernel.memtypes.free(m.ctx, kDevice, kDevice + 0x1000) == 0);
    CHECK(m.memtypes().size() == 1);
}

TEST_CASE("of equal starts v4.x lists the later one first, v6.1 last", "[core][pat]") {
    const auto profile = GENERATE(ProfileId::v4_18, ProfileId::v6_1);
    PmemMachine m(profile, &no_pmem);
    reserve(m, kDevice, kDevice + 0x1000, CacheMode::uc_minus);
    reserve(m, kDevice, kDevice + 0x3000, CacheMode::uc_minus);
    const bool first = profile == ProfileId::v4_18;
    CHECK(m.memtypes()[first ? 0 : 1][1] == kDevice + 0x3000);
}

TEST_CASE("who takes any type adopts the first and conflicts with a second", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, &no_pmem);
    reserve(m, kDevice, kDevice + 0x1000, CacheMode::uc_minus);
    reserve(m, kDevice + 0x1000, kDevice + 0x2000, CacheMode::wc);
    CacheMode adopted = CacheMode::wb;
    CHECK(reserve(m, kDevice, kDevice + 0x1000, CacheMode::wc, &adopted) == 0);
    CHECK(adopted == CacheMode::uc_minus);
    CHECK(m.printed().empty());

    CHECK(reserve(m, kDevice, kDevice + 0x2000, CacheMode::wc, &adopted) == -EBUSY);
    CHECK(m.printed() ==
          std::vector<Printed>{
              {Line::pat_conflict, {m.ctx.comm, 77, kDevice, kDevice + 0x2000, kUc, kWc}},
              {Line::pat_reserve_failed, {kDevice, kDevice + 0x1fff, kWc, kWc}}});
}

TEST_CASE("freeing the end of an entry cuts it", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19);  // B29
    CHECK(m.kernel.memtypes.free(m.ctx, 0x23ffff000, 0x240000000) == 0);
    CHECK(m.memtypes() == decltype(m.memtypes()){{0x200000000, 0x23ffff000, kWb}});
    CHECK(m.printed().empty());
}

TEST_CASE("freeing what nobody reserved says so", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19);  // B26
    CHECK(m.kernel.memtypes.free(m.ctx, 0x20cb00000, 0x20cb01000) == -EINVAL);
    CHECK(m.printed() == std::vector<Printed>{{Line::pat_free_invalid,
                                               {m.ctx.comm, 77, 0x20cb00000, 0x20cb00fff}}});
}

TEST_CASE("a lookup finds the lowest overlapping entry, else UC-", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19);
    CHECK(m.kernel.memtypes.lookup(0x20cb00000) == CacheMode::wb);
    CHECK(m.kernel.memtypes.lookup(kDevice) == CacheMode::uc_minus);
    CHECK(m.kernel.memtypes.lookup(0x12345000) == CacheMode::wb);
    CHECK(m.kernel.memtypes.lookup(0xa0000) == CacheMode::wb);
}

TEST_CASE("the ISA hole and nopat are not tracked", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, &no_pmem);
    CHECK(reserve(m, 0xa0000, 0x100000, CacheMode::wc) == 0);
    CHECK(m.memtypes().empty());
    PmemMachine off(ProfileId::v4_19, [](Scenario& s) { s.kernel.pat = false; });
    CHECK(off.memtypes().empty());
    CHECK(reserve(off, kDevice, kDevice + 0x1000, CacheMode::uc_minus) == 0);
    CHECK(off.kernel.memtypes.free(off.ctx, kDevice, kDevice + 0x1000) == 0);
    CHECK(off.memtypes().empty());
}

TEST_CASE("a hole before RAM makes a range mixed", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, &no_pmem);
    CHECK(reserve(m, 0xff000, 0x101000, CacheMode::wc) == -EINVAL);
    CHECK(m.printed().empty());
}

TEST_CASE("RAM has no write-protected type, and strong UC becomes UC-", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19);
    CHECK(reserve(m, 0x12345000, 0x12346000, CacheMode::wp) == -EINVAL);
    CHECK(reserve(m, 0x12345000, 0x12346000, CacheMode::uc) == 0);
    CHECK(m.kernel.memtypes.lookup(0x12345000) == CacheMode::uc_minus);
    CHECK(m.kernel.memtypes.free(m.ctx, 0x12345000, 0x12346000) == 0);
    CHECK(m.kernel.memtypes.lookup(0x12345000) == CacheMode::wb);
}

TEST_CASE("an empty range is refused with a warning", "[core][pat]") {
    PmemMachine m(ProfileId::v6_1);
    CHECK(reserve(m, 0x2000, 0x2000, CacheMode::wc) == -EINVAL);
    CHECK(m.printed() == std::vector<Printed>{{Line::memtype_reserve_bad, {0x2000, 0x1fff, kWc}}});
}

TEST_CASE("debugpat tells of overlaps, reservations and frees that succeed", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, &debug);
    const std::uint64_t end = kDevice + 0x1000;
    CacheMode adopted = CacheMode::wb;
    reserve(m, kDevice, end, CacheMode::uc_minus);
    reserve(m, kDevice, end, CacheMode::wc, &adopted);
    m.kernel.memtypes.free(m.ctx, kDevice, end);
    CHECK(m.printed() ==
          std::vector<Printed>{
              {Line::pat_reserve_added, {kDevice, end - 1, kUc, kUc, ~std::uint64_t{0}}},
              {Line::pat_overlap, {kDevice, end}},
              {Line::pat_reserve_added, {kDevice, end - 1, kUc, kWc, kUc}},
              {Line::pat_free_request, {kDevice, end - 1}}});
}

TEST_CASE("debugpat adds nothing to a conflict", "[core][pat]") {
    // Records debugpat-srao-ext4dax-clear of 4.18 and 4.19.
    PmemMachine m(ProfileId::v4_19, [](Scenario& s) { s.kernel.debugpat = true; });
    CHECK(reserve(m, 0x20cb00000, 0x20cb01000, CacheMode::uc_minus) == -EBUSY);
    CHECK(m.printed().size() == 2);
}
