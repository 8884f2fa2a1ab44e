#include "core/latency.hpp"

#include <algorithm>
#include <limits>

#include "core/assert.hpp"
#include "core/detmath.hpp"

namespace mcemu {
namespace {

using namespace std::chrono_literals;

// Sources. "measured": published measurements of first-generation Optane on two-socket Cascade
// Lake (Izraelevitz et al. 2019, Yang et al. 2020). "estimate": no measurement is published;
// the value lies in the range that comparable hardware or code shows.
constexpr std::string_view kMeasured = "measured: Izraelevitz et al. 2019, Yang et al. 2020";
constexpr std::string_view kEstimate = "estimate";
constexpr std::string_view kPlaceholder = "estimate: kernel phase, no published measurement";
constexpr auto kPart = LatencyInfo::Use::part, kUnused = LatencyInfo::Use::unused;

// In the order of Lat. One entry per parameter.
constexpr std::array<LatencyInfo, kLatCount> kLatencies = {{
    {"dram.read", 101ns, "access", kMeasured, "Random DRAM read on the local socket, idle", kPart, "an access"},
    {"dram.write", 86ns, "access", kMeasured, "DRAM write until accepted by the controller (non-temporal store and fence)", kPart, "an access"},
    {"mem.remote_add", 70ns, "access", kMeasured, "Added to an access to memory of another socket", kPart, "an access"},
    {"pmem.read", 305ns, "access", kMeasured, "Random persistent-memory read that misses the DIMM's buffer"},
    {"pmem.write", 90ns, "access", kMeasured, "Persistent-memory write until inside the power-fail domain"},
    {"pmem.media_retry", 10us, "failed read", "estimate: 1 to 100 us of retries inside the DIMM", "The DIMM retries before it declares a line uncorrectable", kPart, "an access"},
    {"mem.poison_return", 10ns, "failed read", "estimate: 5 to 20 ns", "Poison found to poison in the core, beyond the read latency", kPart, "an access"},
    {"cxl.read", 200ns, "access", "measured: published range 170 to 400 ns", "Load from a local CXL type 3 device", kPart, "an access"},

    {"mc.detect", 100ns, "error", kEstimate, "Poison met or scrub find to error signal"},
    {"mc.bank_update", 50ns, "error", "estimate: 10 to 200 ns", "Detection to the record standing in the bank"},
    {"mc.retire", 50ns, "error", "estimate: 20 to 100 ns", "Retirement of the poisoned load to the machine-check microcode"},
    {"mc.microcode", 600ns, "exception", "estimate: 0.3 to 2 us", "Microcode and IDT to the first instruction of the handler"},
    {"mc.skew", 200ns, "CPU of the same socket", "estimate: 0.05 to 1 us", "Later arrival of a broadcast on another CPU of the socket"},
    {"mc.broadcast", 1us, "CPU of another socket", "derived: MCERR pulse of 16 clocks of 10 ns, link and sampling", "Later arrival of a broadcast on a CPU of another socket"},
    {"cmci.accept", 1us, "interrupt", "estimate: 0.1 to 10 us", "Corrected error logged to CMCI accepted by the local APIC"},
    {"cmci.handler", 700ns, "interrupt", "estimate: 0.3 to 3 us", "CMCI accepted to its handler running"},
    {"msr.core", 60ns, "RDMSR", "estimate: 30 to 100 ns", "Reading an MSR of a core bank", kUnused, "kernel.mc_prescan, kernel.mc_scan and kernel.poll"},
    {"msr.uncore", 400ns, "RDMSR", "estimate: 0.2 to 1 us", "Reading an MSR of an uncore bank", kUnused, "kernel.mc_prescan, kernel.mc_scan and kernel.poll"},
    {"cpu.clflush_page", 1500ns, "page", "estimate: 0.5 to 5 us", "CLFLUSH of the 64 lines of a page"},
    {"cpu.tlb_shootdown", 4us, "CPU", "estimate: 2 to 10 us", "TLB shoot-down of one remote CPU"},
    {"fw.smi", 100us, "SMI", "estimate: 20 to 500 us", "Entry to and exit from system management mode"},
    {"fw.handler", 5ms, "SMI", "estimate: 0.5 to 200 ms", "Firmware error handler in system management mode"},

    {"fw.dsm_call", 100us, "call", "estimate: 10 to 1000 us", "_DSM answered without an SMI: capabilities, status"},
    {"fw.dsm_smi", 1ms, "call", "estimate: 0.2 to 10 ms", "_DSM through an SMI: start, clear, inject, translate"},
    {"fw.clear_unit", 2us, "clear unit", kEstimate, "Each unit of a Clear Uncorrectable Error call", kPart, "fw.dsm_smi"},
    {"fw.ars_short", 10ms, "scrub", kEstimate, "A short address range scrub: known poison only", kPart, "a scrub"},
    {"fw.ars_record", 1us, "record", kEstimate, "Each record of an address range scrub", kPart, "a scrub"},
    {"fw.notify", 5ms, "notification", "estimate: 1 to 100 ms", "Firmware finds an error to the handler of notification 0x81", kPart, "a notification"},

    {"kernel.mc_entry", 1us, "CPU", kPlaceholder, "#MC handler from its vector to the bank scan"},
    {"kernel.mc_prescan", 200ns, "bank", kPlaceholder, "mce_no_way_out(): reading STATUS of a bank"},
    {"kernel.mc_scan", 300ns, "bank", kPlaceholder, "Own turn: reading and grading a bank"},
    {"kernel.mc_rdv_out", 1us, "rendezvous", kPlaceholder, "mce_end(): last CPU in to monarch's reset"},
    {"kernel.mc_grade", 1us, "rendezvous", kPlaceholder, "mce_reign(): the monarch grades what all CPUs found"},
    {"kernel.mc_dispose", 500ns, "CPU", kPlaceholder, "Clearing banks to MCG_STATUS = 0"},
    {"kernel.irq_work", 2us, "exception", kPlaceholder, "Interrupts on again to the work being scheduled"},
    {"kernel.mce_work", 50us, "start", kPlaceholder, "Work scheduled to the worker picking it up"},
    {"kernel.notifier", 5us, "notifier", kPlaceholder, "One decoder of the notifier chain"},
    {"kernel.mf_lock", 0ns, "call", kPlaceholder, "memory_failure(): taking a free page or entry lock"},
    {"kernel.mf_collect", 1us, "process", kPlaceholder, "memory_failure(): one process put on the kill list"},
    {"kernel.mf_unmap", 5us, "page", kPlaceholder, "memory_failure(): removing the page's mappings"},
    {"kernel.mf_unmap_cpu", 2us, "CPU", kPlaceholder, "memory_failure(): TLB flush of one more CPU while unmapping"},
    {"kernel.mf_kill", 2us, "process", kPlaceholder, "memory_failure(): one signal"},
    {"kernel.mf_result", 1us, "call", kPlaceholder, "memory_failure(): the action_result() line"},
    {"kernel.nospec", 20us, "page", kPlaceholder, "set_mce_nospec(), clear_mce_nospec(): changing the direct map"},
    {"kernel.nospec_split", 30us, "split", kPlaceholder, "Splitting a large page of the direct map"},
    {"kernel.ret_user", 1us, "return", kPlaceholder, "Exit to user mode until a signal is delivered"},
    {"kernel.refault", 2us, "fault", kPlaceholder, "A touch of an unmapped poisoned page to its outcome"},
    {"kernel.syscall", 200ns, "call", kEstimate, "System call entry"},
    {"kernel.fault", 1us, "fault", kEstimate, "A page fault that finds or makes a page"},
    {"kernel.bio", 2us, "request", kEstimate, "Submitting a block I/O request to its driver"},
    {"kernel.copy_page", 400ns, "page", kEstimate, "Copying one page between user memory and the kernel"},
    {"kernel.poll", 5us, "call", kEstimate, "machine_check_poll() of one CPU"},
    {"kernel.ghes", 10us, "record", kEstimate, "Taking a firmware-first error record from its buffer"},
    {"kernel.sched", 2us, "switch", kEstimate, "Waking a sleeping task until it runs", kUnused, "kernel.mce_work and kernel.ret_user"},

    {"cxl.write", 150ns, "access", "estimate: 100 to 300 ns", "Write to a local CXL type 3 device until it is accepted", kPart, "an access"},
    {"cxl.mailbox", 1ms, "command", "specification: a foreground command takes at most 2 s", "A command of a CXL device's mailbox"},
    {"dma.start", 1us, "transfer", "estimate: 0.5 to 5 us", "A driver's doorbell to the device's first request on the bus", kPart, "a transfer"},
    {"dma.line", 4ns, "line of 64 B", "derived: 16 GB/s of a x8 link of 16 GT/s", "Each cache line of a device's transfer", kPart, "a transfer"},
}};

struct Alias {
    std::string_view name;
    Lat which;
};
// Names that scenarios may use as well.
constexpr Alias kAliases[] = {{"kernel.unmap", Lat::kernel_mf_unmap}};

/// Rounds to the next picosecond; below zero is zero, beyond the range of SimTime its end.
SimTime to_time(double ps) {
    constexpr double kEnd = 0x1p63;
    if (!(ps > 0)) return SimTime::zero();
    if (ps >= kEnd) return SimTime{1ull << 63};
    const auto whole = static_cast<std::uint64_t>(ps);
    // Above 2^52 every double is whole; below, the fraction is exact.
    return SimTime{whole + (ps - static_cast<double>(whole) >= 0.5 ? 1 : 0)};
}

double to_double(SimTime t) { return static_cast<double>(t.count()); }

/// Strictly between 0 and 1, symmetric, and exact: 52 bits and a half.
double unit_interval(std::uint64_t bits) {
    return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
}

/// low + floor(bits / 2^64 * (number of values)).
SimTime uniform(SimTime low, SimTime high, std::uint64_t bits) {
    if (high <= low) return low;
    __extension__ using Wide = unsigned __int128;
    const Wide values = Wide{high.count() - low.count()} + 1;
    return SimTime{low.count() + static_cast<std::uint64_t>((values * bits) >> 64)};
}

/// Straight lines between the points of the table; constant beyond its ends.
SimTime empirical(const std::vector<std::pair<double, SimTime>>& table, double u) {
    if (table.empty()) return SimTime::zero();
    const auto above = std::find_if(table.begin(), table.end(),
                                    [u](const auto& point) { return point.first >= u; });
    if (above == table.begin()) return above->second;
    if (above == table.end()) return table.back().second;
    const auto below = std::prev(above);
    const double share = (u - below->first) / (above->first - below->first);
    const double from = to_double(below->second), to = to_double(above->second);
    return to_time(from + (to - from) * share);
}

}  // namespace

const LatencyInfo& latency_info(Lat which) {
    MCEMU_ASSERT(which < Lat::count_, std::to_string(static_cast<unsigned>(which)));
    return kLatencies[static_cast<std::size_t>(which)];
}

std::optional<Lat> find_latency(std::string_view name) {
    for (std::size_t i = 0; i < kLatCount; ++i)
        if (kLatencies[i].name == name) return static_cast<Lat>(i);
    for (const Alias& alias : kAliases)
        if (alias.name == name) return alias.which;
    return std::nullopt;
}

Latency::Latency(const Rng& rng) : rng_(rng) {
    for (std::size_t i = 0; i < kLatCount; ++i) how_[i].first = kLatencies[i].fallback;
}

void Latency::set(Lat which, Distribution how) { how_[index(which)] = std::move(how); }

SimTime Latency::sum(Lat which, std::uint64_t n) {
    SimTime total{};
    for (std::uint64_t i = 0; i < n; ++i) total += draw(which);
    return total;
}

SimTime Latency::sample(const Distribution& d, std::uint64_t bits) {
    switch (d.kind) {
        case Distribution::Kind::fixed:
            return d.first;
        case Distribution::Kind::uniform:
            return uniform(d.first, d.second, bits);
        case Distribution::Kind::normal:
            return to_time(to_double(d.first) +
                           to_double(d.second) * detmath::normal_quantile(unit_interval(bits)));
        case Distribution::Kind::lognormal: {
            if (d.first == SimTime::zero()) return SimTime::zero();
            const double sigma = detmath::log(to_double(d.second) / to_double(d.first)) /
                                 detmath::normal_quantile(d.percentile);
            const double z = detmath::normal_quantile(unit_interval(bits));
            return to_time(to_double(d.first) * detmath::exp(sigma * z));
        }
        case Distribution::Kind::exponential:
            return to_time(-to_double(d.first) * detmath::log(1 - unit_interval(bits)));
        case Distribution::Kind::empirical:
            return empirical(d.table, unit_interval(bits));
    }
    return SimTime::zero();
}

}  // namespace mcemu
