#include "output/result.hpp"

#include <algorithm>
#include <optional>

#include "core/kernel/mm/address_space.hpp"
#include "core/kernel/mm/mapping.hpp"
#include "core/mca/msr_file.hpp"
#include "core/meanings.hpp"
#include "output/because.hpp"
#include "output/causes.hpp"
#include "output/class_reason.hpp"
#include "output/classify.hpp"
#include "output/dmesg.hpp"
#include "output/evidence.hpp"
#include "output/expect.hpp"
#include "output/measure.hpp"
#include "output/panic_reason.hpp"
#include "output/reports.hpp"
#include "output/temporal.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

Json log_of(const RunView& view) {
    const Dmesg dmesg(view.scenario.kernel.profile, view.names);
    Json list = Json::array();
    for (const kernel::LogRecord& r : view.kernel.log.records())
        list.push_back({{"t_ns", to_ns(r.at)}, {"level", r.level}, {"text", dmesg.text(r)}});
    return list;
}

Json panic_of(const RunView& view) {
    if (view.kernel.outcome != kernel::Outcome::panic) return nullptr;
    const auto& log = view.kernel.log.records();
    const auto line = std::find_if(log.rbegin(), log.rend(), [](const kernel::LogRecord& r) {
        return r.line == kernel::Line::panic;
    });
    return line == log.rend() ? Json("")
                              : Json(view.names[static_cast<std::uint32_t>(line->args[0])]);
}

/// A signal's siginfo.
Json siginfo_of(const kernel::SignalRecord& s) {
    Json entry = {{"signal", signal_name(s.signo)}, {"code", signal_code_name(s.signo, s.code)}};
    if (s.has_address) entry["addr"] = hex(s.addr);
    if (s.has_address && s.lsb >= 0) entry["lsb"] = s.lsb;
    return entry;
}

Json signals_of(const RunView& view) {
    Json list = Json::array();
    for (const kernel::SignalRecord& s : view.kernel.processes.signals()) {
        const kernel::Process& p = view.kernel.processes[s.process];
        Json entry = {{"t_ns", to_ns(s.at)}, {"process", p.id}, {"pid", p.pid}};
        entry.update(siginfo_of(s));
        list.push_back(std::move(entry));
    }
    return list;
}

Json syscalls_of(const RunView& view, const Causes& causes) {
    Json list = Json::array();
    for (const kernel::SyscallRecord& c : view.kernel.processes.syscalls()) {
        Json entry = {
            {"event", causes.event_id(c.event)}, {"name", view.names[c.name]}, {"ret", c.ret}};
        const std::string_view name = c.ret < 0 ? errno_name(static_cast<int>(-c.ret)) : "";
        entry["errno"] = name.empty() ? Json(nullptr) : Json(name);
        list.push_back(std::move(entry));
    }
    return list;
}

/// VmFlags of a DAX map as /proc/PID/smaps shows them (kernel.md 5.1).
Json vm_flags_of(const kernel::Process& p) {
    if (!p.mm || p.mm->vmas.empty()) return nullptr;
    const kernel::Vma& vma = *p.mm->vmas.begin()->second;
    if (vma.kind != MapKind::devdax && vma.kind != MapKind::fsdax) return nullptr;
    std::string flags = vma.shared ? "rd wr sh mr mw me ms" : "rd wr mr mw me";
    if (vma.mixedmap) flags += " mm";
    return flags + " hg";
}

Json accesses_of(const RunView& view, const Causes& causes) {
    Json list = Json::array();
    for (const kernel::AccessRecord& a : view.kernel.processes.accesses())
        list.push_back({{"t_ns", to_ns(a.at)},
                        {"event", causes.event_id(a.event)},
                        {"result", a.completed           ? "ok"
                                   : a.restarts_for_ever ? "restarts for ever"
                                                         : "fault"}});
    return list;
}

