// Which bank an error goes to: mce.md section 7.
#include "core/mca/bank_map.hpp"

#include <catch2/catch.hpp>

#include "core/mca/hardware_errors.hpp"

using namespace mcemu;
using namespace mcemu::mca;

namespace {

CpuConfig cpus(CpuModel model, std::uint32_t sockets = 2, std::uint32_t cores = 4,
               std::uint32_t threads = 2) {
    CpuConfig c;
    c.model = model;
    c.sockets = sockets;
    c.cores = cores;
    c.threads = threads;
    return c;
}
McaConfig banks(std::uint32_t n) {
    McaConfig m;
    m.banks = n;
    return m;
}

}  // namespace

TEST_CASE("core banks of Cascade Lake are shared by the threads of a core, others by the package",
          "[mca][bank_map]") {
    const BankMap map(cpus(CpuModel::cascadelake), banks(20));
    for (std::uint32_t b = 0; b < 20; ++b)
        CHECK(map[b].scope == (b < 4 ? Scope::core : Scope::package));
    CHECK(map.cpus_per(Scope::core) == 2);
    CHECK(map.cpus_per(Scope::package) == 8);
}

TEST_CASE("channels of Cascade Lake report in M2M 7 and 8 and in iMC 13, 14, 17, 15, 16, 18",
          "[mca][bank_map]") {
    const BankMap map(cpus(CpuModel::cascadelake), banks(20));
    const std::uint32_t imc[] = {13, 14, 17, 15, 16, 18};
    for (std::uint32_t channel = 0; channel < 6; ++channel) {
        CHECK(map.imc(channel) == imc[channel]);
        CHECK(map.m2m(channel) == (channel < 3 ? 7u : 8u));
        CHECK(map.channel_code(channel) == channel % 3);
    }
}

TEST_CASE("channels of Ice Lake report in four controllers of two channels", "[mca][bank_map]") {
    const BankMap map(cpus(CpuModel::icelake_sp), banks(28));
    const std::uint32_t imc[] = {13, 14, 17, 18, 21, 22, 25, 26};
    for (std::uint32_t channel = 0; channel < 8; ++channel) {
        CHECK(map.imc(channel) == imc[channel]);
        CHECK(map.m2m(channel) == 12 + channel / 2 * 4);
    }
}

TEST_CASE("with fewer banks an error goes to the nearest unit left", "[mca][bank_map]") {
    const BankMap eight(cpus(CpuModel::skylake_sp), banks(8));
    CHECK(eight.imc(0) == 7);
    CHECK(eight.imc(5) == 7);
    CHECK(eight.cha(0) == 7);
    const BankMap one(cpus(CpuModel::skylake_sp), banks(1));
    CHECK(one.dcu() == 0);
    CHECK(one.imc(2) == 0);
}

TEST_CASE("banks of a generic part belong to one logical processor", "[mca][bank_map]") {
    const BankMap map(cpus(CpuModel::generic), banks(10));
    for (std::uint32_t b = 0; b < 10; ++b) CHECK(map[b].scope == Scope::thread);
    CHECK(map.m2m(0) == 9);
}

TEST_CASE("no machine has 0 or more than 32 banks", "[mca][bank_map]") {
    CHECK_THROWS_AS(BankMap(cpus(CpuModel::generic), banks(0)), std::invalid_argument);
    CHECK_THROWS_AS(BankMap(cpus(CpuModel::generic), banks(33)), std::invalid_argument);
}

// The records that the units compose, as the worked examples of mce.md appendix B show them.
TEST_CASE("the units log the records of the worked examples", "[mca][hardware_errors]") {
    const BankMap map(cpus(CpuModel::cascadelake), banks(20));
    McaConfig mca;
    const auto logged = [&](const UnitError& u) {
        Bank bank;
        bank.set_ctl(~0ull);
        return bank.log(u.error, {mca.ser, mca.cmci, mca.tes}, SimTime{1}).status;
    };
    SECTION("SRAR data load") {
        const UnitError u = poison_consumed(map, mca, AccessKind::load, 0x12340);
        CHECK(u.bank == 1);
        CHECK(logged(u) == 0xbd80000000000134);
        CHECK(u.error.misc == 0x86);
        CHECK(u.mcg_status == 7);
    }
    SECTION("SRAR data load, not continuable") {
        mca.srar_continuable = false;
        CHECK(poison_consumed(map, mca, AccessKind::load, 0).mcg_status == 6);
    }
    SECTION("SRAR instruction fetch") {
        const UnitError u = poison_consumed(map, mca, AccessKind::fetch, 0x12340);
        CHECK(u.bank == 0);
        CHECK(logged(u) == 0xbd80000000000150);
        CHECK(u.mcg_status == 7);
    }
    SECTION("E58: without SER_P") {
        mca.ser = false;
        CHECK(logged(poison_consumed(map, mca, AccessKind::load, 0)) == 0xb400000000000134);
    }
    SECTION("fatal through uncacheable memory") {
        CHECK(logged(uncached_poison(map, 0)) == 0xbe00000000000134);
        CHECK(uncached_poison(map, 0).mcg_status == 4);
    }
    SECTION("E20: UCNA at M2M") {
        const UnitError u = demand_read(map, 0, false, 0x2f4a5e1c40, 6);
        CHECK(u.bank == 7);
        CHECK(logged(u) == 0xbc00000001010090);
    }
    SECTION("E25: UCNA from DDR-T") {
        const UnitError u = demand_read(map, 0, true, 0x2f4a5e1c40, 6);
        CHECK(u.bank == 13);
        CHECK(logged(u) == 0xbc00000008070090);
    }
    SECTION("E28: SRAO by #MC") {
        const UnitError u = patrol_scrub(map, mca, 0, 0x2f4a5e1c40, 6);
        CHECK(u.bank == 13);
        CHECK(logged(u) == 0xbd000000001000c0);
        CHECK(u.mcg_status == 5);
    }
    SECTION("E27: SRAO by CMCI") {
        mca.patrol_uc_mode = PatrolUcMode::cmci;
        CHECK(logged(patrol_scrub(map, mca, 0, 0, 6)) == 0xbc000000001000c0);
    }
    SECTION("E06: uncorrected scrub reported as corrected") {
        mca.patrol_uc_mode = PatrolUcMode::ce;
        const UnitError u = patrol_scrub(map, mca, 0, 0, 12);
        CHECK(logged(u) == 0x8c000040001000c0);
        CHECK(u.error.misc == 0x8c);
    }
    SECTION("E30: explicit write-back") {
        CHECK(logged(write_back(map, mca, 0x40, 6)) == 0xbd000000000c017a);
        CHECK(write_back(map, mca, 0x40, 6).bank == 10);
    }
}
