// ndctl init-, zero-, check- and read-labels, write-infoblock (ndctl/dimm.c, ndctl/namespace.c;
// nvdimm.md 3).
#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/ndctl/ndctl.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/pmem/set_cookie.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint32_t kLabelSize = 256, kSlots = 510;  // version 1.2 labels in 128 KiB

/// "initialized 2 nmems"
std::string tally(const char* what, std::int64_t count, const char* unit) {
    return std::string(what) + " " + std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
}

}  // namespace

/// Two index blocks, and a label for each namespace that has a part on the module: what the model
/// keeps of them.
Node Ndctl::labels_node(std::uint32_t nvdimm) const {
    const NvdimmBus& bus = kernel_.libnvdimm.bus();
    const MachineConfig& machine = kernel_.env.machine;
    Node labels = Node::list();
    std::uint32_t slot = 0;
    for (const PmemNamespace& ns : bus.namespaces()) {
        const NamespaceConfig& made = ns.made;
        if (!made.present || ns.labels_lost) continue;
        const RegionConfig& region = machine.regions[made.region];
        const auto way = std::find(region.nvdimms.begin(), region.nvdimms.end(), nvdimm);
        if (way == region.nvdimms.end()) continue;
        const auto position = static_cast<std::uint32_t>(way - region.nvdimms.begin());
        const std::uint64_t ways = region.nvdimms.size();
        Node label = Node::object();
        if (!made.uuid.empty()) label.add("uuid", made.uuid);
        label.add("name", made.label).add("slot", slot++).add("position", position);
        label.add("nlabel", ways).add("isetcookie", pmem::set_cookie(machine, region));
        label.add("lbasize", static_cast<std::uint64_t>(
                                 made.mode == NamespaceMode::sector ? made.sector_size : 512));
        label.add("dpa", region.dpa_base[position] + (made.range.begin - region.range.begin) / ways);
        label.add("rawsize", made.range.size() / ways);
        labels.push(std::move(label));
    }
    Node index = Node::list();
    for (const std::uint32_t sequence : {1u, 2u})
        index.push(Node::object()
                       .add("signature", "NAMESPACE_INDEX")
                       .add("major", 1)
                       .add("minor", 2)
                       .add("labelsize", kLabelSize)
                       .add("seq", sequence)
                       .add("nslot", kSlots));
    return Node::object()
        .add("dev", machine.nvdimms[nvdimm].id)
        .add("index", std::move(index))
        .add("label", std::move(labels));
}

void Ndctl::labels(const NdctlEvent& c, Outcome& out) {
    Libnvdimm& lib = kernel_.libnvdimm;
    std::int64_t done = 0;
    Node read = Node::list();
    for (std::uint32_t i = 0; i < kernel_.env.machine.nvdimms.size(); ++i) {
        if (!c.all && c.nvdimm != static_cast<int>(i)) continue;
        const Dimm& dimm = lib.bus().dimms()[i];
        const std::string& id = kernel_.env.machine.nvdimms[i].id;
        const auto fail = [&](int error, const std::string& why) {
            out.ret = error;
            out.messages.push_back(id + ": " + why);
        };
        int denied = lib.failing(i, "get_config_size");
        if (denied == 0 && dimm.locked) denied = -EACCES;
        if (denied == 0) denied = lib.failing(i, "get_config_data");
        if (denied != 0) {
            fail(denied, "failed to read the label area");
            continue;
        }
        if (c.command == NdctlEvent::Command::read_labels ||
            c.command == NdctlEvent::Command::check_labels) {
            if (dimm.label_spoilt) {
                fail(-ENXIO, "no valid index");
                continue;
            }
            if (c.command == NdctlEvent::Command::read_labels) read.push(labels_node(i));
            ++done;
            continue;
        }
        const bool init = c.command == NdctlEvent::Command::init_labels;
        if (lib.is_active(i)) {
            fail(-EBUSY, "regions active, abort label write");
            continue;
        }
        if (init && !dimm.label_spoilt && !c.force) {
            fail(-EBUSY, "error: labels already initialized");
            continue;
        }
        const int rc = lib.write_labels(i, init);
        if (rc != 0) fail(rc, "failed to write the label area");
        else ++done;
    }
    switch (c.command) {
        case NdctlEvent::Command::init_labels:
            out.messages.push_back(tally("initialized", done, "nmem"));
            break;
        case NdctlEvent::Command::zero_labels:
            out.messages.push_back(tally("zeroed", done, "nmem"));
            break;
        case NdctlEvent::Command::check_labels:
            out.messages.push_back(tally("successfully verified", done, "nmem label"));
            break;
        default:
            if (!read.empty()) out.output = std::move(read);
            out.messages.push_back(tally("read", done, "nmem"));
            break;
    }
}

void Ndctl::write_infoblock(const NdctlEvent& c, Outcome& out) {
    const auto ns = static_cast<std::uint32_t>(c.ns);
    const PmemNamespace& there = kernel_.libnvdimm.bus().namespaces()[ns];
    if (!there.made.present) {
        out.ret = -ENXIO;
        return;
    }
    const std::uint64_t align = c.make.align.value_or(2ull << 20);
    if (align != kPageSize && align != 2ull << 20 && align != 1ull << 30) {
        out.ret = -EINVAL;
        out.messages.emplace_back("unsupported --align");
        return;
    }
    out.ret = kernel_.libnvdimm.write_infoblock(
        ns, c.make.mode.value_or(NamespaceMode::fsdax), c.make.map_dev.value_or(true), align);
    if (out.ret == -EBUSY) out.messages.push_back(there.made.id + " is active");
    out.messages.push_back(tally("wrote", out.ret == 0 ? 1 : 0, "infoblock"));
}

}  // namespace mcemu::kernel
