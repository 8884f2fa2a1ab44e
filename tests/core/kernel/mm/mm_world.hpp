#pragma once  // A small machine with a whole kernel stub, for stories about processes and pages.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"
#include "support/fake_platform.hpp"

namespace mcemu::test {

using namespace kernel;

inline constexpr std::uint64_t kDaxPfn =
    0x20cb00;  ///< reference platform P0: data offset 0xbb00000
inline constexpr std::uint64_t kData = 0x201000000;

/// Platform P0 of the worked examples: 4 CPUs, RAM below 0x200000000, one namespace of 1 GiB.
inline Scenario platform(ProfileId profile, NamespaceMode mode, std::uint64_t align = 2ull << 20) {
    Scenario s;
    s.kernel.profile = profile;
    s.kernel.tainted = true;
    s.machine.cpus.tsc_mhz = 0;
    s.machine.memory.push_back({"dram0", {0, 0x200000000}, 0, {}});
    s.machine.nvdimms.push_back({});
    s.machine.nvdimms[0].id = "nmem0";
    s.machine.nvdimms[0].size = 1ull << 30;
    RegionConfig region;
    region.id = "region0";
    region.range = {0x200000000, 0x240000000};
    region.nvdimms = {0};
    region.dpa_base = {0};
    s.machine.regions.push_back(region);
    NamespaceConfig ns;
    ns.id = "namespace0.0";
    ns.range = region.range;
    ns.mode = mode;
    ns.align = align;
    ns.data_offset = 0x1000000;
    ns.device = mode == NamespaceMode::devdax ? "dax0.0" : "pmem0";
    s.machine.namespaces.push_back(ns);
    return s;
}

inline ProcessConfig process(std::string comm, int pid, std::vector<MapConfig> maps,
                             McePolicy policy = McePolicy::standard,
                             SigbusAction sigbus = SigbusAction::handler) {
    ProcessConfig p;
    p.id = comm;
    p.comm = std::move(comm);
    p.pid = pid;
    p.mce_kill = policy;
    p.sigbus = sigbus;
    p.maps = std::move(maps);
    return p;
}

inline MapConfig map(MapKind kind, std::uint64_t va, std::uint64_t size,
                     std::uint64_t page = 4096) {
    MapConfig m;
    m.kind = kind;
    m.va = va;
    m.size = size;
    m.page = page;
    m.shared = kind != MapKind::anon;
    if (kind == MapKind::devdax || kind == MapKind::fsdax || kind == MapKind::file) m.of = 0;
    if (kind == MapKind::file) m.state = MapState::clean;
    return m;
}

/// A DAX file of which page `index` lies at physical page `pfn` and the rest around it.
inline FileConfig dax_file(std::uint64_t size, std::uint64_t index, std::uint64_t pfn,
                           FsKind fs = FsKind::ext4) {
    FileConfig f;
    f.id = "f0";
    f.on = 0;
    f.fs = fs;
    f.size = size;
    f.extents.push_back({0, (pfn << 12) - (index << 12) - kData, size});
    return f;
}
inline FileConfig disk_file(std::uint64_t size, FsKind fs = FsKind::ext4) {
    FileConfig f;
    f.id = "f0";
    f.dax = false;
    f.fs = fs;
    f.size = size;
    return f;
}

class MmWorld {
public:
    struct FixedRng : Rng {
        std::uint64_t bits(std::uint32_t, std::uint64_t draw) const override { return draw; }
    };

    explicit MmWorld(Scenario s) : scenario(std::move(s)) {
        fates.resize(64);
        hw.on_execute = [this](CpuId cpu, const Instruction& i) { return execute(cpu, i); };
        kernel = std::make_unique<Kernel>(scenario, agenda, trace, names, latency, fates, hw);
    }

    /// Performs one event and lets everything it causes come to its end.
    void perform(Action action) {
        begin(std::move(action));
        agenda.run_until(agenda.now() + std::chrono::milliseconds(50));
    }
    void begin(Action action) {
        const std::uint32_t event = events_++;
        agenda.set_why({0, event + 1});
        kernel->processes.perform(event, action);
        agenda.set_why({});
    }
    void load(std::uint32_t p, std::uint64_t va) {
        perform(AccessEvent{AccessKind::load, p, va, 8});
    }
    void store(std::uint32_t p, std::uint64_t va) {
        perform(AccessEvent{AccessKind::store, p, va, 8});
    }
    void hwpoison(std::uint32_t p, std::uint64_t va, std::uint64_t size = 4096) {
        perform(MadviseEvent{p, va, size, false});
    }
    /// memory_failure() as the #MC of `p` (or, with -1, a worker) calls it.
    int failure(int p, std::uint64_t pfn, unsigned flags) {
        const auto rc = std::make_shared<int>(-1);  // the flow may outlive this call
        agenda.set_why({0, ++events_});
        kernel->flows.spawn([&] { return failure_flow(*kernel, p, pfn, flags, rc); });
        agenda.set_why({});
        agenda.run_until(agenda.now() + std::chrono::milliseconds(50));
        return *rc;
    }

