#include "exchange/dmesg_import.hpp"

#include <algorithm>
#include <map>

#include "exchange/incident.hpp"
#include "exchange/log_expectation.hpp"
#include "exchange/log_hardware.hpp"
#include "exchange/log_machine.hpp"
#include "exchange/log_software.hpp"
#include "exchange/log_times.hpp"
#include "exchange/rasdaemon_database.hpp"
#include "formats/field_log.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using formats::FieldLog;
using formats::LogEntry;
using scenario::hex_text;
using Kind = LogEntry::Kind;

/// All that the log says of one page.
struct PageStory {
    Incident::Owner owner;
    std::vector<Incident::Owner> sharers;
    bool outside = false;
    unsigned line = 0;
};

class Importer {
public:
    /// `unit` is what a place in the source is: "line" or "row".
    Importer(std::string name, FieldLog log, std::string unit)
        : incident_(std::move(name)),
          log_(std::move(log)),
          triggers_(incident_, log_, std::move(unit)) {
        incident_.forgiving = true;
    }

    Incident& incident() { return incident_; }

    scenario::Imported run() {
        describe_machine(incident_, log_);
        stories();
        add_hardware_errors(triggers_);
        add_injections(triggers_);
        add_edac_errors(triggers_);
        add_memory_types(triggers_);
        faults_ = add_unexplained(triggers_);
        tell_faults();
        if (triggers_.all.empty()) {
            incident_.refuse(
                1, 1, "this log holds no hardware error that could be emulated",
                "machine-check records, firmware's reports, EDAC's, or lines of memory_failure()");
            incident_.refuse_for_losses();
            return incident_.finish();
        }
        place_in_time(triggers_);
        pages();
        emit();
        expect_log();
        log_ = FieldLog{};  // it may be large, and so is what follows
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
        if (log_.crowded)
            incident_.lose(0, 0, "the log has many thousand lines of records",
                           "the first are expected");
    }

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

    void pages() {
        for (Trigger& t : triggers_.all) {
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
        for (Trigger& t : triggers_.all) {
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
        if (kept.empty()) {
            incident_.refuse(1, 1, "nothing in this log can be emulated",
                             "errors on memory below 4 PiB");
            incident_.refuse_for_losses();
        }
        for (Trigger& t : kept)
            incident_.add(kFirstEvent + SimTime{static_cast<std::uint64_t>(t.us) * 1'000'000},
                          std::move(t.event));
    }
    void tell_faults() {
        for (const LogEntry* e : faults_)
            incident_.lose(e->line, 0, "a process touched a page that was poisoned before",
                           "nobody does");
    }

    Incident incident_;
    FieldLog log_;
    Triggers triggers_;
    std::map<std::uint64_t, PageStory> stories_;
    std::vector<const LogEntry*> faults_;
};

}  // namespace

scenario::Imported import_dmesg(std::string name, std::string text) {
    FieldLog log = formats::parse_field_log(text);
    std::string().swap(text);  // it may be large
    Importer importer(std::move(name), std::move(log), "line");
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
