#include "regress/update.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "regress/json_text.hpp"
#include "scenario/document.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::regress {
namespace {

using Json = nlohmann::json;
using Ordered = output::Json;
using scenario::Value;

constexpr int kMostRounds = 2000;

bool is_hex(const Json& value) {
    return value.is_string() && value.get_ref<const std::string&>().starts_with("0x");
}

/// What came, in the form in which something was wanted: the members it asks about, and numbers
/// as hex strings or the other way round.
Json in_the_form_of(const Json& wanted, const Json& got) {
    if (wanted.is_object() && got.is_object()) {
        Json out = Json::object();
        for (const auto& [key, value] : wanted.items())
            if (got.contains(key)) out[key] = in_the_form_of(value, got[key]);
        return out;
    }
    if (wanted.is_array() && got.is_array()) {
        Json out = Json::array();
        for (std::size_t i = 0; i < got.size(); ++i) {
            if (wanted.empty()) out.push_back(got[i]);
            else out.push_back(in_the_form_of(wanted[std::min(i, wanted.size() - 1)], got[i]));
        }
        return out;
    }
    if (is_hex(wanted) && got.is_number_unsigned()) return hex_text(got.get<std::uint64_t>());
    if (wanted.is_number() && is_hex(got))
        return std::stoull(got.get<std::string>(), nullptr, 16);
    return got;
}

std::vector<std::string> steps_of(std::string_view pointer) {
    std::vector<std::string> steps;
    while (!pointer.empty()) {
        pointer.remove_prefix(1);
        const std::size_t end = std::min(pointer.find('/'), pointer.size());
        steps.emplace_back(pointer.substr(0, end));
        pointer.remove_prefix(end);
    }
    return steps;
}

constexpr std::size_t kNoIndex = ~std::size_t{0};

std::size_t index_of(const std::string& step) {
    if (step.empty() || step.size() > 9 ||
        step.find_first_not_of("0123456789") != std::string::npos)
        return kNoIndex;
    return std::stoul(step);
}
/// The index at a depth of a pointer; kNoIndex when there is none.
std::size_t index_at(const std::vector<std::string>& steps, std::size_t depth) {
    return depth < steps.size() ? index_of(steps[depth]) : kNoIndex;
}

/// Changes a copy of the expectations, one failed expectation after the other.
class Mender {
public:
    Mender(Json expect, const Ordered& result) : expect_(std::move(expect)), result_(result) {}

    /// As mended so far; items that say nothing any more are gone.
    Json expect() const {
        Json out = expect_;
        for (auto index = gone_.rbegin(); index != gone_.rend(); ++index)
            out["temporal"].erase(*index);
        return out;
    }
    /// Whether a finding is about something that was mended: orders over time are judged as the
    /// scenario was loaded, whatever stands in the expectations now.
    bool mended(const Ordered& finding) const {
        return mended_.contains(finding["at"].get<std::string>());
    }

