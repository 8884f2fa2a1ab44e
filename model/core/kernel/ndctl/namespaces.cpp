// ndctl create-, destroy- and check-namespace (ndctl/namespace.c, ndctl/check.c).
#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/ndctl/ndctl.hpp"
#include "core/kernel/nvdimm/btt.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/pmem/namespace_layout.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint64_t kMiB = 1ull << 20, kGiB = 1ull << 30;

bool paged(NamespaceMode mode) {
    return mode == NamespaceMode::fsdax || mode == NamespaceMode::devdax;
}

}  // namespace

/// validate_namespace_options(): what is asked for, completed by what was before, or by defaults.
int Ndctl::complete(const NamespaceRequest& r, const NamespaceConfig* before,
                    NamespaceConfig& c, Outcome& out) const {
    const auto refuse = [&](const char* why) {
        out.messages.emplace_back(why);
        return -EINVAL;
    };
    c.mode = r.mode.value_or(before ? before->mode : NamespaceMode::fsdax);
    if (!paged(c.mode)) {
        if (r.align) return refuse("--align is only valid for fsdax and devdax");
        if (r.map_dev) return refuse("--map is only valid for fsdax and devdax");
    }
    const bool keeps = before && paged(before->mode) && paged(c.mode);
    c.align = r.align.value_or(keeps ? before->align : 2 * kMiB);
    if (c.align != kPageSize && c.align != 2 * kMiB && c.align != kGiB)
        return refuse("unsupported --align");
    c.map_dev = paged(c.mode) && r.map_dev.value_or(keeps ? before->map_dev : true);
    if (c.mode == NamespaceMode::sector) {
        c.sector_size = r.sector_size.value_or(
            before && before->mode == NamespaceMode::sector ? before->sector_size : 4096);
        if (c.sector_size != 512 && c.sector_size != 4096)
            return refuse("unsupported --sector-size");
    } else if (r.sector_size && *r.sector_size != 512 && *r.sector_size != 4096) {
        return refuse("unsupported --sector-size");
    }
    c.label = r.name;
    c.uuid = r.uuid;
    if (r.size) {
        // Whole stripes, each module's part aligned.
        const std::uint64_t ways = kernel_.env.machine.regions[c.region].nvdimms.size();
        const std::uint64_t unit = ways * (paged(c.mode) ? c.align : kPageSize);
        if (*r.size == 0 || *r.size % unit != 0)
            return refuse("--size= must align to interleave-width and alignment");
    }
    return 0;
}

/// The largest free extent of the region, or the first that holds what is asked for.
std::optional<SpaRange> Ndctl::room(std::uint32_t region, std::optional<std::uint64_t> size,
                                    std::optional<std::uint64_t> offset) const {
    const SpaRange all = kernel_.env.machine.regions[region].range;
    std::vector<SpaRange> used;
    for (const PmemNamespace& ns : kernel_.libnvdimm.bus().namespaces())
        if (ns.made.present && ns.made.region == region) used.push_back(ns.made.range);
    used.push_back({all.end, all.end});
    std::sort(used.begin(), used.end(),
              [](const SpaRange& a, const SpaRange& b) { return a.begin < b.begin; });
    std::optional<SpaRange> best;
    std::uint64_t at = all.begin;
    for (const SpaRange& u : used) {
        SpaRange free{at, u.begin};
        at = u.end;
        if (free.begin >= free.end) continue;
        if (offset) {
            const std::uint64_t begin = all.begin + *offset;
            if (!free.contains(begin)) continue;
            free.begin = begin;
        }
        if (size && *size > free.size()) continue;
        if (size) return SpaRange{free.begin, free.begin + *size};
        if (!best || free.size() > best->size()) best = free;
    }
    return best;
}

Task<void> Ndctl::make(Context& ctx, std::uint32_t ns, NamespaceConfig config, Outcome& out) {
    const pmem::NamespaceLayout layout =
        pmem::namespace_layout(config.range, config.mode, config.map_dev, config.align,
                               config.data_offset != 0);
    if (layout.error != 0) {
        out.ret = layout.error;
        co_return;
    }
    config.data_offset = layout.data_offset;
    config.end_trunc = layout.end_trunc;
    config.device = pmem::device_name(config.mode, config.number_region, config.number);
    out.ret = kernel_.libnvdimm.create(ns, config);
    if (out.ret != 0) co_return;
    out.ret = co_await kernel_.libnvdimm.write_metadata(ctx, ns);
    if (out.ret == 0) out.ret = co_await kernel_.libnvdimm.enable(ctx, ns);
    if (out.ret != 0) {
        kernel_.libnvdimm.destroy(ns);
        out.messages.push_back("failed to enable " + config.id);
        co_return;
    }
    out.output = co_await namespace_node(ctx, ns, false);
}

Task<void> Ndctl::create(Context& ctx, const NdctlEvent& c, Outcome& out) {
    const auto ns = static_cast<std::uint32_t>(c.ns);
    const PmemNamespace& there = kernel_.libnvdimm.bus().namespaces()[ns];
    if (there.made.present) {
        out.ret = -EBUSY;
        out.messages.push_back(there.made.id + " exists");
        co_return;
    }
    NamespaceConfig config = there.made;
    config.region = static_cast<std::uint32_t>(c.region);
    const PmemRegion& region = kernel_.libnvdimm.bus().regions()[config.region];
    if (!region.enabled) {
        out.ret = -ENXIO;
        out.messages.push_back(region.config->id + " is disabled");
        co_return;
    }
    out.ret = complete(c.make, nullptr, config, out);
    if (out.ret != 0) co_return;
    const auto range = room(config.region, c.make.size, c.make.offset);
    if (!range) {
        out.ret = -ENOSPC;
        out.messages.push_back("no room for it in " + region.config->id);
        co_return;
    }
    config.range = *range;
    config.data_offset = c.make.label_v1_1 ? kPageSize : 0;
    co_await make(ctx, ns, config, out);
}

