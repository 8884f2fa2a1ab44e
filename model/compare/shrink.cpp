#include "compare/shrink.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "compare/roundest.hpp"
#include "compare/world.hpp"

namespace mcemu::compare {
namespace {

using Pointer = Json::json_pointer;

/// Every container below `at`, the outer before the inner. `lists`: arrays, else objects.
void containers(const Json& at, const Pointer& here, bool lists, std::vector<Pointer>& out) {
    if (lists ? at.is_array() : at.is_object()) out.push_back(here);
    if (at.is_object())
        for (const auto& [key, value] : at.items()) containers(value, here / key, lists, out);
    if (at.is_array())
        for (std::size_t i = 0; i < at.size(); ++i) containers(at[i], here / i, lists, out);
}

/// Every value below `at` that may be rounded: none of what is expected.
void leaves(const Json& at, const Pointer& here, std::vector<Pointer>& out) {
    if (at.is_object())
        for (const auto& [key, value] : at.items()) {
            if (here.empty() && (key == "expect" || key == "schema" || key == "name")) continue;
            leaves(value, here / key, out);
        }
    else if (at.is_array())
        for (std::size_t i = 0; i < at.size(); ++i) leaves(at[i], here / i, out);
    else
        out.push_back(here);
}

bool says(const Json& value, const std::string& id) { return value.is_string() && value == id; }

/// Whether `at` or what is below it is that text.
bool names(const Json& at, const std::string& id) {
    if (says(at, id)) return true;
    if (!at.is_structured()) return false;
    for (const Json& child : at)
        if (names(child, id)) return true;
    return false;
}

/// Takes out of every list the items, and of "expect" the members, that name `id`.
void take_out(Json& at, const std::string& id, bool expectations) {
    if (at.is_array()) {
        for (std::size_t i = at.size(); i-- > 0;)
            if (at[i].is_structured() ? names(at[i], id) : says(at[i], id)) at.erase(i);
    } else if (at.is_object()) {
        std::vector<std::string> gone;
        for (auto& [key, value] : at.items()) {
            if (expectations && (key == id || says(value, id))) gone.push_back(key);
            else take_out(value, id, expectations || key == "expect");
        }
        for (const std::string& key : gone) at.erase(key);
    }
}

class Shrinker {
public:
    Shrinker(const std::string& name, Json document, const ShrinkOptions& options)
        : name_(name), best_(std::move(document)), options_(options) {}

    Shrunk run() {
        Shrunk out;
        out.document = best_;
        const auto first = load(best_);
        if (!first) {
            out.refused = "the scenario cannot stand alone: " + refusal_;
            return out;
        }
        out.before = try_scenario(*first, options_.limit_s, options_.start_from);
        ++runs_;
        if (out.before.met) {
            out.refused = out.before.has_expectations ? "every expectation is met"
                                                      : "it has no expectation that could fail";
            return out;
        }
        loose_ = failure_signature(out.before, false);
        lacks_ = something_lacks(out.before);
        if (lacks_) happened_ = what_happened(out.before, best_);
        last_ = out.before;
        std::string text;
        do {
            text = best_.dump();
            whole_things();
            lists();
            members();
            triggers();
            if (!lacks_) values();
        } while (go_on() && best_.dump() != text);
        out.document = best_;
        out.after = last_;
        out.runs = runs_;
        out.finished = go_on();
        return out;
    }

private:
    bool go_on() const { return !stopped_ && runs_ < options_.runs; }

    std::shared_ptr<scenario::LoadedScenario> load(const Json& document) {
        scenario::LoadOptions options;
        options.second_opinion = false;
        scenario::LoadResult result = scenario::load_text(
            name_, document.dump(-1, ' ', false, Json::error_handler_t::replace), options);
        if (!result.loaded && !result.findings.empty())
            refusal_ = scenario::to_text(result.findings.front());
        return result.loaded;
    }

    /// Takes the candidate when it fails the same way.
    bool take(const Json& candidate, bool strict = false) {
        if (!go_on() || candidate == best_) return false;
        if (!tried_.insert((strict ? 's' : 'l') + candidate.dump()).second) return false;
        const auto loaded = load(candidate);
        if (!loaded) return false;
        const Trial trial = try_scenario(*loaded, options_.limit_s, options_.start_from);
        ++runs_;
        if (options_.progress && !options_.progress(runs_)) stopped_ = true;
        if (failure_signature(trial, false) != loose_) return false;
        // What never came does not come either where less is tried: each thing that was stays.
        if (lacks_ && (what_happened(trial, candidate) != happened_ ||
                       candidate.contains("boots_on") != best_.contains("boots_on")))
            return false;
        if (strict && failure_signature(trial, true) != failure_signature(last_, true)) return false;
        best_ = candidate;
        last_ = trial;
        return true;
    }

