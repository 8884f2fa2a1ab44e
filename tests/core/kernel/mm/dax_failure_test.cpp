#include <catch2/catch.hpp>

#include "core/kernel/mm/mm_world.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

namespace {

constexpr std::uint64_t k2M = 2ull << 20;
constexpr std::uint64_t kVa = 0x7f763dc00000;
const std::string kInject =
    "Injecting memory failure for pfn 0x20cb00 at process virtual address 0x7f763dd00000\n";

Scenario device(ProfileId profile) {
    Scenario s = platform(profile, NamespaceMode::devdax);
    MapConfig m = map(MapKind::devdax, kVa, k2M, k2M);
    m.offset = 0xba00000;
    s.processes.push_back(process("dax-pmd", 5421, {m}));
    return s;
}

}  // namespace

TEST_CASE("v4.18 madvise on device-dax ends as a reserved kernel page still in use", "[core][mm]") {
    MmWorld w(device(ProfileId::v4_18));
    w.hwpoison(0, kVa + 0x100000);
    CHECK(joined(w.log()) ==
          kInject +
              "Memory failure: 0x20cb00: reserved kernel page still referenced by 1 users\n"
              "Memory failure: 0x20cb00: recovery action for reserved kernel page: Failed\n");
    CHECK(w.last_return() == -EBUSY);
    CHECK(w.signals().empty());
    CHECK(w.poisoned(kDaxPfn));
    CHECK(w.page(kDaxPfn).refcount == 2);
    CHECK(w.kernel->counters.num_poisoned_pages == 1);
    CHECK(w.pfn_at(0, kVa + 0x100000) == Pfn{kDaxPfn});
}

TEST_CASE("v4.18 madvise on a page that is poisoned already is silent", "[core][mm]") {
    MmWorld w(device(ProfileId::v4_18));
    w.hwpoison(0, kVa + 0x100000);
    const std::size_t lines = w.log().size();
    w.hwpoison(0, kVa + 0x100000);
    CHECK(w.log().size() == lines);
    CHECK(w.last_return() == 0);
}

TEST_CASE("v4.19 madvise on device-dax kills with the poisoned page's address", "[core][mm]") {
    MmWorld w(device(ProfileId::v4_19));
    w.hwpoison(0, kVa + 0x100000);
    CHECK(joined(w.log()) ==
          kInject +
              "Memory failure: 0x20cb00: Killing dax-pmd:5421 due to hardware memory corruption\n"
              "Memory failure: 0x20cb00: recovery action for dax page: Recovered\n");
    CHECK(w.last_return() == 0);
    CHECK(joined(w.signals()) == "dax-pmd 7 code 4 addr 7f763dd00000 lsb 21\n");
    CHECK(w.page(kDaxPfn).refcount == 1);
    CHECK_FALSE(w.poisoned(0x20ca00));
    CHECK(w.kernel->counters.num_poisoned_pages == 0);
    CHECK(w.pfn_at(0, kVa) == Pfn{0});
    w.load(0, kVa + 0x100000);  // device-dax maps it again: nobody asks for bad blocks
    CHECK(w.pfn_at(0, kVa) == Pfn{0x20ca00});
}

TEST_CASE("v6.1 madvise on device-dax acts on the head of the compound page", "[core][mm]") {
    MmWorld w(device(ProfileId::v6_1));
    w.hwpoison(0, kVa + 0x100000);
    CHECK(joined(w.log()) ==
          kInject +
              "Memory failure: 0x20cb00: Sending SIGBUS to dax-pmd:5421 due to hardware memory "
              "corruption\n"
              "Memory failure: 0x20cb00: recovery action for dax page: Recovered\n");
    CHECK(joined(w.signals()) == "dax-pmd 7 code 4 addr 7f763dc00000 lsb 21\n");
    CHECK(w.poisoned(0x20ca00));
    CHECK_FALSE(w.poisoned(kDaxPfn));
    CHECK(w.page(0x20ca00).refcount == 1);
    CHECK(w.kernel->counters.num_poisoned_pages == 1);
}

TEST_CASE("device-dax with 4 KiB alignment loses 4 KiB", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::devdax, 4096);
    MapConfig m = map(MapKind::devdax, 0x7f0000005000, 4096);
    m.offset = 0xbb00000;
    s.processes.push_back(process("app", 100, {m}));
    MmWorld w(s);
    w.hwpoison(0, 0x7f0000005000);
    CHECK(joined(w.signals()) == "app 7 code 4 addr 7f0000005000 lsb 12\n");
}

