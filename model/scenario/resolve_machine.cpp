#include <algorithm>
#include <numeric>

#include "core/pmem/namespace_layout.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

constexpr std::uint64_t kMaxSpa = 1ull << 52;  ///< MAXPHYADDR is at most 52 bits (SDM vol. 3A 4.1.4)

/// [begin, begin + size), or nullopt when it leaves the physical address space.
std::optional<SpaRange> range_at(std::uint64_t begin, std::uint64_t size) {
    if (begin > kMaxSpa || size > kMaxSpa - begin) return std::nullopt;
    return SpaRange{begin, begin + size};
}

struct CpuIdentity {
    std::uint32_t cpuid, microcode;
};
// In the order of CpuModel.
constexpr CpuIdentity kIdentities[] = {
    {0x50654, 0x2006906}, {0x50657, 0x5003006}, {0x606a6, 0xd0003b9}, {0x50657, 0x1}};

}  // namespace

void Resolver::resolve_machine(const Cursor& root) {
    MachineConfig& m = scenario.machine;
    const auto machine = root.object("machine");
    if (machine) {
        resolve_cpus(*machine);
        resolve_mca(*machine);
        m.clear_error_supported = machine->truth("clear_error_supported");
        m.persistence_domain = machine->choice<PersistenceDomain>("persistence_domain");
        m.unmerged_poison_list = machine->text("poison_list_style") == "nfit_test";
        m.wall_time = machine->number("wall_time");
        resolve_memdevs(*machine);
    }
    if (machine && machine->given("memory")) {
        resolve_memory(*machine);
    } else {
        m.memory.push_back({"dram0", {0, 2 * kGiB}, 0, {}});
        memory_.add(findings_, root.path(), "dram0");
    }
    if (!machine) return;
    resolve_nvdimms(*machine);
    resolve_regions(*machine);
    for (const std::string_view key : {"memory", "memdevs", "nvdimms", "regions"}) {
        if (const Value* list = machine->find(key); list != nullptr && findings_.touched(list))
            memory_unsure_ = true;
    }
    resolve_namespaces(*machine);
    resolve_latency(*machine);
}

void Resolver::resolve_cpus(const Cursor& machine) {
    const auto cpus = machine.object("cpus");
    if (!cpus) return;
    CpuConfig& c = scenario.machine.cpus;
    c.sockets = cpus->number32("sockets");
    c.cores = cpus->number32("cores");
    c.threads = cpus->number32("threads");
    constexpr std::uint64_t kMost = 8192;  // NR_CPUS of the largest kernels
    const std::uint64_t count = std::uint64_t{c.sockets} * c.cores * c.threads;
    if (!bad(*cpus) && count > kMost) {
        add(cpus->path(), "sockets * cores * threads makes " + std::to_string(count) + " CPUs",
            "at most " + std::to_string(kMost));
    }
    if (bad(*cpus)) c.sockets = c.cores = c.threads = 0;  // their number is unknown
    c.model = cpus->choice<CpuModel>("model");
    const CpuIdentity& identity = kIdentities[static_cast<std::size_t>(c.model)];
    c.cpuid_eax = static_cast<std::uint32_t>(cpus->maybe("cpuid").value_or(identity.cpuid));
    c.microcode = static_cast<std::uint32_t>(cpus->maybe("microcode").value_or(identity.microcode));
    c.tsc_base = cpus->number("tsc_base");
    c.tsc_mhz = cpus->number("tsc_mhz");
    c.ppin = cpus->number("ppin");
    c.la57 = cpus->truth("la57");
}

