#include <algorithm>

#include "output/result.hpp"
#include "report/bundle.hpp"
#include "report/formats.hpp"
#include "report/markup.hpp"
#include "report/svg.hpp"
#include "report/timeline_data.hpp"

namespace mcemu::report {
namespace {

std::string string_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "-";
    return value.dump();
}

/// A table behind a picture, or on its own.
class Table {
public:
    Table(const std::string& caption, const std::vector<std::string>& head) {
        out_ = "<table><caption>" + escape(caption) + "</caption><thead><tr>";
        for (const std::string& h : head) out_ += "<th scope=\"col\">" + escape(h) + "</th>";
        out_ += "</tr></thead><tbody>\n";
    }
    /// Cells are text; the first `names` of them are names of the user's.
    void row(const std::vector<std::string>& cells, std::size_t names = 1) {
        std::vector<std::string> markup;
        for (std::size_t i = 0; i < cells.size(); ++i)
            markup.push_back(i < names ? name_markup(cells[i]) : escape(cells[i]));
        row_markup(markup);
    }
    void row_markup(const std::vector<std::string>& cells) {
        out_ += "<tr>";
        constexpr std::size_t kLong = 60;  // with the markup of a name; longer ones may be broken
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string kind = i == 0 ? "th scope=\"row\"" : "td";
            out_ += "<" + kind + (cells[i].size() > kLong ? " class=\"long\">" : ">") + cells[i] +
                    (i == 0 ? "</th>" : "</td>");
        }
        out_ += "</tr>\n";
    }
    std::string take() {
        std::string text = std::move(out_);
        return "<div class=\"scroll\">" + text + "</tbody></table></div>\n";
    }

private:
    std::string out_;
};

std::string folded(const std::string& what, const std::string& content) {
    return "<details><summary>" + escape(what) + "</summary>\n" + content + "</details>\n";
}

std::string section(const std::string& id, const std::string& title, const std::string& content) {
    return "<section id=\"" + id + "\" aria-labelledby=\"" + id + "-title\"><h2 id=\"" + id +
           "-title\">" + escape(title) + "</h2>\n" + content + "</section>\n";
}

std::string run_name(const Json& run, std::size_t index) {
    std::string name = string_of(run["scenario"]) + " (" + string_of(run["profile"]) + "), seed " +
                       string_of(run["seed"]);
    if (run["label"].is_string()) name = string_of(run["label"]) + ": " + name;
    return "run " + std::to_string(index) + ": " + name;
}

// ---------------------------------------------------------------- sections

std::string summary_section(const Json& d) {
    std::string out = "<ul class=\"words\">\n";
    for (const Json& s : d["summary"]) out += "<li>" + name_markup(string_of(s)) + "</li>\n";
    out += "</ul>\n";
    Table runs("Runs", {"run", "kernel", "seed", "outcome", "class", "end", "signals", "trace records",
                        "files"});
    std::size_t n = 0;
    for (const Json& r : d["runs"]) {
        std::string files;
        for (const Json& f : r["files"]) files += (files.empty() ? "" : ", ") + string_of(f);
        const bool result = r.contains("outcome");
        std::string name = std::to_string(n++) + " " + string_of(r["scenario"]);
        if (r["label"].is_string()) name += " [" + string_of(r["label"]) + "]";
        runs.row({name, string_of(r["profile"]), string_of(r["seed"]),
                  result ? string_of(r["outcome"]) : "-", result ? string_of(r["class"]) : "-",
                  in_words(r["end_ns"]), result ? std::to_string(r["signals"].size()) : "-",
                  r.contains("trace") ? string_of(r["trace"]["records"]) : "-", files});
    }
    if (!d["runs"].empty()) out += runs.take();
    n = 0;
    for (const Json& r : d["runs"]) {
        const std::string which = " of run " + std::to_string(n++);
        if (!r.contains("events")) continue;
        Table fates("Fates of events" + which, {"event", "time", "fate", "because"});
        for (const Json& e : r["events"])
            fates.row({string_of(e["id"]), in_words(e["t_ns"]), string_of(e["fate"]),
                       string_of(e["because"])});
        out += folded("Fate of every event" + which, fates.take());
        if (r["expect"].empty()) continue;
        Table expect("Expectations" + which, {"expectation", "met", "note"});
        for (const Json& e : r["expect"])
            expect.row({string_of(e["at"]), e["ok"] == true ? "yes" : "no", string_of(e["note"])});
        out += folded("Expectations" + which, expect.take());
    }
    return section("summary", "Summary", out);
}

