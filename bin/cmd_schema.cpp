// mcemu schema: the forms of the files, as JSON Schema draft 7.
#include <iostream>

#include "commands.hpp"
#include "options.hpp"
#include "scenario/schema.hpp"

namespace mcemu::cli {

int cmd_schema(const Args& args) {
    namespace po = boost::program_options;
    CommandLine line{.usage = "schema scenario|result|campaign|nvdimm-state",
                     .what = "Prints the JSON Schema (draft 7) of a scenario, a result, a campaign or an NVDIMM image."};
    line.hidden.add_options()("which", po::value<std::string>());
    line.positional.add("which", 1);
    const auto options = parse(line, args);
    if (!options) return kDone;
    const std::string which = options->count("which") ? (*options)["which"].as<std::string>() : "";
    const std::string names[] = {"scenario", "result", "campaign", "nvdimm-state"};
    const std::string known = "there are scenario, result, campaign and nvdimm-state";
    if (which == names[0]) {
        std::cout << scenario::scenario_schema().dump(2) << '\n';
    } else if (which == names[1]) {
        std::cout << scenario::result_schema().dump(2) << '\n';
    } else if (which == names[2]) {
        std::cout << scenario::campaign_schema().dump(2) << '\n';
    } else if (which == names[3]) {
        std::cout << scenario::nvdimm_state_schema().dump(2) << '\n';
    } else {
        const std::string near = nearest_name(which, names);
        throw UsageError(which.empty() ? "which schema? T" + known.substr(1)
                         : near.empty() ? "there is no schema of \"" + which + "\": " + known
                                        : "there is no schema of \"" + which + "\": did you mean " + near + "?");
    }
    std::cout.flush();
    return std::cout ? kDone : kCannotWrite;
}

}  // namespace mcemu::cli
