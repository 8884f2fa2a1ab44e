#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "boot_image.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "output/dmesg.hpp"
#include "output/ndctl_list.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"
#include "output/trace_ndjson.hpp"
#include "output/trace_perfetto.hpp"
#include "output/trace_vcd.hpp"
#include "output/verdict.hpp"
#include "races.hpp"
#include "scenario/nvdimm_state.hpp"
#include "scenario_file.hpp"
#include "sim/run.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
using output::AtomicFile;

std::atomic<bool> run_interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // set in a signal handler

extern "C" void on_interrupt(int) {
    run_interrupted = true;
    std::signal(SIGINT, SIG_DFL);  // the second one ends the program at once
}

CommandLine run_line() {
    CommandLine line;
    line.usage = "run [options] SCENARIO";
    line.what =
        "Emulates one scenario (\"-\": standard input). The kernel log goes to standard output as\n"
        "dmesg prints it, a verdict with the fate of every event to standard error.";
    // clang-format off
    line.visible.add_options()
        ("result", po::value<std::string>()->value_name("FILE"), "write the result JSON")
        ("trace", po::value<std::vector<std::string>>()->value_name("FILE")->composing(),
         "write the trace; by its ending: .ndjson a JSON record a line, .json for Perfetto, .vcd for "
         "waveform viewers (several allowed)")
        ("log", po::value<std::string>()->value_name("FILE"),
         "write the kernel log there (\"-\": standard output)")
        ("json", "result JSON to standard output instead of the log")
        ("ndctl-list", "the NVDIMMs at the end to standard output instead of the log, as "
         "ndctl list -BDHRNXM prints them")
        ("load-state", po::value<std::string>()->value_name("FILE"),
         "boot on the NVDIMMs that a run left there; the scenario's own media errors and its "
         "boots_on do not count")
        ("save-state", po::value<std::string>()->value_name("FILE"),
         "write what the NVDIMMs keep when the machine goes off at the end of the run")
        ("seed", po::value<std::string>()->value_name("N"), "seed of all random numbers")
        ("until", po::value<std::string>()->value_name("TIME"),
         "end the run at this simulated time, e.g. 10ms")
        ("quiet,q", "no log and no verdict, only errors and failed expectations")
        ("color", po::value<std::string>()->default_value("auto")->value_name("WHEN"),
         "auto, always or never");
    // clang-format on
    add_scenario_options(line);
    add_explore_options(line);
    line.visible.add_options()("schedule", po::value<std::string>()->value_name("ORDER"),
                               "run in one order that --explore found");
    line.hidden.add_options()(
        "no-run-ahead", "hand every timestamp to SystemC (for tests: the result is the same)")(
        "check-invariants", "look at the kernel's invariants after everything that happens")(
        "scenario", po::value<std::string>());
    line.positional.add("scenario", 1);
    return line;
}

/// Where everything goes. Files are opened before the run: a place that cannot be written to is
/// known before time is spent.
struct Outputs {
    std::unique_ptr<AtomicFile> log, result, state;
    std::vector<std::unique_ptr<AtomicFile>> traces;
};

struct TraceFormat {
    std::string_view ending;
    void (*write)(const RunView& view, AtomicFile& file);
};
constexpr TraceFormat kTraceFormats[] = {{".ndjson", output::write_ndjson},
                                         {".vcd", output::write_vcd},
                                         {".json", output::write_perfetto}};

/// How the trace of that name is written; throws UsageError.
const TraceFormat& trace_format(const std::string& name) {
    if (name == "-") return kTraceFormats[0];
    for (const TraceFormat& f : kTraceFormats)
        if (name.ends_with(f.ending)) return f;
    throw UsageError("--trace '" + name +
                     "': the ending says the format: .ndjson, .json (Perfetto, Chrome trace viewer) "
                     "or .vcd (waveform viewers) would be right");
}

