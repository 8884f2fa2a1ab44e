#include "output/expect.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "output/expect_log.hpp"
#include "output/match.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

using Findings = std::vector<Finding>;

std::string shown(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The other members that differ beside the one at `p`: "signal: wanted ..., got ..."; they often
/// say more.
std::string also_different(const Json& wanted, const Json& got, const Json::json_pointer& p) {
    const Json& want = wanted.at(p.parent_pointer());
    const Json& there = got.at(p.parent_pointer());
    std::string out;
    if (!want.is_object() || !there.is_object()) return out;
    for (const auto& [key, value] : want.items()) {
        const auto it = there.find(key);
        if (key == p.back() || it == there.end() || !mismatch(value, *it)) continue;
        out += (out.empty() ? "also " : ", ") + key + ": wanted " + shown(value) + ", got " +
               shown(*it);
    }
    return out;
}

/// A finding about the whole of `wanted` at `at`: ok, or with the place of the first difference.
Finding compare(std::string at, const Json& wanted, const Json& got) {
    Finding f{.at = std::move(at)};
    const auto where = mismatch(wanted, got);
    f.ok = !where;
    if (f.ok) return f;
    f.wanted = wanted;
    f.got = got;
    if (!where->empty()) {
        const Json::json_pointer p(*where);
        f.at += *where;
        f.wanted = wanted.contains(p) ? wanted.at(p) : Json(nullptr);
        f.got = got.contains(p) ? got.at(p) : Json(nullptr);
        // An item too many or too few: the other list has nothing there.
        if (!wanted.contains(p))
            f.note = "one more than wanted";
        else if (!got.contains(p))
            f.note = "nothing there";
        else
            f.note = also_different(wanted, got, p);
    }
    return f;
}

/// The entry of a list of objects whose `key` is `value`; null when there is none.
const Json* find_by(const Json& list, const char* key, const Json& value) {
    for (const Json& entry : list)
        if (entry.contains(key) && !mismatch(value, entry[key])) return &entry;
    return nullptr;
}

/// Whether every wanted item has an item of its own in `got` (augmenting paths).
std::optional<std::size_t> unmatched(const Json& wanted, const Json& got) {
    std::vector<std::ptrdiff_t> taken_by(got.size(), -1);
    std::function<bool(std::size_t, std::vector<bool>&)> place = [&](std::size_t i,
                                                                     std::vector<bool>& seen) {
        for (std::size_t j = 0; j < got.size(); ++j) {
            if (seen[j] || mismatch(wanted[i], got[j])) continue;
            seen[j] = true;
            if (taken_by[j] < 0 || place(static_cast<std::size_t>(taken_by[j]), seen)) {
                taken_by[j] = static_cast<std::ptrdiff_t>(i);
                return true;
            }
        }
        return false;
    };
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        std::vector<bool> seen(got.size());
        if (!place(i, seen)) return i;
    }
    return std::nullopt;
}

/// The item of `got` that shares most members with `wanted`.
Json nearest_item(const Json& wanted, const Json& got) {
    std::size_t best = 0;
    Json nearest;
    for (const Json& item : got) {
        std::size_t same = 0;
        if (wanted.is_object() && item.is_object())
            for (const auto& [key, value] : wanted.items())
                same += item.contains(key) && !mismatch(value, item[key]);
        if (same > best) {
            best = same;
            nearest = item;
        }
    }
    return nearest;
}

/// A list that must be equal in order, or {"contains": [...]}, {"lacks": [...]}.
Findings compare_list(const std::string& at, const Json& wanted, const Json& got) {
    if (wanted.is_array()) {
        Finding f = compare(at, wanted, got);
        if (!f.ok && f.wanted.is_null()) f.wanted = "nothing";
        return {f};
    }
    Findings findings;
    if (wanted.is_object())
        for (const auto& [key, items] : wanted.items()) {
            Finding f{.at = at + "/" + key};
            if (!items.is_array() || (key != "contains" && key != "lacks")) {
                f.note = "a list is expected, or {\"contains\": [...]} and {\"lacks\": [...]}";
            } else if (key == "contains") {
                const auto missing = unmatched(items, got);
                f.ok = !missing;
                if (missing) {
                    f.at += "/" + std::to_string(*missing);
                    f.wanted = items[*missing];
                    f.nearest = nearest_item(items[*missing], got);
                    f.note = "nothing of the kind among " + std::to_string(got.size());
                }
            } else {
                f.ok = true;
                for (std::size_t i = 0; i < items.size() && f.ok; ++i)
                    for (const Json& item : got)
                        if (!mismatch(items[i], item)) {
                            f.ok = false;
                            f.at += "/" + std::to_string(i);
                            f.wanted = items[i];
                            f.got = item;
                            f.note = "must not occur";
                            break;
                        }
            }
            findings.push_back(std::move(f));
        }
    else
        findings.push_back({.at = at, .wanted = wanted, .note = "a list is expected"});
    return findings;
}

