// The first value of a setting at which the verdict flips.
#include <algorithm>
#include <iostream>

#include "boot_image.hpp"
#include "compare/bisect.hpp"
#include "core/kernel/profile.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "scenario_file.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
using compare::Bisection;
using compare::Cell;
using Json = nlohmann::ordered_json;

/// Findings about a scenario were printed.
struct Findings {};

CommandLine bisect_line() {
    CommandLine line;
    line.usage = "bisect [options] SCENARIO --over profile|/POINTER=V1,V2,...";
    line.what =
        "Runs a scenario once for each value and says at which the verdict flips first: from met\n"
        "to failed or back; without expectations, when outcome or class change. Every value is\n"
        "run, so that a verdict which flips more than once is seen. Exit status 1 when it flips.";
    // clang-format off
    line.visible.add_options()
        ("over", po::value<std::string>()->value_name("WHAT"),
         "profile (all kernels, the oldest first), or a value of the scenario: /a/b=V1,V2,...")
        ("seed", po::value<std::string>()->value_name("N"), "seed of all random numbers")
        ("time-limit", po::value<std::string>()->value_name("SECONDS"),
         "real time that a run may take (60)")
        ("json", "as JSON");
    // clang-format on
    add_scenario_options(line);
    line.hidden.add_options()("scenario", po::value<std::string>());
    line.positional.add("scenario", 1);
    return line;
}

std::string text_of(const Bisection& found, const std::string& over) {
    std::string out = "over " + over + ":\n";
    std::size_t width = 0;
    for (const Cell& c : found.cells) width = std::max(width, c.value.size());
    for (const Cell& c : found.cells) {
        std::string value = c.value;
        value.resize(width, ' ');
        out += "  " + value + "  " + compare::verdict_words(c.trial) + "\n";
    }
    if (found.flips.empty())
        return out + "the verdict is the same for all of them: " + found.cells.front().verdict + "\n";
    const auto flip = [&](std::size_t i) {
        const Cell &before = found.cells[i - 1], &at = found.cells[i];
        return at.value + " (" + before.verdict + " at " + before.value + ", " + at.verdict + " at " +
               at.value + ")";
    };
    out += "the verdict flips first at " + flip(found.flips.front()) + "\n";
    if (!found.monotone()) {
        out += "it is not monotone: it flips again at ";
        for (std::size_t i = 1; i < found.flips.size(); ++i)
            out += (i == 1 ? "" : ", ") + flip(found.flips[i]);
        out += "\n";
    }
    return out;
}

Json json_of(const Bisection& found, const std::string& over) {
    Json cells = Json::array(), flips = Json::array();
    for (const Cell& c : found.cells)
        cells.push_back({{"value", c.value},
                         {"verdict", c.verdict},
                         {"outcome", c.trial.outcome},
                         {"class", c.trial.klass},
                         {"words", compare::verdict_words(c.trial)}});
    for (const std::size_t i : found.flips) flips.push_back(found.cells[i].value);
    return {{"schema", "mcemu/bisection/1"},
            {"over", over},
            {"first", flips.empty() ? Json(nullptr) : flips.front()},
            {"flips", flips},
            {"monotone", found.monotone()},
            {"cells", cells}};
}

}  // namespace

int cmd_bisect(const Args& args) {
    const CommandLine line = bisect_line();
    const auto parsed = parse(line, args);
    if (!parsed) return kDone;
    const po::variables_map& values = *parsed;
    if (!values.count("scenario")) throw UsageError("a scenario is needed: mcemu " + line.usage);
    if (!values.count("over"))
        throw UsageError("--over is needed: profile, or /POINTER=V1,V2,...");
    const std::string over = values["over"].as<std::string>();
    unsigned limit_s = 60;
    if (values.count("time-limit"))
        limit_s = static_cast<unsigned>(
            parse_number(values["time-limit"].as<std::string>(), "--time-limit") & 0xffffffff);

    std::vector<std::string> list;
    std::string what = over;
    const bool profiles = over == "profile";
    if (profiles) {
        if (values.count("profile")) throw UsageError("--profile names one kernel, --over profile all");
        for (const kernel::Profile& p : kernel::profiles()) list.emplace_back(p.name);
    } else {
        const std::size_t equals = over.find('=');
        if (!over.starts_with("/") || equals == std::string::npos)
            throw UsageError("--over '" + over + "': profile or /POINTER=V1,V2,... would be right");
        list = compare::split_values(std::string_view(over).substr(equals + 1));
        if (list.size() < 2)
            throw UsageError("--over '" + over + "': two values or more, with commas between");
        what = over.substr(0, equals);
    }

    const std::string path = values["scenario"].as<std::string>();
    const scenario::ReadText text = scenario::read_file(path);
    const auto load = [&](const std::string& value) {
        po::variables_map with = values;
        if (profiles) {
            with.erase("profile");
            with.insert({"profile", po::variable_value(value, false)});
        } else {
            std::vector<std::string> sets;
            if (values.count("set")) sets = values["set"].as<std::vector<std::string>>();
            sets.push_back(what + "=" + value);
            with.erase("set");
            with.insert({"set", po::variable_value(sets, false)});
        }
        auto loaded = load_scenario_text(with, path, text);
        if (!loaded) {
            std::cerr << "mcemu: with " << what << " = " << value << "\n";
            throw Findings{};
        }
        return loaded;
    };
    try {
        const auto first = load(list.front());
        const BootImage boot = boot_image(*first, path);
        if (!boot.good) return kUsage;
        const Bisection found = compare::bisect(list, load, limit_s, boot.get());
        output::write_file("-", values.count("json") ? json_of(found, what).dump(2) + "\n"
                                                     : text_of(found, what));
        return found.flips.empty() ? kDone : kDiffers;
    } catch (const Findings&) {
        return kUsage;
    }
}

}  // namespace mcemu::cli