Json processes_of(const RunView& view) {
    Json list = Json::array();
    for (std::uint32_t i = 0; i < view.kernel.processes.size(); ++i) {
        const kernel::Process& p = view.kernel.processes[i];
        Json entry = {{"id", p.id}, {"pid", p.pid}, {"state", word(p.state)}};
        if (p.state == kernel::ProcessState::killed) entry["by"] = signal_name(p.killed_by);
        if (p.state == kernel::ProcessState::exited) entry["code"] = p.exit_code;
        if (p.leader != &p) entry["thread_of"] = p.leader->id;
        for (const kernel::SignalRecord& s : p.pending) entry["pending"].push_back(siginfo_of(s));
        if (Json flags = vm_flags_of(p); !flags.is_null()) entry["vm_flags"] = std::move(flags);
        list.push_back(std::move(entry));
    }
    return list;
}

/// The file or device that page->mapping leads to; null: none, or anonymous memory.
Json mapping_of(const RunView& view, const kernel::Page& page) {
    if (!page.mapping || page.mapping->of < 0) return nullptr;
    const auto of = static_cast<std::size_t>(page.mapping->of);
    return page.mapping->kind == MapKind::devdax ? view.kernel.namespaces[of].device
                                                 : view.scenario.files[of].id;
}

/// Poisoned pages with just that flag; pages that somebody asked for (an expectation, or a
/// dump_page call) with all that is known.
Json pages_of(const RunView& view, std::vector<Pfn> wanted) {
    const std::vector<Pfn>& dumped = view.kernel.looked_at;
    wanted.insert(wanted.end(), dumped.begin(), dumped.end());
    std::sort(wanted.begin(), wanted.end());
    Json list = Json::array();
    const auto add = [&](Pfn pfn, const kernel::Page& page, bool all) {
        Json flags = Json::array();
        for (const std::string_view name : page_flag_names(page.flags))
            if (name == "hwpoison" || std::find(dumped.begin(), dumped.end(), pfn) != dumped.end())
                flags.push_back(name);
        Json entry = {{"pfn", hex(pfn.value)}, {"flags", flags}, {"users", page.refcount}};
        if (all) {
            entry["mapping"] = mapping_of(view, page);
            entry["index"] = hex(page.mapping ? page.index : 0);
        }
        list.push_back(std::move(entry));
    };
    std::vector<Pfn> shown = view.kernel.memory.known();
    shown.insert(shown.end(), wanted.begin(), wanted.end());
    std::sort(shown.begin(), shown.end());
    shown.erase(std::unique(shown.begin(), shown.end()), shown.end());
    for (const Pfn pfn : shown) {
        const bool asked = std::binary_search(wanted.begin(), wanted.end(), pfn);
        if (view.kernel.memory.kind(pfn) == kernel::MemoryKind::none) continue;
        const kernel::Page page = view.kernel.memory.look(pfn);
        if (asked || page.test(kernel::PG_hwpoison)) add(pfn, page, asked);
    }
    return list;
}

Json memtypes_of(const RunView& view) {
    Json list = Json::array();
    for (const kernel::MemtypeEntry& e : view.kernel.memtypes.entries())
        list.push_back(memtype_line(view.scenario.kernel.profile, e.begin, e.end,
                                    static_cast<std::uint64_t>(e.mode)));
    return list;
}

Json direct_map_of(const RunView& view) {
    const kernel::DirectMap::Count count = view.kernel.direct_map.counters();
    Json ranges = Json::array();
    for (const kernel::DirectMap::Range& r : view.kernel.direct_map.changed())
        ranges.push_back({{"pfn", hex(r.first.value)},
                          {"pages", r.pages},
                          {"type", r.present ? short_word(r.mode) : std::string_view("NP")}});
    const kernel::DirectMap::Count boot = view.kernel.direct_map.boot_counters();
    const auto delta = [](std::uint64_t now, std::uint64_t then) {
        return static_cast<std::int64_t>(now - then);
    };
    Json split = Json::array();
    for (const kernel::DirectMap::Split& s : view.kernel.direct_map.splits())
        split.push_back({{"pfn", hex(s.first.value)}, {"shift", s.shift}});
    return {{"4k_kB", count.k4},
            {"2M_kB", count.m2},
            {"1G_kB", count.g1},
            {"4k_delta_kB", delta(count.k4, boot.k4)},
            {"2M_delta_kB", delta(count.m2, boot.m2)},
            {"1G_delta_kB", delta(count.g1, boot.g1)},
            {"ranges", ranges},
            {"split", split}};
}

