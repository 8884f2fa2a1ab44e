#include "core/kernel/profile.hpp"

#include <cstddef>

#include "core/kernel/profile_variant.hpp"

namespace mcemu::kernel {
namespace {

// Source of every value: kernel.md section 7 and the section named at the member. Designated
// initialisers, so that a rule and its three values are found by one search.
constexpr Profile kV418{
    .id = ProfileId::v4_18,
    .name = "v4.18",
    .release = "Linux 4.18.0",
    .what = "before the series: DAX pages end as \"reserved kernel page: Failed\"",
    .page_offset_4level = 0xffff880000000000, .page_offset_5level = 0xff10000000000000,
    .has_tolerant = true, .task_work = false, .uc_notifier_handles_ucna = false,
    .local_panic_prints_bank = false, .reports_missing_cpus = false,
    .printer_looks_at_kflags = false, .taint_after_rendezvous = false, .copyin_recovers = false,
    .prints_ppin = false, .grades_kernel_uc_as_panic = false, .record_pool_capacity = 64,
    .poll_checks_s_only = true, .mce_prefix_on_storm = false,
    .dev_pagemap = false, .dev_pagemap_head = false, .dax_counts_hardware_corrupted = true,
    .dax_hole_is_start_plus_size = false, .dax_not_mapped_is_sigkill = false,
    .ao_to_all_sharers = true, .late_policy_beats_sysctl = false,
    .already_poisoned_is_error = false, .already_poisoned_kills_accessor = false,
    .unhandlable_pages = false, .free_page_recovered = false, .counts_every_action = false,
    .reference_check_everywhere = true, .hugetlb_needs_pmd_size = true,
    .hugetlb_shared_stays_cached = false, .hugetlb_raw_pages = false, .shmem_stays_cached = false,
    .split_leaves_entries = false, .zap_keeps_entries = true, .layout_break_zaps_copies = true,
    .serialised = false, .unpoison_refused_after_real = false,
    .madvise_drops_reference = false, .madvise_skips_poisoned = true, .madvise_keeps_count = true,
    .corrupt_pfn_takes_reference = true,
    .marking = PoisonMarking::unmap_for_good, .sanitizes_memtype = false,
    .decoy_forces_full_flush = false, .memtype_list_v6 = false, .memtype_range_by_section = true,
    .devdax_page_mapping = false, .devdax_page_index = false, .fsdax_page_index = false,
    .dax_lock = false, .clear_restores_page = false, .clear_before_write = false,
    .dax_recovery_write = false, .region_clear_off_by_one = true, .nfit_takes_corrected = true,
    .nfit_rounds_up_to_line = true, .nfit_sets_handled = false,
    .revokes_devmem = false, .kill_verb = "Killing",
};

constexpr Profile make_v419() {
    Profile p = kV418;
    p.id = ProfileId::v4_19;
    p.name = "v4.19";
    p.release = "Linux 4.19";
    p.what = "the series as merged: DAX pages are recovered, poison is uncacheable, reversible";
    p.dev_pagemap = true;
    p.dax_counts_hardware_corrupted = false;
    p.dax_hole_is_start_plus_size = true;
    p.dax_not_mapped_is_sigkill = true;
    p.madvise_drops_reference = true;
    p.madvise_keeps_count = false;
    p.marking = PoisonMarking::uncacheable;
    p.sanitizes_memtype = true;
    p.devdax_page_mapping = true;
    p.devdax_page_index = true;
    p.fsdax_page_index = true;
    p.dax_lock = true;
    p.clear_restores_page = true;
    return p;
}

constexpr Profile make_v61() {
    Profile p = make_v419();
    p.id = ProfileId::v6_1;
    p.name = "v6.1";
    p.release = "Linux 6.1 (Debian 12)";
    p.what = "today's long-term kernel: not-present marking, task work, fewer signals for DAX";
    p.page_offset_4level = 0xffff888000000000;
    p.page_offset_5level = 0xff11000000000000;
    p.has_tolerant = false;
    p.task_work = true;
    p.uc_notifier_handles_ucna = true;
    p.local_panic_prints_bank = true;
    p.reports_missing_cpus = true;
    p.printer_looks_at_kflags = true;
    p.taint_after_rendezvous = true;
    p.copyin_recovers = true;
    p.prints_ppin = true;
    p.grades_kernel_uc_as_panic = true;
    p.record_pool_capacity = 32;
    p.poll_checks_s_only = false;
    p.mce_prefix_on_storm = true;
    p.dev_pagemap_head = true;
    p.dax_counts_hardware_corrupted = true;
    p.dax_hole_is_start_plus_size = false;
    p.dax_not_mapped_is_sigkill = false;
    p.ao_to_all_sharers = false;
    p.late_policy_beats_sysctl = true;
    p.already_poisoned_is_error = true;
    p.already_poisoned_kills_accessor = true;
    p.unhandlable_pages = true;
    p.free_page_recovered = true;
    p.counts_every_action = true;
    p.reference_check_everywhere = false;
    p.hugetlb_needs_pmd_size = false;
    p.hugetlb_shared_stays_cached = true;
    p.hugetlb_raw_pages = true;
    p.shmem_stays_cached = true;
    p.split_leaves_entries = true;
    p.zap_keeps_entries = false;
    p.layout_break_zaps_copies = false;
    p.serialised = true;
    p.unpoison_refused_after_real = true;
    p.madvise_drops_reference = false;
    p.madvise_skips_poisoned = false;
    p.madvise_keeps_count = true;
    p.corrupt_pfn_takes_reference = false;
    p.marking = PoisonMarking::not_present;
    p.decoy_forces_full_flush = true;
    p.memtype_list_v6 = true;
    p.memtype_range_by_section = false;
    p.clear_before_write = true;
    p.dax_recovery_write = true;
    p.region_clear_off_by_one = false;
    p.nfit_takes_corrected = false;
    p.nfit_rounds_up_to_line = false;
    p.nfit_sets_handled = true;
    p.revokes_devmem = true;
    p.kill_verb = "Sending SIGBUS to";
    return p;
}

constexpr std::array<Profile, 3> kProfiles{kV418, make_v419(), make_v61()};

const Profile* variant = nullptr;

}  // namespace

const Profile& profile(ProfileId id) {
    if (variant && variant->id == id) [[unlikely]] return *variant;
    return kProfiles[static_cast<std::size_t>(id)];
}
void use_variant(const Profile* v) { variant = v; }
std::span<const Profile> profiles() { return kProfiles; }

}  // namespace mcemu::kernel
