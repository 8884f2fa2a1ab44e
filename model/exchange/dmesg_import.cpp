#include "exchange/dmesg_import.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/kernel/profile.hpp"
#include "core/mca/status.hpp"
#include "exchange/incident.hpp"
#include "exchange/log_expectation.hpp"
#include "exchange/log_machine.hpp"
#include "exchange/rasdaemon_database.hpp"
#include "formats/field_log.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using namespace mca;
using formats::EdacReport;
using formats::FieldLog;
using formats::GhesReport;
using formats::LogEntry;
using formats::LoggedMce;
using formats::LogLine;
using scenario::hex_text;
using Kind = LogEntry::Kind;

constexpr std::uint64_t kMaxSpa = 1ull << 52;
constexpr std::int64_t kNear = 10'000'000;  ///< us: an error and what became of it
constexpr unsigned kNearLines = 200;        ///< the same in a log without times
constexpr std::int64_t kStepUs = 100'000;   ///< between events whose times are not known
constexpr std::int64_t kTogether =
    1'000;  ///< us: machine checks of one broadcast are printed within
constexpr std::int64_t kLongestGap = 86'400'000'000ll;  ///< us; longer silence is cut to it

constexpr std::int64_t kWhole = 180 * kLongestGap;  ///< us: a scenario's clock ends after 213 days

/// What set something off.
struct Trigger {
    unsigned line = 0;
    LogLine::Clock clock = LogLine::Clock::none;
    std::int64_t us = 0;
    Json event;
    std::optional<std::uint64_t> pfn;
    bool machine_check = false;  ///< an exception: raised together with others of the same instant
    std::uint32_t cpu = 0;
    bool needs_page = false;  ///< whoever owned the page takes part
};

/// All that the log says of one page.
struct PageStory {
    Incident::Owner owner;
    std::vector<Incident::Owner> sharers;
    bool outside = false;
    unsigned line = 0;
};

std::uint64_t pfn_at(std::uint64_t address) { return address >> kPageShift; }

class Importer {
public:
    /// `unit` is what a place in the source is: "line" or "row".
    Importer(std::string name, FieldLog log, std::string unit)
        : incident_(std::move(name)), log_(std::move(log)), unit_(std::move(unit)) {}

    Incident& incident() { return incident_; }

    scenario::Imported run() {
        describe_machine(incident_, log_);
        stories();
        records();
        firmware();
        injections();
        edac();
        memory_types();
        orphans();
        if (triggers_.empty()) {
            incident_.refuse(
                1, 1, "this log holds no hardware error that could be emulated",
                "machine-check records, firmware's reports, EDAC's, or lines of memory_failure()");
            return incident_.finish();
        }
        place_in_time();
        pages();
        emit();
        expect_log();
        return incident_.finish();
    }

private:
    /// What the source's kernel said. A longer list helps nobody who reads the scenario.
    void expect_log() {
        constexpr std::size_t kMost = 5000;
        for (const LogEntry& e : log_.entries) {
            if (e.text.empty()) continue;
            if (incident_.seen.size() == kMost) {
                incident_.lose(e.line, 0, "the log has more than 5000 lines about errors",
                               "the first are expected");
                return;
            }
            incident_.seen.push_back({e.line, e.text, expected_line(e.text)});
        }
    }

    // ------------------------------------------------------------ what is known of pages

