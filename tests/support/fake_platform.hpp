#pragma once  // A hardware without rules: every register and answer is what the test put there.
#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "core/kernel/platform.hpp"
#include "core/mca/status.hpp"

namespace mcemu::test {

/// Registers are plain cells (0 until set), banks belong to one CPU or to all (`share`), accesses
/// and firmware calls answer through the functions, and everything the kernel did is kept.
class FakePlatform : public kernel::Platform {
public:
    explicit FakePlatform(std::uint32_t cpus = 4, std::uint32_t banks = 20)
        : mcg_cap(mca::MCG_SER_P | mca::MCG_CMCI_P | banks), cpus_(cpus), banks_(banks) {}

    // ------------------------------------------------------------ what the test sets
    std::uint64_t mcg_cap;
    bool cmci = true;  ///< CTL2.CMCI_EN can be set
    std::map<std::pair<CpuId, std::uint32_t>, std::uint64_t> msrs;
    std::map<std::pair<CpuId, std::uint32_t>, std::uint32_t> origins;  ///< per (CPU, bank)
    std::map<CpuId, kernel::Frame> frames;
    /// Answers execute(); without it every access retires at once at spa = va.
    std::function<kernel::ExecResult(CpuId, const kernel::Instruction&)> on_execute;
    /// Answers dsm(); without it every call succeeds with empty output.
    std::function<kernel::DsmReply(const kernel::DsmRequest&)> on_dsm;
    bool clflush_ok = true;

    /// One bank for all CPUs, as a package-scope bank.
    void share(std::uint32_t bank) { shared_.push_back(bank); }
    void set(CpuId cpu, std::uint32_t msr, std::uint64_t value) {
        msrs[{owner(cpu, msr), msr}] = value;
    }
    std::uint64_t get(CpuId cpu, std::uint32_t msr) const {
        const auto it = msrs.find({owner(cpu, msr), msr});
        return it == msrs.end() ? 0 : it->second;
    }
    /// An error in a bank, with STATUS as given (VAL included).
    void latch(CpuId cpu, std::uint32_t bank, std::uint64_t status, std::uint64_t addr = 0,
               std::uint64_t misc = 0, std::uint32_t origin = 0) {
        set(cpu, mca::msr_mci_status(bank), status);
        set(cpu, mca::msr_mci_addr(bank), addr);
        set(cpu, mca::msr_mci_misc(bank), misc);
        origins[{owner(cpu, mca::msr_mci_status(bank)), bank}] = origin;
    }

    // ------------------------------------------------------------ what the kernel did
    std::vector<std::pair<CpuId, kernel::Frame>> contexts;
    std::vector<std::pair<CpuId, kernel::Instruction>> executed;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> flushed;  ///< va, bytes
    std::vector<kernel::DsmRequest> dsm_calls;
    std::map<std::pair<CpuId, unsigned>, std::uint64_t> registers;
    std::map<CpuId, bool> online;
    bool halted = false;
    std::size_t msr_reads = 0;  ///< cost of a scan

    // ------------------------------------------------------------ Platform
    std::uint32_t cpu_count() const override { return cpus_; }
    std::optional<std::uint64_t> rdmsr(CpuId cpu, std::uint32_t msr) override {
        ++msr_reads;
        if (msr == mca::MSR_IA32_MCG_CAP) return mcg_cap;
        return get(cpu, msr);
    }
    bool wrmsr(CpuId cpu, std::uint32_t msr, std::uint64_t value) override {
        const bool ctl2 = msr >= mca::MSR_IA32_MC0_CTL2 && msr < mca::MSR_IA32_MC0_CTL2 + banks_;
        set(cpu, msr, ctl2 && !cmci ? 0 : value);
        return true;
    }
    void wrmsr_all(std::uint32_t msr, std::uint64_t value) override {
        for (CpuId cpu = 0; cpu < cpus_; ++cpu) wrmsr(cpu, msr, value);
    }
    std::uint64_t valid_banks(CpuId cpu) const override {
        std::uint64_t mask = 0;
        for (std::uint32_t bank = 0; bank < banks_; ++bank)
            if (get(cpu, mca::msr_mci_status(bank)) & mca::MCI_STATUS_VAL) mask |= 1ull << bank;
        return mask;
    }
    std::vector<CpuId> cpus_with_valid_banks() const override {
        std::vector<CpuId> found;
        std::uint64_t shared_seen = 0;
        for (CpuId cpu = 0; cpu < cpus_; ++cpu) {
            const std::uint64_t mask = valid_banks(cpu) & ~shared_seen;
            if (mask) found.push_back(cpu);
            for (const std::uint32_t bank : shared_) shared_seen |= mask & (1ull << bank);
        }
        return found;
    }
    std::uint32_t bank_origin(CpuId cpu, std::uint32_t bank) const override {
        const auto it = origins.find({owner(cpu, mca::msr_mci_status(bank)), bank});
        return it == origins.end() ? 0 : it->second;
    }
    kernel::Frame frame(CpuId cpu) const override {
        const auto it = frames.find(cpu);
        return it == frames.end() ? kernel::Frame{} : it->second;
    }
    void set_context(CpuId cpu, kernel::Frame frame) override {
        frames[cpu] = frame;
        contexts.emplace_back(cpu, frame);
    }
    kernel::ExecResult execute(CpuId cpu, const kernel::Instruction& instruction) override {
        executed.emplace_back(cpu, instruction);
        if (on_execute) return on_execute(cpu, instruction);
        kernel::ExecResult r;
        r.spa = instruction.va;
        return r;
    }
    void set_register(CpuId cpu, unsigned slot, std::uint64_t va) override {
        registers[{cpu, slot}] = va;
    }
    bool clflush(CpuId, std::uint64_t va, std::uint64_t bytes) override {
        flushed.emplace_back(va, bytes);
        return clflush_ok;
    }
    kernel::DsmReply dsm(const kernel::DsmRequest& request) override {
        dsm_calls.push_back(request);
        return on_dsm ? on_dsm(request) : kernel::DsmReply{};
    }
    void set_online(CpuId cpu, bool is_online) override { online[cpu] = is_online; }
    void halt() override { halted = true; }

private:
    CpuId owner(CpuId cpu, std::uint32_t msr) const {
        const auto is_bank = [msr](std::uint32_t bank) {
            return (msr >= mca::msr_mci_ctl(bank) && msr <= mca::msr_mci_misc(bank)) ||
                   msr == mca::msr_mci_ctl2(bank);
        };
        return std::any_of(shared_.begin(), shared_.end(), is_bank) ? 0 : cpu;
    }
    std::uint32_t cpus_, banks_;
    std::vector<std::uint32_t> shared_;
};

}  // namespace mcemu::test
