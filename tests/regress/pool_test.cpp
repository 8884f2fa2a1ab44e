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

/// All that came from each child, after its end.
std::map<std::uint64_t, Heard> all_of(Pool& pool) {
    std::map<std::uint64_t, Heard> out;
    while (pool.running() > 0)
        for (Heard& heard : pool.wait(1s)) {
            std::vector<std::string> answers = std::move(out[heard.ticket].answers);
            for (std::string& answer : heard.answers) answers.push_back(std::move(answer));
            heard.answers = std::move(answers);
            out[heard.ticket] = std::move(heard);
        }
    return out;
}

/// A body with one answer.
Pool::Body answer(std::function<std::string()> body) {
    return [body = std::move(body)](const Pool::Send& send) { send(body()); };
}

const std::vector<std::string> kNothing;

TEST_CASE("a child's answer comes back whole, however long", "[regress][pool]") {
    Pool pool(2, 0s);
    pool.start(7, answer([] { return std::string("seven"); }));
    pool.start(8, answer([] { return std::string(3'000'000, 'x') + std::string("\0\x02mcemu\x03\n", 9); }));
    CHECK(pool.full());
    const auto ended = all_of(pool);
    REQUIRE(ended.size() == 2);
    CHECK(ended.at(7).answers == std::vector<std::string>{"seven"});
    REQUIRE(ended.at(8).answers.size() == 1);
    CHECK(ended.at(8).answers[0].size() == 3'000'009);
}

TEST_CASE("an empty answer is an answer", "[regress][pool]") {
    Pool pool(1, 0s);
    pool.start(0, answer([] { return std::string(); }));
    CHECK(all_of(pool).at(0).answers == std::vector<std::string>{""});
}

TEST_CASE("a child that aborts is told with its signal and what it said", "[regress][pool]") {
    Pool pool(2, 0s);
    pool.start(1, answer([]() -> std::string {
        std::fputs("last words\n", stderr);
        std::signal(SIGABRT, SIG_DFL);
        std::abort();
    }));
    pool.start(2, answer([] { return std::string("unharmed"); }));
    const auto ended = all_of(pool);
    CHECK(ended.at(1).answers == kNothing);
    CHECK(ended.at(1).signal == SIGABRT);
    CHECK(ended.at(1).said == "last words\n");
    CHECK_FALSE(ended.at(1).timed_out);
    CHECK(ended.at(2).answers == std::vector<std::string>{"unharmed"});
}

TEST_CASE("a child that hangs is killed at the limit, the others are not", "[regress][pool]") {
    Pool pool(2, 1s);
    const auto begin = std::chrono::steady_clock::now();
    pool.start(1, answer([]() -> std::string {
        while (true) ::pause();
    }));
    pool.start(2, answer([] { return std::string("quick"); }));
    const auto ended = all_of(pool);
    CHECK(std::chrono::steady_clock::now() - begin >= 1s);
    CHECK(ended.at(1).timed_out);
    CHECK(ended.at(1).signal == SIGKILL);
    CHECK(ended.at(2).answers == std::vector<std::string>{"quick"});
    CHECK_FALSE(ended.at(2).timed_out);
}

TEST_CASE("answers come one by one, those before a death too", "[regress][pool]") {
    Pool pool(1, 0s);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pool.start(1, [&](const Pool::Send& send) {
        send("first");
        char go = 0;
        while (::read(ends[0], &go, 1) != 1) {
        }
        send("second");
        ::raise(SIGSEGV);
        send("never");
    });
    std::vector<Heard> heard;
    while (heard.empty()) heard = pool.wait(1s);
    CHECK(heard.at(0).answers == std::vector<std::string>{"first"});
    CHECK_FALSE(heard.at(0).ended);
    CHECK(::write(ends[1], "g", 1) == 1);
    const auto rest = all_of(pool);
    CHECK(rest.at(1).answers == std::vector<std::string>{"second"});
    CHECK(rest.at(1).signal == SIGSEGV);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("the limit is that of one answer, not of all", "[regress][pool]") {
    Pool pool(1, 1s);
    pool.start(1, [&](const Pool::Send& send) {
        for (int i = 0; i < 6; ++i) {
            ::usleep(200'000);
            send("tick");
        }
        while (true) ::pause();
    });
    const auto ended = all_of(pool);
    CHECK(ended.at(1).answers.size() == 6);
    CHECK(ended.at(1).timed_out);
}

TEST_CASE("a child that talks all the time is heard out, not stored", "[regress][pool]") {
    Pool pool(1, 0s);
    pool.start(1, answer([] {
        const std::string line(1000, 'w');
        for (int i = 0; i < 1000; ++i) std::fputs(line.c_str(), stderr);
        return std::string("done");
    }));
    const auto ended = all_of(pool);
    CHECK(ended.at(1).answers == std::vector<std::string>{"done"});
    CHECK(ended.at(1).said == std::string(16 * 1024, 'w'));
}

TEST_CASE("an exception that leaves a child is its exit status and text", "[regress][pool]") {
    Pool pool(1, 0s);
    pool.start(1, answer([]() -> std::string { throw std::runtime_error("no room"); }));
    const auto ended = all_of(pool);
    CHECK(ended.at(1).answers == kNothing);
    CHECK(ended.at(1).signal == 0);
    CHECK(ended.at(1).status == 70);
    CHECK(ended.at(1).said == "no room\n");
}

TEST_CASE("a child may have a child of its own", "[regress][pool]") {
    const Heard heard = run_in_child([](const Pool::Send& send) {
        send("outer and " + run_in_child([](const Pool::Send& up) { up("inner"); }).answers.at(0));
    });
    CHECK(heard.answers == std::vector<std::string>{"outer and inner"});
}

TEST_CASE("a pool that goes away takes its children along", "[regress][pool]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    {
        Pool pool(1, 0s);
        pool.start(1, answer([]() -> std::string {
            while (true) ::pause();
        }));
    }
    ::close(ends[1]);
    pollfd fd{ends[0], POLLIN, 0};
    CHECK(::poll(&fd, 1, 5000) == 1);  // nobody holds the other end any more
    CHECK((fd.revents & POLLHUP) != 0);
    ::close(ends[0]);
}

}  // namespace
}  // namespace mcemu::regress
