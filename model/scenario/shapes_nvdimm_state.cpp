#include "scenario/shape.hpp"

// Choices stand in the order of the enumerators they name in core/config.hpp.

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kProfiles[] = {"optane", "nvdimm_n", "test"};
constexpr std::string_view kModes[] = {"raw", "fsdax", "devdax", "sector"};
constinit const Shape kProfile{.kind = Kind::choice, .choices = kProfiles};
constinit const Shape kMode{.kind = Kind::choice, .choices = kModes};
constinit const Shape kByte{.kind = Kind::whole, .max = 0xff};
constinit const Shape kPercent{.kind = Kind::whole, .max = 100};
constinit const Shape kWord{.kind = Kind::whole, .max = 0xffff};
constinit const Shape kDword{.kind = Kind::whole, .max = 0xffffffff};
constinit const Shape kHandle{.kind = Kind::address, .max = 0xffffffff};

constexpr Field kPoisonFields[] = {
    {"dpa", &kAddress, "DIMM physical address, a multiple of 64", {}, true},
    {"length", &kSize, "Bytes, a multiple of 64", {}, true},
    {"listed", &kBoolean, "The module has it in its list: a short scrub reports it", "false"},
    {"injected", &kBoolean, "An Inject call planted it: Inject Status reports it", "false"},
};
constinit const Shape kPoison{.kind = Kind::object, .name = "poison",
                              .doc = "Poisoned lines of one module.", .fields = kPoisonFields};
constinit const Shape kPoisonList{.kind = Kind::list, .item = &kPoison};
constexpr Field kStuckFields[] = {
    {"dpa", &kAddress, "DIMM physical address, a multiple of 64", {}, true},
    {"length", &kSize, "Bytes, a multiple of 64", {}, true},
};
constinit const Shape kStuck{.kind = Kind::object, .name = "stuck",
                             .doc = "A range that cannot be healed.", .fields = kStuckFields};
constinit const Shape kStuckList{.kind = Kind::list, .item = &kStuck};
constexpr Field kAlarmFields[] = {
    {"control", &kWord, "Armed: bit 0 spares, 1 media temperature, 2 controller temperature", {}, true},
    {"spares", &kByte, "Percent", {}, true},
    {"temperature", &kWord, "Of the media, 1/16 degree Celsius", {}, true},
    {"controller_temperature", &kWord, "Likewise", {}, true},
};
constinit const Shape kAlarms{.kind = Kind::object, .name = "alarms",
                              .doc = "At what the module raises health alarms.",
                              .fields = kAlarmFields};
constexpr Field kSmartFields[] = {
    {"health", &kByte, "Bit 0 non-critical, 1 critical, 2 fatal", {}, true},
    {"spares", &kPercent, "Spare capacity that is left, percent", {}, true},
    {"life_used", &kByte, "Percent", {}, true},
    {"alarm_flags", &kByte, "Bit 0 spares, 1 media temperature, 2 controller temperature", {}, true},
    {"temperature", &kWord, "Of the media, 1/16 degree Celsius; bit 15: negative", {}, true},
    {"controller_temperature", &kWord, "Likewise", {}, true},
    {"shutdown_count", &kDword, "Dirty shutdowns", {}, true},
    {"dirty_shutdown", &kBoolean, "The last shutdown was one", {}, true},
    {"injected_spares", &kPercent, "What Inject SMART says instead of spares", {}},
    {"injected_temperature", &kWord, "And instead of temperature", {}},
    {"injected_fatal", &kBoolean, "And that health is fatal", "false"},
    {"thresholds", &kAlarms, "Alarms (default: spares 5, media 40 degrees, both armed)", {}},
};
constinit const Shape kSmart{.kind = Kind::object, .name = "smart",
                             .doc = "Health data of one module.", .fields = kSmartFields};
constexpr std::string_view kMapFlags[] = {"save_fail", "flush_fail"};
constinit const Shape kMapFlag{.kind = Kind::choice, .choices = kMapFlags};
constinit const Shape kMapFlagList{.kind = Kind::list, .item = &kMapFlag};
constexpr Field kModuleFields[] = {
    {"id", &kText, "Its name", {}, true},
    {"size", &kSize, "Bytes", {}, true},
    {"profile", &kProfile, "What kind of module", {}, true},
    {"handle", &kHandle, "NFIT device handle", {}, true},
    {"poison", &kPoisonList, "Media errors", "[]"},
    {"stuck", &kStuckList, "Ranges that no Clear Uncorrectable Error heals", "[]"},
    {"smart", &kSmart, "Health data", {}, true},
    {"flags", &kMapFlagList, "What the next boot's NFIT says of the last power loss", "[]"},
};
constinit const Shape kModule{.kind = Kind::object, .name = "module", .doc = "One NVDIMM.",
                              .fields = kModuleFields};