void Resolver::resolve_mca(const Cursor& machine) {
    const auto mca = machine.object("mca");
    if (!mca) return;
    McaConfig& m = scenario.machine.mca;
    m.banks = mca->number32("banks");
    m.ctl_p = mca->truth("ctl_p");
    m.ser = mca->truth("ser");
    m.lmce = mca->truth("lmce");
    m.cmci = mca->truth("cmci");
    m.tes = mca->truth("tes");
    m.emc = mca->truth("emc");
    m.elog = mca->truth("elog");
    m.ucna_on_read = mca->truth("ucna_on_read");
    m.srar_continuable = mca->truth("srar_continuable");
    m.patrol_uc_mode = mca->choice<PatrolUcMode>("patrol_uc_mode");
    m.speculative_poison = mca->choice<SpeculativePoison>("speculative_poison");
    m.uc_poison_fatal = mca->truth("uc_poison_fatal");
    m.cmci_threshold = mca->number32("cmci_threshold");
    m.firmware_first = mca->choice<FirmwareFirst>("firmware_first");
    if (m.firmware_first != FirmwareFirst::none && !m.emc && !bad(*mca))
        add(mca->at("firmware_first"), "errors cannot raise an SMI on a part without \"emc\"",
            "leave \"emc\" true, or \"firmware_first\" \"none\"");
    const auto cpu_list = [&](std::string_view key) {
        std::vector<CpuId> out;
        const Value* list = mca->find(key);
        if (list == nullptr || !list->is(Value::Type::array)) return out;
        const Path at = mca->at(key);
        const std::uint32_t count = scenario.machine.cpus.count();
        for (std::size_t i = 0; i < list->count; ++i) {
            const Value& item = list->items[i];
            if (!item.is(Value::Type::whole)) continue;
            const Path here{&at, &item, {}, i, true};
            if (item.whole >= count && count != 0)
                add(here, "there is no CPU " + std::to_string(item.whole),
                    "the machine has " + std::to_string(count) + " CPUs: 0 to " +
                        std::to_string(count - 1));
            out.push_back(static_cast<CpuId>(item.whole));
        }
        std::sort(out.begin(), out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
        return out;
    };
    m.stuck_cpus = cpu_list("stuck_cpus");
    m.mce_disabled_cpus = cpu_list("mce_disabled_cpus");
    if (!findings_.touched(&mca->value()) && scenario.machine.cpus.count() != 0 &&
        m.stuck_cpus.size() == scenario.machine.cpus.count())
        add(mca->at("stuck_cpus"), "all CPUs are stuck", "leave at least one that runs");
}

void Resolver::resolve_memory(const Cursor& machine) {
    machine.each("memory", [&](const Cursor& dram, std::size_t i) {
        DramConfig d;
        d.id = dram.given("id") ? std::string(dram.text("id")) : "dram" + std::to_string(i);
        memory_.add(findings_, dram.at("id"), document_.keep(d.id));
        d.socket = dram.number32("socket");
        const std::uint64_t base = dram.number("base"), size = dram.number("size");
        if (!bad(dram)) {
            if (base % kPageSize != 0 || size % kPageSize != 0)
                add(dram.at(base % kPageSize != 0 ? "base" : "size"),
                    hex_text(base % kPageSize != 0 ? base : size) + " is not a whole number of pages",
                    "align it to 4KiB");
            if (const auto range = range_at(base, size)) {
                d.range = *range;
            } else {
                add(dram.path(), "the range " + hex_text(base) + " + " + size_text(size) +
                                     " leaves the physical address space", "it ends at 0x10000000000000");
            }
        }
        resolve_cxl_window(dram, d);
        dram.each("poison", [&](const Cursor& poison, std::size_t) {
            if (bad(poison) || d.range.size() == 0) return;
            const std::uint64_t spa = poison.number("spa"), length = poison.number("length");
            if (length == 0) {
                add(poison.at("length"), "the range is empty", "a cache line has 64 bytes");
            } else if (!d.range.contains(spa, length)) {
                add(poison.path(), hex_text(spa) + " + " + size_text(length) + " lies outside " + d.id,
                    d.id + " is " + range_text(d.range));
            } else {
                d.poison.push_back({round_down(spa, kLineSize), round_up(spa + length, kLineSize)});
            }
        });
        scenario.machine.memory.push_back(std::move(d));
    });
    check_cxl_overlaps(machine);
}

std::vector<DpaRange> Resolver::dpa_ranges(const Cursor& nvdimm, std::string_view key,
                                           std::uint64_t size) {
    std::vector<DpaRange> out;
    nvdimm.each(key, [&](const Cursor& range, std::size_t) {
        if (bad(range)) return;
        const std::uint64_t dpa = range.number("dpa"), length = range.number("length");
        if (length == 0) {
            add(range.at("length"), "the range is empty", "a cache line has 64 bytes");
        } else if (!SpaRange{0, size}.contains(dpa, length)) {
            add(range.path(), hex_text(dpa) + " + " + size_text(length) + " lies outside the module",
                "it has " + size_text(size));
        } else {
            out.push_back({round_down(dpa, kLineSize), round_up(dpa + length, kLineSize)});
        }
    });
    return out;
}

void Resolver::resolve_regions(const Cursor& machine) {
    machine.each("regions", [&](const Cursor& region, std::size_t i) { resolve_region(region, i); });
    std::vector<PlacedRange> ranges;
    const auto place = [&](std::string_view key, std::size_t i, SpaRange range, std::string_view id) {
        const Value* list = machine.find(key);
        if (list == nullptr || range.size() == 0 || i >= list->count) return;
        ranges.push_back({range, id, &list->items[i],
                          "/machine/" + std::string(key) + '/' + std::to_string(i)});
    };
    const MachineConfig& m = scenario.machine;
    for (std::size_t i = 0; i < m.memory.size(); ++i)
        place("memory", i, m.memory[i].range, m.memory[i].id);
    if (machine.find("memory") == nullptr)
        ranges.push_back({m.memory[0].range, m.memory[0].id, &machine.value(), "/machine"});
    for (std::size_t i = 0; i < m.regions.size(); ++i)
        place("regions", i, m.regions[i].range, m.regions[i].id);
    check_overlaps(ranges, "");
    check_dpa_overlaps();
}

void Resolver::resolve_region(const Cursor& region, std::size_t index) {
    MachineConfig& m = scenario.machine;
    RegionConfig r;
    r.id = region.given("id") ? std::string(region.text("id")) : "region" + std::to_string(index);
    regions_.add(findings_, region.at("id"), document_.keep(r.id));
    r.interleave = region.number("interleave");
    if (!bad(region) && (r.interleave & (r.interleave - 1)) != 0)
        add(region.at("interleave"), size_text(r.interleave) + " is not a power of two",
            "4KiB is usual");

    if (const Value* list = region.find("nvdimms"); list != nullptr && list->is(Value::Type::array)) {
        const Path at = region.at("nvdimms");
        for (std::size_t i = 0; i < list->count; ++i) {
            const Value& item = list->items[i];
            if (!item.is(Value::Type::text)) continue;
            const Path here{&at, &item, {}, i, true};
            const auto nvdimm = nvdimms_.require(findings_, here, item.text());
            if (!nvdimm) continue;
            if (std::find(r.nvdimms.begin(), r.nvdimms.end(), *nvdimm) != r.nvdimms.end())
                add(here, in_quotes(item.text()) + " stands twice in this region", "each module once");
            r.nvdimms.push_back(*nvdimm);
        }
    }
    const std::uint64_t ways = r.nvdimms.size();
    r.dpa_base.assign(ways, 0);
    if (const Value* list = region.find("dpa_base"); list != nullptr && !bad(region)) {
        if (list->count != ways)
            add(region.at("dpa_base"), std::to_string(list->count) + " addresses for " +
                                           std::to_string(ways) + " modules", "one per module");
        for (std::size_t i = 0; i < std::min<std::size_t>(ways, list->count); ++i)
            r.dpa_base[i] = parse_quantity(kAddress, list->items[i]).value.value_or(0);
    }
    if (!bad(region)) resolve_table(region, r);
    if (bad(region)) {
        m.regions.push_back(std::move(r));
        return;
    }

    // What each module can give.
    std::uint64_t share = ~0ull;
    for (std::size_t i = 0; i < ways; ++i) {
        const NvdimmConfig& nvdimm = m.nvdimms[r.nvdimms[i]];
        if (r.dpa_base[i] >= nvdimm.size && nvdimm.size != 0) {
            add(region.at("dpa_base"), hex_text(r.dpa_base[i]) + " lies outside " + nvdimm.id,
                "it has " + size_text(nvdimm.size));
        }
        share = std::min(share, nvdimm.size - std::min(nvdimm.size, r.dpa_base[i]));
    }
    share = round_down(share, r.stripe() / ways);
    const std::uint64_t most = share * ways;
    const std::uint64_t size = region.maybe("size").value_or(most);
    if (size > most)
        add(region.at("size"), size_text(size) + " is more than the modules hold",
            "at most " + size_text(most));
    if (size % r.stripe() != 0)
        add(region.at("size"), size_text(size) + " is not a whole number of stripes",
            "a multiple of " + size_text(r.stripe()));
    if (size == 0 && !region.given("size"))
        add(region.path(), "the modules are smaller than one stripe", "at least " +
            size_text(r.stripe() / ways) + " each");

    std::uint64_t base = 0;
    if (region.given("base")) {
        base = region.number("base");
        if (base % kPageSize != 0)
            add(region.at("base"), hex_text(base) + " is not page aligned", "align it to 2MiB");
    } else {
        for (const DramConfig& dram : m.memory) base = std::max(base, dram.range.end);
        for (const RegionConfig& other : m.regions) base = std::max(base, other.range.end);
        base = round_up(base, kGiB);
    }
    if (const auto range = range_at(base, size)) {
        if (!bad(region)) r.range = *range;
    } else {
        add(region.path(), "the range " + hex_text(base) + " + " + size_text(size) +
                               " leaves the physical address space", "it ends at 0x10000000000000");
    }
    m.regions.push_back(std::move(r));
}

/// Reports, at the later of two in the order of the document, that they overlap.
void Resolver::check_overlaps(std::vector<PlacedRange>& ranges, std::string_view unit) {
    std::vector<std::size_t> order(ranges.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return ranges[a].range.begin < ranges[b].range.begin;
    });
    std::size_t reach = 0;  // of those seen, the one that reaches farthest
    for (std::size_t i = 1; i < order.size(); ++i) {
        const PlacedRange &here = ranges[order[i]], &before = ranges[order[reach]];
        if (here.range.begin < before.range.end) {
            const bool here_later = order[i] > order[reach];
            const PlacedRange& later = here_later ? here : before;
            const PlacedRange& earlier = here_later ? before : here;
            findings_.add_at(later.value->source, later.value->offset, later.pointer,
                             {std::string(later.what) + ' ' + range_text(later.range) + " overlaps " +
                                  std::string(earlier.what) + ' ' + range_text(earlier.range) +
                                  std::string(unit),
                              "move or shrink one of them"});
        }
        if (here.range.end > before.range.end) reach = i;
    }
}

