#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/address.hpp"
#include "core/assert.hpp"
#include "core/fate.hpp"
#include "core/kernel/invariants.hpp"
#include "core/kernel/nvdimm/invariants.hpp"
#include "core/latency.hpp"
#include "core/renew.hpp"
#include "core/trace.hpp"
#include "hw/cxl_memdev.hpp"
#include "hw/dma_engine.hpp"
#include "hw/dram.hpp"
#include "hw/firmware.hpp"
#include "hw/memory_controller.hpp"
#include "hw/nvdimm.hpp"
#include "hw/processors.hpp"
#include "os/kernel_stub.hpp"
#include "sim/agenda_clock.hpp"
#include "sim/change.hpp"
#include "sim/event_driver.hpp"
#include "sim/philox.hpp"
#include "sim/run.hpp"

#include <sysc/kernel/sc_kernel_ids.h>
#include <systemc>
#include "wires/sc_time.hpp"

namespace mcemu::sim {

namespace {

/// The scenario with the modules of the image.
Scenario with_modules(Scenario scenario, const NvdimmImage* image) {
    if (!image) return scenario;
    for (std::size_t i = 0; i < scenario.machine.nvdimms.size(); ++i) {
        scenario.machine.nvdimms[i].poison.clear();
        scenario.machine.nvdimms[i].stuck = image->modules[i].stuck;
    }
    for (std::size_t i = 0; image->memdev_images && i < scenario.machine.memdevs.size(); ++i) {
        scenario.machine.memdevs[i].poison.clear();
        scenario.machine.memdevs[i].stuck.clear();
    }
    for (const std::string& name : image->patterns)
        if (std::find(scenario.patterns.begin(), scenario.patterns.end(), name) ==
            scenario.patterns.end())
            scenario.patterns.push_back(name);
    return scenario;
}

/// The image with this run's numbers for contents that have a name.
NvdimmImage renumbered(NvdimmImage image, const std::vector<std::string>& patterns) {
    if (!image.contents) return image;
    for (pmem::Contents::Saved& run : *image.contents) {
        if (run.fill.kind != pmem::Contents::Fill::Kind::pattern) continue;
        const auto it =
            std::find(patterns.begin(), patterns.end(), image.patterns.at(run.fill.value));
        run.fill.value = static_cast<std::uint32_t>(it - patterns.begin());
    }
    return image;
}

}  // namespace

bool same_wires(const MachineConfig& a, const MachineConfig& b) {
    const auto same = [](const auto& x, const auto& y, auto equal) {
        return std::equal(x.begin(), x.end(), y.begin(), y.end(), equal);
    };
    const auto same_range = [](const SpaRange& x, const SpaRange& y) {
        return x.begin == y.begin && x.end == y.end;
    };
    return same(a.memory, b.memory,
                [&](const DramConfig& x, const DramConfig& y) {
                    return same_range(x.range, y.range) && x.memdevs == y.memdevs &&
                           x.dpa_base == y.dpa_base && x.interleave == y.interleave &&
                           x.xor_hash == y.xor_hash;
                }) &&
           same(a.memdevs, b.memdevs,
                [](const MemdevConfig& x, const MemdevConfig& y) { return x.size() == y.size(); }) &&
           same(a.nvdimms, b.nvdimms,
                [](const NvdimmConfig& x, const NvdimmConfig& y) { return x.size == y.size; }) &&
           same(a.regions, b.regions, [&](const RegionConfig& x, const RegionConfig& y) {
               return same_range(x.range, y.range) && x.nvdimms == y.nvdimms &&
                      x.dpa_base == y.dpa_base && x.interleave == y.interleave;
           });
}

/// The board: modules and the wires between them. Members in the order of dependence.
struct Simulation::Platform : FirmwareReportIf, AgendaTarget, private kernel::PmemMedia {
    Platform(Scenario s, RunOptions o)
        : scenario(with_modules(std::move(s), o.start_from)),
          options(o),
          rng(scenario.seed),
          latency(rng),
          trace(agenda, o.trace_capacity),
          media{agenda, trace, latency, fates, ledger},
          clock(named("clock"), agenda, o.run_ahead, scenario.until, o.interrupt),
          processors(named("processors"), scenario.machine.cpus, scenario.machine.mca, agenda,
                     trace, latency, fates),
          controller(named("memory_controller"), scenario.machine, media),
          firmware(named("firmware"), scenario.machine, agenda, trace, latency, fates),
          dma(named("dma"), agenda, trace, latency),
          kernel(named("kernel"), scenario, agenda, trace, names, latency, fates),
          world{scenario, kernel.kernel(), names,
                [this](CpuId cpu, std::uint32_t bank) {
                    return ((processors.valid_banks(cpu) >> bank) & 1) != 0;
                },
                [this](SpaRange range) { return poisoned(range); }} {
        prepare();
        connect();
        if (!o.start_from) return;
        image = renumbered(*o.start_from, scenario.patterns);
        for (std::size_t i = 0; i < nvdimms.size(); ++i) nvdimms[i]->restore(image->modules[i]);
        if (!image->memdev_images) return;
        for (std::size_t i = 0; i < memdevs.size(); ++i)
            memdevs[i]->restore((*image->memdev_images)[i]);
    }

