#include <array>

#include "scenario/shape.hpp"

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kOutcomes[] = {"running", "panic", "shutdown"};
template <std::size_t N>
constexpr std::array<std::string_view, N> words_of(const std::array<Meaning, N>& all) {
    std::array<std::string_view, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = all[i].word;
    return out;
}
constexpr std::array kClasses = words_of(kClassMeanings);
constexpr std::array kFates = words_of(kFateMeanings);
constexpr std::string_view kProcessStates[] = {"alive", "killed", "exited", "unborn"};

constinit const Shape kNull{.kind = Kind::null};
constinit const Shape kOutcome{.kind = Kind::choice, .choices = kOutcomes};
constinit const Shape kClass{.kind = Kind::choice, .name = "class",
                             .doc = "Class of a run: the first of these that holds.",
                             .choices = kClasses, .meanings = kClassMeanings};
constinit const Shape kFate{.kind = Kind::choice, .name = "fate",
                            .doc = "What became of an event: the last of these that came to it.",
                            .choices = kFates, .meanings = kFateMeanings};
constinit const Shape kProcessState{.kind = Kind::choice, .choices = kProcessStates};
constinit const Shape kPattern{.kind = Kind::text, .min = 1, .max = 1000};
constinit const Shape kLsb{.kind = Kind::whole, .max = 63};
constinit const Shape kTextList{.kind = Kind::list, .item = &kFreeText};

constexpr Field kReFields[] = {
    {"re", &kPattern, "A regular expression (ECMAScript) that a line must hold a match of", {}, true}};
constinit const Shape kRe{.kind = Kind::object, .name = "regular_expression",
                          .doc = "A regular expression.", .fields = kReFields};
constexpr const Shape* kLineForms[] = {&kFreeText, &kRe};
constinit const Shape kLine{.kind = Kind::any_of, .name = "log_line",
                            .doc = "A line of the kernel's log: its text, \"...\" for any lines, or a regular expression.",
                            .forms = kLineForms};
constinit const Shape kLines{.kind = Kind::list, .item = &kLine};
constexpr const Shape* kPanicForms[] = {&kNull, &kBoolean, &kFreeText, &kRe};
constinit const Shape kPanic{.kind = Kind::any_of, .forms = kPanicForms};

constexpr const Shape* kCodeForms[] = {&kText, &kInteger};
constinit const Shape kCode{.kind = Kind::any_of, .forms = kCodeForms};
constexpr Field kSignalFields[] = {
    {"process", &kText, "Who got it, by id", {}, true},
    {"signal", &kText, "Its name", {}, false, "\"SIGBUS\""},
    {"code", &kCode, "si_code", {}, false, "\"BUS_MCEERR_AR\""},
    {"addr", &kAddress, "si_addr", {}},
    {"lsb", &kLsb, "si_addr_lsb", {}},
    {"pid", &kCount, "Process id", {}},
    {"t_ns", &kCount, "When, in nanoseconds", {}},
};
constinit const Shape kSignal{.kind = Kind::object, .name = "expected_signal",
                              .doc = "A signal that was delivered.", .fields = kSignalFields};
constinit const Shape kSignalList{.kind = Kind::list, .item = &kSignal};
constexpr Field kSignalSetFields[] = {
    {"contains", &kSignalList, "Among others, these", {}},
    {"lacks", &kSignalList, "None like these", {}},
};
constinit const Shape kSignalSet{.kind = Kind::object, .name = "some_signals",
                                 .doc = "Signals that must, or must not, be among all.",
                                 .fields = kSignalSetFields};
constexpr const Shape* kSignalsForms[] = {&kSignalList, &kSignalSet};
constinit const Shape kSignals{.kind = Kind::any_of, .forms = kSignalsForms};

