#include <nlohmann/json.hpp>
#include <string>

#include "core/latency.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::cli {
namespace {

std::string as_json() {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < kLatCount; ++i) {
        const LatencyInfo& info = latency_info(static_cast<Lat>(i));
        list.push_back({{"name", info.name},
                        {"default", scenario::time_text(info.fallback)},
                        {"default_ps", info.fallback.count()},
                        {"per", info.per},
                        {"source", info.source},
                        {"meaning", info.meaning},
                        {"phase", info.use == LatencyInfo::Use::phase},
                        {"in", info.in}});
    }
    return list.dump(2) + "\n";
}

/// What else is to be known of one that begins no phase.
std::string use_of(const LatencyInfo& info) {
    const std::string in(info.in);
    if (info.use == LatencyInfo::Use::part) return "; no phase: a part of " + in;
    if (info.use == LatencyInfo::Use::unused) return "; not in use: " + in + " stand for it";
    return {};
}

std::string as_table() {
    std::size_t name = 0, fallback = 7, per = 3;
    for (std::size_t i = 0; i < kLatCount; ++i) {
        const LatencyInfo& info = latency_info(static_cast<Lat>(i));
        name = std::max(name, info.name.size());
        fallback = std::max(fallback, scenario::time_text(info.fallback).size());
        per = std::max(per, info.per.size());
    }
    std::string out;
    const auto row = [&](std::string_view a, std::string_view b, std::string_view c,
                         std::string_view d) {
        out += std::string(a) + std::string(name + 2 - a.size(), ' ');
        out += std::string(fallback - b.size(), ' ') + std::string(b) + "  ";
        out += std::string(c) + std::string(per + 2 - c.size(), ' ') + std::string(d) + "\n";
    };
    row("name", "default", "per", "meaning (source)");
    for (std::size_t i = 0; i < kLatCount; ++i) {
        const LatencyInfo& info = latency_info(static_cast<Lat>(i));
        row(info.name, scenario::time_text(info.fallback), info.per,
            std::string(info.meaning) + " (" + std::string(info.source) + ")" + use_of(info));
    }
    return out;
}

}  // namespace

int cmd_latencies(const Args& args) {
    CommandLine line;
    line.usage = "latencies [--json]";
    line.what =
        "Prints the timing parameters: a scenario sets them in machine/latency, as a time or as a\n"
        "distribution. Most begin a phase of their name, which traces show and scenarios may wait\n"
        "for.";
    line.visible.add_options()("json", "as JSON");
    const auto values = parse(line, args);
    if (!values) return kDone;
    output::write_file("-", values->count("json") ? as_json() : as_table());
    return kDone;
}

}  // namespace mcemu::cli
