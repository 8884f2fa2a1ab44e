#include "compare/profile_rules.hpp"

#include <array>

namespace mcemu::compare {
namespace {

using kernel::Profile;

#define RULE(member)                                                                  \
    ProfileRule {                                                                     \
        #member, [](const Profile& a, const Profile& b) { return a.member == b.member; }, \
            [](Profile& to, const Profile& from) { to.member = from.member; }         \
    }
// The order of kernel::Profile.
constexpr std::array kRules = {
    RULE(page_offset_4level),
    RULE(page_offset_5level),
    RULE(has_tolerant),
    RULE(task_work),
    RULE(uc_notifier_handles_ucna),
    RULE(local_panic_prints_bank),
    RULE(reports_missing_cpus),
    RULE(printer_looks_at_kflags),
    RULE(taint_after_rendezvous),
    RULE(copyin_recovers),
    RULE(prints_ppin),
    RULE(grades_kernel_uc_as_panic),
    RULE(record_pool_capacity),
    RULE(poll_checks_s_only),
    RULE(mce_prefix_on_storm),
    RULE(dev_pagemap),
    RULE(dev_pagemap_head),
    RULE(dax_counts_hardware_corrupted),
    RULE(dax_hole_is_start_plus_size),
    RULE(dax_not_mapped_is_sigkill),
    RULE(ao_to_all_sharers),
    RULE(late_policy_beats_sysctl),
    RULE(already_poisoned_is_error),
    RULE(already_poisoned_kills_accessor),
    RULE(unhandlable_pages),
    RULE(free_page_recovered),
    RULE(counts_every_action),
    RULE(reference_check_everywhere),
    RULE(hugetlb_needs_pmd_size),
    RULE(hugetlb_shared_stays_cached),
    RULE(hugetlb_raw_pages),
    RULE(shmem_stays_cached),
    RULE(split_leaves_entries),
    RULE(zap_keeps_entries),
    RULE(layout_break_zaps_copies),
    RULE(serialised),
    RULE(unpoison_refused_after_real),
    RULE(madvise_drops_reference),
    RULE(madvise_skips_poisoned),
    RULE(madvise_keeps_count),
    RULE(corrupt_pfn_takes_reference),
    RULE(marking),
    RULE(sanitizes_memtype),
    RULE(decoy_forces_full_flush),
    RULE(memtype_list_v6),
    RULE(memtype_range_by_section),
    RULE(devdax_page_mapping),
    RULE(devdax_page_index),
    RULE(fsdax_page_index),
    RULE(dax_lock),
    RULE(clear_restores_page),
    RULE(clear_before_write),
    RULE(dax_recovery_write),
    RULE(region_clear_off_by_one),
    RULE(nfit_takes_corrected),
    RULE(nfit_rounds_up_to_line),
    RULE(nfit_sets_handled),
    RULE(revokes_devmem),
    RULE(kill_verb),
};
#undef RULE

}  // namespace

std::span<const ProfileRule> profile_rules() { return kRules; }

}  // namespace mcemu::compare
