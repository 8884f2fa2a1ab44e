#include "core/address_places.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "core/pmem/btt_layout.hpp"

namespace mcemu::address {
namespace {

using pmem::BttArena;
using pmem::kBttSector;

std::vector<BttArena> arenas(const NamespaceConfig& ns) {
    return pmem::btt_layout(ns.range, ns.data_offset);
}

std::string number(std::uint64_t value) { return std::to_string(value); }

}  // namespace

std::string hex(std::uint64_t value) {
    char digits[16];
    const auto end = std::to_chars(digits, std::end(digits), value, 16).ptr;
    return "0x" + std::string(digits, end);
}

std::vector<Piece> pieces(const Scenario& s, const FileConfig& file) {
    std::vector<Piece> out;
    if (file.on < 0) return out;
    const SpaRange data = s.machine.namespaces[static_cast<std::size_t>(file.on)].data();
    for (const FileExtent& e : file.extents) {
        const std::uint64_t begin = data.begin + e.pmem;
        out.push_back({e.offset,
                       {begin, begin + e.size},
                       hex(e.offset) + " + SPA - " + hex(begin) + "; extent of " + hex(e.size) +
                           " bytes at " + hex(e.pmem) + " of the data"});
    }
    return out;
}

const MapConfig& source_of(const Scenario& s, const MapConfig& map) {
    const MapConfig* at = &map;
    for (int depth = 0; !at->at && !at->shared_with.empty() && depth < 16; ++depth) {
        const MapConfig* other = nullptr;
        for (const ProcessConfig& p : s.processes)
            for (const MapConfig& m : p.maps)
                if (m.id == at->shared_with && &m != at && !other) other = &m;
        if (!other) break;
        at = other;
    }
    return *at;
}

std::vector<Piece> pieces(const Scenario& s, const MapConfig& map) {
    std::vector<Piece> out;
    const MapConfig& source = source_of(s, map);
    // [from, to) counts bytes of the map.
    const auto add = [&](std::uint64_t from, std::uint64_t to, std::uint64_t spa, std::string why) {
        to = std::min(to, map.size);
        if (from >= to) return;
        const std::string page = source.page > kPageSize ? ", pages of " + hex(source.page) : "";
        out.push_back({map.va + from,
                       {spa, spa + (to - from)},
                       hex(map.va + from) + " + SPA - " + hex(spa) + "; " + std::move(why) + page});
    };
    const std::string shares = &source == &map ? "" : "shares " + source.id + ": ";
    if (source.at) {
        add(0, source.size, *source.at, shares + "placed by \"at\"");
    } else if (source.kind == MapKind::devdax && source.of >= 0) {
        const NamespaceConfig& ns = s.machine.namespaces[static_cast<std::size_t>(source.of)];
        if (source.offset < ns.data().size())
            add(0, ns.data().size() - source.offset, ns.data().begin + source.offset,
                shares + ns.device + " from " + hex(source.offset));
    } else if (source.kind == MapKind::fsdax && source.of >= 0) {
        const FileConfig& file = s.files[static_cast<std::size_t>(source.of)];
        for (const Piece& e : pieces(s, file)) {
            const std::uint64_t end = e.begin + e.spa.size();
            const std::uint64_t first = std::max(e.begin, source.offset);
            if (first >= end) continue;
            add(first - source.offset, end - source.offset, *e.at(first),
                shares + file.id + " from " + hex(first));
        }
    }
    return out;
}

const std::vector<MapConfig>& maps_of(const Scenario& s, const ProcessConfig& process) {
    const ProcessConfig* leader = &process;
    for (int depth = 0; leader->thread_of >= 0 && depth < 16; ++depth) {
        const auto index = static_cast<std::size_t>(leader->thread_of);
        if (index >= s.processes.size()) break;
        leader = &s.processes[index];
    }
    return leader->maps;
}

bool is_block_device(const NamespaceConfig& ns) { return ns.mode != NamespaceMode::devdax; }

std::uint64_t sectors(const NamespaceConfig& ns) {
    if (ns.mode == NamespaceMode::sector)
        return pmem::btt_capacity(ns.range, ns.data_offset) / kSectorSize;
    return ns.data().size() / kSectorSize;
}

std::uint64_t sector_spa(const NamespaceConfig& ns, std::uint64_t sector) {
    if (ns.mode != NamespaceMode::sector) return ns.data().begin + sector * kSectorSize;
    constexpr std::uint64_t kRatio = kBttSector / kSectorSize;
    std::uint64_t lba = sector / kRatio;
    for (const BttArena& a : arenas(ns)) {
        if (lba < a.external_nlba)
            return ns.range.begin + a.begin + a.dataoff + lba * kBttSector +
                   sector % kRatio * kSectorSize;
        lba -= a.external_nlba;
    }
    return ns.range.end;  // only for sector < sectors(ns)
}

BttPlace btt_place(const NamespaceConfig& ns, std::uint64_t spa) {
    const std::uint64_t offset = spa - ns.range.begin;
    std::uint64_t before = 0;  // external blocks of the arenas that come first
    std::uint64_t index = 0;
    for (const BttArena& a : arenas(ns)) {
        const std::string arena = "arena " + number(index++) + ": ";
        if (offset < a.begin) break;
        const std::uint64_t at = offset - a.begin;
        if (at >= a.size) {
            before += a.external_nlba;
            continue;
        }
        if (at < a.dataoff) return {{}, arena + "info block"};
        if (at >= a.info2off) return {{}, arena + "second info block"};
        if (at >= a.logoff) return {{}, arena + "log of lane " + number((at - a.logoff) / 64)};
        if (at >= a.mapoff) {
            const std::uint64_t lba = (at - a.mapoff) / 4;
            return {{},
                    arena + (lba < a.external_nlba ? "map entry of block " + number(before + lba)
                                                   : std::string("padding of the map"))};
        }
        const std::uint64_t block = (at - a.dataoff) / kBttSector;
        const std::string internal = arena + "internal block " + number(block);
        if (block >= a.internal_nlba) return {{}, arena + "unused, before the map"};
        if (block >= a.external_nlba)
            return {{},
                    internal + ", free block of lane " + number(block - a.external_nlba) +
                        " until that lane writes"};
        const std::uint64_t inside = (at - a.dataoff) % kBttSector;
        return {(before + block) * (kBttSector / kSectorSize) + inside / kSectorSize,
                internal + " holds block " + number(before + block) +
                    " until that is written: then the map decides"};
    }
    return {{}, "in no arena"};
}

}  // namespace mcemu::address
