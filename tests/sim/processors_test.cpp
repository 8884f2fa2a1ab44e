// The processors alone, between a memory that knows one poisoned line and a kernel that notes
// what reaches it.
#include "hw/processors.hpp"

#include <tlm_utils/simple_target_socket.h>

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "support/isolated.hpp"
#include "wires/sc_time.hpp"

using namespace mcemu;
using kernel::ExecResult;
using nlohmann::json;

namespace {

constexpr std::uint64_t kPoisonSpa = 0x12340, kMemoryEnd = 1ull << 38;
constexpr std::uint64_t kPlainVa = 0x7f0000001000, kDirectMap = 0xffff888000000000;

class FixedRng final : public Rng {
    std::uint64_t bits(std::uint32_t, std::uint64_t draw) const override { return draw << 60; }
};

std::string hex(std::uint64_t value) {
    char text[20];
    std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
    return text;
}

/// Memory answers after 100 ns; the line at kPoisonSpa is poisoned by event 9.
struct BenchModule : sc_core::sc_module, wires::InterruptIf {
    tlm_utils::simple_target_socket<BenchModule> mem_in{"mem_in"};
    FixedRng rng;
    Agenda agenda;
    Trace trace{agenda, 10000};
    Latency latency{rng};
    Fates fates;
    hw::Processors dut;

    json seen = json::array();
    bool report_ucna = false;
    kernel::Translation page;  // what every walk finds; spa is taken from the low bits of the va
    std::function<void(const kernel::McDelivery&)> handler;
    std::uint64_t latched = 0;

    BenchModule(const sc_core::sc_module_name& name, CpuConfig cpus, McaConfig mca)
        : sc_module(name), dut("processors", cpus, mca, agenda, trace, latency, fates) {
        mem_in.register_b_transport(this, &BenchModule::b_transport);
        dut.mem_out.bind(mem_in);
        dut.interrupt_out.bind(*this);
        fates.resize(10);
        page.present = true;
        // What a kernel's boot does.
        for (std::uint32_t b = 0; b < mca.banks; ++b) {
            dut.wrmsr_all(mca::msr_mci_ctl(b), ~0ull);
            dut.wrmsr_all(mca::msr_mci_ctl2(b), mca::MCI_CTL2_CMCI_EN | 1);
        }
    }
    static CpuConfig two_sockets() {
        CpuConfig c;
        c.sockets = 2;
        c.cores = 2;
        c.threads = 1;
        return c;
    }

    void b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
        auto* access = gp.get_extension<wires::AccessExtension>();
        delay += wires::to_sc_time(from_ns(100));
        gp.set_response_status(tlm::TLM_OK_RESPONSE);
        if (gp.get_address() >= kMemoryEnd) {
            gp.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        } else if (gp.get_address() / 64 == kPoisonSpa / 64) {
            access->poisoned = true;
            access->poisoned_spa = kPoisonSpa;
            access->planted_by = 9;
            if (gp.is_read()) gp.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
            if (report_ucna)
                dut.memory_error({wires::MemoryError::Kind::demand_read, kPoisonSpa, 6,
                                  access->socket, 4, false, 9});
        }
    }

    void note(json what) {
        what["ns"] = to_ns(agenda.now());
        seen.push_back(std::move(what));
    }
    void machine_check(const kernel::McDelivery& d) override {
        json skew = json::array();
        for (const auto& [cpu, t] : d.skew) skew.push_back({cpu, to_ns(t)});
        note({{"mc", d.broadcast ? "broadcast" : "local"},
              {"first", d.first},
              {"skew", skew},
              {"same", to_ns(d.skew_same_socket)},
              {"other", to_ns(d.skew_other_socket)},
              {"missing", d.missing},
              {"origin", agenda.why().origin}});
        if (handler) handler(d);
    }
    void cmci(CpuId cpu) override { note({{"cmci", cpu}, {"origin", agenda.why().origin}}); }
    void shutdown(CpuId cpu) override { note({{"shutdown", cpu}}); }
    void bank_latched(CpuId) override { ++latched; }
    kernel::Translation page_walk(CpuId, std::uint64_t va, bool) const override {
        kernel::Translation t = page;
        t.spa = va & 0x7fffffffff;
        return t;
    }

