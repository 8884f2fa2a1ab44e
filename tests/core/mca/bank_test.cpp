// The registers of one bank: mce.md section 4 row by row.
#include "core/mca/bank.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using namespace mcemu;
using namespace mcemu::mca;

namespace {

constexpr std::uint64_t kBase =
    MCI_STATUS_VAL | MCI_STATUS_EN | MCI_STATUS_ADDRV | MCI_STATUS_MISCV;
constexpr std::uint64_t kCe = kBase;
constexpr std::uint64_t kUcna = kBase | MCI_STATUS_UC;
constexpr std::uint64_t kSrao = kUcna | MCI_STATUS_S;
constexpr std::uint64_t kSrar = kSrao | MCI_STATUS_AR;
constexpr std::uint64_t kFatal = kUcna | MCI_STATUS_PCC;
constexpr std::uint64_t kClassBits = MCI_STATUS_UC | MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR;

const Capabilities kAll{};

NewError make(std::uint64_t status, std::uint64_t addr = 0x1000) {
    NewError e;
    e.status = status;
    e.addr = addr;
    e.misc = kMiscLine;
    return e;
}

struct Fixture {
    Bank bank;
    SimTime now{};
    Fixture() { bank.set_ctl(~0ull); }
    LogResult log(std::uint64_t status, std::uint64_t addr = 0x1000,
                  const Capabilities& has = kAll) {
        now += SimTime{1};
        return bank.log(make(status, addr), has, now);
    }
};

std::uint64_t count(const Bank& b) {
    return (b.status() & MCI_STATUS_CEC_MASK) >> MCI_STATUS_CEC_SHIFT;
}

}  // namespace

TEST_CASE("an error in a free bank stands there as it is", "[mca][bank]") {
    Fixture f;
    const LogResult r = f.log(kSrar | 0x134, 0x12340);
    CHECK(r.what == Logged::stored);
    CHECK(f.bank.status() == 0xbd80000000000134);
    CHECK(f.bank.addr() == 0x12340);
    CHECK(f.bank.misc() == 0x86);
    CHECK(r.machine_check);
    CHECK(r.cmci == CmciResult::none);
}

TEST_CASE("EN reports whether the kind's CTL bit was set when the error was logged",
          "[mca][bank]") {
    Fixture f;
    NewError e = make(kSrar | 0x134);
    e.enable = 1u << 3;
    SECTION("set") {
        f.bank.set_ctl(1u << 3);
        CHECK(f.bank.log(e, kAll, SimTime{1}).machine_check);
        CHECK((f.bank.status() & MCI_STATUS_EN) != 0);
    }
    SECTION("clear: logged all the same, no #MC") {
        f.bank.set_ctl(~(1ull << 3));
        CHECK_FALSE(f.bank.log(e, kAll, SimTime{1}).machine_check);
        CHECK((f.bank.status() & (MCI_STATUS_EN | MCI_STATUS_VAL)) == MCI_STATUS_VAL);
    }
}

TEST_CASE("a corrected error starts the count at one, an uncorrected at none", "[mca][bank]") {
    Fixture f;
    SECTION("corrected") {
        f.log(kCe | 0x90);
        CHECK(count(f.bank) == 1);
    }
    SECTION("uncorrected") {
        f.log(kUcna | 0x90);
        CHECK(count(f.bank) == 0);
    }
}

