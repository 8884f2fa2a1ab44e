#include "core/kernel/mce/machine_check.hpp"

#include <bit>
#include <charconv>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mce/cmci.hpp"
#include "core/kernel/mce/injector.hpp"
#include "core/kernel/mce/notifiers.hpp"
#include "core/kernel/mce/poll.hpp"
#include "core/kernel/mce/rendezvous.hpp"

namespace mcemu::kernel {
namespace {

using namespace mca;

constexpr std::uint64_t FEAT_CTL_LOCKED = 1u << 0;
constexpr std::uint64_t FEAT_CTL_LMCE_ENABLED = 1u << 20;
constexpr std::uint64_t MCG_EXT_CTL_LMCE_EN = 1u << 0;
/// __mcheck_cpu_init_generic(): what stands in the banks is logged, unless with nobootlog.
unsigned boot_flags(const Env& env) { return MCP_UC | (env.config.bootlog ? 0u : MCP_DONTLOG); }

constexpr std::uint64_t kCmciVector = 0xf9;  // THRESHOLD_APIC_VECTOR: fixed, not masked

}  // namespace

struct MachineCheck::State {
    explicit State(Kernel& kernel)
        : core(kernel),
          panic(core),
          notifiers(core, panic),
          poller(core),
          cmci(core, poller),
          rendezvous(core, panic),
          injector(core, poller, rendezvous) {
        core.process_records = [this](Context& ctx) { return notifiers.process(ctx); };
    }

    bool uses_cmci() const { return !core.env.config.cmci_disabled && !core.env.config.ignore_ce; }
    /// intel_init_lmce(): local machine checks, if firmware has allowed them for good.
    void enable_lmce(CpuId cpu);
    /// mcheck_cpu_init(): switches the banks on and takes the CMCIs that are free.
    void bring_up(CpuId cpu);

    MceCore core;
    Panic panic;
    Notifiers notifiers;
    Poller poller;
    Cmci cmci;
    Rendezvous rendezvous;
    Injector injector;
    bool initialised = false;
};

void MachineCheck::State::enable_lmce(CpuId cpu) {
    if (core.env.config.lmce_disabled) return;
    const std::uint64_t wanted = FEAT_CTL_LOCKED | FEAT_CTL_LMCE_ENABLED;
    const std::uint64_t both = MCG_SER_P | MCG_LMCE_P;
    if ((core.read(cpu, MSR_IA32_MCG_CAP) & both) != both) return;
    if ((core.read(cpu, MSR_IA32_FEATURE_CONTROL) & wanted) != wanted) return;
    const std::uint64_t value = core.read(cpu, MSR_IA32_MCG_EXT_CTL);
    core.env.hw.wrmsr(cpu, MSR_IA32_MCG_EXT_CTL, value | MCG_EXT_CTL_LMCE_EN);
}

void MachineCheck::State::bring_up(CpuId cpu) {
    enable_lmce(cpu);
    if (!uses_cmci()) return;
    cmci.discover(cpu);
    if (core.read(cpu, MSR_IA32_MCG_CAP) & MCG_CMCI_P)
        core.env.hw.wrmsr(cpu, MSR_LVT_CMCI, kCmciVector);
}

MachineCheck::MachineCheck(Kernel& kernel) : s_(std::make_unique<State>(kernel)) {}
MachineCheck::~MachineCheck() = default;

// Order of a correct OS (mce.md 2.10): what a previous life left, then the banks, then CMCI.
void MachineCheck::start() {
    MceCore& core = s_->core;
    Platform& hw = core.env.hw;
    const std::uint64_t cap = core.read(0, MSR_IA32_MCG_CAP);
    core.ser = cap & MCG_SER_P;
    core.banks = static_cast<std::uint32_t>(cap & 0xff);
    if (core.env.config.mce_off) return;  // mcheck_cpu_init() leaves the part as it is
    bool logged = false;
    for (const CpuId cpu : hw.cpus_with_valid_banks())
        logged =
            s_->poller.machine_check_poll(cpu, boot_flags(core.env), ~std::uint64_t{0}).logged ||
            logged;
    if (cap & MCG_CTL_P) hw.wrmsr_all(MSR_IA32_MCG_CTL, ~std::uint64_t{0});
    for (std::uint32_t bank = 0; bank < core.banks; ++bank)
        hw.wrmsr_all(msr_mci_ctl(bank), ~std::uint64_t{0});
    for (CpuId cpu = 0; cpu < hw.cpu_count(); ++cpu) s_->bring_up(cpu);
    s_->initialised = true;
    if (logged) core.schedule_work(0);
    s_->poller.arm();
}

void MachineCheck::machine_check(const McDelivery& delivery) {
    if (!s_->initialised) {
        s_->core.env.log.line(delivery.first, Line::int18_unexpected, delivery.first);
        return;
    }
    s_->rendezvous.machine_check(delivery);
}

void MachineCheck::cmci(CpuId cpu) {
    if (s_->initialised) s_->cmci.interrupt(cpu);
}

void MachineCheck::bank_latched(CpuId cpu) {
    if (s_->initialised) s_->poller.arm_for(cpu);
}

void MachineCheck::cpu_hotplug(CpuId cpu, bool online) {
    if (!online) {
        s_->cmci.clear(cpu);
        s_->core.set_online(cpu, false);
        s_->cmci.cpu_dead(cpu);
        return;
    }
    s_->core.set_online(cpu, true);
    s_->bring_up(cpu);
    s_->poller.arm_for(cpu);
}

// set_bank() and mce_restart() (arch/x86/kernel/cpu/mcheck/mce.c, v4.19; mce/core.c, v6.1): every
// CPU logs what its banks hold, then writes CTL anew and clears STATUS.
int MachineCheck::write_bank(std::string_view number, std::uint64_t ctl) {
    MceCore& core = s_->core;
    Platform& hw = core.env.hw;
    std::uint32_t bank = 0;
    const char* const end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, bank);
    if (parsed.ec != std::errc{} || parsed.ptr != end || bank >= core.banks) return -ENOENT;
    const std::uint64_t bit = std::uint64_t{1} << bank;
    core.examined = ctl != 0 ? core.examined | bit : core.examined & ~bit;
    bool logged = false;
    for (const CpuId cpu : hw.cpus_with_valid_banks()) {
        if (!core.online(cpu)) continue;
        logged =
            s_->poller.machine_check_poll(cpu, boot_flags(core.env), ~std::uint64_t{0}).logged ||
            logged;
        for (std::uint64_t left = core.valid_banks(cpu); left; left &= left - 1) {
            const auto lost = static_cast<std::uint32_t>(std::countr_zero(left));
            core.env.fates.mark(
                core.origin(cpu, lost), Fate::filtered, FateReason::bank_cleared,
                core.note_dropped(cpu, lost, mca::Severity::MCE_NO_SEVERITY, DropReason::bank_cleared));
            core.write(cpu, msr_mci_status(lost), 0);
        }
    }
    hw.wrmsr_all(msr_mci_ctl(bank), ctl);
    if (logged) core.schedule_work(0);
    s_->poller.restart();
    return 0;
}

