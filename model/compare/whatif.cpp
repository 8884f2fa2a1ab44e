#include "compare/whatif.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "compare/cause_diff.hpp"
#include "core/assert.hpp"
#include "core/latency.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::compare {
namespace {

using scenario::Finding;

/// Below these a value may change while the machine runs: sim/change.cpp and Latency::set().
constexpr std::string_view kFree[] = {
    "/machine/latency",
    "/kernel/sysctl",
    "/kernel/boot/mce.tolerant",
    "/kernel/boot/mce.monarch_timeout_us",
    "/kernel/boot/mce.ignore_ce",
    "/kernel/boot/mce.dont_log_ce",
    "/kernel/boot/mce.cmci_disabled",
    "/kernel/boot/mce.print_all",
    "/kernel/boot/debugpat",
    "/kernel/check_interval",
    "/kernel/tainted",
    "/events",
    // Not part of the machine.
    "/expect",
    "/params",
    "/matrix",
    "/name",
    "/description",
    "/tags",
};
/// Likewise, under kernel.knobs and directly under kernel.
constexpr std::string_view kKnobs[] = {
    "decoy",          "sanitize_memtype", "strict_4_19_0", "strict_clflush_decoy",
    "hw_error_scrub", "fake_panic",       "mcsafe",
};
constexpr const char* kWhatCan =
    "latencies, system controls, mce.* boot options that have a file in sysfs, knobs, check_interval, "
    "poison, and events from --at on can; `mcemu diff FILE --set-b` compares whole runs";

bool is_or_below(std::string_view pointer, std::string_view top) {
    return pointer.starts_with(top) && (pointer.size() == top.size() || pointer[top.size()] == '/');
}

/// "/machine/nvdimms/0/poison" and below, or "/machine/memory/0/poison".
bool is_poison(std::string_view pointer) {
    for (const std::string_view list : {"/machine/nvdimms/", "/machine/memory/"}) {
        if (!pointer.starts_with(list)) continue;
        const std::size_t slash = pointer.find('/', list.size());
        return slash != std::string_view::npos && is_or_below(pointer.substr(slash), "/poison");
    }
    return false;
}

/// The event that a pointer is about; nullopt: none, or all.
std::optional<std::size_t> event_of(std::string_view pointer) {
    constexpr std::string_view kEvents = "/events/";
    if (!pointer.starts_with(kEvents)) return std::nullopt;
    pointer.remove_prefix(kEvents.size());
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(pointer.data(), pointer.data() + pointer.size(), index);
    if (error != std::errc{} || end == pointer.data()) return std::nullopt;
    return index;
}

template <class Range, class Emit>
void only_in(const std::vector<Range>& these, const std::vector<Range>& others, Emit emit) {
    for (const Range& r : these)
        if (std::find(others.begin(), others.end(), r) == others.end()) emit(r);
}

/// Errors to heal and to plant where the lists of two machines differ.
std::vector<PoisonEvent> media_changes(const MachineConfig& from, const MachineConfig& to) {
    std::vector<PoisonEvent> out;
    const auto both = [&](const auto& old_list, const auto& new_list, int nvdimm) {
        // Healed first: a range that only grew is planted again.
        only_in(old_list, new_list, [&](const auto& r) {
            out.push_back({nvdimm, r.begin, r.end - r.begin, true});
        });
        only_in(new_list, old_list, [&](const auto& r) {
            out.push_back({nvdimm, r.begin, r.end - r.begin, false});
        });
    };
    for (std::size_t i = 0; i < from.nvdimms.size(); ++i)
        both(from.nvdimms[i].poison, to.nvdimms[i].poison, static_cast<int>(i));
    for (std::size_t i = 0; i < from.memory.size(); ++i)
        both(from.memory[i].poison, to.memory[i].poison, -1);
    return out;
}

std::vector<std::pair<Lat, Distribution>> latency_changes(const Scenario& from, const Scenario& to) {
    const auto as_map = [](const Scenario& s) {
        std::map<Lat, Distribution> m;
        for (const auto& [which, how] : s.latency) m.insert_or_assign(which, how);
        return m;
    };
    const auto old_ones = as_map(from), new_ones = as_map(to);
    std::vector<std::pair<Lat, Distribution>> out(new_ones.begin(), new_ones.end());
    for (const auto& [which, how] : old_ones)
        if (!new_ones.contains(which)) out.emplace_back(which, Distribution{.first = latency_info(which).fallback});
    return out;
}

class Planner {
public:
    Planner(const scenario::LoadedScenario& before, const scenario::LoadedScenario& after,
            SimTime at, const std::vector<std::string>& sets, const std::vector<std::string>& unsets)
        : before_(before), after_(after), sets_(sets), unsets_(unsets) {
        change.at = at;
        change.kernel = after.scenario.kernel;
        find();
        if (!findings.empty()) return;
        change.latency = latency_changes(before.scenario, after.scenario);
        change.media = media_changes(before.scenario.machine, after.scenario.machine);
    }

    /// Events that began before `at` in the world as it was cannot change.
    void check_began(const Json& result) {
        for (const std::uint32_t i : change.new_events) {
            if (i >= before_.scenario.events.size()) continue;
            const Json& t = result["events"][i]["t_ns"];
            if (!t.is_number_unsigned() || t.get<std::uint64_t>() * 1000 >= change.at.count())
                continue;
            complain("/events/" + std::to_string(i),
                     "event " + before_.scenario.events[i].id + " began at " +
                         scenario::time_text(SimTime{t.get<std::uint64_t>() * 1000}) +
                         ", before --at " + scenario::time_text(change.at),
                     "change an event that begins later, or an earlier --at");
        }
    }

