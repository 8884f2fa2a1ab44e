// PAT and the direct map: kernel.md 4.
#include "core/fidelity/fidelity.hpp"

namespace mcemu::fidelity {
namespace {

constexpr Rule kMemtype[] = {
    {"an interval list for everything but RAM, page flags for RAM; conflicts and their lines",
     "Linux 4.19 reserve_memtype(), rbt_memtype_check_conflict(); Linux 6.1 memtype_reserve()",
     Check::record, "4.19/mce-srar-user-devdax-2m 4.19/debugpat-srao-ext4dax-clear",
     "KernelConfig.pat KernelConfig.debugpat"},
    {"pmem with struct pages carries a write-back entry, in 4.x rounded to 128 MiB",
     "Linux 4.19 devm_memremap_pages(), track_pfn_remap(); Linux 6.1 memremap_pages()",
     Check::record, "all/mce-srao-devdax-2m all/devdax-2m-late",
     "memtype_range_by_section KernelConfig.pgmap_memtype_tracking"},
    {"the list's lines", "Linux 4.19, 6.1 memtype_seq_show()", Check::record,
     "all/mce-srao-devdax-2m", "memtype_list_v6"},
    {"both ends of a decoy are sanitized before the look-up", "Linux 4.19 sanitize_phys()",
     Check::spec,
     "scenarios/kernel/b20-decoy-reservation-v4.19.json "
     "scenarios/series/patch-09-memtype-decoy-v4.19.json",
     "sanitizes_memtype"},
    {"without that the reservation lands at a bogus address", "Linux 4.19 reserve_memtype()",
     Check::inferred, "scenarios/kernel/b21-decoy-not-sanitized-v4.19.json",
     "KernelConfig.sanitize_memtype"},
    {"a freed range that ends where an entry ends shrinks it silently",
     "Linux 4.19 rbt_memtype_erase()", Check::spec,
     "scenarios/kernel/b29-clear-last-page-v4.19.json "
     "scenarios/kernel/last-page-marked-the-second-time-v4.19.json"},
};

constexpr Rule kMarking[] = {
    {"a poisoned page becomes absent for good (4.18), UC- (4.19), absent and restorable (6.1)",
     "Linux 4.18 mce_unmap_kpfn(); Linux 4.19, 6.1 set_mce_nospec()", Check::record,
     "all/mce-srar-user-anon all/mce-srao-anon-late all/mce-srar-user-devdax-2m", "marking"},
    {"who marks: #MC and polled errors that memory_failure() handled; never an injection",
     "Linux 4.19 do_memory_failure(), srao_decode_notifier(); Linux 6.1 kill_me_maybe()",
     Check::record, "all/anon-4k-late all/inject-free-page all/mce-srao-anon-late"},
    {"marking goes through a decoy address; without one a register holds the real address",
     "Linux 4.19, 6.1 set_mce_nospec(), decoy_addr", Check::spec,
     "scenarios/series/decoy-in-place.json scenarios/series/decoy-absent.json",
     "KernelConfig.decoy"},
    {"a large entry is split; a split through a decoy is not counted in DirectMap*",
     "Linux 4.19 __split_large_page(), update_page_count()", Check::record,
     "all/mce-srar-user-anon all/mce-srao-anon-late"},
    {"a page inside the kernel image splits the image's mapping too, and that is counted",
     "Linux 4.19 cpa_process_alias(); records", Check::record, "4.x/mce-srar-user-anon",
     "KernelConfig.whole_image_units KernelConfig.image"},
    {"TLBs: flushed everywhere; 6.1 flushes all of them for a decoy only",
     "Linux 4.19 cpa_flush_range(); Linux 6.1 cpa_flush()", Check::spec, "",
     "decoy_forces_full_flush"},
    {"flushing the non-canonical decoy itself is #GP", "SDM vol. 2A CLFLUSH", Check::inferred, "",
     "KernelConfig.strict_clflush_decoy"},
    {"where the direct map begins", "Linux 4.19, 6.1 Documentation/x86/x86_64/mm", Check::record,
     "4.18/mce-then-unpoison", "page_offset_4level page_offset_5level KernelConfig.page_offset"},
};

constexpr Subject kDirectMapSubjects[] = {
    {"memory types", "kernel.md 4.1 to 4.4", kMemtype},
    {"direct map", "kernel.md 4.4 to 4.6", kMarking},
};

}  // namespace

std::span<const Subject> direct_map_subjects() { return kDirectMapSubjects; }

}  // namespace mcemu::fidelity
