#include "core/kernel/nvdimm/bus.hpp"

#include "core/kernel/kernel.hpp"
#include "core/pmem/smart.hpp"

namespace mcemu::kernel {
namespace {

Lat cost_of(DsmEvent::Function function) {
    const bool quick = function == DsmEvent::Function::ars_cap ||
                       function == DsmEvent::Function::ars_status;
    return quick ? Lat::fw_dsm_call : Lat::fw_dsm_smi;
}

/// Whether the event tells, asks or depends on what persistent memory holds.
bool asks_for_contents(const Action& action) {
    const auto data = [](const auto& e) { return e.report || e.data.kind != DataSpec::Kind::none; };
    if (std::holds_alternative<NdctlEvent>(action)) return true;
    if (const auto* e = std::get_if<BioEvent>(&action)) return data(*e);
    if (const auto* e = std::get_if<AccessEvent>(&action)) return data(*e);
    if (const auto* e = std::get_if<FileIoEvent>(&action)) return data(*e);
    return false;
}

}  // namespace

NvdimmBus::NvdimmBus(Kernel& kernel) : env_(kernel.env) {
    for (const Event& e : kernel.scenario.events) tracks_contents_ |= asks_for_contents(e.action);
    for (const RegionConfig& region : env_.machine.regions)
        regions_.push_back({&region, fresh_table(), {}, 0, true});
    for (const NvdimmConfig& dimm : env_.machine.nvdimms) {
        dimms_.emplace_back();
        dimms_.back().config = &dimm;
        dimms_.back().locked = dimm.labels == LabelArea::locked;
        dimms_.back().label_spoilt = dimm.labels == LabelArea::corrupt;
        const pmem::SmartHealth health(dimm);
        dimms_.back().map_flags = dimm.map_flags;
        dimms_.back().dirty = health.shutdown_state() != 0;
        dimms_.back().dirty_shutdowns = health.shutdown_count();
    }
    std::uint32_t index = 0;
    for (const NamespaceConfig& config : kernel.namespaces) {
        namespaces_.emplace_back();
        PmemNamespace& ns = namespaces_.back();
        ns.config = &config;
        ns.made = config;
        ns.index = index++;
        ns.idle = std::make_unique<WaitQueue>(env_.agenda);
        ns.enabled = config.present;
        attach(ns);
    }
}

void NvdimmBus::attach(PmemNamespace& ns) {
    const NamespaceConfig& config = *ns.config;
    ns.covered = config.mode == NamespaceMode::fsdax ? config.data() : config.range;
    ns.has_table = config.mode != NamespaceMode::devdax;
    ns.bad = fresh_table();
    ns.filler = {};
}

Badblocks NvdimmBus::table_over(SpaRange resource) const {
    Badblocks table = fresh_table();
    BadblocksFiller filler;
    filler.populate(ranges_, resource, table, [](const SectorRange&) {});
    return table;
}

int NvdimmBus::region_at(std::uint64_t spa) const {
    for (std::size_t i = 0; i < regions_.size(); ++i)
        if (regions_[i].config->range.contains(spa)) return static_cast<int>(i);
    return -1;
}

void NvdimmBus::add_badrange(std::uint64_t spa, std::uint64_t length) {
    ranges_.add(spa, length);
    env_.trace.step(Module::kernel, TraceKind::badrange_added, 0, spa, length);
}

void NvdimmBus::revalidate_poison(std::uint32_t region) {
    PmemRegion& r = regions_[region];
    if (!r.enabled) return;
    r.filled_at = ++revalidations_;
    populate(r.bad, r.filler, region, r.config->range);
    for (PmemNamespace& ns : namespaces_)
        if (ns.config->region == region && ns.enabled) fill(ns);
}

void NvdimmBus::fill(PmemNamespace& ns) {
    if (!ns.has_table) return;
    ns.filled_at = ++revalidations_;
    populate(ns.bad, ns.filler, kNamespaceTable + ns.index, ns.covered);
}

void NvdimmBus::populate(Badblocks& table, BadblocksFiller& filler, std::uint32_t id,
                         SpaRange resource) {
    const auto changed = [&](const SectorRange& sectors) {
        env_.trace.note(Module::kernel, TraceKind::badblocks_set, id, sectors.first, sectors.count);
    };
    const auto full = filler.populate(ranges_, resource, table, changed);
    if (!full || told_full_) return;
    told_full_ = true;
    env_.log.line(0, Line::badblocks_full, env_.names.intern(device_of(id)), *full);
}

/// Driver and device that a table belongs to, as dev_info() names them.
std::string NvdimmBus::device_of(std::uint32_t table) const {
    if (table < kNamespaceTable) return "nd_region " + regions_[table].config->id;
    const NamespaceConfig& ns = *namespaces_[table - kNamespaceTable].config;
    const std::string number =
        std::to_string(ns.number_region) + "." + std::to_string(ns.number);
    if (ns.mode == NamespaceMode::fsdax) return "nd_pmem pfn" + number;
    if (ns.mode == NamespaceMode::sector) return "nd_pmem btt" + number;
    return "nd_pmem namespace" + number;
}

Task<DsmReply> NvdimmBus::call(Context& ctx, DsmRequest request) {
    DsmReply reply = env_.hw.dsm(request);
    if (cost_of(request.function) == Lat::fw_dsm_smi && request.nvdimm < 0)
        calls_.push_back({env_.agenda.now(), env_.agenda.why().origin, request, reply.status,
                          reply.cleared});
    co_await spend(env_, ctx.cpu, cost_of(request.function), reply.delay);
    co_return reply;
}

Task<std::int64_t> NvdimmBus::clear_poison(Context& ctx, std::uint64_t spa, std::uint64_t length) {
    if (!has_firmware()) co_return static_cast<std::int64_t>(length);

    DsmRequest request;
    request.function = DsmEvent::Function::ars_cap;
    request.address = spa;
    request.length = length;
    const DsmReply cap = co_await call(ctx, request);
    const std::uint32_t low = cap.status & 0xffff, high = cap.status >> 16;
    if (low == 1) co_return -ENOTTY;
    if (low != 0) co_return -EIO;
    if (!(high & 3)) co_return -ENOTTY;
    const std::uint64_t unit = cap.clear_err_unit;
    if (unit == 0 || (unit & (unit - 1)) != 0) co_return -ENXIO;
    if ((spa | length) & (unit - 1)) co_return -ENXIO;

    request.function = DsmEvent::Function::clear_error;
    const DsmReply clear = co_await call(ctx, request);
    if ((clear.status & 0xffff) != 0 || clear.cleared == 0) co_return -EIO;
    account_cleared(spa, clear.cleared);
    co_return static_cast<std::int64_t>(clear.cleared);
}

void NvdimmBus::account_cleared(std::uint64_t spa, std::uint64_t cleared) {
    ranges_.forget(spa, static_cast<std::uint32_t>(cleared));
    env_.trace.step(Module::kernel, TraceKind::badrange_forgotten, 0, spa, cleared);
    media_.zero({spa, spa + cleared});
    if (on_zeroed) on_zeroed({spa, spa + cleared});
    const std::uint64_t sectors = cleared / kSectorSize;
    if (sectors == 0) return;
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        const SpaRange range = regions_[i].config->range;
        // v4.x compares the end of what was cleared with the region's last byte: the last page of
        // a region stays listed there (kernel.md 5.5).
        const std::uint64_t past = spa + cleared;
        const std::uint64_t limit = env_.profile.region_clear_off_by_one ? range.end - 1 : range.end;
        if (spa < range.begin || past > limit || !regions_[i].enabled) continue;
        const std::uint64_t first = (spa - range.begin) / kSectorSize;
        regions_[i].bad.clear(first, sectors);
        env_.trace.note(Module::kernel, TraceKind::badblocks_cleared, static_cast<std::uint32_t>(i),
                        first, sectors);
    }
}

void NvdimmBus::clear_table(Badblocks& table, std::uint32_t id, std::uint64_t sector,
                            std::uint64_t sectors) {
    table.clear(sector, sectors);
    env_.trace.note(Module::kernel, TraceKind::badblocks_cleared, id, sector, sectors);
}

void NvdimmBus::clear_badblocks(PmemNamespace& ns, std::uint64_t sector, std::uint64_t sectors) {
    clear_table(ns.bad, kNamespaceTable + ns.index, sector, sectors);
}

}  // namespace mcemu::kernel