Json badblocks_of(const RunView& view) {
    Json tables = Json::object();
    const MachineConfig& machine = view.scenario.machine;
    const std::vector<NamespaceConfig>& spaces = view.kernel.namespaces;
    for (std::uint32_t i = 0; i < spaces.size(); ++i)
        if (spaces[i].present && spaces[i].mode != NamespaceMode::devdax)  // a character device has none
            tables[spaces[i].id] = view.kernel.libnvdimm.namespace_badblocks(i);
    for (std::uint32_t i = 0; i < machine.regions.size(); ++i)
        tables[machine.regions[i].id] = view.kernel.libnvdimm.region_badblocks(i);
    return tables;
}

Json poison_of(const RunView& view) {
    Json devices = Json::object();
    const MachineConfig& machine = view.scenario.machine;
    const auto by_dpa = [&](const auto& configs, const auto& poison) {
        for (std::size_t i = 0; i < configs.size(); ++i) {
            Json list = Json::array();
            if (i < poison.size())
                for (const DpaRange& r : poison[i])
                    list.push_back({{"dpa", hex(r.begin)}, {"length", r.size()}});
            devices[configs[i].id] = std::move(list);
        }
    };
    by_dpa(machine.nvdimms, view.nvdimm_poison);
    by_dpa(machine.memdevs, view.memdev_poison);
    for (const DramConfig& dram : machine.memory) {
        if (!dram.is_dram()) continue;
        Json list = Json::array();
        for (const SpaRange& r : view.dram_poison)
            if (dram.range.overlaps(r))
                list.push_back({{"spa", hex(r.begin)}, {"length", r.size()}});
        devices[dram.id] = std::move(list);
    }
    return devices;
}

/// What Get Poison List would answer; of an NVDIMM, what a short scrub reports.
Json poison_lists_of(const RunView& view) {
    Json devices = Json::object();
    const auto& memdevs = view.scenario.machine.memdevs;
    for (std::size_t i = 0; i < memdevs.size(); ++i) {
        Json list = Json::array();
        if (i < view.memdev_lists.size())
            for (const cxl::MediaErrorRecord& r : view.memdev_lists[i])
                list.push_back(
                    {{"dpa", hex(r.dpa())}, {"length", r.bytes()}, {"source", word(r.source())}});
        devices[memdevs[i].id] = std::move(list);
    }
    const auto& nvdimms = view.scenario.machine.nvdimms;
    for (std::size_t i = 0; i < nvdimms.size() && i < view.nvdimm_lists.size(); ++i) {
        Json list = Json::array();
        DpaRange last{};
        for (const pmem::PoisonRun& run : view.nvdimm_lists[i]) {
            const char* source = run.flags & pmem::kPoisonInjected ? "injected" : "internal";
            // Runs that differ only in the event that planted them are one to the module.
            if (!list.empty() && last.end == run.range.begin && list.back()["source"] == source) {
                last.end = run.range.end;
                list.back()["length"] = last.size();
                continue;
            }
            last = run.range;
            list.push_back({{"dpa", hex(last.begin)}, {"length", last.size()}, {"source", source}});
        }
        devices[nvdimms[i].id] = std::move(list);
    }
    return devices;
}

/// The modules' own logs, the newest entries of each priority.
Json error_logs_of(const RunView& view) {
    constexpr const char* kKinds[] = {"media", "thermal"};
    constexpr const char* kTransactions[] = {"none", "app-direct read", "app-direct write", "patrol",
                                             "ars"};
    Json modules = Json::object();
    const auto entries = [&](const std::deque<pmem::ErrorLogEntry>& log, const char* priority,
                             Json& to) {
        for (const pmem::ErrorLogEntry& e : log) {
            Json entry = {{"t_ns", to_ns(e.at)},
                          {"sequence", e.sequence},
                          {"priority", priority},
                          {"kind", kKinds[static_cast<int>(e.kind)]}};
            if (e.dpa_valid) {
                entry["dpa"] = hex(e.dpa);
                entry["range_log2"] = e.range_log2;
                entry["transaction"] = kTransactions[static_cast<int>(e.transaction)];
                entry["injected"] = e.injected;
            }
            to.push_back(std::move(entry));
        }
    };
    const auto& nvdimms = view.scenario.machine.nvdimms;
    for (std::size_t i = 0; i < nvdimms.size() && i < view.nvdimm_logs.size(); ++i) {
        Json log = Json::array();
        entries(view.nvdimm_logs[i].high(), "high", log);
        entries(view.nvdimm_logs[i].low(), "low", log);
        modules[nvdimms[i].id] = std::move(log);
    }
    return modules;
}

