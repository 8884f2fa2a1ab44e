#pragma once  // Which bank belongs to which unit of a processor, and who shares it.
#include <array>
#include <cstdint>

#include "core/config.hpp"

namespace mcemu::mca {

inline constexpr std::uint32_t kMaxBanks = 32;  ///< Intel: 0x400-0x47f, 0x280-0x29f

enum class Unit : std::uint8_t { ifu, dcu, dtlb, mlc, pcu, upi, iio, m2m, cha, imc, other };

/// Who sees the same registers.
enum class Scope : std::uint8_t { thread, core, package };
inline constexpr std::size_t kScopeCount = 3;

struct BankInfo {
    Unit unit = Unit::other;
    std::uint8_t number = 0;  ///< UPI, M2M, CHA slice group: which; iMC: channel of the socket
    Scope scope = Scope::package;
    bool cmci = true, addr = true, misc = true;  ///< CTL2 works, ADDR and MISC exist
};

/// The banks of one model. All of this is model-specific:
/// - Skylake-SP and Cascade Lake: mce.md section 7.
/// - Ice Lake-SP: units 4, 5, 7, 8 and 12-27 from the public decoders (mcelog and rasdaemon,
///   i10nm tables: four controllers with an M2M bank and three iMC banks each, of which two
///   channels exist); 0-3, 6, 9-11 as on Cascade Lake. It needs 28 banks to be whole.
/// - generic: what a virtual machine shows (QEMU): every bank private to its logical processor,
///   memory errors in bank 9.
/// With fewer banks than the model has, an error goes to the nearest unit that is left: from
/// iMC to M2M, from there and from the CHA to the highest bank.
class BankMap {
public:
    BankMap(const CpuConfig& cpus, const McaConfig& mca);

    std::uint32_t count() const { return count_; }
    const BankInfo& operator[](std::uint32_t bank) const { return banks_[bank]; }

    std::uint32_t ifu() const { return clamp(0); }
    std::uint32_t dcu() const { return clamp(1); }
    /// The mesh-to-memory and the controller bank of channel 0..5 (Ice Lake 0..7) of a socket.
    std::uint32_t m2m(std::uint32_t channel) const;
    std::uint32_t imc(std::uint32_t channel) const;
    /// The caching agent that serves the line at `spa`. How addresses are spread over the agents
    /// is not public; consecutive lines go to consecutive banks here.
    std::uint32_t cha(std::uint64_t spa) const;
    /// CCCC of a memory error code: the channel as its controller counts it.
    std::uint32_t channel_code(std::uint32_t channel) const { return channel % per_controller_; }

    std::uint32_t cpus() const { return cpus_; }
    std::uint32_t cpus_per(Scope scope) const { return per_[static_cast<std::size_t>(scope)]; }

private:
    std::uint32_t clamp(std::uint32_t bank) const { return bank < count_ ? bank : count_ - 1; }
    void set(std::uint32_t bank, BankInfo info) { banks_[bank] = info; }

    std::array<BankInfo, kMaxBanks> banks_{};
    std::uint32_t count_;
    std::uint32_t cpus_;
    std::array<std::uint32_t, kScopeCount> per_;
    std::uint32_t per_controller_ = 3;
    std::array<std::uint8_t, 8> m2m_{}, imc_{};  // by channel
    std::array<std::uint8_t, 3> cha_{};
};

}  // namespace mcemu::mca