    /// Empty when it was mended; else why it cannot be.
    std::string mend(const Ordered& finding) {
        const std::string at = finding["at"].get<std::string>();
        std::vector<std::string> steps = steps_of(at);
        if (steps.size() < 2) return at + ": nothing to put there";
        const std::string key = steps[1];
        const Json got = Json(finding["got"]);
        if (key == "temporal") return order(steps, finding);
        if (key == "log" || key == "no_log") return lines(key, steps, finding);
        if (key == "signals" || key == "memtypes") return list(key, steps, finding);
        if (key == "panic" || key == "outcome" || key == "class") {
            expect_[key] = Json(result_[key]);
            return {};
        }
        if (key == "latency") return bound(steps, finding);

        // The longest way that exists: an expectation may be a word for an object with one member.
        Json* where = &expect_;
        Json* above = nullptr;
        std::string last;
        std::size_t i = 1;
        for (; i < steps.size(); ++i) {
            Json* next = nullptr;
            if (where->is_object() && where->contains(steps[i])) next = &(*where)[steps[i]];
            if (const std::size_t index = index_of(steps[i]);
                where->is_array() && index < where->size())
                next = &(*where)[index];
            if (next == nullptr) break;
            above = where;
            last = steps[i];
            where = next;
        }
        if (above == nullptr) return at + ": there is no such expectation";
        if (i < steps.size() && where->is_array()) return whole_list(key, steps, at);
        if (got.is_null() && finding.contains("text") &&
            finding["text"].get<std::string>().find("there is no ") != std::string::npos) {
            if (above->is_object()) above->erase(last);
            else above->erase(index_of(last));
            return {};
        }
        if (where->is_array() && got.is_array() == false && !got.is_null())
            return whole_list(key, steps, at);
        const Json now = in_the_form_of(*where, got);
        if (now == *where) return at + ": what came cannot be written there";
        *where = now;
        return {};
    }

private:
    /// What came instead of an order over time: a longer `within`, the other way round, the
    /// opposite; and nothing in place of what was not always so.
    std::string order(const std::vector<std::string>& steps, const Ordered& finding) {
        const std::string at = finding["at"].get<std::string>();
        const std::size_t index = index_at(steps, 2);
        if (index == kNoIndex || index >= expect_["temporal"].size())
            return at + ": it cannot be judged";
        Json& item = expect_["temporal"][index];
        if (finding["got"].is_null()) return at + ": its \"after\" never came: change it by hand";
        const Json near = finding.contains("nearest") ? Json(finding["nearest"]) : Json::object();
        if (item.contains("always")) {
            gone_.insert(index);
        } else if (item.contains("never")) {
            rename(item, "never", "eventually");
        } else if (item.contains("eventually")) {
            if (near.contains("late_ns")) item["within"] = near["within_ns"];
            else rename(item, "eventually", "never");
        } else {
            if (near.contains("together")) return at + ": both come at once, neither before the other";
            if (!near.contains("within_ns")) return at + ": one of the two never came";
            Json& pair = item["before"];
            const bool swapped = finding["got"].get<std::string>().starts_with("the second came first");
            if (swapped) std::swap(pair[0], pair[1]);
            if (item.contains("within") && (!swapped || too_short(item["within"], near["within_ns"])))
                item["within"] = near["within_ns"];
        }
        mended_.insert(at);
        return {};
    }

    static void rename(Json& item, const char* from, const char* to) {
        item[to] = item[from];
        item.erase(from);
        // Whenever: a bound that came to be the wrong one is none.
        if (std::string_view(to) == "never") item.erase("within");
    }

    static bool too_short(const Json& within, const Json& needed_ns) {
        const auto bound = within.is_string() ? scenario::parse_time(within.get<std::string>()).value
                                              : std::optional(SimTime{within.get<std::uint64_t>() * 1000});
        return !bound || *bound < SimTime{needed_ns.get<std::uint64_t>() * 1000};
    }

    /// `log`: the line that came in place of the one wanted. `no_log`: leave it out.
    std::string lines(const std::string& key, const std::vector<std::string>& steps,
                      const Ordered& finding) {
        const std::string at = finding["at"].get<std::string>();
        Json& list = expect_[key];
        const std::size_t index = index_at(steps, 2);
        if (key == "no_log") {
            if (!list.is_array()) expect_.erase(key);
            else if (index >= list.size()) return at + ": it cannot be judged";
            else if (list.size() == 1)
                return at + ": without it the list would be empty and could not fail: change it by hand";
            else list.erase(index);
            return {};
        }
        if (!list.is_array() || index == kNoIndex) return at + ": a list of lines is expected";
        const Ordered& got = finding["got"];
        const Ordered* nearest = finding.contains("nearest") ? &finding["nearest"] : nullptr;
        if (index >= list.size()) {
            list.push_back(Json(got));
        } else if (got == "the end of the log") {
            list.erase(index);
        } else if (got.is_string()) {
            list[index] = Json(got);
        } else if (nearest && nearest->is_object() && nearest->contains("text")) {
            list[index] = Json((*nearest)["text"]);
        } else {
            list.erase(index);
        }
        return {};
    }

    std::string list(const std::string& key, const std::vector<std::string>& steps,
                     const Ordered& finding) {
        Json& wanted = expect_[key];
        if (!wanted.is_object()) return whole_list(key, {}, finding["at"].get<std::string>());
        const std::size_t index = index_at(steps, 3);
        if (index == kNoIndex || index >= wanted[steps[2]].size())
            return finding["at"].get<std::string>() + ": it cannot be judged";
        Json& items = wanted[steps[2]];
        if (steps[2] == "contains" && finding.contains("nearest") &&
            !finding["nearest"].is_null())
            items[index] = in_the_form_of(items[index], Json(finding["nearest"]));
        else if (items.size() > 1)
            items.erase(index);
        else
            return finding["at"].get<std::string>() +
                   ": without it the list would be empty and could not fail: change it by hand";
        return {};
    }

