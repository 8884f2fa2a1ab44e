#include "scenario/shape.hpp"

// Choices stand in the order of the enumerators they name in core/config.hpp.

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kProfiles[] = {"v4.18", "v4.19", "v6.1"};
constexpr std::string_view kBadblocksModels[] = {"linux_6_1", "ideal"};
constexpr std::string_view kMceOptions[] = {"recovery", "ignore_ce", "dont_log_ce", "no_cmci", "print_all",
                                            "off",      "no_lmce",   "bootlog",     "nobootlog", "bios_cmci_threshold"};

constinit const Shape kProfile{.kind = Kind::choice, .choices = kProfiles};
constinit const Shape kBadblocksModel{.kind = Kind::choice, .choices = kBadblocksModels};
constinit const Shape kMceOption{.kind = Kind::choice, .choices = kMceOptions};
constinit const Shape kMceOptionList{.kind = Kind::list, .item = &kMceOption};
constexpr const Shape* kMceForms[] = {&kMceOption, &kMceOptionList};
constinit const Shape kMce{.kind = Kind::any_of, .forms = kMceForms};
constinit const Shape kTolerant{.kind = Kind::whole, .max = 3};
constinit const Shape kMicroseconds{.kind = Kind::whole, .max = 1'000'000'000'000};
constinit const Shape kZeroOrOne{.kind = Kind::whole, .max = 1};
constexpr const Shape* kSwitchForms[] = {&kBoolean, &kZeroOrOne};
constinit const Shape kSwitch{.kind = Kind::any_of,
                              .name = "switch",
                              .doc = "On or off: true, false, 1 or 0.",
                              .forms = kSwitchForms};
constinit const Shape kPid{.kind = Kind::whole, .min = 1, .max = 4'194'304};

constexpr Field kBootFields[] = {
    {"mce.tolerant", &kTolerant, "How readily a machine check panics: 0 always, 3 never (v4.x only)", "1"},
    {"mce.monarch_timeout_us", &kMicroseconds, "How long CPUs wait for one another; 0: no rendezvous", "1000000"},
    {"mce.ignore_ce", &kSwitch, "Corrected errors are neither polled nor signalled", "false"},
    {"mce.dont_log_ce", &kSwitch, "Corrected errors are cleared unlogged", "false"},
    {"mce.cmci_disabled", &kSwitch, "No corrected machine check interrupts: polling only", "false"},
    {"mce.print_all", &kSwitch, "Every record is printed (v6.1 only)", "false"},
    {"mce", &kMce, "Words of the mce= option. recovery: the driver's copies are machine-check safe; off: no machine checks at all, CR4.MCE stays clear; no_lmce: local ones are not enabled; nobootlog: what banks hold at boot is not logged; bios_cmci_threshold: firmware's thresholds stay", {}, false, "\"recovery\""},
    {"nopat", &kSwitch, "No page attribute table: memory types are not tracked", "false"},
    {"debugpat", &kSwitch, "The memory-type code tells what it does", "false"},
    {"nfit.no_init_ars", &kSwitch, "No full scrub when the NFIT is registered, at a boot on used modules", "false"},
    {"page_offset", &kAddress, "Start of the kernel's direct map; 0: the profile's, without KASLR", "\"0x0\""},
};
constinit const Shape kBoot{.kind = Kind::object, .name = "kernel_boot",
                            .doc = "Boot options of the emulated kernel.", .fields = kBootFields};

constexpr Field kSysctlFields[] = {
    {"memory_failure_early_kill", &kSwitch, "Kill as soon as an error is known, not when it is touched", "false"},
    {"memory_failure_recovery", &kSwitch, "Off: an uncorrected memory error panics", "true"},
    {"vm.memory_failure_early_kill", &kSwitch, "The same under its full name", {}},
    {"vm.memory_failure_recovery", &kSwitch, "The same under its full name", {}},
};
constinit const Shape kSysctl{.kind = Kind::object, .name = "kernel_sysctl",
                              .doc = "System controls at boot.", .fields = kSysctlFields};

// The same switches under kernel.knobs and directly under kernel.
constexpr Field kDecoy{"decoy", &kBoolean, "Off: what if set_mce_nospec() used the real address", "true"};
constexpr Field kSanitize{"sanitize_memtype", &kBoolean, "Off: the series without its memory-type patch", "true"};
constexpr Field kStrict419{"strict_4_19_0", &kBoolean, "The NULL dereference of dax_lock_mapping_entry() in 4.19.0", "false"};
constexpr Field kStrictClflush{"strict_clflush_decoy", &kBoolean, "Flushing the non-canonical decoy address faults", "false"};
constexpr Field kPgmap{"pgmap_memtype_tracking", &kBoolean, "Persistent memory carries a write-back memory-type entry", "true"};
constexpr Field kHwScrub{"hw_error_scrub", &kBoolean, "A machine check on persistent memory starts a full scrub", "false"};
constexpr Field kArsContinue{"ars_continue_valid", &kBoolean, "What a scrub finds after its answer was full is used; the kernel skips it as stale", "false"};
constexpr Field kBadblocks{"badblocks_model", &kBadblocksModel, "How bad-block lists round and merge", "\"linux_6_1\""};
constexpr Field kFakePanic{"fake_panic", &kBoolean, "A machine-check panic is printed, and the kernel goes on", "false"};
constexpr Field kMcsafe{"mcsafe", &kBoolean, "The driver's copies are machine-check safe", "true"};

