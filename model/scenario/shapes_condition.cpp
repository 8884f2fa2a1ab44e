#include "scenario/shape.hpp"

// Choices stand in the order of the enumerators they name in core/condition.hpp and
// core/kernel/mm/process.hpp; those of "type" are resolved in resolve_condition.cpp.

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kStates[] = {"alive", "killed", "exited", "unborn"};
constexpr std::string_view kTypes[] = {"WB", "WC", "UC-", "UC", "WT", "WP", "NP",
                                       "write-back", "write-combining", "uncached-minus",
                                       "uncached", "write-through", "write-protected", "none"};
constexpr std::string_view kCounters[] = {
    "HardwareCorrupted_kB", "num_poisoned_pages", "machine_checks", "cmci",          "polls",
    "records",              "records_lost",       "memory_failures", "signals",      "tlb_flushes",
    "cache_flushes",        "oopses",             "hugepages_total"};

constinit const Shape kState{.kind = Kind::choice, .choices = kStates};
constinit const Shape kType{.kind = Kind::choice, .choices = kTypes};
constinit const Shape kCounterName{.kind = Kind::choice, .choices = kCounters};
constinit const Shape kLength{.kind = Kind::size, .min = 1, .max = 1ull << 40};
constinit const Shape kSector{.kind = Kind::address, .max = 1ull << 54};
constinit const Shape kSectors{.kind = Kind::whole, .min = 1, .max = 1ull << 40};
constinit const Shape kPattern{.kind = Kind::text, .min = 1, .max = 1000};
constexpr Field kReFields[] = {
    {"re", &kPattern, "A regular expression (ECMAScript) that a line must hold a match of", {}, true}};
constinit const Shape kRe{.kind = Kind::object, .name = "line_pattern",
                          .doc = "A regular expression for a line of the log.", .fields = kReFields};
constexpr const Shape* kLineForms[] = {&kText, &kRe};
constinit const Shape kLine{.kind = Kind::any_of, .forms = kLineForms};
constinit const Shape kConditions{.kind = Kind::list, .item = &kCondition};

constexpr Field kFields[] = {
    {"page", &kPfn, "State of a page frame: with \"flag\"", {}},
    {"flag", &kPageFlag, "Which of its flags", {}},
    {"process", &kText, "State of a process: with \"state\"", {}},
    {"state", &kState, "Which one", {}},
    {"bank", &kBank, "A machine-check bank that holds a valid record", {}},
    {"cpu", &kCpu, "Of this CPU", "0"},
    {"poison", &kAddress, "A media error from this physical address on", {}},
    {"length", &kLength, "In so many bytes", "\"64B\""},
    {"badblocks", &kText, "A table of bad blocks that has rows: a namespace, its block device or a region", {}},
    {"sector", &kSector, "A row that covers this sector", {}},
    {"sectors", &kSectors, "Or one of so many", "1"},
    {"direct_map", &kPfn, "Page frame as the kernel's direct map has it: with \"type\"", {}},
    {"memtype", &kAddress, "Physical address as the memory-type list has it: with \"type\"", {}},
    {"type", &kType, "direct_map: WB, WC, UC-, UC, WT, WP, NP (not present); memtype: their long names, or none", {}},
    {"counter", &kCounterName, "A counter of the result: with \"min\" or \"max\"", {}},
    {"min", &kInteger, "Its least value", {}},
    {"max", &kInteger, "Its greatest value", {}},
    {"set", &kBoolean, "A state: false turns it round", "true"},
    {"event", &kText, "Happens: the scenario's event of that id is performed", {}},
    {"done", &kText, "Happens: it has run to its end", {}},
    {"signal", &kText, "Happens: a signal is delivered to this process", {}},
    {"name", &kText, "Which signal", {}, false, "\"SIGBUS\""},
    {"code", &kText, "With which si_code", {}, false, "\"BUS_MCEERR_AR\""},
    {"log", &kLine, "Happens: this line is printed", {}},
    {"phase", &kText, "Happens: a latency of that name begins (`mcemu latencies`)", {}},
    {"all", &kConditions, "All of these at once", {}},
    {"any", &kConditions, "One of these", {}},
};
constexpr const Shape* kForms[] = {&kText, &kConditionObject};

}  // namespace

constinit const Shape kConditionObject{
    .kind = Kind::object, .name = "condition",
    .doc = "What can be true of the machine (a state), or happen in it. One key says what it is; the others belong to it. Short forms of what happens: \"panic\", \"oops\", \"event:ID\", \"done:ID\", \"signal:PROCESS\", \"log:LINE\", \"phase:NAME\".",
    .fields = kFields};
constinit const Shape kCondition{.kind = Kind::any_of, .forms = kForms};

}  // namespace mcemu::scenario