Json counters_of(const RunView& view) {
    const kernel::Counters& c = view.kernel.counters;
    // /proc/meminfo prints an unsigned long: a counter below zero shows as a huge figure
    // (kernel.md 2.14).
    const std::uint64_t hardware_corrupted = static_cast<std::uint64_t>(c.num_poisoned_pages) * 4;
    return {{"HardwareCorrupted_kB", hardware_corrupted},
            {"num_poisoned_pages", c.num_poisoned_pages},
            {"machine_checks", c.machine_checks},
            {"cmci", c.cmci},
            {"polls", c.polls},
            {"records", c.records},
            {"records_lost", c.records_lost},
            {"memory_failures", c.memory_failures},
            {"signals", c.signals},
            {"tlb_flushes", c.tlb_flushes},
            {"cache_flushes", c.cache_flushes},
            {"speculative_hits", view.speculative_hits},
            {"oopses", c.oopses},
            {"hugepages_total", c.hugepages_total}};
}

Json msrs_of(const RunView& view) {
    Json list = Json::array();
    for (const BankSnapshot& b : view.banks)
        list.push_back({{"cpu", b.cpu},
                        {"bank", b.bank},
                        {"status", hex(b.status)},
                        {"addr", hex(b.addr)},
                        {"misc", hex(b.misc)}});
    return list;
}

Json records_of(const RunView& view) {
    Json list = Json::array();
    for (const kernel::LoggedRecord& logged : view.kernel.machine_check_core.records()) {
        const mca::MceRecord& m = logged.record;
        list.push_back({{"t_ns", to_ns(logged.at)},
                        {"cpu", m.extcpu},
                        {"bank", m.bank},
                        {"status", hex(m.status)},
                        {"mcgstatus", hex(m.mcgstatus)},
                        {"addr", hex(m.addr)},
                        {"misc", hex(m.misc)},
                        {"cs", hex(m.cs)},
                        {"ip", hex(m.ip)},
                        {"tsc", hex(m.tsc)},
                        {"time", m.time},
                        {"cpuid", hex(m.cpuid)},
                        {"socketid", m.socketid},
                        {"apicid", m.apicid},
                        {"microcode", hex(m.microcode)},
                        {"ppin", hex(m.ppin)},
                        {"severity", word(static_cast<mca::Severity>(m.severity))},
                        {"source", word(m.source)},
                        {"taken", word(logged.taken)}});
    }
    return list;
}

Json severity_rows_of(const RunView& view) {
    Json list = Json::array();
    const mca::SeverityGrader& grader = view.kernel.machine_check_core.grader();
    unsigned number = 0;
    for (const mca::SeverityRow& row : grader.table())
        if (grader.covered(++number))
            list.push_back(
                {{"row", number}, {"severity", word(row.severity)}, {"message", row.message}});
    return list;
}

Json injector_of(const RunView& view) {
    Json list = Json::array();
    for (const auto& [cpu, r] : view.kernel.machine_check_core.injected())
        if (r.status & mca::MCI_STATUS_VAL)
            list.push_back({{"cpu", cpu},
                            {"bank", r.bank},
                            {"status", hex(r.status)},
                            {"mcgstatus", hex(r.mcgstatus)}});
    return list;
}

/// Time from an event to one of its effects, and what was spent on the way.
class Latencies {
public:
    Latencies(const RunView& view, const Causes& causes) : view_(view), causes_(causes) {}

