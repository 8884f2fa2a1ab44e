#include "scenario/shape.hpp"

// Choices stand in the order of the enumerators they name in core/config.hpp and core/latency.hpp.

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kCpuModels[] = {"skylake_sp", "cascadelake", "icelake_sp", "generic"};
constexpr std::string_view kPatrolModes[] = {"mce", "cmci", "ce"};
constexpr std::string_view kFirmwareFirstKinds[] = {"none", "corrected", "all"};
constexpr std::string_view kSpeculation[] = {"ucna", "core_log", "machine_check"};
constexpr std::string_view kNvdimmProfiles[] = {"optane", "nvdimm_n", "test"};
constexpr std::string_view kModes[] = {"raw", "fsdax", "devdax", "sector"};
constexpr std::string_view kMapPlaces[] = {"mem", "dev"};

constinit const Shape kCpuModel{.kind = Kind::choice, .choices = kCpuModels};
constinit const Shape kPatrolMode{.kind = Kind::choice, .choices = kPatrolModes};
constinit const Shape kFirmwareFirst{.kind = Kind::choice, .choices = kFirmwareFirstKinds};
constinit const Shape kSpeculativePoison{.kind = Kind::choice, .choices = kSpeculation};
constinit const Shape kNvdimmProfile{.kind = Kind::choice, .choices = kNvdimmProfiles};
constinit const Shape kMode{.kind = Kind::choice, .choices = kModes};
constinit const Shape kMapPlace{.kind = Kind::choice, .choices = kMapPlaces};
constinit const Shape kThreshold{.kind = Kind::whole, .max = 0x7fff};
constinit const Shape kCpuCount{.kind = Kind::whole, .min = 1, .max = 8192};
constinit const Shape kCpuList{.kind = Kind::list, .item = &kCpu};
constinit const Shape kMegahertz{.kind = Kind::whole, .max = 100'000};
constinit const Shape kRegister32{.kind = Kind::address, .max = 0xffffffff};
constinit const Shape kSocket{.kind = Kind::whole, .max = 8191};
constinit const Shape kClearUnit{.kind = Kind::size, .min = 64, .max = 1ull << 20};
constinit const Shape kArsOut{.kind = Kind::size, .min = 72, .max = 1ull << 20};
constinit const Shape kRate{.kind = Kind::size, .min = 1};
constinit const Shape kCapacity{.kind = Kind::size, .min = 4096};
constinit const Shape kInterleave{.kind = Kind::size, .min = 256, .max = 1ull << 30};
constinit const Shape kSeconds{.kind = Kind::whole, .max = 1ull << 40};

constexpr Field kCpusFields[] = {
    {"sockets", &kCpuCount, "Processor packages", "1"},
    {"cores", &kCpuCount, "Cores per package", "4"},
    {"threads", &kCpuCount, "Threads per core", "1"},
    {"model", &kCpuModel, "Which processor", "\"cascadelake\""},
    {"cpuid", &kRegister32, "CPUID leaf 1 EAX (default: the model's)", {}, false, "\"0x50657\""},
    {"microcode", &kRegister32, "Microcode revision (default: the model's)", {}, false, "\"0x5003006\""},
    {"tsc_base", &kAddress, "Time stamp counter at time 0", "\"0x0\""},
    {"tsc_mhz", &kMegahertz, "Its rate; 0: it stands still", "2100"},
    {"ppin", &kAddress, "Protected processor inventory number; 0: none", "\"0x0\""},
    {"la57", &kBoolean, "Five-level page tables", "false"},
};
constinit const Shape kCpus{.kind = Kind::object, .name = "cpus", .doc = "The processors.",
                            .fields = kCpusFields};

constexpr Field kMcaFields[] = {
    {"banks", &kBanks, "Machine-check banks per CPU", "20"},
    {"ctl_p", &kBoolean, "MCG_CAP.MCG_CTL_P: IA32_MCG_CTL exists", "false"},
    {"ser", &kBoolean, "MCG_CAP.MCG_SER_P: software error recovery", "true"},
    {"lmce", &kBoolean, "MCG_CAP.MCG_LMCE_P: local machine checks, enabled by firmware", "false"},
    {"cmci", &kBoolean, "MCG_CAP.MCG_CMCI_P: corrected machine check interrupts", "true"},
    {"tes", &kBoolean, "MCG_CAP.MCG_TES_P: threshold-based error status", "true"},
    {"emc", &kBoolean, "MCG_CAP.MCG_EMC_P: enhanced machine check", "true"},
    {"elog", &kBoolean, "MCG_CAP.MCG_ELOG_P: extended error log", "true"},
    {"ucna_on_read", &kBoolean, "A demand read of poison logs UCNA at the memory controller", "true"},
    {"srar_continuable", &kBoolean, "A data-load SRAR reports RIPV 1 EIPV 1; else RIPV 0 EIPV 1", "true"},
    {"patrol_uc_mode", &kPatrolMode, "How patrol scrub reports an uncorrectable error", "\"mce\""},
    {"speculative_poison", &kSpeculativePoison, "What a core does with poison it read only speculatively", "\"ucna\""},
    {"uc_poison_fatal", &kBoolean, "A demand load of poison through uncacheable memory is fatal", "false"},
    {"cmci_threshold", &kThreshold, "Corrected-error threshold that firmware leaves in IA32_MCi_CTL2", "0"},
    {"firmware_first", &kFirmwareFirst, "Which errors raise an SMI, and reach the kernel only when firmware is done: corrected ones (CSMI), or all (CSMI and MSMI)", "\"none\""},
    {"stuck_cpus", &kCpuList, "CPUs that never answer a broadcast", "[]"},
    {"mce_disabled_cpus", &kCpuList, "CPUs with CR4.MCE = 0: a machine check shuts down", "[]"},
};
constinit const Shape kMca{.kind = Kind::object, .name = "mca",
                           .doc = "The machine-check architecture.", .fields = kMcaFields};

constexpr Field kDramPoisonFields[] = {
    {"spa", &kAddress, "System physical address", {}, true},
    {"length", &kSize, "Bytes; whole cache lines around them are poisoned", "\"64B\""},
};
constinit const Shape kDramPoison{.kind = Kind::object, .name = "dram_poison",
                                  .doc = "A latent error in DRAM.", .fields = kDramPoisonFields};
constinit const Shape kDramPoisonList{.kind = Kind::list, .item = &kDramPoison};
constexpr std::string_view kHashes[] = {"modulo", "xor"};
constinit const Shape kHash{.kind = Kind::choice, .choices = kHashes};
constinit const Shape kDeviceNames{.kind = Kind::list, .min = 1, .item = &kText};
constinit const Shape kDeviceAddresses{.kind = Kind::list, .item = &kAddress};
constinit const Shape kCxlInterleave{.kind = Kind::size, .min = 256, .max = 16384};
constexpr Field kDramFields[] = {
    {"id", &kText, "Its name (default: dram0, dram1 ...)", {}, false, "\"dram0\""},
    {"base", &kAddress, "First system physical address", {}, true, "\"0x0\""},
    {"size", &kCapacity, "Bytes", {}, true, "\"2GiB\""},
    {"socket", &kSocket, "Package whose controller it belongs to", "0"},
    {"poison", &kDramPoisonList, "Latent errors", "[]"},
    {"memdevs", &kDeviceNames, "CXL memory devices that answer it, in interleave order (default: none, it is DRAM)", {}},
    {"dpa_base", &kDeviceAddresses, "With memdevs: where it begins in each (default: 0)", {}},
    {"interleave", &kCxlInterleave, "With memdevs: granularity, a power of two", "\"4KiB\""},
    {"hash", &kHash, "With memdevs: how address bits choose a device", "\"modulo\""},
};
constinit const Shape kDram{.kind = Kind::object, .name = "memory", .doc = "A range of DRAM, or of CXL memory that the kernel uses like DRAM.",
                            .fields = kDramFields};
constinit const Shape kDramList{.kind = Kind::list, .item = &kDram};

constexpr Field kDpaFields[] = {
    {"dpa", &kAddress, "DIMM physical address", {}, true},
    {"length", &kSize, "Bytes", "\"64B\""},
};
constinit const Shape kDpa{.kind = Kind::object, .name = "dpa_range", .doc = "A range inside one DIMM.",
                           .fields = kDpaFields};
constinit const Shape kDpaList{.kind = Kind::list, .item = &kDpa};
constexpr std::string_view kLabelAreas[] = {"present", "locked", "corrupt"};
constinit const Shape kLabelArea{.kind = Kind::choice, .choices = kLabelAreas};
constexpr std::string_view kMapFlags[] = {"save_fail",   "restore_fail", "flush_fail", "not_armed",
                                          "smart_event", "smart_notify", "map_fail"};
constinit const Shape kMapFlag{.kind = Kind::choice, .choices = kMapFlags};
constinit const Shape kMapFlagList{.kind = Kind::list, .item = &kMapFlag};
constinit const Shape kReportedUnit{.kind = Kind::size, .max = 1ull << 20};
constinit const Shape kTracked{.kind = Kind::whole, .max = 1ull << 31};
constinit const Shape kRegister16{.kind = Kind::address, .max = 0xffff};
constinit const Shape kRegister8{.kind = Kind::address, .max = 0xff};
constexpr std::string_view kListStyles[] = {"runs", "nfit_test"};
constinit const Shape kListStyle{.kind = Kind::choice, .choices = kListStyles};
constexpr std::string_view kDomains[] = {"memory_controller", "cpu_cache", "none"};
constinit const Shape kDomain{.kind = Kind::choice, .choices = kDomains};
constinit const Shape kHealthBits{.kind = Kind::whole, .max = 7};
constinit const Shape kPercent{.kind = Kind::whole, .max = 100};
constinit const Shape kShutdownState{.kind = Kind::whole, .max = 1};
constexpr Field kSmartFields[] = {
    {"health", &kHealthBits, "0 ok, 1 non-critical, 2 critical, 4 fatal", {}},
    {"spares", &kPercent, "Percent", {}},
    {"life_used", &kPercent, "Percent", {}},
    {"alarm_flags", &kHealthBits, "Bit 0 spares, 1 media temperature, 2 controller temperature", {}},
    {"media_temperature", &kReal, "Degrees Celsius", {}},
    {"ctrl_temperature", &kReal, "Degrees Celsius", {}},
    {"shutdown_state", &kShutdownState, "1: the last shutdown was dirty", {}},
    {"shutdown_count", &kRegister32, "Dirty shutdowns so far", {}},
};
constinit const Shape kSmartShape{.kind = Kind::object, .name = "smart",
                                  .doc = "Health that a module begins with; the rest is its profile's.",
                                  .fields = kSmartFields};
constinit const Shape kPoisonListMax{.kind = Kind::whole, .max = 0xffffff};
constinit const Shape kInjectLimit{.kind = Kind::whole, .max = 0xffff};
constexpr Field kMemdevFields[] = {
    {"id", &kText, "Its name (default: mem0, mem1 ...)", {}, false, "\"mem0\""},
    {"volatile", &kSize, "Bytes of the partition that begins at DPA 0", "\"0B\""},
    {"persistent", &kSize, "Bytes of the partition behind it", "\"0B\""},
    {"poison_list_max", &kPoisonListMax, "Records of its poison list (Identify)", "1024"},
    {"inject_limit", &kInjectLimit, "Injected lines at a time (Identify)", "128"},
    {"scan_rate", &kRate, "Bytes per second of Scan Media", "\"1GiB\""},
    {"socket", &kSocket, "Package whose root port it hangs on", "0"},
    {"media_disabled", &kBoolean, "Its status says that the media are disabled: commands on poison fail", "false"},
    {"poison", &kDpaList, "Latent media errors", "[]"},
    {"stuck", &kDpaList, "Lines that nothing heals once they are poisoned", "[]"},
};
constinit const Shape kMemdev{.kind = Kind::object, .name = "memdev",
                              .doc = "A CXL type 3 memory device.", .fields = kMemdevFields};
constinit const Shape kMemdevList{.kind = Kind::list, .item = &kMemdev};
constexpr Field kNvdimmFields[] = {
    {"id", &kText, "Its name (default: nmem0, nmem1 ...)", {}, false, "\"nmem0\""},
    {"size", &kCapacity, "Bytes", {}, true, "\"4GiB\""},
    {"profile", &kNvdimmProfile, "What kind of module", "\"optane\""},
    {"clear_unit", &kClearUnit, "Unit of Clear Uncorrectable Error (default: 256B; nvdimm_n: 64B)", {}},
    {"reported_clear_unit", &kReportedUnit, "What Query ARS Capabilities says instead, any number: the kernel refuses every clear where it is no power of two (default: clear_unit)", {}},
    {"heal_on_full_line_write", &kBoolean, "A full-line store heals (default: nvdimm_n only)", {}},
    {"max_ars_out", &kArsOut, "Bytes of one Query ARS Status answer", "4128"},
    {"ars_rate", &kRate, "Bytes scrubbed per second", "\"1GiB\""},
    {"poison", &kDpaList, "Latent media errors", "[]"},
    {"max_poison", &kTracked, "Ranges that its own list holds; what is found beyond is forgotten, injected errors are always kept", "256"},
    {"stuck", &kDpaList, "Ranges that no Clear Uncorrectable Error heals", "[]"},
    {"labels", &kLabelArea, "Its label area: locked, no namespace on it is enabled; corrupt, no namespace on it is found", "\"present\""},
    {"flags", &kMapFlagList, "What the NFIT says of it at boot. map_fail and restore_fail: not mapped, its regions do not come up; not_armed: its regions are read-only", "[]"},
    {"unsafe_shutdown_immediate", &kBoolean, "An injected unsafe shutdown shows at once; else it acts when the machine goes off", "true"},
    {"serial", &kRegister32, "Serial number, as the NFIT has it (default: its place, counted from 1; test: its handle, inverted)", {}},
    {"vendor", &kRegister16, "Vendor id, as the NFIT has it (default: 0x8980; test: 0xabcd)", {}},
    {"manufacturing_date", &kRegister16, "As the NFIT has it (default: 0x1820; test: 0xe007)", {}},
    {"manufacturing_location", &kRegister8, "As the NFIT has it (default: 0xa2; test: 0xa)", {}},
    {"smart", &kSmartShape, "Health that it begins with (default: its profile's)", {}},
    {"thresholds", &kThresholdsShape, "Alarms that it begins with (default: spares 5, media 40, armed)", {}},
    {"handle", &kRegister32, "NFIT device handle (default: its place in the list)", {}},
    {"socket", &kSocket, "Package whose controller it belongs to", "0"},
};
constinit const Shape kNvdimm{.kind = Kind::object, .name = "nvdimm",
                              .doc = "A persistent-memory module.", .fields = kNvdimmFields};
constinit const Shape kNvdimmList{.kind = Kind::list, .item = &kNvdimm};

constinit const Shape kTextList{.kind = Kind::list, .min = 1, .item = &kText};
constinit const Shape kAddressList{.kind = Kind::list, .item = &kAddress};
constinit const Shape kPlace{.kind = Kind::whole, .max = 4095};
constinit const Shape kPlaces{.kind = Kind::list, .min = 1, .item = &kPlace};
constinit const Shape kPlaceTable{.kind = Kind::list, .min = 1, .item = &kPlaces};
constexpr Field kRegionFields[] = {
    {"id", &kText, "Its name (default: region0, region1 ...)", {}, false, "\"region0\""},
    {"base", &kAddress, "First system physical address (default: behind all memory, at a whole GiB)", {}, false, "\"0x200000000\""},
    {"size", &kCapacity, "Bytes (default: all of its modules)", {}},
    {"nvdimms", &kTextList, "Its modules, in interleave order", {}, true, "[\"nmem0\"]"},
    {"dpa_base", &kAddressList, "Where the region begins in each module (default: 0)", {}},
    {"interleave", &kInterleave, "Granularity of interleaving, a power of two", "\"4KiB\""},
    {"interleave_table", &kPlaceTable, "By module, the places that its lines take in a stripe, rising, counted in units of interleave; as many for each (default: place N for module N)", {}, false, "[[0, 3], [1, 2]]"},
};
constinit const Shape kRegion{.kind = Kind::object, .name = "region",
                              .doc = "An interleave set of persistent-memory modules.",
                              .fields = kRegionFields};
constinit const Shape kRegionList{.kind = Kind::list, .item = &kRegion};

constexpr Field kNamespaceFields[] = {
    {"id", &kText, "namespaceR.N; names its device (default: namespaceR.0, R its region's place)", {}, false, "\"namespace0.0\""},
    {"region", &kText, "The region it lies in (default: the only one)", {}, false, "\"region0\""},
    {"offset", &kSize, "Its beginning in the region (default: behind the namespace before it)", {}},
    {"size", &kCapacity, "Bytes (default: the rest of the region)", {}},
    {"mode", &kMode, "How the kernel uses it", "\"fsdax\""},
    {"align", &kCapacity, "4KiB, 2MiB or 1GiB: the largest page that maps it", "\"2MiB\""},
    {"map", &kMapPlace, "Where its page structures live: DRAM or the namespace itself", "\"mem\""},
    {"data_offset", &kSize, "Where its data begin (default: behind the info block, aligned)", {}},
    {"end_trunc", &kSize, "Bytes unused at its end (default: what alignment leaves)", {}},
    {"uuid", &kText, "Of its labels: 36 characters (default: none is shown)", {}},
    {"device", &kText, "Name of its device (default: dax0.0, pmem0, pmem0.1 or pmem0s by mode)", {}},
};
constinit const Shape kNamespace{.kind = Kind::object, .name = "namespace",
                                 .doc = "A namespace of a region.", .fields = kNamespaceFields};
constinit const Shape kNamespaceList{.kind = Kind::list, .item = &kNamespace};

// Distributions of latencies, in the order of Distribution::Kind without "fixed".
constinit const Shape kShare{.kind = Kind::real, .max = 1};
constexpr const Shape* kRowForms[] = {&kShare, &kTime};
constinit const Shape kRow{.kind = Kind::tuple, .doc = "[cumulative share, time]", .forms = kRowForms};
constinit const Shape kRows{.kind = Kind::list, .min = 1, .item = &kRow};
constexpr Field kUniformFields[] = {
    {"low", &kTime, "Shortest", {}, true},
    {"high", &kTime, "Longest", {}, true},
};
constexpr Field kNormalFields[] = {
    {"mean", &kTime, "Mean", {}, true},
    {"sd", &kTime, "Standard deviation", {}, true},
};
constexpr Field kLognormalFields[] = {
    {"median", &kTime, "Median", {}, true},
    {"p90", &kTime, "90 % are at most this long", {}},
    {"p95", &kTime, "95 % are at most this long", {}},
    {"p99", &kTime, "99 % are at most this long", {}},
    {"p999", &kTime, "99.9 % are at most this long", {}},
};
constexpr Field kExponentialFields[] = {{"mean", &kTime, "Mean", {}, true}};
constexpr Field kEmpiricalFields[] = {
    {"table", &kRows, "[cumulative share, time] pairs, both rising, up to share 1", {}, true, "[[0.5, \"1us\"], [1, \"9us\"]]"},
};
constexpr Case kDistributions[] = {
    {"uniform", "Every time from low to high is as likely", kUniformFields},
    {"normal", "Normal, cut off at zero", kNormalFields},
    {"lognormal", "Log-normal, by its median and one percentile", kLognormalFields},
    {"exponential", "Exponential", kExponentialFields},
    {"empirical", "As measured", kEmpiricalFields},
};
constexpr std::string_view kDistributionNames[] = {"uniform", "normal", "lognormal", "exponential",
                                                   "empirical"};
constinit const Shape kDistributionName{.kind = Kind::choice, .choices = kDistributionNames};
constexpr Field kDistributionFields[] = {
    {"dist", &kDistributionName, "Which distribution", {}, true},
};
constexpr const Shape* kLatencyForms[] = {&kTime, &kDistributionShape};
constinit const Shape kLatencyValue{.kind = Kind::any_of, .forms = kLatencyForms};
constinit const Shape kLatencies{.kind = Kind::table, .item = &kLatencyValue};

constexpr Field kMachineFields[] = {
    {"cpus", &kCpus, "The processors", {}},
    {"mca", &kMca, "The machine-check architecture", {}},
    {"memory", &kDramList, "DRAM (default: 2 GiB at 0)", {}, false,
     "[{\"id\": \"dram0\", \"base\": \"0x0\", \"size\": \"2GiB\"}]"},
    {"memdevs", &kMemdevList, "CXL memory devices", "[]"},
    {"nvdimms", &kNvdimmList, "Persistent-memory modules", "[]"},
    {"regions", &kRegionList, "Interleave sets of modules", "[]"},
    {"namespaces", &kNamespaceList, "Namespaces of regions", "[]"},
    {"latency", &kLatencies, "Timing parameters by name: a time, or a distribution; see `mcemu latencies`", {}, false,
     "{\"mc.broadcast\": \"1us\"}"},
    {"clear_error_supported", &kBoolean, "Firmware answers ARS and Clear Uncorrectable Error", "true"},
    {"persistence_domain", &kDomain, "What reaches the media when power fails: what the memory controller has accepted, CPU caches too (eADR), or nothing", "\"memory_controller\""},
    {"poison_list_style", &kListStyle, "How firmware keeps what was injected: as runs of lines, or as nfit_test does, one entry per call in the order of the calls", "\"runs\""},
    {"wall_time", &kSeconds, "Seconds since 1970 at time 0", "1530000000"},
};

}  // namespace

constinit const Shape kDistributionShape{.kind = Kind::object,
                                         .name = "distribution",
                                         .doc = "How a duration is drawn.",
                                         .fields = kDistributionFields,
                                         .discriminator = "dist",
                                         .cases = kDistributions};
constinit const Shape kMachineShape{.kind = Kind::object, .name = "machine",
                                    .doc = "The emulated machine.", .fields = kMachineFields};

}  // namespace mcemu::scenario
