// The machine-check MSRs: every access rule of mce.md section 2.
#include "core/mca/msr_file.hpp"

#include <catch2/catch.hpp>

using namespace mcemu;
using namespace mcemu::mca;

namespace {

CpuConfig four_cpus() {
    CpuConfig c;
    c.sockets = 1;
    c.cores = 2;
    c.threads = 2;
    return c;
}

struct Fixture {
    CpuConfig cpus = four_cpus();
    McaConfig mca;
    BankMap map;
    MsrFile msrs;
    explicit Fixture(McaConfig m = {}, CpuConfig c = four_cpus())
        : cpus(c), mca(m), map(cpus, mca), msrs(cpus, mca, map) {}
    std::optional<std::uint64_t> read(std::uint32_t msr, CpuId cpu = 0) const {
        return msrs.read(cpu, msr, SimTime{});
    }
    bool write(std::uint32_t msr, std::uint64_t value, CpuId cpu = 0) {
        return msrs.write(cpu, msr, value, SimTime{});
    }
    void log(CpuId cpu, std::uint32_t bank) {
        NewError e;
        e.status = 0xbc00000000000090;
        e.addr = 0x1000;
        e.misc = 0x86;
        msrs.banks().log(cpu, bank, e, msrs.has(), SimTime{1});
    }
};

McaConfig with_lmce() {
    McaConfig m;
    m.lmce = true;
    return m;
}

}  // namespace

TEST_CASE("MCG_CAP says what the part has", "[mca][msr]") {
    CHECK(Fixture(with_lmce()).read(MSR_IA32_MCG_CAP) == 0x0f000c14u);
    McaConfig old;
    old.banks = 7;
    old.ser = old.emc = old.elog = false;
    CHECK(Fixture(old).read(MSR_IA32_MCG_CAP) == 0xc07u);
}

TEST_CASE("MCG_CAP cannot be written", "[mca][msr]") {
    Fixture f;
    CHECK_FALSE(f.write(MSR_IA32_MCG_CAP, 0));
}

TEST_CASE("STATUS, ADDR and MISC take only 0", "[mca][msr]") {
    Fixture f;
    f.log(0, 1);
    const std::uint32_t msr = GENERATE(msr_mci_status(1), msr_mci_addr(1), msr_mci_misc(1));
    const auto before = f.read(msr);
    CHECK_FALSE(f.write(msr, 1));
    CHECK(f.read(msr) == before);
    CHECK(f.write(msr, 0));
    CHECK(f.read(msr) == 0u);
}

TEST_CASE("an access to a bank at or above the count faults", "[mca][msr]") {
    Fixture f;
    CHECK(f.read(msr_mci_status(19)));
    CHECK_FALSE(f.read(msr_mci_status(20)));
    CHECK_FALSE(f.read(msr_mci_ctl2(20)));
    CHECK_FALSE(f.write(msr_mci_ctl(20), 0));
}

TEST_CASE("CTL takes any value", "[mca][msr]") {
    Fixture f;
    CHECK(f.write(msr_mci_ctl(4), 0x1234567890));
    CHECK(f.read(msr_mci_ctl(4)) == 0x1234567890u);
}

TEST_CASE("CTL2 holds a threshold of 15 bits and CMCI_EN, reserved bits fault", "[mca][msr]") {
    Fixture f;
    CHECK(f.write(msr_mci_ctl2(7), MCI_CTL2_CMCI_EN | 0x7fff));
    CHECK(f.read(msr_mci_ctl2(7)) == (MCI_CTL2_CMCI_EN | 0x7fff));
    CHECK_FALSE(f.write(msr_mci_ctl2(7), 1u << 15));
    CHECK_FALSE(f.write(msr_mci_ctl2(7), 1ull << 31));
    CHECK(f.read(msr_mci_ctl2(7)) == (MCI_CTL2_CMCI_EN | 0x7fff));
}

TEST_CASE("CTL2 and the CMCI vector exist with CMCI_P only", "[mca][msr]") {
    McaConfig m;
    m.cmci = false;
    Fixture f(m);
    CHECK_FALSE(f.read(msr_mci_ctl2(0)));
    CHECK_FALSE(f.read(MSR_LVT_CMCI));
    CHECK_FALSE(f.write(MSR_LVT_CMCI, 0xf9));
}

