#include "exchange/log_hardware.hpp"

#include <algorithm>
#include <vector>

#include "core/mca/status.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using namespace mca;
using formats::EdacReport;
using formats::GhesReport;
using formats::LogEntry;
using formats::LoggedMce;
using formats::LogLine;
using scenario::hex_text;
using Kind = LogEntry::Kind;

class Hardware {
public:
    explicit Hardware(Triggers& triggers) : triggers_(triggers) {}

    // ------------------------------------------------------------ machine checks

    Json mce(const LoggedMce& r) const {
        return {{"id", triggers_.id_of(r.line)},
                {"do", "mce"},
                {"cpu", r.cpu},
                {"bank", r.bank},
                {"status", hex_text(r.status)},
                {"mcgstatus", hex_text(r.mcgstatus)},
                {"addr", hex_text(r.addr)},
                {"misc", hex_text(r.misc)}};
    }

    void records() {
        std::uint64_t last_time = 0;
        for (const LoggedMce& r : triggers_.log.records)
            if (!r.repeats && r.exception) last_time = std::max(last_time, r.time);
        for (const LoggedMce& r : triggers_.log.records) {
            if (r.repeats) continue;
            if (r.bank < 0) {
                firmware_record(r);
                continue;
            }
            if (r.processor_known && r.vendor != 0) {
                triggers_.incident.lose(r.line, 0,
                                        "vendor " + std::to_string(r.vendor) +
                                            " is not modelled: its records mean something else",
                                        "they are left out");
                continue;
            }
            if (!(r.status & MCI_STATUS_VAL)) {
                triggers_.incident.lose(r.line, 0, "a record without VAL", "it is left out");
                continue;
            }
            if (!triggers_.incident.need_cpu(r.cpu, r.line, 0) ||
                !triggers_.incident.need_bank(static_cast<std::uint64_t>(r.bank), r.line, 0))
                continue;
            if (r.addr < kMaxSpa && (r.status & MCI_STATUS_ADDRV))
                triggers_.incident.need_memory(r.addr);
            Json e = mce(r);
            if (r.ip != 0 || r.cs != 0) {
                e["cs"] = hex_text(r.cs);
                e["ip"] = hex_text(r.ip);
            }
            const bool local = r.mcgstatus & MCG_STATUS_LMCES;
            if (local) triggers_.incident.lmce = true;
            if (r.exception) e["broadcast"] = !local;
            e["poll"] = !r.exception;
            Trigger& t = triggers_.add(r.line, r.clock, r.us, std::move(e));
            // A panic prints what was pending too: TIME says how long it was.
            if (r.time != 0 && last_time > r.time + 1 && last_time - r.time < 86400 &&
                r.clock != LogLine::Clock::none && late(r))
                t.us -= static_cast<std::int64_t>(last_time - r.time) * 1'000'000;
            t.machine_check = r.exception;
            t.cpu = r.cpu;
            if (r.addr < kMaxSpa && (r.status & MCI_STATUS_ADDRV)) t.pfn = pfn_at(r.addr);
            t.needs_page = r.exception && (r.status & MCI_STATUS_AR) && (r.cs & 3) == 3;
            if (t.pfn && r.symbol.empty() && r.exception && (r.status & MCI_STATUS_AR) && r.ip == 0)
                triggers_.incident.lose(r.line, 0,
                                        "which instruction met the error is not in the log",
                                        "user mode where a process was killed");
        }
    }
    /// Printed by the panic, not when it happened: the exception's own lines stand next to it.
    bool late(const LoggedMce& r) const {
        return std::any_of(triggers_.log.records.begin(), triggers_.log.records.end(),
                           [&](const LoggedMce& other) {
                               return &other != &r && other.exception && other.time > r.time + 1 &&
                                      other.clock == r.clock &&
                                      std::abs(other.us - r.us) <= kTogether;
                           });
    }

    /// v6.1 hands firmware's memory errors on as records of bank -1: the report itself is better.
    void firmware_record(const LoggedMce& r) {
        if (!triggers_.log.ghes.empty()) return;
        Json e = {{"id", triggers_.id_of(r.line)},
                  {"do", "cper"},
                  {"severity", !(r.status & MCI_STATUS_UC)   ? "corrected"
                               : (r.status & MCI_STATUS_PCC) ? "fatal"
                                                             : "recoverable"}};
        if (r.addr < kMaxSpa) e["address"] = hex_text(r.addr);
        Trigger& t = triggers_.add(r.line, r.clock, r.us, std::move(e));
        if (r.addr < kMaxSpa) t.pfn = pfn_at(r.addr);
        triggers_.incident.lose(r.line, 0, "the lines of firmware's report are not in the log",
                                "its severity is that of the record");
    }

