// Records for the software injector as scenarios: through the injector as the recorded kernels got
// them, and as machine checks of the hardware for the computed expectations.
#include <regex>

#include "conformance/mce_test.hpp"
#include "conformance/oracle_translate.hpp"
#include "formats/mce_inject.hpp"

namespace mcemu::conformance {
namespace {

/// The registers of a record; what is not given is 0.
json registers(const json& r) {
    const auto value = [&r](const char* key) -> json {
        return r[key].is_null() ? json("0x0") : r[key];
    };
    return {{"do", "mce"},
            {"cpu", r["cpu"]},
            {"bank", r["bank"]},
            {"status", r["status"]},
            {"mcgstatus", r["mcgstatus"]},
            {"addr", value("addr")},
            {"misc", value("misc")},
            {"cs", value("cs")},
            {"ip", value("ip")},
            {"poll", r["raise_as"] == "poll"}};
}

/// Pages that the recorded kernel found in a state of their own say so in its log.
json pages_of(const json& log) {
    static const std::regex line(R"(Memory failure: (0x[0-9a-f]+): (.*))");
    static const std::pair<const char*, const char*> words[] = {
        {"high-order kernel page", "high_order"},
        {"non anonymous thp", "high_order"},
        {"kernel slab page", "slab"},
        {"reserved kernel page", "reserved"}};
    json pages = json::object();
    for (const json& l : log) {
        std::smatch m;
        const std::string text = l;
        if (!std::regex_match(text, m, line)) continue;
        for (const auto& [found, state] : words)
            if (m[2].str().find(found) != std::string::npos) pages[m[1]] = state;
    }
    json list = json::array();
    for (const auto& [pfn, state] : pages.items())
        list.push_back({{"at", hex(number(pfn) * 4096)}, {"size", "4KiB"}, {"state", state}});
    return list;
}

bool valid(const json& r) { return (number(r["status"]) >> 63) & 1; }

/// One trigger after the other: the program goes on when all threads of one have ended.
json through_injector(const json& records, bool serialised) {
    json events = json::array();
    std::string before;
    for (const json& r : records) {
        json e = registers(r);
        e["via"] = "mce-inject";
        e["process"] = "mce-inject";
        e["id"] = "r" + std::to_string(events.size());
        e["hold"] = r["hold"];
        if (serialised || !r["hold"]) e["context"] = r["context"];
        const std::string how = r["broadcast"];
        e["broadcast"] = how == "none" ? json(false) : json(how);
        if (before.empty())
            e["at"] = "1ms";
        else
            e["after"] = {{"event", before}};
        if (!r["hold"]) before = e["id"];
        events.push_back(e);
    }
    return events;
}

/// Every record of a trigger as an event of its own at the same instant. Null where that says
/// something else: a poll and a machine check at once.
json as_hardware(const json& records) {
    constexpr unsigned kStepMs = 5000;
    json events = json::array(), group = json::array();
    unsigned at_ms = 1;
    for (const json& r : records) {
        group.push_back(r);
        if (r["hold"]) continue;
        bool polls = false, raises = false;
        for (const json& g : group) {
            if (!valid(g)) continue;
            (g["raise_as"] == "poll" ? polls : raises) = true;
            json e = registers(g);
            e["at"] = std::to_string(at_ms) + "ms";
            const bool lmces = (number(g["mcgstatus"]) >> 3) & 1;
            if (g["raise_as"] != "poll") e["broadcast"] = r["broadcast"] != "none" && !lmces;
            events.push_back(e);
        }
        if (polls && raises) return nullptr;
        group = json::array();
        at_ms += kStepMs;
    }
    return events;
}

bool only_polls(const json& records) {
    for (const json& r : records)
        if (valid(r) && r["raise_as"] != "poll") return false;
    return true;
}

Case make(const json& record, const std::string& name, const std::string& profile, bool ser,
          const json& about) {
    Case c;
    c.name = name;
    c.about = about;
    c.scenario = recorded_machine(profile, about.value("cpus", 4u), ser);
    c.scenario["name"] = record["name"];
    c.scenario["until"] = "20s";
    c.scenario["kernel"]["decoders"] = {{"mcelog", true}};
    c.scenario["kernel"]["knobs"]["fake_panic"] =
        about.value("fake_panic", record["preconditions"].value("fake_panic", true));
    if (profile != "v6.1" && about.contains("tolerant"))
        c.scenario["kernel"]["boot"]["mce.tolerant"] = about["tolerant"];
    c.scenario["processes"] = json::array({{{"id", "mce-inject"}, {"comm", "mce-inject"}}});
    if (about.contains("log")) {
        json pages = pages_of(about["log"]);
        if (!pages.empty()) c.scenario["kernel_pages"] = pages;
    }
    return c;
}

// ---------------------------------------------------------------- the text of a record

/// Words that the file used, and a number for what they leave out.
std::string bit_list(const json& words, std::uint64_t value, bool status, std::uint64_t implied) {
    std::string text, list;
    for (const json& w : words) list += " " + w.get<std::string>();
    const auto parsed =
        formats::parse_mce_inject("MCE " + std::string(status ? "STATUS" : "MCGSTATUS") + list);
    const std::uint64_t said = parsed.records.empty() ? 0
                               : status               ? parsed.records[0].status
                                                      : parsed.records[0].mcgstatus;
    if (const std::uint64_t rest = value & ~said & ~implied) list += " " + hex(rest);
    return list;
}

}  // namespace

/// A record by the grammar of mce-inject, STATUS before ADDR and MISC.
std::string mce_inject_text(const json& r) {
    const std::uint64_t implied =
        (r["addr"].is_null() ? 0 : 1ull << 58) | (r["misc"].is_null() ? 0 : 1ull << 59);
    const json words = r.value("keywords", json::object());
    const json none = json::array();
    std::string t =
        "CPU " + r["cpu"].dump() + " BANK " + r["bank"].dump() + "\nSTATUS" +
        bit_list(words.value("status", none), number(r["status"]), true, implied) + "\nMCGSTATUS" +
        bit_list(words.value("mcgstatus", none), number(r["mcgstatus"]), false, 0) + "\n";
    if (!r["addr"].is_null()) t += "ADDR " + r["addr"].get<std::string>() + "\n";
    if (!r["misc"].is_null()) t += "MISC " + r["misc"].get<std::string>() + "\n";
    if (!r["ip"].is_null())
        t += "RIP " + (r["cs"].is_null() ? "" : r["cs"].get<std::string>() + ":") +
             r["ip"].get<std::string>() + "\n";
    t += "TSC " + r["tsc"].get<std::string>() + " TIME " + r["time"].dump() + " PROCESSOR " +
         r["cpuvendor"].dump() + ":" + r["cpuid"].get<std::string>();
    const bool exception = r["raise_as"] == "exception";
    if (r["raise_explicit"]) t += exception ? " EXCP" : " POLL";
    if (r["hold"]) t += " HOLD";
    if (exception && r["broadcast"] == "none") t += " NOBROADCAST";
    if (r["broadcast"] == "irq") t += " IRQBROADCAST";
    if (r["context"] != "random") t += r["context"] == "irq" ? " IN_IRQ" : " IN_PROC";
    return t + "\n";
}

json injected_records(const json& record) {
    if (record["kind"] == "mce-inject") return record["records"];
    // The original program hands over what it has read before it refuses the rest.
    std::string text;
    for (const json& line : record["source_tokens"]) {
        for (const json& token : line) text += token.get<std::string>() + " ";
        text += "\n";
    }
    json list = json::array();
    for (const formats::MceInjectRecord& r : formats::parse_mce_inject(text).records) {
        const bool exception = r.raise_as == formats::MceInjectRecord::RaiseAs::exception;
        const auto optional = [](const std::optional<std::uint64_t>& v) {
            return v ? json(hex(*v)) : json();
        };
        list.push_back({{"cpu", r.cpu},
                        {"bank", r.bank},
                        {"status", hex(r.status)},
                        {"mcgstatus", hex(r.mcgstatus)},
                        {"addr", optional(r.addr)},
                        {"misc", optional(r.misc)},
                        {"cs", hex(r.cs)},
                        {"ip", hex(r.ip)},
                        {"raise_as", exception ? "exception" : "poll"},
                        {"hold", r.hold},
                        {"context", "random"},
                        {"broadcast", exception ? "nmi" : "none"}});
    }
    return list;
}

std::vector<Case> mce_inject_cases(const json& record) {
    std::vector<Case> cases;
    Case import;
    import.name = "text";
    cases.push_back(import);

    const json records = injected_records(record);
    for (const json& run : record.value("recorded", json::array())) {
        std::string name = run["kernel"].get<std::string>() + (run["ser_p"] ? " ser" : " no-ser") +
                           " tolerant-" + run["tolerant"].dump() +
                           (run["fake_panic"] ? " fake" : " real");
        Case c = make(record, name, profile_of(run["kernel"]), run["ser_p"], run);
        c.scenario["events"] = through_injector(records, true);
        cases.push_back(c);
    }
    if (!record["expect_linux61"].is_array()) return cases;
    for (const json& e : record["expect_linux61"]) {
        if (e.is_null()) continue;
        const std::string ser = e["ser_p"] ? " ser" : " no-ser";
        // The computed entries know nothing of the mutex that keeps process-context raises apart.
        Case injected = make(record, "v6.1" + ser + " injected", "v6.1", e["ser_p"], e);
        injected.scenario["events"] = through_injector(records, false);
        cases.push_back(injected);
        Case hardware = make(record, "v6.1" + ser + " hardware", "v6.1", e["ser_p"], e);
        hardware.scenario["events"] = as_hardware(records);
        if (hardware.scenario["events"].is_null())
            hardware.skip =
                "a poll and a machine check at one instant: only the injector does that";
        // What a later poll would find is no part of the expectation.
        if (only_polls(records)) hardware.scenario["kernel"]["check_interval"] = "1s";
        cases.push_back(hardware);
    }
    return cases;
}

}  // namespace mcemu::conformance
