#include "core/kernel/invariants.hpp"

#include <algorithm>
#include <unordered_map>

#include "core/kernel/hex.hpp"
#include "core/kernel/mm/mm.hpp"
#include "core/mca/outcomes.hpp"

namespace mcemu::kernel {
namespace {

/// Calls f(pfn, page) for every known page of the run, until f returns a complaint.
template <class F>
std::string first_of_run(const Memory& memory, std::uint64_t first, std::uint64_t pages, F&& f) {
    if (pages <= memory.known_count()) {
        for (std::uint64_t pfn = first; pfn < first + pages; ++pfn)
            if (const Page* page = memory.find(Pfn{pfn}))
                if (std::string wrong = f(pfn, *page); !wrong.empty()) return wrong;
        return "";
    }
    for (const Pfn pfn : memory.known())
        if (pfn.value >= first && pfn.value < first + pages)
            if (std::string wrong = f(pfn.value, *memory.find(pfn)); !wrong.empty()) return wrong;
    return "";
}

}  // namespace

std::string Invariants::check() {
    for (const std::string& wrong : {spaces(), trees(), uses(), direct_map(), poisoned(), reads()})
        if (!wrong.empty()) return wrong;
    return "";
}

// ---------------------------------------------------------------- page tables and reverse map

std::string Invariants::spaces() const {
    std::string wrong;
    for (std::uint32_t i = 0; i < kernel_.processes.size() && wrong.empty(); ++i) {
        const Process& process = kernel_.processes[i];
        if (process.leader != &process) continue;  // its mm has been looked at
        process.mm->table.for_each([&](const auto& run) {
            for (std::uint64_t at = run.begin; at < run.end && wrong.empty();) {
                const Vma* vma = process.mm->find(at);
                if (!vma) {
                    wrong = process.id + " maps " + hex(at) + " outside of its VMAs";
                    return;
                }
                const std::uint64_t end = std::min(run.end, vma->end);
                if (run.value.kind == Pte::Kind::present)
                    wrong = piece(process, *vma, at, end, run.at(at));
                at = end;
            }
        });
    }
    return wrong;
}

/// Part of a page-table run inside one VMA.
std::string Invariants::piece(const Process& process, const Vma& vma, std::uint64_t va,
                              std::uint64_t end, const Pte& pte) const {
    if (vma.kind == MapKind::devmem) return "";  // whatever lies there: no page structs are involved
    const Memory& memory = kernel_.memory;
    const std::uint64_t pages = (end - va) >> kPageShift;
    const auto where = [&](std::uint64_t pfn) {
        return "page " + hex(pfn) + ", mapped by " + process.id + " at " +
               hex(va + ((pfn - pte.pfn) << kPageShift)) + ", ";
    };
    if (pte.pfn == memory.zero_page().value && pages == 1)
        return pte.writable ? where(pte.pfn) + "is the zero page and writable" : "";
    std::string wrong;
    std::uint64_t covered = 0;
    memory.for_each_use(pte.pfn, pte.pfn + pages, [&](const auto& use) {
        covered += use.end - use.begin;
        if (!wrong.empty()) return;
        const Mapping* mapping = use.value.mapping;
        if (!mapping || (mapping != vma.file && mapping != vma.anon)) {
            wrong = where(use.begin) + "belongs to something else";
            return;
        }
        const std::uint64_t index = vma.index_of(va + ((use.begin - pte.pfn) << kPageShift));
        if (use.value.indexed && use.value.index != index) {
            wrong = where(use.begin) + "has index " + hex(use.value.index) + ", not " + hex(index);
            return;
        }
        bool found = false;
        mapping->vmas.for_each(index, index, [&](const Vma& v) {
            found = &v == &vma;
            return !found;
        });
        if (!found) wrong = where(use.begin) + "is not found by the reverse map";
    });
    if (!wrong.empty()) return wrong;
    // v4.18 does not tell device pages who maps them (patch 2).
    if (memory.is_ram(Pfn{pte.pfn}) && covered != pages) return where(pte.pfn) + "is free";
    if (vma.kind == MapKind::fsdax && !memory.is_ram(Pfn{pte.pfn}) &&
        !vma.file->entries.find(vma.index_of(va)))
        return where(pte.pfn) + "has no DAX entry";
    return first_of_run(memory, pte.pfn, pages, [&](std::uint64_t pfn, const Page& page) {
        return page.test(PG_buddy) ? where(pfn) + "is free" : std::string();
    });
}

/// The trees hold the VMAs that exist, and only those.
std::string Invariants::trees() const {
    std::unordered_map<const Mapping*, std::size_t> members;
    for (std::uint32_t i = 0; i < kernel_.processes.size(); ++i) {
        const Process& process = kernel_.processes[i];
        if (process.leader != &process) continue;
        if (process.state != ProcessState::alive && !process.mm->vmas.empty())
            return process.id + " is dead and has memory";
        for (const auto& [begin, vma] : process.mm->vmas) {
            if (vma->process != i || vma->begin != begin)
                return process.id + " has a VMA at " + hex(begin) + " that is not its own";
            for (const Mapping* mapping : {vma->file, vma->anon})
                if (mapping) ++members[mapping];
        }
    }
    for (std::uint32_t i = 0; i < kernel_.processes.size(); ++i)
        for (const auto& [begin, vma] : kernel_.processes[i].mm->vmas)
            for (const Mapping* mapping : {vma->file, vma->anon})
                if (mapping && mapping->vmas.size() != members[mapping])
                    return "the reverse map of " + kernel_.processes[i].id + "'s " + hex(begin) +
                           " holds " + std::to_string(mapping->vmas.size()) + " VMAs where " +
                           std::to_string(members[mapping]) + " exist";
    return "";
}

// ---------------------------------------------------------------- pages

/// RAM in use is not for the allocator, and the page cache holds only such.
std::string Invariants::uses() const {
    const Memory& memory = kernel_.memory;
    std::string wrong;
    memory.for_each_use(0, ~0ull, [&](const auto& use) {
        if (!wrong.empty() || !memory.is_ram(Pfn{use.begin})) return;
        if (memory.allocatable(Pfn{use.begin}, use.end - use.begin)) {
            wrong = "pages from " + hex(use.begin) + " are in use and free to be given away";
            return;
        }
        const Mapping* mapping = use.value.mapping;
        if (!mapping || mapping->kind == MapKind::anon || !use.value.indexed) return;
        const auto cached = mapping->cache.find(use.value.index);
        const bool there = cached && cached->at(use.value.index).pfn == use.begin;
        if (!there && !mapping->is_dax())
            wrong = "page " + hex(use.begin) + " belongs to a file whose cache lacks it";
    });
    for (std::uint32_t f = 0; f < kernel_.scenario.files.size() && wrong.empty(); ++f) {
        kernel_.processes.mm().file(f).cache.for_each([&](const auto& run) {
            const auto use = memory.usage(Pfn{run.value.pfn});
            if (wrong.empty() && !use) wrong = "page " + hex(run.value.pfn) + " is cached and free";
        });
    }
    return wrong;
}

std::string Invariants::poisoned() const {
    const Memory& memory = kernel_.memory;
    const Profile& profile = kernel_.env.profile;
    std::int64_t marked = 0;
    for (const Pfn pfn : memory.known()) {
        if (!memory.find(pfn)->test(PG_hwpoison)) continue;
        const bool ram = memory.is_ram(pfn);
        if (ram && memory.allocatable(pfn, 1))
            return "page " + hex(pfn.value) + " is poisoned and free to be given away";
        if (ram || !profile.dev_pagemap || profile.dax_counts_hardware_corrupted) ++marked;
    }
    // v6.1 counts actions, not pages (kernel.md 2.4).
    if (profile.counts_every_action) return "";
    const std::int64_t counted =
        kernel_.counters.num_poisoned_pages + kernel_.counters.uncounted_poison_removed;
    if (counted == marked) return "";
    return "num_poisoned_pages says " + std::to_string(counted) + ", " + std::to_string(marked) +
           " pages are marked";
}

// ---------------------------------------------------------------- direct map

std::string Invariants::direct_map() const {
    const Env& env = kernel_.env;
    const bool tracked = env.profile.marking == PoisonMarking::uncacheable && env.config.pat &&
                         env.profile.sanitizes_memtype && env.config.sanitize_memtype;
    if (!tracked) return "";
    for (const DirectMap::Range& range : kernel_.direct_map.changed()) {
        if (!range.present || range.mode == CacheMode::wb) continue;
        for (std::uint64_t i = 0; i < range.pages; ++i) {
            const Pfn pfn{range.first.value + i};
            if (kernel_.nospec.changing(pfn)) continue;
            if (kernel_.memtypes.lookup(pfn.spa()) != range.mode)
                return "page " + hex(pfn.value) +
                       " is uncacheable in the direct map, its memory type is another";
        }
    }
    for (const Pfn pfn : kernel_.memory.known()) {
        const Page& page = *kernel_.memory.find(pfn);
        if (!page.test(PG_hwpoison) || page.memtype == CacheMode::wb) continue;
        if (kernel_.nospec.changing(pfn)) continue;
        if (kernel_.direct_map.entry(pfn).mode != page.memtype)
            return "page " + hex(pfn.value) +
                   " has a memory type that its entry in the direct map lacks";
    }
    return "";
}

/// Accesses since the last look. An entry changes only after time has passed, so it is still as
/// the access found it.
std::string Invariants::reads() {
    const Trace& trace = kernel_.env.trace;
    std::string wrong;
    for (std::uint32_t id = seen_ + 1; id <= trace.count() && wrong.empty(); ++id) {
        if (!trace.holds(id)) continue;
        const TraceRecord& r = trace[id];
        const bool speculative = r.kind == TraceKind::speculation;
        if (r.kind != TraceKind::access && !speculative) continue;
        const std::uint64_t va = speculative ? r.a : r.b;
        const auto spa = kernel_.direct_map.physical(va);
        if (!spa) continue;
        const auto status = static_cast<ExecResult::Status>(r.c >> 8);
        const auto result = static_cast<mca::SpeculationResult>(r.c);
        const bool reached = speculative ? result == mca::SpeculationResult::clean ||
                                               result == mca::SpeculationResult::poison
                                         : status == ExecResult::Status::retired ||
                                               status == ExecResult::Status::machine_check;
        if (!reached) continue;
        const DirectMapEntry entry = kernel_.direct_map.entry(pfn_of(*spa));
        if (!entry.present)
            wrong = "page " + hex(pfn_of(*spa).value) + " was read through an absent mapping";
        else if (speculative && entry.mode != CacheMode::wb && entry.mode != CacheMode::wt)
            wrong = "page " + hex(pfn_of(*spa).value) +
                    " was read by speculation through an uncacheable mapping";
    }
    seen_ = trace.count();
    return wrong;
}

std::string Invariants::check_end() const {
    // A thread that died in an oops takes its locks with it.
    if (kernel_.outcome != Outcome::running || kernel_.counters.oopses != 0) return "";
    for (std::uint32_t f = 0; f < kernel_.scenario.files.size(); ++f)
        if (const auto& locked = kernel_.processes.mm().file(f).locked; !locked.empty())
            return "the DAX entry at index " + hex(locked.begin()->first) + " of " +
                   kernel_.scenario.files[f].id + " stays locked for ever";
    return "";
}

}  // namespace mcemu::kernel
