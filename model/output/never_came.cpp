#include "output/never_came.hpp"

#include "output/words.hpp"

namespace mcemu::output {
namespace {

/// "machine.mca.lmce is true (node.json:8)": a setting, its value, and where it stands.
std::string setting(const std::string& pointer, const std::string& value, const SettingPlace& place) {
    std::string name = pointer.substr(1);
    for (char& c : name)
        if (c == '/') c = '.';
    const std::string where = place ? place(pointer) : std::string();
    return name + " is " + value + (where.empty() ? "" : " (" + where + ")");
}

bool any(const RunView& view, TraceKind kind, std::uint64_t a) {
    return view.trace.find_first(
               [&](const TraceRecord& r) { return r.kind == kind && r.a == a; }) != 0;
}

/// The phases in which CPUs wait for one another (kernel.md 1.5 to 1.8).
std::string no_rendezvous(const RunView& view, const SettingPlace& place) {
    if (view.scenario.kernel.monarch_timeout_us == 0)
        return "there is no rendezvous: " +
               setting("/kernel/boot/mce.monarch_timeout_us", "0", place);
    if (any(view, TraceKind::mc_raised, 1)) return "the rendezvous did not come so far";
    return view.scenario.machine.mca.lmce
               ? "the machine check was local: " + setting("/machine/mca/lmce", "true", place)
               : std::string("the machine check was delivered to one CPU: it is not broadcast");
}

std::string no_machine_check(const RunView& view, const SettingPlace& place) {
    if (view.kernel.counters.machine_checks != 0) return {};
    if (view.scenario.kernel.mce_off)
        return "machine checks are off: " + setting("/kernel/boot/mce", "off", place);
    return "no machine check was taken";
}

std::string no_cmci(const RunView& view, const SettingPlace& place) {
    if (!view.scenario.machine.mca.cmci)
        return "the processors have no CMCI: " + setting("/machine/mca/cmci", "false", place);
    if (view.scenario.kernel.cmci_disabled)
        return "CMCI is off: " + setting("/kernel/boot/mce.cmci_disabled", "true", place);
    if (view.kernel.counters.cmci != 0) return {};
    const std::uint32_t threshold = view.scenario.machine.mca.cmci_threshold;
    if (!view.scenario.kernel.bios_cmci_threshold || threshold < 2) return "no CMCI was raised";
    return "no CMCI was raised: " +
           setting("/machine/mca/cmci_threshold", std::to_string(threshold), place) +
           ", and kernel.boot.mce keeps it (bios_cmci_threshold)";
}

}  // namespace

std::string why_no_phase(const RunView& view, Lat which, const SettingPlace& place) {
    const kernel::Counters& c = view.kernel.counters;
    switch (which) {
        case Lat::mc_skew:
        case Lat::mc_broadcast:
        case Lat::kernel_mc_rdv_out:
        case Lat::kernel_mc_grade: {
            const std::string none = no_machine_check(view, place);
            return none.empty() ? no_rendezvous(view, place) : none;
        }
        case Lat::mc_retire:
        case Lat::mc_microcode:
        case Lat::kernel_mc_entry:
        case Lat::kernel_mc_prescan:
        case Lat::kernel_mc_scan:
        case Lat::kernel_mc_dispose:
            return no_machine_check(view, place);
        case Lat::cmci_accept:
        case Lat::cmci_handler:
            return no_cmci(view, place);
        case Lat::kernel_mce_work:
        case Lat::kernel_notifier:
        case Lat::kernel_irq_work:
            return c.records == 0 ? "the kernel made no record" : "";
        case Lat::kernel_mf_lock:
        case Lat::kernel_mf_collect:
        case Lat::kernel_mf_unmap:
        case Lat::kernel_mf_unmap_cpu:
        case Lat::kernel_mf_kill:
        case Lat::kernel_mf_result:
            return c.memory_failures == 0 ? "memory_failure() was not called" : "";
        case Lat::kernel_poll:
            return c.polls == 0 ? "no poll found a record" : "";
        case Lat::kernel_ret_user:
            return c.signals == 0 ? "no signal was sent" : "";
        default:
            return {};
    }
}

std::string how_near(const Condition& counter, std::optional<std::int64_t> nearest) {
    if (!nearest || counter.off_by(*nearest) == 0) return {};
    const bool low = *nearest < counter.min;
    return std::string(word(static_cast<CounterName>(counter.number))) + " reached " +
           std::to_string(*nearest) + (low ? " at most, min is " : " at least, max is ") +
           std::to_string(low ? counter.min : counter.max);
}

}  // namespace mcemu::output
