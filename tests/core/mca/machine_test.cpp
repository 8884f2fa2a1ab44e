// Who hears of a machine check, and the sparse state against a dense one.
#include "core/mca/machine.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <random>

using namespace mcemu;
using namespace mcemu::mca;

namespace {

CpuConfig cpus(std::uint32_t sockets, std::uint32_t cores, std::uint32_t threads) {
    CpuConfig c;
    c.sockets = sockets;
    c.cores = cores;
    c.threads = threads;
    return c;
}

NewError srar() {
    NewError e;
    e.status = 0xbd80000000000134;
    return e;
}

/// A machine as a booted system leaves it: machine checks enabled.
struct Booted {
    McaState state;
    explicit Booted(CpuConfig c = cpus(2, 2, 2), McaConfig m = {}) : state(c, m) {
        for (CpuId cpu = 0; cpu < c.count(); ++cpu) state.set_cr4_mce(cpu, true);
        for (std::uint32_t b = 0; b < state.map().count(); ++b)
            state.wrmsr_all(msr_mci_ctl(b), ~0ull, {});
    }
    std::uint64_t mcg(CpuId cpu) const { return *state.rdmsr(cpu, MSR_IA32_MCG_STATUS, {}); }
};

}  // namespace

TEST_CASE("a broadcast sets RIPV and MCIP on every CPU of every socket", "[mca][machine]") {
    Booted b;
    const Affected affected{3, 7};
    REQUIRE_FALSE(b.state.take_broadcast({&affected, 1}));
    for (CpuId cpu = 0; cpu < 8; ++cpu) CHECK(b.mcg(cpu) == (cpu == 3 ? 7u : 5u));
}

TEST_CASE("a local machine check leaves the other CPUs alone", "[mca][machine]") {
    Booted b;
    REQUIRE_FALSE(b.state.take_local({3, 0xf}));
    for (CpuId cpu = 0; cpu < 8; ++cpu) CHECK(b.mcg(cpu) == (cpu == 3 ? 0xfu : 0u));
}

TEST_CASE("a machine check with MCIP set is a shutdown", "[mca][machine]") {
    Booted b;
    const Affected first{3, 7}, second{5, 7};
    SECTION("broadcast after broadcast") {
        b.state.take_broadcast({&first, 1});
        const auto s = b.state.take_broadcast({&second, 1});
        REQUIRE(s);
        CHECK(s->reason == ShutdownReason::mcip_set);
        CHECK(s->cpu == 0);
    }
    SECTION("broadcast into one local handler") {
        b.state.take_local(first);
        const auto s = b.state.take_broadcast({&second, 1});
        REQUIRE(s);
        CHECK(s->cpu == 3);
    }
    SECTION("one CPU has not cleared it yet") {
        b.state.take_broadcast({&first, 1});
        for (CpuId cpu = 0; cpu < 7; ++cpu) b.state.wrmsr(cpu, MSR_IA32_MCG_STATUS, 0, {});
        const auto s = b.state.take_broadcast({&second, 1});
        REQUIRE(s);
        CHECK(s->cpu == 7);
    }
    SECTION("not after all have cleared it, one by one") {
        b.state.take_broadcast({&first, 1});
        for (CpuId cpu = 0; cpu < 8; ++cpu) b.state.wrmsr(cpu, MSR_IA32_MCG_STATUS, 0, {});
        CHECK_FALSE(b.state.take_broadcast({&second, 1}));
    }
    SECTION("not after all have cleared it at once") {
        b.state.take_broadcast({&first, 1});
        b.state.wrmsr_all(MSR_IA32_MCG_STATUS, 0, {});
        CHECK_FALSE(b.state.take_broadcast({&second, 1}));
    }
    SECTION("two local ones on two CPUs are two handlers") {
        b.state.take_local(first);
        CHECK_FALSE(b.state.take_local(second));
    }
}

