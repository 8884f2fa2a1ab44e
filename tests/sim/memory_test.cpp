// The memory side alone: controller, DRAM, NVDIMMs and firmware between fakes of their neighbours.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <systemc>

#include "hw/cxl_memdev.hpp"
#include "hw/dma_engine.hpp"
#include "hw/dram.hpp"
#include "hw/firmware.hpp"
#include "hw/memory_controller.hpp"
#include "hw/nvdimm.hpp"
#include "support/isolated.hpp"
#include "wires/sc_time.hpp"

using namespace mcemu;
using namespace std::chrono_literals;
using mcemu::test::isolated;
using nlohmann::json;

namespace {

constexpr std::uint64_t kDramSize = 1 << 30;
constexpr std::uint64_t kPmemBase = 0x280000000, kPmemSize = 64 << 20;
constexpr std::uint32_t kEvents = 8;

struct FixedRng final : Rng {
    std::uint64_t bits(std::uint32_t, std::uint64_t) const override { return 0; }
};

/// 1 GiB of DRAM at 0 and four modules, 4 ways of 4 KiB, on the second socket.
MachineConfig small_machine() {
    MachineConfig machine;
    machine.memory.push_back({"dram0", {0, kDramSize}, 0, {}});
    RegionConfig region;
    region.range = {kPmemBase, kPmemBase + kPmemSize};
    for (std::uint32_t i = 0; i < 4; ++i) {
        NvdimmConfig module;
        module.size = 64 << 20;
        module.handle = 0x1000 | i << 4;
        module.socket = 1;
        machine.nvdimms.push_back(module);
        region.nvdimms.push_back(i);
        region.dpa_base.push_back(0x1000000);
    }
    machine.regions.push_back(region);
    return machine;
}

/// The memory side, and fakes that record what comes out of it.
struct Platform : sc_core::sc_module,
                  wires::MemoryErrorIf,
                  wires::FirmwareNotifyIf,
                  wires::DmaDoneIf {
    MachineConfig machine;
    FixedRng rng;
    Agenda agenda;
    Trace trace{agenda, 1000};
    Latency latency{rng};
    Fates fates;
    pmem::PlantLedger ledger;
    hw::MediaContext context{agenda, trace, latency, fates, ledger};
    tlm_utils::simple_initiator_socket<Platform> mem_out{"mem_out"};
    hw::MemoryController controller;
    hw::Dram dram;
    std::vector<std::unique_ptr<hw::Nvdimm>> nvdimms;
    hw::Firmware firmware;
    std::vector<std::unique_ptr<hw::CxlMemdev>> memdevs;
    hw::DmaEngine dma{"dma", agenda, trace, latency};
    json errors = json::array(), notifications = json::array(), transfers = json::array();

    Platform(const sc_core::sc_module_name& name, MachineConfig config)
        : sc_module(name),
          machine(std::move(config)),
          controller("controller", machine, context),
          dram("dram", machine.memory[0], 0, context),
          firmware("firmware", machine, agenda, trace, latency, fates) {
        fates.resize(kEvents);
        const std::pair<Lat, SimTime> times[] = {
            {Lat::mem_dram_read, 100ns},   {Lat::mem_dram_write, 80ns},
            {Lat::mem_remote_add, 70ns},   {Lat::mem_pmem_read, 300ns},
            {Lat::mem_pmem_write, 90ns},   {Lat::mem_media_retry, 10us},
            {Lat::mem_poison_return, 5ns}, {Lat::fw_notify, 5ms},
            {Lat::firmware_handler, 3ms},  {Lat::fw_dsm_smi, 1ms},
            {Lat::fw_dsm_call, 100us},     {Lat::fw_ars_record, 0ns},
            {Lat::mem_cxl_read, 200ns},    {Lat::mem_cxl_write, 150ns},
            {Lat::dma_start, 1us},         {Lat::dma_line, 4ns}};
        for (const auto& [which, time] : times)
            latency.set(which, {Distribution::Kind::fixed, time});
        mem_out.bind(controller.mem_in);
        controller.dram_out(0).bind(dram.mem_in);
        controller.dram_media_out.bind(dram.media_in);
        for (std::uint32_t i = 0; i < machine.nvdimms.size(); ++i) {
            nvdimms.push_back(std::make_unique<hw::Nvdimm>(("nvdimm" + std::to_string(i)).c_str(),
                                                           machine.nvdimms[i], i, context));
            controller.nvdimm_out(i).bind(nvdimms[i]->mem_in);
            controller.nvdimm_media_out.bind(nvdimms[i]->media_in);
            firmware.mailbox_out.bind(nvdimms[i]->mailbox_in);
            nvdimms[i]->watch_out.bind(firmware.watch_in);
        }
        for (std::uint32_t i = 0; i < machine.memdevs.size(); ++i) {
            memdevs.push_back(std::make_unique<hw::CxlMemdev>(
                ("memdev" + std::to_string(i)).c_str(), machine.memdevs[i], i, context));
            controller.memdev_out(i).bind(memdevs[i]->mem_in);
            controller.memdev_media_out.bind(memdevs[i]->media_in);
        }
        dma.mem_out.bind(controller.io_in);
        dma.done_out.bind(*this);
        controller.error_out.bind(*this);
        firmware.notify_out.bind(*this);
    }

    void memory_error(const wires::MemoryError& e) override {
        errors.push_back(
            {{"t", to_ns(agenda.now())},
             {"kind", e.kind == wires::MemoryError::Kind::patrol_scrub ? "patrol" : "demand"},
             {"spa", e.spa},
             {"lsb", e.lsb},
             {"socket", e.socket},
             {"channel", e.channel},
             {"persistent", e.persistent},
             {"planted_by", e.planted_by}});
    }
    void dma_done(std::uint32_t event, DmaStatus status, std::uint32_t planted_by) override {
        transfers.push_back(
            {to_ns(agenda.now()), event, static_cast<std::uint32_t>(status), planted_by});
    }
    void nfit_notify(std::uint32_t value, int nvdimm) override {
        notifications.push_back({to_ns(agenda.now()), value, nvdimm});
    }
    void ghes(const CperEvent& record) override {
        notifications.push_back({to_ns(agenda.now()), "ghes", record.address.value_or(0)});
    }
};

/// Drives the elaborated platform. Time is the agenda's.
struct Bench : Platform {
    explicit Bench(MachineConfig config = small_machine())
        : Platform("platform", std::move(config)) {
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
    }

