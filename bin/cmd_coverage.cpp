// What scenarios reach of all that the model knows.
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "compare/child.hpp"
#include "compare/coverage.hpp"
#include "compare/coverage_words.hpp"
#include "compare/proposals.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "regress/boot.hpp"
#include "regress/in_order.hpp"
#include "regress/source.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;
using compare::CoverageKind;
using compare::Proposal;
using compare::Reached;
using Json = nlohmann::ordered_json;

CommandLine coverage_line() {
    CommandLine line;
    line.usage = "coverage [options] PATH...";
    line.what =
        "Runs scenarios (files, and folders with all below them) and shows what they reached:\n"
        "severity rows, page types, bank transitions, PAT paths, NVDIMM operations, log lines, and\n"
        "the rules in which kernels differ; and what none did. A rule was reached where the\n"
        "outcome changes when that rule alone is another kernel's: one more run for each.\n"
        "What cannot be run is told; the others count, and the exit status is 2.";
    // clang-format off
    line.visible.add_options()
        ("uncovered", "propose a scenario for everything that was not reached, proved by running it")
        ("proposals", po::value<std::string>()->value_name("FOLDER"),
         "with --uncovered: write the scenarios there")
        ("jobs,j", po::value<std::string>()->value_name("N"),
         "workers at a time (default: one per processor)")
        ("no-rules", "do not ask which rules mattered: faster")
        ("all", "list also what was reached")
        ("json", "as JSON");
    // clang-format on
    line.hidden.add_options()("paths", po::value<std::vector<std::string>>());
    line.positional.add("paths", -1);
    return line;
}

/// In a child: what one scenario reaches, and why not.
struct Covered {
    Reached reached;
    std::vector<std::string> findings;  ///< it cannot be run
    std::string failed;                 ///< the emulator failed in it

    std::string text() const {
        return Json{{"reached", reached}, {"findings", findings}, {"failed", failed}}.dump(
            -1, ' ', false, Json::error_handler_t::replace);
    }
    explicit Covered(const regress::Heard& heard) {
        if (heard.answers.empty()) {
            failed = heard.signal != 0 ? "its worker died of signal " + std::to_string(heard.signal)
                                       : "its worker ended without an answer: " + heard.said;
            return;
        }
        const Json answer = Json::parse(heard.answers[0]);
        reached = answer["reached"].get<Reached>();
        findings = answer["findings"].get<std::vector<std::string>>();
        failed = answer["failed"].get<std::string>();
    }
    Covered() = default;
};

/// `known`: rules that need not be asked again.
Covered cover_job(const regress::Job& job, bool rules, const Reached& known) {
    Covered out;
    if (!job.draft) {
        out.findings.push_back(job.problem);
        return out;
    }
    scenario::LoadOptions options;
    options.second_opinion = false;
    options.overrides.params = job.cell;
    const scenario::LoadResult one = load_draft(std::move(*job.draft), options);
    for (const scenario::Finding& f : one.findings) out.findings.push_back(scenario::to_text(f));
    if (!one.loaded) return out;
    compare::CoverOptions how;
    how.rules = rules;
    std::optional<NvdimmImage> image;
    if (!one.loaded->boots_on.empty()) {
        regress::Boot boot =
            regress::boot_on(one.loaded->boots_on, one.loaded->scenario.machine, job.file);
        out.findings = boot.problems;
        if (!boot.image) return out;
        image = std::move(boot.image);
        how.start_from = &*image;
    }
    if (const auto asked = known.find(std::string(compare::kRuleKind)); asked != known.end())
        out.reached.insert(*asked);
    try {
        compare::cover(*one.loaded, how, out.reached);
    } catch (const compare::ChildError& error) {
        out.failed = error.what();
    }
    return out;
}

/// What all scenarios of a source reach together.
struct Whole {
    Reached reached;
    std::size_t files = 0;    ///< scenarios' files in which something ran
    std::size_t invalid = 0;  ///< scenarios that cannot be run
    bool failed = false;
};

