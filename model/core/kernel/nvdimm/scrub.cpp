#include "core/kernel/nvdimm/scrub.hpp"

#include <algorithm>

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {
namespace {

using namespace std::chrono_literals;
constexpr SimTime kSecond = 1s;
constexpr SimTime kLongest = 1800s;
constexpr std::uint32_t kReturnKnownOnly = 1u << 1;  // Start flags: report known poison, no scan
constexpr std::uint32_t kHeader = 44, kRecord = 24;  // Query ARS Status payload, bytes

}  // namespace

Scrub::Scrub(Kernel& kernel, NvdimmBus& bus)
    : idle(kernel.env.agenda), kernel_(kernel), bus_(bus), pause_(kernel.env.agenda) {
    for (std::size_t i = 0; i < bus.regions().size(); ++i)
        ranges_.push_back({static_cast<std::uint32_t>(i)});
}

int Scrub::rescan(bool full) {
    const Env& env = kernel_.env;
    if (!env.config.nfit || !env.machine.clear_error_supported) return -ENOTTY;
    bool any = false, fresh = false;
    for (Range& r : ranges_) {
        if (r.failed) continue;
        bool& wanted = full ? r.long_wanted : r.short_wanted;
        any = true;
        fresh |= !wanted;
        wanted = true;
    }
    if (!any) return -ENOTTY;
    if (!fresh) return -EBUSY;
    if (!running_) {
        running_ = true;
        interval_ = kSecond;
        kernel_.env.flows.spawn([this] { return work(); });
    }
    return 0;
}

Task<void> Scrub::work() {
    Env& env = kernel_.env;
    Context ctx;
    ctx.worker = true;
    ctx.comm = env.names.intern("kworker/u4:1");
    ctx.pid = 46;
    for (;;) {
        read_since_run_ = false;
        const int status = co_await query(ctx);
        if (status == 0 || status == -ENOSPC) take_records();
        SimTime pause = kSecond;
        if (status == -EBUSY) {
            pause = back_off();
        } else if (status == -ENOSPC) {
            // The scan goes on where the answer was full. As in 6.1 this start does not make the
            // results valid: the records of the second batch are skipped as stale.
            const int restarted = co_await start(ctx, status_.restart, false);
            if (restarted == 0 && env.config.ars_continue_valid) valid_ = true;
            if (restarted != 0 && restarted != -EBUSY) scanning_ = -1;
        } else {
            complete();
            const bool more = co_await start_next(ctx);
            if (!more) break;
        }
        interval_ = pause;
        co_await sleep(pause);
    }
    running_ = false;
    ++count_;
    idle.wake_all();
}

// queue_delayed_work(), which mod_delayed_work() may bring forward.
Task<void> Scrub::sleep(SimTime pause) {
    Env& env = kernel_.env;
    if (pause <= kSecond) {  // nothing could come any earlier
        co_await delay(env.agenda, pause);
        co_return;
    }
    const std::uint32_t round = ++round_;
    env.flows.spawn([this, round, pause] { return wake_after(round, pause); });
    co_await pause_.wait();
    ++round_;
}

Task<void> Scrub::wake_after(std::uint32_t round, SimTime pause) {
    co_await delay(kernel_.env.agenda, pause);
    if (round == round_) pause_.wake_all();
}

void Scrub::privileged_read() {
    if (!running_ || read_since_run_) return;
    read_since_run_ = true;
    interval_ = kSecond;
    if (pause_.empty()) return;  // it runs, or waits no longer than a second
    const std::uint32_t round = ++round_;
    kernel_.env.flows.spawn([this, round] { return wake_after(round, kSecond); });
}

SimTime Scrub::back_off() { return std::min(kLongest, 2 * interval_); }

Task<int> Scrub::query(Context& ctx) {
    DsmRequest request;
    request.function = DsmEvent::Function::ars_status;
    status_ = co_await bus_.call(ctx, request);
    co_return status_error(status_);
}

int Scrub::status_error(const DsmReply& reply) {
    switch (reply.status) {
        case 0: return 0;
        case 1u << 16: return -EBUSY;
        case 2u << 16: return -EAGAIN;
        case 3u << 16: return reply.overflow && reply.out_length >= 40 ? -ENOSPC : 0;
        default: return -EIO;
    }
}

Task<int> Scrub::start(Context& ctx, SpaRange range, bool known_only) {
    DsmRequest request;
    request.function = DsmEvent::Function::ars_start;
    request.address = range.begin;
    request.length = range.size();
    request.flags = known_only ? kReturnKnownOnly : 0;
    const DsmReply reply = co_await bus_.call(ctx, request);
    const std::uint32_t low = reply.status & 0xffff;
    co_return low == 0 ? 0 : low == 6 ? -EBUSY : -EIO;
}

// Starts the first range with a request, short before long; false: nothing is left to do.
Task<bool> Scrub::start_next(Context& ctx) {
    for (std::size_t i = 0; i < ranges_.size();) {
        const Range wanted = ranges_[i];
        if (wanted.failed || (!wanted.short_wanted && !wanted.long_wanted)) {
            ++i;
            continue;
        }
        const SpaRange range = bus_.regions()[wanted.region].config->range;
        // A request that comes while the call is on its way counts as a new one: the kernel's waits
        // for the worker to let go of init_mutex.
        const auto bit = wanted.short_wanted ? &Range::short_wanted : &Range::long_wanted;
        ranges_[i].*bit = false;
        const int started = co_await start(ctx, range, wanted.short_wanted);
        if (started == -EBUSY) {
            ranges_[i].*bit = true;
            co_return true;
        }
        if (started != 0) {
            ranges_[i].failed = true;
            ++i;
            continue;
        }
        valid_ = true;
        scanning_ = static_cast<int>(wanted.region);
        std::rotate(ranges_.begin() + static_cast<std::ptrdiff_t>(i),
                    ranges_.begin() + static_cast<std::ptrdiff_t>(i) + 1, ranges_.end());
        co_return true;
    }
    co_return false;
}

void Scrub::take_records() {
    if (!valid_ || status_.out_length < kHeader) return;
    valid_ = false;
    const std::size_t complete_records = (status_.out_length - kHeader) / kRecord;
    const std::size_t usable = std::min(status_.records.size(), complete_records);
    for (std::size_t i = 0; i < usable; ++i)
        bus_.add_badrange(status_.records[i].spa, status_.records[i].length);
    status_.records = {};
}

// ars_complete(): a range is done when the reported area reaches its end.
void Scrub::complete() {
    if (scanning_ < 0) return;
    const SpaRange range = bus_.regions()[static_cast<std::size_t>(scanning_)].config->range;
    if (status_.covered.begin >= range.end || status_.covered.end < range.end) return;
    const auto region = static_cast<std::uint32_t>(scanning_);
    scanning_ = -1;
    bus_.revalidate_poison(region);
}

}  // namespace mcemu::kernel
