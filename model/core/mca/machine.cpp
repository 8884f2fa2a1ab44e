#include "core/mca/machine.hpp"

#include <algorithm>

namespace mcemu::mca {

McaState::McaState(const CpuConfig& cpus, const McaConfig& mca)
    : cpus_(cpus),
      map_(cpus, mca),
      msrs_(cpus_, mca, map_),
      cr4_mce_(cpus.count(), 0, 1),
      online_(cpus.count(), true),
      online_count_(cpus.count()) {}

void McaState::reset(ResetKind kind) {
    msrs_.reset(kind);
    cr4_mce_.set_all(0);
}

void McaState::set_online(CpuId cpu, bool online) {
    if (online_[cpu] == online) return;
    online_[cpu] = online;
    online_count_ += online ? 1u : ~0u;
}

CpuId McaState::online_in(CpuId first, std::uint32_t count) const {
    for (CpuId cpu = first; cpu < first + count; ++cpu)
        if (online_[cpu]) return cpu;
    return first;
}

CpuId McaState::first_of_socket(std::uint32_t socket) const {
    const std::uint32_t per = map_.cpus_per(Scope::package);
    return online_in(socket * per, per);
}

std::vector<CpuId> McaState::cpus_with_valid_banks() const {
    std::vector<CpuId> cpus;
    banks().for_each_valid([&](CpuId logged_for, CpuId first, std::uint32_t count) {
        cpus.push_back(online_[logged_for] ? logged_for : online_in(first, count));
    });
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    return cpus;
}

bool McaState::local_allowed(CpuId cpu, std::uint32_t bank, ErrorClass error_class) const {
    return error_class == ErrorClass::srar && map_[bank].scope != Scope::package &&
           msrs_.lmce_enabled(cpu);
}

std::optional<Shutdown> McaState::take_broadcast(std::span<const Affected> affected) {
    if (cr4_mce_.any_without()) {
        CpuId cpu = 0;
        while (cr4_mce_.get(cpu) != 0) ++cpu;
        return Shutdown{cpu, ShutdownReason::cr4_mce_clear};
    }
    if (msrs_.mcg_status().any_with()) {
        CpuId cpu = 0;
        while (!in_machine_check(cpu)) ++cpu;
        return Shutdown{cpu, ShutdownReason::mcip_set};
    }
    msrs_.mcg_status().set_all(MCG_STATUS_RIPV | MCG_STATUS_MCIP);
    for (const Affected& a : affected) msrs_.mcg_status().set(a.cpu, a.mcg_status);
    return std::nullopt;
}

std::optional<Shutdown> McaState::take_local(const Affected& affected) {
    if (!cr4_mce(affected.cpu)) return Shutdown{affected.cpu, ShutdownReason::cr4_mce_clear};
    if (in_machine_check(affected.cpu)) return Shutdown{affected.cpu, ShutdownReason::mcip_set};
    msrs_.mcg_status().set(affected.cpu, affected.mcg_status);
    return std::nullopt;
}

std::optional<CpuId> McaState::cmci_target(CpuId cpu, std::uint32_t number) const {
    const auto listens = [&](CpuId c) { return online_[c] && !msrs_.cmci_masked(c); };
    if (const CpuId owner = bank(cpu, number).cmci_owner(); owner != kNoCpu && listens(owner))
        return owner;
    if (listens(cpu)) return cpu;
    const std::uint32_t per = map_.cpus_per(map_[number].scope);
    for (CpuId c = cpu / per * per; c < cpu / per * per + per; ++c)
        if (listens(c)) return c;
    return std::nullopt;
}

}  // namespace mcemu::mca
