#include "races.hpp"

#include "compare/result_diff.hpp"
#include "output/words.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::cli {
namespace po = boost::program_options;
namespace {

constexpr std::size_t kRuns = 1000;

std::string orders(std::size_t n) { return std::to_string(n) + (n == 1 ? " order" : " orders"); }

/// A word for a shell.
std::string quoted(const std::string& text) {
    if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                "0123456789_-./:,") == std::string::npos)
        return text;
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
    return out;
}

std::vector<std::string> differences(const compare::RaceOutcome& from, const compare::RaceOutcome& to) {
    if (!from.error.empty() || !to.error.empty()) return {};
    return compare::differing(compare::diff_results(from.result, to.result), false);
}

}  // namespace

void add_explore_options(CommandLine& line) {
    // clang-format off
    line.visible.add_options()
        ("explore", "try every order that nature leaves open; each outcome once, with its order; "
         "outcomes that differ in times alone (tsc and time of records too) are one")
        ("window", po::value<std::string>()->value_name("TIME"),
         "with --explore: also what is less than that apart may change places")
        ("explore-seed", po::value<std::string>()->value_name("N"),
         "with --explore: orders at random")
        ("explore-runs", po::value<std::string>()->value_name("N"),
         "with --explore: at most so many orders (1000)");
    // clang-format on
}

std::optional<compare::ExploreOptions> explore_options(const po::variables_map& values) {
    if (!values.count("explore")) {
        for (const char* other : {"window", "explore-seed", "explore-runs"})
            if (values.count(other))
                throw UsageError("--" + std::string(other) + " says how to explore: add --explore");
        return std::nullopt;
    }
    const auto text = [&](const char* name) { return values[name].as<std::string>(); };
    compare::ExploreOptions options;
    options.runs = kRuns;
    if (values.count("window")) options.window = parse_time(text("window"));
    if (values.count("explore-seed"))
        options.seed = parse_number(text("explore-seed"), "--explore-seed");
    if (values.count("explore-runs")) {
        options.runs = parse_number(text("explore-runs"), "--explore-runs");
        if (options.runs == 0) throw UsageError("--explore-runs 0: at least 1");
    }
    return options;
}

compare::Schedule schedule_of(const std::string& text) {
    const auto schedule = compare::parse_schedule(text);
    if (!schedule)
        throw UsageError("--schedule '" + text +
                         "' is no order: write it as --explore prints it, \"3:1,17:2\" or "
                         "\"10us/3:1\", \"-\" for the order as it stands");
    return *schedule;
}

std::string exploration_text(const compare::Exploration& found, const std::string& file) {
    std::string out = std::to_string(found.outcomes.size()) +
                      (found.outcomes.size() == 1 ? " outcome in " : " outcomes in ") +
                      orders(found.runs);
    out += found.complete ? ": all that there are" : ": there are more orders";
    out += " (" + std::to_string(found.points) + " points of choice";
    const SimTime window = found.outcomes.front().schedule.window;
    if (window > SimTime::zero()) out += " within " + scenario::time_text(window);
    out += ")\n";
    std::size_t number = 0;
    for (const compare::RaceOutcome& o : found.outcomes) {
        out += "\n" + std::to_string(++number) + ". " + compare::summary(o) + "\n   " +
               orders(o.runs) + "; ";
        if (o.schedule.choices.empty()) out += "the order as it stands\n";
        else out += "the first of them:\n";
        for (const std::string& words : o.order) out += "     " + words + "\n";
        if (number > 1)
            if (const auto kinds = differences(found.outcomes.front(), o); !kinds.empty())
                out += "   differs from 1 in: " + joined(kinds) + "\n";
        if (o.error.empty())
            for (const auto& finding : o.result["expect"])
                if (!finding["ok"].get<bool>())
                    out += "   failed: " + finding.value("text", finding["at"].get<std::string>()) + "\n";
        out += "   mcemu run --schedule " + quoted(compare::to_text(o.schedule)) + " " +
               quoted(file) + "\n";
    }
    return out;
}

nlohmann::ordered_json exploration_json(const compare::Exploration& found) {
    nlohmann::ordered_json outcomes = nlohmann::ordered_json::array();
    for (const compare::RaceOutcome& o : found.outcomes) {
        nlohmann::ordered_json entry = {{"schedule", compare::to_text(o.schedule)},
                                        {"orders", o.runs},
                                        {"met", o.met},
                                        {"order", o.order},
                                        {"differs_in", differences(found.outcomes.front(), o)}};
        if (!o.error.empty()) entry["error"] = o.error;
        entry["result"] = o.result;
        outcomes.push_back(std::move(entry));
    }
    return {{"schema", "mcemu/exploration/1"}, {"orders", found.runs},  {"complete", found.complete},
            {"points", found.points},          {"outcomes", outcomes}};
}

}  // namespace mcemu::cli
