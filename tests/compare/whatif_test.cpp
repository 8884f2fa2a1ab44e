#include "compare/whatif.hpp"

#include <catch2/catch.hpp>

#include "compare/loaded.hpp"
#include "compare/report.hpp"

using namespace std::chrono_literals;
using namespace mcemu;
using compare::what_if;
using compare::WhatIf;

namespace {

const std::string kText = test::racing("2ms");

WhatIf ask(SimTime at, const std::vector<std::string>& sets, const std::string& text = kText) {
    scenario::LoadOptions options;
    options.overrides.set = sets;
    return what_if("test.json", *test::loaded(text), *test::loaded(text, options), at, sets);
}
/// The finding, which is the only one.
std::string refusal(SimTime at, const std::vector<std::string>& sets) {
    const WhatIf w = ask(at, sets);
    REQUIRE(w.findings.size() == 1);
    return scenario::to_text(w.findings[0]);
}
bool differs(const WhatIf& w) {
    REQUIRE(w.findings.empty());
    return compare::compare(w.as_it_was, w.changed).differs(true);
}

}  // namespace

TEST_CASE("a latency that changes in the middle counts from then on", "[compare][whatif]") {
    // memory_failure() runs at 1 ms, before and after the change.
    CHECK(differs(ask(999us, {R"(/machine/latency/kernel.mf_kill="99us")"})));
    CHECK_FALSE(differs(ask(1500us, {R"(/machine/latency/kernel.mf_kill="99us")"})));
}

TEST_CASE("a system control that changes in the middle counts from then on", "[compare][whatif]") {
    const std::vector<std::string> off{"/kernel/sysctl/memory_failure_recovery=0"};
    const WhatIf early = ask(999us, off);
    CHECK(early.as_it_was.result["outcome"] == "running");
    CHECK(early.changed.result["outcome"] == "panic");
    CHECK_FALSE(differs(ask(1500us, off)));
}

TEST_CASE("an event that is still to come can change", "[compare][whatif]") {
    const WhatIf w = ask(1500us, {R"(/events/1/at="3ms")"});
    CHECK(w.as_it_was.result["events"][1]["t_ns"] == 2'000'000);
    CHECK(w.changed.result["events"][1]["t_ns"] == 3'000'000);
}

TEST_CASE("an event can be added", "[compare][whatif]") {
    const WhatIf w = ask(1500us, {R"(/events/-={"id": "more", "at": "4ms", "do": "hwpoison_pfn", "pfn": "0x6000"})"});
    REQUIRE(w.findings.empty());
    CHECK(w.changed.result["events"][2]["t_ns"] == 4'000'000);
    CHECK(w.as_it_was.result["events"].size() == 2);
}

TEST_CASE("an event that began, or would have begun, cannot change", "[compare][whatif]") {
    CHECK(refusal(1500us, {R"(/events/0/pfn="0x6000")", R"(/events/0/at="5ms")"}) ==
          "--set 1: /events/0: event bad began at 1ms, before --at 1.5ms: change an event that "
          "begins later, or an earlier --at");
    CHECK(refusal(1500us, {R"(/events/1/at="1.2ms")"}) ==
          "--set 1: /events/1/at: event gone would be at 1.2ms, before --at 1.5ms: a time from "
          "--at on");
}

TEST_CASE("poison can appear in the middle", "[compare][whatif]") {
    const WhatIf w = ask(1500us, {R"(/machine={"memory": [{"id": "dram0", "base": "0x0", "size": "2GiB"}]})"});
    CHECK_FALSE(w.findings.empty());  // the machine itself does not change
    CHECK(compare::can_change("/machine/memory/0/poison/0/spa"));
    CHECK(compare::can_change("/machine/nvdimms/11/poison"));
    CHECK_FALSE(compare::can_change("/machine/nvdimms/11/poisoned"));
    CHECK_FALSE(compare::can_change("/machine/nvdimms/0/size"));
}

TEST_CASE("what is fixed at boot is refused", "[compare][whatif]") {
    CHECK(refusal(1ms, {"/kernel/profile=v6.1"}).starts_with(
        "--set 1: /kernel/profile: this cannot change while the machine runs: "));
    for (const char* pointer : {"/seed", "/kernel/boot/nopat", "/machine/mca/banks", "/processes/0/pid",
                                "/kernel/boot", "/kernel/decoders/edac"})
        CHECK_FALSE(compare::can_change(pointer));
    for (const char* pointer : {"/kernel/knobs/decoy", "/kernel/decoy", "/events/3/va", "/events/-"})
        CHECK(compare::can_change(pointer));
}

TEST_CASE("without a change that matters the worlds are the same", "[compare][whatif]") {
    CHECK_FALSE(differs(ask(10ms, {R"(/machine/latency/kernel.mf_kill="99us")"})));
}
