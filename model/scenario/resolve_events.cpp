#include <array>

#include "core/kernel/mm/page.hpp"
#include "core/latency.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

using namespace kernel;

constexpr std::string_view kTriggers[] = {"at", "after", "on_access", "when"};

}  // namespace

/// First pass: names of events, and of the processes and maps that events make, so that what
/// stands earlier may refer to what stands later.
void Resolver::name_events(const Cursor& root) {
    root.each("events", [&](const Cursor& event, std::size_t i) {
        Event e;
        e.id = event.text("id");
        if (e.id.empty()) e.id = "#" + std::to_string(i + 1);
        events_.add(findings_, event.at("id"), document_.keep(e.id));
        scenario.events.push_back(std::move(e));
        fork_child_.push_back(-1);
        if (event.chosen() == nullptr || event.chosen()->name != "fork") return;
        const auto child = event.object("child");
        if (!child) {
            processes_.incomplete();
            return;
        }
        ProcessConfig p;
        p.id = child->text("id");
        if (p.id.empty()) {
            processes_.incomplete();
            p.id = "#" + std::to_string(i + 1);
        }
        const auto parent = processes_.find(event.text("process"));
        processes_.add(findings_, child->at("id"), document_.keep(p.id));
        const ProcessConfig inherited = parent ? process_config(*parent) : ProcessConfig{};
        p.comm = child->given("comm") || !parent ? comm(*child, p.id) : inherited.comm;
        p.pid = pid(*child);
        if (p.pid == 0) {
            while (pids_.contains(next_pid_)) ++next_pid_;
            p.pid = next_pid_;
            pids_.emplace(next_pid_, child->path().pointer());
        }
        p.cpu = child->given("cpu") ? cpu_of(*child) : inherited.cpu;
        p.inherits_mce_kill = !child->given("mce_kill");
        p.inherits_sigbus = !child->given("sigbus");
        p.inherits_mask = !child->given("sigbus_blocked");
        p.mce_kill = child->given("mce_kill") ? child->choice<McePolicy>("mce_kill") : inherited.mce_kill;
        p.sigbus = child->given("sigbus") ? child->choice<SigbusAction>("sigbus") : inherited.sigbus;
        p.sigbus_blocked =
            child->given("sigbus_blocked") ? child->truth("sigbus_blocked") : inherited.sigbus_blocked;
        fork_child_.back() = static_cast<int>(children.size());
        // A parent that is forked by a later event, or that nobody is, is a finding of this event.
        child_parent_.push_back(parent.value_or(0));
        children.push_back(std::move(p));
    });
    std::size_t i = 0;
    root.each("events", [&](const Cursor& event, std::size_t) {
        const std::size_t number = i++;
        if (event.chosen() == nullptr || event.chosen()->name != "mmap") return;
        const auto map = event.object("map");
        const auto process = processes_.find(event.text("process"));
        if (!map || !process) return;
        const std::string_view id =
            map->given("id") ? map->text("id") : document_.keep(scenario.events[number].id);
        const Path at = map->at("id");
        add_map(at, {id, *process, map->number("va"), map->number("size"),
                     map->choice<MapKind>("kind"), at.pointer()});
    });
}

void Resolver::resolve_events(const Cursor& root) {
    std::size_t i = 0;
    root.each("events", [&](const Cursor& event, std::size_t) { resolve_event(event, i++); });
    check_reachable(root);
}

void Resolver::resolve_event(const Cursor& event, std::size_t index) {
    Event& e = scenario.events[index];
    e.trigger = trigger(event);
    e.every = event.time("every");
    e.times = event.number("times");
    if (!bad(event)) {
        if (event.given("every") && e.every == SimTime::zero())
            add(event.at("every"), "it repeats without time passing", "give a time above zero");
        if (!event.given("every") && e.times != 1)
            add(event.at("times"), "\"times\" without \"every\"", "say after which time it repeats");
        if (event.given("every") && !event.given("times"))
            add(event.at("every"), "\"every\" without \"times\"", "say how often it happens in all");
        if (event.given("every") && e.times > 1 &&
            e.every.count() > (~0ull - (event.given("at") ? event.time("at").count() : 0)) / (e.times - 1))
            add(event.at("times"), "the last repetition lies beyond the range of time", "213 days at most");
    }
    if (event.chosen() != nullptr) e.action = action(event, index);
}

Trigger Resolver::trigger(const Cursor& event) {
    std::vector<std::string_view> given;
    for (const std::string_view name : kTriggers) {
        if (event.given(name)) given.push_back(name);
    }
    if (given.empty() && event.chosen() != nullptr)
        add(event.path(), "the event has no trigger",
            "give one of \"at\", \"after\", \"on_access\", \"when\"");
    if (given.size() > 1) {
        add(event.at(given[1]), "the event has " + std::to_string(given.size()) + " triggers: " + listed(given),
            "keep one");
        return TriggerAt{};
    }
    if (event.given("at")) return TriggerAt{event.time("at")};
    if (const auto after = event.object("after")) return trigger_after(*after);
    if (const auto access = event.object("on_access")) return trigger_on_access(*access);
    if (event.given("when")) {
        const auto when = condition(event.at("when"));
        return when ? Trigger{TriggerWhen{*when}} : Trigger{TriggerAt{}};
    }
    return TriggerAt{};
}

