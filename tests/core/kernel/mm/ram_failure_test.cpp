#include <catch2/catch.hpp>

#include "core/kernel/mm/mm_world.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

namespace {

constexpr std::uint64_t kHeap = 0x7f0000001000;
constexpr std::array kAll{ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1};

std::string verb(ProfileId id) { return id == ProfileId::v6_1 ? "Sending SIGBUS to" : "Killing"; }

Scenario heap(ProfileId id, McePolicy policy = McePolicy::standard,
              SigbusAction action = SigbusAction::handler) {
    Scenario s = platform(id, NamespaceMode::devdax);
    MapConfig m = map(MapKind::anon, kHeap, 0x4000);
    m.at = 0x12345000;
    s.processes.push_back(process("heap", 700, {m}, policy, action));
    return s;
}

Scenario with_map(ProfileId id, MapConfig m, McePolicy policy = McePolicy::standard) {
    Scenario s = platform(id, NamespaceMode::devdax);
    s.processes.push_back(process("victim", 700, {std::move(m)}, policy));
    return s;
}

}  // namespace

TEST_CASE("a written anonymous page is unmapped and answers the next touch", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(heap(id));
        w.hwpoison(0, kHeap);
        CHECK(w.last_return() == 0);
        CHECK(w.signals().empty());
        CHECK(w.page(0x12345).refcount == 1);
        CHECK(w.kernel->counters.num_poisoned_pages == 1);
        w.load(0, kHeap + 0x10);
        CHECK(joined(w.log()) ==
              "Injecting memory failure for pfn 0x12345 at process virtual address 0x7f0000001000\n"
              "Memory failure: 0x12345: recovery action for dirty LRU page: Recovered\n"
              "MCE: Killing heap:700 due to hardware memory corruption fault at 7f0000001010\n");
        CHECK(joined(w.signals()) == "heap 7 code 4 addr 7f0000001010 lsb 12\n");
    }
}

TEST_CASE("without a handler SIGBUS is the end of the process", "[core][mm]") {
    MmWorld w(heap(ProfileId::v4_19, McePolicy::standard, SigbusAction::standard));
    w.hwpoison(0, kHeap);
    w.load(0, kHeap);
    CHECK(w.kernel->processes[0].state == ProcessState::killed);
    CHECK(w.kernel->processes[0].killed_by == 7);
}

TEST_CASE("a forced signal resets an ignored disposition", "[core][mm]") {
    MmWorld w(heap(ProfileId::v4_19, McePolicy::early, SigbusAction::ignore));
    w.hwpoison(0, kHeap);  // AO: may be ignored
    CHECK(w.signals().empty());
    CHECK(w.kernel->processes[0].state == ProcessState::alive);
    w.load(0, kHeap);  // AR: may not
    CHECK(w.kernel->processes[0].state == ProcessState::killed);
}

TEST_CASE("a handler that maps fresh memory lets the access succeed", "[core][mm]") {
    MmWorld w(heap(ProfileId::v4_19, McePolicy::standard, SigbusAction::handler_remaps));
    w.hwpoison(0, kHeap);
    w.store(0, kHeap + 8);
    CHECK(w.signals().size() == 1);
    CHECK(w.pfn_at(0, kHeap) != Pfn{0});
    CHECK(w.pfn_at(0, kHeap) != Pfn{0x12345});
}

TEST_CASE("pending standard signals merge, so a range gives one advisory signal", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(heap(id, McePolicy::early));
        w.hwpoison(0, kHeap, 0x3000);
        CHECK(w.log().size() == 9);
        CHECK(w.log()[4] == "Memory failure: 0x12346: " + verb(id) +
                                " heap:700 due to hardware memory corruption");
        CHECK(joined(w.signals()) == "heap 7 code 5 addr 7f0000001000 lsb 12\n");
        CHECK(w.kernel->counters.num_poisoned_pages == 3);
    }
}

