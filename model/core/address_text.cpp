#include <algorithm>
#include <charconv>

#include "core/address.hpp"
#include "core/address_places.hpp"
#include "core/pmem/interleave.hpp"

namespace mcemu {
namespace {

using address::hex;

constexpr std::uint64_t kMaxSpa = 1ull << 52;  // MAXPHYADDR is at most 52 bits (SDM 3A 4.1.4)

[[noreturn]] void refuse(std::string text) { throw AddressError(std::move(text)); }

std::uint64_t number(std::string_view text, std::string_view whole) {
    const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
    if (is_hex) text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        refuse("'" + std::string(whole) +
               "' is no address: a number such as 0x20cb00000 would be, or one with its kind and its "
               "place, such as namespace:namespace0.0:0x1000");
    return value;
}

/// A number of units, and the bytes that "+0x40" adds within the last.
std::uint64_t units(std::string_view text, std::uint64_t unit, std::uint64_t limit,
                    std::string_view whole, const std::string& outside) {
    const auto plus = text.find('+');
    const std::uint64_t count = number(text.substr(0, plus), whole);
    const std::uint64_t more =
        plus == std::string_view::npos ? 0 : number(text.substr(plus + 1), whole);
    if (count >= limit) refuse(outside);
    if (more >= unit)
        refuse("'" + std::string(whole) + "': " + hex(more) + " bytes lead out of the unit of " +
               hex(unit));
    return count * unit + more;
}

/// Splits "id:number" at the last colon.
struct Named {
    std::string_view id, number;
};
Named split(std::string_view rest, std::string_view whole) {
    const auto colon = rest.rfind(':');
    if (colon == std::string_view::npos)
        refuse("'" + std::string(whole) + "' lacks its number: KIND:ID:NUMBER");
    return {rest.substr(0, colon), rest.substr(colon + 1)};
}

template <class Range, class F>
auto& find_id(const Range& range, std::string_view id, std::string_view what, F id_of) {
    const auto it =
        std::find_if(range.begin(), range.end(), [&](const auto& x) { return id_of(x) == id; });
    if (it != range.end()) return *it;
    std::string known;
    for (const auto& x : range) known += (known.empty() ? "" : ", ") + std::string(id_of(x));
    refuse("there is no " + std::string(what) + " '" + std::string(id) + "'" +
           (known.empty() ? "" : " (there is: " + known + ")"));
}

/// By device or by its own id: both name the same namespace.
const NamespaceConfig& find_namespace(const Scenario& s, std::string_view id,
                                      std::string_view what) {
    const auto& spaces = s.machine.namespaces;
    for (const NamespaceConfig& ns : spaces)
        if (ns.id == id) return ns;
    return find_id(spaces, id, what, [](auto& n) { return n.device; });
}

std::uint64_t inside(SpaRange range, std::uint64_t offset, std::string_view id) {
    if (offset >= range.size())
        refuse(hex(offset) + " lies outside " + std::string(id) + " (0x0-" + hex(range.size()) +
               ")");
    return range.begin + offset;
}

std::uint64_t spa_of_cxl(const Scenario& s, const MemdevConfig& device, std::uint64_t dpa) {
    if (dpa >= device.size())
        refuse("DPA " + hex(dpa) + " lies outside " + device.id + " (0x0-" + hex(device.size()) + ")");
    const auto index = static_cast<std::uint32_t>(&device - s.machine.memdevs.data());
    for (const DramConfig& memory : s.machine.memory)
        for (std::uint32_t way = 0; way < memory.memdevs.size(); ++way) {
            const pmem::InterleaveSet set(memory);
            const DpaRange part = set.on_way(memory.range, way);
            if (memory.memdevs[way] == index && part.contains(dpa)) return set.encode({way, dpa});
        }
    refuse("no HDM decoder uses DPA " + hex(dpa) + " of " + device.id +
           ": it has no system physical address");
}

std::uint64_t spa_of_dpa(const Scenario& s, std::string_view id, std::uint64_t dpa) {
    const auto& memdevs = s.machine.memdevs;
    const auto memdev = std::find_if(memdevs.begin(), memdevs.end(),
                                     [&](const MemdevConfig& m) { return m.id == id; });
    if (memdev != memdevs.end()) return spa_of_cxl(s, *memdev, dpa);
    const auto& nvdimms = s.machine.nvdimms;
    const NvdimmConfig& dimm = find_id(nvdimms, id, "NVDIMM", [](auto& d) { return d.id; });
    const auto index = static_cast<std::uint32_t>(&dimm - nvdimms.data());
    if (dpa >= dimm.size)
        refuse("DPA " + hex(dpa) + " lies outside " + dimm.id + " (0x0-" + hex(dimm.size) + ")");
    for (const RegionConfig& region : s.machine.regions)
        for (std::uint32_t way = 0; way < region.nvdimms.size(); ++way)
            if (region.nvdimms[way] == index)
                if (const auto spa = region_spa(region, way, dpa)) return *spa;
    refuse("no region uses DPA " + hex(dpa) + " of " + dimm.id +
           ": it has no system physical address");
}

std::uint64_t spa_of_va(const Scenario& s, std::string_view id, std::uint64_t va) {
    const ProcessConfig& p = find_id(s.processes, id, "process", [](auto& x) { return x.id; });
    for (const MapConfig& map : address::maps_of(s, p)) {
        if (va < map.va || va - map.va >= map.size) continue;
        const std::vector<address::Piece> pieces = address::pieces(s, map);
        for (const address::Piece& piece : pieces)
            if (const auto spa = piece.at(va)) return *spa;
        const MapKind kind = address::source_of(s, map).kind;
        if (kind == MapKind::fsdax || kind == MapKind::devdax)
            refuse("map " + map.id + " of " + p.id + " has no memory at " + hex(va) +
                   (kind == MapKind::fsdax ? ": no extent of the file covers it"
                                           : ": the device ends before it"));
        refuse("map " + map.id + " of " + p.id +
               " gets its pages while the emulation runs: give it \"at\" to fix them");
    }
    refuse(p.id + " maps nothing at " + hex(va));
}

std::uint64_t spa_of_file(const Scenario& s, std::string_view id, std::uint64_t offset) {
    const FileConfig& file = find_id(s.files, id, "file", [](auto& f) { return f.id; });
    if (file.on < 0)
        refuse("file " + file.id + " lives in the page cache: it has no fixed address");
    for (const address::Piece& piece : address::pieces(s, file))
        if (const auto spa = piece.at(offset)) return *spa;
    refuse("no extent of " + file.id + " covers offset " + hex(offset) +
           (offset < file.size ? ": a hole" : ": the file has " + hex(file.size) + " bytes"));
}

std::uint64_t spa_of_device(const Scenario& s, std::string_view id, std::uint64_t offset) {
    const NamespaceConfig& ns = find_namespace(s, id, "device");
    if (ns.mode != NamespaceMode::sector) return inside(ns.data(), offset, ns.device);
    const std::uint64_t size = address::sectors(ns) * kSectorSize;
    inside({0, size}, offset, ns.device);
    return address::sector_spa(ns, offset / kSectorSize) + offset % kSectorSize;
}

std::uint64_t spa_of_sector(const Scenario& s, std::string_view id, std::string_view text,
                            std::string_view whole) {
    const NamespaceConfig& ns = find_namespace(s, id, "block device");
    if (!address::is_block_device(ns))
        refuse(ns.device + " is a character device (device-dax): it has no sectors; device:" +
               ns.device + ":OFFSET would name a byte");
    const std::uint64_t bytes =
        units(text, kSectorSize, address::sectors(ns), whole,
              "sector " + std::string(text) + " lies outside " + ns.device + " (" +
                  std::to_string(address::sectors(ns)) + " sectors)");
    return address::sector_spa(ns, bytes / kSectorSize) + bytes % kSectorSize;
}

std::uint64_t spa_of_kernel(const Scenario& s, std::uint64_t va, std::uint64_t base,
                            std::string_view what) {
    if (va < base || va - base >= direct_map_size(s))
        refuse(hex(va) + " lies outside " + std::string(what) + ", which is " + hex(base) + "-" +
               hex(base + direct_map_size(s)));
    const std::uint64_t spa = va - base;
    if (!in_direct_map(s, spa))
        refuse(
            hex(va) + " would be of physical address " + hex(spa) +
            ", which the direct map does not cover: RAM, and namespaces with struct pages, would "
            "be");
    return spa;
}

}  // namespace

std::uint64_t resolve_address(const Scenario& s, std::string_view text) {
    const auto colon = text.find(':');
    const std::string_view kind = colon == std::string_view::npos ? "spa" : text.substr(0, colon);
    const std::string_view rest = colon == std::string_view::npos ? text : text.substr(colon + 1);
    if (kind == "spa") {
        const std::uint64_t spa = number(rest, text);
        if (spa >= kMaxSpa) refuse(hex(spa) + " has more than the 52 bits of a physical address");
        return spa;
    }
    if (kind == "pfn")
        return units(rest, kPageSize, kMaxSpa >> kPageShift, text,
                     std::string(rest) + " has more than the 40 bits of a page frame number");
    if (kind == "kaddr")
        return spa_of_kernel(s, number(rest, text), page_offset(s), "the direct map");
    if (kind == "decoy")
        return spa_of_kernel(s, number(rest, text), page_offset(s) ^ (1ull << 63),
                             "the decoys of the direct map");

    constexpr std::string_view kNamed[] = {
        "dpa", "dram", "region", "region-sector", "namespace", "sector", "device", "file", "va"};
    if (std::find(std::begin(kNamed), std::end(kNamed), kind) == std::end(kNamed))
        refuse("'" + std::string(kind) +
               "' is no kind of address: spa, pfn, dram, region, dpa, region-sector, namespace, "
               "sector, device, file, va, kaddr or decoy would be, as in dpa:nmem0:0x1000");
    const Named named = split(rest, text);
    if (kind == "sector") return spa_of_sector(s, named.id, named.number, text);
    if (kind == "region-sector") {
        const auto& r =
            find_id(s.machine.regions, named.id, "region", [](auto& x) { return x.id; });
        return r.range.begin +
               units(named.number, kSectorSize, r.range.size() / kSectorSize, text,
                     "sector " + std::string(named.number) + " lies outside " + r.id);
    }
    const std::uint64_t value = number(named.number, text);
    if (kind == "dpa") return spa_of_dpa(s, named.id, value);
    if (kind == "va") return spa_of_va(s, named.id, value);
    if (kind == "file") return spa_of_file(s, named.id, value);
    if (kind == "device") return spa_of_device(s, named.id, value);
    if (kind == "region") {
        const auto& r =
            find_id(s.machine.regions, named.id, "region", [](auto& x) { return x.id; });
        return inside(r.range, value, r.id);
    }
    if (kind == "dram") {
        const auto& d =
            find_id(s.machine.memory, named.id, "DRAM range", [](auto& x) { return x.id; });
        return inside(d.range, value, d.id);
    }
    const NamespaceConfig& ns = find_namespace(s, named.id, "namespace");
    return inside(ns.range, value, ns.id);
}

}  // namespace mcemu
