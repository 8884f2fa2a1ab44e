// What a record of the ndctl test-suite expects, against what the run gave. A key that nobody
// knows is a difference.
#include <algorithm>
#include <functional>

#include "conformance/mce_test.hpp"
#include "conformance/ndctl_record.hpp"

namespace mcemu::conformance {
namespace {

/// A number that is written as such, as a hex string or as a decimal one; null: it is none.
json as_number(const json& v) {
    if (v.is_number()) return v;
    if (!v.is_string() || v.get_ref<const std::string&>().empty()) return nullptr;
    const std::string& s = v.get_ref<const std::string&>();
    const bool hex = s.starts_with("0x");
    if (s.find_first_not_of(hex ? "0123456789abcdefABCDEFx" : "0123456789-") != std::string::npos)
        return nullptr;
    try {
        return std::stoll(s, nullptr, hex ? 16 : 10);
    } catch (const std::exception&) {
        return nullptr;
    }
}

bool equal(const json& wanted, const json& came);

bool matches(const json& wanted, const json& came) {
    if (wanted.is_object() && wanted.contains("one_of")) {
        const json& list = wanted["one_of"];
        return std::any_of(list.begin(), list.end(),
                           [&](const json& one) { return matches(one, came); });
    }
    if (wanted.is_string()) {
        const std::string& s = wanted.get_ref<const std::string&>();
        for (const char* op : {">=", "<=", "!=", ">", "<"}) {
            if (!s.starts_with(op)) continue;
            const json limit = as_number(json(s.substr(std::string(op).size())));
            const json n = as_number(came);
            if (limit.is_null() || n.is_null()) break;
            const double a = n.get<double>(), b = limit.get<double>();
            const std::string o = op;
            return o == ">=" ? a >= b : o == "<=" ? a <= b : o == "!=" ? a != b : o == ">" ? a > b : a < b;
        }
    }
    return equal(wanted, came);
}

bool equal(const json& wanted, const json& came) {
    if (wanted.is_object() && came.is_object()) {
        for (const auto& [key, v] : wanted.items())
            if (!came.contains(key) || !matches(v, came[key])) return false;
        return true;
    }
    if (wanted.is_array() && came.is_array()) {
        if (wanted.size() != came.size()) return false;
        for (std::size_t i = 0; i < wanted.size(); ++i)
            if (!matches(wanted[i], came[i])) return false;
        return true;
    }
    const json a = as_number(wanted), b = as_number(came);
    if (!a.is_null() && !b.is_null()) return a.get<double>() == b.get<double>();
    if (wanted.is_number() && came.is_boolean()) return wanted.get<double>() == (came ? 1 : 0);
    if (wanted.is_boolean() && came.is_number()) return wanted.get<bool>() == (came.get<double>() != 0);
    return wanted == came;
}

json rows_of(const std::string& text) {
    json rows = json::array();
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        const std::size_t gap = line.find(' ');
        if (gap != std::string::npos)
            rows.push_back({std::stoull(line.substr(0, gap)), std::stoull(line.substr(gap + 1))});
        at = end + 1;
    }
    return rows;
}

class Comparison {
public:
    Comparison(const json& record, const Translated& t, const json& result, Verdict& verdict)
        : record_(record), t_(t), result_(result), v_(verdict) {}

    void run() {
        for (std::size_t i = 0; i < t_.steps; ++i) {
            const json& step = record_["steps"][i];
            where_ = "step " + std::to_string(i + 1) + " (" + step["op"].get<std::string>() + "): ";
            number_ = i;
            if (step.contains("expect"))
                for (const auto& [key, wanted] : step["expect"].items()) check(step, key, wanted);
        }
        where_ = "at the end: ";
        for (const auto& [key, wanted] : record_["expect"].items()) check_end(key, wanted);
    }

    /// The main result of a step.
    json main_result(std::size_t i) {
        number_ = i;
        const json& step = record_["steps"][i];
        const std::string op = step["op"];
        if (op == "create_file") return nullptr;  // saved while it was translated
        const json out = output();
        if (op == "btt_map_lookup") return out.value("postmap", json());
        if (op == "scrub_file" && out.is_string()) return std::stoll(out.get<std::string>());
        if (op == "block_device") return out;
        if (op == "read_info_block") return out;
        if (op == "badblocks" && out.is_string()) return rows_of(out.get<std::string>());
        if (out.is_string()) return out;
        return rc();
    }

private:
    // ------------------------------------------------------------ what the step's events gave

