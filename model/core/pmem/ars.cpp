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
    found_ = {};
    state_ = ArsState::running;
    if (request_.known_only && request_.known) {
        position_ = request_.range.end;
        return true;
    }
    if (request_.known_only) {
        // The list is read at once; the answer takes its time (nfit_test computes at Start, too).
        while (const auto run = media_.next_run(position_, request_.range.end, true)) {
            if (count() == request_.max_records) {
                position_ = run->begin;
                return true;
            }
            found_.add(inside(*run), 0);
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
            run->begin > base() && found_.first_in(inside({run->begin - kLineSize, run->begin}));
        if (!goes_on) {
            if (count() >= request_.max_records) return overflow(run->begin);
            // The scan stands at the run until its record is written.
            position_ = run->begin;
            stall_ += media_.record_cost();
            target = std::max(position_at(now), run->begin + kLineSize);
        }
        const std::uint64_t end = std::min({run->end, target, request_.range.end});
        found_.add(inside({run->begin, end}), 0);
        media_.list({run->begin, end});
        position_ = end;
    }
    if (position_ >= request_.range.end && now >= finish_time()) state_ = ArsState::done;
}

void Ars::overflow(std::uint64_t first_unreported) {
    state_ = ArsState::stopped_overflow;
    position_ = first_unreported;
}

bool Ars::stop(SimTime now) {
    advance(now);
    if (state_ != ArsState::running) return false;
    state_ = ArsState::stopped;
    return true;
}

void Ars::reset() {
    state_ = ArsState::none;
    found_ = {};
    position_ = 0;
    request_ = {};
}

void Ars::forget(SpaRange healed) {
    if (request_.known) {  // in no order
        std::vector<kernel::ArsRecord> left;
        for (const kernel::ArsRecord& r : *request_.known) {
            const std::uint64_t end = r.spa + r.length;
            if (r.spa < std::min(end, healed.begin))
                left.push_back({r.handle, r.spa, std::min(end, healed.begin) - r.spa});
            if (end > std::max(r.spa, healed.end))
                left.push_back({r.handle, std::max(r.spa, healed.end),
                                end - std::max(r.spa, healed.end)});
        }
        *request_.known = std::move(left);
        return;
    }
    healed = {std::max(healed.begin, base()), std::min(healed.end, request_.range.end)};
    if (found_.empty() || healed.begin >= healed.end) return;
    found_.clear(inside(healed));
    // A record split in two may no longer fit into one answer.
    if (count() <= request_.max_records) return;
    const DpaRange last = found_.last();
    found_.clear(last);
    overflow(base() + last.begin);
}

std::vector<kernel::ArsRecord> Ars::records() const {
    if (request_.known) return *request_.known;
    std::vector<kernel::ArsRecord> out;
    out.reserve(count());
    found_.for_each([&](const PoisonRun& run) {
        const std::uint64_t spa = base() + run.range.begin;
        const std::uint64_t end = std::min(base() + run.range.end, request_.range.end);
        out.push_back({media_.handle_at(spa), spa, end - spa});
    });
    return out;
}

}  // namespace mcemu::pmem