    /// Performs one access and says how it was answered.
    json access(AccessKind kind, std::uint64_t spa, unsigned size = 8, std::uint32_t socket = 0) {
        wires::AccessExtension extension;
        extension.kind = kind;
        extension.socket = socket;
        tlm::tlm_generic_payload trans;
        const bool write = kind == AccessKind::store || kind == AccessKind::store_full_line ||
                           kind == AccessKind::dma_write;
        trans.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
        trans.set_address(spa);
        trans.set_data_length(size);
        trans.set_extension(&extension);
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        mem_out->b_transport(trans, delay);
        trans.clear_extension(&extension);
        const bool unchanged = trans.get_address() == spa && trans.get_data_length() == size;
        json answer{{"status", trans.get_response_string()},
                    {"ns", to_ns(wires::from_sc_time(delay))}};
        if (!unchanged) answer["changed"] = true;
        if (extension.poisoned)
            answer.update({{"poison", extension.poisoned_spa}, {"by", extension.planted_by}});
        return answer;
    }
    /// As event number `event` (from 1).
    bool plant(std::uint32_t event, PoisonEvent what) {
        agenda.set_why({0, event});
        const bool done = controller.plant(what);
        agenda.set_why({});
        return done;
    }
    kernel::DsmReply dsm(DsmEvent::Function function, std::uint64_t address, std::uint64_t length,
                         std::uint32_t flags = 0, int nvdimm = -1) {
        return firmware.dsm({function, address, length, flags, nvdimm});
    }
    json runs(std::uint32_t nvdimm) const {
        json result = json::array();
        for (const DpaRange& run : nvdimms[nvdimm]->poison().runs())
            result.push_back({run.begin, run.end});
        return result;
    }
    json traced(TraceKind kind) const {
        json result = json::array();
        for (std::uint32_t id = trace.first(); id <= trace.count(); ++id)
            if (trace[id].kind == kind)
                result.push_back(
                    {to_ns(trace[id].at), trace[id].subject, trace[id].a, trace[id].b});
        return result;
    }
    json fate(std::uint32_t event) const {
        const EventFate& f = fates[event - 1];
        return {static_cast<int>(f.fate), static_cast<int>(f.reason)};
    }
};

json fate_of(Fate fate, FateReason reason) {
    return {static_cast<int>(fate), static_cast<int>(reason)};
}

const json kOk = "TLM_OK_RESPONSE", kPoisoned = "TLM_GENERIC_ERROR_RESPONSE";

}  // namespace

