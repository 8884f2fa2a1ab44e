#include "output/text.hpp"
#include "report/document.hpp"
#include "report/formats.hpp"

namespace mcemu::report {
namespace {

/// Text in a table cell: Markdown must not see markup in it.
std::string cell(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n' || c == '\r' || c == '\t') {
            out += ' ';
            continue;
        }
        if (c == '<') {
            out += "&lt;";
            continue;
        }
        if (c == '&') {
            out += "&amp;";
            continue;
        }
        if (std::string_view("\\`*_{}[]()#+|!>~").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

std::string string_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "";
    return value.dump();
}

class Markdown {
public:
    void heading(int level, const std::string& text) {
        out_ += "\n" + std::string(static_cast<std::size_t>(level), '#') + " " + cell(text) + "\n\n";
    }
    void bullet(const std::string& text) { out_ += "- " + cell(text) + "\n"; }
    void row(const std::vector<std::string>& cells) {
        for (const std::string& c : cells) out_ += "| " + cell(c) + " ";
        out_ += "|\n";
    }
    void head(const std::vector<std::string>& cells) {
        row(cells);
        for (std::size_t i = 0; i < cells.size(); ++i) out_ += "| --- ";
        out_ += "|\n";
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

std::string csv_field(const std::string& text) {
    // A spreadsheet takes =, +, - and @ for formulas: names may begin with them.
    std::string guarded = text;
    if (!text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos &&
        text.find_first_not_of("0123456789.eE+-") != std::string::npos)
        guarded.insert(guarded.begin(), '\'');
    if (guarded.find_first_of(",\"\r\n") == std::string::npos) return guarded;
    std::string out = "\"";
    for (const char c : guarded) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + "\"";
}

class Csv {
public:
    Csv() { out_ = "section,run,variant,from,to,name,value,unit\r\n"; }
    void row(const std::string& section, const std::string& run, const std::string& variant,
             const std::string& from, const std::string& to, const std::string& name,
             const Json& value, const std::string& unit) {
        if (value.is_null()) return;
        for (const std::string* s : {&section, &run, &variant, &from, &to, &name})
            out_ += csv_field(*s) + ",";
        out_ += csv_field(string_of(value)) + "," + unit + "\r\n";
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

constexpr std::pair<const char*, const char*> kQuantiles[] = {
    {"min_ns", "min"},   {"p50_ns", "p50"},     {"p90_ns", "p90"},       {"p99_ns", "p99"},
    {"p999_ns", "p99.9"}, {"p9999_ns", "p99.99"}, {"max_ns", "max"}};

}  // namespace

std::string to_markdown(const Json& d) {
    Markdown md;
    md.heading(1, "mcemu report");
    for (const Json& s : d["summary"]) md.bullet(s);

    md.heading(2, "Runs");
    md.head({"run", "scenario", "kernel", "seed", "outcome", "class", "end", "trace records", "files"});
    std::size_t n = 0;
    for (const Json& r : d["runs"]) {
        std::string files;
        for (const Json& f : r["files"]) files += (files.empty() ? "" : ", ") + f.get<std::string>();
        md.row({std::to_string(n++), r["scenario"], r["profile"], string_of(r["seed"]),
                r.contains("outcome") ? string_of(r["outcome"]) : "",
                r.contains("class") ? string_of(r["class"]) : "", in_words(r["end_ns"]),
                r.contains("trace") ? string_of(r["trace"]["records"]) : "", files});
    }
    for (const Json& c : d["campaigns"]) {
        md.heading(2, "Campaign " + c["name"].get<std::string>());
        md.head({"from", "to", "parameter", "share of the variance", "mean by level"});
        for (const Json& i : c["influences"]) {
            std::string levels;
            for (const Json& l : i["levels"])
                levels += (levels.empty() ? "" : ", ") + l["value"].get<std::string>() + ": " + in_words(l["mean_ns"]);
            md.row({i["from"], i["to"], i["parameter"], percent(i["share"]), levels});
        }
    }
    for (const Json& v : d["variants"]) {
        md.heading(2, "Variant " + v["name"].get<std::string>());
        if (!v["classes"].empty()) {
            md.heading(3, "Outcomes");
            md.head({"class", "runs", "share", "95 % from", "to"});
            for (const Json& c : v["classes"])
                md.row({c["class"], string_of(c["runs"]), c.contains("share") ? percent(c["share"]) : "",
                        c.contains("low") ? percent(c["low"]) : "",
                        c.contains("high") ? percent(c["high"]) : ""});
        }
        md.heading(3, "Durations");
        md.head({"from", "to", "count", "min", "p50", "p90", "p99", "p99.9", "p99.99", "max", "mean"});
        for (const Json& m : v["measures"]) {
            std::vector<std::string> row = {m["from"], m["to"], string_of(m["count"])};
            if (m["count"] != 0) {
                for (const auto& [key, label] : kQuantiles) row.push_back(in_words(m[key]));
                row.push_back(in_words(m["mean_ns"]));
            }
            row.resize(11);
            md.row(row);
        }
        md.heading(3, "Phases on the critical path");
        md.head({"from", "to", "phase", "mean", "share", "share of the slowest", "share of the variance"});
        for (const Json& m : v["measures"])
            if (m["count"] != 0)
                for (const Json& p : m["phases"])
                    md.row({m["from"], m["to"], p["name"], in_words(p["mean_ns"]), percent(p["share"]),
                            percent(p["tail_share"]),
                            p.contains("variance_share") ? percent(p["variance_share"]) : ""});
    }
    n = 0;
    for (const Json& r : d["runs"]) {
        if (r.contains("exposure") && r["exposure"]["pages"] != 0) {
            md.heading(2, "Exposure of run " + std::to_string(n));
            md.head({"page", "planted", "met", "known", "user mappings gone after",
                     "direct map closed after", "reads of poison", "accesses", "processes"});
            for (const Json& p : r["exposure"]["list"]) {
                std::string who;
                for (const Json& name : p["processes"])
                    who += (who.empty() ? "" : ", ") + name.get<std::string>();
                md.row({p["pfn"], in_words(p["planted_ns"]), in_words(p["met_ns"]),
                        in_words(p["known_ns"]), in_words(p["user_exposure_ns"]),
                        in_words(p["direct_map_exposure_ns"]), string_of(p["poison_reads"]),
                        string_of(p["accesses"]), who});
            }
        }
        ++n;
    }
    if (!d["comparison"].empty()) {
        md.heading(2, "Comparison");
        md.head({"from", "to", "variant", "count", "p50", "p99", "max", "median to the first"});
        for (const Json& c : d["comparison"])
            for (const Json& v : c["values"])
                md.row({c["from"], c["to"], v["variant"], string_of(v["count"]), in_words(v["p50_ns"]),
                        in_words(v["p99_ns"]), in_words(v["max_ns"]),
                        v["ratio"].is_number() ? percent(v["ratio"]) : ""});
    }
    return md.take().substr(1);
}

std::string to_csv(const Json& d) {
    Csv csv;
    std::size_t n = 0;
    for (const Json& r : d["runs"]) {
        const std::string run = std::to_string(n++);
        for (const char* key : {"scenario", "profile", "seed", "outcome", "class"})
            if (r.contains(key)) csv.row("run", run, "", "", "", key, r[key], "");
        csv.row("run", run, "", "", "", "end", r["end_ns"], "ns");
        if (r.contains("trace")) {
            csv.row("run", run, "", "", "", "records", r["trace"]["records"], "");
            for (const Json& k : r["trace"]["kinds"])
                csv.row("records", run, "", "", "", k["kind"], k["count"], "");
        }
        if (r.contains("exposure"))
            for (const Json& p : r["exposure"]["list"])
                for (const char* key : {"planted_ns", "met_ns", "known_ns", "unmapped_ns", "closed_ns",
                                        "user_exposure_ns", "direct_map_exposure_ns", "poison_reads",
                                        "accesses", "speculative_reads", "collateral_bytes"}) {
                    const std::string name = key;
                    const bool time = name.ends_with("_ns");
                    csv.row("exposure", run, "", p["pfn"], "",
                            time ? name.substr(0, name.size() - 3) : name, p[key], time ? "ns" : "");
                }
        if (r.contains("events"))
            for (const Json& e : r["events"]) csv.row("fate", run, "", e["id"], "", "fate", e["fate"], "");
    }
    for (const Json& c : d["campaigns"])
        for (const Json& i : c["influences"]) {
            csv.row("influence", "", c["name"], i["from"], i["to"], i["parameter"], i["share"], "");
            for (const Json& l : i["levels"])
                csv.row("level", "", c["name"], i["from"], i["to"],
                        i["parameter"].get<std::string>() + "=" + l["value"].get<std::string>(), l["mean_ns"], "ns");
        }
    for (const Json& v : d["variants"]) {
        const std::string name = v["name"];
        for (const Json& c : v["classes"]) {
            csv.row("outcome", "", name, "", "", c["class"], c["runs"], "runs");
            for (const char* key : {"share", "low", "high"})
                if (c.contains(key))
                    csv.row("outcome", "", name, "", "", c["class"].get<std::string>() + " " + key, c[key], "");
        }
        for (const Json& m : v["measures"]) {
            csv.row("duration", "", name, m["from"], m["to"], "count", m["count"], "");
            if (m["count"] == 0) continue;
            for (const auto& [key, label] : kQuantiles)
                csv.row("duration", "", name, m["from"], m["to"], label, m[key], "ns");
            csv.row("duration", "", name, m["from"], m["to"], "mean", m["mean_ns"], "ns");
            csv.row("duration", "", name, m["from"], m["to"], "sd", m["sd_ns"], "ns");
            if (m.contains("deadline_ns")) {
                csv.row("duration", "", name, m["from"], m["to"], "slack", m["slack_ns"], "ns");
                csv.row("duration", "", name, m["from"], m["to"], "missed", m["missed"], "");
            }
            for (const Json& p : m["phases"]) {
                csv.row("phase", "", name, m["from"], m["to"], p["name"], p["mean_ns"], "ns");
                if (p.contains("variance_share"))
                    csv.row("variance", "", name, m["from"], m["to"], p["name"], p["variance_share"], "");
            }
        }
    }
    return csv.take();
}

}  // namespace mcemu::report
