#pragma once  // The kernel log as records: which line, with which values. Text: output/dmesg.
#include <array>
#include <cstdint>
#include <vector>

#include "core/trace.hpp"
#include "core/units.hpp"

namespace mcemu::kernel {

/// The lines the stub can print (kernel.md Appendix A; ids A01.. there). Values in args in the
/// order of the format; names are numbers of Names. "..." marks text that output/dmesg knows.
enum class Line : std::uint16_t {
    // 1.10 print_mce
    mce_cpu,            ///< A01: extcpu, has_mcip, mcgstatus, bank, status
    mce_rip,            ///< A02: inexact, cs, ip, [name: symbol text or 0]
    mce_tsc,            ///< A03: tsc, addr, misc, ppin (0: left out)
    mce_processor,      ///< A04: vendor, cpuid, time, socket, apic, microcode
    mce_run_mcelog,     ///< A05
    mce_cpus_missing_sync,  ///< A06
    mce_cpus_not_responding,///< A07: name of the CPU list text
    mce_machine_check,  ///< A08: name of the severity message
    mce_fake_panic,     ///< A09: name
    panic,              ///< A10-A12: name of the whole reason text
    mce_events_logged,  ///< A13
    notify_suppressed,  ///< A14: count
    mce_user_access,    ///< A15: addr
    mce_not_recovered,  ///< A16
    mce_kernel_accessed,///< A17: addr
    mce_pool_full,      ///< A20
    cmci_storm,         ///< A21
    cmci_storm_over,    ///< A22
    lock_debugging_taint,   ///< A23
    could_not_invalidate,   ///< A24: pfn
    mce_argument_ignored,   ///< A25: name
    int18_unexpected,   ///< A18: cpu
    // 2 memory_failure
    mf_outside,         ///< A30: pfn
    mf_already,         ///< A31: pfn
    mf_kill,            ///< A32/A33: pfn, comm, pid
    mf_signal_error,    ///< A34: comm, pid, error
    mf_no_advisory,     ///< A35: pfn, comm, pid
    mf_forcibly,        ///< A36: pfn, comm, pid
    mf_no_address,      ///< A37: pfn, comm
    mf_no_memory,       ///< A38
    mf_still_referenced,///< A39: pfn, PageType, count
    mf_action,          ///< A40: pfn, PageType, MfResult
    mf_unknown_state,   ///< A41: pfn
    mf_punch_failed,    ///< A42: pfn, error
    mf_release_failed,  ///< A43: pfn
    mf_invalidate_failed,   ///< A44: pfn
    mf_non_anon_thp,    ///< A45: pfn
    mf_thp_split_failed,///< A46: pfn
    mf_just_unpoisoned, ///< A47: pfn
    mf_cannot_catch,    ///< A48: pfn
    mf_ksm,             ///< A49: pfn
    mf_keep_swapcache,  ///< A50: pfn
    mf_clean_dropped,   ///< A51: pfn
    mf_unmap_failed,    ///< A52: pfn, mapcount
    mf_unhandlable,     ///< A53: pfn
    mf_no_mapping_lock, ///< A54: pfn
    mf_queue_overflow,  ///< A55: pfn
    fault_kill,         ///< A56: comm, pid, address
    // 3 injection
    inject_madvise,     ///< A60: pfn, va
    soft_offline_madvise,   ///< A61: pfn, va
    inject_pfn,         ///< A62: pfn
    unpoison_disabled, unpoison_huge_zero, unpoison_already, unpoison_grabbed, unpoison_mapped,
    unpoison_mapping, unpoison_running, unpoison_free, unpoison_grab_failed,
    unpoison_done,      ///< A63: pfn
    soft_already,       ///< A64: pfn
    soft_invalidated,   ///< A64: pfn
    soft_unknown_type,  ///< A64: pfn, page flags word, name of the flags text
    soft_migration_failed,  ///< A64: pfn, error, page flags word, name, 1: huge page
    soft_isolation_failed,  ///< A64: pfn, error, count, page flags word, name, 1: huge page
    soft_non_anon_thp, soft_thp_split_failed,   ///< A64: pfn
    soft_huge_already, soft_free_buddy, soft_free_huge,  ///< v4.x __get_any_page(): pfn
    soft_zero_refcount,     ///< v4.x __get_any_page(): pfn, page flags word
    // 4 PAT
    pat_conflict,       ///< A70: comm, pid, start, end, requested type, found type
    pat_reserve_failed, ///< A71: start, last byte, track type, requested type
    pat_reserve_ram_failed, ///< A72: start, last byte, track value, request value
    pat_free_invalid,   ///< A73: comm, pid, start, last byte
    cpa_zero_pte,       ///< A74: vaddr, cpa vaddr
    memtype_reserve_bad,///< A75: start, last byte, type
    pat_overlap,        ///< debugpat: start, end
    pat_reserve_added,  ///< debugpat: start, last byte, track, req, ret (or ~0 for "-")
    pat_free_request,   ///< debugpat: start, last byte
    // RAS, GHES
    cec_soft_offline,   ///< A80: pfn
    cec_invalid_pfn,    ///< A81: pfn
    ghes_source,        ///< A82: sequence, source, kGhes...
    ghes_corrected,     ///< A82: sequence
    ghes_severity,      ///< A82: sequence, name of the severity word, kGhes...
    ghes_error,         ///< A82: sequence, index, name of the severity word, kGhes...
    ghes_section,       ///< A82: sequence, kGhes...
    ghes_address, ghes_mask,    ///< A82: sequence, value, kGhes...
    ghes_type,          ///< A82: sequence, type, kGhes...
    ghes_invalid_address,   ///< address
    // DAX, oops, others
    dax_private, dax_unaligned, dax_not_capable, dax_dontfork,  ///< A83: device, comm, function, [start, end, mask]
    oops_null,          ///< 5.3: address
    oops_paging,        ///< "BUG: unable to handle kernel paging request at": kaddr
    oops_number,        ///< count, error code (2: a write) ("Oops: 0002 [#n] SMP")
    oops_rip,           ///< name of the symbol text
    oops_workqueue,     ///< name
    dax_pinned_warning, ///< 3.1: cpu, pid, line of fs/dax.c
    mcelog_triggering, mcelog_done, mcelog_poll_start, mcelog_poll_done,  ///< 3.4: cpu
    ghes_suppressed,    ///< count ("ghes_print_estatus: %d callbacks suppressed")
    oops_protection,    ///< count ("general protection fault: 0000 [#n] SMP")
    mcelog_timeout,     ///< name of the CPU mask (mce-inject.c raise_mce())
    soft_huge_not_isolated,     ///< v4.x soft_offline_huge_page(): pfn
    xfs_shutdown,       ///< device, name of the symbol text, line of fs/xfs/xfs_notify_failure.c
    xfs_unmount,        ///< device ("XFS (pmem0): Please unmount the filesystem ...")
    badblocks_full,     ///< name of driver and device, sector (drivers/nvdimm/badrange.c set_badblock())
    count_
};

/// Last value of every GHES line of a corrected event (they print as warnings, others as errors).
inline constexpr std::uint64_t kGhesCorrected = 1;
inline constexpr std::uint64_t kGhesNotCorrected = 2;

enum class PageType : std::uint8_t {
    kernel, kernel_high_order, slab, different_compound, poisoned_huge, huge, free_huge,
    non_pmd_huge, unmap_failed, dirty_swapcache, clean_swapcache, dirty_mlocked_lru,
    clean_mlocked_lru, dirty_unevictable_lru, clean_unevictable_lru, dirty_lru, clean_lru,
    truncated_lru, buddy, buddy_2nd, dax, unsplit_thp, unknown,
};
enum class MfResult : std::uint8_t { ignored, failed, delayed, recovered };

struct LogRecord {
    SimTime at;
    Causality why;
    std::uint32_t trace_id;
    Line line;
    std::uint8_t level;
    CpuId cpu;
    std::array<std::uint64_t, 6> args;
};

/// The ring behind dmesg, unbounded here: nothing is lost.
class Printk {
public:
    Printk(Agenda& agenda, Trace& trace, Names& names)
        : agenda_(agenda), trace_(trace), names_(names) {}

