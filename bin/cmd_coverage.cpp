// What scenarios reach of all that the model knows.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "boot_image.hpp"
#include "compare/child.hpp"
#include "compare/coverage.hpp"
#include "compare/proposals.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "scenario/matrix.hpp"
#include "scenario_file.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;
using compare::CoverageKind;
using compare::Proposal;
using compare::Reached;
using Json = nlohmann::ordered_json;

CommandLine command_line() {
    CommandLine line;
    line.usage = "coverage [options] PATH...";
    line.what =
        "Runs scenarios (files, and folders with all below them) and shows what they reached:\n"
        "severity rows, page types, bank transitions, PAT paths, NVDIMM operations, log lines, and\n"
        "the rules in which kernels differ; and what none did. A rule was reached where the\n"
        "outcome changes when that rule alone is another kernel's: one more run for each.";
    // clang-format off
    line.visible.add_options()
        ("uncovered", "propose a scenario for everything that was not reached, proved by running it")
        ("proposals", po::value<std::string>()->value_name("FOLDER"),
         "with --uncovered: write the scenarios there")
        ("no-rules", "do not ask which rules mattered: faster")
        ("all", "list also what was reached")
        ("json", "as JSON");
    // clang-format on
    line.hidden.add_options()("paths", po::value<std::vector<std::string>>());
    line.positional.add("paths", -1);
    return line;
}

/// The scenarios of the arguments, folders in the order of their names.
std::vector<std::string> files_of(const std::vector<std::string>& paths) {
    std::vector<std::string> files;
    for (const std::string& path : paths) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            files.push_back(path);
            continue;
        }
        std::vector<std::string> below;
        for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error))
            if (it->is_regular_file(error) && it->path().extension() == ".json")
                below.push_back(it->path().string());
        if (error) throw UsageError(path + ": " + error.message());
        std::sort(below.begin(), below.end());
        files.insert(files.end(), below.begin(), below.end());
    }
    return files;
}

/// Runs every cell of a scenario. False after findings.
bool cover_file(const std::string& path, bool rules, Reached& into) {
    scenario::LoadOptions look;
    look.purpose = scenario::Purpose::check;
    const scenario::LoadResult whole = scenario::load_file(path, look);
    if (!whole.loaded) {
        for (const scenario::Finding& f : whole.findings) std::cerr << scenario::to_text(f) << "\n";
        return false;
    }
    const scenario::Matrix matrix = scenario::matrix_of(whole.loaded->text->root);
    for (std::uint64_t number = 0; number < matrix.cells(); ++number) {
        scenario::LoadOptions options;
        options.overrides.params = matrix.cell(number);
        const scenario::LoadResult one =
            matrix.axes.empty() ? whole : scenario::load_file(path, options);
        if (!one.loaded) {
            for (const scenario::Finding& f : one.findings) std::cerr << scenario::to_text(f) << "\n";
            return false;
        }
        const BootImage boot = boot_image(*one.loaded, path);
        if (!boot.good) return false;
        compare::CoverOptions how;
        how.rules = rules;
        how.start_from = boot.get();
        compare::cover(*one.loaded, how, into);
    }
    return true;
}

std::string joined(const std::set<std::string>& words) {
    std::string out;
    for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
    return out;
}

std::set<std::string> kernels_of(const Reached& reached, const std::string& kind, const std::string& thing) {
    const auto k = reached.find(kind);
    if (k == reached.end()) return {};
    const auto t = k->second.find(thing);
    return t == k->second.end() ? std::set<std::string>() : t->second;
}

/// Whether the kind was asked for at all.
bool asked(const CoverageKind& kind, bool rules) { return rules || kind.name != "kernel differences"; }

std::string text_of(const Reached& reached, std::size_t files, bool rules, bool all) {
    std::string out = std::to_string(files) + (files == 1 ? " scenario\n" : " scenarios\n");
    for (const CoverageKind& kind : compare::coverage_universe()) {
        if (!asked(kind, rules)) continue;
        const auto never = compare::missing(kind, reached);
        out += "\n" + kind.name + ": " + std::to_string(kind.things.size() - never.size()) + " of " +
               std::to_string(kind.things.size()) + " reached\n";
        for (const std::string& thing : kind.things) {
            const auto kernels = kernels_of(reached, kind.name, thing);
            if (kernels.empty()) out += "  never    " + thing + "\n";
            else if (all) out += "  reached  " + thing + " (" + joined(kernels) + ")\n";
        }
    }
    return out;
}

