// ndctl list (ndctl/list.c, util/json.c; nvdimm.md 14.1).
#include <algorithm>
#include <set>

#include "core/kernel/kernel.hpp"
#include "core/kernel/ndctl/ndctl.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/kernel/nvdimm/scrub.hpp"
#include "core/pmem/namespace_layout.hpp"
#include "core/pmem/nfit_text.hpp"
#include "core/pmem/set_cookie.hpp"

namespace mcemu::kernel {
namespace {

bool paged(NamespaceMode mode) {
    return mode == NamespaceMode::fsdax || mode == NamespaceMode::devdax;
}

}  // namespace

Node Ndctl::bus_node() const {
    const MachineConfig& machine = kernel_.env.machine;
    const bool test = std::all_of(machine.nvdimms.begin(), machine.nvdimms.end(),
                                  [](auto& n) { return n.profile == NvdimmProfile::test; });
    Node n = Node::object();
    n.add("provider", test ? "nfit_test.0" : "ACPI.NFIT").add("dev", "ndbus0");
    if (has_ars())
        n.add("scrub_state", kernel_.libnvdimm.scrub().busy() ? "active" : "idle");
    return n;
}

/// badblock_count where it is not zero; the rows with the modules that hold them, by Translate SPA
/// of every sector until every way was seen. Without a translation no modules are named.
Task<void> Ndctl::add_badblocks(Context& ctx, Node& to, std::uint32_t region, std::vector<Row> rows,
                                std::uint64_t base, bool listed) {
    const RegionConfig& config = kernel_.env.machine.regions[region];
    const auto& modules = kernel_.env.machine.nvdimms;
    std::uint64_t count = 0;
    for (const Row& row : rows) count += row.count;
    if (count == 0) co_return;
    to.add("badblock_count", count);
    if (!listed) co_return;
    Node list = Node::list();
    for (const Row& row : rows) {
        std::set<std::uint32_t> held;
        bool known = true;
        for (std::uint64_t i = 0; known && i < row.count && held.size() < config.nvdimms.size(); ++i) {
            DsmEvent call;
            call.function = DsmEvent::Function::translate_spa;
            call.address = base + (row.first + i) * kSectorSize;
            DsmReply reply;
            const int rc = co_await kernel_.libnvdimm.ioctl(ctx, call, reply);
            known = rc == 0 && !reply.records.empty();
            if (!known) break;
            for (std::uint32_t n = 0; n < modules.size(); ++n)
                if (modules[n].handle == reply.records[0].handle) held.insert(n);
        }
        Node entry = Node::object();
        entry.add("offset", row.first).add("length", row.count);
        if (known) {
            Node dimms = Node::list();
            for (const std::uint32_t n : held) dimms.push(modules[n].id);
            entry.add("dimms", std::move(dimms));
        }
        list.push(std::move(entry));
    }
    to.add("badblocks", std::move(list));
}

Task<Node> Ndctl::namespace_node(Context& ctx, std::uint32_t index, bool media_errors) {
    const NvdimmBus& bus = kernel_.libnvdimm.bus();
    const PmemNamespace& ns = bus.namespaces()[index];
    const NamespaceConfig used = used_as(index);
    const bool pages = paged(used.mode), sector = used.mode == NamespaceMode::sector;
    const std::uint64_t size = pmem::namespace_capacity(used);
    Node n = Node::object();
    n.add("dev", used.id).add("mode", word(used.mode));
    if (pages) n.add("map", used.map_dev ? "dev" : "mem");
    n.add("size", Node::bytes(size));
    if (used.mode == NamespaceMode::devdax) {
        Node device = Node::object();
        device.add("chardev", used.device).add("size", Node::bytes(size));
        n.add("daxregion", Node::object()
                               .add("id", used.number_region)
                               .add("size", Node::bytes(size))
                               .add("align", used.align)
                               .add("devices", Node::list().push(std::move(device))));
    } else {
        n.add("sector_size", static_cast<std::uint64_t>(sector ? used.sector_size : kSectorSize));
    }
    if (pages) n.add("align", used.align);
    if (ns.enabled)
        n.add(used.mode == NamespaceMode::devdax ? "chardev" : "blockdev", used.device);
    if (!used.uuid.empty()) n.add("uuid", used.uuid);
    if (!used.label.empty()) n.add("name", used.label);
    if (!ns.enabled) n.add("state", "disabled");

    const PmemRegion& region = bus.regions()[used.region];
    const SpaRange home = region.config->range;
    std::vector<Row> rows;
    const SpaRange part = pages ? used.data() : used.range;
    const std::uint64_t first = (part.begin - home.begin) / kSectorSize;
    const std::uint64_t end = (part.end - home.begin) / kSectorSize;
    const bool raw = used.mode == NamespaceMode::raw;
    for (const Badblocks::Row& r : region.bad.rows()) {
        if (raw) {  // all of the region's, those of its neighbours too, relative to the region
            rows.push_back({r.start, r.length});
            continue;
        }
        const std::uint64_t from = std::max(r.start, first), to = std::min(r.end(), end);
        if (from < to) rows.push_back({from - first, to - from});
    }
    std::uint64_t base = raw ? home.begin : part.begin;
    if (raw && rows.empty()) {
        for (const Badblocks::Row& r : ns.bad.rows()) rows.push_back({r.start, r.length});
        base = part.begin;
    }
    co_await add_badblocks(ctx, n, used.region, std::move(rows), base, media_errors && !sector);
    co_return n;
}

Task<Node> Ndctl::dimm_node(Context& ctx, std::uint32_t nvdimm, bool with_health) {
    const NvdimmConfig& config = kernel_.env.machine.nvdimms[nvdimm];
    const Dimm& dimm = kernel_.libnvdimm.bus().dimms()[nvdimm];
    Node n = Node::object();
    n.add("dev", config.id).add("id", pmem::dimm_id(config)).add("handle", config.handle);
    for (const pmem::FlagWord& flag : pmem::kListedFlags)
        if (dimm.map_flags & flag.bit || (flag.bit == kMapFlushFail && dimm.dirty))
            n.add(flag.key, true);
    if (!dimm.enabled) n.add("state", "disabled");
    if (dimm.locked) n.add("security", "locked");
    const Health h = co_await health(ctx, nvdimm);
    if (h.error != 0) co_return n;
    if (with_health) n.add("health", health_node(h));
    co_return n;
}

bool Ndctl::concerns(const NdctlEvent& c, std::uint32_t region) const {
    if (c.region >= 0 && c.region != static_cast<int>(region)) return false;
    if (c.ns >= 0 && kernel_.namespaces[static_cast<std::size_t>(c.ns)].region != region) return false;
    if (c.nvdimm < 0) return true;
    const auto& ways = kernel_.env.machine.regions[region].nvdimms;
    return std::find(ways.begin(), ways.end(), static_cast<std::uint32_t>(c.nvdimm)) != ways.end();
}

Task<Node> Ndctl::region_node(Context& ctx, std::uint32_t index, const NdctlEvent& c) {
    const MachineConfig& machine = kernel_.env.machine;
    const NvdimmBus& bus = kernel_.libnvdimm.bus();
    const PmemRegion& region = bus.regions()[index];
    const SpaRange range = region.config->range;
    std::uint64_t available = range.size(), extent = 0;
    for (const PmemNamespace& ns : bus.namespaces())
        if (ns.made.present && ns.made.region == index) available -= ns.made.range.size();
    if (const auto largest = room(index, std::nullopt, std::nullopt)) extent = largest->size();
    Node n = Node::object();
    n.add("dev", region.config->id).add("size", Node::bytes(range.size()));
    n.add("available_size", Node::bytes(available));
    n.add("max_available_extent", Node::bytes(extent)).add("type", "pmem");
    n.add("iset_id", pmem::set_cookie(machine, *region.config));  // signed, as ndctl prints it
    if (region.read_only) n.add("ro", true);
    if (c.listing.dimms) {
        Node mappings = Node::list();
        for (std::size_t way = 0; way < region.config->nvdimms.size(); ++way)
            mappings.push(Node::object()
                              .add("dimm", machine.nvdimms[region.config->nvdimms[way]].id)
                              .add("offset", region.config->dpa_base[way])
                              .add("length", range.size() / region.config->nvdimms.size())
                              .add("position", static_cast<std::uint64_t>(way)));
        n.add("mappings", std::move(mappings));
    }
    if (!region.enabled) n.add("state", "disabled");
    std::vector<Row> rows;
    for (const Badblocks::Row& r : region.bad.rows()) rows.push_back({r.start, r.length});
    co_await add_badblocks(ctx, n, index, std::move(rows), range.begin, c.listing.media_errors);
    const std::string domain = pmem::persistence_domain(machine);
    n.add("persistence_domain", domain.empty() ? "none" : domain);
    co_return n;
}

Task<void> Ndctl::list(Context& ctx, const NdctlEvent& c, Outcome& out) {
    const MachineConfig& machine = kernel_.env.machine;
    NdctlEvent::Listing what = c.listing;
    if (what.health && !what.buses && !what.regions && !what.namespaces) what.dimms = true;
    if (!what.buses && !what.dimms && !what.regions && !what.namespaces)
        (c.region >= 0 && c.ns < 0 ? what.regions : what.namespaces) = true;
    NdctlEvent asked = c;
    asked.listing = what;
    const auto& spaces = kernel_.libnvdimm.bus().namespaces();
    const auto shown = [&](std::uint32_t i) {
        const PmemNamespace& ns = spaces[i];
        return ns.made.present && (ns.enabled || what.idle) &&
               (c.ns < 0 || c.ns == static_cast<int>(i)) && concerns(c, ns.made.region);
    };

    Node dimms = Node::list(), regions = Node::list(), namespaces = Node::list();
    if (what.dimms)
        for (std::uint32_t i = 0; i < machine.nvdimms.size(); ++i) {
            if (c.nvdimm >= 0 && c.nvdimm != static_cast<int>(i)) continue;
            bool in_region = c.region < 0 && c.ns < 0;
            for (std::uint32_t r = 0; r < machine.regions.size(); ++r) {
                const auto& ways = machine.regions[r].nvdimms;
                in_region = in_region || (concerns(c, r) &&
                                          std::find(ways.begin(), ways.end(), i) != ways.end());
            }
            if (!in_region) continue;
            Node dimm = co_await dimm_node(ctx, i, what.health);
            dimms.push(std::move(dimm));
        }
    for (std::uint32_t r = 0; what.regions && r < machine.regions.size(); ++r) {
        const bool enabled = kernel_.libnvdimm.bus().regions()[r].enabled;
        if (!concerns(c, r) || (!enabled && !what.idle)) continue;
        Node region = co_await region_node(ctx, r, asked);
        Node inside = Node::list();
        for (std::uint32_t i = 0; what.namespaces && i < spaces.size(); ++i) {
            if (!shown(i) || spaces[i].made.region != r) continue;
            Node ns = co_await namespace_node(ctx, i, what.media_errors);
            inside.push(std::move(ns));
        }
        if (!inside.empty()) region.add("namespaces", std::move(inside));
        regions.push(std::move(region));
    }
    for (std::uint32_t i = 0; what.namespaces && !what.regions && i < spaces.size(); ++i) {
        if (!shown(i)) continue;
        Node ns = co_await namespace_node(ctx, i, what.media_errors);
        namespaces.push(std::move(ns));
    }

    const auto fill = [&](Node& n) {
        if (what.dimms && !dimms.empty()) n.add("dimms", std::move(dimms));
        if (what.regions && !regions.empty()) n.add("regions", std::move(regions));
        if (what.namespaces && !what.regions && !namespaces.empty())
            n.add("namespaces", std::move(namespaces));
    };
    if (what.buses) {
        Node bus = bus_node();
        fill(bus);
        out.output = Node::list().push(std::move(bus));
        co_return;
    }
    const int kinds = what.dimms + what.regions + (what.namespaces && !what.regions);
    if (kinds == 1) {
        out.output = what.dimms ? std::move(dimms)
                     : what.regions ? std::move(regions)
                                    : std::move(namespaces);
        if (out.output.empty()) out.output = Node{};  // it prints nothing
        co_return;
    }
    out.output = Node::object();
    fill(out.output);
}

}  // namespace mcemu::kernel