TEST_CASE("the process in the machine check is told at once, sharers by policy", "[core][mm]") {
    for (const ProfileId id : kAll) {
        Scenario s = platform(id, NamespaceMode::devdax);
        MapConfig m = map(MapKind::shmem, kHeap, 0x4000);
        m.id = "m";
        MapConfig shared = m;
        shared.id = "n";
        shared.shared_with = "m";
        s.processes = {process("victim", 1, {m}), process("late", 2, {shared}),
                       process("early", 3, {shared}, McePolicy::early)};
        MmWorld w(s);
        const Pfn pfn = w.pfn_at(0, kHeap);
        CHECK(w.pfn_at(2, kHeap) == pfn);
        CHECK(w.failure(0, pfn.value, MF_ACTION_REQUIRED) == 0);
        const bool all = id != ProfileId::v6_1;
        CHECK(w.signals().size() == (all ? 3u : 2u));
        w.load(1, kHeap);
        CHECK(w.signals().back() == "late 7 code 4 addr 7f0000001000 lsb 12");
    }
}

TEST_CASE("fork copies hwpoison entries and shares pages until one writes", "[core][mm]") {
    Scenario s = heap(ProfileId::v6_1);
    s.events.push_back({});
    s.events[0].action = ForkEvent{0, process("child", 701, {})};
    MmWorld w(s);
    w.hwpoison(0, kHeap);
    w.kernel->processes.perform(0, w.scenario.events[0].action);
    w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(1));
    REQUIRE(w.kernel->processes.size() == 2);
    CHECK(w.kernel->processes[1].state == ProcessState::alive);
    CHECK(w.pfn_at(1, kHeap + 0x1000) == Pfn{0x12346});
    w.store(1, kHeap + 0x1000);
    CHECK(w.pfn_at(1, kHeap + 0x1000) != Pfn{0x12346});
    CHECK(w.pfn_at(0, kHeap + 0x1000) == Pfn{0x12346});
    w.store(0, kHeap + 0x1000);  // the last user writes in place
    CHECK(w.pfn_at(0, kHeap + 0x1000) == Pfn{0x12346});
    w.load(1, kHeap);
    CHECK(w.signals().back() == "child 7 code 4 addr 7f0000001000 lsb 12");
}

TEST_CASE("a clean page of a file is dropped and read again", "[core][mm]") {
    for (const ProfileId id : kAll) {
        Scenario s = with_map(id, map(MapKind::file, kHeap, 0x4000), McePolicy::early);
        s.files.push_back(disk_file(0x4000));
        MmWorld w(s);
        const Pfn pfn = w.pfn_at(0, kHeap + 0x1000);
        CHECK(w.failure(-1, pfn.value, 0) == 0);
        CHECK(w.log()[0].ends_with("corrupted page was clean: dropped without side effects"));
        CHECK(w.log()[1].ends_with("recovery action for clean LRU page: Recovered"));
        w.load(0, kHeap + 0x1000);
        CHECK(w.signals().empty());
        CHECK(w.pfn_at(0, kHeap + 0x1000) != pfn);
    }
}

TEST_CASE("a dirty page of a file fails the next fsync, once", "[core][mm]") {
    for (const ProfileId id : kAll) {
        Scenario s = with_map(id, map(MapKind::file, kHeap, 0x4000));
        s.files.push_back(disk_file(0x4000));
        MmWorld w(s);
        w.store(0, kHeap);
        w.hwpoison(0, kHeap);
        CHECK(w.log().back().ends_with("recovery action for dirty LRU page: Recovered"));
        w.load(0, kHeap);
        CHECK(w.signals().size() == 1);
        w.perform(FsyncEvent{0, 0});
        CHECK(w.last_return() == -EIO);
        w.perform(FsyncEvent{0, 0});
        CHECK(w.last_return() == 0);
        w.perform(FileIoEvent{false, 0, 0, 0, 4096});
        CHECK(w.last_return() == 4096);
    }
}

