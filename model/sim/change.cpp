#include "sim/change.hpp"

namespace mcemu::sim {
namespace {

/// One setting: true when it was changed.
template <class T>
bool take(T KernelConfig::*member, const KernelConfig& to, const KernelConfig& from,
          KernelConfig& now) {
    if (to.*member == from.*member) return false;
    now.*member = to.*member;
    return true;
}

}  // namespace

void apply(const Change& change, const Scenario& scenario, ChangeHands hands) {
    const KernelConfig &to = change.kernel, &from = scenario.kernel;
    KernelConfig& now = hands.kernel.config;
    const auto set = [&](auto member) { return take(member, to, from, now); };
    set(&KernelConfig::memory_failure_early_kill);
    set(&KernelConfig::memory_failure_recovery);
    set(&KernelConfig::tolerant);
    set(&KernelConfig::monarch_timeout_us);
    set(&KernelConfig::dont_log_ce);
    set(&KernelConfig::print_all);
    set(&KernelConfig::debugpat);
    set(&KernelConfig::decoy);
    set(&KernelConfig::sanitize_memtype);
    set(&KernelConfig::strict_4_19_0);
    set(&KernelConfig::strict_clflush_decoy);
    set(&KernelConfig::hw_error_scrub);
    set(&KernelConfig::mcsafe);
    set(&KernelConfig::tainted);
    // What the machine-check code must be told of, as by a write to its files.
    kernel::MachineCheck& machine_check = hands.kernel.machine_check_core;
    if (set(&KernelConfig::ignore_ce)) machine_check.config_changed("ignore_ce");
    if (set(&KernelConfig::cmci_disabled)) machine_check.config_changed("cmci_disabled");
    if (set(&KernelConfig::check_interval_s)) machine_check.config_changed("check_interval");
    if (set(&KernelConfig::fake_panic)) machine_check.config_changed("fake_panic");

    for (const auto& [which, how] : change.latency) hands.latency.set(which, how);
    for (const PoisonEvent& error : change.media) hands.media.plant(error);
}

}  // namespace mcemu::sim