constinit const Shape kUnitList{.kind = Kind::list, .item = &kAddress};
constexpr Field kWholeUnits{"whole_image_units", &kUnitList, "2 MiB units of the kernel image's own mapping that boot left whole, by physical address", "[]"};

constexpr Field kUnmapFails{"unmap_fails", &kUnitList, "Pages whose mappings memory_failure() cannot remove, by physical address: short for page_failures of \"unmap\"", "[]"};

constexpr std::string_view kPageFailureNames[] = {"unmap",   "punch",     "release", "invalidate",
                                                  "isolate", "grab_tail", "allocate"};
constinit const Shape kPageFailureName{.kind = Kind::choice, .choices = kPageFailureNames};
constexpr Field kPageFailureFields[] = {
    {"what", &kPageFailureName, "unmap: try_to_unmap() leaves a mapping; punch: the file system does not let go of it (-EIO); release: its buffers cannot be freed; invalidate: its file system can but invalidate, and that fails; isolate: somebody else has just taken it off the LRU; grab_tail: its huge page is split while a reference is taken; allocate: no memory for the list of processes to be told", {}, true, "\"punch\""},
    {"at", &kAddress, "A physical address in the page", {}, false, "\"0x42001000\""},
    {"pfn", &kPfn, "Or its page frame", {}, false, "\"0x42001\""},
    {"process", &kText, "Or the process that maps it when the run begins, with \"map\"", {}, false, "\"victim\""},
    {"map", &kText, "Which of its maps", {}, false, "\"m0\""},
    {"offset", &kSize, "Where in the map", "\"0x0\""},
};
constinit const Shape kPageFailure{.kind = Kind::object, .name = "page_failure",
                                   .doc = "What goes wrong with one page while memory_failure() or soft offline handles it.",
                                   .fields = kPageFailureFields};
constinit const Shape kPageFailureList{.kind = Kind::list, .item = &kPageFailure};
constexpr Field kPageFailures{"page_failures", &kPageFailureList, "What goes wrong with pages while they are handled", "[]"};

constexpr Field kKnobFields[] = {kDecoy,   kSanitize,  kStrict419,  kStrictClflush, kPgmap,
                                 kHwScrub, kBadblocks, kFakePanic, kMcsafe,        kWholeUnits,
                                 kUnmapFails, kPageFailures, kArsContinue};
constinit const Shape kKnobs{.kind = Kind::object, .name = "kernel_knobs",
                             .doc = "Switches of the model that no real kernel has.",
                             .fields = kKnobFields};

constexpr Field kDecoderFields[] = {
    {"nfit", &kBoolean, "The NFIT driver: bad blocks of persistent memory", "true"},
    {"edac", &kBoolean, "The memory controller's EDAC driver", "false"},
    {"mcelog", &kBoolean, "/dev/mcelog has a reader", "false"},
    {"extlog", &kBoolean, "The extended error log of firmware", "false"},
    {"cec", &kBoolean, "The corrected errors collector", "false"},
};
constinit const Shape kDecoders{.kind = Kind::object, .name = "kernel_decoders",
                                .doc = "Which decoders are loaded.", .fields = kDecoderFields};

constexpr Field kWorkerFields[] = {
    {"comm", &kText, "Name of the worker that runs queued work; %u stands for its CPU", "\"kworker/0:1\""},
    {"pid", &kPid, "Its process id", "45"},
};
constinit const Shape kWorker{.kind = Kind::object, .name = "kernel_worker",
                              .doc = "The kernel thread that runs queued work.",
                              .fields = kWorkerFields};

constexpr Field kKernelFields[] = {
    {"profile", &kProfile, "Which kernel is emulated; see `mcemu profiles`", "\"v4.19\""},
    {"boot", &kBoot, "Boot options", {}},
    {"sysctl", &kSysctl, "System controls at boot", {}},
    {"knobs", &kKnobs, "Switches of the model", {}},
    {"decoders", &kDecoders, "Which decoders of machine checks are loaded", {}},
    {"tainted", &kBoolean, "The kernel is tainted before the scenario begins", "false"},
    {"worker", &kWorker, "The kernel thread that runs queued work", {}},
    {"check_interval", &kTime, "Longest time between two polls of the machine-check banks, whole seconds; 0: never", "\"300s\""},
    kDecoy, kSanitize, kStrict419, kStrictClflush, kPgmap, kHwScrub, kBadblocks, kFakePanic, kMcsafe,
};

}  // namespace

constinit const Shape kKernelShape{.kind = Kind::object, .name = "kernel",
                                   .doc = "The emulated kernel: profile, boot options, system controls.",
                                   .fields = kKernelFields};

}  // namespace mcemu::scenario