    const std::vector<std::string>& ids() const { return t_.events[number_]; }
    bool mine(const json& entry) const {
        return std::find(ids().begin(), ids().end(), entry["event"]) != ids().end();
    }
    std::vector<json> reports() const {
        std::vector<json> out;
        for (const json& r : result_["reports"])
            if (mine(r)) out.push_back(r);
        return out;
    }
    /// Of the event that tells what the step is about; of several, of the one that was not busy.
    json report() const {
        const std::vector<json> all = reports();
        for (const json& r : all) {
            const bool busy = r["what"] == "dsm" && r["output"].value("status", 0) == 0x10000;
            if (!busy) return r;
        }
        return all.empty() ? json() : all.front();
    }
    json output() const {
        const json r = report();
        return r.is_null() ? json() : r["output"];
    }
    json health() const {
        const json out = output();
        if (out.is_array() && !out.empty()) return out[0].value("health", json());
        return nullptr;
    }
    /// 0 or a negative errno; counts where the step is to be told one.
    json rc() const {
        const std::string op = record_["steps"][number_]["op"];
        json last;
        for (const std::string& id : ids())
            for (const json& call : result_["syscalls"]) {
                if (call["event"] != id) continue;
                const std::int64_t ret = call["ret"];
                // One that is disabled already may be told so once more.
                if (op == "force_raw" && ret == -19) continue;
                if (ret < 0) return ret;
                if (last.is_null()) last = ret;
            }
        if (last.is_null()) return ids().empty() ? json(0) : json();
        const bool count = op == "set_badblock" || op == "clear_errors" || op.starts_with("file_");
        if (op == "file_punch_hole") return 0;
        return count ? last : json(0);
    }
    std::int64_t began() const { return time_of(ids(), true); }
    std::int64_t ended() const {
        std::int64_t end = result_["end_ns"];
        if (number_ + 1 < t_.events.size() && !t_.events[number_ + 1].empty())
            end = time_of(t_.events[number_ + 1], true);
        return end;
    }
    std::int64_t time_of(const std::vector<std::string>& events, bool) const {
        for (const json& e : result_["events"])
            if (!events.empty() && e["id"] == events.front()) return e["t_ns"].is_null() ? 0 : e["t_ns"].get<std::int64_t>();
        return 0;
    }
    std::vector<json> signals() const {
        std::vector<json> out;
        if (ids().empty()) return out;
        for (const json& s : result_["signals"])
            if (s["t_ns"] >= began() && s["t_ns"] <= ended()) out.push_back(s);
        return out;
    }
    bool notified(const std::string& of, const json& value) const {
        for (const json& n : result_["notifications"])
            if (n["t_ns"] >= began() && n["t_ns"] <= ended() &&
                (n["of"] == of || (of.empty() && n["of"] == "root")) && equal(value, n["value"]))
                return true;
        return false;
    }
    std::vector<json> calls(const std::string& function) const {
        std::vector<json> out;
        for (const json& c : result_["firmware_calls"])
            if (mine(c) && c["function"] == function) out.push_back(c);
        return out;
    }

    // ------------------------------------------------------------ judging

    void told(const std::string& key, const json& wanted, const json& came) {
        json w = wanted;
        if (w.is_string() && w.get_ref<const std::string&>().starts_with("=")) {
            const auto value =
                evaluate_expression(w.get_ref<const std::string&>().substr(1), t_.values);
            if (!value) {
                v_.differences.push_back(where_ + key + ": " + shown(w) + " is not known");
                return;
            }
            w = *value;
        }
        if (!matches(w, came))
            v_.differences.push_back(where_ + key + ": wanted " + shown(w) + ", came " + shown(came));
    }
    void unknown(const std::string& key) {
        v_.differences.push_back(where_ + "the expectation \"" + key + "\" is not known");
    }

