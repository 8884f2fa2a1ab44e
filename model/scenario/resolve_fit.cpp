// Whether the maps of all processes find memory: what only the emulated allocator knows.
#include "core/kernel/kernel.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

/// Hardware that nothing happens on: maps are made before time begins.
class NoHardware final : public kernel::Platform {
public:
    explicit NoHardware(std::uint32_t cpus) : cpus_(cpus) {}
    std::uint32_t cpu_count() const override { return cpus_; }
    std::optional<std::uint64_t> rdmsr(CpuId, std::uint32_t) override { return std::nullopt; }
    bool wrmsr(CpuId, std::uint32_t, std::uint64_t) override { return false; }
    void wrmsr_all(std::uint32_t, std::uint64_t) override {}
    std::uint64_t valid_banks(CpuId) const override { return 0; }
    std::vector<CpuId> cpus_with_valid_banks() const override { return {}; }
    kernel::Frame frame(CpuId) const override { return {}; }
    void set_context(CpuId, kernel::Frame) override {}
    kernel::ExecResult execute(CpuId, const kernel::Instruction&) override { return {}; }
    void set_register(CpuId, unsigned, std::uint64_t) override {}
    bool clflush(CpuId, std::uint64_t, std::uint64_t) override { return true; }
    kernel::DsmReply dsm(const kernel::DsmRequest&) override { return {}; }
    void set_online(CpuId, bool) override {}
    void halt() override {}

private:
    std::uint32_t cpus_;
};

struct NoRandomness final : Rng {
    std::uint64_t bits(std::uint32_t, std::uint64_t) const override { return 0; }
};

}  // namespace

void Resolver::check_memory_fits(const Cursor& root) {
    if (scenario.processes.empty()) return;
    Agenda agenda;
    Trace trace(agenda, 0);
    Names names;
    NoRandomness rng;
    Latency latency(rng);
    Fates fates;
    NoHardware hardware(scenario.machine.cpus.count());
    try {
        const kernel::Kernel kernel(scenario, agenda, trace, names, latency, fates, hardware);
    } catch (const kernel::NoRamForMap& full) {
        root.each("processes", [&](const Cursor& process, std::size_t i) {
            if (i != full.process) return;
            process.each("maps", [&](const Cursor& map, std::size_t j) {
                if (j != full.map) return;
                add(map.at("size"), "no RAM is left for " + size_text(full.bytes),
                    "make it or another map smaller, or give the machine more memory");
            });
        });
    }
}

}  // namespace mcemu::scenario
