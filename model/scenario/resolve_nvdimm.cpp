// Modules of persistent memory: what they hold, and what the NFIT says of them.
#include <utility>

#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

constexpr std::uint64_t kMaxCapacity = 1ull << 52;  ///< MAXPHYADDR is at most 52 bits

}  // namespace

void Resolver::resolve_nvdimms(const Cursor& machine) {
    machine.each("nvdimms", [&](const Cursor& nvdimm, std::size_t i) {
        NvdimmConfig n;
        n.id = nvdimm.given("id") ? std::string(nvdimm.text("id")) : "nmem" + std::to_string(i);
        nvdimms_.add(findings_, nvdimm.at("id"), document_.keep(n.id));
        n.size = nvdimm.number("size");
        n.profile = nvdimm.choice<NvdimmProfile>("profile");
        const bool energy_backed = n.profile == NvdimmProfile::nvdimm_n;  // nvdimm.md 1.2
        n.clear_unit =
            static_cast<std::uint32_t>(nvdimm.maybe("clear_unit").value_or(energy_backed ? 64 : 256));
        n.heal_on_full_line_write = nvdimm.given("heal_on_full_line_write")
                                        ? nvdimm.truth("heal_on_full_line_write")
                                        : energy_backed;
        n.max_ars_out = nvdimm.number32("max_ars_out");
        n.ars_rate = nvdimm.number("ars_rate");
        n.handle = static_cast<std::uint32_t>(nvdimm.maybe("handle").value_or(i));
        n.socket = nvdimm.number32("socket");
        n.labels = nvdimm.choice<LabelArea>("labels");
        n.smart = smart_start(nvdimm);
        n.max_poison = nvdimm.number32("max_poison");
        if (nvdimm.given("reported_clear_unit"))
            n.reported_clear_unit = nvdimm.number32("reported_clear_unit");
        resolve_nfit(nvdimm, n, static_cast<std::uint32_t>(i));
        if (!bad(nvdimm)) {
            if (n.size % kPageSize != 0)
                add(nvdimm.at("size"), size_text(n.size) + " is not a whole number of pages",
                    "align it to 4KiB");
            if (n.size > kMaxCapacity)
                add(nvdimm.at("size"), size_text(n.size) + " leaves the physical address space",
                    "at most 4096TiB");
            if ((n.clear_unit & (n.clear_unit - 1)) != 0)
                add(nvdimm.at("clear_unit"), size_text(n.clear_unit) + " is not a power of two",
                    "64B or 256B are usual");
        }
        n.poison = dpa_ranges(nvdimm, "poison", n.size);
        n.stuck = dpa_ranges(nvdimm, "stuck", n.size);
        scenario.machine.nvdimms.push_back(std::move(n));
    });
}

/// What the NFIT says of a module, in its memory map and its control region.
void Resolver::resolve_nfit(const Cursor& nvdimm, NvdimmConfig& n, std::uint32_t index) {
    const bool test = n.profile == NvdimmProfile::test;
    const auto maybe = [&](std::string_view key, std::uint32_t otherwise) {
        return static_cast<std::uint32_t>(nvdimm.maybe(key).value_or(otherwise));
    };
    const std::uint32_t number = index + 1;  // shown with its bytes turned round
    n.serial = maybe("serial", test ? ~n.handle
                                    : number << 24 | (number & 0xff00) << 8 |
                                          (number >> 8 & 0xff00) | number >> 24);
    n.vendor = static_cast<std::uint16_t>(maybe("vendor", test ? 0xabcd : 0x8980));
    n.manufacturing_date =
        static_cast<std::uint16_t>(maybe("manufacturing_date", test ? 0xe007 : 0x1820));
    n.manufacturing_location =
        static_cast<std::uint8_t>(maybe("manufacturing_location", test ? 0xa : 0xa2));
    constexpr std::pair<std::string_view, MemoryMapFlags> kFlags[] = {
        {"save_fail", kMapSaveFail},       {"restore_fail", kMapRestoreFail},
        {"flush_fail", kMapFlushFail},     {"not_armed", kMapNotArmed},
        {"smart_event", kMapSmartEvent},   {"smart_notify", kMapSmartNotify},
        {"map_fail", kMapFail}};
    const Value* list = nvdimm.find("flags");
    if (list == nullptr || !list->is(Value::Type::array)) return;
    for (const Value& item : list->children())
        for (const auto& [word, flag] : kFlags)
            if (item.is(Value::Type::text) && item.text() == word) n.map_flags |= flag;
    // Data that did not come back leave nothing to be mapped (nvdimm.md 10).
    if (n.map_flags & kMapRestoreFail) n.map_flags |= kMapFail;
}

/// The interleave table of a region: each place of the stripe belongs to one line of one module.
void Resolver::resolve_table(const Cursor& region, RegionConfig& r) {
    const Value* table = region.find("interleave_table");
    if (table == nullptr) return;
    const Path at = region.at("interleave_table");
    const auto wrong = [&](const std::string& what) {
        add(at, what, "a row for each of the " + std::to_string(r.nvdimms.size()) +
                          " modules, as long as the others, of rising places; each place once");
        r.interleave_table.clear();
    };
    for (const Value& row : table->children()) {
        std::vector<std::uint32_t>& places = r.interleave_table.emplace_back();
        for (const Value& place : row.children())
            places.push_back(static_cast<std::uint32_t>(place.whole));
    }
    const auto& rows = r.interleave_table;
    if (rows.size() != r.nvdimms.size())
        return wrong(std::to_string(rows.size()) + " rows for " +
                     std::to_string(r.nvdimms.size()) + " modules");
    std::vector<bool> taken(rows.size() * rows[0].size());
    for (const auto& row : rows) {
        if (row.size() != rows[0].size()) return wrong("the rows differ in length");
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i != 0 && row[i] <= row[i - 1]) return wrong("the places of a row do not rise");
            if (row[i] >= taken.size())
                return wrong("there is no place " + std::to_string(row[i]) + " in a stripe of " +
                             std::to_string(taken.size()));
            if (taken[row[i]]) return wrong("place " + std::to_string(row[i]) + " is taken twice");
            taken[row[i]] = true;
        }
    }
}

/// A uuid in its usual form, in lower case; an empty text otherwise, with a finding.
std::string Resolver::uuid(const Cursor& at) {
    std::string text(at.text("uuid"));
    bool good = text.size() == 36;
    for (std::size_t i = 0; good && i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = text[i];
        const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        good = dash ? c == '-' : digit;
        if (c >= 'A' && c <= 'F') text[i] = static_cast<char>(c - 'A' + 'a');
    }
    if (good || !at.given("uuid")) return good ? text : std::string();
    add(at.at("uuid"), in_quotes(at.text("uuid")) + " is no uuid",
        "as in \"7d6dbfd0-6ab4-4cbd-a4b3-3b7d0e3c2a91\"");
    return {};
}

}  // namespace mcemu::scenario
