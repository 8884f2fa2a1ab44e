// What came of injected records against what real kernels did and what the grading rules say.
#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "conformance/mce_test.hpp"
#include "conformance/oracle_translate.hpp"
#include "formats/mce_inject.hpp"

namespace mcemu::conformance {

std::string mce_inject_text(const json& record);
json injected_records(const json& record);

namespace {

using Lines = std::vector<std::string>;

constexpr const char* kHwErr = "mce: [Hardware Error]: ";

bool by_injector(const std::string& line) {
    return line.starts_with("Triggering MCE") || line.starts_with("MCE exception done") ||
           line.starts_with("Starting machine check poll") ||
           line.starts_with("Machine check poll done");
}

/// What lies at a page frame is the machine's business, how its failure was handled is not: of the
/// lines of memory_failure() only the result is kept.
void keep_handling_only(Lines& log) {
    static const std::regex action(
        R"((Memory failure: 0x[0-9a-f]+: recovery action for ).*(: \w+))");
    for (std::string& line : log) line = std::regex_replace(line, action, "$1<page>$2");
    std::erase_if(log, [](const std::string& line) {
        return line.starts_with("Memory failure: ") && line.find("<page>") == std::string::npos;
    });
}

/// What differs from machine to machine: clocks, process ids, where the kernel was interrupted.
std::string normalise(std::string line) {
    static const std::vector<std::pair<std::regex, std::string>> rules = {
        {std::regex(R"(TSC [0-9a-f]+ )"), "TSC <tsc> "},
        {std::regex(R"( TIME \d+ )"), " TIME <time> "},
        {std::regex(R"(10:<[0-9a-f]{16}> \{[a-z_]\w*\+.*)"), "10:<kernel>"},
        {std::regex(R"((Killing [^:]+):\d+)"), "$1:<pid>"},
    };
    for (const auto& [pattern, text] : rules) line = std::regex_replace(line, pattern, text);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

/// The text behind the first of `prefixes` that a line begins with; null without such a line.
json after(const Lines& log, std::initializer_list<const char*> prefixes) {
    for (const std::string& line : log)
        for (const std::string prefix : prefixes)
            if (line.starts_with(prefix)) return line.substr(prefix.size());
    return nullptr;
}

json panic_of(const Lines& log) {
    return after(log,
                 {"mce: [Hardware Error]: Fake kernel panic: ", "Kernel panic - not syncing: "});
}
json explanation_of(const Lines& log) {
    return after(log, {"mce: [Hardware Error]: Machine check: "});
}

Lines log_of(const json& result) {
    Lines log;
    for (const json& l : result["log"]) log.push_back(l["text"]);
    return log;
}

std::string hex_of(const std::string& digits) { return hex(std::stoull(digits, nullptr, 16)); }

/// Machine-check records in the lines of a panic.
json printed_in(const Lines& log) {
    static const std::regex first(
        R"(CPU (\d+): Machine Check(?: Exception)?: ([0-9a-f]+) Bank (-?\d+): ([0-9a-f]+))");
    static const std::regex rip(R"(RIP(?: !INEXACT!)? ([0-9a-f]+):<([0-9a-f]+)>.*)");
    static const std::regex addr(R"(ADDR ([0-9a-f]+))"), misc(R"(MISC ([0-9a-f]+))");
    json list = json::array();
    for (const std::string& line : log) {
        if (!line.starts_with(kHwErr)) continue;
        const std::string text = line.substr(std::string(kHwErr).size());
        std::smatch m;
        if (std::regex_match(text, m, first)) {
            list.push_back({{"cpu", std::stoi(m[1])},
                            {"bank", std::stoi(m[3])},
                            {"status", hex_of(m[4])},
                            {"mcgstatus", hex_of(m[2])},
                            {"addr", "0x0"},
                            {"misc", "0x0"},
                            {"cs", "0x0"},
                            {"ip", "0x0"}});
        } else if (!list.empty() && std::regex_match(text, m, rip)) {
            list.back()["cs"] = hex_of(m[1]);
            list.back()["ip"] = hex_of(m[2]);
        } else if (!list.empty() && text.starts_with("TSC ")) {
            if (std::regex_search(text, m, addr)) list.back()["addr"] = hex_of(m[1]);
            if (std::regex_search(text, m, misc)) list.back()["misc"] = hex_of(m[1]);
        }
    }
    return list;
}

/// A list without order; where the kernel was interrupted is chance.
json unordered(json list) {
    for (json& r : list)
        if (r.contains("ip") && number(r["ip"]) >= 0xffffffff80000000) r["ip"] = "<kernel>";
    std::sort(list.begin(), list.end(),
              [](const json& a, const json& b) { return a.dump() < b.dump(); });
    return list;
}

json fields(const json& r, std::initializer_list<const char*> names) {
    json out = json::object();
    for (const char* n : names) out[n] = r[n];
    return out;
}

bool killed(const json& result) {
    for (const json& p : result["processes"])
        if (p["id"] == "mce-inject") return p["state"] == "killed";
    return false;
}

/// Records of two CPUs raised in process context: which goes first is chance.
bool order_is_chance(const json& records) {
    bool chance = false;
    for (const json& r : records) chance = chance || (r["hold"] && r["context"] != "random");
    return chance;
}

/// The injector's lines without the CPU where that is chance.
Lines injector_lines(const Lines& log, bool chance) {
    static const std::regex cpu(R"(CPU \d+)");
    Lines out;
    for (const std::string& line : log)
        if (by_injector(line))
            out.push_back(chance ? std::regex_replace(line, cpu, "CPU <n>") : line);
    return out;
}

/// The panic may be printed on another CPU while the injector's ends: their order is no property.
void compare_logs(Lines wanted, Lines came, bool chance, Lines& out) {
    for (Lines* log : {&wanted, &came}) {
        keep_handling_only(*log);
        for (std::string& line : *log) line = normalise(line);
    }
    const json panic = panic_of(wanted);
    const bool parallel =
        chance || (panic.is_string() && !panic.get<std::string>().starts_with("Timeout"));
    if (!parallel) return differ(out, "log", json(wanted), json(came));
    differ(out, "injector's lines", json(injector_lines(wanted, chance)),
           json(injector_lines(came, chance)));
    std::erase_if(wanted, by_injector);
    std::erase_if(came, by_injector);
    differ(out, "log", json(wanted), json(came));
}

json delivered(const json& result, std::initializer_list<const char*> names) {
    json list = json::array();
    for (const json& r : result["records"])
        if (r["taken"] == "notifiers") list.push_back(fields(r, names));
    return list;
}

/// What the kernel of the record did, field by field.
Lines compare_recorded(const json& record, const json& run, const json& result) {
    Lines out;
    const Lines log = log_of(result);
    const json panic = panic_of(log);
    differ(out, "panic", run["panic"], panic.is_string());
    differ(out, "panic_message", run["panic_message"], panic);
    differ(out, "exception_message", run["exception_message"], explanation_of(log));
    compare_logs(run["log"].get<Lines>(), log, order_is_chance(injected_records(record)), out);
    differ(out, "printed", unordered(run["printed"]), unordered(printed_in(log)));
    if (!run["logged"].is_null())
        differ(out, "logged", unordered(run["logged"]),
               unordered(delivered(result, {"cpu", "bank", "status", "mcgstatus", "addr", "misc",
                                            "cs", "ip", "severity"})));
    if (!run["left_in_bank"].is_null())
        differ(out, "left_in_bank", unordered(run["left_in_bank"]), unordered(result["injector"]));
    if (!run["severity_rules"].is_null()) {
        json rules = json::array();
        for (const json& row : result["severity_rows"])
            if (row["message"] != "Invalid" && (rules.empty() || rules.back() != row["message"]))
                rules.push_back(row["message"]);
        differ(out, "severity_rules", run["severity_rules"], rules);
    }
    if (!run["killed"].is_null()) differ(out, "killed", run["killed"], killed(result));
    return out;
}

// ---------------------------------------------------------------- computed expectations, v6.1

json highest_severity(const json& result) {
    static const std::vector<std::string> order = {"NO", "UCNA", "KEEP", "SOME",
                                                   "AO", "UC",   "AR",   "PANIC"};
    json worst = nullptr;
    const auto raise = [&worst](const json& s) {
        const auto place = [](const json& v) {
            return std::find(order.begin(), order.end(), v.get<std::string>());
        };
        if (worst.is_null() || place(s) > place(worst)) worst = s;
    };
    for (const json& row : result["severity_rows"])
        if (row["message"] != "Invalid") raise(row["severity"]);
    for (const json& r : result["records"]) raise(r["severity"]);
    return worst;
}

/// What was queued for the interrupted task.
json user_action(const Lines& log, const json& result) {
    for (const std::string& line : log)
        if (line.starts_with("mce: Uncorrected hardware memory error in user-access"))
            return "memory_failure(MF_ACTION_REQUIRED)";
    for (const json& s : result["signals"])
        if (s["code"] == "SI_KERNEL") return "force_sig(SIGBUS)";
    return nullptr;
}

Lines compare_computed(const json& e, const Case& c, const json& result) {
    Lines out;
    const Lines log = log_of(result);
    const json panic = panic_of(log);
    differ(out, "panic", e["panic"], panic.is_string());
    differ(out, "panic_message", e["panic_message"], panic);
    if (!e["severity"].is_null()) differ(out, "severity", e["severity"], highest_severity(result));
    // Printed by some panics only; the row that gives it must have been used in any case.
    json message = explanation_of(log);
    if (message.is_null())
        for (const json& row : result["severity_rows"])
            if (row["message"] == e["exception_message"]) message = row["message"];
    differ(out, "exception_message", e["exception_message"], message);

    json logged = json::array(), left = json::array();
    std::set<std::string> known;
    for (const json& r : result["records"]) {
        json entry = fields(r, {"cpu", "bank", "status"});
        known.insert(entry.dump());
        entry["via"] = r["source"];
        logged.push_back(entry);
    }
    const bool injected = c.name.find("injected") != std::string::npos;
    for (const json& bank : injected ? result["injector"] : result["msrs"]) {
        const json entry = fields(bank, {"cpu", "bank", "status"});
        if (((number(bank["status"]) >> 63) & 1) && !known.contains(entry.dump()))
            left.push_back(entry);
    }
    differ(out, "logged", unordered(e["logged"]), unordered(logged));
    differ(out, "left_in_bank", unordered(e["left_in_bank"]), unordered(left));
    // Nothing follows a real panic, and that is what was computed.
    if (e["panic"] == false) differ(out, "user_action", e["user_action"], user_action(log, result));
    for (const json& pattern : e["log_patterns"]) {
        const std::regex re(pattern.get<std::string>(), std::regex::ECMAScript);
        if (std::none_of(log.begin(), log.end(),
                         [&re](const std::string& l) { return std::regex_search(l, re); }))
            out.push_back("log_patterns: no line matches " + pattern.get<std::string>());
    }
    return out;
}

// ---------------------------------------------------------------- the suite's own words

/// Where a run as the suite makes it differs from what the suite requires, and why.
Lines compare_suite(const json& record, const json& run, const json& result) {
    Lines out;
    const json& e = record["expect"];
    const Lines log = log_of(result);
    const json panic = panic_of(log);
    differ(out, "panic", e["panic"], panic.is_string());
    if (e["panic_message"].is_string() &&
        (!panic.is_string() ||
         panic.get<std::string>().find(e["panic_message"]) == std::string::npos))
        differ(out, "panic_message", e["panic_message"], panic);
    if (e["panic"] == true && e.contains("exception_message"))
        differ(out, "exception_message", e["exception_message"], explanation_of(log));
    differ(out, "killed", e["killed"], killed(result));
    if (e.contains("rendezvous_timeout")) {
        const bool timeout = std::any_of(log.begin(), log.end(), [](const std::string& l) {
            return l.find("Timeout: ") != std::string::npos ||
                   l.find("didn't answer") != std::string::npos;
        });
        differ(out, "rendezvous_timeout", e["rendezvous_timeout"], timeout);
    }
    if (e.contains("logged") && e["logged"].is_array()) {
        std::set<std::string> ignore;
        for (const json& name : e.value("compare_ignore", json::array()))
            ignore.insert(name.get<std::string>());
        if (ignore.erase("rip")) ignore.insert({"cs", "ip"});
        const auto reduced = [&ignore](json list) {
            for (json& r : list)
                for (const std::string& name : ignore) r.erase(name);
            return unordered(list);
        };
        differ(out, "logged", reduced(e["logged"]),
               reduced(delivered(
                   result, {"cpu", "bank", "status", "mcgstatus", "addr", "misc", "cs", "ip"})));
    }
    for (const json& pattern : e.value("log_patterns", json::array())) {
        const std::regex re(pattern.get<std::string>(), std::regex::ECMAScript);
        if (std::none_of(log.begin(), log.end(),
                         [&re](const std::string& l) { return std::regex_search(l, re); }))
            out.push_back("log_patterns: no line matches " + pattern.get<std::string>());
    }
    for (std::string& line : out) line = "the suite expects otherwise: " + line;
    if (!out.empty())
        for (const json& note : run["notes"]) out.push_back("why: " + note.get<std::string>());
    return out;
}

// ---------------------------------------------------------------- the text

Lines compare_text(const json& record) {
    Lines out;
    if (record["kind"] != "mce-inject") {
        std::string text;
        for (const json& line : record["source_tokens"]) {
            for (const json& token : line) text += token.get<std::string>() + " ";
            text += "\n";
        }
        const formats::MceInjectText parsed = formats::parse_mce_inject(text);
        differ(out, "parse_error", record["expect"]["parse_error"], parsed.error.has_value());
        differ(out, "parse_error_line", record["expect"]["parse_error_line"], parsed.tool_line);
        return out;
    }
    std::string text;
    for (const json& r : record["records"]) text += mce_inject_text(r);
    const formats::MceInjectText parsed = formats::parse_mce_inject(text);
    if (parsed.error) out.push_back("text: " + parsed.error->wrong);
    differ(out, "number of records", record["records"].size(), parsed.records.size());
    if (!out.empty()) return out;
    static constexpr const char* kContexts[] = {"random", "process", "irq"};
    static constexpr const char* kBroadcasts[] = {"none", "nmi", "irq"};
    for (std::size_t i = 0; i < parsed.records.size(); ++i) {
        const formats::MceInjectRecord& r = parsed.records[i];
        const json& wanted = record["records"][i];
        const auto value = [](const std::optional<std::uint64_t>& v) {
            return v ? json(hex(*v)) : json();
        };
        const bool rip = !wanted["ip"].is_null();
        const json came = {
            {"cpu", r.cpu},
            {"bank", r.bank},
            {"status", hex(r.status)},
            {"mcgstatus", hex(r.mcgstatus)},
            {"addr", value(r.addr)},
            {"misc", value(r.misc)},
            {"cs", wanted["cs"].is_null() ? json() : json(hex(r.cs))},
            {"ip", rip ? json(hex(r.ip)) : json()},
            {"tsc", hex(r.tsc)},
            {"time", r.time},
            {"cpuvendor", r.cpuvendor},
            {"cpuid", hex(r.cpuid)},
            {"context", kContexts[static_cast<int>(r.context)]},
            {"raise_as",
             r.raise_as == formats::MceInjectRecord::RaiseAs::poll ? "poll" : "exception"},
            {"raise_explicit", r.raise_explicit},
            {"hold", r.hold},
            {"broadcast", kBroadcasts[static_cast<int>(r.broadcast)]}};
        for (const auto& [key, v] : came.items())
            differ(out, "record " + std::to_string(i) + " " + key, wanted[key], v);
    }
    return out;
}

}  // namespace

Verdict compare_mce_inject(const json& record, const Case& c, const json& result) {
    if (c.name == "text") return {compare_text(record), {}};
    if (!c.about.contains("kernel")) return {compare_computed(c.about, c, result), {}};
    Verdict v{compare_recorded(record, c.about, result), {}};
    const bool as_the_suite = c.about["fake_panic"] == true && c.about["tolerant"] == 1;
    if (as_the_suite && record["kind"] == "mce-inject")
        v.remarks = compare_suite(record, c.about, result);
    return v;
}

}  // namespace mcemu::conformance