    void check(const json& step, const std::string& key, const json& wanted) {
        const std::string op = step["op"];
        if (key == "rc") return told(key, wanted, rc());
        if (key == "signal") {
            const std::vector<json> got = signals();
            if (wanted.is_null()) return told(key, json(0), json(got.size()));
            return told(key, wanted, got.empty() ? json() : got.front()["signal"]);
        }
        if (key == "signal_count") return told(key, wanted, json(signals().size()));
        if (key == "code") {
            const std::vector<json> got = signals();
            return told(key, wanted, got.empty() ? json() : got.front()["code"]);
        }
        if (key == "lsb") {
            const std::vector<json> got = signals();
            return told(key, wanted, got.empty() ? json() : got.front().value("lsb", json()));
        }
        if (key == "notification" || key == "notify") {
            const std::string of = step.contains("dimm") ? step["dimm"].get<std::string>() : "root";
            const bool none = wanted.is_null() || wanted == false;
            return told(key, json(!none), json(notified(of, none ? json("0x81") : wanted)));
        }
        if (key == "message") return message(wanted);
        const json out = output();
        if (op == "create_namespace" || op == "convert_namespace") return made(key, wanted);
        if (op == "inject_error" || op == "uninject_error" || op == "inject_status") {
            const std::vector<json> made =
                calls(op == "uninject_error" ? "inject_clear" : "inject_error");
            if (key == "dsm_calls") return told(key, wanted, json(made.size()));
            if (key == "spa_first")
                return told(key, wanted, made.empty() ? json() : made.front()["address"]);
            if (key == "bytes_each") {
                for (const json& c : made) told(key, wanted, c["length"]);
                return;
            }
            if (key == "badblocks")
                return told(key, wanted, out.is_null() ? json::array() : out["badblocks"]);
            if (key == "badblock_count") return told(key, wanted, out.is_null() ? json(0) : out.value(key, json(0)));
        }
        if (key == "scrub_state" && out.is_array() && !out.empty())
            return told(key, wanted, out[0].value(key, json()));
        if (op == "scrub_file" && out.is_string()) {
            const std::string text = out;
            if (key == "busy") return told(key, wanted, json(text.ends_with('+')));
            if (key == "text") return told(key, wanted, out);
            if (key == "count") return told(key, wanted, json(std::stoll(text)));
        }
        if (op == "badblocks") {
            if (key == "ranges" && out.is_string()) return told(key, wanted, rows_of(out));
            if (key == "text") return told(key, wanted, out);
            if (key == "ranges") return told(key, wanted, json());
        }
        if (op == "block_device" && out.is_string()) {
            const std::string name = out;
            if (key == "name") return told(key, wanted, out);
            if (key == "suffix") {
                const std::string tail = wanted;
                return told(key, json(true), json(name.ends_with(tail)));
            }
        }
        if (key == "records" && out.is_object() && wanted.is_array() && !wanted.empty() &&
            wanted[0].is_array()) {
            json rows = json::array();
            for (const json& r : out["records"]) rows.push_back({r["address"], r["length"]});
            return told(key, wanted, rows);
        }
        if (key == "data") return contents(wanted, out);
        if (key == "equal") return told(key, wanted, out.is_object() ? out.value("equal", json()) : json());
        if (key == "performed") return told(key, wanted, json(!ids().empty()));
        if (key == "pmd_mapped")
            return told(key, wanted, json(out.is_object() && out.value("page", 0) >= (2 << 20)));
        if (op == "health" || op == "health_wait" || op == "inject_smart") {
            const json h = health();
            if (h.is_object() && h.contains(key)) return told(key, wanted, h[key]);
            return absent(key, wanted, h);
        }
        if (op == "monitor_log") return monitored(key, wanted);
        if (op == "cxl_list_media_errors" && out.is_object()) {
            if (key == "count") return told(key, wanted, json(out["media_errors"].size()));
            if (key == "media_errors") return told(key, wanted, out[key]);
        }
        if (out.is_object() && out.contains(key)) return told(key, wanted, out[key]);
        if (out.is_array() && out.size() == 1 && out[0].is_object() && out[0].contains(key))
            return told(key, wanted, out[0][key]);
        if (op == "list") return absent(key, wanted, out);
        unknown(key);
    }