    ExecResult load(CpuId cpu, std::uint64_t spa, AccessKind kind = AccessKind::load,
                    bool user = true) {
        return dut.execute(cpu, {kind, spa, 8, user, 0x401136});
    }
    void inject(const MceEvent& e, std::uint32_t origin = 1) {
        agenda.set_why({0, origin});
        dut.inject(e);
        agenda.set_why({});
    }
    json run() {
        agenda.run_until(from_ns(1'000'000'000));
        return seen;
    }
    std::string msr(CpuId cpu, std::uint32_t number) { return hex(dut.rdmsr(cpu, number).value()); }
    json frame(CpuId cpu) {
        const kernel::Frame f = dut.frame(cpu);
        return {hex(f.ip), f.cs};
    }
    json fate(std::uint32_t event) {
        const EventFate& f = fates[event - 1];
        return {static_cast<int>(f.fate), static_cast<int>(f.reason), f.other};
    }
};

/// The bench, elaborated.
struct Bench : BenchModule {
    explicit Bench(CpuConfig cpus = two_sockets(), McaConfig mca = {})
        : BenchModule("bench", cpus, mca) {
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
    }
};

json fate(Fate f, FateReason r, std::uint32_t other = 0) {
    return {static_cast<int>(f), static_cast<int>(r), other};
}

MceEvent srar(CpuId cpu, std::uint64_t mcgstatus = 7) {
    MceEvent e;
    e.cpu = cpu;
    e.bank = 1;
    e.status = 0xbd80000000000134;
    e.addr = 0x5000;
    e.misc = 0x86;
    e.mcgstatus = mcgstatus;
    e.broadcast = (mcgstatus & 8) == 0;
    e.ip = 0x4004f6;
    e.cs = 0x33;
    e.cs_given = true;
    return e;
}
MceEvent polled(CpuId cpu, std::uint32_t bank, std::uint64_t status) {
    MceEvent e;
    e.cpu = cpu;
    e.bank = bank;
    e.status = status;
    e.poll = true;
    return e;
}

// Default latencies that show in these tests: 50 ns bank update, 50 ns retirement, 600 ns
// microcode; a CMCI takes 1 us and 0.7 us.
json isolated(const std::function<json()>& body) { return test::isolated(body); }

}  // namespace

TEST_CASE("a load of good memory retires after the memory's delay", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        const ExecResult e = b.load(0, 0x5000);
        return json{static_cast<int>(e.status), to_ns(e.delay), e.spa, b.run()};
    });
    CHECK(r == json{static_cast<int>(ExecResult::Status::retired), 100, 0x5000, json::array()});
}

TEST_CASE("accesses that the page tables do not allow fault and touch no memory",
          "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        json out = json::array();
        const auto status = [&](std::uint64_t va, AccessKind kind = AccessKind::load) {
            out.push_back(static_cast<int>(b.load(0, va, kind).status));
        };
        b.page.present = false;
        status(kPlainVa);
        b.page.present = true;
        status(0x7fff888000000000);  // bit 63 flipped in a direct-map address
        b.page.user = false;
        status(kDirectMap);
        b.page.user = true;
        b.page.writable = false;
        status(kPlainVa, AccessKind::store);
        status(kPlainVa);
        return out;
    });
    const int fault = static_cast<int>(ExecResult::Status::page_fault);
    CHECK(r == json{fault, fault, fault, fault, 0});
}

TEST_CASE("an access where no memory answers is a bus error", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        return json(static_cast<int>(b.load(0, kMemoryEnd).status));
    });
    CHECK(r == static_cast<int>(ExecResult::Status::bus_error));
}

