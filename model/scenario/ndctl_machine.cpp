#include "scenario/ndctl_machine.hpp"

#include <algorithm>
#include <set>

#include "core/pmem/btt_layout.hpp"
#include "core/pmem/interleave.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::scenario::ndctl {
namespace {

constexpr std::uint64_t kMaxBytes = 1ull << 52;

/// Where the data of a namespace of [start, start + size) begin and end (nvdimm.md 3.2).
struct Layout {
    std::uint64_t data_offset = 0, end_trunc = 0, capacity = 0;
};
Layout layout(const Namespace& ns, std::uint64_t start, std::uint64_t size) {
    if (ns.mode == "sector") return {0, 0, pmem::btt_capacity({start, start + size}, 0)};
    if (ns.mode == "raw") return {0, 0, size};
    const std::uint64_t align = std::max(ns.align, 2 * kMiB);
    const std::uint64_t pages = size < 8192 ? 0 : (size - 8192) / kPageSize;
    const std::uint64_t need = 8192 + (ns.map == "dev" ? 64 * pages : 0);
    Layout out;
    out.data_offset = round_up(start + need, align) - start;
    out.end_trunc = start + size - round_down(start + size, align);
    const std::uint64_t lost = out.data_offset + out.end_trunc;
    out.capacity = size > lost ? size - lost : 0;
    return out;
}

class Builder {
public:
    Builder(List& list, Findings& findings, Findings& lost)
        : list_(list), findings_(findings), refuse_(findings), lose_(lost) {}

    Machine build(const Document& document) {
        check_names();
        choose_regions();
        if (findings_.empty() && machine_.regions.empty())
            refuse_({&document.root, "", ""}, "it lists no persistent memory",
                    "`ndctl list -BDRNM` lists modules, regions, namespaces and media errors");
        for (Placed& region : machine_.regions) place_modules(region);
        for (Placed& region : machine_.regions) place_namespaces(region);
        if (findings_.empty())
            for (Placed& region : machine_.regions) plant(region);
        return std::move(machine_);
    }

private:
    template <class Entries>
    void unique(const Entries& entries) {
        std::set<std::string_view> seen;
        for (const auto& e : entries)
            if (!seen.insert(e.dev).second)
                refuse_(e, in_quotes(e.dev) + " is listed twice", "one listing of one machine");
    }
    void check_names() {
        unique(list_.dimms);
        unique(list_.regions);
        unique(list_.namespaces);
        for (Namespace& ns : list_.namespaces) {
            // Names before ndctl 61.
            if (ns.mode == "memory") ns.mode = "fsdax";
            if (ns.mode == "dax") ns.mode = "devdax";
            if (ns.mode == "safe") ns.mode = "sector";
            const bool known = ns.mode == "raw" || ns.mode == "fsdax" || ns.mode == "devdax" ||
                               ns.mode == "sector";
            if (!known)
                refuse_(ns, "the mode " + in_quotes(ns.mode) + " is unknown",
                        "raw, fsdax, devdax or sector");
            if (ns.size == 0 || ns.size > kMaxBytes || ns.size % kSectorSize != 0)
                refuse_(ns, "a namespace of " + size_text(ns.size), "whole sectors");
            if (ns.align != kPageSize && ns.align != 2 * kMiB && ns.align != 1024 * kMiB)
                refuse_(ns, "an alignment of " + size_text(ns.align), "4KiB, 2MiB or 1GiB");
        }
    }

    // ------------------------------------------------------------ regions and modules

    void choose_regions() {
        for (const Region& region : list_.regions) {
            if (!region.pmem) {
                lose_(region, region.dev + " is no persistent memory",
                      "it is left out, with its namespaces");
                continue;
            }
            if (region.size == 0 || region.size > kMaxBytes)
                refuse_(region, "a region of " + size_text(region.size), "at most 4096TiB");
            machine_.regions.push_back({region, true, {}, {}, {}, false});
        }
        for (const Namespace& ns : list_.namespaces) {
            const std::string name = "region" + std::to_string(ns.region);
            const auto named = [&](const auto& r) { return r.dev == name; };
            if (std::any_of(list_.regions.begin(), list_.regions.end(), named) ||
                std::any_of(machine_.regions.begin(), machine_.regions.end(),
                            [&](const Placed& p) { return p.region.dev == name; }))
                continue;
            Region region;
            region.value = ns.value;
            region.pointer = ns.pointer;
            region.dev = name;
            machine_.regions.push_back({region, false, {}, {}, {}, false});
            lose_(ns, name + " is not listed",
                  "it gets one module, as large as its namespaces need; "
                  "list with -R and -D");
        }
    }