    /// A key that is printed only sometimes.
    void absent(const std::string& key, const json& wanted, const json& object) {
        if (wanted.is_null() && object.is_object()) return;
        v_.differences.push_back(where_ + key + ": wanted " + shown(wanted) + ", nothing came");
    }
    void message(const json& wanted) {
        std::string all;
        for (const json& r : reports())
            for (const json& m : r["messages"]) all += m.get<std::string>() + "\n";
        if (all.find(wanted.get<std::string>()) == std::string::npos)
            v_.differences.push_back(where_ + "message: wanted " + shown(wanted) + ", came " + all);
    }
    void contents(const json& wanted, const json& out) {
        if (!out.is_object()) return told("data", wanted, json());
        json came = out.value("data", json());
        if (came == "fill") came = out.value("fill", json());
        if (came == "pattern") came = out.value("pattern", json());
        if (came == "zero" && wanted.is_number()) came = 0;
        told("data", wanted, came);
    }
    void made(const std::string& key, const json& wanted) {
        const std::vector<json> all = reports();
        const json ns = all.empty() ? json() : all.front()["output"];
        const json info = all.size() > 1 ? all[1]["output"] : json();
        if (key == "data_offset")
            return told(key, wanted,
                        info.is_null() ? json(0)
                                       : info.value("dataoff", json()));
        if (key == "btt") {
            for (const auto& [field, value] : wanted.items()) {
                // The block itself stands at the arena's beginning.
                json came = info.is_object() ? info.value(field, json()) : json();
                if (field == "infooff" && info.is_object())
                    came = info["offset"].get<std::int64_t>() - info["initial_offset"].get<std::int64_t>();
                told("btt." + field, value, came);
            }
            return;
        }
        if (ns.is_object() && ns.contains(key)) return told(key, wanted, ns[key]);
        if (ns.is_object() && key == "blockdev" ) return told(key, wanted, ns.value("chardev", json()));
        unknown(key);
    }
    std::vector<json> monitor_reports() const {
        std::vector<json> out;
        for (const json& r : result_["reports"])
            if (r["what"] == "ndctl monitor" && r["output"].is_object()) out.push_back(r["output"]);
        return out;
    }
    json monitored_dimms() const {
        std::set<std::string> names;
        for (const json& r : monitor_reports()) names.insert(r["dimm"]["dev"]);
        return json(names);
    }
    void monitored(const std::string& key, const json& wanted) {
        if (key == "dimms") return told(key, wanted, monitored_dimms());
        if (key == "event") {
            const std::vector<json> all = monitor_reports();
            const bool found = std::any_of(all.begin(), all.end(), [&](const json& r) {
                return matches(wanted, r["event"]);
            });
            return told(key, json(true), json(found));
        }
        if (key == "count") return told(key, wanted, json(monitor_reports().size()));
        unknown(key);
    }

    // ------------------------------------------------------------ the end state

    json rows_at_end(const std::string& name) const {
        std::string id = name;
        for (const RecordNamespace& ns : t_.namespaces)
            if (ns.name == name) id = ns.id;
        const json& tables = result_["badblocks"];
        if (!tables.contains(id)) return nullptr;
        return rows_of(tables[id]);
    }
    std::size_t region_of(std::uint64_t spa) const {
        const json& regions = record_["topology"]["regions"];
        for (std::size_t i = 0; i < regions.size(); ++i) {
            const std::uint64_t base = number_of(regions[i]["base"]);
            if (spa >= base && spa - base < number_of(regions[i]["size"])) return i;
        }
        throw std::invalid_argument("no region has that address");
    }
    /// What of [spa, +bytes) lies on which module, and where.
    void places(std::uint64_t spa, std::uint64_t bytes,
                const std::function<void(const std::string&, std::uint64_t, std::uint64_t)>& use) const {
        const json& r = record_["topology"]["regions"][region_of(spa)];
        const std::uint64_t base = number_of(r["base"]), ways = r["dimms"].size();
        const std::uint64_t unit = number_of(r.value("granularity", json(4096)));
        while (bytes != 0) {
            const std::uint64_t off = spa - base, chunk = off / unit, inside = off % unit;
            const std::uint64_t n = std::min(bytes, unit - inside);
            const json& b = r.value("dpa_base", json(0));
            const std::uint64_t first = number_of(b.is_array() ? b[chunk % ways] : b);
            use(r["dimms"][chunk % ways], first + chunk / ways * unit + inside, n);
            spa += n;
            bytes -= n;
        }
    }
    /// Rows [first SPA, bytes, repeat, stride] are all the poison that there is.
    void media_poison(const json& wanted) {
        std::map<std::string, std::map<std::uint64_t, std::uint64_t>> lines;  // 64 B, per module
        for (const json& row : wanted) {
            const std::uint64_t spa = number_of(row[0]), bytes = number_of(row[1]);
            const std::uint64_t repeat = number_of(row[2]), stride = number_of(row[3]);
            for (std::uint64_t i = 0; i < repeat; ++i)
                places(spa + i * stride, bytes, [&](const std::string& dimm, std::uint64_t dpa, std::uint64_t n) {
                    for (std::uint64_t at = dpa; at < dpa + n; at += 64) lines[dimm][at] = 1;
                });
        }
        for (const json& dimm : record_["topology"]["dimms"]) {
            const std::string name = dimm["name"];
            std::map<std::uint64_t, std::uint64_t> came;
            for (const json& run : result_["poison"][name]) {
                const std::uint64_t dpa = number_of(run["dpa"]), n = number_of(run["length"]);
                for (std::uint64_t at = dpa; at < dpa + n; at += 64) came[at] = 1;
            }
            if (came != lines[name])
                v_.differences.push_back(where_ + "media_poison of " + name + ": wanted " +
                                         std::to_string(lines[name].size()) + " lines, came " +
                                         shown(result_["poison"][name]));
        }
    }
    /// The last report of any step of one of these kinds.
    json last_output(const std::set<std::string>& ops) {
        json out;
        for (std::size_t i = 0; i < t_.steps; ++i) {
            if (!ops.contains(record_["steps"][i]["op"])) continue;
            number_ = i;
            if (const json o = output(); !o.is_null()) out = o;
        }
        return out;
    }
    json log_word(const std::string& before) const {
        for (const json& line : result_["log"]) {
            const std::string text = line["text"];
            const std::size_t at = text.rfind(before);
            if (text.starts_with("Memory failure:") && at != std::string::npos)
                return text.substr(text.rfind(": ") + 2);
        }
        return nullptr;
    }

