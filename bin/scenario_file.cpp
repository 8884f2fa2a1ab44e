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
         "change a value of the scenario (several allowed)");
    // clang-format on
}

std::shared_ptr<scenario::LoadedScenario> load_scenario(const po::variables_map& values) {
    scenario::LoadOptions options;
    scenario::Overrides& overrides = options.overrides;
    const auto text = [&](const char* name) -> std::optional<std::string> {
        if (!values.count(name)) return std::nullopt;
        return values[name].as<std::string>();
    };
    overrides.profile = text("profile");
    overrides.until = text("until");
    if (const auto seed = text("seed")) overrides.seed = parse_number(*seed, "--seed");
    if (values.count("set")) overrides.set = values["set"].as<std::vector<std::string>>();

    scenario::LoadResult result =
        scenario::load_file(values["scenario"].as<std::string>(), options);
    for (const scenario::Finding& finding : result.findings)
        std::cerr << scenario::to_text(finding) << "\n";
    if (result.left_out > 0) std::cerr << "mcemu: and " << result.left_out << " findings more\n";
    return result.loaded;
}

}  // namespace mcemu::cli