TEST_CASE("a machine check with CR4.MCE clear is a shutdown", "[mca][machine]") {
    Booted b;
    b.state.set_cr4_mce(6, false);
    SECTION("any CPU on a broadcast") {
        const Affected a{0, 7};
        const auto s = b.state.take_broadcast({&a, 1});
        REQUIRE(s);
        CHECK(s->cpu == 6);
        CHECK(s->reason == ShutdownReason::cr4_mce_clear);
    }
    SECTION("only the CPU itself locally") {
        CHECK_FALSE(b.state.take_local({0, 0xf}));
        CHECK(b.state.take_local({6, 0xf}));
    }
    SECTION("every CPU after a reset") {
        b.state.reset(ResetKind::init);
        CHECK(b.state.take_local({1, 0xf}));
    }
}

TEST_CASE("only an SRAR in a core bank may stay local, and only with LMCE_EN", "[mca][machine]") {
    McaConfig m;
    m.lmce = true;
    Booted b(cpus(1, 2, 1), m);
    CHECK_FALSE(b.state.local_allowed(0, 1, ErrorClass::srar));
    b.state.wrmsr(0, MSR_IA32_MCG_EXT_CTL, 1, {});
    CHECK(b.state.local_allowed(0, 1, ErrorClass::srar));
    CHECK_FALSE(b.state.local_allowed(1, 1, ErrorClass::srar));
    CHECK_FALSE(b.state.local_allowed(0, 7, ErrorClass::srar));
    CHECK_FALSE(b.state.local_allowed(0, 1, ErrorClass::srao));
    CHECK_FALSE(b.state.local_allowed(0, 1, ErrorClass::fatal));
}

TEST_CASE("a CMCI goes to the owner of the bank", "[mca][machine][cmci]") {
    Booted b;  // sockets of CPUs 0-3 and 4-7
    const auto enable = [&](CpuId cpu) {
        b.state.wrmsr(cpu, msr_mci_ctl2(7), MCI_CTL2_CMCI_EN | 1, {});
    };
    SECTION("nobody listens while the vectors are masked") {
        enable(2);
        CHECK_FALSE(b.state.cmci_target(1, 7));
    }
    SECTION("the owner") {
        b.state.wrmsr_all(MSR_LVT_CMCI, 0xf9, {});
        enable(2);
        CHECK(b.state.cmci_target(1, 7) == 2u);
        CHECK(b.state.cmci_target(5, 7) == 5u);
    }
    SECTION("the next that shares the bank, when the owner is masked or offline") {
        b.state.wrmsr_all(MSR_LVT_CMCI, 0xf9, {});
        enable(2);
        b.state.set_online(2, false);
        b.state.set_online(0, false);
        CHECK(b.state.cmci_target(2, 7) == 1u);
    }
}

TEST_CASE("a shared bank is listed once, for the CPU it was logged for", "[mca][machine]") {
    Booted b;
    b.state.log(2, 7, srar(), SimTime{1});
    b.state.log(5, 1, srar(), SimTime{1});
    CHECK(b.state.cpus_with_valid_banks() == std::vector<CpuId>{2, 5});
    CHECK(b.state.valid_banks(0) == 1u << 7);
    CHECK(b.state.valid_banks(4) == 1u << 1);
    CHECK(b.state.valid_banks(6) == 0);
    b.state.set_online(2, false);
    CHECK(b.state.cpus_with_valid_banks() == std::vector<CpuId>{0, 5});
}

TEST_CASE("idle CPUs and banks take no room", "[mca][machine]") {
    Booted b(cpus(8, 256, 2));
    const Affected a{77, 7};
    b.state.log(77, 1, srar(), SimTime{1});
    b.state.take_broadcast({&a, 1});
    b.state.wrmsr_all(MSR_IA32_MCG_STATUS, 0, {});
    CHECK(b.state.banks().touched_instances() == 1);
}

