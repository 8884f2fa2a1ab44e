// Forked children: one that dies, hangs or talks is one that ended, and nothing else.
#include "regress/pool.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>

namespace mcemu::regress {
namespace {

using namespace std::chrono_literals;

std::map<std::uint64_t, Ended> all_of(Pool& pool) {
    std::map<std::uint64_t, Ended> out;
    while (pool.running() > 0)
        for (Ended& ended : pool.wait(1s)) {
            const std::uint64_t ticket = ended.ticket;
            out[ticket] = std::move(ended);
        }
    return out;
}

TEST_CASE("a child's answer comes back whole, however long", "[regress][pool]") {
    Pool pool(2, 0s);
    pool.start(7, [] { return std::string("seven"); });
    pool.start(8, [] { return std::string(3'000'000, 'x') + std::string("\0\x02mcemu\x03\n", 9); });
    CHECK(pool.full());
    const auto ended = all_of(pool);
    REQUIRE(ended.size() == 2);
    CHECK(ended.at(7).answered);
    CHECK(ended.at(7).answer == "seven");
    CHECK(ended.at(8).answer.size() == 3'000'009);
}

TEST_CASE("an empty answer is an answer", "[regress][pool]") {
    Pool pool(1, 0s);
    pool.start(0, [] { return std::string(); });
    CHECK(all_of(pool).at(0).answered);
}

TEST_CASE("a child that aborts is told with its signal and what it said", "[regress][pool]") {
    Pool pool(2, 0s);
    pool.start(1, []() -> std::string {
        std::fputs("last words\n", stderr);
        std::signal(SIGABRT, SIG_DFL);
        std::abort();
    });
    pool.start(2, [] { return std::string("unharmed"); });
    const auto ended = all_of(pool);
    CHECK_FALSE(ended.at(1).answered);
    CHECK(ended.at(1).signal == SIGABRT);
    CHECK(ended.at(1).said == "last words\n");
    CHECK_FALSE(ended.at(1).timed_out);
    CHECK(ended.at(2).answer == "unharmed");
}

TEST_CASE("a child that hangs is killed at the limit, the others are not", "[regress][pool]") {
    Pool pool(2, 200ms);
    pool.start(1, []() -> std::string {
        while (true) ::pause();
    });
    pool.start(2, [] { return std::string("quick"); });
    const auto begin = std::chrono::steady_clock::now();
    const auto ended = all_of(pool);
    CHECK(std::chrono::steady_clock::now() - begin >= 200ms);
    CHECK(ended.at(1).timed_out);
    CHECK(ended.at(1).signal == SIGKILL);
    CHECK(ended.at(2).answer == "quick");
    CHECK_FALSE(ended.at(2).timed_out);
}

TEST_CASE("an exception that leaves a child is its exit status and text", "[regress][pool]") {
    Pool pool(1, 0s);
    pool.start(1, []() -> std::string { throw std::runtime_error("no room"); });
    const auto ended = all_of(pool);
    CHECK_FALSE(ended.at(1).answered);
    CHECK(ended.at(1).signal == 0);
    CHECK(ended.at(1).status == 70);
    CHECK(ended.at(1).said == "no room\n");
}

TEST_CASE("a child may have a child of its own", "[regress][pool]") {
    const Ended ended = run_in_child([] {
        const Ended inner = run_in_child([] { return std::string("inner"); });
        return "outer and " + inner.answer;
    });
    CHECK(ended.answer == "outer and inner");
}

TEST_CASE("a pool that goes away takes its children along", "[regress][pool]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    {
        Pool pool(1, 0s);
        pool.start(1, []() -> std::string {
            while (true) ::pause();
        });
    }
    ::close(ends[1]);
    pollfd fd{ends[0], POLLIN, 0};
    CHECK(::poll(&fd, 1, 5000) == 1);  // nobody holds the other end any more
    CHECK((fd.revents & POLLHUP) != 0);
    ::close(ends[0]);
}

}  // namespace
}  // namespace mcemu::regress
