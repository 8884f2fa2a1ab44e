// Conditions: of triggers ("when") and of temporal expectations.
#include <algorithm>
#include <array>
#include <regex>

#include "core/kernel/mm/page.hpp"
#include "core/latency.hpp"
#include "scenario/nearest.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

using Kind = Condition::Kind;

// What a condition is; and which keys belong to it.
struct Form {
    std::string_view key;
    Kind kind;
    std::array<std::string_view, 4> with;
};
constexpr Form kConditionForms[] = {
    {"page", Kind::page_flag, {"flag", "set"}},
    {"process", Kind::process_state, {"state", "set"}},
    {"bank", Kind::bank_valid, {"cpu", "set"}},
    {"poison", Kind::poison, {"length", "set"}},
    {"badblocks", Kind::bad_block, {"sector", "sectors", "set"}},
    {"direct_map", Kind::direct_map, {"type", "set"}},
    {"memtype", Kind::memtype, {"type", "set"}},
    {"counter", Kind::counter, {"min", "max", "set"}},
    {"event", Kind::event, {}},
    {"done", Kind::done, {}},
    {"signal", Kind::signal, {"name", "code"}},
    {"log", Kind::log, {}},
    {"phase", Kind::phase, {}},
    {"all", Kind::all, {}},
    {"any", Kind::any, {}},
};

// In the order of the choices of "flag".
constexpr std::uint32_t kFlags[] = {
    kernel::PG_locked,   kernel::PG_error,      kernel::PG_referenced, kernel::PG_uptodate,
    kernel::PG_dirty,    kernel::PG_lru,        kernel::PG_slab,       kernel::PG_reserved,
    kernel::PG_head,     kernel::PG_swapcache,  kernel::PG_swapbacked, kernel::PG_unevictable,
    kernel::PG_mlocked,  kernel::PG_writeback,  kernel::PG_hwpoison,   kernel::PG_buddy,
    kernel::PG_table,    kernel::PG_hugetlb,    kernel::PG_anon,       kernel::PG_offline,
    kernel::PG_pcp,      kernel::PG_ksm};
// In the order of the choices of "type": short names, NP, long names, none.
constexpr std::uint32_t kShortNames = 7;
constexpr std::uint32_t kModes[] = {0, 1, 2, 3, 4, 5, Condition::kNotPresent,
                                    0, 1, 2, 3, 4, 5, Condition::kNoEntry};

struct Named {
    std::string_view name;
    std::int32_t number;
};
constexpr Named kSignals[] = {{"SIGBUS", 7}, {"SIGKILL", 9}, {"SIGSEGV", 11}};
constexpr Named kCodes[] = {{"BUS_ADRALN", 1},    {"BUS_ADRERR", 2},    {"BUS_OBJERR", 3},
                            {"BUS_MCEERR_AR", 4}, {"BUS_MCEERR_AO", 5}, {"SEGV_MAPERR", 1},
                            {"SEGV_ACCERR", 2},   {"SI_KERNEL", 0x80},  {"SI_USER", 0}};

}  // namespace

namespace {

std::int64_t signed_number(const Cursor& c, std::string_view key) {
    const Value& value = *c.find(key);
    return value.is(Value::Type::negative) ? value.negative : static_cast<std::int64_t>(value.whole);
}

}  // namespace

/// A condition at `at`: text or object. nullopt after a finding.
std::optional<Condition> Resolver::condition(const Path& at) {
    const Value& value = *at.value;
    if (value.is(Value::Type::text)) return short_condition(at, value.text());
    if (!value.is(Value::Type::object)) return std::nullopt;  // the reader has said so
    const Cursor c(kConditionObject, at);
    if (bad(c)) return std::nullopt;
    const Form* form = nullptr;
    std::string_view second;
    for (const Form& f : kConditionForms) {
        if (!c.given(f.key)) continue;
        if (form) second = f.key;
        if (!form) form = &f;
    }
    if (!form || !second.empty()) {
        add(at, form ? in_quotes(form->key) + " and " + in_quotes(second) + " are both given"
                     : "it names nothing that can be true or happen",
            form ? "keep one, or put both into \"all\"" : "give \"page\", \"signal\", \"log\" or such");
        return std::nullopt;
    }
    for (std::size_t i = 0; i < value.count; ++i) {
        const std::string_view key = value.items[i].key;
        if (key == form->key) continue;
        if (std::find(form->with.begin(), form->with.end(), key) == form->with.end()) {
            add(c.at(key), in_quotes(key) + " does not belong to " + in_quotes(form->key), "leave it out");
            return std::nullopt;
        }
    }
    Condition out;
    out.kind = form->kind;
    out.set = c.truth("set");
    const std::size_t before = findings_.size();
    if (out.kind == Kind::all || out.kind == Kind::any)
        condition_parts(c, form->key, out);
    else if (out.kind < Kind::event)
        state_condition(c, out);
    else
        happening(c, form->key, out);
    if (findings_.size() != before) return std::nullopt;
    return out;
}

