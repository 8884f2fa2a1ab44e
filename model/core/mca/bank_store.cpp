#include "core/mca/bank_store.hpp"

#include <algorithm>
#include <tuple>

namespace mcemu::mca {

BankStore::BankStore(const BankMap& map) : map_(map) {
    for (std::size_t s = 0; s < kScopeCount; ++s)
        spaces_[s].cpus_per_instance = map.cpus_per(static_cast<Scope>(s));
    for (std::uint32_t bank = 0; bank < map.count(); ++bank) {
        const auto s = static_cast<std::size_t>(map[bank].scope);
        places_[bank] = {static_cast<std::uint8_t>(s),
                         static_cast<std::uint8_t>(spaces_[s].bank_numbers.size())};
        spaces_[s].bank_numbers.push_back(static_cast<std::uint8_t>(bank));
    }
    clear();
}

void BankStore::clear() {
    defaults_.assign(map_.count(), Bank{});
    for (Space& space : spaces_) {
        space.block_of.assign(
            space.bank_numbers.empty() ? 0 : map_.cpus() / space.cpus_per_instance, 0);
        space.instance_of.clear();
        space.banks.clear();
        space.valid.clear();
        space.live.clear();
    }
}

const Bank& BankStore::at(CpuId cpu, std::uint32_t bank) const {
    const Place place = places_[bank];
    const Space& space = spaces_[place.space];
    const std::uint32_t block = space.block_of[cpu / space.cpus_per_instance];
    return block == 0 ? defaults_[bank]
                      : space.banks[(block - 1) * space.bank_numbers.size() + place.slot];
}

Bank* BankStore::find(CpuId cpu, std::uint32_t bank) {
    const Place place = places_[bank];
    Space& space = spaces_[place.space];
    const std::uint32_t block = space.block_of[cpu / space.cpus_per_instance];
    return block == 0 ? nullptr
                      : &space.banks[(block - 1) * space.bank_numbers.size() + place.slot];
}

Bank& BankStore::touch(CpuId cpu, std::uint32_t bank) {
    if (Bank* found = find(cpu, bank)) return *found;
    const Place place = places_[bank];
    Space& space = spaces_[place.space];
    const std::uint32_t instance = cpu / space.cpus_per_instance;
    for (const std::uint8_t number : space.bank_numbers) space.banks.push_back(defaults_[number]);
    space.instance_of.push_back(instance);
    space.valid.push_back(0);
    space.block_of[instance] = static_cast<std::uint32_t>(space.instance_of.size());
    return *find(cpu, bank);
}

void BankStore::note_valid(Space& space, std::uint32_t block, std::uint32_t bank, bool valid) {
    const std::uint32_t before = space.valid[block];
    const std::uint32_t bit = 1u << bank;
    const std::uint32_t after = valid ? before | bit : before & ~bit;
    if (after == before) return;
    space.valid[block] = after;
    if ((after != 0) == (before != 0)) return;
    const std::uint32_t instance = space.instance_of[block];
    const auto at = std::lower_bound(space.live.begin(), space.live.end(), instance);
    if (after != 0)
        space.live.insert(at, instance);
    else
        space.live.erase(at);
}

void BankStore::note_valid(CpuId cpu, std::uint32_t bank, bool valid) {
    Space& space = spaces_[places_[bank].space];
    note_valid(space, space.block_of[cpu / space.cpus_per_instance] - 1, bank, valid);
}

LogResult BankStore::log(CpuId cpu, std::uint32_t bank, const NewError& error,
                         const Capabilities& has, SimTime now) {
    Bank& b = touch(cpu, bank);
    const LogResult r = b.log(error, has, now);
    if (r.latched) b.set_logged_for(cpu);
    note_valid(cpu, bank, b.valid());
    return r;
}

void BankStore::set_record(CpuId cpu, std::uint32_t bank, std::uint32_t record) {
    touch(cpu, bank).set_record(record);
}
void BankStore::set_ctl(CpuId cpu, std::uint32_t bank, std::uint64_t value) {
    if (at(cpu, bank).ctl() != value) touch(cpu, bank).set_ctl(value);
}
void BankStore::set_ctl2(CpuId cpu, std::uint32_t bank, std::uint64_t value) {
    if (at(cpu, bank).ctl2() != value) touch(cpu, bank).set_ctl2(value, cpu);
}
void BankStore::clear_status(CpuId cpu, std::uint32_t bank) {
    if (Bank* b = find(cpu, bank)) {
        b->clear_status();
        note_valid(cpu, bank, false);
    }
}
void BankStore::clear_addr(CpuId cpu, std::uint32_t bank) {
    if (Bank* b = find(cpu, bank)) b->clear_addr();
}
void BankStore::clear_misc(CpuId cpu, std::uint32_t bank) {
    if (Bank* b = find(cpu, bank)) b->clear_misc();
}

template <class F>
void BankStore::for_each_touched(std::uint32_t bank, F f) {
    const Place place = places_[bank];
    Space& space = spaces_[place.space];
    const std::size_t width = space.bank_numbers.size();
    for (std::uint32_t block = 0; block < space.instance_of.size(); ++block)
        f(space, block, space.banks[block * width + place.slot]);
}

void BankStore::set_ctl_all(std::uint32_t bank, std::uint64_t value) {
    defaults_[bank].set_ctl(value);
    for_each_touched(bank, [&](Space&, std::uint32_t, Bank& b) { b.set_ctl(value); });
}
void BankStore::set_ctl2_all(std::uint32_t bank, std::uint64_t value) {
    defaults_[bank].set_ctl2(value, kNoCpu);
    for_each_touched(bank, [&](Space&, std::uint32_t, Bank& b) { b.set_ctl2(value, kNoCpu); });
}
void BankStore::clear_status_all(std::uint32_t bank) {
    for_each_touched(bank, [&](Space& space, std::uint32_t block, Bank& b) {
        b.clear_status();
        note_valid(space, block, bank, false);
    });
}
void BankStore::clear_addr_all(std::uint32_t bank) {
    for_each_touched(bank, [](Space&, std::uint32_t, Bank& b) { b.clear_addr(); });
}
void BankStore::clear_misc_all(std::uint32_t bank) {
    for_each_touched(bank, [](Space&, std::uint32_t, Bank& b) { b.clear_misc(); });
}

std::uint32_t BankStore::valid_banks(CpuId cpu) const {
    std::uint32_t mask = 0;
    for (const Space& space : spaces_) {
        if (space.live.empty()) continue;
        if (const std::uint32_t block = space.block_of[cpu / space.cpus_per_instance])
            mask |= space.valid[block - 1];
    }
    return mask;
}

std::vector<BankSnapshot> BankStore::snapshot() const {
    std::vector<BankSnapshot> all;
    for (const Space& space : spaces_) {
        const std::size_t width = space.bank_numbers.size();
        for (std::uint32_t block = 0; block < space.instance_of.size(); ++block) {
            for (std::size_t slot = 0; slot < width; ++slot) {
                const Bank& b = space.banks[block * width + slot];
                if (!b.used()) continue;
                all.push_back(
                    {b.logged_for(), space.bank_numbers[slot], b.status(), b.addr(), b.misc()});
            }
        }
    }
    std::sort(all.begin(), all.end(), [](const BankSnapshot& a, const BankSnapshot& b) {
        return std::tie(a.cpu, a.bank) < std::tie(b.cpu, b.bank);
    });
    return all;
}

std::size_t BankStore::touched_instances() const {
    std::size_t n = 0;
    for (const Space& space : spaces_) n += space.instance_of.size();
    return n;
}

}  // namespace mcemu::mca