// ---------------------------------------------------------------- decode and latency

TEST_CASE("a clean read takes the latency of its kind of memory", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        return json{bench.access(AccessKind::load, 0x1000),
                    bench.access(AccessKind::load, 0x1000, 8, 1),
                    bench.access(AccessKind::load, kPmemBase, 8, 1),
                    bench.access(AccessKind::store, 0x1000),
                    bench.access(AccessKind::store, kPmemBase, 8, 1)};
    });
    CHECK(seen == json{{{"status", kOk}, {"ns", 100}},
                       {{"status", kOk}, {"ns", 170}},
                       {{"status", kOk}, {"ns", 300}},
                       {{"status", kOk}, {"ns", 80}},
                       {{"status", kOk}, {"ns", 90}}});
}

TEST_CASE("no memory answers with an address error", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        return json{bench.access(AccessKind::load, kDramSize)["status"],
                    bench.access(AccessKind::load, kDramSize - 4)["status"],
                    bench.access(AccessKind::load, kPmemBase - 8)["status"],
                    bench.access(AccessKind::load, kPmemBase + kPmemSize)["status"]};
    });
    CHECK(seen == json::array({"TLM_ADDRESS_ERROR_RESPONSE", "TLM_ADDRESS_ERROR_RESPONSE",
                               "TLM_ADDRESS_ERROR_RESPONSE", "TLM_ADDRESS_ERROR_RESPONSE"}));
}

TEST_CASE("poison of an SPA lands on the module and DPA that decode to it", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, 0x280205400, 256, false});
        return bench.runs(1);
    });
    CHECK(seen == json{{0x1081400, 0x1081500}});
}

TEST_CASE("an access over a chunk border finds poison in its second piece", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {1, 0x1000000, 64, false});  // SPA kPmemBase + 0x1000
        return json{bench.access(AccessKind::load, kPmemBase + 0xfc0, 128, 1), bench.errors};
    });
    CHECK(seen[0]["status"] == kPoisoned);
    CHECK(seen[0]["poison"] == kPmemBase + 0x1000);
    CHECK_FALSE(seen[0].contains("changed"));
    CHECK(seen[1].size() == 1);
}

// ---------------------------------------------------------------- poison met

TEST_CASE("a load of poison in DRAM answers an error and reports a demand read", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(3, {-1, 0x2040, 64, false});
        return json{bench.access(AccessKind::load, 0x2048), bench.errors};
    });
    CHECK(seen[0] == json{{"status", kPoisoned}, {"ns", 105}, {"poison", 0x2040}, {"by", 3}});
    CHECK(seen[1] == json{{{"t", 0},
                           {"kind", "demand"},
                           {"spa", 0x2040},
                           {"lsb", 6},
                           {"socket", 0},
                           {"channel", 0x2040 / 256 % 6},
                           {"persistent", false},
                           {"planted_by", 3}}});
}

