#include <array>
#include <catch2/catch.hpp>

#include "core/kernel/mm/mm_world.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

// Pages that a device holds: mm/gup.c, and what their references do to memory_failure().

namespace {

constexpr std::uint64_t kHeap = 0x7f0000000000;
constexpr std::uint64_t kPfn = 0x12400;
constexpr std::array kAll{ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1};

Scenario with(ProfileId id, MapConfig m, NamespaceMode mode = NamespaceMode::devdax) {
    Scenario s = platform(id, mode);
    s.processes.push_back(process("nic", 700, {std::move(m)}));
    return s;
}

MapConfig heap(std::uint64_t size = 0x4000) {
    MapConfig m = map(MapKind::anon, kHeap, size);
    m.at = kPfn << 12;
    return m;
}

}  // namespace

TEST_CASE("a page that a device holds is still referenced after its unmapping", "[core][mm][pin]") {
    for (const ProfileId id : kAll) {
        MmWorld w(with(id, heap()));
        w.perform(PinEvent{0, kHeap, 0x2000});
        w.perform(PinEvent{0, kHeap, 0x1000});
        CHECK(w.kernel->processes.mm().pins_of(Pfn{kPfn}) == 2);
        const int rc = w.failure(-1, kPfn, 0);
        // v6.1 does not count the references of anonymous pages (kernel.md 2.7).
        const bool looks = id != ProfileId::v6_1;
        CHECK(rc == (looks ? -EBUSY : 0));
        CHECK(joined(w.log()) ==
              (looks ? "Memory failure: 0x12400: dirty LRU page still referenced by 2 users\n"
                       "Memory failure: 0x12400: recovery action for dirty LRU page: Failed\n"
                     : "Memory failure: 0x12400: recovery action for dirty LRU page: Recovered\n"));
    }
}

TEST_CASE("a page whose process is gone stays with the device", "[core][mm][pin]") {
    MmWorld w(with(ProfileId::v4_19, heap()));
    w.perform(PinEvent{0, kHeap, 0x1000});
    w.perform(MunmapEvent{0, kHeap, 0x4000});
    CHECK_FALSE(w.kernel->memory.allocatable(Pfn{kPfn}, 1));
    CHECK(w.kernel->memory.allocatable(Pfn{kPfn + 1}, 1));
    w.perform(UnpinEvent{0, kHeap, 0x1000});
    CHECK(w.last_return() == 0);
    CHECK(w.kernel->memory.allocatable(Pfn{kPfn}, 1));
}

TEST_CASE("a process that ends gives up its pins", "[core][mm][pin]") {
    MmWorld w(with(ProfileId::v6_1, heap()));
    w.perform(PinEvent{0, kHeap, 0x1000});
    w.perform(ExitEvent{0, 0});
    CHECK(w.kernel->processes.mm().pins_of(Pfn{kPfn}) == 0);
    CHECK(w.kernel->memory.allocatable(Pfn{kPfn}, 1));
}

TEST_CASE("what was not pinned cannot be let go; what is not mapped cannot be pinned",
          "[core][mm][pin]") {
    MmWorld w(with(ProfileId::v4_19, heap()));
    w.perform(UnpinEvent{0, kHeap, 0x1000});
    CHECK(w.last_return() == -EINVAL);
    w.perform(PinEvent{0, kHeap + 0x3000, 0x2000});  // the second page does not exist
    CHECK(w.last_return() == -EFAULT);
    CHECK(w.kernel->processes.mm().pins_of(Pfn{kPfn + 3}) == 0);
    CHECK(w.page(kPfn + 3).refcount == 0);
}

TEST_CASE("fs-dax can be held for one transfer, not for longer", "[core][mm][pin]") {
    Scenario s = with(ProfileId::v4_19, map(MapKind::fsdax, kHeap, 0x4000), NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x4000, 0, kDaxPfn));
    MmWorld w(std::move(s));
    w.perform(PinEvent{0, kHeap, 0x1000, true});
    CHECK(w.last_return() == -EOPNOTSUPP);
    w.perform(PinEvent{0, kHeap, 0x1000, false});
    CHECK(w.last_return() == 0);
    CHECK(w.page(kDaxPfn).refcount == 2);
}

TEST_CASE("v4.18 counts the device's references of a DAX page", "[core][mm][pin]") {
    MmWorld w(with(ProfileId::v4_18, map(MapKind::devdax, kHeap, 2u << 20, 2u << 20)));
    w.perform(PinEvent{0, kHeap + 0x5000, 0x1000});
    w.failure(-1, 0x201005, 0);
    CHECK(w.log().front() ==
          "Memory failure: 0x201005: reserved kernel page still referenced by 2 users");
}

TEST_CASE("a pin breaks copy on write", "[core][mm][pin]") {
    MapConfig m = heap(0x1000);
    m.state = MapState::ksm;
    MmWorld w(with(ProfileId::v4_19, m));
    w.perform(PinEvent{0, kHeap, 0x1000});
    CHECK(w.pfn_at(0, kHeap).value != kPfn);
}

TEST_CASE("a held transparent huge page is not split", "[core][mm][pin]") {
    for (const ProfileId id : kAll)
        for (const std::uint64_t pfn : {kPfn, kPfn + 7}) {  // the head, and a tail
            MapConfig m = heap(2u << 20);
            m.state = MapState::thp;
            MmWorld w(with(id, m));
            w.perform(PinEvent{0, kHeap + 0x9000, 0x1000});
            CHECK(w.failure(-1, pfn, 0) == -EBUSY);
            const bool v6 = id == ProfileId::v6_1;
            CHECK(w.poisoned(pfn) == v6);
            CHECK(w.kernel->counters.num_poisoned_pages == (v6 ? 1 : 0));
            CHECK(w.kernel->log.records().back().line ==
                  (v6 ? Line::mf_action : Line::mf_thp_split_failed));
            CHECK(w.kernel->processes[0].mm->leaf(kHeap)->pte.shift == kPmdShift);
            w.perform(UnpinEvent{0, kHeap + 0x9000, 0x1000});
            CHECK(w.page(kPfn).refcount == 0);
        }
}

TEST_CASE("a namespace waits for the device before it goes", "[core][mm][pin]") {
    for (const ProfileId id : {ProfileId::v4_19, ProfileId::v6_1}) {
        MmWorld w(with(id, map(MapKind::devdax, kHeap, 2u << 20, 2u << 20)));
        w.perform(PinEvent{0, kHeap, 0x3000});
        bool done = false;
        w.kernel->on_event_done = [&](std::uint32_t) { done = true; };
        w.kernel->perform(40, NamespaceEvent{0, false});
        w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(50));
        CHECK_FALSE(done);
        w.perform(UnpinEvent{0, kHeap, 0x3000});
        CHECK(done);
        CHECK_FALSE(w.kernel->libnvdimm.enabled(0));
    }
}
