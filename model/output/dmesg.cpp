#include "output/dmesg.hpp"

#include <array>

#include "core/kernel/profile.hpp"
#include "output/text.hpp"

namespace mcemu::output {
namespace {

using kernel::Line;

// A format is text with fields: {N} and a letter, N the argument's number.
//   {0d} %u        {0i} %d (32 bit)      {0s} %s: the argument is a number of Names
//   {0x} %lx       {0#} %#lx             {0X} %016Lx
//   {0A} 0x%016llx {0R} %#010Lx (of resource ranges)
//   {0c} cache mode      {0t} page type  {0r} memory_failure result  {0e} CPER memory error type
//   {{ stands for one opening brace.
struct Format {
    Line line;
    const char* v4;            ///< v4.18 and v4.19
    const char* v6 = nullptr;  ///< v6.1 where it differs
    /// Set: the rule of the profile that decides between them.
    bool kernel::Profile::*newer = nullptr;
};

#define HW_ERR "mce: [Hardware Error]: "
#define MF "Memory failure: "
#define PAT "x86/PAT: "
#define GHES "{{{0d}}[Hardware Error]: "

// Source: kernel.md Appendix A, with 1.10 (records), 1.19 (GHES), 2.13, 2.14 (soft offline,
// unpoison), 3.4 (/dev/mcelog), 4.2 (PAT), 5.1 (device-dax), 5.3 (oops). Null: written by code.
// clang-format off
constexpr Format kFormats[] = {
    {Line::mce_cpu, nullptr},
    {Line::mce_rip, nullptr},
    {Line::mce_tsc, nullptr},
    {Line::mce_processor,
     HW_ERR "PROCESSOR {0d}:{1x} TIME {2d} SOCKET {3d} APIC {4x} microcode {5x}"},
    {Line::mce_run_mcelog, HW_ERR "Run the above through 'mcelog --ascii'"},
    {Line::mce_cpus_missing_sync, HW_ERR "Some CPUs didn't answer in synchronization"},
    {Line::mce_cpus_not_responding,
     "mce: CPUs not responding to MCE broadcast (may include false positives): {0s}"},
    {Line::mce_machine_check, HW_ERR "Machine check: {0s}"},
    {Line::mce_fake_panic, HW_ERR "Fake kernel panic: {0s}"},
    {Line::panic, "Kernel panic - not syncing: {0s}"},
    {Line::mce_events_logged, HW_ERR "Machine check events logged"},
    {Line::notify_suppressed, "mce_notify_irq: {0i} callbacks suppressed"},
    {Line::mce_user_access, "mce: Uncorrected hardware memory error in user-access at {0x}"},
    {Line::mce_not_recovered, "mce: Memory error not recovered"},
    {Line::mce_kernel_accessed, "mce: Kernel accessed poison in user space at {0x}"},
    {Line::mce_pool_full, "MCE records pool full!", "mce: MCE records pool full!",
     &kernel::Profile::mce_prefix_on_storm},
    {Line::cmci_storm, "CMCI storm detected: switching to poll mode",
     "mce: CMCI storm detected: switching to poll mode", &kernel::Profile::mce_prefix_on_storm},
    {Line::cmci_storm_over, "CMCI storm subsided: switching to interrupt mode",
     "mce: CMCI storm subsided: switching to interrupt mode",
     &kernel::Profile::mce_prefix_on_storm},
    {Line::lock_debugging_taint, "Disabling lock debugging due to kernel taint"},
    {Line::could_not_invalidate, "mce: Could not invalidate pfn=0x{0x} from 1:1 map",
     "Could not invalidate pfn=0x{0x} from 1:1 map"},
    {Line::mce_argument_ignored, "mce: mce argument {0s} ignored. Please use /sys"},
    {Line::int18_unexpected, "mce: CPU#{0i}: Unexpected int18 (Machine Check)"},

    {Line::mf_outside, MF "{0#}: memory outside kernel control"},
    {Line::mf_already, MF "{0#}: already hardware poisoned"},
    {Line::mf_kill, nullptr},
    {Line::mf_signal_error, MF "Error sending signal to {0s}:{1i}: {2i}"},
    {Line::mf_no_advisory,
     MF "{0#}: Cannot send advisory machine check signal to {1s}:{2i}"},
    {Line::mf_forcibly,
     MF "{0#}: forcibly killing {1s}:{2i} because of failure to unmap corrupted page"},
    {Line::mf_no_address, MF "Unable to find user space address {0x} in {1s}"},
    {Line::mf_no_memory, MF "Out of memory while machine check handling"},
    {Line::mf_still_referenced, MF "{0#}: {1t} still referenced by {2i} users"},
    {Line::mf_action, MF "{0#}: recovery action for {1t}: {2r}"},
    {Line::mf_unknown_state, MF "{0#}: Unknown page state"},
    {Line::mf_punch_failed, MF "{0#}: Failed to punch page: {1i}"},
    {Line::mf_release_failed, MF "{0#}: failed to release buffers"},
    {Line::mf_invalidate_failed, MF "{0#}: Failed to invalidate"},
    {Line::mf_non_anon_thp, MF "{0#}: non anonymous thp"},
    {Line::mf_thp_split_failed, MF "{0#}: thp split failed"},
    {Line::mf_just_unpoisoned, MF "{0#}: just unpoisoned"},
    {Line::mf_cannot_catch, MF "{0#} cannot catch tail"},
    {Line::mf_ksm, MF "{0#}: can't handle KSM pages."},
    {Line::mf_keep_swapcache, MF "{0#}: keeping poisoned page in swap cache"},
    {Line::mf_clean_dropped, MF "{0#}: corrupted page was clean: dropped without side effects"},
    {Line::mf_unmap_failed, MF "{0#}: failed to unmap page (mapcount={1i})"},
    {Line::mf_unhandlable, MF "{0#}: unhandlable page."},
    {Line::mf_no_mapping_lock, MF "{0#}: could not lock mapping for mapped huge page"},
    {Line::mf_queue_overflow, MF "buffer overflow when queuing memory failure at {0#}"},
    {Line::fault_kill,
     "MCE: Killing {0s}:{1i} due to hardware memory corruption fault at {2x}"},

    {Line::inject_madvise,
     "Injecting memory failure for pfn {0#} at process virtual address {1#}"},
    {Line::soft_offline_madvise, "Soft offlining pfn {0#} at process virtual address {1#}"},
    {Line::inject_pfn, "Injecting memory failure at pfn {0#}"},
    {Line::unpoison_disabled, "Unpoison: Disabled after HW memory failure {0#}"},
    {Line::unpoison_huge_zero, "Unpoison: huge zero page is not supported {0#}"},
    {Line::unpoison_already, "Unpoison: Page was already unpoisoned {0#}"},
    {Line::unpoison_grabbed, "Unpoison: Someone grabs the hwpoison page {0#}"},
    {Line::unpoison_mapped, "Unpoison: Someone maps the hwpoison page {0#}"},
    {Line::unpoison_mapping, "Unpoison: the hwpoison page has non-NULL mapping {0#}"},
    {Line::unpoison_running, "Unpoison: Memory failure is now running on {0#}"},
    {Line::unpoison_free, "Unpoison: Software-unpoisoned free page {0#}"},
    {Line::unpoison_grab_failed, "Unpoison: failed to grab page {0#}"},
    {Line::unpoison_done, "Unpoison: Software-unpoisoned page {0#}"},
    {Line::soft_already, "soft offline: {0#} page already poisoned",
     "soft_offline_page: {0#} page already poisoned"},
    {Line::soft_invalidated, "soft_offline: {0#}: invalidated"},
    {Line::soft_unknown_type, "soft_offline: {0#}: unknown non LRU page type {1x} ({2s})"},
    {Line::soft_migration_failed, nullptr},
    {Line::soft_isolation_failed, nullptr},
    {Line::soft_non_anon_thp, "soft offline: {0#}: non anonymous thp"},
    {Line::soft_thp_split_failed, "soft offline: {0#}: thp split failed"},
    {Line::soft_huge_already, "soft offline: {0#} hugepage already poisoned"},
    {Line::soft_free_buddy, "__get_any_page: {0#} free buddy page"},
    {Line::soft_free_huge, "__get_any_page: {0#} free huge page"},
    {Line::soft_zero_refcount, "__get_any_page: {0#}: unknown zero refcount page type {1x}"},

    {Line::pat_conflict, PAT "{0s}:{1i} conflicting memory types {2x}-{3x} {4c}<->{5c}"},
    {Line::pat_reserve_failed, PAT "reserve_memtype failed [mem {0R}-{1R}], track {2c}, req {3c}",
     PAT "memtype_reserve failed [mem {0R}-{1R}], track {2c}, req {3c}"},
    {Line::pat_reserve_ram_failed,
     PAT "reserve_ram_pages_type failed [mem {0R}-{1R}], track 0x{2x}, req 0x{3x}"},
    {Line::pat_free_invalid, PAT "{0s}:{1i} freeing invalid memtype [mem {2R}-{3R}]"},
    {Line::cpa_zero_pte, "CPA: called for zero pte. vaddr = {0x} cpa->vaddr = {1x}"},
    {Line::memtype_reserve_bad, "memtype_reserve failed: [mem {0R}-{1R}], req {2c}"},
    {Line::pat_overlap, PAT "Overlap at 0x{0x}-0x{1x}"},
    {Line::pat_reserve_added,
     PAT "reserve_memtype added [mem {0R}-{1R}], track {2c}, req {3c}, ret {4c}",
     PAT "memtype_reserve added [mem {0R}-{1R}], track {2c}, req {3c}, ret {4c}"},
    {Line::pat_free_request, PAT "free_memtype request [mem {0R}-{1R}]",
     PAT "memtype_free request [mem {0R}-{1R}]"},

    {Line::cec_soft_offline, "RAS: Soft-offlining pfn: 0x{0x}"},
    {Line::cec_invalid_pfn, "RAS: CEC: Invalid pfn: 0x{0x}"},
    {Line::ghes_source,
     GHES "Hardware error from APEI Generic Hardware Error Source: {1i}"},
    {Line::ghes_corrected,
     GHES "It has been corrected by h/w and requires no further action"},
    {Line::ghes_severity, GHES "event severity: {1s}"},
    {Line::ghes_error, GHES " Error {1i}, type: {2s}"},
    {Line::ghes_section, GHES "  section_type: memory error"},
    {Line::ghes_address, GHES "  physical_address: {1A}"},
    {Line::ghes_mask, GHES "  physical_address_mask: {1A}"},
    {Line::ghes_type, GHES "  error_type: {1i}, {1e}"},
    {Line::ghes_invalid_address,
     "[Firmware Warn]: GHES: Invalid address in generic error data: {0#}"},

    {Line::dax_private, "dax {0s}: {1s}: {2s}: fail, attempted private mapping"},
    {Line::dax_unaligned, "dax {0s}: {1s}: {2s}: fail, unaligned vma ({3#} - {4#}, {5#})"},
    {Line::dax_not_capable, "dax {0s}: {1s}: {2s}: fail, vma is not DAX capable"},
    {Line::dax_dontfork, "dax {0s}: {1s}: {2s}: fail, dax range requires MADV_DONTFORK"},
    {Line::oops_null, "BUG: unable to handle kernel NULL pointer dereference at {0X}",
     "BUG: kernel NULL pointer dereference, address: {0X}"},
    {Line::oops_paging, "BUG: unable to handle kernel paging request at {0X}",
     "BUG: unable to handle page fault for address: {0X}"},
    {Line::oops_number, nullptr},
    {Line::oops_rip, "RIP: 0010:{0s}"},
    {Line::oops_workqueue, "Workqueue: {0s}"},
    {Line::dax_pinned_warning,
     "WARNING: CPU: {0i} PID: {1i} at fs/dax.c:{2i} dax_disassociate_entry+0x4d/0x90"},
    {Line::mcelog_triggering, "Triggering MCE exception on CPU {0i}"},
    {Line::mcelog_done, "MCE exception done on CPU {0i}"},
    {Line::mcelog_poll_start, "Starting machine check poll CPU {0i}"},
    {Line::mcelog_poll_done, "Machine check poll done on CPU {0i}"},
    {Line::ghes_suppressed, "ghes_print_estatus: {0i} callbacks suppressed"},
    {Line::oops_protection, nullptr},
    {Line::mcelog_timeout, "Timeout waiting for mce inject {0s}"},
    {Line::soft_huge_not_isolated, "soft offline: {0#} hugepage failed to isolate"},
    {Line::xfs_shutdown,
     "XFS ({0s}): Corruption of on-disk metadata (0x10) detected at {1s} "
     "(fs/xfs/xfs_notify_failure.c:{2d}).  Shutting down filesystem."},
    {Line::xfs_unmount, "XFS ({0s}): Please unmount the filesystem and rectify the problem(s)"},
    {Line::badblocks_full, "{0s}: set_badblock: failed for sector {1x}"},
};
// clang-format on
static_assert(std::size(kFormats) == static_cast<std::size_t>(Line::count_));
static_assert([] {
    for (std::size_t i = 0; i < std::size(kFormats); ++i)
        if (kFormats[i].line != static_cast<Line>(i)) return false;
    return true;
}());

#undef HW_ERR
#undef MF
#undef PAT
#undef GHES

// action_page_types, kernel.md 2.3; in the order of kernel::PageType.
constexpr std::array kPageTypes = std::to_array<std::string_view>({
    "reserved kernel page", "high-order kernel page", "kernel slab page",
    "different compound page after locking", "huge page already hardware poisoned", "huge page",
    "free huge page", "non-pmd-sized huge page", "unmapping failed page", "dirty swapcache page",
    "clean swapcache page", "dirty mlocked LRU page", "clean mlocked LRU page",
    "dirty unevictable LRU page", "clean unevictable LRU page", "dirty LRU page", "clean LRU page",
    "already truncated LRU page", "free buddy page", "free buddy page (2nd try)", "dax page",
    "unsplit thp", "unknown page",
});
static_assert(kPageTypes.size() == static_cast<std::size_t>(kernel::PageType::unknown) + 1);

// action_name, kernel.md 2.2; in the order of kernel::MfResult.
constexpr std::array kResults =
    std::to_array<std::string_view>({"Ignored", "Failed", "Delayed", "Recovered"});

// Memory error types of a CPER memory section (UEFI 2.10, N.2.5; drivers/firmware/efi/cper.c).
constexpr std::array kMemoryErrorTypes = std::to_array<std::string_view>({
    "unknown", "no error", "single-bit ECC", "multi-bit ECC", "single-symbol chipkill ECC",
    "multi-symbol chipkill ECC", "master abort", "target abort", "parity error",
    "watchdog timeout", "invalid address", "mirror Broken", "memory sparing",
    "scrub corrected error", "scrub uncorrected error", "physical memory map-out event",
});

constexpr std::array kCacheModes = std::to_array<std::string_view>({
    "write-back", "write-combining", "uncached-minus", "uncached", "write-through",
    "write-protected",
});

template <class Table>
std::string_view entry(const Table& table, std::uint64_t index, std::string_view otherwise) {
    return index < table.size() ? table[index] : otherwise;
}

void append_field(std::string& out, char how, std::uint64_t value, const Names& names) {
    switch (how) {
        case 'd': append_dec(out, value); break;
        case 'i': append_signed(out, static_cast<std::int32_t>(value)); break;
        case 's': out += names[static_cast<std::uint32_t>(value)]; break;
        case 'x': append_hex(out, value); break;
        case '#':  // %#lx: zero has no prefix
            if (value != 0) out += "0x";
            append_hex(out, value);
            break;
        case 'X': append_hex(out, value, 16); break;
        case 'A':
            out += "0x";
            append_hex(out, value, 16);
            break;
        case 'R':  // %#010Lx: ten characters in all
            if (value != 0) out += "0x";
            append_hex(out, value, value != 0 ? 8 : 10);
            break;
        case 'c':
            out += value == ~std::uint64_t{0} ? "-" : cache_mode_name(value);
            break;
        case 't': out += entry(kPageTypes, value, "?"); break;
        case 'r': out += entry(kResults, value, "?"); break;
        case 'e': out += entry(kMemoryErrorTypes, value, "unknown"); break;
        default: break;
    }
}

void append_format(std::string& out, const char* format,
                   const std::array<std::uint64_t, 6>& args, const Names& names) {
    for (const char* p = format; *p;) {
        const char* begin = p;
        while (*p && *p != '{') ++p;
        out.append(begin, p);
        if (!*p) break;
        if (p[1] == '{') {
            out += '{';
            p += 2;
            continue;
        }
        append_field(out, p[2], args[static_cast<std::size_t>(p[1] - '0')], names);
        p += 4;
    }
}

constexpr std::uint64_t kKernelCs = 0x10;

/// The lines whose shape depends on their values.
void append_special(std::string& out, const kernel::LogRecord& r, const kernel::Profile& profile,
                    const Names& names) {
    const bool v6 = profile.id == ProfileId::v6_1;
    const auto& a = r.args;
    const auto format = [&](const char* f) { append_format(out, f, a, names); };
    const auto name = [&](std::uint64_t n) -> const std::string& {
        return names[static_cast<std::uint32_t>(n)];
    };
    switch (r.line) {
        case Line::mce_cpu:
            format("mce: [Hardware Error]: CPU {0i}: Machine Check");
            if (a[1]) out += " Exception";
            format(": {2x} Bank {3i}: {4X}");
            break;
        case Line::mce_rip:
            format("mce: [Hardware Error]: RIP");
            if (a[0]) out += " !INEXACT!";
            out += ' ';
            append_hex(out, a[1], 2);
            format(":<{2X}> ");
            if (a[1] != kKernelCs) break;
            // %pS: the symbol, or the bare address where no symbol covers it.
            out += '{';
            if (a[3]) {
                out += name(a[3]);
            } else {
                out += "0x";
                append_hex(out, a[2]);
            }
            out += '}';
            break;
        case Line::mce_tsc:
            format("mce: [Hardware Error]: TSC {0x} ");
            if (a[1]) format("ADDR {1x} ");
            if (a[2]) format("MISC {2x} ");
            if (a[3]) format("PPIN {3x} ");
            break;
        case Line::mf_kill:
            format("Memory failure: {0#}: ");
            out += profile.kill_verb;
            format(" {1s}:{2i} due to hardware memory corruption");
            break;
        case Line::soft_migration_failed:
            // v6.1's %pGp prints the word and the names.
            format("soft offline: {0#}: ");
            if (v6 || a[4]) out += a[4] ? "hugepage " : "page ";
            format(v6 ? "migration failed {1i}, type {2#}({3s})"
                      : "migration failed {1i}, type {2x} ({3s})");
            break;
        case Line::soft_isolation_failed:
            if (!v6)
                return format(
                    "soft offline: {0#}: isolation failed: {1i}, page count {2i}, "
                    "type {3x} ({4s})");
            format("soft offline: {0#}: ");
            out += a[5] ? "hugepage" : "page";
            format(" isolation failed, page count {2i}, type {3#}({4s})");
            break;
        case Line::oops_number:
            out += "Oops: ";
            append_hex(out, a[1], 4);
            format(v6 ? " [#{0i}] PREEMPT SMP NOPTI" : " [#{0i}] SMP");
            break;
        case Line::oops_protection:
            format(v6 ? "general protection fault: 0000 [#{0i}] PREEMPT SMP NOPTI"
                      : "general protection fault: 0000 [#{0i}] SMP");
            break;
        default: break;
    }
}

}  // namespace

void Dmesg::append_text(std::string& out, const kernel::LogRecord& record) const {
    const Format& f = kFormats[static_cast<std::size_t>(record.line)];
    const kernel::Profile& profile = kernel::profile(profile_);
    if (!f.v4) return append_special(out, record, profile, names_);
    const bool newer = f.newer ? profile.*f.newer : profile_ == ProfileId::v6_1;
    append_format(out, newer && f.v6 ? f.v6 : f.v4, record.args, names_);
}

void Dmesg::append_stamp(std::string& out, SimTime at) {
    const std::uint64_t us = to_ns(at) / 1000;
    out += '[';
    append_padded(out, us / 1000000, 5, ' ');
    out += '.';
    append_padded(out, us % 1000000, 6, '0');
    out += "] ";
}

std::string Dmesg::whole(const std::vector<kernel::LogRecord>& log) const {
    std::string out;
    out.reserve(log.size() * 96);
    for (const kernel::LogRecord& r : log) {
        append_stamp(out, r.at);
        append_text(out, r);
        out += '\n';
    }
    return out;
}

std::string_view cache_mode_name(std::uint64_t mode) { return entry(kCacheModes, mode, "broken"); }

std::string memtype_line(ProfileId profile, std::uint64_t begin, std::uint64_t end,
                         std::uint64_t mode) {
    std::string out;
    if (profile == ProfileId::v6_1) {
        out += "PAT: [mem 0x";
        append_hex(out, begin, 16);
        out += "-0x";
        append_hex(out, end, 16);
        out += "] ";
        out += cache_mode_name(mode);
        return out;
    }
    out += cache_mode_name(mode);
    out += " @ 0x";
    append_hex(out, begin);
    out += "-0x";
    append_hex(out, end);
    return out;
}

}  // namespace mcemu::output
