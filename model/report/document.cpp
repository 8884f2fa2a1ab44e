#include "report/document.hpp"

#include <algorithm>
#include <cmath>

#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::report {
namespace {

constexpr std::size_t kPoints = 240;  // of a distribution function

Json phase_list(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& way) {
    Json list = Json::array();
    for (const auto& [phase, ps] : way)
        list.push_back({{"name", phase_name(phase)}, {"ns", as_ns(ps)}});
    return list;
}

/// Where the time of the slowest samples, up to a hundredth of all, went.
std::array<double, kPhases> tail_of(const Measure& m) {
    std::array<double, kPhases> share{};
    const std::size_t n = std::clamp<std::size_t>(m.samples.count() / 100, 1, m.slowest.size());
    double total = 0;
    for (std::size_t i = 0; i < n; ++i)
        for (const auto& [phase, ps] : m.slowest[i].phases) {
            share[phase] += static_cast<double>(ps);
            total += static_cast<double>(ps);
        }
    if (total > 0)
        for (double& s : share) s /= total;
    return share;
}

Json phases_of(const Measure& m) {
    Json list = Json::array();
    const auto n = static_cast<double>(m.samples.count());
    double total = 0;
    for (const Measure::Phase& p : m.phases) total += static_cast<double>(p.ps);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < kPhases; ++i)
        if (m.phases[i].ps > 0) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return m.phases[a].ps > m.phases[b].ps;
    });
    const std::array<double, kPhases> tail = tail_of(m);
    for (const std::size_t i : order) {
        Json entry = {{"name", phase_name(i)},
                      {"mean_ns", static_cast<double>(m.phases[i].ps) / n / 1000},
                      {"share", static_cast<double>(m.phases[i].ps) / total},
                      {"samples", m.phases[i].samples},
                      {"tail_share", tail[i]}};
        if (m.samples.count() > 1 && m.samples.standard_deviation() > 0)
            entry["variance_share"] = m.variance_share(i);
        list.push_back(std::move(entry));
    }
    return list;
}

Json time_or_null(const std::optional<std::uint64_t>& ps) {
    return ps ? as_ns(*ps) : Json(nullptr);
}

Json exposure_of(const TraceFigures& t) {
    Json pages = Json::array();
    std::uint64_t open = 0, reads = 0, speculative = 0;
    Samples user, direct_map;
    for (const auto& [pfn, p] : t.exposure.pages()) {
        reads += p.reads;
        speculative += p.speculative;
        if (p.unmapped && *p.unmapped >= p.begin()) user.add(*p.unmapped - p.begin());
        if (p.closed && *p.closed >= p.begin())
            direct_map.add(*p.closed - p.begin());
        else
            ++open;
        if (pages.size() == 1000) continue;
        Json processes = Json::array();
        for (const std::uint32_t i : p.processes) processes.push_back(t.names.process(i));
        const auto since = [&](const std::optional<std::uint64_t>& end) {
            return end && *end >= p.begin() ? as_ns(*end - p.begin()) : Json(nullptr);
        };
        pages.push_back({{"pfn", output::hex(pfn)},
                         {"planted_ns", time_or_null(p.planted)},
                         {"met_ns", time_or_null(p.met)},
                         {"known_ns", time_or_null(p.known)},
                         {"unmapped_ns", time_or_null(p.unmapped)},
                         {"closed_ns", time_or_null(p.closed)},
                         {"user_exposure_ns", since(p.unmapped)},
                         {"direct_map_exposure_ns", since(p.closed)},
                         {"processes", std::move(processes)},
                         {"collateral_bytes", p.collateral},
                         {"poison_reads", p.reads},
                         {"accesses", p.accesses},
                         {"speculative_reads", p.speculative},
                         {"record", p.record}});
    }
    constexpr const char* kResults[] = {"clean",         "poison",    "non_canonical", "not_present",
                                        "not_cacheable", "no_memory", "idle",          "other"};
    Json speculation = Json::object();
    for (std::size_t i = 0; i < t.exposure.speculations().size(); ++i)
        if (t.exposure.speculations()[i]) speculation[kResults[i]] = t.exposure.speculations()[i];
    const auto spread = [](const Samples& s) {
        if (s.count() == 0) return Json(nullptr);
        return Json{{"pages", s.count()},
                    {"p50_ns", as_ns(s.quantile(0.5))},
                    {"p99_ns", as_ns(s.quantile(0.99))},
                    {"max_ns", as_ns(s.max())}};
    };
    return {{"pages", t.exposure.pages().size()},
            {"direct_map_open", open},
            {"poison_reads", reads},
            {"speculative_reads_of_poison", speculative},
            {"user", spread(user)},
            {"direct_map", spread(direct_map)},
            {"speculation", std::move(speculation)},
            {"left_out", t.exposure.left_out()},
            {"list", std::move(pages)}};
}

}  // namespace

