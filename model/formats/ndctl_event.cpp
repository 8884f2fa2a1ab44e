#include "formats/ndctl_event.hpp"

#include <algorithm>

namespace mcemu::formats {
namespace {

using Command = NdctlEvent::Command;

constexpr const char* kModes[] = {"raw", "fsdax", "devdax", "sector"};
constexpr const char* kMonitorEvents[] = {"dimm-spares-remaining", "dimm-media-temperature",
                                          "dimm-controller-temperature", "dimm-health-state",
                                          "dimm-unclean-shutdown"};

/// 1/16 degree Celsius as ndctl takes it: with its digits behind the point, no more.
std::string celsius(std::int32_t sixteenths) {
    std::string text = std::to_string(std::abs(sixteenths) / 16);
    std::int32_t rest = std::abs(sixteenths) % 16 * 10000 / 16;
    if (rest != 0) {
        std::string digits = std::to_string(rest);
        digits.insert(0, 4 - digits.size(), '0');
        while (digits.back() == '0') digits.pop_back();
        text += "." + digits;
    }
    return (sixteenths < 0 ? "-" : "") + text;
}

/// 'text', safe in a shell.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

class Line {
public:
    Line(const NdctlEvent& e, const Scenario& s) : e_(e), m_(s.machine) {}

    std::string write() {
        switch (e_.command) {
            case Command::inject_error: return inject();
            case Command::clear_errors:
                return command("clear-errors" + flag(e_.scrub, " --scrub"), ns());
            case Command::start_scrub:
                return command("start-scrub", "") + (e_.wait ? command("wait-scrub", "") : "");
            case Command::wait_scrub: return command("wait-scrub", "");
            case Command::create_namespace:
                return command("create-namespace --region=" + region() + made(), "");
            case Command::reconfigure_namespace:
                return command("create-namespace --reconfig=" + ns() + flag(e_.force, " --force") +
                                   made(), "");
            case Command::destroy_namespace:
                return command("destroy-namespace" + flag(e_.force, " --force"), ns());
            case Command::check_namespace:
                return command("check-namespace" + flag(e_.repair, " --repair") +
                                   flag(e_.rewrite_log, " --rewrite-log") + flag(e_.force, " --force"),
                               ns());
            case Command::enable_region: return command("enable-region", region());
            case Command::disable_region: return command("disable-region", region());
            case Command::enable_dimm: return command("enable-dimm", dimm());
            case Command::disable_dimm: return command("disable-dimm", dimm());
            case Command::list: return list();
            case Command::inject_smart: return smart();
            case Command::monitor: return monitor();
            case Command::read_attribute:
                return path().empty() ? no_file() : "cat " + path() + "\n";
            case Command::write_attribute:
                return path().empty() ? no_file()
                                      : "printf %s " + quoted(e_.text) + " > " + path() + "\n";
            case Command::read_infoblock: return command("read-infoblock --json", ns());
            case Command::btt_lookup:
                return "# the map entry of block " + std::to_string(e_.offset) + " of " + ns() +
                       " has no command\n";
            case Command::init_labels:
                return command("init-labels" + flag(e_.force, " --force"), dimm());
            case Command::zero_labels: return command("zero-labels", dimm());
            case Command::check_labels: return command("check-labels", dimm());
            case Command::read_labels: return command("read-labels --json", dimm());
            case Command::write_infoblock:
                return command("write-infoblock" + made(), ns());
            case Command::fail_command:
                return "# nfit_test makes " + e_.failing + " of " + dimm() +
                       " fail; no command does on other hardware\n";
        }
        return {};
    }

private:
    static std::string flag(bool on, const char* text) { return on ? text : ""; }
    std::string command(const std::string& what, const std::string& of) const {
        return "ndctl " + what + (e_.human ? " --human" : "") + (of.empty() ? "" : " " + of) + "\n";
    }
    std::string ns() const {
        return e_.ns < 0 ? "all" : m_.namespaces[static_cast<std::size_t>(e_.ns)].id;
    }
    std::string region() const {
        return e_.region < 0 ? "all" : m_.regions[static_cast<std::size_t>(e_.region)].id;
    }
    std::string dimm() const {
        return e_.nvdimm < 0 ? "all" : m_.nvdimms[static_cast<std::size_t>(e_.nvdimm)].id;
    }
    std::string filter() const {
        return (e_.ns >= 0 ? " --namespace=" + ns() : "") +
               (e_.region >= 0 ? " --region=" + region() : "") +
               (e_.nvdimm >= 0 ? " --dimm=" + dimm() : "");
    }
    std::string inject() const {
        std::string out = "inject-error";
        if (e_.status) out += " --status";
        if (e_.uninject) out += " --uninject";
        if (e_.block) out += " --block=" + std::to_string(*e_.block);
        if (e_.count) out += " --count=" + std::to_string(*e_.count);
        if (e_.saturate) out += " --saturate";
        if (!e_.notify) out += " --no-notify";
        return command(out, ns());
    }
    std::string made() const {
        const NamespaceRequest& r = e_.make;
        std::string out;
        if (r.mode) out += std::string(" --mode=") + kModes[static_cast<int>(*r.mode)];
        if (r.map_dev) out += *r.map_dev ? " --map=dev" : " --map=mem";
        if (r.size) out += " --size=" + std::to_string(*r.size);
        if (r.align) out += " --align=" + std::to_string(*r.align);
        if (r.sector_size) out += " --sector-size=" + std::to_string(*r.sector_size);
        if (!r.name.empty()) out += " --name=" + quoted(r.name);
        if (!r.uuid.empty()) out += " --uuid=" + r.uuid;
        return out;
    }
    std::string list() const {
        const NdctlEvent::Listing& l = e_.listing;
        std::string letters;
        for (const auto& [on, letter] :
             {std::pair{l.buses, 'B'}, {l.dimms, 'D'}, {l.regions, 'R'}, {l.namespaces, 'N'},
              {l.health, 'H'}, {l.media_errors, 'M'}, {l.idle, 'i'}})
            if (on) letters += letter;
        return command("list" + (letters.empty() ? "" : " -" + letters) + filter(), "");
    }
    std::string smart() const {
        const NdctlEvent::Smart& s = e_.smart;
        std::string out = "inject-smart";
        const auto degrees = [&](const std::optional<std::int32_t>& v, const char* option) {
            if (v) out += std::string(" --") + option + "=" + celsius(*v);
        };
        const auto percent = [&](const std::optional<std::uint32_t>& v, const char* option) {
            if (v) out += std::string(" --") + option + "=" + std::to_string(*v);
        };
        const auto alarm = [&](const std::optional<bool>& v, const char* option) {
            if (v) out += std::string(" --") + option + (*v ? "=on" : "=off");
        };
        degrees(s.media_temperature, "media-temperature");
        degrees(s.media_temperature_threshold, "media-temperature-threshold");
        alarm(s.media_temperature_alarm, "media-temperature-alarm");
        degrees(s.ctrl_temperature_threshold, "ctrl-temperature-threshold");
        alarm(s.ctrl_temperature_alarm, "ctrl-temperature-alarm");
        percent(s.spares, "spares");
        percent(s.spares_threshold, "spares-threshold");
        alarm(s.spares_alarm, "spares-alarm");
        for (const auto& [on, option] :
             {std::pair{s.media_temperature_uninject, "media-temperature-uninject"},
              {s.spares_uninject, "spares-uninject"},
              {s.fatal, "fatal"},
              {s.fatal_uninject, "fatal-uninject"},
              {s.unsafe_shutdown, "unsafe-shutdown"},
              {s.unsafe_shutdown_uninject, "unsafe-shutdown-uninject"},
              {s.uninject_all, "uninject-all"}})
            if (on) out += std::string(" --") + option;
        return command(out, dimm());
    }
    std::string monitor() const {
        std::string events;
        for (std::uint32_t bit = 0; bit < std::size(kMonitorEvents); ++bit)
            if (e_.monitor_events & 1u << bit)
                events += (events.empty() ? " --dimm-event=\"" : " ") + std::string(kMonitorEvents[bit]);
        if (!events.empty()) events += "\"";
        return command("monitor --daemon" + filter() + events, "");
    }
    /// Where the attribute lies; empty: in no file.
    std::string path() const {
        const std::string devices = "/sys/bus/nd/devices/";
        if (e_.ns >= 0) {
            if (e_.attribute == "device") return {};
            if (e_.attribute == "badblocks")
                return "/sys/block/" + m_.namespaces[static_cast<std::size_t>(e_.ns)].device +
                       "/badblocks";
            return devices + ns() + "/" + e_.attribute;
        }
        if (e_.region >= 0) return devices + region() + "/" + e_.attribute;
        if (e_.nvdimm >= 0)
            return devices + dimm() +
                   (e_.attribute == "state" || e_.attribute == "security" ? "/" : "/nfit/") +
                   e_.attribute;
        return devices + "ndbus0/nfit/" + e_.attribute;
    }
    std::string no_file() const { return "# " + e_.attribute + " of " + ns() + " stands in no file\n"; }

    const NdctlEvent& e_;
    const MachineConfig& m_;
};

}  // namespace

std::string ndctl_event(const NdctlEvent& event, const Scenario& scenario) {
    return Line(event, scenario).write();
}

}  // namespace mcemu::formats
