#include "exchange/log_machine.hpp"

#include <algorithm>

#include "core/kernel/profile.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using formats::BootFacts;
using formats::FieldLog;
using formats::LoggedMce;

struct Version {
    unsigned major = 0, minor = 0;
    auto operator<=>(const Version&) const = default;
};

/// "v4.19" as numbers.
Version version_of(std::string_view profile) {
    Version v;
    std::size_t i = profile.starts_with('v') ? 1 : 0;
    while (i < profile.size() && profile[i] >= '0' && profile[i] <= '9')
        v.major = v.major * 10 + static_cast<unsigned>(profile[i++] - '0');
    ++i;
    while (i < profile.size() && profile[i] >= '0' && profile[i] <= '9')
        v.minor = v.minor * 10 + static_cast<unsigned>(profile[i++] - '0');
    return v;
}

/// The profile of that version, else the newest before it, else the oldest.
const kernel::Profile& nearest_profile(Version wanted) {
    const auto all = kernel::profiles();
    const kernel::Profile* best = nullptr;
    for (const kernel::Profile& p : all)
        if (version_of(p.name) <= wanted && (!best || version_of(p.name) > version_of(best->name)))
            best = &p;
    if (best) return *best;
    best = &all.front();
    for (const kernel::Profile& p : all)
        if (version_of(p.name) < version_of(best->name)) best = &p;
    return *best;
}

void choose_profile(Incident& incident, const FieldLog& log) {
    const BootFacts& boot = log.boot;
    if (boot.major && boot.minor) {
        const Version wanted{*boot.major, *boot.minor};
        const kernel::Profile& p = nearest_profile(wanted);
        incident.profile = p.name;
        if (version_of(p.name) != wanted)
            incident.lose(boot.version_line, 0,
                          "Linux " + boot.version.substr(0, 40) + " has no profile of its own",
                          "the nearest, " + std::string(p.name));
        if (boot.boots > 1)
            incident.lose(boot.version_line, 0, "the log holds more than one boot",
                          "the machine of the last");
        return;
    }
    const Version guess = log.new_words && !log.old_words ? Version{6, 1} : Version{4, 19};
    incident.profile = nearest_profile(guess).name;
    incident.lose(0, 0, "it does not say which kernel it is from",
                  *incident.profile + (log.new_words || log.old_words ? ", by its words" : ""));
}

/// Words of the command line that a scenario knows.
void boot_options(Incident& incident, const BootFacts& boot) {
    static constexpr const char* kWords[] = {
        "recovery", "ignore_ce", "dont_log_ce", "no_cmci",   "print_all",
        "off",      "no_lmce",   "bootlog",     "nobootlog", "bios_cmci_threshold"};
    const bool v4 = incident.profile && incident.profile->starts_with("v4");
    Json words = Json::array();
    for (const std::string& option : boot.command_line) {
        if (option == "nopat") incident.boot["nopat"] = true;
        if (option == "debugpat") incident.boot["debugpat"] = true;
        if (option == "nomce") words.push_back("off");
        if (!option.starts_with("mce=")) continue;
        const std::string value = option.substr(4);
        const auto* known = std::find(std::begin(kWords), std::end(kWords), value);
        if (known != std::end(kWords)) {
            if (std::find(words.begin(), words.end(), value) == words.end()) words.push_back(value);
        } else if (value.size() == 1 && value[0] >= '0' && value[0] <= '3' && v4) {
            incident.boot["mce.tolerant"] = value[0] - '0';
        } else {
            incident.lose(0, 0, "the boot option mce=" + value.substr(0, 30) + " is not modelled",
                          "without it");
        }
    }
    if (!words.empty()) incident.boot["mce"] = std::move(words);
}

void processors(Incident& incident, const FieldLog& log) {
    constexpr std::uint64_t kMostCpus = 8192, kMostBanks = 32;
    const BootFacts& boot = log.boot;
    if (boot.cpus && *boot.cpus <= kMostCpus) incident.cpus_are(*boot.cpus);
    if (boot.nodes && boot.cpus && *boot.nodes >= 1 && *boot.nodes <= 64)
        incident.sockets_are(*boot.nodes);
    if (boot.banks && *boot.banks >= 1 && *boot.banks <= kMostBanks)
        incident.banks_are(*boot.banks);
    bool sockets_differ = false;
    for (const LoggedMce& r : log.records) {
        if (!r.processor_known || r.vendor != 0 || r.bank < 0) continue;
        if (!incident.cpuid) incident.cpuid = r.cpuid;
        if (!incident.microcode && r.microcode != 0) incident.microcode = r.microcode;
        if (r.mcgcap != 0 && !incident.mcgcap) incident.mcgcap = r.mcgcap;
        if (r.cpuid != *incident.cpuid)
            incident.lose(r.line, 0, "the machine has one kind of processor",
                          scenario::hex_text(*incident.cpuid));
        if (r.socket < 64) incident.need_socket(r.socket);
        sockets_differ = sockets_differ || r.socket != 0;
    }
    if (sockets_differ)
        incident.lose(0, 0, "which CPU is in which socket", "CPUs are numbered socket by socket");
}

}  // namespace

void describe_machine(Incident& incident, const FieldLog& log) {
    choose_profile(incident, log);
    boot_options(incident, log.boot);
    processors(incident, log);
    incident.memory = log.boot.usable;
    incident.persistent = log.boot.persistent;
    if (log.boot.usable.empty())
        incident.lose(0, 0, "it holds no memory map",
                      "DRAM from 0 to beyond all that is mentioned");
    const bool edac = !log.edac.empty() || std::any_of(log.records.begin(), log.records.end(),
                                                       [](const LoggedMce& r) { return r.edac; });
    if (edac) incident.decoders["edac"] = true;
}

}  // namespace mcemu::exchange
