#include "core/address.hpp"

#include "core/address_places.hpp"
#include "core/kernel/pat/pgmap.hpp"
#include "core/kernel/profile.hpp"
#include "core/pmem/interleave.hpp"

namespace mcemu {
namespace {

using address::hex;
using address::Piece;
using Kind = Coordinate::Kind;

const NamespaceConfig* namespace_of(const Scenario& s, std::uint64_t spa) {
    for (const NamespaceConfig& ns : s.machine.namespaces)
        if (ns.range.contains(spa)) return &ns;
    return nullptr;
}

class Lister {
public:
    Lister(const Scenario& s, std::uint64_t spa) : s_(s), spa_(spa) {}

    std::vector<Coordinate> list() {
        add(Kind::spa, "", spa_, "", hex(spa_));
        add(Kind::pfn, "", pfn_of(spa_).value, "SPA >> 12", "pfn:" + hex(pfn_of(spa_).value));
        if (const std::uint64_t in_page = spa_ % kPageSize; in_page != 0) {
            out_.back().rule += ", " + hex(in_page) + " into the page";
            out_.back().text += "+" + hex(in_page);
        }
        for (const DramConfig& dram : s_.machine.memory)
            if (dram.range.contains(spa_)) add_memory(dram);
        for (const RegionConfig& region : s_.machine.regions)
            if (region.range.contains(spa_)) add_region(region);
        if (const NamespaceConfig* ns = namespace_of(s_, spa_)) add_namespace(*ns);
        if (out_.size() == 2)
            out_.front().rule = "neither RAM nor persistent memory of this machine";
        add_files();
        add_processes();
        if (in_direct_map(s_, spa_)) add_kernel();
        return std::move(out_);
    }

private:
    void add(Kind kind, std::string of, std::uint64_t value, std::string rule, std::string text) {
        out_.push_back({kind, std::move(of), value, 0, std::move(rule), std::move(text)});
    }
    void add_at(Kind kind, const char* word, const std::string& of, std::uint64_t value,
                std::string rule) {
        add(kind, of, value, std::move(rule), std::string(word) + ":" + of + ":" + hex(value));
    }
    void add_sector(Kind kind, const char* word, const std::string& of, std::uint64_t sector,
                    std::uint64_t offset, std::string rule) {
        std::string text = std::string(word) + ":" + of + ":" + std::to_string(sector);
        if (offset != 0) text += "+" + hex(offset);
        out_.push_back({kind, of, sector, offset, std::move(rule), std::move(text)});
    }

    void add_memory(const DramConfig& memory) {
        const std::uint64_t offset = spa_ - memory.range.begin;
        add_at(Kind::dram, "dram", memory.id, offset, "SPA - " + hex(memory.range.begin));
        if (memory.is_dram()) return;
        const pmem::InterleaveSet set(memory);
        const pmem::InterleaveSet::Place at = set.decode(spa_);
        const std::uint64_t chunk = offset / memory.interleave, ways = memory.memdevs.size();
        std::string rule = "HDM decoder: chunk " + std::to_string(chunk) + " of " +
                           hex(memory.interleave) + " bytes: ";
        if (memory.xor_hash)
            rule += "place " + std::to_string(chunk % ways) + " xor " +
                    std::to_string(set.turn(chunk / ways)) + ", the parities of the address bits above: ";
        rule += "way " + std::to_string(at.way) + " of " + std::to_string(ways) + "; DPA = " +
                hex(memory.dpa_base[at.way]) + " + chunk / " + std::to_string(ways) + " * " +
                hex(memory.interleave) + " + " + hex(offset % memory.interleave);
        const MemdevConfig& device = s_.machine.memdevs[memory.memdevs[at.way]];
        rule += at.dpa < device.volatile_bytes ? "; volatile partition" : "; persistent partition";
        add_at(Kind::memdev, "dpa", device.id, at.dpa, std::move(rule));
    }

    void add_region(const RegionConfig& region) {
        const std::uint64_t offset = spa_ - region.range.begin;
        const std::string from_base = "SPA - " + hex(region.range.begin);
        add_at(Kind::region, "region", region.id, offset, from_base);
        const DimmAddress at = dimm_address(region, spa_);
        const std::uint64_t chunk = offset / region.interleave;
        const auto ways = region.nvdimms.size();
        if (!region.interleave_table.empty()) {
            const std::uint64_t places = region.stripe() / region.interleave;
            add_at(Kind::nvdimm, "dpa", s_.machine.nvdimms[at.nvdimm].id, at.dpa,
                   "line " + std::to_string(chunk) + " of " + hex(region.interleave) +
                       " bytes: place " + std::to_string(chunk % places) + " of stripe " +
                       std::to_string(chunk / places) + ", by the interleave table line " +
                       std::to_string((at.dpa - region.dpa_base[at.way]) / region.interleave) +
                       " of way " + std::to_string(at.way));
        } else add_at(Kind::nvdimm, "dpa", s_.machine.nvdimms[at.nvdimm].id, at.dpa,
               "chunk " + std::to_string(chunk) + " of " + hex(region.interleave) + " bytes: way " +
                   std::to_string(at.way) + " of " + std::to_string(ways) + "; DPA = " +
                   hex(region.dpa_base[at.way]) + " + chunk / " + std::to_string(ways) + " * " +
                   hex(region.interleave) + " + " + hex(offset % region.interleave));
        add_sector(Kind::region_sector, "region-sector", region.id, offset / kSectorSize,
                   offset % kSectorSize, "(" + from_base + ") / 512");
    }

