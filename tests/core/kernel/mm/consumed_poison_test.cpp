#include <catch2/catch.hpp>

#include "core/kernel/mm/mm_world.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

namespace {

constexpr std::uint64_t kVa = 0x7f0000010000;
constexpr std::uint64_t kLine = 0x20cb00240;

/// Platform and process of the worked examples of consumed poison on a DAX file.
Scenario dax(ProfileId id) {
    Scenario s = platform(id, NamespaceMode::fsdax);
    s.kernel.pgmap_memtype_tracking = false;
    s.files.push_back(dax_file(0x20000, 0x10, kDaxPfn));
    s.processes.push_back(process("fsd", 600, {map(MapKind::fsdax, kVa - 0x10000, 0x20000)}));
    return s;
}

const std::string kAccess = "mce: Uncorrected hardware memory error in user-access at 20cb00240\n";
const std::string kLogged = "mce: [Hardware Error]: Machine check events logged\n";

}  // namespace

TEST_CASE("consumed poison on DAX: the worker's lines stand after the first of the task",
          "[core][mm]") {
    for (const ProfileId id : {ProfileId::v4_19, ProfileId::v6_1}) {
        MmWorld w(dax(id));
        w.kernel->boot();
        w.poison.insert(kLine);
        w.load(0, kVa + 0x25f);
        const std::string verb = id == ProfileId::v6_1 ? "Sending SIGBUS to" : "Killing";
        CHECK(joined(w.log()) ==
              kAccess + kLogged + "Memory failure: 0x20cb00: " + verb +
                  " fsd:600 due to hardware memory corruption\n"
                  "Memory failure: 0x20cb00: recovery action for dax page: Recovered\n");
        CHECK(joined(w.signals()) == "fsd 7 code 4 addr 7f0000010000 lsb 12\n");
        CHECK(w.pfn_at(0, kVa) == Pfn{0});
        CHECK(w.kernel->counters.num_poisoned_pages == (id == ProfileId::v6_1 ? 1 : 0));
    }
}

TEST_CASE("after consumed poison the next touch meets the bad block", "[core][mm]") {
    for (const ProfileId id : {ProfileId::v4_19, ProfileId::v6_1}) {
        MmWorld w(dax(id));
        w.kernel->boot();
        w.poison.insert(kLine);
        w.load(0, kVa + 0x25f);
        const std::size_t lines = w.log().size();
        w.load(0, kVa);
        CHECK(w.signals().back() == "fsd 7 code 2 addr 7f0000010000 lsb 0");
        CHECK(w.log().size() == lines);
        w.load(0, kVa + 0x1000);  // the neighbour is good
        CHECK(w.pfn_at(0, kVa + 0x1000) == Pfn{kDaxPfn + 1});
    }
}

TEST_CASE("v4.18 consumed poison on DAX kills without an address", "[core][mm]") {
    MmWorld w(dax(ProfileId::v4_18));
    w.kernel->boot();
    w.poison.insert(kLine);
    w.load(0, kVa + 0x25f);
    CHECK(joined(w.log()) ==
          kAccess + kLogged +
              "Memory failure: 0x20cb00: reserved kernel page still referenced by 1 users\n"
              "Memory failure: 0x20cb00: recovery action for reserved kernel page: Failed\n"
              "mce: Memory error not recovered\n");
    CHECK(joined(w.signals()) == "fsd 7 code 128 addr 0 lsb 0\n");
    CHECK(w.pfn_at(0, kVa) == Pfn{kDaxPfn});
}

TEST_CASE("poison in a copy from user space: EFAULT first, then the page is handled",
          "[core][mm]") {
    Scenario s = platform(ProfileId::v6_1, NamespaceMode::fsdax);
    MapConfig m = map(MapKind::anon, kVa, 0x4000);
    m.at = 0x12345000;
    s.processes.push_back(process("victim", 100, {m}));
    MmWorld w(s);
    w.kernel->boot();
    w.poison.insert(0x12346040);
    w.perform(CopyEvent{CopyEvent::Direction::from_user, 0, kVa + 0x1000, 0, 4096, true});
    CHECK(w.last_return() == -EFAULT);
    CHECK(joined(w.log()) == kLogged +
                                 "mce: Kernel accessed poison in user space at 12346040\n"
                                 "Memory failure: 0x12346: recovery action for dirty LRU page: "
                                 "Recovered\n");
    CHECK(w.signals().empty());
    w.load(0, kVa + 0x1000);
    CHECK(joined(w.signals()) == "victim 7 code 4 addr 7f0000011000 lsb 12\n");
}
