#include "regress/boot.hpp"

#include <cstring>
#include <exception>
#include <utility>

#include "output/result.hpp"
#include "output/temporal.hpp"
#include "output/text.hpp"
#include "regress/became.hpp"
#include "regress/pool.hpp"
#include "scenario/load.hpp"
#include "scenario/nvdimm_state.hpp"
#include "sim/run.hpp"

namespace mcemu::regress {
namespace {

constexpr int kLongestChain = 32;
// The first byte of a child's answer.
constexpr char kStory = 'T', kState = 'S', kProblems = 'P';
constexpr std::size_t kTraceOfABoot = std::size_t{1} << 16;  // records: for the story

Boot boot(const std::string& path, const MachineConfig& machine, const std::string& scenario,
          int depth);

std::string answer_of(const std::vector<std::string>& problems) {
    std::string out(1, kProblems);
    for (const std::string& line : problems) out += line + "\n";
    return out;
}

std::string poison_left(const RunView& view) {
    constexpr std::size_t kMost = 4;
    const auto& nvdimms = view.scenario.machine.nvdimms;
    std::string out;
    std::size_t runs = 0;
    for (std::size_t i = 0; i < view.nvdimm_poison.size(); ++i)
        for (const DpaRange& run : view.nvdimm_poison[i])
            if (++runs <= kMost)
                out += (out.empty() ? "" : ", ") + std::to_string(run.size()) + " bytes at " +
                       nvdimms[i].id + " " + output::hex(run.begin);
    if (runs > kMost) out += " and " + std::to_string(runs - kMost) + " more";
    return runs == 0 ? "no poison" : "poison: " + out;
}

/// What became of a scenario that another one boots on.
std::string story_of(const std::string& path, const RunView& view) {
    output::Json result = output::make_result(
        view, nullptr, {"outcome", "panic", "events", "accesses", "end_ns", "expect"});
    output::finish_result(view, nullptr, result);
    if (!result.contains("end_ns")) result["end_ns"] = to_ns(view.end);
    std::string out = "booted on what " + path + " left, " + poison_left(view) + ":\n";
    for (const std::string& line : what_became(result)) out += "  " + line + "\n";
    return out;
}

/// In the child: the story so far and the state that the scenario leaves, or what is wrong with it.
std::string leave(const std::string& path, int depth, const Pool::Send& send) {
    scenario::LoadOptions options;
    options.second_opinion = false;
    scenario::LoadResult result = scenario::load_file(path, options);
    std::vector<std::string> problems;
    for (const scenario::Finding& f : result.findings) problems.push_back(scenario::to_text(f));
    if (!problems.empty()) return answer_of(problems);

    std::optional<NvdimmImage> before;
    std::string story(1, kStory);
    if (const std::string& first = result.loaded->boots_on; !first.empty()) {
        Boot earlier = boot(first, result.loaded->scenario.machine, path, depth + 1);
        if (!earlier.image) return answer_of(earlier.problems);
        before = std::move(earlier.image);
        for (const std::string& line : earlier.story) story += line + "\n";
    }
    sim::RunOptions run;
    run.trace_capacity = kTraceOfABoot;
    run.log_matcher = output::make_log_matcher;
    run.start_from = before ? &*before : nullptr;
    sim::Simulation simulation(std::move(result.loaded->scenario), run);
    simulation.run();
    send(story + story_of(path, simulation.view()));
    return kState + scenario::nvdimm_state_text(simulation.image());
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end > 0) lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

Boot boot(const std::string& path, const MachineConfig& machine, const std::string& scenario,
          int depth) {
    if (depth > kLongestChain)
        return {std::nullopt,
                {scenario + ": /boots_on: more than " + std::to_string(kLongestChain) +
                 " scenarios boot on each other: break the circle"}};
    const Heard heard = run_in_child([&](const Pool::Send& send) { send(leave(path, depth, send)); });
    const bool whole = !heard.answers.empty() && !heard.answers.back().empty() &&
                       heard.answers.back()[0] != kStory;
    if (!whole) {
        std::vector<std::string> problems = lines_of(heard.said);
        problems.insert(problems.begin(),
                        scenario + ": /boots_on: the run of " + path +
                            (heard.signal != 0 ? std::string(" died of ") + ::strsignal(heard.signal)
                                               : std::string(" failed")));
        return {std::nullopt, std::move(problems)};
    }
    const std::string text = heard.answers.back().substr(1);
    if (heard.answers.back()[0] == kProblems) return {std::nullopt, lines_of(text)};
    scenario::NvdimmState state =
        scenario::read_nvdimm_state("what " + path + " leaves", text, machine, scenario);
    std::vector<std::string> problems;
    for (const scenario::Finding& f : state.findings) problems.push_back(scenario::to_text(f));
    return {std::move(state.image), std::move(problems),
            lines_of(std::string_view(heard.answers[0]).substr(1))};
}

}  // namespace

Boot boot_on(const std::string& path, const MachineConfig& machine, const std::string& scenario) {
    return boot(path, machine, scenario, 0);
}

}  // namespace mcemu::regress
