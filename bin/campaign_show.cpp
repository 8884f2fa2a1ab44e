// mcemu campaign plan, merge, status and report: the parts that make no runs.
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "campaign/cluster.hpp"
#include "campaign/figures.hpp"
#include "campaign/schedule.hpp"
#include "campaign_common.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;
using campaign::Database;
using Json = nlohmann::ordered_json;

std::string the_file(const po::variables_map& values, const std::string& usage) {
    if (!values.count("file")) throw UsageError("a file is needed: mcemu " + usage);
    return values["file"].as<std::string>();
}

std::string dumped(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json plan_json(const campaign::Plan& plan, std::uint64_t samples) {
    const auto& c = plan.campaign();
    Json out = {{"campaign", c.name}, {"scenario", c.scenario}, {"cells", plan.cells()}};
    if (c.stop)
        out["runs_per_cell"] = {{"at_least", c.stop->at_least}, {"at_most", c.stop->at_most}};
    else
        out["runs_per_cell"] = c.runs;
    out["runs"] = plan.cells() * (c.stop ? c.stop->at_least : c.runs);
    Json list = Json::array();
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(plan.cells(), 1000); ++i) {
        Json cell = {{"cell", i}, {"parameters", plan.cell_values(i)}};
        if (!c.draws.empty()) {
            Json drawn = Json::array();
            for (std::uint64_t rep = 0; rep < std::min(samples, c.runs); ++rep) {
                Json run = {{"run", rep}, {"seed", plan.seed(i, rep)}};
                for (std::size_t d = 0; d < c.draws.size(); ++d) run[c.draws[d].name] = plan.drawn(d, i, rep);
                drawn.push_back(std::move(run));
            }
            cell["first_runs"] = std::move(drawn);
        }
        list.push_back(std::move(cell));
    }
    out["list"] = std::move(list);
    return out;
}

}  // namespace

