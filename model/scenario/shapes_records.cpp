#include "scenario/shape.hpp"

// What the machine-check core recorded, as results show it.

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kSeverityNames[] = {"NO", "UCNA", "KEEP", "SOME",
                                               "AO", "UC",   "AR",   "PANIC"};
constexpr std::string_view kSourceNames[] = {"exception", "poll", "firmware", "injector"};
constexpr std::string_view kTakerNames[] = {"nobody", "notifiers", "panic"};
constinit const Shape kSeverityName{.kind = Kind::choice, .choices = kSeverityNames};
constinit const Shape kSourceName{.kind = Kind::choice, .choices = kSourceNames};
constinit const Shape kTakerName{.kind = Kind::choice, .choices = kTakerNames};
constinit const Shape kRow{.kind = Kind::whole, .min = 1, .max = 27};

constexpr Field kRecordFields[] = {
    {"t_ns", &kCount, "When, in nanoseconds", {}, true},
    {"cpu", &kCpu, "CPU that made it", {}, true},
    {"bank", &kInteger, "Bank; -1: reported by firmware", {}, true},
    {"status", &kAddress, "IA32_MCi_STATUS", {}, true},
    {"mcgstatus", &kAddress, "IA32_MCG_STATUS", {}, true},
    {"addr", &kAddress, "IA32_MCi_ADDR, without the bits that MISC says are not valid", {}, true},
    {"misc", &kAddress, "IA32_MCi_MISC", {}, true},
    {"cs", &kAddress, "Code segment; 0 without a valid instruction pointer", {}, true},
    {"ip", &kAddress, "Instruction pointer, or 0", {}, true},
    {"tsc", &kAddress, "Time-stamp counter", {}},
    {"time", &kCount, "Seconds since 1970", {}},
    {"cpuid", &kAddress, "CPUID leaf 1 EAX", {}},
    {"socketid", &kCount, "Package", {}},
    {"apicid", &kCount, "APIC id", {}},
    {"microcode", &kAddress, "Microcode revision", {}},
    {"ppin", &kAddress, "Protected processor inventory number, or 0", {}},
    {"severity", &kSeverityName, "Its grade", {}, true},
    {"source", &kSourceName, "What made the kernel look", {}, true},
    {"taken", &kTakerName, "Who took it out of the pool", {}, true},
};
constinit const Shape kRecord{.kind = Kind::object,
                              .name = "result_record",
                              .doc = "A machine-check record.",
                              .fields = kRecordFields};

constexpr Field kRowFields[] = {
    {"row", &kRow, "Its number in the kernel's table, from 1", {}, true},
    {"severity", &kSeverityName, "Its grade", {}, true},
    {"message", &kFreeText, "Its text", {}, true},
};
constinit const Shape kRowShape{.kind = Kind::object,
                                .name = "result_severity_row",
                                .doc = "A row of the severity table.",
                                .fields = kRowFields};

constexpr Field kInjectorFields[] = {
    {"cpu", &kCpu, "CPU", {}, true},
    {"bank", &kBank, "Bank", {}, true},
    {"status", &kAddress, "What is left of IA32_MCi_STATUS", {}, true},
    {"mcgstatus", &kAddress, "And of IA32_MCG_STATUS", {}, true},
};
constinit const Shape kInjector{.kind = Kind::object,
                                .name = "result_injector",
                                .doc = "Registers of the injector, with VAL still set.",
                                .fields = kInjectorFields};

constinit const Shape kNullValue{.kind = Kind::null};
constexpr const Shape* kNameOrNullForms[] = {&kText, &kNullValue};
constinit const Shape kNameOrNull{.kind = Kind::any_of, .forms = kNameOrNullForms};
constinit const Shape kTexts{.kind = Kind::list, .item = &kFreeText};
constexpr Field kReportFields[] = {
    {"t_ns", &kCount, "When it ended, in nanoseconds", {}, true},
    {"event", &kText, "Which event", {}, true},
    {"what", &kText, "Which command, file or access", {}, true},
    {"ret", &kInteger, "What it ended with: 0, a negative errno, or a count", {}, true},
    {"errno", &kNameOrNull, "Name of the error", {}, true},
    {"output", &kAnything, "What it printed or got; null: nothing", {}, true},
    {"messages", &kTexts, "What it said on stderr", {}, true},
};
constinit const Shape kReport{.kind = Kind::object, .name = "result_report",
                              .doc = "What a command printed, or a reader got.",
                              .fields = kReportFields};
constexpr Field kCallFields[] = {
    {"t_ns", &kCount, "When, in nanoseconds", {}, true},
    {"event", &kNameOrNull, "Because of which event", {}, true},
    {"function", &kText, "Which function", {}, true},
    {"address", &kAddress, "System physical address", {}, true},
    {"length", &kCount, "Bytes", {}, true},
    {"status", &kCount, "Its status word", {}, true},
    {"cleared", &kCount, "clear_error: bytes", {}},
};
constinit const Shape kCall{.kind = Kind::object, .name = "result_firmware_call",
                            .doc = "A call of the NVDIMM root device.", .fields = kCallFields};
constexpr Field kNotificationFields[] = {
    {"t_ns", &kCount, "When, in nanoseconds", {}, true},
    {"of", &kText, "\"root\", or a module", {}, true},
    {"value", &kAddress, "Its number", {}, true},
};
constinit const Shape kNotification{.kind = Kind::object, .name = "result_notification",
                                    .doc = "An ACPI notification.", .fields = kNotificationFields};

}  // namespace

constinit const Shape kResultRecords{.kind = Kind::list, .item = &kRecord};
constinit const Shape kSeverityRows{.kind = Kind::list, .item = &kRowShape};
constinit const Shape kInjectorRegisters{.kind = Kind::list, .item = &kInjector};

constinit const Shape kResultReports{.kind = Kind::list, .item = &kReport};
constinit const Shape kFirmwareCalls{.kind = Kind::list, .item = &kCall};
constinit const Shape kNotifications{.kind = Kind::list, .item = &kNotification};

}  // namespace mcemu::scenario
