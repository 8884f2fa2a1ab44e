#include "scenario_file.hpp"

#include <iostream>
#include <string>
#include <vector>

namespace mcemu::cli {
namespace po = boost::program_options;

void add_scenario_options(CommandLine& line) {
    // clang-format off
    line.visible.add_options()
        ("profile", po::value<std::string>()->value_name("NAME"),
         "kernel to emulate instead of the scenario's (see mcemu profiles)")
        ("set", po::value<std::vector<std::string>>()->value_name("/POINTER=VALUE")->composing(),
         "change a value of the scenario (several allowed)")
        ("unset", po::value<std::vector<std::string>>()->value_name("/POINTER")->composing(),
         "take a key away, before --set: its default holds (several allowed)")
        ("matrix", po::value<std::vector<std::string>>()->value_name("NAME=VALUE")->composing(),
         "pick this value of the scenario's matrix (one per name)");
    // clang-format on
}

namespace {

void print(const std::vector<scenario::Finding>& findings) {
    for (const scenario::Finding& finding : findings)
        std::cerr << scenario::to_text(finding) << "\n";
}

scenario::Overrides overrides_of(const po::variables_map& values) {
    scenario::Overrides overrides;
    const auto text = [&](const char* name) -> std::optional<std::string> {
        if (!values.count(name)) return std::nullopt;
        return values[name].as<std::string>();
    };
    overrides.profile = text("profile");
    overrides.until = text("until");
    if (const auto seed = text("seed")) overrides.seed = parse_number(*seed, "--seed");
    if (values.count("set")) overrides.set = values["set"].as<std::vector<std::string>>();
    if (values.count("unset")) overrides.unset = values["unset"].as<std::vector<std::string>>();
    if (values.count("matrix"))
        overrides.matrix = values["matrix"].as<std::vector<std::string>>();
    return overrides;
}

std::shared_ptr<scenario::LoadedScenario> load(const po::variables_map& values,
                                               const std::string& path,
                                               scenario::LoadOptions options) {
    options.overrides = overrides_of(values);
    scenario::LoadResult result = scenario::load_file(path, options);
    print(result.findings);
    if (result.left_out > 0) std::cerr << "mcemu: and " << result.left_out << " findings more\n";
    return result.loaded;
}

}  // namespace

bool changes_scenario(const po::variables_map& values) {
    return values.count("profile") || values.count("set") || values.count("unset") ||
           values.count("matrix");
}

std::shared_ptr<scenario::LoadedScenario> load_scenario(const po::variables_map& values) {
    return load(values, values["scenario"].as<std::string>(), {});
}

std::shared_ptr<scenario::LoadedScenario> load_scenario_text(const po::variables_map& values,
                                                             const std::string& path,
                                                             const scenario::ReadText& text) {
    scenario::LoadOptions options;
    options.read_file = [&](const std::string& wanted) {
        return wanted == path ? text : scenario::read_file(wanted);
    };
    return load(values, path, std::move(options));
}

std::shared_ptr<scenario::LoadedScenario> load_machine(const po::variables_map& values) {
    const std::string path = values["scenario"].as<std::string>();
    const scenario::ReadText text = scenario::read_file(path);
    if (auto loaded = load_scenario_text(values, path, text)) return loaded;
    scenario::LoadOptions options;
    options.read_file = [&](const std::string& wanted) {
        return wanted == path ? text : scenario::read_file(wanted);
    };
    options.machine_only = true;
    options.overrides = overrides_of(values);
    const scenario::LoadResult machine = scenario::load_file(path, options);
    if (machine.loaded) {
        std::cerr << "mcemu: these lie elsewhere: the machine and the maps are as they stand\n";
        return machine.loaded;
    }
    std::cerr << "mcemu: in the way of an answer:\n";
    print(machine.findings);
    return nullptr;
}

std::optional<ScenarioOrResult> load_scenario_or_result(const po::variables_map& values) {
    const std::string path = values["scenario"].as<std::string>();
    const scenario::ReadText text = scenario::read_file(path);
    if (text.text && scenario::is_result(*text.text)) {
        if (changes_scenario(values))
            throw UsageError("--profile, --set, --unset and --matrix change scenarios, not results");
        scenario::ResultText read =
            scenario::load_result(path == "-" ? "<stdin>" : path, *text.text);
        print(read.findings);
        if (!read.findings.empty()) return std::nullopt;
        return ScenarioOrResult{nullptr, std::move(read.result)};
    }
    auto loaded = load_scenario_text(values, path, text);
    if (!loaded) return std::nullopt;
    return ScenarioOrResult{std::move(loaded), {}};
}

}  // namespace mcemu::cli
