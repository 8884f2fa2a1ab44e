#include "compare/world.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "compare/child.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"
#include "output/trace_ndjson.hpp"
#include "output/words.hpp"

namespace mcemu::compare {
namespace {

/// Fields whose values count records or lines of their own run.
bool counts_records(std::string_view kind, std::string_view field) {
    return field == "latched_by" || field == "planted_by" ||
           (field == "line" && (kind == "log_line" || kind == "panic" || kind == "oops"));
}

std::uint64_t whole(const Json& record, const char* field) {
    const auto it = record.find(field);
    if (it == record.end() || !it->is_number_unsigned())
        throw std::invalid_argument(std::string("\"") + field + "\" is no whole number");
    return it->get<std::uint64_t>();
}

std::string text(const Json& record, const char* field) {
    const auto it = record.find(field);
    if (it == record.end() || !it->is_string())
        throw std::invalid_argument(std::string("\"") + field + "\" is no text");
    return it->get<std::string>();
}

}  // namespace

std::string in_words_plain(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string in_words(const Json& object, const std::vector<std::string_view>& without) {
    if (!object.is_object()) return in_words_plain(object);
    std::string out;
    for (const auto& [key, value] : object.items()) {
        if (std::find(without.begin(), without.end(), key) != without.end()) continue;
        if (!out.empty()) out += ", ";
        out += key + ' ' + in_words_plain(value);
    }
    return out;
}

Step step_of(std::string_view line) {
    const Json record = Json::parse(line, nullptr, false);
    if (!record.is_object()) throw std::invalid_argument("a trace has a JSON object on each line");
    Step step;
    step.id = static_cast<std::uint32_t>(whole(record, "id"));
    step.cause = static_cast<std::uint32_t>(whole(record, "cause"));
    step.t_ps = whole(record, "t_ps");
    step.kind = text(record, "kind");
    const Json origin = record.value("origin", Json());
    if (!origin.is_null()) step.origin = in_words_plain(origin);
    Json fields = Json::object();
    for (const auto& [key, value] : record.items()) {
        if (key == "t_ps" || key == "id" || key == "cause" || key == "origin" || key == "module" ||
            key == "kind" || key == "trace" || counts_records(step.kind, key))
            continue;
        if (step.kind == "phase" && key == "ps" && value.is_number_unsigned()) {
            step.spent_ps = value.get<std::uint64_t>();
            continue;
        }
        if (fields.empty() && step.kind != "log_line") step.about = in_words_plain(value);
        fields[key] = value;
    }
    step.what = in_words(fields);
    return step;
}

std::vector<Step> steps_of(std::string_view ndjson) {
    std::vector<Step> steps;
    for (std::size_t begin = 0, line = 1; begin < ndjson.size(); ++line) {
        const std::size_t end = std::min(ndjson.find('\n', begin), ndjson.size());
        if (end > begin) {
            try {
                steps.push_back(step_of(ndjson.substr(begin, end - begin)));
            } catch (const std::invalid_argument& error) {
                throw std::invalid_argument("line " + std::to_string(line) + ": " + error.what());
            }
            if (steps.size() > 1 && steps.back().id <= steps[steps.size() - 2].id)
                throw std::invalid_argument("line " + std::to_string(line) +
                                            ": ids of a trace rise from line to line");
        }
        begin = end + 1;
    }
    return steps;
}

World run_world(const std::string& name, const scenario::LoadedScenario& loaded,
                const sim::RunOptions& options, unsigned limit_s) {
    const std::string text = answer_of(in_child(
        [&] {
            sim::RunOptions run = options;
            run.log_matcher = output::make_log_matcher;
            sim::Simulation simulation(loaded.scenario, run);
            simulation.run();
            const RunView view = simulation.view();
            Json result = output::make_result(view, loaded.expect);
            const bool met = output::finish_result(view, loaded.expect, result);
            std::string out = met ? "1" : "0";
            out += result.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
            output::write_ndjson(view, [&](std::string_view bytes) { out += bytes; });
            return out;
        },
        limit_s));
    const std::size_t end = text.find('\n');
    World world;
    world.name = name;
    world.met = text.front() == '1';
    world.result = Json::parse(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(end));
    world.steps = steps_of(std::string_view(text).substr(end + 1));
    world.has_trace = true;
    return world;
}

std::string describe(const Step& step) {
    if (step.kind == "scenario_event") return "event " + step.about;
    if (step.kind == "log_line")
        return "log \"" + (step.what.starts_with("text ") ? step.what.substr(5) : step.what) + '"';
    std::string out = step.kind;
    std::replace(out.begin(), out.end(), '_', ' ');
    if (!step.what.empty()) out += ' ' + step.what;
    if (step.kind == "phase") out += " (" + output::human_time(SimTime{step.spent_ps}) + ")";
    return out;
}

}  // namespace mcemu::compare
