#include "scenario/shape.hpp"

// Choices stand in the order of the enumerators they name in core/config.hpp.

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kFilesystems[] = {"ext4", "xfs", "xfs_rmap", "tmpfs"};
constexpr std::string_view kPageStates[] = {"buddy",   "pcp",        "slab",         "reserved",
                                            "kernel",  "pagetable",  "offline",      "high_order",
                                            "hugetlb_free", "device_private", "huge_zero"};
constexpr std::string_view kMapKinds[] = {"anon", "file", "shmem", "hugetlb", "devdax", "fsdax",
                                          "devmem"};
constexpr std::string_view kMapStates[] = {"dirty", "clean",     "mlocked",    "swapcache",
                                           "thp",   "untouched", "unevictable", "ksm"};
constexpr std::string_view kShares[] = {"private", "shared"};

constinit const Shape kFilesystem{.kind = Kind::choice, .choices = kFilesystems};
constinit const Shape kPageState{.kind = Kind::choice, .choices = kPageStates};
constinit const Shape kMapKind{.kind = Kind::choice, .choices = kMapKinds};
constinit const Shape kMapState{.kind = Kind::choice, .choices = kMapStates};
constinit const Shape kShare{.kind = Kind::choice, .choices = kShares};
constinit const Shape kLength{.kind = Kind::size, .min = 1};
constinit const Shape kPid{.kind = Kind::whole, .min = 1, .max = 4'194'304};

constexpr Field kExtentFields[] = {
    {"offset", &kSize, "In the file", "\"0x0\""},
    {"pmem", &kSize, "In the data area of the namespace", {}, true, "\"0x800000\""},
    {"size", &kLength, "Bytes", {}, true, "\"4MiB\""},
};
constinit const Shape kExtent{.kind = Kind::object, .name = "extent",
                              .doc = "Where a piece of a file lies.", .fields = kExtentFields};
constinit const Shape kExtents{.kind = Kind::list, .item = &kExtent};

constexpr Field kFileFields[] = {
    {"id", &kText, "Its name in this scenario", {}, true, "\"f0\""},
    {"on", &kText, "The fsdax namespace it lies on (default: a disk with a page cache)", {}, false, "\"namespace0.0\""},
    {"fs", &kFilesystem, "Filesystem", "\"ext4\""},
    {"dax", &kBoolean, "Mounted with -o dax; false: through the page cache", "true"},
    {"path", &kText, "Path (default: /mnt/ID)", {}, false, "\"/mnt/f0\""},
    {"size", &kSize, "Bytes", {}, true, "\"4MiB\""},
    {"extents", &kExtents, "Where its pieces lie (default: in one piece at the first free 2 MiB)", {}},
};

constexpr Field kKernelPagesFields[] = {
    {"at", &kAddress, "First system physical address", {}, true, "\"0x100000\""},
    {"size", &kLength, "Bytes, whole pages", "\"4KiB\""},
    {"state", &kPageState, "What the kernel uses them for", "\"slab\""},
};

constexpr Field kMapFields[] = {
    {"id", &kText, "Its name in the process (default: PROCESS.0, PROCESS.1 ...)", {}, false, "\"m0\""},
    {"va", &kAddress, "First virtual address", {}, true, "\"0x7f0000000000\""},
    {"size", &kLength, "Bytes", {}, true, "\"2MiB\""},
    {"kind", &kMapKind, "What is mapped", "\"anon\""},
    {"of", &kText, "devdax: the namespace; file and fsdax: the file (default: the only one)", {}, false, "\"namespace0.0\""},
    {"shared_with", &kText, "Id of an earlier map whose memory this one shares", {}},
    {"offset", &kSize, "In the file or device", "\"0x0\""},
    {"page", &kSize, "Size of a mapped page: 4KiB, 2MiB or 1GiB (default: devdax the namespace's align, hugetlb 2MiB, else 4KiB)", {}, false, "\"2MiB\""},
    {"share", &kShare, "MAP_SHARED or MAP_PRIVATE (default: anon and hugetlb private, else shared)", {}},
    {"at", &kAddress, "System physical address of the first byte (default: allocated)", {}},
    {"state", &kMapState, "State of the pages of DRAM; clean: read only, never written", "\"dirty\""},
};
constinit const Shape kMaps{.kind = Kind::list, .item = &kMapShape};

constexpr Field kId{"id", &kText, "Its name in this scenario", {}, true, "\"victim\""};
constexpr Field kPidField{"pid", &kPid, "Process id (default: 1000 and up)", {}, false, "5421"};
constexpr Field kComm{"comm", &kText, "Name in the kernel's log, cut at 15 characters (default: the id)", {}, false, "\"dax-pmd\""};
constexpr Field kMceKill{"mce_kill", &kMcePolicy, "prctl(PR_MCE_KILL): when it wants to be told of memory errors", "\"default\""};
constexpr Field kSigbusField{"sigbus", &kSigbusAction, "What SIGBUS does to it", "\"default\""};
constexpr Field kBlockedField{"sigbus_blocked", &kBoolean, "SIGBUS is in its signal mask: one that is not forced waits", "false"};

constexpr Field kThreadFields[] = {
    kId,
    {"tid", &kPid, "Thread id (default: 1000 and up)", {}, false, "5422"},
    {"comm", &kText, "Name in the kernel's log, cut at 15 characters (default: the process's)", {}, false, "\"lcore-worker-1\""},
    {"cpu", &kCpu, "CPU it runs on (default: the process's)", {}},
    kMceKill, kBlockedField,
};
constinit const Shape kThread{.kind = Kind::object, .name = "thread",
                              .doc = "A further thread of a process; events name it like a process.",
                              .fields = kThreadFields};
constinit const Shape kThreads{.kind = Kind::list, .item = &kThread};

constexpr Field kProcessFields[] = {
    kId, kPidField, kComm,
    {"cpu", &kCpu, "CPU it runs on", "0"},
    kMceKill, kSigbusField, kBlockedField,
    {"threads", &kThreads, "Its threads beside the main one", "[]"},
    {"maps", &kMaps, "Its memory", "[]"},
};
constexpr Field kChildFields[] = {
    kId, kPidField,
    {"comm", &kText, "Name in the kernel's log, cut at 15 characters (default: its parent's)", {}, false, "\"dax-pmd\""},
    {"cpu", &kCpu, "CPU it runs on (default: its parent's)", {}},
    {"mce_kill", &kMcePolicy, "prctl(PR_MCE_KILL) (default: its parent's)", {}},
    {"sigbus", &kSigbusAction, "What SIGBUS does to it (default: its parent's)", {}},
    {"sigbus_blocked", &kBoolean, "SIGBUS is in its signal mask (default: its parent's)", {}},
};

}  // namespace

constinit const Shape kFileShape{.kind = Kind::object, .name = "file",
                                 .doc = "A file, on persistent memory or on a disk.",
                                 .fields = kFileFields};
constinit const Shape kKernelPagesShape{.kind = Kind::object, .name = "kernel_pages",
                                        .doc = "Pages that belong to no process.",
                                        .fields = kKernelPagesFields};
constinit const Shape kMapShape{.kind = Kind::object, .name = "map", .doc = "Mapped memory of a process.",
                                .fields = kMapFields};
constinit const Shape kProcessShape{.kind = Kind::object, .name = "process", .doc = "A process.",
                                    .fields = kProcessFields};
constinit const Shape kChildShape{.kind = Kind::object, .name = "child",
                                  .doc = "A process that fork makes; it has its parent's maps.",
                                  .fields = kChildFields};

}  // namespace mcemu::scenario
