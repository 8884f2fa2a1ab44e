#pragma once  // Health of one module: the Intel family's SMART data (nvdimm.md 9).
#include <cstdint>
#include <optional>
#include <vector>

#include "core/config.hpp"
#include "core/pmem/image.hpp"

namespace mcemu::pmem {

/// Fields that Inject SMART (function 18) overrides, as the `flags` of a smart_inject call:
/// bits 0 to 3 select them, bits 8 to 11 in the same order say 1 override, 0 restore.
enum SmartField : std::uint32_t {
    kSmartMediaTemperature = 1u << 0,  ///< value: DsmRequest::address, 1/16 degree Celsius
    kSmartSpares = 1u << 1,            ///< value: DsmRequest::length, percent
    kSmartFatal = 1u << 2,
    kSmartUnsafeShutdown = 1u << 3,
};
inline constexpr unsigned kSmartEnableShift = 8;
inline constexpr std::uint32_t kSmartFields = 0xf;

/// Health bits of the payload.
inline constexpr std::uint8_t kHealthNonCritical = 1, kHealthCritical = 2, kHealthFatal = 4;

using mcemu::SmartThresholds;

class SmartHealth {
public:
    explicit SmartHealth(NvdimmProfile profile, const SmartStart& start = {});
    explicit SmartHealth(const NvdimmConfig& config);

    /// The 128 bytes that follow the status word, little-endian (nvdimm.md 9.1).
    std::vector<std::uint8_t> payload() const;

    /// Inject SMART. False when the arguments are no valid ones (status 2). An unsafe shutdown acts
    /// at once, or with SmartStart::unsafe_shutdown_immediate off when the machine goes off.
    bool inject(std::uint32_t flags, std::uint64_t temperature, std::uint64_t spares);
    /// Whether a health notification follows an injection: a threshold is crossed, health is
    /// worse than non-critical, or the last shutdown was dirty.
    bool alarms() const;

    const SmartThresholds& thresholds() const { return thresholds_; }
    /// Set Alarm Thresholds (function 17). Alarms are judged anew, without hysteresis.
    void set_thresholds(const SmartThresholds& thresholds);
    /// The answer of function 2 behind the status word.
    std::vector<std::uint8_t> threshold_payload() const;
    /// Latch System Shutdown Status (function 10): whether a dirty shutdown is counted.
    void latch(bool on) { latched_ = on; }
    bool latched() const { return latched_; }

    /// Power was lost before everything accepted had reached the media.
    void dirty_shutdown();

    /// What lasts when the machine goes off now; and the state of a module that comes on with it.
    SmartImage snapshot() const;
    void restore(const SmartImage& image);

    std::uint8_t health() const;
    std::uint8_t spares() const { return injected_spares_.value_or(spares_); }
    std::uint16_t media_temperature() const { return injected_temperature_.value_or(temperature_); }
    std::uint8_t life_used() const { return life_used_; }
    /// Bits of SmartThresholds::control: what the module began with, and alarms that stand now. A
    /// temperature raises its alarm at the threshold and ends it a whole degree below.
    std::uint8_t alarm_flags() const;
    std::uint16_t controller_temperature() const { return controller_temperature_; }
    std::uint8_t shutdown_state() const { return shutdown_state_; }
    std::uint32_t shutdown_count() const { return shutdown_count_; }

private:
    bool trips(unsigned bit) const;
    void watch_temperatures();

    SmartThresholds thresholds_;
    bool latched_ = true;
    std::uint8_t health_, spares_, life_used_, alarm_flags_;
    std::uint16_t temperature_, controller_temperature_;  // 1/16 degree Celsius, bit 15 negative
    std::uint32_t shutdown_count_;
    std::uint8_t shutdown_state_ = 0;
    bool dirty_since_boot_ = false;  // what the next boot reads as the state of this shutdown
    std::optional<std::uint8_t> injected_spares_;
    std::optional<std::uint16_t> injected_temperature_;
    bool injected_fatal_ = false;
    bool media_hot_ = false, controller_hot_ = false;  // alarms that stand
    bool unsafe_at_once_ = true;
    bool unsafe_pending_ = false;  // the next power-down will be a dirty one
};

}  // namespace mcemu::pmem
