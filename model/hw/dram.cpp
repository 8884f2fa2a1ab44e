#include "hw/dram.hpp"

#include "core/assert.hpp"
#include "hw/device_access.hpp"
#include "wires/sc_time.hpp"

namespace mcemu::hw {

Dram::Dram(const sc_core::sc_module_name& name, const DramConfig& config, std::uint32_t index,
           const MediaContext& context)
    : sc_module(name),
      range_(config.range),
      latency_(context.latency),
      media_(context, Module::dram, index, config.range.begin) {
    mem_in.register_b_transport(this, &Dram::b_transport);
    media_in.bind(*this);
    restart(config);
}

void Dram::restart(const DramConfig& config) {
    media_.restart();
    std::vector<DpaRange> offsets;
    offsets.reserve(config.poison.size());
    for (const SpaRange& spa : config.poison)
        offsets.push_back({spa.begin - range_.begin, spa.end - range_.begin});
    media_.load(offsets);
}

void Dram::b_transport(tlm::tlm_generic_payload& trans, sc_core::sc_time& delay) {
    const DeviceAccess access(trans);
    MCEMU_ASSERT(access.range.end <= range_.size(), std::to_string(access.range.end));
    trans.set_response_status(tlm::TLM_OK_RESPONSE);
    if (trans.is_read()) {
        delay += wires::to_sc_time(latency_.draw(Lat::mem_dram_read));
        if (const auto run = media_.list().first_in(access.range)) access.answer_poisoned(*run);
    } else {
        delay += wires::to_sc_time(latency_.draw(Lat::mem_dram_write));
        if (access.replaces_lines()) media_.heal(access.range);
    }
}

std::vector<SpaRange> Dram::poisoned_spa() const {
    std::vector<SpaRange> runs = media_.list().runs();
    for (SpaRange& run : runs) run = {run.begin + range_.begin, run.end + range_.begin};
    return runs;
}

}  // namespace mcemu::hw
