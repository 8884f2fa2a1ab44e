#include "hw/nvdimm.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "hw/device_access.hpp"
#include "wires/sc_time.hpp"

namespace mcemu::hw {
namespace {

constexpr std::uint8_t kTemperatures = 6;      // alarms of media and controller
constexpr std::uint64_t kMediaLine = 256;  // internal ECC and write unit
// 256 B at 2.3 GB/s (nvdimm.md 16: measured write bandwidth of one module).
constexpr SimTime kMediaWrite{kMediaLine * 1'000'000 / 2300};

}  // namespace

Nvdimm::Nvdimm(const sc_core::sc_module_name& name, const NvdimmConfig& config, std::uint32_t index,
               const MediaContext& context)
    : sc_module(name),
      size_(config.size),
      stuck_(config.stuck),
      profile_(config.profile),
      heal_on_full_line_write_(config.heal_on_full_line_write),
      agenda_(context.agenda),
      latency_(context.latency),
      media_(context, Module::nvdimm, index, 0),
      health_(config) {
    mem_in.register_b_transport(this, &Nvdimm::b_transport);
    media_in.bind(*this);
    mailbox_in.bind(*this);
    media_.limit(config.max_poison);
    media_.load(config.poison);
    hot_ = health_.alarm_flags() & kTemperatures;
}

void Nvdimm::b_transport(tlm::tlm_generic_payload& trans, sc_core::sc_time& delay) {
    const DeviceAccess access(trans);
    MCEMU_ASSERT(access.range.end <= size_, std::to_string(access.range.end));
    trans.set_response_status(tlm::TLM_OK_RESPONSE);
    if (trans.is_read()) {
        delay += wires::to_sc_time(latency_.draw(Lat::mem_pmem_read));
        const auto run = media_.list().first_in(access.range);
        if (!run) return;
        // The module reads again and again before it gives up.
        delay += wires::to_sc_time(latency_.draw(Lat::mem_media_retry));
        const DpaRange line{run->range.begin, run->range.begin + kLineSize};
        if ((run->flags & pmem::kPoisonListed) == 0) media_.mark_listed(line);
        log_.media(true, agenda_.now(), line, pmem::ErrorLogEntry::Transaction::app_direct_read,
                   (run->flags & pmem::kPoisonInjected) != 0);
        access.answer_poisoned(*run);
        return;
    }
    delay += wires::to_sc_time(latency_.draw(Lat::mem_pmem_write));
    queue_write(access.range, agenda_.now() + wires::from_sc_time(delay));
    if (heal_on_full_line_write_ && access.replaces_lines()) heal(access.range);
}

std::uint64_t Nvdimm::plant(DpaRange range, std::uint32_t origin, std::uint8_t flags) {
    about_to_change();
    return media_.plant(range, origin, flags);
}

std::uint64_t Nvdimm::heal(DpaRange range) {
    if (!media_.list().first_in(range)) return 0;
    about_to_change();
    return media_.heal(range);
}

/// Only what it did not know is news to the module.
void Nvdimm::list(DpaRange range, ScrubEvent::Kind scrub) {
    using Transaction = pmem::ErrorLogEntry::Transaction;
    const auto how =
        scrub == ScrubEvent::Kind::patrol ? Transaction::patrol : Transaction::ars;
    for (const pmem::PoisonRun& run : media_.list().tagged(range))
        if ((run.flags & pmem::kPoisonListed) == 0)
            log_.media(false, agenda_.now(), run.range, how,
                       (run.flags & pmem::kPoisonInjected) != 0);
    media_.mark_listed(range);
}

void Nvdimm::health_changed() {
    const std::uint8_t hot = health_.alarm_flags() & kTemperatures;
    for (std::uint8_t bit = 1; bit != 0; bit = static_cast<std::uint8_t>(bit << 1)) {
        if ((hot & ~hot_ & bit) == 0) continue;
        pmem::ErrorLogEntry e;
        e.at = agenda_.now();
        e.kind = pmem::ErrorLogEntry::Kind::thermal;
        log_.add(health_.health() > pmem::kHealthNonCritical, e);
    }
    hot_ = hot;
}

pmem::ModuleImage Nvdimm::snapshot() const {
    pmem::ModuleImage image;
    // Whose event planted it is this run's business: runs that differ only in that become one.
    for (pmem::PoisonRun run : media_.list().tagged()) {
        run.origin = 0;
        if (!image.poison.empty() && image.poison.back().range.end == run.range.begin &&
            image.poison.back().flags == run.flags)
            image.poison.back().range.end = run.range.end;
        else
            image.poison.push_back(run);
    }
    image.stuck = stuck_;
    image.smart = health_.snapshot();
    image.map_flags = map_flags_;
    image.lost = lost_;
    return image;
}

void Nvdimm::restore(const pmem::ModuleImage& image) {
    media_.restore(image.poison);
    health_.restore(image.smart);
}

/// The media writes one line after the other, in the order of acceptance.
void Nvdimm::queue_write(DpaRange range, SimTime accepted) {
    const DpaRange lines{round_down(range.begin, kMediaLine), round_up(range.end, kMediaLine)};
    const SimTime begin = std::max(accepted, media_free_);
    media_free_ = begin + lines.size() / kMediaLine * kMediaWrite;
    buffer_[next_write_] = {range, lines, begin, media_free_};
    next_write_ = (next_write_ + 1) % buffer_.size();
}

/// With the energy reserve everything accepted reaches the media. Without it, the shutdown is
/// dirty, and the media line that was being written is left without valid ECC (nvdimm.md 10).
/// An NVDIMM-N writes no media while it runs: it loses data, not lines. When its SAVE fails, too,
/// all that it held.
void Nvdimm::power_fail(const PowerFailEvent& how) {
    const bool energy_backed = profile_ == NvdimmProfile::nvdimm_n;
    if (how.save_fails && energy_backed) map_flags_ |= kMapSaveFail;
    if (!how.adr_fails) return;
    health_.dirty_shutdown();
    map_flags_ |= kMapFlushFail;
    const SimTime now = agenda_.now();
    for (const MediaWrite& write : buffer_) {
        if (now >= write.end) continue;
        lost_.push_back(now < write.begin ? write.data : write.lines);
        if (now < write.begin || energy_backed) continue;
        const std::uint64_t line = (now - write.begin) / kMediaWrite;
        const std::uint64_t begin = write.lines.begin + line * kMediaLine;
        plant({begin, std::min(begin + kMediaLine, size_)}, agenda_.why().origin, 0);
    }
}

}  // namespace mcemu::hw
