#include "core/mca/bank_map.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace mcemu::mca {

BankMap::BankMap(const CpuConfig& cpus, const McaConfig& mca)
    : count_(mca.banks), cpus_(cpus.count()), per_{1, cpus.threads, cpus.cores * cpus.threads} {
    if (mca.banks == 0 || mca.banks > kMaxBanks)
        throw std::invalid_argument("BankMap: " + std::to_string(mca.banks) +
                                    " banks, at least 1 and at most 32 exist");
    if (cpus_ == 0) throw std::invalid_argument("BankMap: no processors");

    const auto unit = [](Unit u, unsigned number, Scope scope) {
        return BankInfo{u, static_cast<std::uint8_t>(number), scope};
    };
    if (cpus.model == CpuModel::generic) {
        per_controller_ = 6;
        for (std::uint32_t b = 0; b < kMaxBanks; ++b) set(b, unit(Unit::other, 0, Scope::thread));
        m2m_.fill(9);
        imc_.fill(9);
        cha_.fill(9);
        set(9, unit(Unit::imc, 0, Scope::thread));
        set(0, unit(Unit::ifu, 0, Scope::thread));
        set(1, unit(Unit::dcu, 0, Scope::thread));
        return;
    }

    set(0, unit(Unit::ifu, 0, Scope::core));
    set(1, unit(Unit::dcu, 0, Scope::core));
    set(2, unit(Unit::dtlb, 0, Scope::core));
    set(3, unit(Unit::mlc, 0, Scope::core));
    set(4, unit(Unit::pcu, 0, Scope::package));
    set(5, unit(Unit::upi, 0, Scope::package));
    set(6, unit(Unit::iio, 0, Scope::package));
    for (unsigned i = 0; i < 3; ++i) {
        cha_[i] = static_cast<std::uint8_t>(9 + i);
        set(9 + i, unit(Unit::cha, i, Scope::package));
    }
    if (cpus.model == CpuModel::icelake_sp) {
        per_controller_ = 2;
        set(7, unit(Unit::upi, 1, Scope::package));
        set(8, unit(Unit::upi, 2, Scope::package));
        for (unsigned controller = 0; controller < 4; ++controller) {
            const unsigned m2m_bank = 12 + 4 * controller;
            set(m2m_bank, unit(Unit::m2m, controller, Scope::package));
            for (unsigned channel = 0; channel < 2; ++channel) {
                const unsigned c = 2 * controller + channel;
                m2m_[c] = static_cast<std::uint8_t>(m2m_bank);
                imc_[c] = static_cast<std::uint8_t>(m2m_bank + 1 + channel);
                set(imc_[c], unit(Unit::imc, c, Scope::package));
            }
        }
        return;
    }
    set(12, unit(Unit::upi, 1, Scope::package));
    set(19, unit(Unit::upi, 2, Scope::package));
    set(7, unit(Unit::m2m, 0, Scope::package));
    set(8, unit(Unit::m2m, 1, Scope::package));
    constexpr std::array<std::uint8_t, 6> kImc{13, 14, 17, 15, 16, 18};
    for (unsigned c = 0; c < m2m_.size(); ++c) {
        m2m_[c] = static_cast<std::uint8_t>(c % 6 < 3 ? 7 : 8);
        imc_[c] = kImc[c % 6];
    }
    for (unsigned c = 0; c < kImc.size(); ++c) set(kImc[c], unit(Unit::imc, c, Scope::package));
}

std::uint32_t BankMap::m2m(std::uint32_t channel) const { return clamp(m2m_[channel % 8]); }

std::uint32_t BankMap::imc(std::uint32_t channel) const {
    const std::uint32_t bank = imc_[channel % 8];
    return bank < count_ ? bank : m2m(channel);
}

std::uint32_t BankMap::cha(std::uint64_t spa) const {
    return clamp(cha_[spa / kLineSize % cha_.size()]);
}

}  // namespace mcemu::mca
