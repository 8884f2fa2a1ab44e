#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include "campaign/figures.hpp"
#include "output/text.hpp"

namespace mcemu::campaign {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g %%", share * 100);
    return text;
}
std::string number(double x) {
    char text[40];
    std::snprintf(text, sizeof text, "%.6g", x);
    return text;
}
std::string time(const Json& ps) {
    if (ps.is_null()) return "?";
    const double value = ps.get<double>();
    const bool negative = value < 0;
    // Three figures of a unit: the eye wants no more.
    constexpr std::array<std::pair<double, const char*>, 5> kUnits = {
        {{1e12, "s"}, {1e9, "ms"}, {1e6, "us"}, {1e3, "ns"}, {1, "ps"}}};
    for (const auto& [size, unit] : kUnits) {
        if (std::abs(value) < size && size > 1) continue;
        char text[40];
        std::snprintf(text, sizeof text, "%s%.4g %s", negative ? "-" : "", std::abs(value) / size, unit);
        return text;
    }
    return "0 ps";
}
std::string plural(std::uint64_t n, const std::string& one) {
    return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}
std::string quantile_name(double q) {
    if (q == 0.5) return "median";
    char text[24];
    std::snprintf(text, sizeof text, "p%.6g", q * 100);
    return text;
}
std::string range(const Json& low, const Json& high) {
    if (low.is_null() && high.is_null()) return "too few runs to say";
    if (low.is_null()) return "at most " + time(high);
    if (high.is_null()) return "at least " + time(low);
    return time(low) + " to " + time(high);
}
std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// Rows of cells: as aligned columns, or as a table of Markdown.
class Table {
public:
    explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    std::string text(bool markdown, const std::string& indent) const {
        std::string out;
        std::vector<std::size_t> widths(rows_[0].size(), 0);
        for (const auto& row : rows_)
            for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
        for (std::size_t r = 0; r < rows_.size(); ++r) {
            std::string line = markdown ? "|" : indent;
            for (std::size_t i = 0; i < rows_[r].size(); ++i) {
                std::string cell = rows_[r][i];
                if (markdown) {
                    std::string escaped;
                    for (const char c : cell) escaped += c == '|' ? "\\|" : std::string(1, c);
                    line += " " + escaped + " |";
                } else {
                    cell.resize(widths[i], ' ');
                    line += cell + (i + 1 < rows_[r].size() ? "  " : "");
                }
            }
            while (!line.empty() && line.back() == ' ') line.pop_back();
            out += line + "\n";
            if (markdown && r == 0) {
                out += "|";
                for (std::size_t i = 0; i < widths.size(); ++i) out += " --- |";
                out += "\n";
            }
        }
        return out;
    }
    bool empty() const { return rows_.size() == 1; }

private:
    std::vector<std::vector<std::string>> rows_;
};

class Writer {
public:
    Writer(const Json& figures, bool markdown) : f_(figures), markdown_(markdown) {}

    std::string write() {
        heading(1, f_["campaign"].get<std::string>());
        if (!f_["description"].get_ref<const std::string&>().empty()) paragraph(f_["description"].get<std::string>());
        const auto runs = f_["runs"].get<std::uint64_t>();
        confidence_ = percent(f_["confidence"].get<double>());
        paragraph(plural(runs, "run") + " of " + f_["scenario"].get<std::string>() + " in " +
                  plural(f_["cells"].size(), "cell") + ", intervals of " + confidence_ + ", mcemu " +
                  f_["version"].get<std::string>() + (f_["finished"].get<bool>() ? "" : "; the campaign is not finished"));
        if (f_["failed"].get<std::uint64_t>() > 0)
            paragraph("The emulator itself failed in " + plural(f_["failed"].get<std::uint64_t>(), "run") + ": they are in no share.");
        for (const Json& cell : f_["cells"]) write_cell(cell);
        write_comparisons();
        write_sensitivity();
        return std::move(out_);
    }

private:
    void heading(int level, const std::string& text) {
        if (!out_.empty()) out_ += "\n";
        out_ += markdown_ ? std::string(static_cast<std::size_t>(level), '#') + " " + text + "\n\n" : text + "\n";
    }
    void paragraph(const std::string& text) { out_ += text + (markdown_ ? "\n\n" : "\n"); }
    void table(const Table& t) {
        if (t.empty()) return;
        out_ += t.text(markdown_, "  ");
        if (markdown_) out_ += "\n";
    }