TEST_CASE("a load of poison is an SRAR, told to all CPUs", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        const ExecResult e = b.load(2, kPoisonSpa + 8);
        json out{{"status", static_cast<int>(e.status)}, {"line", e.poisoned_spa}};
        out["seen"] = b.run();
        out["bank"] = {b.msr(2, mca::msr_mci_status(1)), b.msr(2, mca::msr_mci_addr(1)),
                       b.msr(2, mca::msr_mci_misc(1))};
        for (CpuId cpu = 0; cpu < 4; ++cpu)
            out["mcg"].push_back(b.msr(cpu, mca::MSR_IA32_MCG_STATUS));
        out["frame"] = b.frame(2);
        out["cpus"] = b.dut.cpus_with_valid_banks();
        out["origin"] = b.dut.bank_origin(2, 1);
        return out;
    });
    CHECK(r["status"] == static_cast<int>(ExecResult::Status::machine_check));
    CHECK(r["line"] == kPoisonSpa);
    // 100 ns access, 50 ns bank update, 50 ns retirement, 600 ns microcode
    CHECK(r["seen"] == json::array({{{"mc", "broadcast"},
                                     {"first", 2},
                                     {"skew", json::array()},
                                     {"same", 200},
                                     {"other", 1000},
                                     {"missing", json::array()},
                                     {"origin", 9},
                                     {"ns", 800}}}));
    CHECK(r["bank"] == json{"bd80000000000134", "12340", "86"});
    CHECK(r["mcg"] == json{"5", "5", "7", "5"});
    CHECK(r["frame"] == json{"401136", 0x33});
    CHECK(r["cpus"] == json{2});
    CHECK(r["origin"] == 9);
}

TEST_CASE("a fetch of poison reports in the IFU bank, a kernel load shows kernel mode",
          "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.load(0, kPoisonSpa, AccessKind::fetch);
        b.run();
        json out{b.msr(0, mca::msr_mci_status(0))};
        b.dut.wrmsr_all(mca::MSR_IA32_MCG_STATUS, 0);
        b.load(1, kPoisonSpa, AccessKind::load, false);
        b.run();
        out.push_back(b.frame(1));
        return out;
    });
    CHECK(r == json{"bd80000000000150", {"401136", 0x10}});
}

TEST_CASE("with LMCE enabled a lone SRAR stays on its CPU", "[sim][processors]") {
    const json r = isolated([] {
        McaConfig mca;
        mca.lmce = true;
        Bench b(Bench::two_sockets(), mca);
        b.dut.wrmsr_all(mca::MSR_IA32_MCG_EXT_CTL, mca::MCG_EXT_CTL_LMCE_EN);
        b.load(3, kPoisonSpa);
        json out{b.run()[0]["mc"]};
        for (CpuId cpu = 0; cpu < 4; ++cpu) out.push_back(b.msr(cpu, mca::MSR_IA32_MCG_STATUS));
        return out;
    });
    CHECK(r == json{"local", "0", "0", "0", "f"});
}

TEST_CASE("two CPUs that consume poison at once share one broadcast", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.load(1, kPoisonSpa);
        b.load(3, kPoisonSpa);
        json out{b.run()};
        for (CpuId cpu = 0; cpu < 4; ++cpu) out.push_back(b.msr(cpu, mca::MSR_IA32_MCG_STATUS));
        return out;
    });
    REQUIRE(r[0].size() == 1);
    CHECK(r[0][0]["first"] == 1);
    CHECK(r[0][0]["skew"] == json::array({{3, 0}}));
    CHECK(json{r[1], r[2], r[3], r[4]} == json{"5", "7", "5", "7"});
}

TEST_CASE("a machine check inside a machine check is a shutdown", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.inject(srar(0), 1);
        b.run();
        b.inject(srar(1), 2);
        const json seen = b.run();
        return json{seen.back()["shutdown"], b.fate(2), static_cast<int>(b.load(1, 0x5000).status)};
    });
    CHECK(r == json{0, fate(Fate::shutdown, FateReason::mcip_set),
                    static_cast<int>(ExecResult::Status::shutdown)});
}

TEST_CASE("a CPU with CR4.MCE clear dies of any broadcast", "[sim][processors]") {
    const json r = isolated([] {
        McaConfig mca;
        mca.mce_disabled_cpus = {3};
        Bench b(Bench::two_sockets(), mca);
        b.inject(srar(0));
        const json seen = b.run();
        return json{seen.back()["shutdown"], b.fate(1)};
    });
    CHECK(r == json{3, fate(Fate::shutdown, FateReason::cr4_mce_clear)});
}

TEST_CASE("a store into part of a poisoned line tells nobody", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        const ExecResult e = b.load(0, kPoisonSpa, AccessKind::store);
        return json{static_cast<int>(e.status), b.run()};
    });
    CHECK(r == json{0, json::array()});
}

