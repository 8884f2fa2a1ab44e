#include "scenario/ndctl_import.hpp"

#include <algorithm>
#include <set>

#include "core/pmem/btt_layout.hpp"
#include "scenario/load.hpp"
#include "scenario/ndctl_machine.hpp"

namespace mcemu::scenario {
namespace {

using Json = nlohmann::ordered_json;
using namespace ndctl;

class Importer {
public:
    Importer(Document& document, Findings& findings, Findings& lost)
        : document_(document), findings_(findings), lost_(lost), lose_(lost) {}

    std::optional<Json> import() {
        list_ = read_list(document_, findings_);
        if (!findings_.empty()) return std::nullopt;
        machine_ = place(list_, document_, findings_, lost_);
        if (!findings_.empty()) return std::nullopt;
        tell_what_is_lost();
        return scenario();
    }

private:
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
        for (const Placed& p : machine_.regions)
            lose_(p.region,
                  "address and interleave granularity of " + p.region.dev + " are not listed",
                  "behind all memory, by 4KiB");
        for (const Dimm& d : list_.dimms) {
            if (!machine_.modules.contains(d.dev))
                lose_(d, d.dev + " belongs to no region, and its size is not listed",
                      "it is left out");
            if (d.has_health)
                lose_(d, "a scenario does not say how healthy a module is", "a new one");
        }
        for (const Namespace& ns : list_.namespaces) {
            if (ns.disabled) lose_(ns, ns.dev + " is disabled", "enabled when the scenario begins");
            if (ns.mode == "sector" && ns.sector_size != pmem::kBttSector)
                lose_(ns, "sectors of " + std::to_string(ns.sector_size) + " bytes", "4096");
        }
        if (list_.buses.size() > 1)
            lose_(list_.buses[1], "there are several buses", "one has all modules");
        std::set<std::string> keys;
        unmodelled_keys(document_.root, keys);
        if (keys.empty()) return;
        std::string all;
        for (const std::string& key : keys) all += (all.empty() ? "" : ", ") + key;
        lose_({&document_.root, "", ""}, all + " are not modelled", "they are left out");
    }

    // ------------------------------------------------------------ the scenario

    Json scenario() const {
        const bool test = !list_.buses.empty() &&
                          std::all_of(list_.buses.begin(), list_.buses.end(), [](const Bus& bus) {
                              return bus.provider.starts_with("nfit_test");
                          });
        Json nvdimms = Json::array(), regions = Json::array(), namespaces = Json::array(),
             events = Json::array();
        std::uint64_t pieces = 0;
        for (const auto& [name, module] : machine_.modules) pieces += module.poison.size();
        for (const std::string& name : module_order()) {
            const Module& module = machine_.modules.at(name);
            Json n = {{"id", name}, {"size", module.size}};
            if (test) n["profile"] = "test";
            if (module.listed && module.listed->handle) n["handle"] = *module.listed->handle;
            // One answer of the scrub has room for all that is listed.
            constexpr std::uint64_t kHeader = 48, kRecord = 24, kUsual = 170;
            if (pieces > kUsual) n["max_ars_out"] = kHeader + kRecord * pieces;
            if (!module.poison.empty()) {
                Json poison = Json::array();
                for (const DpaRange& run : merged(module.poison))
                    poison.push_back({{"dpa", hex_text(run.begin)}, {"length", run.size()}});
                n["poison"] = std::move(poison);
            }
            nvdimms.push_back(std::move(n));
        }
        for (const Placed& p : machine_.regions) {
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
            if (machine_.modules.contains(d.dev)) out.push_back(d.dev);
        for (const Placed& p : machine_.regions)
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
        if (ns.end_trunc) out["end_trunc"] = *ns.end_trunc;
        if (!ns.listed->device.empty()) out["device"] = ns.listed->device;
        return out;
    }

    Document& document_;
    Findings& findings_;
    Findings& lost_;
    Remarks lose_;
    List list_;
    Machine machine_;
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