TEST_CASE("a device-dax VMA must be aligned as the device is", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::devdax);
    s.processes.push_back(process("app", 100, {}));
    MmWorld w(s);
    w.perform(MmapEvent{0, map(MapKind::devdax, 0x7f0000000000, 1 << 20)});
    CHECK(w.last_return() == -EINVAL);
    CHECK(joined(w.log()) ==
          "dax dax0.0: app: dax_mmap: fail, unaligned vma (0x7f0000000000 - 0x7f0000100000, "
          "0x1fffff)\n");
}

TEST_CASE("the way back from a device-dax page exists since patch 2", "[core][mm]") {
    for (const ProfileId id : {ProfileId::v4_18, ProfileId::v4_19}) {
        MmWorld w(device(id));
        const bool patched = id == ProfileId::v4_19;
        CHECK(w.kernel->processes.mm().mappers(Pfn{kDaxPfn}).size() == (patched ? 1u : 0u));
        CHECK(w.kernel->processes[0].mm->find(kVa)->mixedmap == !patched);
    }
}

TEST_CASE("every page of a device-dax unit keeps its index for good since patch 3", "[core][mm]") {
    MmWorld w(device(ProfileId::v4_19));
    CHECK(w.page(0x20ca00).index == 0xba00);
    CHECK(w.page(kDaxPfn).index == 0xbb00);
    w.perform(MunmapEvent{0, kVa, k2M});
    CHECK(w.page(kDaxPfn).mapping != nullptr);
    CHECK(w.page(kDaxPfn).index == 0xbb00);
}

TEST_CASE("v6.1 writes mapping and index of device-dax into the head alone", "[core][mm]") {
    MmWorld w(device(ProfileId::v6_1));
    CHECK(w.page(0x20ca00).index == 0xba00);
    CHECK(w.page(0x20ca00).mapping != nullptr);
    CHECK(w.page(kDaxPfn).mapping == nullptr);
}

TEST_CASE("fs-dax pages have an index since patch 4, until truncate takes it", "[core][mm]") {
    for (const ProfileId id : {ProfileId::v4_18, ProfileId::v4_19}) {
        Scenario s = platform(id, NamespaceMode::fsdax);
        s.files.push_back(dax_file(0x10000, 5, kDaxPfn));
        s.processes.push_back(process("app", 100, {map(MapKind::fsdax, 0x7f0000000000, 0x10000)}));
        MmWorld w(s);
        CHECK(w.page(kDaxPfn).mapping != nullptr);
        CHECK(w.page(kDaxPfn).index == (id == ProfileId::v4_18 ? 0u : 5u));
        w.perform(TruncateEvent{0, 0, -1});
        CHECK(w.page(kDaxPfn).mapping == nullptr);
        CHECK(w.page(kDaxPfn).index == 0);
    }
}

TEST_CASE("each process hears the size of its own mapping", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x1000000, 0x300, kDaxPfn));
    MapConfig big = map(MapKind::fsdax, 0x7f1000200000, k2M, k2M);
    MapConfig small = map(MapKind::fsdax, 0x7f2000200000, k2M);
    MapConfig other = map(MapKind::fsdax, 0x7f3000000000, 0x1000000);
    big.offset = small.offset = k2M;
    s.processes = {process("a", 801, {big}), process("b", 802, {small}),
                   process("c", 803, {other})};
    s.processes[2].maps[0].offset = 0x400000;
    s.processes[2].maps[0].size = 0x400000;
    MmWorld w(s);
    CHECK(w.failure(0, kDaxPfn, MF_ACTION_REQUIRED) == 0);
    CHECK(joined(w.log()) ==
          "Memory failure: 0x20cb00: Killing a:801 due to hardware memory corruption\n"
          "Memory failure: 0x20cb00: Killing b:802 due to hardware memory corruption\n"
          "Memory failure: 0x20cb00: recovery action for dax page: Recovered\n");
    std::vector<std::string> signals = w.signals();
    std::sort(signals.begin(), signals.end());
    CHECK(joined(signals) ==
          "a 7 code 4 addr 7f1000300000 lsb 21\nb 7 code 5 addr 7f2000300000 lsb 12\n");
    // The hole of v4.19 is start + size long: [0x200000, 0x600000) of the file.
    CHECK(w.pfn_at(2, 0x7f3000000000) == Pfn{0});
    CHECK(w.pfn_at(2, 0x7f30001ff000) == Pfn{0});
    CHECK(w.pfn_at(2, 0x7f3000200000) != Pfn{0});
}