    /// What a new kernel and its events begin with.
    void prepare() {
        for (const auto& [which, how] : scenario.latency) latency.set(which, how);
        kernel.kernel().log.limit(options.log_capacity);
        driver.emplace(scenario, agenda, trace, fates,
                       EventDriver::Hands{processors, controller, *this, dma, kernel.kernel()}, world,
                       options.log_matcher);
        invariants.emplace(kernel.kernel());
        const kernel::PmemMedia& medium = *this;
        pmem_invariants.emplace(kernel.kernel(), medium);
    }

    /// Everything but the wires anew; `next`: who makes the scenario of the new run. What refers to
    /// others goes first and comes last.
    template <class F>
    void restart(F next) {
        MCEMU_ASSERT(!options.start_from && !options.change, "restart() of a machine with a past");
        pmem_invariants.reset();
        invariants.reset();
        driver.reset();
        kernel.stop();
        renew(fates);
        next();
        renew(rng, scenario.seed);
        renew(agenda);
        renew(latency, rng);
        renew(names);
        renew(trace, agenda, options.trace_capacity);
        renew(ledger);
        clock.restart(scenario.until);
        processors.restart(scenario.machine.cpus, scenario.machine.mca);
        controller.restart();
        std::size_t dram = 0;
        for (const DramConfig& memory : scenario.machine.memory)
            if (memory.is_dram()) drams[dram++]->restart(memory);
        for (std::size_t i = 0; i < memdevs.size(); ++i)
            memdevs[i]->restart(scenario.machine.memdevs[i]);
        for (std::size_t i = 0; i < nvdimms.size(); ++i)
            nvdimms[i]->restart(scenario.machine.nvdimms[i]);
        firmware.restart(scenario.machine);
        dma.restart();
        kernel.start(scenario, agenda, trace, names, latency, fates);
        broken.clear();
        prepare();
    }

    /// SystemC's names are unique among all machines of the process: "m1_kernel".
    sc_core::sc_module_name named(const std::string& what) {
        name = "m" + std::to_string(number) + '_' + what;
        return sc_core::sc_module_name(name.c_str());
    }

    void connect() {
        processors.mem_out.bind(controller.mem_in);
        processors.interrupt_out(kernel.interrupt_in);
        kernel.cpu_out(processors.cpu_in);
        kernel.firmware_out(firmware.dsm_in);
        firmware.notify_out(kernel.notify_in);
        controller.error_out(processors.error_in);
        dma.mem_out.bind(controller.io_in);
        dma.done_out(kernel.dma_done_in);
        const MachineConfig& machine = scenario.machine;
        for (std::uint32_t i = 0; i < machine.memory.size(); ++i) {
            if (!machine.memory[i].is_dram()) continue;
            drams.push_back(std::make_unique<hw::Dram>(named("dram" + std::to_string(i)),
                                                       machine.memory[i], i, media));
            controller.dram_out(drams.size() - 1).bind(drams.back()->mem_in);
            controller.dram_media_out(drams.back()->media_in);
        }
        for (std::uint32_t i = 0; i < machine.memdevs.size(); ++i) {
            memdevs.push_back(std::make_unique<hw::CxlMemdev>(named("memdev" + std::to_string(i)),
                                                              machine.memdevs[i], i, media));
            controller.memdev_out(i).bind(memdevs[i]->mem_in);
            controller.memdev_media_out(memdevs[i]->media_in);
            kernel.cxl_out(memdevs[i]->mailbox_in);
        }
        for (std::uint32_t i = 0; i < machine.nvdimms.size(); ++i) {
            nvdimms.push_back(std::make_unique<hw::Nvdimm>(named("nvdimm" + std::to_string(i)),
                                                           machine.nvdimms[i], i, media));
            controller.nvdimm_out(i).bind(nvdimms[i]->mem_in);
            controller.nvdimm_media_out(nvdimms[i]->media_in);
            firmware.mailbox_out(nvdimms[i]->mailbox_in);
            nvdimms[i]->watch_out(firmware.watch_in);
        }
    }