TEST_CASE("poison through uncacheable memory is fatal where the part says so",
          "[sim][processors]") {
    const json r = isolated([] {
        McaConfig mca;
        mca.uc_poison_fatal = true;
        Bench b(Bench::two_sockets(), mca);
        b.page.cacheable = false;
        b.load(0, kPoisonSpa);
        b.run();
        return json{b.msr(0, mca::msr_mci_status(1)), b.msr(0, mca::MSR_IA32_MCG_STATUS)};
    });
    CHECK(r == json{"be00000000000134", "4"});
}

TEST_CASE("with its bank switched off a poisoned load is logged and retires", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.dut.wrmsr_all(mca::msr_mci_ctl(1), 0);
        const ExecResult e = b.load(0, kPoisonSpa);
        const json seen = b.run();
        return json{static_cast<int>(e.status), seen, b.msr(0, mca::msr_mci_status(1))};
    });
    CHECK(r == json{0, json::array(), "ad80000000000134"});
}

TEST_CASE("the memory controller's UCNA stands before the core's SRAR; its CMCI comes after #MC",
          "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.report_ucna = true;
        b.handler = [&](const kernel::McDelivery&) {
            b.note({{"banks", hex(b.dut.valid_banks(2))}});
            b.dut.wrmsr(2, mca::msr_mci_status(1), 0);
            b.dut.wrmsr_all(mca::MSR_IA32_MCG_STATUS, 0);
        };
        b.load(2, kPoisonSpa);
        json out{b.run()};
        out.push_back(b.msr(2, mca::msr_mci_status(8)));
        json kinds;
        for (std::uint32_t id = 1; id <= b.trace.count(); ++id)
            if (b.trace[id].kind == TraceKind::bank_logged) kinds.push_back(b.trace[id].a);
        out.push_back(kinds);
        return out;
    });
    CHECK(r[0][1]["banks"] == hex(1u << 1 | 1u << 8));
    CHECK(r[0][2]["cmci"] == 2);
    CHECK(r[0][2]["origin"] == 9);
    CHECK(r[1] == "bc00000001010091");  // channel 4: second M2M, its channel 1
    CHECK(r[2] == json{8, 1});
}

TEST_CASE("a CMCI waits for the end of a machine-check handler", "[sim][processors][cmci]") {
    const json r = isolated([] {
        Bench b;
        b.inject(srar(0), 1);
        b.run();
        b.inject(polled(0, 7, 0xbc00000001010090), 2);
        json out{b.run().size()};
        b.dut.wrmsr_all(mca::MSR_IA32_MCG_STATUS, 0);
        out.push_back(b.run().back()["cmci"]);
        return out;
    });
    CHECK(r == json{1, 0});
}

TEST_CASE("a corrected error below the threshold waits for a poll", "[sim][processors][cmci]") {
    const json r = isolated([] {
        Bench b;
        b.dut.wrmsr_all(mca::msr_mci_ctl2(7), mca::MCI_CTL2_CMCI_EN | 2);
        b.inject(polled(0, 7, 0x8c00004000010090), 1);
        json out{b.run(), b.fate(1), b.latched};
        b.inject(polled(0, 7, 0x8c00004000010090), 2);
        out.push_back(b.run().size());
        return out;
    });
    CHECK(r == json{json::array(), fate(Fate::filtered, FateReason::threshold_not_reached), 1, 1});
}

TEST_CASE("several errors before a CMCI is taken make one interrupt", "[sim][processors][cmci]") {
    const json r = isolated([] {
        Bench b;
        b.inject(polled(0, 7, 0xbc00000001010090), 1);
        b.inject(polled(0, 8, 0xbc00000001010090), 2);
        return b.run();
    });
    REQUIRE(r.size() == 1);
    CHECK(r[0] == json{{"cmci", 0}, {"origin", 1}, {"ns", 1700}});
}

TEST_CASE("an injected record stands as given and shows the given frame", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.inject(srar(1, 0xf));
        json out{b.run()[0]["mc"],
                 b.seen[0]["ns"],
                 b.msr(1, mca::msr_mci_status(1)),
                 b.msr(1, mca::MSR_IA32_MCG_STATUS),
                 b.msr(0, mca::MSR_IA32_MCG_STATUS),
                 b.frame(1),
                 b.fate(1)};
        return out;
    });
    CHECK(r == json{"local",
                    600,
                    "bd80000000000134",
                    "f",
                    "0",
                    {"4004f6", 0x33},
                    fate(Fate::latent, FateReason::left_in_bank)});
}

