// Source: kernel.md 4.4 to 4.6 and worked examples B20 to B27.
#include "core/kernel/pat/direct_map.hpp"

#include "core/kernel/pat/oops.hpp"
#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::PmemMachine;
using Printed = PmemMachine::Printed;

namespace {

constexpr Pfn kPmem{0x20cb00};
constexpr Pfn kRam{0x12345};
constexpr auto kUc = static_cast<std::uint64_t>(CacheMode::uc_minus);
constexpr auto kWb = static_cast<std::uint64_t>(CacheMode::wb);

void untracked(Scenario& s) { s.kernel.pgmap_memtype_tracking = false; }
void five_levels(Scenario& s) { s.machine.cpus.la57 = true; }

int mark(PmemMachine& m, Pfn pfn) { return m.run(m.kernel.nospec.set_mce_nospec(m.ctx, pfn)); }
int restore(PmemMachine& m, Pfn pfn) { return m.run(m.kernel.nospec.clear_mce_nospec(m.ctx, pfn)); }
std::array<std::uint64_t, 3> counters(const PmemMachine& m) {
    const DirectMap::Count c = m.kernel.direct_map.counters();
    return {c.k4, c.m2, c.g1};
}

}  // namespace

TEST_CASE("a decoy differs from the real address in bit 63 only", "[core][pat]") {
    struct Example {
        ProfileId profile;
        bool la57;
        std::uint64_t pfn, kaddr, decoy, decoy_pa;
    };
    const auto e = GENERATE(values<Example>({
        {ProfileId::v4_19, false, 0x20cb00, 0xffff88020cb00000, 0x7fff88020cb00000, 0x800000020cb00000},
        {ProfileId::v6_1, false, 0x20cb00, 0xffff88820cb00000, 0x7fff88820cb00000, 0x800000020cb00000},
        {ProfileId::v4_19, true, 0x20cb00, 0xff1000020cb00000, 0x7f1000020cb00000, 0x800000020cb00000},
        {ProfileId::v6_1, true, 0x20cb00, 0xff1100020cb00000, 0x7f1100020cb00000, 0x800000020cb00000},
        {ProfileId::v4_18, false, 0xaf34214, 0xffff88af34214000, 0x7fff88af34214000, 0x800000af34214000},
        {ProfileId::v6_1, false, 0xaf34214, 0xffff892f34214000, 0x7fff892f34214000, 0x800000af34214000},
        {ProfileId::v4_18, false, 0x1850602, 0xffff881850602000, 0x7fff881850602000, 0x8000001850602000},
        {ProfileId::v6_1, false, 0x12345, 0xffff888012345000, 0x7fff888012345000, 0x8000000012345000},
    }));
    PmemMachine m(e.profile, e.la57 ? &five_levels : nullptr);
    const DirectMap& map = m.kernel.direct_map;
    CHECK(map.kaddr(Pfn{e.pfn}) == e.kaddr);
    CHECK(map.decoy(Pfn{e.pfn}) == e.decoy);
    CHECK(map.pa(e.decoy) == e.decoy_pa);
    CHECK(DirectMap::canonical(e.decoy) == e.kaddr);
    CHECK(map.physical(e.kaddr) == e.pfn << 12);
    CHECK_FALSE(map.physical(e.decoy));
}

TEST_CASE("memory is mapped with the largest pages that fit", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, [](Scenario& s) {
        s.machine.memory[0].range = {0, 0x40200000 + 0x3000};
    });
    CHECK(m.kernel.direct_map.entry(Pfn{0}).shift == 30);
    CHECK(m.kernel.direct_map.entry(pfn_of(0x40000000)).shift == 21);
    CHECK(m.kernel.direct_map.entry(pfn_of(0x40202000)).shift == 12);
    CHECK(m.kernel.direct_map.entry(kPmem).shift == 30);
    CHECK(counters(m) == std::array<std::uint64_t, 3>{12, 2048, 2 * 1048576});
}