    void write_cell(const Json& cell) {
        const auto runs = cell["runs"].get<std::uint64_t>(), effective = cell["effective"].get<std::uint64_t>();
        heading(2, cell["name"].get<std::string>() + ": " + plural(runs, "run") +
                       (effective == runs ? "" : ", " + std::to_string(effective) + " effective"));
        for (const Json& f : cell["failures"])
            paragraph("  failed in " + plural(f["runs"].get<std::uint64_t>(), "run") + ": " + f["why"].get<std::string>());
        write_shares("class", cell["classes"]);
        if (cell.contains("user_classes")) write_shares("own class", cell["user_classes"]);
        Table times({"time", "least", "mean", "most", "missing", "late"});
        Table quantiles({"quantile", "value", "interval"});
        Table phases({"phase", "mean", "share", "share beyond p99"});
        for (const Json& m : cell["measures"]) write_measure(m, times, quantiles, phases);
        table(times);
        table(quantiles);
        table(phases);
        Table numbers({"number", "mean", "least", "most"});
        for (const Json& n : cell["numbers"])
            if (n.contains("mean"))
                numbers.add({n["name"].get<std::string>(), number(n["mean"].get<double>()), number(n["least"].get<double>()),
                             number(n["most"].get<double>())});
        table(numbers);
        write_exposure(cell["exposure"]);
    }

    void write_shares(const char* what, const Json& list) {
        Table t({what, "runs", "share", "interval"});
        for (const Json& c : list) {
            std::vector<std::string> row{c["class"].get<std::string>(), std::to_string(c["runs"].get<std::uint64_t>())};
            if (!c.contains("share") || c["share"].is_null()) {
                row.insert(row.end(), {"-", "in no share"});
            } else {
                row.push_back(percent(c["share"].get<double>()));
                row.push_back(percent(c["low"].get<double>()) + " to " + percent(c["high"].get<double>()));
            }
            t.add(std::move(row));
        }
        table(t);
    }

    void write_measure(const Json& m, Table& times, Table& quantiles, Table& phases) {
        const std::string name = m["name"].get<std::string>();
        std::string late = "-";
        if (m.contains("slack")) {
            const Json& l = m["slack"]["late"];
            late = l["share"].is_null() ? "-" : percent(l["share"].get<double>()) + " (" + percent(l["low"].get<double>()) +
                                                     " to " + percent(l["high"].get<double>()) + ")";
            if (m["slack"].contains("least_ps")) late += ", least slack " + time(m["slack"]["least_ps"]);
        }
        const std::string missing = std::to_string(m["missing"].get<std::uint64_t>());
        if (!m.contains("mean_ps")) {
            times.add({name, "never", "-", "-", missing, late});
            return;
        }
        times.add({name, time(m["least_ps"]), time(m["mean_ps"]), time(m["most_ps"]), missing, late});
        for (const Json& q : m["quantiles"])
            quantiles.add({name + " " + quantile_name(q["quantile"].get<double>()), time(q["ps"]), range(q["low_ps"], q["high_ps"])});
        for (const Json& p : m["phases"]) {
            std::string tail = "0 %";
            for (const Json& t : m["tail_phases"])
                if (t["name"] == p["name"]) tail = percent(t["share"].get<double>());
            phases.add({name + ": " + p["name"].get<std::string>(), time(p["mean_ps"]), percent(p["share"].get<double>()), tail});
        }
    }

    void write_exposure(const Json& e) {
        if (e["runs"].get<std::uint64_t>() == 0) return;
        Table t({"poison reachable", "mean", "median", "p99", "most", "still at the end"});
        for (const char* by : {"user", "direct_map", "speculation"}) {
            const Json& x = e[by];
            const std::string open = std::to_string(x["open"].get<std::uint64_t>()) + " of " + std::to_string(e["runs"].get<std::uint64_t>());
            const char* const name = *by == 'u' ? "by user mappings" : *by == 'd' ? "by the direct map" : "by speculation";
            if (x.contains("mean_ps"))
                t.add({name, time(x["mean_ps"]), time(x["quantiles"][0]["ps"]), time(x["quantiles"][3]["ps"]), time(x["most_ps"]), open});
            else
                t.add({name, "-", "-", "-", "-", open});
        }
        table(t);
        const Json& s = e["speculated"];
        paragraph("  " + number(e["accesses_per_run"].get<double>()) + " accesses a run touched a poisoned page; speculation read one in " +
                  percent(s["share"].get<double>()) + " of the runs (" + percent(s["low"].get<double>()) + " to " +
                  percent(s["high"].get<double>()) + ")");
    }

