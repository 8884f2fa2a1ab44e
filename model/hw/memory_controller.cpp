#include "hw/memory_controller.hpp"

#include <algorithm>
#include <string>

#include "core/assert.hpp"
#include "hw/device_access.hpp"
#include "wires/sc_time.hpp"

namespace mcemu::hw {
namespace {

constexpr std::uint32_t kChannels = 6;             // of a socket: two controllers of three
constexpr std::uint64_t kChannelInterleave = 256;  // of DRAM lines over the channels of a socket

/// iMC * 3 + channel, from the NFIT device handle (nvdimm.md 1.3).
std::uint32_t channel_of_handle(std::uint32_t handle) {
    return ((handle >> 8 & 0xf) * 3 + (handle >> 4 & 0xf)) % kChannels;
}

}  // namespace

MemoryController::MemoryController(const sc_core::sc_module_name& name,
                                   const MachineConfig& machine, const MediaContext& context)
    : sc_module(name), machine_(machine), context_(context) {
    mem_in.register_b_transport(this, &MemoryController::b_transport);
    io_in.register_b_transport(this, &MemoryController::b_transport);
    media_in.bind(*this);
    const auto sockets = [](auto& out, std::size_t n, const std::string& prefix) {
        for (std::size_t i = 0; i < n; ++i)
            out.push_back(std::make_unique<DeviceSocket>((prefix + std::to_string(i)).c_str()));
    };
    const auto drams = std::count_if(machine.memory.begin(), machine.memory.end(),
                                     [](const DramConfig& m) { return m.is_dram(); });
    sockets(dram_out_, static_cast<std::size_t>(drams), "dram_out_");
    sockets(nvdimm_out_, machine.nvdimms.size(), "nvdimm_out_");
    sockets(memdev_out_, machine.memdevs.size(), "memdev_out_");

    std::size_t dram = 0;
    for (std::uint32_t i = 0; i < machine.memory.size(); ++i) {
        const DramConfig& memory = machine.memory[i];
        Window window{pmem::InterleaveSet(memory), Module::dram, {i}, {}};
        if (memory.is_dram()) {
            window.out.push_back(dram_out_[dram++].get());
        } else {
            window.kind = Module::memdev;
            window.devices = memory.memdevs;
            for (const std::uint32_t device : memory.memdevs)
                window.out.push_back(memdev_out_[device].get());
        }
        windows_.push_back(std::move(window));
    }
    for (const RegionConfig& region : machine.regions) {
        Window window{pmem::InterleaveSet(region), Module::nvdimm, region.nvdimms, {}};
        for (const std::uint32_t nvdimm : region.nvdimms)
            window.out.push_back(nvdimm_out_[nvdimm].get());
        windows_.push_back(std::move(window));
    }
    std::sort(windows_.begin(), windows_.end(), [](const Window& a, const Window& b) {
        return a.set.range().begin < b.set.range().begin;
    });
}

void MemoryController::end_of_elaboration() {
    MCEMU_ASSERT(dram_media_out.size() == static_cast<int>(dram_out_.size()) &&
                     nvdimm_media_out.size() == static_cast<int>(nvdimm_out_.size()) &&
                     memdev_media_out.size() == static_cast<int>(memdev_out_.size()),
                 "media ports");
    std::vector<int> dram_of;  // by entry of `memory`
    int drams = 0;
    for (const DramConfig& memory : machine_.memory)
        dram_of.push_back(memory.is_dram() ? drams++ : -1);
    for (Window& window : windows_) {
        for (const std::uint32_t device : window.devices) {
            wires::PoisonStoreIf* media = nullptr;
            if (window.kind == Module::dram) media = dram_media_out[dram_of[device]];
            else if (window.kind == Module::nvdimm)
                media = nvdimm_media_out[static_cast<int>(device)];
            else media = memdev_media_out[static_cast<int>(device)];
            window.media.push_back(media);
            window.poison.push_back(&media->poison());
        }
    }
}

const MemoryController::Window* MemoryController::window_of(std::uint64_t spa) const {
    const auto it =
        std::upper_bound(windows_.begin(), windows_.end(), spa,
                         [](std::uint64_t a, const Window& w) { return a < w.set.range().begin; });
    if (it == windows_.begin() || spa >= it[-1].set.range().end) return nullptr;
    return &it[-1];
}

std::uint32_t MemoryController::socket_of(const Window& window, std::uint32_t way) const {
    const std::uint32_t device = window.devices[way];
    switch (window.kind) {
        case Module::dram:
            return machine_.memory[device].socket;
        case Module::memdev:
            return machine_.memdevs[device].socket;
        default:
            return machine_.nvdimms[device].socket;
    }
}

std::uint32_t MemoryController::channel_of(const Window& window, std::uint64_t spa) const {
    if (window.kind != Module::nvdimm)
        return static_cast<std::uint32_t>(spa / kChannelInterleave % kChannels);
    const std::uint32_t way = window.set.decode(spa).way;
    return channel_of_handle(machine_.nvdimms[window.devices[way]].handle);
}

// ---------------------------------------------------------------- data path

void MemoryController::b_transport(tlm::tlm_generic_payload& trans, sc_core::sc_time& delay) {
    wires::AccessExtension& access = extension_of(trans);
    access.poisoned = false;
    access.planted_by = 0;
    const std::uint64_t begin = trans.get_address();
    const unsigned length = trans.get_data_length();
    const std::uint64_t end = begin + length;
    sc_core::sc_time latest = delay;  // the pieces of an access are served in parallel

    for (std::uint64_t at = begin; at < end;) {
        const Window* window = window_of(at);
        if (window == nullptr) {
            trans.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
            break;
        }
        const std::uint64_t stop = std::min(end, window->set.chunk_end(at));
        const pmem::InterleaveSet::Place place = window->set.decode(at);
        trans.set_address(place.dpa);
        trans.set_data_length(static_cast<unsigned>(stop - at));
        sc_core::sc_time done = delay;
        if (access.socket != socket_of(*window, place.way))
            done += wires::to_sc_time(context_.latency.draw(Lat::mem_remote_add));
        (*window->out[place.way])->b_transport(trans, done);
        if (access.poisoned) {
            done += wires::to_sc_time(context_.latency.draw(Lat::mem_poison_return));
            poisoned_read(*window, place, access);
        }
        latest = std::max(latest, done);
        if (trans.is_response_error()) break;
        at = stop;
    }
    trans.set_address(begin);
    trans.set_data_length(length);
    delay = latest;
}

/// The first poisoned line of an access has come back: translates its address and reports it.
void MemoryController::poisoned_read(const Window& window, pmem::InterleaveSet::Place place,
                                     wires::AccessExtension& access) {
    access.poisoned_spa = window.set.encode({place.way, access.poisoned_spa});
    context_.trace.step(window.kind, TraceKind::poison_read, window.devices[place.way],
                        access.poisoned_spa, access.planted_by);
    switch (access.kind) {
        case AccessKind::load:
        case AccessKind::fetch:
        case AccessKind::speculative:
        case AccessKind::dma_read:
            break;
        default:
            return;
    }
    if (error_out.size() == 0 || window.kind == Module::memdev) return;
    wires::MemoryError error;
    error.kind = wires::MemoryError::Kind::demand_read;
    error.spa = access.poisoned_spa;
    error.socket = socket_of(window, place.way);
    error.channel = channel_of(window, access.poisoned_spa);
    error.persistent = window.kind == Module::nvdimm;
    error.planted_by = access.planted_by;
    error_out->memory_error(error);
}

// ---------------------------------------------------------------- scenario's access

bool MemoryController::is_memory(SpaRange range) const {
    while (range.begin < range.end) {
        const Window* window = window_of(range.begin);
        if (window == nullptr) return false;
        range.begin = window->set.range().end;
    }
    return true;
}

bool MemoryController::plant(const PoisonEvent& event) {
    const Causality why = context_.agenda.why();
    const SpaRange asked{event.address, event.address + event.length};
    const auto inside = [&](int device, const auto& devices, auto size) {
        return static_cast<std::size_t>(device) < devices.size() &&
               asked.end <= size(devices[static_cast<std::size_t>(device)]);
    };
    const bool exists =
        asked.begin < asked.end &&
        (event.nvdimm >= 0
             ? inside(event.nvdimm, machine_.nvdimms, [](const auto& n) { return n.size; })
         : event.memdev >= 0
             ? inside(event.memdev, machine_.memdevs, [](const auto& m) { return m.size(); })
             : is_memory(asked));
    if (!exists) {
        context_.fates.mark(why.origin, Fate::filtered, FateReason::no_such_page, why.cause);
        return false;
    }
    std::uint64_t changed = 0;
    const auto apply = [&](wires::PoisonStoreIf& media, DpaRange range) {
        changed += event.heal ? media.heal(range) : media.plant(range, why.origin, 0);
    };
    if (event.nvdimm >= 0) {
        apply(*nvdimm_media_out[event.nvdimm], asked);
    } else if (event.memdev >= 0) {
        apply(*memdev_media_out[event.memdev], asked);
    } else {
        // Planting takes every line touched; healing only whole ones.
        const SpaRange lines =
            event.heal
                ? SpaRange{round_up(asked.begin, kLineSize), round_down(asked.end, kLineSize)}
                : SpaRange{round_down(asked.begin, kLineSize), round_up(asked.end, kLineSize)};
        for (Window& window : windows_) {
            const SpaRange part{std::max(lines.begin, window.set.range().begin),
                                std::min(lines.end, window.set.range().end)};
            if (part.begin >= part.end) continue;
            for (std::uint32_t way = 0; way < window.set.ways(); ++way) {
                const DpaRange range = window.set.on_way(part, way);
                if (range.begin < range.end) apply(*window.media[way], range);
            }
        }
    }
    if (changed == 0 && !event.heal)
        context_.fates.mark(why.origin, Fate::filtered, FateReason::already_poisoned, why.cause);
    return true;
}

void MemoryController::power_fail(const PowerFailEvent& how) {
    for (int i = 0; i < dram_media_out.size(); ++i) dram_media_out[i]->power_fail(how);
    for (int i = 0; i < nvdimm_media_out.size(); ++i) nvdimm_media_out[i]->power_fail(how);
    for (int i = 0; i < memdev_media_out.size(); ++i) memdev_media_out[i]->power_fail(how);
}

// ---------------------------------------------------------------- patrol scrub

void MemoryController::patrol_scrub(SpaRange range) {
    scrubs_.push_back({range, context_.agenda.why()});
    post_scrub(scrubs_.size() - 1);
}

std::optional<SpaRange> MemoryController::next_find(SpaRange rest) const {
    for (const Window& window : windows_) {
        const SpaRange part{std::max(rest.begin, window.set.range().begin),
                            std::min(rest.end, window.set.range().end)};
        if (part.begin >= part.end) continue;
        if (const auto run = pmem::next_run(window.set, window.poison, part.begin, part.end))
            return run;
    }
    return std::nullopt;
}

/// Jumps to the next find, a read later: clean memory between the finds takes no time, because a
/// whole pass takes a day and would tell nothing.
void MemoryController::post_scrub(std::uint64_t job) {
    const Scrub& scrub = scrubs_[job];
    const auto find = next_find(scrub.rest);
    if (!find) return;
    const Module kind = window_of(find->begin)->kind;
    const SimTime read = context_.latency.draw(kind == Module::dram     ? Lat::mem_dram_read
                                               : kind == Module::memdev ? Lat::mem_cxl_read
                                                                        : Lat::mem_pmem_read);
    context_.agenda.post(context_.agenda.now() + read, *this, job, scrub.why);
}

void MemoryController::on_agenda(std::uint64_t job) {
    // Poison may have come or gone since the read began: what counts is what is there now.
    const auto find = next_find(scrubs_[job].rest);
    if (!find) return;
    scrubs_[job].rest.begin = find->end;
    report_find(*find);
    post_scrub(job);
}

void MemoryController::report_find(SpaRange find) {
    const std::uint64_t spa = find.begin;
    const Window& window = *window_of(spa);
    const pmem::InterleaveSet::Place place = window.set.decode(spa);
    const auto run = window.poison[place.way]->first_in({place.dpa, place.dpa + kLineSize});
    MCEMU_ASSERT(run.has_value(), std::to_string(spa));
    // The modules have seen every line of the run fail. DRAM keeps no such list.
    for (std::uint32_t way = 0; window.kind != Module::dram && way < window.set.ways(); ++way) {
        const DpaRange seen = window.set.on_way(find, way);
        if (seen.begin < seen.end) window.media[way]->list(seen, ScrubEvent::Kind::patrol);
    }
    context_.trace.step(window.kind, TraceKind::poison_read, window.devices[place.way], spa,
                        run->origin);
    if (error_out.size() == 0 || window.kind == Module::memdev) return;
    wires::MemoryError error;
    error.kind = wires::MemoryError::Kind::patrol_scrub;
    error.spa = spa;
    error.socket = socket_of(window, place.way);
    error.channel = channel_of(window, spa);
    error.persistent = window.kind == Module::nvdimm;
    error.planted_by = run->origin;
    error_out->memory_error(error);
}

}  // namespace mcemu::hw
