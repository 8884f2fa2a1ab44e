#include "hw/poisoned_media.hpp"

namespace mcemu::hw {

void PoisonedMedia::load(const std::vector<DpaRange>& ranges) {
    if (ranges.size() <= limit_) {
        list_.load(ranges, 0, pmem::kPoisonListed);
        listed_ = ranges.size();
        return;
    }
    list_.load(ranges, 0);
    std::vector<DpaRange> first;
    for (std::uint64_t at = 0; first.size() < limit_; at = first.back().end) {
        const std::uint64_t begin = list_.next_poisoned(at, pmem::PoisonList::kMaxAddress);
        if (begin == pmem::PoisonList::kMaxAddress) break;
        first.push_back({begin, list_.next_clean(begin, pmem::PoisonList::kMaxAddress)});
    }
    for (const DpaRange& range : first) list_.mark(range, pmem::kPoisonListed);
    listed_ = first.size();
}

/// A list that is full takes nothing more until something in it was healed.
void PoisonedMedia::mark_listed(DpaRange range) {
    if (full_) return;
    if (listed_ >= limit_) {
        listed_ = list_.count(pmem::kPoisonListed, limit_);
        full_ = listed_ >= limit_;
        if (full_) return;
    }
    list_.mark(range, pmem::kPoisonListed);
    ++listed_;
}

std::uint64_t PoisonedMedia::plant(DpaRange range, std::uint32_t origin, std::uint8_t flags) {
    const std::uint64_t added = list_.add(range, origin, flags);
    if (flags != 0) list_.mark(range, flags);
    if (flags & pmem::kPoisonListed) ++listed_;
    if (added == 0) return 0;
    const std::uint32_t id = context_.trace.note(module_, TraceKind::poison_planted, subject_,
                                                 base_ + range.begin, range.size());
    context_.ledger.planted(origin, added);
    context_.fates.mark_for_now(origin, Fate::latent, FateReason::nobody_looked, id);
    return added;
}

std::uint64_t PoisonedMedia::heal(DpaRange range) {
    healed_.clear();
    const std::uint64_t cleared = list_.clear(range, healed_);
    if (cleared == 0) return 0;
    full_ = false;
    const std::uint32_t id = context_.trace.note(module_, TraceKind::poison_cleared, subject_,
                                                 base_ + range.begin, range.size());
    // Poison whose record was lost or waits in a bank has been met.
    for (const pmem::PoisonRun& run : healed_)
        if (context_.ledger.healed(run.origin, run.range.size()) &&
            context_.fates.so_far(run.origin) < Fate::filtered)
            context_.fates.mark(run.origin, Fate::filtered, FateReason::media_cleared, id);
    return cleared;
}

}  // namespace mcemu::hw
