#include "core/mca/severity.hpp"

#include <catch2/catch.hpp>

using namespace mcemu::mca;
using enum Severity;

namespace {

// The conformance vectors of kernel.md 1.12: what both tables make of one record.
struct Vector {
    int number;
    std::uint64_t status, mcg;
    ErrorContext context;
    bool ser, exception;
    unsigned row_v4;
    Severity v4;
    unsigned row_v6;
    Severity v6;
    int bank = 1;
};
constexpr auto U = ErrorContext::user;
constexpr auto K = ErrorContext::kernel;
constexpr auto R = ErrorContext::kernel_recov;
constexpr auto NO = MCE_NO_SEVERITY, UCNA = MCE_UCNA_SEVERITY, KEEP = MCE_KEEP_SEVERITY,
               SOME = MCE_SOME_SEVERITY, AO = MCE_AO_SEVERITY, UC = MCE_UC_SEVERITY,
               AR = MCE_AR_SEVERITY, PANIC = MCE_PANIC_SEVERITY;

constexpr Vector kVectors[] = {
    {1, 0xbd80000000000134, 7, U, true, true, 18, AR, 18, AR},
    {2, 0xbd80000000000134, 6, U, true, true, 18, AR, 18, AR},
    {3, 0xbd80000000000134, 5, U, true, true, 16, KEEP, 16, KEEP},
    {4, 0xbd80000000000134, 4, U, true, true, 5, PANIC, 5, PANIC},
    {5, 0xbd80000000000134, 7, K, true, true, 20, PANIC, 20, PANIC},
    {6, 0xbd80000000000134, 5, K, true, true, 16, KEEP, 16, KEEP},
    {7, 0xbd80000000000134, 6, K, true, true, 6, PANIC, 6, PANIC},
    {8, 0xbd80000000000134, 7, R, true, true, 17, AR, 17, AR},
    {9, 0xbd80000000000150, 7, U, true, true, 19, AR, 19, AR},
    {10, 0xbd80000000000150, 6, U, true, true, 19, AR, 19, AR},
    {11, 0xbd80000000000150, 5, U, true, true, 16, KEEP, 16, KEEP},
    {12, 0xbd80000000000150, 4, U, true, true, 5, PANIC, 5, PANIC},
    {13, 0xbd80000000000150, 7, K, true, true, 21, PANIC, 21, PANIC},
    {14, 0xbd80000000000150, 5, K, true, true, 16, KEEP, 16, KEEP},
    {15, 0xbd80000000000150, 6, K, true, true, 6, PANIC, 6, PANIC},
    {16, 0xbd80000000000150, 7, R, true, true, 21, PANIC, 22, PANIC},
    {17, 0xfd80000000000134, 7, U, true, true, 15, PANIC, 15, PANIC},
    {18, 0xbd80000000000001, 7, U, true, true, 21, PANIC, 22, PANIC},
    {19, 0xb980000000000134, 7, U, true, true, 21, PANIC, 22, PANIC},
    {20, 0xad80000000000134, 7, U, true, true, 2, NO, 2, NO},
    {21, 0xbe00000000000090, 7, U, true, true, 3, PANIC, 3, PANIC},
    {22, 0xbc8000000000009f, 7, U, true, true, 13, PANIC, 13, PANIC},
    {23, 0xfd00000000000001, 7, U, true, true, 23, SOME, 24, SOME},
    {24, 0xbd00000000000001, 7, U, true, true, 22, SOME, 23, SOME},
    {25, 0xbd000000000000c0, 5, U, true, true, 10, AO, 9, AO},
    {26, 0xbd000000000000c0, 5, K, true, true, 10, AO, 9, AO},
    {27, 0xbc000000000000c0, 0, K, true, false, 10, AO, 9, AO},
    {28, 0xfc000000000000c0, 0, K, true, false, 12, UCNA, 9, AO},
    {29, 0xbc0000000000017a, 0, K, true, false, 11, AO, 10, AO},
    {30, 0xbc0000000000009f, 0, K, true, false, 12, UCNA, 12, UCNA},
    {31, 0x9c0000000000009f, 0, K, true, false, 14, KEEP, 14, KEEP},
    {32, 0xbe00000000000090, 0, K, true, false, 3, PANIC, 3, PANIC},
    {33, 0xbd000000000000c0, 0, K, true, false, 10, AO, 9, AO},
    {34, 0xbc8000000000009f, 0, K, true, false, 13, PANIC, 13, PANIC},
    {35, 0x0, 0, K, true, false, 1, NO, 1, NO},
    {36, 0x9c000000001000c0, 0, K, true, false, 14, KEEP, 11, AO, 13},
    {37, 0x9c000000001000c0, 0, K, true, false, 14, KEEP, 14, KEEP, 7},
    {38, 0x9c0000000000009f, 7, U, false, true, 9, KEEP, 8, KEEP},
    {39, 0xbc0000000000009f, 7, U, false, true, 25, UC, 26, UC},
    {40, 0xbd80000000000134, 7, U, false, true, 25, UC, 26, UC},
    {41, 0xfd80000000000134, 7, U, false, true, 24, PANIC, 25, PANIC},
    {42, 0xbd80000000000134, 7, K, false, true, 25, UC, 26, PANIC},
    {43, 0xbd80000000000134, 3, U, true, true, 4, PANIC, 4, PANIC},
    {44, 0x9c0000000000009f, 7, U, true, true, 14, KEEP, 14, KEEP},
};

MceRecord record(const Vector& v) {
    MceRecord m;
    m.status = v.status;
    m.mcgstatus = v.mcg;
    m.bank = v.bank;
    m.cpuid = 0x50654;
    return m;
}
GradingInput input(const Vector& v) {
    return {.ser = v.ser, .from_exception = v.exception, .context = v.context, .tolerant = 1};
}

}  // namespace