TEST_CASE("a load of poison in a module retries and names socket and channel", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(3, {-1, kPmemBase + 0x2000, 64, false});
        return json{bench.access(AccessKind::load, kPmemBase + 0x2000, 8, 1), bench.errors};
    });
    CHECK(seen[0]["ns"] == 10305);
    CHECK(seen[1][0]["socket"] == 1);
    CHECK(seen[1][0]["channel"] == 2);
    CHECK(seen[1][0]["persistent"] == true);
}

TEST_CASE("reads of cores and devices are reported, the scrub's own and stores are not",
          "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, 0x2000, 64, false});
        json counts = json::array();
        for (const AccessKind kind : {AccessKind::load, AccessKind::fetch, AccessKind::speculative,
                                      AccessKind::dma_read, AccessKind::scrub, AccessKind::store}) {
            bench.errors.clear();
            bench.access(kind, 0x2000);
            counts.push_back(bench.errors.size());
        }
        return counts;
    });
    CHECK(seen == json{1, 1, 1, 1, 0, 0});
}

TEST_CASE("poison stays until it is healed: every read meets it", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, 0x2000, 64, false});
        return json{bench.access(AccessKind::load, 0x2000)["status"],
                    bench.access(AccessKind::load, 0x2000)["status"]};
    });
    CHECK(seen == json{kPoisoned, kPoisoned});
}

TEST_CASE("a line that a host read met is in the module's list", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, kPmemBase, 128, false});
        bench.access(AccessKind::load, kPmemBase);
        json flags = json::array();
        for (const auto& run : bench.nvdimms[0]->poison().tagged())
            flags.push_back({run.range.begin, run.flags});
        return flags;
    });
    CHECK(seen == json{{0x1000000, pmem::kPoisonListed}, {0x1000040, 0}});
}

// ---------------------------------------------------------------- stores

TEST_CASE("only a store of whole lines heals DRAM", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, 0x2000, 192, false});
        json left = json::array();
        const auto count = [&] { left.push_back(bench.dram.poison().poisoned_bytes()); };
        bench.access(AccessKind::store, 0x2000, 64);
        count();
        bench.access(AccessKind::store_full_line, 0x2000, 64);
        count();
        bench.access(AccessKind::dma_write, 0x2050, 32);
        count();
        bench.access(AccessKind::dma_write, 0x2040, 128);
        count();
        return left;
    });
    CHECK(seen == json{192, 128, 128, 0});
}

TEST_CASE("a store of whole lines heals a module only if it is built so", "[sim][memory]") {
    const bool heals = GENERATE(false, true);
    const json seen = isolated([heals] {
        MachineConfig machine = small_machine();
        for (auto& module : machine.nvdimms) module.heal_on_full_line_write = heals;
        Bench bench(machine);
        bench.plant(1, {-1, kPmemBase, 64, false});
        bench.access(AccessKind::store_full_line, kPmemBase, 64);
        return json(bench.nvdimms[0]->poison().poisoned_bytes());
    });
    CHECK(seen == (heals ? 0 : 64));
}

// ---------------------------------------------------------------- scenario's access and fates

TEST_CASE("planted poison is latent, and filtered once all of it is healed", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        json fates = json::array();
        bench.plant(2, {-1, kPmemBase + 0xfc0, 0x80, false});  // two modules
        fates.push_back(bench.fate(2));
        bench.plant(3, {-1, kPmemBase + 0xfc0, 0x40, true});
        fates.push_back(bench.fate(2));
        bench.plant(3, {-1, kPmemBase + 0x1000, 0x40, true});
        fates.push_back(bench.fate(2));
        return fates;
    });
    const json latent = fate_of(Fate::latent, FateReason::nobody_looked);
    CHECK(seen == json{latent, latent, fate_of(Fate::filtered, FateReason::media_cleared)});
}

TEST_CASE("planting where no memory is fails and plants nothing", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        return json{
            bench.plant(1, {-1, kDramSize - 64, 128, false}), bench.plant(2, {4, 0, 64, false}),
            bench.plant(3, {0, (64 << 20) - 64, 128, false}),
            bench.dram.poison().empty() && bench.nvdimms[0]->poison().empty(), bench.fate(1)};
    });
    CHECK(seen ==
          json{false, false, false, true, fate_of(Fate::filtered, FateReason::no_such_page)});
}

