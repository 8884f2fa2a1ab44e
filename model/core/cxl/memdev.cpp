#include "core/cxl/memdev.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace mcemu::cxl {
namespace {

using pmem::kPoisonInjected, pmem::kPoisonListed, pmem::PoisonList, pmem::PoisonRun;

constexpr std::uint32_t kListMaxEnd = 1u << 24;  // 24 bits in Identify

DpaRange line_at(std::uint64_t dpa) { return {dpa, dpa + kLineSize}; }
bool whole_lines(std::uint64_t bytes) { return bytes % kLineSize == 0; }

}  // namespace

Memdev::Memdev(const Identity& identity) : identity_(identity) {
    const std::uint64_t ram = identity.volatile_bytes, pmem = identity.persistent_bytes;
    if (!whole_lines(ram) || !whole_lines(pmem))
        throw std::invalid_argument("cxl::Memdev: a partition is not a multiple of 64 bytes");
    if (ram > PoisonList::kMaxAddress || pmem > PoisonList::kMaxAddress - ram || ram + pmem == 0)
        throw std::invalid_argument("cxl::Memdev: no capacity, or more than can be addressed");
    if (identity.poison_list_max >= kListMaxEnd)
        throw std::invalid_argument("cxl::Memdev: the poison list maximum has 24 bits");
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
    std::vector<PoisonRun> removed;
    const std::uint64_t healed = poison_.clear(range, removed);
    for (const PoisonRun& run : removed) {
        const auto lines = static_cast<std::uint32_t>(run.range.size() / kLineSize);
        if ((run.flags & kPoisonListed) != 0) listed_ -= lines;
        if ((run.flags & kPoisonInjected) != 0) injected_ -= lines;
    }
    return healed;
}

PoisonListReply Memdev::get_poison_list(DpaRange range) {
    PoisonListReply reply;
    if (media_disabled_)
        reply.code = ReturnCode::media_disabled;
    else if (range.begin >= range.end || !whole_lines(range.begin) || !whole_lines(range.end) ||
             range.end > identity_.capacity())
        reply.code = ReturnCode::invalid_physical_address;
    if (reply.code != ReturnCode::success) return reply;
    std::uint64_t at = range == asked_ ? continue_ : range.begin;
    asked_ = {};
    at = poison_.next_poisoned(at, range.end, kPoisonListed);
    while (at < range.end && reply.records.size() < kRecordsPerReply) {
        const bool injected = (poison_.first_in(line_at(at))->flags & kPoisonInjected) != 0;
        const PoisonSource source = injected ? PoisonSource::injected : PoisonSource::internal;
        reply.records.push_back({at | static_cast<std::uint64_t>(source), 1});
        at = poison_.next_poisoned(at + kLineSize, range.end, kPoisonListed);
    }
    if (at < range.end) {
        reply.flags |= kMoreRecords;
        asked_ = range;
        continue_ = at;
    }
    if (overflow_) reply.flags |= kListOverflow;
    reply.overflow_ns = overflow_ns_;
    return reply;
}

ReturnCode Memdev::inject_poison(std::uint64_t dpa, SimTime now) {
    if (media_disabled_) return ReturnCode::media_disabled;
    if (!holds_line(dpa)) return ReturnCode::invalid_physical_address;
    if (poison_.first_in(line_at(dpa))) return ReturnCode::success;
    if (injected_ >= identity_.inject_limit) return ReturnCode::inject_poison_limit;
    poison_.add(line_at(dpa), 0, kPoisonInjected);
    ++injected_;
    enter(dpa, now);
    return ReturnCode::success;
}

ReturnCode Memdev::clear_poison(std::uint64_t dpa) {
    if (media_disabled_) return ReturnCode::media_disabled;
    if (!holds_line(dpa)) return ReturnCode::invalid_physical_address;
    if (permanent_.first_in(line_at(dpa))) return ReturnCode::permanent_media_failure;
    heal(line_at(dpa));
    return ReturnCode::success;
}

void Memdev::plant(DpaRange range, std::uint32_t origin, bool permanent) {
    if (range.begin >= range.end || range.end > identity_.capacity())
        throw std::invalid_argument("cxl::Memdev::plant: empty, or outside the device");
    poison_.add(range, origin);
    if (permanent) permanent_.add(range, origin);
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
    // Lines that failed for good stay as they are; the rest is healed around them.
    std::uint64_t healed = 0, at = range.begin;
    for (const DpaRange& bad : permanent_.runs(range)) {
        if (at < bad.begin) healed += heal({at, bad.begin});
        at = std::max(at, bad.end);
    }
    return at < range.end ? healed + heal({at, range.end}) : healed;
}

}  // namespace mcemu::cxl