Whole cover_all(regress::Source& source, bool rules, unsigned jobs) {
    Whole whole;
    struct Given {
        std::string title, file;
    };
    std::deque<Given> given;
    std::string file;
    regress::in_order(
        jobs,
        [&]() -> std::optional<regress::Work> {
            std::optional<regress::Job> job = source.next();
            if (!job) return std::nullopt;
            given.push_back({job->title(), job->file});
            return [job = std::move(*job), rules, &whole] {
                return cover_job(job, rules, whole.reached).text();
            };
        },
        [&](const regress::Heard& heard) {
            const Covered one(heard);
            for (const std::string& line : one.findings) std::cerr << line << "\n";
            if (!one.findings.empty()) {  // the others still count
                ++whole.invalid;
            } else if (given.front().file != file) {
                ++whole.files;
                file = given.front().file;
            }
            if (!one.failed.empty()) {
                std::cerr << given.front().title << ": the emulator failed in a run: " << one.failed << "\n";
                whole.failed = true;
            }
            given.pop_front();
            compare::merge(one.reached, whole.reached);
            return true;
        });
    return whole;
}

std::vector<Proposal> proposals_for(const Reached& reached, bool rules, unsigned jobs) {
    compare::Proposer proposer(reached, rules);
    std::size_t given = 0, taken = 0;
    regress::in_order(
        jobs,
        [&]() -> std::optional<regress::Work> {
            if (given == proposer.candidates()) return std::nullopt;
            return [&proposer, candidate = given++] { return Json(proposer.run(candidate)).dump(); };
        },
        [&](const regress::Heard& heard) {
            if (heard.answers.empty())
                throw std::runtime_error("the worker of a proposal died: " + heard.said);
            return proposer.take(taken++, Json::parse(heard.answers[0]).get<Reached>());
        });
    return proposer.proposals();
}

std::string listed(const std::set<std::string>& words) {
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
bool asked(const CoverageKind& kind, bool rules) { return rules || kind.name != compare::kRuleKind; }

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
            else if (all) out += "  reached  " + thing + " (" + listed(kernels) + ")\n";
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
            none += "  " + p.kind + ": " + p.thing + "\n    " +
                    (p.why_not.empty() ? "none of ours reaches it" : "cannot be reached: " + p.why_not) + "\n";
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
    const CommandLine line = coverage_line();
    const auto parsed = parse(line, args);
    if (!parsed) return kDone;
    const po::variables_map& values = *parsed;
    if (!values.count("paths")) throw UsageError("scenarios are needed: mcemu " + line.usage);
    const bool uncovered = values.count("uncovered") > 0, json = values.count("json") > 0;
    const bool rules = values.count("no-rules") == 0;
    if (values.count("proposals") && !uncovered)
        throw UsageError("--proposals says where proposals go: add --uncovered");
    unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
    if (values.count("jobs")) {
        const std::uint64_t wanted = parse_number(values["jobs"].as<std::string>(), "--jobs");
        if (wanted < 1 || wanted > 4096) throw UsageError("--jobs takes 1 to 4096");
        jobs = static_cast<unsigned>(wanted);
    }
    std::optional<regress::Source> source;
    try {
        source.emplace(regress::Selection{.paths = values["paths"].as<std::vector<std::string>>()});
    } catch (const std::invalid_argument& error) {
        throw UsageError(error.what());
    }
    if (!source->any()) throw UsageError("there is no scenario there");
    const Whole whole = cover_all(*source, rules, jobs);
    if (whole.invalid > 0)
        std::cerr << "mcemu: " << whole.invalid
                  << (whole.invalid == 1 ? " scenario" : " scenarios") << " cannot be run"
                  << (whole.files > 0 ? ": the others alone are counted\n" : "\n");
    if (whole.files == 0) return kUsage;
    Json document;
    std::string text;
    if (json) document = json_of(whole.reached, whole.files, rules);
    else text = text_of(whole.reached, whole.files, rules, values.count("all") > 0);
    if (uncovered) {
        const std::vector<Proposal> proposals = proposals_for(whole.reached, rules, jobs);
        if (values.count("proposals"))
            write_proposals(proposals, values["proposals"].as<std::string>());
        if (json) {
            document["proposals"] = Json::array();
            for (const Proposal& p : proposals)
                document["proposals"].push_back(
                    {{"kind", p.kind}, {"thing", p.thing}, {"scenario", p.scenario}, {"why_not", p.why_not}});
        } else {
            text += proposals_text(proposals);
        }
    }
    output::write_file("-", json ? document.dump(2) + "\n" : text);
    if (whole.failed) return kOwnFault;
    return whole.invalid > 0 ? kUsage : kDone;
}

}  // namespace mcemu::cli
