#include "sim/condition_watch.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>

namespace mcemu::sim {
namespace {

using Kind = Condition::Kind;

}  // namespace

WatchedCondition::WatchedCondition(const Condition& condition, const ConditionWorld& world,
                                   MakeLogMatcher make)
    : condition_(&condition), world_(&world) {
    if (condition.kind == Kind::log) {
        if (!make)
            throw std::invalid_argument("WatchedCondition: a log line without MakeLogMatcher");
        log_ = make(condition, world.scenario.kernel.profile, world.names);
    }
    for (const Condition& part : condition.parts) parts_.emplace_back(part, world, make);
}

bool WatchedCondition::look(const TraceRecord* record) {
    switch (condition_->kind) {
        case Kind::all:
        case Kind::any: {
            const bool all = condition_->kind == Kind::all;
            holds_ = all;
            for (WatchedCondition& part : parts_) {
                const bool one = part.look(record);  // each keeps its own history
                holds_ = all ? holds_ && one : holds_ || one;
            }
            break;
        }
        default:
            holds_ = condition_->is_state() ? state(record) == condition_->set
                                           : done_ || (record && happens(*record));
            done_ = false;
    }
    return holds_;
}

bool WatchedCondition::state(const TraceRecord* record) {
    const kernel::Kernel& kernel = world_->kernel;
    switch (condition_->kind) {
        case Kind::page_flag:
            return (kernel.memory.look(pfn_of(condition_->address)).flags >> condition_->number) & 1;
        case Kind::process_state:
            return static_cast<std::uint32_t>(kernel.processes[condition_->index].state) ==
                   condition_->number;
        case Kind::bank_valid:
            return world_->bank_valid(condition_->index, condition_->number);
        case Kind::poison:
            return world_->poisoned(
                {condition_->address, condition_->address + condition_->length});
        case Kind::bad_block:
            // A table is text here: looked at when one has changed.
            if (!record || record->kind == TraceKind::badblocks_set ||
                record->kind == TraceKind::badblocks_cleared)
                bad_ = bad_block();
            return bad_;
        case Kind::direct_map: {
            const kernel::DirectMapEntry entry = kernel.direct_map.entry(pfn_of(condition_->address));
            if (condition_->number == Condition::kNotPresent) return !entry.present;
            return entry.present && static_cast<std::uint32_t>(entry.mode) == condition_->number;
        }
        case Kind::memtype: {
            const auto& entries = kernel.memtypes.entries();
            const auto there = [&](const kernel::MemtypeEntry& e) {
                return e.begin <= condition_->address && condition_->address < e.end;
            };
            if (condition_->number == Condition::kNoEntry)
                return std::none_of(entries.begin(), entries.end(), there);
            if (kernel.memory.is_ram(pfn_of(condition_->address)))
                return static_cast<std::uint32_t>(
                           kernel.memory.look(pfn_of(condition_->address)).memtype) ==
                       condition_->number;
            return std::any_of(entries.begin(), entries.end(), [&](const auto& e) {
                return there(e) && static_cast<std::uint32_t>(e.mode) == condition_->number;
            });
        }
        case Kind::counter: {
            const std::int64_t value = counter();
            if (!nearest_ || condition_->off_by(value) < condition_->off_by(*nearest_))
                nearest_ = value;
            return condition_->off_by(value) == 0;
        }
        default:
            return false;
    }
}

bool WatchedCondition::happens(const TraceRecord& record) const {
    switch (condition_->kind) {
        case Kind::event:
            return record.kind == TraceKind::scenario_event && record.subject == condition_->index;
        case Kind::signal: {
            if (record.kind != TraceKind::signal_delivered || record.subject != condition_->index)
                return false;
            const std::uint64_t signo = record.a & 0xff;
            const auto code = static_cast<std::int32_t>(record.a >> 8);
            return (condition_->number == 0 || signo == condition_->number) &&
                   (condition_->code == Condition::kAnyCode || code == condition_->code);
        }
        case Kind::log: {
            if (record.kind != TraceKind::log_line) return false;
            const auto& lines = world_->kernel.log.records();
            return record.subject < lines.size() && log_(lines[record.subject]);
        }
        case Kind::phase:
            return record.kind == TraceKind::phase && record.a == condition_->number;
        case Kind::panic:
            return record.kind == TraceKind::panic;
        case Kind::oops:
            return record.kind == TraceKind::oops;
        default:
            return false;
    }
}

std::optional<std::int64_t> WatchedCondition::nearest() const {
    if (nearest_) return nearest_;
    for (const WatchedCondition& part : parts_)
        if (const auto value = part.nearest()) return value;
    return std::nullopt;
}

bool WatchedCondition::bad_block() const {
    const kernel::Libnvdimm& libnvdimm = world_->kernel.libnvdimm;
    const std::string text = condition_->region ? libnvdimm.region_badblocks(condition_->index)
                                               : libnvdimm.namespace_badblocks(condition_->index);
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        std::uint64_t first = 0, count = 0;
        at = std::from_chars(at, end, first).ptr;
        if (at < end) at = std::from_chars(at + 1, end, count).ptr;
        if (condition_->length == 0) return true;
        if (first < condition_->address + condition_->length && condition_->address < first + count)
            return true;
        if (at < end) ++at;  // the end of the line
    }
    return false;
}

