#include "core/cxl/memdev.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace mcemu::cxl {
namespace {

using pmem::kPoisonInjected, pmem::kPoisonListed, pmem::PoisonList, pmem::PoisonRun;

constexpr std::uint64_t kPicosecondsPerSecond = 1'000'000'000'000;
constexpr std::uint32_t kListMaxEnd = 1u << 24;  // 24 bits in Identify

DpaRange line_at(std::uint64_t dpa) { return {dpa, dpa + kLineSize}; }
bool whole_lines(std::uint64_t bytes) { return bytes % kLineSize == 0; }

}  // namespace

Memdev::Memdev(const Identity& identity, std::uint64_t scan_rate)
    : identity_(identity), scan_rate_(scan_rate) {
    const std::uint64_t ram = identity.volatile_bytes, pmem = identity.persistent_bytes;
    if (!whole_lines(ram) || !whole_lines(pmem))
        throw std::invalid_argument("cxl::Memdev: a partition is not a multiple of 64 bytes");
    if (ram > PoisonList::kMaxAddress || pmem > PoisonList::kMaxAddress - ram || ram + pmem == 0)
        throw std::invalid_argument("cxl::Memdev: no capacity, or more than can be addressed");
    if (identity.poison_list_max >= kListMaxEnd)
        throw std::invalid_argument("cxl::Memdev: the poison list maximum has 24 bits");
    if (scan_rate == 0) throw std::invalid_argument("cxl::Memdev: a scan needs a rate");
}

bool Memdev::holds_line(std::uint64_t dpa) const {
    return dpa % kLineSize == 0 && DpaRange{0, identity_.capacity()}.contains(dpa, kLineSize);
}

/// Makes room for one more record. A list that is full overflows, and says so until the device is
/// reset: what it lost is not known any more.
bool Memdev::enter(std::uint64_t dpa, SimTime now) {
    if (listed_ < identity_.poison_list_max) {
        poison_.mark(line_at(dpa), kPoisonListed);
        ++listed_;
        return true;
    }
    if (!overflow_) overflow_ns_ = to_ns(now);
    overflow_ = true;
    return false;
}

std::uint64_t Memdev::heal(DpaRange range) {
    const std::size_t before = healed_.size();
    const std::uint64_t healed = poison_.clear(range, healed_);
    if (healed != 0) scan_.forget(range);
    for (std::size_t i = before; i < healed_.size(); ++i) {
        const PoisonRun& run = healed_[i];
        const auto lines = static_cast<std::uint32_t>(run.range.size() / kLineSize);
        if ((run.flags & kPoisonListed) != 0) listed_ -= lines;
        if ((run.flags & kPoisonInjected) != 0) injected_ -= lines;
    }
    return healed;
}

bool Memdev::valid(DpaRange range) const {
    return range.begin < range.end && whole_lines(range.begin) && whole_lines(range.end) &&
           range.end <= identity_.capacity();
}

MediaErrorRecord Memdev::record_of(std::uint64_t dpa) const {
    const bool injected = (poison_.first_in(line_at(dpa))->flags & kPoisonInjected) != 0;
    const PoisonSource source = injected ? PoisonSource::injected : PoisonSource::internal;
    return {dpa | static_cast<std::uint64_t>(source), 1};
}

std::vector<MediaErrorRecord> Memdev::records() const {
    std::vector<MediaErrorRecord> out;
    const std::uint64_t end = identity_.capacity();
    for (std::uint64_t at = poison_.next_poisoned(0, end, kPoisonListed); at < end;
         at = poison_.next_poisoned(at + kLineSize, end, kPoisonListed))
        out.push_back(record_of(at));
    return out;
}

PoisonListReply Memdev::get_poison_list(DpaRange range) {
    PoisonListReply reply;
    if (media_disabled_)
        reply.code = ReturnCode::media_disabled;
    else if (!valid(range))
        reply.code = ReturnCode::invalid_physical_address;
    if (reply.code != ReturnCode::success) return reply;
    std::uint64_t at = range == asked_ ? continue_ : range.begin;
    asked_ = {};
    at = poison_.next_poisoned(at, range.end, kPoisonListed);
    while (at < range.end && reply.records.size() < kRecordsPerReply) {
        reply.records.push_back(record_of(at));
        at = poison_.next_poisoned(at + kLineSize, range.end, kPoisonListed);
    }
    if (at < range.end) {
        reply.flags |= kMoreRecords;
        asked_ = range;
        continue_ = at;
    }
    if (overflow_) reply.flags |= kListOverflow;
    if (scan_.state() == pmem::ArsState::running) reply.flags |= kScanInProgress;
    reply.overflow_ns = overflow_ns_;
    return reply;
}

// ---------------------------------------------------------------- Scan Media

std::optional<SpaRange> Memdev::next_run(std::uint64_t from, std::uint64_t end, bool) const {
    const std::uint64_t begin = poison_.next_poisoned(from, end);
    if (begin >= end) return std::nullopt;
    return SpaRange{begin, poison_.next_clean(begin, end)};
}

void Memdev::list(SpaRange found) {
    for (std::uint64_t dpa = found.begin; dpa < found.end; dpa += kLineSize)
        if ((poison_.first_in(line_at(dpa))->flags & kPoisonListed) == 0 && !enter(dpa, now_)) break;
}

void Memdev::advance(SimTime now) {
    now_ = now;
    healed_.clear();
    scan_.advance(now);
}