Json as_ns(std::uint64_t ps) {
    if (ps % 1000 == 0) return ps / 1000;
    return static_cast<double>(ps) / 1000;
}

std::string in_words(const Json& ns) {
    if (!ns.is_number()) return "-";
    const double ps = std::round(ns.get<double>() * 1000);
    if (ps < 0) return "-" + output::human_time(SimTime{static_cast<std::uint64_t>(-ps)});
    return output::human_time(SimTime{static_cast<std::uint64_t>(ps)});
}

std::string percent(double share) {
    const auto tenths = static_cast<std::int64_t>(std::llround(share * 1000));
    std::string out = tenths < 0 ? "-" : "";
    output::append_dec(out, static_cast<std::uint64_t>(std::abs(tenths) / 10));
    out += '.';
    out += static_cast<char>('0' + std::abs(tenths) % 10);
    return out + " %";
}

Json measure_document(const Measure& m) {
    const Samples& s = m.samples;
    Json out = {{"from", m.from}, {"to", m.to}, {"what", m.asked ? "asked" : m.pair ? "pair" : "kind"},
                {"count", s.count()}};
    if (s.count() == 0) return out;
    out["exact"] = s.exact();
    out["min_ns"] = as_ns(s.min());
    constexpr std::pair<const char*, double> kQuantiles[] = {
        {"p50_ns", 0.5}, {"p90_ns", 0.9}, {"p99_ns", 0.99}, {"p999_ns", 0.999}, {"p9999_ns", 0.9999}};
    for (const auto& [name, q] : kQuantiles) out[name] = as_ns(s.quantile(q));
    out["max_ns"] = as_ns(s.max());
    out["mean_ns"] = s.mean() / 1000;
    out["sd_ns"] = s.standard_deviation() / 1000;
    if (m.deadline) {
        out["deadline_ns"] = as_ns(*m.deadline);
        out["missed"] = m.missed;
        const auto slack = static_cast<std::int64_t>(*m.deadline - s.max());
        out["slack_ns"] = slack % 1000 == 0 ? Json(slack / 1000)
                                            : Json(static_cast<double>(slack) / 1000);
    }
    out["phases"] = phases_of(m);
    Json cdf = Json::array();
    for (const auto& [ps, share] : s.cdf(kPoints)) cdf.push_back({as_ns(ps), share});
    out["cdf"] = std::move(cdf);
    Json slowest = Json::array();
    for (const Slow& slow : m.slowest)
        slowest.push_back({{"ns", as_ns(slow.ps)},
                           {"run", slow.run},
                           {"cause", slow.cause},
                           {"effect", slow.effect},
                           {"phases", phase_list(slow.phases)}});
    out["slowest"] = std::move(slowest);
    return out;
}

void add_result(Json& run, const ResultFigures& r) {
    run["outcome"] = r.outcome;
    run["panic"] = r.panic.empty() ? Json(nullptr) : Json(r.panic);
    run["class"] = r.outcome_class;
    Json list = Json::array();
    for (const auto& s : r.signals)
        list.push_back({{"t_ns", as_ns(s.ps)}, {"process", s.process}, {"pid", s.pid},
                        {"signal", s.signal}, {"code", s.code}, {"addr", s.addr}});
    run["signals"] = std::move(list);
    list = Json::array();
    for (const auto& p : r.processes)
        list.push_back({{"id", p.id}, {"pid", p.pid}, {"state", p.state}});
    run["processes"] = std::move(list);
    list = Json::array();
    std::map<std::string, std::uint64_t> fates;
    for (const auto& e : r.events) {
        ++fates[e.fate];
        if (list.size() < 1000)
            list.push_back({{"id", e.id}, {"t_ns", as_ns(e.ps)}, {"fate", e.fate}, {"because", e.because}});
    }
    run["fates"] = fates;
    run["events"] = std::move(list);
    list = Json::array();
    for (const auto& e : r.expectations)
        list.push_back({{"at", e.at}, {"ok", e.ok}, {"note", e.note}});
    run["expect"] = std::move(list);
    run["poisoned_pages"] = r.poisoned_pages.size();
    list = Json::array();
    for (const auto& row : r.severity_rows)
        list.push_back({{"row", row.row}, {"severity", row.severity}, {"message", row.message}});
    run["severity_rows"] = std::move(list);
    Json counters = Json::object();
    for (const auto& [name, value] : r.counters) counters[name] = value;
    run["counters"] = std::move(counters);
}

