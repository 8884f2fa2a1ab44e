#include "workloads.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/kernel/nvdimm/badrange.hpp"
#include "core/mca/status.hpp"

namespace mcemu::bench {
namespace {

using namespace std::chrono_literals;
using namespace mcemu::mca;

constexpr std::uint64_t kGiB = 1ull << 30;
constexpr SimTime kSpacing = 2ms;  // longer than any error takes, and no CPU sees a CMCI storm

// MCACOD and MSCOD as the banks of Skylake-SP report them.
constexpr std::uint64_t kValid = MCI_STATUS_VAL | MCI_STATUS_EN | MCI_STATUS_MISCV | MCI_STATUS_ADDRV;
constexpr std::uint64_t kCe = (kValid & ~MCI_STATUS_EN) | 1ull << MCI_STATUS_CEC_SHIFT | 0x0135;
constexpr std::uint64_t kUcna = kValid | MCI_STATUS_UC | 0x0135;
constexpr std::uint64_t kSrao = kValid | MCI_STATUS_UC | MCI_STATUS_S | 0x0010'00c0;
constexpr std::uint64_t kSrar = kValid | MCI_STATUS_UC | MCI_STATUS_S | MCI_STATUS_AR | 0x0010'0134;

constexpr std::uint32_t kDcuBank = 1, kMlcBank = 3, kImcBank = 13;

enum class Class { ce, ucna, srao, srar };

/// The mix of errors: a fixed sequence, not the emulator's random numbers.
class Mix {
public:
    explicit Mix(const std::string& only) : only_(only) {}
    Class next() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        const auto percent = (state_ >> 33) % 100;
        if (only_ == "ce" || (only_.empty() && percent < 60)) return Class::ce;
        if (only_ == "ucna" || (only_.empty() && percent < 75)) return Class::ucna;
        if (only_ == "srao" || (only_.empty() && percent < 90)) return Class::srao;
        if (only_ == "srar" || only_.empty()) return Class::srar;
        throw std::invalid_argument("storm: no class of errors " + only_);
    }

private:
    std::string only_;
    std::uint64_t state_ = 2018;
};

Event event_at(SimTime at, Action action) {
    Event e;
    e.trigger = TriggerAt{at};
    e.action = std::move(action);
    return e;
}

DramConfig dram(std::string id, SpaRange range, std::uint32_t socket) {
    DramConfig d;
    d.id = std::move(id);
    d.range = range;
    d.socket = socket;
    return d;
}

/// Six modules, one region and one device-dax namespace over all of it.
void add_persistent_memory(MachineConfig& machine, SpaRange range, std::uint32_t socket) {
    constexpr std::uint32_t kWays = 6;
    const auto index = static_cast<std::uint32_t>(machine.regions.size());
    RegionConfig region;
    region.id = "region" + std::to_string(index);
    region.range = range;
    for (std::uint32_t way = 0; way < kWays; ++way) {
        NvdimmConfig module;
        module.id = "nmem" + std::to_string(machine.nvdimms.size());
        module.size = range.size() / kWays;
        module.socket = socket;
        module.handle = 0x1000 * socket + 0x100 * way + 1;
        region.nvdimms.push_back(static_cast<std::uint32_t>(machine.nvdimms.size()));
        region.dpa_base.push_back(0);
        machine.nvdimms.push_back(module);
    }
    machine.regions.push_back(region);
    NamespaceConfig ns;
    ns.id = "namespace" + std::to_string(index) + ".0";
    ns.region = index;
    ns.number_region = index;
    ns.range = range;
    ns.mode = NamespaceMode::devdax;
    ns.align = 4096;
    ns.device = "dax" + std::to_string(index) + ".0";
    machine.namespaces.push_back(ns);
}

/// A poisoned 256-byte media unit of a 6-way region at byte `offset` of its interleave set.
void poison_unit(MachineConfig& machine, std::uint32_t region, std::uint64_t offset) {
    const RegionConfig& r = machine.regions[region];
    const std::uint64_t ways = r.nvdimms.size();
    const std::uint64_t chunk = offset / r.interleave;
    const std::uint64_t dpa = chunk / ways * r.interleave + offset % r.interleave;
    machine.nvdimms[r.nvdimms[chunk % ways]].poison.push_back({dpa, dpa + 256});
}

MceEvent record(CpuId cpu, std::uint32_t bank, std::uint64_t status, std::uint64_t addr) {
    MceEvent e;
    e.cpu = cpu;
    e.bank = bank;
    e.status = status;
    e.addr = addr;
    e.misc = kMiscLine;
    return e;
}

/// A process that catches SIGBUS.
ProcessConfig worker(std::uint32_t index, CpuId cpu) {
    ProcessConfig process;
    process.id = "p" + std::to_string(index);
    process.pid = static_cast<int>(1000 + index);
    process.comm = "worker";
    process.cpu = cpu;
    process.sigbus = SigbusAction::handler;
    return process;
}

/// Process `index` consumes poison at `addr` on `cpu`.
MceEvent consumed_by(std::uint32_t index, CpuId cpu, std::uint64_t addr) {
    MceEvent e = record(cpu, kDcuBank, kSrar, addr);
    e.mcgstatus = MCG_STATUS_RIPV | MCG_STATUS_EIPV | MCG_STATUS_MCIP;
    e.process = static_cast<int>(index);
    e.ip = 0x401136;
    e.cs = 0x33;
    e.cs_given = true;
    return e;
}

}  // namespace