TEST_CASE("shared memory keeps the poisoned page in its cache since v6.1", "[core][mm]") {
    for (const ProfileId id : kAll) {
        Scenario s = with_map(id, map(MapKind::file, kHeap, 0x4000));
        s.files.push_back(disk_file(0x4000, FsKind::tmpfs));
        MmWorld w(s);
        w.store(0, kHeap);
        w.hwpoison(0, kHeap);
        CHECK(w.log().back().ends_with("recovery action for dirty LRU page: Recovered"));
        w.perform(FileIoEvent{false, 0, 0, 0, 4096});
        CHECK(w.last_return() == (id == ProfileId::v6_1 ? -EIO : 4096));
        w.perform(FsyncEvent{0, 0});
        CHECK(w.last_return() == 0);
    }
}

TEST_CASE("a transparent huge page loses only the bad base page", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MapConfig m = map(MapKind::anon, 0x7f0000000000, 2 << 20);
        m.state = MapState::thp;
        MmWorld w(with_map(id, m, McePolicy::early));
        CHECK(w.kernel->processes[0].mm->leaf(0x7f0000005000)->pte.shift == kPmdShift);
        w.hwpoison(0, 0x7f0000005000);
        CHECK(joined(w.signals()) == "victim 7 code 5 addr 7f0000005000 lsb 12\n");
        w.load(0, 0x7f0000006000);
        w.load(0, 0x7f0000000000);
        CHECK(w.signals().size() == 1);
        w.load(0, 0x7f0000005008);
        CHECK(w.signals().back() == "victim 7 code 4 addr 7f0000005008 lsb 12");
    }
}

TEST_CASE("a hugetlb page is lost as a whole and dissolved", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MapConfig m = map(MapKind::hugetlb, 0x7f0000000000, 4 << 20, 2 << 20);
        m.shared = false;
        MmWorld w(with_map(id, m, McePolicy::early));
        w.hwpoison(0, 0x7f0000003000);
        CHECK(w.log().back().ends_with("recovery action for huge page: Recovered"));
        CHECK(joined(w.signals()) == "victim 7 code 5 addr 7f0000000000 lsb 21\n");
        CHECK(w.kernel->counters.hugepages_total == -1);
        w.load(0, 0x7f0000003000);
        CHECK(w.signals().back() == "victim 7 code 4 addr 7f0000003000 lsb 21");
        w.load(0, 0x7f0000200000);
        CHECK(w.signals().size() == 2);
    }
}

TEST_CASE("the zero page is reserved: injection fails and the mapping stays", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MapConfig m = map(MapKind::anon, kHeap, 0x4000);
        m.state = MapState::untouched;
        MmWorld w(with_map(id, m));
        w.load(0, kHeap);
        w.hwpoison(0, kHeap);
        CHECK(w.last_return() == -EBUSY);
        CHECK(w.log().size() == (id == ProfileId::v6_1 ? 2u : 3u));
        CHECK(w.log().back().ends_with(id == ProfileId::v6_1 ? "reserved kernel page: Ignored"
                                                             : "reserved kernel page: Failed"));
        w.load(0, kHeap);
        CHECK(w.signals().empty());
    }
}

TEST_CASE("free memory is taken out of use", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(platform(id, NamespaceMode::devdax));
        CHECK(w.failure(-1, 0x50000, 0) == 0);
        CHECK(w.log().back().ends_with(id == ProfileId::v6_1 ? "free buddy page: Recovered"
                                                             : "free buddy page: Delayed"));
    }
}