void Resolver::check_dpa_overlaps() {
    const MachineConfig& m = scenario.machine;
    const Value* machine = document_.root.find("machine");
    const Value* list = machine == nullptr ? nullptr : machine->find("regions");
    if (list == nullptr) return;
    std::vector<std::vector<PlacedRange>> used(m.nvdimms.size());
    for (std::size_t i = 0; i < m.regions.size() && i < list->count; ++i) {
        const RegionConfig& region = m.regions[i];
        if (region.range.size() == 0) continue;
        for (std::size_t way = 0; way < region.nvdimms.size(); ++way) {
            const std::uint64_t begin = region.dpa_base[way];
            used[region.nvdimms[way]].push_back(
                {{begin, begin + region.range.size() / region.nvdimms.size()},
                 region.id, &list->items[i], "/machine/regions/" + std::to_string(i)});
        }
    }
    for (std::size_t n = 0; n < used.size(); ++n) check_overlaps(used[n], " in " + m.nvdimms[n].id);
}

void Resolver::resolve_namespaces(const Cursor& machine) {
    machine.each("namespaces",
                 [&](const Cursor& ns, std::size_t) { resolve_namespace(ns); });
    pmem_used_.resize(scenario.machine.namespaces.size());
    const Value* list = machine.find("namespaces");
    if (list == nullptr) return;
    std::vector<PlacedRange> ranges;
    std::map<std::string_view, std::size_t> devices;
    for (std::size_t i = 0; i < scenario.machine.namespaces.size() && i < list->count; ++i) {
        const NamespaceConfig& ns = scenario.machine.namespaces[i];
        const std::string pointer = "/machine/namespaces/" + std::to_string(i);
        if (ns.range.size() == 0) continue;
        ranges.push_back({ns.range, ns.id, &list->items[i], pointer});
        const auto [other, fresh] = devices.emplace(ns.device, i);
        if (!fresh)
            findings_.add_at(list->items[i].source, list->items[i].offset, pointer,
                             {"the device " + in_quotes(ns.device) + " is taken by " +
                                  scenario.machine.namespaces[other->second].id,
                              "give it another \"id\" or \"device\""});
    }
    check_overlaps(ranges, "");
}

