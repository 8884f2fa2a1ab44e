#include "campaign/figures.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "campaign/statistics.hpp"
#include "core/latency.hpp"
#include "output/measure.hpp"
#include "output/result.hpp"

namespace mcemu::campaign {
namespace {

using Json = nlohmann::ordered_json;

// Worst first, as classify() decides.
constexpr std::array<std::string_view, 11> kClasses = {
    "shutdown", "panic",     "kernel-bug", "silent", "over-kill",    "late",
    "latent",   "recovered", "corrected",  "masked", "not-effective"};
constexpr std::array<double, 6> kQuantiles = {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
constexpr double kTail = 0.99;        // runs at or beyond this quantile make the tail's breakdown
constexpr std::size_t kDrawBins = 16;  // equal shares of a drawn parameter

bool effective(const RunRecord& r) { return r.failure.empty() && r.of_class != "not-effective"; }

std::string phase_name(std::uint16_t phase) {
    return std::string(phase < kLatCount ? latency_info(static_cast<Lat>(phase)).name : output::kWaiting);
}

Json share_of(std::uint64_t hits, std::uint64_t trials, double confidence) {
    const Interval i = clopper_pearson(hits, trials, confidence);
    return {{"runs", hits},
            {"of", trials},
            {"share", trials ? Json(static_cast<double>(hits) / static_cast<double>(trials)) : Json(nullptr)},
            {"low", i.low},
            {"high", i.high}};
}

Json quantiles_of(const std::vector<std::uint64_t>& sorted, double confidence) {
    Json list = Json::array();
    for (const double q : kQuantiles) {
        const Quantile found = quantile(sorted, q, confidence);
        list.push_back({{"quantile", q},
                        {"ps", found.value},
                        {"low_ps", found.low ? Json(*found.low) : Json(nullptr)},
                        {"high_ps", found.high ? Json(*found.high) : Json(nullptr)}});
    }
    return list;
}

double mean_of(const std::vector<std::uint64_t>& values) {
    long double sum = 0;
    for (const std::uint64_t v : values) sum += static_cast<long double>(v);
    return values.empty() ? 0 : static_cast<double>(sum / static_cast<long double>(values.size()));
}

/// Time per phase over some runs.
class Breakdown {
public:
    void add(const Duration& d) {
        ++runs_;
        for (const auto& [phase, ps] : d.phases) {
            sums_[phase] += static_cast<double>(ps);
            total_ += static_cast<double>(ps);
        }
    }
    /// Largest first.
    Json json() const {
        std::vector<std::pair<std::uint16_t, double>> list(sums_.begin(), sums_.end());
        std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
        Json out = Json::array();
        for (const auto& [phase, sum] : list)
            out.push_back({{"name", phase_name(phase)},
                           {"mean_ps", sum / static_cast<double>(runs_)},
                           {"share", sum / total_}});
        return out;
    }

private:
    std::uint64_t runs_ = 0;
    double total_ = 0;
    std::map<std::uint16_t, double> sums_;
};

/// What is kept of a cell's runs until its figures are made.
struct CellRuns {
    std::uint64_t runs = 0, effective = 0;
    std::map<std::string, std::uint64_t> classes, failures;
    std::vector<std::uint64_t> user_classes;
    std::uint64_t no_user_class = 0;
    struct Measure {
        std::vector<std::uint64_t> ps;    // of those that came
        std::uint64_t missing = 0, late = 0;
        std::map<std::uint64_t, std::uint64_t> by_run;  // only where cells are compared
        Breakdown all;
    };
    std::vector<Measure> measures;
    struct Number {
        std::uint64_t n = 0;
        double sum = 0, least = 0, most = 0;
    };
    std::vector<Number> numbers;
    struct Open {
        std::vector<std::uint64_t> ps;
        std::uint64_t open = 0;
    };
    std::array<Open, 3> exposure;
    std::uint64_t exposed = 0, accesses = 0, speculative = 0, speculated_runs = 0;
};

/// How much each parameter moves each output.
class Sensitivity {
public:
    explicit Sensitivity(const Plan& plan) : plan_(plan) {
        const auto& c = plan.campaign();
        if (c.variants.size() > 1) add_parameter("variant", c.variants.size());
        for (const auto& s : c.sweeps) add_parameter(s.name, s.values.size());
        for (const auto& d : c.draws) add_parameter(d.name, d.choices.empty() ? kDrawBins : d.choices.size());
        for (const std::string_view name : kClasses) outputs_.push_back("share of " + std::string(name));
        for (const auto& x : c.classes) outputs_.push_back("share of " + x.name);
        for (const auto& x : c.measures) outputs_.push_back(x.name);
        for (const auto& x : c.numbers) outputs_.push_back(x.name);
        for (std::size_t p = 0; p < names_.size(); ++p)
            for (std::size_t o = 0; o < outputs_.size(); ++o) ratios_.emplace_back(groups_[p]);
    }

    void add(const RunRecord& r) {
        if (names_.empty() || !effective(r)) return;
        const auto& c = plan_.campaign();
        if (r.id.cell != cell_number_ || !cell_known_) {
            cell_ = plan_.cell(r.id.cell);
            cell_number_ = r.id.cell;
            cell_known_ = true;
        }
        where_.clear();
        if (c.variants.size() > 1) where_.push_back(cell_.variant);
        for (const std::uint32_t v : cell_.values) where_.push_back(v);
        for (std::size_t d = 0; d < c.draws.size(); ++d) where_.push_back(bin(d, r.id));
        std::size_t output = 0;
        for (const std::string_view name : kClasses) put(output++, r.of_class == name ? 1 : 0);
        for (std::size_t i = 0; i < c.classes.size(); ++i) put(output++, r.user_class == static_cast<int>(i) ? 1 : 0);
        for (const auto& d : r.durations) {
            if (d) put(output, static_cast<double>(d->ps));
            ++output;
        }
        for (const auto& n : r.numbers) {
            if (n) put(output, *n);
            ++output;
        }
    }

    /// Outputs that anything moves, each with its parameters, the strongest first.
    Json json() const {
        Json list = Json::array();
        for (std::size_t o = 0; o < outputs_.size(); ++o) {
            std::vector<std::pair<double, std::size_t>> found;
            for (std::size_t p = 0; p < names_.size(); ++p)
                if (const double v = at(p, o).value(); v > 0.001) found.emplace_back(v, p);
            if (found.empty()) continue;
            std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
            Json parameters = Json::array();
            for (const auto& [v, p] : found) {
                std::optional<double> least, most;
                std::size_t least_at = 0, most_at = 0;
                for (std::size_t g = 0; g < groups_[p]; ++g) {
                    const auto mean = at(p, o).mean(g);
                    if (!mean) continue;
                    if (!least || *mean < *least) least = mean, least_at = g;
                    if (!most || *mean > *most) most = mean, most_at = g;
                }
                parameters.push_back({{"name", names_[p]},
                                      {"explains", v},
                                      {"least", *least},
                                      {"least_at", group_name(p, least_at)},
                                      {"most", *most},
                                      {"most_at", group_name(p, most_at)}});
            }
            list.push_back({{"output", outputs_[o]}, {"parameters", std::move(parameters)}});
        }
        return list;
    }

private:
    void add_parameter(std::string name, std::size_t groups) {
        names_.push_back(std::move(name));
        groups_.push_back(groups);
    }
    std::size_t bin(std::size_t draw, const RunId& id) const {
        const double share = plan_.drawn_share(draw, id.cell, id.rep);
        const auto& shares = plan_.campaign().draws[draw].shares;
        if (shares.empty()) return static_cast<std::size_t>(share * kDrawBins);
        std::size_t i = 0;
        while (i + 1 < shares.size() && share >= shares[i]) ++i;
        return i;
    }
    void put(std::size_t output, double x) {
        for (std::size_t p = 0; p < names_.size(); ++p) ratios_[p * outputs_.size() + output].add(where_[p], x);
    }
    const CorrelationRatio& at(std::size_t p, std::size_t o) const { return ratios_[p * outputs_.size() + o]; }
    Json group_name(std::size_t p, std::size_t g) const {
        const auto& c = plan_.campaign();
        if (c.variants.size() > 1) {
            if (p == 0) return c.variants[g].name;
            --p;
        }
        if (p < c.sweeps.size()) return c.sweeps[p].values[g];
        const auto& draw = c.draws[p - c.sweeps.size()];
        if (!draw.choices.empty()) return draw.choices[g];
        return std::to_string(g * 100 / kDrawBins) + " to " + std::to_string((g + 1) * 100 / kDrawBins) + " %";
    }

    const Plan& plan_;
    std::vector<std::string> names_, outputs_;
    std::vector<std::size_t> groups_;
    std::vector<CorrelationRatio> ratios_;
    std::vector<std::size_t> where_;
    Cell cell_;
    std::uint64_t cell_number_ = 0;
    bool cell_known_ = false;
};

class Figures {
public:
    Figures(const Plan& plan, const Database& database)
        : plan_(plan), campaign_(plan.campaign()), database_(database), sensitivity_(plan) {}

    Json make() {
        const std::uint64_t per_variant = plan_.cells() / campaign_.variants.size();
        std::map<std::uint64_t, Json> cells;
        Json comparisons = Json::array();
        std::uint64_t runs = 0, failed = 0;
        for (std::uint64_t s = 0; s < per_variant; ++s) {
            std::vector<CellRuns> compared;
            for (std::uint64_t v = 0; v < campaign_.variants.size(); ++v) {
                const std::uint64_t cell = v * per_variant + s;
                compared.push_back(read(cell));
                runs += compared.back().runs;
                for (const auto& [why, n] : compared.back().failures) failed += n;
                Json figures = cell_json(cell, compared.back());
                if (compared.back().runs > 0) cells[cell] = std::move(figures);
                if (v > 0) compare(s, v * per_variant + s, compared.front(), compared.back(), comparisons);
            }
        }
        Json out = {{"schema", "mcemu/campaign-report/1"},
                    {"campaign", campaign_.name},
                    {"description", campaign_.description},
                    {"scenario", campaign_.scenario},
                    {"version", database_.version()},
                    {"confidence", campaign_.confidence},
                    {"finished", database_.finished()},
                    {"runs", runs},
                    {"failed", failed}};
        Json list = Json::array();
        for (auto& [cell, figures] : cells) list.push_back(std::move(figures));
        out["cells"] = std::move(list);
        out["comparisons"] = std::move(comparisons);
        out["sensitivity"] = sensitivity_.json();
        return out;
    }

private:
    CellRuns read(std::uint64_t cell) {
        CellRuns c;
        c.user_classes.resize(campaign_.classes.size());
        c.measures.resize(campaign_.measures.size());
        c.numbers.resize(campaign_.numbers.size());
        const auto cursor = database_.runs_of(cell, cell + 1);
        while (const RunRecord* r = cursor->next()) take(*r, c);
        return c;
    }

    void take(const RunRecord& r, CellRuns& c) {
        ++c.runs;
        if (!r.failure.empty()) {
            ++c.failures[r.failure];
            return;
        }
        ++c.classes[r.of_class];
        if (!effective(r)) return;
        ++c.effective;
        sensitivity_.add(r);
        if (r.user_class < 0)
            ++c.no_user_class;
        else if (static_cast<std::size_t>(r.user_class) < c.user_classes.size())
            ++c.user_classes[static_cast<std::size_t>(r.user_class)];
        for (std::size_t i = 0; i < c.measures.size(); ++i) {
            CellRuns::Measure& m = c.measures[i];
            const auto& deadline = campaign_.measures[i].deadline;
            if (!r.durations[i]) {
                ++m.missing;
                if (deadline) ++m.late;
                continue;
            }
            m.ps.push_back(r.durations[i]->ps);
            if (deadline && r.durations[i]->ps > deadline->count()) ++m.late;
            if (campaign_.variants.size() > 1) m.by_run[r.id.rep] = r.durations[i]->ps;
            m.all.add(*r.durations[i]);
        }
        for (std::size_t i = 0; i < c.numbers.size(); ++i) {
            if (!r.numbers[i]) continue;
            CellRuns::Number& n = c.numbers[i];
            n.least = n.n == 0 ? *r.numbers[i] : std::min(n.least, *r.numbers[i]);
            n.most = n.n == 0 ? *r.numbers[i] : std::max(n.most, *r.numbers[i]);
            n.sum += *r.numbers[i];
            ++n.n;
        }
        const output::Exposure& e = r.exposure;
        if (e.pages == 0) return;
        ++c.exposed;
        c.accesses += e.accesses;
        c.speculative += e.speculative;
        if (e.speculative > 0) ++c.speculated_runs;
        const std::array<std::pair<SimTime, bool>, 3> spans{{{e.user, e.user_open},
                                                             {e.direct_map, e.direct_map_open},
                                                             {e.speculation, e.speculation_open}}};
        for (std::size_t i = 0; i < spans.size(); ++i) {
            if (spans[i].second)
                ++c.exposure[i].open;
            else
                c.exposure[i].ps.push_back(spans[i].first.count());
        }
    }

    Json cell_json(std::uint64_t cell, CellRuns& c) {
        Json out = {{"cell", cell},
                    {"name", plan_.cell_name(cell)},
                    {"parameters", plan_.cell_values(cell)},
                    {"runs", c.runs},
                    {"effective", c.effective}};
        Json classes = Json::array();
        for (const std::string_view name : kClasses) {
            const auto it = c.classes.find(std::string(name));
            if (it == c.classes.end()) continue;
            Json entry = {{"class", name}};
            if (name == "not-effective")
                entry["runs"] = it->second;  // in no denominator
            else
                entry.update(share_of(it->second, c.effective, campaign_.confidence));
            classes.push_back(std::move(entry));
        }
        out["classes"] = std::move(classes);
        if (!campaign_.classes.empty()) {
            Json list = Json::array();
            const auto add = [&](const std::string& name, std::uint64_t n) {
                Json entry = {{"class", name}};
                entry.update(share_of(n, c.effective, campaign_.confidence));
                list.push_back(std::move(entry));
            };
            for (std::size_t i = 0; i < campaign_.classes.size(); ++i) add(campaign_.classes[i].name, c.user_classes[i]);
            add("none of these", c.no_user_class);
            out["user_classes"] = std::move(list);
        }
        out["failures"] = Json::array();
        for (const auto& [why, n] : c.failures) out["failures"].push_back({{"why", why}, {"runs", n}});
        out["measures"] = Json::array();
        for (std::size_t i = 0; i < c.measures.size(); ++i) out["measures"].push_back(measure_json(cell, i, c));
        out["numbers"] = Json::array();
        for (std::size_t i = 0; i < c.numbers.size(); ++i) {
            const CellRuns::Number& n = c.numbers[i];
            Json entry = {{"name", campaign_.numbers[i].name}, {"runs", n.n}};
            if (n.n > 0) {
                entry["mean"] = n.sum / static_cast<double>(n.n);
                entry["least"] = n.least;
                entry["most"] = n.most;
            }
            out["numbers"].push_back(std::move(entry));
        }
        out["exposure"] = exposure_json(c);
        return out;
    }

    Json measure_json(std::uint64_t cell, std::size_t index, CellRuns& c) {
        const scenario::CampaignMeasure& what = campaign_.measures[index];
        CellRuns::Measure& m = c.measures[index];
        std::sort(m.ps.begin(), m.ps.end());
        Json out = {{"name", what.name}, {"from", what.from}, {"to", what.to}, {"runs", m.ps.size()}, {"missing", m.missing}};
        if (what.deadline) {
            Json slack = {{"deadline_ps", what.deadline->count()}};
            // The least slack: negative when the deadline was missed.
            if (!m.ps.empty())
                slack["least_ps"] = static_cast<std::int64_t>(what.deadline->count()) - static_cast<std::int64_t>(m.ps.back());
            slack["late"] = share_of(m.late, m.ps.size() + m.missing, campaign_.confidence);
            out["slack"] = std::move(slack);
        }
        if (m.ps.empty()) return out;
        out["least_ps"] = m.ps.front();
        out["mean_ps"] = mean_of(m.ps);
        out["most_ps"] = m.ps.back();
        out["quantiles"] = quantiles_of(m.ps, campaign_.confidence);
        out["phases"] = m.all.json();
        // Which phase owns the tail: a second look at the runs at and beyond the quantile.
        const std::uint64_t bound = quantile(m.ps, kTail, campaign_.confidence).value;
        Breakdown tail;
        const auto cursor = database_.runs_of(cell, cell + 1);
        while (const RunRecord* r = cursor->next())
            if (effective(*r) && r->durations[index] && r->durations[index]->ps >= bound) tail.add(*r->durations[index]);
        out["tail_phases"] = tail.json();
        return out;
    }

    Json exposure_json(CellRuns& c) {
        Json out = {{"runs", c.exposed}};
        if (c.exposed == 0) return out;
        constexpr std::array<const char*, 3> kNames = {"user", "direct_map", "speculation"};
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            CellRuns::Open& o = c.exposure[i];
            std::sort(o.ps.begin(), o.ps.end());
            Json entry = {{"closed", o.ps.size()}, {"open", o.open}};
            if (!o.ps.empty()) {
                entry["mean_ps"] = mean_of(o.ps);
                entry["most_ps"] = o.ps.back();
                entry["quantiles"] = quantiles_of(o.ps, campaign_.confidence);
            }
            out[kNames[i]] = std::move(entry);
        }
        const auto per_run = [&](std::uint64_t n) { return static_cast<double>(n) / static_cast<double>(c.exposed); };
        out["accesses_per_run"] = per_run(c.accesses);
        out["speculative_per_run"] = per_run(c.speculative);
        out["speculated"] = share_of(c.speculated_runs, c.exposed, campaign_.confidence);
        return out;
    }

    /// A variant against the first: run n of both has the same random numbers.
    void compare(std::uint64_t base, std::uint64_t cell, const CellRuns& a, const CellRuns& b, Json& into) {
        if (a.runs == 0 || b.runs == 0) return;
        Json out = {{"cell", cell}, {"against", base}, {"name", plan_.cell_name(cell)}, {"paired", campaign_.common}};
        Json classes = Json::array();
        for (const std::string_view name : kClasses) {
            if (name == "not-effective") continue;
            const auto count = [&](const CellRuns& c) {
                const auto it = c.classes.find(std::string(name));
                return it == c.classes.end() ? std::uint64_t{0} : it->second;
            };
            if (count(a) + count(b) == 0 || a.effective == 0 || b.effective == 0) continue;
            const double before = static_cast<double>(count(a)) / static_cast<double>(a.effective);
            const double after = static_cast<double>(count(b)) / static_cast<double>(b.effective);
            // Apart when even the nearer ends of both intervals leave a gap.
            const Interval ia = clopper_pearson(count(a), a.effective, campaign_.confidence);
            const Interval ib = clopper_pearson(count(b), b.effective, campaign_.confidence);
            classes.push_back({{"class", name}, {"before", before}, {"after", after}, {"difference", after - before},
                               {"apart", ia.high < ib.low || ib.high < ia.low}});
        }
        out["classes"] = std::move(classes);
        Json measures = Json::array();
        for (std::size_t i = 0; i < campaign_.measures.size() && campaign_.common; ++i) {
            std::vector<std::int64_t> differences;
            for (const auto& [rep, ps] : b.measures[i].by_run)
                if (const auto it = a.measures[i].by_run.find(rep); it != a.measures[i].by_run.end())
                    differences.push_back(static_cast<std::int64_t>(ps) - static_cast<std::int64_t>(it->second));
            if (differences.empty()) continue;
            std::sort(differences.begin(), differences.end());
            const auto [low, high] = quantile_ranks(differences.size(), 0.5, campaign_.confidence);
            Json entry = {{"name", campaign_.measures[i].name},
                          {"pairs", differences.size()},
                          {"median_difference_ps", differences[(differences.size() - 1) / 2]}};
            entry["low_ps"] = low >= 1 ? Json(differences[low - 1]) : Json(nullptr);
            entry["high_ps"] = high <= differences.size() ? Json(differences[high - 1]) : Json(nullptr);
            measures.push_back(std::move(entry));
        }
        out["measures"] = std::move(measures);
        into.push_back(std::move(out));
    }

    const Plan& plan_;
    const scenario::Campaign& campaign_;
    const Database& database_;
    Sensitivity sensitivity_;
};

}  // namespace

Json figures(const Plan& plan, const Database& database) { return Figures(plan, database).make(); }

}  // namespace mcemu::campaign