Workload storm(std::uint64_t errors, const std::string& only) {
    constexpr std::uint32_t kProcesses = 1000, kRanges = 10000;
    Workload w;
    w.units = errors;
    Scenario& s = w.scenario;
    s.name = "storm";
    s.seed = 1;
    s.machine.cpus.sockets = 2;
    s.machine.cpus.cores = 32;
    const std::uint32_t cpus = s.machine.cpus.count();

    // Which error is of which class decides how much memory each process maps.
    Mix mix(only);
    std::vector<Class> classes;
    classes.reserve(errors);
    for (std::uint64_t i = 0; i < errors; ++i) classes.push_back(mix.next());
    const auto consumed = static_cast<std::uint64_t>(std::count(classes.begin(), classes.end(), Class::srar));
    const std::uint64_t pages_each = consumed / kProcesses + 1;

    // Patrol scrubs find poison in pages that nobody uses: 1 GiB and above. Processes have the
    // memory from 16 GiB on.
    constexpr std::uint64_t kFree = kGiB, kMapped = 16 * kGiB;
    const std::uint64_t mapped_end = round_up(kMapped + kProcesses * pages_each * kPageSize, kGiB);
    s.machine.memory.push_back(dram("dram0", {0, mapped_end}, 0));
    add_persistent_memory(s.machine, {mapped_end, mapped_end + 384 * kGiB}, 1);
    for (std::uint64_t i = 0; i < kRanges; ++i) poison_unit(s.machine, 0, i * (32ull << 20));

    for (std::uint32_t p = 0; p < kProcesses; ++p) {
        ProcessConfig process = worker(p, p % cpus);
        MapConfig map;
        map.id = process.id + ".heap";
        map.va = 0x7f00'0000'0000;
        map.size = pages_each * kPageSize;
        map.at = kMapped + p * pages_each * kPageSize;
        process.maps.push_back(map);
        s.processes.push_back(process);
    }

    s.events.reserve(errors);
    std::uint64_t srar = 0, srao = 0;
    for (std::uint64_t i = 0; i < errors; ++i) {
        const SimTime at = kSpacing * (i + 1);
        const auto cpu = static_cast<CpuId>(i % cpus);
        switch (classes[i]) {
            case Class::ce:
            case Class::ucna: {
                // Core banks, so that each CPU meets its own: at most 8 a second.
                MceEvent e = record(cpu, kMlcBank, classes[i] == Class::ce ? kCe : kUcna, 64 * kGiB / 128);
                e.poll = true;
                s.events.push_back(event_at(at, e));
                break;
            }
            case Class::srao: {
                MceEvent e = record(cpu, kImcBank, kSrao, kFree + kPageSize * srao++);
                e.misc = kMiscPage;
                e.mcgstatus = MCG_STATUS_RIPV | MCG_STATUS_MCIP;
                s.events.push_back(event_at(at, e));
                break;
            }
            case Class::srar: {
                const auto p = static_cast<std::uint32_t>(srar % kProcesses);
                const std::uint64_t page = srar / kProcesses;
                ++srar;
                const std::uint64_t addr = kMapped + (p * pages_each + page) * kPageSize;
                s.events.push_back(event_at(at, consumed_by(p, p % cpus, addr)));
                break;
            }
        }
    }
    w.signals = srar;
    w.poisoned = srar + srao;
    w.records = errors;
    w.media_lines = kRanges * 256 / kLineSize;
    return w;
}

