#pragma once  // A kernel on the reference platform P0 (kernel.md B.0) over a fake hardware.
#include <array>
#include <catch2/catch.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "core/kernel/kernel.hpp"
#include "support/fake_platform.hpp"

namespace mcemu::test {

/// 2 GiB RAM without DIMMs, one region of 1 GiB at 0x200000000 with one fsdax namespace whose data
/// begin at 0x201000000, one process dd:77.
inline Scenario reference_scenario(ProfileId profile) {
    Scenario s;
    s.name = "P0";
    s.kernel.profile = profile;
    s.kernel.tainted = true;
    s.machine.memory.push_back({"dram0", {0, 0x80000000}, 0, {}});
    NvdimmConfig dimm;
    dimm.id = "nmem0";
    dimm.size = 0x40000000;
    s.machine.nvdimms.push_back(dimm);
    RegionConfig region;
    region.id = "region0";
    region.range = {0x200000000, 0x240000000};
    region.nvdimms = {0};
    region.dpa_base = {0};
    s.machine.regions.push_back(region);
    NamespaceConfig ns;
    ns.id = "namespace0.0";
    ns.range = region.range;
    ns.data_offset = 0x1000000;
    ns.device = "pmem0";
    s.machine.namespaces.push_back(ns);
    ProcessConfig dd;
    dd.id = "dd";
    dd.pid = 77;
    dd.comm = "dd";
    s.processes.push_back(dd);
    return s;
}

struct PmemMachine {
    using Change = void (*)(Scenario&);
    explicit PmemMachine(ProfileId profile, Change change = nullptr)
        : scenario(make(profile, change)),
          trace(agenda, 1 << 16),
          latency(rng),
          kernel(scenario, agenda, trace, names, latency, fates, hw) {
        kernel.libnvdimm.attach();
        hw.on_execute = [this](CpuId, const kernel::Instruction& i) { return execute(i); };
        hw.on_dsm = [](const kernel::DsmRequest& r) { return clear_all(r); };
        ctx = kernel.processes.context(kernel.processes[0]);
    }

    /// Runs a flow and everything it sets off to the end.
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        kernel.flows.spawn([&] { return keep(std::move(task), result); });
        agenda.run_until(SimTime::max());
        REQUIRE(result);
        return *result;
    }

    /// One printed line: which, and its values without trailing zeros.
    struct Printed {
        kernel::Line line;
        std::vector<std::uint64_t> values;
        bool operator==(const Printed&) const = default;
    };
    std::vector<Printed> printed() const {
        std::vector<Printed> out;
        for (const kernel::LogRecord& r : kernel.log.records()) {
            std::vector<std::uint64_t> values(r.args.begin(), r.args.end());
            while (!values.empty() && values.back() == 0) values.pop_back();
            out.push_back({r.line, values});
        }
        return out;
    }
    std::size_t traced(TraceKind kind) const {
        std::size_t n = 0;
        for (std::uint32_t id = trace.first(); id <= trace.count(); ++id)
            n += trace[id].kind == kind;
        return n;
    }
    /// (begin, end, mode) of every memtype entry.
    std::vector<std::array<std::uint64_t, 3>> memtypes() const {
        std::vector<std::array<std::uint64_t, 3>> out;
        for (const kernel::MemtypeEntry& e : kernel.memtypes.entries())
            out.push_back({e.begin, e.end, static_cast<std::uint64_t>(e.mode)});
        return out;
    }

    /// The record of an uncorrected memory error, as the machine-check core hands it on.
    static mca::MceRecord record(std::uint64_t addr, unsigned lsb = 6,
                                 std::uint64_t status = 0xbd80000000000134) {
        mca::MceRecord m;
        m.status = status;
        m.addr = addr;
        m.misc = mca::make_misc(lsb);
        return m;
    }
    bool machine_check_at(std::uint64_t addr, unsigned lsb = 6) {
        return run(kernel.libnvdimm.nfit_notifier(ctx, record(addr, lsb)));
    }
    int bio(BioEvent::Op op, std::uint64_t sector, std::uint64_t sectors) {
        event = {op, 0, sector, sectors, 0};
        return run(kernel.libnvdimm.submit_bio(ctx, event));
    }
    std::int64_t file_io(bool write, std::uint64_t offset, std::uint64_t size) {
        io = {write, 0, 0, offset, size};
        kernel::Libnvdimm::Found found;
        return run(kernel.libnvdimm.dax_file_io(ctx, io, found));
    }
    void poison_page(std::uint64_t pfn) {
        kernel.memory.page(Pfn{pfn}).flags |= kernel::bit(kernel::PG_hwpoison);
    }
    bool poisoned(std::uint64_t pfn) const {
        const kernel::Page* page = kernel.memory.find(Pfn{pfn});
        return page && page->test(kernel::PG_hwpoison);
    }

    /// Accesses through the direct map fault where it has no present entry.
    kernel::ExecResult execute(const kernel::Instruction& i) const {
        kernel::ExecResult r;
        const auto spa = kernel.direct_map.physical(i.va);
        if (!spa || !kernel.direct_map.entry(pfn_of(*spa)).present)
            r.status = kernel::ExecResult::Status::page_fault;
        return r;
    }
    /// A firmware that clears whatever it is asked to.
    static kernel::DsmReply clear_all(const kernel::DsmRequest& request) {
        kernel::DsmReply reply;
        if (request.function == DsmEvent::Function::ars_cap) {
            reply.status = 2u << 16;
            reply.clear_err_unit = 256;
        }
        if (request.function == DsmEvent::Function::clear_error) reply.cleared = request.length;
        return reply;
    }
    static kernel::DsmReply refuse(const kernel::DsmRequest&) {
        kernel::DsmReply reply;
        reply.status = 1;
        return reply;
    }

    static Scenario make(ProfileId profile, Change change) {
        Scenario s = reference_scenario(profile);
        if (change) change(s);
        return s;
    }
    template <class T>
    static Task<void> keep(Task<T> task, std::optional<T>& result) {
        result = co_await task;
    }
    struct NoRandomness final : Rng {
        std::uint64_t bits(std::uint32_t, std::uint64_t) const override { return 0; }
    };

    Scenario scenario;
    Agenda agenda;
    Trace trace;
    Names names;
    NoRandomness rng;
    Latency latency;
    Fates fates;
    FakePlatform hw;
    kernel::Kernel kernel;
    kernel::Context ctx;
    BioEvent event;
    FileIoEvent io;
};

}  // namespace mcemu::test
