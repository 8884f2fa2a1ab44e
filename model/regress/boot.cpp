#include "regress/boot.hpp"

#include <cstring>
#include <exception>
#include <utility>

#include "regress/pool.hpp"
#include "scenario/load.hpp"
#include "scenario/nvdimm_state.hpp"
#include "sim/run.hpp"
#include "output/temporal.hpp"

namespace mcemu::regress {
namespace {

constexpr int kLongestChain = 32;
// The first byte of a child's answer.
constexpr char kState = 'S', kProblems = 'P';

Boot boot(const std::string& path, const MachineConfig& machine, const std::string& scenario,
          int depth);

std::string answer_of(const std::vector<std::string>& problems) {
    std::string out(1, kProblems);
    for (const std::string& line : problems) out += line + "\n";
    return out;
}

/// In the child: the state that the scenario leaves, or what is wrong with it.
std::string leave(const std::string& path, int depth) {
    scenario::LoadOptions options;
    options.second_opinion = false;
    scenario::LoadResult result = scenario::load_file(path, options);
    std::vector<std::string> problems;
    for (const scenario::Finding& f : result.findings) problems.push_back(scenario::to_text(f));
    if (!problems.empty()) return answer_of(problems);

    std::optional<NvdimmImage> before;
    if (const std::string& first = result.loaded->boots_on; !first.empty()) {
        Boot earlier = boot(first, result.loaded->scenario.machine, path, depth + 1);
        if (!earlier.image) return answer_of(earlier.problems);
        before = std::move(earlier.image);
    }
    sim::RunOptions run;
    run.trace_capacity = 0;
    run.log_matcher = output::make_log_matcher;
    run.start_from = before ? &*before : nullptr;
    sim::Simulation simulation(std::move(result.loaded->scenario), run);
    simulation.run();
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
    const Heard heard = run_in_child([&](const Pool::Send& send) { send(leave(path, depth)); });
    if (heard.answers.empty() || heard.answers[0].empty()) {
        std::vector<std::string> problems = lines_of(heard.said);
        problems.insert(problems.begin(),
                        scenario + ": /boots_on: the run of " + path +
                            (heard.signal != 0 ? std::string(" died of ") + ::strsignal(heard.signal)
                                               : std::string(" failed")));
        return {std::nullopt, std::move(problems)};
    }
    const std::string text = heard.answers[0].substr(1);
    if (heard.answers[0][0] == kProblems) return {std::nullopt, lines_of(text)};
    scenario::NvdimmState state =
        scenario::read_nvdimm_state("what " + path + " leaves", text, machine, scenario);
    std::vector<std::string> problems;
    for (const scenario::Finding& f : state.findings) problems.push_back(scenario::to_text(f));
    return {std::move(state.image), std::move(problems)};
}

}  // namespace

Boot boot_on(const std::string& path, const MachineConfig& machine, const std::string& scenario) {
    return boot(path, machine, scenario, 0);
}

}  // namespace mcemu::regress