/// Which names were given; throws UsageError before anything is opened.
struct Names {
    std::string log, result, state;
    std::vector<std::string> traces;
};
Names output_names(const po::variables_map& values) {
    Names names;
    const bool json = values.count("json") > 0;
    if (values.count("result")) names.result = values["result"].as<std::string>();
    if (json && names.result == "-")
        throw UsageError("--json and --result - say the same: one is enough");
    if (values.count("trace")) names.traces = values["trace"].as<std::vector<std::string>>();
    for (const std::string& t : names.traces) trace_format(t);

    std::set<std::string> seen;
    const auto claim = [&](const std::string& name) {
        if (name.empty()) return;
        if (!seen.insert(name).second)
            throw UsageError(name == "-" ? "two outputs want standard output"
                                         : "two outputs have the name '" + name + "'");
    };
    const bool listed = values.count("ndctl-list") > 0;
    if (json) claim("-");
    if (listed) claim("-");
    claim(names.result);
    for (const std::string& t : names.traces) claim(t);
    if (values.count("save-state")) names.state = values["save-state"].as<std::string>();
    claim(names.state);
    if (values.count("log")) {
        names.log = values["log"].as<std::string>();
        claim(names.log);
    } else if (!values.count("quiet") && !seen.count("-")) {
        names.log = "-";
    }
    return names;
}

Outputs open(const Names& names) {
    Outputs out;
    if (!names.log.empty()) out.log = std::make_unique<AtomicFile>(names.log);
    if (!names.result.empty()) out.result = std::make_unique<AtomicFile>(names.result);
    if (!names.state.empty()) out.state = std::make_unique<AtomicFile>(names.state);
    for (const std::string& t : names.traces) out.traces.push_back(std::make_unique<AtomicFile>(t));
    return out;
}

void write_log(const RunView& view, AtomicFile& file) {
    const output::Dmesg dmesg(view.scenario.kernel.profile, view.names);
    std::string line;
    for (const kernel::LogRecord& r : view.kernel.log.records()) {
        line.clear();
        output::Dmesg::append_stamp(line, r.at);
        dmesg.append_text(line, r);
        line += '\n';
        file.write(line);
    }
    file.commit();
}

/// The NVDIMMs that the run starts from; nullopt after findings.
std::optional<NvdimmImage> load_state(const po::variables_map& values, const Scenario& scenario) {
    const std::string& path = values["load-state"].as<std::string>();
    const std::string& name = values["scenario"].as<std::string>();
    scenario::NvdimmState state = scenario::load_nvdimm_state(path, scenario.machine, name);
    for (const scenario::Finding& f : state.findings) std::cerr << scenario::to_text(f) << "\n";
    return std::move(state.image);
}

/// The NVDIMMs of a run that was not cut short.
void write_state(const sim::Simulation& simulation, AtomicFile& file) {
    if (run_interrupted) {
        std::cerr << "mcemu: interrupted: " << file.path() << " is not written\n";
        return;
    }
    file.write(scenario::nvdimm_state_text(simulation.image()));
    file.commit();
}

int report(const RunView& view, const scenario::LoadedScenario& loaded,
           const po::variables_map& values, const std::vector<std::string>& boots, Outputs& out) {
    const nlohmann::json& expect = loaded.expect;
    const auto where = [&](const std::string& pointer) { return loaded.where(pointer); };
    const auto rank = [&](const std::string& pointer) { return loaded.rank(pointer); };
    const bool colour = colour_wanted(values["color"].as<std::string>());
    const bool quiet = values.count("quiet") > 0;
    const bool json = values.count("json") > 0;
    bool met = true;
    output::Json result;
    // A storm without an audience pays for no result.
    if (out.result || json || !quiet || !expect.empty()) {
        result = output::make_result(view, expect);
        met = output::finish_result(
            view, expect, result, [&](const std::string& p) { return loaded.setting_place(p); });
    }
    if (out.log) write_log(view, *out.log);
    if (values.count("ndctl-list")) output::write_file("-", output::ndctl_list(view));
    if (out.result || json) {
        const std::string text =
            result.dump(2, ' ', false, output::Json::error_handler_t::replace) + "\n";
        if (out.result) {
            out.result->write(text);
            out.result->commit();
        }
        if (json) output::write_file("-", text);
    }
    for (const auto& trace : out.traces) {
        trace_format(trace->path()).write(view, *trace);
        trace->commit();
    }
    if (!out.traces.empty() && view.trace.first() > 1)
        std::cerr << "mcemu: the trace lacks its first " << view.trace.first() - 1
                  << " records: there was no room for them\n";
    if (quiet) {
        if (!met) std::cerr << output::failed_expectations(result, where, colour, rank);
    } else {
        for (const std::string& line : boots) std::cerr << line << "\n";
        std::cerr << output::verdict(result, where, colour, rank);
    }
    std::cerr.flush();
    if (run_interrupted) return kInterrupted;
    return met ? kDone : kDiffers;
}

