#include "exchange/mce_inject_import.hpp"

#include <algorithm>
#include <map>

#include "core/mca/status.hpp"
#include "exchange/incident.hpp"
#include "formats/mce_inject.hpp"
#include "formats/qemu_monitor.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using formats::MceInjectRecord;
using scenario::hex_text;

constexpr SimTime kStep{100'000'000'000};  ///< 100 ms: what one trigger sets off has ended
constexpr SimTime kSecond{1'000'000'000'000};
constexpr std::uint64_t kLongest = 180ull * 86400;  ///< seconds that a scenario's clock can hold

/// What the kernel does not take from a record, in mce-inject's words.
std::string beyond(const MceInjectRecord& r) {
    std::string out;
    const auto term = [&](const char* key, const std::string& value) {
        out += (out.empty() ? "" : " ") + std::string(key) + " " + value;
    };
    if (r.tsc != 0) term("TSC", hex_text(r.tsc));
    if (r.time != 0) term("TIME", std::to_string(r.time));
    if (r.socketid != 0) term("SOCKETID", std::to_string(r.socketid));
    if (r.apicid != 0) term("APICID", hex_text(r.apicid));
    if (r.mcgcap != 0) term("MCGCAP", hex_text(r.mcgcap));
    if (r.cpuvendor != 0 || r.cpuid != 0)
        term("PROCESSOR", std::to_string(r.cpuvendor) + ":" + hex_text(r.cpuid));
    return out;
}

Json event_of(const MceInjectRecord& r) {
    using Context = MceInjectRecord::Context;
    using Broadcast = MceInjectRecord::Broadcast;
    using RaiseAs = MceInjectRecord::RaiseAs;
    Json e = {{"id", "line-" + std::to_string(r.line)},
              {"do", "mce"},
              {"via", "mce-inject"},
              {"cpu", r.cpu},
              {"bank", r.bank},
              {"status", hex_text(r.status)},
              {"mcgstatus", hex_text(r.mcgstatus)},
              {"addr", hex_text(r.addr.value_or(0))},
              {"misc", hex_text(r.misc.value_or(0))},
              {"cs", hex_text(r.cs)},
              {"ip", hex_text(r.ip)}};
    const bool polled = r.raise_as == RaiseAs::poll;
    // Said only where it does not follow from UC.
    if (polled != !(r.status & mca::MCI_STATUS_UC)) e["poll"] = polled;
    if (!polled)
        e["broadcast"] = r.broadcast == Broadcast::none  ? Json(false)
                         : r.broadcast == Broadcast::irq ? Json("irq")
                                                         : Json("nmi");
    if (r.hold) e["hold"] = true;
    if (r.context != Context::random)
        e["context"] = r.context == Context::process ? "process" : "irq";
    if (const std::string more = beyond(r); !more.empty())
        e["description"] = std::string(kAlsoInRecord) + more;
    return e;
}

/// Places records in time and tells what the kernel ignores.
class Importer {
public:
    explicit Importer(std::string name) : incident_(std::move(name)) {}

    scenario::Imported run(const formats::MceInjectText& text) {
        if (text.error)
            incident_.refuse(text.error->line, text.error->column, text.error->wrong,
                             text.error->right);
        if (!text.error && text.records.empty())
            incident_.refuse(1, 1, "there is no record in it",
                             "CPU 0 BANK 1 STATUS 0x9c00000000000000, for one");
        for (const formats::Remark& w : text.warnings)
            incident_.lose(w.line, w.column, w.wrong, w.right);
        for (const MceInjectRecord& r : text.records) {
            incident_.need_cpu(r.cpu, r.line, 1);
            incident_.need_bank(r.bank, r.line, 1);
        }
        if (incident_.refused()) {
            // A bank that is none may be what was left of a larger number.
            if (!text.error) incident_.refuse_for_losses();
            return incident_.finish();
        }
        incident_.name = "mce-inject";
        incident_.description = "The records of an mce-inject file.";
        machine(text.records);
        events(text.records);
        return incident_.finish();
    }

private:
    void machine(const std::vector<MceInjectRecord>& records) {
        std::optional<std::uint32_t> cpuid;
        for (const MceInjectRecord& r : records) {
            if (r.mcgstatus & mca::MCG_STATUS_LMCES) incident_.lmce = true;
            if (r.addr) incident_.need_memory(*r.addr);
            if (r.cpuvendor != 0)
                incident_.lose(r.line, 1,
                               "vendor " + std::to_string(r.cpuvendor) + " is not modelled",
                               "an Intel machine");
            if (r.cpuid == 0 || r.cpuvendor != 0) continue;
            if (cpuid && *cpuid != r.cpuid)
                incident_.lose(r.line, 1, "the machine has one kind of processor",
                               hex_text(*cpuid));
            else
                cpuid = r.cpuid;
        }
        if (cpuid) incident_.cpuid = cpuid;
    }

    void events(const std::vector<MceInjectRecord>& records) {
        SimTime at = kFirstEvent;
        std::uint64_t origin = 0;  // seconds since 1970 at time 0
        std::vector<const MceInjectRecord*> group;
        bool first = true;
        for (const MceInjectRecord& r : records) {
            group.push_back(&r);
            if (r.hold && &r != &records.back()) continue;
            if (r.hold)
                incident_.lose(r.line, 1, "nothing raises what is held here at the end",
                               "it stays held, as with the program");
            if (!first) at += kStep;
            if (r.time != 0) {
                if (origin == 0) {
                    origin = r.time - std::min<std::uint64_t>(r.time, at / kSecond);
                    incident_.wall_time = std::min<std::uint64_t>(origin, 1ull << 40);
                }
                const std::uint64_t since = r.time < origin ? 0 : r.time - origin;
                const SimTime wanted = kSecond * std::min(since, kLongest);
                if (r.time < origin || since > kLongest)
                    incident_.lose(r.line, 1, "TIME goes back, or too far ahead",
                                   "it follows the record before");
                else if (wanted > at)
                    at = wanted;
            }
            for (const MceInjectRecord* one : group) add(*one, at);
            group.clear();
            first = false;
        }
        if (origin == 0 && records.size() > 1)
            incident_.lose(0, 0, "records without TIME say nothing of when", "100ms apart");
    }

    void add(const MceInjectRecord& r, SimTime at) {
        if (r.tsc != 0 || r.socketid != 0 || r.apicid != 0 || r.mcgcap != 0)
            incident_.lose(r.line, 1,
                           "the kernel takes no TSC, SOCKETID, APICID or MCGCAP from a record",
                           "they stand in the event's description");
        Json event = event_of(r);
        // White space does not matter: several records may stand on one line.
        if (const unsigned before = on_line_[r.line]++; before > 0)
            event["id"] = event["id"].get<std::string>() + "-" + std::to_string(before + 1);
        incident_.add(at, std::move(event));
    }

    Incident incident_;
    std::map<unsigned, unsigned> on_line_;  ///< records so far
};

}  // namespace