constexpr const Shape* kReturnForms[] = {&kInteger, &kText};
constinit const Shape kReturn{.kind = Kind::any_of, .forms = kReturnForms};
constinit const Shape kReturns{.kind = Kind::list, .item = &kReturn};
constexpr const Shape* kSyscallForms[] = {&kInteger, &kText, &kReturns};
constinit const Shape kSyscall{.kind = Kind::any_of, .forms = kSyscallForms};
constinit const Shape kSyscalls{.kind = Kind::table, .item = &kSyscall};

constexpr Field kPendingFields[] = {
    {"signal", &kText, "Its name", {}, true, "\"SIGBUS\""},
    {"code", &kCode, "si_code", {}, false, "\"BUS_MCEERR_AO\""},
    {"addr", &kAddress, "si_addr", {}},
    {"lsb", &kLsb, "si_addr_lsb", {}},
};
constinit const Shape kPendingSignal{.kind = Kind::object, .name = "pending_signal",
                                     .doc = "A signal that was sent and waits.", .fields = kPendingFields};
constinit const Shape kPendingSignals{.kind = Kind::list, .item = &kPendingSignal};
constexpr Field kProcessFields[] = {
    {"state", &kProcessState, "What became of it", {}},
    {"by", &kText, "Which signal killed it", {}, false, "\"SIGBUS\""},
    {"pid", &kCount, "Process id", {}},
    {"vm_flags", &kText, "VmFlags of its first map, as in /proc/PID/smaps", {}},
    {"pending", &kPendingSignals, "Signals that wait, as it blocks them", {}},
};
constinit const Shape kProcessObject{.kind = Kind::object, .name = "expected_process",
                                     .doc = "What became of a process.", .fields = kProcessFields};
constexpr const Shape* kProcessForms[] = {&kProcessState, &kProcessObject};
constinit const Shape kProcess{.kind = Kind::any_of, .forms = kProcessForms};
constinit const Shape kProcesses{.kind = Kind::table, .item = &kProcess};

constinit const Shape kFlags{.kind = Kind::list, .item = &kText};
constexpr const Shape* kNameOrNullForms[] = {&kFreeText, &kNull};
constinit const Shape kNameOrNull{.kind = Kind::any_of, .forms = kNameOrNullForms};
constexpr Field kPageFields[] = {
    {"pfn", &kPfn, "Page frame number", {}, true},
    {"flags", &kFlags, "Its flags, such as \"hwpoison\"", {}},
    {"users", &kInteger, "Reference count", {}},
    {"mapping", &kNameOrNull, "The file or device page->mapping leads to; null: none", {}},
    {"index", &kAddress, "page->index", {}},
};
constinit const Shape kPage{.kind = Kind::object, .name = "expected_page", .doc = "The state of a page.",
                            .fields = kPageFields};
constinit const Shape kPages{.kind = Kind::list, .item = &kPage};

constexpr Field kContainsFields[] = {
    {"contains", &kTextList, "Among others, these", {}},
    {"lacks", &kTextList, "None of these", {}},
};
constinit const Shape kContains{.kind = Kind::object, .name = "some_memtypes",
                                .doc = "Entries that must, or must not, be among all.",
                                .fields = kContainsFields};
constexpr const Shape* kMemtypeForms[] = {&kTextList, &kContains};
constinit const Shape kMemtypes{.kind = Kind::any_of, .forms = kMemtypeForms};

constexpr Field kDirectRangeFields[] = {
    {"pfn", &kPfn, "First page frame number", {}, true},
    {"pages", &kCount, "How many", {}},
    {"type", &kText, "Cache type, or \"not present\"", {}, false, "\"UC-\""},
};
constinit const Shape kDirectRange{.kind = Kind::object, .name = "direct_map_range",
                                   .doc = "Pages of the direct map that are not plain write-back.",
                                   .fields = kDirectRangeFields};