Trigger Resolver::trigger_after(const Cursor& after) {
    TriggerAfter t;
    t.by = after.time("by");
    const int given = (after.given("event") ? 1 : 0) + (after.given("signal") ? 1 : 0) +
                      (after.given("phase") ? 1 : 0);
    if (given != 1 && !bad(after)) {
        add(after.path(), given == 0 ? "it does not say after what" : "it waits for several things",
            "give one of \"event\", \"signal\", \"phase\"");
        return t;
    }
    t.event = reference(after, "event", events_);
    t.signal = reference(after, "signal", processes_);
    if (after.given("phase")) {
        if (!bad(after)) t.phase = phase_named(after.at("phase"), after.text("phase"));
    }
    return t;
}

Trigger Resolver::trigger_on_access(const Cursor& access) {
    TriggerOnAccess t;
    t.process = reference(access, "process", processes_);
    if (access.given("cpu")) t.cpu = cpu_of(access);
    t.va = access.maybe("va");
    t.spa = access.maybe("spa");
    t.nth = access.number("nth");
    if (bad(access)) return t;
    if (t.process >= 0 && access.given("cpu"))
        add(access.at("cpu"), "\"process\" and \"cpu\" are both given", "keep one");
    if (t.va && t.spa) {
        add(access.at("spa"), "\"va\" and \"spa\" are both given", "keep one");
    } else if (!t.va && !t.spa) {
        add(access.path(), "it has no address", "give \"va\" or \"spa\"");
    } else if (t.spa) {
        in_memory(access.at("spa"), {*t.spa, *t.spa + 1});
    }
    return t;
}

/// Events that can never happen: they wait for one another, or for one that never happens, or
/// their time lies behind the end.
void Resolver::check_reachable(const Cursor& root) {
    const std::size_t n = scenario.events.size();
    enum : std::uint8_t { unknown, walking, happens, never };
    std::vector<std::uint8_t> state(n, unknown);
    std::vector<const Value*> values;
    root.each("events", [&](const Cursor& event, std::size_t) { values.push_back(&event.value()); });
    const Path at_events = root.at("events");
    const auto complain = [&](std::size_t i, std::string wrong, std::string right) {
        const Path here{&at_events, values[i], {}, i, true};
        const Cursor event(kEventShape, here);
        const Path at = event.at(event.given("after") ? "after" : "at");
        add(at, std::move(wrong), std::move(right));
    };
    const auto waits_for = [&](std::size_t i) {
        const auto* after = std::get_if<TriggerAfter>(&scenario.events[i].trigger);
        return after == nullptr ? -1 : after->event;
    };
    // An end given on the command line is a look at the beginning: what lies behind it may wait.
    const Value* until = document_.root.find("until");
    const bool cut_short = until && document_.source(until->source).name == "--until";
    std::vector<std::size_t> chain;
    for (std::size_t start = 0; start < n; ++start) {
        // Down the chain of those waited for, until something is known; then back.
        chain.clear();
        std::size_t i = start;
        while (state[i] == unknown) {
            state[i] = walking;
            chain.push_back(i);
            const int next = waits_for(i);
            if (next < 0) {
                const auto* at = std::get_if<TriggerAt>(&scenario.events[i].trigger);
                state[i] = happens;
                if (at != nullptr && scenario.until && !cut_short && at->at > *scenario.until &&
                    !findings_.touched(values[i])) {
                    complain(i, "the event never happens: the run ends at " + time_text(*scenario.until),
                             "make \"until\" later than " + time_text(at->at));
                    state[i] = never;
                }
                break;
            }
            i = static_cast<std::size_t>(next);
        }
        if (state[i] == walking) {
            // The part of the chain from i on is a circle.
            std::string circle = in_quotes(scenario.events[i].id);
            std::size_t first = 0;
            while (chain[first] != i) ++first;
            for (std::size_t k = first + 1; k < chain.size() && k <= first + 8; ++k)
                circle += " waits for " + in_quotes(scenario.events[chain[k]].id);
            if (chain.size() > first + 9) circle += " waits for ...";
            circle += " waits for " + in_quotes(scenario.events[i].id);
            complain(i, "the event never happens: " + circle, "break the circle");
            for (std::size_t k = first; k < chain.size(); ++k) state[chain[k]] = never;
        }
        for (std::size_t k = chain.size(); k-- > 0;) {
            const std::size_t here = chain[k];
            if (state[here] != walking) continue;
            const std::size_t next = static_cast<std::size_t>(waits_for(here));
            state[here] = state[next];
            if (state[next] == never)
                complain(here, "the event never happens: it waits for " + in_quotes(scenario.events[next].id) +
                                   ", which never happens",
                         "wait for something else");
        }
    }
}

}  // namespace mcemu::scenario
