#include "scenario/campaign_file.hpp"

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kForms[] = {"mcemu/campaign/1"};
constinit const Shape kForm{.kind = Kind::choice, .choices = kForms};

// A number of the scenario, in any of its spellings.
constexpr const Shape* kQuantityForms[] = {&kText, &kReal};
constinit const Shape kQuantity{
    .kind = Kind::any_of,
    .name = "quantity",
    .doc = "A number, or a text with a unit: \"10us\", \"2MiB\", \"0x1000\".",
    .forms = kQuantityForms};

constinit const Shape kSettings{
    .kind = Kind::table,
    .name = "settings",
    .doc = "By place of the scenario, which is the name of one of its params or a JSON pointer: "
           "the value it takes.",
    .item = &kAnything};
constinit const Shape kValues{.kind = Kind::list, .min = 1, .item = &kAnything};

// ---------------------------------------------------------------- sweep

constexpr Field kSweepFields[] = {
    {"of", &kText, "What is swept: the name of a param, or a JSON pointer into the scenario", {},
     true, "\"/machine/cpus/cores\""},
    {"name", &kText, "Its name in figures (default: the param, or the pointer's last step)", {},
     false, "\"cores\""},
    {"values", &kValues, "The values; or give \"from\" and \"to\"", {}, false, "[2, 4, 8]"},
    {"from", &kQuantity, "The first value", {}, false, "\"1us\""},
    {"to", &kQuantity, "The last value; it is taken only when a step meets it", {}, false,
     "\"1ms\""},
    {"step", &kQuantity, "Distance of the values", {}, false, "\"10us\""},
    {"factor", &kReal, "Ratio of neighbours: 2 doubles, 10 gives decades", {}, false, "10"},
    {"points", &kCount, "So many values, at equal ratios from \"from\" to \"to\"", {}, false, "7"},
};
constinit const Shape kSweep{.kind = Kind::object, .name = "sweep",
                             .doc = "One value after the other; sweeps are crossed, the first varies "
                                    "slowest.",
                             .fields = kSweepFields};
constinit const Shape kSweeps{.kind = Kind::list, .item = &kSweep};

// ---------------------------------------------------------------- draw

constexpr std::string_view kDistNames[] = {"uniform", "normal", "lognormal", "exponential",
                                           "empirical", "choice"};
constinit const Shape kDistName{.kind = Kind::choice, .choices = kDistNames};
constexpr Field kDrawFields[] = {
    {"of", &kText, "What is drawn anew for every run: a param, or a JSON pointer", {}, true,
     "\"/events/0/at\""},
    {"name", &kText, "Its name in figures", {}},
    {"dist", &kDistName, "The distribution", {}, true},
};
constexpr Field kUniformFields[] = {
    {"low", &kQuantity, "The least value", {}, true},
    {"high", &kQuantity, "The largest value", {}, true},
    {"step", &kQuantity, "Only \"low\" plus multiples of this, e.g. \"64B\"", {}},
};
constexpr Field kNormalFields[] = {
    {"mean", &kQuantity, "Mean; values below zero become zero", {}, true},
    {"sd", &kQuantity, "Standard deviation", {}, true},
};
constexpr Field kLognormalFields[] = {
    {"median", &kQuantity, "Median", {}, true},
    {"p90", &kQuantity, "90th percentile", {}},
    {"p95", &kQuantity, "95th percentile", {}},
    {"p99", &kQuantity, "99th percentile", {}},
    {"p999", &kQuantity, "99.9th percentile", {}},
};
constexpr Field kExponentialFields[] = {
    {"mean", &kQuantity, "Mean", {}, true},
};
constinit const Shape kCumulative{.kind = Kind::real, .max = 1};
constexpr const Shape* kDrawRowForms[] = {&kCumulative, &kQuantity};
constinit const Shape kDrawRow{.kind = Kind::tuple, .doc = "[cumulative share, value]", .forms = kDrawRowForms};
constinit const Shape kDrawRows{.kind = Kind::list, .min = 1, .item = &kDrawRow};
constexpr Field kMeasuredFields[] = {
    {"table", &kDrawRows, "[cumulative share, value] pairs, both rising, up to share 1; straight lines between them", {},
     true, "[[0.5, \"1us\"], [1, \"9us\"]]"},
};
constinit const Shape kWeights{.kind = Kind::list, .min = 1, .item = &kReal};
constexpr Field kChoiceFields[] = {
    {"values", &kValues, "One of these", {}, true},
    {"weights", &kWeights, "How often each comes, relative to the others (default: alike)", {}},
};
constexpr Case kDrawCases[] = {
    {"uniform", "Every value from low to high alike.", kUniformFields},
    {"normal", "Gaussian, cut off at zero.", kNormalFields},
    {"lognormal", "By median and one percentile.", kLognormalFields},
    {"exponential", "By mean.", kExponentialFields},
    {"empirical", "As measured.", kMeasuredFields},
    {"choice", "One of a list.", kChoiceFields},
};
constinit const Shape kDraw{.kind = Kind::object, .name = "draw",
                            .doc = "A random value per run.", .fields = kDrawFields,
                            .discriminator = "dist", .cases = kDrawCases};
