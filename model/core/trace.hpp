#pragma once  // What happened and why, as fixed-size records; text is made elsewhere.
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/agenda.hpp"
#include "core/units.hpp"

namespace mcemu {

/// Who did it.
enum class Module : std::uint16_t {
    scenario, cpu, memory_controller, dram, nvdimm, firmware, kernel, memdev, dma, count_
};

/// What was done. The meaning of subject, a, b and c is given per kind; unused ones are 0.
enum class TraceKind : std::uint16_t {
    scenario_event,    ///< subject: event index
    access,            ///< subject: cpu, a: spa, b: va, c: AccessKind | result << 8
    poison_planted,    ///< subject: device, a: begin dpa (DRAM: spa), b: length
    poison_cleared,    ///< subject: device, a: begin dpa (DRAM: spa), b: length
    poison_read,       ///< a line came back poisoned; subject: device, a: spa, b: origin event that planted it
    bank_logged,       ///< subject: cpu, a: bank, b: status, c: addr
    bank_overwritten,  ///< subject: cpu, a: bank, b: old status, c: id of the record that latched it
    bank_kept,         ///< new error's data not kept; subject: cpu, a: bank, b: resulting status, c: new status
    bank_cleared,      ///< subject: cpu, a: bank
    cmci,              ///< subject: cpu, a: bank
    mc_raised,         ///< #MC asserted; subject: cpu, a: 1 broadcast, 0 local
    mc_taken,          ///< #MC delivered; subject: first cpu, a: number of CPUs
    shutdown,          ///< subject: cpu, a: ShutdownReason
    speculation,       ///< subject: cpu, a: va, b: spa, c: result (SpeculationResult)
    register_held,     ///< subject: cpu, a: va now in a register
    phase,             ///< a latency parameter was spent; subject: cpu, a: Lat, b: duration ps
    log_line,          ///< subject: index in the kernel log
    mce_record,        ///< the kernel made a record; subject: cpu, a: bank, b: status, c: severity
    mce_dropped,       ///< a record was not made, or lost; subject: cpu, a: bank, b: severity, c: DropReason
    notifier,          ///< subject: cpu, a: Notifier, b: status
    memory_failure,    ///< begin; a: pfn, b: flags
    memory_failure_end,///< a: pfn, b: return code (two's complement)
    page_flag,         ///< a: pfn, b: flag bit, c: 1 set, 0 cleared
    page_unmapped,     ///< subject: process index, a: va begin, b: bytes, c: first pfn; 0: not one run of frames
    page_mapped,       ///< subject: process index, a: va begin, b: pfn, c: shift | leaves that follow << 8
    lock_wait,         ///< a: pfn or lock identity
    signal_sent,       ///< subject: process index, a: signo | code << 8, b: addr, c: lsb
    signal_delivered,  ///< same
    process_state,     ///< subject: process index, a: ProcessState
    syscall,           ///< subject: scenario event index, a: return value (two's complement)
    memtype_reserved,  ///< a: begin, b: end, c: type
    memtype_freed,     ///< a: begin, b: end, c: type
    memtype_conflict,  ///< a: begin, b: end, c: requested | found << 8
    direct_map,        ///< a: pfn, b: new attributes, c: old attributes
    direct_map_split,  ///< a: first pfn of the large page, b: shift before
    tlb_flush,         ///< subject: cpu, a: 1 all, 0 one page, b: va
    cache_flush,       ///< subject: cpu, a: va, b: bytes
    badrange_added,    ///< a: spa, b: length
    badrange_forgotten,///< a: spa, b: length
    badblocks_set,     ///< subject: table (region index, or 0x10000 + namespace index), a: first sector, b: sectors
    badblocks_cleared, ///< subject: table, a: first sector, b: sectors
    bio,               ///< subject: namespace, a: sector, b: sectors, c: op | error << 8
    dsm,               ///< subject: device, a: function, b: status, c: first output word
    ars,               ///< subject: device, a: ArsState, b: records
    nfit_notify,       ///< a: notification value (0x81 ...)
    ghes,              ///< a: severity, b: physical address
    worker,            ///< subject: cpu, a: 1 begins, 0 ends
    poll,              ///< machine_check_poll; subject: cpu, a: banks seen
    panic,             ///< a: index in the kernel log
    oops,              ///< subject: process index or -1, a: index in the kernel log
    endless_restart,   ///< machine checks restart an access for ever; subject: process index, a: va, b: restarts
    cxl_command,       ///< subject: memdev, a: CxlEvent::Command, b: return code, c: records of the answer
    cxl_poison,        ///< the driver's trace event; subject: memdev, a: dpa, b: bytes, c: source
    dma,               ///< a: first byte that failed, or the address; b: bytes moved, c: DmaStatus | write << 8
    invariant,         ///< a checker complained; a: checker
    count_             ///< number of kinds
};

/// Why a bank's error made no record, or its record was lost.
enum class DropReason : std::uint8_t {
    left_in_bank,   ///< the #MC handler left it for a poll
    not_enabled,    ///< STATUS.EN is 0: no severity, not logged
    dont_log,       ///< mce.dont_log_ce, or a boot option that keeps the poll from logging
    bank_cleared,   ///< the bank was cleared unread
    filtered,       ///< the kernel filters errors of this kind
    pool_full,      ///< the record was made, and found no room in the pool
    count_
};

/// How a transfer by a device ended.
enum class DmaStatus : std::uint8_t { done, poisoned, unsupported_request };

struct TraceRecord {
    SimTime at;
    Causality why;
    TraceKind kind;
    Module module;
    std::uint32_t subject;
    std::uint64_t a, b, c;
};
static_assert(sizeof(TraceRecord) == 48);

/// Appends records; an id is the record's position, counted from 1. Keeps the newest `capacity`
/// records (a ring when full). With capacity 0 only ids and causality remain.
class Trace {
public:
    Trace(Agenda& agenda, std::size_t capacity) : agenda_(agenda), capacity_(capacity) {}