void add_trace(Json& run, const TraceFigures& t) {
    Json kinds = Json::array();
    std::vector<std::pair<std::uint64_t, std::size_t>> counted;
    for (std::size_t i = 0; i < t.timeline.kinds().size(); ++i)
        if (t.timeline.kinds()[i]) counted.emplace_back(t.timeline.kinds()[i], i);
    std::stable_sort(counted.begin(), counted.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [n, i] : counted)
        kinds.push_back({{"kind", output::word(static_cast<TraceKind>(i))}, {"count", n}});
    run["trace"] = {{"records", t.timeline.total()},
                    {"first", t.first},
                    {"shown", t.timeline.rows().size()},
                    {"one_chain_in", t.timeline.one_in()},
                    {"log_lines", t.log_lines},
                    {"pairs_left_out", t.pairs_left_out},
                    {"chains_cut", t.chains_cut},
                    {"kinds", std::move(kinds)}};
    run["exposure"] = exposure_of(t);
}

Json log_document(const std::vector<LogLine>& log) {
    Json list = Json::array();
    for (const LogLine& l : log)
        list.push_back({{"t_ns", as_ns(l.ps)},
                        {"level", l.level < 0 ? Json(nullptr) : Json(l.level)},
                        {"record", l.record ? Json(l.record) : Json(nullptr)},
                        {"text", l.text}});
    return list;
}