Findings panic(const Json& wanted, const Json& result) {
    const Json& got = result["panic"];
    if (wanted.is_boolean() || wanted.is_null()) {
        const bool want = wanted.is_boolean() && wanted.get<bool>();
        if (want == !got.is_null()) return {{.at = "/expect/panic", .ok = true}};
        return {{.at = "/expect/panic", .wanted = wanted, .got = got}};
    }
    return {compare("/expect/panic", wanted, got)};
}

/// A return value as wanted: a number, "EBUSY" or "-EBUSY".
std::optional<std::int64_t> return_value(const Json& wanted) {
    if (wanted.is_number_unsigned()) return static_cast<std::int64_t>(wanted.get<std::uint64_t>());
    if (wanted.is_number_integer()) return wanted.get<std::int64_t>();
    if (wanted.is_string())
        if (const int number = errno_number(wanted.get_ref<const std::string&>())) return -number;
    return std::nullopt;
}

Findings syscalls(const Json& wanted, const Json& result) {
    Findings findings;
    for (const auto& [event, value] : wanted.items()) {
        Finding f{.at = "/expect/syscalls/" + event, .ok = true};
        std::vector<const Json*> calls;
        for (const Json& call : result["syscalls"])
            if (call["event"] == event) calls.push_back(&call);
        const std::size_t wanted_calls = value.is_array() ? value.size() : calls.size();
        // An errno by the name that expectations give it, with a sign where they do.
        const auto came = [](const Json& call, const Json& want) {
            if (!call["errno"].is_string()) return call["ret"];
            const bool sign = want.is_string() && want.get_ref<const std::string&>().starts_with('-');
            return Json((sign ? "-" : "") + call["errno"].get<std::string>());
        };
        if (calls.empty() || calls.size() != wanted_calls) {
            f.ok = false;
            f.wanted = value;
            f.note = event + " made " + std::to_string(calls.size()) + " system calls";
        }
        for (std::size_t i = 0; f.ok && i < calls.size(); ++i) {
            const Json& want = value.is_array() ? value[i] : value;
            const auto ret = return_value(want);
            f.ok = ret && *ret == (*calls[i])["ret"].get<std::int64_t>();
            if (f.ok) continue;
            f.wanted = want;
            f.got = came(*calls[i], want);
            if (!ret)
                f.note = "a number or an errno name is expected";
            else if (value.is_array())
                f.at += "/" + std::to_string(i);
        }
        findings.push_back(std::move(f));
    }
    return findings;
}

/// An object by id, or a list of objects with ids, against the list `got`.
Findings by_id(const std::string& at, const char* key, const Json& wanted, const Json& got,
               const char* plain_member, const Json& absent) {
    Findings findings;
    const auto one = [&](const std::string& where, const Json& id, Json want) {
        if (!want.is_object() || is_pattern(want)) want = Json{{plain_member, want}};
        const Json* entry = find_by(got, key, id);
        if (!entry && absent.is_null()) {
            findings.push_back({.at = where, .wanted = want, .note = "there is no " + id.dump()});
            return;
        }
        Json there = entry ? *entry : absent;
        if (!entry) there[key] = id;
        findings.push_back(compare(where, want, there));
    };
    if (wanted.is_object()) {
        for (const auto& [id, want] : wanted.items()) one(at + "/" + id, id, want);
    } else if (wanted.is_array()) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const std::string where = at + "/" + std::to_string(i);
            if (wanted[i].is_object() && wanted[i].contains(key))
                one(where, wanted[i][key], wanted[i]);
            else
                findings.push_back(
                    {.at = where,
                     .wanted = wanted[i],
                     .note = std::string("an object with \"") + key + "\" is expected"});
        }
    } else {
        findings.push_back({.at = at, .wanted = wanted, .note = "an object is expected"});
    }
    return findings;
}

