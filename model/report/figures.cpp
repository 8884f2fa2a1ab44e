#include "report/figures.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <set>

#include "output/result.hpp"
#include "report/document.hpp"

namespace mcemu::report {
namespace {

/// Whole nanoseconds of a trace, which is what a result knows of the end.
std::uint64_t whole_ns(std::uint64_t ps) { return ps / 1000; }

bool belong_together(const TraceFigures& t, const ResultFigures& r) {
    return t.head.scenario == r.scenario && t.head.profile == r.profile && t.head.seed == r.seed &&
           whole_ns(t.head.end.count()) == whole_ns(r.end);
}

/// The file's name without folders and ending.
std::string stem(std::string_view file) {
    if (const auto slash = file.rfind('/'); slash != std::string_view::npos)
        file.remove_prefix(slash + 1);
    for (const std::string_view ending : {".ndjson", ".json"})
        if (file.ends_with(ending) && file.size() > ending.size())
            file.remove_suffix(ending.size());
    return std::string(file);
}

void into(std::vector<Measure>& all, const Measure& m, std::uint32_t run) {
    const auto same = std::find_if(all.begin(), all.end(), [&](const Measure& other) {
        return other.from == m.from && other.to == m.to && other.pair == m.pair;
    });
    if (same != all.end()) return same->merge(m, run);
    Measure fresh;
    fresh.from = m.from;
    fresh.to = m.to;
    fresh.pair = m.pair;
    fresh.asked = m.asked;
    fresh.deadline = m.deadline;
    fresh.merge(m, run);
    all.push_back(std::move(fresh));
}

/// The durations that a result lists: their phases are those of the chain of causes.
std::vector<Measure> measures_of(const ResultFigures& r) {
    std::vector<Measure> all;
    for (const ResultFigures::Latency& l : r.latencies) {
        Measure m;
        m.from = l.from;
        m.to = l.to;
        m.pair = true;
        std::vector<std::pair<std::uint32_t, std::uint64_t>> way;
        std::uint64_t rest = l.ps;
        for (const auto& [name, ps] : l.phases) {
            const auto lat = find_latency(name);
            const std::uint64_t spent = std::min(ps, rest);
            if (!lat || spent == 0) continue;
            way.emplace_back(static_cast<std::uint32_t>(*lat), spent);
            rest -= spent;
        }
        if (rest > 0) way.emplace_back(static_cast<std::uint32_t>(kUnnamed), rest);
        m.add(l.ps, way, 0, 0);
        into(all, m, 0);
    }
    return all;
}

}  // namespace

Share share_of(std::uint64_t hits, std::uint64_t runs) {
    Share s;
    if (runs == 0) return s;
    using Binomial = boost::math::binomial_distribution<>;
    const auto n = static_cast<double>(runs), k = static_cast<double>(hits);
    s.share = k / n;
    s.low = hits == 0 ? 0 : Binomial::find_lower_bound_on_p(n, k, 0.025);
    s.high = hits == runs ? 1 : Binomial::find_upper_bound_on_p(n, k, 0.025);
    return s;
}

void Figures::add(const std::string& label, const std::string& file, TraceFigures trace) {
    for (Run& run : runs_)
        if (!run.trace && run.result && run.label == label && belong_together(trace, *run.result)) {
            run.trace = std::move(trace);
            run.files.push_back(file);
            return;
        }
    runs_.push_back({label, {file}, std::move(trace), std::nullopt});
}

void Figures::add(const std::string& label, const std::string& file, ResultFigures result) {
    for (Run& run : runs_)
        if (!run.result && run.trace && run.label == label && belong_together(*run.trace, result)) {
            run.result = std::move(result);
            run.files.push_back(file);
            return;
        }
    runs_.push_back({label, {file}, std::nullopt, std::move(result)});
}

void Figures::add(const std::string& label, const std::string& file, CampaignFigures campaign) {
    campaigns_.push_back({label, file, std::move(campaign)});
}

void Figures::finish() {
    // Levels of log lines stand in the result alone.
    for (Run& run : runs_)
        if (run.trace && run.result)
            for (std::size_t i = 0; i < run.trace->log.size() && i < run.result->log.size(); ++i)
                if (run.trace->log[i].text == run.result->log[i].text)
                    run.trace->log[i].level = run.result->log[i].level;

    // Two runs of one seed differ in something else: each of them is a variant.
    std::map<std::string, std::multiset<std::uint64_t>> seeds;
    const auto name_of = [](const Run& run) {
        return run.label.empty() ? run.scenario() + " (" + run.profile() + ")" : run.label;
    };
    for (const Run& run : runs_) seeds[name_of(run)].insert(run.seed());
    for (std::uint32_t i = 0; i < runs_.size(); ++i) {
        std::string name = name_of(runs_[i]);
        if (runs_[i].label.empty() && seeds[name].count(runs_[i].seed()) > 1)
            name += " " + stem(runs_[i].files.front());
        const auto same = std::find_if(variants_.begin(), variants_.end(),
                                       [&](const Variant& v) { return v.name == name; });
        Variant& v = same == variants_.end() ? variants_.emplace_back() : *same;
        v.name = name;
        v.runs.push_back(i);
        ++v.count;
        if (runs_[i].result) ++v.classes[runs_[i].result->outcome_class];
        const std::vector<Measure> own =
            runs_[i].trace ? std::vector<Measure>{} : measures_of(*runs_[i].result);
        for (const Measure& m : runs_[i].trace ? runs_[i].trace->measures : own)
            into(v.measures, m, i);
    }
    for (Campaign& c : campaigns_)
        for (CampaignCell& cell : c.figures.cells) {
            Variant v;
            v.name = (c.label.empty() ? c.figures.name : c.label) +
                     (cell.name.empty() ? "" : ": " + cell.name);
            v.count = cell.runs;
            v.failures = cell.failures;
            v.classes = cell.classes;
            for (Measure& m : cell.measures)
                if (m.samples.count() > 0 || m.asked) v.measures.push_back(std::move(m));
            variants_.push_back(std::move(v));
        }
}

/// What the databases say of themselves, and which parameters move their durations.
Json Figures::campaigns_document() const {
    Json list = Json::array();
    for (const Campaign& c : campaigns_) {
        std::uint64_t failures = 0;
        for (const CampaignCell& cell : c.figures.cells) failures += cell.failures;
        Json influences = Json::array();
        for (const Influence& i : c.figures.influences) {
            Json levels = Json::array();
            for (const auto& [value, ps] : i.levels)
                levels.push_back({{"value", value}, {"mean_ns", ps / 1000}});
            influences.push_back({{"from", i.from},
                                  {"to", i.to},
                                  {"parameter", i.parameter},
                                  {"share", i.share},
                                  {"levels", std::move(levels)}});
        }
        list.push_back({{"file", c.file},
                        {"name", c.figures.name},
                        {"version", c.figures.version},
                        {"finished", c.figures.finished},
                        {"runs", c.figures.runs},
                        {"cells", c.figures.cells.size()},
                        {"failures", failures},
                        {"influences", std::move(influences)}});
    }
    return list;
}

Json Figures::document(bool with_log) const {
    Json out = {{"schema", kReportSchema}, {"version", output::program_version()}};
    Json summary = Json::array(), runs = Json::array(), variants = Json::array();
    for (std::uint32_t i = 0; i < runs_.size(); ++i) runs.push_back(run_document(i, with_log));
    for (const Variant& v : variants_) variants.push_back(variant_document(v));
    out["summary"] = Json::array();
    out["campaigns"] = campaigns_document();
    out["runs"] = std::move(runs);
    out["variants"] = std::move(variants);
    out["comparison"] = comparison();
    out["summary"] = summary_of(out);
    return out;
}

Json Figures::run_document(std::uint32_t index, bool with_log) const {
    const Run& run = runs_[index];
    Json out = {{"files", run.files},
                {"label", run.label.empty() ? Json(nullptr) : Json(run.label)},
                {"scenario", run.scenario()},
                {"profile", run.profile()},
                {"seed", run.seed()},
                {"end_ns", as_ns(run.trace ? run.trace->head.end.count() : run.result->end)}};
    if (run.result) add_result(out, *run.result);
    if (run.trace) add_trace(out, *run.trace);
    if (with_log) out["log"] = log_document(run.trace ? run.trace->log : run.result->log);
    return out;
}

Json Figures::variant_document(const Variant& v) const {
    Json out = {{"name", v.name}, {"runs", v.count}, {"failures", v.failures}};
    Json classes = Json::array();
    std::uint64_t runs = 0, effective = 0;
    for (const auto& [name, n] : v.classes) {
        runs += n;
        if (name != "not-effective") effective += n;
    }
    for (const auto& [name, n] : v.classes) {
        const bool counts = name != "not-effective";
        Json entry = {{"class", name}, {"runs", n}};
        if (counts) {
            const Share s = share_of(n, effective);
            entry["share"] = s.share;
            entry["low"] = s.low;
            entry["high"] = s.high;
        }
        classes.push_back(std::move(entry));
    }
    out["classes"] = std::move(classes);
    Json measures = Json::array();
    for (const Measure& m : v.measures) measures.push_back(measure_document(m));
    out["measures"] = std::move(measures);
    return out;
}

/// Each duration that two variants or more have, side by side; ratios to the first of them.
Json Figures::comparison() const {
    Json list = Json::array();
    if (variants_.size() < 2) return list;
    std::vector<std::pair<std::string, std::string>> seen;
    for (const Variant& first : variants_)
        for (const Measure& m : first.measures) {
            if (std::find(seen.begin(), seen.end(), std::pair{m.from, m.to}) != seen.end()) continue;
            seen.emplace_back(m.from, m.to);
            Json values = Json::array();
            double base = 0;
            for (const Variant& v : variants_)
                for (const Measure& other : v.measures) {
                    if (other.from != m.from || other.to != m.to || other.samples.count() == 0)
                        continue;
                    const auto median = static_cast<double>(other.samples.quantile(0.5));
                    if (values.empty()) base = median;
                    values.push_back({{"variant", v.name},
                                      {"count", other.samples.count()},
                                      {"p50_ns", as_ns(other.samples.quantile(0.5))},
                                      {"p99_ns", as_ns(other.samples.quantile(0.99))},
                                      {"max_ns", as_ns(other.samples.max())},
                                      {"mean_ns", other.samples.mean() / 1000},
                                      {"ratio", base > 0 ? Json(median / base) : Json(nullptr)}});
                }
            if (values.size() > 1)
                list.push_back({{"from", m.from}, {"to", m.to}, {"values", std::move(values)}});
        }
    return list;
}

}  // namespace mcemu::report
