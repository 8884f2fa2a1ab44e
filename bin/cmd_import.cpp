// mcemu import: what other tools write, to a scenario.
#include <iostream>
#include <nlohmann/json.hpp>

#include "formats_table.hpp"
#include "output/atomic_file.hpp"
#include "scenario/load.hpp"
#include "scenario/ndctl_import.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;

/// A format that scenarios are made from.
struct ImportFormat {
    const char* name;
    const char* what;
    scenario::Imported (*import)(std::string name, std::string text);
};
constexpr ImportFormat kFormats[] = {
    {"ndctl", "JSON of `ndctl list` with any of -BDRNHXCiM", scenario::import_ndctl},
};

}  // namespace

int cmd_import(const Args& args) {
    CommandLine line;
    line.usage = "import [options] FORMAT FILE";
    line.what = "Makes a scenario of what another tool wrote. FILE may be -: standard input.\n" +
                format_list(kFormats) +
                "What the scenario does not say, or had to guess, goes to standard error.";
    line.visible.add_options()("output,o",
                               po::value<std::string>()->default_value("-")->value_name("SCENARIO"),
                               "where the scenario goes")("quiet,q", "say nothing of what is lost");
    line.hidden.add_options()("format", po::value<std::string>())("file", po::value<std::string>());
    line.positional.add("format", 1).add("file", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("file"))
        throw UsageError("a format and a file are needed: mcemu " + line.usage);
    const ImportFormat& format = find_format(kFormats, (*values)["format"].as<std::string>());

    const std::string& path = (*values)["file"].as<std::string>();
    const std::string name = path == "-" ? "<stdin>" : path;
    scenario::ReadText text = scenario::read_file(path);
    if (!text.text) {
        std::cerr << scenario::to_text({name, 0, 0, "", "cannot be read", text.error}) << "\n";
        return kUsage;
    }
    const scenario::Imported imported = format.import(name, std::move(*text.text));
    for (const scenario::Finding& f : imported.findings) std::cerr << scenario::to_text(f) << "\n";
    if (!imported.scenario) return kUsage;
    if (!values->count("quiet"))
        for (const scenario::Finding& f : imported.lost) std::cerr << scenario::to_text(f) << "\n";
    output::write_file((*values)["output"].as<std::string>(), imported.scenario->dump(2) + "\n");
    return kDone;
}

}  // namespace mcemu::cli
