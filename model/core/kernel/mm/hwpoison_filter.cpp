// hwpoison_filter(): which pages a test may lose (mm/memory-failure.c, mm/hwpoison-inject.c;
// kernel.md 2.5, 2.6, 3.2).
#include "core/kernel/mm/memory_failure_state.hpp"

namespace mcemu::kernel {
namespace {

// Bits of stable_page_flags() (include/uapi/linux/kernel-page-flags.h), as /proc/kpageflags shows
// them and corrupt-filter-flags-mask counts them.
struct Stable {
    PageFlag ours;
    unsigned bit;
};
constexpr Stable kStable[] = {
    {PG_locked, 0},       {PG_error, 1},     {PG_referenced, 2}, {PG_uptodate, 3},
    {PG_dirty, 4},        {PG_lru, 5},       {PG_slab, 7},       {PG_writeback, 8},
    {PG_buddy, 10},       {PG_anon, 12},     {PG_swapcache, 13}, {PG_swapbacked, 14},
    {PG_unevictable, 18}, {PG_hwpoison, 19}, {PG_table, 26},     {PG_reserved, 32},
    {PG_mlocked, 33},
};
constexpr unsigned kMmap = 11, kCompoundHead = 15, kCompoundTail = 16, kHuge = 17, kThp = 22;

// Devices as a machine with one SATA disk and pmem namespaces numbers them.
constexpr std::uint64_t kScsiMajor = 8, kFirstPartition = 1, kBlockExtMajor = 259;

// The cgroup of every process and of its pages: the root, inode 1.
constexpr std::uint64_t kRootCgroup = 1;

}  // namespace

bool MemoryFailure::State::filter_set(std::string_view file, std::uint64_t value) {
    if (file == "corrupt-filter-enable")
        filter.enable = value != 0;
    else if (file == "corrupt-filter-dev-major")
        filter.dev_major = static_cast<std::uint32_t>(value);
    else if (file == "corrupt-filter-dev-minor")
        filter.dev_minor = static_cast<std::uint32_t>(value);
    else if (file == "corrupt-filter-flags-mask")
        filter.flags_mask = value;
    else if (file == "corrupt-filter-flags-value")
        filter.flags_value = value;
    else if (file == "corrupt-filter-memcg")
        filter.memcg = value;
    else
        return false;
    return true;
}

std::uint64_t MemoryFailure::State::stable_page_flags(Pfn pfn) {
    const Page& p = page(pfn);
    std::uint64_t word = 0;
    for (const Stable& f : kStable)
        if (p.test(f.ours)) word |= 1ull << f.bit;
    if (!kernel.memory.is_ram(pfn)) return word;
    if (!mm().mappers(pfn).empty()) word |= 1ull << kMmap;
    if (mm().compound_shift(pfn) > kPageShift) {
        const Pfn head = mm().compound_head(pfn);
        word |= 1ull << (head == pfn ? kCompoundHead : kCompoundTail);
        word |= 1ull << (page(head).test(PG_hugetlb) ? kHuge : kThp);
    }
    return word;
}

/// hwpoison_filter_dev(): pages of files of one file system; others have no device.
bool MemoryFailure::State::filter_dev(Pfn pfn) {
    if (filter.dev_major == kAnyDevice && filter.dev_minor == kAnyDevice) return true;
    const Page& p = page(pfn);
    if (p.test(PG_slab) || p.test(PG_anon) || !p.mapping) return false;
    std::uint64_t major = 0, minor = 0;  // tmpfs, hugetlbfs and device-dax have no real device
    if (p.mapping->kind == MapKind::file || p.mapping->kind == MapKind::fsdax) {
        const int on = kernel.scenario.files[static_cast<std::size_t>(p.mapping->of)].on;
        major = on < 0 ? kScsiMajor : kBlockExtMajor;
        minor = on < 0 ? kFirstPartition : static_cast<std::uint64_t>(on);
    }
    return (filter.dev_major == kAnyDevice || filter.dev_major == major) &&
           (filter.dev_minor == kAnyDevice || filter.dev_minor == minor);
}

bool MemoryFailure::State::filter_accepts(Pfn pfn) {
    if (!filter.enable) return true;
    if (!filter_dev(pfn)) return false;
    if (filter.flags_mask != 0 &&
        (stable_page_flags(pfn) & filter.flags_mask) != filter.flags_value)
        return false;
    const Page& p = page(pfn);
    const bool charged = p.mapping != nullptr && kernel.memory.is_ram(pfn);
    return filter.memcg == 0 || (charged && filter.memcg == kRootCgroup);
}

void MemoryFailure::State::mark_filtered() {
    env.fates.mark(env.agenda.why().origin, Fate::filtered, FateReason::filter_rejected,
                   env.agenda.why().cause);
}

}  // namespace mcemu::kernel
