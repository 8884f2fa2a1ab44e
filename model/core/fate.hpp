#pragma once  // What became of every injected event: exactly one fate each.
#include <cstdint>
#include <optional>
#include <vector>

#include "core/agenda.hpp"
#include "core/units.hpp"

namespace mcemu {

/// In rising precedence: a later finding replaces an earlier one only when it is higher.
enum class Fate : std::uint8_t { none, latent, filtered, overwritten, logged, consumed, shutdown, panic };

/// Why an event was filtered, or how it came to its fate; `because` in the result.
enum class FateReason : std::uint8_t {
    none,
    en_clear,             ///< STATUS.EN = 0: cleared by the #MC handler, never logged
    no_such_cpu, no_such_bank, bank_disabled,
    threshold_not_reached,///< corrected count below CTL2's threshold
    cmci_disabled,        ///< nobody was told; the record waits for a poll
    left_in_bank,         ///< the handler left it, no poll came
    val_clear,            ///< STATUS.VAL is 0: to the kernel the bank is empty
    bank_cleared,         ///< somebody cleared the bank, and the record in it unread
    nobody_looked,        ///< poison still in the media
    media_cleared,        ///< healed before anybody met it
    no_such_page,         ///< memory outside kernel control
    already_poisoned, pool_full, filtered_by_kernel, filter_rejected,
    by_newer_error,       ///< overwritten: `other` is the event that did it
    lost_to_older_error,  ///< data not kept because the bank was full: `other` holds the bank
    memory_failure,       ///< consumed: memory_failure() acted on it
    signalled,            ///< consumed: a process was signalled
    driver_error,         ///< consumed: a driver's copy met it and returned an error
    dma_error,            ///< consumed: a device's read met it, and the transfer failed
    kernel_record,        ///< logged
    machine_check_shutdown, mcip_set, cr4_mce_clear,
    kernel_panic,
    not_injected,         ///< the event injects nothing (a load, a system call): no fate
    never_triggered,      ///< the event's trigger never came
    syscall_failed,
};

struct EventFate {
    Fate fate = Fate::none;
    FateReason reason = FateReason::none;
    std::uint32_t cause = 0;  ///< trace id of the record that decided it
    std::uint32_t other = 0;  ///< 1 + index of the other event, 0 none
    bool injects = false;     ///< this event must end in a fate
    bool provisional = false; ///< what is so for now: a later finding of the same fate is better
    std::uint32_t lost = 0;   ///< how many of its records found the kernel's pool full
    /// never_triggered: how near a trigger that counts came (a counter, accesses).
    std::optional<std::int64_t> came_to{};
};

/// One entry per scenario event, index = origin - 1.
class Fates {
public:
    void resize(std::size_t events) { fates_.resize(events); }
    std::size_t size() const { return fates_.size(); }
    EventFate& operator[](std::size_t event) { return fates_[event]; }
    const EventFate& operator[](std::size_t event) const { return fates_[event]; }

    /// Notes what happened to the event `origin` (1-based; 0 is ignored): of equal fates the first
    /// final one stays.
    void mark(std::uint32_t origin, Fate fate, FateReason reason, std::uint32_t cause,
              std::uint32_t other = 0) {
        note(origin, fate, reason, cause, other, false);
    }
    /// Notes how things stand while the error waits (in a bank, in the media): any later finding
    /// of at least this fate replaces it.
    void mark_for_now(std::uint32_t origin, Fate fate, FateReason reason, std::uint32_t cause) {
        note(origin, fate, reason, cause, 0, true);
    }
    /// The fate of the event `origin` so far.
    Fate so_far(std::uint32_t origin) const {
        return origin == 0 || origin > fates_.size() ? Fate::none : fates_[origin - 1].fate;
    }

private:
    void note(std::uint32_t origin, Fate fate, FateReason reason, std::uint32_t cause,
              std::uint32_t other, bool provisional) {
        if (origin == 0 || origin > fates_.size()) return;
        EventFate& f = fates_[origin - 1];
        if (reason == FateReason::pool_full) ++f.lost;
        if (fate < f.fate) return;
        if (fate == f.fate && f.cause != 0 && !f.provisional) return;
        f.fate = fate;
        f.reason = reason;
        f.cause = cause;
        f.other = other;
        f.provisional = provisional;
    }

    std::vector<EventFate> fates_;
};

}  // namespace mcemu