// The overwrite table. `first` stands in the bank, `second` arrives; `kept` is whose data stays.
TEST_CASE("a second error follows the overwrite table", "[mca][bank]") {
    struct Row {
        const char* name;
        std::uint64_t first, second;
        int kept;  // 1 first, 2 second
        std::uint64_t class_bits;
        bool over;
    };
    constexpr std::uint64_t UC = MCI_STATUS_UC, S = MCI_STATUS_S, AR = MCI_STATUS_AR,
                            PCC = MCI_STATUS_PCC;
    const Row row = GENERATE(
        Row{"CE, CE", kCe, kCe, 1, 0, false}, Row{"CE, UCNA", kCe, kUcna, 2, UC, true},
        Row{"CE, SRAO", kCe, kSrao, 2, UC | S, true},
        Row{"CE, SRAR", kCe, kSrar, 2, UC | S | AR, true},
        Row{"CE, fatal", kCe, kFatal, 2, UC | PCC, true}, Row{"UCNA, CE", kUcna, kCe, 1, UC, true},
        Row{"SRAO, CE", kSrao, kCe, 1, UC | S, true},
        Row{"SRAR, CE", kSrar, kCe, 1, UC | S | AR, true},
        Row{"UCNA, UCNA", kUcna, kUcna, 1, UC, true},
        Row{"UCNA, SRAO", kUcna, kSrao, 1, UC | S, true},
        Row{"UCNA, SRAR", kUcna, kSrar, 1, UC | S | AR, true},
        Row{"SRAO, UCNA", kSrao, kUcna, 1, UC | S, true},
        Row{"SRAO, SRAO", kSrao, kSrao, 1, UC | S, true},
        Row{"SRAO, SRAR", kSrao, kSrar, 1, UC | S | AR, true},
        Row{"SRAR, UCNA", kSrar, kUcna, 1, UC | S | AR, true},
        Row{"SRAR, SRAO", kSrar, kSrao, 1, UC | S | AR, true},
        Row{"SRAR, SRAR", kSrar, kSrar, 1, UC | S | AR, true},
        Row{"UCNA, fatal", kUcna, kFatal, 2, UC | PCC, true},
        Row{"SRAO, fatal", kSrao, kFatal, 2, UC | PCC | S, true},
        Row{"SRAR, fatal", kSrar, kFatal, 2, UC | PCC | S | AR, true},
        Row{"fatal, UCNA", kFatal, kUcna, 1, UC | PCC, true},
        Row{"fatal, SRAO", kFatal, kSrao, 1, UC | PCC | S, true},
        Row{"fatal, SRAR", kFatal, kSrar, 1, UC | PCC | S | AR, true},
        Row{"fatal, fatal", kFatal, kFatal, 1, UC | PCC, true},
        Row{"fatal, CE", kFatal, kCe, 1, UC | PCC, true});
    INFO(row.name);
    Fixture f;
    f.log(row.first | 0x0011, 0x1000);
    const LogResult r = f.log(row.second | 0x0022, 0x2000);
    CHECK(r.what == (row.kept == 2 ? Logged::overwrote : Logged::kept));
    CHECK(mcacod(f.bank.status()) == (row.kept == 2 ? 0x22 : 0x11));
    CHECK(f.bank.addr() == (row.kept == 2 ? 0x2000 : 0x1000));
    CHECK((f.bank.status() & kClassBits) == row.class_bits);
    CHECK(((f.bank.status() & MCI_STATUS_OVER) != 0) == row.over);
}

TEST_CASE("a second error signals even when its data is not kept", "[mca][bank]") {
    Fixture f;
    f.log(kUcna | 0x134);
    CHECK(f.log(kSrar | 0x134).machine_check);
}

TEST_CASE("an enabled error overwrites a disabled one", "[mca][bank]") {
    Fixture f;
    NewError quiet = make(kUcna | 0x11);
    quiet.enable = 0;
    f.bank.log(quiet, kAll, SimTime{1});
    const LogResult r = f.bank.log(make(kUcna | 0x22, 0x2000), kAll, SimTime{2});
    CHECK(r.what == Logged::overwrote);
    CHECK(mcacod(f.bank.status()) == 0x22);
    CHECK((f.bank.status() & MCI_STATUS_OVER) != 0);
}

TEST_CASE("an enabled corrected error never overwrites a disabled uncorrected one", "[mca][bank]") {
    Fixture f;
    NewError quiet = make(kUcna | 0x11);
    quiet.enable = 0;
    f.bank.log(quiet, kAll, SimTime{1});
    CHECK(f.bank.log(make(kCe | 0x22), kAll, SimTime{2}).what == Logged::kept);
}

