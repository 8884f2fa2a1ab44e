#include "core/pmem/ars.hpp"

#include <algorithm>
#include <stdexcept>

namespace mcemu::pmem {
namespace {
__extension__ typedef unsigned __int128 Wide;  // NOLINT: products of picoseconds and bytes
}

bool Ars::start(const Request& request, SimTime now) {
    advance(now);
    if (state_ == ArsState::running) return false;
    if (request.range.begin >= request.range.end || request.max_records == 0)
        throw std::invalid_argument("Ars::start: empty range or no room for a record");
    request_ = request;
    start_ = now;
    stall_ = SimTime::zero();
    position_ = request.range.begin;
    records_.clear();
    state_ = ArsState::running;
    if (request_.known_only) {
        // The list is read at once; the answer takes its time (nfit_test computes at Start, too).
        while (const auto run = media_.next_run(position_, request_.range.end, true)) {
            if (records_.size() == request_.max_records) {
                position_ = run->begin;
                return true;
            }
            records_.push_back({media_.handle_at(run->begin), run->begin, run->size()});
            position_ = run->end;
        }
        position_ = request_.range.end;
    }
    return true;
}

std::uint64_t Ars::position_at(SimTime now) const {
    if (now >= finish_time()) return request_.range.end;
    const SimTime busy = start_ + stall_;
    if (now <= busy) return position_;
    const Wide done =
        Wide{(now - busy).count()} * request_.range.size() / request_.scan_time.count();
    const std::uint64_t at = request_.range.begin + static_cast<std::uint64_t>(done);
    return std::max(position_, round_down(at, kLineSize));
}

void Ars::advance(SimTime now) {
    if (state_ != ArsState::running) return;
    if (request_.known_only) {
        if (now < finish_time()) return;
        if (position_ < request_.range.end)
            overflow(position_);
        else
            state_ = ArsState::done;
        return;
    }
    for (;;) {
        std::uint64_t target = position_at(now);
        if (position_ >= target) break;
        const auto run = media_.next_run(position_, target, false);
        if (!run) {
            position_ = target;
            break;
        }
        // The run that the previous advance() left in the middle goes on.
        const bool goes_on =
            !records_.empty() && records_.back().spa + records_.back().length == run->begin;
        if (!goes_on) {
            if (records_.size() >= request_.max_records) return overflow(run->begin);
            records_.push_back({media_.handle_at(run->begin), run->begin, 0});
            // The scan stands at the run until its record is written.
            position_ = run->begin;
            stall_ += media_.record_cost();
            target = std::max(position_at(now), run->begin + kLineSize);
        }
        const std::uint64_t end = std::min({run->end, target, request_.range.end});
        records_.back().length += end - run->begin;
        media_.list({run->begin, end});
        position_ = end;
    }
    if (position_ >= request_.range.end && now >= finish_time()) state_ = ArsState::done;
}

void Ars::overflow(std::uint64_t first_unreported) {
    state_ = ArsState::stopped_overflow;
    position_ = first_unreported;
}

void Ars::stop(SimTime now) {
    advance(now);
    if (state_ == ArsState::running) state_ = ArsState::stopped;
}

void Ars::reset() {
    state_ = ArsState::none;
    records_.clear();
    position_ = 0;
    request_ = {};
}

void Ars::forget(SpaRange healed) {
    std::vector<kernel::ArsRecord> kept;
    kept.reserve(records_.size());
    for (const kernel::ArsRecord& r : records_) {
        const SpaRange range{r.spa, r.spa + r.length};
        if (!range.overlaps(healed)) {
            kept.push_back(r);
            continue;
        }
        if (range.begin < healed.begin)
            kept.push_back({r.handle, range.begin, healed.begin - range.begin});
        if (range.end > healed.end)
            kept.push_back({media_.handle_at(healed.end), healed.end, range.end - healed.end});
    }
    records_ = std::move(kept);
    // A record split in two may no longer fit into one answer.
    if (records_.size() > request_.max_records) {
        const std::uint64_t first = records_[request_.max_records].spa;
        records_.resize(request_.max_records);
        overflow(first);
    }
}

}  // namespace mcemu::pmem
