#include "core/kernel/pat/memtype.hpp"

#include <algorithm>

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint64_t kPhysicalMask = (1ull << 52) - 1;  // __PHYSICAL_MASK without SME
constexpr SpaRange kIsaHole{0xa0000, 0x100000};
constexpr std::uint64_t kIsaEnd = 0x100000;

std::uint64_t value(CacheMode mode) { return static_cast<std::uint64_t>(mode); }

}  // namespace

Memtypes::Memtypes(Kernel& kernel) : kernel_(kernel) {
    // Memory below 1 MiB counts as non-RAM (pat_pagerange_is_ram()).
    for (const DramConfig& dram : kernel.env.machine.memory) {
        const SpaRange range{std::max(dram.range.begin, kIsaEnd), dram.range.end};
        if (range.begin < range.end) ram_.push_back(range);
    }
    std::sort(ram_.begin(), ram_.end(), [](SpaRange a, SpaRange b) { return a.begin < b.begin; });
}

// A decoy's physical address has bit 63 set: without the mask it would be tracked where no memory
// is, and its conflicts would be missed (patch 9; kernel.md 4.4).
std::uint64_t Memtypes::sanitize(std::uint64_t address) const {
    const Env& env = kernel_.env;
    const bool on = env.profile.sanitizes_memtype && env.config.sanitize_memtype;
    return on ? address & kPhysicalMask : address;
}

// The walk over System RAM stops at the end of the last RAM range it finds: a range that begins
// with RAM and ends beyond it counts as RAM, only a hole before or between makes it mixed.
Memtypes::RangeKind Memtypes::range_kind(std::uint64_t begin, std::uint64_t end) const {
    std::uint64_t at = round_down(begin, kPageSize);
    bool ram = false, hole = false;
    for (const SpaRange& range : ram_) {
        if (!range.overlaps({at, end})) continue;
        hole |= range.begin > at;
        ram = true;
        if (hole) return RangeKind::mixed;
        at = range.end;
    }
    return ram ? RangeKind::ram : RangeKind::other;
}

// pat_x_mtrr_type(): the MTRRs of the emulated machine leave everything write-back but the PCI
// hole in the last GiB below 4 GiB.
CacheMode Memtypes::effective(std::uint64_t begin, std::uint64_t end, CacheMode requested) const {
    if (requested != CacheMode::wb) return requested;
    constexpr SpaRange kPciHole{0xc0000000, 0x100000000};
    if (!kPciHole.overlaps({begin, end})) return requested;
    const SpaRange range{begin, end};
    const auto& regions = kernel_.env.machine.regions;
    const bool memory =
        std::any_of(ram_.begin(), ram_.end(),
                    [range](SpaRange r) { return r.contains(range.begin, range.size()); }) ||
        std::any_of(regions.begin(), regions.end(), [range](const RegionConfig& r) {
            return r.range.contains(range.begin, range.size());
        });
    return memory ? requested : CacheMode::uc_minus;
}

int Memtypes::reserve(Context& ctx, std::uint64_t begin, std::uint64_t end, CacheMode requested,
                      CacheMode* new_mode) {
    Env& env = kernel_.env;
    begin = sanitize(begin);
    // v4.x masks the exclusive end, v6.1 the last byte (R1).
    end = env.profile.memtype_list_v6 ? sanitize(end - 1) + 1 : sanitize(end);
    if (begin >= end) {
        // As since 4.19.13: before, the kernel stopped at a BUG() that no path of ours reaches.
        env.log.line(ctx.cpu, Line::memtype_reserve_bad, begin, end - 1, value(requested));
        return -EINVAL;
    }
    if (!env.config.pat) {
        if (new_mode) *new_mode = requested;
        return 0;
    }
    if (begin >= kIsaHole.begin && end <= kIsaHole.end) {
        if (new_mode) *new_mode = CacheMode::wb;
        return 0;
    }
    CacheMode mode = effective(begin, end, requested);
    if (new_mode) *new_mode = mode;
    switch (range_kind(begin, end)) {
        case RangeKind::ram: return reserve_ram(ctx, begin, end, requested, new_mode);
        case RangeKind::mixed: return -EINVAL;
        case RangeKind::other: break;
    }
    CacheMode tracked = mode;
    if (!check_conflict(ctx, begin, end, mode, new_mode ? &tracked : nullptr)) {
        env.log.line(ctx.cpu, Line::pat_reserve_failed, begin, end - 1, value(mode),
                     value(requested));
        return -EBUSY;
    }
    if (new_mode) *new_mode = tracked;
    insert({begin, end, tracked});
    env.trace.step(Module::kernel, TraceKind::memtype_reserved, ctx.cpu, begin, end, value(tracked));
    if (env.config.debugpat)
        env.log.line(ctx.cpu, Line::pat_reserve_added, begin, end - 1, value(tracked),
                     value(requested), new_mode ? value(tracked) : ~std::uint64_t{0});
    return 0;
}