constinit const Shape kModuleList{.kind = Kind::list, .item = &kModule};

constinit const Shape kNames{.kind = Kind::list, .item = &kText};
constinit const Shape kAddresses{.kind = Kind::list, .item = &kAddress};
constinit const Shape kPlaces{.kind = Kind::list, .item = &kCount};
constinit const Shape kPlaceTable{.kind = Kind::list, .item = &kPlaces};
constexpr Field kRegionFields[] = {
    {"id", &kText, "Its name", {}, true},
    {"base", &kAddress, "First system physical address", {}, true},
    {"size", &kSize, "Bytes", {}, true},
    {"nvdimms", &kNames, "Its modules, in interleave order", {}, true},
    {"dpa_base", &kAddresses, "Where it begins in each", {}, true},
    {"interleave", &kSize, "Granularity", {}, true},
    {"interleave_table", &kPlaceTable, "By module, the places that its lines take in a stripe", {}},
};
constinit const Shape kRegion{.kind = Kind::object, .name = "region", .doc = "An interleave set.",
                              .fields = kRegionFields};
constinit const Shape kRegionList{.kind = Kind::list, .item = &kRegion};

constexpr Field kMapFields[] = {
    {"lba", &kDword, "External block", {}, true},
    {"block", &kDword, "Internal block that holds its data", {}, true},
    {"error", &kBoolean, "E of the map entry: it reads as -EIO", "false"},
    {"zero", &kBoolean, "Z of the map entry: it reads as zeros", "false"},
};
constinit const Shape kMapEntry{.kind = Kind::object, .name = "map_entry",
                                .doc = "A BTT map entry.", .fields = kMapFields};
constinit const Shape kMapList{.kind = Kind::list, .item = &kMapEntry};
constexpr Field kFreeFields[] = {
    {"lane", &kByte, "Lane", {}, true},
    {"block", &kDword, "Its free internal block", {}, true},
    {"error", &kBoolean, "The block was freed with an error: the next attach heals it", "false"},
};
constinit const Shape kFreeBlock{.kind = Kind::object, .name = "free_block",
                                 .doc = "The free block of a BTT lane.", .fields = kFreeFields};
constinit const Shape kFreeList{.kind = Kind::list, .item = &kFreeBlock};
constinit const Shape kLaneList{.kind = Kind::list, .item = &kByte};
constexpr Field kArenaFields[] = {
    {"map", &kMapList, "Map entries that differ from the identity", "[]"},
    {"free", &kFreeList, "Lanes whose free block is not the one of a new BTT", "[]"},
    {"spoilt_log", &kLaneList, "Lanes whose log was written over", "[]"},
    {"spoilt_map", &kBoolean, "The map was written over: blocks may have two owners, or none", "false"},
};
constinit const Shape kArena{.kind = Kind::object, .name = "arena", .doc = "A BTT arena.",
                             .fields = kArenaFields};
constinit const Shape kArenaList{.kind = Kind::list, .item = &kArena};

constexpr Field kNamespaceFields[] = {
    {"id", &kText, "Its name", {}, true},
    {"base", &kAddress, "First system physical address", {}, true},
    {"size", &kSize, "Bytes", {}, true},
    {"mode", &kMode, "How the kernel uses it", {}, true},
    {"align", &kSize, "Largest page that maps it", {}, true},
    {"data_offset", &kSize, "Where its data begin", {}, true},
    {"end_trunc", &kSize, "Bytes unused at its end", {}, true},
    {"btt", &kArenaList, "Map and log, mode sector only", "[]"},
    {"sector_size", &kDword, "Mode sector: bytes of an external block", "4096"},
    {"force_raw", &kBoolean, "It is used as raw, whatever it is made as", "false"},
};
constinit const Shape kNamespace{.kind = Kind::object, .name = "namespace",
                                 .doc = "What its label says.", .fields = kNamespaceFields};