std::string log_list(const std::vector<LogLine>& log, std::uint64_t lines, std::size_t most) {
    std::string out = "<ol class=\"log\">\n";
    for (std::size_t i = 0; i < log.size() && i < most; ++i) {
        const LogLine& l = log[i];
        std::string stamp = std::to_string(l.ps / 1'000'000'000'000);
        std::string micro = std::to_string(l.ps / 1'000'000 % 1'000'000);
        micro.insert(0, 6 - micro.size(), '0');
        out += "<li" +
               (l.level >= 0 && l.level <= 3 ? std::string(" class=\"bad\"")
                : l.level == 4               ? std::string(" class=\"warn\"")
                                             : std::string()) +
               (l.record ? " data-id=\"" + std::to_string(l.record) + "\"" : "") + "><time>[" +
               std::string(stamp.size() < 5 ? 5 - stamp.size() : 0, ' ') + stamp + "." + micro +
               "]</time> " + name_markup(l.text) + "</li>\n";
    }
    out += "</ol>\n";
    if (lines > std::min(log.size(), most))
        out += "<p class=\"note\">" + std::to_string(lines - std::min(log.size(), most)) +
               " more lines are left out here.</p>\n";
    return out;
}

std::string timeline_section(const Figures& figures, const Json& d) {
    std::string out;
    constexpr std::size_t kMostLog = 3000;
    for (std::size_t i = 0; i < figures.runs().size(); ++i) {
        const Run& run = figures.runs()[i];
        const std::string name = run_name(d["runs"][i], i);
        if (run.trace) {
            const TraceFigures& t = *run.trace;
            const std::string title = "Timeline of " + name;
            out += "<h3>" + name_markup(name) + "</h3>\n";
            if (t.timeline.one_in() > 1)
                out += "<p class=\"note\">Of " + std::to_string(t.timeline.total()) +
                       " records the picture shows " + std::to_string(t.timeline.rows().size()) +
                       ": one chain of causes in " + std::to_string(t.timeline.one_in()) +
                       ", whole. Every figure counts all of them.</p>\n";
            if (t.first > 1)
                out += "<p class=\"note\">The trace lacks its first " + std::to_string(t.first - 1) +
                       " records: the emulator had no room for them.</p>\n";
            out += "<div class=\"side\"><div class=\"timeline\" data-run=\"" + std::to_string(i) +
                   "\">\n" + timeline_svg(t, title) + "</div>\n<div class=\"logbox\"><h4>Kernel log</h4>\n" +
                   log_list(t.log, t.log_lines, kMostLog) + "</div></div>\n";
            Table kinds("Trace records by kind", {"kind", "records"});
            for (const Json& k : d["runs"][i]["trace"]["kinds"])
                kinds.row({string_of(k["kind"]), string_of(k["count"])}, 0);
            Table lanes("Trace records by lane", {"lane", "records"});
            std::vector<std::uint32_t> order(t.timeline.lanes().size());
            for (std::uint32_t k = 0; k < order.size(); ++k) order[k] = k;
            std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
                return t.timeline.lanes()[a] < t.timeline.lanes()[b];
            });
            for (std::size_t k = 0; k < order.size() && k < 500; ++k)
                lanes.row({output::lane_name(t.timeline.lanes()[order[k]], t.names),
                           std::to_string(t.timeline.lane_counts()[order[k]])});
            out += folded("Table: records of this timeline", kinds.take() + lanes.take());
        } else if (!run.result->log.empty()) {
            out += "<h3>" + name_markup(name) + "</h3>\n<p class=\"note\">No trace was given for this "
                   "run: mcemu run --trace FILE.ndjson writes one.</p>\n" +
                   log_list(run.result->log, run.result->log.size(), kMostLog);
        }
    }
    if (out.empty()) return "";
    return section("timeline", "Timeline and kernel log", out);
}

std::string measure_name(const Json& m) { return string_of(m["from"]) + " to " + string_of(m["to"]); }

