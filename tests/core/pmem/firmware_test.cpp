// nvdimm.md 6, A.2 (13 to 25) and the firmware's rows of A.5.
#include "core/pmem/firmware.hpp"

#include <catch2/catch.hpp>

using namespace mcemu;
using namespace mcemu::pmem;
using namespace std::chrono_literals;
using Function = DsmEvent::Function;

namespace {

struct FixedRng final : Rng {
    std::uint64_t bits(std::uint32_t, std::uint64_t) const override { return 0; }
};

constexpr std::uint64_t kBase = 0x280000000, kSize = 64 << 20;

/// region1 of the worked examples: 4 ways of 4 KiB, module DPA base 0x1000000, clear unit 256.
MachineConfig example_machine() {
    MachineConfig machine;
    RegionConfig region;
    region.range = {kBase, kBase + kSize};
    for (std::uint32_t i = 0; i < 4; ++i) {
        NvdimmConfig module;
        module.size = 64 << 20;
        module.handle = i;
        machine.nvdimms.push_back(module);
        region.nvdimms.push_back(i);
        region.dpa_base.push_back(0x1000000);
    }
    machine.regions.push_back(region);
    return machine;
}

struct Bench final : Modules {
    MachineConfig machine;
    FixedRng rng;
    Latency latency{rng};
    std::vector<PoisonList> lists;
    std::vector<SmartHealth> healths;
    Firmware firmware;
    SimTime now{};

    explicit Bench(MachineConfig config = example_machine())
        : machine(std::move(config)),
          lists(machine.nvdimms.size()),
          healths(machine.nvdimms.size(), SmartHealth(NvdimmProfile::optane)),
          firmware(machine, latency, *this) {
        latency.set(Lat::fw_dsm_call, {Distribution::Kind::fixed, 100us});
        latency.set(Lat::fw_dsm_smi, {Distribution::Kind::fixed, 1ms});
        latency.set(Lat::fw_clear_unit, {Distribution::Kind::fixed, 2us});
        latency.set(Lat::fw_ars_short, {Distribution::Kind::fixed, 10ms});
        latency.set(Lat::fw_ars_record, {Distribution::Kind::fixed, 1us});
    }

    const PoisonList& poison(std::uint32_t i) const override { return lists[i]; }
    void plant(std::uint32_t i, DpaRange range, std::uint8_t flags) override {
        lists[i].add(range, 0, flags);
        lists[i].mark(range, flags);
    }
    void heal(std::uint32_t i, DpaRange range) override { lists[i].clear(range); }
    void list(std::uint32_t i, DpaRange range) override { lists[i].mark(range, kPoisonListed); }
    SmartHealth& health(std::uint32_t i) override { return healths[i]; }

    Firmware::Answer call(Function function, std::uint64_t address = 0, std::uint64_t length = 0,
                          std::uint32_t flags = 0, int nvdimm = -1) {
        return firmware.call({function, address, length, flags, nvdimm}, now);
    }
    std::uint64_t poisoned() const {
        std::uint64_t bytes = 0;
        for (const PoisonList& list : lists) bytes += list.poisoned_bytes();
        return bytes;
    }
    std::vector<SpaRange> injected() {
        std::vector<SpaRange> result;
        for (const auto& r : call(Function::inject_status).reply.records)
            result.push_back({r.spa, r.spa + r.length});
        return result;
    }
    void plant_spa(std::uint64_t spa, std::uint64_t length) {
        const InterleaveSet set(machine.regions[0]);
        for (std::uint32_t way = 0; way < set.ways(); ++way) {
            const DpaRange part = set.on_way({spa, spa + length}, way);
            if (part.size() > 0) lists[way].add(part, 1);
        }
    }
};

std::vector<SpaRange> ranges(const kernel::DsmReply& reply) {
    std::vector<SpaRange> result;
    for (const auto& r : reply.records) result.push_back({r.spa, r.spa + r.length});
    return result;
}

}  // namespace

// ---------------------------------------------------------------- injection

TEST_CASE("an injection without notification poisons and tells nobody", "[core][pmem]") {
    Bench bench;
    const auto a = bench.call(Function::inject_error, 0x280205400, 256);

    CHECK(a.reply.status == 0);
    CHECK_FALSE(a.notify);
    CHECK(bench.lists[1].runs() == std::vector<DpaRange>{{0x1081400, 0x1081500}});
    CHECK(bench.poisoned() == 256);
}

