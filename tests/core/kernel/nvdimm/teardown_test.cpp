// Source: kernel.md 3.1, 4.6, 5.5; records of namespaces taken down (teardown-*).
#include <memory>

#include "core/kernel/invariants.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::PmemMachine;

namespace {

constexpr Pfn kBad{0x20cb00};
constexpr std::uint64_t kGiB = 1u << 20;  // in kB

int disable(PmemMachine& m) { return m.run(m.kernel.libnvdimm.disable(m.ctx, 0)); }
int enable(PmemMachine& m) { return m.run(m.kernel.libnvdimm.enable(m.ctx, 0)); }

/// Disables; nothing when that never ends.
std::shared_ptr<std::optional<int>> try_disable(PmemMachine& m) {
    const auto rc = std::make_shared<std::optional<int>>();
    m.kernel.flows.spawn([&] {
        return [](PmemMachine& machine, auto out) -> Task<void> {
            *out = co_await machine.kernel.libnvdimm.disable(machine.ctx, 0);
        }(m, rc);
    });
    m.agenda.run_until(m.agenda.now() + std::chrono::seconds(10));
    return rc;
}

}  // namespace

TEST_CASE("a disabled namespace leaves the direct map and the memtype list, and comes back",
          "[core][nvdimm]") {
    const ProfileId id = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(id);
    const auto before = m.kernel.direct_map.counters();
    const auto types = m.memtypes();
    CHECK(disable(m) == 0);
    CHECK_FALSE(m.kernel.direct_map.entry(kBad).present);
    CHECK(before.g1 - m.kernel.direct_map.counters().g1 == kGiB);
    CHECK(m.kernel.direct_map.counters().m2 == before.m2);
    CHECK(m.memtypes().size() == types.size() - 1);
    CHECK(m.kernel.memory.kind(kBad) == MemoryKind::pmem_raw);
    const auto ranges = m.kernel.direct_map.changed();
    REQUIRE(ranges.size() == 1);
    CHECK(ranges[0].first == Pfn{0x200000});
    CHECK(ranges[0].pages == 0x40000);
    CHECK_FALSE(ranges[0].present);

    CHECK(enable(m) == 0);
    CHECK(m.kernel.direct_map.entry(kBad).present);
    CHECK(m.kernel.direct_map.entry(kBad).shift == kPudShift);
    CHECK(m.kernel.direct_map.counters().g1 == before.g1);
    CHECK(m.memtypes() == types);
    CHECK(m.kernel.memory.kind(kBad) == MemoryKind::pmem);
    CHECK(m.kernel.direct_map.changed().empty());
    CHECK(m.printed().empty());
}

TEST_CASE("a namespace is disabled once and enabled once", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    CHECK(enable(m) == -EBUSY);
    CHECK(disable(m) == 0);
    CHECK(disable(m) == -ENODEV);
    CHECK(m.bio(BioEvent::Op::read, 0, 8) == -ENXIO);
    CHECK(enable(m) == 0);
    CHECK(m.bio(BioEvent::Op::read, 0, 8) == 0);
}

TEST_CASE("an absent entry of the direct map survives its namespace, an uncacheable one does not",
          "[core][nvdimm]") {
    const ProfileId id = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(id, [](Scenario& s) { s.kernel.pgmap_memtype_tracking = false; });
    REQUIRE(m.run(m.kernel.nospec.set_mce_nospec(m.ctx, kBad)) == 0);
    const auto marked = m.kernel.direct_map.counters();
    CHECK(disable(m) == 0);
    CHECK(enable(m) == 0);
    const bool survives = id != ProfileId::v4_19;
    CHECK(m.kernel.direct_map.entry(kBad).present == !survives);
    CHECK(m.kernel.direct_map.entry(kBad).mode == CacheMode::wb);
    const Pfn neighbour{kBad.value + 1};
    CHECK(m.kernel.direct_map.entry(neighbour).present);
    CHECK(m.kernel.direct_map.entry(neighbour).shift == (survives ? kPageShift : kPudShift));
    CHECK(m.kernel.direct_map.entry(Pfn{0x220000}).shift == (survives ? kPmdShift : kPudShift));
    if (survives) CHECK(m.kernel.direct_map.counters().k4 == marked.k4);
}

TEST_CASE("the poisoned pages of a namespace leave HardwareCorrupted with it", "[core][nvdimm]") {
    const ProfileId id = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(id);
    m.poison_page(kBad.value);
    m.poison_page(kBad.value + 7);
    // v4.19 never counted them: the counter goes below zero.
    m.kernel.counters.num_poisoned_pages = id == ProfileId::v4_19 ? 0 : 2;
    CHECK(disable(m) == 0);
    CHECK(m.kernel.counters.num_poisoned_pages == (id == ProfileId::v4_19 ? -2 : 0));
    CHECK(enable(m) == 0);
    CHECK_FALSE(m.poisoned(kBad.value));
    CHECK(Invariants(m.kernel).check() == "");
}

TEST_CASE("a leaked page reference keeps whoever disables a namespace asleep", "[core][nvdimm]") {
    const ProfileId id = GENERATE(ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1);
    PmemMachine m(id);
    m.kernel.memory.page(kBad).refcount = 2;
    const auto rc = try_disable(m);
    CHECK_FALSE(rc->has_value());
    // v4.x has taken the pages away by then, v6.1 waits first.
    CHECK(m.kernel.direct_map.entry(kBad).present == (id == ProfileId::v6_1));
    CHECK(m.bio(BioEvent::Op::read, 0, 8) == -ENXIO);
}

TEST_CASE("bad blocks come back from the list of the bus", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    REQUIRE(m.machine_check_at(kBad.spa(), 12));
    const std::string rows = m.kernel.libnvdimm.namespace_badblocks(0);
    CHECK_FALSE(rows.empty());
    CHECK(disable(m) == 0);
    CHECK(m.kernel.libnvdimm.namespace_badblocks(0).empty());
    CHECK_FALSE(m.kernel.libnvdimm.region_badblocks(0).empty());
    CHECK(enable(m) == 0);
    CHECK(m.kernel.libnvdimm.namespace_badblocks(0) == rows);
}

TEST_CASE("whoever uses a namespace is waited for", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1,
                  [](Scenario& s) { s.machine.namespaces[0].mode = NamespaceMode::devdax; });
    m.kernel.libnvdimm.enter(0);  // memory_failure() holds the pgmap
    const auto rc = try_disable(m);
    CHECK_FALSE(rc->has_value());
    CHECK(m.kernel.direct_map.entry(kBad).present);
    m.kernel.libnvdimm.leave(0);
    m.agenda.run_until(m.agenda.now() + std::chrono::seconds(1));
    CHECK(*rc == 0);
    CHECK_FALSE(m.kernel.direct_map.entry(kBad).present);
}

TEST_CASE("enabling a namespace fills its own table and no other", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    CHECK(disable(m) == 0);
    // A scrub that has not reached the region's end has added this.
    m.kernel.libnvdimm.bus().add_badrange(0x201000000, 64);
    CHECK(enable(m) == 0);
    CHECK(m.kernel.libnvdimm.namespace_badblocks(0) == "0 1\n");
    CHECK(m.kernel.libnvdimm.region_badblocks(0).empty());
}
