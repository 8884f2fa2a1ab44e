#include "exchange/log_software.hpp"

#include <algorithm>
#include <set>

#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using formats::LogEntry;
using formats::LoggedMce;
using scenario::hex_text;
using Kind = LogEntry::Kind;

class Software {
public:
    explicit Software(Triggers& triggers) : triggers_(triggers) {}

    // ------------------------------------------------------------ software

    void injections() {
        for (const LogEntry& e : triggers_.log.entries) {
            const std::string id = triggers_.id_of(e.line);
            switch (e.kind) {
                case Kind::injected:
                case Kind::soft_madvise: {
                    Trigger& t = triggers_.add(
                        e.line, e.clock, e.us,
                        {{"id", id},
                         {"do", "madvise"},
                         {"process", ""},
                         {"va", hex_text(e.va)},
                         {"size", "4KiB"},
                         {"advice", e.kind == Kind::injected ? "hwpoison" : "soft_offline"}});
                    t.pfn = e.pfn;
                    t.needs_page = true;
                    t.soft = e.kind == Kind::soft_madvise;
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
            triggers_.incident.lose(e.line, 0, "a page frame beyond any memory", "it is left out");
            return;
        }
        event["pfn"] = hex_text(e.pfn);
        triggers_.add(e.line, e.clock, e.us, std::move(event)).pfn = e.pfn;
        triggers_.incident.need_memory(e.pfn * kPageSize);
    }

    // ------------------------------------------------------------ memory types

    void memory_types() {
        const LogEntry* conflict = nullptr;
        for (const LogEntry& e : triggers_.log.entries) {
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
                triggers_.add(e.line, e.clock, e.us,
                              {{"id", triggers_.id_of(e.line)},
                               {"do", "call"},
                               {"function", "free_memtype"},
                               {"arguments", {hex_text(e.range.begin), hex_text(e.range.end)}},
                               {"process", triggers_.incident.runner(e.comm, e.pid)}});
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
        triggers_.incident.need_no_range(e.range);
        if (known) {
            Json before = call("found-", found);
            before["arguments"][2] = hex_text(found);
            triggers_.add(e.line, e.clock, e.us, std::move(before));
            triggers_.incident.lose(e.line, 0,
                                    "who had reserved the range before is not in the log",
                                    "somebody, just before");
        } else {
            triggers_.incident.lose(e.line, 0, "why the reservation failed is not in the log",
                                    "it is tried alone");
        }
        Json event = call("line-", wanted);
        event["arguments"][2] = hex_text(wanted);
        if (!e.comm.empty()) event["process"] = triggers_.incident.runner(e.comm, e.pid);
        triggers_.add(e.line, e.clock, e.us, std::move(event));
    }

    // ------------------------------------------------------------ what nothing explains

    void orphans() {
        for (const LogEntry& e : triggers_.log.entries) {
            switch (e.kind) {
                case Kind::user_access:
                    if (!triggers_.explained(pfn_at(e.va), e)) consumed(e);
                    break;
                case Kind::killing:
                case Kind::recovery:
                case Kind::memory_failure:
                    if (!triggers_.explained(huge_or(e.pfn), e) && !triggers_.explained(e.pfn, e))
                        called(e, "memory_failure");
                    break;
                case Kind::soft_offline:
                    if (!triggers_.explained(e.pfn, e, true)) called(e, "soft_offline_page");
                    break;
                case Kind::fault:
                    faults.push_back(&e);
                    break;
                case Kind::other:
                case Kind::unread:
                    if (!logged(e)) unread(e);
                    break;
                default:
                    break;
            }
        }
    }
    /// "Machine check events logged": somebody else has the record, mcelog or rasdaemon.
    bool logged(const LogEntry& e) {
        if (e.foreign || e.text.find("Machine check events logged") == std::string::npos)
            return false;
        if (!anything(e))
            triggers_.incident.lose(e.line, 0,
                                    "a machine check was logged whose registers are not in the log",
                                    "it is left out");
        return true;
    }
    /// Whether the registers of some machine check stand near the line.
    bool anything(const LogEntry& e) {
        if (check_lines_.empty())
            for (const LoggedMce& r : triggers_.log.records) check_lines_.insert(r.line);
        const auto at = check_lines_.lower_bound(e.line - std::min(e.line, kNearLines));
        return at != check_lines_.end() && *at <= e.line + kNearLines;
    }
    /// A page that is part of a huge one is told by its head.
    static std::uint64_t huge_or(std::uint64_t pfn) { return pfn & ~std::uint64_t{511}; }

    /// v4.x prints no record of what it recovers from.
    void consumed(const LogEntry& e) {
        if (e.va >= kMaxSpa) return;
        triggers_.incident.need_memory(e.va);
        triggers_.incident.need_bank(1, e.line, 0);
        triggers_.incident.need_cpu(0, e.line, 0);
        triggers_.incident.lose(e.line, 0, "the record of the error that was met is not in the log",
                                "a data load of CPU 0 that bank 1 reports");
        Trigger& t = triggers_.add(e.line, e.clock, e.us,
                                   {{"id", triggers_.id_of(e.line)},
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
            triggers_.incident.lose(e.line, 0, "a page frame beyond any memory", "it is left out");
            return;
        }
        triggers_.incident.lose(
            e.line, 0, std::string("what told ") + function + "() of the page is not in the log",
            "a call of it");
        Trigger& t = triggers_.add(e.line, e.clock, e.us,
                                   {{"id", triggers_.id_of(e.line)},
                                    {"do", "call"},
                                    {"function", function},
                                    {"arguments", {hex_text(e.pfn), "0x0"}}});
        t.pfn = e.pfn;
        t.soft = e.kind == Kind::soft_offline;
    }
    /// What stands there for people only.
    void unread(const LogEntry& e) {
        const auto has = [&](const char* word) { return e.text.find(word) != std::string::npos; };
        if (has("_STATUS["))
            triggers_.incident.lose(e.line, 0,
                                    "a record as AMD's decoder prints it: its registers mean "
                                    "something else",
                                    "it is left out");
        else if (has("mce_record") || has("mc_event") || has("mcgstatus="))
            triggers_.incident.lose(e.line, 0, "an error in rasdaemon's words",
                                    "it is left out: rasdaemon's database can be imported");
        else if (e.foreign)
            triggers_.incident.lose(e.line, 0, "another program's words about errors",
                                    "they are left out");
    }

    std::vector<const LogEntry*> faults;

private:
    Triggers& triggers_;
    std::set<unsigned> check_lines_;
};

}  // namespace

void add_injections(Triggers& triggers) { Software(triggers).injections(); }
void add_memory_types(Triggers& triggers) { Software(triggers).memory_types(); }

std::vector<const LogEntry*> add_unexplained(Triggers& triggers) {
    Software software(triggers);
    software.orphans();
    return std::move(software.faults);
}

}  // namespace mcemu::exchange