TEST_CASE("v4.x grades every conformance vector as table S4 says") {
    SeverityGrader grader(SeverityGrader::Rules::v4);
    for (const Vector& v : kVectors) {
        CAPTURE(v.number);
        const Grade g = grader.grade(record(v), input(v));
        CHECK(g.row == v.row_v4);
        CHECK(g.severity == v.v4);
    }
}

TEST_CASE("v6.1 grades every conformance vector as table S6 says") {
    SeverityGrader grader(SeverityGrader::Rules::v6);
    for (const Vector& v : kVectors) {
        CAPTURE(v.number);
        const Grade g = grader.grade(record(v), input(v));
        CHECK(g.row == v.row_v6);
        CHECK(g.severity == v.v6);
    }
}

TEST_CASE("tolerant 0 turns an uncorrected error in the kernel into a panic") {
    SeverityGrader grader(SeverityGrader::Rules::v4);
    const Vector& uncorrected = kVectors[41];
    GradingInput in = input(uncorrected);
    in.tolerant = 0;
    CHECK(grader.grade(record(uncorrected), in).severity == MCE_PANIC_SEVERITY);
}

TEST_CASE("what is uncorrected in the kernel is a panic by the kernel's own rule, not by its table") {
    const Vector& uncorrected = kVectors[41];
    const GradingInput in = input(uncorrected);
    REQUIRE(in.tolerant == 1);
    const auto severity = [&](SeverityGrader grader) {
        return grader.grade(record(uncorrected), in).severity;
    };
    CHECK(severity(SeverityGrader(SeverityGrader::Rules::v4)) < MCE_PANIC_SEVERITY);
    CHECK(severity(SeverityGrader(SeverityGrader::Rules::v4, true)) == MCE_PANIC_SEVERITY);
    CHECK(severity(SeverityGrader(SeverityGrader::Rules::v6, false)) < MCE_PANIC_SEVERITY);
}

TEST_CASE("The non-signalled row is spelled as its kernel spells it") {
    const Vector& corrected = kVectors[30];
    SeverityGrader v4(SeverityGrader::Rules::v4), v6(SeverityGrader::Rules::v6);
    CHECK(v4.grade(record(corrected), input(corrected)).message == "Non signalled machine check");
    CHECK(v6.grade(record(corrected), input(corrected)).message == "Non signaled machine check");
}

TEST_CASE("Severity coverage names the rows that matched, until it is reset") {
    SeverityGrader grader(SeverityGrader::Rules::v4);
    grader.grade(record(kVectors[0]), input(kVectors[0]));
    CHECK(grader.covered(18));
    CHECK_FALSE(grader.covered(17));
    grader.reset_coverage();
    CHECK_FALSE(grader.covered(18));
}

TEST_CASE("An address is usable only in physical mode and up to page granularity") {
    MceRecord m;
    m.status = MCI_STATUS_ADDRV | MCI_STATUS_MISCV;
    m.misc = kMiscPage;
    CHECK(usable_address(m));
    m.misc = make_misc(13);
    CHECK_FALSE(usable_address(m));
    m.misc = make_misc(6, 1);
    CHECK_FALSE(usable_address(m));
    m.misc = kMiscLine;
    m.status = MCI_STATUS_ADDRV;
    CHECK_FALSE(usable_address(m));
}

TEST_CASE("Memory errors are those of controllers, caches and the generic hierarchy") {
    const auto is = [](std::uint64_t code) {
        MceRecord m;
        m.status = code;
        return is_memory_error(m);
    };
    CHECK(is(0x9f));
    CHECK(is(0x0134));
    CHECK(is(0x000e));
    CHECK_FALSE(is(0x0400));
    CHECK_FALSE(is(0x0e0b));
}
