#pragma once  // Small scenarios that reach what others did not.
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compare/coverage.hpp"

namespace mcemu::compare {

/// One thing that was not reached, and a scenario that reaches it.
struct Proposal {
    std::string kind, thing;
    nlohmann::ordered_json scenario;  ///< null: none of ours reaches it
    std::string why_not;  ///< why no scenario can reach it; empty: one can
};

/// For everything that `reached` lacks: the first scenario of the pool that reached it when it was
/// run. With `rules`, also for the sides of kernel differences. `progress` is called before each
/// scenario of the pool; false ends the search.
std::vector<Proposal> propose(const Reached& reached, bool rules,
                              const std::function<bool(std::size_t done, std::size_t of)>& progress = {});

/// The same step by step, for those who run the pool in several processes.
class Proposer {
public:
    Proposer(Reached reached, bool rules);

    std::size_t candidates() const { return pool_.size(); }
    /// What a candidate reaches when it is run; rules that were reached before are not asked again.
    Reached run(std::size_t candidate) const;
    /// Takes what it reached. In the order of the candidates: of several that reach a thing, the
    /// first is proposed. False: there is nothing left to look for.
    bool take(std::size_t candidate, const Reached& reached);
    const std::vector<Proposal>& proposals() const { return open_; }

private:
    Reached known_;
    bool rules_;
    std::vector<Proposal> open_;
    std::size_t left_ = 0;
    std::vector<nlohmann::ordered_json> pool_;
};

}  // namespace mcemu::compare
