#include "core/pmem/smart.hpp"

namespace mcemu::pmem {
namespace {

constexpr std::uint16_t celsius(unsigned degrees) {
    return static_cast<std::uint16_t>(degrees * 16);
}

constexpr unsigned kControlSpares = 1u << 0, kControlMedia = 1u << 1, kControlController = 1u << 2;

// Valid bits of the payload: health, spares, life used, media and controller temperature,
// shutdown count, alarm flags, shutdown state. No AIT, PMIC and vendor data.
constexpr std::uint32_t kValid = 0x3f | 1u << 9 | 1u << 10;

constexpr int kHysteresis = 16;  // one degree Celsius (nvdimm.md 9.2)

/// 1/16 degree Celsius with its sign, which bit 15 of the raw value stands for.
constexpr int signed_of(std::uint16_t raw) {
    return (raw & 0x8000 ? -1 : 1) * (raw & 0x7fff);
}

/// Whether the alarm of a temperature stands, when it stood as `hot` says.
constexpr bool stays_hot(bool hot, std::uint16_t temperature, std::uint16_t threshold) {
    const int above = signed_of(temperature) - signed_of(threshold);
    return above >= 0 || (hot && above > -kHysteresis);
}

template <class T>
void put(std::vector<std::uint8_t>& bytes, std::size_t at, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        bytes[at + i] = static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i));
}

}  // namespace

SmartHealth::SmartHealth(NvdimmProfile profile, const SmartStart& start)
    : thresholds_(start.thresholds.value_or(SmartThresholds{})),
      latched_(true),
      health_(0),
      spares_(100),
      life_used_(0),
      alarm_flags_(0),
      temperature_(celsius(23)),
      controller_temperature_(celsius(25)),
      shutdown_count_(0) {
    if (profile == NvdimmProfile::test) {  // what nfit_test answers
        health_ = kHealthNonCritical;
        spares_ = 75;
        life_used_ = 5;
        alarm_flags_ = 3;
        shutdown_count_ = 42;
    }
    health_ = start.health.value_or(health_);
    spares_ = start.spares.value_or(spares_);
    life_used_ = start.life_used.value_or(life_used_);
    alarm_flags_ = start.alarm_flags.value_or(alarm_flags_);
    temperature_ = start.media_temperature.value_or(temperature_);
    controller_temperature_ = start.controller_temperature.value_or(controller_temperature_);
    shutdown_count_ = start.shutdown_count.value_or(shutdown_count_);
    shutdown_state_ = start.shutdown_state.value_or(shutdown_state_);
    unsafe_at_once_ = start.unsafe_shutdown_immediate;
    watch_temperatures();
}

SmartHealth::SmartHealth(const NvdimmConfig& config) : SmartHealth(config.profile, config.smart) {}

std::vector<std::uint8_t> SmartHealth::threshold_payload() const {
    std::vector<std::uint8_t> bytes(8);
    put(bytes, 0, thresholds_.control);
    bytes[2] = thresholds_.spares;
    put(bytes, 3, thresholds_.media_temperature);
    put(bytes, 5, thresholds_.controller_temperature);
    return bytes;
}

bool SmartHealth::trips(unsigned bit) const {
    if (!(thresholds_.control & bit)) return false;
    if (bit == kControlSpares) return spares() <= thresholds_.spares;
    return bit == kControlMedia ? media_hot_ : controller_hot_;
}

/// To be called whenever a temperature may have changed.
void SmartHealth::watch_temperatures() {
    media_hot_ = stays_hot(media_hot_, media_temperature(), thresholds_.media_temperature);
    controller_hot_ =
        stays_hot(controller_hot_, controller_temperature_, thresholds_.controller_temperature);
}

void SmartHealth::set_thresholds(const SmartThresholds& thresholds) {
    thresholds_ = thresholds;
    media_hot_ = controller_hot_ = false;
    watch_temperatures();
}

std::uint8_t SmartHealth::alarm_flags() const {
    std::uint8_t flags = alarm_flags_;
    for (const unsigned bit : {kControlSpares, kControlMedia, kControlController})
        if (trips(bit)) flags |= static_cast<std::uint8_t>(bit);
    return flags;
}