TEST_CASE("injecting the same again leaves one listed record", "[core][pmem]") {
    Bench bench;
    bench.call(Function::inject_error, 0x280205400, 256);
    CHECK(bench.call(Function::inject_error, 0x280205400, 256).reply.status == 0);
    CHECK(bench.poisoned() == 256);
    CHECK(bench.injected() == std::vector<SpaRange>{{0x280205400, 0x280205500}});
}

TEST_CASE("an injection of no bytes is invalid", "[core][pmem]") {
    Bench bench;
    CHECK(bench.call(Function::inject_error, 0x280205400, 0).reply.status == kDsmInvalidInput);
}

TEST_CASE("an injection outside persistent memory is invalid", "[core][pmem]") {
    Bench bench;
    CHECK(bench.call(Function::inject_error, 0x1000, 64).reply.status == kDsmInvalidInput);
    CHECK(bench.call(Function::inject_error, kBase + kSize - 64, 128).reply.status ==
          kDsmInvalidInput);
    CHECK(bench.call(Function::inject_error, ~std::uint64_t{0} - 63, 128).reply.status ==
          kDsmInvalidInput);
}

TEST_CASE("an injection with option bit 0 raises 0x81 on the root device", "[core][pmem]") {
    Bench bench;
    const auto a = bench.call(Function::inject_error, 0x280205400, 64, kInjectNotify);
    REQUIRE(a.notify);
    CHECK(a.notify->value == 0x81);
    CHECK(a.notify->nvdimm == -1);
}

TEST_CASE("an injection over a chunk border poisons both modules", "[core][pmem]") {
    Bench bench;
    bench.call(Function::inject_error, 0x280000fc0, 0x80);
    CHECK(bench.lists[0].runs() == std::vector<DpaRange>{{0x1000fc0, 0x1001000}});
    CHECK(bench.lists[1].runs() == std::vector<DpaRange>{{0x1000000, 0x1000040}});
    CHECK(bench.injected() == std::vector<SpaRange>{{0x280000fc0, 0x280001040}});
}

TEST_CASE("inject status does not list natural errors", "[core][pmem]") {
    Bench bench;
    bench.plant_spa(0x280100000, 64);
    CHECK(bench.injected().empty());
}

TEST_CASE("inject clear heals the range and leaves the rest", "[core][pmem]") {
    Bench bench;
    bench.call(Function::inject_error, 0x280205400, 256);
    CHECK(bench.call(Function::inject_clear, 0x280205440, 64).reply.status == 0);
    CHECK(bench.injected() ==
          std::vector<SpaRange>{{0x280205400, 0x280205440}, {0x280205480, 0x280205500}});
    CHECK(bench.poisoned() == 192);
}

// ---------------------------------------------------------------- clear

TEST_CASE("clear heals, and the injected list forgets", "[core][pmem]") {
    Bench bench;
    bench.call(Function::inject_error, 0x280205400, 256);
    const auto a = bench.call(Function::clear_error, 0x280205400, 256);

    CHECK(a.reply.status == 0);
    CHECK(a.reply.cleared == 256);
    CHECK(a.reply.delay == 1ms + 2us);
    CHECK(bench.injected().empty());
    CHECK(bench.poisoned() == 0);
}

TEST_CASE("a misaligned clear is invalid and changes nothing", "[core][pmem]") {
    Bench bench;
    bench.call(Function::inject_error, 0x280205400, 256);
    const auto a = bench.call(Function::clear_error, 0x280205440, 64);

    CHECK(a.reply.status == kDsmInvalidInput);
    CHECK(a.reply.cleared == 0);
    CHECK(bench.poisoned() == 256);
}

TEST_CASE("healthy lines count as cleared", "[core][pmem]") {
    Bench bench;
    bench.call(Function::inject_error, 0x280205400, 256);
    const auto a = bench.call(Function::clear_error, 0x280205000, 4096);
    CHECK(a.reply.cleared == 4096);
    CHECK(a.reply.delay == 1ms + 16 * 2us);
    CHECK(bench.poisoned() == 0);
}