constinit const Shape kDirectRanges{.kind = Kind::list, .item = &kDirectRange};
constexpr Field kDirectSetFields[] = {
    {"contains", &kDirectRanges, "Among others, these", {}},
    {"lacks", &kDirectRanges, "None like these", {}},
};
constinit const Shape kDirectSet{.kind = Kind::object, .name = "some_direct_map_ranges",
                                 .doc = "Ranges that must, or must not, be among all.",
                                 .fields = kDirectSetFields};
constexpr const Shape* kWantedRangesForms[] = {&kDirectRanges, &kDirectSet};
constinit const Shape kWantedRanges{.kind = Kind::any_of, .forms = kWantedRangesForms};
constinit const Shape kShift{.kind = Kind::whole, .max = 63};
constexpr Field kSplitFields[] = {
    {"pfn", &kPfn, "First page frame number", {}, true},
    {"shift", &kShift, "Size of the large page that was, as a power of two", {}},
};
constinit const Shape kSplit{.kind = Kind::object, .name = "direct_map_split",
                             .doc = "A large page of the direct map that was split.",
                             .fields = kSplitFields};
constinit const Shape kSplits{.kind = Kind::list, .item = &kSplit};
constexpr Field kDirectMapFields[] = {
    {"4k_kB", &kInteger, "DirectMap4k", {}},
    {"2M_kB", &kInteger, "DirectMap2M", {}},
    {"1G_kB", &kInteger, "DirectMap1G", {}},
    {"4k_delta_kB", &kInteger, "How much DirectMap4k changed", {}},
    {"2M_delta_kB", &kInteger, "How much DirectMap2M changed", {}},
    {"1G_delta_kB", &kInteger, "How much DirectMap1G changed", {}},
    {"ranges", &kWantedRanges, "What is not plain write-back", {}},
    {"split", &kSplits, "Large pages that were split", {}},
};
constinit const Shape kDirectMap{.kind = Kind::object, .name = "expected_direct_map",
                                 .doc = "The kernel's direct map.", .fields = kDirectMapFields};

constinit const Shape kBadblocks{.kind = Kind::table, .item = &kFreeText};

constexpr Field kPoisonRangeFields[] = {
    {"dpa", &kAddress, "In a module: address in it", {}},
    {"spa", &kAddress, "In DRAM: system physical address", {}},
    {"length", &kSize, "Bytes", {}},
};
constinit const Shape kPoisonRange{.kind = Kind::object, .name = "poison_range",
                                   .doc = "A range of poisoned memory.", .fields = kPoisonRangeFields};
constinit const Shape kPoisonRanges{.kind = Kind::list, .item = &kPoisonRange};
constinit const Shape kPoison{.kind = Kind::table, .item = &kPoisonRanges};
constexpr std::string_view kPoisonSources[] = {"unknown", "external", "internal", "injected", "vendor"};
constinit const Shape kPoisonSource{.kind = Kind::choice, .choices = kPoisonSources};
constexpr Field kPoisonRecordFields[] = {
    {"dpa", &kAddress, "Device physical address", {}},
    {"length", &kSize, "Bytes", {}},
    {"source", &kPoisonSource, "Who made it", {}},
};
constinit const Shape kPoisonRecord{.kind = Kind::object, .name = "poison_record",
                                    .doc = "A record of a device's own poison list.",
                                    .fields = kPoisonRecordFields};
constinit const Shape kPoisonRecords{.kind = Kind::list, .item = &kPoisonRecord};
constinit const Shape kPoisonLists{.kind = Kind::table, .item = &kPoisonRecords};
constexpr std::string_view kPriorities[] = {"high", "low"};
constexpr std::string_view kLogKinds[] = {"media", "thermal"};
constexpr std::string_view kTransactions[] = {"none", "app-direct read", "app-direct write",
                                              "patrol", "ars"};