    /// An effect and its record: from its own event, and from the event that met the error where
    /// that is another one.
    void add(const std::string& to, std::uint32_t id, std::uint32_t origin, SimTime at) {
        const std::vector<std::uint32_t> chain = causes_.chain(id);
        const std::uint32_t root = causes_.root(chain);
        // A repeated event began more than once: the chain knows which time it was.
        if (root != 0) add_from(root, view_.trace[chain.front()].at, to, at, id);
        if (origin != 0 && origin != root && origin <= view_.scenario.events.size())
            add_from(origin, view_.event_times[origin - 1], to, at, id);
    }
    /// A duration that the scenario asks about: from the first `from` to the first `to` that is
    /// not earlier. Null when it did not happen.
    void add_asked(const std::string& from, const std::string& to) {
        for (const Json& entry : list_)
            if (entry["from"] == from && entry["to"] == to) return;
        const auto found = measure(view_, TimedPoint(view_.scenario, from), TimedPoint(view_.scenario, to));
        list_.push_back({{"from", from},
                         {"to", to},
                         {"ns", found ? Json(to_ns(found->time)) : Json(nullptr)},
                         {"phases", found ? in_ns(found->phases) : Json::array()}});
    }
    Json take() { return std::move(list_); }

private:
    void add_from(std::uint32_t event, SimTime begin, const std::string& to, SimTime end,
                  std::uint32_t id) {
        if (end < begin) return;
        list_.push_back({{"from", "event:" + causes_.event_id(event - 1)},
                         {"to", to},
                         {"ns", to_ns(end - begin)},
                         {"phases", in_ns(critical_path(view_.trace, id, begin))}});
    }
    /// Each phase ends where it ends in whole nanoseconds: so rounded they sum up to the whole.
    static Json in_ns(const std::vector<std::pair<std::optional<Lat>, SimTime>>& path) {
        Json phases = Json::array();
        SimTime end{};
        for (const auto& [which, time] : path) {
            const std::uint64_t begin_ns = to_ns(end);
            end += time;
            phases.push_back({{"name", which ? latency_info(*which).name : kWaiting},
                              {"ns", to_ns(end) - begin_ns}});
        }
        return phases;
    }

    const RunView& view_;
    const Causes& causes_;
    Json list_ = Json::array();
};

Json latency_of(const RunView& view, const Causes& causes, const nlohmann::json& expect) {
    Latencies latencies(view, causes);
    for (const kernel::SignalRecord& s : view.kernel.processes.signals())
        latencies.add("signal:" + causes.process_id(s.process), s.trace_id, s.origin, s.at);
    for (std::uint32_t id = view.trace.first(); id <= view.trace.count() && view.trace.holds(id);
         ++id) {
        const TraceRecord& r = view.trace[id];
        if (r.kind == TraceKind::syscall)
            latencies.add("syscall:" + causes.event_id(r.subject), id, r.why.origin, r.at);
        else if (r.kind == TraceKind::panic)
            latencies.add("panic", id, r.why.origin, r.at);
    }
    for (const auto& [from, to] : expected_durations(expect)) latencies.add_asked(from, to);
    return latencies.take();
}

}  // namespace

Json make_events(const RunView& view) {
    const Causes causes(view);
    Json list = Json::array();
    for (std::size_t i = 0; i < view.scenario.events.size(); ++i) {
        const Fate fate = view.fates[i].fate;
        const bool ran = i < view.event_ran.size() && view.event_ran[i];
        Json entry = {{"id", view.scenario.events[i].id}};
        entry["t_ns"] = ran ? Json(to_ns(view.event_times[i])) : Json(nullptr);
        entry["fate"] = word(fate);
        entry["because"] = because(view, causes, i);
        list.push_back(std::move(entry));
    }
    return list;
}

namespace {

/// The members of a result in their order.
class ResultMaker {
public:
    ResultMaker(const RunView& view, const nlohmann::json& expect, const Members* members)
        : view_(view), expect_(expect), members_(members), causes_(view) {}

