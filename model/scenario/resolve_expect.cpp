// Expectations are handed on as they stand; here only what they refer to is looked up.
#include <array>
#include <regex>

#include "core/latency.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {

void Resolver::check_expect(const Cursor& root) {
    const auto expect = root.object("expect");
    if (!expect) return;
    check_lines(*expect, "log");
    check_lines(*expect, "no_log");
    if (const Value* panic = expect->find("panic")) check_pattern(*panic, expect->at("panic"));

    check_signals(*expect);
    check_keys(*expect, "syscalls", events_);
    check_keys(*expect, "fates", events_);
    check_keys(*expect, "reports", events_);
    check_keys(*expect, "processes", processes_);
    check_places(*expect, "badblocks");
    check_places(*expect, "poison");
    check_places(*expect, "poison_lists");
    check_places(*expect, "error_logs");

    expect->each("msrs", [&](const Cursor& msr, std::size_t) {
        if (bad(msr)) return;
        cpu_of(msr);
        const std::uint64_t bank = msr.number("bank");
        if (bank >= scenario.machine.mca.banks && scenario.machine.mca.banks != 0)
            add(msr.at("bank"), "there is no bank " + std::to_string(bank),
                "the machine has " + std::to_string(scenario.machine.mca.banks) + " banks: 0 to " +
                    std::to_string(scenario.machine.mca.banks - 1));
    });
    check_latencies(*expect);
    resolve_temporal(*expect);
}

void Resolver::check_lines(const Cursor& expect, std::string_view key) {
    const Value* list = expect.find(key);
    if (list == nullptr || !list->is(Value::Type::array)) return;
    const Path at = expect.at(key);
    for (std::size_t i = 0; i < list->count; ++i)
        check_pattern(list->items[i], Path{&at, &list->items[i], {}, i, true});
}

void Resolver::check_pattern(const Value& line, const Path& path) {
    const Value* re = line.find("re");
    if (re == nullptr || !re->is(Value::Type::text) || findings_.touched(re)) return;
    try {
        static_cast<void>(std::regex(re->chars, re->count, std::regex::ECMAScript));
    } catch (const std::regex_error&) {
        add(Path{&path, re, re->key}, in_quotes(re->text()) + " is no regular expression",
            "write an ECMAScript one: \\\\ before . * + ? ( ) [ ] { } | ^ $ takes them as they are");
    }
}

void Resolver::check_signals(const Cursor& expect) {
    const auto check = [&](const Cursor& signal, std::size_t) {
        reference(signal, "process", processes_);
    };
    const Value* signals = expect.find("signals");
    if (signals == nullptr) return;
    const Field* field = find_field(kExpectShape.fields, "signals");
    if (signals->is(Value::Type::object)) {
        const Cursor set(*field->shape->forms[1], expect.at("signals"));
        set.each("contains", check);
        set.each("lacks", check);
    } else if (signals->is(Value::Type::array)) {
        const Path at = expect.at("signals");
        for (std::size_t i = 0; i < signals->count; ++i) {
            const Value& item = signals->items[i];
            if (item.is(Value::Type::object))
                check(Cursor(*field->shape->forms[0]->item, Path{&at, &item, {}, i, true}), i);
        }
    }
}

void Resolver::check_keys(const Cursor& expect, std::string_view key, const Registry& names) {
    const Value* table = expect.find(key);
    if (table == nullptr || !table->is(Value::Type::object)) return;
    const Path at = expect.at(key);
    for (const Value& member : table->children())
        names.require(findings_, Path{&at, &member, member.key}, member.key);
}

/// Names of namespaces, their devices, regions, modules and DRAM ranges.
void Resolver::check_places(const Cursor& expect, std::string_view key) {
    const Value* table = expect.find(key);
    if (table == nullptr || !table->is(Value::Type::object)) return;
    const MachineConfig& m = scenario.machine;
    std::vector<std::string_view> names;
    if (key == "badblocks") {
        for (const NamespaceConfig& ns : m.namespaces) {
            names.push_back(ns.id);
            names.push_back(ns.device);
        }
        for (const RegionConfig& region : m.regions) names.push_back(region.id);
    } else {
        if (key != "error_logs")
            for (const MemdevConfig& memdev : m.memdevs) names.push_back(memdev.id);
        for (const NvdimmConfig& nvdimm : m.nvdimms) names.push_back(nvdimm.id);
        if (key == "poison") {
            for (const DramConfig& dram : m.memory)
                if (dram.is_dram()) names.push_back(dram.id);
        }
    }
    const Path at = expect.at(key);
    for (const Value& member : table->children()) {
        bool known = false;
        for (const std::string_view name : names) known = known || name == member.key;
        if (known || memory_unsure_ || findings_.full()) continue;
        findings_.add_at_key(Path{&at, &member, member.key},
                             {"there is no " + in_quotes(member.key),
                              did_you_mean(member.key, names,
                                           names.empty() ? "the machine has no persistent memory"
                                                         : "there are " + listed(names))});
    }
}

void Resolver::check_latencies(const Cursor& expect) {
    const auto check = [&](const Cursor& latency) {
        check_endpoint(latency, "from");
        check_endpoint(latency, "to");
        if (bad(latency)) return;
        if (!latency.given("max") && !latency.given("min")) {
            add(latency.path(), "it bounds nothing", "give \"max\" or \"min\"");
        } else if (latency.given("max") && latency.given("min") && latency.time("max") < latency.time("min")) {
            add(latency.at("max"), "\"max\" is below \"min\"", "exchange them");
        }
    };
    const Value* latency = expect.find("latency");
    if (latency == nullptr) return;
    const Shape& one = *find_field(kExpectShape.fields, "latency")->shape->forms[1];
    const Path at = expect.at("latency");
    if (latency->is(Value::Type::object)) {
        check(Cursor(one, at));
    } else if (latency->is(Value::Type::array)) {
        for (std::size_t i = 0; i < latency->count; ++i) {
            const Value& item = latency->items[i];
            if (item.is(Value::Type::object)) check(Cursor(one, Path{&at, &item, {}, i, true}));
        }
    }
}

/// "event:e1", "signal:victim", "phase:kernel.mf_unmap".
void Resolver::check_endpoint(const Cursor& latency, std::string_view key) {
    const Value* value = latency.find(key);
    if (value == nullptr || !value->is(Value::Type::text)) return;
    const std::string_view text = value->text();
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    const std::string_view name = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    if (text == "panic") return;
    if ((kind == "event" || kind == "syscall") && colon != std::string_view::npos) {
        events_.require(findings_, latency.at(key), name);
    } else if (kind == "signal" && colon != std::string_view::npos) {
        processes_.require(findings_, latency.at(key), name);
    } else if (kind == "phase" && colon != std::string_view::npos) {
        if (!findings_.full()) phase_named(latency.at(key), name);
    } else {
        add(latency.at(key), in_quotes(text) + " is nothing that can be timed",
            "write \"event:ID\", \"signal:PROCESS\", \"syscall:EVENT\", \"phase:NAME\" or \"panic\"");
    }
}

}  // namespace mcemu::scenario
