#include "compare/child.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <stdexcept>

using mcemu::compare::answer_of;
using mcemu::compare::ChildEnd;
using mcemu::compare::ChildError;
using mcemu::compare::in_child;
using How = mcemu::compare::ChildEnd::How;

TEST_CASE("what the work of a child returns arrives whole", "[compare]") {
    const std::string long_text(300'000, 'x');  // more than a pipe holds
    const ChildEnd end = in_child([&] { return long_text; }, 10);
    CHECK(end.how == How::answered);
    CHECK(end.text == long_text);
    CHECK(in_child([] { return std::string(); }, 10).how == How::answered);
}

TEST_CASE("a child that throws, dies or hangs is told apart", "[compare]") {
    const ChildEnd threw = in_child([]() -> std::string { throw std::runtime_error("so"); }, 10);
    CHECK(threw.how == How::threw);
    CHECK(threw.text == "so");
    const ChildEnd died = in_child([]() -> std::string { ::raise(SIGKILL); return {}; }, 10);
    CHECK(died.how == How::died);
    CHECK(died.text == "it died of signal 9");
    const ChildEnd slow = in_child([]() -> std::string { for (;;) ::pause(); }, 1);
    CHECK(slow.how == How::time_limit);
    CHECK_THROWS_AS(answer_of(slow), ChildError);
}
