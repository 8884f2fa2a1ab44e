#include "core/mca/bank.hpp"

#include <algorithm>

namespace mcemu::mca {
namespace {

constexpr std::uint64_t kSticky = MCI_STATUS_S | MCI_STATUS_AR;
constexpr std::uint16_t kFilterBit = 0x1000;      // MCACOD bit 12
constexpr std::uint16_t kRunningCount = 0x3fff;   // CEC[13:0], STATUS[51:38]
constexpr std::uint16_t kCountOverflow = 0x4000;  // CEC[14], STATUS[52]: sticky
constexpr unsigned kYellow = 2;

constexpr bool uncorrected(std::uint64_t status) { return (status & MCI_STATUS_UC) != 0; }
constexpr bool enabled(std::uint64_t status) { return (status & MCI_STATUS_EN) != 0; }
constexpr bool corrupt(std::uint64_t status) { return (status & MCI_STATUS_PCC) != 0; }
constexpr unsigned threshold_status(std::uint64_t status) {
    return (status >> MCI_STATUS_TES_SHIFT) & 3;
}
constexpr std::uint16_t count_of(std::uint64_t status) {
    return static_cast<std::uint16_t>((status & MCI_STATUS_CEC_MASK) >> MCI_STATUS_CEC_SHIFT);
}

/// One more corrected error: 0x3fff wraps to 0 and sets the sticky bit.
constexpr std::uint16_t incremented(std::uint16_t count) {
    const auto running = static_cast<std::uint16_t>((count + 1) & kRunningCount);
    const bool wrapped = running == 0;
    return static_cast<std::uint16_t>(running | (count & kCountOverflow) |
                                      (wrapped ? kCountOverflow : 0));
}
constexpr std::uint16_t added(std::uint16_t count, unsigned errors) {
    const unsigned sum = (count & kRunningCount) + errors;
    return static_cast<std::uint16_t>((sum & kRunningCount) | (count & kCountOverflow) |
                                      (sum > kRunningCount ? kCountOverflow : 0));
}

/// UCNA, SRAO, SRAR in rising order.
constexpr int severity_rank(std::uint64_t status) {
    return (status & MCI_STATUS_AR) ? 2 : (status & MCI_STATUS_S) ? 1 : 0;
}

/// The filter bit speaks of a region of the structure, which the record does not name. The model
/// takes errors of the same code in the same page (or both without an address) as one region.
bool same_region(std::uint64_t first, std::uint64_t first_addr, std::uint64_t second,
                 std::uint64_t second_addr) {
    if ((mcacod(first) & MCACOD_MASK) != (mcacod(second) & MCACOD_MASK)) return false;
    if ((first ^ second) & MCI_STATUS_ADDRV) return false;
    return !(first & MCI_STATUS_ADDRV) || first_addr >> kPageShift == second_addr >> kPageShift;
}

/// Does the new error's data replace the older one's?
bool replaces(std::uint64_t newer, std::uint64_t older, const Capabilities& has, bool same_time) {
    if (uncorrected(newer) != uncorrected(older)) return uncorrected(newer);
    if (!uncorrected(newer) && has.tes) {
        const bool newer_yellow = threshold_status(newer) == kYellow;
        const bool older_yellow = threshold_status(older) == kYellow;
        if (newer_yellow != older_yellow) return newer_yellow;
    }
    if (enabled(newer) != enabled(older)) return enabled(newer);
    if (!uncorrected(newer)) return false;
    if (corrupt(newer) != corrupt(older)) return corrupt(newer);
    return same_time && has.ser && severity_rank(newer) > severity_rank(older);
}

/// 6.1 of mce.md: which classes raise #MC.
bool raises_machine_check(std::uint64_t status, ErrorClass error_class) {
    if (!enabled(status)) return false;
    return error_class == ErrorClass::fatal || error_class == ErrorClass::srar ||
           error_class == ErrorClass::srao || error_class == ErrorClass::uncorrected;
}

}  // namespace

void Bank::latch(const NewError& error, std::uint64_t status, SimTime now) {
    if (error.verbatim || (status & MCI_STATUS_ADDRV)) addr_ = error.addr;
    if (error.verbatim || (status & MCI_STATUS_MISCV)) misc_ = error.misc;
    status_ = status;  // last, so that VAL never covers half a record
    logged_at_ = now;
    origin_ = error.origin;
    record_ = 0;
    used_ = true;
}

LogResult Bank::log(const NewError& error, const Capabilities& has, SimTime now) {
    LogResult r;
    r.previous_status = status_;
    r.previous_origin = origin_;
    r.previous_record = record_;

    std::uint64_t fresh = error.status;
    if (!error.verbatim) {
        fresh &= ~(MCI_STATUS_OVER | MCI_STATUS_EN | (has.cmci ? MCI_STATUS_CEC_MASK : 0));
        fresh |= MCI_STATUS_VAL;
        if (ctl_ & error.enable) fresh |= MCI_STATUS_EN;
        if (!uncorrected(fresh) && has.cmci) fresh |= 1ull << MCI_STATUS_CEC_SHIFT;
    } else if (ctl_ == 0) {
        fresh &= ~MCI_STATUS_EN;
    }
    r.bank_disabled = ctl_ == 0 && (error.verbatim ? enabled(error.status) : error.enable != 0);
    r.new_status = fresh;
    r.error_class = classify(fresh, has.ser);
    r.machine_check = raises_machine_check(fresh, r.error_class);

    if (!(fresh & MCI_STATUS_VAL)) {
        r.what = Logged::ignored;
        r.latched = !valid();
        if (r.latched) {
            latch(error, fresh, now);
            observed_ = 0;
        }
        r.status = status_;
        return r;
    }

    const bool corrected = r.error_class == ErrorClass::corrected;
    if (valid() && corrected && !uncorrected(status_) && (mcacod(status_) & kFilterBit) &&
        same_region(status_, addr_, fresh, error.addr)) {
        r.what = Logged::filtered;
        r.status = status_;
        return r;
    }
    if (!valid()) observed_ = 0;

    // A record whose count field is 0 still stands for one corrected error.
    const unsigned corrected_errors =
        corrected ? std::max<unsigned>(1, error.verbatim && has.cmci ? count_of(fresh) : 1) : 0;
    if (has.cmci) {
        const std::uint64_t threshold = ctl2_ & MCI_CTL2_THRESHOLD;
        bool reached = false;
        for (unsigned i = 0; i < corrected_errors; ++i) {
            observed_ = incremented(observed_);
            reached = reached || (threshold != 0 && observed_ == threshold);
        }
        const bool at_once = r.error_class == ErrorClass::ucna;
        if (corrected || at_once) {
            if (!(ctl2_ & MCI_CTL2_CMCI_EN))
                r.cmci = CmciResult::disabled;
            else
                r.cmci = reached || at_once ? CmciResult::fired : CmciResult::below_threshold;
        }
    } else if (corrected || r.error_class == ErrorClass::ucna) {
        r.cmci = CmciResult::disabled;
    }

    if (!valid()) {
        r.what = Logged::stored;
        r.latched = true;
        latch(error, fresh, now);
        r.status = status_;
        return r;
    }

    const std::uint64_t older = status_;
    const bool take = replaces(fresh, older, has, now == logged_at_);
    std::uint64_t merged = take ? fresh : older;
    if (has.ser) {
        if (uncorrected(older)) merged |= older & kSticky;
        if (uncorrected(fresh)) merged |= fresh & kSticky;
    }
    merged |= (older | fresh) & MCI_STATUS_OVER;
    if (has.cmci) {
        const std::uint16_t count =
            added(count_of(older), corrected ? corrected_errors : count_of(fresh));
        merged = (merged & ~MCI_STATUS_CEC_MASK) | std::uint64_t{count} << MCI_STATUS_CEC_SHIFT;
        // Corrected after corrected: the count tells, unless it has overflowed.
        if (!corrected || uncorrected(older) || (count & kCountOverflow)) merged |= MCI_STATUS_OVER;
    } else {
        merged |= MCI_STATUS_OVER;
    }
    if (corrected && !take && (mcacod(fresh) & kFilterBit) && !uncorrected(older) &&
        same_region(older, addr_, fresh, error.addr))
        merged |= kFilterBit;

    if (take)
        latch(error, merged, now);
    else
        status_ = merged;
    r.what = take ? Logged::overwrote : Logged::kept;
    r.latched = take;
    r.status = status_;
    return r;
}

void Bank::set_ctl2(std::uint64_t value, CpuId by) {
    const bool was = (ctl2_ & MCI_CTL2_CMCI_EN) != 0, is = (value & MCI_CTL2_CMCI_EN) != 0;
    ctl2_ = static_cast<std::uint32_t>(value);
    if (!is)
        cmci_owner_ = kNoCpu;
    else if (!was)
        cmci_owner_ = by;
}

void Bank::clear_status() {
    status_ = 0;
    observed_ = 0;
    origin_ = 0;
    record_ = 0;
}

}  // namespace mcemu::mca