/// run --explore: the outcomes instead of one log and verdict.
int explore(const scenario::LoadedScenario& loaded, const po::variables_map& values,
            compare::ExploreOptions how) {
    for (const char* one : {"result", "trace", "log", "ndctl-list", "load-state", "save-state", "schedule"})
        if (values.count(one))
            throw UsageError("--" + std::string(one) +
                             " is about one run, --explore about many: replay one with --schedule");
    how.run.check_invariants = values.count("check-invariants") > 0;
    how.progress = [](std::size_t) { return !run_interrupted.load(); };
    const BootImage boot = boot_image(loaded, values["scenario"].as<std::string>());
    if (!boot.good) return kUsage;
    how.run.start_from = boot.get();
    std::signal(SIGINT, on_interrupt);
    const compare::Exploration found = compare::explore(loaded, how);
    const std::string file = values["scenario"].as<std::string>();
    output::write_file("-", values.count("json") ? exploration_json(found).dump(2) + "\n"
                                                 : exploration_text(found, file));
    if (run_interrupted) return kInterrupted;
    return found.met() ? kDone : kDiffers;
}

}  // namespace

int cmd_run(const Args& args) {
    const CommandLine line = run_line();
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("scenario")) throw UsageError("a scenario is needed: mcemu " + line.usage);
    colour_wanted((*values)["color"].as<std::string>());  // a bad word is told before the run
    if (values->count("load-state") && (*values)["load-state"].as<std::string>() == "-" &&
        (*values)["scenario"].as<std::string>() == "-")
        throw UsageError("the scenario and --load-state both want standard input");
    const Names names = output_names(*values);
    const auto explored = explore_options(*values);
    std::optional<compare::ScheduleChooser> chooser;
    if (values->count("schedule"))
        chooser.emplace(schedule_of((*values)["schedule"].as<std::string>()));

    auto loaded = load_scenario(*values);
    if (!loaded) return kUsage;
    if (explored) return explore(*loaded, *values, *explored);
    std::optional<NvdimmImage> image;
    std::vector<std::string> boots;  // what became of the runs that left it
    if (values->count("load-state")) {
        image = load_state(*values, loaded->scenario);
        if (!image) return kUsage;
    } else {
        BootImage boot = boot_image(*loaded, (*values)["scenario"].as<std::string>());
        if (!boot.good) return kUsage;
        image = std::move(boot.image);
        boots = std::move(boot.story);
    }
    Outputs out = open(names);

    std::signal(SIGINT, on_interrupt);
    sim::RunOptions options;
    options.run_ahead = values->count("no-run-ahead") == 0;
    options.check_invariants = values->count("check-invariants") > 0;
    options.interrupt = &run_interrupted;
    options.log_matcher = output::make_log_matcher;
    options.start_from = image ? &*image : nullptr;
    if (chooser) {
        options.chooser = &*chooser;
        options.window = schedule_of((*values)["schedule"].as<std::string>()).window;
    }
    sim::Simulation simulation(std::move(loaded->scenario), options);
    simulation.run();
    if (chooser)
        if (const std::string misfit = chooser->misfit(); !misfit.empty())
            throw UsageError("--schedule does not fit this scenario: " + misfit);
    if (out.state) write_state(simulation, *out.state);
    return report(simulation.view(), *loaded, *values, boots, out);
}

}  // namespace mcemu::cli