constinit const Shape kPriority{.kind = Kind::choice, .choices = kPriorities};
constinit const Shape kLogKind{.kind = Kind::choice, .choices = kLogKinds};
constinit const Shape kTransaction{.kind = Kind::choice, .choices = kTransactions};
constexpr Field kLogEntryFields[] = {
    {"t_ns", &kCount, "When", {}},
    {"sequence", &kCount, "Counts the entries of this priority, lost ones too", {}},
    {"priority", &kPriority, "high: a host's read met it", {}},
    {"kind", &kLogKind, "What happened", {}},
    {"dpa", &kAddress, "media: DIMM physical address", {}},
    {"range_log2", &kCount, "media: bytes, as a power of two", {}},
    {"transaction", &kTransaction, "media: what the module was doing", {}},
    {"injected", &kBoolean, "media: an Inject call planted it", {}},
};
constinit const Shape kLogEntry{.kind = Kind::object, .name = "error_log_entry",
                                .doc = "An entry of a module's own error log.",
                                .fields = kLogEntryFields};
constinit const Shape kLogEntries{.kind = Kind::list, .item = &kLogEntry};
constinit const Shape kErrorLogs{.kind = Kind::table, .item = &kLogEntries};
constinit const Shape kCounters{.kind = Kind::table, .item = &kInteger};

constexpr Field kMsrFields[] = {
    {"cpu", &kCpu, "CPU", {}, true},
    {"bank", &kBank, "Bank", {}, true},
    {"status", &kAddress, "IA32_MCi_STATUS", {}},
    {"addr", &kAddress, "IA32_MCi_ADDR", {}},
    {"misc", &kAddress, "IA32_MCi_MISC", {}},
};
constinit const Shape kMsr{.kind = Kind::object, .name = "expected_msr", .doc = "What a bank holds.",
                           .fields = kMsrFields};
constinit const Shape kMsrs{.kind = Kind::list, .item = &kMsr};
constexpr Field kWholeFateFields[] = {
    {"fate", &kFate, "What became of it", {}},
    {"because", &kLine, "And why, in the words of the result", {}},
};
constinit const Shape kWholeFate{.kind = Kind::object, .name = "expected_fate",
                                 .doc = "What became of an event, and why.", .fields = kWholeFateFields};
constexpr const Shape* kFateForms[] = {&kFate, &kWholeFate};
constinit const Shape kFateOrWhole{.kind = Kind::any_of, .forms = kFateForms};
constinit const Shape kFatesTable{.kind = Kind::table, .item = &kFateOrWhole};

constexpr Field kLatencyFields[] = {
    {"from", &kText, "event:ID, signal:PROCESS or phase:NAME", {}, true, "\"event:e1\""},
    {"to", &kText, "event:ID, signal:PROCESS or phase:NAME", {}, true, "\"signal:victim\""},
    {"max", &kTime, "At most this long", {}},
    {"min", &kTime, "At least this long", {}},
};
constinit const Shape kLatency{.kind = Kind::object, .name = "expected_latency",
                               .doc = "How long something may take.", .fields = kLatencyFields};
constinit const Shape kLatencyList{.kind = Kind::list, .item = &kLatency};
constexpr const Shape* kLatenciesForms[] = {&kLatencyList, &kLatency};
constinit const Shape kLatencies{.kind = Kind::any_of, .forms = kLatenciesForms};
constinit const Shape kClassList{.kind = Kind::list, .min = 1, .item = &kClass};
constexpr const Shape* kClassForms[] = {&kClass, &kClassList};
constinit const Shape kClassOrList{.kind = Kind::any_of, .forms = kClassForms};

constexpr const Shape* kTwoForms[] = {&kCondition, &kCondition};
constinit const Shape kTwoConditions{.kind = Kind::tuple, .forms = kTwoForms};
constexpr Field kTemporalFields[] = {
    {"always", &kCondition, "Holds all the time: a state", {}},
    {"never", &kCondition, "Holds at no time", {}},
    {"eventually", &kCondition, "Holds at some time", {}},
    {"before", &kTwoConditions, "[A, B]: both come, and A comes before B", {}},
    {"after", &kCondition, "Counted only from its first moment on", {}},
    {"until", &kCondition, "Counted only up to its first moment from there on", {}},
    {"within", &kTime, "Counted only for so long; before: B comes this soon after A", {}},
};
constinit const Shape kTemporalItem{.kind = Kind::object, .name = "expected_order",
                                    .doc = "What holds over time.", .fields = kTemporalFields};
