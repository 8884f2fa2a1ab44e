#include <array>
#include <catch2/catch.hpp>

#include "core/kernel/mm/mm_world.hpp"
#include "core/kernel/mm/page_flags_text.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

// mm/memory-failure.c soft_offline_page(); kernel.md 2.13.

namespace {

constexpr std::uint64_t kHeap = 0x7f0000000000;
constexpr std::uint64_t kPfn = 0x12400;
constexpr std::array kAll{ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1};

Task<void> offline(Kernel& kernel, std::uint64_t pfn, std::shared_ptr<int> rc) {
    Context ctx;
    ctx.worker = true;
    *rc = co_await kernel.memory_failure.soft_offline_page(ctx, Pfn{pfn}, 0);
}

int soft_offline(MmWorld& w, std::uint64_t pfn) {
    const auto rc = std::make_shared<int>(1);
    w.kernel->flows.spawn([&] { return offline(*w.kernel, pfn, rc); });
    w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(50));
    return *rc;
}

std::vector<Line> lines(const MmWorld& w) {
    std::vector<Line> all;
    for (const LogRecord& r : w.kernel->log.records()) all.push_back(r.line);
    return all;
}

Scenario with_pages(ProfileId id, KernelPageState state) {
    Scenario s = platform(id, NamespaceMode::devdax);
    s.kernel_pages.push_back({{0x40000000, 0x40200000}, state});
    return s;
}

}  // namespace

TEST_CASE("a free page is taken away; v4.x says that it was free", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(platform(id, NamespaceMode::devdax));
        CHECK(soft_offline(w, 0x55555) == 0);
        CHECK(lines(w) ==
              (id == ProfileId::v6_1 ? std::vector<Line>{} : std::vector{Line::soft_free_buddy}));
        CHECK(w.poisoned(0x55555));
        CHECK(w.kernel->counters.num_poisoned_pages == 1);
    }
}

TEST_CASE("a free huge page is dissolved; v4.x says that it was free", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(with_pages(id, KernelPageState::hugetlb_free));
        CHECK(soft_offline(w, 0x40007) == 0);
        CHECK(lines(w) ==
              (id == ProfileId::v6_1 ? std::vector<Line>{} : std::vector{Line::soft_free_huge}));
        CHECK(w.poisoned(0x40007));
    }
}

TEST_CASE("a page on a per-CPU list: unknown to v4.x, free for v6.1", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(with_pages(id, KernelPageState::pcp));
        const bool v6 = id == ProfileId::v6_1;
        CHECK(soft_offline(w, 0x40003) == (v6 ? 0 : -EIO));
        CHECK(lines(w) == (v6 ? std::vector<Line>{} : std::vector{Line::soft_zero_refcount}));
        CHECK(w.poisoned(0x40003) == v6);
    }
}

TEST_CASE("a huge page that a device holds is not migrated", "[core][mm]") {
    for (const ProfileId id : kAll) {
        Scenario s = platform(id, NamespaceMode::devdax);
        MapConfig m = map(MapKind::hugetlb, kHeap, 2u << 20, 2u << 20);
        m.at = kPfn << 12;
        s.processes.push_back(process("nic", 700, {m}));
        MmWorld w(std::move(s));
        w.perform(PinEvent{0, kHeap, 0x1000});
        w.perform(MadviseEvent{0, kHeap + 0x5000, 4096, true});
        CHECK(w.last_return() == (id == ProfileId::v6_1 ? -EBUSY : -EIO));
        REQUIRE(lines(w) == std::vector{Line::soft_offline_madvise, Line::soft_migration_failed});
        CHECK(w.kernel->log.records().back().args[4] == 1);  // says "hugepage"
        CHECK(w.pfn_at(0, kHeap).value == kPfn);
    }
}

TEST_CASE("without memory to move to, soft offline fails", "[core][mm]") {
    for (const ProfileId id : kAll) {
        Scenario s = platform(id, NamespaceMode::devdax);
        MapConfig m = map(MapKind::anon, kHeap, 0x1000);
        m.at = kPfn << 12;
        MapConfig all = map(MapKind::anon, 0x7e0000000000, 0x200000000 - (kPfn << 12) - 0x1000);
        all.at = (kPfn << 12) + 0x1000;
        MapConfig low = map(MapKind::anon, 0x7d0000000000, (kPfn << 12) - 0x1000000);
        low.at = 0x1000000;
        s.processes.push_back(process("full", 700, {m, all, low}));
        MmWorld w(std::move(s));
        w.perform(MadviseEvent{0, kHeap, 4096, true});
        CHECK(w.last_return() == -ENOMEM);
        CHECK(lines(w).back() == Line::soft_migration_failed);
        CHECK_FALSE(w.poisoned(kPfn));
    }
}

// Words as real kernels print them: v4.18 in a record (soft-devdax), v6.1 in dumps of pages.
TEST_CASE("page flags as the kernel prints them", "[core][mm]") {
    Page dax;
    dax.flags = bit(PG_referenced) | bit(PG_reserved);
    MachineConfig machine;
    machine.memory.push_back({"dram0", {0, 0x100000000}, 0, {}});
    machine.memory.push_back({"dram1", {0x180000000, 0x200000000}, 1, {}});
    RegionConfig region;
    region.range = {0x100000000, 0x180000000};
    region.nvdimms = {0};
    machine.regions.push_back(region);
    machine.nvdimms.push_back({});
    const auto v4 = page_flags_text(dax, Pfn{0x100205}, machine, profile(ProfileId::v4_18));
    CHECK(v4.word == 0x300000000000804);
    CHECK(v4.names == "referenced|reserved");
    Page anon;
    anon.flags = bit(PG_uptodate) | bit(PG_lru) | bit(PG_swapbacked) | bit(PG_anon);
    const auto v6 = page_flags_text(anon, Pfn{0x180000}, machine, profile(ProfileId::v6_1));
    CHECK(v6.word == 0x57ffffc0080014);
    CHECK(v6.names == "uptodate|lru|swapbacked|node=1|zone=2|lastcpupid=0x1fffff");
    machine.memory[1].socket = 0;
    CHECK(page_flags_text(anon, Pfn{0x180000}, machine, profile(ProfileId::v6_1)).word ==
          0x17ffffc0080014);
    // v4.x puts new anonymous memory on the active list.
    const auto active = page_flags_text(anon, Pfn{0x80000}, machine, profile(ProfileId::v4_19));
    CHECK(active.word == 0x100000000040068);
    CHECK(active.names == "uptodate|lru|active|swapbacked");
    CHECK(page_flags_text(anon, Pfn{0xfff}, machine, profile(ProfileId::v4_19)).word == 0x40068);
}
