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

TEST_CASE("how things stand for now gives way to what comes of them", "[core]") {
    Fates fates;
    fates.resize(1);
    fates.mark_for_now(1, Fate::latent, FateReason::left_in_bank, 3);
    fates.mark_for_now(1, Fate::filtered, FateReason::cmci_disabled, 4);
    CHECK(fates[0].reason == FateReason::cmci_disabled);
    fates.mark_for_now(1, Fate::filtered, FateReason::threshold_not_reached, 5);
    CHECK(fates[0].reason == FateReason::threshold_not_reached);
    fates.mark(1, Fate::latent, FateReason::left_in_bank, 6);  // less than is known
    CHECK(fates[0].reason == FateReason::threshold_not_reached);
    fates.mark(1, Fate::filtered, FateReason::bank_cleared, 7);
    CHECK(fates[0].reason == FateReason::bank_cleared);
    fates.mark(1, Fate::filtered, FateReason::pool_full, 8);
    CHECK(fates[0].reason == FateReason::bank_cleared);
    CHECK(fates.so_far(1) == Fate::filtered);
    CHECK(fates.so_far(2) == Fate::none);
}

TEST_CASE("records that found the pool full are counted, whatever became of the others", "[core][fate]") {
    Fates fates;
    fates.resize(1);
    fates.mark(1, Fate::consumed, FateReason::signalled, 3);
    for (std::uint32_t id = 4; id < 7; ++id)
        fates.mark(1, Fate::filtered, FateReason::pool_full, id);
    CHECK(fates[0].fate == Fate::consumed);
    CHECK(fates[0].lost == 3);
}
