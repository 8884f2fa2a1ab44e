#pragma once  // The _DSM functions of the NVDIMM root device and its modules (nvdimm.md 6, 9).
#include <cstdint>
#include <optional>
#include <vector>

#include "core/config.hpp"
#include "core/kernel/nvdimm/badrange.hpp"
#include "core/kernel/platform.hpp"
#include "core/latency.hpp"
#include "core/pmem/ars.hpp"
#include "core/pmem/interleave.hpp"
#include "core/pmem/poison_list.hpp"
#include "core/pmem/smart.hpp"

namespace mcemu::pmem {

/// Status words: the low half, and the extended half where a function gives it a meaning.
inline constexpr std::uint32_t kDsmSuccess = 0, kDsmNotSupported = 1, kDsmInvalidInput = 2,
                               kDsmHardwareError = 3,
                               kDsmFunctionSpecific = 6;
inline constexpr std::uint32_t kArsVolatile = 1u << 16, kArsPersistent = 2u << 16;  ///< ARS Cap
inline constexpr std::uint32_t kArsInProgress = 1u << 16, kArsNone = 2u << 16,
                               kArsStopped = 3u << 16;       ///< ARS Status
inline constexpr std::uint32_t kArsFlagKnownOnly = 1u << 1;  ///< Start ARS, flags
inline constexpr std::uint32_t kInjectNotify = 1u << 0;      ///< ARS Error Inject, options
inline constexpr std::uint32_t kNotifyUncorrectable = 0x81;  ///< of the root device
inline constexpr std::uint32_t kNotifyHealth = 0x81;         ///< of a module

/// The modules as their firmware reaches them, by index in MachineConfig::nvdimms.
class Modules {
public:
    virtual ~Modules() = default;
    virtual const PoisonList& poison(std::uint32_t nvdimm) const = 0;
    virtual void plant(std::uint32_t nvdimm, DpaRange range, std::uint8_t flags) = 0;
    virtual void heal(std::uint32_t nvdimm, DpaRange range) = 0;
    /// Enters poison into the module's own list: it is known from now on.
    virtual void list(std::uint32_t nvdimm, DpaRange range) = 0;
    virtual SmartHealth& health(std::uint32_t nvdimm) = 0;
};

/// ACPI notification that a call asks for: of the root device, or of a module.
struct Notification {
    std::uint32_t value = 0;
    int nvdimm = -1;
};

/// Answers calls at the time they are made; the caller spends DsmReply::delay.
class Firmware final : private ArsMedia {
public:
    struct Answer {
        kernel::DsmReply reply;
        std::optional<Notification> notify;
    };

    /// `machine`, `latency` and `modules` must live as long as this object. The modules are not
    /// touched before the first call.
    Firmware(const MachineConfig& machine, Latency& latency, Modules& modules);

    Answer call(const kernel::DsmRequest& request, SimTime now);

    /// To be called before any change of a module's poison that does not come from a call.
    void before_media_change(SimTime now) { ars_.advance(now); }
    /// False: none runs.
    bool stop_scrub(SimTime now) { return ars_.stop(now); }
    const Ars& ars() const { return ars_; }
    /// The records of a scrub of the region for known poison: maximal runs, as many as one answer
    /// holds.
    std::vector<SpaRange> known_poison(std::uint32_t region) const;
    Ars& ars() { return ars_; }

private:
    struct Region {
        InterleaveSet set;
        std::vector<std::uint32_t> nvdimms;          // by way
        std::vector<const PoisonList*> poison = {};  // by way; filled at the first use
        std::vector<const PoisonList*> stuck = {};
    };

    Answer ars_cap(SpaRange range);
    Answer ars_start(SpaRange range, std::uint32_t flags, SimTime now);
    Answer ars_status(SimTime now);
    Answer clear_error(SpaRange range, SimTime now);
    Answer inject_error(SpaRange range, std::uint32_t options, SimTime now);
    Answer inject_clear(SpaRange range, SimTime now);
    Answer inject_status();
    Answer translate_spa(std::uint64_t spa);
    Answer smart(int nvdimm);
    Answer smart_inject(const kernel::DsmRequest& request);
    Answer smart_threshold(int nvdimm);
    Answer smart_set_threshold(const kernel::DsmRequest& request);
    Answer latch_shutdown(const kernel::DsmRequest& request);
    /// Whether nfit_test's emulation answers for the region: it refuses some calls by errno.
    bool is_test(const Region& region) const;

    Answer answer(std::uint32_t status, Lat cost, std::uint64_t times = 1);
    /// The region that holds all of a range that is not empty.
    Region* region_of(SpaRange range);
    const Region& region_at(std::uint64_t spa) const;
    const std::vector<const PoisonList*>& poison(const Region& region) const;
    std::uint32_t clear_unit(const Region& region) const;
    std::uint64_t max_records(const Region& region) const;
    SimTime scan_time(const Region& region, SpaRange range) const;
    void heal(const Region& region, SpaRange range);
    bool is_module(int nvdimm) const;
    kernel::Badranges& injected();
    std::vector<kernel::ArsRecord> unmerged(const Region& region, SpaRange range);

    std::optional<SpaRange> next_run(std::uint64_t from, std::uint64_t end,
                                     bool known_only) const override;
    std::uint32_t handle_at(std::uint64_t spa) const override;
    void list(SpaRange found) override;
    SimTime record_cost() override;

    const MachineConfig& machine_;
    Latency& latency_;
    Modules& modules_;
    mutable std::vector<Region> regions_;
    std::vector<PoisonList> stuck_;  // by module
    // As nfit_test keeps what was injected, which is the kernel's own list (nvdimm.md 4.2).
    kernel::Badranges injected_;
    bool injected_known_ = false;
    Ars ars_;
};

}  // namespace mcemu::pmem
