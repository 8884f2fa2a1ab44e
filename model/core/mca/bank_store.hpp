#pragma once  // All banks of all CPUs, allocated when first touched.
#include <array>
#include <cstdint>
#include <vector>

#include "core/mca/bank.hpp"
#include "core/mca/bank_map.hpp"
#include "core/mca/bank_snapshot.hpp"

namespace mcemu::mca {

/// Banks are kept per instance of their scope (a thread, a core, a package): CPUs of one instance
/// see one set of registers. Instances nobody has touched share default values of CTL and CTL2.
/// Which instances hold a valid error is kept beside, so that finding them never scans.
class BankStore {
public:
    explicit BankStore(const BankMap& map);

    /// The bank as `cpu` sees it; never touched banks read as their defaults.
    const Bank& at(CpuId cpu, std::uint32_t bank) const;

    LogResult log(CpuId cpu, std::uint32_t bank, const NewError& error, const Capabilities& has,
                  SimTime now);
    void set_record(CpuId cpu, std::uint32_t bank, std::uint32_t record);
    void set_ctl(CpuId cpu, std::uint32_t bank, std::uint64_t value);
    void set_ctl2(CpuId cpu, std::uint32_t bank, std::uint64_t value);
    void clear_status(CpuId cpu, std::uint32_t bank);
    void clear_addr(CpuId cpu, std::uint32_t bank);
    void clear_misc(CpuId cpu, std::uint32_t bank);

    // The same for every instance; costs the touched ones only.
    void set_ctl_all(std::uint32_t bank, std::uint64_t value);
    void set_ctl2_all(std::uint32_t bank, std::uint64_t value);
    void clear_status_all(std::uint32_t bank);
    void clear_addr_all(std::uint32_t bank);
    void clear_misc_all(std::uint32_t bank);
    /// Power-up: nothing was ever logged, CTL and CTL2 are 0.
    void clear();

    /// Banks with VAL set that `cpu` sees, as a mask.
    std::uint32_t valid_banks(CpuId cpu) const;
    /// Calls f(cpu the error was logged for, first CPU of the instance, CPUs in it) once per
    /// valid bank, in no useful order.
    template <class F>
    void for_each_valid(F f) const;
    /// Every bank that ever held an error, under the CPU its last error was logged for; rising.
    std::vector<BankSnapshot> snapshot() const;
    /// Instances allocated so far; for tests and memory figures.
    std::size_t touched_instances() const;

private:
    // All instances of one scope. A block is the banks of one instance, in rising bank number.
    struct Space {
        std::uint32_t cpus_per_instance = 1;
        std::vector<std::uint8_t> bank_numbers;  // of this scope
        std::vector<std::uint32_t> block_of;     // by instance; 0: none, else 1 + block
        std::vector<std::uint32_t> instance_of;  // by block
        std::vector<Bank> banks;                 // by block, slot
        std::vector<std::uint32_t> valid;        // by block: mask over bank numbers
        std::vector<std::uint32_t> live;         // instances with valid != 0, rising
    };
    struct Place {
        std::uint8_t space = 0, slot = 0;
    };

    Bank* find(CpuId cpu, std::uint32_t bank);
    Bank& touch(CpuId cpu, std::uint32_t bank);
    void note_valid(CpuId cpu, std::uint32_t bank, bool valid);
    void note_valid(Space& space, std::uint32_t block, std::uint32_t bank, bool valid);
    template <class F>
    void for_each_touched(std::uint32_t bank, F f);

    const BankMap& map_;
    std::array<Space, kScopeCount> spaces_;
    std::array<Place, kMaxBanks> places_{};
    std::vector<Bank> defaults_;  // by bank number
};

template <class F>
void BankStore::for_each_valid(F f) const {
    for (const Space& space : spaces_) {
        for (const std::uint32_t instance : space.live) {
            const std::uint32_t block = space.block_of[instance] - 1;
            for (std::size_t slot = 0; slot < space.bank_numbers.size(); ++slot) {
                if (!(space.valid[block] >> space.bank_numbers[slot] & 1)) continue;
                f(space.banks[block * space.bank_numbers.size() + slot].logged_for(),
                  instance * space.cpus_per_instance, space.cpus_per_instance);
            }
        }
    }
}

}  // namespace mcemu::mca
