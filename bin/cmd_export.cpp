// mcemu export: a scenario or a result, for other tools.
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "exchange/mce_export.hpp"
#include "exchange/rasdaemon_export.hpp"
#include "formats/ndctl_commands.hpp"
#include "formats_table.hpp"
#include "output/atomic_file.hpp"
#include "output/result.hpp"
#include "scenario_file.hpp"
#include "sim/run.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;

exchange::Exported ndctl_of_result(const nlohmann::json& result) {
    std::vector<formats::NamespaceBadblocks> rows;
    for (const auto& [ns, text] : result["badblocks"].items()) {
        if (!ns.starts_with("namespace")) continue;  // a region: its namespaces say the same
        // The name goes into a shell script.
        if (ns.find_first_not_of("0123456789.", 9) != std::string::npos)
            throw UsageError("the result names a namespace '" + ns +
                             "': namespaceR.N would be one");
        std::istringstream lines(text.get<std::string>());
        for (formats::NamespaceBadblocks row{ns}; lines >> row.block >> row.count;)
            rows.push_back(row);
    }
    return {formats::ndctl_commands(result["scenario"].get<std::string>(), rows), {}};
}

exchange::Exported ndctl_of_scenario(const scenario::LoadedScenario& loaded) {
    return {formats::ndctl_commands(loaded.scenario), {}};
}
exchange::Exported mce_inject_of_scenario(const scenario::LoadedScenario& loaded) {
    return exchange::mce_inject_of(loaded.scenario, loaded.document());
}
exchange::Exported mce_inject_of_result(const nlohmann::json& result) {
    return exchange::mce_inject_of(result);
}
exchange::Exported qemu_of_scenario(const scenario::LoadedScenario& loaded) {
    return exchange::qemu_of(loaded.scenario, loaded.document());
}
exchange::Exported qemu_of_result(const nlohmann::json& result) { return exchange::qemu_of(result); }

/// What would have been recorded is known when it has run.
exchange::Exported rasdaemon_of_scenario(const scenario::LoadedScenario& loaded) {
    sim::Simulation simulation(loaded.scenario, {});
    simulation.run();
    return exchange::rasdaemon_of(
        output::make_result(simulation.view(), nlohmann::json::object()));
}
exchange::Exported rasdaemon_of_result(const nlohmann::json& result) { return exchange::rasdaemon_of(result); }

/// A format that scenarios and results are written in.
struct ExportFormat {
    const char* name;
    const char* what;
    exchange::Exported (*of_scenario)(const scenario::LoadedScenario& loaded);
    exchange::Exported (*of_result)(const nlohmann::json& result);
};
constexpr ExportFormat kFormats[] = {
    {"mce-inject", "text that mce-inject reads: its machine checks, or the records of a run",
     mce_inject_of_scenario, mce_inject_of_result},
    {"ndctl", "`ndctl inject-error` commands for its media errors, as a shell script",
     ndctl_of_scenario, ndctl_of_result},
    {"rasdaemon", "a database that ras-mc-ctl reads; a scenario is run first", rasdaemon_of_scenario,
     rasdaemon_of_result},
    {"qemu", "`mce` commands for QEMU's monitor", qemu_of_scenario, qemu_of_result},
};

}  // namespace

int cmd_export(const Args& args) {
    CommandLine line;
    line.usage = "export [options] FORMAT SCENARIO|RESULT";
    line.what = "Writes a scenario, or the result of a run, in the form of another tool.\n" +
                format_list(kFormats) +
                "Of a result: what the run recorded, and what was bad at its end. What is lost "
                "goes to\nstandard error.";
    line.visible.add_options()("output,o",
                               po::value<std::string>()->default_value("-")->value_name("FILE"),
                               "where the text goes")("quiet,q", "say nothing of what is lost");
    add_scenario_options(line);
    line.hidden.add_options()("format", po::value<std::string>())("scenario",
                                                                  po::value<std::string>());
    line.positional.add("format", 1).add("scenario", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("scenario"))
        throw UsageError("a format and a scenario or result are needed: mcemu " + line.usage);
    const ExportFormat& format = find_format(kFormats, (*values)["format"].as<std::string>());

    const auto document = load_scenario_or_result(*values);
    if (!document) return kUsage;
    const exchange::Exported out = document->scenario ? format.of_scenario(*document->scenario)
                                                      : format.of_result(document->result);
    if (!values->count("quiet"))
        for (const std::string& what : out.lost) std::cerr << "lost: " << what << "\n";
    output::write_file((*values)["output"].as<std::string>(), out.text);
    return kDone;
}

}  // namespace mcemu::cli