    /// Records that something happened because of agenda.why(); returns its id. The causality
    /// stays as it is: for leaves (a log line, a counter).
    std::uint32_t note(Module module, TraceKind kind, std::uint32_t subject = 0,
                       std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0) {
        // Written where it stays: a record costs 30 instructions, by way of a local one 49, and an
        // SRAR leaves 38 of them.
        if (next_ == end_) [[unlikely]] turn_over();
        TraceRecord& record = *next_++;
        record.at = agenda_.now();
        record.why = agenda_.why();
        record.kind = kind;
        record.module = module;
        record.subject = subject;
        record.a = a;
        record.b = b;
        record.c = c;
        const std::uint32_t id = ++count_;
        if (observer_) [[unlikely]] tell(id, record);
        return id;
    }
    /// As note(), and what the same activity does next is caused by this record.
    std::uint32_t step(Module module, TraceKind kind, std::uint32_t subject = 0,
                       std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0) {
        const std::uint32_t id = note(module, kind, subject, a, b, c);
        agenda_.set_why({id, agenda_.why().origin});
        return id;
    }

    std::uint32_t count() const { return count_; }
    /// First id still held; records [first(), count()] are available.
    std::uint32_t first() const {
        return count_ <= capacity_ || capacity_ == 0
                   ? 1
                   : count_ - static_cast<std::uint32_t>(capacity_) + 1;
    }
    bool holds(std::uint32_t id) const {
        return capacity_ != 0 && id >= first() && id <= count_;
    }
    const TraceRecord& operator[](std::uint32_t id) const {
        const std::size_t place = (id - 1) % capacity_;
        return blocks_[place / kBlock]->records[place % kBlock];
    }

    /// Id of the first record held, oldest first, for which `wanted` is true; 0: there is none.
    template <class F>
    std::uint32_t find_first(F wanted) const {
        if (capacity_ == 0) return 0;
        for (std::uint32_t id = first(); id <= count_;) {
            // One block after the other: no division per record.
            const std::size_t place = (id - 1) % capacity_, inside = place % kBlock;
            const std::size_t here = std::min<std::size_t>(
                {kBlock - inside, capacity_ - place, std::size_t{count_ - id} + 1});
            const TraceRecord* const r = &blocks_[place / kBlock]->records[inside];
            for (std::size_t i = 0; i < here; ++i)
                if (wanted(r[i])) return id + static_cast<std::uint32_t>(i);
            id += static_cast<std::uint32_t>(here);
        }
        return 0;
    }
    /// Calls f for every record held, oldest first.
    template <class F>
    void for_each(F f) const {
        find_first([&](const TraceRecord& r) {
            f(r);
            return false;
        });
    }

    /// Called with every record, for triggers and checkers. One observer.
    void observe(std::function<void(std::uint32_t id, const TraceRecord&)> f) {
        observer_ = std::move(f);
    }

private:
    /// Goes on to the next block of the ring, made when it is first needed: a long ring costs what
    /// was written to it, and growing it moves nothing.
    [[gnu::noinline]] void turn_over() {
        if (capacity_ == 0) {  // the next record goes where the last one went
            next_ = &unkept_;
            end_ = next_ + 1;
            return;
        }
        const std::size_t block = count_ % capacity_ / kBlock;
        if (block == blocks_.size()) blocks_.push_back(std::make_unique<Block>());
        next_ = blocks_[block]->records.data();
        end_ = next_ + std::min(kBlock, capacity_ - block * kBlock);
    }
    /// A copy: what the observer sets off leaves records of its own, and the ring may be small.
    [[gnu::noinline]] void tell(std::uint32_t id, TraceRecord record) { observer_(id, record); }
    static constexpr std::size_t kBlock = 4096;  // records
    struct Block {
        Block() {}  // the records stay unwritten until their turn
        union {
            std::array<TraceRecord, kBlock> records;
        };
    };

    Agenda& agenda_;
    std::size_t capacity_;
    std::vector<std::unique_ptr<Block>> blocks_;
    TraceRecord* next_ = nullptr;  // where the next record goes, and the end of that block
    TraceRecord* end_ = nullptr;
    TraceRecord unkept_{};  // the only one with capacity 0
    std::uint32_t count_ = 0;
    std::function<void(std::uint32_t, const TraceRecord&)> observer_;
};

/// Texts by number, so that records stay fixed-size. Number 0 is the empty text.
class Names {
public:
    Names() { intern(""); }
    std::uint32_t intern(std::string_view text) {
        if (const auto it = ids_.find(std::string(text)); it != ids_.end()) return it->second;
        texts_.emplace_back(text);
        ids_.emplace(texts_.back(), static_cast<std::uint32_t>(texts_.size() - 1));
        return static_cast<std::uint32_t>(texts_.size() - 1);
    }
    const std::string& operator[](std::uint32_t id) const { return texts_[id]; }

private:
    std::vector<std::string> texts_;
    std::unordered_map<std::string, std::uint32_t> ids_;
};

}  // namespace mcemu