constinit const Shape kTemporal{.kind = Kind::list, .item = &kTemporalItem};

constinit const Shape kReports{.kind = Kind::table, .item = &kAnything};
constexpr Field kExpectFields[] = {
    {"outcome", &kOutcome, "How the run ends", {}},
    {"panic", &kPanic, "Text of the panic; null or false: none; true: any", {}},
    {"log", &kLines, "The kernel's log, in order; \"...\" skips lines", {}},
    {"no_log", &kLines, "Lines that must not occur", {}},
    {"signals", &kSignals, "All signals, in order", {}},
    {"syscalls", &kSyscalls, "By event id: return value or errno name", {}, false, "{\"e1\": \"EIO\"}"},
    {"processes", &kProcesses, "By process id: alive, killed or exited", {}},
    {"pages", &kPages, "Pages and their flags", {}},
    {"memtypes", &kMemtypes, "The memory-type list", {}},
    {"direct_map", &kDirectMap, "The kernel's direct map", {}},
    {"badblocks", &kBadblocks, "By namespace, region or device: content of its badblocks file", {}, false,
     "{\"namespace0.0\": \"8 1\\n\"}"},
    {"reports", &kReports, "By event id: what it reported, as far as given; a list when several times", {}, false,
     "{\"e1\": {\"ret\": 0}}"},
    {"firmware_calls", &kAnything, "All calls of the NVDIMM root device, in order", {}},
    {"notifications", &kAnything, "All ACPI notifications, in order", {}},
    {"poison", &kPoison, "By module, CXL device or DRAM range: what is still poisoned", {}},
    {"poison_lists", &kPoisonLists, "By module or CXL device: its own list", {}},
    {"error_logs", &kErrorLogs, "By module: its own log, first the entries of high priority", {}},
    {"counters", &kCounters, "By name: value", {}, false, "{\"num_poisoned_pages\": 1}"},
    {"msrs", &kMsrs, "What banks hold", {}},
    {"fates", &kFatesTable, "By event id: its fate, or that and why", {}, false, "{\"e1\": \"consumed\"}"},
    {"latency", &kLatencies, "Bounds of durations", {}},
    {"class", &kClassOrList, "Class of the run, or several that will do", {}},
    {"temporal", &kTemporal, "Orders over time", {}},
};

// ---------------------------------------------------------------- the result

constexpr const Shape* kNumberOrNullForms[] = {&kInteger, &kNull};
constinit const Shape kNumberOrNull{.kind = Kind::any_of, .forms = kNumberOrNullForms};
constexpr const Shape* kTextOrNullForms[] = {&kFreeText, &kNull};
constinit const Shape kTextOrNull{.kind = Kind::any_of, .forms = kTextOrNullForms};
constexpr std::string_view kResultSchemas[] = {"mcemu/result/1"};
constinit const Shape kResultSchema{.kind = Kind::choice, .choices = kResultSchemas};
constinit const Shape kLevel{.kind = Kind::whole, .max = 7};

constexpr Field kResultLogFields[] = {
    {"t_ns", &kCount, "When, in nanoseconds", {}, true},
    {"level", &kLevel, "Log level: 0 emergency to 7 debug", {}, true},
    {"text", &kFreeText, "The line", {}, true},
};
constinit const Shape kResultLogLine{.kind = Kind::object, .name = "result_log_line",
                                     .doc = "A line of the kernel's log.", .fields = kResultLogFields};