namespace {

std::string plural(std::uint64_t n, const std::string& what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

/// "37.4 % of", "4.9 times".
std::string ratio_in_words(double ratio) {
    if (ratio < 2) return percent(ratio) + " of";
    const auto tenths = static_cast<std::uint64_t>(std::llround(ratio * 10));
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " times";
}

void run_sentences(const Json& run, Json& out) {
    std::string line = run["scenario"].get<std::string>() + " on " +
                       run["profile"].get<std::string>() + ", seed " +
                       std::to_string(run["seed"].get<std::uint64_t>()) + ": ";
    if (run.contains("outcome")) {
        const std::string outcome = run["outcome"];
        line += outcome == "running" ? "the machine kept running"
                : outcome == "panic" ? "the kernel panicked" : "the machine shut down";
        line += ", class " + run["class"].get<std::string>();
        if (run["panic"].is_string()) line += " (" + run["panic"].get<std::string>() + ")";
        line += "; " + plural(run["signals"].size(), "signal") + ", " +
                plural(run["poisoned_pages"], "poisoned page");
        std::uint64_t failed = 0;
        for (const Json& e : run["expect"]) failed += e["ok"] == false;
        if (!run["expect"].empty())
            line += failed == 0 ? "; every expectation was met"
                                : "; " + plural(failed, "expectation") + " failed";
    } else {
        line += "trace only";
    }
    if (run.contains("trace")) {
        const Json& t = run["trace"];
        line += "; " + plural(t["records"], "trace record");
        if (t["one_chain_in"] != 1)
            line += ", of which the timeline shows one chain in " +
                    std::to_string(t["one_chain_in"].get<std::uint64_t>()) + " (" +
                    std::to_string(t["shown"].get<std::uint64_t>()) + " records)";
    }
    out.push_back(line + ".");
    if (!run.contains("exposure")) return;
    const Json& e = run["exposure"];
    if (e["pages"] == 0) return;
    line = plural(e["pages"], "page") + " with poison";
    if (!e["user"].is_null())
        line += "; reachable through user mappings for " + in_words(e["user"]["max_ns"]) + " at most";
    if (!e["direct_map"].is_null())
        line += "; through the direct map for " + in_words(e["direct_map"]["max_ns"]) + " at most";
    if (e["direct_map_open"] != 0)
        line += "; " + plural(e["direct_map_open"], "page") +
                " still reachable through the direct map at the end";
    line += "; " + plural(e["poison_reads"], "read") + " of poison, " +
            plural(e["speculative_reads_of_poison"], "speculative read") + " that reached it.";
    out.push_back(line);
}

void measure_sentence(const Json& m, const std::string& variant, Json& out) {
    if (m["count"] == 0) {
        out.push_back("From " + m["from"].get<std::string>() + " to " + m["to"].get<std::string>() +
                      ": it never came.");
        return;
    }
    std::string line = variant + "from " + m["from"].get<std::string>() + " to " +
                       m["to"].get<std::string>() + ": ";
    if (m["count"] == 1)
        line += in_words(m["max_ns"]);
    else
        line += "median " + in_words(m["p50_ns"]) + ", 99 % within " + in_words(m["p99_ns"]) +
                ", longest " + in_words(m["max_ns"]) + " (" +
                std::to_string(m["count"].get<std::uint64_t>()) + " times)";
    std::size_t named = 0;
    for (const Json& p : m["phases"]) {
        if (named == 3 || p["share"].get<double>() < 0.05) break;
        line += named == 0 ? "; mostly " : ", ";
        line += p["name"].get<std::string>() + " (" + percent(p["share"]) + ")";
        ++named;
    }
    if (m.contains("deadline_ns")) {
        const std::uint64_t missed = m["missed"];
        line += missed == 0 ? "; the deadline of " + in_words(m["deadline_ns"]) + " leaves " +
                                  in_words(m["slack_ns"])
                            : "; " + plural(missed, "time") + " beyond the deadline of " +
                                  in_words(m["deadline_ns"]);
    }
    if (variant.empty()) line[0] = 'F';  // a name stays as it is written
    out.push_back(line + ".");
}

}  // namespace

Json summary_of(const Json& document) {
    constexpr std::size_t kMost = 12;
    Json out = Json::array();
    for (const Json& c : document["campaigns"]) {
        std::string line = "Campaign " + c["name"].get<std::string>() + ": " + plural(c["runs"], "run") +
                           " of " + plural(c["cells"], "cell") +
                           (c["finished"] == true ? "" : ", not finished");
        if (c["failures"] != 0)
            line += "; the emulator failed in " + plural(c["failures"], "run");
        out.push_back(line + ".");
        std::size_t named = 0;
        for (const Json& i : c["influences"]) {
            if (named++ == 3 || i["share"].get<double>() < 0.05) break;
            out.push_back("The parameter " + i["parameter"].get<std::string>() + " explains " +
                          percent(i["share"]) + " of the variance from " +
                          i["from"].get<std::string>() + " to " + i["to"].get<std::string>() + ".");
        }
    }
    for (const Json& run : document["runs"]) {
        if (out.size() >= kMost / 2) {
            out.push_back(plural(document["runs"].size(), "run") + " in all.");
            break;
        }
        run_sentences(run, out);
    }
    const bool several = document["variants"].size() > 1;
    for (const Json& v : document["variants"]) {
        std::size_t shown = 0;
        for (const Json& m : v["measures"]) {
            if (m["what"] == "kind" || m["from"] == "poison" || shown == 3 || out.size() >= kMost)
                continue;
            measure_sentence(m, several ? v["name"].get<std::string>() + ": " : "", out);
            ++shown;
        }
    }
    for (const Json& c : document["comparison"]) {
        if (out.size() >= kMost + 4) break;
        const Json& first = c["values"].front();
        const Json& last = c["values"].back();
        if (!last["ratio"].is_number() || last["ratio"] == 1.0) continue;
        out.push_back("From " + c["from"].get<std::string>() + " to " + c["to"].get<std::string>() +
                      ", the median of " + last["variant"].get<std::string>() + " (" +
                      in_words(last["p50_ns"]) + ") is " + ratio_in_words(last["ratio"]) +
                      " that of " +
                      first["variant"].get<std::string>() + " (" + in_words(first["p50_ns"]) + ").");
    }
    return out;
}

}  // namespace mcemu::report