    void check_end(const std::string& key, const json& wanted) {
        if (key.starts_with("kernel_badblocks_"))
            return told(key, wanted, rows_at_end(key.substr(17)));
        if (key == "media_poison") return media_poison(wanted);
        if (key == "mce_count") return told(key, wanted, result_["counters"]["machine_checks"]);
        if (key == "sigbus") return told(key, wanted, json(result_["signals"].size()));
        if (key == "memory_failure_calls")
            return told(key, wanted, result_["counters"]["memory_failures"]);
        if (key == "second_sigbus") return told(key, wanted, json(result_["signals"].size() > 1));
        if (key == "memory_failure_result") return told(key, wanted, log_word("recovery action"));
        if (key == "clear_dsm") {
            json calls = json::array();
            for (const json& c : result_["firmware_calls"])
                if (c["function"] == "clear_error") calls.push_back({c["address"], c["length"]});
            return told(key, wanted, calls);
        }
        if (key == "signal_counts") return signal_counts(wanted);
        if (key == "rc") {  // every command that was not to fail did not
            std::size_t failures = 0;
            for (const json& r : result_["reports"])
                failures += r["ret"].get<std::int64_t>() < 0 && !expected_to_fail(r["event"]);
            return told(key, wanted, failures == 0 ? json(0) : json(-1));
        }
        if (key == "scrub_count_delta") return scrub_delta(wanted);
        if (key == "dimms") return told(key, wanted, monitored_dimms());
        if (key == "mode") {
            const json out = last_output({"create_namespace", "convert_namespace"});
            return told(key, wanted, out.is_object() ? out.value("mode", json()) : json());
        }
        if (key == "data_offset_equal") return told(key, wanted, json(same_offsets()));
        if (key == "stale_badrange_entries") return stale(wanted);
        if (key.ends_with("_enabled")) {
            const std::string region = key.substr(0, key.size() - 8);
            json state;
            for (const json& r : result_["reports"])
                if (r["event"] == "end.regions")
                    for (const json& each : r["output"])
                        if (each["dev"] == region) state = !each.contains("state");
            return told(key, wanted, state);
        }
        if (key.starts_with("error_flag_lba")) {
            const json out = end_report("end." + key);
            return told(key, wanted, out.value("error_flag", json()));
        }
        if (key == "old_block_in_freelist") return freed(wanted);
        if (key.starts_with("ndctl_list_")) {
            const json out = end_report("end." + key);
            return told(key, wanted, out.is_array() && !out.empty() ? out[0] : json());
        }
        if (key == "count_after_inject" || key == "count_after_clear" || key == "source" ||
            key == "length")
            return cxl_end(key, wanted);
        const json out = end_report("end.health");
        const json h = out.is_array() && !out.empty() ? out[0].value("health", json()) : json();
        if (h.is_object() && h.contains(key)) return told(key, wanted, h[key]);
        unknown(key);
    }