    void report(const CperEvent& record) override { firmware.report(record); }
    void stop_scrub() override { firmware.stop_scrub(); }
    void notify(std::uint32_t value, int nvdimm) override { firmware.notify({value, nvdimm}); }

    // kernel::PmemMedia
    const pmem::PoisonList& poison(std::uint32_t i) const override { return nvdimms[i]->poison(); }
    const pmem::SmartHealth& health(std::uint32_t i) const override { return nvdimms[i]->smart(); }
    const pmem::Ars& ars() const override { return firmware.ars(); }

    void run() {
        // A second machine of the process has nothing to do yet; SystemC would say so on stdout.
        sc_core::sc_report_handler::set_actions(sc_core::SC_ID_NO_SC_START_ACTIVITY_,
                                                sc_core::SC_DO_NOTHING);
        sc_core::sc_start(sc_core::SC_ZERO_TIME);  // elaboration ends, the clock's method ran once
        if (options.check_invariants) broken = pmem_invariants->check_start();
        clock.begin();
        kernel.kernel().boot();
        if (image) start_from_image();
        if (options.check_invariants || driver->watches() || options.change)
            clock.after_each([this] {
                if (driver->watches()) driver->look_again();
                if (options.check_invariants) check_invariants();
            });
        if (options.before_each) clock.before_each(options.before_each);
        if (options.chooser) {
            agenda.choose_by(options.chooser, options.window);
            driver->apart_within(options.window);
        }
        if (options.change) {
            driver->let_sleep(options.change->new_events);
            agenda.post(options.change->at, *this, 0);
        }
        driver->start();
        clock.wake();
        sc_core::sc_start();
        if (broken.empty() && options.check_invariants && agenda.empty())
            broken = invariants->check_end();
        if (!broken.empty())
            throw InvariantError("at " + std::to_string(agenda.now().count()) + " ps: " + broken);
        driver->finish();
    }

    /// Whether a media error lies in `range` of physical addresses.
    bool poisoned(SpaRange range) const {
        const MachineConfig& machine = scenario.machine;
        std::size_t drams_seen = 0;
        for (std::size_t i = 0; i < machine.memory.size(); ++i) {
            if (!machine.memory[i].is_dram()) continue;
            const hw::Dram& device = *drams[drams_seen++];
            const SpaRange& dram = machine.memory[i].range;
            const SpaRange both{std::max(range.begin, dram.begin), std::min(range.end, dram.end)};
            if (both.begin < both.end &&
                device.poison().first_in({both.begin - dram.begin, both.end - dram.begin}))
                return true;
        }
        for (const RegionConfig& region : machine.regions) {
            const std::uint64_t end = std::min(range.end, region.range.end);
            for (std::uint64_t at = std::max(range.begin, region.range.begin); at < end;) {
                // One interleave unit lies in one piece in its module.
                const std::uint64_t unit =
                    std::min(end, region.range.begin +
                                      round_down(at - region.range.begin, region.interleave) +
                                      region.interleave);
                const DimmAddress there = dimm_address(region, at);
                if (nvdimms[there.nvdimm]->poison().first_in({there.dpa, there.dpa + (unit - at)}))
                    return true;
                at = unit;
            }
        }
        return false;
    }

    void start_from_image() {
        std::vector<SpaRange> known;
        for (std::uint32_t i = 0; i < scenario.machine.regions.size(); ++i)
            for (const SpaRange& run : firmware.known_poison(i)) known.push_back(run);
        kernel.kernel().libnvdimm.start_from(*image, known);
    }