ReturnCode Memdev::scan_media(DpaRange range, SimTime now) {
    advance(now);
    if (media_disabled_) return ReturnCode::media_disabled;
    if (!valid(range)) return ReturnCode::invalid_physical_address;
    __extension__ typedef unsigned __int128 Wide;  // NOLINT: picoseconds times bytes
    const auto time = static_cast<std::uint64_t>(Wide{range.size()} * kPicosecondsPerSecond / scan_rate_);
    pmem::Ars::Request request;
    request.range = {range.begin, range.end};
    request.scan_time = SimTime{std::max<std::uint64_t>(time, 1)};
    request.max_records = std::max<std::uint64_t>(identity_.poison_list_max, 1);
    scan_answered_ = 0;
    return scan_.start(request, now) ? ReturnCode::success : ReturnCode::busy;
}

ScanMediaReply Memdev::get_scan_media_results(SimTime now) {
    advance(now);
    ScanMediaReply reply;
    if (media_disabled_) {
        reply.code = ReturnCode::media_disabled;
        return reply;
    }
    if (scan_.state() == pmem::ArsState::running) {
        reply.code = ReturnCode::busy;
        return reply;
    }
    for (const kernel::ArsRecord& found : scan_.records()) {
        if (found.spa < scan_answered_) continue;
        if (reply.records.size() == kRecordsPerReply) {
            reply.flags |= kMoreRecords;
            break;
        }
        const MediaErrorRecord first = record_of(found.spa);
        reply.records.push_back(
            {first.address, static_cast<std::uint32_t>(found.length / kLineSize)});
        scan_answered_ = found.spa + found.length;
    }
    if (scan_.state() == pmem::ArsState::stopped_overflow) {
        reply.flags |= kScanStopped;
        reply.restart = {scan_.restart().begin, scan_.restart().end};
    }
    return reply;
}

ReturnCode Memdev::inject_poison(std::uint64_t dpa, SimTime now) {
    advance(now);
    if (media_disabled_) return ReturnCode::media_disabled;
    if (!holds_line(dpa)) return ReturnCode::invalid_physical_address;
    if (poison_.first_in(line_at(dpa))) return ReturnCode::success;
    if (injected_ >= identity_.inject_limit) return ReturnCode::inject_poison_limit;
    poison_.add(line_at(dpa), origin_, kPoisonInjected);
    ++injected_;
    enter(dpa, now);
    return ReturnCode::success;
}

ReturnCode Memdev::clear_poison(std::uint64_t dpa) {
    healed_.clear();
    if (media_disabled_) return ReturnCode::media_disabled;
    if (!holds_line(dpa)) return ReturnCode::invalid_physical_address;
    if (permanent_.first_in(line_at(dpa)) && poison_.first_in(line_at(dpa)))
        return ReturnCode::permanent_media_failure;
    heal(line_at(dpa));
    return ReturnCode::success;
}

std::uint64_t Memdev::plant(DpaRange range, std::uint32_t origin, bool permanent) {
    if (range.begin >= range.end || range.end > identity_.capacity())
        throw std::invalid_argument("cxl::Memdev::plant: empty, or outside the device");
    if (permanent) permanent_.add(range, origin);
    return poison_.add(range, origin);
}

void Memdev::make_permanent(DpaRange range) {
    if (range.begin >= range.end || range.end > identity_.capacity())
        throw std::invalid_argument("cxl::Memdev::make_permanent: empty, or outside the device");
    permanent_.add(range, 0);
}

std::optional<PoisonRun> Memdev::read(DpaRange range, SimTime now) {
    const std::optional<PoisonRun> met = poison_.first_in(range);
    if (!met) return met;
    for (std::uint64_t dpa = met->range.begin; dpa < met->range.end; dpa += kLineSize)
        if ((met->flags & kPoisonListed) == 0 && !enter(dpa, now)) break;
    return met;
}

std::uint64_t Memdev::write(DpaRange range) {
    if (range.begin >= range.end) return 0;
    healed_.clear();
    // Lines that failed for good stay as they are; the rest is healed around them.
    std::uint64_t healed = 0, at = range.begin;
    for (const DpaRange& bad : permanent_.runs(range)) {
        if (at < bad.begin) healed += heal({at, bad.begin});
        at = std::max(at, bad.end);
    }
    return at < range.end ? healed + heal({at, range.end}) : healed;
}

// ---------------------------------------------------------------- power cycles

MemdevImage Memdev::snapshot() const {
    MemdevImage image;
    image.stuck = permanent_.runs();
    const auto keep = [&](DpaRange range, std::uint8_t flags) {
        if (range.begin >= range.end) return;
        auto& list = image.poison;
        if (!list.empty() && list.back().range.end == range.begin && list.back().flags == flags)
            list.back().range.end = range.end;
        else
            list.push_back({range, 0, flags});
    };
    for (const DpaRange& bad : image.stuck)
        for (const DpaRange& run : poison_.runs(bad))
            keep({run.begin, std::min(run.end, identity_.volatile_bytes)}, 0);
    for (const PoisonRun& run : poison_.tagged())
        keep({std::max(run.range.begin, identity_.volatile_bytes), run.range.end}, run.flags);
    return image;
}

void Memdev::restore(const MemdevImage& image) {
    for (const DpaRange& range : image.stuck) make_permanent(range);
    for (const PoisonRun& run : image.poison) {
        const std::uint64_t added = poison_.add(run.range, 0, run.flags);
        const auto lines = static_cast<std::uint32_t>(added / kLineSize);
        if ((run.flags & kPoisonListed) != 0) listed_ += lines;
        if ((run.flags & kPoisonInjected) != 0) injected_ += lines;
    }
}

}  // namespace mcemu::cxl