Workload wide(std::uint32_t cpus, std::uint64_t rendezvous) {
    Workload w;
    w.units = cpus * rendezvous;
    w.records = rendezvous;
    w.poisoned = rendezvous;
    Scenario& s = w.scenario;
    s.name = "wide";
    s.seed = 1;
    s.machine.cpus.sockets = 8;
    s.machine.cpus.cores = cpus / 8;
    s.machine.memory.push_back(dram("dram0", {0, 64 * kGiB}, 0));
    // The CPUs take their turns one after the other: more of them need longer.
    const SimTime spacing = kSpacing + cpus * 10us;
    s.events.reserve(rendezvous);
    for (std::uint64_t i = 0; i < rendezvous; ++i) {
        MceEvent e = record(static_cast<CpuId>(i % cpus), kImcBank, kSrao, kGiB + i * kPageSize);
        e.misc = kMiscPage;
        e.mcgstatus = MCG_STATUS_RIPV | MCG_STATUS_MCIP;
        s.events.push_back(event_at(spacing * (i + 1), e));
    }
    return w;
}

Workload deep(std::uint64_t ranges, std::uint64_t operations) {
    constexpr std::uint64_t kSize = 6ull << 40;
    constexpr std::uint32_t kProcesses = 64;
    constexpr std::uint64_t kSlice = kSize / kProcesses, kVa = 0x6000'0000'0000;
    Workload w;
    Scenario& s = w.scenario;
    s.name = "deep";
    s.seed = 1;
    s.machine.cpus.sockets = 2;
    s.machine.cpus.cores = 32;
    s.machine.memory.push_back(dram("dram0", {0, 16 * kGiB}, 0));
    const std::uint64_t base = 16 * kGiB;
    add_persistent_memory(s.machine, {base, base + kSize}, 0);
    // The controller's own record of each read would make the kernel see a storm of interrupts.
    s.machine.mca.ucna_on_read = false;

    // One poisoned unit in every 1 / `ranges` of the set, each at the beginning of a page.
    const std::uint64_t step = round_down(kSize / ranges, kPageSize);
    for (NvdimmConfig& module : s.machine.nvdimms)
        module.poison.reserve(ranges / s.machine.nvdimms.size() + ranges / 64 + 1);
    for (std::uint64_t i = 0; i < ranges; ++i) poison_unit(s.machine, 0, i * step);

    // A full scrub first, answer by answer: the kernel's own list holds every range, too.
    s.kernel.ars_continue_valid = true;
    for (NvdimmConfig& module : s.machine.nvdimms) module.max_ars_out = 64 << 10;
    ScrubEvent scrub;
    scrub.kind = ScrubEvent::Kind::ars_full;
    scrub.range = {base, base + kSize};
    s.events.push_back(event_at(1ms, scrub));
    constexpr SimTime kScrubbed = 7200s;  // 1 TiB a module at 1 GiB/s, and polls further and further apart

    for (std::uint32_t p = 0; p < kProcesses; ++p) {
        ProcessConfig process = worker(p, p);
        MapConfig map;
        map.id = process.id + ".data";
        map.kind = MapKind::devdax;
        map.of = 0;
        map.shared = true;
        // A slice each: memory_failure() of v4.19 signals everybody who maps the page's range.
        map.offset = p * kSlice;
        map.va = kVa + map.offset;
        map.size = kSlice;
        map.page = kPageSize;
        process.maps.push_back(map);
        s.processes.push_back(process);
    }

    // Loads from the lower half of the ranges, clearing in the upper half.
    const std::uint64_t half = ranges / 2;
    const std::uint64_t each = std::min(operations / 2, half);
    w.units = 2 * each;
    s.events.reserve(w.units);
    for (std::uint64_t i = 0; i < each; ++i) {
        const std::uint64_t spread = half / each;
        const std::uint64_t offset = i * spread * step;
        AccessEvent load;
        load.process = static_cast<std::uint32_t>(offset / kSlice);
        load.va = kVa + offset;
        s.events.push_back(event_at(kScrubbed + kSpacing * (2 * i + 1), load));
        DsmEvent clear;
        clear.function = DsmEvent::Function::clear_error;
        clear.address = base + (half + i * spread) * step;
        clear.length = 256;
        s.events.push_back(event_at(kScrubbed + kSpacing * (2 * i + 2), clear));
    }
    w.signals = each;
    w.poisoned = 0;  // v4.19 does not count pages of DAX devices
    w.records = each;
    w.media_lines = (ranges - each) * 256 / kLineSize;
    w.bad_ranges = ranges - each;
    return w;
}

