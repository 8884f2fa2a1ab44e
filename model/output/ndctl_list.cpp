#include "output/ndctl_list.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/address.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/pmem/btt_layout.hpp"
#include "core/pmem/nfit_text.hpp"
#include "core/pmem/set_cookie.hpp"

namespace mcemu::output {
namespace {

using Json = nlohmann::ordered_json;

struct Row {
    std::uint64_t first = 0, count = 0;  // sectors
};

std::vector<Row> rows_of(const std::string& badblocks) {
    std::vector<Row> rows;
    std::istringstream lines(badblocks);
    for (Row row; lines >> row.first >> row.count;) rows.push_back(row);
    return rows;
}

/// What of the region's rows lies in `part`, counted from its beginning.
std::vector<Row> clip(const std::vector<Row>& rows, SpaRange region, SpaRange part) {
    const std::uint64_t first = (part.begin - region.begin) / kSectorSize;
    const std::uint64_t end = (part.end - region.begin) / kSectorSize;
    std::vector<Row> out;
    for (const Row& row : rows) {
        const std::uint64_t from = std::max(row.first, first);
        const std::uint64_t to = std::min(row.first + row.count, end);
        if (from < to) out.push_back({from - first, to - from});
    }
    return out;
}

/// badblock_count where it is not zero, and the rows with the modules that hold them.
void add_badblocks(Json& to, const MachineConfig& machine, const RegionConfig& region,
                   const std::vector<Row>& rows, std::uint64_t base, bool only_count) {
    std::uint64_t count = 0;
    Json list = Json::array();
    for (const Row& row : rows) {
        count += row.count;
        // Asked sector by sector, until every way was seen.
        std::set<std::uint32_t> modules;
        for (std::uint64_t i = 0; i < row.count && modules.size() < region.nvdimms.size(); ++i)
            modules.insert(dimm_address(region, base + (row.first + i) * kSectorSize).nvdimm);
        Json dimms = Json::array();
        for (const std::uint32_t m : modules) dimms.push_back(machine.nvdimms[m].id);
        list.push_back({{"offset", row.first}, {"length", row.count}, {"dimms", std::move(dimms)}});
    }
    if (count == 0) return;
    to["badblock_count"] = count;
    if (!only_count) to["badblocks"] = std::move(list);
}

Json celsius(std::uint16_t sixteenths) {
    const int value = (sixteenths & 0x8000 ? -1 : 1) * (sixteenths & 0x7fff);
    if (value % 16 == 0) return value / 16;
    return value / 16.0;
}

Json health_json(const pmem::SmartHealth& smart) {
    const std::uint8_t health = smart.health();
    const pmem::SmartThresholds& armed = smart.thresholds();
    const bool spares = armed.control & 1, media = armed.control & 2,
               controller = armed.control & 4;
    Json out = {{"health_state", health & pmem::kHealthFatal         ? "fatal"
                                 : health & pmem::kHealthCritical    ? "critical"
                                 : health & pmem::kHealthNonCritical ? "non-critical"
                                                                     : "ok"},
                {"temperature_celsius", celsius(smart.media_temperature())},
                {"controller_temperature_celsius", celsius(smart.controller_temperature())},
                {"spares_percentage", smart.spares()},
                {"alarm_temperature", (smart.alarm_flags() & 2) != 0},
                {"alarm_controller_temperature", (smart.alarm_flags() & 4) != 0},
                {"alarm_spares", (smart.alarm_flags() & 1) != 0},
                {"alarm_enabled_media_temperature", media}};
    if (media) out["temperature_threshold"] = celsius(armed.media_temperature);
    out["alarm_enabled_ctrl_temperature"] = controller;
    if (controller) out["controller_temperature_threshold"] = celsius(armed.controller_temperature);
    out["alarm_enabled_spares"] = spares;
    if (spares) out["spares_threshold"] = armed.spares;
    out["life_used_percentage"] = smart.life_used();
    out["shutdown_state"] = smart.shutdown_state() ? "dirty" : "clean";
    out["shutdown_count"] = smart.shutdown_count();
    return out;
}

Json dimm_json(const NvdimmConfig& config, const pmem::SmartHealth& smart,
               const kernel::Dimm& dimm) {
    Json out = {{"dev", config.id}, {"id", pmem::dimm_id(config)}, {"handle", config.handle}};
    for (const pmem::FlagWord& flag : pmem::kListedFlags)
        if (dimm.map_flags & flag.bit || (flag.bit == kMapFlushFail && dimm.dirty))
            out[flag.key] = true;
    out["health"] = health_json(smart);
    return out;
}

Json namespace_json(const RunView& view, std::uint32_t index, const std::vector<Row>& region_rows) {
    constexpr const char* kModes[] = {"raw", "fsdax", "devdax", "sector"};
    const MachineConfig& machine = view.scenario.machine;
    const NamespaceConfig& ns = view.kernel.namespaces[index];
    const RegionConfig& region = machine.regions[ns.region];
    const bool paged = ns.mode == NamespaceMode::fsdax || ns.mode == NamespaceMode::devdax;
    const std::uint64_t size = paged ? ns.data().size()
                               : ns.mode == NamespaceMode::sector
                                   ? pmem::btt_capacity(ns.range, ns.data_offset, ns.sector_size)
                                   : ns.range.size();
    Json out = {{"dev", ns.id}, {"mode", kModes[static_cast<int>(ns.mode)]}};
    if (paged) out["map"] = ns.map_dev ? "dev" : "mem";
    out["size"] = size;
    if (ns.mode == NamespaceMode::devdax)
        out["daxregion"] = {{"id", ns.number_region},
                            {"size", size},
                            {"align", ns.align},
                            {"devices", Json::array({{{"chardev", ns.device}, {"size", size}}})}};
    else
        out["sector_size"] = 
            ns.mode == NamespaceMode::sector ? std::uint64_t{ns.sector_size} : kSectorSize;
    if (paged) out["align"] = ns.align;
    if (!ns.uuid.empty()) out["uuid"] = ns.uuid;
    out[ns.mode == NamespaceMode::devdax ? "chardev" : "blockdev"] = ns.device;
    if (!view.kernel.libnvdimm.enabled(index)) out["state"] = "disabled";

    if (paged) {
        add_badblocks(out, machine, region, clip(region_rows, region.range, ns.data()),
                      ns.data().begin, false);
    } else if (ns.mode == NamespaceMode::sector) {
        add_badblocks(out, machine, region, clip(region_rows, region.range, ns.range),
                      ns.range.begin, true);
    } else if (!region_rows.empty()) {
        // All of the region's, those of its neighbours too, relative to the region.
        add_badblocks(out, machine, region, region_rows, region.range.begin, false);
    } else {
        add_badblocks(out, machine, region,
                      rows_of(view.kernel.libnvdimm.namespace_badblocks(index)), ns.range.begin,
                      false);
    }
    return out;
}

Json region_json(const RunView& view, std::uint32_t index) {
    const MachineConfig& machine = view.scenario.machine;
    const RegionConfig& region = machine.regions[index];
    const std::vector<Row> rows = rows_of(view.kernel.libnvdimm.region_badblocks(index));
    std::vector<SpaRange> used;
    Json namespaces = Json::array();
    const std::vector<NamespaceConfig>& spaces = view.kernel.namespaces;
    for (std::uint32_t i = 0; i < spaces.size(); ++i) {
        if (!spaces[i].present || spaces[i].region != index) continue;
        used.push_back(spaces[i].range);
        namespaces.push_back(namespace_json(view, i, rows));
    }
    std::sort(used.begin(), used.end(),
              [](const SpaRange& a, const SpaRange& b) { return a.begin < b.begin; });
    std::uint64_t at = region.range.begin, available = 0, extent = 0;
    used.push_back({region.range.end, region.range.end});
    for (const SpaRange& u : used) {
        available += u.begin - at;
        extent = std::max(extent, u.begin - at);
        at = u.end;
    }
    const std::uint64_t share = region.range.size() / region.nvdimms.size();
    Json mappings = Json::array();
    for (std::size_t way = 0; way < region.nvdimms.size(); ++way)
        mappings.push_back({{"dimm", machine.nvdimms[region.nvdimms[way]].id},
                            {"offset", region.dpa_base[way]},
                            {"length", share},
                            {"position", way}});
    Json out = {{"dev", region.id},
                {"size", region.range.size()},
                {"available_size", available},
                {"max_available_extent", extent},
                {"type", "pmem"},
                // Signed, as ndctl prints it.
                {"iset_id", static_cast<std::int64_t>(pmem::set_cookie(machine, region))},
                {"mappings", std::move(mappings)}};
    add_badblocks(out, machine, region, rows, region.range.begin, false);
    const std::string domain = pmem::persistence_domain(machine);
    out["persistence_domain"] = domain.empty() ? "none" : domain;
    if (!namespaces.empty()) out["namespaces"] = std::move(namespaces);
    return out;
}

}  // namespace

std::string ndctl_list(const RunView& view) {
    const MachineConfig& machine = view.scenario.machine;
    Json list = Json::array();
    if (!machine.nvdimms.empty()) {
        const bool test = std::all_of(machine.nvdimms.begin(), machine.nvdimms.end(),
                                      [](auto& n) { return n.profile == NvdimmProfile::test; });
        const bool busy = view.kernel.libnvdimm.scrub_attribute().find('+') != std::string::npos;
        Json bus = {{"provider", test ? "nfit_test.0" : "ACPI.NFIT"},
                    {"dev", "ndbus0"},
                    {"scrub_state", busy ? "active" : "idle"}};
        Json dimms = Json::array(), regions = Json::array();
        for (std::size_t i = 0; i < machine.nvdimms.size(); ++i)
            dimms.push_back(dimm_json(machine.nvdimms[i], view.nvdimm_health[i],
                                      view.kernel.libnvdimm.bus().dimms()[i]));
        for (std::uint32_t i = 0; i < machine.regions.size(); ++i)
            regions.push_back(region_json(view, i));
        bus["dimms"] = std::move(dimms);
        if (!regions.empty()) bus["regions"] = std::move(regions);
        list.push_back(std::move(bus));
    }
    return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mcemu::output