TEST_CASE("clear stops at a unit that cannot be healed", "[core][pmem]") {
    MachineConfig machine = example_machine();
    machine.nvdimms[1].stuck = {{0x1081200, 0x1081300}};  // 0x200 into the page 0x280205000
    Bench bench(machine);
    bench.plant_spa(0x280205100, 256);
    bench.plant_spa(0x280205200, 256);
    const auto a = bench.call(Function::clear_error, 0x280205000, 4096);

    CHECK(a.reply.status == 0);
    CHECK(a.reply.cleared == 0x200);
    CHECK(bench.lists[1].runs() == std::vector<DpaRange>{{0x1081200, 0x1081300}});
}

TEST_CASE("clear with its first unit stuck clears nothing", "[core][pmem]") {
    MachineConfig machine = example_machine();
    machine.nvdimms[1].stuck = {{0x1081040, 0x1081080}};
    Bench bench(machine);
    bench.plant_spa(0x280205100, 256);
    const auto a = bench.call(Function::clear_error, 0x280205000, 4096);

    CHECK(a.reply.status == 0);
    CHECK(a.reply.cleared == 0);
    CHECK(bench.poisoned() == 256);
}

TEST_CASE("a clear unit of 4096 refuses a sector and takes a page", "[core][pmem]") {
    MachineConfig machine = example_machine();
    for (auto& module : machine.nvdimms) module.clear_unit = 4096;
    Bench bench(machine);
    CHECK(bench.call(Function::clear_error, 0x280205400, 512).reply.status == kDsmInvalidInput);
    CHECK(bench.call(Function::clear_error, 0x280205000, 4096).reply.cleared == 4096);
}

TEST_CASE("the capability answer reports the unit as configured, even a useless one",
          "[core][pmem]") {
    const auto unit = GENERATE(0u, 384u, 256u);
    MachineConfig machine = example_machine();
    for (auto& module : machine.nvdimms) module.clear_unit = unit;
    Bench bench(machine);
    CHECK(bench.call(Function::ars_cap, kBase, kSize).reply.clear_err_unit == unit);
}

TEST_CASE("clear of no bytes or outside persistent memory is invalid", "[core][pmem]") {
    Bench bench;
    CHECK(bench.call(Function::clear_error, kBase, 0).reply.status == kDsmInvalidInput);
    CHECK(bench.call(Function::clear_error, 0x1000, 256).reply.status == kDsmInvalidInput);
}

TEST_CASE("clearing again succeeds and changes nothing", "[core][pmem]") {
    Bench bench;
    bench.call(Function::clear_error, 0x280205400, 256);
    const auto a = bench.call(Function::clear_error, 0x280205400, 256);
    CHECK(a.reply.status == 0);
    CHECK(a.reply.cleared == 256);
}

// ---------------------------------------------------------------- translate, capabilities

TEST_CASE("translate names module, DPA and the bytes to the end of the chunk", "[core][pmem]") {
    Bench bench;
    const auto a = bench.call(Function::translate_spa, 0x280205400);
    CHECK(a.reply.status == 0);
    REQUIRE(a.reply.records.size() == 1);
    CHECK(a.reply.records[0].handle == 1);
    CHECK(a.reply.records[0].length == 0xc00);
    CHECK(a.reply.dpa == 0x1081400);
    CHECK(a.reply.data.size() == 32);
}

TEST_CASE("translate of an address in no range is invalid", "[core][pmem]") {
    Bench bench;
    CHECK(bench.call(Function::translate_spa, 0).reply.status == kDsmInvalidInput);
}

TEST_CASE("the capability answer of a persistent range has extended status 2", "[core][pmem]") {
    Bench bench;
    const auto a = bench.call(Function::ars_cap, kBase, kSize);
    CHECK(a.reply.status == 0x00020000);
    CHECK(a.reply.max_ars_out == 4128);
    CHECK(a.reply.delay == 100us);
    CHECK(bench.call(Function::ars_cap, 0x1000, 64).reply.status == kDsmInvalidInput);
}

TEST_CASE("without ARS and Clear Error functions 1 to 4 are not supported", "[core][pmem]") {
    MachineConfig machine = example_machine();
    machine.clear_error_supported = false;
    Bench bench(machine);
    for (const Function f :
         {Function::ars_cap, Function::ars_start, Function::ars_status, Function::clear_error})
        CHECK(bench.call(f, kBase, 4096).reply.status == kDsmNotSupported);
    CHECK(bench.call(Function::translate_spa, kBase).reply.status == 0);
}

