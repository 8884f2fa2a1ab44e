#include "compare/coverage.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "compare/child.hpp"
#include "compare/coverage_words.hpp"
#include "compare/explore.hpp"
#include "compare/profile_rules.hpp"
#include "core/kernel/profile_variant.hpp"
#include "core/mca/severity.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"
#include "sim/run.hpp"

namespace mcemu::compare {
namespace {

using Json = nlohmann::ordered_json;
using kernel::Profile;

std::vector<std::string> severity_rows(std::span<const mca::SeverityRow> table) {
    std::vector<std::string> out;
    for (unsigned n = 1; n <= table.size(); ++n) out.push_back(row_words(n, table[n - 1]));
    return out;
}

/// "copyin_recovers as in v4.18, v4.19": one side of a rule.
std::vector<std::string> sides_of(const ProfileRule& rule) {
    std::vector<std::string> out;
    std::vector<const Profile*> seen;
    for (const Profile& p : kernel::profiles()) {
        if (std::any_of(seen.begin(), seen.end(), [&](const Profile* q) { return rule.same(p, *q); }))
            continue;
        seen.push_back(&p);
        out.push_back(side_words(rule, p));
    }
    if (out.size() < 2) out.clear();  // the kernels agree
    return out;
}

sim::RunOptions run_options(const scenario::LoadedScenario& loaded, const CoverOptions& options) {
    sim::RunOptions run;
    run.log_matcher = output::make_log_matcher;
    run.start_from = loaded.boots_on.empty() ? nullptr : options.start_from;
    return run;
}

/// In a child: the outcome, and what was reached.
std::string observed(const scenario::LoadedScenario& loaded, const CoverOptions& options,
                     const Profile* variant) {
    if (variant) kernel::use_variant(variant);
    sim::Simulation simulation(loaded.scenario, run_options(loaded, options));
    simulation.run();
    const RunView view = simulation.view();
    Json result = output::make_result(view, loaded.expect);
    output::finish_result(view, loaded.expect, result);
    Json things = Json::array();
    reached_in(view, [&](const std::string& kind, const std::string& thing) {
        things.push_back({kind, thing});
    });
    const Json answer = {{"outcome", outcome_of(std::move(result))}, {"things", std::move(things)}};
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Another kernel's value of that rule, when there is one.
std::optional<Profile> variant_of(const Profile& own, const ProfileRule& rule) {
    for (const Profile& other : kernel::profiles()) {
        if (rule.same(own, other)) continue;
        Profile variant = own;
        rule.copy(variant, other);
        return variant;
    }
    return std::nullopt;
}

void cover_rules(const scenario::LoadedScenario& loaded, const CoverOptions& options,
                 const Json& own_answer, Reached& into) {
    const Profile& own = kernel::profile(loaded.scenario.kernel.profile);
    for (const ProfileRule& rule : profile_rules()) {
        const std::optional<Profile> variant = variant_of(own, rule);
        if (!variant) continue;
        std::set<std::string>& kernels = into[std::string(kRuleKind)][side_words(rule, own)];
        if (kernels.contains(std::string(own.name))) continue;
        const ChildEnd end =
            in_child([&] { return observed(loaded, options, &*variant); }, options.limit_s);
        // What was reached counts as well: one flush of all TLBs or of a page, and the same outcome.
        // A mixture that cannot run depends on the rule, too.
        if (end.how != ChildEnd::How::answered || Json::parse(end.text) != own_answer)
            kernels.insert(std::string(own.name));
    }
}

}  // namespace

const std::vector<CoverageKind>& coverage_universe() {
    static const std::vector<CoverageKind> kAll = [] {
        std::vector<CoverageKind> all{
            {std::string(kRowsV4Kind), severity_rows(mca::severity_table_v4())},
            {std::string(kRowsV6Kind), severity_rows(mca::severity_table_v6())}};
        for (CoverageKind& kind : record_kinds()) all.push_back(std::move(kind));
        CoverageKind rules{std::string(kRuleKind), {}};
        for (const ProfileRule& rule : profile_rules())
            for (std::string& side : sides_of(rule)) rules.things.push_back(std::move(side));
        all.push_back(std::move(rules));
        return all;
    }();
    return kAll;
}

void cover(const scenario::LoadedScenario& loaded, const CoverOptions& options, Reached& into) {
    const Json answer = Json::parse(
        answer_of(in_child([&] { return observed(loaded, options, nullptr); }, options.limit_s)));
    const std::string kernel(kernel::profile(loaded.scenario.kernel.profile).name);
    for (const Json& thing : answer["things"])
        into[thing[0].get<std::string>()][thing[1].get<std::string>()].insert(kernel);
    if (options.rules) cover_rules(loaded, options, answer, into);
}

void merge(const Reached& from, Reached& into) {
    for (const auto& [kind, things] : from)
        for (const auto& [thing, kernels] : things)
            into[kind][thing].insert(kernels.begin(), kernels.end());
}

std::vector<std::string> missing(const CoverageKind& kind, const Reached& reached) {
    std::vector<std::string> out;
    const auto known = reached.find(kind.name);
    for (const std::string& thing : kind.things)
        if (known == reached.end() || !known->second.contains(thing) ||
            known->second.at(thing).empty())
            out.push_back(thing);
    return out;
}

}  // namespace mcemu::compare
