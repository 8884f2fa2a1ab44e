// mcemu campaign: many runs of one scenario. Which part of it.
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "campaign_common.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::cli {
namespace {

struct Part {
    std::string_view name, arguments, what;
    int (*run)(const Args&);
};
constexpr Part kParts[] = {
    {"plan", "FILE", "check a campaign and show the runs that it has", campaign_plan},
    {"run", "FILE -o OUT.db", "make all runs, on this machine or as a job array", campaign_run},
    {"resume", "OUT.db", "go on with a campaign that was interrupted", campaign_resume},
    {"shard", "I/N FILE -o PART.db", "make the I-th of N parts of the runs", campaign_shard},
    {"merge", "PART.db... -o OUT.db", "put parts together, in any order", campaign_merge},
    {"status", "OUT.db", "show how far a campaign is", campaign_status},
    {"report", "OUT.db", "shares, times, exposure and sensitivity as text, md, csv or json",
     campaign_report},
};

std::string help() {
    std::string text =
        "usage: mcemu campaign PART [options] ...\n"
        "\n"
        "Runs one scenario many times over swept and random parameters; FILE is a campaign\n"
        "(mcemu schema campaign), or a database that holds one.\n"
        "\n";
    for (const Part& p : kParts) {
        std::string left = "  " + std::string(p.name) + " " + std::string(p.arguments);
        left.resize(std::max<std::size_t>(left.size() + 2, 34), ' ');
        text += left + std::string(p.what) + "\n";
    }
    return text + "\nmcemu campaign PART --help explains a part.\n";
}

}  // namespace

int cmd_campaign(const Args& args) {
    if (args.empty())
        throw UsageError("what of a campaign? plan, run, resume, shard, merge, status or report");
    if (args[0] == "--help" || args[0] == "-h") {
        output::write_file("-", help());
        return kDone;
    }
    try {
        for (const Part& p : kParts)
            if (args[0] == p.name) return p.run(Args(std::next(args.begin()), args.end()));
    } catch (const Told&) {
        return kUsage;
    } catch (const campaign::BadDatabase& error) {
        throw UsageError(error.what());
    }
    std::vector<std::string> names;
    for (const Part& p : kParts) names.emplace_back(p.name);
    const std::string near = nearest_name(args[0], names);
    throw UsageError("there is no 'campaign " + args[0] + "': " +
                     (near.empty() ? "see mcemu campaign --help" : "'" + near + "' would be one"));
}

}  // namespace mcemu::cli