TEST_CASE("planting what is poisoned already is filtered", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, 0x2000, 64, false});
        bench.plant(2, {-1, 0x2000, 64, false});
        return bench.fate(2);
    });
    CHECK(seen == fate_of(Fate::filtered, FateReason::already_poisoned));
}

TEST_CASE("every change of the media leaves a record", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, 0x2000, 64, false});
        bench.access(AccessKind::load, 0x2000);
        bench.plant(2, {-1, 0x2000, 64, true});
        bench.plant(2, {-1, 0x2000, 64, true});  // nothing left to heal
        return json{bench.traced(TraceKind::poison_planted), bench.traced(TraceKind::poison_read),
                    bench.traced(TraceKind::poison_cleared)};
    });
    CHECK(seen == json{{{0, 0, 0x2000, 64}}, {{0, 0, 0x2000, 1}}, {{0, 0, 0x2000, 64}}});
}

TEST_CASE("configured poison is there from the start", "[sim][memory]") {
    const json seen = isolated([] {
        MachineConfig machine = small_machine();
        machine.memory[0].range = {0x100000, 0x100000 + kDramSize};
        machine.memory[0].poison = {{0x102000, 0x102040}};
        machine.nvdimms[2].poison = {{0x1000, 0x1100}};
        Bench bench(machine);
        json dram = json::array();
        for (const SpaRange& run : bench.dram.poisoned_spa()) dram.push_back({run.begin, run.end});
        return json{dram, bench.runs(2)};
    });
    CHECK(seen == json{{{0x102000, 0x102040}}, {{0x1000, 0x1100}}});
}

// ---------------------------------------------------------------- patrol scrub

TEST_CASE("a patrol scrub reports each run once, in address order, a read apart", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, kPmemBase + 0xfc0, 0x80, false});
        bench.plant(2, {-1, 0x9000, 256, false});
        bench.plant(3, {-1, 0x2000, 64, false});
        bench.agenda.set_why({0, 4});
        bench.controller.patrol_scrub({0, kPmemBase + kPmemSize});
        bench.agenda.run_until(1s);
        json finds = json::array();
        for (const json& e : bench.errors)
            finds.push_back({e["t"], e["kind"], e["spa"], e["persistent"], e["planted_by"]});
        return finds;
    });
    CHECK(seen == json{{100, "patrol", 0x2000, false, 3},
                       {200, "patrol", 0x9000, false, 2},
                       {500, "patrol", kPmemBase + 0xfc0, true, 1}});
}

TEST_CASE("modules know all lines of a run that the scrubber read", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, kPmemBase + 0xf80, 0x100, false});
        bench.controller.patrol_scrub({0, kPmemBase + kPmemSize});
        bench.agenda.run_until(1s);
        json flags = json::array();
        for (const std::uint32_t nvdimm : {0u, 1u})
            for (const auto& run : bench.nvdimms[nvdimm]->poison().tagged())
                flags.push_back({run.range.begin, run.range.size(), run.flags});
        return flags;
    });
    CHECK(seen ==
          json{{0x1000f80, 128, pmem::kPoisonListed}, {0x1000000, 128, pmem::kPoisonListed}});
}

TEST_CASE("a patrol scrub stays inside its range", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, 0x2000, 64, false});
        bench.plant(2, {-1, 0x3000, 64, false});
        bench.controller.patrol_scrub({0x2040, 0x3000});
        bench.agenda.run_until(1s);
        return bench.errors;
    });
    CHECK(seen.empty());
}

TEST_CASE("poison healed before the scrubber comes by is not reported", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, 0x2000, 64, false});
        bench.controller.patrol_scrub({0, kDramSize});
        bench.plant(2, {-1, 0x2000, 64, true});
        bench.agenda.run_until(1s);
        return bench.errors;
    });
    CHECK(seen.empty());
}

