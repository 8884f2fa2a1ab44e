#include "exchange/mce_export.hpp"

#include <algorithm>
#include <map>

#include "core/mca/status.hpp"
#include "exchange/mce_inject_import.hpp"
#include "formats/mce_inject.hpp"
#include "formats/qemu_monitor.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using nlohmann::json;
using scenario::hex_text;

constexpr std::uint64_t kSecondPs = 1'000'000'000'000;

/// One line of comment, whatever `text` holds.
std::string comment(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    return "# " + text + "\n";
}

/// A register image to be raised.
struct Injection {
    MceEvent e;
    std::string head;    ///< what it comes from
    std::string beyond;  ///< terms of mce-inject that no event has
    SimTime at{};
    std::optional<std::uint64_t> time;  ///< seconds since 1970
};

struct Gathered {
    std::vector<Injection> injections;
    std::map<std::string, std::size_t> lost;  ///< how often

    void lose(const std::string& what) { ++lost[what]; }
    std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (const auto& [what, n] : lost)
            out.push_back(what + (n > 1 ? " (" + std::to_string(n) + " times)" : ""));
        return out;
    }
};

/// The terms that an import put into the description, if they still are terms.
std::string terms_of(const json& document, std::size_t index) {
    const json& events = document["events"];
    if (index >= events.size() || !events[index].is_object()) return "";
    const auto at = events[index].find("description");
    if (at == events[index].end() || !at->is_string()) return "";
    const std::string& text = at->get_ref<const std::string&>();
    if (!text.starts_with(kAlsoInRecord)) return "";
    std::string terms = text.substr(kAlsoInRecord.size());
    const formats::MceInjectText parsed = formats::parse_mce_inject("MCE " + terms + "\n");
    return parsed.error || parsed.records.size() != 1 ? "" : terms;
}

Gathered gather(const Scenario& s, const json& document) {
    Gathered out;
    struct Item {
        SimTime at;
        std::size_t index;
    };
    std::vector<Item> order;
    for (std::size_t i = 0; i < s.events.size(); ++i) {
        const Event& event = s.events[i];
        if (!std::holds_alternative<MceEvent>(event.action)) {
            out.lose("events that are no \"mce\" are left out");
            continue;
        }
        const auto* at = std::get_if<TriggerAt>(&event.trigger);
        if (!at) out.lose("triggers other than \"at\": those events stand at the end");
        if (event.times > 1) out.lose("repetitions (\"every\"): once");
        order.push_back({at ? at->at : SimTime::max(), i});
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const Item& a, const Item& b) { return a.at < b.at; });
    // A file of the program that gave no TIME gets none.
    const auto machine = document.find("machine");
    const bool timed =
        (machine != document.end() && machine->contains("wall_time")) ||
        std::any_of(order.begin(), order.end(), [&](const Item& item) {
            return std::get<MceEvent>(s.events[item.index].action).via != MceEvent::Via::mce_inject;
        });
    SimTime before{};
    for (const Item& item : order) {
        const Event& event = s.events[item.index];
        Injection one{std::get<MceEvent>(event.action), "", "", item.at, {}};
        // What does not follow from the scenario's own values.
        if (!one.e.cs_given && one.e.via == MceEvent::Via::hardware)
            one.e.cs = one.e.process >= 0 ? 0x33 : 0x10;
        one.head = event.id;
        if (item.at != SimTime::max()) {
            one.head += " at " + scenario::time_text(item.at);
            if (timed) one.time = s.machine.wall_time + item.at.count() / kSecondPs;
            if (timed && item.at.count() % kSecondPs != 0 && item.at != before &&
                before != SimTime{})
                out.lose("times are not kept to less than a second");
            before = item.at;
        }
        one.beyond = terms_of(document, item.index);
        if (one.e.process >= 0) out.lose("what the CPU was running is not said");
        out.injections.push_back(std::move(one));
    }
    return out;
}

std::uint64_t number(const json& value) {
    if (value.is_number_integer() && (value.is_number_unsigned() || value.get<std::int64_t>() >= 0))
        return value.get<std::uint64_t>();
    if (value.is_string())
        if (const auto parsed = scenario::parse_address(value.get_ref<const std::string&>());
            parsed.value)
            return *parsed.value;
    return 0;
}

Gathered gather(const json& result) {
    Gathered out;
    const auto records = result.find("records");
    if (records == result.end()) return out;
    for (const json& r : *records) {
        Injection one;
        one.e.cpu = static_cast<CpuId>(number(r.value("cpu", json(0))));
        // Firmware's records have bank -1, which no injector knows.
        const json bank = r.value("bank", json(0));
        if (!bank.is_number_integer() || bank.get<std::int64_t>() < 0) {
            out.lose("records of firmware (bank -1) are left out");
            continue;
        }
        one.e.bank = bank.get<std::uint32_t>();
        for (const auto& [key, to] : {std::pair{"status", &one.e.status},
                                      {"mcgstatus", &one.e.mcgstatus},
                                      {"addr", &one.e.addr},
                                      {"misc", &one.e.misc},
                                      {"cs", &one.e.cs},
                                      {"ip", &one.e.ip}})
            *to = number(r.value(key, json(0)));
        one.e.poll = !(one.e.mcgstatus & mca::MCG_STATUS_MCIP);
        one.e.broadcast = !one.e.poll && !(one.e.mcgstatus & mca::MCG_STATUS_LMCES);
        one.at = SimTime{number(r.value("t_ns", json(0))) * 1000};
        one.head = "recorded at " + scenario::time_text(one.at);
        out.injections.push_back(std::move(one));
    }
    return out;
}

