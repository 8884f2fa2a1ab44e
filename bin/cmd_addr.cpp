#include <nlohmann/json.hpp>
#include <string>

#include "core/address.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "output/text.hpp"
#include "scenario_file.hpp"

namespace mcemu::cli {
namespace {

bool counts_sectors(Coordinate::Kind kind) {
    return kind == Coordinate::Kind::sector || kind == Coordinate::Kind::region_sector;
}

std::string value_of(const Coordinate& c) {
    if (!counts_sectors(c.kind)) return output::hex(c.value);
    std::string text = std::to_string(c.value);
    if (c.offset != 0) text += " + " + std::to_string(c.offset) + " bytes";
    return text;
}

std::string places_table(const std::vector<Coordinate>& all) {
    std::size_t name_width = 0, of_width = 0, value_width = 0;
    for (const Coordinate& c : all) {
        name_width = std::max(name_width, name(c.kind).size());
        of_width = std::max(of_width, c.of.size());
        value_width = std::max(value_width, value_of(c).size());
    }
    std::string out;
    const auto column = [&](std::string text, std::size_t width) {
        text.resize(width + 2, ' ');
        out += text;
    };
    for (const Coordinate& c : all) {
        column(std::string(name(c.kind)), name_width);
        column(c.of, of_width);
        column(value_of(c), value_width);
        out += c.rule;
        out.erase(out.find_last_not_of(' ') + 1);
        out += "\n";
    }
    return out;
}

std::string places_json(const std::vector<Coordinate>& all) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Coordinate& c : all) {
        nlohmann::ordered_json entry = {{"kind", name(c.kind)}};
        if (!c.of.empty()) entry["of"] = c.of;
        if (counts_sectors(c.kind)) {
            entry["value"] = c.value;
            entry["offset"] = c.offset;
        } else {
            entry["value"] = output::hex(c.value);
        }
        if (!c.rule.empty()) entry["rule"] = c.rule;
        entry["address"] = c.text;
        list.push_back(std::move(entry));
    }
    return list.dump(2) + "\n";
}

}  // namespace

int cmd_addr(const Args& args) {
    namespace po = boost::program_options;
    CommandLine line;
    line.usage = "addr [options] SCENARIO ADDRESS";
    line.what =
        "Shows an address of a scenario's machine in every coordinate, with the rule applied.\n"
        "ADDRESS: 0x20cb00000 (system physical), pfn:0x20cb00, dram:dram0:0x1000,\n"
        "region:region0:0x1000, dpa:nmem0:0x1000, region-sector:region0:8,\n"
        "namespace:namespace0.0:0x1000, sector:pmem0:8 or sector:pmem0:8+0x40,\n"
        "device:dax0.0:0x1000, file:FILE:0x1000, va:PROCESS:0x7f..., kaddr:0xffff...,\n"
        "decoy:0x7fff...\n"
        "Findings in events and expectations are told, and do not stand in the way.";
    line.visible.add_options()("json", "as JSON");
    add_scenario_options(line);
    line.hidden.add_options()("scenario", po::value<std::string>())("address",
                                                                    po::value<std::string>());
    line.positional.add("scenario", 1).add("address", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("address"))
        throw UsageError("a scenario and an address are needed: mcemu " + line.usage);

    const auto loaded = load_machine(*values);
    if (!loaded) return kUsage;
    try {
        const std::uint64_t spa =
            resolve_address(loaded->scenario, (*values)["address"].as<std::string>());
        const auto all = coordinates(loaded->scenario, spa);
        output::write_file("-", values->count("json") ? places_json(all) : places_table(all));
    } catch (const AddressError& error) {
        throw UsageError(error.what());
    }
    return kDone;
}

}  // namespace mcemu::cli