TEST_CASE("finds of a patrol scrub stem from the event that started it", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        for (const std::uint64_t at : {0x2000, 0x3000}) bench.plant(1, {-1, at, 64, false});
        bench.agenda.set_why({77, 4});
        bench.controller.patrol_scrub({0, kDramSize});
        bench.agenda.run_until(1s);
        json whys = json::array();
        for (std::uint32_t id = 1; id <= bench.trace.count(); ++id)
            if (bench.trace[id].kind == TraceKind::poison_read)
                whys.push_back({bench.trace[id].why.cause, bench.trace[id].why.origin});
        return whys;
    });
    CHECK(seen == json{{77, 4}, {77, 4}});
}

// ---------------------------------------------------------------- power loss

TEST_CASE("a power loss with ADR poisons nothing", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.access(AccessKind::store_full_line, kPmemBase, 64, 1);
        bench.agenda.advance_to(150ns);
        bench.controller.power_fail({});
        return json{bench.runs(0), bench.nvdimms[0]->health().shutdown_state()};
    });
    CHECK(seen == json{json::array(), 0});
}

TEST_CASE("a failing ADR poisons the media line being written, and the shutdown is dirty",
          "[sim][memory]") {
    // Accepted after 90 ns; the media then writes 256 B in 111 ns.
    const auto at = GENERATE(89ns, 90ns, 201ns, 202ns);
    const json seen = isolated([at] {
        Bench bench;
        bench.access(AccessKind::store_full_line, kPmemBase + 0x40, 64, 1);
        bench.agenda.advance_to(at);
        bench.controller.power_fail({.adr_fails = true});
        return json{bench.runs(0), bench.nvdimms[0]->health().shutdown_state(),
                    bench.nvdimms[0]->health().shutdown_count(), bench.runs(1)};
    });
    const bool hit = at == 90ns || at == 201ns;
    CHECK(seen[0] == (hit ? json{{0x1000000, 0x1000100}} : json::array()));
    CHECK(seen[1] == 1);
    CHECK(seen[2] == 1);
    CHECK(seen[3].empty());
}

// ---------------------------------------------------------------- firmware

TEST_CASE("an injection that notifies raises 0x81 after the firmware's time", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.agenda.set_why({0, 1});
        bench.dsm(DsmEvent::Function::inject_error, kPmemBase, 64, pmem::kInjectNotify);
        bench.agenda.run_until(5ms - SimTime{1});
        const json early = bench.notifications;
        bench.agenda.run_until(5ms);
        return json{early, bench.notifications, bench.fate(1), bench.runs(0)};
    });
    CHECK(seen == json{json::array(),
                       {{5'000'000, 0x81, -1}},
                       fate_of(Fate::latent, FateReason::nobody_looked),
                       {{0x1000000, 0x1000040}}});
}

TEST_CASE("an injection without notification tells nobody", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.dsm(DsmEvent::Function::inject_error, kPmemBase, 64);
        bench.agenda.run_until(1s);
        return json{bench.notifications, bench.errors};
    });
    CHECK(seen == json{json::array(), json::array()});
}

TEST_CASE("a health alarm notifies its module", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.dsm(DsmEvent::Function::smart_inject, 0, 0,
                  pmem::kSmartFatal | pmem::kSmartFatal << pmem::kSmartEnableShift, 2);
        bench.agenda.run_until(1s);
        return bench.notifications;
    });
    CHECK(seen == json{{5'000'000, 0x81, 2}});
}

TEST_CASE("clearing through firmware heals what a load would meet", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.plant(1, {-1, kPmemBase + 0x40, 64, false});
        const json before = bench.access(AccessKind::load, kPmemBase + 0x40)["status"];
        const auto reply = bench.dsm(DsmEvent::Function::clear_error, kPmemBase, 256);
        return json{before, reply.cleared,
                    bench.access(AccessKind::load, kPmemBase + 0x40)["status"], bench.fate(1)};
    });
    CHECK(seen == json{kPoisoned, 256, kOk, fate_of(Fate::filtered, FateReason::media_cleared)});
}

