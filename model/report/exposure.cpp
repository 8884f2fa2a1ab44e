#include "report/exposure.hpp"

#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/printk.hpp"

namespace mcemu::report {
namespace {

constexpr std::uint64_t kNone = ~std::uint64_t{0};
constexpr std::uint64_t kMachineCheck = 2, kBusError = 3;  // access results
constexpr std::uint64_t kReachedPoison = 1;                // speculation results

void earliest(std::optional<std::uint64_t>& time, std::uint64_t at) {
    if (!time || at < *time) time = at;
}

bool reachable(std::uint64_t packed) {
    return (packed >> 8 & 1) != 0 &&
           static_cast<kernel::CacheMode>(packed & 0xff) == kernel::CacheMode::wb;
}

}  // namespace

ExposedPage* Exposure::known_page(std::uint64_t pfn) {
    const auto found = pages_.find(pfn);
    return found == pages_.end() ? nullptr : &found->second;
}

ExposedPage* Exposure::page(std::uint64_t pfn, std::uint32_t id) {
    if (ExposedPage* known = known_page(pfn)) return known;
    if (pages_.size() == kMostPages) {
        ++left_out_;
        return nullptr;
    }
    ExposedPage& fresh = pages_[pfn];
    fresh.pfn = pfn;
    fresh.record = id;
    return &fresh;
}

void Exposure::add(const Past& past, const TraceRecord& r) {
    const std::uint64_t at = past.at;
    switch (r.kind) {
        case TraceKind::poison_planted:
            if (r.why.origin != 0) planted_.try_emplace(r.why.origin, at);
            if (r.module != Module::dram) return;  // a DIMM's own address: known when it is read
            for (std::uint64_t pfn = r.a >> kPageShift, n = 0;
                 n < 64 && pfn << kPageShift < r.a + r.b; ++pfn, ++n)
                if (ExposedPage* p = page(pfn, past.id))
                    if (!p->planted) p->planted = at;
            return;
        case TraceKind::poison_read:
            if (ExposedPage* p = page(r.a >> kPageShift, past.id)) {
                ++p->reads;
                earliest(p->met, at);
                const auto planted = planted_.find(static_cast<std::uint32_t>(r.b));
                if (!p->planted && planted != planted_.end()) p->planted = planted->second;
            }
            return;
        case TraceKind::access: {
            const std::uint64_t result = r.c >> 8;
            ExposedPage* p = result == kMachineCheck || result == kBusError
                                 ? page(r.a >> kPageShift, past.id)
                                 : known_page(r.a >> kPageShift);
            if (p) ++p->accesses;
            return;
        }
        case TraceKind::speculation:
            ++speculations_[std::min<std::uint64_t>(r.c, speculations_.size() - 1)];
            if (r.c == kReachedPoison)
                if (ExposedPage* p = page(r.b >> kPageShift, past.id)) {
                    ++p->speculative;
                    earliest(p->met, at);
                }
            return;
        case TraceKind::memory_failure:
            if (ExposedPage* p = page(r.a, past.id)) earliest(p->known, at);
            return;
        case TraceKind::page_flag:
            if (r.b == kernel::PG_hwpoison && r.c != 0)
                if (ExposedPage* p = page(r.a, past.id)) earliest(p->known, at);
            return;
        case TraceKind::page_unmapped:
            // A process that dies loses its other pages as well: those are not of this failure.
            if (past.failure == kNone || past.failure < r.c || past.failure - r.c >= r.b >> kPageShift)
                return;
            if (ExposedPage* p = known_page(past.failure)) {
                p->unmapped = at;
                const auto place =
                    std::lower_bound(p->processes.begin(), p->processes.end(), r.subject);
                if (place == p->processes.end() || *place != r.subject)
                    p->processes.insert(place, r.subject);
                if (r.b > kPageSize) p->collateral += r.b - kPageSize;
            }
            return;
        case TraceKind::direct_map:
            if (ExposedPage* p = known_page(r.a); p && reachable(r.c) && !reachable(r.b))
                p->closed = at;
            return;
        default:
            return;
    }
}

}  // namespace mcemu::report
