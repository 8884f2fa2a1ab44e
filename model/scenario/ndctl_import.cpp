#include "scenario/ndctl_import.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/pmem/btt_layout.hpp"
#include "core/pmem/interleave.hpp"
#include "scenario/load.hpp"
#include "scenario/ndctl_list.hpp"

namespace mcemu::scenario {
namespace {

using Json = nlohmann::ordered_json;
using namespace ndctl;

constexpr std::uint64_t kMiB = 1ull << 20, kMaxBytes = 1ull << 52;
constexpr std::uint64_t kInterleave = 4096;  // what ndctl does not list

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

class Importer {
public:
    Importer(Document& document, Findings& findings, Findings& lost)
        : document_(document), findings_(findings), lost_(lost) {}

    std::optional<Json> import() {
        list_ = read_list(document_, findings_);
        if (!findings_.empty()) return std::nullopt;
        check_names();
        choose_regions();
        if (findings_.empty() && regions_.empty())
            refuse({&document_.root, "", ""}, "it lists no persistent memory",
                   "`ndctl list -BDRNM` lists modules, regions, namespaces and media errors");
        for (Placed& region : regions_) place_modules(region);
        for (Placed& region : regions_) place_namespaces(region);
        if (!findings_.empty()) return std::nullopt;
        for (Placed& region : regions_) plant(region);
        tell_what_is_lost();
        return scenario();
    }

private:
    struct Module {
        const Dimm* listed = nullptr;
        std::uint64_t size = 0;
        std::vector<DpaRange> poison;
    };
    struct PlacedNamespace {
        const Namespace* listed;
        std::uint64_t offset, size;
        Layout layout;
        bool explicit_layout = false;
    };
    struct Placed {
        Region region;
        bool listed = true;
        std::vector<std::string> modules;
        std::vector<std::uint64_t> dpa_base;
        std::vector<PlacedNamespace> namespaces;
        bool poisoned = false;
        std::uint64_t stripe() const { return modules.size() * kInterleave; }
    };

    void tell(Findings& to, const Entry& at, std::string wrong, std::string right) {
        to.add_at(at.value->source, at.value->offset, at.pointer,
                  {std::move(wrong), std::move(right)});
    }
    void refuse(const Entry& at, std::string wrong, std::string right) {
        tell(findings_, at, std::move(wrong), std::move(right));
    }
    void lose(const Entry& at, std::string what, std::string instead) {
        tell(lost_, at, std::move(what), std::move(instead));
    }

    template <class Entries>
    void unique(const Entries& entries) {
        std::set<std::string_view> seen;
        for (const auto& e : entries)
            if (!seen.insert(e.dev).second)
                refuse(e, in_quotes(e.dev) + " is listed twice", "one listing of one machine");
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
                refuse(ns, "the mode " + in_quotes(ns.mode) + " is unknown",
                       "raw, fsdax, devdax or sector");
            if (ns.size == 0 || ns.size > kMaxBytes || ns.size % kSectorSize != 0)
                refuse(ns, "a namespace of " + size_text(ns.size), "whole sectors");
            if (ns.align != kPageSize && ns.align != 2 * kMiB && ns.align != 1024 * kMiB)
                refuse(ns, "an alignment of " + size_text(ns.align), "4KiB, 2MiB or 1GiB");
        }
    }

    // ------------------------------------------------------------ regions and modules