TEST_CASE("S and AR stay until software clears them", "[mca][bank]") {
    Fixture f;
    f.log(kSrar | 0x134);
    for (const std::uint64_t s : {kUcna, kSrao, kFatal, kCe}) {
        f.log(s);
        CHECK((f.bank.status() & (MCI_STATUS_S | MCI_STATUS_AR)) == (MCI_STATUS_S | MCI_STATUS_AR));
    }
    f.bank.clear_status();
    f.log(kUcna | 0x90);
    CHECK((f.bank.status() & (MCI_STATUS_S | MCI_STATUS_AR)) == 0);
}

TEST_CASE("without SER_P bits 56:55 are not merged", "[mca][bank]") {
    Fixture f;
    const Capabilities no_ser{false, true, true};
    f.log(kUcna | MCI_STATUS_S | 0x11, 0x1000, no_ser);
    f.log(kFatal | 0x22, 0x2000, no_ser);
    CHECK((f.bank.status() & MCI_STATUS_S) == 0);
}

TEST_CASE("errors of one instant stand as if the most severe had come first", "[mca][bank]") {
    Fixture f;
    f.bank.log(make(kUcna | 0x11, 0x1000), kAll, SimTime{5});
    f.bank.log(make(kSrar | 0x22, 0x2000), kAll, SimTime{5});
    CHECK(f.bank.addr() == 0x2000);
    CHECK(f.bank.status() == (kSrar | MCI_STATUS_OVER | 0x22));
}

TEST_CASE("OVER for corrected after corrected", "[mca][bank]") {
    Fixture f;
    SECTION("without CMCI_P nothing else tells that one was lost") {
        const Capabilities no_cmci{true, false, true};
        f.log(kCe | 0x11, 0x1000, no_cmci);
        f.log(kCe | 0x11, 0x1000, no_cmci);
        CHECK((f.bank.status() & MCI_STATUS_OVER) != 0);
        CHECK(count(f.bank) == 0);
    }
    SECTION("with CMCI_P only when the count overflows") {
        for (int i = 0; i < 0x3fff; ++i) f.log(kCe | 0x11);
        CHECK(count(f.bank) == 0x3fff);
        CHECK((f.bank.status() & MCI_STATUS_OVER) == 0);
        f.log(kCe | 0x11);
        CHECK(count(f.bank) == 0x4000);
        CHECK((f.bank.status() & MCI_STATUS_OVER) != 0);
        f.log(kCe | 0x11);
        CHECK(count(f.bank) == 0x4001);
    }
}

TEST_CASE("every corrected error is counted, also behind an uncorrected one", "[mca][bank]") {
    Fixture f;
    f.log(kCe | 0x11);
    f.log(kCe | 0x11);
    f.log(kUcna | 0x22);
    CHECK(count(f.bank) == 2);
    f.log(kCe | 0x11);
    CHECK(count(f.bank) == 3);
}

TEST_CASE("clearing STATUS restarts the count and keeps ADDR and MISC", "[mca][bank]") {
    Fixture f;
    f.log(kCe | 0x11, 0x7000);
    f.log(kCe | 0x11, 0x7000);
    f.bank.clear_status();
    CHECK(f.bank.status() == 0);
    CHECK(f.bank.addr() == 0x7000);
    CHECK(f.bank.misc() == 0x86);
    f.log(kCe | 0x11);
    CHECK(count(f.bank) == 1);
}