constinit const Shape kResultLog{.kind = Kind::list, .item = &kResultLogLine};
constexpr Field kResultSignalFields[] = {
    {"t_ns", &kCount, "When it was delivered", {}, true},
    {"process", &kText, "Who got it", {}, true},
    {"pid", &kCount, "Process id", {}, true},
    {"signal", &kText, "Its name", {}, true},
    {"code", &kCode, "si_code", {}, true},
    {"addr", &kAddress, "si_addr; left out where the kernel sets none", {}},
    {"lsb", &kLsb, "si_addr_lsb; left out where the kernel sets none", {}},
};
constinit const Shape kResultSignal{.kind = Kind::object, .name = "result_signal",
                                    .doc = "A signal that was delivered.",
                                    .fields = kResultSignalFields};
constinit const Shape kResultSignals{.kind = Kind::list, .item = &kResultSignal};
constexpr Field kResultSyscallFields[] = {
    {"event", &kText, "Which event", {}, true},
    {"name", &kText, "Which system call", {}, true},
    {"ret", &kInteger, "What it returned", {}, true},
    {"errno", &kTextOrNull, "Name of the error", {}, true},
};
constinit const Shape kResultSyscall{.kind = Kind::object, .name = "result_syscall",
                                     .doc = "A system call that ended.",
                                     .fields = kResultSyscallFields};
constinit const Shape kResultSyscalls{.kind = Kind::list, .item = &kResultSyscall};
constexpr std::string_view kAccessResults[] = {"ok", "fault", "restarts for ever"};
constinit const Shape kAccessResult{.kind = Kind::choice, .choices = kAccessResults};
constexpr Field kResultAccessFields[] = {
    {"t_ns", &kCount, "When it ended", {}, true},
    {"event", &kText, "Which event", {}, true},
    {"result", &kAccessResult, "Whether it completed", {}, true},
};
constinit const Shape kResultAccess{.kind = Kind::object, .name = "result_access",
                                    .doc = "A load, store or fetch that ended.",
                                    .fields = kResultAccessFields};
constinit const Shape kResultAccesses{.kind = Kind::list, .item = &kResultAccess};
constexpr Field kResultProcessFields[] = {
    {"id", &kText, "Its name in the scenario", {}, true},
    {"pid", &kCount, "Process id", {}, true},
    {"state", &kProcessState, "What became of it", {}, true},
    {"by", &kTextOrNull, "Which signal killed it", {}},
    {"code", &kInteger, "Exit code", {}},
    {"vm_flags", &kText, "VmFlags of its first map, when that is DAX", {}},
    {"thread_of", &kText, "The process that it is a further thread of", {}},
    {"pending", &kPendingSignals, "Signals that wait, as it blocks them", {}},
};
constinit const Shape kResultProcess{.kind = Kind::object, .name = "result_process",
                                     .doc = "What became of a process.",
                                     .fields = kResultProcessFields};
constinit const Shape kResultProcesses{.kind = Kind::list, .item = &kResultProcess};
constexpr Field kResultEventFields[] = {
    {"id", &kText, "Its id, or #N", {}, true},
    {"t_ns", &kNumberOrNull, "When it first ran; null: never", {}, true},
    {"fate", &kFate, "What became of it", {}, true},
    {"because", &kFreeText, "Why", {}},
};
constinit const Shape kResultEvent{.kind = Kind::object, .name = "result_event",
                                   .doc = "What became of an event.", .fields = kResultEventFields};
constinit const Shape kResultEvents{.kind = Kind::list, .item = &kResultEvent};
constexpr Field kPhaseFields[] = {
    {"name", &kText, "Timing parameter", {}, true},
    {"ns", &kCount, "How long", {}, true},
};
constinit const Shape kPhase{.kind = Kind::object, .name = "result_phase", .doc = "A part of a duration.",
                             .fields = kPhaseFields};