    std::vector<std::string> log() const {
        std::vector<std::string> lines;
        for (const LogRecord& r : kernel->log.records()) lines.push_back(text(r));
        return lines;
    }
    std::vector<std::string> signals() const {
        std::vector<std::string> all;
        for (const SignalRecord& s : kernel->processes.signals()) {
            char line[96];
            std::snprintf(line, sizeof line, "%s %d code %d addr %llx lsb %d",
                          scenario_id(s.process), s.signo, s.code,
                          static_cast<unsigned long long>(s.addr), s.lsb);
            all.emplace_back(line);
        }
        return all;
    }
    std::int64_t last_return() const { return kernel->processes.syscalls().back().ret; }
    Pfn pfn_at(std::uint32_t p, std::uint64_t va) const {
        const auto leaf = kernel->processes[p].mm->leaf(va);
        return leaf && leaf->pte.kind == Pte::Kind::present ? Pfn{leaf->pfn_at(va)} : Pfn{0};
    }
    Page& page(std::uint64_t pfn) { return kernel->memory.page(Pfn{pfn}); }
    bool poisoned(std::uint64_t pfn) { return page(pfn).test(PG_hwpoison); }

    /// Loads of these lines raise a local #MC that names the line (SRAR, data load).
    std::set<std::uint64_t> poison;

    Scenario scenario;
    Agenda agenda;
    Trace trace{agenda, 1u << 16};
    Names names;
    FixedRng rng;
    Latency latency{rng};
    Fates fates;
    FakePlatform hw;
    std::unique_ptr<Kernel> kernel;

private:
    static Task<void> failure_flow(Kernel& kernel, int p, std::uint64_t pfn, unsigned flags,
                                   std::shared_ptr<int> rc) {
        Context ctx;
        if (p >= 0)
            ctx = kernel.processes.context(kernel.processes[static_cast<std::uint32_t>(p)]);
        else
            ctx.worker = true;
        *rc = co_await kernel.memory_failure.memory_failure(ctx, Pfn{pfn}, flags);
        co_await kernel.processes.exit_to_user(ctx);
    }
    const char* scenario_id(std::uint32_t p) const { return kernel->processes[p].id.c_str(); }

    /// Delivers the #MC that an access met, as the processor does after execute().
    struct Raise final : AgendaTarget {
        MmWorld* world = nullptr;
        void on_agenda(std::uint64_t cpu) override {
            McDelivery d;
            d.broadcast = false;
            d.first = static_cast<CpuId>(cpu);
            world->kernel->machine_check(d);
        }
    };

    ExecResult execute(CpuId cpu, const Instruction& i) {
        const Translation t = kernel->page_walk(cpu, i.va, i.user);
        const bool write = i.kind == AccessKind::store || i.kind == AccessKind::store_full_line;
        ExecResult r;
        r.spa = t.spa;
        if (!t.present || (write && !t.writable)) {
            r.status = ExecResult::Status::page_fault;
            return r;
        }
        const auto bad = poison.lower_bound(round_down(t.spa, kLineSize));
        if (write || bad == poison.end() || *bad >= t.spa + i.size) return r;
        r.status = ExecResult::Status::machine_check;
        r.poisoned_spa = *bad;
        hw.set_context(cpu, {i.ip, i.user ? 0x33u : 0x10u, true});
        hw.latch(cpu, 1, 0xbd80000000000134, *bad, mca::kMiscLine, agenda.why().origin);
        hw.set(cpu, mca::MSR_IA32_MCG_STATUS, 0xf);
        raise_.world = this;
        agenda.post(agenda.now() + std::chrono::nanoseconds(100), raise_, cpu);
        return r;
    }