constinit const Shape kDraws{.kind = Kind::list, .item = &kDraw};

// ---------------------------------------------------------------- variants, measures, classes

constexpr Field kVariantFields[] = {
    {"name", &kText, "Its name in figures", {}, true, "\"broadcast\""},
    {"set", &kSettings, "What it changes", "{}", false, "{\"/machine/mca/lmce\": false}"},
};
constinit const Shape kVariant{.kind = Kind::object, .name = "variant",
                               .doc = "One of the things compared; the first is what the others are "
                                      "held against.",
                               .fields = kVariantFields};
constinit const Shape kVariants{.kind = Kind::list, .item = &kVariant};

constexpr Field kMeasureFields[] = {
    {"name", &kText, "Its name in figures (default: \"FROM to TO\")", {}, false, "\"kill\""},
    {"from", &kText, "event:ID, signal:PROCESS, syscall:EVENT, phase:NAME", {}, true,
     "\"event:e1\""},
    {"to", &kText, "As \"from\", or panic: the first that is not earlier", {}, true,
     "\"signal:victim\""},
    {"deadline", &kTime, "A run that misses it is `late`", {}, false, "\"50us\""},
};
constinit const Shape kMeasure{.kind = Kind::object, .name = "measure",
                               .doc = "A duration, with the phases it was spent in.",
                               .fields = kMeasureFields};
constinit const Shape kMeasures{.kind = Kind::list, .item = &kMeasure};

constexpr Field kUserClassFields[] = {
    {"name", &kText, "Its name", {}, true, "\"lost-the-host\""},
    {"when", &kExpectShape, "As \"expect\" of a scenario: all of it must be met", {}, true,
     "{\"outcome\": \"panic\"}"},
};
constinit const Shape kUserClass{.kind = Kind::object, .name = "user_class",
                                 .doc = "A class of runs; the first that fits counts.",
                                 .fields = kUserClassFields};
constinit const Shape kUserClasses{.kind = Kind::list, .item = &kUserClass};

constexpr Field kNumberFields[] = {
    {"name", &kText, "Its name in figures (default: the pointer's last step)", {}},
    {"of", &kText, "JSON pointer into the result; of a list, its length counts", {}, true,
     "\"/counters/num_poisoned_pages\""},
};
constinit const Shape kNumber{.kind = Kind::object, .name = "number",
                              .doc = "A number of the result that is kept for every run.",
                              .fields = kNumberFields};
constinit const Shape kNumbers{.kind = Kind::list, .item = &kNumber};

constexpr Field kStopFields[] = {
    {"class", &kText, "Until the share of this class (built in or the campaign's own) is known", {}},
    {"measure", &kText, "Or until a quantile of this measure is known", {}},
    {"quantile", &kReal, "Which, e.g. 0.99", "0.5"},
    {"within", &kReal, "Half the width of the interval: of a share in itself, of a quantile "
     "relative to it", {}, true, "0.01"},
    {"at_least", &kCount, "Runs per cell before the first look", "100"},
    {"at_most", &kCount, "Runs per cell at which it ends in any case", "100000"},
};
constinit const Shape kStop{.kind = Kind::object, .name = "stop",
                            .doc = "When a cell has had enough runs.", .fields = kStopFields};

constexpr Field kCampaignFields[] = {
    {"$schema", &kText, "Where editors find this schema", {}},
    {"schema", &kForm, "Version of this form", {}, true},
    {"name", &kText, "Name of the campaign", {}, true, "\"lmce\""},
    {"description", &kFreeText, "What it asks, in a sentence or two", "\"\""},
    {"scenario", &kText, "The scenario that is run; the path is relative to this file", {}, true,
     "\"lmce.json\""},
    {"seed", &kCount, "Seed of everything random in the campaign", "0"},
    {"set", &kSettings, "What all runs change in the scenario", "{}"},
    {"variants", &kVariants, "Things to compare", "[]"},
    {"sweep", &kSweeps, "What is varied step by step", "[]"},
    {"draw", &kDraws, "What is drawn at random", "[]"},
    {"common", &kBoolean, "Run n has the same random numbers in every cell, so that cells differ by "
     "what was changed alone", "true"},
    {"runs", &kCount, "Runs per cell (default: 1, or what \"stop\" says)", {}, false, "1000"},
    {"stop", &kStop, "Run until an interval is narrow enough", {}},
    {"confidence", &kReal, "Of all intervals", "0.95"},
    {"measures", &kMeasures, "Durations", "[]"},
    {"classes", &kUserClasses, "Classes of your own, beside the built-in ones", "[]"},
    {"numbers", &kNumbers, "Further numbers to keep", "[]"},
};

}  // namespace

constinit const Shape kCampaignShape{.kind = Kind::object, .name = "campaign",
                                     .doc = "Many runs of one scenario.",
                                     .fields = kCampaignFields};

}  // namespace mcemu::scenario
