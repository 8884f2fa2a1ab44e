#include "core/kernel/printk.hpp"

namespace mcemu::kernel {

void Printk::line(CpuId cpu, Line line, std::uint64_t a0, std::uint64_t a1, std::uint64_t a2,
                  std::uint64_t a3, std::uint64_t a4, std::uint64_t a5) {
    const std::array<std::uint64_t, 6> args{a0, a1, a2, a3, a4, a5};
    // Who sees the trace record finds the line in its place.
    const auto number = static_cast<std::uint32_t>(printed_++);
    if (limit_ == 0 || records_.size() < limit_)
        records_.push_back({agenda_.now(), agenda_.why(), trace_.count() + 1, line,
                            level_of(line, args), cpu, args});
    trace_.note(Module::kernel, TraceKind::log_line, number);
}

namespace {

std::uint64_t last_of(const std::array<std::uint64_t, 6>& args) {
    std::uint64_t last = 0;
    for (const std::uint64_t a : args)
        if (a != 0) last = a;
    return last;
}

}  // namespace

std::uint8_t level_of(Line line, const std::array<std::uint64_t, 6>& args) {
    switch (line) {
        case Line::mce_cpu: case Line::mce_rip: case Line::mce_tsc: case Line::mce_processor:
        case Line::mce_run_mcelog: case Line::mce_cpus_missing_sync:
        case Line::mce_cpus_not_responding: case Line::mce_machine_check:
        case Line::mce_fake_panic: case Line::panic:
            return 0;
        case Line::oops_null: case Line::oops_paging: case Line::xfs_shutdown: case Line::xfs_unmount:
            return 1;
        // Without a level of their own: the default, 4 (records of 4.18 and 4.19).
        case Line::oops_rip: case Line::oops_number: case Line::oops_workqueue:
        case Line::oops_protection:
        case Line::notify_suppressed: case Line::mce_pool_full: case Line::lock_debugging_taint:
        case Line::could_not_invalidate: case Line::cpa_zero_pte: case Line::memtype_reserve_bad:
        case Line::cec_invalid_pfn: case Line::ghes_invalid_address: case Line::ghes_corrected:
        case Line::ghes_suppressed: case Line::dax_pinned_warning:
            return 4;
        case Line::cmci_storm: case Line::cmci_storm_over:
            return 5;
        case Line::mce_events_logged: case Line::mce_argument_ignored: case Line::mf_signal_error:
        case Line::mf_no_address: case Line::mf_punch_failed: case Line::mf_release_failed:
        case Line::mf_invalidate_failed: case Line::mf_cannot_catch: case Line::mf_clean_dropped:
        case Line::inject_madvise: case Line::soft_offline_madvise: case Line::inject_pfn:
        case Line::unpoison_disabled: case Line::unpoison_huge_zero: case Line::unpoison_already:
        case Line::unpoison_grabbed: case Line::unpoison_mapped: case Line::unpoison_mapping:
        case Line::unpoison_running: case Line::unpoison_free: case Line::unpoison_grab_failed:
        case Line::unpoison_done: case Line::soft_already: case Line::soft_invalidated:
        case Line::soft_unknown_type: case Line::soft_migration_failed:
        case Line::soft_isolation_failed: case Line::soft_non_anon_thp:
        case Line::soft_thp_split_failed: case Line::soft_huge_already: case Line::soft_free_buddy:
        case Line::soft_free_huge: case Line::soft_huge_not_isolated: case Line::soft_zero_refcount: case Line::mf_no_mapping_lock:
        case Line::pat_conflict: case Line::pat_reserve_failed:
        case Line::pat_reserve_ram_failed: case Line::pat_free_invalid: case Line::pat_overlap:
        case Line::pat_reserve_added: case Line::pat_free_request: case Line::dax_private:
        case Line::dax_unaligned: case Line::dax_not_capable: case Line::dax_dontfork:
        case Line::mcelog_triggering: case Line::mcelog_done: case Line::mcelog_poll_start:
        case Line::mcelog_poll_done: case Line::badblocks_full:
            return 6;
        case Line::ghes_source: case Line::ghes_severity: case Line::ghes_error:
        case Line::ghes_section: case Line::ghes_address: case Line::ghes_mask:
        case Line::ghes_type:
            return last_of(args) == kGhesCorrected ? 4 : 3;
        default:
            return 3;
    }
}

bool RateLimit::allow(SimTime now, unsigned* suppressed) {
    *suppressed = 0;
    if (!started_ || now - begin_ > interval_) {
        if (started_) *suppressed = missed_;
        started_ = true;
        begin_ = now;
        printed_ = missed_ = 0;
    }
    if (printed_ < burst_) {
        ++printed_;
        return true;
    }
    ++missed_;
    return false;
}

}  // namespace mcemu::kernel