/// `pages`: flags compare as sets; a page that nobody knows has none.
Findings pages(const Json& wanted, const Json& result) {
    const auto sorted = [](Json list) {
        if (list.is_array()) std::sort(list.begin(), list.end());
        return list;
    };
    Json want = wanted, got = result["pages"];
    for (Json& page : want)
        if (page.is_object() && page.contains("flags"))
            page["flags"] = sorted(page["flags"]);
        else if (page.is_array())
            page = sorted(page);
    for (Json& page : got) page["flags"] = sorted(page["flags"]);
    return by_id("/expect/pages", "pfn", want, got, "flags",
                 {{"flags", Json::array()}, {"users", nullptr}});
}

Findings msrs(const Json& wanted, const Json& result) {
    Findings findings;
    if (!wanted.is_array())
        return {{.at = "/expect/msrs", .wanted = wanted, .note = "a list is expected"}};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        // A bank that was never used reads 0.
        Json got = {{"status", "0x0"}, {"addr", "0x0"}, {"misc", "0x0"}};
        for (const char* key : {"cpu", "bank"}) got[key] = wanted[i].value(key, Json(nullptr));
        for (const Json& bank : result["msrs"])
            if (!mismatch(got["cpu"], bank["cpu"]) && !mismatch(got["bank"], bank["bank"]))
                got = bank;
        findings.push_back(compare("/expect/msrs/" + std::to_string(i), wanted[i], got));
    }
    return findings;
}

Findings direct_map(const Json& wanted, const Json& result) {
    Findings findings;
    const Json& got = result["direct_map"];
    for (const auto& [key, value] : wanted.items()) {
        const std::string at = "/expect/direct_map/" + key;
        const auto pfn = as_number(Json(key));
        if (!pfn) {
            if (key == "ranges" && value.is_object()) {
                for (Finding& f : compare_list(at, value, got["ranges"]))
                    findings.push_back(std::move(f));
                continue;
            }
            findings.push_back(compare(at, value, got.contains(key) ? got[key] : Json(nullptr)));
            continue;
        }
        // The type of one page: what no range names is present and write-back.
        Json type = "WB";
        for (const Json& range : got["ranges"]) {
            const std::uint64_t first = as_number(range["pfn"]).value_or(0);
            if (*pfn >= first && *pfn - first < range["pages"].get<std::uint64_t>())
                type = range["type"];
        }
        findings.push_back(compare(at, value, type));
    }
    return findings;
}

Findings badblocks(const Json& wanted, const Json& result, const Aliases& devices) {
    Findings findings;
    for (const auto& [name, value] : wanted.items()) {
        const auto device = devices.find(name);
        const std::string& id = device == devices.end() ? name : device->second;
        const Json& tables = result["badblocks"];
        Finding f = compare("/expect/badblocks/" + name, value,
                            tables.contains(id) ? tables[id] : Json(nullptr));
        if (!f.ok && !tables.contains(id)) f.note = name + " has no badblocks file";
        findings.push_back(std::move(f));
    }
    return findings;
}

Findings members(const std::string& key, const Json& wanted, const Json& result) {
    Findings findings;
    if (!wanted.is_object())
        return {{.at = "/expect/" + key, .wanted = wanted, .note = "an object is expected"}};
    for (const auto& [name, value] : wanted.items()) {
        Finding f = compare("/expect/" + key + "/" + name, value,
                            result[key].contains(name) ? result[key][name] : Json(nullptr));
        if (!f.ok && !result[key].contains(name)) f.note = "there is no " + name;
        findings.push_back(std::move(f));
    }
    return findings;
}

/// Where the time of the slowest went: its three longest phases, and what no phase covers.
Json longest_phases(const Json& result, const Json& want, SimTime slowest) {
    for (const Json& entry : result["latency"]) {
        if (entry["from"] != want.value("from", "") || entry["to"] != want.value("to", "") ||
            !entry["ns"].is_number() || from_ns(entry["ns"].get<std::uint64_t>()) != slowest ||
            !entry.contains("phases"))
            continue;
        std::vector<std::pair<std::uint64_t, std::string>> phases;
        std::uint64_t left = entry["ns"].get<std::uint64_t>();
        for (const Json& phase : entry["phases"]) {
            const auto ns = phase["ns"].get<std::uint64_t>();
            phases.emplace_back(ns, phase["name"].get<std::string>());
            left -= std::min(left, ns);
        }
        if (left > 0) phases.emplace_back(left, "waiting");
        std::stable_sort(phases.begin(), phases.end(),
                         [](const auto& a, const auto& b) { return a.first > b.first; });
        phases.resize(std::min<std::size_t>(phases.size(), 3));
        Json out = Json::object();
        for (const auto& [ns, name] : phases) out[name] = human_time(from_ns(ns));
        return out;
    }
    return Json::object();
}