    /// Prints a line with its catalogue level.
    void line(CpuId cpu, Line line, std::uint64_t a0 = 0, std::uint64_t a1 = 0,
              std::uint64_t a2 = 0, std::uint64_t a3 = 0, std::uint64_t a4 = 0,
              std::uint64_t a5 = 0);
    std::uint32_t name(std::string_view text) { return names_.intern(text); }

    const std::vector<LogRecord>& records() const { return records_; }
    /// Keep no more than the last `limit` records (storms without a log); 0: keep all.
    void limit(std::size_t limit) { limit_ = limit; }
    std::uint64_t printed() const { return printed_; }

private:
    Agenda& agenda_;
    Trace& trace_;
    Names& names_;
    std::vector<LogRecord> records_;
    std::size_t limit_ = 0;
    std::uint64_t printed_ = 0;
};

/// Log level of a line (kernel.md Appendix A); GHES lines pass kGhes... in their last value.
std::uint8_t level_of(Line line, const std::array<std::uint64_t, 6>& args);

/// The printk rate limiter: `burst` lines per `interval`, then silence and a count.
class RateLimit {
public:
    RateLimit(SimTime interval, unsigned burst) : interval_(interval), burst_(burst) {}
    /// True when a line may be printed now. `*suppressed` becomes the number of lines swallowed
    /// in the window that just closed (0 when none): the caller prints the summary first.
    bool allow(SimTime now, unsigned* suppressed);

private:
    SimTime interval_;
    unsigned burst_;
    SimTime begin_{};
    unsigned printed_ = 0, missed_ = 0;
    bool started_ = false;
};

}  // namespace mcemu::kernel