Task<void> Ndctl::destroy(Context& ctx, const NdctlEvent& c, Outcome& out) {
    std::int64_t done = 0;
    for (std::uint32_t ns = 0; ns < kernel_.namespaces.size(); ++ns) {
        const PmemNamespace& there = kernel_.libnvdimm.bus().namespaces()[ns];
        if (!there.made.present && c.ns == static_cast<int>(ns)) out.ret = -ENXIO;
        if (!there.made.present || (!c.all && c.ns != static_cast<int>(ns))) continue;
        if (c.all && c.region >= 0 && there.made.region != static_cast<std::uint32_t>(c.region))
            continue;
        int rc = 0;
        if (there.enabled && !c.force) {
            rc = -EBUSY;
            out.messages.push_back(there.made.id + " is active, specify --force for re-configuration");
        } else {
            if (there.enabled) rc = co_await kernel_.libnvdimm.disable(ctx, ns);
            if (rc == 0) rc = kernel_.libnvdimm.destroy(ns);
        }
        if (rc == 0) ++done;
        else out.ret = rc;
    }
    out.messages.push_back("destroyed " + std::to_string(done) +
                           (done == 1 ? " namespace" : " namespaces"));
}

/// ndctl create-namespace --reconfig: destroyed and made anew in its place.
Task<void> Ndctl::reconfigure(Context& ctx, const NdctlEvent& c, Outcome& out) {
    const auto ns = static_cast<std::uint32_t>(c.ns);
    const PmemNamespace& there = kernel_.libnvdimm.bus().namespaces()[ns];
    if (!there.made.present) {
        out.ret = -ENXIO;
        co_return;
    }
    const NamespaceConfig before = there.made;
    NamespaceConfig config = before;
    out.ret = complete(c.make, &before, config, out);
    if (out.ret != 0) co_return;
    if (there.enabled && !c.force) {
        out.ret = -EBUSY;
        out.messages.push_back(before.id + " is active, specify --force for re-configuration");
        co_return;
    }
    if (there.enabled) out.ret = co_await kernel_.libnvdimm.disable(ctx, ns);
    if (out.ret != 0) co_return;
    kernel_.libnvdimm.destroy(ns);
    config.range = before.range;
    if (c.make.size) {
        const auto range =
            room(config.region, c.make.size,
                 before.range.begin - kernel_.env.machine.regions[config.region].range.begin);
        if (!range) {
            out.ret = -ENOSPC;
            co_return;
        }
        config.range = *range;
    }
    config.data_offset =
        c.make.label_v1_1 ||
                (before.mode == NamespaceMode::sector && before.data_offset == kPageSize)
            ? kPageSize
            : 0;
    if (config.label.empty()) config.label = before.label;
    if (config.uuid.empty()) config.uuid = before.uuid;
    co_await make(ctx, ns, config, out);
}

Task<void> Ndctl::check(Context& ctx, const NdctlEvent& c, Outcome& out) {
    const auto ns = static_cast<std::uint32_t>(c.ns);
    const PmemNamespace& there = kernel_.libnvdimm.bus().namespaces()[ns];
    if (!there.made.present) {
        out.ret = -ENXIO;
        co_return;
    }
    const bool was_enabled = there.enabled;
    if (was_enabled && !c.force) {
        out.ret = -EBUSY;
        out.messages.push_back(there.made.id + ": check aborted, namespace online");
        co_return;
    }
    if (was_enabled) out.ret = co_await kernel_.libnvdimm.disable(ctx, ns);
    if (out.ret != 0) co_return;
    Btt* const btt = kernel_.libnvdimm.btt(ns);
    if (!btt) {
        out.ret = -ENXIO;
        out.messages.push_back(there.made.id + ": no valid BTT found");
    } else {
        // It maps the raw device: known bad sectors of the metadata end it with SIGBUS.
        const Badblocks& bad = kernel_.libnvdimm.bus().regions()[there.made.region].bad;
        const std::uint64_t base = there.made.range.begin -
                                   kernel_.env.machine.regions[there.made.region].range.begin;
        const auto is_bad = [&](std::uint64_t begin, std::uint64_t size) {
            return bad.check((base + begin) / kSectorSize, size / kSectorSize).result != 0;
        };
        bool met = false;
        for (const pmem::BttArena& a : btt->arenas())
            met = met || is_bad(a.begin, 4096) ||
                  is_bad(a.begin + a.mapoff, a.info2off + 4096 - a.mapoff);
        if (met) {
            out.ret = -EFAULT;
            out.messages.push_back(there.made.id + ": bus error, check aborted");
        } else {
            Btt::Check found =
                btt->check(kernel_.libnvdimm.bus().media(), c.repair, c.rewrite_log);
            out.ret = found.error;
            for (std::string& m : found.messages) out.messages.push_back(there.made.id + ": " + m);
        }
    }
    if (was_enabled) {
        const int rc = co_await kernel_.libnvdimm.enable(ctx, ns);
        if (out.ret == 0) out.ret = rc;
    }
}

}  // namespace mcemu::kernel
