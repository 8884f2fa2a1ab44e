#include "compare/trial.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "compare/world.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"
#include "sim/run.hpp"

namespace mcemu::compare {
namespace {

/// Numbers, decimal or hex, become "#".
std::string without_numbers(const std::string& text) {
    std::string out;
    const auto is = [&](std::size_t i, auto f) {
        return i < text.size() && f(static_cast<unsigned char>(text[i])) != 0;
    };
    for (std::size_t i = 0; i < text.size();) {
        const bool begins = is(i, ::isdigit) && (i == 0 || !is(i - 1, ::isalpha));
        if (!begins) {
            out += text[i++];
            continue;
        }
        if (text.compare(i, 2, "0x") == 0) i += 2;
        while (is(i, ::isxdigit)) ++i;
        out += '#';
    }
    return out;
}

std::string dumped(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The members of `wanted` that `nearest` lacks or has otherwise.
std::string differing_members(const Json& wanted, const Json& nearest) {
    std::string out;
    if (!wanted.is_object() || !nearest.is_object()) return out;
    for (const auto& [key, value] : wanted.items())
        if (!nearest.contains(key) || nearest[key] != value) out += key + ' ';
    return out;
}

}  // namespace

Trial try_scenario(const scenario::LoadedScenario& loaded, unsigned limit_s,
                   const NvdimmImage* start_from) {
    const ChildEnd end = in_child(
        [&] {
            sim::RunOptions run;
            run.log_matcher = output::make_log_matcher;
            run.start_from = loaded.boots_on.empty() ? nullptr : start_from;
            sim::Simulation simulation(loaded.scenario, run);
            simulation.run();
            const RunView view = simulation.view();
            Json result = output::make_result(view, loaded.expect);
            const bool met = output::finish_result(view, loaded.expect, result);
            Json first;
            for (const Json& finding : result["expect"])
                if (!finding["ok"].get<bool>() && first.is_null()) first = finding;
            return dumped({{"met", met},
                           {"any", !result["expect"].empty()},
                           {"first", first},
                           {"outcome", result["outcome"]},
                           {"class", result["class"]},
                           {"events", result["events"]}});
        },
        limit_s);
    Trial trial;
    trial.end = end.how;
    if (end.how != ChildEnd::How::answered) {
        trial.met = false;
        trial.error = end.text;
        return trial;
    }
    Json answer = Json::parse(end.text);
    trial.met = answer["met"].get<bool>();
    trial.has_expectations = answer["any"].get<bool>();
    trial.outcome = answer["outcome"].get<std::string>();
    trial.klass = answer["class"].get<std::string>();
    trial.events = std::move(answer["events"]);
    const Json& first = answer["first"];
    if (first.is_object()) {
        trial.failed_at = first["at"].get<std::string>();
        trial.text = first.value("text", trial.failed_at);
        trial.wanted = first.value("wanted", Json());
        trial.got = first.value("got", Json());
        trial.nearest = first.value("nearest", Json());
    }
    return trial;
}

std::string verdict_words(const Trial& trial) {
    if (trial.end != ChildEnd::How::answered) return "no result: " + trial.error;
    if (!trial.met) return "fails: " + trial.text;
    if (trial.has_expectations) return "passes";
    return trial.outcome + ", " + trial.klass;
}

std::string failure_signature(const Trial& trial, bool strict) {
    if (trial.end != ChildEnd::How::answered)
        return "no result: " + std::to_string(static_cast<int>(trial.end)) + ' ' +
               without_numbers(trial.error);
    if (trial.met) return "met";
    // "/expect/log/2": the place in the list changes when others go.
    const std::size_t key = trial.failed_at.find('/', 1);
    std::string out = trial.failed_at.substr(0, trial.failed_at.find('/', key + 1));
    out += '\n' + dumped(trial.wanted) + '\n' + trial.outcome;
    if (!trial.got.is_structured() && !trial.got.is_null() && out.find("/log") == std::string::npos)
        out += "\ngot " + without_numbers(dumped(trial.got));
    if (trial.wanted.is_number() && trial.got.is_number())
        out += trial.got < trial.wanted ? " less" : " more";
    if (!strict) return out;
    out += '\n' + without_numbers(dumped(trial.got)) + '\n' +
           without_numbers(dumped(trial.nearest)) + '\n' +
           differing_members(trial.wanted, trial.nearest);
    return out;
}

bool something_lacks(const Trial& trial) {
    if (trial.end != ChildEnd::How::answered || trial.met) return false;
    const Json &wanted = trial.wanted, &got = trial.got;
    if (got.is_null()) return true;
    if (wanted.is_number() && got.is_number()) return got < wanted;
    if (wanted.is_string() && got.is_number()) return got >= 0;  // an errno was wanted
    if (!got.is_string()) return false;
    const auto& came = got.get_ref<const std::string&>();
    constexpr std::string_view kNothing[] = {
        "", "none", "latent", "filtered", "masked", "not-effective", "running", "alive", "0x0",
        "the end of the log"};
    return came.find("never came") != std::string::npos ||
           std::find(std::begin(kNothing), std::end(kNothing), came) != std::end(kNothing);
}

std::set<std::string> what_happened(const Trial& trial, const Json& document) {
    std::set<std::string> out;
    if (!document.contains("events") || !trial.events.is_array()) return out;
    const Json& events = document["events"];
    for (std::size_t i = 0; i < std::min(events.size(), trial.events.size()); ++i) {
        const Json& event = trial.events[i];
        const std::string because = event.value("because", "");
        // Without the chain of causes behind it.
        out.insert(without_numbers(events[i].value("do", "") + ": " + event.value("fate", "") +
                                   ", " + because.substr(0, because.find(" ("))));
    }
    return out;
}

}  // namespace mcemu::compare
