// The smallest scenario that still fails the same way.
#include <atomic>
#include <csignal>
#include <iostream>

#include "boot_image.hpp"
#include "compare/shrink.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "scenario_file.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

std::atomic<bool> shrink_interrupted = false;

extern "C" void on_shrink_interrupt(int) {
    shrink_interrupted = true;
    std::signal(SIGINT, SIG_DFL);
}

CommandLine shrink_line() {
    CommandLine line;
    line.usage = "shrink [options] SCENARIO";
    line.what =
        "Takes away from a scenario that fails all that its failure does not need: processes,\n"
        "files, events, members; then makes every value as round as it can be. The result fails\n"
        "for the same first expectation. The scenario goes to standard output, what was done to\n"
        "standard error.";
    // clang-format off
    line.visible.add_options()
        ("output,o", po::value<std::string>()->default_value("-")->value_name("FILE"),
         "write the scenario there")
        ("runs", po::value<std::string>()->value_name("N"), "at most so many runs (5000)")
        ("time-limit", po::value<std::string>()->value_name("SECONDS"),
         "real time that a run may take (10); one that takes longer has no result")
        ("seed", po::value<std::string>()->value_name("N"), "seed of all random numbers");
    // clang-format on
    add_scenario_options(line);
    line.hidden.add_options()("scenario", po::value<std::string>());
    line.positional.add("scenario", 1);
    return line;
}

/// The scenario as it is written, where it stands alone: params stay names. Else with what it
/// includes and what the options change.
Json document_of(const po::variables_map& values, const std::string& text,
                 const scenario::LoadedScenario& loaded) {
    const Json raw = Json::parse(text, nullptr, false, true);
    const bool changed = changes_scenario(values) || values.count("seed");
    if (raw.is_object() && !raw.contains("include") && !changed) return raw;
    Json merged = loaded.document();
    if (!raw.is_object()) return merged;
    // In the order of the file, then what came from elsewhere.
    Json ordered = Json::object();
    for (const auto& [key, value] : raw.items())
        if (merged.contains(key)) ordered[key] = merged[key];
    for (const auto& [key, value] : merged.items())
        if (!ordered.contains(key)) ordered[key] = value;
    ordered.erase("params");  // they are in their places now
    ordered.erase("matrix");
    return ordered;
}

}  // namespace

int cmd_shrink(const Args& args) {
    const CommandLine line = shrink_line();
    const auto parsed = parse(line, args);
    if (!parsed) return kDone;
    const po::variables_map& values = *parsed;
    if (!values.count("scenario")) throw UsageError("a scenario is needed: mcemu " + line.usage);
    compare::ShrinkOptions options;
    if (values.count("runs")) options.runs = parse_number(values["runs"].as<std::string>(), "--runs");
    if (values.count("time-limit"))
        options.limit_s = static_cast<unsigned>(
            parse_number(values["time-limit"].as<std::string>(), "--time-limit") & 0xffffffff);
    options.progress = [](std::size_t) { return !shrink_interrupted.load(); };

    const std::string path = values["scenario"].as<std::string>();
    const scenario::ReadText text = scenario::read_file(path);
    const auto loaded = load_scenario_text(values, path, text);
    if (!loaded) return kUsage;
    const BootImage boot = boot_image(*loaded, path);
    if (!boot.good) return kUsage;
    options.start_from = boot.get();
    const std::string target = values["output"].as<std::string>();
    output::AtomicFile file(target);
    std::signal(SIGINT, on_shrink_interrupt);
    const Json document = document_of(values, *text.text, *loaded);
    const compare::Shrunk shrunk = compare::shrink(path == "-" ? "<stdin>" : path, document, options);
    if (!shrunk.refused.empty()) {
        std::cerr << "mcemu: nothing to shrink in " << path << ": " << shrunk.refused << "\n";
        return kUsage;
    }
    file.write(shrunk.document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    file.commit();
    const std::string words = compare::shrunk_words(document, shrunk.document);
    std::cerr << path << ": " << (words.empty() ? "as small as it can be" : words) << " ("
              << shrunk.runs << " runs)\n"
              << compare::verdict_words(shrunk.after) << "\n";
    if (shrink_interrupted) return kInterrupted;
    if (!shrunk.finished)
        std::cerr << "mcemu: the bound of " << options.runs << " runs ended the search\n";
    return kDone;
}

}  // namespace mcemu::cli