TEST_CASE("poison planted behind a running scan stays unreported, ahead of it not",
          "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;  // 16 MiB on each module at 1 GiB/s: 15.625 ms
        bench.dsm(DsmEvent::Function::ars_start, kPmemBase, kPmemSize);
        bench.agenda.advance_to(8ms);
        bench.plant(1, {-1, kPmemBase + 0x1000, 64, false});
        bench.plant(2, {-1, kPmemBase + kPmemSize - 64, 64, false});
        bench.agenda.advance_to(15'625us);
        json found = json::array();
        for (const auto& r : bench.dsm(DsmEvent::Function::ars_status, 0, 0).records)
            found.push_back({r.spa, r.length, r.handle});
        return found;
    });
    CHECK(seen == json{{kPmemBase + kPmemSize - 64, 64, 0x1030}});
}

TEST_CASE("the end of a scrub is traced when it comes, looked at or not", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        bench.dsm(DsmEvent::Function::ars_start, kPmemBase, kPmemSize);
        bench.agenda.run_until(1s);
        json states = json::array();
        for (const json& r : bench.traced(TraceKind::ars)) states.push_back({r[0], r[2]});
        return states;
    });
    CHECK(seen == json{{0, static_cast<int>(pmem::ArsState::running)},
                       {15'625'000, static_cast<int>(pmem::ArsState::done)}});
}

TEST_CASE("a firmware-first record reaches the kernel after the handler", "[sim][memory]") {
    const json seen = isolated([] {
        Bench bench;
        CperEvent record;
        record.address = 0x1234000;
        bench.firmware.report(record);
        bench.agenda.run_until(3ms - SimTime{1});
        const json early = bench.notifications;
        bench.agenda.run_until(3ms);
        return json{early, bench.notifications};
    });
    CHECK(seen == json{json::array(), {{3'000'000, "ghes", 0x1234000}}});
}

// ---------------------------------------------------------------- CXL devices, bus masters

namespace {

constexpr std::uint64_t kCxlBase = 0x100000000, kCxlSize = 1 << 20;

/// Two CXL devices in turns of 256 bytes behind the same controller.
MachineConfig cxl_machine() {
    MachineConfig machine = small_machine();
    for (const char* id : {"mem0", "mem1"}) {
        MemdevConfig device;
        device.id = id;
        device.volatile_bytes = kCxlSize;
        device.socket = 1;
        machine.memdevs.push_back(device);
    }
    DramConfig window{"cxl0", {kCxlBase, kCxlBase + kCxlSize}, 0};
    window.memdevs = {1, 0};
    window.dpa_base = {0, 0x1000};
    window.interleave = 256;
    machine.memory.push_back(window);
    return machine;
}

}  // namespace

TEST_CASE("a CXL device answers behind the controller as an NVDIMM does", "[sim][memory]") {
    const json r = isolated([] {
        Bench b(cxl_machine());
        PoisonEvent poison;
        poison.memdev = 0;
        poison.address = 0x1040;
        b.plant(1, poison);
        json out;
        out["clean"] = b.access(AccessKind::load, kCxlBase);
        out["poisoned"] = b.access(AccessKind::load, kCxlBase + 0x140);  // the second chunk
        out["errors"] = b.errors;
        out["listed"] = b.memdevs[0]->device().listed();
        out["partial"] = b.access(AccessKind::store, kCxlBase + 0x140);
        out["still"] = b.access(AccessKind::load, kCxlBase + 0x140)["status"];
        out["full"] = b.access(AccessKind::store_full_line, kCxlBase + 0x140, 64);
        out["healed"] = b.access(AccessKind::load, kCxlBase + 0x140)["status"];
        out["listed_then"] = b.memdevs[0]->device().listed();
        out["fate"] = b.fate(1);
        return out;
    });
    CHECK(r["clean"] == json{{"status", "TLM_OK_RESPONSE"}, {"ns", 270}});
    CHECK(r["poisoned"] == json{{"status", "TLM_GENERIC_ERROR_RESPONSE"},
                                {"ns", 275},
                                {"poison", kCxlBase + 0x140},
                                {"by", 1}});
    CHECK(r["errors"] == json::array());  // no bank of the host logs it
    CHECK(r["listed"] == 1);
    CHECK(r["partial"] == json{{"status", "TLM_OK_RESPONSE"}, {"ns", 220}});
    CHECK(r["still"] == "TLM_GENERIC_ERROR_RESPONSE");
    CHECK(r["full"]["status"] == "TLM_OK_RESPONSE");
    CHECK(r["healed"] == "TLM_OK_RESPONSE");
    CHECK(r["listed_then"] == 0);
    CHECK(r["fate"] == fate_of(Fate::filtered, FateReason::media_cleared));
}

