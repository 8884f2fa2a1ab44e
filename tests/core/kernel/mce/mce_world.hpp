#pragma once  // The reference platform P0 of the kernel specification, with hardware that obeys.
#include <catch2/catch.hpp>
#include <functional>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <string>

#include "core/kernel/kernel.hpp"
#include "support/fake_platform.hpp"

namespace mcemu::test {

/// One printed line: which, and its values; the text of a name stands in `text`.
struct Printed {
    kernel::Line line{};
    std::array<std::uint64_t, 6> args{};
    std::string text;

    Printed(kernel::Line l, std::initializer_list<std::uint64_t> values = {}) : line(l) {
        std::copy(values.begin(), values.end(), args.begin());
    }
    Printed(kernel::Line l, std::string t) : line(l), text(std::move(t)) {}
    bool operator==(const Printed& other) const {
        return line == other.line && args == other.args && text == other.text;
    }
};
inline std::ostream& operator<<(std::ostream& out, const Printed& p) {
    out << "line " << static_cast<unsigned>(p.line) << " '" << p.text << "'" << std::hex;
    for (const std::uint64_t a : p.args) out << ' ' << a;
    return out << std::dec << '\n';
}

class NoChance final : public Rng {
public:
    std::uint64_t bits(std::uint32_t, std::uint64_t) const override { return 0; }
};

/// Four CPUs, 20 banks, RAM, one 1 GiB namespace at 0x200000000, one process (pid 900) on CPU 1
/// with a page at 0x7f0000001000 that lies at 0x12345000. TSC 0x1000, TIME 1530000000.
class MceWorld {
public:
    using Adjust = std::function<void(Scenario&)>;
    static constexpr std::uint64_t kPage = 0x12345000;
    static constexpr std::uint64_t kVa = 0x7f0000001000;

    explicit MceWorld(ProfileId profile, const Adjust& adjust = {}, std::uint32_t cpus = 4,
                      const std::function<void(FakePlatform&)>& adjust_hw = {})
        : hw(cpus), trace(agenda, 4096), latency(rng) {
        Scenario& s = scenario;
        s.kernel.profile = profile;
        s.kernel.tainted = true;
        s.kernel.check_interval_s = 1;
        s.machine.cpus.cores = cpus;
        s.machine.cpus.cpuid_eax = 0x50654;
        s.machine.cpus.microcode = 0x2000043;
        s.machine.memory.push_back({"dram0", {0x100000, 0x200000000}, 0, {}});
        MapConfig map;
        map.id = "m0";
        map.va = kVa;
        map.size = 0x1000;
        map.at = kPage;
        ProcessConfig db;
        db.id = "db";
        db.pid = 900;
        db.comm = "db";
        db.cpu = cpus > 1 ? 1 : 0;
        db.sigbus = SigbusAction::handler;
        db.maps.push_back(map);
        s.processes.push_back(db);
        s.events.resize(8);
        if (adjust) adjust(s);
        fates.resize(s.events.size());
        for (CpuId cpu = 0; cpu < cpus; ++cpu) hw.set(cpu, mca::MSR_IA32_TSC, 0x1000);
        if (adjust_hw) adjust_hw(hw);
        kernel = std::make_unique<kernel::Kernel>(s, agenda, trace, names, latency, fates, hw);
        kernel->boot();
        run_for(SimTime::zero());
        boot_lines = kernel->log.records().size();
    }

    /// Delivers #MC as hardware does: MCG_STATUS of the first CPU as given, 5 on the others.
    void machine_check(kernel::McDelivery d, std::uint64_t mcg) {
        for (CpuId cpu = 0; cpu < hw.cpu_count(); ++cpu)
            if (d.broadcast || cpu == d.first)
                hw.set(cpu, mca::MSR_IA32_MCG_STATUS, cpu == d.first ? mcg : 5);
        kernel->machine_check(d);
    }
    void machine_check(CpuId first, std::uint64_t mcg, bool broadcast = true) {
        kernel::McDelivery d;
        d.first = first;
        d.broadcast = broadcast;
        machine_check(d, mcg);
    }
    /// The process runs on its CPU, in user mode.
    void run_process() {
        kernel::Process& p = kernel->processes[0];
        kernel->processes.switch_to(p.cpu, &p);
        hw.frames[p.cpu] = {0x401136, 0x33, true};
    }
    void run() {
        while (!agenda.empty()) agenda.run_until(agenda.next_time());
    }
    void run_for(SimTime t) {
        const SimTime end = agenda.now() + t;
        agenda.run_until(end);
        agenda.advance_to(end);
    }

    /// Lines since boot; lines that carry a name show its text instead.
    std::vector<Printed> log() const {
        std::vector<Printed> lines;
        const auto& records = kernel->log.records();
        for (std::size_t i = boot_lines; i < records.size(); ++i) {
            const kernel::LogRecord& r = records[i];
            Printed p(r.line);
            switch (r.line) {
                case kernel::Line::panic:
                case kernel::Line::mce_fake_panic:
                case kernel::Line::mce_machine_check:
                case kernel::Line::mce_cpus_not_responding:
                    p.text = names[static_cast<std::uint32_t>(r.args[0])];
                    break;
                default:
                    p.args = r.args;
            }
            lines.push_back(p);
        }
        return lines;
    }
    /// The lines as identities only.
    std::vector<kernel::Line> lines() const {
        std::vector<kernel::Line> all;
        for (const Printed& p : log()) all.push_back(p.line);
        return all;
    }
    bool panicked() const { return kernel->outcome == kernel::Outcome::panic; }

    Scenario scenario;
    FakePlatform hw;
    Agenda agenda;
    NoChance rng;
    Trace trace;
    Names names;
    Latency latency;
    Fates fates;
    std::unique_ptr<kernel::Kernel> kernel;
    std::size_t boot_lines = 0;
};

// MCi_STATUS values of kernel.md 1.1.
inline constexpr std::uint64_t kSrarData = 0xbd80000000000134, kFatalPcc = 0xbe00000000000090,
                               kUcna = 0xbc0000000000009f, kCe = 0x9c0000000000009f,
                               kSraoMc = 0xbd000000000000c0, kSraoCmci = 0xbc000000000000c0;
inline constexpr std::uint64_t kRamAddress = 0x12345040;

}  // namespace mcemu::test

template <>
struct Catch::StringMaker<mcemu::kernel::Line> {
    static std::string convert(mcemu::kernel::Line l) {
        return "line " + std::to_string(static_cast<unsigned>(l));
    }
};
