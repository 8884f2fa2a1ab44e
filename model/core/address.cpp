#include "core/address.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "core/kernel/profile.hpp"

namespace mcemu {
namespace {

std::string hex(std::uint64_t value) {
    char digits[16];
    const auto end = std::to_chars(digits, std::end(digits), value, 16).ptr;
    return "0x" + std::string(digits, end);
}

const NamespaceConfig* namespace_of(const Scenario& s, std::uint64_t spa) {
    for (const NamespaceConfig& ns : s.machine.namespaces)
        if (ns.range.contains(spa)) return &ns;
    return nullptr;
}

bool has_struct_pages(const NamespaceConfig& ns) {
    return ns.mode == NamespaceMode::fsdax || ns.mode == NamespaceMode::devdax;
}

bool is_block_device(const NamespaceConfig& ns) { return ns.mode != NamespaceMode::devdax; }

/// SPA of byte `offset` of a file on a namespace.
std::optional<std::uint64_t> file_spa(const Scenario& s, const FileConfig& file,
                                      std::uint64_t offset) {
    if (file.on < 0) return std::nullopt;
    const NamespaceConfig& ns = s.machine.namespaces[static_cast<std::size_t>(file.on)];
    for (const FileExtent& e : file.extents)
        if (offset >= e.offset && offset - e.offset < e.size)
            return ns.data().begin + e.pmem + (offset - e.offset);
    return std::nullopt;
}

const MapConfig* shared_map(const Scenario& s, const MapConfig& map) {
    for (const ProcessConfig& p : s.processes)
        for (const MapConfig& m : p.maps)
            if (m.id == map.shared_with && &m != &map) return &m;
    return nullptr;
}

/// SPA of byte `offset` of a map, when the scenario alone decides it.
std::optional<std::uint64_t> map_spa(const Scenario& s, const MapConfig& map, std::uint64_t offset,
                                     int depth = 0) {
    if (map.at) return *map.at + offset;
    if (map.kind == MapKind::devdax && map.of >= 0)
        return s.machine.namespaces[static_cast<std::size_t>(map.of)].data().begin + map.offset +
               offset;
    if (map.kind == MapKind::fsdax && map.of >= 0)
        return file_spa(s, s.files[static_cast<std::size_t>(map.of)], map.offset + offset);
    if (!map.shared_with.empty() && depth < 16)
        if (const MapConfig* other = shared_map(s, map))
            return map_spa(s, *other, offset, depth + 1);
    return std::nullopt;
}

std::string_view map_rule(const MapConfig& map) {
    if (map.at) return "va = map + (SPA - \"at\")";
    if (map.kind == MapKind::devdax) return "va = map + (offset in the device - map offset)";
    if (map.kind == MapKind::fsdax) return "va = map + (offset in the file - map offset)";
    return "va as in the map that it shares";
}

std::uint64_t number(std::string_view text, std::string_view whole) {
    const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
    if (is_hex) text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        throw AddressError("'" + std::string(whole) +
                           "' is no address: a number such as 0x20cb00000 would be");
    return value;
}

/// Splits "id:number" at the last colon.
std::pair<std::string_view, std::uint64_t> id_and_number(std::string_view rest,
                                                         std::string_view whole) {
    const auto colon = rest.rfind(':');
    if (colon == std::string_view::npos)
        throw AddressError("'" + std::string(whole) + "' lacks its number: KIND:ID:NUMBER");
    return {rest.substr(0, colon), number(rest.substr(colon + 1), whole)};
}

template <class Range, class F>
auto& find_id(const Range& range, std::string_view id, std::string_view what, F id_of) {
    const auto it =
        std::find_if(range.begin(), range.end(), [&](const auto& x) { return id_of(x) == id; });
    if (it != range.end()) return *it;
    std::string known;
    for (const auto& x : range) known += (known.empty() ? "" : ", ") + std::string(id_of(x));
    throw AddressError("there is no " + std::string(what) + " '" + std::string(id) + "'" +
                       (known.empty() ? "" : " (there is: " + known + ")"));
}

std::uint64_t spa_of_dpa(const Scenario& s, std::string_view id, std::uint64_t dpa) {
    const auto& nvdimms = s.machine.nvdimms;
    const NvdimmConfig& dimm = find_id(nvdimms, id, "NVDIMM", [](auto& d) { return d.id; });
    const auto index = static_cast<std::uint32_t>(&dimm - nvdimms.data());
    if (dpa >= dimm.size)
        throw AddressError("DPA " + hex(dpa) + " lies outside " + dimm.id + " (0x0-" +
                           hex(dimm.size) + ")");
    for (const RegionConfig& region : s.machine.regions)
        for (std::uint32_t way = 0; way < region.nvdimms.size(); ++way)
            if (region.nvdimms[way] == index)
                if (const auto spa = region_spa(region, way, dpa)) return *spa;
    throw AddressError("no region uses DPA " + hex(dpa) + " of " + dimm.id +
                       ": it has no system physical address");
}

std::uint64_t spa_of_va(const Scenario& s, std::string_view id, std::uint64_t va) {
    const ProcessConfig& p = find_id(s.processes, id, "process", [](auto& x) { return x.id; });
    for (const MapConfig& map : p.maps) {
        if (va < map.va || va - map.va >= map.size) continue;
        if (const auto spa = map_spa(s, map, va - map.va)) return *spa;
        throw AddressError("map " + map.id + " of " + p.id +
                           " gets its pages while the emulation runs: give it \"at\" to fix them");
    }
    throw AddressError(p.id + " maps nothing at " + hex(va));
}

void add_pmem(const Scenario& s, std::uint64_t spa, std::vector<Coordinate>& out) {
    using Kind = Coordinate::Kind;
    for (const RegionConfig& region : s.machine.regions) {
        if (!region.range.contains(spa)) continue;
        const std::uint64_t offset = spa - region.range.begin;
        out.push_back({Kind::region, region.id, offset, 0, "SPA - " + hex(region.range.begin)});
        const DimmAddress at = dimm_address(region, spa);
        const std::uint64_t chunk = offset / region.interleave;
        const auto ways = region.nvdimms.size();
        out.push_back({Kind::nvdimm, s.machine.nvdimms[at.nvdimm].id, at.dpa, 0,
                       "chunk " + std::to_string(chunk) + " of " + hex(region.interleave) +
                           " bytes: way " + std::to_string(at.way) + " of " + std::to_string(ways) +
                           "; DPA = " + hex(region.dpa_base[at.way]) + " + chunk / " +
                           std::to_string(ways) + " * " + hex(region.interleave) + " + " +
                           hex(offset % region.interleave)});
        out.push_back({Kind::region_sector, region.id, offset / kSectorSize, offset % kSectorSize,
                       "(SPA - " + hex(region.range.begin) + ") / 512"});
    }
    const NamespaceConfig* ns = namespace_of(s, spa);
    if (!ns) return;
    const bool data = ns->data().contains(spa);
    std::string place = "SPA - " + hex(ns->range.begin);
    if (!data)
        place += spa < ns->data().begin ? "; metadata: data begins at " + hex(ns->data_offset)
                                        : "; cut off: beyond the last whole aligned unit";
    out.push_back({Kind::name_space, ns->id, spa - ns->range.begin, 0, place});
    if (!data || !is_block_device(*ns)) return;
    const std::uint64_t offset = spa - ns->data().begin;
    out.push_back({Kind::sector, ns->device, offset / kSectorSize, offset % kSectorSize,
                   ns->mode == NamespaceMode::sector
                       ? "(SPA - " + hex(ns->data().begin) +
                             ") / 512, before the BTT maps external blocks to internal ones"
                       : "(SPA - " + hex(ns->data().begin) + ") / 512"});
}

void add_files_and_processes(const Scenario& s, std::uint64_t spa, std::vector<Coordinate>& out) {
    using Kind = Coordinate::Kind;
    for (const FileConfig& file : s.files) {
        if (file.on < 0) continue;
        const NamespaceConfig& ns = s.machine.namespaces[static_cast<std::size_t>(file.on)];
        for (const FileExtent& e : file.extents) {
            const SpaRange extent{ns.data().begin + e.pmem, ns.data().begin + e.pmem + e.size};
            if (extent.contains(spa))
                out.push_back({Kind::file, file.id, e.offset + (spa - extent.begin), 0,
                               "extent " + hex(e.offset) + " begins at SPA " + hex(extent.begin)});
        }
    }
    for (const ProcessConfig& p : s.processes)
        for (const MapConfig& map : p.maps) {
            // A map is contiguous in SPA only piece by piece: look at each page it could be.
            if (map.kind == MapKind::fsdax && map.of >= 0 && !map.at) {
                const FileConfig& file = s.files[static_cast<std::size_t>(map.of)];
                if (file.on < 0) continue;
                const std::uint64_t data =
                    s.machine.namespaces[static_cast<std::size_t>(file.on)].data().begin;
                for (const FileExtent& e : file.extents) {
                    const SpaRange extent{data + e.pmem, data + e.pmem + e.size};
                    if (!extent.contains(spa)) continue;
                    const std::uint64_t offset = e.offset + (spa - extent.begin);
                    if (offset >= map.offset && offset - map.offset < map.size)
                        out.push_back({Kind::process, p.id + " " + map.id,
                                       map.va + (offset - map.offset), 0,
                                       std::string(map_rule(map))});
                }
                continue;
            }
            const auto first = map_spa(s, map, 0);
            if (first && SpaRange{*first, *first + map.size}.contains(spa))
                out.push_back({Kind::process, p.id + " " + map.id, map.va + (spa - *first), 0,
                               std::string(map_rule(map))});
        }
}

}  // namespace

DimmAddress dimm_address(const RegionConfig& region, std::uint64_t spa) {
    const std::uint64_t offset = spa - region.range.begin;
    const std::uint64_t chunk = offset / region.interleave;
    const auto way = static_cast<std::uint32_t>(chunk % region.nvdimms.size());
    return {way, region.nvdimms[way],
            region.dpa_base[way] + chunk / region.nvdimms.size() * region.interleave +
                offset % region.interleave};
}

std::optional<std::uint64_t> region_spa(const RegionConfig& region, std::uint32_t way,
                                        std::uint64_t dpa) {
    const std::uint64_t ways = region.nvdimms.size();
    if (way >= ways || dpa < region.dpa_base[way]) return std::nullopt;
    const std::uint64_t inside = dpa - region.dpa_base[way];
    if (inside >= region.range.size() / ways) return std::nullopt;
    return region.range.begin + (inside / region.interleave * ways + way) * region.interleave +
           inside % region.interleave;
}

std::uint64_t page_offset(const Scenario& scenario) {
    if (scenario.kernel.page_offset != 0) return scenario.kernel.page_offset;
    const kernel::Profile& p = kernel::profile(scenario.kernel.profile);
    return scenario.machine.cpus.la57 ? p.page_offset_5level : p.page_offset_4level;
}

bool in_direct_map(const Scenario& scenario, std::uint64_t spa) {
    for (const DramConfig& dram : scenario.machine.memory)
        if (dram.range.contains(spa)) return true;
    const NamespaceConfig* ns = namespace_of(scenario, spa);
    return ns && has_struct_pages(*ns);
}

std::string_view name(Coordinate::Kind kind) {
    switch (kind) {
        case Coordinate::Kind::spa:
            return "spa";
        case Coordinate::Kind::pfn:
            return "pfn";
        case Coordinate::Kind::dram:
            return "dram";
        case Coordinate::Kind::region:
            return "region";
        case Coordinate::Kind::nvdimm:
            return "nvdimm";
        case Coordinate::Kind::region_sector:
            return "region sector";
        case Coordinate::Kind::name_space:
            return "namespace";
        case Coordinate::Kind::sector:
            return "sector";
        case Coordinate::Kind::file:
            return "file";
        case Coordinate::Kind::process:
            return "process";
        case Coordinate::Kind::kaddr:
            return "kaddr";
        case Coordinate::Kind::decoy:
            return "decoy";
    }
    return "?";
}

std::uint64_t resolve_address(const Scenario& s, std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return number(text, text);
    const std::string_view kind = text.substr(0, colon);
    const std::string_view rest = text.substr(colon + 1);
    if (kind == "spa") return number(rest, text);
    if (kind == "pfn") return Pfn{number(rest, text)}.spa();
    if (kind == "kaddr") {
        const std::uint64_t va = number(rest, text);
        if (va < page_offset(s))
            throw AddressError(hex(va) + " lies below the direct map, which begins at " +
                               hex(page_offset(s)));
        return va - page_offset(s);
    }
    if (kind == "decoy") return number(rest, text) - (page_offset(s) ^ (1ull << 63));
    const auto parts = id_and_number(rest, text);
    const std::string_view id = parts.first;  // clang 14 captures no structured binding
    const std::uint64_t value = parts.second;
    if (kind == "dpa") return spa_of_dpa(s, id, value);
    if (kind == "va") return spa_of_va(s, id, value);
    if (kind == "region-sector") {
        const auto& region = find_id(s.machine.regions, id, "region", [](auto& r) { return r.id; });
        if (value >= region.range.size() / kSectorSize)
            throw AddressError("sector " + std::to_string(value) + " lies outside " + region.id);
        return region.range.begin + value * kSectorSize;
    }
    if (kind == "sector") {
        // By device or by namespace id: both name the same data area.
        const auto& spaces = s.machine.namespaces;
        const auto by_id =
            std::find_if(spaces.begin(), spaces.end(), [&](auto& n) { return n.id == id; });
        const NamespaceConfig& ns =
            by_id != spaces.end()
                ? *by_id
                : find_id(spaces, id, "block device", [](auto& n) { return n.device; });
        if (!is_block_device(ns))
            throw AddressError(ns.device +
                               " is a character device (device-dax): it has no sectors");
        if (value >= ns.data().size() / kSectorSize)
            throw AddressError("sector " + std::to_string(value) + " lies outside " + ns.device +
                               " (" + std::to_string(ns.data().size() / kSectorSize) + " sectors)");
        return ns.data().begin + value * kSectorSize;
    }
    if (kind == "file") {
        const FileConfig& file = find_id(s.files, id, "file", [](auto& f) { return f.id; });
        if (const auto spa = file_spa(s, file, value)) return *spa;
        throw AddressError(
            file.on < 0 ? "file " + file.id + " lives in the page cache: it has no fixed address"
                        : "no extent of " + file.id + " covers offset " + hex(value));
    }
    throw AddressError("'" + std::string(kind) +
                       "' is no kind of address: spa, pfn, dpa, sector, region-sector, va, file, "
                       "kaddr or decoy would be");
}

std::vector<Coordinate> coordinates(const Scenario& s, std::uint64_t spa) {
    using Kind = Coordinate::Kind;
    std::vector<Coordinate> out;
    out.push_back({Kind::spa, "", spa, 0, ""});
    out.push_back({Kind::pfn, "", pfn_of(spa).value, 0, "SPA >> 12"});
    for (const DramConfig& dram : s.machine.memory)
        if (dram.range.contains(spa))
            out.push_back(
                {Kind::dram, dram.id, spa - dram.range.begin, 0, "SPA - " + hex(dram.range.begin)});
    add_pmem(s, spa, out);
    if (out.size() == 2) out.front().rule = "neither RAM nor persistent memory of this machine";
    add_files_and_processes(s, spa, out);
    if (in_direct_map(s, spa)) {
        const std::uint64_t base = page_offset(s);
        out.push_back({Kind::kaddr, "", base + spa, 0, "PAGE_OFFSET " + hex(base) + " + SPA"});
        // The decoy of the page: set_mce_nospec() works on whole pages (kernel.md 4.4).
        const std::uint64_t page = round_down(spa, kPageSize);
        out.push_back({Kind::decoy, "", page + (base ^ (1ull << 63)), 0,
                       "page " + hex(page) + " + (PAGE_OFFSET ^ 2^63)"});
    }
    return out;
}

}  // namespace mcemu