Json json_of(const Reached& reached, std::size_t files, bool rules) {
    Json kinds = Json::array();
    for (const CoverageKind& kind : compare::coverage_universe()) {
        if (!asked(kind, rules)) continue;
        Json things = Json::array();
        for (const std::string& thing : kind.things)
            things.push_back({{"thing", thing}, {"kernels", kernels_of(reached, kind.name, thing)}});
        kinds.push_back({{"kind", kind.name},
                         {"all", kind.things.size()},
                         {"reached", kind.things.size() - compare::missing(kind, reached).size()},
                         {"things", things}});
    }
    return {{"schema", "mcemu/coverage/1"}, {"scenarios", files}, {"kinds", kinds}};
}

/// Proposals by scenario, in the order of the first thing that each reaches.
std::string proposals_text(const std::vector<Proposal>& proposals) {
    std::string out, none;
    std::vector<std::string> order;
    std::map<std::string, std::vector<const Proposal*>> by_name;
    for (const Proposal& p : proposals) {
        if (p.scenario.is_null()) {
            none += "  " + p.kind + ": " + p.thing + "\n";
            continue;
        }
        const std::string name = p.scenario["name"].get<std::string>();
        if (by_name[name].empty()) order.push_back(name);
        by_name[name].push_back(&p);
    }
    for (const std::string& name : order) {
        out += "\nproposal " + name + " reaches:\n";
        for (const Proposal* p : by_name[name]) out += "  " + p->kind + ": " + p->thing + "\n";
        out += by_name[name].front()->scenario.dump() + "\n";
    }
    if (!none.empty()) out += "\nno proposal:\n" + none;
    return out;
}

void write_proposals(const std::vector<Proposal>& proposals, const std::string& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw output::OutputError(folder + ": " + error.message());
    std::set<std::string> done;
    for (const Proposal& p : proposals) {
        if (p.scenario.is_null()) continue;
        const std::string name = p.scenario["name"].get<std::string>();
        if (done.insert(name).second)
            output::write_file((fs::path(folder) / (name + ".json")).string(), p.scenario.dump(2) + "\n");
    }
}

}  // namespace

int cmd_coverage(const Args& args) {
    const CommandLine line = command_line();
    const auto parsed = parse(line, args);
    if (!parsed) return kDone;
    const po::variables_map& values = *parsed;
    if (!values.count("paths")) throw UsageError("scenarios are needed: mcemu " + line.usage);
    const bool uncovered = values.count("uncovered") > 0, json = values.count("json") > 0;
    const bool rules = values.count("no-rules") == 0;
    if (values.count("proposals") && !uncovered)
        throw UsageError("--proposals says where proposals go: add --uncovered");
    const auto files = files_of(values["paths"].as<std::vector<std::string>>());
    if (files.empty()) throw UsageError("there is no scenario there");

    Reached reached;
    bool good = true;
    bool failed = false;
    for (const std::string& file : files) {
        try {
            good = cover_file(file, rules, reached) && good;
        } catch (const compare::ChildError& error) {  // the others still count
            std::cerr << file << ": the emulator failed in a run: " << error.what() << "\n";
            failed = true;
        }
    }
    if (!good) return kUsage;
    Json document;
    std::string text;
    if (json) document = json_of(reached, files.size(), rules);
    else text = text_of(reached, files.size(), rules, values.count("all") > 0);
    if (uncovered) {
        std::vector<Proposal> proposals = compare::propose(reached, rules);
        if (!rules) std::erase_if(proposals, [](const Proposal& p) { return p.kind == "kernel differences"; });
        if (values.count("proposals"))
            write_proposals(proposals, values["proposals"].as<std::string>());
        if (json) {
            document["proposals"] = Json::array();
            for (const Proposal& p : proposals)
                document["proposals"].push_back(
                    {{"kind", p.kind}, {"thing", p.thing}, {"scenario", p.scenario}});
        } else {
            text += proposals_text(proposals);
        }
    }
    output::write_file("-", json ? document.dump(2) + "\n" : text);
    return failed ? kOwnFault : kDone;
}

}  // namespace mcemu::cli
