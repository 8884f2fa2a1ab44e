// How persistent memory comes up at boot, and what of it lasts until the next one (nvdimm.md 1.4,
// 3, 7.3, 10).
#include "core/kernel/kernel.hpp"
#include "core/kernel/nvdimm/libnvdimm_state.hpp"
#include "core/kernel/pat/pgmap.hpp"
#include "core/pmem/image.hpp"
#include "core/pmem/interleave.hpp"

namespace mcemu::kernel {

// The scrub at registration is over when a scenario begins. It asked for poison that the firmware
// knew, and a scrub's results do not survive a boot (nvdimm.md 7.3, 17.10): media poison of the
// configuration is latent, the tables start empty.
void Libnvdimm::attach() {
    const Env& env = s_->kernel.env;
    for (const NamespaceConfig& ns : s_->kernel.namespaces)
        if (ns.present && (!has_pages(ns) || env.config.pgmap_memtype_tracking))
            s_->kernel.memtypes.reserve_at_boot(pgmap_range(ns, env.profile));
    come_up();
}

/// What the modules' NFIT flags and label areas allow. A module that is not mapped keeps its
/// regions from coming up; one without energy for the next power loss makes them read-only.
void Libnvdimm::come_up() {
    State& s = *s_;
    for (std::uint32_t r = 0; r < s.bus.regions().size(); ++r) {
        PmemRegion& region = s.bus.regions()[r];
        for (const std::uint32_t nvdimm : region.config->nvdimms)
            if (s.bus.dimms()[nvdimm].map_flags & kMapNotArmed) region.read_only = true;
        const bool none = not_mapped(r), spoilt = labels_spoilt(r);
        if (none) region.enabled = false;
        if (!none && !spoilt && !locked(r)) continue;
        for (std::uint32_t i = 0; i < s.bus.namespaces().size(); ++i) {
            PmemNamespace& ns = s.bus.namespaces()[i];
            if (!ns.made.present || ns.made.region != r) continue;
            if (ns.enabled) withhold(i);
            if (spoilt && !none && !locked(r)) forget(i);
        }
    }
}

/// A namespace that is there at boot, but is not enabled.
void Libnvdimm::withhold(std::uint32_t index) {
    State& s = *s_;
    PmemNamespace& ns = s.bus.namespaces()[index];
    detach_at_boot(index);
    ns.enabled = false;
}

/// Takes away what the boot of an enabled namespace has set up.
void Libnvdimm::detach_at_boot(std::uint32_t index) {
    State& s = *s_;
    const Env& env = s.kernel.env;
    const NamespaceConfig& live = s.kernel.namespaces[index];
    const SpaRange range = pgmap_range(live, env.profile);
    if (!has_pages(live) || env.config.pgmap_memtype_tracking) {
        Context ctx;
        s.kernel.memtypes.free(ctx, range.begin, range.end);
    }
    s.kernel.memory.remove_pages(live);
    s.kernel.direct_map.remove(range);
}

/// Boot on a namespace that is used as raw: its `force_raw` is set, or nothing tells otherwise.
void Libnvdimm::attach_raw(std::uint32_t index, bool forced) {
    State& s = *s_;
    PmemNamespace& ns = s.bus.namespaces()[index];
    ns.force_raw = forced;
    if (!ns.enabled) return;
    detach_at_boot(index);
    NamespaceConfig& live = s.kernel.namespaces[index];
    live = as_raw(ns.made);
    s.kernel.memory.add_pages(live);
    s.kernel.direct_map.add(live.range, false);
    s.kernel.memtypes.reserve_at_boot(live.range);
    s.bus.attach(ns);
    s.bus.fill(ns);
}

/// Whether the kernel finds the info block of what the namespace was made as: it stands there, in
/// no sector that is known to be bad.
bool Libnvdimm::info_is_there(std::uint32_t index) const {
    const State& s = *s_;
    const NamespaceConfig& made = s.bus.namespaces()[index].made;
    if (made.mode == NamespaceMode::raw) return true;
    const bool btt = made.mode == NamespaceMode::sector;
    const std::uint64_t offset = btt ? made.data_offset : kPfnInfo;
    const Badblocks table = s.bus.table_over(made.range);
    if (NamespaceIo::is_bad(table, offset, pmem::kInfoBlock)) return false;
    if (btt) return s.btts[index]->recognised(s.bus.media());
    const pmem::InfoBlock* block = s.bus.media().info_at(made.range.begin + offset);
    return block && block->kind == info_kind(made.mode);
}

void Libnvdimm::start_from(const NvdimmImage& image, const std::vector<SpaRange>& known) {
    State& s = *s_;
    const Env& env = s.kernel.env;
    for (std::uint32_t i = 0; i < image.modules.size() && i < s.bus.dimms().size(); ++i) {
        Dimm& dimm = s.bus.dimms()[i];
        dimm.map_flags |= image.modules[i].map_flags;
        dimm.dirty = image.modules[i].smart.dirty_shutdown;
        dimm.dirty_shutdowns = image.modules[i].smart.shutdown_count;
    }
    if (env.config.nfit && env.machine.clear_error_supported) {
        for (const SpaRange& run : known) s.bus.add_badrange(run.begin, run.size());
        for (std::uint32_t i = 0; i < s.bus.regions().size(); ++i) s.bus.revalidate_poison(i);
    }
    if (image.contents) {
        pmem::Contents contents;
        contents.restore(*image.contents);
        s.bus.start_from(std::move(contents));
    }
    for (std::uint32_t ns = 0; ns < image.btts.size(); ++ns)
        if (s.btts[ns]) s.btts[ns]->restore(image.btts[ns]);
    // Labels of another set are none of this one (nvdimm.md 2.4).
    for (PmemNamespace& ns : s.bus.namespaces())
        if (ns.made.present && ns.made.region < image.foreign_labels.size() &&
            image.foreign_labels[ns.made.region]) {
            if (ns.enabled) withhold(ns.index);
            forget(ns.index);
        }
    come_up();
    for (std::uint32_t ns = 0; ns < image.force_raw.size(); ++ns) {
        if (!s.bus.namespaces()[ns].made.present) continue;
        if (image.force_raw[ns]) attach_raw(ns, true);
        else if (s.bus.tracks_contents() && s.bus.namespaces()[ns].enabled && !info_is_there(ns))
            attach_raw(ns, false);
    }
    for (std::uint32_t ns = 0; ns < image.btts.size(); ++ns) {
        const PmemNamespace& space = s.bus.namespaces()[ns];
        if (!s.btts[ns] || !space.enabled || space.config->mode != NamespaceMode::sector) continue;
        env.flows.spawn([&] { return attach_btt(ns); });
    }
    if (!env.config.no_init_ars)
        s.scrub.rescan(true);  // -ENOTTY: no firmware to ask, and nothing is found
}

Task<void> Libnvdimm::attach_btt(std::uint32_t ns) {
    Context ctx;
    ctx.worker = true;
    ctx.comm = s_->kernel.env.names.intern("kworker/u4:1");
    ctx.pid = 46;
    enter(ns);
    const int error = co_await s_->btts[ns]->attach(ctx);
    leave(ns);
    if (error == 0) co_return;
    // The boot goes on without the device.
    co_await disable(ctx, ns);
}

void Libnvdimm::power_fail(bool caches_flushed) {
    if (!caches_flushed) s_->bus.media().lose_cached();
}

void Libnvdimm::save(NvdimmImage& image) const {
    const State& s = *s_;
    image.namespaces.clear();
    for (const PmemNamespace& ns : s.bus.namespaces()) {
        if (!ns.made.present || ns.labels_lost) continue;
        const auto& btt = s.btts[ns.index];
        image.namespaces.push_back(ns.made);
        image.btts.push_back(btt ? btt->snapshot() : std::vector<pmem::BttImage>{});
        image.force_raw.push_back(ns.force_raw);
    }
    if (!s.bus.tracks_contents()) return;
    pmem::Contents last = s.bus.media();
    const pmem::Contents::Fill unknown{pmem::Contents::Fill::Kind::unknown, 0, 0};
    for (const PmemRegion& region : s.bus.regions()) {
        const pmem::InterleaveSet set(*region.config);
        for (std::uint32_t way = 0; way < set.ways(); ++way) {
            const std::uint32_t nvdimm = region.config->nvdimms[way];
            if (nvdimm >= image.modules.size()) continue;
            // Nobody knows what is in memory that was not saved, and in lines whose writes were
            // lost: what was there before, or some of it.
            if (image.modules[nvdimm].map_flags & kMapSaveFail)
                last.write(region.config->range, unknown);
            for (const DpaRange& lost : image.modules[nvdimm].lost)
                for (const SpaRange& part : set.spa_of(way, lost)) last.write(part, unknown);
        }
    }
    image.contents = last.save();
    image.patterns = s.kernel.scenario.patterns;
}

}  // namespace mcemu::kernel
