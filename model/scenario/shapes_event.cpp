#include "scenario/shape.hpp"
#include "scenario/shapes_ndctl.hpp"

// Choices stand in the order of the enumerators they name in core/event.hpp. The names of STATUS
// values are resolved in mce_event.cpp.

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

// ---------------------------------------------------------------- leaves

constexpr std::string_view kStatusNames[] = {
    "SRAR-DATA",       "SRAR-INSTR",       "SRAR-DATA-OVER", "SRAR-UNKNOWN", "SRAO-SCRUB-MC",
    "SRAO-SCRUB-CMCI", "SRAO-SCRUB-OVER",  "SRAO-WB-CMCI",   "SRAO-UNKNOWN", "UCNA",
    "CE",              "FATAL-PCC",        "SKX-PATROL"};
constexpr std::string_view kVias[] = {"hardware", "mce-inject", "debugfs-sw"};
constexpr std::string_view kContexts[] = {"random", "process", "irq"};
constexpr std::string_view kTellBys[] = {"nmi", "irq"};
constexpr std::string_view kDirections[] = {"from_user", "to_user", "from_pmem"};
constexpr std::string_view kScrubKinds[] = {"patrol", "ars-short", "ars-full"};
constexpr std::string_view kAdvices[] = {"hwpoison", "soft_offline"};
constexpr std::string_view kBioOps[] = {"read", "write", "discard"};
constexpr std::string_view kDsmFunctions[] = {
    "ars_cap",        "ars_start", "ars_status",   "clear_error",  "inject_error", "inject_clear",
    "inject_status",  "smart",     "smart_inject", "translate_spa", "smart_threshold",
    "smart_set_threshold", "latch_shutdown"};
constexpr std::string_view kSeverities[] = {"recoverable", "fatal", "corrected", "info"};
constexpr std::string_view kSections[] = {"memory"};
constexpr std::string_view kSysctlNames[] = {"memory_failure_early_kill", "memory_failure_recovery",
                                             "vm.memory_failure_early_kill",
                                             "vm.memory_failure_recovery",
                                             "tolerant",
                                             "monarch_timeout",
                                             "check_interval",
                                             "ignore_ce",
                                             "dont_log_ce",
                                             "cmci_disabled",
                                             "print_all",
                                             "fake_panic",
    "corrupt-filter-enable", "corrupt-filter-dev-major", "corrupt-filter-dev-minor",
    "corrupt-filter-flags-mask", "corrupt-filter-flags-value", "corrupt-filter-memcg",
    "count_threshold", "action_threshold",
    "bank0",  "bank1",  "bank2",  "bank3",  "bank4",  "bank5",  "bank6",  "bank7",
    "bank8",  "bank9",  "bank10", "bank11", "bank12", "bank13", "bank14", "bank15",
    "bank16", "bank17", "bank18", "bank19", "bank20", "bank21", "bank22", "bank23",
    "bank24", "bank25", "bank26", "bank27", "bank28", "bank29", "bank30", "bank31"};

// Kernel::call_function() has one branch for each.
constexpr std::string_view kFunctions[] = {
    "memory_failure",  "soft_offline_page", "set_mce_nospec", "mce_unmap_kpfn", "clear_mce_nospec",
    "reserve_memtype", "memtype_reserve",   "free_memtype",   "memtype_free",   "dump_page"};

constinit const Shape kStatusValue{.kind = Kind::address, .choices = kStatusNames};
constinit const Shape kStatusClass{.kind = Kind::choice, .choices = kStatusNames};
constinit const Shape kVia{.kind = Kind::choice, .choices = kVias};
constinit const Shape kContext{.kind = Kind::choice, .choices = kContexts};
constinit const Shape kTellBy{.kind = Kind::choice, .choices = kTellBys};
constexpr const Shape* kBroadcastForms[] = {&kBoolean, &kTellBy};
constinit const Shape kBroadcast{.kind = Kind::any_of,
                                 .name = "broadcast",
                                 .doc = "Whether all CPUs take part, or by what they are told.",
                                 .forms = kBroadcastForms};
