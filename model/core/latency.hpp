#pragma once  // Every duration of the emulated machine: named, with default, distribution, source.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/rng.hpp"
#include "core/units.hpp"

namespace mcemu {

/// The latency parameters. Each has a row in kLatencies (latency.cpp) with name, default, unit
/// and source; `mcemu latencies` prints them.
enum class Lat : std::uint8_t {
    // memory and DIMMs (mce.md section 11, nvdimm.md section 16)
    mem_dram_read, mem_dram_write, mem_remote_add, mem_pmem_read, mem_pmem_write, mem_media_retry,
    mem_poison_return, mem_cxl_read,
    // machine-check hardware (mce.md section 11)
    mc_detect, mc_bank_update, mc_retire, mc_microcode, mc_skew, mc_broadcast,
    cmci_accept, cmci_handler, msr_core, msr_uncore, cpu_clflush_page, cpu_tlb_shootdown,
    smi, firmware_handler,
    // firmware calls (nvdimm.md section 16)
    fw_dsm_call, fw_dsm_smi, fw_clear_unit, fw_ars_short, fw_ars_record, fw_notify,
    // kernel phases (kernel.md section 6)
    kernel_mc_entry, kernel_mc_prescan, kernel_mc_scan, kernel_mc_rdv_out, kernel_mc_grade,
    kernel_mc_dispose, kernel_irq_work, kernel_mce_work, kernel_notifier, kernel_mf_lock,
    kernel_mf_collect, kernel_mf_unmap, kernel_mf_unmap_cpu, kernel_mf_kill, kernel_mf_result,
    kernel_nospec, kernel_nospec_split, kernel_ret_user, kernel_refault, kernel_syscall,
    kernel_fault, kernel_bio, kernel_copy_page, kernel_poll, kernel_ghes, kernel_sched,
    // CXL and bus masters: behind the others, whose random streams go by their number
    mem_cxl_write, cxl_mailbox, dma_start, dma_line,
    count_
};
inline constexpr std::size_t kLatCount = static_cast<std::size_t>(Lat::count_);

/// How a duration is drawn. All times in SimTime; every draw is at least zero.
struct Distribution {
    enum class Kind : std::uint8_t { fixed, uniform, normal, lognormal, exponential, empirical };
    Kind kind = Kind::fixed;
    SimTime first{};   ///< fixed: value; uniform: low; normal: mean; lognormal: median; exponential: mean
    SimTime second{};  ///< uniform: high (inclusive); normal: standard deviation; lognormal: the percentile's value
    double percentile = 0.99;                            ///< lognormal: which percentile `second` is, (0.5, 1)
    std::vector<std::pair<double, SimTime>> table = {};  ///< empirical: (cumulative share, value), rising
};

struct LatencyInfo {
    /// Where its time is seen: as a phase of its own, as a part of something longer, or nowhere
    /// because something else stands for it.
    enum class Use : std::uint8_t { phase, part, unused };
    std::string_view name;    ///< as in scenarios: "kernel.mf_unmap"
    SimTime fallback;         ///< default, a fixed value
    std::string_view per;     ///< what one draw stands for: "access", "bank", "process" ...
    std::string_view source;  ///< where the default comes from
    std::string_view meaning;
    Use use = Use::phase;
    std::string_view in = {};  ///< what it is a part of, or what stands for it
};
const LatencyInfo& latency_info(Lat which);
/// The parameter of that name, if any.
std::optional<Lat> find_latency(std::string_view name);

/// The parameters of one run. Draw n of parameter p is Rng(seed, stream p, n): adding a draw of
/// one parameter never changes another's.
class Latency {
public:
    explicit Latency(const Rng& rng);
    void set(Lat which, Distribution how);
    const Distribution& distribution(Lat which) const { return how_[index(which)]; }

    /// The next duration of `which`.
    SimTime draw(Lat which) {
        const Distribution& d = how_[index(which)];
        if (d.kind == Distribution::Kind::fixed) return d.first;
        return sample(d, rng_.bits(static_cast<std::uint32_t>(which), draws_[index(which)]++));
    }
    /// The sum of `n` draws (n times the value when fixed).
    SimTime draw(Lat which, std::uint64_t n) {
        const Distribution& d = how_[index(which)];
        return d.kind == Distribution::Kind::fixed ? d.first * n : sum(which, n);
    }

    /// The value at `bits` / 2^64 of the distribution: our own arithmetic, so that the bytes are
    /// the same with every C library.
    static SimTime sample(const Distribution& d, std::uint64_t bits);

private:
    SimTime sum(Lat which, std::uint64_t n);
    static std::size_t index(Lat which) { return static_cast<std::size_t>(which); }
    const Rng& rng_;
    std::array<Distribution, kLatCount> how_;
    std::array<std::uint64_t, kLatCount> draws_{};
};

}  // namespace mcemu
