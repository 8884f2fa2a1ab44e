#include <catch2/catch.hpp>

#include "core/kernel/invariants.hpp"
#include "core/kernel/mm/mm_world.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace mcemu::test;

namespace {

/// Nobody maps a poisoned page once its failure has been handled. Returns what is wrong.
std::string check(MmWorld& w) {
    std::string wrong;
    for (std::uint32_t i = 0; i < w.kernel->processes.size(); ++i)
        w.kernel->processes[i].mm->table.for_each([&](const auto& r) {
            if (r.value.kind != Pte::Kind::present) return;
            for (std::uint64_t va = r.begin; va < r.end; va += kPageSize)
                if (w.page(r.at(va).pfn).test(PG_hwpoison)) wrong = "a poisoned page is mapped";
        });
    return wrong;
}

}  // namespace

TEST_CASE("the invariants hold whatever processes do to lost pages", "[core][mm]") {
    for (const ProfileId id : {ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1}) {
        Scenario s = platform(id, NamespaceMode::fsdax);
        s.files.push_back(disk_file(0x8000));
        MapConfig file = map(MapKind::file, 0x7f2000000000, 0x8000);
        MapConfig thp = map(MapKind::anon, 0x7f4000000000, 4 << 20);
        thp.state = MapState::thp;
        s.processes = {process("a", 1,
                               {map(MapKind::anon, 0x7f0000000000, 0x10000), file, thp,
                                map(MapKind::shmem, 0x7f6000000000, 0x8000)}),
                       process("b", 2, {map(MapKind::anon, 0x7f0000000000, 0x10000), file})};
        for (int i = 0; i < 4; ++i) {
            s.events.push_back({});
            s.events.back().action = ForkEvent{static_cast<std::uint32_t>(i == 3 ? 2 : i % 2),
                                               process("child", 10 + i, {})};
        }
        MmWorld w(s);
        Invariants invariants(*w.kernel);
        std::uint64_t x = 12345;  // a fixed sequence of actions
        const auto next = [&](std::uint64_t n) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            return (x >> 33) % n;
        };
        const std::uint64_t bases[] = {0x7f0000000000, 0x7f2000000000, 0x7f4000000000,
                                       0x7f6000000000};
        std::size_t forks = 0;
        for (int step = 0; step < 400; ++step) {
            const auto p = static_cast<std::uint32_t>(next(w.kernel->processes.size()));
            const std::uint64_t va = bases[next(4)] + next(24) * kPageSize;
            switch (next(9)) {
                case 0:
                    w.load(p, va);
                    break;
                case 1:
                case 2:
                case 3:
                    w.store(p, va);
                    break;
                case 4:
                    w.hwpoison(p, va);
                    break;
                case 5:
                    w.perform(MunmapEvent{p, va, kPageSize * (1 + next(3))});
                    break;
                case 6:
                    w.perform(MmapEvent{p, map(MapKind::anon, va, kPageSize * 2)});
                    break;
                case 7:
                    w.perform(MadviseEvent{p, va, kPageSize, true});
                    break;
                case 8:
                    if (step % 20 == 0 && forks < s.events.size()) {
                        const auto e = static_cast<std::uint32_t>(forks++);
                        w.kernel->processes.perform(e, w.scenario.events[e].action);
                        w.agenda.run_until(w.agenda.now() + std::chrono::milliseconds(1));
                    } else {
                        w.perform(TruncateEvent{0, next(9) * kPageSize, -1});
                    }
                    break;
            }
            INFO("profile " << static_cast<int>(id) << " step " << step);
            REQUIRE(invariants.check() == "");
            REQUIRE(check(w) == "");
        }
    }
}

TEST_CASE("all of a terabyte of device memory costs one page-table run", "[core][mm]") {
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::devdax);
    s.machine.regions[0].range.end = 0x200000000 + (1ull << 40);
    s.machine.namespaces[0].range.end = s.machine.regions[0].range.end;
    MapConfig m = map(MapKind::devdax, 0x100000000000, (1ull << 40) - 0x1000000, 2 << 20);
    s.processes.push_back(process("big", 1, {m}));
    MmWorld w(s);
    CHECK(w.kernel->processes[0].mm->table.size() == 1);
    CHECK(w.kernel->memory.known_count() == 0);
    w.hwpoison(0, 0x100000000000 + (1ull << 39));
    CHECK(w.signals().size() == 1);
    CHECK(w.kernel->processes[0].mm->table.size() <= 2);
}

TEST_CASE("a page that ten thousand processes share is lost to all of them", "[core][mm]") {
    constexpr std::uint32_t kSharers = 10000;
    Scenario s = platform(ProfileId::v4_19, NamespaceMode::fsdax);
    s.files.push_back(dax_file(0x10000, 5, kDaxPfn));
    for (std::uint32_t i = 0; i < kSharers; ++i)
        s.processes.push_back(
            process("p", static_cast<int>(i), {map(MapKind::fsdax, 0x7f0000000000, 0x10000)}));
    MmWorld w(s);
    CHECK(w.failure(0, kDaxPfn, MF_ACTION_REQUIRED) == 0);
    CHECK(w.signals().size() == kSharers);
    bool ordered = true;
    const auto& log = w.kernel->log.records();
    for (std::uint32_t i = 0; i < kSharers; ++i) ordered = ordered && log[i].args[2] == i;
    CHECK(ordered);
}

TEST_CASE("the VMAs of one index are found among many, in the order of the processes",
          "[core][mm]") {
    VmaTree tree;
    std::vector<std::unique_ptr<Vma>> vmas;
    for (std::uint64_t i = 0; i < 2000; ++i) {
        auto v = std::make_unique<Vma>();
        v->pgoff = (i * 7919) % 1000;
        v->begin = 0x1000;
        v->end = v->begin + (1 + i % 13) * kPageSize;
        v->sequence = i + 1;
        tree.insert(*v);
        vmas.push_back(std::move(v));
    }
    for (std::uint64_t i = 0; i < 2000; i += 3) tree.erase(*vmas[i]);
    for (const std::uint64_t index : {0ull, 17ull, 500ull, 1005ull, 2000ull}) {
        std::size_t expected = 0, found = 0;
        for (std::uint64_t i = 0; i < 2000; ++i)
            expected += i % 3 != 0 && vmas[i]->pgoff <= index && index <= vmas[i]->last_index();
        std::pair<std::uint64_t, std::uint64_t> last{};
        bool ordered = true;
        tree.for_each(index, index, [&](Vma& v) {
            const std::pair key{v.pgoff, v.sequence};
            ordered = ordered && last < key;
            last = key;
            ++found;
            return true;
        });
        CHECK(found == expected);
        CHECK(ordered);
    }
}
