// The checker of invariants complains: each case breaks one by hand.
#include <catch2/catch.hpp>

#include "core/kernel/invariants.hpp"
#include "core/kernel/mm/mm_world.hpp"
#include "core/mca/outcomes.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

namespace {

constexpr std::uint64_t kAnon = 0x7f0000000000, kFile = 0x7f2000000000, kDax = 0x7f4000000000;

/// One process with private, file and DAX memory, untouched by any error.
struct World : MmWorld {
    static Scenario scenario_of(ProfileId id) {
        Scenario s = platform(id, NamespaceMode::fsdax);
        s.files.push_back(dax_file(0x10000, 0, kDaxPfn));
        FileConfig disk = disk_file(0x8000);
        disk.id = "f1";
        s.files.push_back(disk);
        MapConfig file = map(MapKind::file, kFile, 0x8000);
        file.of = 1;
        s.processes = {process(
            "a", 1, {map(MapKind::anon, kAnon, 0x4000), file, map(MapKind::fsdax, kDax, 0x10000)})};
        return s;
    }
    explicit World(ProfileId id = ProfileId::v4_19) : MmWorld(scenario_of(id)) {
        REQUIRE(invariants.check() == "");
    }
    AddressSpace& space() { return *kernel->processes[0].mm; }
    std::uint64_t pfn(std::uint64_t va) { return space().leaf(va)->pfn_at(va); }
    bool complains(const std::string& of) {
        const std::string wrong = invariants.check();
        UNSCOPED_INFO("the checker said: '" << wrong << "'");
        return wrong.find(of) != std::string::npos;
    }
    Context shell() {
        Context ctx;
        ctx.comm = names.intern("sh");
        return ctx;
    }

    Invariants invariants{*kernel};
};

}  // namespace

TEST_CASE("a page that is mapped and free is told", "[core][mm][invariants]") {
    World w;
    SECTION("by its flag") {
        w.page(w.pfn(kAnon + 0x1000)).flags |= bit(PG_buddy);
        CHECK(w.complains("mapped by a at 0x7f0000001000, is free"));
    }
    SECTION("because nobody uses it") {
        w.kernel->memory.disuse(Pfn{w.pfn(kAnon + 0x2000)}, 1);
        CHECK(w.complains("is free"));
    }
}

TEST_CASE("a page in use that the allocator may give away is told", "[core][mm][invariants]") {
    World w;
    PageUse use;
    use.mapping = &w.kernel->processes.mm().file(1);
    w.kernel->memory.use(Pfn{0x60000}, 1, use);
    CHECK(w.complains("pages from 0x60000 are in use and free to be given away"));
}

TEST_CASE("a page table that the reverse map contradicts is told", "[core][mm][invariants]") {
    World w;
    Pte pte;
    SECTION("another page's number") {
        pte.pfn = w.pfn(kAnon + 0x3000);
        w.space().table.assign(kAnon, kAnon + kPageSize, pte);
        CHECK(w.complains("has index 0x7f0000003, not 0x7f0000000"));
    }
    SECTION("a page of another mapping") {
        pte.pfn = w.pfn(kFile);
        w.space().table.assign(kAnon, kAnon + kPageSize, pte);
        CHECK(w.complains("belongs to something else"));
    }
    SECTION("no VMA") {
        pte.pfn = w.pfn(kAnon);
        w.space().table.assign(0x10000, 0x11000, pte);
        CHECK(w.complains("a maps 0x10000 outside of its VMAs"));
    }
    SECTION("a VMA that its tree lost") {
        Vma& vma = *w.space().find(kAnon);
        vma.anon->vmas.erase(vma);
        CHECK(w.complains("is not found by the reverse map"));
        vma.anon->vmas.insert(vma);
    }
    SECTION("a VMA that stands in its tree twice") {
        Vma& vma = *w.space().find(kAnon);
        vma.anon->vmas.insert(vma);
        CHECK(w.complains("holds 2 VMAs where 1 exist"));
        vma.anon->vmas.erase(vma);
    }
    SECTION("a writable zero page") {
        pte.pfn = w.kernel->memory.zero_page().value;
        pte.writable = true;
        w.space().table.assign(kAnon, kAnon + kPageSize, pte);
        CHECK(w.complains("is the zero page and writable"));
    }
}

TEST_CASE("a DAX mapping without an entry is told", "[core][mm][invariants]") {
    World w;
    w.kernel->processes.mm().file(0).entries.clear();
    CHECK(w.complains("has no DAX entry"));
}

TEST_CASE("a page cache that lost its page is told", "[core][mm][invariants]") {
    World w;
    w.kernel->processes.mm().file(1).cache.erase(0, 1);
    CHECK(w.complains("belongs to a file whose cache lacks it"));
}

TEST_CASE("a DAX entry that stays locked is told at the end", "[core][mm][invariants]") {
    World w;
    CHECK(w.invariants.check_end() == "");
    w.kernel->processes.mm().file(0).locked.try_emplace(3, w.agenda);
    CHECK(w.invariants.check_end() == "the DAX entry at index 0x3 of f0 stays locked for ever");
}