TEST_CASE("v6.1 tells only the process that met the poison, by default", "[core][mm]") {
    Scenario s = platform(ProfileId::v6_1, NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x1000000, 0x300, kDaxPfn));
    MapConfig big = map(MapKind::fsdax, 0x7f1000200000, k2M, k2M);
    big.offset = k2M;
    s.processes = {process("a", 801, {big}), process("b", 802, {big})};
    MmWorld w(s);
    CHECK(w.failure(0, kDaxPfn, MF_ACTION_REQUIRED) == 0);
    CHECK(joined(w.signals()) == "a 7 code 4 addr 7f1000300000 lsb 21\n");
    CHECK(w.pfn_at(1, 0x7f1000300000) == Pfn{0});
}

TEST_CASE("v4.19 kills a process that covers a DAX page but never touched it", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::devdax);
    MapConfig a = map(MapKind::devdax, 0x7f1000200000, k2M, k2M);
    a.offset = 0xba00000;
    MapConfig b = a;
    b.state = MapState::untouched;
    s.processes = {process("a", 801, {a}), process("b", 802, {b})};
    MmWorld w(s);
    w.hwpoison(0, 0x7f1000300000);
    CHECK(joined(w.log()) ==
          "Injecting memory failure for pfn 0x20cb00 at process virtual address 0x7f1000300000\n"
          "Memory failure: Unable to find user space address 20cb00 in b\n"
          "Memory failure: 0x20cb00: Killing a:801 due to hardware memory corruption\n"
          "Memory failure: 0x20cb00: forcibly killing b:802 because of failure to unmap corrupted "
          "page\n"
          "Memory failure: 0x20cb00: recovery action for dax page: Recovered\n");
    CHECK(w.kernel->processes[1].state == ProcessState::killed);
    CHECK(w.kernel->processes[1].killed_by == 9);
    CHECK(w.kernel->processes[0].state == ProcessState::alive);
}

TEST_CASE("v6.1 leaves a process alone that never touched the DAX page", "[core][mm]") {
    Scenario s = platform(ProfileId::v6_1, NamespaceMode::devdax);
    MapConfig b = map(MapKind::devdax, 0x7f1000200000, k2M, k2M);
    b.state = MapState::untouched;
    MapConfig a = map(MapKind::devdax, 0x7f1000200000, k2M, k2M);
    s.processes = {process("a", 801, {a}), process("b", 802, {b}, McePolicy::early)};
    MmWorld w(s);
    w.hwpoison(0, 0x7f1000300000);
    CHECK(joined(w.signals()) == "a 7 code 4 addr 7f1000200000 lsb 21\n");
    CHECK(w.kernel->processes[1].state == ProcessState::alive);
}

TEST_CASE("memory_failure waits for the entry lock that a fault holds", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x10000, 5, kDaxPfn));
    s.processes.push_back(process("app", 100, {map(MapKind::fsdax, 0x7f0000000000, 0x10000)}));
    MmWorld w(s);
    Mm& mm = w.kernel->processes.mm();
    mm.file(0).locked.try_emplace(5, w.agenda);
    CHECK(w.failure(-1, kDaxPfn, 0) == -1);  // still asleep
    CHECK(w.log().empty());
    mm.unlock_entry(mm.file(0), 5);
    w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(1));
    CHECK(joined(w.log()) ==
          "Memory failure: 0x20cb00: Killing app:100 due to hardware memory corruption\n"
          "Memory failure: 0x20cb00: recovery action for dax page: Recovered\n");
}

TEST_CASE("memory_failure gives up when a truncate was faster", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x10000, 5, kDaxPfn));
    s.processes.push_back(process("app", 100, {map(MapKind::fsdax, 0x7f0000000000, 0x10000)}));
    MmWorld w(s);
    Mm& mm = w.kernel->processes.mm();
    mm.file(0).locked.try_emplace(5, w.agenda);
    w.failure(-1, kDaxPfn, 0);
    w.kernel->memory.disuse(Pfn{kDaxPfn}, 1);
    mm.unlock_entry(mm.file(0), 5);
    w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(1));
    CHECK(joined(w.log()) == "Memory failure: 0x20cb00: recovery action for dax page: Failed\n");
    CHECK_FALSE(w.poisoned(kDaxPfn));
}

