#include "scenario/shape.hpp"

namespace mcemu::scenario {

using Kind = Shape::Kind;

constinit const Shape kBoolean{.kind = Kind::boolean};
constinit const Shape kText{.kind = Kind::text, .min = 1};
constinit const Shape kFreeText{.kind = Kind::text};
constinit const Shape kCount{.kind = Kind::whole};
constinit const Shape kInteger{.kind = Kind::integer};
constinit const Shape kReal{.kind = Kind::real};
constinit const Shape kAnything{.kind = Kind::anything};
constinit const Shape kSize{
    .kind = Kind::size,
    .name = "size",
    .doc = "A number of bytes: a string with B, KiB, MiB, GiB or TiB such as \"2MiB\", a hex string "
           "such as \"0x1000\", or a whole number."};
constinit const Shape kTime{
    .kind = Kind::time,
    .name = "time",
    .doc = "A duration: a string with ps, ns, us, ms, s, min or h such as \"1.5ms\", or a whole "
           "number of nanoseconds."};
constinit const Shape kAddress{
    .kind = Kind::address,
    .name = "address",
    .doc = "An address or register value: a hex string such as \"0x200000000\", or a whole number."};
constinit const Shape kPfn{
    .kind = Kind::address,
    .name = "pfn",
    .doc = "A page frame number (physical address >> 12): a hex string, or a whole number.",
    .max = (1ull << 52) - 1};
constinit const Shape kCpu{.kind = Kind::whole, .max = 8191};
constinit const Shape kBank{.kind = Kind::whole, .max = 63};
constinit const Shape kBanks{.kind = Kind::whole, .min = 1, .max = 32};

namespace {
// In the order of McePolicy.
constexpr std::string_view kMcePolicies[] = {"default", "early", "late"};
// In the order of SigbusAction.
constexpr std::string_view kSigbusActions[] = {"default", "ignore", "handler", "handler-remaps"};
// Without their PG_; the numbers are in resolve_events.cpp.
constexpr std::string_view kPageFlags[] = {
    "locked",   "error",     "referenced",  "uptodate", "dirty",     "lru",     "slab",
    "reserved", "head",      "swapcache",   "swapbacked", "unevictable", "mlocked", "writeback",
    "hwpoison", "buddy",     "table",       "hugetlb",  "anon",      "offline", "pcp",
    "ksm"};
constinit const Shape kAlarmBits{.kind = Kind::whole, .max = 0xffff};
constinit const Shape kSparesPercent{.kind = Kind::whole, .max = 255};
constexpr Field kThresholdFields[] = {
    {"alarm_control", &kAlarmBits, "Armed alarms: bit 0 spares, 1 media temperature, 2 controller temperature", "3"},
    {"spares", &kSparesPercent, "Percent", "5"},
    {"media_temperature", &kReal, "Degrees Celsius", "40"},
    {"ctrl_temperature", &kReal, "Degrees Celsius", "30"},
};
constexpr const Shape* kScalarForms[] = {&kFreeText, &kReal, &kBoolean};
}  // namespace

constinit const Shape kThresholdsShape{.kind = Kind::object, .name = "smart_thresholds",
                                       .doc = "At what a module raises health alarms.",
                                       .fields = kThresholdFields};
constinit const Shape kMcePolicy{.kind = Kind::choice, .choices = kMcePolicies};
constinit const Shape kSigbusAction{.kind = Kind::choice, .choices = kSigbusActions};
constinit const Shape kPageFlag{.kind = Kind::choice, .choices = kPageFlags};
constinit const Shape kScalar{.kind = Kind::any_of, .forms = kScalarForms};

}  // namespace mcemu::scenario