/// Measures that several variants have belong into one picture: by (from, to), in order.
struct Group {
    std::string name;
    std::vector<std::pair<const Json*, std::string>> members;  // measure, variant
};
std::vector<Group> groups_of(const Json& d) {
    std::vector<Group> groups;
    for (const Json& v : d["variants"])
        for (const Json& m : v["measures"]) {
            if (m["count"] == 0) continue;
            const std::string name = measure_name(m);
            auto same = std::find_if(groups.begin(), groups.end(),
                                     [&](const Group& g) { return g.name == name; });
            if (same == groups.end()) same = groups.insert(groups.end(), {name, {}});
            same->members.emplace_back(&m, string_of(v["name"]));
        }
    return groups;
}

std::string latency_section(const Json& d, const std::vector<Group>& groups) {
    constexpr std::size_t kMostPictures = 12;
    std::string out, pictures;
    std::size_t shown = 0;
    for (const Group& g : groups) {
        bool spread = false;  // a single duration needs no curve
        for (const auto& [m, variant] : g.members) spread |= (*m)["count"] > 1;
        if (!spread || shown == kMostPictures) continue;
        std::vector<Curve> curves;
        for (const auto& [m, variant] : g.members)
            curves.push_back({d["variants"].size() > 1 ? variant : g.name, (*m)["cdf"]});
        pictures += "<figure class=\"cdf\" data-measure=\"" + escape(g.name) + "\"><figcaption>" +
                    name_markup(g.name) + "</figcaption>\n" +
                    cdf_svg(curves, "Share of durations from " + g.name + " by time") + "</figure>\n";
        ++shown;
    }
    if (!pictures.empty()) out += "<div class=\"grid\">\n" + pictures + "</div>\n";
    Table table("Durations", {"from, to", "variant", "count", "min", "p50", "p90", "p99", "p99.9",
                              "p99.99", "max", "mean", "deadline", "slack", "missed"});
    bool buckets = false;
    for (const Json& v : d["variants"])
        for (const Json& m : v["measures"]) {
            if (m["count"] == 0) {
                table.row({measure_name(m), string_of(v["name"]), "0"}, 2);
                continue;
            }
            buckets |= m["exact"] == false;
            const bool deadline = m.contains("deadline_ns");
            table.row({measure_name(m), string_of(v["name"]), string_of(m["count"]),
                       in_words(m["min_ns"]), in_words(m["p50_ns"]), in_words(m["p90_ns"]),
                       in_words(m["p99_ns"]), in_words(m["p999_ns"]), in_words(m["p9999_ns"]),
                       in_words(m["max_ns"]), in_words(m["mean_ns"]),
                       deadline ? in_words(m["deadline_ns"]) : "-",
                       deadline ? in_words(m["slack_ns"]) : "-",
                       deadline ? string_of(m["missed"]) : "-"}, 2);
        }
    out += table.take();
    if (buckets)
        out += "<p class=\"note\">Percentiles of more than 65,536 different durations are counted in "
               "steps of 0.8 % of their value; count, extremes and mean are exact.</p>\n";
    if (groups.empty()) return "";
    return section("latency", "Latencies", out);
}