    /// The whole list at /expect/KEY[/NAME] as it came.
    std::string whole_list(const std::string& key, const std::vector<std::string>& steps,
                           const std::string& at) {
        Json* wanted = &expect_[key];
        Json got = result_.contains(key) ? Json(result_[key]) : Json(nullptr);
        if (!wanted->is_array() && steps.size() > 2 && wanted->contains(steps[2])) {
            wanted = &(*wanted)[steps[2]];
            got = got.contains(steps[2]) ? got[steps[2]] : Json(nullptr);
        }
        if (!wanted->is_array() || !got.is_array()) return at + ": no list came";
        const Json now = in_the_form_of(*wanted, got);
        if (now == *wanted) return at + ": what came cannot be written there";
        *wanted = now;
        return {};
    }

    std::string bound(const std::vector<std::string>& steps, const Ordered& finding) {
        const std::string at = finding["at"].get<std::string>();
        Json* item = &expect_["latency"];
        if (item->is_array()) {
            const std::size_t index = index_at(steps, 2);
            if (index >= item->size()) return at + ": it cannot be judged";
            item = &(*item)[index];
        }
        // In whole nanoseconds: a rounded bound would fail again.
        std::optional<std::uint64_t> least, most;
        for (const Ordered& entry : result_["latency"]) {
            if (entry["from"] != item->value("from", "") || entry["to"] != item->value("to", "") ||
                !entry["ns"].is_number())
                continue;
            const auto ns = entry["ns"].get<std::uint64_t>();
            least = std::min(least.value_or(ns), ns);
            most = std::max(most.value_or(ns), ns);
        }
        if (!most) return at + ": it never came";
        if (item->contains("max") && (*item)["max"] != *most) (*item)["max"] = *most;
        else if (item->contains("min") && (*item)["min"] != *least) (*item)["min"] = *least;
        else return at + ": it cannot be judged";
        return {};
    }

    Json expect_;
    const Ordered& result_;
    std::set<std::size_t> gone_;     // of expect_["temporal"]
    std::set<std::string> mended_;   // pointers of findings
};

/// Turns what is different between two values into edits of the text in which the first stands.
class Editor {
public:
    /// `by_item`: a list that became shorter is edited item by item, else written anew.
    Editor(std::string_view text, std::vector<Edit>& edits, bool by_item)
        : text_(text), edits_(edits), by_item_(by_item) {}

    std::string problem;

    void change(const Value& value, const Json& before, const Json& after) {
        if (before == after || !problem.empty()) return;
        if (value.source != 0) {
            problem = "the expectation stands in a file that is included: change it there";
            return;
        }
        if (value.substituted) {
            problem = "the expectation comes from a parameter: change that";
            return;
        }
        if (value.is(Value::Type::object) && after.is_object()) {
            if (const Value* renamed = key_renamed(value, before, after)) {
                edits_.push_back({renamed->key_offset,
                                  end_of_value(text_, renamed->key_offset) - renamed->key_offset,
                                  Json(new_key(before, after)).dump()});
            } else if (!new_key(before, after).empty()) {  // a member that was not there
                const std::size_t end = end_of_value(text_, value.offset);
                edits_.push_back({value.offset, end - value.offset,
                                  written(after, text_, value.offset, end)});
                return;
            }
            for (const Value& member : value.children()) {
                const std::string key(member.key);
                if (key_renamed(value, before, after) == &member) continue;
                if (after.contains(key)) change(member, before[key], after[key]);
                else if (member.source != 0) problem = "the expectation stands in a file that is included: change it there";
                else edits_.push_back(removal(text_, member.key_offset, end_of_value(text_, member.offset)));
            }
            return;
        }
        if (value.is(Value::Type::array) && after.is_array() && after.size() == value.count) {
            for (std::size_t i = 0; i < value.count; ++i) change(value.items[i], before[i], after[i]);
            return;
        }
        if (by_item_ && value.is(Value::Type::array) && after.is_array() && !after.empty() &&
            after.size() < value.count) {
            const std::vector<std::size_t> kept = items_kept(before, after);
            for (std::size_t i = 0, k = 0; i < value.count; ++i) {
                const Value& item = value.items[i];
                if (k < kept.size() && kept[k] == i) change(item, before[i], after[k++]);
                else if (item.source != 0) problem = "the expectation stands in a file that is included: change it there";
                else edits_.push_back(removal(text_, item.offset, end_of_value(text_, item.offset)));
            }
            return;
        }
        const std::size_t end = end_of_value(text_, value.offset);
        edits_.push_back({value.offset, end - value.offset,
                          written(after, text_, value.offset, end)});
    }

private:
    /// Which items of `before` became those of `after`, in order: the way that leaves most as they
    /// are, and among the others most of the same keys.
    static std::vector<std::size_t> items_kept(const Json& before, const Json& after) {
        const std::size_t n = before.size(), m = after.size();
        const auto likeness = [&](std::size_t i, std::size_t k) -> int {
            if (before[i] == after[k]) return 4;
            if (!before[i].is_object() || !after[k].is_object()) return 1;
            int same = 0;
            for (const auto& [key, value] : after[k].items()) same |= before[i].contains(key);
            return 1 + same;
        };
        // best[i][k]: of the first i items for the first k.
        constexpr int kImpossible = -1'000'000;
        std::vector best(n + 1, std::vector<int>(m + 1, kImpossible));
        for (std::size_t i = 0; i <= n; ++i) best[i][0] = 0;
        for (std::size_t i = 1; i <= n; ++i)
            for (std::size_t k = 1; k <= std::min(i, m); ++k)
                best[i][k] = std::max(best[i - 1][k], best[i - 1][k - 1] + likeness(i - 1, k - 1));
        std::vector<std::size_t> kept(m);
        for (std::size_t i = n, k = m; k > 0; --i) {
            if (i > k && best[i][k] == best[i - 1][k]) continue;
            kept[--k] = i - 1;
        }
        return kept;
    }