    json end_report(const std::string& event) const {
        for (const json& r : result_["reports"])
            if (r["event"] == event) return r["output"].is_null() ? json::object() : r["output"];
        return json::object();
    }
    bool expected_to_fail(const json& event) const {
        for (std::size_t i = 0; i < t_.steps; ++i) {
            const auto& ids = t_.events[i];
            if (std::find(ids.begin(), ids.end(), event) == ids.end()) continue;
            const json& step = record_["steps"][i];
            const json rc = step.value("expect", json::object()).value("rc", json(0));
            return !(rc.is_number() && rc == 0) || step["op"] == "force_raw";
        }
        return false;
    }
    void signal_counts(const json& wanted) {
        std::map<std::string, std::size_t> came;
        for (const json& s : result_["signals"]) {
            ++came[s["code"]];
            ++came[s["signal"]];
        }
        std::size_t named = 0;
        for (const auto& [name, count] : wanted.items()) {
            if (name == "other") continue;
            told("signal_counts." + name, count, json(came[name]));
            named += came[name];
        }
        const std::size_t all = result_["signals"].size();
        if (wanted.contains("other") || wanted.empty())
            told("signal_counts.other", wanted.value("other", json(0)), json(all - named));
    }
    void scrub_delta(const json& wanted) {
        std::vector<std::int64_t> counts;
        for (const json& r : result_["reports"])
            if (r["what"] == "read scrub" && r["output"].is_string())
                counts.push_back(std::stoll(r["output"].get<std::string>()));
        told("scrub_count_delta", wanted,
             counts.empty() ? json() : json(counts.back() - counts.front()));
    }
    bool same_offsets() const {
        std::set<std::uint64_t> offsets;
        for (const json& r : result_["reports"])
            if (r["what"] == "ndctl read-infoblock" && r["output"].is_object())
                offsets.insert(number_of(r["output"].value("dataoff", json(0))));
        return offsets.size() == 1;
    }
    /// What the regions' tables hold once they were made anew from the list.
    void stale(const json& wanted) {
        std::size_t rows = 0;
        for (const json& r : result_["reports"])
            if (r["event"].get<std::string>().starts_with("end.badblocks.") && r["output"].is_string())
                rows += rows_of(r["output"]).size();
        told("stale_badrange_entries", wanted, json(rows));
    }
    /// The block that an lba had when it was first looked up, among the lanes' free ones.
    void freed(const json& wanted) {
        json first, last;
        for (const json& r : result_["reports"])
            if (r["what"] == "btt map" && r["output"].is_object()) {
                if (first.is_null()) first = r["output"];
                last = r["output"];
            }
        bool found = false;
        if (last.is_object())
            for (const json& block : last["free_blocks"]) found = found || block == first["postmap"];
        told("old_block_in_freelist", wanted, json(found));
    }
    void cxl_end(const std::string& key, const json& wanted) {
        std::vector<json> counts;
        for (std::size_t i = 0; i < t_.steps; ++i) {
            if (record_["steps"][i]["op"] != "cxl_list_media_errors") continue;
            number_ = i;
            if (const json out = output(); out.is_object()) counts.push_back(out["media_errors"].size());
        }
        if (key == "count_after_inject")
            return told(key, wanted, counts.empty() ? json() : counts.front());
        if (key == "count_after_clear")
            return told(key, wanted, counts.empty() ? json() : counts.back());
        // Of each record that a list gave.
        bool any = false;
        for (const json& r : result_["reports"]) {
            if (!r["output"].is_object() || !r["output"].contains("media_errors")) continue;
            for (const json& e : r["output"]["media_errors"]) {
                any = true;
                told(key, wanted, e[key]);
            }
        }
        if (!any) told(key, wanted, json());
    }

    const json& record_;
    const Translated& t_;
    const json& result_;
    Verdict& v_;
    std::string where_;
    std::size_t number_ = 0;
};

}  // namespace

Values saved_values(const json& record, const Translated& t, const json& result) {
    Verdict ignored;
    Values values = t.values;
    Comparison comparison(record, t, result, ignored);
    for (std::size_t i = 0; i < t.steps; ++i) {
        const json& step = record["steps"][i];
        if (!step.contains("save") || values.contains(step["save"])) continue;
        const json value = comparison.main_result(i);
        if (!value.is_null()) values[step["save"]] = value;
    }
    return values;
}

void compare_ndctl(const json& record, const Translated& t, const json& result, Verdict& verdict) {
    Translated with_values = t;
    with_values.values = saved_values(record, t, result);
    Comparison(record, with_values, result, verdict).run();
}

}  // namespace mcemu::conformance
