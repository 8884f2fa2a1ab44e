// Regions and modules that come and go, and their label areas (drivers/nvdimm/{region,dimm}.c;
// nvdimm.md 3).
#include "core/kernel/kernel.hpp"
#include "core/kernel/nvdimm/libnvdimm_state.hpp"

namespace mcemu::kernel {

Task<int> Libnvdimm::disable_region(Context& ctx, std::uint32_t region) {
    PmemRegion& r = s_->bus.regions()[region];
    if (!r.enabled) co_return 0;
    for (std::uint32_t i = 0; i < s_->bus.namespaces().size(); ++i) {
        const PmemNamespace& ns = s_->bus.namespaces()[i];
        if (ns.made.region != region || !ns.enabled) continue;
        const int error = co_await disable(ctx, i);
        if (error != 0) co_return error;
    }
    r.enabled = false;
    r.bad = s_->bus.fresh_table();
    r.filler = {};
    co_return 0;
}

/// nd_region_probe(): every mapping's module has to have its driver, and labels that can be read;
/// then the namespaces come up by themselves.
Task<int> Libnvdimm::enable_region(Context& ctx, std::uint32_t region) {
    PmemRegion& r = s_->bus.regions()[region];
    if (r.enabled) co_return 0;
    for (const std::uint32_t nvdimm : r.config->nvdimms)
        if (!s_->bus.dimms()[nvdimm].enabled) co_return -ENXIO;
    if (not_mapped(region)) co_return -ENXIO;  // the platform shows no such range
    r.enabled = true;
    s_->bus.revalidate_poison(region);
    for (std::uint32_t i = 0; i < s_->bus.namespaces().size(); ++i) {
        const PmemNamespace& ns = s_->bus.namespaces()[i];
        if (ns.made.region != region || !ns.made.present || ns.enabled) continue;
        if (ns.labels_lost && !locked(region)) {
            forget(i);
            continue;
        }
        co_await enable(ctx, i);  // one that does not come up leaves the others alone
    }
    co_return 0;
}

int Libnvdimm::disable_dimm(std::uint32_t nvdimm) {
    if (is_active(nvdimm)) return -EBUSY;
    s_->bus.dimms()[nvdimm].enabled = false;
    return 0;
}

/// nvdimm_probe(). A label area whose size is denied leaves the module locked: it enables, but no
/// namespace on it does. Denied data fail it (nvdimm.md 3).
int Libnvdimm::enable_dimm(std::uint32_t nvdimm) {
    Dimm& dimm = s_->bus.dimms()[nvdimm];
    if (dimm.enabled) return 0;
    dimm.locked = dimm.config->labels == LabelArea::locked;
    const int size = failing(nvdimm, "get_config_size");
    if (size == -EACCES) dimm.locked = true;
    else if (size != 0) return size;
    if (!dimm.locked) {
        const int data = failing(nvdimm, "get_config_data");
        if (data == -EACCES) dimm.locked = true;
        if (data != 0) return data;
    }
    dimm.enabled = true;
    return 0;
}

int Libnvdimm::failing(std::uint32_t nvdimm, const std::string& command) const {
    const auto& list = s_->bus.dimms()[nvdimm].failing;
    const auto it = list.find(command);
    return it == list.end() ? 0 : it->second;
}

void Libnvdimm::fail_command(std::uint32_t nvdimm, const std::string& command, int code) {
    if (code == 0) s_->bus.dimms()[nvdimm].failing.erase(command);
    else s_->bus.dimms()[nvdimm].failing[command] = code;
}

bool Libnvdimm::locked(std::uint32_t region) const {
    const auto& used = s_->bus.regions()[region].config->nvdimms;
    return std::any_of(used.begin(), used.end(),
                       [&](std::uint32_t n) { return s_->bus.dimms()[n].locked; });
}

bool Libnvdimm::not_mapped(std::uint32_t region) const {
    const auto& used = s_->bus.regions()[region].config->nvdimms;
    return std::any_of(used.begin(), used.end(),
                       [&](std::uint32_t n) { return s_->bus.dimms()[n].map_flags & kMapFail; });
}

bool Libnvdimm::is_active(std::uint32_t nvdimm) const {
    for (const PmemRegion& r : s_->bus.regions()) {
        const auto& used = r.config->nvdimms;
        if (r.enabled && std::find(used.begin(), used.end(), nvdimm) != used.end()) return true;
    }
    return false;
}

int Libnvdimm::write_labels(std::uint32_t nvdimm, bool index) {
    if (is_active(nvdimm)) return -EBUSY;
    s_->bus.dimms()[nvdimm].label_spoilt = !index;
    for (PmemNamespace& ns : s_->bus.namespaces()) {
        if (!ns.made.present) continue;
        const auto& used = s_->bus.regions()[ns.made.region].config->nvdimms;
        if (std::find(used.begin(), used.end(), nvdimm) != used.end()) ns.labels_lost = true;
    }
    return 0;
}

bool Libnvdimm::labels_spoilt(std::uint32_t region) const {
    const auto& used = s_->bus.regions()[region].config->nvdimms;
    return std::any_of(used.begin(), used.end(),
                       [&](std::uint32_t n) { return s_->bus.dimms()[n].label_spoilt; });
}

}  // namespace mcemu::kernel
