#include "compare/explore.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

#include "compare/child.hpp"
#include "compare/timeless.hpp"
#include "compare/world.hpp"
#include "output/causes.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"

namespace mcemu::compare {
namespace {

/// What a run in one order came to.
struct OneRun {
    RaceOutcome outcome;
    std::vector<std::uint32_t> candidates;  // per choice point
    std::string key;                        // equal for equal outcomes
};

std::string did(const RunView& view, std::uint32_t record, Causality why) {
    const output::Causes causes(view);
    if (record != 0 && view.trace.holds(record)) {
        std::string out = causes.describe(record);
        // A phase says which, not whose: its cause does.
        const TraceRecord& r = view.trace[record];
        if (r.kind != TraceKind::scenario_event && r.why.cause != 0 && view.trace.holds(r.why.cause))
            out += " (after " + causes.describe(r.why.cause) + ")";
        return out;
    }
    if (why.cause != 0 && view.trace.holds(why.cause))
        return "what follows " + causes.describe(why.cause);
    return "what has no record";
}

/// In the child: the run, as JSON.
std::string simulate(const scenario::LoadedScenario& loaded, const ExploreOptions& options,
                     const Schedule& schedule, std::optional<std::uint64_t> random) {
    ScheduleChooser chooser(schedule, random);
    sim::RunOptions run = options.run;
    run.log_matcher = output::make_log_matcher;
    run.chooser = &chooser;
    run.window = schedule.window;
    sim::Simulation simulation(loaded.scenario, run);
    chooser.watch(simulation.view().trace);
    simulation.run();
    const RunView view = simulation.view();
    Json result = output::make_result(view, loaded.expect);
    const bool met = output::finish_result(view, loaded.expect, result);
    Json words = Json::array(), choices = Json::array();
    for (const auto& d : chooser.deviations())
        words.push_back(did(view, d.chosen_did, d.chosen_why) + " before " +
                        did(view, d.passed_did, d.passed_why));
    for (const auto& c : chooser.followed().choices)
        choices.push_back(Json::array({c.point, c.candidate}));
    const Json answer = {{"met", met},
                         {"result", std::move(result)},
                         {"order", std::move(words)},
                         {"choices", std::move(choices)},
                         {"candidates", chooser.candidates()}};
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

OneRun run_once(const scenario::LoadedScenario& loaded, const ExploreOptions& options,
                const Schedule& schedule, std::optional<std::uint64_t> random) {
    OneRun one;
    one.outcome.schedule = schedule;
    const ChildEnd end =
        in_child([&] { return simulate(loaded, options, schedule, random); }, options.limit_s);
    if (end.how != ChildEnd::How::answered) {
        if (schedule.choices.empty() && !random) throw ChildError(end);
        one.outcome.error = end.text;
        one.outcome.met = false;
        one.key = "error: " + end.text;
        return one;
    }
    Json answer = Json::parse(end.text);
    one.outcome.met = answer["met"].get<bool>();
    one.outcome.order = answer["order"].get<std::vector<std::string>>();
    one.outcome.schedule.choices.clear();
    for (const Json& c : answer["choices"])
        one.outcome.schedule.choices.push_back(
            {c[0].get<std::uint64_t>(), c[1].get<std::uint32_t>()});
    one.candidates = answer["candidates"].get<std::vector<std::uint32_t>>();
    one.outcome.result = std::move(answer["result"]);
    one.key = outcome_of(one.outcome.result).dump(-1, ' ', false, Json::error_handler_t::replace);
    return one;
}

/// Gathers outcomes; each distinct one once.
class Gatherer {
public:
    explicit Gatherer(Exploration& into) : into_(into) {}
    void add(OneRun one) {
        ++into_.runs;
        const auto [known, fresh] = places_.try_emplace(one.key, into_.outcomes.size());
        if (fresh) into_.outcomes.push_back(std::move(one.outcome));
        else ++into_.outcomes[known->second].runs;
    }

private:
    Exploration& into_;
    std::unordered_map<std::string, std::size_t> places_;
};

/// The schedules that differ from `base` in one later choice.
void push_deviations(const Schedule& base, const std::vector<std::uint32_t>& candidates,
                     std::deque<Schedule>& queue, std::size_t most) {
    const std::uint64_t from = base.choices.empty() ? 0 : base.choices.back().point + 1;
    for (std::uint64_t point = from; point < candidates.size(); ++point) {
        for (std::uint32_t c = 1; c < candidates[point]; ++c) {
            if (queue.size() >= most) return;
            queue.push_back(base);
            queue.back().choices.push_back({point, c});
        }
    }
}

}  // namespace

bool Exploration::met() const {
    return std::all_of(outcomes.begin(), outcomes.end(),
                       [](const RaceOutcome& o) { return o.met; });
}

Json outcome_of(Json result) {
    for (const char* key : {"end_ns", "latency", "seed", "version"}) result.erase(key);
    for (const char* list : {"log", "signals", "accesses", "records", "events"}) {
        if (!result.contains(list)) continue;
        for (Json& entry : result[list]) {
            for (const std::string_view member : kTimeMembers) entry.erase(std::string(member));
            entry.erase("because");  // tells durations of the way
            if (entry.contains("text")) entry["text"] = without_times(entry["text"].get<std::string>());
        }
    }
    if (result.contains("error_logs"))
        for (Json& module : result["error_logs"])
            for (Json& entry : module) entry.erase("t_ns");
    if (result.contains("expect"))
        for (Json& finding : result["expect"]) finding = {{"at", finding["at"]}, {"ok", finding["ok"]}};
    return result;
}

Exploration explore(const scenario::LoadedScenario& loaded, const ExploreOptions& options) {
    Exploration out;
    Gatherer gather(out);
    Schedule plain;
    plain.window = options.window;
    OneRun first = run_once(loaded, options, plain, std::nullopt);
    out.points = first.candidates.size();
    std::deque<Schedule> queue;
    // No more is ever taken from the queue; one beyond tells that not all was tried.
    push_deviations(plain, first.candidates, queue, options.runs + 1);
    gather.add(std::move(first));
    const auto go_on = [&] { return !options.progress || options.progress(out.runs); };
    if (options.seed) {
        if (queue.empty()) {  // nothing to choose
            out.complete = true;
            return out;
        }
        for (std::uint64_t n = 0; out.runs < options.runs && go_on(); ++n)
            gather.add(run_once(loaded, options, plain, *options.seed * 0x100000001b3u + n));
        return out;
    }
    while (!queue.empty() && out.runs < options.runs && go_on()) {
        const Schedule next = std::move(queue.front());
        queue.pop_front();
        OneRun one = run_once(loaded, options, next, std::nullopt);
        push_deviations(next, one.candidates, queue, options.runs - std::min(options.runs, out.runs) + 1);
        gather.add(std::move(one));
    }
    out.complete = queue.empty();
    return out;
}

std::string summary(const RaceOutcome& outcome) {
    if (!outcome.error.empty()) return "no result: " + outcome.error;
    const Json& r = outcome.result;
    std::string out = r["outcome"].get<std::string>() + ", " + r["class"].get<std::string>();
    std::size_t failed = 0;
    for (const Json& finding : r["expect"]) failed += finding["ok"].get<bool>() ? 0 : 1;
    if (failed != 0)
        out += ", " + std::to_string(failed) + (failed == 1 ? " expectation" : " expectations") +
               " failed";
    for (const Json& s : r["signals"])
        out += "; " + s["signal"].get<std::string>() + " " + s.value("code", "") + " to " +
               s["process"].get<std::string>();
    return out;
}

}  // namespace mcemu::compare
