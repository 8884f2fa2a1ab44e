// CXL memory devices, the memory ranges that they answer, and events of theirs and of bus masters.
#include <algorithm>

#include "scenario/resolver.hpp"

namespace mcemu::scenario {

void Resolver::resolve_memdevs(const Cursor& machine) {
    machine.each("memdevs", [&](const Cursor& memdev, std::size_t i) {
        MemdevConfig m;
        m.id = memdev.given("id") ? std::string(memdev.text("id")) : "mem" + std::to_string(i);
        memdevs_.add(findings_, memdev.at("id"), document_.keep(m.id));
        m.volatile_bytes = memdev.number("volatile");
        m.persistent_bytes = memdev.number("persistent");
        m.poison_list_max = memdev.number32("poison_list_max");
        m.inject_limit = static_cast<std::uint16_t>(memdev.number("inject_limit"));
        m.scan_rate = memdev.number("scan_rate");
        m.socket = memdev.number32("socket");
        m.media_disabled = memdev.truth("media_disabled");
        if (!bad(memdev)) {
            constexpr std::uint64_t kMost = 1ull << 50;  // what 2^44 lines of 64 bytes hold
            for (const auto& [key, size] : {std::pair{"volatile", m.volatile_bytes},
                                            std::pair{"persistent", m.persistent_bytes}}) {
                if (size % kPageSize != 0)
                    add(memdev.at(key), size_text(size) + " is not a whole number of pages",
                        "align it to 4KiB");
                if (size > kMost / 2)
                    add(memdev.at(key), size_text(size) + " is more than a device can have",
                        "at most " + size_text(kMost / 2));
            }
            if (m.size() == 0)
                add(memdev.path(), "the device has no memory", "give \"volatile\", \"persistent\" or both");
        }
        m.poison = dpa_ranges(memdev, "poison", m.size());
        m.stuck = dpa_ranges(memdev, "stuck", m.size());
        scenario.machine.memdevs.push_back(std::move(m));
    });
}

/// An entry of "memory" that names CXL devices.
void Resolver::resolve_cxl_window(const Cursor& memory, DramConfig& window) {
    const Value* list = memory.find("memdevs");
    if (list == nullptr || !memory.given("memdevs")) {
        for (const char* key : {"dpa_base", "interleave", "hash"})
            if (memory.given(key))
                add(memory.at(key), in_quotes(key) + " without \"memdevs\"",
                    "name the CXL devices that answer the range, or leave it out");
        return;
    }
    if (!list->is(Value::Type::array)) return;
    const Path at = memory.at("memdevs");
    for (std::size_t i = 0; i < list->count; ++i) {
        const Value& item = list->items[i];
        if (!item.is(Value::Type::text)) continue;
        const Path here{&at, &item, {}, i, true};
        const auto device = memdevs_.require(findings_, here, item.text());
        if (!device) continue;
        if (std::find(window.memdevs.begin(), window.memdevs.end(), *device) != window.memdevs.end())
            add(here, in_quotes(item.text()) + " stands twice in this range", "each device once");
        window.memdevs.push_back(*device);
    }
    const std::uint64_t ways = window.memdevs.size();
    window.interleave = memory.number("interleave");
    window.xor_hash = memory.text("hash") == "xor";
    window.dpa_base.assign(ways, 0);
    if (memory.given("poison"))
        add(memory.at("poison"), "the errors of CXL memory lie in its devices",
            "give them as \"poison\" of the device, by \"dpa\"");
    if (const Value* bases = memory.find("dpa_base"); bases != nullptr && memory.given("dpa_base") && !bad(memory)) {
        if (bases->count != ways)
            add(memory.at("dpa_base"), std::to_string(bases->count) + " addresses for " +
                                           std::to_string(ways) + " devices", "one per device");
        for (std::size_t i = 0; i < std::min<std::size_t>(ways, bases->count); ++i)
            window.dpa_base[i] = parse_quantity(kAddress, bases->items[i]).value.value_or(0);
    }
    if (bad(memory)) return;

    // Ways that the specification allows (nvdimm.md 15).
    constexpr std::uint64_t kWays[] = {1, 2, 3, 4, 6, 8, 12, 16};
    const auto power_of_two = [](std::uint64_t n) { return (n & (n - 1)) == 0; };
    if (std::find(std::begin(kWays), std::end(kWays), ways) == std::end(kWays))
        add(at, "an interleave of " + std::to_string(ways) + " devices", "1, 2, 3, 4, 6, 8, 12 or 16");
    if (!power_of_two(window.interleave))
        add(memory.at("interleave"), size_text(window.interleave) + " is not a power of two",
            "256B to 16KiB");
    const std::uint64_t stripe = ways * window.interleave;
    if (window.xor_hash && !power_of_two(ways))
        add(memory.at("hash"), "\"xor\" with " + std::to_string(ways) + " devices",
            "a number that is a power of two, or \"modulo\"");
    if (window.xor_hash && window.range.begin % stripe != 0)
        add(memory.at("base"), hex_text(window.range.begin) + " lies inside a stripe",
            "with \"xor\" a multiple of " + size_text(stripe));
    if (window.range.size() % stripe != 0)
        add(memory.at("size"), size_text(window.range.size()) + " is not a whole number of stripes",
            "a multiple of " + size_text(stripe));
    for (std::size_t way = 0; way < ways; ++way) {
        const MemdevConfig& device = scenario.machine.memdevs[window.memdevs[way]];
        const std::uint64_t share = window.range.size() / ways;
        if (window.dpa_base[way] % kLineSize != 0)
            add(memory.at("dpa_base"), hex_text(window.dpa_base[way]) + " is not aligned to a line",
                "a multiple of 64B");
        if (!SpaRange{0, device.size()}.contains(window.dpa_base[way], share))
            add(memory.at("size"), size_text(share) + " from " + hex_text(window.dpa_base[way]) +
                                       " lie outside " + device.id, "it has " + size_text(device.size()));
    }
}

/// Two ranges must not share bytes of a device.
void Resolver::check_cxl_overlaps(const Cursor& machine) {
    struct Used {
        std::size_t memory;
        std::uint32_t device;
        DpaRange range;
    };
    std::vector<Used> used;
    const std::vector<DramConfig>& memory = scenario.machine.memory;
    for (std::size_t i = 0; i < memory.size(); ++i) {
        const std::uint64_t share = memory[i].is_dram() ? 0 : memory[i].range.size() / memory[i].memdevs.size();
        for (std::size_t way = 0; way < memory[i].memdevs.size(); ++way)
            used.push_back({i, memory[i].memdevs[way],
                            {memory[i].dpa_base[way], memory[i].dpa_base[way] + share}});
    }
    std::sort(used.begin(), used.end(), [](const Used& a, const Used& b) {
        return std::pair(a.device, a.range.begin) < std::pair(b.device, b.range.begin);
    });
    machine.each("memory", [&](const Cursor& entry, std::size_t i) {
        if (bad(entry)) return;
        for (std::size_t u = 1; u < used.size(); ++u) {
            const Used &a = used[u - 1], &b = used[u];
            if (a.device != b.device || !a.range.overlaps(b.range) || std::max(a.memory, b.memory) != i)
                continue;
            add(entry.path(), "it overlaps " + memory[std::min(a.memory, b.memory)].id + " in " +
                                  scenario.machine.memdevs[a.device].id,
                "give \"dpa_base\" behind " + hex_text(std::min(a.memory, b.memory) == a.memory ? a.range.end : b.range.end));
            return;
        }
    });
}

Action Resolver::cxl(const Cursor& event) {
    CxlEvent e;
    e.command = event.choice<CxlEvent::Command>("command");
    const int device = reference(event, "memdev", memdevs_);
    e.memdev = device < 0 ? 0 : static_cast<std::uint32_t>(device);
    e.dpa = event.number("dpa");
    const bool takes_address = e.command != CxlEvent::Command::get_poison_list &&
                               e.command != CxlEvent::Command::get_scan_media_results;
    for (const char* key : {"dpa", "length"})
        if (event.given(key) && !takes_address)
            add(event.at(key), in_quotes(event.text("command")) + " takes no address", "leave it out");
    if (device < 0 || bad(event)) return e;
    // What the driver or the device refuses is for them to refuse.
    const std::uint64_t size = scenario.machine.memdevs[e.memdev].size();
    const bool scan = e.command == CxlEvent::Command::scan_media;
    e.length = event.maybe("length").value_or(scan ? size - std::min(size, e.dpa) : kLineSize);
    if (e.length > ~0ull - e.dpa)
        add(event.at("length"), "the range wraps around", "make it smaller");
    return e;
}

Action Resolver::dma(const Cursor& event) {
    DmaEvent e;
    e.write = event.text("op") == "write";
    e.size = event.number("size");
    e.socket = event.number32("socket");
    e.process = reference(event, "process", processes_);
    if (bad(event)) return e;
    if (event.given("process") == event.given("spa")) {
        add(event.path(), e.process >= 0 ? "\"spa\" and \"process\" are both given" : "it has no address",
            "give \"spa\", or \"process\" with \"va\" or \"map\"");
        return e;
    }
    if (e.process >= 0) {
        e.address = address_of(event, static_cast<std::uint32_t>(e.process));
        if (!bad(event) && e.address % kPageSize + e.size > kPageSize)
            add(event.at("size"), size_text(e.size) + " from " + hex_text(e.address) + " cross a page",
                "one page at a time: the next page may lie anywhere");
        return e;
    }
    for (const char* key : {"va", "map", "offset"})
        if (event.given(key)) add(event.at(key), in_quotes(key) + " without \"process\"", "give \"process\" instead of \"spa\"");
    e.address = event.number("spa");
    if (e.size > ~0ull - e.address) add(event.at("size"), "the range wraps around", "make it smaller");
    else in_memory(event.at("spa"), {e.address, e.address + e.size});
    return e;
}

}  // namespace mcemu::scenario