TEST_CASE("corrupt-pfn of free memory: v4.x cannot take a reference", "[core][mm]") {
    MmWorld old(platform(ProfileId::v4_19, NamespaceMode::devdax));
    old.perform(HwpoisonPfnEvent{Pfn{0x50000}});
    CHECK(old.last_return() == 0);
    CHECK(old.log().empty());
    MmWorld w(platform(ProfileId::v6_1, NamespaceMode::devdax));
    w.perform(HwpoisonPfnEvent{Pfn{0x50000}});
    w.perform(UnpoisonPfnEvent{Pfn{0x50000}});
    CHECK(joined(w.log()) ==
          "Injecting memory failure at pfn 0x50000\n"
          "Memory failure: 0x50000: recovery action for free buddy page: Recovered\n"
          "Unpoison: Software-unpoisoned page 0x50000\n");
    CHECK(w.kernel->counters.num_poisoned_pages == 0);
}

TEST_CASE("kernel text cannot be recovered, and stays poisoned", "[core][mm]") {
    for (const ProfileId id : kAll) {
        Scenario s = platform(id, NamespaceMode::devdax);
        s.kernel_pages.push_back({{0x1000000, 0x1800000}, KernelPageState::kernel});
        MmWorld w(s);
        w.perform(HwpoisonPfnEvent{Pfn{0x1000}});
        CHECK(w.last_return() == -EBUSY);
        const bool v6 = id == ProfileId::v6_1;
        CHECK(w.log()[1] ==
              (v6 ? "Memory failure: 0x1000: unhandlable page."
                  : "Memory failure: 0x1000: reserved kernel page still referenced by 1 users"));
        CHECK(w.log()[2] ==
              (v6 ? "Memory failure: 0x1000: recovery action for unknown page: Ignored"
                  : "Memory failure: 0x1000: recovery action for reserved kernel page: Failed"));
        w.perform(HwpoisonPfnEvent{Pfn{0x1000}});
        CHECK(w.log().back() == "Memory failure: 0x1000: already hardware poisoned");
        CHECK(w.last_return() == (v6 ? -133 : 0));
        CHECK(w.kernel->counters.num_poisoned_pages == 1);
    }
}

TEST_CASE("memory that is not there is outside kernel control", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(platform(id, NamespaceMode::devdax));
        CHECK(w.failure(-1, 0x400000, 0) == -ENXIO);
        CHECK(joined(w.log()) == "Memory failure: 0x400000: memory outside kernel control\n");
        w.perform(HwpoisonPfnEvent{Pfn{0x400000}});
        CHECK(w.last_return() == -ENXIO);
        CHECK(w.log().size() == 1);
    }
}

TEST_CASE("recovery switched off is a panic", "[core][mm]") {
    Scenario s = heap(ProfileId::v4_19);
    s.kernel.memory_failure_recovery = false;
    MmWorld w(s);
    w.hwpoison(0, kHeap);
    CHECK(w.log().back() == "Kernel panic - not syncing: Memory failure on page 12345");
}

TEST_CASE("a second madvise on the same page meets the hwpoison entry", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(heap(id));
        w.hwpoison(0, kHeap);
        const std::size_t lines = w.log().size();
        w.hwpoison(0, kHeap);
        CHECK(w.last_return() == -EFAULT);
        CHECK(w.log().size() == lines);
        w.perform(HwpoisonPfnEvent{Pfn{0x12345}});
        CHECK(w.log().back() == "Memory failure: 0x12345: already hardware poisoned");
        CHECK(w.last_return() == (id == ProfileId::v6_1 ? -133 : 0));
    }
}

TEST_CASE("v6.1 signals who meets an already poisoned page", "[core][mm]") {
    Scenario s = heap(ProfileId::v6_1);
    MmWorld w(s);
    w.hwpoison(0, kHeap);
    CHECK(w.failure(0, 0x12345, MF_ACTION_REQUIRED) == -133);
    CHECK(w.signals().back() == "heap 7 code 4 addr 7f0000001000 lsb 12");
    MmWorld old(heap(ProfileId::v4_19));
    old.hwpoison(0, kHeap);
    CHECK(old.failure(0, 0x12345, MF_ACTION_REQUIRED) == 0);
    CHECK(old.signals().empty());
}