constinit const Shape kDirection{.kind = Kind::choice, .choices = kDirections};
constinit const Shape kScrubKind{.kind = Kind::choice, .choices = kScrubKinds};
constinit const Shape kAdvice{.kind = Kind::choice, .choices = kAdvices};
constinit const Shape kBioOp{.kind = Kind::choice, .choices = kBioOps};
constinit const Shape kDsmFunction{.kind = Kind::choice, .choices = kDsmFunctions};
constinit const Shape kSeverity{.kind = Kind::choice, .choices = kSeverities};
constinit const Shape kSection{.kind = Kind::choice, .choices = kSections};
constinit const Shape kSysctlName{.kind = Kind::choice, .choices = kSysctlNames};
constinit const Shape kFunction{.kind = Kind::choice, .choices = kFunctions};
constinit const Shape kCode16{.kind = Kind::address, .max = 0xffff};
constinit const Shape kCorrectedCount{.kind = Kind::whole, .max = 0x7fff};
constinit const Shape kTwoBits{.kind = Kind::whole, .max = 3};
constinit const Shape kSegment{.kind = Kind::address, .max = 0xffff};
constinit const Shape kAccessSize{.kind = Kind::size, .min = 1, .max = 1ull << 40};
constinit const Shape kLength{.kind = Kind::size, .min = 1};
constinit const Shape kSectors{.kind = Kind::whole, .min = 1, .max = 1ull << 40};
constinit const Shape kSector{.kind = Kind::address, .max = 1ull << 54};
constinit const Shape kFlags32{.kind = Kind::address, .max = 0xffffffff};
constinit const Shape kExitCode{.kind = Kind::whole, .max = 255};
constinit const Shape kErrorType{.kind = Kind::whole, .max = 255};
constinit const Shape kSource{.kind = Kind::whole, .max = 0xffff};
constinit const Shape kNth{.kind = Kind::whole, .min = 1};
constinit const Shape kTimes{.kind = Kind::whole, .min = 1, .max = 1'000'000'000};
constinit const Shape kArguments{.kind = Kind::list, .max = 16, .item = &kAddress};

constexpr Field kStatusFields[] = {
    {"class", &kStatusClass, "The value to start from; all other fields change it", {}, false, "\"SRAR-DATA\""},
    {"val", &kBoolean, "The record is valid (default: true)", {}},
    {"over", &kBoolean, "An earlier error was overwritten", {}},
    {"uc", &kBoolean, "Uncorrected", {}},
    {"en", &kBoolean, "Enabled in MCi_CTL", {}},
    {"miscv", &kBoolean, "MISC is valid", {}},
    {"addrv", &kBoolean, "ADDR is valid", {}},
    {"pcc", &kBoolean, "Processor context corrupt", {}},
    {"s", &kBoolean, "Signalled as a machine check", {}},
    {"ar", &kBoolean, "Action required", {}},
    {"mcacod", &kCode16, "Architectural error code", {}, false, "\"0x134\""},
    {"mscod", &kCode16, "Model-specific error code", {}},
    {"cec", &kCorrectedCount, "Corrected error count", {}},
    {"tes", &kTwoBits, "Threshold-based error status", {}},
};
constinit const Shape kStatusObject{.kind = Kind::object, .name = "status_fields",
                                    .doc = "IA32_MCi_STATUS by its fields.", .fields = kStatusFields};
constexpr const Shape* kStatusForms[] = {&kStatusValue, &kStatusObject};
constinit const Shape kStatus{.kind = Kind::any_of,
                              .name = "mci_status",
                              .doc = "IA32_MCi_STATUS: a value, the name of one, or its fields.",
                              .forms = kStatusForms};
constexpr Field kMcgFields[] = {
    {"ripv", &kBoolean, "The saved instruction pointer can be resumed", "false"},
    {"eipv", &kBoolean, "The saved instruction pointer is the one that met the error", "false"},
    {"mcip", &kBoolean, "Machine check in progress", "false"},
    {"lmces", &kBoolean, "Delivered to this CPU only", "false"},
};
constinit const Shape kMcgObject{.kind = Kind::object, .name = "mcg_status_fields",
                                 .doc = "IA32_MCG_STATUS by its fields.", .fields = kMcgFields};
constexpr const Shape* kMcgForms[] = {&kAddress, &kMcgObject};
constinit const Shape kMcgStatus{.kind = Kind::any_of,
                                 .name = "mcg_status",
                                 .doc = "IA32_MCG_STATUS: a value, or its fields.",
                                 .forms = kMcgForms};

// ---------------------------------------------------------------- fields shared by several events

constexpr Field kProcess{"process", &kText, "The process, by id", {}, true, "\"victim\""};
constexpr Field kByProcess{"process", &kText, "The process that does it, by id", {}};
constexpr Field kVa{"va", &kAddress, "Virtual address; or map and offset", {}};
constexpr Field kMap{"map", &kText, "Instead of va: a map of the process, by id", {}};
constexpr Field kMapOffset{"offset", &kSize, "With map: offset into it", "\"0x0\""};
constexpr Field kWithMap{"map", &kMapShape, "What to map where", {}, true};

// ---------------------------------------------------------------- events

constexpr Field kMceFields[] = {
    {"cpu", &kCpu, "Which CPU (default: the process's, else 0)", {}},
    {"bank", &kBank, "Which bank", "1"},
    {"status", &kStatus, "IA32_MCi_STATUS", {}, true, "\"0xbd80000000000134\""},
    {"mcgstatus", &kMcgStatus, "IA32_MCG_STATUS (default: 7 for SRAR, 5 for SRAO, 4 for fatal and uncorrected, else 0; LMCES with broadcast false on a machine with lmce)", {}},
    {"addr", &kAddress, "IA32_MCi_ADDR", "\"0x0\""},
    {"misc", &kAddress, "IA32_MCi_MISC (default: 0x86 when status is a name or fields with MISCV, else 0)", {}},
    {"ip", &kAddress, "Instruction pointer", "\"0x0\""},
    {"cs", &kSegment, "Code segment (default: 0x33 with a process, else 0x10)", {}},
    {"broadcast", &kBroadcast, "All CPUs take the machine check (default: LMCES is clear); with via mce-inject also how the others are told, by \"nmi\" or \"irq\"", {}},
    {"poll", &kBoolean, "Latch only: CMCI or polling finds it (default: UC clear or MCIP clear; with via mce-inject: UC clear)", {}},
    {"process", &kText, "What the CPU was running, by id; with via mce-inject: the injecting program", {}},
    {"via", &kVia, "Who latches it: the hardware, the mce-inject program through /dev/mcelog, or the debugfs files of mce-inject in their software mode", "\"hardware\""},
    {"hold", &kBoolean, "With via mce-inject: raised together with the next record that is not held", "false"},
    {"context", &kContext, "With via mce-inject and hold: where it is raised; random: wherever the CPU is", "\"random\""},
};
constexpr Field kPoisonFields[] = {
    {"spa", &kAddress, "System physical address; or nvdimm or memdev, and dpa", {}},
    {"nvdimm", &kText, "A module, by id", {}},
    {"memdev", &kText, "A CXL memory device, by id", {}},
    {"dpa", &kAddress, "With nvdimm or memdev: address in it", {}},
    {"length", &kLength, "Bytes", "\"64B\""},
};
constexpr std::string_view kFailures[] = {"line", "media"};
constinit const Shape kFailure{.kind = Kind::choice, .choices = kFailures};
constexpr Field kPlantFields[] = {
    kPoisonFields[0], kPoisonFields[1], kPoisonFields[2], kPoisonFields[3], kPoisonFields[4],
    {"failure", &kFailure, "line: these cache lines alone; media: all of the module's media lines (256B, nvdimm_n: 64B)", "\"line\""},
};
constexpr Field kLoadFields[] = {
    kProcess, kVa, kMap, kMapOffset, {"size", &kAccessSize, "Bytes", "8"},
    ndctl::kFill, ndctl::kPattern, ndctl::kReport};
constexpr Field kFetchFields[] = {
    kProcess, kVa, kMap, kMapOffset, {"size", &kAccessSize, "Bytes", "8"}};
constexpr Field kStoreFields[] = {
    kProcess, kVa, kMap, kMapOffset,
    {"size", &kAccessSize, "Bytes", "8"},
    {"full_line", &kBoolean, "A 64-byte non-temporal store that reads nothing", "false"},
    ndctl::kFill, ndctl::kPattern};
constexpr Field kSpeculateFields[] = {
    {"cpu", &kCpu, "Which CPU", "0"},
    {"registers", &kBoolean, "Whatever linear addresses its registers hold now", "false"},
    {"va", &kAddress, "Virtual address", {}},
    {"spa", &kAddress, "Physical address, through the direct map", {}},
};
constexpr Field kCopyFields[] = {
    {"direction", &kDirection, "From or to user memory, or out of persistent memory", "\"from_user\""},
    kByProcess, kVa, kMap, kMapOffset,
    {"spa", &kAddress, "from_pmem: system physical address", {}},
    {"size", &kAccessSize, "Bytes", "\"4KiB\""},
    {"safe", &kBoolean, "memcpy_mcsafe() or copy_mc_to_kernel(); false: a plain copy", "true"},
};
constexpr Field kScrubFields[] = {
    {"region", &kText, "All of this region or DRAM range, by id; or spa and length", {}},
    {"spa", &kAddress, "First system physical address", {}},
    {"length", &kLength, "With spa: bytes", {}},
    {"kind", &kScrubKind, "Who scrubs", "\"patrol\""},
};
constexpr Field kMadviseFields[] = {
    kProcess, kVa, kMap, kMapOffset,
    {"size", &kAccessSize, "Bytes", "\"4KiB\""},
    {"advice", &kAdvice, "MADV_HWPOISON or MADV_SOFT_OFFLINE", {}, true},
};
constexpr Field kPfnFields[] = {{"pfn", &kPfn, "Page frame number", {}, true}};
constexpr Field kBioFields[] = {
    {"op", &kBioOp, "What to do", {}, true},
    {"namespace", &kText, "On which namespace, by id", {}, true, "\"namespace0.0\""},
    {"sector", &kSector, "First sector of 512 bytes of its block device", {}, true},
    {"sectors", &kSectors, "How many", "1"},
    kByProcess, ndctl::kFill, ndctl::kPattern, ndctl::kReport,
};
constexpr Field kFileIoFields[] = {
    {"process", &kText, "The process that does it, by id", {}, true},
    {"file", &kText, "The file, by id", {}, true},
    {"offset", &kSize, "In the file", "\"0x0\""},
    {"size", &kAccessSize, "Bytes", "\"4KiB\""},
    ndctl::kFill, ndctl::kPattern, ndctl::kReport,
};
constexpr Field kFsyncFields[] = {
    {"process", &kText, "The process that does it, by id", {}, true},
    {"file", &kText, "The file, by id", {}, true},
};
constexpr Field kDsmArguments[] = {
    {"address", &kAddress, "System physical address (default: the region's beginning)", {}},
    {"length", &kSize, "Bytes (default: the whole region)", {}},
    {"flags", &kFlags32, "Scrub type, or options of an injection", "\"0x0\""},
};
constinit const Shape kDsmArgumentsShape{.kind = Kind::object, .name = "dsm_arguments",
                                         .doc = "Input of the call.", .fields = kDsmArguments};
constexpr Field kFlushFields[] = {
    kProcess, kVa, kMap, kMapOffset,
    {"size", &kLength, "Bytes (default: the rest of the map)", {}}};
constexpr Field kDsmFields[] = {
    {"function", &kDsmFunction, "Which function", {}, true},
    {"nvdimm", &kText, "The module, by id", {}},
    {"region", &kText, "The region, by id: gives address and length", {}},
    {"address", &kAddress, "System physical address", {}},
    {"length", &kSize, "Bytes", {}},
    {"flags", &kFlags32, "Scrub type, or options of an injection; latch_shutdown: 0 or 1", {}},
    {"thresholds", &kThresholdsShape, "smart_set_threshold: the new ones", {}},
    {"read_only", &kBoolean, "The device file was opened for reading only", "false"},
    {"cleared", &kSize, "clear_error: what the caller leaves in its output field, which the kernel looks at", "\"0B\""},
    {"arguments", &kDsmArgumentsShape, "address, length and flags, gathered", {}},
};
constexpr std::string_view kCxlCommands[] = {"get_poison_list", "inject_poison", "clear_poison",
                                             "scan_media", "get_scan_media_results"};
constinit const Shape kCxlCommand{.kind = Kind::choice, .choices = kCxlCommands};
constexpr Field kCxlFields[] = {
    {"command", &kCxlCommand, "Which command", {}, true},
    {"memdev", &kText, "Of which CXL memory device, by id", {}, true},
    {"dpa", &kAddress, "Device physical address", "\"0x0\""},
    {"length", &kSize, "Bytes: one command for each line (default: 64B; scan_media: the rest of the device)", {}},
};
constexpr std::string_view kDmaOps[] = {"read", "write"};
constinit const Shape kDmaOp{.kind = Kind::choice, .choices = kDmaOps};
constinit const Shape kDmaSize{.kind = Kind::size, .min = 1, .max = 1ull << 30};
constinit const Shape kDmaSocket{.kind = Kind::whole, .max = 8191};
constexpr Field kDmaFields[] = {
    {"op", &kDmaOp, "The device reads memory, or writes it", {}, true},
    {"spa", &kAddress, "System physical address; or process, and va or map", {}},
    kByProcess, kVa, kMap, kMapOffset,
    {"size", &kDmaSize, "Bytes", "64"},
    {"socket", &kDmaSocket, "Package whose root port the device hangs on", "0"},
};
constexpr Field kCperFields[] = {
    {"severity", &kSeverity, "Of the error", "\"corrected\""},
    {"section", &kSection, "What the record is about", "\"memory\""},
    {"address", &kAddress, "Physical address (default: not given)", {}},
    {"mask", &kAddress, "Which bits of the address are valid (default: not given)", {}},
    {"source", &kSource, "Number of the hardware error source", "0"},
    {"error_type", &kErrorType, "Memory error type (default: not given)", {}},
    {"threshold_exceeded", &kBoolean, "Too many corrected errors", "false"},
};
constexpr Field kMmapFields[] = {kProcess, kWithMap};
constexpr Field kRangeFields[] = {
    kProcess, kVa, kMap, kMapOffset,
    {"size", &kLength, "Bytes (default: the rest of the map)", {}}};
constexpr Field kForkFields[] = {kProcess, {"child", &kChildShape, "The new process", {}, true}};
constexpr Field kExitFields[] = {kProcess, {"code", &kExitCode, "Exit code", "0"}};
constexpr Field kTruncateFields[] = {
    {"file", &kText, "The file, by id", {}, true},
    {"size", &kSize, "New size, bytes", {}, true},
    kByProcess,
};
constexpr Field kPrctlFields[] = {
    kProcess, {"policy", &kMcePolicy, "When it wants to be told of memory errors", {}, true}};
constexpr std::string_view kMaskHows[] = {"block", "unblock"};
constinit const Shape kMaskHow{.kind = Kind::choice, .choices = kMaskHows};
constexpr Field kSigprocmaskFields[] = {
    kProcess, {"how", &kMaskHow, "SIG_BLOCK or SIG_UNBLOCK, of SIGBUS", {}, true}};
constexpr Field kSigactionFields[] = {
    kProcess, {"sigbus", &kSigbusAction, "What SIGBUS does from now on", {}, true}};
constinit const Shape kPinSize{.kind = Kind::size, .min = 1, .max = 1ull << 30};
constexpr Field kPinFields[] = {
    kProcess, kVa, kMap, kMapOffset,
    {"size", &kPinSize, "Bytes (default: the rest of the map)", {}},
    {"longterm", &kBoolean, "For as long as user space wants (RDMA, VFIO), not for one transfer; fs-dax refuses", "false"}};
constexpr Field kUnpinFields[] = {
    kProcess, kVa, kMap, kMapOffset,
    {"size", &kPinSize, "Bytes, as they were pinned (default: the rest of the map)", {}}};
constexpr const Shape* kKnobValueForms[] = {&kAddress, &kCount};
constinit const Shape kKnobValue{.kind = Kind::any_of, .name = "knob_value", .doc = "A number, or a hex string.", .forms = kKnobValueForms};
constexpr Field kSysctlFields[] = {
    {"name", &kSysctlName, "Which one", {}, true},
    {"value", &kKnobValue, "Its new value", {}, true},
};
constexpr Field kCpuFields[] = {{"cpu", &kCpu, "Which CPU", {}, true}};
constexpr Field kNamespaceFields[] = {
    {"namespace", &kText, "Which namespace, by id", {}, true, "\"namespace0.0\""}};
constexpr Field kPowerFailFields[] = {
    {"adr_fails", &kBoolean, "What waits in the memory controller is lost", "false"},
    {"save_fails", &kBoolean, "nvdimm_n: its DRAM is not copied to flash", "false"}};
constexpr std::string_view kNotifications[] = {"0x80", "0x81", "0x82"};
constinit const Shape kNotification{.kind = Kind::choice, .choices = kNotifications};
constexpr Field kNotifyFields[] = {
    {"value", &kNotification,
     "Root device: 0x80 NFIT update, 0x81 an error that nobody has consumed, 0x82 scrub stopped; a module: 0x81 health event",
     {}, true},
    {"nvdimm", &kText, "Which module's device (default: the root device)", {}, false, "\"nmem0\""}};
constexpr Field kCallFields[] = {
    {"function", &kFunction, "Which function", {}, true},
    {"arguments", &kArguments, "Its arguments: a pfn and flags, a pfn, or begin, end and memory type", "[]"},
    kByProcess,
};

constexpr Case kCases[] = {
    {"mce", "Latch this record in the bank and signal it, as an injector would.", kMceFields},
    {"poison", "Plant a latent media error: nothing happens until somebody touches it.", kPlantFields},
    {"unpoison_media", "Heal a media error.", kPoisonFields},
    {"load", "The process reads memory.", kLoadFields},
    {"store", "The process writes memory.", kStoreFields},
    {"fetch", "The process executes from memory.", kFetchFields},
    {"speculate", "A speculative read: reaches poison only through a present, cacheable mapping.", kSpeculateFields},
    {"copy", "A copy by the kernel.", kCopyFields},
    {"scrub", "Start a scrub; finds come out as the hardware reports them.", kScrubFields},
    {"madvise", "The madvise() system call.", kMadviseFields},
    {"hwpoison_pfn", "Write to the debugfs file corrupt-pfn.", kPfnFields},
    {"unpoison_pfn", "Write to the debugfs file unpoison-pfn.", kPfnFields},
    {"bio", "Block I/O on a namespace.", kBioFields},
    {"read_file", "The read() system call.", kFileIoFields},
    {"write_file", "The write() system call.", kFileIoFields},
    {"fsync", "The fsync() system call.", kFsyncFields},
    {"flush", "CLWB of cache lines, and SFENCE: what a process stored reaches persistent memory.", kFlushFields},
    {"dsm", "A firmware call: _DSM of the NVDIMM root device or a module.", kDsmFields},
    {"cxl", "A mailbox command of a CXL memory device, through its driver.", kCxlFields},
    {"dma", "A device reads or writes memory by itself.", kDmaFields},
    {"cper", "A firmware-first error record (APEI GHES).", kCperFields},
    {"mmap", "The mmap() system call.", kMmapFields},
    {"munmap", "The munmap() system call.", kRangeFields},
    {"mlock", "The mlock() system call.", kRangeFields},
    {"fork", "The fork() system call.", kForkFields},
    {"exit", "The process ends.", kExitFields},
    {"truncate", "The truncate() system call.", kTruncateFields},
    {"prctl_mce_kill", "prctl(PR_MCE_KILL).", kPrctlFields},
    {"sigprocmask", "sigprocmask() of SIGBUS.", kSigprocmaskFields},
    {"sigaction", "sigaction(SIGBUS).", kSigactionFields},
    {"pin", "A device driver takes hold of user pages for DMA: get_user_pages().", kPinFields},
    {"unpin", "It lets go of them.", kUnpinFields},
    {"sysctl", "Write a system control, a setting of machine checks, or a filter of hwpoison injection.", kSysctlFields},
    {"cpu_offline", "Take a CPU offline.", kCpuFields},
    {"cpu_online", "Bring a CPU online.", kCpuFields},
    {"disable_namespace", "Unmount its file system and disable it: umount, ndctl disable-namespace.", kNamespaceFields},
    {"enable_namespace", "Enable it and mount its file system: ndctl enable-namespace, mount.", kNamespaceFields},
    {"create_namespace", "ndctl create-namespace.", ndctl::kCreate},
    {"reconfigure_namespace", "ndctl create-namespace --reconfig: destroyed and made anew in its place.", ndctl::kReconfigure},
    {"destroy_namespace", "ndctl destroy-namespace.", ndctl::kDestroy},
    {"check_namespace", "ndctl check-namespace: the metadata of a BTT.", ndctl::kCheck},
    {"inject_error", "ndctl inject-error.", ndctl::kInjectError},
    {"clear_errors", "ndctl clear-errors.", ndctl::kClearErrors},
    {"start_scrub", "ndctl start-scrub.", ndctl::kStartScrub},
    {"wait_scrub", "ndctl wait-scrub.", {}},
    {"enable_region", "ndctl enable-region.", ndctl::kRegionFields},
    {"disable_region", "ndctl disable-region.", ndctl::kRegionFields},
    {"enable_dimm", "ndctl enable-dimm.", ndctl::kDimmFields},
    {"disable_dimm", "ndctl disable-dimm.", ndctl::kDimmFields},
    {"list", "ndctl list.", ndctl::kList},
    {"inject_smart", "ndctl inject-smart.", ndctl::kInjectSmart},
    {"monitor", "ndctl monitor, from now on.", ndctl::kMonitor},
    {"read_attribute", "Root reads a file of sysfs.", ndctl::kReadAttribute},
    {"write_attribute", "Root writes a file of sysfs.", ndctl::kWriteAttribute},
    {"read_infoblock", "ndctl read-infoblock.", ndctl::kReadInfoblock},
    {"btt_lookup", "Looks up an entry of a BTT's map.", ndctl::kBttLookup},
    {"init_labels", "ndctl init-labels: an empty label area.", ndctl::kInitLabels},
    {"zero_labels", "ndctl zero-labels: zeros over the label area.", ndctl::kDimmFields},
    {"check_labels", "ndctl check-labels.", ndctl::kDimmFields},
    {"read_labels", "ndctl read-labels --json.", ndctl::kDimmFields},
    {"write_infoblock", "ndctl write-infoblock: an info block for a raw namespace.", ndctl::kWriteInfoblock},
    {"fail_command", "A command of a module is made to fail, as nfit_test can.", ndctl::kFail},
    {"punch_hole", "fallocate(FALLOC_FL_PUNCH_HOLE).", ndctl::kPunchHole},
    {"power_fail", "Power fails.", kPowerFailFields},
    {"stop_scrub", "Firmware ends the scrub that runs: what it found so far is the answer, and the root device is notified by 0x82.", {}},
    {"notify", "Firmware notifies the NFIT's root device or a module.", kNotifyFields},
    {"call", "Call a function of the emulated kernel by name.", kCallFields},
};
constexpr std::string_view kDoNames[] = {
    "mce",       "poison",     "unpoison_media", "load",         "store",        "fetch",
    "speculate", "copy",       "scrub",          "madvise",      "hwpoison_pfn", "unpoison_pfn",
    "bio",       "read_file",  "write_file",     "fsync",        "flush",        "dsm",          "cxl",         "dma",          "cper",
    "mmap",      "munmap",     "mlock",          "fork",         "exit",         "truncate",
    "prctl_mce_kill", "sigprocmask", "sigaction",  "pin",         "unpin",
    "sysctl",    "cpu_offline", "cpu_online",
    "disable_namespace", "enable_namespace",
    "create_namespace", "reconfigure_namespace", "destroy_namespace", "check_namespace",
    "inject_error", "clear_errors", "start_scrub", "wait_scrub", "enable_region", "disable_region",
    "enable_dimm", "disable_dimm", "list", "inject_smart", "monitor", "read_attribute",
    "write_attribute", "read_infoblock", "btt_lookup", "init_labels", "zero_labels", "check_labels",
    "read_labels", "write_infoblock", "fail_command", "punch_hole",
    "power_fail",   "stop_scrub", "notify", "call"};
constinit const Shape kDo{.kind = Kind::choice, .choices = kDoNames};

// ---------------------------------------------------------------- triggers

constexpr Field kAfterFields[] = {
    {"event", &kText, "That event has run to its end (a system call has returned)", {}, false, "\"e1\""},
    {"signal", &kText, "A signal was delivered to that process", {}, false, "\"victim\""},
    {"phase", &kText, "That phase began; a name of `mcemu latencies`", {}, false, "\"kernel.mf_unmap\""},
    {"by", &kTime, "And this long after it", "\"0ns\""},
};
constinit const Shape kAfter{.kind = Kind::object, .name = "trigger_after",
                             .doc = "When something else has happened: exactly one of event, signal, phase.",
                             .fields = kAfterFields};
constexpr Field kOnAccessFields[] = {
    {"process", &kText, "Only accesses of this process", {}},
    {"cpu", &kCpu, "Only accesses of this CPU", {}},
    {"va", &kAddress, "An access to the cache line of this virtual address", {}},
    {"spa", &kAddress, "An access to the cache line of this physical address", {}},
    {"nth", &kNth, "The how-manieth such access", "1"},
};
constinit const Shape kOnAccess{.kind = Kind::object, .name = "trigger_on_access",
                                .doc = "When memory is accessed.", .fields = kOnAccessFields};
constexpr Field kEventFields[] = {
    {"id", &kText, "Its name, for triggers and expectations", {}, false, "\"e1\""},
    {"do", &kDo, "What happens", {}, true},
    {"at", &kTime, "Trigger: at this time", {}, false, "\"1ms\""},
    {"after", &kAfter, "Trigger: after something else", {}},
    {"on_access", &kOnAccess, "Trigger: when memory is accessed", {}},
    {"when", &kCondition, "Trigger: when this comes to hold, or happens", {}, false, "{\"page\": \"0x100000\", \"flag\": \"hwpoison\"}"},
    {"every", &kTime, "Repeat after this time", {}},
    {"times", &kTimes, "How often in all, with every", "1"},
    {"description", &kFreeText, "A remark", {}},
};

}  // namespace

constinit const Shape kEventShape{.kind = Kind::object,
                                  .name = "event",
                                  .doc = "Something that happens, and when.",
                                  .fields = kEventFields,
                                  .discriminator = "do",
                                  .cases = kCases};

}  // namespace mcemu::scenario
