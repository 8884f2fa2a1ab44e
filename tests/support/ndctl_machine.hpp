#pragma once  // A kernel whose NVDIMM bus has real firmware and modules, driven by ndctl's commands.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/kernel/nvdimm/btt.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/kernel/nvdimm/scrub.hpp"
#include "core/pmem/firmware.hpp"
#include "support/pmem_machine.hpp"

namespace mcemu::test {

/// region0 of the worked examples: SPA 0x280000000, 64 MiB, 4 ways of 4 KiB, module DPA base
/// 0x1000000. namespace0.0 to .2 exist once a command makes them.
class NdctlMachine final : private pmem::Modules {
public:
    using Command = NdctlEvent::Command;
    static constexpr std::uint64_t kBase = 0x280000000, kSize = 64 << 20, kMiB = 1 << 20;

    explicit NdctlMachine(PmemMachine::Change own = nullptr)
        : m((change() = own, ProfileId::v6_1), &example),
          lists_(m.scenario.machine.nvdimms.size()) {
        for (const NvdimmConfig& n : m.scenario.machine.nvdimms)
            healths_.emplace_back(n.profile, n.smart);
        firmware_ = std::make_unique<pmem::Firmware>(m.scenario.machine, m.latency,
                                                     static_cast<pmem::Modules&>(*this));
        m.hw.on_dsm = [this](const kernel::DsmRequest& r) { return call(r); };
        m.hw.on_execute = [this](CpuId, const kernel::Instruction& i) { return m.execute(i); };
    }

    /// Runs a command and all it sets off; its report.
    kernel::Report run(NdctlEvent command) {
        const std::size_t before = m.kernel.reports.size();
        m.kernel.flows.spawn([&] { return m.kernel.ndctl_tool.run(0, command); });
        m.agenda.run_until(SimTime::max());
        for (std::size_t i = before; i < m.kernel.reports.size(); ++i)
            if (command.command == Command::monitor || m.kernel.reports[i].what != "ndctl monitor")
                return m.kernel.reports[i];
        FAIL("the command did not end");
        return {};
    }
    static NdctlEvent command(Command c, int ns = -1) {
        NdctlEvent e;
        e.command = c;
        e.ns = ns;
        if (c == Command::create_namespace) e.region = 0;
        return e;
    }
    kernel::Report create(NamespaceMode mode, std::optional<std::uint64_t> size = {}, int ns = 0) {
        NdctlEvent e = command(Command::create_namespace, ns);
        e.make.mode = mode;
        e.make.size = size;
        return run(e);
    }
    kernel::Report inject(std::uint64_t block, std::uint64_t count, int ns = 0, bool notify = true) {
        NdctlEvent e = command(Command::inject_error, ns);
        e.block = block;
        e.count = count;
        e.notify = notify;
        return run(e);
    }
    kernel::Report inject_status(int ns = 0) {
        NdctlEvent e = command(Command::inject_error, ns);
        e.status = true;
        return run(e);
    }
    std::int64_t force_raw(bool on, int ns = 0) {
        m.run(m.kernel.libnvdimm.disable(m.ctx, static_cast<std::uint32_t>(ns)));
        NdctlEvent e = command(Command::write_attribute, ns);
        e.attribute = "force_raw";
        e.text = on ? "1" : "0";
        const kernel::Report r = run(e);
        if (r.ret < 0) return r.ret;
        return m.run(m.kernel.libnvdimm.enable(m.ctx, static_cast<std::uint32_t>(ns)));
    }
    int bio(BioEvent::Op op, std::uint64_t sector, std::uint64_t sectors, int ns = 0,
            std::optional<std::uint8_t> fill = {}) {
        BioEvent e;
        e.op = op;
        e.ns = static_cast<std::uint32_t>(ns);
        e.sector = sector;
        e.sectors = sectors;
        if (fill) e.data = {DataSpec::Kind::fill, *fill * 0x01010101u};
        return m.run(m.kernel.libnvdimm.submit_bio(m.ctx, e));
    }
    std::string badblocks(int ns = 0) {
        return m.kernel.libnvdimm.namespace_badblocks(static_cast<std::uint32_t>(ns));
    }
    std::string region_badblocks() { return m.kernel.libnvdimm.region_badblocks(0); }
    std::uint64_t poisoned_bytes() const {
        std::uint64_t n = 0;
        for (const pmem::PoisonList& list : lists_)
            for (const DpaRange& r : list.runs()) n += r.size();
        return n;
    }
    const NamespaceConfig& space(std::size_t ns = 0) const { return m.kernel.namespaces[ns]; }
    pmem::Contents& media() { return m.kernel.libnvdimm.bus().media(); }

private:
    static void example(Scenario& s) {
        s.machine.nvdimms.clear();
        s.machine.regions.clear();
        s.machine.namespaces.clear();
        RegionConfig region;
        region.id = "region0";
        region.range = {kBase, kBase + kSize};
        for (std::uint32_t i = 0; i < 4; ++i) {
            NvdimmConfig n;
            n.id = "nmem" + std::to_string(i);
            n.size = 64 << 20;
            n.handle = i;
            n.profile = NvdimmProfile::test;
            s.machine.nvdimms.push_back(n);
            region.nvdimms.push_back(i);
            region.dpa_base.push_back(0x1000000);
        }
        s.machine.regions.push_back(region);
        for (std::uint32_t i = 0; i < 3; ++i) {
            NamespaceConfig ns;
            ns.id = "namespace0." + std::to_string(i);
            ns.number = i;
            ns.present = false;
            s.machine.namespaces.push_back(ns);
        }
        Event e;
        e.action = NdctlEvent{};  // somebody asks for contents
        s.events.push_back(e);
        if (change()) change()(s);
    }
    /// What the machine that is being made changes; PmemMachine takes a plain function.
    static PmemMachine::Change& change() {
        static PmemMachine::Change change = nullptr;
        return change;
    }

    const pmem::PoisonList& poison(std::uint32_t i) const override { return lists_[i]; }
    void plant(std::uint32_t i, DpaRange range, std::uint8_t flags) override {
        lists_[i].add(range, 0, flags);
        lists_[i].mark(range, flags);
    }
    void heal(std::uint32_t i, DpaRange range) override { lists_[i].clear(range); }
    void list(std::uint32_t i, DpaRange range) override {
        lists_[i].mark(range, pmem::kPoisonListed);
    }
    pmem::SmartHealth& health(std::uint32_t i) override { return healths_[i]; }

    kernel::DsmReply call(const kernel::DsmRequest& request) {
        pmem::Firmware::Answer a = firmware_->call(request, m.agenda.now());
        if (a.notify) m.kernel.nfit_notify(a.notify->value, a.notify->nvdimm);
        return a.reply;
    }

public:
    PmemMachine m;

private:
    std::vector<pmem::PoisonList> lists_;
    std::vector<pmem::SmartHealth> healths_;
    std::unique_ptr<pmem::Firmware> firmware_;
};

}  // namespace mcemu::test