std::uint8_t SmartHealth::health() const { return injected_fatal_ ? kHealthFatal : health_; }

std::vector<std::uint8_t> SmartHealth::payload() const {
    std::vector<std::uint8_t> bytes(128);
    put(bytes, 0, kValid);
    bytes[8] = health();
    bytes[9] = spares();
    bytes[10] = life_used_;
    bytes[11] = alarm_flags();
    put(bytes, 12, media_temperature());
    put(bytes, 14, controller_temperature_);
    put(bytes, 16, shutdown_count_);
    bytes[31] = shutdown_state_;
    return bytes;
}

bool SmartHealth::inject(std::uint32_t flags, std::uint64_t temperature, std::uint64_t spares) {
    const std::uint32_t select = flags & kSmartFields;
    const std::uint32_t enable = flags >> kSmartEnableShift & kSmartFields;
    if (select == 0 || (flags & ~(kSmartFields | kSmartFields << kSmartEnableShift)) != 0)
        return false;
    const std::uint32_t set = select & enable;
    if (((set & kSmartMediaTemperature) && temperature > 0xffff) ||
        ((set & kSmartSpares) && spares > 100))
        return false;

    if (select & kSmartMediaTemperature) {
        injected_temperature_.reset();
        if (set & kSmartMediaTemperature)
            injected_temperature_ = static_cast<std::uint16_t>(temperature);
        watch_temperatures();
    }
    if (select & kSmartSpares) {
        injected_spares_.reset();
        if (set & kSmartSpares) injected_spares_ = static_cast<std::uint8_t>(spares);
    }
    if (select & kSmartFatal) {
        injected_fatal_ = (set & kSmartFatal) != 0;
        if (!injected_fatal_) health_ = kHealthNonCritical;  // off: health 1, as nfit_test does
    }
    if (select & kSmartUnsafeShutdown) {
        const bool unsafe = (set & kSmartUnsafeShutdown) != 0;
        unsafe_pending_ = unsafe && !unsafe_at_once_;
        if (unsafe && unsafe_at_once_) {  // as in nfit_test
            shutdown_state_ = 1;
            dirty_since_boot_ = true;
            ++shutdown_count_;
        } else if (!unsafe) {
            shutdown_state_ = 0;
            dirty_since_boot_ = false;
        }
    }
    return true;
}

bool SmartHealth::alarms() const {
    return trips(kControlSpares) || trips(kControlMedia) || trips(kControlController) ||
           health() > kHealthNonCritical || shutdown_state_ != 0;
}

void SmartHealth::dirty_shutdown() {
    shutdown_state_ = 1;
    dirty_since_boot_ = true;
    unsafe_pending_ = false;  // one shutdown counts once
    if (latched_) ++shutdown_count_;
}

SmartImage SmartHealth::snapshot() const {
    SmartImage image;
    image.health = health_;
    image.spares = spares_;
    image.life_used = life_used_;
    image.alarm_flags = alarm_flags_;
    image.temperature = temperature_;
    image.controller_temperature = controller_temperature_;
    image.shutdown_count = shutdown_count_ + (unsafe_pending_ && latched_ ? 1 : 0);
    image.dirty_shutdown = dirty_since_boot_ || unsafe_pending_;
    image.injected_spares = injected_spares_;
    image.injected_temperature = injected_temperature_;
    image.injected_fatal = injected_fatal_;
    image.thresholds = thresholds_;
    return image;
}

void SmartHealth::restore(const SmartImage& image) {
    health_ = image.health;
    spares_ = image.spares;
    life_used_ = image.life_used;
    alarm_flags_ = image.alarm_flags;
    temperature_ = image.temperature;
    controller_temperature_ = image.controller_temperature;
    shutdown_count_ = image.shutdown_count;
    shutdown_state_ = image.dirty_shutdown ? 1 : 0;
    dirty_since_boot_ = false;
    injected_spares_ = image.injected_spares;
    injected_temperature_ = image.injected_temperature;
    injected_fatal_ = image.injected_fatal;
    set_thresholds(image.thresholds);
}

}  // namespace mcemu::pmem