TEST_CASE("MCG_STATUS takes its four bits, reserved ones fault", "[mca][msr]") {
    Fixture f(with_lmce());
    CHECK(f.write(MSR_IA32_MCG_STATUS, 0xf));
    CHECK(f.read(MSR_IA32_MCG_STATUS) == 0xfu);
    CHECK(f.read(MSR_IA32_MCG_STATUS, 1) == 0u);
    CHECK_FALSE(f.write(MSR_IA32_MCG_STATUS, 0x10));
    CHECK_FALSE(Fixture{}.write(MSR_IA32_MCG_STATUS, 0x8));
}

TEST_CASE("MCG_CTL exists with CTL_P only", "[mca][msr]") {
    CHECK_FALSE(Fixture{}.read(MSR_IA32_MCG_CTL));
    CHECK_FALSE(Fixture{}.write(MSR_IA32_MCG_CTL, ~0ull));
    McaConfig m;
    m.ctl_p = true;
    Fixture f(m);
    CHECK(f.write(MSR_IA32_MCG_CTL, ~0ull));
    CHECK(f.read(MSR_IA32_MCG_CTL) == ~0ull);
}

TEST_CASE("MCG_EXT_CTL exists with LMCE only and has one bit", "[mca][msr]") {
    CHECK_FALSE(Fixture{}.read(MSR_IA32_MCG_EXT_CTL));
    Fixture f(with_lmce());
    CHECK(f.write(MSR_IA32_MCG_EXT_CTL, 1));
    CHECK_FALSE(f.write(MSR_IA32_MCG_EXT_CTL, 2));
    CHECK(f.msrs.lmce_enabled(0));
    CHECK_FALSE(f.msrs.lmce_enabled(1));
}

TEST_CASE("firmware locks FEATURE_CONTROL", "[mca][msr]") {
    Fixture f(with_lmce());
    CHECK(f.read(MSR_IA32_FEATURE_CONTROL) == ((1u << 20) | 1u));
    CHECK_FALSE(f.write(MSR_IA32_FEATURE_CONTROL, 0));
}

TEST_CASE("the CMCI vector starts masked; its delivery status is read-only", "[mca][msr]") {
    Fixture f;
    CHECK(f.read(MSR_LVT_CMCI) == 0x10000u);
    CHECK(f.msrs.cmci_masked(2));
    CHECK(f.write(MSR_LVT_CMCI, 0x10f9, 2));
    CHECK(f.read(MSR_LVT_CMCI, 2) == 0xf9u);
    CHECK_FALSE(f.msrs.cmci_masked(2));
    CHECK_FALSE(f.write(MSR_LVT_CMCI, 1u << 20));
}

TEST_CASE("registers that this part has not fault", "[mca][msr]") {
    Fixture f;
    for (const std::uint32_t msr : {0x17du, 0x17fu, 0x180u, 0x18au, 0x190u, 0x4eu, 0x4fu})
        CHECK_FALSE(f.read(msr));
}

TEST_CASE("the Pentium aliases read as 0", "[mca][msr]") {
    CHECK(Fixture{}.read(0) == 0u);
    CHECK(Fixture{}.read(1) == 0u);
    CHECK_FALSE(Fixture{}.write(0, 0));
}

TEST_CASE("a configured PPIN can be read", "[mca][msr]") {
    CpuConfig c = four_cpus();
    c.ppin = 0x1122334455667788;
    Fixture f({}, c);
    CHECK(f.read(MSR_PPIN_CTL) == 2u);
    CHECK(f.read(MSR_PPIN) == 0x1122334455667788u);
}