    void stories() {
        for (const LogEntry& e : log_.entries) {
            const bool about_page = e.kind == Kind::killing || e.kind == Kind::recovery ||
                                    e.kind == Kind::memory_failure || e.kind == Kind::injected ||
                                    e.kind == Kind::soft_madvise;
            if (!about_page) continue;
            const auto [at, fresh] = stories_.try_emplace(e.pfn);
            PageStory& story = at->second;
            if (fresh) story.line = e.line;
            if (e.kind == Kind::killing) {
                if (story.owner.comm.empty()) {
                    story.owner.comm = e.comm;
                    story.owner.pid = e.pid;
                } else if (story.owner.pid != e.pid) {
                    Incident::Owner other;
                    other.comm = e.comm;
                    other.pid = e.pid;
                    if (std::none_of(story.sharers.begin(), story.sharers.end(),
                                     [&](const Incident::Owner& s) { return s.pid == e.pid; }))
                        story.sharers.push_back(other);
                }
            } else if (e.kind == Kind::recovery) {
                if (story.owner.page_type.empty()) story.owner.page_type = e.what;
            } else if (e.kind == Kind::memory_failure) {
                if (e.what == "memory outside kernel control") story.outside = true;
                if (e.what.starts_with("corrupted page was clean"))
                    story.owner.page_type = "clean page, dropped";
                if (e.what == "non anonymous thp" && story.owner.page_type.empty())
                    story.owner.page_type = "unsplit thp";
            } else if (!story.owner.va) {
                story.owner.va = e.va;
            }
        }
    }

    // ------------------------------------------------------------ machine checks

    std::string id_of(unsigned line) const { return unit_ + "-" + std::to_string(line); }
    Json mce(const LoggedMce& r) const {
        return {{"id", id_of(r.line)},
                {"do", "mce"},
                {"cpu", r.cpu},
                {"bank", r.bank},
                {"status", hex_text(r.status)},
                {"mcgstatus", hex_text(r.mcgstatus)},
                {"addr", hex_text(r.addr)},
                {"misc", hex_text(r.misc)}};
    }

    Trigger& add(unsigned line, LogLine::Clock clock, std::int64_t us, Json event) {
        Trigger t;
        t.line = line;
        t.clock = clock;
        t.us = us;
        t.event = std::move(event);
        return triggers_.emplace_back(std::move(t));
    }

    void records() {
        std::uint64_t last_time = 0;
        for (const LoggedMce& r : log_.records)
            if (!r.repeats && r.exception) last_time = std::max(last_time, r.time);
        for (const LoggedMce& r : log_.records) {
            if (r.repeats) continue;
            if (r.bank < 0) {
                firmware_record(r);
                continue;
            }
            if (r.processor_known && r.vendor != 0) {
                incident_.lose(r.line, 0,
                               "vendor " + std::to_string(r.vendor) +
                                   " is not modelled: its records mean something else",
                               "they are left out");
                continue;
            }
            if (!(r.status & MCI_STATUS_VAL)) {
                incident_.lose(r.line, 0, "a record without VAL", "it is left out");
                continue;
            }
            if (!incident_.need_cpu(r.cpu, r.line, 0) ||
                !incident_.need_bank(static_cast<std::uint64_t>(r.bank), r.line, 0))
                continue;
            if (r.addr < kMaxSpa && (r.status & MCI_STATUS_ADDRV)) incident_.need_memory(r.addr);
            Json e = mce(r);
            if (r.ip != 0 || r.cs != 0) {
                e["cs"] = hex_text(r.cs);
                e["ip"] = hex_text(r.ip);
            }
            const bool local = r.mcgstatus & MCG_STATUS_LMCES;
            if (local) incident_.lmce = true;
            if (r.exception) e["broadcast"] = !local;
            e["poll"] = !r.exception;
            Trigger& t = add(r.line, r.clock, r.us, std::move(e));
            // A panic prints what was pending too: TIME says how long it was.
            if (r.time != 0 && last_time > r.time + 1 && last_time - r.time < 86400 &&
                r.clock != LogLine::Clock::none && late(r))
                t.us -= static_cast<std::int64_t>(last_time - r.time) * 1'000'000;
            t.machine_check = r.exception;
            t.cpu = r.cpu;
            if (r.addr < kMaxSpa && (r.status & MCI_STATUS_ADDRV)) t.pfn = pfn_at(r.addr);
            t.needs_page = r.exception && (r.status & MCI_STATUS_AR) && (r.cs & 3) == 3;
            if (t.pfn && r.symbol.empty() && r.exception && (r.status & MCI_STATUS_AR) && r.ip == 0)
                incident_.lose(r.line, 0, "which instruction met the error is not in the log",
                               "user mode where a process was killed");
        }
    }
    /// Printed by the panic, not when it happened: the exception's own lines stand next to it.
    bool late(const LoggedMce& r) const {
        return std::any_of(log_.records.begin(), log_.records.end(), [&](const LoggedMce& other) {
            return &other != &r && other.exception && other.time > r.time + 1 &&
                   other.clock == r.clock && std::abs(other.us - r.us) <= kTogether;
        });
    }