TEST_CASE("a pmem page that nobody ever mapped cannot be locked", "[core][mm]") {
    for (const ProfileId id : {ProfileId::v4_19, ProfileId::v6_1}) {
        MmWorld w(platform(id, NamespaceMode::devdax));
        CHECK(w.failure(-1, kDaxPfn, 0) == -EBUSY);
        CHECK(joined(w.log()) ==
              "Memory failure: 0x20cb00: recovery action for dax page: Failed\n");
        CHECK(w.kernel->counters.num_poisoned_pages == (id == ProfileId::v6_1 ? 1 : 0));
    }
}

TEST_CASE("4.19.0 oopses on a DAX page without a mapping", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::devdax);
    s.kernel.strict_4_19_0 = true;
    MmWorld w(s);
    w.perform(HwpoisonPfnEvent{Pfn{kDaxPfn}});
    w.perform(HwpoisonPfnEvent{Pfn{kDaxPfn}});
    const std::vector<std::string> log = w.log();
    REQUIRE(log.size() == 8);
    CHECK(log[1] == "BUG: unable to handle kernel NULL pointer dereference at 0000000000000000");
    CHECK(log[2] == "Oops: 0000 [#1] SMP");
    CHECK(log[6] == "Oops: 0000 [#2] SMP");
    CHECK(w.kernel->processes.syscalls().empty());  // the writing shell was killed
    CHECK(w.kernel->counters.num_poisoned_pages == 0);
}

TEST_CASE("a device-private page fails in every profile that knows it", "[core][mm]") {
    for (const ProfileId id : {ProfileId::v4_19, ProfileId::v6_1}) {
        Scenario s = platform(id, NamespaceMode::devdax);
        s.kernel_pages.push_back({{0x300000000, 0x300001000}, KernelPageState::device_private});
        MmWorld w(s);
        CHECK(w.failure(-1, 0x300000, 0) == (id == ProfileId::v4_19 ? -EBUSY : -ENXIO));
        CHECK(joined(w.log()) ==
              "Memory failure: 0x300000: recovery action for dax page: Failed\n");
        CHECK_FALSE(w.poisoned(0x300000));
    }
}

TEST_CASE("patrol scrub under a shared DAX page", "[core][mm]") {
    for (const ProfileId id : {ProfileId::v4_19, ProfileId::v6_1}) {
        Scenario s = platform(id, NamespaceMode::fsdax);
        s.files.push_back(dax_file(0x20000, 0x10, kDaxPfn));
        s.processes = {process("a", 801, {map(MapKind::fsdax, 0x7f1000000000, 0x20000)}),
                       process("b", 802, {map(MapKind::fsdax, 0x7f2000000000, 0x20000)})};
        MmWorld w(s);
        CHECK(w.failure(-1, kDaxPfn, 0) == 0);
        if (id == ProfileId::v4_19) {
            CHECK(w.signals().size() == 2);
            CHECK(w.signals()[0] == "a 7 code 5 addr 7f1000010000 lsb 12");
            CHECK(w.pfn_at(0, 0x7f1000010000) == Pfn{0});
        } else {
            CHECK(joined(w.log()) ==
                  "Memory failure: 0x20cb00: recovery action for dax page: Recovered\n");
            CHECK(w.signals().empty());
            CHECK(w.pfn_at(0, 0x7f1000010000) ==
                  Pfn{kDaxPfn});  // nobody collected, nothing unmapped
        }
    }
}

TEST_CASE("soft offline of a DAX page is refused", "[core][mm]") {
    MmWorld old(device(ProfileId::v4_18));
    old.perform(MadviseEvent{0, kVa + 0x100000, 4096, true});
    CHECK(old.last_return() == -EIO);
    CHECK(joined(old.log()) ==
          "Soft offlining pfn 0x20cb00 at process virtual address 0x7f763dd00000\n"
          "soft_offline: 0x20cb00: unknown non LRU page type 300000000000804 "
          "(referenced|reserved)\n");
    MmWorld w(device(ProfileId::v4_19));
    w.perform(MadviseEvent{0, kVa + 0x100000, 4096, true});
    CHECK(w.last_return() == -EIO);
    CHECK(w.log().size() == 1);
    CHECK(w.page(kDaxPfn).refcount == 1);
}

