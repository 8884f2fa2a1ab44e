#include "regress/divergence.hpp"

#include <algorithm>
#include <vector>

#include "output/evidence.hpp"
#include "output/words.hpp"

namespace mcemu::regress {
namespace {

using output::Json;

constexpr std::size_t kLinesBefore = 2;

/// The line of the log that the finding shows as what came; the size of the log when none is.
std::size_t line_of(const Json& finding, const Json& log) {
    const Json& got = finding["got"];
    for (std::size_t i = 0; got.is_string() && i < log.size(); ++i)
        if (log[i]["text"] == got) return i;
    return log.size();
}

}  // namespace

std::string first_divergence(const Json& result, const output::Rank& rank) {
    const std::vector<const Json*> failures = output::failures_in_order(result, rank);
    if (failures.empty()) return {};
    const Json& first = *failures.front();
    const auto t = first.find("t_ns");
    const bool of_the_end = t == first.end();
    const std::string at = first["at"].get<std::string>();
    std::string out(of_the_end ? "at the end, " : "at ");
    out += output::human_time(from_ns((of_the_end ? result["end_ns"] : *t).get<std::uint64_t>())) + ": " +
           at;
    const Json& log = result["log"];
    if (at.starts_with("/expect/log")) {
        const std::size_t line = line_of(first, log);
        const std::size_t from = line > kLinesBefore ? line - kLinesBefore : 0;
        for (std::size_t i = from; i < std::min(line + 1, log.size()); ++i)
            out.append(i == line ? "\ngot      log line " : "\n         log line ")
                .append(std::to_string(i))
                .append(": ")
                .append(log[i]["text"].get_ref<const std::string&>());
        if (line >= log.size()) out += "\ngot      the end of the log";
        if (first["wanted"].is_string())
            out.append("\nwanted   ").append(first["wanted"].get_ref<const std::string&>());
    }
    return out;
}

}  // namespace mcemu::regress
