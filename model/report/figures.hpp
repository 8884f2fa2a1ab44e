#pragma once  // The figures of a report: what every format shows.
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/campaign_file.hpp"
#include "report/result_file.hpp"
#include "report/run_figures.hpp"

namespace mcemu::report {

using Json = nlohmann::ordered_json;

inline constexpr std::string_view kReportSchema = "mcemu/report/1";

/// One emulated run: its trace, its result, or both.
struct Run {
    std::string label;               ///< given by the user, or ""
    std::vector<std::string> files;
    std::optional<TraceFigures> trace;
    std::optional<ResultFigures> result;

    const std::string& scenario() const { return trace ? trace->head.scenario : result->scenario; }
    const std::string& profile() const { return trace ? trace->head.profile : result->profile; }
    std::uint64_t seed() const { return trace ? trace->head.seed : result->seed; }
};

/// Runs that differ in their seeds alone, or one run: what is compared with others.
struct Variant {
    std::string name;
    std::vector<std::uint32_t> runs;  ///< indices; none of a campaign's
    std::uint64_t count = 0;          ///< runs
    std::uint64_t failures = 0;       ///< of the emulator itself
    std::vector<Measure> measures;
    std::map<std::string, std::uint64_t> classes;  ///< runs by outcome class
};

/// A share of runs with its Clopper-Pearson interval of 95 %.
struct Share {
    double share = 0, low = 0, high = 1;
};
Share share_of(std::uint64_t hits, std::uint64_t runs);

class Figures {
public:
    /// Joins what belongs to one run: a trace and a result of the same scenario, profile, seed and
    /// end. Throws InputError when a label names things that do not belong together.
    void add(const std::string& label, const std::string& file, TraceFigures trace);
    void add(const std::string& label, const std::string& file, ResultFigures result);
    /// Each cell of a campaign is a variant.
    void add(const std::string& label, const std::string& file, CampaignFigures campaign);
    /// After the last add().
    void finish();

    const std::vector<Run>& runs() const { return runs_; }
    std::vector<Run>& runs() { return runs_; }
    const std::vector<Variant>& variants() const { return variants_; }
    /// {"schema":"mcemu/report/1", "summary", "runs", "variants", "comparison"}; for the page
    /// without the kernel logs, which it has elsewhere.
    Json document(bool with_log) const;

private:
    Json run_document(std::uint32_t index, bool with_log) const;
    Json variant_document(const Variant& v) const;
    Json comparison() const;

    Json campaigns_document() const;

    struct Campaign {
        std::string label, file;
        CampaignFigures figures;
    };
    std::vector<Run> runs_;
    std::vector<Campaign> campaigns_;
    std::vector<Variant> variants_;
};

}  // namespace mcemu::report