// ---------------------------------------------------------------- ARS

TEST_CASE("the status before any scrub is 0x00020000", "[core][pmem]") {
    Bench bench;
    const auto a = bench.call(Function::ars_status);
    CHECK(a.reply.status == 0x00020000);
    CHECK(a.reply.out_length == 48);
}

TEST_CASE("a start while a scrub runs answers 6, its status 0x00010000", "[core][pmem]") {
    Bench bench;
    CHECK(bench.call(Function::ars_start, kBase, kSize).reply.status == 0);
    bench.now = 1ms;
    CHECK(bench.call(Function::ars_start, kBase, kSize).reply.status == 6);
    CHECK(bench.call(Function::ars_status).reply.status == 0x00010000);
}

TEST_CASE("modules are scanned in parallel at their rate", "[core][pmem]") {
    Bench bench;
    // 16 MiB on each of four modules at 1 GiB/s: a 64th of a second.
    CHECK(bench.call(Function::ars_start, kBase, kSize).reply.scrub_time_s == 1);
    CHECK(bench.firmware.ars().finish_time() == 15'625us);
}

TEST_CASE("an overflow names where to go on, and the rest follows from there", "[core][pmem]") {
    MachineConfig machine = example_machine();
    for (auto& module : machine.nvdimms) module.max_ars_out = 96;
    Bench bench(machine);
    for (const std::uint64_t at : {0x100, 0x900, 0x2100}) bench.plant_spa(kBase + at, 256);
    bench.call(Function::ars_start, kBase, kSize);
    bench.now = 1s;
    const kernel::DsmReply first = bench.call(Function::ars_status).reply;

    CHECK(first.status == 0x00030000);
    CHECK(first.overflow);
    CHECK(first.out_length == 96);
    CHECK(first.restart == SpaRange{kBase + 0x2100, kBase + kSize});
    CHECK(first.covered == SpaRange{kBase, kBase + 0x2100});
    CHECK(ranges(first) ==
          std::vector<SpaRange>{{kBase + 0x100, kBase + 0x200}, {kBase + 0x900, kBase + 0xa00}});

    bench.call(Function::ars_start, first.restart.begin, first.restart.size());
    bench.now = 2s;
    const kernel::DsmReply second = bench.call(Function::ars_status).reply;
    CHECK(second.status == 0);
    CHECK(second.covered.end == kBase + kSize);
    CHECK(ranges(second) == std::vector<SpaRange>{{kBase + 0x2100, kBase + 0x2200}});
}

TEST_CASE("flags bit 1 answers known poison after 10 ms", "[core][pmem]") {
    Bench bench;
    bench.call(Function::inject_error, kBase + 0x5000, 64);
    bench.plant_spa(kBase + 0x9000, 64);
    bench.call(Function::ars_start, kBase, kSize, kArsFlagKnownOnly);
    bench.now = 10ms - SimTime{1};
    CHECK(bench.call(Function::ars_status).reply.status == 0x00010000);
    bench.now = 10ms;
    const kernel::DsmReply done = bench.call(Function::ars_status).reply;
    CHECK(done.status == 0);
    CHECK(ranges(done) == std::vector<SpaRange>{{kBase + 0x5000, kBase + 0x5040}});
    CHECK(done.records[0].handle == 1);
}

TEST_CASE("clear removes what it heals from the scrub results still held", "[core][pmem]") {
    Bench bench;
    bench.plant_spa(kBase + 0x9000, 512);
    bench.call(Function::ars_start, kBase, kSize);
    bench.now = 1s;
    CHECK(bench.call(Function::ars_status).reply.records.size() == 1);
    bench.call(Function::clear_error, kBase + 0x9000, 256);
    CHECK(ranges(bench.call(Function::ars_status).reply) ==
          std::vector<SpaRange>{{kBase + 0x9100, kBase + 0x9200}});
}

TEST_CASE("poison injected behind a running scan is not in its result", "[core][pmem]") {
    Bench bench;
    bench.call(Function::ars_start, kBase, kSize);
    bench.now = 10ms;
    bench.call(Function::inject_error, kBase + 0x10, 64);
    bench.call(Function::inject_error, kBase + kSize - 64, 64);
    bench.now = 1s;
    CHECK(ranges(bench.call(Function::ars_status).reply) ==
          std::vector<SpaRange>{{kBase + kSize - 64, kBase + kSize}});
}

TEST_CASE("a start outside persistent memory is invalid", "[core][pmem]") {
    Bench bench;
    CHECK(bench.call(Function::ars_start, 0x1000, 4096).reply.status == kDsmInvalidInput);
}

// ---------------------------------------------------------------- modules

TEST_CASE("smart answers the payload of a module and refuses one that is not there",
          "[core][pmem]") {
    Bench bench;
    CHECK(bench.call(Function::smart, 0, 0, 0, 2).reply.data.size() == 128);
    CHECK(bench.call(Function::smart, 0, 0, 0, 4).reply.status == kDsmInvalidInput);
    CHECK(bench.call(Function::smart).reply.status == kDsmInvalidInput);
}

TEST_CASE("an injected alarm raises the health notification of that module", "[core][pmem]") {
    Bench bench;
    const auto a =
        bench.call(Function::smart_inject, 0, 0, kSmartFatal | kSmartFatal << kSmartEnableShift, 3);
    REQUIRE(a.notify);
    CHECK(a.notify->nvdimm == 3);
    CHECK(bench.call(Function::smart, 0, 0, 0, 3).reply.data[8] == kHealthFatal);
}

TEST_CASE("known poison may reach the region's end", "[core][pmem]") {
    Bench b;
    b.call(Function::inject_error, kBase + kSize - 256, 256);
    CHECK(b.firmware.known_poison(0) ==
          std::vector<SpaRange>{{kBase + kSize - 256, kBase + kSize}});
}

// ---------------------------------------------------------------- as nfit_test keeps it

TEST_CASE("an unmerged list has an entry per injection, in their order", "[core][pmem]") {
    MachineConfig machine = example_machine();
    machine.unmerged_poison_list = true;
    Bench bench(machine);
    bench.plant_spa(kBase + 0x9000, 64);
    bench.lists[1].mark({0, 64 << 20}, kPoisonListed);  // known, but injected by nobody
    bench.call(Function::inject_error, kBase + 0x3000, 512);
    bench.call(Function::inject_error, kBase + 0x1000, 256);
    bench.call(Function::inject_error, kBase + 0x3100, 64);
    bench.call(Function::inject_error, kBase + 0x1000, 64);
    const std::vector<SpaRange> list{{kBase + 0x3000, kBase + 0x3200},
                                     {kBase + 0x1000, kBase + 0x1040},
                                     {kBase + 0x3100, kBase + 0x3140}};
    CHECK(bench.injected() == list);
    bench.call(Function::ars_start, kBase, kSize, kArsFlagKnownOnly);
    bench.now = 1s;
    std::vector<SpaRange> found = ranges(bench.call(Function::ars_status).reply);
    REQUIRE(found.size() == 4);
    CHECK(found.back() == SpaRange{kBase + 0x9000, kBase + 0x9040});
    found.pop_back();
    CHECK(found == list);

    bench.call(Function::clear_error, kBase + 0x3000, 256);
    CHECK(bench.injected() == std::vector<SpaRange>{{kBase + 0x3100, kBase + 0x3200},
                                                    {kBase + 0x1000, kBase + 0x1040},
                                                    {kBase + 0x3100, kBase + 0x3140}});
    CHECK(ranges(bench.call(Function::ars_status).reply)[0] ==
          SpaRange{kBase + 0x3100, kBase + 0x3200});
}

TEST_CASE("nfit_test's inject status ends with the 257th entry", "[core][pmem]") {
    MachineConfig machine = example_machine();
    machine.unmerged_poison_list = true;
    Bench bench(machine);
    for (std::uint64_t i = 0; i < 300; ++i)
        bench.call(Function::inject_error, kBase + i * 0x400, 64);
    CHECK(bench.injected().size() == 257);
}

TEST_CASE("the capability answer says what the platform tells of, and may report another unit",
          "[core][pmem]") {
    MachineConfig machine = example_machine();
    machine.nvdimms[2].reported_clear_unit = 384;
    Bench bench(machine);
    const auto a = bench.call(Function::ars_cap, kBase, kSize);
    CHECK(a.reply.clear_err_unit == 384);
    CHECK(a.reply.flags == 1);
    CHECK(bench.call(Function::clear_error, kBase, 256).reply.cleared == 256);
}
