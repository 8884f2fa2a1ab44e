#pragma once  // The events of ndctl and sysfs: fields of shapes_event.cpp.
#include "scenario/shape.hpp"

// Choices stand in the order of the enumerators or bits they name (core/event.hpp).
namespace mcemu::scenario::ndctl {

using Kind = Shape::Kind;

constexpr std::string_view kModes[] = {"raw", "fsdax", "devdax", "sector"};
constexpr std::string_view kMaps[] = {"mem", "dev"};
constexpr std::string_view kLabels[] = {"1.1", "1.2"};
constexpr std::string_view kMonitorEvents[] = {
    "dimm-spares-remaining", "dimm-media-temperature", "dimm-controller-temperature",
    "dimm-health-state", "dimm-unclean-shutdown"};
constexpr std::string_view kAttributes[] = {
    "badblocks", "force_raw", "mode", "size", "resource", "device", "persistence_domain",
    "mappings", "handle", "state", "security", "scrub", "hw_error_scrub", "flags",
    "dirty_shutdown", "serial", "vendor", "id", "set_cookie", "read_only", "uuid"};
constexpr std::string_view kFailing[] = {"get_config_size", "get_config_data", "smart",
                                         "smart_threshold", "smart_set_threshold", "smart_inject",
                                         "latch_shutdown"};
constexpr std::string_view kErrors[] = {"none",  "EPERM", "EIO",    "ENXIO",  "EACCES", "EFAULT",
                                        "EBUSY", "ENODEV", "EINVAL", "ENOTTY", "ENOSPC",
                                        "EOPNOTSUPP"};

inline constinit const Shape kMode{.kind = Kind::choice, .choices = kModes};
inline constinit const Shape kMap{.kind = Kind::choice, .choices = kMaps};
inline constinit const Shape kLabel{.kind = Kind::choice, .choices = kLabels};
inline constinit const Shape kMonitorEvent{.kind = Kind::choice, .choices = kMonitorEvents};
inline constinit const Shape kMonitorList{.kind = Kind::list, .min = 1, .item = &kMonitorEvent};
inline constinit const Shape kAttribute{.kind = Kind::choice, .choices = kAttributes};
inline constinit const Shape kFailingCommand{.kind = Kind::choice, .choices = kFailing};
inline constinit const Shape kErrorName{.kind = Kind::choice, .choices = kErrors};
inline constinit const Shape kBlock{.kind = Kind::whole, .max = 1ull << 54};
inline constinit const Shape kPercent{.kind = Kind::whole, .max = 255};
inline constinit const Shape kByte{.kind = Kind::whole, .max = 255};
inline constinit const Shape kSectorSize{.kind = Kind::whole, .max = 1u << 20};
inline constinit const Shape kText4K{.kind = Kind::text};

// What a write leaves on persistent memory, and what a read is compared with.
constexpr Field kFill{"fill", &kByte, "Each byte of what is written; of a read: what is expected", {}};
constexpr Field kPattern{"pattern", &kText, "Instead of fill: contents by a name", {}};
constexpr Field kReport{"report", &kBoolean, "Show in \"reports\" what persistent memory holds there", "false"};

constexpr Field kNamespace{"namespace", &kText, "Which namespace, by id", {}, true, "\"namespace0.0\""};
constexpr Field kHuman{"human", &kBoolean, "-u: sizes in words", "false"};
constexpr Field kForce{"force", &kBoolean, "-f: also while it is enabled", "false"};
constexpr Field kRegion{"region", &kText, "The region, by id; or \"all\"", {}, true, "\"region0\""};
constexpr Field kDimm{"nvdimm", &kText, "The module, by id; or \"all\"", {}, true, "\"nmem0\""};

constexpr Field kInjectError[] = {
    kNamespace,
    {"block", &kBlock, "-B: first block of 512 bytes, from the beginning of its data", {}},
    {"count", &kBlock, "-n: how many blocks", {}},
    {"uninject", &kBoolean, "-d: take injected errors back", "false"},
    {"status", &kBoolean, "-t: show what is injected", "false"},
    {"notify", &kBoolean, "false: -N, the kernel is not told", "true"},
    {"saturate", &kBoolean, "-S: the whole block, not one clear unit of it", "false"},
    kHuman,
};
constexpr Field kClearErrors[] = {
    kNamespace, {"scrub", &kBoolean, "-s: scrub first", "false"}, kHuman};
constexpr Field kStartScrub[] = {
    {"wait", &kBoolean, "Wait until it has ended", "false"}};
constexpr Field kMake[] = {
    {"mode", &kMode, "How the kernel uses it (create: fsdax; reconfigure: as before)", {}},
    {"map", &kMap, "Where its page structures live (create: dev; reconfigure: as before)", {}},
    {"align", &kSize, "4KiB, 2MiB or 1GiB (create: 2MiB; reconfigure: as before)", {}},
    {"sector_size", &kSectorSize, "Sector mode: 512 or 4096 bytes (default 4096)", {}},
    {"size", &kSize, "Bytes (create: the largest free extent; reconfigure: as before)", {}},
    {"label_version", &kLabel, "Version of the labels, which decides where a BTT begins", "\"1.2\""},
    {"name", &kText, "A name for it", {}},
    kHuman,
    {"uuid", &kText, "A uuid for it (create: none is shown; reconfigure: as before)", {}},
};
constexpr Field kCreate[] = {
    {"namespace", &kText, "Its id: namespaceR.N", {}, true, "\"namespace0.0\""},
    {"region", &kText, "The region, by id (default: the only one)", {}, false, "\"region0\""},
    {"offset", &kSize, "Where in the region it begins (default: where there is room)", {}},
    kMake[0], kMake[1], kMake[2], kMake[3], kMake[4], kMake[5], kMake[6], kMake[7], kMake[8],
};
constexpr Field kReconfigure[] = {
    kNamespace, kForce, kMake[0], kMake[1], kMake[2], kMake[3], kMake[4], kMake[5], kMake[6], kMake[7],
    kMake[8],
};
constexpr Field kDestroy[] = {
    {"namespace", &kText, "Which namespace, by id; or \"all\"", {}, true, "\"namespace0.0\""}, kForce};
constexpr Field kCheck[] = {
    kNamespace, kForce,
    {"repair", &kBoolean, "-R: repair what can be repaired", "false"},
    {"rewrite_log", &kBoolean, "-L: write the log anew; with repair", "false"},
};
constexpr Field kRegionFields[] = {kRegion};
constexpr Field kDimmFields[] = {kDimm};
constexpr Field kList[] = {
    {"namespace", &kText, "Only this namespace and what belongs to it", {}},
    {"region", &kText, "Only this region and what belongs to it", {}},
    {"nvdimm", &kText, "Only this module and what belongs to it", {}},
    {"buses", &kBoolean, "-B: buses", "false"},
    {"dimms", &kBoolean, "-D: modules", "false"},
    {"regions", &kBoolean, "-R: regions", "false"},
    {"namespaces", &kBoolean, "-N: namespaces (default when nothing else is asked for)", "false"},
    {"health", &kBoolean, "-H: health of modules", "false"},
    {"media_errors", &kBoolean, "-M: bad blocks", "false"},
    {"idle", &kBoolean, "-i: also what is disabled", "false"},
    kHuman,
};
constexpr Field kInjectSmart[] = {
    {"nvdimm", &kText, "The module, by id", {}, true, "\"nmem0\""},
    {"media_temperature", &kReal, "Degrees Celsius", {}},
    {"media_temperature_threshold", &kReal, "Degrees Celsius", {}},
    {"media_temperature_alarm", &kBoolean, "Whether the threshold raises an alarm", {}},
    {"media_temperature_uninject", &kBoolean, "The real value again", "false"},
    {"ctrl_temperature_threshold", &kReal, "Degrees Celsius", {}},
    {"ctrl_temperature_alarm", &kBoolean, "Whether the threshold raises an alarm", {}},
    {"spares", &kPercent, "Percent", {}},
    {"spares_threshold", &kPercent, "Percent", {}},
    {"spares_alarm", &kBoolean, "Whether the threshold raises an alarm", {}},
    {"spares_uninject", &kBoolean, "The real value again", "false"},
    {"fatal", &kBoolean, "Fatal health", "false"},
    {"fatal_uninject", &kBoolean, "No longer", "false"},
    {"unsafe_shutdown", &kBoolean, "A dirty shutdown", "false"},
    {"unsafe_shutdown_uninject", &kBoolean, "No longer", "false"},
    {"uninject_all", &kBoolean, "All real values again", "false"},
};
constexpr Field kMonitor[] = {
    {"namespace", &kText, "Only modules of this namespace", {}},
    {"region", &kText, "Only modules of this region", {}},
    {"nvdimm", &kText, "Only this module", {}},
    {"dimm_events", &kMonitorList, "Which events (default: all)", {}, false, "[\"dimm-health-state\"]"},
};
constexpr Field kReadAttribute[] = {
    {"attribute", &kAttribute, "Which file", {}, true, "\"badblocks\""},
    {"namespace", &kText, "Of this namespace, or its block device", {}},
    {"region", &kText, "Of this region", {}},
    {"nvdimm", &kText, "Of this module; without any of them: of the bus", {}},
};
constexpr Field kWriteAttribute[] = {
    kReadAttribute[0], kReadAttribute[1], kReadAttribute[2], kReadAttribute[3],
    {"text", &kText4K, "What is written", {}, true, "\"1000 8\""},
};
constexpr Field kReadInfoblock[] = {
    kNamespace, {"offset", &kSize, "Where it stands (default: where the namespace keeps it)", {}}};
constexpr Field kInitLabels[] = {
    kDimm, {"force", &kBoolean, "-f: also where there are labels already", "false"}};
constexpr std::string_view kPagedModes[] = {"fsdax", "devdax"};
inline constinit const Shape kPagedMode{.kind = Kind::choice, .choices = kPagedModes};
constexpr Field kWriteInfoblock[] = {
    kNamespace,
    {"mode", &kPagedMode, "For which use", "\"fsdax\""},
    {"map", &kMap, "Where its page structures live", "\"dev\""},
    {"align", &kSize, "4KiB, 2MiB or 1GiB", "\"2MiB\""},
};
constexpr Field kBttLookup[] = {
    kNamespace, {"block", &kBlock, "Which block of the BTT", {}, true}};
constexpr Field kFail[] = {
    kDimm,
    {"command", &kFailingCommand, "Which command", {}, true},
    {"error", &kErrorName, "With what it fails; \"none\": no longer", {}, true},
};
constexpr Field kPunchHole[] = {
    {"process", &kText, "The process that does it, by id", {}, true},
    {"file", &kText, "The file, by id", {}, true},
    {"offset", &kSize, "In the file", "\"0x0\""},
    {"size", &kSize, "Bytes", "\"4KiB\""},
};

}  // namespace mcemu::scenario::ndctl
