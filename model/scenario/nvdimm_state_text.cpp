#include <boost/crc.hpp>
#include <charconv>

#include "core/pmem/btt_layout.hpp"
#include "scenario/load.hpp"
#include "scenario/nvdimm_state.hpp"
#include "scenario/nvdimm_state_document.hpp"

namespace mcemu::scenario {
namespace {

using Json = nlohmann::ordered_json;

// In the order of the enumerators.
constexpr const char* kProfiles[] = {"optane", "nvdimm_n", "test"};
constexpr const char* kModes[] = {"raw", "fsdax", "devdax", "sector"};

constexpr std::string_view kBegin = "{\"schema\": \"mcemu/nvdimm-state/";
constexpr std::string_view kBytes = "\", \"bytes\": ", kCrc = ", \"crc32\": \"0x",
                           kEnd = "\", \"state\":";
constexpr const char* kSaveAgain = "an image as `mcemu run --save-state` writes it";

std::uint32_t crc32(std::string_view bytes) {
    boost::crc_32_type crc;
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

std::string hex8(std::uint32_t value) {
    std::string digits = "00000000";
    for (unsigned i = 0; i < 8; ++i) digits[7 - i] = "0123456789abcdef"[value >> (4 * i) & 0xf];
    return digits;
}

Json poison_json(const std::vector<pmem::PoisonRun>& runs) {
    Json out = Json::array();
    for (const pmem::PoisonRun& run : runs) {
        Json entry = {{"dpa", hex_text(run.range.begin)}, {"length", run.range.size()}};
        if (run.flags & pmem::kPoisonListed) entry["listed"] = true;
        if (run.flags & pmem::kPoisonInjected) entry["injected"] = true;
        out.push_back(std::move(entry));
    }
    return out;
}

Json stuck_json(const std::vector<DpaRange>& ranges) {
    Json out = Json::array();
    for (const DpaRange& range : ranges)
        out.push_back({{"dpa", hex_text(range.begin)}, {"length", range.size()}});
    return out;
}

Json memdev_json(const MemdevConfig& config, const cxl::MemdevImage& device) {
    return {{"id", config.id},
            {"volatile", config.volatile_bytes},
            {"persistent", config.persistent_bytes},
            {"poison", poison_json(device.poison)},
            {"stuck", stuck_json(device.stuck)}};
}

Json module_json(const NvdimmConfig& config, const pmem::ModuleImage& module) {
    const pmem::SmartImage& s = module.smart;
    Json smart = {{"health", s.health},
                  {"spares", s.spares},
                  {"life_used", s.life_used},
                  {"alarm_flags", s.alarm_flags},
                  {"temperature", s.temperature},
                  {"controller_temperature", s.controller_temperature},
                  {"shutdown_count", s.shutdown_count},
                  {"dirty_shutdown", s.dirty_shutdown}};
    if (s.injected_spares) smart["injected_spares"] = *s.injected_spares;
    if (s.injected_temperature) smart["injected_temperature"] = *s.injected_temperature;
    if (s.injected_fatal) smart["injected_fatal"] = true;
    if (const SmartThresholds& t = s.thresholds; t != SmartThresholds{})
        smart["thresholds"] = {{"control", t.control},
                               {"spares", t.spares},
                               {"temperature", t.media_temperature},
                               {"controller_temperature", t.controller_temperature}};
    Json out = {{"id", config.id},
                {"size", config.size},
                {"profile", kProfiles[static_cast<int>(config.profile)]},
                {"handle", hex_text(config.handle)},
                {"poison", poison_json(module.poison)},
                {"stuck", stuck_json(module.stuck)},
                {"smart", std::move(smart)}};
    Json flags = Json::array();
    if (module.map_flags & kMapSaveFail) flags.push_back("save_fail");
    if (module.map_flags & kMapFlushFail) flags.push_back("flush_fail");
    if (!flags.empty()) out["flags"] = std::move(flags);
    return out;
}

Json info_json(const pmem::InfoBlock& info) {
    using Kind = pmem::InfoBlock::Kind;
    if (info.kind == Kind::btt)
        return {{"kind", "btt"},
                {"begin", info.arena.begin},
                {"size", info.arena.size},
                {"sector_size", info.arena.external_lbasize},
                {"nextoff", info.nextoff}};
    return {{"kind", info.kind == Kind::pfn ? "pfn" : "dax"},
            {"dataoff", info.dataoff},
            {"npfns", info.npfns},
            {"end_trunc", info.end_trunc},
            {"align", info.align},
            {"mode", info.mode}};
}

Json contents_json(const pmem::Contents::Saved& run, const std::vector<std::string>& patterns) {
    using Kind = pmem::Contents::Fill::Kind;
    Json out = {{"at", hex_text(run.range.begin)}, {"length", run.range.size()}};
    const std::uint64_t from = run.range.begin - run.fill.origin;
    switch (run.fill.kind) {
        case Kind::word:
            out["word"] = hex_text(run.fill.value);
            return out;
        case Kind::pattern:
            out["pattern"] = patterns.at(run.fill.value);
            break;
        case Kind::info:
            out["info"] = info_json(run.info);
            break;
        case Kind::unknown:
            out["unknown"] = true;
            return out;
    }
    if (from != 0) out["from"] = from;
    return out;
}

Json region_json(const RegionConfig& region, const std::vector<NvdimmConfig>& nvdimms) {
    Json names = Json::array(), bases = Json::array();
    for (const std::uint32_t nvdimm : region.nvdimms) names.push_back(nvdimms[nvdimm].id);
    for (const std::uint64_t base : region.dpa_base) bases.push_back(hex_text(base));
    Json out = {{"id", region.id},
                {"base", hex_text(region.range.begin)},
                {"size", region.range.size()},
                {"nvdimms", std::move(names)},
                {"dpa_base", std::move(bases)},
                {"interleave", region.interleave}};
    if (!region.interleave_table.empty()) out["interleave_table"] = region.interleave_table;
    return out;
}

Json entries_json(const std::vector<pmem::BttImage::Entry>& entries, const char* place) {
    Json out = Json::array();
    for (const pmem::BttImage::Entry& e : entries) {
        Json entry = {{place, e.place}, {"block", e.block}};
        if (e.error) entry["error"] = true;
        if (e.zero) entry["zero"] = true;
        out.push_back(std::move(entry));
    }
    return out;
}

Json namespace_json(const NamespaceConfig& ns, const std::vector<pmem::BttImage>& btt,
                    bool force_raw) {
    Json arenas = Json::array();
    for (const pmem::BttImage& arena : btt) {
        Json one = {{"map", entries_json(arena.map, "lba")},
                    {"free", entries_json(arena.free, "lane")}};
        if (!arena.spoilt_log.empty()) one["spoilt_log"] = arena.spoilt_log;
        if (arena.spoilt_map) one["spoilt_map"] = true;
        arenas.push_back(std::move(one));
    }
    Json out = {{"id", ns.id},
                {"base", hex_text(ns.range.begin)},
                {"size", ns.range.size()},
                {"mode", kModes[static_cast<int>(ns.mode)]},
                {"align", ns.align},
                {"data_offset", ns.data_offset},
                {"end_trunc", ns.end_trunc}};
    if (ns.mode == NamespaceMode::sector) out["btt"] = std::move(arenas);
    if (ns.mode == NamespaceMode::sector && ns.sector_size != pmem::kBttSector)
        out["sector_size"] = ns.sector_size;
    if (force_raw) out["force_raw"] = true;
    return out;
}

/// One member a line: a list of a million entries is read and compared line by line.
std::string list_text(const char* name, const std::vector<Json>& items) {
    std::string out = "\"" + std::string(name) + "\": [";
    for (std::size_t i = 0; i < items.size(); ++i)
        out +=
            (i == 0 ? "\n" : ",\n") + items[i].dump(-1, ' ', false, Json::error_handler_t::replace);
    return out + (items.empty() ? "]" : "\n]");
}

bool take(std::string_view& line, std::string_view wanted) {
    if (!line.starts_with(wanted)) return false;
    line.remove_prefix(wanted.size());
    return true;
}

std::optional<std::uint64_t> take_number(std::string_view& line, int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value, base);
    if (error != std::errc{}) return std::nullopt;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    return value;
}

/// What is wrong with the file as a whole: its first line, its length or its checksum.
std::optional<Problem> damage(std::string_view text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (text.empty()) return Problem{"the file is empty", kSaveAgain};
    if (!take(line, kBegin)) {
        if (end == text.size() && kBegin.starts_with(line))
            return Problem{"the file ends in its first line", kSaveAgain};
        return Problem{
            "this is no NVDIMM image: it does not begin with " + std::string(kBegin) + "1\"",
            kSaveAgain};
    }
    const auto version = take_number(line, 10);
    if (version && *version != 1 && line.starts_with('"'))
        return Problem{"the image has version " + std::to_string(*version),
                       "this program knows version 1: use the one that saved it"};
    std::optional<std::uint64_t> bytes, crc;
    const bool whole = version == 1 && take(line, kBytes) && (bytes = take_number(line, 10)) &&
                       take(line, kCrc) && (crc = take_number(line, 16)) && line == kEnd;
    if (!whole) return Problem{"the first line is damaged", kSaveAgain};
    if (end == text.size()) return Problem{"the file ends behind its first line", kSaveAgain};
    const std::string_view body = text.substr(end + 1);
    if (body.size() < *bytes)
        return Problem{"the file is cut off: " + std::to_string(*bytes - body.size()) + " of " +
                           std::to_string(*bytes) + " bytes behind the first line are missing",
                       kSaveAgain};
    if (body.size() > *bytes)
        return Problem{"the file has " + std::to_string(body.size() - *bytes) +
                           " bytes more than its first line says",
                       kSaveAgain};
    if (crc32(body) != *crc)
        return Problem{"the content has the checksum 0x" + hex8(crc32(body)) +
                           ", the first line says 0x" + hex8(static_cast<std::uint32_t>(*crc)) +
                           ": the file is damaged, or was edited",
                       kSaveAgain};
    return std::nullopt;
}

}  // namespace

std::string nvdimm_state_text(const NvdimmImage& image) {
    std::vector<Json> modules, regions, namespaces, memdevs;
    for (std::size_t i = 0; i < image.nvdimms.size(); ++i)
        modules.push_back(module_json(image.nvdimms[i], image.modules[i]));
    for (const RegionConfig& region : image.regions)
        regions.push_back(region_json(region, image.nvdimms));
    for (std::size_t i = 0; i < image.namespaces.size(); ++i)
        namespaces.push_back(namespace_json(
            image.namespaces[i], image.btts[i],
            i < image.force_raw.size() && image.force_raw[i]));
    for (std::size_t i = 0; image.memdev_images && i < image.memdev_images->size(); ++i)
        memdevs.push_back(memdev_json(image.memdevs[i], (*image.memdev_images)[i]));
    std::vector<Json> contents;
    if (image.contents)
        for (const pmem::Contents::Saved& run : *image.contents)
            contents.push_back(contents_json(run, image.patterns));
    const std::string body =
        "{" + list_text("nvdimms", modules) + ",\n" + list_text("regions", regions) + ",\n" +
        list_text("namespaces", namespaces) +
        (memdevs.empty() ? "" : ",\n" + list_text("memdevs", memdevs)) +
        (image.contents ? ",\n" + list_text("contents", contents) : "") + "}}\n";
    return std::string(kBegin) + "1" + std::string(kBytes) + std::to_string(body.size()) +
           std::string(kCrc) + hex8(crc32(body)) + std::string(kEnd) + "\n" + body;
}

NvdimmState read_nvdimm_state(std::string name, std::string text, const MachineConfig& machine,
                              std::string_view scenario) {
    Document document;
    Findings findings;
    const std::uint16_t source = document.add_source({std::move(name), std::move(text), {}});
    NvdimmState out;
    if (auto problem = damage(document.source(source).text)) {
        findings.add_at(source, 0, "", std::move(*problem));
    } else if (const auto root = parse(document, source, findings)) {
        document.root = *root;
        out.image = read_state_document(document, findings, machine, scenario);
    }
    out.findings = findings.finish(document);
    if (!out.findings.empty()) out.image.reset();
    return out;
}

NvdimmState load_nvdimm_state(const std::string& path, const MachineConfig& machine,
                              std::string_view scenario) {
    const std::string name = path == "-" ? "<stdin>" : path;
    ReadText text = read_file(path);
    if (!text.text) return {std::nullopt, {{name, 0, 0, "", "cannot be read", text.error}}};
    return read_nvdimm_state(name, std::move(*text.text), machine, scenario);
}

}  // namespace mcemu::scenario
