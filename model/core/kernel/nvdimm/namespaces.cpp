// Making, changing and destroying namespaces; what they turn out to be when they are enabled
// (drivers/nvdimm/{namespace_devs,claim,pfn_devs,btt_devs}.c; nvdimm.md 3).
#include "core/kernel/kernel.hpp"
#include "core/kernel/nvdimm/libnvdimm_state.hpp"
#include "core/pmem/namespace_layout.hpp"

namespace mcemu::kernel {
/// Info blocks of what the scenario made before it began.
void Libnvdimm::State::write_info(std::uint32_t index) {
    const PmemNamespace& ns = bus.namespaces()[index];
    const NamespaceConfig& made = ns.made;
    if (!made.present || !bus.tracks_contents()) return;
    if (made.mode == NamespaceMode::sector) {
        btts[index]->write_info(bus.media());
    } else if (has_info_page(made.mode)) {
        pmem::InfoBlock block;
        block.kind = info_kind(made.mode);
        block.dataoff = made.data_offset;
        block.end_trunc = made.end_trunc;
        block.npfns = (made.range.size() - 8192) / kPageSize;
        block.align = made.align;
        block.mode = made.map_dev ? 2 : 1;
        bus.media().write_info(made.range.begin + kPfnInfo, block);
    }
}

/// What enabling the namespace attaches: nd_btt_probe(), nd_pfn_probe(), nd_dax_probe(). An info
/// block that cannot be read, or is none, leaves it raw.
Task<NamespaceConfig> Libnvdimm::personality(Context& ctx, std::uint32_t index) {
    State& s = *s_;
    PmemNamespace& ns = s.bus.namespaces()[index];
    const NamespaceConfig& made = ns.made;
    if (ns.force_raw) co_return as_raw(made);
    if (made.mode == NamespaceMode::raw || !s.bus.tracks_contents()) co_return made;

    const std::uint64_t offset = made.mode == NamespaceMode::sector ? made.data_offset : kPfnInfo;
    Badblocks table = s.bus.table_over(made.range);
    NamespaceIo io(s.driver, s.bus, made.range, kNamespaceTable + index);
    s.kernel.direct_map.add(made.range, false);
    const int error = co_await io.read(ctx, table, offset, pmem::kInfoBlock);
    s.kernel.direct_map.remove(made.range);
    if (error != 0) co_return as_raw(made);
    if (made.mode == NamespaceMode::sector)
        co_return s.btts[index] && s.btts[index]->recognised(s.bus.media()) ? made : as_raw(made);
    const pmem::InfoBlock* block = s.bus.media().info_at(made.range.begin + kPfnInfo);
    co_return block && block->kind == info_kind(made.mode) ? made : as_raw(made);
}

/// nd_pfn_clear_memmap_errors(): bad sectors in the area of the page structs are written over with
/// zeros, page by page. Quirk: the region's table is asked for sectors that count from the
/// namespace (nvdimm.md 3.3).
Task<int> Libnvdimm::clear_memmap_errors(Context& ctx, std::uint32_t index) {
    State& s = *s_;
    const NamespaceConfig& config = s.kernel.namespaces[index];
    constexpr std::uint64_t kFirst = 8192 / kSectorSize;
    const std::uint64_t sectors = config.data_offset / kSectorSize - kFirst;
    const SpaRange region = s.bus.regions()[config.region].config->range;
    Badblocks table = s.bus.table_over(config.range);
    // Only this much is mapped for it: a row that goes beyond ends in an error.
    const SpaRange area{config.range.begin, config.range.begin + config.data_offset};
    NamespaceIo io(s.driver, s.bus, area, kNamespaceTable + index);
    while (true) {
        const Badblocks::Finding bad =
            s.bus.regions()[config.region].bad.check(kFirst, sectors);
        if (bad.result == 0) co_return 0;
        const std::uint64_t spa = region.begin + bad.first_bad * kSectorSize;
        if (spa < config.range.begin) co_return -EFAULT;
        const std::uint64_t begin = round_down(spa - config.range.begin, kPageSize);
        const std::uint64_t length = round_up(bad.bad_sectors * kSectorSize, kPageSize);
        for (std::uint64_t done = 0; done < length; done += kPageSize) {
            const int error = co_await io.write(ctx, table, begin + done, kPageSize, false);
            if (error != 0) co_return error;
        }
        s.bus.media().zero({config.range.begin + begin, config.range.begin + begin + length});
    }
}

int Libnvdimm::create(std::uint32_t index, const NamespaceConfig& config) {
    State& s = *s_;
    PmemNamespace& ns = s.bus.namespaces()[index];
    if (ns.made.present) return -EBUSY;
    ns.made = config;
    ns.made.present = true;
    ns.force_raw = ns.labels_lost = false;
    // The first label on an area without a valid index begins with one (init_labels()).
    for (const std::uint32_t nvdimm : s.bus.regions()[config.region].config->nvdimms)
        s.bus.dimms()[nvdimm].label_spoilt = false;
    s.kernel.namespaces[index] = ns.made;
    s.kernel.memory.place_namespace(static_cast<int>(index), config.range);
    s.bus.attach(ns);
    s.btts[index] = config.mode == NamespaceMode::sector
                        ? std::make_unique<Btt>(s.driver, s.bus, ns)
                        : nullptr;
    s.write_info(index);
    return 0;
}

/// nd_pfn_init(), btt_meta_init().
Task<int> Libnvdimm::write_metadata(Context& ctx, std::uint32_t index) {
    State& s = *s_;
    PmemNamespace& ns = s.bus.namespaces()[index];
    const NamespaceConfig& made = ns.made;
    if (made.mode == NamespaceMode::raw) co_return 0;
    Badblocks table = s.bus.table_over(made.range);
    NamespaceIo io(s.driver, s.bus, made.range, kNamespaceTable + index);
    s.kernel.direct_map.add(made.range, false);
    int error = 0;
    if (made.mode == NamespaceMode::sector) error = co_await s.btts[index]->format(ctx, table);
    else error = co_await io.write(ctx, table, kPfnInfo, pmem::kInfoBlock, false);
    s.kernel.direct_map.remove(made.range);
    s.write_info(index);  // clearing has left zeros
    co_return error;
}

/// ndctl destroy-namespace writes zeros over the info blocks, so that nothing finds them later.
int Libnvdimm::destroy(std::uint32_t index) {
    State& s = *s_;
    PmemNamespace& ns = s.bus.namespaces()[index];
    if (!ns.made.present) return -ENODEV;
    if (ns.enabled) return -EBUSY;
    const SpaRange range = ns.made.range;
    if (s.btts[index]) {
        for (const pmem::BttArena& a : s.btts[index]->arenas()) {
            const std::uint64_t begin = range.begin + a.begin;
            s.bus.media().zero({begin, begin + pmem::kInfoBlock});
            s.bus.media().zero({begin + a.info2off, begin + a.info2off + pmem::kInfoBlock});
        }
    } else if (has_info_page(ns.made.mode)) {
        s.bus.media().zero({range.begin + kPfnInfo, range.begin + kPfnInfo + pmem::kInfoBlock});
    }
    forget(index);
    return 0;
}

/// Nothing says any more that there is a namespace; what it held stays where it is.
void Libnvdimm::forget(std::uint32_t index) {
    State& s = *s_;
    PmemNamespace& ns = s.bus.namespaces()[index];
    s.btts[index] = nullptr;
    s.kernel.memory.unplace_namespace(ns.made.range);
    ns.made.present = false;
    ns.made.range = {};
    ns.force_raw = ns.labels_lost = false;
    s.kernel.namespaces[index] = ns.made;
    s.bus.attach(ns);
}

int Libnvdimm::write_infoblock(std::uint32_t index, NamespaceMode mode, bool map_dev,
                               std::uint64_t align) {
    State& s = *s_;
    PmemNamespace& ns = s.bus.namespaces()[index];
    if (!ns.made.present) return -ENODEV;
    if (ns.enabled) return -EBUSY;
    const pmem::NamespaceLayout layout =
        pmem::namespace_layout(ns.made.range, mode, map_dev, align);
    if (layout.error != 0) return layout.error;
    NamespaceConfig made = ns.made;
    made.mode = mode;
    made.map_dev = map_dev;
    made.align = align;
    made.data_offset = layout.data_offset;
    made.end_trunc = layout.end_trunc;
    made.device = pmem::device_name(mode, made.number_region, made.number);
    ns.made = made;
    s.kernel.namespaces[index] = made;
    s.bus.attach(ns);
    s.btts[index] = nullptr;
    s.write_info(index);
    return 0;
}

int Libnvdimm::set_force_raw(std::uint32_t index, bool on) {
    PmemNamespace& ns = s_->bus.namespaces()[index];
    if (!ns.made.present) return -ENODEV;
    if (ns.enabled) return -EBUSY;
    ns.force_raw = on;
    return 0;
}

NvdimmBus& Libnvdimm::bus() { return s_->bus; }
Btt* Libnvdimm::btt(std::uint32_t ns) { return s_->btts[ns].get(); }
Scrub& Libnvdimm::scrub() { return s_->scrub; }

}  // namespace mcemu::kernel
