#include <algorithm>

#include "scenario/resolver.hpp"

namespace mcemu::scenario {

Action Resolver::action(const Cursor& event, std::size_t index) {
    const std::string_view what = event.chosen()->name;
    const auto file = [&] {
        const int found = reference(event, "file", files_);
        return found < 0 ? 0u : static_cast<std::uint32_t>(found);
    };
    if (what == "mce") return mce(event);
    if (what == "poison" || what == "unpoison_media") return poison(event);
    if (what == "load" || what == "store" || what == "fetch") return access(event);
    if (what == "speculate") return speculate(event);
    if (what == "copy") return copy(event);
    if (what == "scrub") return scrub(event);
    if (what == "madvise") {
        MadviseEvent e;
        e.process = process_of(event);
        e.va = address_of(event, e.process);
        e.size = event.number("size");
        e.soft_offline = event.text("advice") == "soft_offline";
        return e;
    }
    if (what == "hwpoison_pfn") return HwpoisonPfnEvent{Pfn{event.number("pfn")}};
    if (what == "unpoison_pfn") return UnpoisonPfnEvent{Pfn{event.number("pfn")}};
    if (what == "bio") return bio(event);
    if (what == "read_file" || what == "write_file") {
        FileIoEvent e;
        e.write = what == "write_file";
        e.file = file();
        e.process = process_of(event);
        e.offset = event.number("offset");
        e.size = event.number("size");
        e.data = data_of(event);
        e.report = event.truth("report");
        if (!bad(event) && e.size > ~0ull - e.offset)
            add(event.path(), "the range wraps around", "make it smaller");
        return e;
    }
    if (ndctl_command(what)) return ndctl(event);
    if (what == "punch_hole") {
        PunchHoleEvent e{file(), process_of(event), event.number("offset"), event.number("size")};
        if (!bad(event) && e.size > ~0ull - e.offset)
            add(event.path(), "the range wraps around", "make it smaller");
        return e;
    }
    if (what == "fsync") return FsyncEvent{process_of(event), file()};
    if (what == "dsm") return dsm(event);
    if (what == "cxl") return cxl(event);
    if (what == "dma") return dma(event);
    if (what == "cper") return cper(event);
    if (what == "mmap") {
        MmapEvent e;
        e.process = process_of(event);
        if (const auto map = event.object("map")) {
            e.map = resolve_map(*map, true);
            if (e.map.id.empty()) e.map.id = scenario.events[index].id;
        }
        return e;
    }
    if (what == "munmap" || what == "mlock" || what == "flush" || what == "pin" || what == "unpin") {
        const std::uint32_t process = process_of(event);
        std::uint64_t rest = 0;
        const std::uint64_t va = address_of(event, process, &rest);
        if (!event.given("size") && !event.given("map") && event.given("va"))
            add(event.path(), "the key \"size\" is missing", "with \"va\" nothing tells how much");
        const std::uint64_t size = event.maybe("size").value_or(rest);
        if (what == "flush") return FlushEvent{process, va, size};
        if (what == "munmap") return MunmapEvent{process, va, size};
        if (what == "pin") return PinEvent{process, va, size, event.truth("longterm")};
        if (what == "unpin") return UnpinEvent{process, va, size};
        return MlockEvent{process, va, size};
    }
    if (what == "fork") return fork(event, index);
    if (what == "exit") return ExitEvent{process_of(event), static_cast<int>(event.number("code"))};
    if (what == "truncate")
        return TruncateEvent{file(), event.number("size"), reference(event, "process", processes_)};
    if (what == "prctl_mce_kill")
        return PrctlMceKillEvent{process_of(event), event.choice<McePolicy>("policy")};
    if (what == "sigprocmask") return SigprocmaskEvent{process_of(event), event.text("how") == "block"};
    if (what == "sigaction")
        return SigactionEvent{process_of(event), event.choice<SigbusAction>("sigbus")};
    if (what == "sysctl") {
        std::string_view name = event.text("name");
        if (name.starts_with("vm.")) name.remove_prefix(3);
        return SysctlEvent{std::string(name), event.number("value")};
    }
    if (what == "cpu_offline" || what == "cpu_online")
        return CpuHotplugEvent{cpu_of(event), what == "cpu_online"};
    if (what == "disable_namespace" || what == "enable_namespace") {
        const int ns = reference(event, "namespace", namespaces_);
        return NamespaceEvent{ns < 0 ? 0u : static_cast<std::uint32_t>(ns),
                              what == "enable_namespace"};
    }
    if (what == "power_fail") return PowerFailEvent{event.truth("adr_fails"), event.truth("save_fails")};
    if (what == "stop_scrub") return StopScrubEvent{};
    if (what == "notify") return notify(event);
    return call(event);
}

std::uint64_t Resolver::address_of(const Cursor& event, std::uint32_t process, std::uint64_t* rest) {
    const bool va = event.given("va"), map = event.given("map");
    if (va && map) {
        add(event.at("map"), "\"va\" and \"map\" are both given", "keep one");
        return 0;
    }
    if (!map) {
        if (!va) add(event.path(), "it has no address", "give \"va\", or \"map\" and \"offset\"");
        if (va && event.given("offset"))
            add(event.at("offset"), "\"offset\" without \"map\"", "name a map of the process instead of \"va\"");
        return event.number("va");
    }
    if (bad(event)) return 0;
    const NamedMap* const named = map_of(event.at("map"), process, event.text("map"));
    if (named == nullptr) return 0;
    const NamedMap& found = *named;
    const std::uint64_t offset = event.number("offset");
    if (offset >= found.size) {
        add(event.at("offset"), hex_text(offset) + " lies outside the map",
            "it has " + size_text(found.size));
        return 0;
    }
    if (rest != nullptr) *rest = found.size - offset;
    return found.va + offset;
}

/// A failure of the media takes whole lines of it; chunks of a region hold whole ones.
void Resolver::media_lines(const Cursor& event, const NvdimmConfig& module, PoisonEvent& e) {
    if (e.heal || event.text("failure") != "media" || module.profile == NvdimmProfile::nvdimm_n)
        return;
    constexpr std::uint64_t kMediaLine = 256;  // nvdimm.md 1.1, 1.2
    const std::uint64_t end = round_up(e.address + e.length, kMediaLine);
    e.address = round_down(e.address, kMediaLine);
    e.length = end - e.address;
}

Action Resolver::poison(const Cursor& event) {
    PoisonEvent e;
    e.heal = event.chosen()->name == "unpoison_media";
    e.length = event.number("length");
    const bool spa = event.given("spa"), nvdimm = event.given("nvdimm"), dpa = event.given("dpa");
    const bool memdev = event.given("memdev");
    if (memdev && nvdimm) {
        add(event.at("memdev"), "\"nvdimm\" and \"memdev\" are both given", "keep one");
        return e;
    }
    const std::string device = memdev ? "\"memdev\"" : "\"nvdimm\"";
    if (spa == (nvdimm || memdev) || (nvdimm || memdev) != dpa) {
        add(event.path(), spa && (nvdimm || memdev || dpa)
                              ? "\"spa\" and " + device + " with \"dpa\" are both given"
                          : spa || nvdimm || memdev || dpa ? device + " and \"dpa\" belong together"
                                                           : std::string("it has no address"),
            "give \"spa\", or " + device + " and \"dpa\"");
        return e;
    }
    if (memdev) {
        e.memdev = reference(event, "memdev", memdevs_);
        e.address = event.number("dpa");
        if (bad(event) || e.memdev < 0) return e;
        if (!e.heal && event.text("failure") == "media")
            add(event.at("failure"), "only NVDIMMs have media lines", "leave it out");
        const MemdevConfig& device_config = scenario.machine.memdevs[static_cast<std::size_t>(e.memdev)];
        if (!memory_unsure_ && !SpaRange{0, device_config.size()}.contains(e.address, e.length))
            add(event.at("dpa"), hex_text(e.address) + " + " + size_text(e.length) + " lies outside " + device_config.id,
                "it has " + size_text(device_config.size()));
        return e;
    }
    if (nvdimm) {
        e.nvdimm = reference(event, "nvdimm", nvdimms_);
        e.address = event.number("dpa");
        if (bad(event) || e.nvdimm < 0) return e;
        const NvdimmConfig& module = scenario.machine.nvdimms[static_cast<std::size_t>(e.nvdimm)];
        if (!memory_unsure_ && !SpaRange{0, module.size}.contains(e.address, e.length))
            add(event.at("dpa"), hex_text(e.address) + " + " + size_text(e.length) + " lies outside " + module.id,
                "it has " + size_text(module.size));
        else
            media_lines(event, module, e);
        return e;
    }
    e.address = event.number("spa");
    if (bad(event)) return e;
    if (e.length > ~0ull - e.address) {
        add(event.at("length"), "the range wraps around", "make it smaller");
    } else {
        in_memory(event.at("spa"), {e.address, e.address + e.length});
        for (const RegionConfig& region : scenario.machine.regions)
            if (region.range.contains(e.address, e.length) && !region.nvdimms.empty())
                return media_lines(event, scenario.machine.nvdimms[region.nvdimms[0]], e), e;
        if (!e.heal && !memory_unsure_ && event.text("failure") == "media")
            add(event.at("failure"), "only NVDIMMs have media lines", "leave it out, or choose an address in a region");
    }
    return e;
}

Action Resolver::access(const Cursor& event) {
    AccessEvent e;
    const std::string_view what = event.chosen()->name;
    e.process = process_of(event);
    e.va = address_of(event, e.process);
    e.size = event.number("size");
    e.kind = what == "load" ? AccessKind::load : what == "fetch" ? AccessKind::fetch : AccessKind::store;
    if (what != "fetch") e.data = data_of(event);
    e.report = what == "load" && event.truth("report");
    if (what == "store" && event.truth("full_line")) {
        e.kind = AccessKind::store_full_line;
        if (!event.given("size")) e.size = kLineSize;
        if (!bad(event) && (e.size % kLineSize != 0 || e.va % kLineSize != 0))
            add(event.at("full_line"), "a full-line store of a part of a line", "align va and size to 64B");
    }
    if (!bad(event) && e.size > ~0ull - e.va)
        add(event.path(), "the range wraps around", "make it smaller");
    return e;
}

Action Resolver::speculate(const Cursor& event) {
    SpeculateEvent e;
    e.cpu = cpu_of(event);
    e.registers = event.truth("registers");
    e.va = event.maybe("va");
    e.spa = event.maybe("spa");
    const int ways = (e.registers ? 1 : 0) + (event.given("va") ? 1 : 0) + (event.given("spa") ? 1 : 0);
    if (!bad(event) && ways != 1)
        add(event.path(), ways == 0 ? "it has no address" : "it has several addresses",
            "give one of \"va\", \"spa\" and \"registers\": true");
    return e;
}

Action Resolver::copy(const Cursor& event) {
    CopyEvent e;
    e.direction = event.choice<CopyEvent::Direction>("direction");
    e.process = reference(event, "process", processes_);
    e.size = event.number("size");
    e.safe = event.truth("safe");
    if (bad(event)) return e;
    if (e.direction == CopyEvent::Direction::from_pmem) {
        if (!event.given("spa")) {
            add(event.path(), "the key \"spa\" is missing", "copying from_pmem begins at a physical address");
            return e;
        }
        e.spa = event.number("spa");
        if (e.size > ~0ull - e.spa) {
            add(event.at("size"), "the range wraps around", "make it smaller");
        } else {
            in_memory(event.at("spa"), {e.spa, e.spa + e.size});
        }
        return e;
    }
    if (e.process < 0) {
        add(event.path(), "the key \"process\" is missing", "it says whose memory is copied");
        return e;
    }
    e.va = address_of(event, static_cast<std::uint32_t>(e.process));
    e.spa = event.number("spa");
    return e;
}

Action Resolver::scrub(const Cursor& event) {
    ScrubEvent e;
    e.kind = event.choice<ScrubEvent::Kind>("kind");
    if (bad(event)) return e;
    const bool region = event.given("region"), spa = event.given("spa"), length = event.given("length");
    if (region == spa || spa != length) {
        add(event.path(), "what to scrub is unclear", "give \"region\", or \"spa\" and \"length\"");
        return e;
    }
    if (region) {
        const std::string_view name = event.text("region");
        if (const auto range = named_range(name)) {
            e.range = *range;
        } else {
            reference(event, "region", regions_);
        }
        return e;
    }
    const std::uint64_t begin = event.number("spa"), size = event.number("length");
    if (size > ~0ull - begin) {
        add(event.at("length"), "the range wraps around", "make it smaller");
        return e;
    }
    e.range = {begin, begin + size};
    in_memory(event.at("spa"), e.range);
    return e;
}

Action Resolver::bio(const Cursor& event) {
    BioEvent e;
    e.op = event.choice<BioEvent::Op>("op");
    const int ns = reference(event, "namespace", namespaces_);
    e.ns = ns < 0 ? 0 : static_cast<std::uint32_t>(ns);
    e.sector = event.number("sector");
    e.sectors = event.number("sectors");
    e.process = reference(event, "process", processes_);
    e.data = data_of(event);
    e.report = event.truth("report");
    if (ns < 0 || bad(event)) return e;
    const NamespaceConfig& config = scenario.machine.namespaces[e.ns];
    if (changing_.contains(config.id) || changing_.contains("all")) return e;  // the kernel will say
    if (config.mode == NamespaceMode::devdax) {
        add(event.at("namespace"), in_quotes(config.id) + " has no block device",
            "device-dax is a character device: use mode \"fsdax\", \"raw\" or \"sector\"");
    } else if (config.range.size() != 0) {
        const std::uint64_t sectors = config.data().size() / kSectorSize;
        if (e.sector >= sectors || e.sectors > sectors - e.sector)
            add(event.at("sector"), "sectors " + std::to_string(e.sector) + " + " + std::to_string(e.sectors) +
                                        " lie outside " + config.device,
                "it has " + std::to_string(sectors));
    }
    return e;
}

Action Resolver::dsm(const Cursor& event) {
    DsmEvent e;
    e.function = event.choice<DsmEvent::Function>("function");
    e.nvdimm = reference(event, "nvdimm", nvdimms_);
    const int region = reference(event, "region", regions_);
    if (region >= 0) {
        const SpaRange range = scenario.machine.regions[static_cast<std::size_t>(region)].range;
        e.address = range.begin;
        e.length = range.size();
    }
    const auto gathered = event.object("arguments");
    const auto argument = [&](std::string_view key) -> std::optional<std::uint64_t> {
        const bool outer = event.given(key), inner = gathered && gathered->given(key);
        if (outer && inner) add(event.at(key), in_quotes(key) + " stands in \"arguments\" too", "keep one");
        if (outer) return event.maybe(key);
        if (inner) return gathered->maybe(key);
        return std::nullopt;
    };
    e.address = argument("address").value_or(e.address);
    e.length = argument("length").value_or(e.length);
    e.flags = static_cast<std::uint32_t>(argument("flags").value_or(0));
    e.read_only = event.truth("read_only");
    e.cleared = event.number("cleared");
    if (const auto t = event.object("thresholds")) e.thresholds = thresholds(*t);
    const bool of_module = e.function == DsmEvent::Function::smart ||
                           e.function == DsmEvent::Function::smart_inject ||
                           e.function == DsmEvent::Function::smart_threshold ||
                           e.function == DsmEvent::Function::smart_set_threshold ||
                           e.function == DsmEvent::Function::latch_shutdown;
    if (!bad(event) && of_module && !event.given("nvdimm"))
        add(event.path(), "the key \"nvdimm\" is missing", in_quotes(event.text("function")) +
                                                               " is a call of a module");
    return e;
}

Action Resolver::cper(const Cursor& event) {
    CperEvent e;
    e.severity = event.choice<CperEvent::Severity>("severity");
    e.address = event.maybe("address");
    e.mask = event.maybe("mask");
    e.source = event.number32("source");
    if (const auto type = event.maybe("error_type")) e.error_type = static_cast<std::uint32_t>(*type);
    e.threshold_exceeded = event.truth("threshold_exceeded");
    return e;
}

Action Resolver::fork(const Cursor& event, std::size_t index) {
    ForkEvent e;
    e.process = process_of(event);
    const int number = fork_child_[index];
    if (number < 0) return e;
    if (event.given("every") || event.number("times") != 1)
        add(event.at(event.given("every") ? "every" : "times"), "a fork that is repeated",
            "each child has an id of its own: write one event for each");
    if (!bad(event) && e.process >= scenario.processes.size() + static_cast<std::size_t>(number))
        add(event.at("process"), in_quotes(event.text("process")) + " is forked by a later event",
            "list its own fork first");
    e.child = children[static_cast<std::size_t>(number)];
    return e;
}

Action Resolver::notify(const Cursor& event) {
    NotifyEvent e;
    e.value = 0x80 + static_cast<std::uint32_t>(event.choice<int>("value"));
    e.nvdimm = reference(event, "nvdimm", nvdimms_);
    constexpr std::uint32_t kHealth = 0x81;
    if (e.nvdimm >= 0 && e.value != kHealth)
        add(event.at("value"), in_quotes(event.text("value")) + " tells a module nothing",
            "a module is notified of a health event, \"0x81\"; the others go to the root device");
    return e;
}

Action Resolver::call(const Cursor& event) {
    CallEvent e;
    e.function = event.text("function");
    e.process = reference(event, "process", processes_);
    if (const Value* list = event.find("arguments"); list != nullptr && list->is(Value::Type::array)) {
        for (const Value& item : list->children())
            e.arguments.push_back(parse_quantity(kAddress, item).value.value_or(0));
    }
    struct Signature {
        std::string_view function;
        std::size_t least, most;
        std::string_view arguments;
    };
    constexpr Signature kSignatures[] = {
        {"memory_failure", 1, 2, "a pfn and, if any, flags"},
        {"soft_offline_page", 1, 2, "a pfn and, if any, flags"},
        {"set_mce_nospec", 1, 1, "a pfn"},
        {"mce_unmap_kpfn", 1, 1, "a pfn"},
        {"clear_mce_nospec", 1, 1, "a pfn"},
        {"reserve_memtype", 3, 3, "begin, end and memory type"},
        {"memtype_reserve", 3, 3, "begin, end and memory type"},
        {"free_memtype", 2, 2, "begin and end"},
        {"memtype_free", 2, 2, "begin and end"},
        {"dump_page", 1, 1, "a pfn"},
    };
    for (const Signature& s : kSignatures) {
        if (s.function != e.function || bad(event)) continue;
        if (e.arguments.size() < s.least || e.arguments.size() > s.most)
            add(event.at("arguments"), in_quotes(e.function) + " with " + std::to_string(e.arguments.size()) +
                                           " arguments", "it takes " + std::string(s.arguments));
    }
    return e;
}

}  // namespace mcemu::scenario
