#pragma once  // What Libnvdimm keeps behind its interface.
#include <algorithm>
#include <memory>
#include <vector>

#include "core/kernel/nvdimm/btt.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/kernel/nvdimm/libnvdimm.hpp"
#include "core/kernel/nvdimm/pmem_driver.hpp"
#include "core/kernel/nvdimm/scrub.hpp"
#include "core/pmem/namespace_layout.hpp"

namespace mcemu::kernel {

inline constexpr std::uint64_t kPfnInfo = 4096;  ///< where fsdax and devdax keep their info block

/// Modes that have struct pages, and an info block that says where their data begin.
constexpr bool has_info_page(NamespaceMode mode) {
    return mode == NamespaceMode::fsdax || mode == NamespaceMode::devdax;
}
constexpr pmem::InfoBlock::Kind info_kind(NamespaceMode mode) {
    return mode == NamespaceMode::fsdax    ? pmem::InfoBlock::Kind::pfn
           : mode == NamespaceMode::devdax ? pmem::InfoBlock::Kind::dax
                                           : pmem::InfoBlock::Kind::btt;
}
/// The namespace used as raw, whatever it was made as.
inline NamespaceConfig as_raw(const NamespaceConfig& made) {
    NamespaceConfig raw = made;
    raw.mode = NamespaceMode::raw;
    raw.data_offset = raw.end_trunc = 0;
    raw.device = pmem::device_name(NamespaceMode::raw, made.number_region, made.number);
    return raw;
}

struct Libnvdimm::State {
    explicit State(Kernel& k) : kernel(k), bus(k), driver(k, bus), scrub(k, bus) {
        for (PmemNamespace& ns : bus.namespaces())
            btts.push_back(ns.config->mode == NamespaceMode::sector
                               ? std::make_unique<Btt>(driver, bus, ns)
                               : nullptr);
        for (std::uint32_t i = 0; i < btts.size(); ++i) write_info(i);
        bus.on_zeroed = [this](SpaRange range) { zeroed(range); };
    }
    /// A clear leaves zeros, also in the map and the log of a BTT.
    void zeroed(SpaRange range) {
        for (std::uint32_t i = 0; i < btts.size(); ++i) {
            const SpaRange all = bus.namespaces()[i].made.range;
            const SpaRange part{std::max(range.begin, all.begin), std::min(range.end, all.end)};
            if (btts[i] && part.begin < part.end)
                btts[i]->overwritten(part.begin - all.begin, part.size(), {});
        }
    }
    void write_info(std::uint32_t ns);  // namespaces.cpp
    Kernel& kernel;
    NvdimmBus bus;
    PmemDriver driver;
    Scrub scrub;
    std::vector<std::unique_ptr<Btt>> btts;  // by namespace
};

}  // namespace mcemu::kernel