std::string phase_section(const Json& d, const std::vector<Group>& groups) {
    constexpr std::size_t kMostBars = 24;
    std::vector<Bar> bars;
    const bool several = d["variants"].size() > 1;
    for (const Group& g : groups)
        for (const auto& [m, variant] : g.members) {
            const Json& phases = (*m)["phases"];
            if ((*m)["slowest"].empty() || bars.size() >= kMostBars) continue;
            if (phases.size() == 1 && phases[0]["name"] == "waiting") continue;  // nothing to divide
            const std::string name = several ? variant + ": " + g.name : g.name;
            Bar mean{name, {}}, slow{name + ", slowest", {}};
            for (const Json& p : (*m)["slowest"].front()["phases"])
                slow.parts.emplace_back(string_of(p["name"]), p["ns"].get<double>());
            if ((*m)["count"] > 1) {
                mean.name += ", mean";
                for (const Json& p : (*m)["phases"])
                    mean.parts.emplace_back(string_of(p["name"]), p["mean_ns"].get<double>());
                bars.push_back(std::move(mean));
            } else {
                slow.name = name;
            }
            bars.push_back(std::move(slow));
        }
    if (bars.empty()) return "";
    std::string out =
        "<p>The critical path is the chain of steps that set the time: each waited for the one before "
        "it. The slowest is shown in the order of its path, the mean by size. \"latent\": the error waited "
        "to be met; \"waiting\": time that no latency parameter accounts for, such as an access to memory.</p>\n<figure>" +
        stacked_svg(bars, "Phases on the critical path, stacked") + "</figure>\n";
    Table table("Phases on the critical path",
                {"from, to", "variant", "phase", "mean", "share of the time", "share of the slowest"});
    Table variance("Sensitivity", {"from, to", "variant", "phase", "share of the variance"});
    bool sensitive = false;
    std::vector<Whisker> movers;
    constexpr std::size_t kMostMovers = 20;
    for (const Group& g : groups)
        for (const auto& [m, variant] : g.members) {
            std::vector<const Json*> moving;
            for (const Json& p : (*m)["phases"]) {
                table.row({g.name, variant, string_of(p["name"]), in_words(p["mean_ns"]),
                           percent(p["share"]), percent(p["tail_share"])}, 2);
                if (p.contains("variance_share")) moving.push_back(&p);
            }
            std::stable_sort(moving.begin(), moving.end(), [](const Json* a, const Json* b) {
                return (*a)["variance_share"].get<double>() > (*b)["variance_share"].get<double>();
            });
            sensitive = sensitive || !moving.empty();
            for (const Json* p : moving) {
                const std::string name = string_of((*p)["name"]);
                const double share = (*p)["variance_share"];
                variance.row({g.name, variant, name, percent((*p)["variance_share"])}, 2);
                if (share >= 0.005 && movers.size() < kMostMovers)
                    movers.push_back({name + ": " + g.name + (g.members.size() > 1 ? ", " + variant : ""),
                                      percent((*p)["variance_share"]), std::min(share, 1.0),
                                      std::min(share, 1.0), std::min(share, 1.0)});
            }
        }
    out += folded("Table: phases", table.take());
    out = section("phases", "Phases", out);
    std::string parameters;
    for (const Json& c : d["campaigns"]) {
        if (c["influences"].empty()) continue;
        Table influence("Parameters of campaign " + string_of(c["name"]),
                        {"from, to", "parameter", "share of the variance", "mean by level"});
        std::vector<Whisker> rows;
        for (const Json& i : c["influences"]) {
            std::string levels;
            for (const Json& l : i["levels"])
                levels += (levels.empty() ? "" : ", ") + string_of(l["value"]) + ": " + in_words(l["mean_ns"]);
            influence.row({measure_name(i), string_of(i["parameter"]), percent(i["share"]), levels}, 2);
            const double share = i["share"];
            if (rows.size() < 20)
                rows.push_back({string_of(i["parameter"]) + ": " + measure_name(i), percent(share), share, share, share});
        }
        parameters += "<p>How much of a duration's variance the levels of a parameter explain (omega "
                      "squared).</p>\n<figure>" +
                      shares_svg(rows, "Shares of the variance by parameter") + "</figure>\n" + influence.take();
    }
    if (sensitive || !parameters.empty())
        out += section("sensitivity", "Sensitivity",
                       parameters +
                           (sensitive ? "<p>Which phase moves the result: its covariance with the whole "
                                        "duration, as a share of the variance. All phases of a duration "
                                        "sum to 100 %; below zero: longer where the whole is "
                                        "shorter.</p>\n<figure>" +
                                            shares_svg(movers, "Shares of the variance by phase") +
                                            "</figure>\n" +
                                            folded("Table: sensitivity", variance.take())
                                      : std::string()));
    return out;
}

std::string outcome_section(const Json& d) {
    std::vector<Whisker> rows;
    Table table("Outcomes", {"variant", "class", "runs", "share", "95 % from", "95 % to"});
    for (const Json& v : d["variants"])
        for (const Json& c : v["classes"]) {
            const std::string name = string_of(v["name"]);
            if (!c.contains("share")) {
                table.row({name, string_of(c["class"]), string_of(c["runs"]), "in no denominator"}, 1);
                continue;
            }
            rows.push_back({name + ": " + string_of(c["class"]),
                            percent(c["share"]) + " (" + string_of(c["runs"]) + ")", c["share"], c["low"],
                            c["high"]});
            table.row({name, string_of(c["class"]), string_of(c["runs"]), percent(c["share"]),
                       percent(c["low"]), percent(c["high"])}, 1);
        }
    if (rows.empty()) return "";
    return section("outcomes", "Outcomes",
                   "<p>Shares of runs with their Clopper-Pearson intervals of 95 %.</p>\n<figure>" +
                       shares_svg(rows, "Shares of outcome classes with intervals") + "</figure>\n" +
                       folded("Table: outcomes", table.take()));
}