Findings latency(const Json& wanted, const Json& result) {
    Findings findings;
    const Json list = wanted.is_array() ? wanted : Json::array({wanted});
    for (std::size_t i = 0; i < list.size(); ++i) {
        const Json& want = list[i];
        Finding f{.at = wanted.is_array() ? "/expect/latency/" + std::to_string(i)
                                          : std::string("/expect/latency"),
                  .wanted = want};
        std::vector<SimTime> times;
        for (const Json& entry : result["latency"])
            if (entry["from"] == want.value("from", "") && entry["to"] == want.value("to", "") &&
                entry["ns"].is_number())
                times.push_back(from_ns(entry["ns"].get<std::uint64_t>()));
        const auto bound = [&](const char* key) -> std::optional<SimTime> {
            if (!want.contains(key)) return std::nullopt;
            const auto t = as_time(want[key]);
            if (!t) f.note = std::string(key) + " is no time: \"50us\" would be";
            return t;
        };
        const auto max = bound("max"), min = bound("min");
        if (!f.note.empty()) {
        } else if (!max && !min) {
            f.note = "neither max nor min is given";
        } else if (times.empty()) {
            f.late = max.has_value();
            f.got = nullptr;
            f.note = "it never came";
        } else {
            const SimTime worst = *std::max_element(times.begin(), times.end());
            const SimTime least = *std::min_element(times.begin(), times.end());
            f.late = max && worst > *max;
            f.ok = !f.late && !(min && least < *min);
            f.got = human_time(f.late ? worst : least);
        }
        if (f.late && !times.empty())
            f.nearest = {{"longest", longest_phases(result, want, *std::max_element(times.begin(), times.end()))}};
        // Whole numbers are nanoseconds: said, since who wrote one may have meant another unit.
        if (!f.ok && !times.empty() && f.note.empty())
            f.note = f.late ? "at most " + human_time(*max) : "at least " + human_time(*min);
        if (f.ok) f.wanted = f.got = nullptr;
        findings.push_back(std::move(f));
    }
    return findings;
}

/// By event: {"ret": ..., "output": ...}, as far as given; "ret" may be an errno's name. A list
/// says how often the event reported.
Findings reports(const Json& wanted, const Json& result) {
    Findings findings;
    for (const auto& [event, value] : wanted.items()) {
        const std::string at = "/expect/reports/" + event;
        Json got = Json::array();
        for (const Json& report : result["reports"])
            if (report["event"] == event) got.push_back(report);
        const Json list = value.is_array() ? value : Json::array({value});
        if (got.size() != list.size()) {
            findings.push_back({.at = at,
                                .wanted = value,
                                .got = got,
                                .note = event + " made " + std::to_string(got.size()) + " reports"});
            continue;
        }
        for (std::size_t i = 0; i < list.size(); ++i) {
            Json want = list[i];
            if (want.is_object() && want.contains("ret"))
                if (const auto ret = return_value(want["ret"])) want["ret"] = *ret;
            findings.push_back(
                compare(value.is_array() ? at + "/" + std::to_string(i) : at, want, got[i]));
        }
    }
    return findings;
}

Findings one_key(const std::string& key, const Json& wanted, const Json& result,
                 const Aliases& devices) {
    const std::string at = "/expect/" + key;
    if (key == "outcome") return {compare(at, wanted, result[key])};
    if (key == "panic") return panic(wanted, result);
    if (key == "log") return evaluate_log(wanted, result["log"]);
    if (key == "no_log") return evaluate_no_log(wanted, result["log"]);
    if (key == "signals" || key == "memtypes") return compare_list(at, wanted, result[key]);
    if (key == "syscalls") return syscalls(wanted, result);
    if (key == "reports") return reports(wanted, result);
    if (key == "firmware_calls" || key == "notifications")
        return compare_list(at, wanted, result[key]);
    if (key == "processes") return by_id(at, "id", wanted, result["processes"], "state", nullptr);
    if (key == "fates") return by_id(at, "id", wanted, result["events"], "fate", nullptr);
    if (key == "pages") return pages(wanted, result);
    if (key == "msrs") return msrs(wanted, result);
    if (key == "direct_map") return direct_map(wanted, result);
    if (key == "badblocks") return badblocks(wanted, result, devices);
    if (key == "poison" || key == "poison_lists" || key == "error_logs" || key == "counters")
        return members(key, wanted, result);
    if (key == "latency") return latency(wanted, result);
    return {{.at = at, .wanted = wanted, .note = "there is no expectation of this name"}};
}

}  // namespace

