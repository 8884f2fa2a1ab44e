#include "core/fate.hpp"

#include <catch2/catch.hpp>

using mcemu::Fate;
using mcemu::FateReason;
using mcemu::Fates;

TEST_CASE("a later finding replaces a fate only when it is higher", "[core][fate]") {
    Fates fates;
    fates.resize(1);
    fates.mark(1, Fate::logged, FateReason::kernel_record, 7);
    fates.mark(1, Fate::latent, FateReason::nobody_looked, 8);
    CHECK(fates[0].fate == Fate::logged);

    fates.mark(1, Fate::consumed, FateReason::signalled, 9);
    CHECK(fates[0].fate == Fate::consumed);
    CHECK(fates[0].cause == 9);
}

TEST_CASE("the first of two equal fates names the cause", "[core][fate]") {
    Fates fates;
    fates.resize(1);
    fates.mark(1, Fate::overwritten, FateReason::by_newer_error, 5, 2);
    fates.mark(1, Fate::overwritten, FateReason::by_newer_error, 6, 3);
    CHECK(fates[0].cause == 5);
    CHECK(fates[0].other == 2);
}

TEST_CASE("a fate of no scenario event is ignored", "[core][fate]") {
    Fates fates;
    fates.resize(1);
    fates.mark(0, Fate::panic, FateReason::kernel_panic, 1);
    fates.mark(2, Fate::panic, FateReason::kernel_panic, 1);
    CHECK(fates[0].fate == Fate::none);
}