std::int64_t WatchedCondition::counter() const {
    const kernel::Counters& c = world_->kernel.counters;
    switch (static_cast<CounterName>(condition_->number)) {
        case CounterName::HardwareCorrupted_kB: return c.num_poisoned_pages * 4;
        case CounterName::num_poisoned_pages: return c.num_poisoned_pages;
        case CounterName::machine_checks: return static_cast<std::int64_t>(c.machine_checks);
        case CounterName::cmci: return static_cast<std::int64_t>(c.cmci);
        case CounterName::polls: return static_cast<std::int64_t>(c.polls);
        case CounterName::records: return static_cast<std::int64_t>(c.records);
        case CounterName::records_lost: return static_cast<std::int64_t>(c.records_lost);
        case CounterName::memory_failures: return static_cast<std::int64_t>(c.memory_failures);
        case CounterName::signals: return static_cast<std::int64_t>(c.signals);
        case CounterName::tlb_flushes: return static_cast<std::int64_t>(c.tlb_flushes);
        case CounterName::cache_flushes: return static_cast<std::int64_t>(c.cache_flushes);
        case CounterName::oopses: return static_cast<std::int64_t>(c.oopses);
        case CounterName::hugepages_total: return c.hugepages_total;
    }
    return 0;
}

void WatchedCondition::event_done(std::uint32_t event) {
    done_ = condition_->kind == Kind::done && condition_->index == event;
    for (WatchedCondition& part : parts_) part.event_done(event);
}

void WatchedCondition::note(ConditionHistory& history, SimTime at, std::uint32_t id) {
    history.parts.resize(parts_.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i].note(history.parts[i], at, id);
    history.nearest = nearest_;
    if (!condition_->is_state()) {
        if (holds_) history.spans.push_back({at, at, id, id, true});
        return;
    }
    if (holds_ == open_) return;
    open_ = holds_;
    if (holds_) {
        history.spans.push_back({at, SimTime::max(), id, ~0u, false});
    } else {
        history.spans.back().end = at;
        history.spans.back().end_id = id;
    }
}

ConditionWatch::ConditionWatch(const std::vector<TemporalExpectation>& wanted,
                               const ConditionWorld& world, MakeLogMatcher make)
    : histories_(wanted.size()) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto add = [&](const Condition& c, ConditionHistory TemporalHistory::*where) {
            watched_.push_back({WatchedCondition(c, world, make), i, where});
        };
        add(wanted[i].what, &TemporalHistory::what);
        if (wanted[i].then) add(*wanted[i].then, &TemporalHistory::then);
        if (wanted[i].after) add(*wanted[i].after, &TemporalHistory::after);
        if (wanted[i].until) add(*wanted[i].until, &TemporalHistory::until);
    }
}

void ConditionWatch::look(const TraceRecord* record, SimTime at, std::uint32_t id) {
    for (One& one : watched_) {
        one.condition.look(record);
        one.condition.note(histories_[one.item].*one.where, at, id);
    }
}

void ConditionWatch::event_done(std::uint32_t event) {
    for (One& one : watched_) one.condition.event_done(event);
}

}  // namespace mcemu::sim
