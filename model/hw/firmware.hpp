#pragma once  // Platform firmware: _DSM calls, NFIT notifications, firmware-first records.
#include <cstdint>
#include <systemc>
#include <vector>

#include "core/agenda.hpp"
#include "core/fate.hpp"
#include "core/pmem/firmware.hpp"
#include "core/trace.hpp"
#include "wires/interfaces.hpp"
#include "wires/media_backdoor.hpp"

namespace mcemu::hw {

/// Thin shell around pmem::Firmware. Notifications and firmware-first records reach the kernel
/// after the time that the firmware takes for them.
///
/// Wiring: mailbox_out to Nvdimm::mailbox_in in the order of MachineConfig::nvdimms, and each
/// Nvdimm::watch_out to watch_in.
class Firmware final : public sc_core::sc_module,
                       public wires::FirmwareIf,
                       public wires::MediaWatchIf,
                       private pmem::Modules,
                       private AgendaTarget {
public:
    /// Subject of trace records about the root device, which is none of the modules.
    static constexpr std::uint32_t kRootDevice = ~std::uint32_t{0};

    sc_core::sc_export<wires::FirmwareIf> dsm_in{"dsm_in"};
    sc_core::sc_export<wires::MediaWatchIf> watch_in{"watch_in"};
    sc_core::sc_port<wires::FirmwareNotifyIf> notify_out{"notify_out"};
    sc_core::sc_port<wires::DimmMailboxIf, 0, sc_core::SC_ZERO_OR_MORE_BOUND> mailbox_out{
        "mailbox_out"};

    Firmware(const sc_core::sc_module_name& name, const MachineConfig& machine, Agenda& agenda,
             Trace& trace, Latency& latency, Fates& fates);

    /// As a new one for these modules would be.
    void restart(const MachineConfig& machine);

    // FirmwareIf
    kernel::DsmReply dsm(const kernel::DsmRequest& request) override;
    // MediaWatchIf
    void media_about_to_change() override { firmware_.before_media_change(agenda_.now()); }

    /// Firmware-first: the platform found this error; the kernel hears of it (APEI GHES) when the
    /// handler in system management mode is done.
    void report(const CperEvent& record);

    /// The scrub that runs ends here: what it has found can be read, and 0x82 tells the OS.
    void stop_scrub();
    /// Notifies the root device or a module, after fw.notify.
    void notify(const pmem::Notification& notification);

    const pmem::Ars& ars() const { return firmware_.ars(); }
    /// What a scrub of the region for known poison reports.
    std::vector<SpaRange> known_poison(std::uint32_t region) const {
        return firmware_.known_poison(region);
    }

private:
    enum class Step : std::uint32_t { ars, notify, ghes };

    // pmem::Modules
    const pmem::PoisonList& poison(std::uint32_t nvdimm) const override;
    void plant(std::uint32_t nvdimm, DpaRange range, std::uint8_t flags) override;
    void heal(std::uint32_t nvdimm, DpaRange range) override;
    void list(std::uint32_t nvdimm, DpaRange range) override;
    pmem::SmartHealth& health(std::uint32_t nvdimm) override;

    void on_agenda(std::uint64_t arg) override;
    void post(Step step, std::uint32_t value, SimTime at);
    void follow_ars();
    void decide_fate(const kernel::DsmReply& reply, std::uint32_t record);

    Agenda& agenda_;
    Trace& trace_;
    Latency& latency_;
    Fates& fates_;
    pmem::Firmware firmware_;
    std::uint64_t planted_ = 0;                      // bytes poisoned by the current call
    pmem::ArsState seen_ = pmem::ArsState::none;     // last state traced
    bool ars_posted_ = false;                        // an entry waits for the end of the scrub
    std::vector<pmem::Notification> notifications_;  // on their way, by arrival number
    std::vector<CperEvent> reports_;
};

}  // namespace mcemu::hw
