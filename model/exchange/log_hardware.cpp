#include "exchange/log_hardware.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/mca/status.hpp"
#include "formats/scan.hpp"
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
        for (const LoggedMce& r : triggers_.log.records)
            if (!r.repeats && r.exception && r.clock != LogLine::Clock::none)
                exceptions_[r.clock].emplace_back(r.us, r.time);
        for (auto& [clock, list] : exceptions_) std::sort(list.begin(), list.end());
        for (const LoggedMce& r : triggers_.log.records) {
            if (r.repeats) {
                if (r.mcelog != triggers_.log.records[*r.repeats].mcelog)
                    triggers_.incident.lose(
                        r.line, 0, "mcelog tells of a record of the kernel's again", "it is one");
                continue;
            }
            if (r.bank < 0 || r.bank == kFirmwareBank) {
                firmware_record(r);
                continue;
            }
            if (const std::string why = unusable(r); !why.empty()) {
                triggers_.incident.lose(r.line, 0, why, "it is left out");
                continue;
            }
            if (!triggers_.incident.need_cpu(r.cpu, r.line, 0) ||
                !triggers_.incident.need_bank(static_cast<std::uint64_t>(r.bank), r.line, 0))
                continue;
            if (r.mixed)
                triggers_.incident.lose(r.line, 0,
                                        "lines of several records are mixed here, and who printed "
                                        "them is not said: ADDR and MISC may be another's",
                                        "those that stand last");
            const bool addressed = has_address(r);
            if (addressed) triggers_.incident.need_memory(r.addr);
            // v2.6.3x and RHEL 6 write Exception whatever it was.
            const bool injected = injected_on(r);
            const bool exception = injected || (r.exception && (r.mcgstatus & MCG_STATUS_MCIP));
            if (r.exception && !exception)
                triggers_.incident.lose(
                    r.line, 0,
                    "the word Exception without MCIP, as old kernels print what they poll",
                    "it is polled");
            Json e = mce(r);
            if (r.ip != 0 || r.cs != 0) {
                e["cs"] = hex_text(r.cs);
                e["ip"] = hex_text(r.ip);
            }
            const bool local = r.mcgstatus & MCG_STATUS_LMCES;
            if (local) triggers_.incident.lmce = true;
            if (exception) e["broadcast"] = !local;
            e["poll"] = !exception;
            if (injected) {
                e["via"] = "mce-inject";
                e["broadcast"] = local ? Json(false) : Json("nmi");
            }
            Trigger& t = triggers_.add(r.line, r.clock, r.us, std::move(e));
            // Without a stamp the record's own time is the best there is.
            if (r.clock == LogLine::Clock::none && r.time != 0 && r.time < 1ull << 36) {
                t.clock = LogLine::Clock::calendar;
                t.us = static_cast<std::int64_t>(r.time) * 1'000'000;
            }
            // A panic prints what was pending too: TIME says how long it was.
            if (const std::uint64_t last = printed_with(r); last > r.time + 1)
                t.us -= static_cast<std::int64_t>(last - r.time) * 1'000'000;
            t.machine_check = exception;
            t.cpu = r.cpu;
            if (addressed) t.pfn = pfn_at(r.addr);
            t.needs_page = exception && (r.status & MCI_STATUS_AR) && (r.cs & 3) == 3;
            if (t.pfn && r.symbol.empty() && exception && (r.status & MCI_STATUS_AR) && r.ip == 0)
                triggers_.incident.lose(r.line, 0,
                                        "which instruction met the error is not in the log",
                                        "user mode where a process was killed");
        }
    }
    /// Why a record cannot be emulated.
    static std::string unusable(const LoggedMce& r) {
        if (!r.status_known)
            return r.bank >= kFirstSoftwareBank ? "an event of Linux's own bank without STATUS"
                                                : "a record whose STATUS is not in the log";
        if (r.processor_known && r.vendor != 0)
            return "vendor " + std::to_string(r.vendor) +
                   " is not modelled: its records mean something else";
        if (r.bank == kFirstSoftwareBank)
            return "a thermal event, which Linux logs as bank 128, is no machine check";
        if (!(r.status & MCI_STATUS_VAL)) return "a record without VAL";
        return "";
    }
    /// Whether the injector announced an exception of that CPU, and not its end, before the record
    /// without MCIP: "Triggering MCE exception on CPU 0".
    bool injected_on(const LoggedMce& r) {
        if (r.exception || (r.mcgstatus & MCG_STATUS_MCIP)) return false;
        if (!announced_)
            for (const LogEntry& e : triggers_.log.entries) {
                const std::size_t at = e.text.find("MCE exception ");
                if (e.kind != Kind::other || at == std::string::npos) continue;
                const auto cpu = formats::decimal_field(e.text, " on CPU ");
                const bool begins = e.text.find("Triggering ") < at;
                if (cpu) announcements_.push_back({e.line, *cpu, begins});
            }
        announced_ = true;
        bool open = false;
        for (const Announcement& a : announcements_) {
            if (a.line >= r.line) break;
            if (a.cpu == r.cpu) open = a.begins && r.line - a.line <= kNearLines;
        }
        return open;
    }
    /// Whether ADDR is an address of memory: MISC's mode may say that it is linear, or an offset.
    static bool has_address(const LoggedMce& r) {
        if (!(r.status & MCI_STATUS_ADDRV) || r.addr >= kMaxSpa) return false;
        constexpr unsigned kModeShift = 6, kPhysical = 2;
        return !(r.status & MCI_STATUS_MISCV) || r.misc == 0 ||
               (r.misc >> kModeShift & 7) >= kPhysical;
    }
    /// The last TIME of exceptions that stand next to the record, if it was printed by their panic
    /// and not when it happened; else 0.
    std::uint64_t printed_with(const LoggedMce& r) const {
        const auto list = exceptions_.find(r.clock);
        if (r.time == 0 || list == exceptions_.end()) return 0;
        const auto& all = list->second;
        auto at =
            std::lower_bound(all.begin(), all.end(), std::pair{r.us - kTogether, std::uint64_t{0}});
        constexpr std::uint64_t kDay = 86400;
        constexpr unsigned kMost = 64;
        std::uint64_t last = 0;
        for (unsigned n = 0; n < kMost && at != all.end() && at->first <= r.us + kTogether;
             ++n, ++at)
            last = std::max(last, at->second);
        return last > r.time && last - r.time < kDay ? last : 0;
    }

    /// Firmware's memory errors are handed on as records of bank -1 (v4.x: 255): the report itself
    /// is better.
    void firmware_record(const LoggedMce& r) {
        if (!triggers_.log.ghes.empty()) {
            triggers_.incident.lose(r.line, 0, "a record that the kernel made of firmware's report",
                                    "the report");
            return;
        }
        Json e = {{"id", triggers_.id_of(r.line)},
                  {"do", "cper"},
                  {"severity", !(r.status & MCI_STATUS_UC)   ? "corrected"
                               : (r.status & MCI_STATUS_PCC) ? "fatal"
                                                             : "recoverable"}};
        if (r.addr < kMaxSpa) {
            e["address"] = hex_text(r.addr);
            triggers_.incident.need_memory(r.addr);
        }
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
            if (r.bert) {
                triggers_.incident.lose(e.line, 0,
                                        "BERT tells of the boot before, not of this machine's run",
                                        "it is left out");
                continue;
            }
            if (r.part > 0)
                triggers_.incident.lose(e.line, 0, "a report of firmware has several sections",
                                        "a report for each");
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
            const bool addressed = r.address != 0 && r.address < kMaxSpa;
            if (addressed && triggers_.explains_one(r.address >> kPageShift, e)) continue;
            if (r.address >= kMaxSpa)
                triggers_.incident.lose(e.line, 0, "EDAC's address is beyond any memory", "none");
            // The record went to the driver alone.
            std::uint64_t status =
                MCI_STATUS_VAL | MCI_STATUS_EN | r.mcacod | std::uint64_t{r.mscod} << 16;
            if (!r.code_known) status |= 0x9f;  // memory read error, channel not said
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
            t.reported = true;
        }
    }

private:
    static constexpr std::int32_t kFirmwareBank = 255, kFirstSoftwareBank = 128;

    struct Announcement {
        unsigned line = 0;
        std::uint64_t cpu = 0;
        bool begins = false;
    };

    Triggers& triggers_;
    std::vector<Announcement> announcements_;
    bool announced_ = false;
    /// When exceptions were printed, and their TIME, rising; by clock.
    std::map<LogLine::Clock, std::vector<std::pair<std::int64_t, std::uint64_t>>> exceptions_;
};

}  // namespace

void add_hardware_errors(Triggers& triggers) {
    Hardware hardware(triggers);
    hardware.records();
    hardware.firmware();
}

void add_edac_errors(Triggers& triggers) { Hardware(triggers).edac(); }

}  // namespace mcemu::exchange