TEST_CASE("unpoison refuses a mapped DAX page", "[core][mm]") {
    const auto after = [](ProfileId id) {
        MmWorld w(device(id));
        w.hwpoison(0, kVa + 0x100000);
        const std::size_t before = w.log().size();
        w.perform(UnpoisonPfnEvent{Pfn{kDaxPfn}});
        return std::pair(w.last_return(), w.log().size() > before ? w.log().back() : std::string());
    };
    CHECK(after(ProfileId::v4_18) ==
          std::pair(std::int64_t{0},
                    std::string("Unpoison: Someone grabs the hwpoison page 0x20cb00")));
    CHECK(after(ProfileId::v4_19) ==
          std::pair(std::int64_t{0},
                    std::string("Unpoison: the hwpoison page has non-NULL mapping 0x20cb00")));
    CHECK(after(ProfileId::v6_1) == std::pair(std::int64_t{-EIO}, std::string()));
}

TEST_CASE("unpoisoning a DAX page that was never counted takes the counter below zero",
          "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x4000, 1, kDaxPfn));
    s.processes.push_back(process("victim", 100, {map(MapKind::fsdax, 0x7f0000000000, 0x4000)}));
    MmWorld w(s);
    w.hwpoison(0, 0x7f0000001000);
    w.perform(MunmapEvent{0, 0x7f0000000000, 0x4000});
    w.perform(TruncateEvent{0, 0, -1});
    w.perform(UnpoisonPfnEvent{Pfn{kDaxPfn}});
    CHECK(w.log().back() == "Unpoison: Software-unpoisoned page 0x20cb00");
    CHECK(w.kernel->counters.num_poisoned_pages == -1);
}

TEST_CASE("a leaked reference makes a truncate of a mapped file sleep", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x4000, 1, kDaxPfn, FsKind::xfs));
    s.processes.push_back(process("victim", 100, {map(MapKind::fsdax, 0x7f0000000000, 0x4000)}));
    MmWorld w(s);
    w.perform(HwpoisonPfnEvent{Pfn{kDaxPfn}});
    CHECK(joined(w.signals()) == "victim 7 code 5 addr 7f0000001000 lsb 12\n");
    const std::size_t calls = w.kernel->processes.syscalls().size();
    w.perform(TruncateEvent{0, 0, -1});
    CHECK(w.kernel->processes.syscalls().size() == calls);  // never returned
    w.load(0, 0x7f0000001000);
    CHECK(w.pfn_at(0, 0x7f0000001000) == Pfn{kDaxPfn});
}

TEST_CASE("xfs with a reverse map tells its users itself", "[core][mm]") {
    Scenario s = platform(ProfileId::v6_1, NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x4000, 1, kDaxPfn, FsKind::xfs_rmap));
    s.processes.push_back(process("victim", 100, {map(MapKind::fsdax, 0x7f0000000000, 0x4000)}));
    MmWorld w(s);
    w.hwpoison(0, 0x7f0000001000);
    CHECK(w.last_return() == 0);
    CHECK(joined(w.signals()) == "victim 7 code 4 addr 7f0000001000 lsb 12\n");
    CHECK(w.poisoned(kDaxPfn));
}

TEST_CASE("a touch past the end of a device is a bus error", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::devdax);
    MapConfig m = map(MapKind::devdax, 0x7f0000000000, 2 * k2M, k2M);
    m.offset = 0x3f000000 - k2M;
    s.processes.push_back(process("victim", 100, {m}));
    MmWorld w(s);
    w.store(0, 0x7f0000000000);
    w.store(0, 0x7f0000200010);
    CHECK(joined(w.signals()) == "victim 7 code 2 addr 7f0000200010 lsb 0\n");
}

// kernel.md 2.5: the reverse map names metadata as owner.
TEST_CASE("XFS cannot give up a page of its metadata", "[core][mm]") {
    for (const FsKind fs : {FsKind::xfs_rmap, FsKind::xfs}) {
        Scenario s = platform(ProfileId::v6_1, NamespaceMode::fsdax);
        s.files.push_back(dax_file(1 << 20, 0, kDaxPfn, fs));
        MmWorld w(std::move(s));
        const bool holds = fs == FsKind::xfs_rmap;
        CHECK(w.failure(-1, (kData >> 12) + 3, 0) == (holds ? -117 : -EBUSY));
        CHECK(joined(w.log()) ==
              std::string(holds ? "XFS shuts down\nXFS: unmount\n" : "") +
                  "Memory failure: 0x201003: recovery action for dax page: Failed\n");
        CHECK_FALSE(w.poisoned(0x201003));
        const std::size_t before = w.log().size();
        CHECK(w.failure(-1, (kData >> 12) + 24, 0) == (holds ? 0 : -EBUSY));  // free space
        CHECK(w.log().size() == before + 1);
    }
}