    Json make() {
        put("schema", [&] { return kResultSchema; });
        put("scenario", [&] { return view_.scenario.name; });
        put("profile", [&] { return kernel::profile(view_.scenario.kernel.profile).name; });
        put("seed", [&] { return view_.scenario.seed; });
        put("version", [&] { return program_version(); });
        put("outcome", [&] { return word(view_.kernel.outcome); });
        put("panic", [&] { return panic_of(view_); });
        put("class", [&] { return nullptr; });  // its place in the order; finish_result() fills it in
        put("end_ns", [&] { return to_ns(view_.end); });
        put("platform", [&] {
            return Json{{"wall_time", view_.scenario.machine.wall_time},
                        {"mcgcap", hex(mca::make_mcg_cap(view_.scenario.machine.mca))},
                        {"edac", view_.scenario.kernel.edac}};
        });
        if (view_.interrupted) put("interrupted", [&] { return true; });
        put("log", [&] { return log_of(view_); });
        put("signals", [&] { return signals_of(view_); });
        put("syscalls", [&] { return syscalls_of(view_, causes_); });
        put("accesses", [&] { return accesses_of(view_, causes_); });
        put("processes", [&] { return processes_of(view_); });
        put("events", [&] { return make_events(view_); });
        put("reports", [&] { return reports_of(view_, causes_); });
        put("firmware_calls", [&] { return firmware_calls_of(view_, causes_); });
        put("notifications", [&] { return notifications_of(view_); });
        put("pages", [&] { return pages_of(view_, expected_pages(expect_)); });
        put("memtypes", [&] { return memtypes_of(view_); });
        put("direct_map", [&] { return direct_map_of(view_); });
        put("badblocks", [&] { return badblocks_of(view_); });
        put("poison", [&] { return poison_of(view_); });
        const MachineConfig& machine = view_.scenario.machine;
        if (!machine.memdevs.empty() || !machine.nvdimms.empty())
            put("poison_lists", [&] { return poison_lists_of(view_); });
        if (!machine.nvdimms.empty()) put("error_logs", [&] { return error_logs_of(view_); });
        put("counters", [&] { return counters_of(view_); });
        put("msrs", [&] { return msrs_of(view_); });
        put("records", [&] { return records_of(view_); });
        put("severity_rows", [&] { return severity_rows_of(view_); });
        put("injector", [&] { return injector_of(view_); });
        put("latency", [&] { return latency_of(view_, causes_, expect_); });
        put("expect", [&] { return Json::array(); });
        return std::move(result_);
    }

private:
    template <class F>
    void put(const char* name, F value) {
        if (!members_ || members_->contains(name)) result_[name] = value();
    }

    const RunView& view_;
    const nlohmann::json& expect_;
    const Members* members_;
    Causes causes_;
    Json result_ = Json::object();
};

}  // namespace

Json make_result(const RunView& view, const nlohmann::json& expect) {
    return ResultMaker(view, expect, nullptr).make();
}

Json make_result(const RunView& view, const nlohmann::json& expect, const Members& members) {
    return ResultMaker(view, expect, &members).make();
}

namespace {

/// What each finding that failed lacks: why, where the run decided it, and when it showed first.
void explain(const RunView& view, const nlohmann::json& expect, const Json& result, bool late,
             std::vector<Finding>& findings) {
    for (Finding& f : findings) {
        if (f.ok) continue;
        if ((f.at == "/expect/outcome" || f.at.starts_with("/expect/panic")) && f.note.empty())
            f.note = panic_reason(view);
        if (f.at == "/expect/class") {
            f.note = class_reason(view, Causes(view), late);
            const nlohmann::json& wanted = expect["class"];
            for (const auto& word : wanted.is_array() ? wanted : nlohmann::json::array({wanted}))
                if (word.is_string())
                    f.note += "; " + word.get<std::string>() + " means: " +
                              std::string(meaning_of(kClassMeanings, word.get<std::string>()));
        }
        f.evidence = evidence_of(view, expect, result, f, late);
        if (f.evidence && f.at.starts_with("/expect/counters/"))
            f.note = "as wanted up to " + human_time(*f.evidence);
    }
}

}  // namespace

bool finish_result(const RunView& view, const nlohmann::json& expect, Json& result,
                   const SettingPlace& place) {
    std::vector<Finding> findings;
    Aliases devices;
    for (const NamespaceConfig& ns : view.kernel.namespaces) devices[ns.device] = ns.id;
    if (!expect.is_null()) findings = evaluate(expect, result, devices);
    if (expect.is_object() && expect.contains("temporal"))
        for (Finding& f : evaluate_temporal(view, expect["temporal"], place))
            findings.push_back(std::move(f));
    const bool late =
        std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return f.late; });
    result["class"] = classify(view, late);
    if (expect.is_object() && expect.contains("class"))
        findings.push_back(evaluate_class(expect["class"], result));
    explain(view, expect, result, late, findings);
    bool all = true;
    for (const Finding& f : findings) {
        all = all && f.ok;
        result["expect"].push_back(to_json(f));
    }
    return all;
}

std::string_view program_version() { return MCEMU_VERSION; }

}  // namespace mcemu::output