constinit const Shape kPhases{.kind = Kind::list, .item = &kPhase};
constexpr Field kResultLatencyFields[] = {
    {"from", &kText, "From where", {}, true},
    {"to", &kText, "To where", {}, true},
    {"ns", &kNumberOrNull, "How long; null: it did not happen", {}, true},
    {"phases", &kPhases, "What it is made of", {}},
};
constinit const Shape kResultLatency{.kind = Kind::object, .name = "result_latency",
                                     .doc = "How long something took.",
                                     .fields = kResultLatencyFields};
constinit const Shape kResultLatencies{.kind = Kind::list, .item = &kResultLatency};
constexpr Field kVerdictFields[] = {
    {"at", &kText, "Pointer to the expectation", {}, true},
    {"ok", &kBoolean, "It was met", {}, true},
    {"wanted", &kAnything, "What was wanted", {}},
    {"got", &kAnything, "What came", {}},
    {"nearest", &kAnything, "The nearest miss", {}},
    {"t_ns", &kCount, "When the run first showed it; left out: only its end did", {}},
    {"text", &kFreeText, "All that in words", {}},
};
constinit const Shape kVerdict{.kind = Kind::object, .name = "result_expectation",
                               .doc = "An expectation and whether it was met.",
                               .fields = kVerdictFields};
constinit const Shape kVerdicts{.kind = Kind::list, .item = &kVerdict};

constexpr Field kPlatformFields[] = {
    {"wall_time", &kCount, "Seconds since 1970 at time 0", {}},
    {"mcgcap", &kAddress, "IA32_MCG_CAP", {}},
    {"edac", &kBoolean, "A driver of the memory controller decodes its errors", {}},
};
constinit const Shape kResultPlatform{.kind = Kind::object, .name = "result_platform",
                                      .doc = "What readers of records ask of the machine.",
                                      .fields = kPlatformFields};

constexpr Field kResultFields[] = {
    {"schema", &kResultSchema, "Version of this form", {}, true},
    {"scenario", &kText, "Name of the scenario", {}, true},
    {"profile", &kText, "Which kernel was emulated", {}, true},
    {"seed", &kCount, "Seed of all random numbers", {}, true},
    {"version", &kText, "Version of the program", {}, true},
    {"outcome", &kOutcome, "How the run ended", {}, true},
    {"panic", &kTextOrNull, "Text of the panic", {}, true},
    {"class", &kClass, "Class of the run", {}, true},
    {"end_ns", &kCount, "When it ended, in nanoseconds", {}, true},
    {"interrupted", &kBoolean, "It was ended early", {}},
    {"platform", &kResultPlatform, "What readers of records ask of the machine", {}},
    {"log", &kResultLog, "The kernel's log", {}, true},
    {"signals", &kResultSignals, "Signals that were delivered", {}, true},
    {"syscalls", &kResultSyscalls, "System calls that ended", {}, true},
    {"processes", &kResultProcesses, "What became of each process", {}, true},
    {"events", &kResultEvents, "What became of each event", {}, true},
    {"reports", &kResultReports, "What commands printed, and readers got", {}},
    {"firmware_calls", &kFirmwareCalls, "Calls of the NVDIMM root device", {}},
    {"notifications", &kNotifications, "ACPI notifications", {}},
    {"pages", &kPages, "Pages with something to tell", {}, true},
    {"memtypes", &kTextList, "The memory-type list", {}, true},
    {"direct_map", &kDirectMap, "The kernel's direct map", {}, true},
    {"badblocks", &kBadblocks, "By name: content of the badblocks file", {}, true},
    {"poison", &kPoison, "By module, CXL device or DRAM range: what is still poisoned", {}, true},
    {"poison_lists", &kPoisonLists, "By module or CXL device: its own list", {}},
    {"error_logs", &kErrorLogs, "By module: its own log", {}},
    {"counters", &kCounters, "By name: value", {}, true},
    {"msrs", &kMsrs, "Banks that were used", {}, true},
    {"records", &kResultRecords, "Machine-check records that the kernel made", {}},
    {"severity_rows", &kSeverityRows, "Rows of the severity table that graded something", {}},
    {"injector", &kInjectorRegisters, "What records of mce-inject left in the injector's registers", {}},
    {"latency", &kResultLatencies, "Durations", {}, true},
    {"accesses", &kResultAccesses, "Accesses by processes that ended", {}, true},
    {"expect", &kVerdicts, "Expectations", {}, true},
};