    /// The lines of memory_failure() and its neighbours, as the kernel prints them.
    std::string text(const LogRecord& r) const {
        static const char* const types[] = {"reserved kernel page",
                                            "high-order kernel page",
                                            "kernel slab page",
                                            "different compound page after locking",
                                            "huge page already hardware poisoned",
                                            "huge page",
                                            "free huge page",
                                            "non-pmd-sized huge page",
                                            "unmapping failed page",
                                            "dirty swapcache page",
                                            "clean swapcache page",
                                            "dirty mlocked LRU page",
                                            "clean mlocked LRU page",
                                            "dirty unevictable LRU page",
                                            "clean unevictable LRU page",
                                            "dirty LRU page",
                                            "clean LRU page",
                                            "already truncated LRU page",
                                            "free buddy page",
                                            "free buddy page (2nd try)",
                                            "dax page",
                                            "unsplit thp",
                                            "unknown page"};
        static const char* const results[] = {"Ignored", "Failed", "Delayed", "Recovered"};
        const auto& a = r.args;
        const auto name = [&](std::size_t i) {
            return names[static_cast<std::uint32_t>(a[i])].c_str();
        };
        const auto n = [&](std::size_t i) { return static_cast<unsigned long long>(a[i]); };
        char t[256];
        switch (r.line) {
            case Line::mf_outside:
                return line(t, "Memory failure: 0x%llx: memory outside kernel control", n(0));
            case Line::mf_already:
                return line(t, "Memory failure: 0x%llx: already hardware poisoned", n(0));
            case Line::mf_kill:
                return line(
                    t, "Memory failure: 0x%llx: %s %s:%lld due to hardware memory corruption", n(0),
                    std::string(kernel->env.profile.kill_verb).c_str(), name(1), n(2));
            case Line::mf_forcibly:
                return line(t,
                            "Memory failure: 0x%llx: forcibly killing %s:%lld because of failure "
                            "to unmap corrupted page",
                            n(0), name(1), n(2));
            case Line::mf_no_address:
                return line(t, "Memory failure: Unable to find user space address %llx in %s", n(0),
                            name(1));
            case Line::mf_still_referenced:
                return line(t, "Memory failure: 0x%llx: %s still referenced by %lld users", n(0),
                            types[a[1]], n(2));
            case Line::mf_action:
                return line(t, "Memory failure: 0x%llx: recovery action for %s: %s", n(0),
                            types[a[1]], results[a[2]]);
            case Line::mf_clean_dropped:
                return line(t,
                            "Memory failure: 0x%llx: corrupted page was clean: dropped without "
                            "side effects",
                            n(0));
            case Line::mf_keep_swapcache:
                return line(t, "Memory failure: 0x%llx: keeping poisoned page in swap cache", n(0));
            case Line::mf_unhandlable:
                return line(t, "Memory failure: 0x%llx: unhandlable page.", n(0));
            case Line::fault_kill:
                return line(t,
                            "MCE: Killing %s:%lld due to hardware memory corruption fault at %llx",
                            name(0), n(1), n(2));
            case Line::inject_madvise:
                return line(
                    t, "Injecting memory failure for pfn 0x%llx at process virtual address 0x%llx",
                    n(0), n(1));
            case Line::inject_pfn:
                return line(t, "Injecting memory failure at pfn 0x%llx", n(0));
            case Line::soft_offline_madvise:
                return line(t, "Soft offlining pfn 0x%llx at process virtual address 0x%llx", n(0),
                            n(1));
            case Line::soft_unknown_type:
                return line(t, "soft_offline: 0x%llx: unknown non LRU page type %llx (%s)", n(0),
                            n(1), name(2));
            case Line::unpoison_already:
                return line(t, "Unpoison: Page was already unpoisoned 0x%llx", n(0));
            case Line::unpoison_grabbed:
                return line(t, "Unpoison: Someone grabs the hwpoison page 0x%llx", n(0));
            case Line::unpoison_mapping:
                return line(t, "Unpoison: the hwpoison page has non-NULL mapping 0x%llx", n(0));
            case Line::unpoison_done:
                return line(t, "Unpoison: Software-unpoisoned page 0x%llx", n(0));
            case Line::unpoison_disabled:
                return line(t, "Unpoison: Disabled after HW memory failure 0x%llx", n(0));
            case Line::dax_unaligned:
                return line(t, "dax %s: %s: %s: fail, unaligned vma (0x%llx - 0x%llx, 0x%llx)",
                            name(0), name(1), name(2), n(3), n(4), n(5));
            case Line::mce_user_access:
                return line(t, "mce: Uncorrected hardware memory error in user-access at %llx",
                            n(0));
            case Line::mce_kernel_accessed:
                return line(t, "mce: Kernel accessed poison in user space at %llx", n(0));
            case Line::mce_not_recovered:
                return "mce: Memory error not recovered";
            case Line::mce_events_logged:
                return "mce: [Hardware Error]: Machine check events logged";
            case Line::panic:
                return line(t, "Kernel panic - not syncing: %s", name(0));
            case Line::xfs_shutdown:
                return "XFS shuts down";
            case Line::xfs_unmount:
                return "XFS: unmount";
            case Line::oops_null:
                return line(t, "BUG: unable to handle kernel NULL pointer dereference at %016llx",
                            n(0));
            case Line::oops_number:
                return line(t, "Oops: %04llx [#%lld] SMP", n(1), n(0));
            default:
                return line(t, "line %u", static_cast<unsigned>(r.line));
        }
    }
    template <std::size_t N, class... A>
    static std::string line(char (&buffer)[N], const char* format, A... a) {
        std::snprintf(buffer, N, format, a...);
        return buffer;
    }

    std::uint32_t events_ = 0;
    Raise raise_;
};

inline std::string joined(const std::vector<std::string>& lines) {
    std::string all;
    for (const std::string& l : lines) all += l + '\n';
    return all;
}

}  // namespace mcemu::test