    /// A process, a file, a module ... with everything that names it.
    void whole_things() {
        for (const char* list : {"/processes", "/files", "/machine/namespaces", "/machine/regions",
                                 "/machine/nvdimms", "/machine/memory", "/events"}) {
            const Pointer at(list);
            if (!best_.contains(at) || !best_[at].is_array()) continue;
            std::vector<std::string> ids;
            for (const Json& thing : best_[at])
                if (thing.is_object() && thing.contains("id") && thing["id"].is_string())
                    ids.push_back(thing["id"].get<std::string>());
            for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
                Json candidate = best_;
                take_out(candidate, *id, false);
                take(candidate);
            }
        }
    }

    void lists() {
        std::vector<Pointer> all;
        containers(best_, Pointer(), true, all);
        // The events first: most else is there for them.
        std::stable_partition(all.begin(), all.end(), [](const Pointer& p) {
            return p.to_string() == "/events";
        });
        for (const Pointer& list : all)
            if (best_.contains(list) && best_[list].is_array()) ddmin(list);
    }

    /// Zeller's ddmin over the items of one list: chunks go, as long as it still fails.
    void ddmin(const Pointer& list) {
        std::size_t chunk = best_[list].size();
        while (chunk != 0 && go_on()) {
            bool any = false;
            for (std::size_t begin = 0; best_.contains(list) && begin < best_[list].size();) {
                Json candidate = best_;
                Json& items = candidate[list];
                const std::size_t end = std::min(begin + chunk, items.size());
                for (std::size_t i = end; i-- > begin;) items.erase(i);
                if (take(candidate)) any = true;  // the next ones stand here now
                else begin += chunk;
            }
            if (!any || chunk > 1) chunk = chunk == 1 ? 0 : chunk / 2;
        }
    }

    void members() {
        std::vector<Pointer> all;
        containers(best_, Pointer(), false, all);
        for (const Pointer& object : all) {
            if (!best_.contains(object) || !best_[object].is_object()) continue;
            std::vector<std::string> keys;
            for (const auto& [key, value] : best_[object].items()) keys.push_back(key);
            for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
                if (!best_.contains(object)) break;
                Json candidate = best_;
                candidate[object].erase(*key);
                take(candidate);
            }
        }
    }

    /// Events that wait for something get the time at which they came.
    void triggers() {
        for (const char* trigger : {"after", "on_access", "when"}) {
            for (std::size_t i = 0; best_.contains("events") && i < best_["events"].size(); ++i) {
                const Json& event = best_["events"][i];
                if (!event.is_object() || !event.contains(trigger) || i >= last_.events.size()) continue;
                const Json t = last_.events[i].value("t_ns", Json());
                if (!t.is_number_unsigned()) continue;
                Json candidate = best_;
                Json changed = Json::object();
                for (const auto& [key, value] : event.items()) {
                    if (key == trigger) changed["at"] = t;
                    else changed[key] = value;
                }
                candidate["events"][i] = changed;
                take(candidate, true);
            }
        }
    }

    void values() {
        std::vector<Pointer> all;
        leaves(best_, Pointer(), all);
        for (const Pointer& leaf : all) {
            if (!best_.contains(leaf)) continue;
            for (const Json& value : rounder(best_[leaf])) {
                Json candidate = best_;
                candidate[leaf] = value;
                if (take(candidate, true)) break;
                if (!go_on()) return;
            }
        }
    }

    const std::string name_;
    Json best_;
    const ShrinkOptions& options_;
    std::string loose_;
    bool lacks_ = false;
    std::set<std::string> happened_;
    Trial last_;
    std::string refusal_;
    std::set<std::string> tried_;
    std::size_t runs_ = 0;
    bool stopped_ = false;
};

std::size_t size_of(const Json& document, const char* pointer) {
    const Pointer at(pointer);
    return document.contains(at) ? document[at].size() : 0;
}

}  // namespace

Shrunk shrink(const std::string& name, const Json& document, const ShrinkOptions& options) {
    return Shrinker(name, document, options).run();
}

std::string shrunk_words(const Json& before, const Json& after) {
    std::string out;
    const auto add = [&](const char* what, std::size_t from, std::size_t to) {
        if (from == to) return;
        out += (out.empty() ? "" : ", ") + std::string(what) + ' ' + std::to_string(from) + " -> " +
               std::to_string(to);
    };
    add("events", size_of(before, "/events"), size_of(after, "/events"));
    add("processes", size_of(before, "/processes"), size_of(after, "/processes"));
    add("files", size_of(before, "/files"), size_of(after, "/files"));
    add("NVDIMMs", size_of(before, "/machine/nvdimms"), size_of(after, "/machine/nvdimms"));
    add("namespaces", size_of(before, "/machine/namespaces"), size_of(after, "/machine/namespaces"));
    add("kinds of expectations", size_of(before, "/expect"), size_of(after, "/expect"));
    add("bytes", before.dump().size(), after.dump().size());
    return out;
}

}  // namespace mcemu::compare
