// What if this had been otherwise from then on: both worlds, and where they part.
#include <iostream>

#include "boot_image.hpp"
#include "compare/report.hpp"
#include "compare/whatif.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "scenario_file.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;

CommandLine whatif_line() {
    CommandLine line;
    line.usage = "whatif [options] SCENARIO --at TIME --set /POINTER=VALUE|--unset /POINTER";
    line.what =
        "Runs a scenario twice: as it stands, and with values changed from --at on. Both are the\n"
        "same until then. Shows where and why they part. What can change while a machine runs:\n"
        "latencies, system controls, boot options that have a file in sysfs, knobs, poison, and\n"
        "events from --at on. What is fixed when a machine boots (processors, lmce, banks, profile)\n"
        "cannot: mcemu diff SCENARIO --set-b /POINTER=VALUE compares whole runs.\n"
        "Exit status 1 where the worlds differ.";
    // clang-format off
    line.visible.add_options()
        ("at", po::value<std::string>()->value_name("TIME"), "when the change takes effect")
        ("set", po::value<std::vector<std::string>>()->value_name("/POINTER=VALUE")->composing(),
         "what changes then (several allowed)")
        ("unset", po::value<std::vector<std::string>>()->value_name("/POINTER")->composing(),
         "what is no longer there then (several allowed)")
        ("profile", po::value<std::string>()->value_name("NAME"),
         "kernel to emulate in both worlds instead of the scenario's")
        ("matrix", po::value<std::vector<std::string>>()->value_name("NAME=VALUE")->composing(),
         "pick this value of the scenario's matrix in both worlds (one per name)")
        ("seed", po::value<std::string>()->value_name("N"), "seed of all random numbers")
        ("ignore-times", "what only happens at another time is no difference")
        ("most", po::value<std::string>()->value_name("N"), "changes shown per kind (10)")
        ("json", "as JSON");
    // clang-format on
    line.hidden.add_options()("scenario", po::value<std::string>());
    line.positional.add("scenario", 1);
    return line;
}

}  // namespace

int cmd_whatif(const Args& args) {
    const CommandLine line = whatif_line();
    const auto parsed = parse(line, args);
    if (!parsed) return kDone;
    const po::variables_map& values = *parsed;
    if (!values.count("scenario")) throw UsageError("a scenario is needed: mcemu " + line.usage);
    if (!values.count("at")) throw UsageError("--at is needed: when does the change take effect?");
    if (!values.count("set") && !values.count("unset"))
        throw UsageError("--set or --unset is needed: what changes then?");
    const SimTime at = parse_time(values["at"].as<std::string>());
    compare::ReportOptions options;
    options.times = values.count("ignore-times") == 0;
    if (values.count("most"))
        options.most = parse_number(values["most"].as<std::string>(), "--most");

    const std::string path = values["scenario"].as<std::string>();
    const scenario::ReadText text = scenario::read_file(path);
    std::vector<std::string> sets, unsets;
    if (values.count("set")) sets = values["set"].as<std::vector<std::string>>();
    if (values.count("unset")) unsets = values["unset"].as<std::vector<std::string>>();
    po::variables_map plain = values;
    plain.erase("set");
    plain.erase("unset");
    const auto before = load_scenario_text(plain, path, text);
    if (!before) return kUsage;
    const auto after = load_scenario_text(values, path, text);
    if (!after) return kUsage;

    const BootImage boot = boot_image(*before, path);
    if (!boot.good) return kUsage;
    const compare::WhatIf worlds =
        compare::what_if(path, *before, *after, at, sets, unsets, boot.get());
    for (const scenario::Finding& f : worlds.findings) std::cerr << scenario::to_text(f) << "\n";
    if (!worlds.findings.empty()) return kUsage;
    const compare::Comparison found = compare::compare(worlds.as_it_was, worlds.changed);
    output::write_file(
        "-", values.count("json")
                 ? compare::report_json(found, worlds.as_it_was, worlds.changed, options).dump(2) + "\n"
                 : compare::report_text(found, worlds.as_it_was, worlds.changed, options));
    return found.differs(options.times) ? kDiffers : kDone;
}

}  // namespace mcemu::cli
