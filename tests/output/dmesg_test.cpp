#include "output/dmesg.hpp"

#include <catch2/catch.hpp>

#include "core/kernel/mm/page.hpp"

namespace mcemu::output {
namespace {

using kernel::CacheMode;
using kernel::Line;
using kernel::MfResult;
using kernel::PageType;

/// One line of a profile, from its values. Names are interned as the kernel stub does.
struct Log {
    Names names;
    ProfileId profile = ProfileId::v4_19;

    std::string text(Line line, std::array<std::uint64_t, 6> args = {}) {
        kernel::LogRecord r{};
        r.line = line;
        r.args = args;
        return Dmesg(profile, names).text(r);
    }
    std::uint64_t name(std::string_view text) { return names.intern(text); }
};

template <class E>
std::uint64_t value(E e) {
    return static_cast<std::uint64_t>(e);
}

}  // namespace

// The texts of these cases are the worked examples B01 to B44 of the kernel specification, which
// were compared with logs of real kernels.

TEST_CASE("a fatal record prints the five lines of print_mce", "[output][dmesg]") {
    Log log;  // B34
    CHECK(log.text(Line::mce_cpu, {2, 1, 5, 7, 0xbe00000000000090}) ==
          "mce: [Hardware Error]: CPU 2: Machine Check Exception: 5 Bank 7: be00000000000090");
    CHECK(log.text(Line::mce_rip, {1, 0x33, 0x4004f6, 0}) ==
          "mce: [Hardware Error]: RIP !INEXACT! 33:<00000000004004f6> ");
    CHECK(log.text(Line::mce_tsc, {0x1000, 0x12345040, 0x86, 0}) ==
          "mce: [Hardware Error]: TSC 1000 ADDR 12345040 MISC 86 ");
    CHECK(log.text(Line::mce_processor, {0, 0x50654, 1530000000, 0, 2, 0x2000043}) ==
          "mce: [Hardware Error]: PROCESSOR 0:50654 TIME 1530000000 SOCKET 0 APIC 2 microcode "
          "2000043");
    CHECK(log.text(Line::mce_run_mcelog) ==
          "mce: [Hardware Error]: Run the above through 'mcelog --ascii'");
}

TEST_CASE("a corrected record prints no Exception and no RIP symbol", "[output][dmesg]") {
    Log log;  // B39; records of 6.1
    CHECK(log.text(Line::mce_cpu, {0, 0, 0, 9, 0x8c0000400000009f}) ==
          "mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 9: 8c0000400000009f");
    CHECK(log.text(Line::mce_tsc, {0, 0x29df040, 0x86, 0}) ==
          "mce: [Hardware Error]: TSC 0 ADDR 29df040 MISC 86 ");
    CHECK(log.text(Line::mce_tsc, {0xfd0804f94, 0, 0, 0}) ==
          "mce: [Hardware Error]: TSC fd0804f94 ");
    CHECK(log.text(Line::mce_tsc, {1, 2, 3, 0xabc}) ==
          "mce: [Hardware Error]: TSC 1 ADDR 2 MISC 3 PPIN abc ");
}

TEST_CASE("a record of kernel code names its symbol, or the bare address", "[output][dmesg]") {
    Log log;
    CHECK(log.text(Line::mce_rip,
                   {0, 0x10, 0xffffffff819f6a9a, log.name("clear_user_erms+0xa/0x20")}) ==
          "mce: [Hardware Error]: RIP 10:<ffffffff819f6a9a> {clear_user_erms+0xa/0x20}");
    CHECK(log.text(Line::mce_rip, {1, 0x10, 0x12345678, 0}) ==
          "mce: [Hardware Error]: RIP !INEXACT! 10:<0000000012345678> {0x12345678}");
}

TEST_CASE("panics print their reason", "[output][dmesg]") {
    Log log;
    CHECK(log.text(Line::mce_machine_check, {log.name("Processor context corrupt")}) ==
          "mce: [Hardware Error]: Machine check: Processor context corrupt");
    CHECK(log.text(Line::panic, {log.name("Fatal machine check")}) ==
          "Kernel panic - not syncing: Fatal machine check");
    CHECK(log.text(Line::mce_fake_panic, {log.name("Fatal machine check")}) ==
          "mce: [Hardware Error]: Fake kernel panic: Fatal machine check");
    CHECK(log.text(Line::mce_cpus_missing_sync) ==
          "mce: [Hardware Error]: Some CPUs didn't answer in synchronization");
    CHECK(log.text(Line::mce_cpus_not_responding, {log.name("2-3")}) ==
          "mce: CPUs not responding to MCE broadcast (may include false positives): 2-3");
}

TEST_CASE("the machine-check core's other lines", "[output][dmesg]") {
    Log log;
    CHECK(log.text(Line::mce_events_logged) ==
          "mce: [Hardware Error]: Machine check events logged");
    CHECK(log.text(Line::notify_suppressed, {14}) == "mce_notify_irq: 14 callbacks suppressed");
    CHECK(log.text(Line::mce_user_access, {0x20cb00240}) ==
          "mce: Uncorrected hardware memory error in user-access at 20cb00240");
    CHECK(log.text(Line::mce_not_recovered) == "mce: Memory error not recovered");
    CHECK(log.text(Line::mce_kernel_accessed, {0x12345040}) ==
          "mce: Kernel accessed poison in user space at 12345040");
    CHECK(log.text(Line::lock_debugging_taint) == "Disabling lock debugging due to kernel taint");
    CHECK(log.text(Line::mce_argument_ignored, {log.name("foo")}) ==
          "mce: mce argument foo ignored. Please use /sys");
    CHECK(log.text(Line::int18_unexpected, {3}) == "mce: CPU#3: Unexpected int18 (Machine Check)");
}

TEST_CASE("only v6.1 prefixes the pool's and the storm's lines", "[output][dmesg]") {
    Log log;
    CHECK(log.text(Line::mce_pool_full) == "MCE records pool full!");
    CHECK(log.text(Line::cmci_storm) == "CMCI storm detected: switching to poll mode");
    CHECK(log.text(Line::cmci_storm_over) == "CMCI storm subsided: switching to interrupt mode");
    log.profile = ProfileId::v6_1;
    CHECK(log.text(Line::mce_pool_full) == "mce: MCE records pool full!");
    CHECK(log.text(Line::cmci_storm) == "mce: CMCI storm detected: switching to poll mode");
    CHECK(log.text(Line::cmci_storm_over) ==
          "mce: CMCI storm subsided: switching to interrupt mode");
}

TEST_CASE("only v4.x prefixes the line about the 1:1 map", "[output][dmesg]") {
    Log log;
    CHECK(log.text(Line::could_not_invalidate, {0x20cb00}) ==
          "mce: Could not invalidate pfn=0x20cb00 from 1:1 map");
    log.profile = ProfileId::v6_1;
    CHECK(log.text(Line::could_not_invalidate, {0x20cb00}) ==
          "Could not invalidate pfn=0x20cb00 from 1:1 map");
}

TEST_CASE("the kill line has v6.1's verb in v6.1", "[output][dmesg]") {
    Log log;  // B07, B08
    const std::array<std::uint64_t, 6> args{0x20cb00, log.name("dax-pmd"), 5421};
    CHECK(log.text(Line::mf_kill, args) ==
          "Memory failure: 0x20cb00: Killing dax-pmd:5421 due to hardware memory corruption");
    log.profile = ProfileId::v4_18;
    CHECK(log.text(Line::mf_kill, args) ==
          "Memory failure: 0x20cb00: Killing dax-pmd:5421 due to hardware memory corruption");
    log.profile = ProfileId::v6_1;
    CHECK(log.text(Line::mf_kill, args) ==
          "Memory failure: 0x20cb00: Sending SIGBUS to dax-pmd:5421 due to hardware memory "
          "corruption");
}

TEST_CASE("memory_failure() names page type and result", "[output][dmesg]") {
    Log log;  // B06, B07
    CHECK(log.text(Line::mf_still_referenced, {0x20cb00, value(PageType::kernel), 1}) ==
          "Memory failure: 0x20cb00: reserved kernel page still referenced by 1 users");
    CHECK(log.text(Line::mf_action, {0x20cb00, value(PageType::kernel), value(MfResult::failed)}) ==
          "Memory failure: 0x20cb00: recovery action for reserved kernel page: Failed");
    const std::pair<PageType, const char*> types[] = {
        {PageType::kernel_high_order, "high-order kernel page"},
        {PageType::slab, "kernel slab page"},
        {PageType::different_compound, "different compound page after locking"},
        {PageType::poisoned_huge, "huge page already hardware poisoned"},
        {PageType::huge, "huge page"},
        {PageType::free_huge, "free huge page"},
        {PageType::non_pmd_huge, "non-pmd-sized huge page"},
        {PageType::unmap_failed, "unmapping failed page"},
        {PageType::dirty_swapcache, "dirty swapcache page"},
        {PageType::clean_swapcache, "clean swapcache page"},
        {PageType::dirty_mlocked_lru, "dirty mlocked LRU page"},
        {PageType::clean_mlocked_lru, "clean mlocked LRU page"},
        {PageType::dirty_unevictable_lru, "dirty unevictable LRU page"},
        {PageType::clean_unevictable_lru, "clean unevictable LRU page"},
        {PageType::dirty_lru, "dirty LRU page"},
        {PageType::clean_lru, "clean LRU page"},
        {PageType::truncated_lru, "already truncated LRU page"},
        {PageType::buddy, "free buddy page"},
        {PageType::buddy_2nd, "free buddy page (2nd try)"},
        {PageType::dax, "dax page"},
        {PageType::unsplit_thp, "unsplit thp"},
        {PageType::unknown, "unknown page"},
    };
    for (const auto& [type, text] : types)
        CHECK(log.text(Line::mf_action, {0x1, value(type), value(MfResult::recovered)}) ==
              std::string("Memory failure: 0x1: recovery action for ") + text + ": Recovered");
    CHECK(log.text(Line::mf_action, {1, value(PageType::unknown), value(MfResult::ignored)}) ==
          "Memory failure: 0x1: recovery action for unknown page: Ignored");
    CHECK(log.text(Line::mf_action, {1, value(PageType::buddy), value(MfResult::delayed)}) ==
          "Memory failure: 0x1: recovery action for free buddy page: Delayed");
}

TEST_CASE("memory_failure()'s other lines", "[output][dmesg]") {
    Log log;
    const std::uint64_t comm = log.name("b");
    CHECK(log.text(Line::mf_outside, {0}) == "Memory failure: 0: memory outside kernel control");
    CHECK(log.text(Line::mf_already, {0x12345}) ==
          "Memory failure: 0x12345: already hardware poisoned");
    CHECK(log.text(Line::mf_signal_error, {comm, 802, static_cast<std::uint64_t>(-3)}) ==
          "Memory failure: Error sending signal to b:802: -3");
    CHECK(log.text(Line::mf_no_advisory, {0x1, comm, 802}) ==
          "Memory failure: 0x1: Cannot send advisory machine check signal to b:802");
    CHECK(log.text(Line::mf_forcibly, {0x20cb00, comm, 802}) ==
          "Memory failure: 0x20cb00: forcibly killing b:802 because of failure to unmap corrupted "
          "page");
    CHECK(log.text(Line::mf_no_address, {0x20cb00, comm}) ==
          "Memory failure: Unable to find user space address 20cb00 in b");
    CHECK(log.text(Line::mf_no_memory) ==
          "Memory failure: Out of memory while machine check handling");
    CHECK(log.text(Line::mf_unknown_state, {1}) == "Memory failure: 0x1: Unknown page state");
    CHECK(log.text(Line::mf_punch_failed, {1, static_cast<std::uint64_t>(-5)}) ==
          "Memory failure: 0x1: Failed to punch page: -5");
    CHECK(log.text(Line::mf_release_failed, {1}) ==
          "Memory failure: 0x1: failed to release buffers");
    CHECK(log.text(Line::mf_invalidate_failed, {1}) == "Memory failure: 0x1: Failed to invalidate");
    CHECK(log.text(Line::mf_non_anon_thp, {1}) == "Memory failure: 0x1: non anonymous thp");
    CHECK(log.text(Line::mf_thp_split_failed, {1}) == "Memory failure: 0x1: thp split failed");
    CHECK(log.text(Line::mf_just_unpoisoned, {1}) == "Memory failure: 0x1: just unpoisoned");
    CHECK(log.text(Line::mf_cannot_catch, {1}) == "Memory failure: 0x1 cannot catch tail");
    CHECK(log.text(Line::mf_ksm, {1}) == "Memory failure: 0x1: can't handle KSM pages.");
    CHECK(log.text(Line::mf_keep_swapcache, {1}) ==
          "Memory failure: 0x1: keeping poisoned page in swap cache");
    CHECK(log.text(Line::mf_clean_dropped, {1}) ==
          "Memory failure: 0x1: corrupted page was clean: dropped without side effects");
    CHECK(log.text(Line::mf_unmap_failed, {1, 2}) ==
          "Memory failure: 0x1: failed to unmap page (mapcount=2)");
    CHECK(log.text(Line::mf_unhandlable, {1}) == "Memory failure: 0x1: unhandlable page.");
    CHECK(log.text(Line::mf_queue_overflow, {1}) ==
          "Memory failure: buffer overflow when queuing memory failure at 0x1");
    CHECK(log.text(Line::fault_kill, {log.name("heap"), 700, 0x7f0000001010}) ==
          "MCE: Killing heap:700 due to hardware memory corruption fault at 7f0000001010");
}

TEST_CASE("injection prints pfn and address", "[output][dmesg]") {
    Log log;  // B06, B42
    CHECK(log.text(Line::inject_madvise, {0x20cb00, 0x7f763dd00000}) ==
          "Injecting memory failure for pfn 0x20cb00 at process virtual address 0x7f763dd00000");
    CHECK(log.text(Line::soft_offline_madvise, {0x20cb00, 0x7f763dd00000}) ==
          "Soft offlining pfn 0x20cb00 at process virtual address 0x7f763dd00000");
    CHECK(log.text(Line::inject_pfn, {0x20cb00}) == "Injecting memory failure at pfn 0x20cb00");
}

TEST_CASE("unpoison lines have no file prefix", "[output][dmesg]") {
    Log log;
    const std::pair<Line, const char*> lines[] = {
        {Line::unpoison_disabled, "Unpoison: Disabled after HW memory failure 0x763aa"},
        {Line::unpoison_huge_zero, "Unpoison: huge zero page is not supported 0x763aa"},
        {Line::unpoison_already, "Unpoison: Page was already unpoisoned 0x763aa"},
        {Line::unpoison_grabbed, "Unpoison: Someone grabs the hwpoison page 0x763aa"},
        {Line::unpoison_mapped, "Unpoison: Someone maps the hwpoison page 0x763aa"},
        {Line::unpoison_mapping, "Unpoison: the hwpoison page has non-NULL mapping 0x763aa"},
        {Line::unpoison_running, "Unpoison: Memory failure is now running on 0x763aa"},
        {Line::unpoison_free, "Unpoison: Software-unpoisoned free page 0x763aa"},
        {Line::unpoison_grab_failed, "Unpoison: failed to grab page 0x763aa"},
        {Line::unpoison_done, "Unpoison: Software-unpoisoned page 0x763aa"},
    };
    for (const auto& [line, text] : lines) CHECK(log.text(line, {0x763aa}) == text);
}

TEST_CASE("soft-offline lines differ between v4.x and v6.1", "[output][dmesg]") {
    Log log;
    const std::uint64_t flags = log.name("referenced|reserved");
    const std::uint64_t word = 0x300000000000804;
    const auto error = static_cast<std::uint64_t>(-5);
    CHECK(
        log.text(Line::soft_unknown_type, {0x100205, word, flags}) ==
        "soft_offline: 0x100205: unknown non LRU page type 300000000000804 (referenced|reserved)");
    CHECK(log.text(Line::soft_already, {1}) == "soft offline: 0x1 page already poisoned");
    CHECK(log.text(Line::soft_invalidated, {1}) == "soft_offline: 0x1: invalidated");
    CHECK(log.text(Line::soft_non_anon_thp, {1}) == "soft offline: 0x1: non anonymous thp");
    CHECK(log.text(Line::soft_thp_split_failed, {1}) == "soft offline: 0x1: thp split failed");
    CHECK(log.text(Line::soft_migration_failed, {1, error, word, flags}) ==
          "soft offline: 0x1: migration failed -5, type 300000000000804 (referenced|reserved)");
    CHECK(log.text(Line::soft_isolation_failed, {1, error, 2, word, flags}) ==
          "soft offline: 0x1: isolation failed: -5, page count 2, type 300000000000804 "
          "(referenced|reserved)");
    log.profile = ProfileId::v6_1;
    CHECK(log.text(Line::soft_already, {1}) == "soft_offline_page: 0x1 page already poisoned");
    CHECK(log.text(Line::soft_migration_failed, {1, error, word, flags, 1}) ==
          "soft offline: 0x1: hugepage migration failed -5, type "
          "0x300000000000804(referenced|reserved)");
    CHECK(log.text(Line::soft_isolation_failed, {1, error, 2, word, flags}) ==
          "soft offline: 0x1: page isolation failed, page count 2, type "
          "0x300000000000804(referenced|reserved)");
}

TEST_CASE("PAT conflicts print exclusive and inclusive ends", "[output][dmesg]") {
    Log log;  // B10, B23, B26
    const std::uint64_t uc_minus = value(CacheMode::uc_minus), wb = value(CacheMode::wb);
    CHECK(log.text(Line::pat_conflict,
                   {log.name("kworker/0:1"), 45, 0x20cb00000, 0x20cb01000, uc_minus, wb}) ==
          "x86/PAT: kworker/0:1:45 conflicting memory types 20cb00000-20cb01000 "
          "uncached-minus<->write-back");
    const std::array<std::uint64_t, 6> failed{0x20cb00000, 0x20cb00fff, uc_minus, uc_minus};
    CHECK(log.text(Line::pat_reserve_failed, failed) ==
          "x86/PAT: reserve_memtype failed [mem 0x20cb00000-0x20cb00fff], track uncached-minus, "
          "req uncached-minus");
    CHECK(log.text(Line::pat_reserve_ram_failed, {0x12345000, 0x12345fff, 2, 2}) ==
          "x86/PAT: reserve_ram_pages_type failed [mem 0x12345000-0x12345fff], track 0x2, req 0x2");
    CHECK(log.text(Line::pat_free_invalid, {log.name("dd"), 77, 0x20cb00000, 0x20cb00fff}) ==
          "x86/PAT: dd:77 freeing invalid memtype [mem 0x20cb00000-0x20cb00fff]");
    log.profile = ProfileId::v6_1;
    CHECK(log.text(Line::pat_reserve_failed, failed) ==
          "x86/PAT: memtype_reserve failed [mem 0x20cb00000-0x20cb00fff], track uncached-minus, "
          "req uncached-minus");
}

TEST_CASE("a resource range is padded to ten characters", "[output][dmesg]") {
    Log log;  // %#010Lx
    CHECK(log.text(Line::pat_free_request, {0x1000, 0x1fff}) ==
          "x86/PAT: free_memtype request [mem 0x00001000-0x00001fff]");
    CHECK(log.text(Line::pat_free_request, {0, 0xfff}) ==
          "x86/PAT: free_memtype request [mem 0000000000-0x00000fff]");
}

TEST_CASE("debugpat lines name the function of the profile", "[output][dmesg]") {
    Log log;
    const std::array<std::uint64_t, 6> added{0x1000, 0x1fff, 2, 2, ~std::uint64_t{0}};
    CHECK(log.text(Line::pat_overlap, {0x1000, 0x2000}) == "x86/PAT: Overlap at 0x1000-0x2000");
    CHECK(log.text(Line::pat_reserve_added, added) ==
          "x86/PAT: reserve_memtype added [mem 0x00001000-0x00001fff], track uncached-minus, "
          "req uncached-minus, ret -");
    log.profile = ProfileId::v6_1;
    CHECK(log.text(Line::pat_reserve_added, {0x1000, 0x1fff, 2, 2, 0}) ==
          "x86/PAT: memtype_reserve added [mem 0x00001000-0x00001fff], track uncached-minus, "
          "req uncached-minus, ret write-back");
    CHECK(log.text(Line::pat_free_request, {0x1000, 0x1fff}) ==
          "x86/PAT: memtype_free request [mem 0x00001000-0x00001fff]");
    CHECK(log.text(Line::memtype_reserve_bad, {0x1000, 0xfff, 2}) ==
          "memtype_reserve failed: [mem 0x00001000-0x00000fff], req uncached-minus");
    CHECK(log.text(Line::cpa_zero_pte, {0x7fff88020cb00000, 0xffff88020cb00000}) ==
          "CPA: called for zero pte. vaddr = 7fff88020cb00000 cpa->vaddr = ffff88020cb00000");
}

TEST_CASE("firmware-first records print the lines of their recorded console", "[output][dmesg]") {
    Log log;  // records of 4.19: ghes-corrected-threshold-devdax
    const std::uint64_t word = log.name("corrected"), how = kernel::kGhesCorrected;
    CHECK(log.text(Line::ghes_source, {1, 0, how}) ==
          "{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 0");
    CHECK(log.text(Line::ghes_corrected, {1}) ==
          "{1}[Hardware Error]: It has been corrected by h/w and requires no further action");
    CHECK(log.text(Line::ghes_severity, {1, word, how}) ==
          "{1}[Hardware Error]: event severity: corrected");
    CHECK(log.text(Line::ghes_error, {1, 0, word, how}) ==
          "{1}[Hardware Error]:  Error 0, type: corrected");
    CHECK(log.text(Line::ghes_section, {1, how}) ==
          "{1}[Hardware Error]:   section_type: memory error");
    CHECK(log.text(Line::ghes_address, {1, 0x100205200, how}) ==
          "{1}[Hardware Error]:   physical_address: 0x0000000100205200");
    CHECK(log.text(Line::ghes_mask, {1, 0xfffffffffffff000, how}) ==
          "{1}[Hardware Error]:   physical_address_mask: 0xfffffffffffff000");
    CHECK(log.text(Line::ghes_type, {1, 2, how}) ==
          "{1}[Hardware Error]:   error_type: 2, single-bit ECC");
    CHECK(log.text(Line::ghes_type, {1, 99, how}) ==
          "{1}[Hardware Error]:   error_type: 99, unknown");
    CHECK(log.text(Line::ghes_invalid_address, {0x123456789000}) ==
          "[Firmware Warn]: GHES: Invalid address in generic error data: 0x123456789000");
    CHECK(log.text(Line::cec_soft_offline, {0x1234}) == "RAS: Soft-offlining pfn: 0x1234");
    CHECK(log.text(Line::cec_invalid_pfn, {0x1234}) == "RAS: CEC: Invalid pfn: 0x1234");
}

TEST_CASE("device-dax says why a mapping is refused", "[output][dmesg]") {
    Log log;  // records of 4.19: devdax-2m-mmap-unaligned
    const std::uint64_t device = log.name("dax1.0"), comm = log.name("victim"),
                        function = log.name("dax_mmap");
    CHECK(log.text(Line::dax_unaligned,
                   {device, comm, function, 0x7f1961f5a000, 0x7f196205a000, 0x1fffff}) ==
          "dax dax1.0: victim: dax_mmap: fail, unaligned vma (0x7f1961f5a000 - 0x7f196205a000, "
          "0x1fffff)");
    CHECK(log.text(Line::dax_private, {device, comm, function}) ==
          "dax dax1.0: victim: dax_mmap: fail, attempted private mapping");
    CHECK(log.text(Line::dax_not_capable, {device, comm, function}) ==
          "dax dax1.0: victim: dax_mmap: fail, vma is not DAX capable");
    CHECK(log.text(Line::dax_dontfork, {device, comm, function}) ==
          "dax dax1.0: victim: dax_mmap: fail, dax range requires MADV_DONTFORK");
}

TEST_CASE("an oops prints what the records of 4.18 and 4.19 show", "[output][dmesg]") {
    Log log;
    CHECK(log.text(Line::oops_null, {0}) ==
          "BUG: unable to handle kernel NULL pointer dereference at 0000000000000000");
    CHECK(log.text(Line::oops_paging, {0xffff8800763aa000}) ==
          "BUG: unable to handle kernel paging request at ffff8800763aa000");
    CHECK(log.text(Line::oops_number, {2}) == "Oops: 0000 [#2] SMP");
    CHECK(log.text(Line::oops_number, {1, 2}) == "Oops: 0002 [#1] SMP");
    CHECK(log.text(Line::oops_rip, {log.name("dax_lock_mapping_entry+0x14/0xd0")}) ==
          "RIP: 0010:dax_lock_mapping_entry+0x14/0xd0");
    CHECK(log.text(Line::oops_workqueue, {log.name("events mce_gen_pool_process")}) ==
          "Workqueue: events mce_gen_pool_process");
}

TEST_CASE("/dev/mcelog injection announces itself", "[output][dmesg]") {
    Log log;
    CHECK(log.text(Line::mcelog_triggering, {1}) == "Triggering MCE exception on CPU 1");
    CHECK(log.text(Line::mcelog_done, {1}) == "MCE exception done on CPU 1");
    CHECK(log.text(Line::mcelog_poll_start, {0}) == "Starting machine check poll CPU 0");
    CHECK(log.text(Line::mcelog_poll_done, {0}) == "Machine check poll done on CPU 0");
}

TEST_CASE("every line of every profile has a text", "[output][dmesg]") {
    Log log;
    for (const ProfileId profile : {ProfileId::v4_18, ProfileId::v4_19, ProfileId::v6_1}) {
        log.profile = profile;
        for (std::uint16_t line = 0; line < static_cast<std::uint16_t>(Line::count_); ++line) {
            INFO(line);
            CHECK_FALSE(log.text(static_cast<Line>(line)).empty());
        }
    }
}

TEST_CASE("a stamp is seconds and microseconds, rounded down", "[output][dmesg]") {
    const auto stamp = [](SimTime t) {
        std::string out;
        Dmesg::append_stamp(out, t);
        return out;
    };
    CHECK(stamp(from_ns(1'234'999)) == "[    0.001234] ");
    CHECK(stamp(SimTime::zero()) == "[    0.000000] ");
    CHECK(stamp(from_ns(12345'000'001'000)) == "[12345.000001] ");
    CHECK(stamp(from_ns(123456'000'000'000)) == "[123456.000000] ");
}

TEST_CASE("the memtype list has each profile's form", "[output][dmesg]") {
    // kernel.md 4.3, B20
    CHECK(memtype_line(ProfileId::v4_19, 0x20cb00000, 0x20cb01000, 2) ==
          "uncached-minus @ 0x20cb00000-0x20cb01000");
    CHECK(memtype_line(ProfileId::v6_1, 0x200000000, 0x240000000, 0) ==
          "PAT: [mem 0x0000000200000000-0x0000000240000000] write-back");
    CHECK(memtype_line(ProfileId::v4_18, 0, 1, 7) == "broken @ 0x0-0x1");
}

}  // namespace mcemu::output
