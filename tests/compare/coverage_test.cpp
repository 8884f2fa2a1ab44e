#include "compare/coverage.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "compare/coverage_reasons.hpp"
#include "compare/coverage_words.hpp"
#include "compare/loaded.hpp"
#include "compare/profile_rules.hpp"
#include "compare/proposal_pool.hpp"
#include "compare/proposals.hpp"

using namespace mcemu;
using compare::cover;
using compare::coverage_universe;
using compare::CoverageKind;
using compare::Reached;

namespace {

const CoverageKind& kind(const std::string& name) {
    for (const CoverageKind& k : coverage_universe())
        if (k.name == name) return k;
    throw std::runtime_error("no kind " + name);
}
Reached covered(const std::string& text, bool rules) {
    Reached reached;
    compare::CoverOptions options;
    options.rules = rules;
    cover(*test::loaded(text), options, reached);
    return reached;
}

}  // namespace

TEST_CASE("everything that can be reached has a name of its own", "[compare][coverage]") {
    for (const CoverageKind& k : coverage_universe()) {
        CHECK(std::set<std::string>(k.things.begin(), k.things.end()).size() == k.things.size());
        CHECK_FALSE(k.things.empty());
    }
    CHECK(kind("severity rows v4.x").things.size() == mca::severity_table_v4().size());
    CHECK(kind("severity rows v6.1").things.size() == mca::severity_table_v6().size());
    CHECK(kind("log lines").things.size() == static_cast<std::size_t>(kernel::Line::count_));
}

TEST_CASE("what a run reaches is part of what can be reached", "[compare][coverage]") {
    const Reached reached = covered(test::racing("2ms"), false);
    for (const auto& [name, things] : reached) {
        const auto& all = kind(name).things;
        for (const auto& [thing, kernels] : things) {
            INFO(name << ": " << thing);
            CHECK(std::find(all.begin(), all.end(), thing) != all.end());
            CHECK(kernels == std::set<std::string>{"v4.19"});
        }
    }
    CHECK(reached.at("page types").contains("dirty LRU page"));
    CHECK(reached.at("results of memory_failure()").contains("Recovered"));
}

TEST_CASE("a rule is reached where the outcome hangs on it", "[compare][coverage]") {
    const Reached reached = covered(R"({"schema": "mcemu/scenario/1", "name": "slab",
        "kernel_pages": [{"at": "0x4000000", "size": "4KiB", "state": "slab"}],
        "events": [{"at": "1ms", "do": "hwpoison_pfn", "pfn": "0x4000"}]})", true);
    const auto& rules = reached.at("kernel differences");
    // v4.x counts the users that are left on every page. No copy from user space is made.
    CHECK(rules.at("reference_check_everywhere as in v4.18, v4.19") == std::set<std::string>{"v4.19"});
    CHECK(rules.at("copyin_recovers as in v4.18, v4.19").empty());
    // An empty scenario depends on nothing that a processor or a page does.
    const Reached idle = covered(R"({"schema": "mcemu/scenario/1", "name": "idle", "events": []})", true);
    CHECK(idle.at("kernel differences").at("reference_check_everywhere as in v4.18, v4.19").empty());
}

TEST_CASE("every rule of a kernel is listed, each under its own name", "[compare][coverage]") {
    // Copying all rules of one kernel makes the other: none is missing.
    for (const kernel::Profile& from : kernel::profiles()) {
        kernel::Profile made = kernel::profiles().front();
        std::set<std::string_view> names;
        for (const compare::ProfileRule& rule : compare::profile_rules()) {
            CHECK(names.insert(rule.name).second);
            rule.copy(made, from);
            CHECK(rule.same(made, from));
        }
        made.id = from.id, made.name = from.name, made.release = from.release, made.what = from.what;
        // Padding aside, member by member: whatever the list lacks still differs.
        CHECK(made.marking == from.marking);
        CHECK(made.record_pool_capacity == from.record_pool_capacity);
    }
    CHECK(compare::profile_rules().size() >= 50);
}

