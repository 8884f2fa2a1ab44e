// memory_failure() and software injection: kernel.md 2 and 3.
#include "core/fidelity/fidelity.hpp"

namespace mcemu::fidelity {
namespace {

constexpr Rule kEntry[] = {
    {"vm.memory_failure_recovery 0 is a panic", "Linux 4.18, 4.19, 6.1 memory_failure()",
     Check::record, "all/sysctl-no-recovery", "KernelConfig.memory_failure_recovery"},
    {"a page frame without struct page is outside kernel control",
     "Linux 4.18, 4.19, 6.1 memory_failure()", Check::record, "all/inject-no-memory"},
    {"an already poisoned page returns 0 (4.x) or -EHWPOISON (6.1)",
     "Linux 4.19, 6.1 memory_failure()", Check::record,
     "all/anon-hit-twice all/mce-srao-anon-twice", "already_poisoned_is_error"},
    {"who consumes an already poisoned page is signalled, 6.1 only",
     "Linux 6.1 kill_accessing_process()", Check::record, "all/mce-srar-already-poisoned",
     "already_poisoned_kills_accessor"},
    {"HardwareCorrupted: raised at the flag (4.x) or with every action (6.1)",
     "Linux 4.19 memory_failure(); Linux 6.1 action_result()", Check::record,
     "all/inject-kernel-text all/anon-4k-late all/devdax-2m-late", "counts_every_action"},
    {"6.1 handles one memory error at a time", "Linux 6.1 memory_failure(), mf_mutex", Check::spec,
     "", "serialised"},
};

constexpr Rule kDax[] = {
    {"pages of a dev_pagemap have a path of their own; 4.18 takes them for reserved kernel pages",
     "Linux 4.19 memory_failure_dev_pagemap(); Linux 4.18 memory_failure()", Check::record,
     "all/devdax-2m-late all/ext4dax-4k-late all/mce-srao-pmem-unmapped", "dev_pagemap"},
    {"4.19 does not count a DAX page in HardwareCorrupted, 4.18 and 6.1 do",
     "Linux 4.19 memory_failure_dev_pagemap(); Linux 6.1 action_result()", Check::record,
     "all/devdax-2m-late", "dax_counts_hardware_corrupted"},
    {"6.1 acts on the head of a compound device-dax page", "Linux 6.1 mf_generic_kill_procs()",
     Check::record, "6.1/devdax-2m-late 6.1/devdax-2m-early", "dev_pagemap_head"},
    {"4.19 unmaps from `start` for `start + size` bytes; 6.1 for `size`",
     "Linux 4.19 memory_failure_dev_pagemap(); Linux 6.1 unmap_and_kill()", Check::record,
     "4.19/ext4dax-4k-unmap-range 4.19/xfsdax-2m-unmap-range", "dax_hole_is_start_plus_size"},
    {"a process that covers a DAX page without mapping it: SIGKILL (4.19), left alone (6.1)",
     "Linux 4.19, 6.1 add_to_kill()", Check::record,
     "4.19/devdax-untouched-second-early-nohandler 4.19/xfsdax-untouched-second-2m",
     "dax_not_mapped_is_sigkill"},
    {"the file system that holds the device handles the failure first",
     "Linux 6.1 dax_holder_notify_failure(), xfs_dax_notify_failure()", Check::record,
     "6.1/xfsreflink-4k-late"},
    {"XFS that loses metadata shuts down: its files return -EIO and SIGBUS from then on",
     "Linux 6.1 xfs_dax_notify_ddev_failure(), xfs_do_force_shutdown(), xfs_is_shutdown()",
     Check::spec, "scenarios/kernel/xfs-shuts-down-v6.1.json"},
    {"device-private pages: Failed", "Linux 4.19, 6.1 memory_failure_dev_pagemap()", Check::spec,
     "scenarios/kernel/b19-device-private-v4.19.json "
     "scenarios/kernel/b19-device-private-v6.1.json"},
    {"the entry is locked against faults and truncation; without a mapping it cannot be",
     "Linux 4.19 dax_lock_mapping_entry(); Linux 6.1 dax_lock_page()", Check::record,
     "4.19/mce-srao-pmem-unmapped 4.19/xfsdax-poison-truncate-mapped 6.1/inject-pmem-unmapped",
     "dax_lock"},
    {"4.19.0 and 4.19.1 dereference a null mapping there", "Linux 4.19.1 dax_lock_mapping_entry()",
     Check::record, "4.19/inject-pmem-unmapped 4.19/mce-srao-pmem-unmapped",
     "KernelConfig.strict_4_19_0"},
};

constexpr Rule kPages[] = {
    {"page types and actions, first match of the page's flags",
     "Linux 4.18, 4.19, 6.1 error_states[]", Check::record,
     "all/anon-4k-late all/anon-mlocked-late all/file-clean-late all/file-dirty-late "
     "all/tmpfs-dirty-late all/anon-untouched-zero-page"},
    {"a free page: Delayed (4.x), taken off the free list and Recovered (6.1)",
     "Linux 4.19, 6.1 memory_failure()", Check::record,
     "all/mce-srao-free-page all/inject-free-page", "free_page_recovered"},
    {"slab and reserved pages: named and Failed (4.x), unhandlable and Ignored (6.1)",
     "Linux 4.19 me_kernel(); Linux 6.1 get_any_page()", Check::record,
     "all/inject-kernel-text all/mce-srao-kernel-text", "unhandlable_pages"},
    {"left-over references fail an action: any (4.x), some (6.1)",
     "Linux 4.19 page_action(); Linux 6.1 has_extra_refcount()", Check::record,
     "4.18/devdax-2m-late all/inject-kernel-text", "reference_check_everywhere"},
    {"a poisoned shared-memory page stays in its file, 6.1 only", "Linux 6.1 me_pagecache_clean()",
     Check::record, "all/tmpfs-dirty-late", "shmem_stays_cached"},
    {"a transparent huge page is split first",
     "Linux 4.19 split_huge_page(); Linux 6.1 "
     "try_to_split_thp_page()",
     Check::record, "all/thp-head-early all/thp-sub-late"},
    {"a transparent huge page that somebody holds is not split: flag and count go back (4.x), "
     "unsplit thp: Ignored (6.1)",
     "Linux 4.19 memory_failure(); Linux 6.1 try_to_split_thp_page()", Check::spec,
     "scenarios/kernel/thp-held-for-dma-v4.19.json scenarios/kernel/thp-held-for-dma-v6.1.json"},
    {"a transparent huge page of shared memory is refused (4.x), split (6.1)",
     "Linux 4.19 get_hwpoison_page(); Linux 6.1 try_to_split_thp_page()", Check::spec,
     "scenarios/kernel/thp-shared-memory-v4.19.json scenarios/kernel/thp-shared-memory-v6.1.json"},
    {"pages that KSM merged are left alone", "Linux 4.19, 6.1 hwpoison_user_mappings()",
     Check::spec, "scenarios/kernel/ksm-page-v4.19.json scenarios/kernel/ksm-page-v6.1.json"},
    {"a page that cannot be unmapped: who was collected is killed",
     "Linux 4.19, 6.1 hwpoison_user_mappings(), kill_procs()", Check::spec,
     "scenarios/kernel/unmapping-fails-v4.19.json scenarios/kernel/unmapping-fails-v6.1.json",
     "KernelConfig.page_failures"},
    {"a file page that its file system keeps, or whose buffers stay, fails",
     "Linux 4.18, 4.19, 6.1 truncate_error_page(), page_action(), has_extra_refcount()",
     Check::spec,
     "scenarios/kernel/page-failures-v4.18.json scenarios/kernel/page-failures-v4.19.json "
     "scenarios/kernel/page-failures-v6.1.json"},
    {"a page that somebody else has isolated is still referenced (6.1: unless anonymous)",
     "Linux 4.18, 4.19, 6.1 delete_from_lru_cache(), page_action(), has_extra_refcount()",
     Check::spec,
     "scenarios/kernel/page-failures-v4.18.json scenarios/kernel/page-failures-v4.19.json "
     "scenarios/kernel/page-failures-v6.1.json"},
    {"a huge page that is split while a reference is taken: given up (4.x), tried again (6.1)",
     "Linux 4.19 get_hwpoison_page(); Linux 6.1 get_any_page()", Check::spec,
     "scenarios/kernel/page-failures-v4.18.json scenarios/kernel/page-failures-v4.19.json "
     "scenarios/kernel/page-failures-v6.1.json"},
    {"a held huge page is not dissolved: Recovered all the same (4.x), Failed (6.1); its holders "
     "but one are counted",
     "Linux 4.19, 6.1 me_huge_page(), dissolve_free_huge_page()", Check::spec,
     "scenarios/kernel/hugetlb-held-for-dma-v4.19.json "
     "scenarios/kernel/hugetlb-held-for-dma-v6.1.json"},
    {"a huge page is dissolved and only its bad base page stays out of use",
     "Linux 4.19 memory_failure_hugetlb(), me_huge_page(); Linux 6.1 try_memory_failure_hugetlb()",
     Check::record, "all/hugetlb-2m-late", "hugetlb_needs_pmd_size"},
    {"a shared huge page: truncated (4.x), kept in its file (6.1)",
     "Linux 4.19, 6.1 me_huge_page()", Check::spec,
     "scenarios/kernel/hugetlb-shared-second-error-v4.19.json "
     "scenarios/kernel/hugetlb-shared-second-error-v6.1.json",
     "hugetlb_shared_stays_cached"},
    {"each bad base page of a huge page is remembered and counted (6.1); 4.x knows the head only, "
     "and says nothing of a bad tail of a free huge page",
     "Linux 4.19 memory_failure_hugetlb(); Linux 6.1 hugetlb_update_hwpoison(), "
     "hugetlb_clear_page_hwpoison()",
     Check::spec,
     "scenarios/kernel/hugetlb-shared-second-error-v6.1.json "
     "scenarios/kernel/hugetlb-free-tail-v4.19.json",
     "hugetlb_raw_pages"},
    {"a huge page of 1 GiB is freed page by page, its bad page never is: Failed, 6.1",
     "Linux 6.1 __page_handle_poison(), free_gigantic_page(), free_pages_prepare()", Check::spec,
     "scenarios/kernel/hugetlb-1g-v6.1.json"},
    {"splitting a huge page (6.1): shared memory is unmapped and left to faults; of a huge page "
     "mapped page by page the bad one does not come back, and nobody is told",
     "Linux 6.1 unmap_folio(), try_to_migrate_one()", Check::spec,
     "scenarios/kernel/thp-shared-memory-v6.1.json scenarios/kernel/thp-mapped-by-pages-v6.1.json",
     "split_leaves_entries"},
    {"truncation leaves hwpoison entries in page tables (4.x) or removes them (6.1); a punched "
     "hole never does",
     "Linux 4.19, 6.1 zap_pte_range(), unmap_mapping_range()", Check::spec,
     "scenarios/kernel/truncate-after-loss-v4.19.json "
     "scenarios/kernel/truncate-after-loss-v6.1.json",
     "zap_keeps_entries"},
    {"waiting for the pages of a DAX file removes private copies as well, 4.x only",
     "Linux 4.19 dax_layout_busy_page(); Linux 6.1 dax_layout_busy_page_range()", Check::spec,
     "scenarios/kernel/punch-hole-private-copy-v4.19.json "
     "scenarios/kernel/punch-hole-private-copy-v6.1.json",
     "layout_break_zaps_copies"},
    {"-EIO of fsync() after a dirty page was lost: once for each open file",
     "Linux 4.18, 4.19, 6.1 mapping_set_error(), file_check_and_advance_wb_err()", Check::spec,
     "scenarios/kernel/fsync-tells-each-open-file-v4.19.json "
     "scenarios/kernel/fsync-tells-each-open-file-v6.1.json"},
    {"unmapping leaves hwpoison entries; a later touch is AR",
     "Linux 4.19, 6.1 "
     "hwpoison_user_mappings(), try_to_unmap(), do_swap_page()",
     Check::record, "all/anon-4k-late all/anon-kernel-access-after"},
    {"copy on write and fork: every sharer loses the page, hwpoison entries are copied",
     "Linux 4.19, 6.1 try_to_unmap(), copy_page_range()", Check::record,
     "all/anon-cow-3procs-mixed all/mce-srao-3procs-mixed"},
};

constexpr Rule kKilling[] = {
    {"whom the failure collects: all sharers (4.x) or by policy (6.1)",
     "Linux 4.19, 6.1 task_early_kill(), collect_procs()", Check::record,
     "all/devdax-2m-own-mappings all/mce-srao-3procs-mixed all/ext4dax-mixed-sizes",
     "ao_to_all_sharers KernelConfig.memory_failure_early_kill"},
    {"a process that asked for late kill: overruled by the sysctl (4.x), honoured (6.1)",
     "Linux 4.19, 6.1 find_early_kill_thread()", Check::record,
     "all/sysctl-early-kill-late-process", "late_policy_beats_sysctl"},
    {"si_addr_lsb is the size of each process's own mapping",
     "Linux 4.19, 6.1 "
     "dev_pagemap_mapping_shift(), add_to_kill()",
     Check::record, "all/ext4dax-mixed-sizes all/ext4dax-2m-late all/xfsdax-2m-late"},
    {"what the kill line says", "Linux 4.19, 6.1 kill_proc()", Check::record, "all/anon-4k-early",
     "kill_verb"},
    {"a standard signal pending is not queued twice; forced delivery resets SIG_IGN",
     "Linux 4.19 legacy_queue(), force_sig_info()", Check::record, "all/anon-range-3"},
    {"AO waits while its receiver blocks SIGBUS; AR unblocks it and kills",
     "Linux 4.19 sig_ignored(), force_sig_info(); Linux 6.1 force_sig_info_to_task()", Check::spec,
     "scenarios/kernel/sigbus-blocked-v4.19.json scenarios/kernel/sigbus-blocked-v6.1.json"},
    {"the thread that asked for early kill is told (4.x: the first, else the main thread; 6.1: by "
     "each thread's policy, or current)",
     "Linux 4.19, 6.1 task_early_kill(), find_early_kill_thread()", Check::spec,
     "scenarios/kernel/thread-asked-for-early-kill-v4.19.json "
     "scenarios/kernel/thread-asked-for-early-kill-v6.1.json"},
    {"without memory for the list of victims: the first is told (4.x), nobody (6.1)",
     "Linux 4.18, 4.19 collect_procs(), add_to_kill(); Linux 6.1 add_to_kill()", Check::spec,
     "scenarios/kernel/page-failures-v4.18.json scenarios/kernel/page-failures-v4.19.json "
     "scenarios/kernel/page-failures-v6.1.json"},
    {"a process that ends between collection and signal is named, and cannot be signalled",
     "Linux 4.19, 6.1 kill_proc(), kill_procs()", Check::inferred, ""},
};

constexpr Rule kOffline[] = {
    {"soft offline moves a page's contents and tells nobody",
     "Linux 4.19, 6.1 "
     "soft_offline_page()",
     Check::record, "all/soft-anon all/soft-file-clean all/soft-hugetlb"},
    {"a page that a device holds is not migrated: -EIO (4.x), -EBUSY (6.1)",
     "Linux 4.19 __soft_offline_page(); Linux 6.1 soft_offline_in_use_page()", Check::spec,
     "scenarios/kernel/soft-offline-held-for-dma-v4.19.json "
     "scenarios/kernel/soft-offline-held-for-dma-v6.1.json"},
    {"a page that somebody else has isolated is not moved: -EBUSY",
     "Linux 4.19 __soft_offline_page(), soft_offline_huge_page(); Linux 6.1 "
     "soft_offline_in_use_page()",
     Check::spec,
     "scenarios/kernel/page-failures-v4.18.json scenarios/kernel/page-failures-v4.19.json "
     "scenarios/kernel/page-failures-v6.1.json"},
    {"page->flags as printed: node, zone and what the model keeps; new anonymous memory is active "
     "(4.x)",
     "Linux 4.19, 6.1 include/linux/page-flags.h, lib/vsprintf.c; Linux 4.19 "
     "lru_cache_add_active_or_unevictable()",
     Check::inferred, ""},
    {"soft offline of a DAX page: -EIO", "Linux 4.18, 4.19, 6.1 soft_offline_page()", Check::record,
     "all/soft-devdax"},
    {"unpoison refuses, or gives the page back", "Linux 4.18, 4.19, 6.1 unpoison_memory()",
     Check::record, "all/inject-free-unpoison 4.x/unpoison-ext4dax"},
    {"a huge page not split yet is not unpoisoned (4.x), the huge zero page never (6.1)",
     "Linux 4.18, 4.19, 6.1 unpoison_memory()", Check::spec,
     "scenarios/kernel/page-failures-v4.18.json scenarios/kernel/page-failures-v4.19.json "
     "scenarios/kernel/page-failures-v6.1.json"},
    {"6.1 refuses to unpoison after a real error", "Linux 6.1 unpoison_memory()", Check::record,
     "6.1/mce-then-unpoison", "unpoison_refused_after_real"},
};

constexpr Rule kInjection[] = {
    {"MADV_HWPOISON keeps (4.18), drops (4.19) or hands over (6.1) its page reference",
     "Linux 4.18, 4.19, 6.1 madvise_inject_error()", Check::record,
     "all/devdax-2m-late all/anon-4k-late", "madvise_drops_reference madvise_keeps_count"},
    {"MADV_HWPOISON skips pages already poisoned, 4.x only", "Linux 4.19 madvise_inject_error()",
     Check::record, "all/anon-hit-twice", "madvise_skips_poisoned"},
    {"corrupt-pfn takes a reference (4.x) or none (6.1)", "Linux 4.19, 6.1 hwpoison_inject()",
     Check::record, "all/inject-anon-late all/inject-pmem-unmapped", "corrupt_pfn_takes_reference"},
    {"the filter of injections rejects by device, page flags and cgroup",
     "Linux 4.19, 6.1 hwpoison_filter(), hwpoison_inject()", Check::spec,
     "scenarios/kernel/hwpoison-filter-v4.19.json scenarios/kernel/hwpoison-filter-v6.1.json"},
    {"truncation and namespace teardown wait for pages that a device holds",
     "Linux 4.18, 4.19, 6.1 dax_layout_busy_page(), memunmap_pages()", Check::spec,
     "scenarios/kernel/truncate-waits-for-dma-v4.19.json"},
    {"a leaked reference makes truncation wait for ever",
     "Linux 4.18, 4.19 "
     "ext4_break_layouts(), xfs_break_layouts()",
     Check::record,
     "4.x/xfsdax-poison-truncate-mapped 4.x/inject-xfsdax-truncate-mapped "
     "4.x/ext4dax-poison-then-truncate"},
};

constexpr Subject kMemoryFailureSubjects[] = {
    {"memory_failure(): entry", "kernel.md 2.1 to 2.4, 2.9", kEntry},
    {"memory_failure() of DAX pages", "kernel.md 2.5, 5.3", kDax},
    {"memory_failure() of ordinary pages", "kernel.md 2.6 to 2.8, 2.12", kPages},
    {"who is told", "kernel.md 2.10, 2.11", kKilling},
    {"soft offline and unpoison", "kernel.md 2.13, 2.14", kOffline},
    {"software injection", "kernel.md 3", kInjection},
};

}  // namespace

std::span<const Subject> memory_failure_subjects() { return kMemoryFailureSubjects; }

}  // namespace mcemu::fidelity