    /// What the kernel uses the byte for when it is none of the data.
    static std::string metadata(const NamespaceConfig& ns, std::uint64_t offset) {
        const std::string data = "data begin at " + hex(ns.data_offset);
        if (offset >= ns.data_offset) return "cut off: beyond the last whole aligned unit";
        if (ns.mode != NamespaceMode::fsdax && ns.mode != NamespaceMode::devdax)
            return "metadata: " + data;
        if (offset >= 4096 && offset < 8192) return "metadata: info block; " + data;
        if (ns.map_dev && offset >= 8192) return "metadata: page structures; " + data;
        return "metadata: unused; " + data;
    }

    void add_namespace(const NamespaceConfig& ns) {
        const std::uint64_t offset = spa_ - ns.range.begin;
        const bool data = ns.data().contains(spa_);
        std::string rule = "SPA - " + hex(ns.range.begin);
        const bool btt = ns.mode == NamespaceMode::sector;
        const address::BttPlace place = btt ? address::btt_place(ns, spa_) : address::BttPlace{};
        if (btt)
            rule += "; " + place.what;
        else if (!data)
            rule += "; " + metadata(ns, offset);
        if (!kernel::has_pages(ns)) rule += "; no struct pages: not in the direct map";
        add_at(Kind::name_space, "namespace", ns.id, offset, std::move(rule));
        const std::string from_data = "SPA - " + hex(ns.data().begin);
        if (btt) {
            if (place.sector)
                add_sector(Kind::sector, "sector", ns.device, *place.sector, spa_ % kSectorSize,
                           "block * 8 + (offset in it) / 512, while the block was never written");
        } else if (data && address::is_block_device(ns)) {
            const std::uint64_t at = spa_ - ns.data().begin;
            add_sector(Kind::sector, "sector", ns.device, at / kSectorSize, at % kSectorSize,
                       "(" + from_data + ") / 512");
        } else if (data) {
            add_at(Kind::device, "device", ns.device, spa_ - ns.data().begin, from_data);
        }
    }

    void add_files() {
        for (const FileConfig& file : s_.files)
            for (const Piece& e : address::pieces(s_, file))
                if (e.spa.contains(spa_))
                    add_at(Kind::file, "file", file.id, e.begin + (spa_ - e.spa.begin), e.rule);
    }

    void add_processes() {
        for (const ProcessConfig& p : s_.processes)
            for (const MapConfig& map : address::maps_of(s_, p))
                for (const Piece& e : address::pieces(s_, map))
                    if (e.spa.contains(spa_)) {
                        const std::uint64_t va = e.begin + (spa_ - e.spa.begin);
                        add(Kind::process, p.id + " " + map.id, va, e.rule,
                            "va:" + p.id + ":" + hex(va));
                    }
    }

    void add_kernel() {
        const std::uint64_t base = page_offset(s_);
        add(Kind::kaddr, "", base + spa_, "PAGE_OFFSET " + hex(base) + " + SPA",
            "kaddr:" + hex(base + spa_));
        // The decoy of the page: set_mce_nospec() works on whole pages (kernel.md 4.4).
        const std::uint64_t page = round_down(spa_, kPageSize);
        const std::uint64_t decoy = page + (base ^ (1ull << 63));
        add(Kind::decoy, "", decoy, "page " + hex(page) + " + (PAGE_OFFSET ^ 2^63)",
            "decoy:" + hex(decoy));
    }

    const Scenario& s_;
    const std::uint64_t spa_;
    std::vector<Coordinate> out_;
};

}  // namespace

DimmAddress dimm_address(const RegionConfig& region, std::uint64_t spa) {
    if (!region.interleave_table.empty()) {
        const pmem::InterleaveSet::Place place = pmem::InterleaveSet(region).decode(spa);
        return {place.way, region.nvdimms[place.way], place.dpa};
    }
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
    if (!region.interleave_table.empty()) return pmem::InterleaveSet(region).encode({way, dpa});
    return region.range.begin + (inside / region.interleave * ways + way) * region.interleave +
           inside % region.interleave;
}

std::uint64_t page_offset(const Scenario& scenario) {
    if (scenario.kernel.page_offset != 0) return scenario.kernel.page_offset;
    const kernel::Profile& p = kernel::profile(scenario.kernel.profile);
    return scenario.machine.cpus.la57 ? p.page_offset_5level : p.page_offset_4level;
}

std::uint64_t direct_map_size(const Scenario& scenario) {
    return 1ull << (scenario.machine.cpus.la57 ? 55 : 46);
}

bool in_direct_map(const Scenario& scenario, std::uint64_t spa) {
    if (spa >= direct_map_size(scenario)) return false;
    for (const DramConfig& dram : scenario.machine.memory)
        if (dram.range.contains(spa)) return true;
    // A neighbour's section may cover a namespace without struct pages; that is remapped all the
    // same.
    const NamespaceConfig* home = namespace_of(scenario, spa);
    if (home && !kernel::has_pages(*home)) return false;
    const kernel::Profile& profile = kernel::profile(scenario.kernel.profile);
    for (const NamespaceConfig& ns : scenario.machine.namespaces)
        if (kernel::has_pages(ns) && kernel::pgmap_range(ns, profile).contains(spa)) return true;
    return false;
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
        case Coordinate::Kind::memdev:
            return "memdev";
        case Coordinate::Kind::region_sector:
            return "region sector";
        case Coordinate::Kind::name_space:
            return "namespace";
        case Coordinate::Kind::sector:
            return "sector";
        case Coordinate::Kind::device:
            return "device";
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

std::vector<Coordinate> coordinates(const Scenario& scenario, std::uint64_t spa) {
    return Lister(scenario, spa).list();
}

}  // namespace mcemu
