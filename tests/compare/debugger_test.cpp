#include "compare/debugger.hpp"

#include <catch2/catch.hpp>

#include "compare/loaded.hpp"

using namespace mcemu;
using compare::Debugger;

namespace {
bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("a run is walked entry by entry to its end", "[compare][debug]") {
    const auto scenario = test::loaded(test::racing("2ms"));
    Debugger debugger(*scenario);
    CHECK(debugger.start().position == 0);
    std::uint64_t position = 0;
    Debugger::Reply reply;
    do {
        reply = debugger.ask("step");
        CHECK(reply.understood);
        CHECK(reply.position == position + 1);
        position = reply.position;
        REQUIRE(position < 1000);
    } while (!reply.ended);
    CHECK(holds(debugger.ask("step").text, "the run has ended"));
}

TEST_CASE("going back returns to the same state", "[compare][debug]") {
    const auto scenario = test::loaded(test::racing("2ms"));
    Debugger debugger(*scenario);
    debugger.ask("step 2");
    const std::string trace = debugger.ask("trace 1000").text, pages = debugger.ask("print pages").text;
    debugger.ask("continue");
    CHECK(debugger.ask("trace 1000").text != trace);
    const std::uint64_t end = debugger.ask("where").position;
    const Debugger::Reply back = debugger.ask("back " + std::to_string(end - 2));
    CHECK(back.position == 2);
    CHECK_FALSE(back.ended);
    CHECK(debugger.ask("trace 1000").text == trace);
    CHECK(debugger.ask("print pages").text == pages);
    CHECK(debugger.ask("back 1000").position == 0);
    CHECK(debugger.ask("restart").position == 0);
}

TEST_CASE("a run stops at breaks on time, kind, event, address and state", "[compare][debug]") {
    const auto scenario = test::loaded(test::racing("2ms"));
    struct Case {
        const char *command, *words;
    };
    for (const Case& c : {Case{"break time 1.5ms", "time 1.5ms"}, Case{"break kind memory_failure", "kind memory_failure"},
                          Case{"break event gone", "event gone"}, Case{"break address 0x5000", "address 0x5000"},
                          Case{"break page 0x5000 hwpoison", "page 0x5000 hwpoison"},
                          Case{"break process p killed", "process p killed"}}) {
        Debugger debugger(*scenario);
        CHECK(debugger.ask(c.command).understood);
        const Debugger::Reply reply = debugger.ask("continue");
        INFO(reply.text);
        CHECK(holds(reply.text, std::string("break 1: ") + c.words));
    }
}

TEST_CASE("breaks survive going back, until they are forgotten", "[compare][debug]") {
    const auto scenario = test::loaded(test::racing("2ms"));
    Debugger debugger(*scenario);
    debugger.ask("break event gone");
    debugger.ask("restart");
    CHECK(holds(debugger.ask("continue").text, "break 1: event gone"));
    debugger.ask("delete 1");
    debugger.ask("restart");
    CHECK(debugger.ask("continue").ended);
}

TEST_CASE("the state of the machine is printed", "[compare][debug]") {
    const auto scenario = test::loaded(test::racing("2ms"));
    Debugger debugger(*scenario);
    debugger.ask("until 1.5ms");
    CHECK(holds(debugger.ask("print pages").text, "pfn 0x5000"));
    CHECK(holds(debugger.ask("print processes").text, "id p"));
    CHECK(holds(debugger.ask("print log").text, "Memory failure"));
    CHECK(holds(debugger.ask("print counters").text, "memory_failures: 1"));
    CHECK(holds(debugger.ask("causes").text, "bad (hwpoison_pfn)"));
    for (const char* what : {"banks", "memtypes", "direct-map", "poison", "badblocks", "signals", "fates",
                             "records", "pages 0x5000"})
        CHECK(debugger.ask(std::string("print ") + what).understood);
}

TEST_CASE("what is no command is told, and changes nothing", "[compare][debug]") {
    const auto scenario = test::loaded(test::racing("2ms"));
    Debugger debugger(*scenario);
    for (const char* bad : {"stpe", "step x", "step 0", "until", "until soon", "break", "break kind none",
                            "break event none", "break page 0x5000 none", "break process q killed",
                            "break process p dead", "break page 0x5000", "delete 7", "print", "print all",
                            "back x", "causes 99999"}) {
        const Debugger::Reply reply = debugger.ask(bad);
        INFO(bad);
        CHECK_FALSE(reply.understood);
        CHECK_FALSE(reply.text.empty());
        CHECK(reply.position == 0);
    }
    CHECK(debugger.ask("breaks").text == "no breaks\n");
}