Workload deep_ranges(std::uint64_t ranges) {
    Workload w = deep(ranges, 1000);
    w.units = ranges;
    return w;
}

Workload shared(std::uint32_t processes) {
    Workload w;
    Scenario& s = w.scenario;
    s.name = "shared";
    s.seed = 1;
    s.machine.cpus.sockets = 2;
    s.machine.cpus.cores = 32;
    const std::uint32_t cpus = s.machine.cpus.count();
    s.machine.memory.push_back(dram("dram0", {0, 16 * kGiB}, 0));
    const std::uint64_t base = 16 * kGiB;
    add_persistent_memory(s.machine, {base, base + 6 * kGiB}, 0);
    for (std::uint32_t p = 0; p < processes; ++p) {
        ProcessConfig process = worker(p, p % cpus);
        MapConfig map;
        map.id = process.id + ".data";
        map.kind = MapKind::devdax;
        map.of = 0;
        map.shared = true;
        map.va = 0x6000'0000'0000;
        map.size = map.page = kPageSize;
        process.maps.push_back(map);
        s.processes.push_back(process);
    }
    s.events.push_back(event_at(kSpacing, consumed_by(0, 0, base)));
    w.units = w.signals = processes;
    w.records = 1;
    return w;
}

Workload crowd(std::uint64_t errors) {
    constexpr std::uint32_t kProcesses = 10'000;
    constexpr std::uint64_t kPagesEach = 100, kMapped = 16 * kGiB;
    Workload w;
    Scenario& s = w.scenario;
    s.name = "crowd";
    s.seed = 1;
    s.machine.cpus.sockets = 2;
    s.machine.cpus.cores = 32;
    const std::uint32_t cpus = s.machine.cpus.count();
    const std::uint64_t end = round_up(kMapped + kProcesses * kPagesEach * kPageSize, kGiB);
    s.machine.memory.push_back(dram("dram0", {0, end}, 0));
    for (std::uint32_t p = 0; p < kProcesses; ++p) {
        ProcessConfig process = worker(p, p % cpus);
        MapConfig map;
        map.id = process.id + ".heap";
        map.va = 0x7f00'0000'0000;
        map.size = kPagesEach * kPageSize;
        map.at = kMapped + p * map.size;
        process.maps.push_back(map);
        s.processes.push_back(process);
    }
    s.events.reserve(errors);
    for (std::uint64_t i = 0; i < errors; ++i) {
        const auto p = static_cast<std::uint32_t>(i % kProcesses);
        // A stride that has no factor in common with the pages: neighbours are not hit in turn.
        const std::uint64_t page = i / kProcesses * 37 % kPagesEach;
        const std::uint64_t addr = kMapped + (p * kPagesEach + page) * kPageSize;
        s.events.push_back(event_at(kSpacing * (i + 1), consumed_by(p, p % cpus, addr)));
    }
    w.units = w.signals = w.poisoned = w.records = errors;
    return w;
}

std::string check(const Workload& expected, const RunView& view) {
    std::string wrong;
    const auto compare = [&wrong](const char* what, std::uint64_t want, std::uint64_t got) {
        if (want != got)
            wrong += std::string(what) + ": " + std::to_string(got) + " instead of " + std::to_string(want) + "; ";
    };
    const kernel::Kernel& kernel = view.kernel;
    compare("signals", expected.signals, kernel.processes.signals().size());
    compare("poisoned pages", expected.poisoned,
            static_cast<std::uint64_t>(kernel.counters.num_poisoned_pages));
    compare("records", expected.records, kernel.counters.records);
    compare("records lost", 0, kernel.counters.records_lost);
    std::uint64_t lines = 0;
    for (const auto& module : view.nvdimm_poison)
        for (const DpaRange& r : module) lines += r.size() / kLineSize;
    compare("poisoned lines", expected.media_lines, lines);
    if (expected.bad_ranges)
        compare("ranges the kernel knows", *expected.bad_ranges, kernel.libnvdimm.bad_ranges().size());
    if (kernel.outcome != kernel::Outcome::running) wrong += "the machine did not survive; ";
    return wrong;
}

}  // namespace mcemu::bench