scenario::Imported import_mce_inject(std::string name, std::string text) {
    std::string_view view = text;
    if (view.starts_with("\xef\xbb\xbf")) view.remove_prefix(3);
    return Importer(std::move(name)).run(formats::parse_mce_inject(view));
}

scenario::Imported import_qemu(std::string name, std::string text) {
    Incident incident(std::move(name));
    const formats::QemuMonitorText read = formats::parse_qemu_monitor(text);
    for (const formats::Remark& e : read.errors)
        incident.refuse(e.line, e.column, e.wrong, e.right);
    if (read.errors.empty() && read.commands.empty())
        incident.refuse(1, 1, "there is no mce command in it",
                        "mce 0 1 0xbd80000000000134 0x7 0x12345000 0x8c, for one");
    for (const formats::Remark& r : read.passed_over)
        incident.lose(r.line, r.column, r.wrong, r.right);
    incident.name = "qemu";
    incident.description = "mce commands of QEMU's monitor.";
    SimTime at = kFirstEvent;
    for (const formats::QemuMce& m : read.commands) {
        if (!incident.need_cpu(m.cpu, m.line, 1) || !incident.need_bank(m.bank, m.line, 1))
            continue;
        incident.need_memory(m.addr);
        const bool uncorrected = m.status & mca::MCI_STATUS_UC;
        if (m.mcgstatus & mca::MCG_STATUS_LMCES) incident.lmce = true;
        Json e = {{"id", "line-" + std::to_string(m.line)},
                  {"do", "mce"},
                  {"cpu", m.cpu},
                  {"bank", m.bank},
                  {"status", hex_text(m.status)},
                  {"mcgstatus", hex_text(m.mcgstatus)},
                  {"addr", hex_text(m.addr)},
                  {"misc", hex_text(m.misc)}};
        bool broadcast = m.broadcast;
        if (broadcast && (m.mcgstatus & mca::MCG_STATUS_LMCES)) {
            incident.lose(m.line, 1, "a local machine check is broadcast",
                          "it reaches its CPU only");
            broadcast = false;
        }
        e["broadcast"] = broadcast;
        e["poll"] = !uncorrected;
        if (!uncorrected)
            incident.lose(m.line, 1, "QEMU tells nobody of a corrected error: the guest polls",
                          "it raises a CMCI where the machine has them");
        incident.add(at, std::move(e));
        at += kStep;
    }
    if (read.commands.size() > 1)
        incident.lose(0, 0, "the monitor's commands say nothing of when", "100ms apart");
    return incident.finish();
}

}  // namespace mcemu::exchange
