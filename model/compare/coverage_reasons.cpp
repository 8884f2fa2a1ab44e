#include "compare/coverage_reasons.hpp"

#include "compare/coverage_words.hpp"

namespace mcemu::compare {
namespace {

struct Reason {
    std::string_view kind, thing, why;
};

// `thing` as coverage calls it; of numbered ones the number, of kernel differences the beginning.
constexpr Reason kReasons[] = {
    {"severity rows v4.x", "7 ", "row 6 asks for the same and comes first"},
    {"severity rows v6.1", "7 ", "row 6 asks for the same and comes first"},
    {"severity rows v6.1", "1 ", "a bank whose VAL is clear is passed over before it is graded"},
    {"page types", "different compound page after locking",
     "nothing forms a huge page anew while memory_failure() waits for the lock of one"},
    {"page types", "huge page already hardware poisoned", "the kernels have the words and never print them"},
    {"page types", "free buddy page (2nd try)",
     "memory_failure() holds the page when it looks the second time, and a held page is not free"},
    {"page types", "clean swapcache page",
     "a page that a scenario puts into the swap cache is dirty; none is read back from the swap device"},
    {"log lines", "020 ", "the check refuses a word of mce= that the kernel would not know"},
    {"log lines", "021 ", "with mce=off CR4.MCE is clear: the processor shuts down and raises no exception"},
    {"log lines", "038 ", "unpoison refuses a page that somebody holds, and memory_failure() holds it"},
    {"log lines", "055 ", "a page that is mapped has a second user, and unpoison says that first"},
    {"log lines", "059 ", "a poisoned page without users lies with the buddy allocator, or is held by its poison"},
    {"log lines", "095 ", "no map of a scenario asks for MADV_DONTFORK semantics: the device's is always set"},
    {"kernel differences", "copyin_recovers as in v4.18", "v4.x does not tell the copies apart before it asks"},
    {"kernel differences", "already_poisoned_kills_accessor as in v4.18",
     "v4.x returns before, by already_poisoned_is_error"},
    {"kernel differences", "unpoison_refused_after_real as in v4.18",
     "v4.x does not note that an error was real (serialised)"},
    {"kernel differences", "nfit_sets_handled as in v4.18", "v4.x looks at no flags of who handled a record"},
    {"kernel differences", "decoy_forces_full_flush as in v4.18", "v4.x flushes all TLBs with every change anyway"},
    {"kernel differences", "sanitizes_memtype as in v4.18", "v4.18 passes no decoy to the memory types"},
    {"kernel differences", "devdax_page_index as in v4.18", "v4.18 does not look at pages of persistent memory (dev_pagemap)"},
    {"kernel differences", "fsdax_page_index as in v4.18", "v4.18 does not look at pages of persistent memory (dev_pagemap)"},
    {"kernel differences", "dax_lock as in v4.18", "v4.18 does not look at pages of persistent memory (dev_pagemap)"},
};

}  // namespace

std::string_view why_never(std::string_view kind, std::string_view thing) {
    for (const Reason& r : kReasons) {
        const bool begins = r.thing.ends_with(' ') || kind == kRuleKind;
        if (r.kind == kind && (begins ? thing.starts_with(r.thing) : thing == r.thing)) return r.why;
    }
    return {};
}

}  // namespace mcemu::compare
