// The checker of persistent memory complains when something is wrong (nvdimm.md 17).
#include "core/kernel/nvdimm/invariants.hpp"

#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using namespace std::chrono_literals;
using mcemu::test::PmemMachine;

namespace {

struct NoArsMedia final : pmem::ArsMedia {
    pmem::PoisonList* list_of = nullptr;
    std::optional<SpaRange> next_run(std::uint64_t from, std::uint64_t end, bool) const override {
        const std::uint64_t base = 0x200000000;
        const std::uint64_t begin = list_of->next_poisoned(from - base, end - base);
        if (begin >= end - base) return std::nullopt;
        return SpaRange{base + begin, base + list_of->next_clean(begin, end - base)};
    }
    std::uint32_t handle_at(std::uint64_t) const override { return 0; }
    void list(SpaRange) override {}
    SimTime record_cost() override { return {}; }
};

/// The reference machine's one module, and a scrub of its firmware.
struct Media final : PmemMedia {
    pmem::PoisonList list;
    pmem::SmartHealth smart{NvdimmProfile::optane};
    NoArsMedia scanned;
    pmem::Ars scrub{scanned};
    Media() { scanned.list_of = &list; }
    const pmem::PoisonList& poison(std::uint32_t) const override { return list; }
    const pmem::SmartHealth& health(std::uint32_t) const override { return smart; }
    const pmem::Ars& ars() const override { return scrub; }
};

struct Bench {
    PmemMachine m;
    Media media;
    PmemInvariants checker;
    explicit Bench(PmemMachine::Change change = nullptr)
        : m(ProfileId::v6_1, change), checker(m.kernel, media) {
        REQUIRE(checker.check_start().empty());
        REQUIRE(checker.check().empty());
    }
    void plant(DpaRange range) {
        media.list.add(range, 0);
        m.trace.note(Module::nvdimm, TraceKind::poison_planted, 0, range.begin, range.size());
    }
    void start_scrub(SpaRange range, std::uint64_t records = 10) {
        m.trace.step(Module::firmware, TraceKind::dsm, 0,
                     static_cast<std::uint64_t>(DsmEvent::Function::ars_start), 0);
        media.scrub.start({range, 1ms, records, false}, m.agenda.now());
    }
};

constexpr std::uint64_t kBase = 0x200000000;

}  // namespace

TEST_CASE("poison that goes without being healed is told", "[core][nvdimm][invariants]") {
    Bench b;
    b.plant({0x1000, 0x1100});
    CHECK(b.checker.check().empty());
    b.media.list.clear({0x1000, 0x1040});
    CHECK(b.checker.check() == "nmem0 lost 64 bytes of poison unhealed");
}

TEST_CASE("poison that is healed with a trace is not", "[core][nvdimm][invariants]") {
    Bench b;
    b.plant({0x1000, 0x1100});
    CHECK(b.checker.check().empty());
    b.media.list.clear({0x1000, 0x1040});
    b.m.trace.note(Module::nvdimm, TraceKind::poison_cleared, 0, 0x1000, 0x40);
    CHECK(b.checker.check().empty());
}

TEST_CASE("a count of dirty shutdowns that falls is told", "[core][nvdimm][invariants]") {
    Bench b;
    b.media.smart.dirty_shutdown();
    CHECK(b.checker.check().empty());
    b.media.smart = pmem::SmartHealth(NvdimmProfile::optane);
    CHECK(b.checker.check() == "nmem0: the count of dirty shutdowns fell from 1 to 0");
}

TEST_CASE("a scrub result that is missing is told", "[core][nvdimm][invariants]") {
    Bench b;
    b.plant({0x1000, 0x1100});
    b.plant({0x9000, 0x9040});
    CHECK(b.checker.check().empty());
    b.start_scrub({kBase, kBase + 0x10000});
    CHECK(b.checker.check().empty());
    SECTION("none is missing") {
        b.media.scrub.advance(2ms);
        CHECK(b.checker.check().empty());
    }
    SECTION("one is") {
        b.media.scrub.advance(2ms);
        b.media.scrub.forget({kBase + 0x9000, kBase + 0x9040});
        CHECK(b.checker.check() ==
              "a scrub of 0x200000000-0x200010000 did not report 0x200009000-0x200009040");
    }
    SECTION("what failed meanwhile may be") {
        b.media.scrub.advance(500us);
        b.plant({0x2000, 0x2040});
        b.media.scrub.advance(2ms);
        CHECK(b.checker.check().empty());
    }
}

TEST_CASE("a scrub that nobody started is told", "[core][nvdimm][invariants]") {
    Bench b;
    b.media.scrub.start({{kBase, kBase + 0x1000}, 1ms, 10, false}, 0s);
    CHECK(b.checker.check() == "a scrub runs that nobody started");
}

TEST_CASE("scrub results at boot are told", "[core][nvdimm][invariants]") {
    PmemMachine m(ProfileId::v6_1);
    Media media;
    media.scrub.start({{kBase, kBase + 0x1000}, 1ms, 10, false}, 0s);
    CHECK(PmemInvariants(m.kernel, media).check_start() == "scrub results outlived a boot");
}

TEST_CASE("what a call cleared and is poisoned all the same is told",
          "[core][nvdimm][invariants]") {
    Bench b;
    b.plant({0x5000, 0x5040});
    CHECK(b.checker.check().empty());
    b.m.trace.note(Module::kernel, TraceKind::badrange_forgotten, 0, kBase + 0x5000, 0x1000);
    CHECK(b.checker.check() == "cleared 0x200005000-0x200006000 is poisoned");
}

TEST_CASE("a bad range that outlives its clear is told", "[core][nvdimm][invariants]") {
    Bench b;
    b.m.machine_check_at(kBase + 0x1005000);
    CHECK(b.checker.check().empty());
    b.m.trace.note(Module::kernel, TraceKind::badrange_forgotten, 0, kBase + 0x1005000, 0x1000);
    CHECK(b.checker.check() ==
          "cleared 0x201005000-0x201006000 is still in the list of bad ranges as "
          "0x201005000-0x201005040");
}

TEST_CASE("a whole life of a bad sector meets no complaint", "[core][nvdimm][invariants]") {
    Bench b;
    b.plant({0x1005000, 0x1005040});
    b.m.machine_check_at(kBase + 0x1005000);
    CHECK(b.checker.check().empty());
    CHECK(b.m.bio(BioEvent::Op::read, 40, 8) == -EIO);
    CHECK(b.checker.check().empty());
    CHECK(b.checker.sectors_lost() == 0);
}