namespace {

std::string in_words_of(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// "; nearest: ...": what a reader of the text wants of it; all of it is in the JSON.
std::string nearest_words(const Finding& finding) {
    const Json& near = finding.nearest;
    if (finding.at.starts_with("/expect/temporal")) return {};  // the text tells the times
    if (near.is_object() && near.contains("line") && near.contains("edits")) {
        const std::uint64_t edits = as_number(near["edits"]).value_or(0);
        return "; nearest: line " + in_words_of(near["line"]) + " of the log, " +
               (near.contains("text") ? in_words_of(near["text"]) + ", " : std::string()) +
               std::to_string(edits) + (edits == 1 ? " character" : " characters") + " apart";
    }
    return "; nearest: " + in_words_of(near);
}

}  // namespace

Json to_json(const Finding& finding) {
    Json out = {{"at", finding.at}, {"ok", finding.ok}};
    if (finding.ok) return out;
    out["wanted"] = finding.wanted;
    out["got"] = finding.got;
    if (!finding.nearest.is_null()) out["nearest"] = finding.nearest;
    if (finding.evidence) out["t_ns"] = to_ns(*finding.evidence);
    out["text"] = to_text(finding);
    return out;
}

std::string to_text(const Finding& finding) {
    if (finding.ok) return finding.at + ": met";
    std::string out = finding.at + ":";
    if (!finding.wanted.is_null() || !finding.got.is_null()) {
        out += " wanted " + shown(finding.wanted);
        if (!finding.got.is_null() || finding.note.empty()) out += ", got " + shown(finding.got);
        if (!finding.note.empty()) out += ";";
    }
    if (!finding.note.empty()) out += " " + finding.note;
    if (!finding.nearest.is_null()) out += nearest_words(finding);
    return out;
}

std::vector<Finding> evaluate(const nlohmann::json& expect, const Json& result,
                              const Aliases& devices) {
    Findings findings;
    if (!expect.is_object())
        return {{.at = "/expect", .wanted = Json(expect), .note = "an object is expected"}};
    for (const auto& [key, value] : expect.items()) {
        if (key == "class" || key == "temporal") continue;
        try {
            for (Finding& f : one_key(key, Json(value), result, devices))
                findings.push_back(std::move(f));
        } catch (const BadPattern& e) {
            findings.push_back({.at = "/expect/" + key, .note = e.what()});
        } catch (const Json::exception&) {
            // A member of the wrong JSON type: the schema names the right one.
            findings.push_back({.at = "/expect/" + key,
                                .wanted = Json(value),
                                .note = "its shape is not that of the schema"});
        }
    }
    return findings;
}

std::string_view result_member_of(std::string_view key) {
    if (key == "no_log") return "log";
    if (key == "fates") return "events";
    return key;
}

Finding evaluate_class(const nlohmann::json& wanted, const Json& result) {
    const Json list = wanted.is_array() ? Json(wanted) : Json::array({Json(wanted)});
    for (const Json& one : list)
        if (one == result["class"]) return {.at = "/expect/class", .ok = true};
    return {.at = "/expect/class", .wanted = Json(wanted), .got = result["class"]};
}

std::vector<Pfn> expected_pages(const nlohmann::json& expect) {
    std::vector<Pfn> pages;
    if (!expect.is_object() || !expect.contains("pages")) return pages;
    const auto& wanted = expect["pages"];
    const auto add = [&](const Json& pfn) {
        if (const auto number = as_number(pfn)) pages.push_back(Pfn{*number});
    };
    if (wanted.is_object())
        for (const auto& [pfn, value] : wanted.items()) add(Json(pfn));
    else if (wanted.is_array())
        for (const auto& page : wanted)
            if (page.is_object() && page.contains("pfn")) add(Json(page["pfn"]));
    std::sort(pages.begin(), pages.end());
    pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
    return pages;
}

std::vector<std::pair<std::string, std::string>> expected_durations(const nlohmann::json& expect) {
    std::vector<std::pair<std::string, std::string>> pairs;
    if (!expect.is_object() || !expect.contains("latency")) return pairs;
    const auto add = [&](const nlohmann::json& item) {
        if (item.is_object() && item.contains("from") && item["from"].is_string() &&
            item.contains("to") && item["to"].is_string())
            pairs.emplace_back(item["from"].get<std::string>(), item["to"].get<std::string>());
    };
    const auto& wanted = expect["latency"];
    if (wanted.is_array()) {
        for (const auto& item : wanted) add(item);
    } else {
        add(wanted);
    }
    return pairs;
}

}  // namespace mcemu::output
