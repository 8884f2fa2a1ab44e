#pragma once  // How the emulated kernels differ, rule by rule (kernel.md section 7).
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/config.hpp"

namespace mcemu::kernel {

/// How a poisoned page is taken out of the kernel's 1:1 map.
enum class PoisonMarking : std::uint8_t {
    unmap_for_good,  ///< v4.18 mce_unmap_kpfn(): not present, never restored
    uncacheable,     ///< v4.19 set_mce_nospec(): UC-, through a memtype reservation
    not_present,     ///< v6.1 set_mce_nospec(): not present, clear_mce_nospec() restores it
};

/// One kernel. Each member names the rule; the values are in profile.cpp with their source.
struct Profile {
    ProfileId id;
    std::string_view name;     ///< "v4.19"
    std::string_view release;  ///< "Linux 4.19"
    std::string_view what;     ///< one sentence for `mcemu profiles`
    std::uint64_t page_offset_4level, page_offset_5level;

    // machine checks (kernel.md 1)
    bool has_tolerant;
    bool task_work;                 ///< memory_failure() runs as task work, not in #MC's tail
    bool uc_notifier_handles_ucna;  ///< else only records graded AO
    bool local_panic_prints_bank;   ///< else bank 0 (E8)
    bool reports_missing_cpus;      ///< "CPUs not responding to MCE broadcast"
    bool printer_looks_at_kflags;   ///< else: at most 3 notifiers registered
    bool taint_after_rendezvous;
    bool copyin_recovers;           ///< poison in copy_from_user: -EFAULT instead of a panic
    bool prints_ppin;
    bool grades_kernel_uc_as_panic; ///< the post rule without tolerant
    unsigned record_pool_capacity;
    bool poll_checks_s_only;        ///< v4.x poll filter: skip when S (SER) or UC (no SER)
    bool mce_prefix_on_storm;       ///< "mce: " before CMCI storm and pool lines

    // memory_failure (kernel.md 2)
    bool dev_pagemap;               ///< patch 8: DAX pages have a path of their own
    bool dev_pagemap_head;          ///< device-dax acts on the compound head
    bool dax_counts_hardware_corrupted;
    bool dax_hole_is_start_plus_size;  ///< erratum of D6
    bool dax_not_mapped_is_sigkill;    ///< a collected VMA without a mapping there
    bool ao_to_all_sharers;            ///< forced-early selects every process
    bool late_policy_beats_sysctl;
    bool already_poisoned_is_error;    ///< -EHWPOISON, else 0
    bool already_poisoned_kills_accessor;  ///< 2.9
    bool unhandlable_pages;            ///< slab, reserved: "unhandlable page." + unknown: Ignored
    bool free_page_recovered;          ///< BUDDY: Recovered, else Delayed
    bool counts_every_action;          ///< num_poisoned_pages rises in action_result
    bool reference_check_everywhere;   ///< "still referenced" for every action
    bool hugetlb_needs_pmd_size;
    bool hugetlb_shared_stays_cached;
    bool hugetlb_raw_pages;         ///< each bad base page of a huge page is counted
    bool shmem_stays_cached;
    bool split_leaves_entries;      ///< splitting a THP unmaps its bad page from page tables
    bool zap_keeps_entries;         ///< truncation leaves hwpoison and swap entries behind
    bool layout_break_zaps_copies;  ///< waiting for a DAX file's pages unmaps private copies
    bool serialised;                   ///< mf_mutex
    bool unpoison_refused_after_real;

    // software injection (kernel.md 3)
    bool madvise_drops_reference;   ///< patch 5
    bool madvise_skips_poisoned;    ///< PG_hwpoison already set: silently continue
    bool madvise_keeps_count;       ///< MF_COUNT_INCREASED
    bool corrupt_pfn_takes_reference;

    // PAT and the direct map (kernel.md 4)
    PoisonMarking marking;
    bool sanitizes_memtype;         ///< patch 9
    bool decoy_forces_full_flush;
    bool memtype_list_v6;           ///< "PAT: [mem ...]" lines
    bool memtype_range_by_section;  ///< pmem WB entry rounded out to 128 MiB

    // DAX and pmem (kernel.md 5)
    bool devdax_page_mapping;       ///< patch 2
    bool devdax_page_index;         ///< patch 3
    bool fsdax_page_index;          ///< patch 4
    bool dax_lock;                  ///< patch 7
    bool clear_restores_page;       ///< patch 11
    bool clear_before_write;        ///< v6.1: clear first, on error write nothing
    bool dax_recovery_write;
    bool region_clear_off_by_one;   ///< phys + c <= last byte
    bool nfit_takes_corrected;      ///< NFIT adds a badblock for corrected errors too
    bool nfit_rounds_up_to_line;    ///< else down to 1 << MISC.LSB
    bool nfit_sets_handled;
    bool revokes_devmem;            ///< enabling pmem takes its range away from maps of /dev/mem
    std::string_view kill_verb;     ///< "Killing" or "Sending SIGBUS to"
};

const Profile& profile(ProfileId id);
std::span<const Profile> profiles();

}  // namespace mcemu::kernel