TEST_CASE("without cs a record shows a process in user mode, else the kernel",
          "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        MceEvent e = srar(0, 0xf);
        e.cs_given = false;
        e.process = 3;
        b.inject(e);
        e.cpu = 1;
        e.process = -1;
        b.inject(e);
        b.run();
        return json{b.frame(0)[1], b.frame(1)[1]};
    });
    CHECK(r == json{0x33, 0x10});
}

TEST_CASE("other CPUs show in a broadcast what they ran", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.dut.set_context(2, {0x1234, 0x33, true});
        b.inject(srar(0));
        b.run();
        return b.frame(2);
    });
    CHECK(r == json{"1234", 0x33});
}

TEST_CASE("records for CPUs and banks that do not exist are refused", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.inject(srar(4), 1);
        MceEvent e = srar(0);
        e.bank = 20;
        b.inject(e, 2);
        return json{b.run(), b.fate(1), b.fate(2)};
    });
    CHECK(r == json{json::array(), fate(Fate::filtered, FateReason::no_such_cpu),
                    fate(Fate::filtered, FateReason::no_such_bank)});
}

TEST_CASE("fates tell which event's data a bank lost", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.inject(polled(0, 7, 0x8c00004000010090), 1);  // corrected
        b.inject(polled(0, 7, 0xbc00000001010090), 2);  // UCNA: replaces it
        b.inject(polled(0, 7, 0xbc00000001010090), 3);  // second UCNA: lost
        b.run();
        return json{b.fate(1), b.fate(2), b.fate(3)};
    });
    CHECK(r == json{fate(Fate::overwritten, FateReason::by_newer_error, 2),
                    fate(Fate::latent, FateReason::left_in_bank),
                    fate(Fate::overwritten, FateReason::lost_to_older_error, 2)});
}

TEST_CASE("CPUs that never answer are named in a broadcast", "[sim][processors]") {
    const json r = isolated([] {
        McaConfig mca;
        mca.stuck_cpus = {3};
        Bench b(Bench::two_sockets(), mca);
        b.inject(srar(0));
        return b.run()[0]["missing"];
    });
    CHECK(r == json{3});
}

TEST_CASE("drawn skews are given CPU by CPU, without those offline", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.latency.set(Lat::mc_skew, {Distribution::Kind::uniform, from_ns(100), from_ns(300)});
        b.dut.set_online(2, false);
        b.inject(srar(0));
        const json skew = b.run()[0]["skew"];
        return json{skew.size(), skew[0][0], skew[1][0], skew[1][1]};
    });
    CHECK(r == json{2, 1, 3, 1000});
}

TEST_CASE("patrol scrub finds come as #MC, CMCI or corrected errors", "[sim][processors]") {
    const auto find = [](PatrolUcMode mode) {
        return isolated([mode] {
            McaConfig mca;
            mca.patrol_uc_mode = mode;
            Bench b(Bench::two_sockets(), mca);
            b.dut.memory_error({wires::MemoryError::Kind::patrol_scrub, 0x5000, 6, 1, 3, false, 0});
            json seen = b.run();
            return json{seen[0].contains("mc") ? "mc" : "cmci",
                        seen[0].contains("mc") ? seen[0]["first"] : seen[0]["cmci"],
                        b.msr(2, mca::msr_mci_status(15)), b.msr(2, mca::MSR_IA32_MCG_STATUS)};
        });
    };
    CHECK(find(PatrolUcMode::mce) == json{"mc", 2, "bd000000001000c0", "5"});
    CHECK(find(PatrolUcMode::cmci) == json{"cmci", 2, "bc000000001000c0", "0"});
    CHECK(find(PatrolUcMode::ce) == json{"cmci", 2, "8c000040001000c0", "0"});
}