TEST_CASE("poison by physical address reaches both devices of a CXL range", "[sim][memory]") {
    const json r = isolated([] {
        Bench b(cxl_machine());
        b.plant(1, {-1, kCxlBase + 0xc0, 128});
        b.controller.patrol_scrub({kCxlBase, kCxlBase + kCxlSize});
        b.agenda.run_until(SimTime::max());
        json out;
        for (int i = 0; i < 2; ++i)
            for (const DpaRange& run : b.memdevs[i]->poison().runs())
                out["runs"].push_back({i, run.begin, run.end});
        out["errors"] = b.errors;
        out["listed"] = {b.memdevs[0]->device().listed(), b.memdevs[1]->device().listed()};
        return out;
    });
    CHECK(r["runs"] == json{{0, 0x1000, 0x1040}, {1, 0xc0, 0x100}});
    CHECK(r["errors"] == json::array());
    CHECK(r["listed"] == json{1, 1});  // what the host's scrubber met
}

TEST_CASE("a bus master's read ends at the first poisoned completion", "[sim][memory]") {
    const json r = isolated([] {
        Bench b(cxl_machine());
        b.plant(1, {-1, kPmemBase + 0x1100, 64});
        b.dma.transfer(5, {false, -1, 0, 8192, 0}, kPmemBase);
        b.agenda.run_until(SimTime::max());
        return json{{"transfers", b.transfers}, {"errors", b.errors.size()}, {"trace", b.traced(TraceKind::dma)}};
    });
    // 1 us to start, the first answer of the other socket after 370 ns, 128 lines of 4 ns.
    CHECK(r["transfers"] == json{{1882, 5, static_cast<int>(DmaStatus::poisoned), 1}});
    CHECK(r["errors"] == 1);  // UCNA of the controller, as for any reader
    CHECK(r["trace"] == json{{0, 5, kPmemBase + 0x1100, 0x1100}});
}

TEST_CASE("a bus master's write heals whole lines where the medium does", "[sim][memory]") {
    const json r = isolated([] {
        Bench b(cxl_machine());
        b.plant(1, {-1, 0x1000, 192});
        b.plant(2, {-1, kPmemBase, 64});
        b.dma.transfer(5, {true, -1, 0, 100, 0}, 0x1000);  // a line and a part
        b.dma.transfer(6, {true, -1, 0, 64, 0}, kPmemBase);
        b.dma.transfer(7, {true, -1, 0, 64, 0}, 0x7000000000);
        b.agenda.run_until(SimTime::max());
        json dram = json::array();
        for (const SpaRange& run : b.dram.poisoned_spa()) dram.push_back({run.begin, run.end});
        return json{{"transfers", b.transfers}, {"dram", dram}, {"nvdimm", b.runs(0).size()}};
    });
    CHECK(r["dram"] == json{{0x1040, 0x10c0}});
    CHECK(r["nvdimm"] == 1);
    REQUIRE(r["transfers"].size() == 3);
    for (const json& t : r["transfers"])
        CHECK(t[2] == static_cast<int>(t[1] == 7 ? DmaStatus::unsupported_request : DmaStatus::done));
}