TEST_CASE("the kernel's own copies get EFAULT from an hwpoison entry, whole chunks at a time",
          "[core][mm]") {
    MmWorld w(heap(ProfileId::v6_1));
    w.hwpoison(0, kHeap + 0x1000);
    const std::size_t lines = w.log().size();
    w.perform(CopyEvent{CopyEvent::Direction::from_user, 0, kHeap + 0x1000, 0, 64, true});
    CHECK(w.last_return() == -EFAULT);
    w.perform(CopyEvent{CopyEvent::Direction::from_user, 0, kHeap + 0xf00, 0, 512, true});
    CHECK(w.last_return() == -EFAULT);
    w.perform(CopyEvent{CopyEvent::Direction::to_user, 0, kHeap, 0, 0x1000, true});
    CHECK(w.last_return() == 0x1000);
    CHECK(w.log().size() == lines);
    CHECK(w.signals().empty());
}

TEST_CASE("soft offline moves the contents and tells nobody", "[core][mm]") {
    for (const ProfileId id : kAll) {
        MmWorld w(heap(id));
        w.perform(MadviseEvent{0, kHeap, 4096, true});
        CHECK(w.last_return() == 0);
        CHECK(w.log().size() == 1);
        CHECK(w.poisoned(0x12345));
        CHECK(w.kernel->counters.num_poisoned_pages == 1);
        w.store(0, kHeap);
        CHECK(w.signals().empty());
        CHECK(w.pfn_at(0, kHeap) != Pfn{0x12345});
    }
}

TEST_CASE("swap-cache pages stay there", "[core][mm]") {
    MapConfig m = map(MapKind::anon, kHeap, 0x4000);
    m.state = MapState::swapcache;
    MmWorld w(with_map(ProfileId::v4_19, m));
    const Pfn pfn = w.pfn_at(0, kHeap);
    CHECK(w.failure(-1, pfn.value, 0) == 0);
    CHECK(w.log()[0].ends_with("keeping poisoned page in swap cache"));
    CHECK(w.log()[1].ends_with("dirty swapcache page: Delayed"));
    w.load(0, kHeap);
    CHECK(w.signals().back() == "victim 7 code 4 addr 7f0000001000 lsb 12");
}

TEST_CASE("v6.1 does not undo what hardware did", "[core][mm]") {
    MmWorld w(heap(ProfileId::v6_1));
    CHECK(w.failure(-1, 0x12345, 0) == 0);
    w.perform(UnpoisonPfnEvent{Pfn{0x12345}});
    CHECK(w.last_return() == -EOPNOTSUPP);
    CHECK(w.log().back() == "Unpoison: Disabled after HW memory failure 0x12345");
    MmWorld old(heap(ProfileId::v4_19));
    old.failure(-1, 0x12345, 0);
    old.perform(UnpoisonPfnEvent{Pfn{0x12345}});
    CHECK(old.log().back() == "Unpoison: Software-unpoisoned page 0x12345");
    CHECK(old.kernel->counters.num_poisoned_pages == 0);
    CHECK(old.page(0x12345).test(PG_buddy));
}

TEST_CASE("a map with pinned frames never gets a poisoned one back", "[core][mm]") {
    Scenario s = with_map(ProfileId::v4_19, map(MapKind::file, kHeap, 0x4000));
    s.processes[0].maps[0].at = 0x12345000;
    s.processes[0].maps[0].state = MapState::untouched;
    s.files.push_back(disk_file(0x4000));
    MmWorld w(s);
    w.load(0, kHeap);
    CHECK(w.pfn_at(0, kHeap) == Pfn{0x12345});
    w.hwpoison(0, kHeap);
    w.load(0, kHeap);
    CHECK(w.signals().empty());
    CHECK(w.pfn_at(0, kHeap) != Pfn{0x12345});
}