    sim::Change change;
    std::vector<Finding> findings;

private:
    void complain(const std::string& pointer, std::string wrong, std::string right) {
        Finding f;
        f.source = option_of(pointer);
        f.pointer = pointer;
        f.wrong = std::move(wrong);
        f.right = std::move(right);
        findings.push_back(std::move(f));
    }
    /// The option that made the change: "--set 2".
    std::string option_of(const std::string& pointer) const {
        for (std::size_t i = 0; i < sets_.size(); ++i) {
            std::string name = sets_[i].substr(0, sets_[i].find('='));
            if (name.ends_with("/-")) name.resize(name.size() - 2);
            if (is_or_below(pointer, name) || is_or_below(name, pointer))
                return "--set " + std::to_string(i + 1);
        }
        for (std::size_t i = 0; i < unsets_.size(); ++i)
            if (is_or_below(pointer, unsets_[i]) || is_or_below(unsets_[i], pointer))
                return "--unset " + std::to_string(i + 1);
        return sets_.empty() ? "--unset" : "--set";
    }

    /// Pointers of the values that differ. An object that only one side has is not one: its
    /// members are.
    std::set<std::string> changed_values() const {
        const nlohmann::json old_values = before_.document().flatten(),
                             new_values = after_.document().flatten();
        std::set<std::string> out;
        const auto compare_with = [&](const nlohmann::json& these, const nlohmann::json& those) {
            for (const auto& [pointer, value] : these.items()) {
                const auto other = those.find(pointer);
                if (other == those.end() ? !value.is_null() : *other != value) out.insert(pointer);
            }
        };
        compare_with(old_values, new_values);
        compare_with(new_values, old_values);
        return out;
    }

    void find() {
        std::set<std::size_t> events;
        std::set<std::string> told;
        for (const std::string& pointer : changed_values()) {
            if (!can_change(pointer)) {
                if (told.insert(pointer).second)
                    complain(pointer, "this cannot change while the machine runs", kWhatCan);
                continue;
            }
            if (const auto event = event_of(pointer)) events.insert(*event);
        }
        if (after_.scenario.events.size() < before_.scenario.events.size())
            complain("/events", "events are missing", "they can change, or be added, from --at on");
        for (const std::size_t i : events) {
            if (i >= after_.scenario.events.size()) continue;
            change.new_events.push_back(static_cast<std::uint32_t>(i));
            const Event& e = after_.scenario.events[i];
            const auto* trigger = std::get_if<TriggerAt>(&e.trigger);
            // One that began keeps its time: check_began() says so.
            const auto* old_trigger =
                i < before_.scenario.events.size()
                    ? std::get_if<TriggerAt>(&before_.scenario.events[i].trigger)
                    : nullptr;
            const bool as_before = trigger && old_trigger && trigger->at == old_trigger->at;
            if (trigger && trigger->at < change.at && !as_before)
                complain("/events/" + std::to_string(i) + "/at",
                         "event " + e.id + " would be at " + scenario::time_text(trigger->at) +
                             ", before --at " + scenario::time_text(change.at),
                         "a time from --at on");
        }
    }

    const scenario::LoadedScenario &before_, &after_;
    const std::vector<std::string>&sets_, &unsets_;
};

}  // namespace

bool can_change(std::string_view pointer) {
    for (const std::string_view top : kFree)
        if (is_or_below(pointer, top)) return true;
    for (const std::string_view knob : kKnobs)
        for (const std::string_view folder : {"/kernel/knobs/", "/kernel/"})
            if (is_or_below(pointer, std::string(folder) + std::string(knob))) return true;
    return is_poison(pointer);
}

WhatIf what_if(const std::string& name, const scenario::LoadedScenario& before,
               const scenario::LoadedScenario& after, SimTime at,
               const std::vector<std::string>& sets, const std::vector<std::string>& unsets,
               const NvdimmImage* start_from) {
    WhatIf out;
    Planner plan(before, after, at, sets, unsets);
    out.findings = plan.findings;
    if (!out.findings.empty()) return out;

    // Both have an entry of the agenda at that time: neither ends because of it.
    sim::Change nothing;
    nothing.at = at;
    nothing.kernel = before.scenario.kernel;
    sim::RunOptions options;
    options.change = &nothing;
    options.start_from = start_from;
    out.as_it_was = run_world(name + " as it stands", before, options);
    plan.check_began(out.as_it_was.result);
    out.findings = plan.findings;
    if (!out.findings.empty()) return out;

    scenario::LoadedScenario other = after;
    other.scenario = before.scenario;
    other.scenario.events = after.scenario.events;
    options.change = &plan.change;
    std::string changed;
    for (const std::string& s : sets) changed += (changed.empty() ? " with " : ", ") + s;
    for (const std::string& s : unsets) changed += (changed.empty() ? " without " : ", without ") + s;
    out.changed = run_world(name + changed + " from " + scenario::time_text(at) + " on",
                            other, options);
    const CauseDiff causes = diff_causes(out.as_it_was.steps, out.changed.steps);
    if (const Divergence* first = causes.first())
        MCEMU_ASSERT(first->at_ps >= at.count(), "the worlds part at " +
                                                     std::to_string(first->at_ps) + " ps, before " +
                                                     std::to_string(at.count()) + " ps");
    return out;
}

}  // namespace mcemu::compare
