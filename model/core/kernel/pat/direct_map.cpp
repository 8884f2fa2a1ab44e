#include "core/kernel/pat/direct_map.hpp"

#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/pat/oops.hpp"
#include "core/kernel/pat/pgmap.hpp"

namespace mcemu::kernel {

DirectMap::DirectMap(Kernel& kernel) : kernel_(kernel) {
    const Env& env = kernel.env;
    const bool la57 = env.machine.cpus.la57;
    page_offset_ = env.config.page_offset != 0 ? env.config.page_offset
                   : la57                      ? env.profile.page_offset_5level
                                               : env.profile.page_offset_4level;
    // Records: entries of the direct map carry GLOBAL in 4.18 and 4.19, not in 6.1.
    boot_entry_.global = env.profile.marking != PoisonMarking::not_present;

    for (const DramConfig& dram : env.machine.memory) areas_.push_back({dram.range, true});
    const auto rising = [](const Area& a, const Area& b) { return a.range.begin < b.range.begin; };
    std::sort(areas_.begin(), areas_.end(), rising);
    // The boot-time map covers adjoining RAM as one range; memory added later is mapped by itself.
    std::vector<Area> merged;
    for (const Area& a : areas_) {
        if (!merged.empty() && merged.back().range.end >= a.range.begin)
            merged.back().range.end = std::max(merged.back().range.end, a.range.end);
        else merged.push_back(a);
    }
    for (const NamespaceConfig& ns : kernel.namespaces)
        if (ns.present) merged.push_back({pgmap_range(ns, env.profile), has_pages(ns)});
    std::sort(merged.begin(), merged.end(), rising);
    // Rounding to sections may make neighbours overlap: the first one has mapped the rest.
    areas_.clear();
    for (Area a : merged) {
        if (!areas_.empty()) a.range.begin = std::max(a.range.begin, areas_.back().range.end);
        if (a.range.begin < a.range.end) areas_.push_back(a);
    }
    for (const Area& a : areas_)
        if (a.pages) count(a.range);
    boot_counters_ = counters_;
}

std::vector<DirectMap::Split> DirectMap::splits() const {
    std::vector<Split> all;
    for (const auto& [units, shift] : {std::pair{&split_1g_, kPudShift}, {&split_2m_, kPmdShift}}) {
        const auto first = all.size();
        for (const std::uint64_t unit : *units) all.push_back({pfn_of(unit << shift), shift});
        std::sort(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(),
                  [](const Split& a, const Split& b) { return a.first < b.first; });
    }
    return all;
}

std::optional<std::uint64_t> DirectMap::physical(std::uint64_t va) const {
    // Size of the direct map: 64 TiB with 4 levels, 32 PiB with 5 (Documentation/x86/x86_64/mm).
    const std::uint64_t size = 1ull << (kernel_.env.machine.cpus.la57 ? 55 : 46);
    if (va < page_offset_ || va - page_offset_ >= size) return std::nullopt;
    return va - page_offset_;
}

const DirectMap::Area* DirectMap::area(std::uint64_t spa) const {
    const auto next =
        std::upper_bound(areas_.begin(), areas_.end(), spa,
                         [](std::uint64_t a, const Area& b) { return a < b.range.begin; });
    if (next == areas_.begin()) return nullptr;
    const Area& found = *std::prev(next);
    return spa < found.range.end ? &found : nullptr;
}

// The largest page that is aligned and lies wholly inside the range (init_memory_mapping()).
unsigned DirectMap::boot_shift(SpaRange range, std::uint64_t spa) {
    for (const unsigned shift : {kPudShift, kPmdShift}) {
        const std::uint64_t size = 1ull << shift;
        if (range.contains(round_down(spa, size), size)) return shift;
    }
    return kPageShift;
}

void DirectMap::count(SpaRange range) {
    const auto inside = [range](unsigned shift) {
        const std::uint64_t size = 1ull << shift;
        const std::uint64_t begin = round_up(range.begin, size), end = round_down(range.end, size);
        return begin < end ? (end - begin) >> 10 : 0;
    };
    const std::uint64_t g1 = inside(kPudShift), m2 = inside(kPmdShift), k4 = inside(kPageShift);
    counters_.g1 += g1;
    counters_.m2 += m2 - g1;
    counters_.k4 += k4 - m2;
}

/// What the area's present entries map, kB, by the size they have now.
DirectMap::Count DirectMap::sizes(const Area& a) const {
    Count c;
    for (std::uint64_t at = a.range.begin; at < a.range.end;) {
        unsigned shift = boot_shift(a.range, at);
        if (shift == kPudShift && split_1g_.count(at >> kPudShift)) shift = kPmdShift;
        if (shift == kPmdShift && split_2m_.count(at >> kPmdShift)) shift = kPageShift;
        std::uint64_t bytes = 1ull << shift;
        if (shift == kPageShift) {  // up to the end of the table, without what is not present
            const std::uint64_t end =
                std::min<std::uint64_t>(a.range.end,
                                        round_down(at, 1ull << kPmdShift) + (1ull << kPmdShift));
            bytes = end - at;
            std::uint64_t absent = 0;
            for (auto it = pages_.lower_bound(at >> kPageShift);
                 it != pages_.end() && it->first < end >> kPageShift; ++it)
                absent += !it->second.present;
            c.k4 += (bytes - absent * kPageSize) >> 10;
        }
        if (shift == kPmdShift) c.m2 += bytes >> 10;
        if (shift == kPudShift) c.g1 += bytes >> 10;
        at += bytes;
    }
    return c;
}

void DirectMap::remove(SpaRange range) {
    const auto it = std::find_if(areas_.begin(), areas_.end(), [&](const Area& a) {
        return a.range.contains(range.begin);
    });
    if (it == areas_.end()) return;
    const Area gone = *it;
    if (gone.pages) {
        const Count c = sizes(gone);
        counters_.k4 -= c.k4;
        counters_.m2 -= c.m2;
        counters_.g1 -= c.g1;
    }
    areas_.erase(it);
    const auto first = pages_.lower_bound(gone.range.begin >> kPageShift);
    const auto last = pages_.lower_bound(gone.range.end >> kPageShift);
    std::unordered_set<std::uint64_t> kept_1g, kept_2m;
    for (auto page = first; page != last;) {
        if (page->second.present) {
            page = pages_.erase(page);
            continue;
        }
        kept_1g.insert(page->first >> (kPudShift - kPageShift));
        kept_2m.insert(page->first >> (kPmdShift - kPageShift));
        ++page;
    }
    const auto forget = [&](std::unordered_set<std::uint64_t>& split,
                            const std::unordered_set<std::uint64_t>& kept, unsigned shift) {
        std::erase_if(split, [&](std::uint64_t unit) {
            return gone.range.contains(unit << shift) && !kept.contains(unit);
        });
    };
    forget(split_1g_, kept_1g, kPudShift);
    forget(split_2m_, kept_2m, kPmdShift);
    const auto before = [&](const Area& a) { return a.range.begin < gone.range.begin; };
    removed_.insert(std::partition_point(removed_.begin(), removed_.end(), before), gone);
}

void DirectMap::add(SpaRange range) {
    const auto it = std::find_if(removed_.begin(), removed_.end(), [&](const Area& a) {
        return a.range.contains(range.begin);
    });
    if (it == removed_.end()) return;
    const Area back = *it;
    removed_.erase(it);
    const auto before = [&](const Area& a) { return a.range.begin < back.range.begin; };
    areas_.insert(std::partition_point(areas_.begin(), areas_.end(), before), back);
    if (!back.pages) return;
    const Count c = sizes(back);
    counters_.k4 += c.k4;
    counters_.m2 += c.m2;
    counters_.g1 += c.g1;
}

void DirectMap::add(SpaRange range, bool pages) {
    for (const Area& a : areas_) {  // rounding to sections: a neighbour has mapped the rest
        if (a.range.overlaps(range) && a.range.begin <= range.begin)
            range.begin = std::max(range.begin, a.range.end);
        if (a.range.overlaps(range)) range.end = std::min(range.end, a.range.begin);
    }
    if (range.begin >= range.end) return;
    std::erase_if(removed_, [&](const Area& a) { return a.range.overlaps(range); });
    const auto before = [&](const Area& a) { return a.range.begin < range.begin; };
    removed_.insert(std::partition_point(removed_.begin(), removed_.end(), before),
                    Area{range, pages});
    add(range);
}

DirectMapEntry DirectMap::entry(Pfn pfn) const {
    const std::uint64_t spa = pfn.spa();
    const Area* const a = area(spa);
    if (!a) return {.shift = kPageShift, .present = false, .global = false};
    if (const auto it = pages_.find(pfn.value); it != pages_.end()) return it->second;
    DirectMapEntry e = boot_entry_;
    e.shift = boot_shift(a->range, spa);
    if (e.shift == kPudShift && split_1g_.count(spa >> kPudShift)) e.shift = kPmdShift;
    if (e.shift == kPmdShift && split_2m_.count(spa >> kPmdShift)) e.shift = kPageShift;
    return e;
}

bool DirectMap::mapped(Pfn pfn) const {
    const Area* const a = area(pfn.spa());
    return a && a->pages;
}

void DirectMap::split(Pfn pfn, unsigned shift, bool counted) {
    const std::uint64_t kilobytes = (1ull << shift) >> 10;
    if (shift == kPudShift) split_1g_.insert(pfn.spa() >> kPudShift);
    else split_2m_.insert(pfn.spa() >> kPmdShift);
    if (!counted) return;
    if (shift == kPudShift) {
        counters_.g1 -= kilobytes;
        counters_.m2 += kilobytes;
    } else {
        counters_.m2 -= kilobytes;
        counters_.k4 += kilobytes;
    }
}

// A page inside the physical range of the kernel image is mapped a second time, at the image's own
// address, and the change is repeated there. That address is a real one: its split is counted
// (kernel.md 4.5, records of 4.18 and 4.19).
void DirectMap::split_image(Pfn pfn) {
    const Env& env = kernel_.env;
    if (env.profile.marking == PoisonMarking::not_present) return;
    constexpr std::uint64_t kUnit = 1ull << kPmdShift;
    const std::uint64_t begin = round_down(pfn.spa(), kUnit);
    const auto& whole = env.config.whole_image_units;
    if (std::find(whole.begin(), whole.end(), begin) == whole.end()) return;
    if (!split_image_.insert(begin >> kPmdShift).second) return;
    counters_.m2 -= kUnit >> 10;
    counters_.k4 += kUnit >> 10;
}

Delay DirectMap::flush_tlb(Context& ctx, bool all, std::uint64_t va) {
    Env& env = kernel_.env;
    ++env.counters.tlb_flushes;
    env.trace.step(Module::kernel, TraceKind::tlb_flush, ctx.cpu, all, va);
    const std::uint32_t others = env.hw.cpu_count() - 1;
    if (others == 0) return delay(env.agenda, SimTime::zero());
    return phase(env, ctx.cpu, Lat::cpu_tlb_shootdown, others);
}

Task<int> DirectMap::change(Context& ctx, std::uint64_t va, DirectMapEntry wanted) {
    Env& env = kernel_.env;
    // The page-table walk looks at bits 47:12 (56:12) only: a decoy reaches the real entry.
    const std::uint64_t real = canonical(va);
    const bool decoy = va != real;
    const auto spa = physical(real);
    const Pfn pfn = pfn_of(spa.value_or(0));
    if (!spa || !area(*spa)) {
        if (!decoy && spa) co_return 0;  // holes of the direct map are legal
        env.log.line(ctx.cpu, Line::cpa_zero_pte, va, va);
        co_return -EFAULT;
    }

    const auto satisfied = [&wanted](const DirectMapEntry& e) {
        return e.present == wanted.present && e.mode == wanted.mode;
    };
    DirectMapEntry old = entry(pfn);
    for (; old.shift != kPageShift; old = entry(pfn)) {
        if (satisfied(old)) co_return 0;
        co_await phase(env, ctx.cpu, Lat::kernel_nospec_split);
        if (entry(pfn).shift != old.shift) continue;  // another CPU was faster
        // __split_large_page() counts only what a valid direct-map address names.
        split(pfn, old.shift, !decoy);
        const std::uint64_t first = round_down(pfn.spa(), 1ull << old.shift) >> kPageShift;
        env.trace.step(Module::kernel, TraceKind::direct_map_split, ctx.cpu, first, old.shift);
        co_await flush_tlb(ctx, true, va);
    }
    if (satisfied(old)) co_return 0;
    DirectMapEntry fresh = old;
    fresh.present = wanted.present;
    fresh.mode = wanted.mode;
    fresh.global = old.global && wanted.present;  // GLOBAL without PRESENT would mean PROTNONE
    DirectMapEntry around = boot_entry_;
    around.shift = kPageShift;
    if (fresh == around) pages_.erase(pfn.value);
    else pages_[pfn.value] = fresh;
    env.trace.step(Module::kernel, TraceKind::direct_map, ctx.cpu, pfn.value, fresh.packed(),
                   old.packed());
    split_image(pfn);

    const bool all = env.profile.marking != PoisonMarking::not_present ||
                     (decoy && env.profile.decoy_forces_full_flush);
    co_await flush_tlb(ctx, all, real);

    const bool uncached = fresh.mode != CacheMode::wb && fresh.mode != old.mode;
    if (!uncached || !fresh.present) co_return 0;
    const std::uint64_t flush_va = env.config.strict_clflush_decoy ? va : real;
    ++env.counters.cache_flushes;
    env.trace.step(Module::kernel, TraceKind::cache_flush, ctx.cpu, flush_va, kPageSize);
    if (!env.hw.clflush(ctx.cpu, flush_va, kPageSize)) {
        co_await oops_protection(kernel_, ctx, "clflush_cache_range+0x23/0x40");
        co_return kTaskDied;
    }
    co_await phase(env, ctx.cpu, Lat::cpu_clflush_page);
    co_return 0;
}

std::vector<DirectMap::Range> DirectMap::changed() const {
    std::vector<Range> out;
    const auto append = [&](std::uint64_t pfn, std::uint64_t pages, bool present, CacheMode mode) {
        if (!out.empty()) {
            Range& last = out.back();
            if (last.first.value + last.pages == pfn && last.present == present &&
                last.mode == mode) {
                last.pages += pages;
                return;
            }
        }
        out.push_back({Pfn{pfn}, pages, present, mode});
    };
    auto gone = removed_.begin();
    const auto append_gone = [&](std::uint64_t until) {
        for (; gone != removed_.end() && gone->range.begin >> kPageShift <= until; ++gone)
            append(gone->range.begin >> kPageShift, gone->range.size() >> kPageShift, false,
                   CacheMode::wb);
    };
    for (const auto& [pfn, e] : pages_) {
        append_gone(pfn);
        const bool inside = !out.empty() && pfn < out.back().first.value + out.back().pages;
        if (inside || (e.present && e.mode == CacheMode::wb)) continue;
        append(pfn, 1, e.present, e.mode);
    }
    append_gone(~std::uint64_t{0} >> kPageShift);
    return out;
}

}  // namespace mcemu::kernel