TEST_CASE("yellow replaces green and nothing brings green back", "[mca][bank]") {
    constexpr std::uint64_t green = 1ull << 53, yellow = 2ull << 53;
    Fixture f;
    SECTION("green, yellow") {
        f.log(kCe | green | 0x11);
        CHECK(f.log(kCe | yellow | 0x22).what == Logged::overwrote);
        CHECK((f.bank.status() & (3ull << 53)) == yellow);
        CHECK(mcacod(f.bank.status()) == 0x22);
    }
    SECTION("yellow, green") {
        f.log(kCe | yellow | 0x11);
        CHECK(f.log(kCe | green | 0x22).what == Logged::kept);
        CHECK((f.bank.status() & (3ull << 53)) == yellow);
    }
    SECTION("without TES_P the bits are only data") {
        const Capabilities no_tes{true, true, false};
        f.log(kCe | green | 0x11, 0x1000, no_tes);
        CHECK(f.log(kCe | yellow | 0x22, 0x1000, no_tes).what == Logged::kept);
    }
}

TEST_CASE("the filter bit hides later corrected errors of the same region", "[mca][bank]") {
    Fixture f;
    f.log(kCe | 0x1090, 0x5040);
    SECTION("same code, same page: hidden and not counted") {
        CHECK(f.log(kCe | 0x0090, 0x5080).what == Logged::filtered);
        CHECK(count(f.bank) == 1);
    }
    SECTION("another page: counted") {
        CHECK(f.log(kCe | 0x0090, 0x9080).what == Logged::kept);
        CHECK(count(f.bank) == 2);
    }
    SECTION("uncorrected: never hidden") {
        CHECK(f.log(kUcna | 0x0090, 0x5080).what == Logged::overwrote);
    }
}

TEST_CASE("CMCI fires when the count meets the threshold and not above", "[mca][bank][cmci]") {
    Fixture f;
    f.bank.set_ctl2(MCI_CTL2_CMCI_EN | 3, 0);
    CHECK(f.log(kCe | 0x11).cmci == CmciResult::below_threshold);
    CHECK(f.log(kCe | 0x11).cmci == CmciResult::below_threshold);
    CHECK(f.log(kCe | 0x11).cmci == CmciResult::fired);
    CHECK(f.log(kCe | 0x11).cmci == CmciResult::below_threshold);
    f.bank.clear_status();
    f.log(kCe | 0x11);
    f.log(kCe | 0x11);
    CHECK(f.log(kCe | 0x11).cmci == CmciResult::fired);
}

TEST_CASE("a threshold of 0 never matches", "[mca][bank][cmci]") {
    Fixture f;
    f.bank.set_ctl2(MCI_CTL2_CMCI_EN, 0);
    for (int i = 0; i < 5; ++i) CHECK(f.log(kCe | 0x11).cmci == CmciResult::below_threshold);
}

TEST_CASE("UCNA and quiet SRAO fire CMCI at once, whatever the threshold", "[mca][bank][cmci]") {
    Fixture f;
    f.bank.set_ctl2(MCI_CTL2_CMCI_EN | 100, 0);
    SECTION("UCNA") { CHECK(f.log(kUcna | 0x90).cmci == CmciResult::fired); }
    SECTION("SRAO with S = 0") { CHECK(f.log(kUcna | 0xc0).cmci == CmciResult::fired); }
    SECTION("SRAO with S = 1 uses #MC") {
        const LogResult r = f.log(kSrao | 0xc0);
        CHECK(r.cmci == CmciResult::none);
        CHECK(r.machine_check);
    }
}

TEST_CASE("without CMCI_EN or CMCI_P no CMCI fires", "[mca][bank][cmci]") {
    Fixture f;
    SECTION("CMCI_EN clear") {
        f.bank.set_ctl2(1, 0);
        CHECK(f.log(kUcna | 0x90).cmci == CmciResult::disabled);
    }
    SECTION("no CMCI_P") {
        f.bank.set_ctl2(MCI_CTL2_CMCI_EN | 1, 0);
        CHECK(f.log(kCe, 0, {true, false, true}).cmci == CmciResult::disabled);
    }
}