// ---------------------------------------------------------------- the scenario

constexpr std::string_view kScenarioSchemas[] = {"mcemu/scenario/1"};
constinit const Shape kScenarioSchema{.kind = Kind::choice, .choices = kScenarioSchemas};
constinit const Shape kTags{.kind = Kind::list, .item = &kText};
constinit const Shape kParams{.kind = Kind::table, .item = &kScalar};
constinit const Shape kMatrixValues{.kind = Kind::list, .min = 1, .item = &kScalar};
constinit const Shape kMatrix{.kind = Kind::table, .item = &kMatrixValues};
constinit const Shape kIncludes{.kind = Kind::list, .item = &kText};
constexpr const Shape* kIncludeForms[] = {&kText, &kIncludes};
constinit const Shape kInclude{.kind = Kind::any_of, .forms = kIncludeForms};
constinit const Shape kFiles{.kind = Kind::list, .item = &kFileShape};
constinit const Shape kKernelPages{.kind = Kind::list, .item = &kKernelPagesShape};
constinit const Shape kProcessList{.kind = Kind::list, .item = &kProcessShape};
constinit const Shape kEvents{.kind = Kind::list, .item = &kEventShape};

constexpr Field kScenarioFields[] = {
    {"$schema", &kText, "Where editors find this schema", {}},
    {"schema", &kScenarioSchema, "Version of this form", {}, true},
    {"name", &kText, "Name of the scenario", {}, true, "\"devdax-madvise\""},
    {"description", &kFreeText, "What it shows, in a sentence or two", "\"\""},
    {"tags", &kTags, "Words to select scenarios by", "[]", false, "[\"dax\"]"},
    {"seed", &kCount, "Seed of all random numbers", "0"},
    {"until", &kTime, "The run ends here (default: when nothing more happens)", {}, false, "\"1s\""},
    {"include", &kInclude, "Files to merge under this one; paths are relative to this file", {}, false, "\"platform.json\""},
    {"boots_on", &kText, "A scenario that is run first: this one boots on the NVDIMMs it leaves, whose media errors count instead of its own; the path is relative to this file", {}, false, "\"torn-write.json\""},
    {"params", &kParams, "Values used as \"${name}\"; swept by campaigns, changed by --set /params/name=value", "{}", false,
     "{\"va\": \"0x7f763dd00000\"}"},
    {"matrix", &kMatrix, "Runs once per combination of these values of params; for `mcemu regress`", {}, false,
     "{\"va\": [\"0x7f763dd00000\", \"0x7f763de00000\"]}"},
    {"kernel", &kKernelShape, "The emulated kernel", "{}"},
    {"machine", &kMachineShape, "The emulated machine", "{}"},
    {"files", &kFiles, "Files", "[]"},
    {"kernel_pages", &kKernelPages, "Pages that belong to no process", "[]"},
    {"processes", &kProcessList, "Processes", "[]"},
    {"events", &kEvents, "What happens, and when", {}, true},
    {"expect", &kExpectShape, "What must come of it", "{}"},
};

}  // namespace

constinit const Shape kExpectShape{.kind = Kind::object, .name = "expect",
                                   .doc = "What the run must come to.", .fields = kExpectFields};
constinit const Shape kResultShape{.kind = Kind::object, .name = "result",
                                   .doc = "The result of one run of mcemu.", .fields = kResultFields};
constinit const Shape kScenarioShape{.kind = Kind::object, .name = "scenario",
                                     .doc = "A scenario for mcemu: a machine, a kernel, processes, "
                                            "and the errors that happen to them.",
                                     .fields = kScenarioFields};

}  // namespace mcemu::scenario
