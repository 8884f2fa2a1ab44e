#include "regress/divergence.hpp"

#include <optional>
#include <string_view>
#include <vector>

#include "output/words.hpp"

namespace mcemu::regress {
namespace {

using output::Json;

constexpr std::size_t kLinesBefore = 2;

/// "/expect/log/2" -> {"expect", "log", "2"}
std::vector<std::string> steps_of(std::string_view pointer) {
    std::vector<std::string> steps;
    while (!pointer.empty()) {
        pointer.remove_prefix(1);
        const std::size_t end = std::min(pointer.find('/'), pointer.size());
        std::string step;
        for (std::size_t i = 0; i < end; ++i) {
            const bool escape = pointer[i] == '~' && i + 1 < end;
            if (escape) ++i;
            step.push_back(escape ? (pointer[i] == '1' ? '/' : '~') : pointer[i]);
        }
        steps.push_back(std::move(step));
        pointer.remove_prefix(end);
    }
    return steps;
}

std::optional<std::uint64_t> time_at(const Json& entry) {
    const auto t = entry.find("t_ns");
    if (t == entry.end() || !t->is_number()) return std::nullopt;
    return t->get<std::uint64_t>();
}

/// The line of the log that the finding shows as what came; the size of the log when none is.
std::size_t line_of(const Json& finding, const Json& log) {
    const Json& got = finding["got"];
    for (std::size_t i = 0; got.is_string() && i < log.size(); ++i)
        if (log[i]["text"] == got) return i;
    return log.size();
}

std::optional<std::uint64_t> time_of_event(const Json& result, const std::string& id) {
    for (const Json& event : result["events"])
        if (event["id"] == id) return time_at(event);
    return std::nullopt;
}

struct Place {
    std::uint64_t t_ns;
    bool of_the_end;  ///< it is about the state at the end of the run
    std::size_t line = 0;
};

Place place_of(const Json& finding, const Json& result) {
    const std::vector<std::string> steps = steps_of(finding["at"].get<std::string>());
    const std::uint64_t end = result["end_ns"].get<std::uint64_t>();
    if (steps.size() < 2) return {end, true};
    const std::string& key = steps[1];
    if (key == "log" || key == "no_log") {
        const std::size_t line = line_of(finding, result["log"]);
        if (line < result["log"].size()) return {*time_at(result["log"][line]), false, line};
        return {end, false, line};
    }
    if (steps.size() > 2 && (key == "fates" || key == "syscalls")) {
        std::string id = steps[2];
        // The long form is a list of objects that name their event.
        if (finding["wanted"].is_object())
            for (const char* member : {"id", "event"})
                if (finding["wanted"].contains(member) && finding["wanted"][member].is_string())
                    id = finding["wanted"][member].get<std::string>();
        // What is latent was as wanted when it was planted: only the end shows that nobody met it.
        if (key == "fates" && finding["got"] == "latent") return {end, true};
        if (const auto t = time_of_event(result, id)) return {*t, false};
    }
    if (steps.size() > 2 && key == "signals") {
        const Json& signals = result["signals"];
        for (std::size_t i = 0; i < signals.size(); ++i)
            if (steps[2] == std::to_string(i))
                if (const auto t = time_at(signals[i])) return {*t, false};
    }
    // An order over time says itself when it was otherwise.
    if (key == "temporal" && finding.contains("nearest") && finding["nearest"].is_object()) {
        std::optional<std::uint64_t> first;
        for (const char* member : {"t_ns", "first_ns", "second_ns"})
            if (const auto t = finding["nearest"].find(member);
                t != finding["nearest"].end() && t->is_number_unsigned())
                first = std::min(first.value_or(end), t->get<std::uint64_t>());
        if (first) return {*first, false};
    }
    return {end, true};
}

}  // namespace

std::string first_divergence(const Json& result) {
    const Json* first = nullptr;
    Place place{};
    for (const Json& finding : result["expect"]) {
        if (finding["ok"].get<bool>()) continue;
        const Place here = place_of(finding, result);
        const auto order = [](const Place& p) { return std::pair(p.t_ns, p.of_the_end); };
        if (first != nullptr && order(place) <= order(here)) continue;
        first = &finding;
        place = here;
    }
    if (first == nullptr) return {};
    std::string out(place.of_the_end ? "at the end, " : "at ");
    out += output::human_time(from_ns(place.t_ns)) + ": " +
           (*first)["at"].get<std::string>();
    const Json& log = result["log"];
    if ((*first)["at"].get<std::string>().starts_with("/expect/log")) {
        const std::size_t from = place.line > kLinesBefore ? place.line - kLinesBefore : 0;
        for (std::size_t i = from; i < std::min(place.line + 1, log.size()); ++i)
            out.append(i == place.line ? "\ngot      log line " : "\n         log line ")
                .append(std::to_string(i))
                .append(": ")
                .append(log[i]["text"].get_ref<const std::string&>());
        if (place.line >= log.size()) out += "\ngot      the end of the log";
        if ((*first)["wanted"].is_string())
            out.append("\nwanted   ").append((*first)["wanted"].get_ref<const std::string&>());
    }
    return out;
}

}  // namespace mcemu::regress