// A dense machine: arrays of everything, loops over everything.
TEST_CASE("the sparse state behaves like a dense one under random operations",
          "[mca][machine][property]") {
    constexpr CpuId kCpus = 8;
    constexpr std::uint32_t kBanks = 20;
    std::mt19937_64 random(7);
    for (int run = 0; run < 40; ++run) {
        Booted sparse;
        std::array<std::array<Bank, kBanks>, kCpus> bank{};
        std::array<std::uint64_t, kCpus> mcg{};
        for (auto& row : bank)
            for (Bank& b : row) b.set_ctl(~0ull);
        const auto first = [](CpuId cpu, std::uint32_t b) {
            return b < 4 ? cpu / 2 * 2 : cpu / 4 * 4;
        };
        for (unsigned step = 1; step < 200; ++step) {
            const auto cpu = static_cast<CpuId>(random() % kCpus);
            const auto b = static_cast<std::uint32_t>(random() % kBanks);
            switch (random() % 7) {
                case 0:
                case 1: {
                    NewError e;
                    e.status = random() % 2 ? 0xbd80000000000134 : 0x8c00000000000090;
                    e.addr = random() % 1000;
                    sparse.state.log(cpu, b, e, SimTime{step});
                    bank[first(cpu, b)][b].log(e, {}, SimTime{step});
                    break;
                }
                case 2:
                    sparse.state.wrmsr(cpu, msr_mci_status(b), 0, {});
                    bank[first(cpu, b)][b].clear_status();
                    break;
                case 3:
                    sparse.state.wrmsr_all(msr_mci_status(b), 0, {});
                    for (auto& row : bank) row[b].clear_status();
                    break;
                case 4: {
                    const std::uint64_t value = random() % 2 ? ~0ull : 0;
                    sparse.state.wrmsr(cpu, msr_mci_ctl(b), value, {});
                    bank[first(cpu, b)][b].set_ctl(value);
                    break;
                }
                case 5: {
                    const Affected a{cpu, 7};
                    const bool taken = !sparse.state.take_broadcast({&a, 1});
                    bool free = true;
                    for (const std::uint64_t v : mcg) free = free && !(v & MCG_STATUS_MCIP);
                    REQUIRE(taken == free);
                    if (free) {
                        mcg.fill(5);
                        mcg[cpu] = 7;
                    }
                    break;
                }
                case 6:
                    if (random() % 3 == 0) {
                        sparse.state.wrmsr_all(MSR_IA32_MCG_STATUS, 0, {});
                        mcg.fill(0);
                    } else {
                        sparse.state.wrmsr(cpu, MSR_IA32_MCG_STATUS, 0, {});
                        mcg[cpu] = 0;
                    }
                    break;
            }
            for (CpuId c = 0; c < kCpus; ++c) {
                std::uint32_t valid = 0;
                for (std::uint32_t n = 0; n < kBanks; ++n) {
                    const Bank& dense = bank[first(c, n)][n];
                    if (dense.valid()) valid |= 1u << n;
                    REQUIRE(sparse.state.rdmsr(c, msr_mci_status(n), {}) == dense.status());
                    REQUIRE(sparse.state.rdmsr(c, msr_mci_addr(n), {}) == dense.addr());
                    REQUIRE(sparse.state.rdmsr(c, msr_mci_ctl(n), {}) == dense.ctl());
                }
                REQUIRE(sparse.state.valid_banks(c) == valid);
                REQUIRE(sparse.mcg(c) == mcg[c]);
            }
            std::uint32_t listed = 0, wanted = 0;
            for (const CpuId c : sparse.state.cpus_with_valid_banks())
                listed |= sparse.state.valid_banks(c);
            for (CpuId c = 0; c < kCpus; ++c) wanted |= sparse.state.valid_banks(c);
            REQUIRE(listed == wanted);
        }
    }
}

TEST_CASE("a record without VAL belongs to the CPU it was written for", "[mca][machine]") {
    Booted b(cpus(1, 4, 1));
    NewError e;
    e.verbatim = true;
    e.status = 0x3d80000000000134;  // as 0xbd8..., with VAL clear
    const LogResult first = b.state.log(2, 1, e, {});
    CHECK(first.what == Logged::ignored);
    CHECK(first.latched);
    std::vector<BankSnapshot> banks = b.state.banks().snapshot();
    REQUIRE(banks.size() == 1);
    CHECK(banks[0].cpu == 2);
    CHECK(banks[0].status == e.status);
    // A record that stands there stays, and whose it is.
    b.state.log(2, 1, srar(), {});
    const std::uint64_t stands = b.state.banks().snapshot()[0].status;
    const LogResult second = b.state.log(2, 1, e, {});
    CHECK_FALSE(second.latched);
    CHECK(b.state.banks().snapshot()[0].status == stands);
}
