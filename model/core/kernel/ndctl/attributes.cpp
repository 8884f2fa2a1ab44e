// Attributes in sysfs, and raw looks at a namespace's metadata (nvdimm.md 7.4, 11.2, 12.7).
#include <utility>

#include "core/kernel/hex.hpp"
#include "core/kernel/kernel.hpp"
#include "core/kernel/ndctl/ndctl.hpp"
#include "core/kernel/nvdimm/btt.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/kernel/nvdimm/scrub.hpp"
#include "core/pmem/namespace_layout.hpp"
#include "core/pmem/nfit_text.hpp"
#include "core/pmem/set_cookie.hpp"

namespace mcemu::kernel {
namespace {

std::string trimmed(std::string text) {
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}
/// flags_show() of drivers/acpi/nfit/core.c: a word for each, a blank behind each.
std::string flag_words(const Dimm& dimm) {
    const unsigned flags = dimm.map_flags | (dimm.dirty ? unsigned{kMapFlushFail} : 0u);
    constexpr std::pair<unsigned, const char*> kWords[] = {
        {kMapSaveFail, "save_fail "},     {kMapRestoreFail, "restore_fail "},
        {kMapFlushFail, "flush_fail "},   {kMapNotArmed, "not_armed "},
        {kMapSmartEvent, "smart_event "}, {kMapFail, "map_fail "},
        {kMapSmartNotify, "smart_notify "}};
    std::string text;
    for (const auto& [flag, word] : kWords)
        if (flags & flag) text += word;
    return text;
}

}  // namespace

void Ndctl::read_attribute(const NdctlEvent& c, Outcome& out) {
    const std::string& name = c.attribute;
    NvdimmBus& bus = kernel_.libnvdimm.bus();
    const auto give = [&](std::string text) { out.output = Node::of(text); };
    if (c.ns >= 0) {
        PmemNamespace& ns = bus.namespaces()[static_cast<std::size_t>(c.ns)];
        const NamespaceConfig& used = used_as(static_cast<std::uint32_t>(c.ns));
        const bool block = ns.enabled && used.mode != NamespaceMode::devdax;
        if (!ns.made.present) out.ret = -ENODEV;
        else if (name == "force_raw") give(ns.force_raw ? "1" : "0");
        else if (name == "mode") give(word(used.mode));
        else if (name == "size") give(std::to_string(ns.made.range.size()));
        else if (name == "resource") give(hex(ns.made.range.begin));
        else if (name == "device" && ns.enabled) give(used.device);
        else if (name == "uuid") give(ns.made.uuid);
        else if (name == "badblocks" && block && used.mode != NamespaceMode::sector)
            give(ns.bad.show(false).text);
        else if (name == "badblocks" && block) give("");
        else out.ret = -ENOENT;
        return;
    }
    if (c.region >= 0) {
        const PmemRegion& region = bus.regions()[static_cast<std::size_t>(c.region)];
        if (name == "size") give(std::to_string(region.config->range.size()));
        else if (name == "resource") give(hex(region.config->range.begin));
        else if (name == "persistence_domain") give(pmem::persistence_domain(kernel_.env.machine));
        else if (name == "set_cookie") give(hex(pmem::set_cookie(kernel_.env.machine, *region.config)));
        else if (name == "read_only") give(region.read_only ? "1" : "0");
        else if (name == "mappings") give(std::to_string(region.config->nvdimms.size()));
        else if (name == "badblocks" && !region.enabled) out.ret = -ENXIO;
        else if (name == "badblocks") give(region.bad.text());
        else out.ret = -ENOENT;
        return;
    }
    if (c.nvdimm >= 0) {
        const Dimm& dimm = bus.dimms()[static_cast<std::size_t>(c.nvdimm)];
        if (name == "handle") give(hex(dimm.config->handle));
        else if (name == "flags") give(flag_words(dimm));
        else if (name == "dirty_shutdown") give(std::to_string(dimm.dirty_shutdowns));
        else if (name == "serial") give(hex(pmem::swapped32(dimm.config->serial), 8));
        else if (name == "vendor") give(hex(pmem::swapped16(dimm.config->vendor), 4));
        else if (name == "id") give(pmem::dimm_id(*dimm.config));
        else if (name == "state") give(dimm.enabled ? "idle" : "disabled");
        else if (name == "security") give(dimm.locked ? "locked" : "disabled");
        else out.ret = -ENOENT;
        return;
    }
    if (name == "scrub") {
        if (!has_ars()) {
            out.ret = -ENOENT;
            return;
        }
        kernel_.libnvdimm.scrub().privileged_read();
        give(trimmed(kernel_.libnvdimm.scrub_attribute()));
    } else if (name == "hw_error_scrub") {
        give(kernel_.config.hw_error_scrub ? "1" : "0");
    } else {
        out.ret = -ENOENT;
    }
}

void Ndctl::write_attribute(const NdctlEvent& c, Outcome& out) {
    const std::string& name = c.attribute;
    const auto length = static_cast<std::int64_t>(c.text.size());
    const std::string value = trimmed(c.text);
    if (c.ns >= 0) {
        const auto index = static_cast<std::uint32_t>(c.ns);
        PmemNamespace& ns = kernel_.libnvdimm.bus().namespaces()[index];
        if (!ns.made.present) {
            out.ret = -ENODEV;
        } else if (name == "force_raw") {
            out.ret = value == "0" || value == "1"
                          ? kernel_.libnvdimm.set_force_raw(index, value == "1")
                          : -EINVAL;
            if (out.ret == 0) out.ret = length;
        } else if (name == "badblocks") {
            const NamespaceMode mode = ns.config->mode;
            const bool table =
                ns.enabled && (mode == NamespaceMode::raw || mode == NamespaceMode::fsdax);
            out.ret = table ? ns.bad.store(c.text, false) : -ENOENT;
        } else {
            out.ret = -EACCES;
        }
        return;
    }
    if (c.region >= 0 && name == "read_only") {
        out.ret = value == "0" || value == "1" ? length : -EINVAL;
        if (out.ret > 0)
            kernel_.libnvdimm.bus().regions()[static_cast<std::size_t>(c.region)].read_only =
                value == "1";
        return;
    }
    if (c.region >= 0 || c.nvdimm >= 0) {
        out.ret = -EACCES;  // these are all read-only
        return;
    }
    if (name == "scrub") {
        out.ret = value == "1" ? kernel_.libnvdimm.rescan(true) : -EINVAL;
        if (out.ret == 0) out.ret = length;
    } else if (name == "hw_error_scrub") {
        if (value != "0" && value != "1") {
            out.ret = -EINVAL;
            return;
        }
        kernel_.config.hw_error_scrub = value == "1";
        out.ret = length;
    } else {
        out.ret = -ENOENT;
    }
}

/// ndctl read-infoblock. It looks where the namespace keeps its own, or at `offset`.
void Ndctl::read_infoblock(const NdctlEvent& c, Outcome& out) {
    const auto index = static_cast<std::uint32_t>(c.ns);
    const NvdimmBus& bus = kernel_.libnvdimm.bus();
    const PmemNamespace& ns = bus.namespaces()[index];
    if (!ns.made.present) {
        out.ret = -ENXIO;
        return;
    }
    std::vector<std::uint64_t> places = {0, 4096};  // BTT of label 1.2; everything else
    if (c.offset != 0) places = {c.offset};
    const RegionConfig& region = kernel_.env.machine.regions[ns.made.region];
    for (const std::uint64_t offset : places) {
        const std::uint64_t spa = ns.made.range.begin + offset;
        if (!ns.made.range.contains(spa, pmem::kInfoBlock)) continue;
        const std::uint64_t sector = (spa - region.range.begin) / kSectorSize;
        if (bus.regions()[ns.made.region].bad.check(sector, 8).result != 0) {
            out.ret = -EIO;
            return;
        }
        const pmem::InfoBlock* block = bus.media().info_at(spa);
        if (!block) continue;
        Node n = Node::object();
        n.add("dev", ns.made.id);
        if (block->kind == pmem::InfoBlock::Kind::btt) {
            const pmem::BttArena& a = block->arena;
            n.add("signature", "BTT_ARENA_INFO").add("version", offset == 0 ? "2.0" : "1.1");
            n.add("initial_offset", a.begin);
            n.add("external_lbasize", a.external_lbasize).add("external_nlba", a.external_nlba);
            n.add("internal_lbasize", a.internal_lbasize).add("internal_nlba", a.internal_nlba);
            n.add("nfree", pmem::kBttLanes).add("infosize", pmem::kInfoBlock);
            n.add("nextoff", block->nextoff).add("dataoff", a.dataoff).add("mapoff", a.mapoff);
            n.add("logoff", a.logoff).add("info2off", a.info2off);
        } else {
            n.add("signature", block->kind == pmem::InfoBlock::Kind::pfn ? "NVDIMM_PFN_INFO"
                                                                         : "NVDIMM_DAX_INFO");
            n.add("version", "1.4").add("dataoff", block->dataoff).add("npfns", block->npfns);
            n.add("mode", block->mode).add("start_pad", 0).add("end_trunc", block->end_trunc);
            n.add("align", block->align).add("page_size", 4096).add("page_struct_size", 64);
        }
        n.add("offset", offset);
        out.output = std::move(n);
        return;
    }
    out.ret = -ENODEV;
    out.messages.push_back(ns.made.id + ": no info block found");
}

/// The map entry of a block, as nd_btt's debugfs and a raw look at the map tell it.
void Ndctl::btt_lookup(const NdctlEvent& c, Outcome& out) {
    const auto index = static_cast<std::uint32_t>(c.ns);
    const Btt* btt = kernel_.libnvdimm.btt(index);
    const auto entry = btt ? btt->lookup(c.offset) : std::nullopt;
    if (!entry) {
        out.ret = btt ? -EINVAL : -ENXIO;
        return;
    }
    Node n = Node::object();
    n.add("lba", c.offset).add("postmap", entry->block);
    n.add("error_flag", entry->error ? 1 : 0).add("zero_flag", entry->zero ? 1 : 0);
    n.add("normal", entry->normal);
    Node lanes = Node::list();
    for (const std::uint32_t block : btt->free_blocks(c.offset)) lanes.push(block);
    n.add("free_blocks", std::move(lanes));
    out.output = std::move(n);
}

}  // namespace mcemu::kernel
