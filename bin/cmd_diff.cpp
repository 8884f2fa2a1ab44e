// Two runs beside each other: where they part, and in what they differ.
#include <iostream>

#include "boot_image.hpp"
#include "compare/report.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "scenario_file.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
using compare::World;

CommandLine diff_line() {
    CommandLine line;
    line.usage = "diff [options] A B";
    line.what =
        "Compares two runs: where they part first, followed from cause to effect, then every kind\n"
        "of result. A and B are scenarios, which are run, or results (--result) or traces (.ndjson)\n"
        "of earlier runs. Exit status 1 where they differ.";
    // clang-format off
    line.visible.add_options()
        ("trace-a", po::value<std::string>()->value_name("FILE"), "the trace of A, a result")
        ("trace-b", po::value<std::string>()->value_name("FILE"), "the trace of B, a result")
        ("ignore-times", "what only happens at another time is no difference")
        ("most", po::value<std::string>()->value_name("N"), "changes shown per kind (10)")
        ("json", "as JSON");
    // clang-format on
    add_scenario_options(line);
    line.hidden.add_options()("a", po::value<std::string>())("b", po::value<std::string>());
    line.positional.add("a", 1).add("b", 1);
    return line;
}

void complain(const std::string& file, const std::string& wrong, const std::string& right) {
    std::cerr << file << ": " << wrong << ": " << right << "\n";
}

/// Puts the trace of `path` into `world`. False after a finding.
bool add_trace(World& world, const std::string& path, const std::string& text) {
    try {
        world.steps = compare::steps_of(text);
    } catch (const std::invalid_argument& error) {
        complain(path, error.what(), "a trace as --trace F.ndjson writes it");
        return false;
    }
    if (world.steps.empty()) {
        complain(path, "there is no record in it", "a trace as --trace F.ndjson writes it");
        return false;
    }
    // The first record says which is the last.
    const compare::Json head = compare::Json::parse(text.substr(0, text.find('\n')), nullptr, false);
    if (head.is_object() && head.contains("trace") && head["trace"].is_object() &&
        head["trace"].value("last", std::uint64_t{0}) > world.steps.back().id) {
        complain(path,
                 "the trace ends at record " + std::to_string(world.steps.back().id) + " of " +
                     std::to_string(head["trace"].value("last", std::uint64_t{0})),
                 "the whole file");
        return false;
    }
    world.has_trace = true;
    return true;
}

/// One side: a scenario is run, a result or trace is read. Nullopt after findings.
std::optional<World> side(const po::variables_map& values, const std::string& path,
                          const char* trace_option) {
    const bool changes = values.count("profile") || values.count("set") || values.count("matrix");
    const scenario::ReadText text = scenario::read_file(path);
    if (!text.text) {
        complain(path, "cannot be read", text.error);
        return std::nullopt;
    }
    const bool has_trace = values.count(trace_option) > 0;
    World world;
    world.name = path;
    if (path.ends_with(".ndjson")) {
        if (has_trace)
            throw UsageError("--" + std::string(trace_option) + ": " + path + " is a trace already");
        if (changes) throw UsageError("--profile, --set and --matrix change scenarios, not traces");
        if (!add_trace(world, path, *text.text)) return std::nullopt;
        return world;
    }
    if (scenario::is_result(*text.text)) {
        if (changes) throw UsageError("--profile, --set and --matrix change scenarios, not results");
        const scenario::ResultText read = scenario::load_result(path, *text.text);
        for (const scenario::Finding& f : read.findings) std::cerr << scenario::to_text(f) << "\n";
        if (!read.findings.empty()) return std::nullopt;
        world.result = read.result;
        world.was_read = true;
        if (!has_trace) return world;
        const std::string trace = values[trace_option].as<std::string>();
        const scenario::ReadText lines = scenario::read_file(trace);
        if (!lines.text) {
            complain(trace, "cannot be read", lines.error);
            return std::nullopt;
        }
        if (!add_trace(world, trace, *lines.text)) return std::nullopt;
        return world;
    }
    if (has_trace)
        throw UsageError("--" + std::string(trace_option) + ": " + path +
                         " is a scenario: its trace comes from running it");
    const auto loaded = load_scenario_text(values, path, text);
    if (!loaded) return std::nullopt;
    const BootImage boot = boot_image(*loaded, path);
    if (!boot.good) return std::nullopt;
    sim::RunOptions options;
    options.start_from = boot.get();
    return compare::run_world(path, *loaded, options);
}

}  // namespace

int cmd_diff(const Args& args) {
    const CommandLine line = diff_line();
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("b")) throw UsageError("two runs are needed: mcemu " + line.usage);
    const std::string a = (*values)["a"].as<std::string>(), b = (*values)["b"].as<std::string>();
    if (a == "-" && b == "-") throw UsageError("both want standard input");
    compare::ReportOptions options;
    options.times = values->count("ignore-times") == 0;
    if (values->count("most"))
        options.most = parse_number((*values)["most"].as<std::string>(), "--most");
    const auto first = side(*values, a, "trace-a");
    const auto second = side(*values, b, "trace-b");
    if (!first || !second) return kUsage;
    const bool traces = first->has_trace && second->has_trace;
    const bool results = first->result.is_object() && second->result.is_object();
    if (!traces && !results)
        throw UsageError("one is a trace and the other a result: give two of a kind, or the trace "
                         "with --trace-a or --trace-b");
    const compare::Comparison found = compare::compare(*first, *second);
    output::write_file("-", values->count("json")
                                ? compare::report_json(found, *first, *second, options).dump(2) + "\n"
                                : compare::report_text(found, *first, *second, options));
    return found.differs(options.times) ? kDiffers : kDone;
}

}  // namespace mcemu::cli