TEST_CASE("speculation reaches poison only through a present, cacheable mapping",
          "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        const auto result = [&](std::uint64_t va) {
            SpeculateEvent e;
            e.va = va;
            b.dut.speculate(e, 0);
            return b.trace[b.trace.count()].c;
        };
        json out = json::array();
        out.push_back(result(kPoisonSpa));
        out.push_back(result(0x9000));
        out.push_back(result(kPoisonSpa | 1ull << 63));
        b.page.cacheable = false;
        out.push_back(result(kPoisonSpa));
        b.page.present = false;
        out.push_back(result(kPoisonSpa));
        out.push_back(b.run());
        out.push_back(b.dut.counters().speculation_hits);
        return out;
    });
    using R = mca::SpeculationResult;
    CHECK(r == json{static_cast<int>(R::poison), static_cast<int>(R::clean),
                    static_cast<int>(R::non_canonical), static_cast<int>(R::not_cacheable),
                    static_cast<int>(R::not_present), json::array(), 1});
}

TEST_CASE("addresses in registers may be speculated on", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        SpeculateEvent e;
        e.registers = true;
        b.dut.speculate(e, 0);
        json out{b.trace[b.trace.count()].c};
        b.dut.set_register(0, 3, kDirectMap | kPoisonSpa);
        b.dut.set_register(0, 4, kDirectMap | 0x9000);
        b.dut.speculate(e, 0);
        b.dut.set_register(0, 3, 0);
        b.dut.set_register(0, 4, 0);
        b.dut.speculate(e, 0);
        out.push_back(b.trace[b.trace.count()].c);
        out.push_back(b.dut.counters().speculative_reads);
        out.push_back(b.dut.counters().speculation_hits);
        return out;
    });
    const int idle = static_cast<int>(mca::SpeculationResult::idle);
    CHECK(r == json{idle, idle, 2, 1});
}

TEST_CASE("a core that logs speculation makes the next SRAR overflow", "[sim][processors]") {
    const json r = isolated([] {
        McaConfig mca;
        mca.speculative_poison = SpeculativePoison::core_log;
        Bench b(Bench::two_sockets(), mca);
        SpeculateEvent e;
        e.va = kPoisonSpa;
        b.dut.speculate(e, 0);
        json out{b.run(), b.msr(0, mca::msr_mci_status(1))};
        b.load(0, kPoisonSpa);
        b.run();
        out.push_back(b.msr(0, mca::msr_mci_status(1)));
        return out;
    });
    CHECK(r == json{json::array(), "bc00000000000134", "fd80000000000134"});
}

TEST_CASE("a part that cannot squash takes #MC for speculation", "[sim][processors]") {
    const json r = isolated([] {
        McaConfig mca;
        mca.speculative_poison = SpeculativePoison::machine_check;
        Bench b(Bench::two_sockets(), mca);
        b.dut.set_context(0, {0x777, 0x10, true});
        SpeculateEvent e;
        e.va = kPoisonSpa;
        b.dut.speculate(e, 0);
        json out{b.run()[0]["mc"]};
        out.push_back(b.frame(0));
        return out;
    });
    CHECK(r == json{"broadcast", {"777", 0x10}});
}

TEST_CASE("CLFLUSH of a non-canonical address faults", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        return json{b.dut.clflush(0, kDirectMap, 4096),
                    b.dut.clflush(0, kDirectMap ^ 1ull << 63, 4096)};
    });
    CHECK(r == json{true, false});
}

TEST_CASE("nothing reaches a halted machine", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.load(0, kPoisonSpa);
        b.dut.halt();
        return json{b.run(), static_cast<int>(b.load(0, 0x5000).status)};
    });
    CHECK(r == json{json::array(), static_cast<int>(ExecResult::Status::shutdown)});
}

TEST_CASE("the snapshot lists every bank that was used", "[sim][processors]") {
    const json r = isolated([] {
        Bench b;
        b.inject(polled(3, 7, 0xbc00000001010090), 1);
        b.inject(polled(0, 1, 0x8c00004000000134), 2);
        b.dut.wrmsr(3, mca::msr_mci_status(7), 0);
        json out = json::array();
        for (const BankSnapshot& s : b.dut.bank_snapshots())
            out.push_back({s.cpu, s.bank, hex(s.status)});
        return out;
    });
    CHECK(r == json::array({{0, 1, "8c00004000000134"}, {3, 7, "0"}}));
}
