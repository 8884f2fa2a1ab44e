#pragma once  // Address Range Scrub: the firmware's scan for poison (nvdimm.md 7.1).
#include <cstdint>
#include <optional>
#include <vector>

#include "core/kernel/platform.hpp"
#include "core/pmem/poison_list.hpp"
#include "core/units.hpp"

namespace mcemu::pmem {

enum class ArsState : std::uint8_t {
    none,              ///< no scrub since boot: status 0x00020000
    running,           ///< 0x00010000
    stopped_overflow,  ///< the answer is full: 0x00030000 and the overflow flag
    stopped,           ///< ended early, results usable: 0x00030000
    done,              ///< 0
};

/// The media as the scan sees them, by SPA.
class ArsMedia {
public:
    virtual ~ArsMedia() = default;
    /// First maximal poisoned run in [from, end): of known poison only, or of all.
    virtual std::optional<SpaRange> next_run(std::uint64_t from, std::uint64_t end,
                                             bool known_only) const = 0;
    /// NFIT handle of the module that holds `spa`.
    virtual std::uint32_t handle_at(std::uint64_t spa) const = 0;
    /// The scan found this poison: from now on the modules know it.
    virtual void list(SpaRange found) = 0;
    /// Extra time for the next record.
    virtual SimTime record_cost() = 0;
};

/// The one scrub of an NVDIMM root device. Nothing runs between the calls: each call first brings
/// the scan to its time, at a cost proportional to the poisoned runs passed. Call advance() before
/// any change of the media, because poison planted ahead of the scan position is reported and
/// poison planted behind it is not.
class Ars {
public:
    explicit Ars(ArsMedia& media) : media_(media) {}

    struct Request {
        SpaRange range;
        SimTime scan_time{};            ///< of the whole range
        std::uint64_t max_records = 0;  ///< that one answer holds, at least 1
        bool known_only = false;        ///< flags bit 1: no scan, known poison after scan_time
        /// With known_only: these records, however many, instead of what the media know.
        std::optional<std::vector<kernel::ArsRecord>> known{};
    };
    /// False (status 6, nothing changes) while a scan is running.
    bool start(const Request& request, SimTime now);
    /// Brings the scan to `now`.
    void advance(SimTime now);
    /// The platform gives up early: results so far stay.
    bool stop(SimTime now);
    /// Platform reset: no scrub since boot.
    void reset();
    /// The lines were healed: results still held no longer name them. O(log n) but for what it
    /// meets.
    void forget(SpaRange healed);

    ArsState state() const { return state_; }
    /// When a running scan ends, as far as known: every further record delays it.
    SimTime finish_time() const { return start_ + request_.scan_time + stall_; }
    /// The results, rising; those that a request brought along in its own order.
    std::vector<kernel::ArsRecord> records() const;
    /// How many they are.
    std::size_t count() const { return request_.known ? request_.known->size() : found_.size(); }
    /// The part of the request that the records describe.
    SpaRange covered() const { return {request_.range.begin, position_}; }
    /// Whether it only returns what is known already.
    bool known_only() const { return request_.known_only; }
    /// Where to go on after an overflow.
    SpaRange restart() const { return {position_, request_.range.end}; }

private:
    std::uint64_t position_at(SimTime now) const;
    void overflow(std::uint64_t first_unreported);
    /// Where found_ counts from: results of a high region need no high numbers.
    std::uint64_t base() const { return round_down(request_.range.begin, kLineSize); }
    DpaRange inside(SpaRange range) const { return {range.begin - base(), range.end - base()}; }

    ArsMedia& media_;
    ArsState state_ = ArsState::none;
    Request request_;
    SimTime start_{};
    SimTime stall_{};             // time taken by records so far
    std::uint64_t position_ = 0;  // everything below has been scanned
    PoisonList found_;            // the results; touching runs are one record
};

}  // namespace mcemu::pmem