std::string exposure_section(const Json& d) {
    std::string out;
    std::size_t n = 0;
    for (const Json& r : d["runs"]) {
        const std::string name = run_name(r, n++);
        if (!r.contains("exposure") || r["exposure"]["pages"] == 0) continue;
        const Json& e = r["exposure"];
        std::vector<Bar> bars;
        Table table("Exposed pages", {"page", "planted", "first read", "kernel knows", "user mappings "
                                      "gone after", "direct map closed after", "reads of poison",
                                      "accesses", "speculative reads of poison", "collateral", "processes"});
        for (const Json& p : e["list"]) {
            std::string who;
            for (const Json& id : p["processes"]) who += (who.empty() ? "" : ", ") + string_of(id);
            table.row({string_of(p["pfn"]), in_words(p["planted_ns"]), in_words(p["met_ns"]),
                       in_words(p["known_ns"]), in_words(p["user_exposure_ns"]),
                       p["direct_map_exposure_ns"].is_null() ? "still open"
                                                             : in_words(p["direct_map_exposure_ns"]),
                       string_of(p["poison_reads"]), string_of(p["accesses"]),
                       string_of(p["speculative_reads"]), string_of(p["collateral_bytes"]) + " bytes", who});
            if (bars.size() >= 24) continue;
            Bar user{"page " + string_of(p["pfn"]) + ", user mappings", {}};
            Bar direct{"page " + string_of(p["pfn"]) + ", direct map", {}};
            const double begin = p["planted_ns"].is_number() ? p["planted_ns"].get<double>()
                                 : p["met_ns"].is_number()   ? p["met_ns"].get<double>()
                                 : p["known_ns"].is_number() ? p["known_ns"].get<double>() : 0;
            const auto bar = [&](Bar& to, const Json& end) {
                const double until = end.is_number() ? end.get<double>() : r["end_ns"].get<double>();
                const double met = p["met_ns"].is_number() ? p["met_ns"].get<double>() : until;
                const double latent = std::clamp(met - begin, 0.0, std::max(0.0, until - begin));
                if (latent > 0) to.parts.emplace_back("latent", latent);
                if (until - begin > latent)
                    to.parts.emplace_back(end.is_number() ? "met, still reachable" : "never closed",
                                          until - begin - latent);
                if (!to.parts.empty()) bars.push_back(to);
            };
            if (!p["processes"].empty()) bar(user, p["unmapped_ns"]);
            bar(direct, p["closed_ns"]);
        }
        out += "<h3>" + name_markup(name) + "</h3>\n<figure>" +
               stacked_svg(bars, "How long poisoned pages stayed reachable") + "</figure>\n";
        if (!e["speculation"].empty()) {
            Table speculation("Speculative reads by result", {"result", "reads"});
            for (const auto& [result, count] : e["speculation"].items())
                speculation.row({result, string_of(count)}, 0);
            out += speculation.take();
        }
        out += table.take();
    }
    if (out.empty()) return "";
    return section("exposure", "Exposure",
                   "<p>How long a page with poison in it could be reached: from the moment the poison "
                   "was planted (or first seen) until memory_failure() had taken it from every process, "
                   "and until the kernel's direct map no longer held it present and cacheable, which is "
                   "also what speculation needs.</p>\n" + out);
}

std::string coverage_section(const Json& d) {
    std::string out;
    std::size_t n = 0;
    for (const Json& r : d["runs"]) {
        const std::string name = run_name(r, n++);
        if (!r.contains("severity_rows") || r["severity_rows"].empty()) continue;
        Table table(name, {"row", "severity", "meaning"});
        for (const Json& row : r["severity_rows"])
            table.row({string_of(row["row"]), string_of(row["severity"]), string_of(row["message"])}, 0);
        out += folded("Rows of the severity table that " + name + " reached", table.take());
    }
    if (out.empty()) return "";
    return section("coverage", "Coverage", out);
}