TEST_CASE("a count of poisoned pages that is not their number is told", "[core][mm][invariants]") {
    SECTION("v4.x counts pages") {
        World w(GENERATE(ProfileId::v4_18, ProfileId::v4_19));
        w.hwpoison(0, kAnon);
        CHECK(w.invariants.check() == "");
        ++w.kernel->counters.num_poisoned_pages;
        CHECK(w.complains("num_poisoned_pages says 2, 1 pages are marked"));
    }
    SECTION("v4.18 counts DAX pages, too") {
        World w(ProfileId::v4_18);
        w.hwpoison(0, kDax);
        CHECK(w.invariants.check() == "");
        w.page(kDaxPfn).flags &= ~bit(PG_hwpoison);
        CHECK(w.complains("num_poisoned_pages says 1, 0 pages are marked"));
    }
    SECTION("v6.1 counts actions") {
        World w(ProfileId::v6_1);
        w.hwpoison(0, kDax);
        w.hwpoison(0, kDax);
        CHECK(w.invariants.check() == "");
    }
}

TEST_CASE("a poisoned page that the allocator may give away is told", "[core][mm][invariants]") {
    World w;
    const std::uint64_t lost = w.pfn(kAnon);
    w.hwpoison(0, kAnon);
    w.perform(MunmapEvent{0, kAnon, 0x4000});
    CHECK(w.invariants.check() == "");
    w.kernel->memory.unhold(Pfn{lost});
    w.kernel->memory.free(Pfn{lost + 1}, 1);
    CHECK(w.invariants.check() == "");
    w.page(lost + 1).flags |= bit(PG_hwpoison);
    CHECK(w.complains("is poisoned and free to be given away"));
}

TEST_CASE("a memory type that contradicts the direct map is told", "[core][mm][invariants]") {
    World w;
    const Pfn pfn{w.pfn(kAnon)};
    Context ctx = w.shell();
    w.hwpoison(0, kAnon);
    w.kernel->flows.spawn([&] {
        return [](Kernel& k, Context c, Pfn p) -> Task<void> {
            co_await k.nospec.set_mce_nospec(c, p);
        }(*w.kernel, ctx, pfn);
    });
    w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(1));
    REQUIRE(w.kernel->direct_map.entry(pfn).mode == CacheMode::uc_minus);
    CHECK(w.invariants.check() == "");
    SECTION("the type is gone") {
        w.kernel->memtypes.free(ctx, pfn.spa(), pfn.spa() + kPageSize);
        CHECK(w.complains("is uncacheable in the direct map, its memory type is another"));
    }
    SECTION("the entry was restored behind its back") {
        w.kernel->flows.spawn([&] {
            return [](Kernel& k, Context c, Pfn p) -> Task<void> {
                DirectMapEntry wanted = k.direct_map.entry(p);
                wanted.mode = CacheMode::wb;
                co_await k.direct_map.change(c, k.direct_map.kaddr(p), wanted);
            }(*w.kernel, ctx, pfn);
        });
        w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(1));
        CHECK(w.complains("has a memory type that its entry in the direct map lacks"));
    }
}

TEST_CASE("a read through a marked mapping is told", "[core][mm][invariants]") {
    const ProfileId id = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    World w(id);
    const Pfn pfn{w.pfn(kAnon)};
    Context ctx = w.shell();
    w.kernel->flows.spawn([&] {
        return [](Kernel& k, Context c, Pfn p) -> Task<void> {
            co_await k.nospec.set_mce_nospec(c, p);
        }(*w.kernel, ctx, pfn);
    });
    w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(1));
    REQUIRE(w.invariants.check() == "");
    const std::uint64_t va = w.kernel->direct_map.kaddr(pfn);
    const bool absent = id != ProfileId::v4_19;
    SECTION("by speculation") {
        w.trace.note(Module::cpu, TraceKind::speculation, 0, va, pfn.spa(),
                     static_cast<std::uint64_t>(mca::SpeculationResult::clean));
        CHECK(w.complains(absent ? "was read through an absent mapping"
                                 : "was read by speculation through an uncacheable mapping"));
    }
    SECTION("by an instruction, which an uncacheable mapping allows") {
        w.trace.note(Module::cpu, TraceKind::access, 0, pfn.spa(), va,
                     static_cast<std::uint64_t>(ExecResult::Status::retired) << 8);
        CHECK(w.complains("was read through an absent mapping") == absent);
    }
    SECTION("not where the mapping stopped it") {
        w.trace.note(Module::cpu, TraceKind::speculation, 0, va, 0,
                     static_cast<std::uint64_t>(mca::SpeculationResult::not_present));
        w.trace.note(Module::cpu, TraceKind::access, 0, 0, va,
                     static_cast<std::uint64_t>(ExecResult::Status::page_fault) << 8);
        CHECK(w.invariants.check() == "");
    }
}

TEST_CASE("the memory of a dead process is told", "[core][mm][invariants]") {
    World w;
    w.kernel->processes[0].state = ProcessState::killed;
    CHECK(w.complains("a is dead and has memory"));
    w.kernel->processes[0].state = ProcessState::alive;
}