TEST_CASE("the TSC counts from its base at its rate", "[mca][msr]") {
    CpuConfig c = four_cpus();
    c.tsc_base = 1000;
    c.tsc_mhz = 2100;
    Fixture f({}, c);
    CHECK(f.msrs.read(0, MSR_IA32_TSC, from_ns(1'000'000'000)) == 2'100'001'000u);
    CHECK(f.msrs.read(0, MSR_IA32_TSC, from_ns(10)) == 1021u);
    c.tsc_mhz = 0;
    CHECK(Fixture({}, c).msrs.read(0, MSR_IA32_TSC, from_ns(77)) == 1000u);
}

TEST_CASE("a written TSC goes on from there", "[mca][msr]") {
    Fixture f;
    CHECK(f.msrs.write(1, MSR_IA32_TSC, 5, from_ns(1000)));
    CHECK(f.msrs.read(1, MSR_IA32_TSC, from_ns(2000)) == 2105u);
    CHECK(f.msrs.read(0, MSR_IA32_TSC, from_ns(2000)) == 4200u);
}

TEST_CASE("a shared bank is one register for all that share it", "[mca][msr]") {
    Fixture f;
    f.log(1, 1);  // core scope: CPUs 0 and 1
    CHECK(f.read(msr_mci_status(1), 0) == f.read(msr_mci_status(1), 1));
    CHECK(f.read(msr_mci_status(1), 2) == 0u);
    CHECK(f.write(msr_mci_status(1), 0, 0));
    CHECK(f.read(msr_mci_status(1), 1) == 0u);
    f.log(3, 7);  // package scope
    CHECK(f.read(msr_mci_status(7), 0) != 0u);
}

TEST_CASE("the first CPU to set CMCI_EN owns the bank", "[mca][msr]") {
    Fixture f;
    CHECK(f.write(msr_mci_ctl2(7), MCI_CTL2_CMCI_EN | 1, 2));
    CHECK(f.write(msr_mci_ctl2(7), MCI_CTL2_CMCI_EN | 1, 0));
    CHECK(f.msrs.banks().at(1, 7).cmci_owner() == 2);
    CHECK(f.write(msr_mci_ctl2(7), 1, 2));
    CHECK(f.msrs.banks().at(1, 7).cmci_owner() == kNoCpu);
}

TEST_CASE("a write to all CPUs reaches touched and untouched banks", "[mca][msr]") {
    Fixture f;
    f.log(0, 1);
    CHECK(f.msrs.write_all(msr_mci_ctl(1), 0x55, SimTime{}));
    CHECK(f.read(msr_mci_ctl(1), 0) == 0x55u);
    CHECK(f.read(msr_mci_ctl(1), 2) == 0x55u);
    CHECK_FALSE(f.msrs.write_all(msr_mci_status(1), 1, SimTime{}));
    CHECK(f.msrs.write_all(msr_mci_status(1), 0, SimTime{}));
    CHECK(f.read(msr_mci_status(1)) == 0u);
}

TEST_CASE("resets keep and clear what mce.md 2.10 says", "[mca][msr]") {
    Fixture f(with_lmce());
    f.write(msr_mci_ctl(1), ~0ull);
    f.write(msr_mci_ctl2(1), MCI_CTL2_CMCI_EN | 1);
    f.write(MSR_IA32_MCG_EXT_CTL, 1);
    f.write(MSR_IA32_MCG_STATUS, 4);
    f.log(0, 1);
    const std::uint64_t status = *f.read(msr_mci_status(1));
    SECTION("power-up") {
        f.msrs.reset(ResetKind::power_up);
        CHECK(f.read(msr_mci_status(1)) == 0u);
        CHECK(f.read(msr_mci_addr(1)) == 0u);
        CHECK(f.read(msr_mci_ctl(1)) == 0u);
        CHECK(f.read(msr_mci_ctl2(1)) == 0u);
    }
    SECTION("S3 resume is like power-up") {
        f.msrs.reset(ResetKind::s3);
        CHECK(f.read(msr_mci_status(1)) == 0u);
    }
    SECTION("warm reset keeps the errors for the next boot") {
        f.msrs.reset(ResetKind::warm);
        CHECK(f.read(msr_mci_status(1)) == status);
        CHECK(f.read(msr_mci_addr(1)) == 0x1000u);
        CHECK(f.read(msr_mci_ctl(1)) == 0u);
        CHECK(f.read(msr_mci_ctl2(1)) == 0u);
        CHECK(f.read(MSR_IA32_MCG_EXT_CTL) == 0u);
        CHECK(f.read(MSR_IA32_MCG_STATUS) == 0u);
    }
    SECTION("INIT keeps everything but the local APIC") {
        f.msrs.reset(ResetKind::init);
        CHECK(f.read(msr_mci_status(1)) == status);
        CHECK(f.read(msr_mci_ctl(1)) == ~0ull);
        CHECK(f.read(MSR_IA32_MCG_EXT_CTL) == 1u);
        CHECK(f.read(MSR_IA32_MCG_STATUS) == 4u);
    }
}