TEST_CASE("an injector's record stands as written", "[mca][bank]") {
    Fixture f;
    NewError e = make(0xcc0000c000010090, 0x2f4a5e1c40);
    e.verbatim = true;
    f.bank.set_ctl2(MCI_CTL2_CMCI_EN | 2, 0);
    const LogResult r = f.bank.log(e, kAll, SimTime{1});
    CHECK(f.bank.status() == 0xcc0000c000010090);
    CHECK(r.cmci == CmciResult::fired);  // its three errors pass the threshold of two
}

TEST_CASE("an injected corrected record without a count counts as one", "[mca][bank][cmci]") {
    Fixture f;
    NewError e = make(0x8c00000000000090);
    e.verbatim = true;
    f.bank.set_ctl2(MCI_CTL2_CMCI_EN | 1, 0);
    CHECK(f.bank.log(e, kAll, SimTime{1}).cmci == CmciResult::fired);
    CHECK(f.bank.status() == 0x8c00000000000090);
    CHECK(f.bank.log(e, kAll, SimTime{2}).cmci == CmciResult::below_threshold);
}

TEST_CASE("an injected record without VAL stands only in a free bank", "[mca][bank]") {
    Fixture f;
    NewError e = make(0x0c00004000010090, 0x2f4a5e1c40);
    e.verbatim = true;
    SECTION("free") {
        CHECK(f.bank.log(e, kAll, SimTime{1}).what == Logged::ignored);
        CHECK(f.bank.status() == 0x0c00004000010090);
        CHECK_FALSE(f.bank.valid());
    }
    SECTION("in use") {
        f.log(kUcna | 0x90);
        const std::uint64_t before = f.bank.status();
        f.bank.log(e, kAll, SimTime{9});
        CHECK(f.bank.status() == before);
    }
}

TEST_CASE("the bank remembers which event its data came from", "[mca][bank]") {
    Fixture f;
    NewError first = make(kUcna | 0x11), second = make(kUcna | 0x22), third = make(kFatal | 0x33);
    first.origin = 7;
    second.origin = 8;
    third.origin = 9;
    f.bank.log(first, kAll, SimTime{1});
    CHECK(f.bank.log(second, kAll, SimTime{2}).previous_origin == 7);
    CHECK(f.bank.origin() == 7);
    f.bank.log(third, kAll, SimTime{3});
    CHECK(f.bank.origin() == 9);
}

TEST_CASE("no sequence of errors leaves a bank in a state the table does not allow",
          "[mca][bank][property]") {
    std::mt19937_64 random(1);
    const std::uint64_t kinds[] = {kCe, kUcna, kSrao, kSrar, kFatal};
    for (int run = 0; run < 2000; ++run) {
        Fixture f;
        int errors = 0, corrected = 0, first_uc = -1, first_fatal = -1, first = -1;
        std::uint64_t seen = 0;
        for (int step = 0; step < 12; ++step) {
            if (random() % 10 == 0) {
                f.bank.clear_status();
                errors = corrected = 0;
                first_uc = first_fatal = first = -1;
                seen = 0;
                continue;
            }
            const std::uint64_t kind = kinds[random() % 5];
            f.log(kind | static_cast<unsigned>(step), 0x1000u * static_cast<unsigned>(step));
            ++errors;
            corrected += kind == kCe;
            seen |= kind;
            if (first < 0) first = step;
            if (kind != kCe && first_uc < 0) first_uc = step;
            if (kind == kFatal && first_fatal < 0) first_fatal = step;
            const int owner = first_fatal >= 0 ? first_fatal : first_uc >= 0 ? first_uc : first;
            const std::uint64_t s = f.bank.status();
            INFO("run " << run << " step " << step << " status " << std::hex << s);
            REQUIRE(mcacod(s) == owner);
            REQUIRE(f.bank.addr() == 0x1000u * static_cast<unsigned>(owner));
            REQUIRE((s & kClassBits) == (seen & kClassBits));
            REQUIRE(((s & MCI_STATUS_OVER) != 0) == (errors > 1 && errors != corrected));
            REQUIRE(count(f.bank) == static_cast<unsigned>(corrected));
        }
    }
}
