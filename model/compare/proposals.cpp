#include "compare/proposals.hpp"

#include <stdexcept>
#include <utility>

#include "compare/coverage_reasons.hpp"
#include "compare/coverage_words.hpp"
#include "compare/proposal_pool.hpp"

namespace mcemu::compare {

using Json = nlohmann::ordered_json;

Proposer::Proposer(Reached reached, bool rules) : known_(std::move(reached)), rules_(rules) {
    for (const CoverageKind& kind : coverage_universe()) {
        if (!rules && kind.name == kRuleKind) continue;
        for (const std::string& thing : missing(kind, known_))
            open_.push_back({kind.name, thing, nullptr, std::string(why_never(kind.name, thing))});
    }
    for (const Proposal& p : open_) left_ += p.why_not.empty() ? 1 : 0;
    if (left_ != 0) pool_ = proposal_pool();
}

Reached Proposer::run(std::size_t candidate) const {
    const Json& scenario = pool_[candidate];
    CoverOptions options;
    options.rules = rules_;
    options.limit_s = 10;
    scenario::LoadOptions load;
    load.second_opinion = false;
    const scenario::LoadResult loaded =
        scenario::load_text(scenario["name"].get<std::string>(), scenario.dump(), load);
    // A combination that no machine has (a huge page in the swap cache) is no scenario.
    if (!loaded.loaded) return {};
    Reached reached;
    if (const auto rules = known_.find(std::string(kRuleKind)); rules != known_.end())
        reached.insert(*rules);
    try {
        cover(*loaded.loaded, options, reached);
    } catch (const std::runtime_error&) {
        return {};  // no result: it proves nothing
    }
    return reached;
}

bool Proposer::take(std::size_t candidate, const Reached& reached) {
    for (Proposal& p : open_) {
        if (!p.scenario.is_null() || !p.why_not.empty()) continue;
        const auto kind = reached.find(p.kind);
        if (kind == reached.end()) continue;
        const auto thing = kind->second.find(p.thing);
        if (thing == kind->second.end() || thing->second.empty()) continue;
        p.scenario = pool_[candidate];
        --left_;
    }
    merge(reached, known_);
    return left_ != 0;
}

std::vector<Proposal> propose(const Reached& reached, bool rules,
                              const std::function<bool(std::size_t, std::size_t)>& progress) {
    Proposer proposer(reached, rules);
    for (std::size_t i = 0; i < proposer.candidates(); ++i) {
        if (progress && !progress(i, proposer.candidates())) break;
        if (!proposer.take(i, proposer.run(i))) break;
    }
    return proposer.proposals();
}

}  // namespace mcemu::compare