    void place_modules(Placed& p) {
        std::vector<Mapping> ways = p.region.mappings;
        std::stable_sort(ways.begin(), ways.end(), [](const Mapping& a, const Mapping& b) {
            return a.position < b.position;
        });
        if (ways.empty()) {
            if (p.listed)
                lose_(p.region, "the modules of " + p.region.dev + " are not listed",
                      "it gets one; list with -D");
            std::size_t n = 0;
            std::string name;
            do name = "nmem" + std::to_string(n++);
            while (machine_.modules.contains(name) || is_listed(name));
            ways.push_back({name, 0, p.region.size, 0});
        }
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < ways.size(); ++i) {
            const Mapping& m = ways[i];
            if (m.position != i || m.length != ways[0].length || m.offset > kMaxBytes ||
                m.length > kMaxBytes) {
                refuse_(p.region, "the mappings of " + p.region.dev + " are no interleave set",
                        "equal lengths, and positions 0, 1, 2 ...");
                return;
            }
            sum += m.length;
            Module& module = machine_.modules[m.dimm];
            module.size = std::max(module.size, m.offset + m.length);
            for (const Dimm& d : list_.dimms)
                if (d.dev == m.dimm) module.listed = &d;
            p.modules.push_back(m.dimm);
            p.dpa_base.push_back(m.offset);
        }
        if (sum != p.region.size)
            refuse_(p.region,
                    "the mappings of " + p.region.dev + " have " + size_text(sum) +
                        " together, the region " + size_text(p.region.size),
                    "one interleave set per region");
        else if (p.region.size % p.stripe() != 0)
            refuse_(p.region,
                    size_text(p.region.size) + " is not a whole number of stripes of " +
                        size_text(p.stripe()),
                    "modules that are interleaved by 4KiB");
    }
    bool is_listed(const std::string& dimm) const {
        return std::any_of(list_.dimms.begin(), list_.dimms.end(),
                           [&](const Dimm& d) { return d.dev == dimm; });
    }

    // ------------------------------------------------------------ namespaces

    void place_namespaces(Placed& p) {
        std::vector<const Namespace*> here;
        for (const Namespace& ns : list_.namespaces)
            if ("region" + std::to_string(ns.region) == p.region.dev) here.push_back(&ns);
        std::stable_sort(here.begin(), here.end(), [](const Namespace* a, const Namespace* b) {
            return a->number < b->number;
        });
        if (here.size() > 1)
            lose_(*here[1], "where the namespaces of " + p.region.dev + " begin is not listed",
                  "one behind the other, by number");
        std::uint64_t offset = 0;
        for (const Namespace* ns : here) {
            const bool last = ns == here.back();
            // Page structs need it, and their kernel would refuse them elsewhere.
            if (ns->mode == "fsdax" || ns->mode == "devdax") offset = round_up(offset, 2 * kMiB);
            PlacedNamespace placed{ns, offset, 0};
            bool trimmed = false;
            const std::uint64_t rest = p.region.size - std::min(p.region.size, offset);
            if (p.listed && last && layout(*ns, offset, rest).capacity == ns->size)
                placed.size = rest;
            else
                placed.size = smallest(*ns, offset, trimmed);
            placed.data_offset = layout(*ns, offset, placed.size).data_offset;
            if (trimmed) placed.end_trunc = placed.size - placed.data_offset - ns->size;
            if (p.listed && placed.size > rest) {
                refuse_(*ns,
                        ns->dev + " needs " + size_text(placed.size) + " of " + p.region.dev +
                            ", which has " + size_text(rest) + " left",
                        "a size that fits");
                return;
            }
            offset += placed.size;
            p.namespaces.push_back(placed);
        }
        if (p.listed || !findings_.empty()) return;
        p.region.size = round_up(offset, 2 * kMiB);
        machine_.modules[p.modules[0]].size = p.region.size;
    }