    /// The time of options.change has come.
    void on_agenda(std::uint64_t) override {
        apply(*options.change, scenario, {kernel.kernel(), latency, controller});
        driver->wake();
    }

    /// Ends the run at the first complaint; SystemC's own processes must not throw.
    void check_invariants() {
        if (!broken.empty()) return;
        broken = invariants->check();
        if (broken.empty()) broken = pmem_invariants->check();
        if (broken.empty()) return;
        trace.note(Module::kernel, TraceKind::invariant);
        agenda.stop();
    }

    static inline unsigned machines = 0;  // of this process so far
    const unsigned number = ++machines;
    std::string name;
    Scenario scenario;
    RunOptions options;
    PhiloxRng rng;
    Agenda agenda;
    Latency latency;
    Names names;
    Trace trace;
    Fates fates;
    pmem::PlantLedger ledger;
    hw::MediaContext media;
    AgendaClock clock;
    hw::Processors processors;
    hw::MemoryController controller;
    std::vector<std::unique_ptr<hw::Dram>> drams;
    std::vector<std::unique_ptr<hw::CxlMemdev>> memdevs;
    std::vector<std::unique_ptr<hw::Nvdimm>> nvdimms;
    hw::Firmware firmware;
    hw::DmaEngine dma;
    os::KernelStub kernel;
    ConditionWorld world;
    std::optional<EventDriver> driver;
    std::optional<kernel::Invariants> invariants;
    std::optional<kernel::PmemInvariants> pmem_invariants;
    std::optional<NvdimmImage> image;  // that the run starts from
    std::string broken;  // the first invariant that did not hold
};

Simulation::Simulation(Scenario scenario, RunOptions options)
    : platform_(std::make_unique<Platform>(std::move(scenario), options)) {}

Simulation::~Simulation() = default;

void Simulation::run() { platform_->run(); }

void Simulation::restart(Scenario scenario) {
    MCEMU_ASSERT(same_wires(platform_->scenario.machine, scenario.machine), scenario.name);
    platform_->restart([&] { platform_->scenario = std::move(scenario); });
}

void Simulation::restart(std::uint64_t seed) {
    platform_->restart([&] { platform_->scenario.seed = seed; });
}

NvdimmImage Simulation::image() const {
    const Platform& p = *platform_;
    const MachineConfig& machine = p.scenario.machine;
    NvdimmImage image;
    image.nvdimms = machine.nvdimms;
    image.regions = machine.regions;
    for (const auto& nvdimm : p.nvdimms) image.modules.push_back(nvdimm->snapshot());
    p.kernel.kernel().libnvdimm.save(image);
    image.memdevs = machine.memdevs;
    image.memdev_images.emplace();
    for (const auto& memdev : p.memdevs)
        image.memdev_images->push_back(memdev->device().snapshot());
    return image;
}

RunView Simulation::view() const {
    const Platform& p = *platform_;
    RunView view{p.scenario, p.kernel.kernel(), p.trace, p.names, p.fates};
    view.end = p.agenda.now();
    for (const auto& nvdimm : p.nvdimms) {
        view.nvdimm_poison.push_back(nvdimm->poison().runs());
        view.nvdimm_health.push_back(nvdimm->smart());
        view.nvdimm_logs.push_back(nvdimm->error_log());
        std::vector<pmem::PoisonRun>& list = view.nvdimm_lists.emplace_back();
        for (const pmem::PoisonRun& run : nvdimm->poison().tagged())
            if (run.flags & pmem::kPoisonListed) list.push_back(run);
    }
    for (const auto& memdev : p.memdevs) {
        view.memdev_poison.push_back(memdev->poison().runs());
        view.memdev_lists.push_back(memdev->device().records());
    }
    for (const auto& dram : p.drams)
        for (const SpaRange& run : dram->poisoned_spa()) view.dram_poison.push_back(run);
    view.banks = p.processors.bank_snapshots();
    view.event_times = p.driver->times();
    view.event_ran = p.driver->ran();
    view.temporal = p.driver->temporal();
    view.speculative_hits = p.processors.counters().speculation_hits;
    view.interrupted = p.clock.interrupted();
    return view;
}

}  // namespace mcemu::sim