TEST_CASE("v4.19 makes an untracked pmem page uncacheable through the decoy", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, &untracked);  // B20
    CHECK(mark(m, kPmem) == 0);
    CHECK(m.printed().empty());
    CHECK(m.memtypes() == decltype(m.memtypes()){{0x20cb00000, 0x20cb01000, kUc}});
    const DirectMapEntry e = m.kernel.direct_map.entry(kPmem);
    CHECK(e.shift == 12);
    CHECK(e.present);
    CHECK(e.mode == CacheMode::uc_minus);
    CHECK(m.kernel.direct_map.entry(Pfn{0x20ca00}).shift == 12);
    CHECK(m.kernel.direct_map.entry(Pfn{0x20ca00}).mode == CacheMode::wb);
    CHECK(m.kernel.direct_map.entry(Pfn{0x20cc00}).shift == 21);
    CHECK(m.hw.flushed == decltype(m.hw.flushed){{0xffff88020cb00000, 4096}});
    CHECK(m.traced(TraceKind::direct_map_split) == 2);
}

TEST_CASE("splits through a decoy are not counted", "[core][pat]") {
    const auto profile = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile, &untracked);  // B25
    const auto before = counters(m);
    CHECK(mark(m, kPmem) == 0);
    CHECK(mark(m, kRam) == 0);
    CHECK(counters(m) == before);
}

TEST_CASE("splits through a real address are counted", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, [](Scenario& s) { s.kernel.decoy = false; });
    const auto before = counters(m);
    CHECK(mark(m, kRam) == 0);
    CHECK(counters(m) == std::array<std::uint64_t, 3>{before[0] + 2048,
                                                      before[1] + 1048576 - 2048,
                                                      before[2] - 1048576});
}

TEST_CASE("the second mapping of the kernel image is split in its sight", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, [](Scenario& s) { s.kernel.whole_image_units = {0x1a00000}; });
    const auto before = counters(m);
    CHECK(mark(m, Pfn{0x1b00}) == 0);
    CHECK(mark(m, Pfn{0x1b01}) == 0);
    CHECK(counters(m) ==
          std::array<std::uint64_t, 3>{before[0] + 2048, before[1] - 2048, before[2]});
}

TEST_CASE("a tracked pmem page conflicts and stays as it was", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19);  // B14
    const auto list = m.memtypes();
    CHECK(list == decltype(list){{0x200000000, 0x240000000, kWb}});
    CHECK(mark(m, kPmem) == -EBUSY);
    CHECK(m.printed() ==
          std::vector<Printed>{
              {Line::pat_conflict, {m.ctx.comm, 77, 0x20cb00000, 0x20cb01000, kUc}},
              {Line::pat_reserve_failed, {0x20cb00000, 0x20cb00fff, kUc, kUc}},
              {Line::could_not_invalidate, {0x20cb00}}});
    CHECK(m.kernel.direct_map.entry(kPmem).shift == 30);
    CHECK(m.memtypes() == list);
    CHECK(m.hw.flushed.empty());
}

TEST_CASE("without sanitizing the decoy is tracked where no memory is", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, [](Scenario& s) { s.kernel.sanitize_memtype = false; });  // B21
    CHECK(mark(m, kPmem) == 0);
    CHECK(m.printed().empty());
    CHECK(m.memtypes().back() ==
          std::array<std::uint64_t, 3>{0x800000020cb00000, 0x800000020cb01000, kUc});

    CHECK(restore(m, kPmem) == 0);
    CHECK(m.printed() == std::vector<Printed>{{Line::pat_free_invalid,
                                               {m.ctx.comm, 77, 0x20cb00000, 0x20cb00fff}}});
    CHECK(m.memtypes().size() == 2);
}

TEST_CASE("a page marked twice is reserved twice and flushed once", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, &untracked);  // B22
    CHECK(mark(m, kPmem) == 0);
    const std::size_t flushes = m.traced(TraceKind::tlb_flush);
    CHECK(mark(m, kPmem) == 0);
    CHECK(m.traced(TraceKind::tlb_flush) == flushes);
    CHECK(m.hw.flushed.size() == 1);
    CHECK(m.memtypes().size() == 2);

    CHECK(restore(m, kPmem) == 0);
    CHECK(m.memtypes() == decltype(m.memtypes()){{0x20cb00000, 0x20cb01000, kUc}});
    CHECK(m.kernel.direct_map.entry(kPmem).mode == CacheMode::wb);
    CHECK(m.printed().empty());
}

TEST_CASE("v4.19 keeps the type of a RAM page in the page and marks it once", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19);  // B23
    CHECK(mark(m, kRam) == 0);
    CHECK(m.memtypes().size() == 1);
    CHECK(m.kernel.memtypes.lookup(kRam.spa()) == CacheMode::uc_minus);
    CHECK(m.kernel.direct_map.entry(kRam).mode == CacheMode::uc_minus);
    CHECK(mark(m, kRam) == -EBUSY);
    CHECK(m.printed() ==
          std::vector<Printed>{{Line::pat_reserve_ram_failed, {0x12345000, 0x12345fff, 2, 2}},
                               {Line::could_not_invalidate, {0x12345}}});
}