// reserve_ram_pages_type(): RAM keeps its type in page flags, one reservation at a time (R4).
int Memtypes::reserve_ram(Context& ctx, std::uint64_t begin, std::uint64_t end,
                          CacheMode requested, CacheMode* new_mode) {
    Env& env = kernel_.env;
    if (requested == CacheMode::wp) {
        if (new_mode) *new_mode = CacheMode::uc_minus;
        return -EINVAL;
    }
    if (requested == CacheMode::uc) requested = CacheMode::uc_minus;
    for (Pfn pfn = pfn_of(begin); pfn.spa() < end; ++pfn.value) {
        const Page* page = kernel_.memory.find(pfn);
        if (!page || page->memtype == CacheMode::wb) continue;
        env.log.line(ctx.cpu, Line::pat_reserve_ram_failed, begin, end - 1, value(page->memtype),
                     value(requested));
        env.trace.note(Module::kernel, TraceKind::memtype_conflict, ctx.cpu, begin, end,
                       value(requested) | value(page->memtype) << 8);
        if (new_mode) *new_mode = page->memtype;
        return -EBUSY;
    }
    if (new_mode) *new_mode = requested;
    if (requested != CacheMode::wb)
        for (Pfn pfn = pfn_of(begin); pfn.spa() < end; ++pfn.value)
            kernel_.memory.page(pfn).memtype = requested;
    env.trace.step(Module::kernel, TraceKind::memtype_reserved, ctx.cpu, begin, end,
                   value(requested));
    return 0;
}

// memtype_rb_check_conflict(), memtype_check_conflict(): false after printing the conflict (R5,
// R6). A caller that takes any type adopts that of the first overlapping entry.
bool Memtypes::check_conflict(Context& ctx, std::uint64_t begin, std::uint64_t end,
                              CacheMode requested, CacheMode* new_mode) {
    Env& env = kernel_.env;
    CacheMode adopted = requested;
    bool first = true;
    for (const MemtypeEntry& entry : entries_) {
        if (entry.begin >= end) break;
        if (entry.end <= begin) continue;
        if (entry.mode != adopted && (!first || !new_mode)) {
            env.log.line(ctx.cpu, Line::pat_conflict, ctx.comm,
                         static_cast<std::uint64_t>(ctx.pid), begin, end, value(adopted),
                         value(entry.mode));
            env.trace.note(Module::kernel, TraceKind::memtype_conflict, ctx.cpu, begin, end,
                           value(adopted) | value(entry.mode) << 8);
            return false;
        }
        if (first && env.config.debugpat)
            env.log.line(ctx.cpu, Line::pat_overlap, entry.begin, entry.end);
        adopted = entry.mode;
        first = false;
    }
    if (new_mode) *new_mode = adopted;
    return true;
}

// The red-black tree of v4.x goes left on equal starts, the interval tree of v6.1 right.
void Memtypes::insert(MemtypeEntry entry) {
    const auto before = [](const MemtypeEntry& a, const MemtypeEntry& b) {
        return a.begin < b.begin;
    };
    const auto at = kernel_.env.profile.memtype_list_v6
                        ? std::upper_bound(entries_.begin(), entries_.end(), entry, before)
                        : std::lower_bound(entries_.begin(), entries_.end(), entry, before);
    entries_.insert(at, entry);
}

void Memtypes::reserve_at_boot(SpaRange range) {
    const Env& env = kernel_.env;
    if (!env.config.pat) return;
    const CacheMode mode = effective(range.begin, range.end, CacheMode::wb);
    insert({range.begin, range.end, mode});
    env.trace.note(Module::kernel, TraceKind::memtype_reserved, 0, range.begin, range.end,
                   value(mode));
}

int Memtypes::free(Context& ctx, std::uint64_t begin, std::uint64_t end) {
    Env& env = kernel_.env;
    if (!env.config.pat) return 0;
    begin = sanitize(begin);
    end = sanitize(end);
    if (begin >= kIsaHole.begin && end <= kIsaHole.end) return 0;
    switch (range_kind(begin, end)) {
        case RangeKind::ram:
            for (Pfn pfn = pfn_of(begin); pfn.spa() < end; ++pfn.value)
                if (kernel_.memory.find(pfn)) kernel_.memory.page(pfn).memtype = CacheMode::wb;
            env.trace.step(Module::kernel, TraceKind::memtype_freed, ctx.cpu, begin, end,
                           value(CacheMode::wb));
            return 0;
        case RangeKind::mixed: return -EINVAL;
        case RangeKind::other: break;
    }
    // rbt_memtype_erase(): an exact entry, else one that ends there, which is cut (mremap).
    auto found = std::find_if(entries_.begin(), entries_.end(), [=](const MemtypeEntry& e) {
        return e.begin == begin && e.end == end;
    });
    if (found == entries_.end())
        found = std::find_if(entries_.begin(), entries_.end(), [=](const MemtypeEntry& e) {
            return e.begin < begin && e.end == end;
        });
    if (found == entries_.end()) {
        env.log.line(ctx.cpu, Line::pat_free_invalid, ctx.comm,
                     static_cast<std::uint64_t>(ctx.pid), begin, end - 1);
        return -EINVAL;
    }
    MemtypeEntry entry = *found;
    entries_.erase(found);
    env.trace.step(Module::kernel, TraceKind::memtype_freed, ctx.cpu, begin, end, value(entry.mode));
    if (entry.begin != begin) {
        entry.end = begin;
        insert(entry);
    }
    if (env.config.debugpat) env.log.line(ctx.cpu, Line::pat_free_request, begin, end - 1);
    return 0;
}

CacheMode Memtypes::lookup(std::uint64_t spa) const {
    if (!kernel_.env.config.pat) return CacheMode::wb;
    const std::uint64_t end = spa + kPageSize;
    if (spa >= kIsaHole.begin && end <= kIsaHole.end) return CacheMode::wb;
    if (range_kind(spa, end) == RangeKind::ram) {
        const Page* page = kernel_.memory.find(pfn_of(spa));
        return page ? page->memtype : CacheMode::wb;
    }
    for (const MemtypeEntry& entry : entries_) {
        if (entry.begin >= end) break;
        if (entry.end > spa) return entry.mode;
    }
    return CacheMode::uc_minus;
}

}  // namespace mcemu::kernel