    // ------------------------------------------------------------ firmware

    void firmware() {
        std::vector<bool> done(triggers_.log.ghes.size());
        for (const LogEntry& e : triggers_.log.entries) {
            if (e.kind != Kind::ghes || done[e.index]) continue;
            done[e.index] = true;
            const GhesReport& r = triggers_.log.ghes[e.index];
            if (!r.memory) {
                triggers_.incident.lose(e.line, 0,
                                        r.section.empty()
                                            ? "a report of firmware without a section of its kind"
                                            : "firmware reports no memory error but \"" +
                                                  r.section.substr(0, 60) + "\"",
                                        "it is left out");
                continue;
            }
            static constexpr const char* kSeverities[] = {"recoverable", "fatal", "corrected",
                                                          "info"};
            const bool known = std::find(std::begin(kSeverities), std::end(kSeverities),
                                         r.severity) != std::end(kSeverities);
            if (!known)
                triggers_.incident.lose(e.line, 0, "firmware's report says no severity",
                                        "corrected");
            Json event = {{"id", triggers_.id_of(e.line)},
                          {"do", "cper"},
                          {"severity", known ? r.severity : "corrected"}};
            if (r.address && *r.address < kMaxSpa) {
                event["address"] = hex_text(*r.address);
                if (r.mask && *r.mask != 0) event["mask"] = hex_text(*r.mask & (kMaxSpa - 1));
                triggers_.incident.need_memory(*r.address);
            } else if (r.address) {
                triggers_.incident.lose(e.line, 0, "firmware's address is beyond any memory",
                                        "none");
            }
            if (r.source && *r.source < 65536) event["source"] = *r.source;
            if (r.error_type && *r.error_type < 256) event["error_type"] = *r.error_type;
            Trigger& t = triggers_.add(e.line, e.clock, e.us, std::move(event));
            if (r.address && *r.address < kMaxSpa) t.pfn = pfn_at(*r.address);
        }
    }

    // ------------------------------------------------------------ EDAC

    void edac() {
        for (const LogEntry& e : triggers_.log.entries) {
            if (e.kind != Kind::edac) continue;
            const EdacReport& r = triggers_.log.edac[e.index];
            if (triggers_.explained(r.address >> kPageShift, e, true)) continue;
            // The record went to the driver alone.
            std::uint64_t status =
                MCI_STATUS_VAL | MCI_STATUS_EN | r.mcacod | std::uint64_t{r.mscod} << 16;
            if (!r.code_known) status |= 0x9f;  // memory read error, channel not said
            const bool addressed = r.address != 0 && r.address < kMaxSpa;
            if (addressed) status |= MCI_STATUS_ADDRV | MCI_STATUS_MISCV;
            if (r.overflow) status |= MCI_STATUS_OVER;
            if (r.uncorrected)
                status |= MCI_STATUS_UC | (r.recoverable ? MCI_STATUS_S : 0);
            else
                status |= std::min<std::uint64_t>(r.count, 0x7fff) << MCI_STATUS_CEC_SHIFT;
            constexpr std::uint32_t kFirstImcBank =
                7;  // of Skylake-SP and Cascade Lake: M2M 0 and 1
            Json event = {{"id", triggers_.id_of(e.line)},
                          {"do", "mce"},
                          {"cpu", 0},
                          {"bank", kFirstImcBank + (r.mc & 1)},
                          {"status", hex_text(status)},
                          {"mcgstatus", "0x0"},
                          {"addr", hex_text(addressed ? r.address : 0)},
                          {"misc", addressed ? "0x86" : "0x0"},
                          {"poll", true}};
            triggers_.incident.need_bank(kFirstImcBank + 1, e.line, 0);
            if (addressed) triggers_.incident.need_memory(r.address);
            if (!r.code_known)
                triggers_.incident.lose(e.line, 0, "EDAC's line holds no error code",
                                        "a memory read error");
            triggers_.incident.lose(
                e.line, 0,
                "EDAC's line holds no registers: CPU, bank and the rest of STATUS are guessed",
                "CPU 0, a bank of the memory controller");
            Trigger& t = triggers_.add(e.line, e.clock, e.us, std::move(event));
            if (addressed) t.pfn = r.address >> kPageShift;
        }
    }

private:
    Triggers& triggers_;
};

}  // namespace

void add_hardware_errors(Triggers& triggers) {
    Hardware hardware(triggers);
    hardware.records();
    hardware.firmware();
}

void add_edac_errors(Triggers& triggers) { Hardware(triggers).edac(); }

}  // namespace mcemu::exchange