int campaign_plan(const Args& args) {
    CommandLine line{.usage = "campaign plan [options] FILE",
                     .what = "Checks a campaign and the scenario of every cell, and shows the runs that it has."};
    // clang-format off
    line.visible.add_options()
        ("json", "as JSON, with the first random values of each cell")
        ("output,o", po::value<std::string>()->value_name("DB"),
         "write the plan with all its files: shards of it need no other file");
    // clang-format on
    line.hidden.add_options()("file", po::value<std::string>());
    line.positional.add("file", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    const auto plan = load_plan(the_file(*values, line.usage));
    if (values->count("output")) campaign::write_results((*values)["output"].as<std::string>(), *plan, {}, false);
    const Json shown = plan_json(*plan, 3);
    if (values->count("json")) {
        output::write_file("-", dumped(shown));
        return kDone;
    }
    const auto& c = plan->campaign();
    std::string text = c.name + ": " + std::to_string(plan->cells()) + (plan->cells() == 1 ? " cell" : " cells") + " of " +
                       (c.stop ? std::to_string(c.stop->at_least) + " to " + std::to_string(c.stop->at_most)
                               : std::to_string(c.runs)) +
                       " runs of " + c.scenario + "\n";
    constexpr std::uint64_t kShown = 40;
    for (std::uint64_t i = 0; i < std::min(plan->cells(), kShown); ++i)
        text += "  " + std::to_string(i) + ": " + plan->cell_name(i) + "\n";
    if (plan->cells() > kShown) text += "  and " + std::to_string(plan->cells() - kShown) + " cells more\n";
    for (const auto& d : c.draws) text += "  drawn for every run: " + d.name + " (" + d.pointer + ")\n";
    output::write_file("-", text);
    return kDone;
}

int campaign_merge(const Args& args) {
    CommandLine line{.usage = "campaign merge PART.db... -o OUT.db",
                     .what = "Puts the runs of several databases of one campaign together, in any order."};
    // clang-format off
    line.visible.add_options()
        ("output,o", po::value<std::string>()->value_name("FILE"), "the results database")
        ("quiet,q", "no summary");
    // clang-format on
    line.hidden.add_options()("files", po::value<std::vector<std::string>>());
    line.positional.add("files", -1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("files")) throw UsageError("databases are needed: mcemu " + line.usage);
    if (!values->count("output")) throw UsageError("-o FILE is needed: mcemu " + line.usage);
    const std::string output = (*values)["output"].as<std::string>();
    campaign::merge_files((*values)["files"].as<std::vector<std::string>>(), output);
    const Opened merged = open_database(output, Database::Mode::read);
    if (!values->count("quiet")) {
        print_summary(*merged.plan, *merged.database);
        const campaign::Schedule schedule(*merged.plan, merged.database.get());
        if (!merged.database->finished())
            std::cerr << schedule.planned() - schedule.done() << " runs are missing: mcemu campaign resume " << output
                      << " makes them\n";
    }
    return kDone;
}

int campaign_status(const Args& args) {
    CommandLine line{.usage = "campaign status [options] OUT.db",
                     .what = "Shows how many runs of a campaign exist; OUT.db may be unfinished (OUT.db.part)."};
    line.visible.add_options()("json", "as JSON, with every cell");
    line.hidden.add_options()("file", po::value<std::string>());
    line.positional.add("file", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    std::string path = the_file(*values, line.usage);
    const bool part = !fs::exists(path) && fs::exists(work_file(path));
    if (part) path = work_file(path);
    const Opened opened = open_database(path, Database::Mode::read);
    const campaign::Schedule schedule(*opened.plan, opened.database.get());
    std::uint64_t failed = 0;
    const auto cursor = opened.database->runs_of();
    while (const campaign::RunRecord* r = cursor->next())
        if (!r->failure.empty()) ++failed;
    if (values->count("json")) {
        Json out = {{"campaign", opened.plan->campaign().name}, {"finished", opened.database->finished()},
                    {"runs", schedule.done()}, {"planned", schedule.planned()}, {"failed", failed}};
        Json cells = Json::array();
        for (std::uint64_t c = 0; c < opened.plan->cells(); ++c)
            cells.push_back({{"cell", c}, {"name", opened.plan->cell_name(c)}, {"runs", schedule.cell_done(c)},
                             {"planned", schedule.cell_target(c)}});
        out["cells"] = std::move(cells);
        output::write_file("-", dumped(out));
        return kDone;
    }
    std::string text = opened.plan->campaign().name + ": " + std::to_string(schedule.done()) + " of " +
                       std::to_string(schedule.planned()) + " runs";
    if (failed > 0) text += ", " + std::to_string(failed) + " failed";
    text += opened.database->finished() ? "; finished\n" : "; not finished: mcemu campaign resume goes on\n";
    std::uint64_t lacking = 0;
    for (std::uint64_t c = 0; c < opened.plan->cells(); ++c) {
        if (schedule.cell_done(c) >= schedule.cell_target(c)) continue;
        if (++lacking > 40) continue;
        text += "  " + opened.plan->cell_name(c) + ": " + std::to_string(schedule.cell_done(c)) + " of " +
                std::to_string(schedule.cell_target(c)) + "\n";
    }
    if (lacking > 40) text += "  and " + std::to_string(lacking - 40) + " cells more\n";
    output::write_file("-", text);
    return kDone;
}

int campaign_report(const Args& args) {
    CommandLine line{.usage = "campaign report [options] OUT.db",
                     .what = "Shares of the classes with Clopper-Pearson intervals, times with quantiles and phases,\n"
                             "exposure, comparison of variants, and which parameter moves what."};
    // clang-format off
    line.visible.add_options()
        ("format", po::value<std::string>()->default_value("text")->value_name("FORM"), "text, md, csv or json")
        ("output,o", po::value<std::string>()->default_value("-")->value_name("FILE"), "write it there");
    // clang-format on
    line.hidden.add_options()("file", po::value<std::string>());
    line.positional.add("file", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    const std::string& format = (*values)["format"].as<std::string>();
    const std::vector<std::string> known = {"text", "md", "csv", "json"};
    if (std::find(known.begin(), known.end(), format) == known.end())
        throw UsageError("--format takes text, md, csv or json, not '" + format + "'");
    std::string path = the_file(*values, line.usage);
    if (!fs::exists(path) && fs::exists(work_file(path))) path = work_file(path);
    const Opened opened = open_database(path, Database::Mode::read);
    const Json figures = campaign::figures(*opened.plan, *opened.database);
    output::write_file((*values)["output"].as<std::string>(),
                       format == "json"  ? dumped(figures)
                       : format == "md"  ? campaign::figures_markdown(figures)
                       : format == "csv" ? campaign::figures_csv(figures)
                                         : campaign::figures_text(figures));
    return kDone;
}

}  // namespace mcemu::cli