void Resolver::condition_parts(const Cursor& c, std::string_view key, Condition& out) {
    const Value* list = c.find(key);
    const Path here = c.at(key);
    if (list->count == 0) add(here, in_quotes(key) + " is empty", "name what it is about");
    bool states = false, happenings = false;
    for (std::size_t i = 0; i < list->count; ++i) {
        const auto part = condition(Path{&here, &list->items[i], {}, i, true});
        if (!part) continue;
        (part->is_state() ? states : happenings) = true;
        out.parts.push_back(*part);
    }
    if (out.kind == Kind::any && states && happenings)
        add(here, "states and what only happens stand side by side", "keep the ones or the others");
}

void Resolver::state_condition(const Cursor& c, Condition& out) {
    const auto wants = [&](std::string_view key) {
        if (c.given(key)) return true;
        add(c.path(), in_quotes(key) + " is missing", "say which");
        return false;
    };
    switch (out.kind) {
        case Kind::page_flag:
            if (!wants("flag")) return;
            out.address = c.number("page") * kPageSize;
            out.number = kFlags[static_cast<std::size_t>(c.choice<std::uint32_t>("flag"))];
            in_memory(c.at("page"), {out.address, out.address + kPageSize});
            break;
        case Kind::process_state: {
            if (!wants("state")) return;
            const int process = reference(c, "process", processes_);
            out.index = process < 0 ? 0 : static_cast<std::uint32_t>(process);
            out.number = c.choice<std::uint32_t>("state");
            break;
        }
        case Kind::bank_valid:
            out.index = cpu_of(c);
            out.number = c.number32("bank");
            if (out.number >= scenario.machine.mca.banks)
                add(c.at("bank"), "there is no bank " + std::to_string(out.number),
                    "the machine has " + std::to_string(scenario.machine.mca.banks) + " banks");
            break;
        case Kind::poison:
            out.address = c.number("poison");
            out.length = c.number("length");
            if (out.length <= ~0ull - out.address)
                in_memory(c.at("poison"), {out.address, out.address + out.length});
            break;
        case Kind::bad_block: table_condition(c, out); break;
        case Kind::direct_map:
        case Kind::memtype: {
            if (!wants("type")) return;
            const bool map = out.kind == Kind::direct_map;
            out.address = map ? c.number("direct_map") * kPageSize : c.number("memtype");
            const auto type = c.choice<std::uint32_t>("type");
            out.number = kModes[type];
            if ((type < kShortNames) != map)
                add(c.at("type"), in_quotes(c.text("type")) + (map ? " is no type of the direct map" : " is no memory type"),
                    map ? "\"WB\", \"UC-\" or \"NP\" would be" : "\"write-back\", \"uncached-minus\" or \"none\" would be");
            if (map) in_memory(c.at("direct_map"), {out.address, out.address + kPageSize});
            break;
        }
        case Kind::counter:
            out.number = c.choice<std::uint32_t>("counter");
            if (!c.given("min") && !c.given("max")) {
                add(c.path(), "it bounds nothing", "give \"min\" or \"max\"");
                return;
            }
            if (c.given("min")) out.min = signed_number(c, "min");
            if (c.given("max")) out.max = signed_number(c, "max");
            if (out.min > out.max) add(c.at("max"), "\"max\" is below \"min\"", "exchange them");
            break;
        default: break;
    }
}

/// A namespace by its id or its block device, or a region.
void Resolver::table_condition(const Cursor& c, Condition& out) {
    const std::string_view name = c.text("badblocks");
    const MachineConfig& machine = scenario.machine;
    for (std::uint32_t i = 0; i < machine.namespaces.size(); ++i) {
        const NamespaceConfig& ns = machine.namespaces[i];
        if (ns.id != name && ns.device != name) continue;
        if (ns.mode == NamespaceMode::devdax || ns.mode == NamespaceMode::sector) {
            add(c.at("badblocks"), in_quotes(name) + " has no badblocks file", "its region has one");
            return;
        }
        out.index = i;
        if (c.given("sector")) {
            out.address = c.number("sector");
            out.length = c.number("sectors");
        }
        return;
    }
    const auto region = regions_.find(name);
    if (!region) {
        std::vector<std::string_view> names;
        for (const NamespaceConfig& ns : machine.namespaces) names.push_back(ns.id);
        for (std::size_t i = 0; i < regions_.size(); ++i) names.push_back(regions_.name(i));
        add(c.at("badblocks"), "there is no table of " + in_quotes(name),
            did_you_mean(name, names, "name a namespace or a region"));
        return;
    }
    out.region = true;
    out.index = *region;
    if (c.given("sector")) {
        out.address = c.number("sector");
        out.length = c.number("sectors");
    }
}

