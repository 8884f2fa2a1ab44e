#include "core/kernel/ghes.hpp"

#include "mce_world.hpp"

using namespace mcemu;
using namespace mcemu::test;
using kernel::Line;

namespace {

CperEvent block(CperEvent::Severity severity, std::uint64_t address = 0x12345200) {
    CperEvent e;
    e.severity = severity;
    e.address = address;
    e.mask = 0xfffffffffffff000;
    e.error_type = 2;
    return e;
}

}  // namespace

TEST_CASE("A corrected block prints its eight lines and then events logged") {
    MceWorld w(ProfileId::v4_19);
    w.kernel->ghes(block(CperEvent::Severity::corrected));
    w.run();
    const std::uint64_t word = w.names.intern("corrected");
    CHECK(w.log() == std::vector<Printed>{
                         Printed(Line::ghes_source, {1, 0, kernel::kGhesCorrected}),
                         Printed(Line::ghes_corrected, {1}),
                         Printed(Line::ghes_severity, {1, word, kernel::kGhesCorrected}),
                         Printed(Line::ghes_error, {1, 0, word, kernel::kGhesCorrected}),
                         Printed(Line::ghes_section, {1, kernel::kGhesCorrected}),
                         Printed(Line::ghes_address, {1, 0x12345200, kernel::kGhesCorrected}),
                         Printed(Line::ghes_mask, {1, 0xfffffffffffff000, kernel::kGhesCorrected}),
                         Printed(Line::ghes_type, {1, 2, kernel::kGhesCorrected}),
                         Printed(Line::mce_events_logged)});
}

TEST_CASE("A fatal block prints its lines and panics") {
    MceWorld w(ProfileId::v4_18);
    w.kernel->ghes(block(CperEvent::Severity::fatal));
    w.run();
    REQUIRE(w.lines().size() == 8);
    CHECK(w.log().back() == Printed(Line::panic, "Fatal hardware error!"));
}

TEST_CASE("A recoverable block takes its page out of use") {
    MceWorld w(ProfileId::v4_19);
    w.kernel->ghes(block(CperEvent::Severity::recoverable));
    w.run();
    const auto lines = w.lines();
    CHECK(std::count(lines.begin(), lines.end(), Line::mf_action) == 1);
}

TEST_CASE("An address without memory is complained about") {
    MceWorld w(ProfileId::v4_19);
    w.kernel->ghes(block(CperEvent::Severity::recoverable, 0x7000000000));
    w.run();
    const auto lines = w.lines();
    CHECK(std::count(lines.begin(), lines.end(), Line::ghes_invalid_address) == 1);
}

TEST_CASE("No more than two blocks are printed in five seconds") {
    MceWorld w(ProfileId::v4_19);
    for (std::uint64_t i = 0; i < 3; ++i) {
        w.kernel->ghes(block(CperEvent::Severity::corrected, 0x20000000 + 0x1000 * i));
        w.run();
    }
    const auto lines = w.lines();
    CHECK(std::count(lines.begin(), lines.end(), Line::ghes_source) == 2);
}

TEST_CASE("A block that was printed a moment ago is not printed again") {
    MceWorld w(ProfileId::v4_19);
    for (int i = 0; i < 2; ++i) {
        w.kernel->ghes(block(CperEvent::Severity::corrected));
        w.run();
    }
    const auto lines = w.lines();
    CHECK(std::count(lines.begin(), lines.end(), Line::ghes_source) == 1);
}