// The handlers of the files in sysfs machinecheck/ and debugfs mce/: store_int_with_restart(),
// set_ignore_ce(), set_cmci_disabled(), fake_panic_set().
void MachineCheck::config_changed(std::string_view name) {
    State& s = *s_;
    if (name == "fake_panic") s.panic.reset_fake();
    if (name == "check_interval") s.poller.restart();
    if (name != "ignore_ce" && name != "cmci_disabled") return;
    for (CpuId cpu = 0; cpu < s.core.env.machine.cpus.count(); ++cpu) {
        if (!s.core.online(cpu)) continue;
        if (s.uses_cmci())
            s.cmci.discover(cpu);
        else
            s.cmci.clear(cpu);
    }
    s.poller.arm();
}

void MachineCheck::log(CpuId cpu, const mca::MceRecord& record) {
    if (s_->core.log(cpu, record)) s_->core.start_flow([&] { return s_->core.irq_work(cpu); });
}

void MachineCheck::inject(std::uint32_t event, const MceEvent& record) {
    s_->injector.inject(event, record);
}

const std::vector<LoggedRecord>& MachineCheck::records() const { return s_->core.history; }
const std::map<CpuId, InjectedRegisters>& MachineCheck::injected() const {
    return s_->core.injected;
}
const mca::SeverityGrader& MachineCheck::grader() const { return s_->core.grader; }

Task<bool> MachineCheck::wait_handled(Context& ctx) { return s_->rendezvous.wait_handled(ctx); }
bool MachineCheck::panicked() const { return s_->panic.panicked(); }
void MachineCheck::panic(CpuId cpu, std::uint32_t reason_name) {
    s_->panic.panic(cpu, reason_name);
}
void MachineCheck::add_taint(CpuId cpu) { s_->core.add_taint(cpu); }
void MachineCheck::lock_debugging_off() { s_->core.lock_debugging_off(); }

}  // namespace mcemu::kernel