    /// A key of `after` that `before` has not; "" when there is none.
    static std::string new_key(const Json& before, const Json& after) {
        for (const auto& [key, value] : after.items())
            if (!before.contains(key)) return key;
        return {};
    }
    /// The member whose key, and nothing but its key, is another one.
    static const Value* key_renamed(const Value& object, const Json& before, const Json& after) {
        const std::string fresh = new_key(before, after);
        if (fresh.empty()) return nullptr;
        for (const Value& member : object.children()) {
            const std::string key(member.key);
            if (!after.contains(key) && member.source == 0 && before[key] == after[fresh])
                return &member;
        }
        return nullptr;
    }

    std::string_view text_;
    std::vector<Edit>& edits_;
    bool by_item_;
};

}  // namespace

Update propose(const std::string& path, const scenario::LoadOptions& options,
               const scenario::LoadedScenario& loaded, const Ordered& result, const Judge& judge) {
    Update update;
    Mender mender(loaded.expect, result);
    Ordered findings = result["expect"];
    bool met = false;
    for (int round = 0; round < kMostRounds && !met; ++round) {
        met = true;
        for (const Ordered& finding : findings) {
            if (finding["ok"].get<bool>() || mender.mended(finding)) continue;
            met = false;
            update.why_not = mender.mend(finding);
            break;
        }
        if (!met && !update.why_not.empty()) return update;
        if (!met) findings = judge(mender.expect());
    }
    if (!met) {
        update.why_not = "no expectation of this form would be met";
        return update;
    }
    const Value* expect = loaded.text->root.find("expect");
    const std::string& text = loaded.text->source(0).text;
    if (expect == nullptr) return update;
    const Json wanted = mender.expect();
    for (const bool by_item : {true, false}) {
        update.edits.clear();
        Editor editor(text, update.edits, by_item);
        editor.change(*expect, loaded.expect, wanted);
        update.why_not = editor.problem;
        std::sort(update.edits.begin(), update.edits.end(),
                  [](const Edit& a, const Edit& b) { return a.offset < b.offset; });
        if (!update.why_not.empty()) break;
        // The text that comes of it must say what was meant, whatever its layout.
        const scenario::LoadResult again =
            scenario::load_text(path, edited(text, update.edits), options);
        if (again.loaded && again.loaded->expect == wanted) break;
        update.why_not = "the layout of the file does not allow the edit";
    }
    if (!update.why_not.empty()) update.edits.clear();
    return update;
}

std::string edited(std::string_view text, const std::vector<Edit>& edits) {
    std::string out;
    std::size_t done = 0;
    for (const Edit& edit : edits) {
        const std::size_t begin = std::max<std::size_t>(done, edit.offset);
        out += text.substr(done, begin - done);
        out += edit.text;
        done = std::max<std::size_t>(done, edit.offset + edit.length);
    }
    return out += text.substr(done);
}

}  // namespace mcemu::regress