/// The two numbers of "namespaceR.N".
void Resolver::namespace_numbers(const Cursor& at, std::string_view key, NamespaceConfig& n) {
    unsigned long numbers[2] = {0, 0};
    std::string_view rest = n.id;
    bool good = rest.starts_with("namespace");
    if (good) rest.remove_prefix(9);
    for (int part = 0; part < 2 && good; ++part) {
        const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
        good = digits > 0 && digits <= 5 && (digits == 1 || rest[0] != '0');
        if (!good) break;
        numbers[part] = std::stoul(std::string(rest.substr(0, digits)));
        rest.remove_prefix(digits);
        if (part == 0) {
            good = rest.starts_with('.');
            if (good) rest.remove_prefix(1);
        }
    }
    if (!good || !rest.empty())
        add(at.at(key), in_quotes(n.id) + " is no name of a namespace",
            "write namespaceR.N, as in \"namespace0.0\"");
    n.number_region = static_cast<std::uint32_t>(numbers[0]);
    n.number = static_cast<std::uint32_t>(numbers[1]);
}

void Resolver::resolve_namespace(const Cursor& ns) {
    MachineConfig& m = scenario.machine;
    NamespaceConfig n;
    const auto done = [&] { m.namespaces.push_back(std::move(n)); };

    // The region, and the two numbers of the name.
    int region = reference(ns, "region", regions_);
    if (!ns.given("region")) {
        if (m.regions.size() == 1) {
            region = 0;
        } else {
            add(ns.path(), "the key \"region\" is missing",
                m.regions.empty() ? "there are no regions" : "there are several regions: name one");
        }
    }
    n.region = region < 0 ? 0 : static_cast<std::uint32_t>(region);
    n.id = ns.text("id");
    if (ns.given("id")) {
        namespace_numbers(ns, "id", n);
    } else {
        n.number_region = n.region;
        for (const NamespaceConfig& other : m.namespaces)
            if (other.region == n.region) n.number = std::max(n.number, other.number + 1);
        n.id = "namespace" + std::to_string(n.number_region) + '.' + std::to_string(n.number);
    }
    namespaces_.add(findings_, ns.at("id"), document_.keep(n.id));
    n.mode = ns.choice<NamespaceMode>("mode");
    n.align = ns.number("align");
    n.map_dev = ns.text("map") == "dev";

    n.uuid = uuid(ns);
    n.device = ns.text("device");
    if (n.device.empty()) {
        n.device = pmem::device_name(n.mode, n.number_region, n.number);
    }
    if (bad(ns) || region < 0 || m.regions[n.region].range.size() == 0) return done();

    // Its place.
    const RegionConfig& home = m.regions[n.region];
    std::uint64_t offset = 0;
    if (ns.given("offset")) {
        offset = ns.number("offset");
    } else {
        for (const NamespaceConfig& other : m.namespaces) {
            if (other.region == n.region && other.range.size() != 0)
                offset = std::max(offset, other.range.end - home.range.begin);
        }
    }
    if (offset >= home.range.size()) {
        add(ns.path(), "no room is left in " + home.id,
            "it has " + size_text(home.range.size()) + ": give the namespaces sizes");
        return done();
    }
    const std::uint64_t rest = home.range.size() - offset;
    const std::uint64_t size = ns.maybe("size").value_or(rest);
    if (size > rest) {
        add(ns.at("size"), size_text(size) + " is more than is left in " + home.id,
            "at most " + size_text(rest));
        return done();
    }
    if (size % kPageSize != 0)
        add(ns.at("size"), size_text(size) + " is not a whole number of pages", "align it to 4KiB");
    n.range = {home.range.begin + offset, home.range.begin + offset + size};

    // Where its data lie: nvdimm.md 3.2.
    const bool paged = n.mode == NamespaceMode::fsdax || n.mode == NamespaceMode::devdax;
    if (n.align != kPageSize && n.align != 2 * kMiB && n.align != kGiB)
        add(ns.at("align"), size_text(n.align) + " is no alignment", "4KiB, 2MiB or 1GiB");
    if (paged && n.range.begin % (2 * kMiB) != 0) {
        add(ns.path(), "the namespace begins at " + hex_text(n.range.begin) + ", not at whole 2MiB",
            "align the region's base and the offset");
    }
    if (bad(ns)) {
        n.range = {};
        return done();
    }
    if (paged) {
        const pmem::NamespaceLayout layout =
            pmem::namespace_layout(n.range, n.mode, n.map_dev, n.align);
        n.data_offset = layout.data_offset;
        n.end_trunc = layout.end_trunc;
    }
    if (ns.given("data_offset")) n.data_offset = ns.number("data_offset");
    if (ns.given("end_trunc")) n.end_trunc = ns.number("end_trunc");
    if (n.data_offset >= size || n.end_trunc >= size - n.data_offset) {
        add(ns.path(), "no room for data: they begin at " + size_text(n.data_offset) + ", " +
                           size_text(n.end_trunc) + " are cut off at the end, of " + size_text(size),
            "make the namespace larger or the alignment smaller");
        n.range = {};
        n.data_offset = n.end_trunc = 0;
    } else if (n.data_offset % kPageSize != 0 || n.end_trunc % kPageSize != 0) {
        add(ns.at(n.data_offset % kPageSize != 0 ? "data_offset" : "end_trunc"),
            "the data are not page aligned", "align it to 4KiB");
    } else if (n.mode == NamespaceMode::devdax && n.data().begin % n.align != 0) {
        add(ns.at("data_offset"), "the data begin at " + hex_text(n.data().begin) +
                                      ", not at whole " + size_text(n.align),
            "align it, or leave \"data_offset\" out");
    }
    done();
}

}  // namespace mcemu::scenario