    /// v6.1 hands firmware's memory errors on as records of bank -1: the report itself is better.
    void firmware_record(const LoggedMce& r) {
        if (!log_.ghes.empty()) return;
        Json e = {{"id", id_of(r.line)},
                  {"do", "cper"},
                  {"severity", !(r.status & MCI_STATUS_UC)   ? "corrected"
                               : (r.status & MCI_STATUS_PCC) ? "fatal"
                                                             : "recoverable"}};
        if (r.addr < kMaxSpa) e["address"] = hex_text(r.addr);
        Trigger& t = add(r.line, r.clock, r.us, std::move(e));
        if (r.addr < kMaxSpa) t.pfn = pfn_at(r.addr);
        incident_.lose(r.line, 0, "the lines of firmware's report are not in the log",
                       "its severity is that of the record");
    }

    // ------------------------------------------------------------ firmware

    void firmware() {
        std::vector<bool> done(log_.ghes.size());
        for (const LogEntry& e : log_.entries) {
            if (e.kind != Kind::ghes || done[e.index]) continue;
            done[e.index] = true;
            const GhesReport& r = log_.ghes[e.index];
            if (!r.memory) {
                incident_.lose(e.line, 0,
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
                incident_.lose(e.line, 0, "firmware's report says no severity", "corrected");
            Json event = {{"id", id_of(e.line)},
                          {"do", "cper"},
                          {"severity", known ? r.severity : "corrected"}};
            if (r.address && *r.address < kMaxSpa) {
                event["address"] = hex_text(*r.address);
                if (r.mask && *r.mask != 0) event["mask"] = hex_text(*r.mask & (kMaxSpa - 1));
                incident_.need_memory(*r.address);
            } else if (r.address) {
                incident_.lose(e.line, 0, "firmware's address is beyond any memory", "none");
            }
            if (r.source && *r.source < 65536) event["source"] = *r.source;
            if (r.error_type && *r.error_type < 256) event["error_type"] = *r.error_type;
            Trigger& t = add(e.line, e.clock, e.us, std::move(event));
            if (r.address && *r.address < kMaxSpa) t.pfn = pfn_at(*r.address);
        }
    }

    // ------------------------------------------------------------ software

    void injections() {
        for (const LogEntry& e : log_.entries) {
            const std::string id = id_of(e.line);
            switch (e.kind) {
                case Kind::injected:
                case Kind::soft_madvise: {
                    Trigger& t =
                        add(e.line, e.clock, e.us,
                            {{"id", id},
                             {"do", "madvise"},
                             {"process", ""},
                             {"va", hex_text(e.va)},
                             {"size", "4KiB"},
                             {"advice", e.kind == Kind::injected ? "hwpoison" : "soft_offline"}});
                    t.pfn = e.pfn;
                    t.needs_page = true;
                    break;
                }
                case Kind::injected_pfn:
                    add_pfn(e, {{"id", id}, {"do", "hwpoison_pfn"}});
                    break;
                case Kind::unpoison:
                    add_pfn(e, {{"id", id}, {"do", "unpoison_pfn"}});
                    break;
                default:
                    break;
            }
        }
    }
    void add_pfn(const LogEntry& e, Json event) {
        if (e.pfn >= kMaxSpa / kPageSize) {
            incident_.lose(e.line, 0, "a page frame beyond any memory", "it is left out");
            return;
        }
        event["pfn"] = hex_text(e.pfn);
        add(e.line, e.clock, e.us, std::move(event)).pfn = e.pfn;
        incident_.need_memory(e.pfn * kPageSize);
    }

    // ------------------------------------------------------------ EDAC

    void edac() {
        for (const LogEntry& e : log_.entries) {
            if (e.kind != Kind::edac) continue;
            const EdacReport& r = log_.edac[e.index];
            if (explained(r.address >> kPageShift, e, true)) continue;
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
            Json event = {{"id", id_of(e.line)},
                          {"do", "mce"},
                          {"cpu", 0},
                          {"bank", kFirstImcBank + (r.mc & 1)},
                          {"status", hex_text(status)},
                          {"mcgstatus", "0x0"},
                          {"addr", hex_text(addressed ? r.address : 0)},
                          {"misc", addressed ? "0x86" : "0x0"},
                          {"poll", true}};
            incident_.need_bank(kFirstImcBank + 1, e.line, 0);
            if (addressed) incident_.need_memory(r.address);
            if (!r.code_known)
                incident_.lose(e.line, 0, "EDAC's line holds no error code", "a memory read error");
            incident_.lose(
                e.line, 0,
                "EDAC's line holds no registers: CPU, bank and the rest of STATUS are guessed",
                "CPU 0, a bank of the memory controller");
            Trigger& t = add(e.line, e.clock, e.us, std::move(event));
            if (addressed) t.pfn = r.address >> kPageShift;
        }
    }

    // ------------------------------------------------------------ memory types

    void memory_types() {
        const LogEntry* conflict = nullptr;
        for (const LogEntry& e : log_.entries) {
            if (e.kind == Kind::pat_conflict) {
                conflict = &e;
                reserve(e, e.mode, e.found, true);
            } else if (e.kind == Kind::pat_reserve) {
                // The line behind a conflict is its end.
                if (!conflict || conflict->range.begin != e.range.begin ||
                    e.line - conflict->line > 5)
                    reserve(e, e.mode, 0, false);
                conflict = nullptr;
            } else if (e.kind == Kind::pat_free) {
                add(e.line, e.clock, e.us,
                    {{"id", id_of(e.line)},
                     {"do", "call"},
                     {"function", "free_memtype"},
                     {"arguments", {hex_text(e.range.begin), hex_text(e.range.end)}},
                     {"process", incident_.runner(e.comm, e.pid)}});
            }
        }
    }
    void reserve(const LogEntry& e, unsigned wanted, unsigned found, bool known) {
        const auto call = [&](const char* what, unsigned mode) {
            return Json{{"id", what + std::to_string(e.line)},
                        {"do", "call"},
                        {"function", "reserve_memtype"},
                        {"arguments",
                         {hex_text(e.range.begin), hex_text(e.range.end), std::to_string(mode)}}};
        };
        incident_.need_no_range(e.range);
        if (known) {
            Json before = call("found-", found);
            before["arguments"][2] = hex_text(found);
            add(e.line, e.clock, e.us, std::move(before));
            incident_.lose(e.line, 0, "who had reserved the range before is not in the log",
                           "somebody, just before");
        } else {
            incident_.lose(e.line, 0, "why the reservation failed is not in the log",
                           "it is tried alone");
        }
        Json event = call("line-", wanted);
        event["arguments"][2] = hex_text(wanted);
        if (!e.comm.empty()) event["process"] = incident_.runner(e.comm, e.pid);
        add(e.line, e.clock, e.us, std::move(event));
    }

    // ------------------------------------------------------------ what nothing explains

    bool near(const Trigger& t, const LogEntry& e) const {
        if (t.clock == e.clock && t.clock != LogLine::Clock::none)
            return std::abs(t.us - e.us) <= kNear;
        return t.line > e.line ? t.line - e.line <= kNearLines : e.line - t.line <= kNearLines;
    }
    /// Whether something that met this page is told of near the line.
    bool explained(std::uint64_t pfn, const LogEntry& e, bool backwards_only = false) {
        for (; indexed_ < triggers_.size(); ++indexed_)
            if (triggers_[indexed_].pfn) by_pfn_.emplace(*triggers_[indexed_].pfn, indexed_);
        const auto [begin, end] = by_pfn_.equal_range(pfn);
        return std::any_of(begin, end, [&](const auto& at) {
            const Trigger& t = triggers_[at.second];
            return near(t, e) && (!backwards_only || t.line <= e.line);
        });
    }

    void orphans() {
        for (const LogEntry& e : log_.entries) {
            switch (e.kind) {
                case Kind::user_access:
                    if (!explained(pfn_at(e.va), e)) consumed(e);
                    break;
                case Kind::killing:
                case Kind::recovery:
                case Kind::memory_failure:
                    if (!explained(huge_or(e.pfn), e) && !explained(e.pfn, e))
                        called(e, "memory_failure");
                    break;
                case Kind::soft_offline:
                    if (!explained(e.pfn, e)) called(e, "soft_offline_page");
                    break;
                case Kind::other:
                    // Somebody else has the record: mcelog, rasdaemon.
                    if (e.text.find("Machine check events logged") != std::string::npos &&
                        !anything(e))
                        incident_.lose(
                            e.line, 0,
                            "a machine check was logged whose registers are not in the log",
                            "it is left out");
                    break;
                case Kind::fault:
                    faults_.push_back(&e);
                    break;
                default:
                    break;
            }
        }
    }
    /// Whether the registers of some machine check stand near the line.
    bool anything(const LogEntry& e) {
        if (check_lines_.empty())
            for (const LoggedMce& r : log_.records) check_lines_.insert(r.line);
        const auto at = check_lines_.lower_bound(e.line - std::min(e.line, kNearLines));
        return at != check_lines_.end() && *at <= e.line + kNearLines;
    }
    /// A page that is part of a huge one is told by its head.
    static std::uint64_t huge_or(std::uint64_t pfn) { return pfn & ~std::uint64_t{511}; }

    /// v4.x prints no record of what it recovers from.
    void consumed(const LogEntry& e) {
        if (e.va >= kMaxSpa) return;
        incident_.need_memory(e.va);
        incident_.need_bank(1, e.line, 0);
        incident_.need_cpu(0, e.line, 0);
        incident_.lose(e.line, 0, "the record of the error that was met is not in the log",
                       "a data load of CPU 0 that bank 1 reports");
        Trigger& t = add(e.line, e.clock, e.us,
                         {{"id", id_of(e.line)},
                          {"do", "mce"},
                          {"cpu", 0},
                          {"bank", 1},
                          {"status", "SRAR-DATA"},
                          {"addr", hex_text(e.va)},
                          {"misc", "0x86"},
                          {"cs", "0x33"}});
        t.pfn = pfn_at(e.va);
        t.machine_check = true;
        t.needs_page = true;
    }

    void called(const LogEntry& e, const char* function) {
        if (e.pfn >= kMaxSpa / kPageSize) {
            incident_.lose(e.line, 0, "a page frame beyond any memory", "it is left out");
            return;
        }
        incident_.lose(e.line, 0,
                       std::string("what told ") + function + "() of the page is not in the log",
                       "a call of it");
        Trigger& t = add(e.line, e.clock, e.us,
                         {{"id", id_of(e.line)},
                          {"do", "call"},
                          {"function", function},
                          {"arguments", {hex_text(e.pfn), "0x0"}}});
        t.pfn = e.pfn;
    }

    // ------------------------------------------------------------ time

    void place_in_time() {
        std::stable_sort(triggers_.begin(), triggers_.end(),
                         [](const Trigger& a, const Trigger& b) { return a.line < b.line; });
        std::map<LogLine::Clock, std::size_t> clocks;
        for (const Trigger& t : triggers_) ++clocks[t.clock];
        LogLine::Clock clock = LogLine::Clock::none;
        for (const auto c :
             {LogLine::Clock::boot, LogLine::Clock::calendar, LogLine::Clock::year_unknown})
            if (clock == LogLine::Clock::none && clocks.contains(c)) clock = c;
        if (clock == LogLine::Clock::none)
            incident_.lose(0, 0, "the log has no times",
                           "its events follow one another after 100ms");
        else if (clock != LogLine::Clock::boot)
            incident_.lose(0, 0, "the log has no times since boot",
                           "those of the logger, to the second or so");

        // What has another clock, or none, happens where it stands.
        std::int64_t last = 0;
        bool any = false;
        for (Trigger& t : triggers_) {
            if (t.clock == clock && clock != LogLine::Clock::none) {
                last = t.us;
                any = true;
            } else {
                t.us = any || clock == LogLine::Clock::none ? (last += kStepUs) : last;
            }
        }
        std::int64_t first = 0;
        if (clock != LogLine::Clock::none)
            for (const Trigger& t : triggers_)
                if (t.clock == clock) {
                    first = t.us;
                    break;
                }
        for (Trigger& t : triggers_)
            if (t.clock != clock && !any) t.us = first;
        std::stable_sort(triggers_.begin(), triggers_.end(),
                         [](const Trigger& a, const Trigger& b) { return a.us < b.us; });

        // Long silence is cut: nothing happens in it, and clocks end.
        std::int64_t before = triggers_.front().us, cut = 0;
        const std::int64_t origin = before;
        for (Trigger& t : triggers_) {
            const std::int64_t gap = t.us - before;
            before = t.us;
            if (gap > kLongestGap) {
                incident_.lose(t.line, 0, "more than a day passes without an error", "a day");
                cut += gap - kLongestGap;
            }
            t.us = t.us - origin - cut;
            if (t.us > kWhole) {
                incident_.lose(t.line, 0, "the log goes on for longer than a clock can",
                               "at its end");
                t.us = kWhole;
            }
        }
        // Machine checks that one broadcast brought in were latched at one instant.
        for (std::size_t i = 0; i < triggers_.size(); ++i) {
            if (!triggers_[i].machine_check) continue;
            for (std::size_t k = i + 1;
                 k < triggers_.size() && triggers_[k].us - triggers_[i].us <= kTogether; ++k)
                if (triggers_[k].machine_check) triggers_[k].us = triggers_[i].us;
        }
        std::stable_sort(triggers_.begin(), triggers_.end(),
                         [](const Trigger& a, const Trigger& b) { return a.us < b.us; });
        wall_time(clock, origin);
    }

    void wall_time(LogLine::Clock clock, std::int64_t origin) {
        for (const LoggedMce& r : log_.records) {
            if (r.time == 0 || r.time >= 1ull << 40 || r.repeats) continue;
            for (const Trigger& t : triggers_)
                if (t.line == r.line) {
                    const auto since = static_cast<std::uint64_t>(t.us) / 1'000'000;
                    incident_.wall_time = r.time - std::min(r.time, since);
                    return;
                }
        }
        if (clock == LogLine::Clock::calendar && origin > 0)
            incident_.wall_time = static_cast<std::uint64_t>(origin) / 1'000'000;
    }

    // ------------------------------------------------------------ the rest

    void pages() {
        for (Trigger& t : triggers_) {
            if (!t.pfn) continue;
            const auto at = stories_.find(*t.pfn);
            PageStory story = at == stories_.end() ? PageStory{} : at->second;
            if (story.outside) {
                incident_.need_no_memory(Pfn{*t.pfn});
                continue;
            }
            // Nobody was killed and nothing is known: free, unless a process must have it.
            if (story.owner.comm.empty() && story.owner.page_type.empty() && !t.needs_page)
                continue;
            if (t.machine_check) story.owner.cpu = t.cpu;
            // Without an access, only who asked for it is told.
            story.owner.early = !story.owner.comm.empty() && !t.machine_check;
            for (Incident::Owner& s : story.sharers) s.early = !t.machine_check;
            if (t.needs_page && story.owner.page_type.empty() && story.owner.comm.empty())
                story.owner.comm = "victim";
            const std::string who = incident_.own(Pfn{*t.pfn}, story.owner, t.line);
            for (const Incident::Owner& s : story.sharers) incident_.share(Pfn{*t.pfn}, s);
            if (!t.needs_page) continue;
            if (t.event["do"] == "madvise")
                t.event["process"] = who;
            else if (!who.empty())
                t.event["process"] = who;
        }
    }

    void emit() {
        std::vector<Trigger> kept;
        for (Trigger& t : triggers_) {
            if (t.event["do"] == "madvise") {
                // Nobody maps it: what madvise() would have done is done by hand.
                const std::string who = t.event["process"];
                if (who.empty() ||
                    !incident_.maps(who, scenario::parse_address(t.event["va"].get<std::string>())
                                             .value.value_or(0))) {
                    const bool soft = t.event["advice"] == "soft_offline";
                    if (*t.pfn >= kMaxSpa / kPageSize) {
                        incident_.lose(t.line, 0, "a page frame beyond any memory",
                                       "it is left out");
                        continue;
                    }
                    incident_.lose(t.line, 0, "the page of an madvise() is none of a process",
                                   "it is injected by its number");
                    t.event = soft ? Json{{"id", t.event["id"]},
                                          {"do", "call"},
                                          {"function", "soft_offline_page"},
                                          {"arguments", {hex_text(*t.pfn), "0x0"}}}
                                   : Json{{"id", t.event["id"]},
                                          {"do", "hwpoison_pfn"},
                                          {"pfn", hex_text(*t.pfn)}};
                }
            }
            kept.push_back(std::move(t));
        }
        if (kept.empty())
            incident_.refuse(1, 1, "nothing in this log can be emulated",
                             "errors on memory below 4 PiB");
        for (Trigger& t : kept)
            incident_.add(kFirstEvent + SimTime{static_cast<std::uint64_t>(t.us) * 1'000'000},
                          std::move(t.event));
        for (const LogEntry* e : faults_)
            incident_.lose(e->line, 0, "a process touched a page that was poisoned before",
                           "nobody does");
    }

    Incident incident_;
    FieldLog log_;
    std::string unit_;
    std::map<std::uint64_t, PageStory> stories_;
    std::vector<Trigger> triggers_;
    std::multimap<std::uint64_t, std::size_t> by_pfn_;
    std::size_t indexed_ = 0;
    std::set<unsigned> check_lines_;
    std::vector<const LogEntry*> faults_;
};

}  // namespace

scenario::Imported import_dmesg(std::string name, std::string text) {
    Importer importer(std::move(name), formats::parse_field_log(text), "line");
    importer.incident().name = "dmesg";
    importer.incident().description = "An incident from a kernel log.";
    return importer.run();
}

scenario::Imported import_rasdaemon(std::string name, std::string bytes) {
    RasdaemonRead read = read_rasdaemon(std::move(bytes));
    if (!read.wrong.empty()) {
        Incident incident(std::move(name));
        incident.refuse(0, 0, read.wrong, read.right);
        return incident.finish();
    }
    Importer importer(std::move(name), std::move(read.log), "row");
    importer.incident().name = "rasdaemon";
    importer.incident().description = "An incident from the database of rasdaemon.";
    for (const std::string& what : read.lost)
        importer.incident().lose(0, 0, what, "it is left out");
    return importer.run();
}

}  // namespace mcemu::exchange
