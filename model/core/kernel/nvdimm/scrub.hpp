#pragma once  // The kernel's side of Address Range Scrub (drivers/acpi/nfit/core.c; nvdimm.md 7.3).
#include <cstdint>
#include <vector>

#include "core/kernel/nvdimm/bus.hpp"

namespace mcemu::kernel {

/// One worker per bus that asks the firmware for scrubs and takes in what they find. It runs only
/// while something was asked for.
class Scrub {
public:
    Scrub(Kernel& kernel, NvdimmBus& bus);

    /// acpi_nfit_ars_rescan(): 0, -EBUSY (every range had been asked for), -ENOTTY (no range can).
    int rescan(bool full);
    /// What an answer of Query ARS Status means (nvdimm.md 6.3).
    static int status_error(const DsmReply& reply);
    bool busy() const { return running_; }
    /// Root reads the `scrub` attribute: while the worker waits longer than a second, it begins
    /// anew with one second, once per run of the worker (nvdimm.md 7.3).
    void privileged_read();
    /// Woken whenever the worker has run out of requests.
    WaitQueue idle;
    /// How often the worker ran out of requests: the `scrub` attribute.
    std::uint64_t count() const { return count_; }

private:
    struct Range {
        std::uint32_t region;
        bool short_wanted = false, long_wanted = false, failed = false;
    };
    Task<void> work();
    Task<int> query(Context& ctx);
    Task<int> start(Context& ctx, SpaRange range, bool known_only);
    Task<bool> start_next(Context& ctx);
    void take_records();
    void complete();
    SimTime back_off();
    Task<void> sleep(SimTime pause);
    Task<void> wake_after(std::uint32_t round, SimTime pause);

    Kernel& kernel_;
    NvdimmBus& bus_;
    std::vector<Range> ranges_;  // in the worker's order: the one started last is at the tail
    DsmReply status_;            // of the last query
    int scanning_ = -1;          // region of the kernel's own scan that has not completed
    bool valid_ = false;         // the results at hand are of a scan the kernel started
    bool running_ = false;
    SimTime interval_{};
    bool read_since_run_ = false;
    WaitQueue pause_;
    std::uint32_t round_ = 0;  // of the pause: an older one's end means nothing
    std::uint64_t count_ = 0;
};

}  // namespace mcemu::kernel