    void choose_regions() {
        for (const Region& region : list_.regions) {
            if (!region.pmem) {
                lose(region, region.dev + " is no persistent memory", "it is left out");
                continue;
            }
            if (region.size == 0 || region.size > kMaxBytes)
                refuse(region, "a region of " + size_text(region.size), "at most 4096TiB");
            regions_.push_back({region, true, {}, {}, {}, false});
        }
        for (const Namespace& ns : list_.namespaces) {
            const std::string name = "region" + std::to_string(ns.region);
            const auto named = [&](const auto& r) { return r.dev == name; };
            if (std::any_of(list_.regions.begin(), list_.regions.end(), named) ||
                std::any_of(regions_.begin(), regions_.end(),
                            [&](const Placed& p) { return p.region.dev == name; }))
                continue;
            Region region;
            region.value = ns.value;
            region.pointer = ns.pointer;
            region.dev = name;
            regions_.push_back({region, false, {}, {}, {}, false});
            lose(ns, name + " is not listed",
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
                lose(p.region, "the modules of " + p.region.dev + " are not listed",
                     "it gets one; list with -D");
            std::size_t n = 0;
            std::string name;
            do name = "nmem" + std::to_string(n++);
            while (modules_.contains(name) || is_listed(name));
            ways.push_back({name, 0, p.region.size, 0});
        }
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < ways.size(); ++i) {
            const Mapping& m = ways[i];
            if (m.position != i || m.length != ways[0].length || m.offset > kMaxBytes ||
                m.length > kMaxBytes) {
                refuse(p.region, "the mappings of " + p.region.dev + " are no interleave set",
                       "equal lengths, and positions 0, 1, 2 ...");
                return;
            }
            sum += m.length;
            Module& module = modules_[m.dimm];
            module.size = std::max(module.size, m.offset + m.length);
            for (const Dimm& d : list_.dimms)
                if (d.dev == m.dimm) module.listed = &d;
            p.modules.push_back(m.dimm);
            p.dpa_base.push_back(m.offset);
        }
        if (sum != p.region.size)
            refuse(p.region,
                   "the mappings of " + p.region.dev + " have " + size_text(sum) +
                       " together, the region " + size_text(p.region.size),
                   "one interleave set per region");
        else if (p.region.size % p.stripe() != 0)
            refuse(p.region,
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
            lose(*here[1], "where the namespaces of " + p.region.dev + " begin is not listed",
                 "one behind the other, by number");
        std::uint64_t offset = 0;
        for (const Namespace* ns : here) {
            const bool last = ns == here.back();
            PlacedNamespace placed{ns, offset, 0, {}};
            const std::uint64_t rest = p.region.size - std::min(p.region.size, offset);
            if (p.listed && last && layout(*ns, offset, rest).capacity == ns->size)
                placed.size = rest;
            else
                placed.size = smallest(*ns, offset, placed.explicit_layout);
            placed.layout = layout(*ns, offset, placed.size);
            if (placed.explicit_layout)
                placed.layout.end_trunc = placed.size - placed.layout.data_offset - ns->size;
            if (p.listed && placed.size > rest) {
                refuse(*ns,
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
        modules_[p.modules[0]].size = p.region.size;
    }

    /// The least size at which a namespace offers what is listed. `trimmed`: it offers more, and
    /// has to be cut.
    std::uint64_t smallest(const Namespace& ns, std::uint64_t start, bool& trimmed) {
        if (ns.mode == "raw") return round_up(ns.size, kPageSize);
        const std::uint64_t unit = ns.mode == "sector" ? kPageSize : std::max(ns.align, 2 * kMiB);
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
        const std::uint64_t size = base + high * unit - start;
        trimmed = layout(ns, start, size).capacity != ns.size && ns.mode != "sector";
        if (ns.mode == "sector" && layout(ns, start, size).capacity != ns.size)
            lose(ns, "no BTT of 4096-byte sectors offers " + size_text(ns.size),
                 "it gets " + size_text(layout(ns, start, size).capacity));
        return size;
    }

    // ------------------------------------------------------------ media errors

    void plant(Placed& p) {
        const pmem::InterleaveSet set({0, p.region.size}, kInterleave, p.dpa_base);
        const auto rows = [&](const Entry& of, const std::vector<Badblocks>& bad, SpaRange within) {
            for (const Badblocks& row : bad) {
                const std::uint64_t size = within.size() / kSectorSize;
                if (row.offset >= size || row.length > size - row.offset) {
                    lose(of,
                         "the bad blocks " + std::to_string(row.offset) + " + " +
                             std::to_string(row.length) + " lie outside " + of.dev,
                         "they are left out");
                    continue;
                }
                const std::uint64_t begin = within.begin + row.offset * kSectorSize;
                for (std::uint32_t way = 0; way < set.ways(); ++way) {
                    const DpaRange part =
                        set.on_way({begin, begin + row.length * kSectorSize}, way);
                    if (part.begin < part.end) modules_[p.modules[way]].poison.push_back(part);
                }
                p.poisoned = true;
            }
        };
        rows(p.region, p.region.badblocks, {0, p.region.size});
        for (const PlacedNamespace& ns : p.namespaces) {
            // Those of a raw namespace are the whole region's, relative to it (nvdimm.md 14.1).
            const std::uint64_t begin = ns.offset + ns.layout.data_offset;
            const bool raw = ns.listed->mode == "raw" && !p.region.badblocks.empty();
            rows(*ns.listed, ns.listed->badblocks,
                 raw ? SpaRange{0, p.region.size} : SpaRange{begin, begin + ns.listed->size});
            if (ns.listed->badblock_count != 0 && ns.listed->badblocks.empty() && !p.poisoned)
                lose(*ns.listed,
                     std::to_string(ns.listed->badblock_count) +
                         " bad sectors are counted, and not where they are",
                     "no media error is planted; list with -M, a sector namespace with -R");
        }
        if (p.region.badblock_count != 0 && p.region.badblocks.empty() && !p.poisoned)
            lose(p.region,
                 std::to_string(p.region.badblock_count) +
                     " bad sectors are counted, and not where they are",
                 "no media error is planted; list with -M");
        if (p.poisoned)
            lose(p.region, "which lines of a bad sector are poisoned is not listed", "all eight");
    }

    // ------------------------------------------------------------ what is lost

    void unmodelled_keys(const Value& value, std::set<std::string>& keys) const {
        static const std::set<std::string_view> kKnown = {"provider",       "dev",
                                                          "dimms",          "regions",
                                                          "namespaces",     "handle",
                                                          "health",         "size",
                                                          "available_size", "max_available_extent",
                                                          "type",           "mappings",
                                                          "dimm",           "offset",
                                                          "length",         "position",
                                                          "badblock_count", "badblocks",
                                                          "mode",           "map",
                                                          "align",          "sector_size",
                                                          "blockdev",       "chardev",
                                                          "state",          "daxregion",
                                                          "scrub_state"};
        for (const Value& child : value.children()) {
            if (value.is(Value::Type::object) && !kKnown.contains(child.key))
                keys.insert(in_quotes(child.key));
            if (child.key != "health" && child.key != "daxregion") unmodelled_keys(child, keys);
        }
    }

    void tell_what_is_lost() {
        for (const Placed& p : regions_)
            lose(p.region,
                 "address and interleave granularity of " + p.region.dev + " are not listed",
                 "behind all memory, by 4KiB");
        for (const Dimm& d : list_.dimms) {
            if (!modules_.contains(d.dev))
                lose(d, d.dev + " belongs to no region, and its size is not listed",
                     "it is left out");
            if (d.has_health)
                lose(d, "a scenario does not say how healthy a module is", "a new one");
        }
        for (const Namespace& ns : list_.namespaces) {
            if (ns.disabled) lose(ns, ns.dev + " is disabled", "enabled when the scenario begins");
            if (ns.mode == "sector" && ns.sector_size != pmem::kBttSector)
                lose(ns, "sectors of " + std::to_string(ns.sector_size) + " bytes", "4096");
        }
        if (list_.buses.size() > 1)
            lose(list_.buses[1], "there are several buses", "one has all modules");
        std::set<std::string> keys;
        unmodelled_keys(document_.root, keys);
        if (keys.empty()) return;
        std::string all;
        for (const std::string& key : keys) all += (all.empty() ? "" : ", ") + key;
        lose({&document_.root, "", ""}, all + " are not modelled", "they are left out");
    }

    // ------------------------------------------------------------ the scenario

    Json scenario() const {
        const bool test = !list_.buses.empty() &&
                          std::all_of(list_.buses.begin(), list_.buses.end(), [](const Bus& bus) {
                              return bus.provider.starts_with("nfit_test");
                          });
        Json nvdimms = Json::array(), regions = Json::array(), namespaces = Json::array(),
             events = Json::array();
        for (const std::string& name : module_order()) {
            const Module& module = modules_.at(name);
            Json n = {{"id", name}, {"size", module.size}};
            if (test) n["profile"] = "test";
            if (module.listed && module.listed->handle) n["handle"] = *module.listed->handle;
            if (!module.poison.empty()) {
                Json poison = Json::array();
                for (const DpaRange& run : merged(module.poison))
                    poison.push_back({{"dpa", hex_text(run.begin)}, {"length", run.size()}});
                n["poison"] = std::move(poison);
            }
            nvdimms.push_back(std::move(n));
        }
        for (const Placed& p : regions_) {
            Json bases = Json::array();
            for (const std::uint64_t base : p.dpa_base) bases.push_back(hex_text(base));
            regions.push_back({{"id", p.region.dev},
                               {"size", p.region.size},
                               {"nvdimms", p.modules},
                               {"dpa_base", std::move(bases)}});
            for (const PlacedNamespace& ns : p.namespaces)
                namespaces.push_back(namespace_json(p, ns));
            // The kernel knows what it has listed: it has scrubbed.
            if (p.poisoned)
                events.push_back({{"id", "scrub-" + p.region.dev},
                                  {"at", 0},
                                  {"do", "scrub"},
                                  {"region", p.region.dev},
                                  {"kind", "ars-short"}});
        }
        return {{"schema", "mcemu/scenario/1"},
                {"name", "ndctl-list"},
                {"description", "The machine of an ndctl listing."},
                {"machine",
                 {{"nvdimms", std::move(nvdimms)},
                  {"regions", std::move(regions)},
                  {"namespaces", std::move(namespaces)}}},
                {"events", std::move(events)}};
    }

    /// Rising, what overlaps or touches as one.
    static std::vector<DpaRange> merged(std::vector<DpaRange> ranges) {
        std::sort(ranges.begin(), ranges.end(), [](const DpaRange& a, const DpaRange& b) {
            return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
        });
        std::vector<DpaRange> out;
        for (const DpaRange& r : ranges) {
            if (!out.empty() && r.begin <= out.back().end)
                out.back().end = std::max(out.back().end, r.end);
            else
                out.push_back(r);
        }
        return out;
    }

    /// As listed; those that are not, behind.
    std::vector<std::string> module_order() const {
        std::vector<std::string> out;
        for (const Dimm& d : list_.dimms)
            if (modules_.contains(d.dev)) out.push_back(d.dev);
        for (const Placed& p : regions_)
            for (const std::string& name : p.modules)
                if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
        return out;
    }

    static Json namespace_json(const Placed& p, const PlacedNamespace& ns) {
        Json out = {{"id", ns.listed->dev},
                    {"region", p.region.dev},
                    {"offset", ns.offset},
                    {"size", ns.size},
                    {"mode", ns.listed->mode}};
        if (ns.listed->mode == "fsdax" || ns.listed->mode == "devdax") {
            out["align"] = ns.listed->align;
            if (!ns.listed->map.empty()) out["map"] = ns.listed->map == "dev" ? "dev" : "mem";
        }
        if (ns.explicit_layout) out["end_trunc"] = ns.layout.end_trunc;
        if (!ns.listed->device.empty()) out["device"] = ns.listed->device;
        return out;
    }

    Document& document_;
    Findings& findings_;
    Findings& lost_;
    List list_;
    std::vector<Placed> regions_;
    std::map<std::string, Module> modules_;
};

}  // namespace

Imported import_ndctl(std::string name, std::string text) {
    Document document;
    Findings findings, lost;
    Imported out;
    const std::uint16_t source = document.add_source({std::move(name), std::move(text), {}});
    if (const auto root = parse(document, source, findings)) {
        document.root = *root;
        out.scenario = Importer(document, findings, lost).import();
    }
    out.findings = findings.finish(document);
    out.lost = lost.finish(document);
    if (!out.scenario || !out.findings.empty()) {
        out.scenario.reset();
        return out;
    }
    // What the list leaves possible and no machine can be is told as about the scenario.
    const LoadResult check = load_text("<imported scenario>", out.scenario->dump(2), {});
    if (check.loaded) return out;
    out.findings = check.findings;
    out.scenario.reset();
    return out;
}

}  // namespace mcemu::scenario
