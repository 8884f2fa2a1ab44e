// Events of ndctl and sysfs.
#include <algorithm>
#include <cerrno>
#include <cmath>

#include "core/pmem/namespace_layout.hpp"
#include "scenario/resolver.hpp"
#include "scenario/shapes_ndctl.hpp"

namespace mcemu::scenario {
namespace {

using Command = NdctlEvent::Command;

struct Name {
    std::string_view word;
    Command command;
};
constexpr Name kCommands[] = {
    {"inject_error", Command::inject_error},
    {"clear_errors", Command::clear_errors},
    {"start_scrub", Command::start_scrub},
    {"wait_scrub", Command::wait_scrub},
    {"create_namespace", Command::create_namespace},
    {"destroy_namespace", Command::destroy_namespace},
    {"reconfigure_namespace", Command::reconfigure_namespace},
    {"check_namespace", Command::check_namespace},
    {"enable_region", Command::enable_region},
    {"disable_region", Command::disable_region},
    {"enable_dimm", Command::enable_dimm},
    {"disable_dimm", Command::disable_dimm},
    {"list", Command::list},
    {"inject_smart", Command::inject_smart},
    {"monitor", Command::monitor},
    {"read_attribute", Command::read_attribute},
    {"write_attribute", Command::write_attribute},
    {"read_infoblock", Command::read_infoblock},
    {"btt_lookup", Command::btt_lookup},
    {"fail_command", Command::fail_command},
    {"init_labels", Command::init_labels},
    {"zero_labels", Command::zero_labels},
    {"check_labels", Command::check_labels},
    {"read_labels", Command::read_labels},
    {"write_infoblock", Command::write_infoblock},
};

// In the order of ndctl::kErrors.
constexpr int kErrorCodes[] = {0,      -EPERM, -EIO,    -ENXIO,  -EACCES, -EFAULT,
                               -EBUSY, -ENODEV, -EINVAL, -ENOTTY, -ENOSPC, -EOPNOTSUPP};

constexpr double kCoolest = -2047, kHottest = 2047;  // what 1/16 degrees in 15 bits can say

std::optional<bool> maybe_truth(const Cursor& event, std::string_view key) {
    if (!event.given(key)) return std::nullopt;
    return event.truth(key);
}

}  // namespace

std::optional<NdctlEvent::Command> ndctl_command(std::string_view word) {
    const auto it = std::find_if(std::begin(kCommands), std::end(kCommands),
                                 [&](const Name& n) { return n.word == word; });
    if (it == std::end(kCommands)) return std::nullopt;
    return it->command;
}

std::optional<std::int32_t> Resolver::celsius(const Cursor& event, std::string_view key) {
    const Value* value = event.find(key);
    if (value == nullptr || bad(event)) return std::nullopt;
    const double degrees = value->is(Value::Type::whole)      ? static_cast<double>(value->whole)
                           : value->is(Value::Type::negative) ? static_cast<double>(value->negative)
                           : value->is(Value::Type::real)     ? value->real
                                                              : 0.0;
    if (degrees < kCoolest || degrees > kHottest) {
        add(event.at(key), "no module tells such a temperature", "it is in degrees Celsius");
        return std::nullopt;
    }
    return static_cast<std::int32_t>(std::lround(degrees * 16));
}

DataSpec Resolver::data_of(const Cursor& event) {
    DataSpec d;
    if (event.given("fill") && event.given("pattern"))
        add(event.at("pattern"), "\"fill\" and \"pattern\" are both given", "keep one");
    if (event.given("fill")) {
        d.kind = DataSpec::Kind::fill;
        d.word = event.number32("fill") * 0x01010101u;
    } else if (event.given("pattern")) {
        d.kind = DataSpec::Kind::pattern;
        const std::string name(event.text("pattern"));
        const auto known = std::find(scenario.patterns.begin(), scenario.patterns.end(), name);
        d.word = static_cast<std::uint32_t>(known - scenario.patterns.begin());
        if (known == scenario.patterns.end()) scenario.patterns.push_back(name);
    }
    return d;
}

/// A namespace that an event makes has its place among the others from the beginning.
void Resolver::declare_namespaces(const Cursor& root) {
    root.each("events", [&](const Cursor& event, std::size_t) {
        const std::string_view what = event.chosen() == nullptr ? "" : event.chosen()->name;
        if (what == "destroy_namespace" || what == "create_namespace" ||
            what == "reconfigure_namespace" ||
            (what == "write_attribute" && event.text("attribute") == "force_raw"))
            changing_.insert(std::string(event.text("namespace")));
        const bool creates = what == "create_namespace", changes = what == "reconfigure_namespace";
        if (!creates && !changes) return;
        const std::string_view id = event.text("namespace");
        const std::string_view mode =
            event.given("mode") ? event.text("mode") : creates ? "fsdax" : "";
        if (!mode.empty()) later_modes_[std::string(id)].insert(std::string(mode));
        if (!creates || id.empty() || namespaces_.find(id)) return;
        NamespaceConfig n;
        n.present = false;
        n.id = id;
        namespace_numbers(event, "namespace", n);
        const int region = region_of_new(event);
        if (region < 0) {
            namespaces_.incomplete();
            return;
        }
        n.region = static_cast<std::uint32_t>(region);
        n.mode = event.given("mode") ? event.choice<NamespaceMode>("mode") : NamespaceMode::fsdax;
        n.device = pmem::device_name(n.mode, n.number_region, n.number);
        namespaces_.add(findings_, event.at("namespace"), document_.keep(n.id));
        scenario.machine.namespaces.push_back(std::move(n));
        pmem_used_.emplace_back();
    });
}

int Resolver::region_of_new(const Cursor& event) {
    if (event.given("region")) return reference(event, "region", regions_);
    if (regions_.size() == 1) return 0;
    add(event.path(), "the key \"region\" is missing",
        regions_.size() == 0 ? "there are no regions" : "there are several regions: name one");
    return -1;
}

NamespaceRequest Resolver::namespace_request(const Cursor& event) {
    NamespaceRequest r;
    if (event.given("mode")) r.mode = event.choice<NamespaceMode>("mode");
    if (event.given("map")) r.map_dev = event.text("map") == "dev";
    r.size = event.maybe("size");
    r.align = event.maybe("align");
    if (event.given("sector_size")) r.sector_size = event.number32("sector_size");
    r.label_v1_1 = event.text("label_version") == "1.1";
    r.name = event.text("name");
    r.uuid = uuid(event);
    return r;
}

Action Resolver::ndctl(const Cursor& event) {
    NdctlEvent e;
    const std::string_view what = event.chosen()->name;
    e.command = *ndctl_command(what);
    const auto truth = [&](std::string_view key) {
        return find_field(event.chosen()->fields, key) != nullptr && event.truth(key);
    };
    const auto has = [&](std::string_view key) {
        return find_field(event.chosen()->fields, key) != nullptr;
    };
    // The word "all" where a name may stand, for the commands that take it.
    const auto named = [&](std::string_view key, const Registry& names, bool all) {
        if (!has(key)) return -1;
        if (all && event.text(key) == "all") {
            e.all = true;
            return -1;
        }
        return reference(event, key, names);
    };
    const bool takes_all = e.command == Command::destroy_namespace ||
                           e.command == Command::enable_region ||
                           e.command == Command::disable_region ||
                           e.command == Command::enable_dimm ||
                           e.command == Command::disable_dimm ||
                           e.command == Command::init_labels ||
                           e.command == Command::zero_labels ||
                           e.command == Command::check_labels ||
                           e.command == Command::read_labels || e.command == Command::fail_command;
    e.ns = named("namespace", namespaces_, takes_all);
    if (e.command == Command::create_namespace && e.ns >= 0) {
        const NamespaceConfig& ns = scenario.machine.namespaces[static_cast<std::size_t>(e.ns)];
        e.region = static_cast<int>(ns.region);
        const auto given = regions_.find(event.text("region"));
        if (given && *given != ns.region)
            add(event.at("region"), in_quotes(ns.id) + " lies in " + scenario.machine.regions[ns.region].id,
                "give the new one another id");
    } else if (e.command != Command::create_namespace) {
        e.region = named("region", regions_, takes_all);
    }
    e.nvdimm = named("nvdimm", nvdimms_, takes_all);
    e.human = truth("human");
    e.force = truth("force");
    switch (e.command) {
        case Command::inject_error:
            e.block = event.maybe("block");
            e.count = event.maybe("count");
            e.uninject = event.truth("uninject");
            e.status = event.truth("status");
            e.notify = event.truth("notify");
            e.saturate = event.truth("saturate");
            break;
        case Command::clear_errors:
            e.scrub = event.truth("scrub");
            break;
        case Command::start_scrub:
            e.wait = event.truth("wait");
            break;
        case Command::create_namespace:
            e.make = namespace_request(event);
            e.make.offset = event.maybe("offset");
            break;
        case Command::reconfigure_namespace:
            e.make = namespace_request(event);
            break;
        case Command::check_namespace:
            e.repair = event.truth("repair");
            e.rewrite_log = event.truth("rewrite_log");
            break;
        case Command::list:
            e.listing = {event.truth("buses"),        event.truth("dimms"),
                         event.truth("regions"),      event.truth("namespaces"),
                         event.truth("health"),       event.truth("media_errors"),
                         event.truth("idle"),         false};
            break;
        case Command::inject_smart:
            e.smart = smart(event);
            break;
        case Command::monitor:
            if (const Value* list = event.find("dimm_events");
                list != nullptr && list->is(Value::Type::array))
                for (std::size_t i = 0; i < list->count; ++i) {
                    if (!list->items[i].is(Value::Type::text)) continue;
                    const auto* begin = std::begin(ndctl::kMonitorEvents);
                    const auto* at =
                        std::find(begin, std::end(ndctl::kMonitorEvents), list->items[i].text());
                    if (at != std::end(ndctl::kMonitorEvents))
                        e.monitor_events |= 1u << (at - begin);
                }
            break;
        case Command::read_attribute:
        case Command::write_attribute: {
            e.attribute = event.text("attribute");
            if (e.command == Command::write_attribute) e.text = event.text("text");
            const int owners = event.given("namespace") + event.given("region") + event.given("nvdimm");
            if (owners > 1)
                add(event.path(), "the attribute has several owners",
                    "keep one of \"namespace\", \"region\" and \"nvdimm\"");
            break;
        }
        case Command::read_infoblock:
            e.offset = event.maybe("offset").value_or(0);
            break;
        case Command::write_infoblock:
            e.make.mode = event.text("mode") == "devdax" ? NamespaceMode::devdax : NamespaceMode::fsdax;
            e.make.map_dev = event.text("map") == "dev";
            e.make.align = event.number("align");
            break;
        case Command::btt_lookup:
            e.offset = event.number("block");
            break;
        case Command::fail_command:
            e.failing = event.text("command");
            if (!bad(event)) {
                const auto* begin = std::begin(ndctl::kErrors);
                e.code = kErrorCodes[std::find(begin, std::end(ndctl::kErrors), event.text("error")) -
                                     begin];
            }
            break;
        default:
            break;
    }
    return e;
}

NdctlEvent::Smart Resolver::smart(const Cursor& event) {
    NdctlEvent::Smart s;
    s.media_temperature = celsius(event, "media_temperature");
    s.media_temperature_threshold = celsius(event, "media_temperature_threshold");
    s.ctrl_temperature_threshold = celsius(event, "ctrl_temperature_threshold");
    const auto percent = [&](std::string_view key) -> std::optional<std::uint32_t> {
        if (!event.given(key)) return std::nullopt;
        return event.number32(key);
    };
    s.spares = percent("spares");
    s.spares_threshold = percent("spares_threshold");
    s.media_temperature_alarm = maybe_truth(event, "media_temperature_alarm");
    s.ctrl_temperature_alarm = maybe_truth(event, "ctrl_temperature_alarm");
    s.spares_alarm = maybe_truth(event, "spares_alarm");
    s.fatal = event.truth("fatal");
    s.unsafe_shutdown = event.truth("unsafe_shutdown");
    s.media_temperature_uninject = event.truth("media_temperature_uninject");
    s.spares_uninject = event.truth("spares_uninject");
    s.fatal_uninject = event.truth("fatal_uninject");
    s.unsafe_shutdown_uninject = event.truth("unsafe_shutdown_uninject");
    s.uninject_all = event.truth("uninject_all");
    return s;
}

/// Health and thresholds of a module: of its configuration, or of smart_set_threshold.
SmartThresholds Resolver::thresholds(const Cursor& t) {
    SmartThresholds out;
    const auto raw = [&](std::string_view key, std::uint16_t& to) {
        const auto degrees = celsius(t, key);
        if (degrees)
            to = static_cast<std::uint16_t>(*degrees < 0 ? 0x8000 | -*degrees : *degrees);
    };
    if (t.given("alarm_control")) out.control = static_cast<std::uint16_t>(t.number("alarm_control"));
    if (t.given("spares")) out.spares = static_cast<std::uint8_t>(t.number("spares"));
    raw("media_temperature", out.media_temperature);
    raw("ctrl_temperature", out.controller_temperature);
    return out;
}

SmartStart Resolver::smart_start(const Cursor& nvdimm) {
    SmartStart out;
    if (const auto t = nvdimm.object("thresholds")) out.thresholds = thresholds(*t);
    out.unsafe_shutdown_immediate = nvdimm.truth("unsafe_shutdown_immediate");
    const auto s = nvdimm.object("smart");
    if (!s) return out;
    const auto byte = [&](std::string_view key) -> std::optional<std::uint8_t> {
        if (!s->given(key)) return std::nullopt;
        return static_cast<std::uint8_t>(s->number(key));
    };
    const auto raw = [&](std::string_view key) -> std::optional<std::uint16_t> {
        const auto degrees = celsius(*s, key);
        if (!degrees) return std::nullopt;
        return static_cast<std::uint16_t>(*degrees < 0 ? 0x8000 | -*degrees : *degrees);
    };
    out.health = byte("health");
    out.spares = byte("spares");
    out.life_used = byte("life_used");
    out.alarm_flags = byte("alarm_flags");
    out.shutdown_state = byte("shutdown_state");
    out.media_temperature = raw("media_temperature");
    out.controller_temperature = raw("ctrl_temperature");
    if (s->given("shutdown_count")) out.shutdown_count = s->number32("shutdown_count");
    return out;
}

}  // namespace mcemu::scenario