void term(std::string& out, const char* key, const std::string& value) {
    out += std::string(key) + " " + value + "\n";
}

/// In the order of `mce-inject --dump`: STATUS behind ADDR and MISC says which of them are valid.
std::string record(const Injection& one, bool trigger) {
    const MceEvent& e = one.e;
    std::string out = comment(one.head);
    term(out, "CPU", std::to_string(e.cpu));
    term(out, "BANK", std::to_string(e.bank));
    if (one.time && one.beyond.find("TIME ") == std::string::npos)
        term(out, "TIME", std::to_string(*one.time));
    if (!one.beyond.empty()) out += one.beyond + "\n";
    if (e.cs != 0 || e.ip != 0) term(out, "RIP", hex_text(e.cs & 0xff) + ":" + hex_text(e.ip));
    if (e.misc != 0 || (e.status & mca::MCI_STATUS_MISCV)) term(out, "MISC", hex_text(e.misc));
    if (e.addr != 0 || (e.status & mca::MCI_STATUS_ADDRV)) term(out, "ADDR", hex_text(e.addr));
    term(out, "STATUS", hex_text(e.status));
    term(out, "MCGSTATUS", hex_text(e.mcgstatus));
    if (e.poll != !(e.status & mca::MCI_STATUS_UC)) out += e.poll ? "POLL\n" : "EXCP\n";
    if (!e.poll) {
        if (!e.broadcast)
            out += "NOBROADCAST\n";
        else if (e.by_ipi)
            out += "IRQBROADCAST\n";
    }
    if (e.context == MceEvent::Context::process) out += "IN_PROC\n";
    if (e.context == MceEvent::Context::irq) out += "IN_IRQ\n";
    if (!trigger) out += "HOLD\n";
    return out + "\n";
}

Exported as_mce_inject(Gathered all, const std::string& name, bool of_run) {
    Exported out;
    out.text = comment(of_run ? "machine-check records of a run of " + name
                              : "machine checks of the scenario " + name);
    for (std::size_t i = 0; i < all.injections.size(); ++i) {
        Injection& one = all.injections[i];
        bool hold = one.e.hold;
        // What happens at one time is raised together.
        if (one.e.via == MceEvent::Via::hardware && !one.e.poll && i + 1 < all.injections.size()) {
            const Injection& next = all.injections[i + 1];
            hold = next.at == one.at && !next.e.poll && next.e.cpu != one.e.cpu &&
                   next.e.via == MceEvent::Via::hardware;
        }
        if (one.e.via != MceEvent::Via::mce_inject && !of_run)
            all.lose(
                "what hardware and debugfs do otherwise than /dev/mcelog: these registers, through "
                "it");
        if (one.e.cs > 0xff) all.lose("code segments have 8 bits");
        if (one.e.bank > 0xff) all.lose("banks have 8 bits");
        out.text += record(one, !hold);
    }
    if (all.injections.empty()) out.text += comment("there are none");
    out.lost = all.lines();
    return out;
}

Exported as_qemu(Gathered all) {
    // The monitor knows no comments.
    Exported out;
    for (const Injection& one : all.injections) {
        const MceEvent& e = one.e;
        if (!(e.status & mca::MCI_STATUS_VAL)) {
            all.lose("records without VAL are left out: QEMU refuses them");
            continue;
        }
        if (e.cs != 0 || e.ip != 0)
            all.lose("the interrupted instruction (cs, ip) is the guest's own");
        if (!one.beyond.empty()) all.lose("TSC, TIME, PROCESSOR and the like are the guest's own");
        if (e.poll && (e.status & mca::MCI_STATUS_UC))
            all.lose("uncorrected errors that are polled: QEMU raises a machine check");
        if (e.hold) all.lose("records that are held: one after the other");
        constexpr std::uint32_t kQemuBanks = 10;  // MCE_BANKS_DEF of target/i386/cpu.h
        if (e.bank >= kQemuBanks)
            all.lose("QEMU's processors have banks 0 to 9: it refuses a higher one");
        if (one.time) all.lose("times: the commands follow one another at once");
        formats::QemuMce m;
        m.broadcast = e.broadcast && !e.poll;
        m.cpu = e.cpu;
        m.bank = e.bank;
        m.status = e.status;
        m.mcgstatus = e.mcgstatus;
        m.addr = e.addr;
        m.misc = e.misc;
        out.text += formats::qemu_mce_command(m) + "\n";
    }
    if (out.text.empty()) all.lose("there is no machine check: nothing is written");
    out.lost = all.lines();
    return out;
}

}  // namespace

Exported mce_inject_of(const Scenario& scenario, const json& document) {
    return as_mce_inject(gather(scenario, document), scenario.name, false);
}
Exported qemu_of(const Scenario& scenario, const json& document) {
    return as_qemu(gather(scenario, document));
}
Exported mce_inject_of(const json& result) {
    return as_mce_inject(gather(result), result["scenario"].get<std::string>(), true);
}
Exported qemu_of(const json& result) { return as_qemu(gather(result)); }

}  // namespace mcemu::exchange