TEST_CASE("proposals have names of their own and reach what they say", "[compare][coverage]") {
    const auto pool = compare::proposal_pool();
    std::set<std::string> names;
    for (const auto& scenario : pool) CHECK(names.insert(scenario["name"].get<std::string>()).second);

    const auto proposals = compare::propose({}, false, [](std::size_t done, std::size_t) { return done < 20; });
    std::size_t found = 0;
    for (const compare::Proposal& p : proposals) {
        if (p.scenario.is_null()) continue;
        if (++found > 5) break;
        const Reached reached = covered(p.scenario.dump(), false);
        INFO(p.kind << ": " << p.thing);
        REQUIRE(reached.contains(p.kind));
        CHECK(reached.at(p.kind).contains(p.thing));
    }
    CHECK(found > 0);
}

TEST_CASE("every proposal passes the check, and reaches alone what it is proposed for", "[compare][coverage]") {
    std::map<std::string, std::pair<std::string, std::vector<compare::Proposal>>> by_name;
    // Every fourth candidate: some of each family and kernel, in a quarter of the time.
    compare::Proposer proposer({}, false);
    for (std::size_t i = 0; i < proposer.candidates(); i += 4) proposer.take(i, proposer.run(i));
    for (const compare::Proposal& p : proposer.proposals()) {
        if (p.scenario.is_null()) continue;
        auto& [text, all] = by_name[p.scenario["name"].get<std::string>()];
        text = p.scenario.dump();
        all.push_back(p);
    }
    CHECK(by_name.size() > 30);
    for (const auto& [name, entry] : by_name) {
        INFO(name);
        scenario::LoadOptions check;
        check.purpose = scenario::Purpose::check;
        check.second_opinion = false;  // a test holds the reader against the schema
        CHECK(scenario::load_text(name, entry.first, check).findings.empty());
        const Reached reached = covered(entry.first, false);
        for (const compare::Proposal& p : entry.second) {
            INFO(p.kind << ": " << p.thing);
            REQUIRE(reached.contains(p.kind));
            CHECK(reached.at(p.kind).contains(p.thing));
        }
    }
}

TEST_CASE("from nothing, everything that can be reached gets a proposal", "[compare][coverage]") {
    // Kernel differences aside: each needs fifty runs more.
    for (const compare::Proposal& p : compare::propose({}, false)) {
        INFO(p.kind << ": " << p.thing);
        CHECK(p.scenario.is_null() == !p.why_not.empty());
    }
}

TEST_CASE("what cannot be reached is some thing of the universe, and few", "[compare][coverage]") {
    std::size_t never = 0, all = 0;
    for (const CoverageKind& k : coverage_universe())
        for (const std::string& thing : k.things) ++all, never += compare::why_never(k.name, thing).empty() ? 0 : 1;
    CHECK(never == 22);
    CHECK(all > 300);
    CHECK(compare::why_never("NVDIMM operations", "ARS stopped by overflow").empty());
}

TEST_CASE("no family of proposals is refused as a whole", "[compare][coverage]") {
    // Some combinations are no machine's; a family of which none is one was written wrongly.
    std::map<std::string, int> good;
    for (const auto& scenario : compare::proposal_pool()) {
        const std::string name = scenario["name"].get<std::string>();
        scenario::LoadOptions check;
        check.purpose = scenario::Purpose::check;
        check.second_opinion = false;
        int& count = good[name.substr(0, name.find('-'))];
        if (scenario::load_text(name, scenario.dump(), check).loaded) ++count;
    }
    for (const auto& [family, count] : good) {
        INFO(family);
        CHECK(count > 0);
    }
}

TEST_CASE("a rule that a kernel shows decides something", "[compare][coverage]") {
    // What the kill line says, and what a storm's line begins with.
    const Reached killed = covered(test::racing("2ms"), true);
    CHECK(killed.at("kernel differences").at("kill_verb as in v4.18, v4.19") == std::set<std::string>{"v4.19"});
    const Reached panics = covered(R"({"schema": "mcemu/scenario/1", "name": "k", "kernel": {"profile": "v4.19"},
        "machine": {"mca": {"ser": false}},
        "events": [{"at": "1ms", "do": "mce", "cpu": 0, "bank": 1, "status": "0xbd80000000000134",
                    "mcgstatus": "0x7", "addr": "0x5000000", "misc": "0x86", "cs": "0x10"}]})", true);
    CHECK(panics.at("kernel differences").at("grades_kernel_uc_as_panic as in v4.18, v4.19") ==
          std::set<std::string>{"v4.19"});
}
