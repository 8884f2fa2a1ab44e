// mcemu check: everything that is wrong with scenarios, without running them.
#include <iostream>
#include <vector>

#include "commands.hpp"
#include "options.hpp"
#include "output/result.hpp"
#include "scenario/load.hpp"

namespace mcemu::cli {
namespace {

std::string counted(std::size_t n, const std::string& one) {
    return std::to_string(n) + ' ' + one + (n == 1 ? "" : "s");
}

}  // namespace

int cmd_check(const Args& args) {
    namespace po = boost::program_options;
    CommandLine line{.usage = "check [options] SCENARIO...",
                     .what = "Checks scenarios: JSON, schema, then meaning. All findings go to stderr."};
    line.visible.add_options()
        ("sarif", "print the findings to stdout as SARIF 2.1.0")
        ("set", po::value<std::vector<std::string>>()->composing()->value_name("/POINTER=VALUE"),
         "change a value before the check; may be given several times")
        ("unset", po::value<std::vector<std::string>>()->composing()->value_name("/POINTER"),
         "take a key away, before --set; may be given several times")
        ("profile", po::value<std::string>()->value_name("NAME"), "the kernel profile to check for")
        ("quiet,q", "only the exit status, and SARIF when asked for");
    line.hidden.add_options()("scenario", po::value<std::vector<std::string>>());
    line.positional.add("scenario", -1);
    const auto options = parse(line, args);
    if (!options) return kDone;
    if (!options->count("scenario")) throw UsageError("no scenario is given: mcemu check FILE...");

    scenario::LoadOptions load;
    load.purpose = scenario::Purpose::check;
    if (options->count("set")) load.overrides.set = (*options)["set"].as<std::vector<std::string>>();
    if (options->count("unset"))
        load.overrides.unset = (*options)["unset"].as<std::vector<std::string>>();
    if (options->count("profile")) load.overrides.profile = (*options)["profile"].as<std::string>();

    const auto& files = (*options)["scenario"].as<std::vector<std::string>>();
    const bool quiet = options->count("quiet") != 0;
    std::vector<scenario::Finding> all;
    std::size_t total = 0;
    for (const std::string& file : files) {
        scenario::LoadResult result = scenario::load_file(file, load);
        total += result.findings.size() + result.left_out;
        if (!quiet) {
            for (const auto& finding : result.findings) std::cerr << to_text(finding) << '\n';
            if (result.left_out != 0)
                std::cerr << file << ": and " << counted(result.left_out, "finding") << " more\n";
        }
        all.insert(all.end(), std::make_move_iterator(result.findings.begin()),
                   std::make_move_iterator(result.findings.end()));
    }
    if (options->count("sarif")) {
        std::cout << scenario::to_sarif(all, std::string(output::program_version()));
        std::cout.flush();
        if (!std::cout) return kCannotWrite;
    }
    if (!quiet) std::cerr << counted(files.size(), "file") << ", " << counted(total, "finding") << '\n';
    return total == 0 ? kDone : kUsage;
}

}  // namespace mcemu::cli