    /// The least size at which a namespace offers what is listed. `trimmed`: it offers more, and
    /// has to be cut.
    std::uint64_t smallest(const Namespace& ns, std::uint64_t start, bool& trimmed) {
        if (ns.mode == "raw") return round_up(ns.size, kPageSize);
        // ndctl makes them of whole 2 MiB and more; only where that does not fit, of pages.
        if (ns.mode == "sector") {
            const std::uint64_t size = least(ns, start, 2 * kMiB);
            if (layout(ns, start, size).capacity == ns.size) return size;
        }
        const std::uint64_t size =
            least(ns, start, ns.mode == "sector" ? kPageSize : std::max(ns.align, 2 * kMiB));
        trimmed = layout(ns, start, size).capacity != ns.size && ns.mode != "sector";
        if (ns.mode == "sector" && layout(ns, start, size).capacity != ns.size)
            lose_(ns, "no BTT of 4096-byte sectors offers " + size_text(ns.size),
                  "it gets " + size_text(layout(ns, start, size).capacity));
        return size;
    }

    /// The least size in steps of `unit` that offers what is listed.
    static std::uint64_t least(const Namespace& ns, std::uint64_t start, std::uint64_t unit) {
        const std::uint64_t base = round_down(start, unit);
        // The capacity rises with the number of whole units up to the end.
        std::uint64_t low = ns.size / unit, high = low + low / 32 + 64 * kMiB / unit + 8;
        while (low < high) {
            const std::uint64_t middle = low + (high - low) / 2;
            if (layout(ns, start, base + middle * unit - start).capacity >= ns.size)
                high = middle;
            else
                low = middle + 1;
        }
        return base + high * unit - start;
    }

    // ------------------------------------------------------------ media errors

    void plant(Placed& p) {
        const pmem::InterleaveSet set({0, p.region.size}, kInterleave, p.dpa_base);
        const auto rows = [&](const Entry& of, const std::vector<Badblocks>& bad, SpaRange within) {
            for (const Badblocks& row : bad) {
                const std::uint64_t size = within.size() / kSectorSize;
                if (row.offset >= size || row.length > size - row.offset) {
                    lose_(of,
                          "the bad blocks " + std::to_string(row.offset) + " + " +
                              std::to_string(row.length) + " lie outside " + of.dev,
                          "they are left out");
                    continue;
                }
                const std::uint64_t begin = within.begin + row.offset * kSectorSize;
                for (std::uint32_t way = 0; way < set.ways(); ++way) {
                    const DpaRange part =
                        set.on_way({begin, begin + row.length * kSectorSize}, way);
                    if (part.begin < part.end)
                        machine_.modules[p.modules[way]].poison.push_back(part);
                }
                p.poisoned = true;
            }
        };
        rows(p.region, p.region.badblocks, {0, p.region.size});
        for (const PlacedNamespace& ns : p.namespaces) {
            // Those of a raw namespace are the whole region's, relative to it (nvdimm.md 14.1).
            const std::uint64_t begin = ns.offset + ns.data_offset;
            const bool raw = ns.listed->mode == "raw" && !p.region.badblocks.empty();
            rows(*ns.listed, ns.listed->badblocks,
                 raw ? SpaRange{0, p.region.size} : SpaRange{begin, begin + ns.listed->size});
            if (ns.listed->badblock_count != 0 && ns.listed->badblocks.empty() && !p.poisoned)
                lose_(*ns.listed,
                      std::to_string(ns.listed->badblock_count) +
                          " bad sectors are counted, and not where they are",
                      "no media error is planted; list with -M, a sector namespace with -R");
        }
        if (p.region.badblock_count != 0 && p.region.badblocks.empty() && !p.poisoned)
            lose_(p.region,
                  std::to_string(p.region.badblock_count) +
                      " bad sectors are counted, and not where they are",
                  "no media error is planted; list with -M");
        if (p.poisoned)
            lose_(p.region, "which lines of a bad sector are poisoned is not listed", "all eight");
    }

    List& list_;
    Findings& findings_;
    Remarks refuse_, lose_;
    Machine machine_;
};

}  // namespace

Machine place(List& list, const Document& document, Findings& findings, Findings& lost) {
    return Builder(list, findings, lost).build(document);
}

}  // namespace mcemu::scenario::ndctl
