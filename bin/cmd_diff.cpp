// Two runs beside each other: where they part, and in what they differ.
#include <iostream>

#include "boot_image.hpp"
#include "compare/report.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "regress/report.hpp"
#include "scenario_file.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
using compare::World;

constexpr const char* kListOptions[] = {"set", "unset", "matrix"};

/// --set-a, --set-b and the like: what changes one side alone.
void add_side_options(CommandLine& line) {
    using Texts = std::vector<std::string>;
    // clang-format off
    line.visible.add_options()
        ("profile-a", po::value<std::string>()->value_name("NAME"), "kernel of A alone")
        ("profile-b", po::value<std::string>()->value_name("NAME"), "kernel of B alone")
        ("set-a", po::value<Texts>()->value_name("/POINTER=VALUE")->composing(),
         "change a value of A alone (several allowed)")
        ("set-b", po::value<Texts>()->value_name("/POINTER=VALUE")->composing(),
         "change a value of B alone (several allowed)")
        ("unset-a", po::value<Texts>()->value_name("/POINTER")->composing(),
         "take a key of A away (several allowed)")
        ("unset-b", po::value<Texts>()->value_name("/POINTER")->composing(),
         "take a key of B away (several allowed)")
        ("matrix-a", po::value<Texts>()->value_name("NAME=VALUE")->composing(),
         "pick this value of A's matrix (one per name)")
        ("matrix-b", po::value<Texts>()->value_name("NAME=VALUE")->composing(),
         "pick this value of B's matrix (one per name)");
    // clang-format on
}

/// The options as they hold for one side, "a" or "b", and in `words` those of that side alone.
po::variables_map side_values(const po::variables_map& values, const std::string& letter,
                              std::string& words) {
    po::variables_map out = values;
    const auto put = [&](const char* name, const auto& value) {
        out.erase(name);
        out.insert({name, po::variable_value(boost::any(value), false)});
    };
    const auto say = [&](const std::string& option, const std::string& value) {
        words += " " + option + " " + regress::shell_word(value);
    };
    if (const std::string name = "profile-" + letter; values.count(name)) {
        const auto profile = values[name].as<std::string>();
        put("profile", profile);
        say("--profile", profile);
    }
    for (const char* option : kListOptions) {
        const std::string name = std::string(option) + "-" + letter;
        if (!values.count(name)) continue;
        std::vector<std::string> all;
        if (values.count(option)) all = values[option].as<std::vector<std::string>>();
        for (const auto& value : values[name].as<std::vector<std::string>>()) {
            all.push_back(value);
            say("--" + std::string(option), value);
        }
        put(option, all);
    }
    return out;
}

CommandLine diff_line() {
    CommandLine line;
    line.usage = "diff [options] A [B]";
    line.what =
        "Compares two runs: where they part first, followed from cause to effect, then every kind\n"
        "of result. A and B are scenarios, which are run, or results (--result) or traces (.ndjson)\n"
        "of earlier runs. Without B it is A again: --set-b, --unset-b, --profile-b and --matrix-b\n"
        "make two values, kernels or cells of one file differ. --profile, --set, --unset and\n"
        "--matrix change both. Exit status 1 where they differ.";
    // clang-format off
    line.visible.add_options()
        ("trace-a", po::value<std::string>()->value_name("FILE"), "the trace of A, a result")
        ("trace-b", po::value<std::string>()->value_name("FILE"), "the trace of B, a result")
        ("ignore-times", "what only happens at another time is no difference")
        ("most", po::value<std::string>()->value_name("N"), "changes shown per kind (10)")
        ("json", "as JSON");
    // clang-format on
    add_scenario_options(line);
    add_side_options(line);
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
std::optional<World> side(const po::variables_map& all, const std::string& path,
                          const std::string& letter) {
    const std::string trace_option = "trace-" + letter;
    std::string words;
    const po::variables_map values = side_values(all, letter, words);
    const bool changes = changes_scenario(values);
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
            throw UsageError("--" + trace_option + ": " + path + " is a trace already");
        if (changes)
            throw UsageError("--profile, --set, --unset and --matrix change scenarios, not traces");
        if (!add_trace(world, path, *text.text)) return std::nullopt;
        return world;
    }
    if (scenario::is_result(*text.text)) {
        if (changes)
            throw UsageError("--profile, --set, --unset and --matrix change scenarios, not results");
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
        throw UsageError("--" + trace_option + ": " + path +
                         " is a scenario: its trace comes from running it");
    const auto loaded = load_scenario_text(values, path, text);
    if (!loaded) return std::nullopt;
    const BootImage boot = boot_image(*loaded, path);
    if (!boot.good) return std::nullopt;
    sim::RunOptions options;
    options.start_from = boot.get();
    return compare::run_world(path + words, *loaded, options);
}

}  // namespace

int cmd_diff(const Args& args) {
    const CommandLine line = diff_line();
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("a")) throw UsageError("two runs are needed: mcemu " + line.usage);
    std::string words_a, words_b;
    side_values(*values, "a", words_a);
    side_values(*values, "b", words_b);
    const std::string a = (*values)["a"].as<std::string>();
    const bool once = values->count("b") == 0;
    if (once && words_a == words_b)
        throw UsageError("two runs are needed: name B, or say with --set-b, --unset-b, --profile-b or "
                         "--matrix-b in what it is another run of " + a);
    const std::string b = once ? a : (*values)["b"].as<std::string>();
    if (a == "-" && b == "-") throw UsageError("both want standard input");
    compare::ReportOptions options;
    options.times = values->count("ignore-times") == 0;
    if (values->count("most"))
        options.most = parse_number((*values)["most"].as<std::string>(), "--most");
    const auto first = side(*values, a, "a");
    if (!first && a == b) return kUsage;  // the same findings once more help nobody
    const auto second = side(*values, b, "b");
    if (!first || !second) return kUsage;
    if (a == b && words_a == words_b && !values->count("trace-a") && !values->count("trace-b"))
        std::cerr << "mcemu: A and B are the same run: --set-b, --unset-b, --profile-b and --matrix-b "
                     "change one side\n";
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
