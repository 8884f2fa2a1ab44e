#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {

Kernel::Kernel(const Scenario& s, Agenda& agenda, Trace& trace, Names& names, Latency& latency,
               Fates& fates, Platform& hw)
    : scenario(s),
      config(s.kernel),
      namespaces(s.machine.namespaces),
      log(agenda, trace, names),
      env{agenda, flows, trace, names, latency, fates, hw, log,
          kernel::profile(s.kernel.profile), config, s.machine, counters},
      workqueue(env),
      memory(s.machine, s.kernel_pages, config),
      direct_map(*this),
      memtypes(*this),
      nospec(*this),
      processes(*this, s),
      memory_failure(*this),
      libnvdimm(*this),
      ndctl_tool(*this),
      machine_check_core(*this),
      ghes_driver(*this) {}

Kernel::~Kernel() = default;

void Kernel::boot() {
    libnvdimm.attach();
    machine_check_core.start();
}

void Kernel::machine_check(const McDelivery& delivery) {
    machine_check_core.machine_check(delivery);
}

void Kernel::cmci(CpuId cpu) {
    ++counters.cmci;
    machine_check_core.cmci(cpu);
}

void Kernel::nfit_notify(std::uint32_t value, int nvdimm) { libnvdimm.nfit_notify(value, nvdimm); }

void Kernel::ghes(const CperEvent& record) { ghes_driver.report(record); }

Translation Kernel::page_walk(CpuId cpu, std::uint64_t va, bool user) const {
    // Canonical: bits 63 down to the top linear bit are all alike (SDM vol. 1, 3.3.7.1).
    const unsigned top = scenario.machine.cpus.la57 ? 56 : 47;
    const auto sign = static_cast<std::int64_t>(va << (63 - top)) >> (63 - top);
    if (static_cast<std::uint64_t>(sign) != va) {
        Translation none;
        none.canonical = false;
        return none;
    }
    if (va >> 63 == 0) return processes.page_walk(cpu, va);
    const auto spa = direct_map.physical(va);
    if (!spa || user) return {};
    const DirectMapEntry entry = direct_map.entry(pfn_of(*spa));
    Translation t;
    t.present = entry.present;
    t.user = false;
    t.cacheable = entry.mode != CacheMode::uc_minus && entry.mode != CacheMode::uc &&
                  entry.mode != CacheMode::wc;
    t.spa = *spa;
    t.shift = entry.shift;
    return t;
}

void Kernel::shutdown(CpuId) {
    // Shutdown of one logical processor resets the platform (SDM vol. 3A 6.15 #MC; mce.md 6.3).
    outcome = Outcome::shutdown;
    env.agenda.stop();
}

}  // namespace mcemu::kernel