constinit const Shape kNamespaceList{.kind = Kind::list, .item = &kNamespace};

constexpr std::string_view kInfoKinds[] = {"pfn", "dax", "btt"};
constinit const Shape kInfoKind{.kind = Kind::choice, .choices = kInfoKinds};
constinit const Shape kInfoMode{.kind = Kind::whole, .min = 1, .max = 2};
constexpr Field kInfoFields[] = {
    {"kind", &kInfoKind, "Of fsdax, devdax or sector mode", {}, true},
    {"dataoff", &kSize, "pfn, dax: where the data begin", "0"},
    {"npfns", &kCount, "pfn, dax: pages", "0"},
    {"end_trunc", &kSize, "pfn, dax: bytes unused at the end", "0"},
    {"align", &kSize, "pfn, dax: largest page that maps it", "0"},
    {"mode", &kInfoMode, "pfn, dax: 1 map=mem, 2 map=dev", "1"},
    {"begin", &kSize, "btt: where the arena begins in the namespace", "0"},
    {"size", &kSize, "btt: bytes of the arena", "0"},
    {"sector_size", &kDword, "btt: bytes of an external block", "4096"},
    {"nextoff", &kSize, "btt: bytes to the next arena; 0: the last", "0"},
};
constinit const Shape kInfo{.kind = Kind::object, .name = "info_block", .doc = "An info block.",
                            .fields = kInfoFields};
constexpr Field kContentsFields[] = {
    {"at", &kAddress, "System physical address", {}, true},
    {"length", &kSize, "Bytes", {}, true},
    {"word", &kHandle, "Four bytes, little-endian, over and over", {}},
    {"pattern", &kText, "Contents with a name", {}},
    {"info", &kInfo, "An info block", {}},
    {"from", &kSize, "pattern, info: how far into it the run begins", "0"},
    {"unknown", &kBoolean, "Written, nobody knows with what", "false"},
};
constinit const Shape kContents{.kind = Kind::object, .name = "contents",
                                .doc = "A run of equal contents: one of word, pattern, info and unknown.",
                                .fields = kContentsFields};
constinit const Shape kContentsList{.kind = Kind::list, .item = &kContents};
constexpr Field kMemdevFields[] = {
    {"id", &kText, "Its name", {}, true},
    {"volatile", &kSize, "Bytes of its volatile partition", {}, true},
    {"persistent", &kSize, "Bytes of its persistent one", {}, true},
    {"poison", &kPoisonList, "Media errors: of the persistent partition, or that nothing heals", "[]"},
    {"stuck", &kStuckList, "Lines that nothing heals", "[]"},
};
constinit const Shape kMemdev{.kind = Kind::object, .name = "memdev",
                              .doc = "One CXL memory device.", .fields = kMemdevFields};
constinit const Shape kMemdevList{.kind = Kind::list, .item = &kMemdev};
constexpr Field kStateFields[] = {
    {"nvdimms", &kModuleList, "The modules", {}, true},
    {"regions", &kRegionList, "Their interleave sets", {}, true},
    {"namespaces", &kNamespaceList, "And what these are divided into", {}, true},
    {"memdevs", &kMemdevList, "CXL memory devices; absent when the image says nothing of them", {}},
    {"contents", &kContentsList, "What is there beside zeros, rising; absent when no run followed it", {}},
};
constinit const Shape kState{.kind = Kind::object, .name = "state",
                             .doc = "What lasts while the machine is off.", .fields = kStateFields};
constexpr std::string_view kForms[] = {"mcemu/nvdimm-state/1"};
constinit const Shape kForm{.kind = Kind::choice, .choices = kForms};
constexpr Field kTopFields[] = {
    {"schema", &kForm, "The form of the file", {}, true},
    {"bytes", &kCount, "Length of what follows the first line", {}, true},
    {"crc32", &kHandle, "CRC-32 (IEEE 802.3, as zlib's) of what follows the first line", {}, true},
    {"state", &kState, "What lasts", {}, true},
};

}  // namespace

constinit const Shape kNvdimmStateShape{.kind = Kind::object, .name = "nvdimm_state",
                                        .doc = "An image of a machine's NVDIMMs.",
                                        .fields = kTopFields};

}  // namespace mcemu::scenario