std::string comparison_section(const Json& d) {
    if (d["comparison"].empty()) return "";
    Table table("Comparison of variants", {"from, to", "variant", "count", "median", "p99", "longest",
                                           "median against the first"});
    for (const Json& c : d["comparison"])
        for (const Json& v : c["values"])
            table.row({measure_name(c), string_of(v["variant"]), string_of(v["count"]),
                       in_words(v["p50_ns"]), in_words(v["p99_ns"]), in_words(v["max_ns"]),
                       v["ratio"].is_number() ? percent(v["ratio"]) : "-"}, 2);
    return section("comparison", "Comparison", table.take());
}

std::string head(const std::string& title) {
    const std::string script = has_script()
                                   ? "script-src '" + std::string(bundle::script_hash) + "'; "
                                   : std::string("script-src 'none'; ");
    return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
           "style-src 'unsafe-inline'; " + script + "base-uri 'none'; form-action 'none'\">\n"
           "<title>" + escape(title) + "</title>\n<style>\n" + std::string(bundle::style) +
           "</style>\n</head>\n<body>\n";
}

std::string data_block(const std::string& id, const std::string& type, const std::string& data) {
    return "<script type=\"" + type + "\" id=\"" + id + "\">" + data + "</script>\n";
}

}  // namespace

bool has_script() { return !bundle::script.empty(); }

std::string to_html(Figures& figures, const std::string& wanted_title, std::size_t budget) {
    // What the script draws: thinned until all of it fits.
    std::vector<std::string> rows(figures.runs().size());
    if (has_script()) {
        std::size_t traces = 0;
        for (const Run& run : figures.runs()) traces += run.trace.has_value();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            auto& trace = figures.runs()[i].trace;
            while (trace) {
                rows[i] = data_block("head-" + std::to_string(i), "application/json",
                                     script_safe(timeline_head(*trace).dump())) +
                          data_block("rows-" + std::to_string(i), "text/plain",
                                     base64(deflate(trace->timeline.encode())));
                if (rows[i].size() <= budget / traces || trace->timeline.rows().empty()) break;
                trace->timeline.thin();
            }
        }
    }
    const Json d = figures.document(false);
    std::string title = wanted_title;
    if (title.empty()) {
        title = "mcemu report";
        for (std::size_t i = 0; i < figures.variants().size() && i < 3; ++i)
            title += (i == 0 ? ": " : ", ") + figures.variants()[i].name;
        if (figures.variants().size() > 3) title += " ...";
    }
    const std::vector<Group> groups = groups_of(d);
    const std::pair<const char*, std::string> sections[] = {
        {"Summary", summary_section(d)},
        {"Comparison", comparison_section(d)},
        {"Timeline", timeline_section(figures, d)},
        {"Latencies", latency_section(d, groups)},
        {"Phases", phase_section(d, groups)},
        {"Outcomes", outcome_section(d)},
        {"Exposure", exposure_section(d)},
        {"Coverage", coverage_section(d)},
    };
    std::string out = head(title);
    out += "<header><h1>" + name_markup(title) + "</h1>\n<nav aria-label=\"Sections\">";
    for (const auto& [name, text] : sections) {
        if (text.empty()) continue;
        const auto id = text.find("id=\"") + 4;
        out += "<a href=\"#" + text.substr(id, text.find('"', id) - id) + "\">" + name + "</a> ";
    }
    out += "</nav></header>\n<main>\n";
    for (const auto& [name, text] : sections) out += text;
    out += "</main>\n<footer><p>Written by mcemu " + escape(output::program_version()) + ". ";
    out += has_script()
               ? "This page is whole: it needs no network. Without scripts it shows still pictures."
               : "This is the still form of the page: mcemu was built without npm, so its pictures "
                 "cannot be zoomed. The figures are the same.";
    out += "</p></footer>\n";
    if (has_script()) {
        out += data_block("figures", "application/json", script_safe(d.dump()));
        for (const std::string& block : rows) out += block;
        out += "<script>" + std::string(bundle::script) + "</script>\n";
    }
    return out + "</body>\n</html>\n";
}

}  // namespace mcemu::report