void Resolver::happening(const Cursor& c, std::string_view key, Condition& out) {
    if (out.kind == Kind::log) {
        const Value& line = *c.find("log");
        out.pattern = line.is(Value::Type::object);
        const Value* text = out.pattern ? line.find("re") : &line;
        if (text == nullptr || !text->is(Value::Type::text)) return;
        out.text = std::string(text->text());
        if (out.pattern) check_pattern(line, c.at("log"));
        return;
    }
    named_happening(c.at(key), c.text(key), out);
    if (out.kind != Kind::signal) return;
    const auto look = [&](std::string_view wanted, std::span<const Named> known) -> std::int32_t {
        if (!c.given(wanted)) return -1;
        for (const Named& n : known)
            if (n.name == c.text(wanted)) return n.number;
        std::vector<std::string_view> names;
        for (const Named& n : known) names.push_back(n.name);
        add(c.at(wanted), "there is no " + std::string(wanted) + " " + in_quotes(c.text(wanted)),
            did_you_mean(c.text(wanted), names, "\"" + std::string(names.front()) + "\" would be one"));
        return -1;
    };
    if (const std::int32_t signo = look("name", kSignals); signo > 0)
        out.number = static_cast<std::uint32_t>(signo);
    if (const std::int32_t code = look("code", kCodes); code >= 0) out.code = code;
}

/// The event, process or phase that a happening is about.
void Resolver::named_happening(const Path& at, std::string_view name, Condition& out) {
    if (out.kind == Kind::phase) {
        if (const auto lat = phase_named(at, name)) out.number = static_cast<std::uint32_t>(*lat);
        return;
    }
    const auto index = (out.kind == Kind::signal ? processes_ : events_).require(findings_, at, name);
    if (index) out.index = *index;
}

/// "panic", "oops", "event:e1", "done:e1", "signal:victim", "phase:kernel.mf_unmap", "log:TEXT".
std::optional<Condition> Resolver::short_condition(const Path& at, std::string_view text) {
    Condition out;
    if (text == "panic" || text == "oops") {
        out.kind = text == "panic" ? Kind::panic : Kind::oops;
        return out;
    }
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    for (const Form& f : kConditionForms) {
        if (f.key != kind || f.kind < Kind::event || f.kind >= Kind::all || colon == text.npos) continue;
        out.kind = f.kind;
        const std::string_view name = text.substr(colon + 1);
        if (f.kind == Kind::log) {
            out.text = std::string(name);
            return out;
        }
        const std::size_t before = findings_.size();
        named_happening(at, name, out);
        if (findings_.size() != before) return std::nullopt;
        return out;
    }
    add(at, in_quotes(text) + " is nothing that happens",
        "write \"panic\", \"event:ID\", \"done:ID\", \"signal:PROCESS\", \"log:LINE\" or \"phase:NAME\"");
    return std::nullopt;
}

// ---------------------------------------------------------------- expect.temporal

void Resolver::resolve_temporal(const Cursor& expect) {
    expect.each("temporal", [&](const Cursor& item, std::size_t) {
        if (bad(item)) return;
        if (const auto t = temporal(item)) scenario.temporal.push_back(*t);
    });
}

std::optional<TemporalExpectation> Resolver::temporal(const Cursor& item) {
    constexpr std::string_view kOps[] = {"always", "never", "eventually", "before"};
    TemporalExpectation t;
    std::string_view op;
    for (std::size_t i = 0; i < std::size(kOps); ++i) {
        if (!item.given(kOps[i])) continue;
        if (!op.empty()) {
            add(item.path(), in_quotes(op) + " and " + in_quotes(kOps[i]) + " are both given",
                "make two items of it");
            return std::nullopt;
        }
        op = kOps[i];
        t.op = static_cast<TemporalExpectation::Op>(i);
    }
    if (op.empty()) {
        add(item.path(), "it does not say what holds",
            "give \"always\", \"never\", \"eventually\" or \"before\"");
        return std::nullopt;
    }
    const std::size_t before = findings_.size();
    const auto one = [&](std::string_view key) { return condition(item.at(key)); };
    if (t.op == TemporalExpectation::Op::before) {
        const Value& pair = *item.find("before");
        const Path at = item.at("before");
        if (pair.is(Value::Type::array) && pair.count == 2) {
            const auto first = condition(Path{&at, &pair.items[0], {}, 0, true});
            const auto second = condition(Path{&at, &pair.items[1], {}, 1, true});
            if (first) t.what = *first;
            if (second) t.then = *second;
        }
    } else if (const auto what = one(op)) {
        t.what = *what;
        if (t.op == TemporalExpectation::Op::always && !t.what.is_state())
            add(item.at(op), "what only happens does not last", "\"eventually\" or \"never\" would do");
    }
    if (item.given("after")) t.after = one("after");
    if (item.given("until")) t.until = one("until");
    if (item.given("within")) t.within = item.time("within");
    if (findings_.size() != before) return std::nullopt;
    return t;
}

}  // namespace mcemu::scenario
