#pragma once  // One run reduced to its verdict: met, or what failed first and how.
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "compare/child.hpp"
#include "core/pmem/image.hpp"
#include "scenario/load.hpp"

namespace mcemu::compare {

struct Trial {
    bool met = true;
    bool has_expectations = false;
    std::string failed_at;            ///< "/expect/log/2": the first that failed
    std::string text;                 ///< the same in words
    nlohmann::ordered_json wanted, got, nearest;
    std::string outcome, klass;       ///< "running", "recovered"
    nlohmann::ordered_json events;    ///< of the result: id, t_ns, fate, because
    /// The run had no result (ChildEnd): the emulator is at fault, or it took too long.
    ChildEnd::How end = ChildEnd::How::answered;
    std::string error;
};

/// Runs the scenario in a child; one that boots on what another leaves gets `start_from`. Never
/// throws for what happens in it.
Trial try_scenario(const scenario::LoadedScenario& loaded, unsigned limit_s,
                   const NvdimmImage* start_from = nullptr);

/// "passes", "fails: /expect/outcome: wanted ...", "no result: ..."; without expectations
/// "running, recovered".
std::string verdict_words(const Trial& trial);

/// How it fails, for comparing: equal when the same expectation fails. `strict`: and what came
/// instead is alike but for numbers.
std::string failure_signature(const Trial& trial, bool strict);

/// Whether it fails because something did not come, or too little of it: so it fails as well where
/// nothing happens at all.
bool something_lacks(const Trial& trial);
/// What the events did, one text for those that did alike: "load: none, it injects no error ...".
/// `document` is the scenario of the trial.
std::set<std::string> what_happened(const Trial& trial, const nlohmann::ordered_json& document);

}  // namespace mcemu::compare