    void write_comparisons() {
        if (f_["comparisons"].empty()) return;
        heading(2, "Compared with the first variant");
        Table classes({"cell", "class", "first", "this", "difference", "intervals"});
        Table times({"cell", "time", "pairs", "median difference", "interval"});
        for (const Json& c : f_["comparisons"]) {
            for (const Json& x : c["classes"])
                classes.add({c["name"].get<std::string>(), x["class"].get<std::string>(), percent(x["before"].get<double>()),
                             percent(x["after"].get<double>()), percent(x["difference"].get<double>()),
                             x["apart"].get<bool>() ? "apart" : "overlap"});
            for (const Json& x : c["measures"])
                times.add({c["name"].get<std::string>(), x["name"].get<std::string>(), std::to_string(x["pairs"].get<std::uint64_t>()),
                           time(x["median_difference_ps"]), range(x["low_ps"], x["high_ps"])});
        }
        table(classes);
        table(times);
    }

    void write_sensitivity() {
        if (f_["sensitivity"].empty()) return;
        heading(2, "What moves what");
        Table t({"output", "parameter", "explains", "least", "at", "most", "at"});
        for (const Json& s : f_["sensitivity"])
            for (const Json& p : s["parameters"]) {
                const std::string output = s["output"].get<std::string>();
                bool is_time = false;
                for (const Json& m : f_["cells"][0]["measures"]) is_time = is_time || m["name"] == output;
                const auto shown = [&](const Json& x) {
                    return is_time ? time(x) : output.rfind("share of ", 0) == 0 ? percent(x.get<double>()) : number(x.get<double>());
                };
                t.add({output, p["name"].get<std::string>(), percent(p["explains"].get<double>()), shown(p["least"]),
                       plain(p["least_at"]), shown(p["most"]), plain(p["most_at"])});
            }
        table(t);
    }

    const Json& f_;
    const bool markdown_;
    std::string out_, confidence_;
};

std::string csv_cell(const std::string& text) {
    if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
}

}  // namespace

std::string figures_text(const Json& figures) { return Writer(figures, false).write(); }
std::string figures_markdown(const Json& figures) { return Writer(figures, true).write(); }

std::string figures_csv(const Json& figures) {
    std::string out = "cell,name,kind,figure,value,low,high,runs\n";
    for (const Json& cell : figures["cells"]) {
        const auto row = [&](const char* kind, const std::string& figure, const Json& value, const Json& low, const Json& high, const Json& runs) {
            out += std::to_string(cell["cell"].get<std::uint64_t>()) + "," + csv_cell(cell["name"].get<std::string>()) + "," + kind + "," +
                   csv_cell(figure);
            for (const Json* x : {&value, &low, &high, &runs}) out += "," + (x->is_null() ? std::string() : x->dump());
            out += "\n";
        };
        for (const char* list : {"classes", "user_classes"}) {
            if (!cell.contains(list)) continue;
            for (const Json& c : cell[list])
                row(list == std::string_view("classes") ? "class" : "user class", c["class"].get<std::string>(),
                    c.contains("share") ? c["share"] : Json(nullptr), c.contains("low") ? c["low"] : Json(nullptr),
                    c.contains("high") ? c["high"] : Json(nullptr), c["runs"]);
        }
        for (const Json& m : cell["measures"]) {
            if (!m.contains("mean_ps")) continue;
            const std::string name = m["name"].get<std::string>();
            row("mean ps", name, m["mean_ps"], nullptr, nullptr, m["runs"]);
            for (const Json& q : m["quantiles"])
                row((quantile_name(q["quantile"].get<double>()) + " ps").c_str(), name, q["ps"], q["low_ps"], q["high_ps"], m["runs"]);
            for (const Json& p : m["phases"]) row("phase share", name + ": " + p["name"].get<std::string>(), p["share"], nullptr, nullptr, m["runs"]);
        }
        for (const Json& n : cell["numbers"])
            if (n.contains("mean")) row("number", n["name"].get<std::string>(), n["mean"], n["least"], n["most"], n["runs"]);
        const Json& e = cell["exposure"];
        if (e["runs"] == 0) continue;
        for (const char* by : {"user", "direct_map", "speculation"})
            if (e[by].contains("mean_ps")) row("exposure mean ps", by, e[by]["mean_ps"], nullptr, e[by]["most_ps"], e[by]["closed"]);
        row("speculated", "share of runs", e["speculated"]["share"], e["speculated"]["low"], e["speculated"]["high"], e["runs"]);
    }
    return out;
}

}  // namespace mcemu::campaign
