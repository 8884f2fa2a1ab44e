#include "output/words.hpp"

#include <catch2/catch.hpp>

#include "core/meanings.hpp"

namespace mcemu::output {

TEST_CASE("signals and their codes have the names of the C library", "[output][words]") {
    CHECK(signal_name(7) == "SIGBUS");
    CHECK(signal_name(9) == "SIGKILL");
    CHECK(signal_name(64) == "64");
    CHECK(signal_code_name(7, 4) == "BUS_MCEERR_AR");
    CHECK(signal_code_name(7, 5) == "BUS_MCEERR_AO");
    CHECK(signal_code_name(7, 2) == "BUS_ADRERR");
    CHECK(signal_code_name(7, 0x80) == "SI_KERNEL");
    CHECK(signal_code_name(9, 0) == "SI_USER");
}

TEST_CASE("an errno is found by number and by name with or without its sign", "[output][words]") {
    CHECK(errno_name(16) == "EBUSY");
    CHECK(errno_name(133) == "EHWPOISON");
    CHECK(errno_name(0).empty());
    CHECK(errno_number("EBUSY") == 16);
    CHECK(errno_number("-EIO") == 5);
    CHECK(errno_number("EWHATEVER") == 0);
}

TEST_CASE("page flags come in the order of their bits", "[output][words]") {
    const std::uint32_t flags = kernel::bit(kernel::PG_hwpoison) | kernel::bit(kernel::PG_reserved);
    CHECK(page_flag_names(flags) == std::vector<std::string_view>{"reserved", "hwpoison"});
    CHECK(page_flag_names(0).empty());
}

TEST_CASE("a time for people has three decimals of its unit", "[output][words]") {
    CHECK(human_time(from_ns(1'000'000)) == "1.000 ms");
    CHECK(human_time(from_ns(30'834)) == "30.834 us");
    CHECK(human_time(from_ns(999)) == "999.000 ns");
    CHECK(human_time(SimTime{1'500}) == "1.500 ns");
    CHECK(human_time(SimTime::zero()) == "0.000 ns");
    CHECK(human_time(from_ns(2'000'000'000)) == "2.000 s");
}

TEST_CASE("an action has the word of the scenario", "[output][words]") {
    CHECK(word(Action{MceEvent{}}) == "mce");
    CHECK(word(Action{MadviseEvent{}}) == "madvise");
    CHECK(word(Action{AccessEvent{AccessKind::store_full_line, 0, 0, 64}}) == "store");
    CHECK(word(Action{PoisonEvent{.heal = true}}) == "unpoison_media");
    CHECK(word(Action{FileIoEvent{.write = true}}) == "write_file");
    CHECK(word(Action{CpuHotplugEvent{0, true}}) == "cpu_online");
    CHECK(word(Action{CallEvent{}}) == "call");
}

TEST_CASE("every fate and every reason to drop a record has its word", "[output][words]") {
    REQUIRE(kFateMeanings.size() == static_cast<std::size_t>(Fate::panic) + 1);
    for (std::size_t i = 0; i < kFateMeanings.size(); ++i) {
        CHECK(kFateMeanings[i].word == word(static_cast<Fate>(i)));
        CHECK_FALSE(kFateMeanings[i].meaning.empty());
    }
    for (const Meaning& m : kClassMeanings) CHECK_FALSE(m.meaning.empty());
    CHECK(meaning_of(kClassMeanings, "masked") == "what was injected was healed before anybody met it");
    CHECK(meaning_of(kClassMeanings, "mask").empty());
    CHECK(word(DropReason::left_in_bank) == "left_in_bank");
    CHECK(word(DropReason::pool_full) == "pool_full");
}

}  // namespace mcemu::output