TEST_CASE("v4.18 and v6.1 take the page out of the direct map", "[core][pat]") {
    const auto profile = GENERATE(ProfileId::v4_18, ProfileId::v6_1);
    PmemMachine m(profile);  // B24
    CHECK(mark(m, kRam) == 0);
    CHECK(mark(m, kPmem) == 0);
    CHECK(m.printed().empty());
    CHECK(m.memtypes().size() == 1);
    CHECK(m.hw.flushed.empty());
    const DirectMapEntry e = m.kernel.direct_map.entry(kPmem);
    CHECK(e.shift == 12);
    CHECK_FALSE(e.present);
    CHECK_FALSE(e.global);
    const auto changed = m.kernel.direct_map.changed();
    REQUIRE(changed.size() == 2);
    CHECK(changed[0].first == kRam);
    CHECK_FALSE(changed[0].present);
}

TEST_CASE("only v4.18 cannot undo its marking", "[core][pat]") {
    const auto profile = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(profile, &untracked);  // B27
    CHECK(mark(m, kPmem) == 0);
    const std::size_t cache_flushes = m.hw.flushed.size();
    CHECK(restore(m, kPmem) == 0);
    CHECK(m.kernel.direct_map.changed().empty() == (profile != ProfileId::v4_18));
    CHECK(m.hw.flushed.size() == cache_flushes);
    CHECK(m.kernel.direct_map.entry(kPmem).shift == 12);
    CHECK(m.memtypes().empty());
    CHECK(m.printed().empty());
}

TEST_CASE("neighbours of one kind are one range", "[core][pat]") {
    PmemMachine m(ProfileId::v6_1);
    for (const std::uint64_t pfn : {0x20cb02, 0x20cb00, 0x20cb01, 0x20cb08})
        mark(m, Pfn{pfn});
    const auto changed = m.kernel.direct_map.changed();
    REQUIRE(changed.size() == 2);
    CHECK(changed[0].first == Pfn{0x20cb00});
    CHECK(changed[0].pages == 3);
}

TEST_CASE("a hole of the direct map is ignored, a decoy of one is an error", "[core][pat]") {
    PmemMachine m(ProfileId::v6_1);
    const Pfn hole{0x90000};
    CHECK(m.run(m.kernel.nospec.set_memory_np(m.ctx, m.kernel.direct_map.kaddr(hole))) == 0);
    CHECK(m.printed().empty());
    CHECK(mark(m, hole) == -EFAULT);
    const std::uint64_t decoy = m.kernel.direct_map.decoy(hole);
    CHECK(m.printed() == std::vector<Printed>{{Line::cpa_zero_pte, {decoy, decoy}},
                                              {Line::could_not_invalidate, {0x90000}}});
}

TEST_CASE("flushing the decoy itself is a general protection fault", "[core][pat]") {
    PmemMachine m(ProfileId::v4_19, [](Scenario& s) {
        s.kernel.strict_clflush_decoy = true;
        s.kernel.pgmap_memtype_tracking = false;
    });
    m.hw.clflush_ok = false;
    CHECK(mark(m, kPmem) == kTaskDied);
    CHECK(m.hw.flushed == decltype(m.hw.flushed){{0x7fff88020cb00000, 4096}});
    REQUIRE(m.printed().size() == 2);
    CHECK(m.printed()[0] == Printed{Line::oops_protection, {1}});
    CHECK(m.kernel.counters.oopses == 1);
}

TEST_CASE("a register holds the address until the change is over", "[core][pat]") {
    // The state at each trace record: what a speculation at that moment would find.
    const bool decoy = GENERATE(true, false);
    PmemMachine m(ProfileId::v6_1, decoy ? nullptr : +[](Scenario& s) { s.kernel.decoy = false; });
    std::uint64_t held = 0;
    m.trace.observe([&](std::uint32_t, const TraceRecord& r) {
        if (r.kind == TraceKind::tlb_flush) held = m.hw.registers[{0, 0}];
    });
    mark(m, kPmem);
    CHECK(held == (decoy ? 0x7fff88820cb00000 : 0xffff88820cb00000));
    CHECK(m.hw.registers[{0, 0}] == 0);
}
