// Compares a run with a record of a real kernel: log, signals, deaths, results, state.
#include <algorithm>
#include <regex>
#include <set>

#include "conformance/family.hpp"
#include "conformance/oracle_translate.hpp"

namespace mcemu::conformance {
namespace {

/// The lines the records' `normalised_core` keeps: no register dumps, no stack traces.
bool is_core(const std::string& line) {
    static const std::regex kept(
        R"(^(mce: |Memory failure|MCE: |Injecting memory|Soft offlining|soft.offline|Unpoison|x86/PAT|\{\d+\}\[Hardware|\[Firmware Warn|BUG: |Oops: |WARNING: |dax |Kernel panic|Disabling lock|Could not invalidate|mce_notify|CMCI storm|RAS: |XFS .*memory))");
    return std::regex_search(line, kept);
}

/// What two machines may write differently: worker names, clocks, interrupted kernel addresses.
std::string normalise(std::string line) {
    static const std::vector<std::pair<std::regex, std::string>> rules = {
        {std::regex(R"(kworker/[0-9a-z:]+:\d+)"), "<kworker>"},
        {std::regex(R"(TSC [0-9a-f]+ )"), "TSC <tsc> "},
        {std::regex(R"( TIME \d+ )"), " TIME <time> "},
        {std::regex(R"(RIP( !INEXACT!)? ([0-9a-f]{2}):<.*)"), "RIP$1 $2:<ip>"},
        {std::regex(R"(Oops: [0-9a-f]+ \[#(\d+)\].*)"), "Oops [#$1]"},
        {std::regex(R"(WARNING: CPU: \d+ PID: \d+ at (\S+) .*)"), "WARNING at $1"},
        {std::regex(R"((paging request) (at|for address:?) .*)"), "$1"},
    };
    for (const auto& [pattern, text] : rules) line = std::regex_replace(line, pattern, text);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

std::string shown(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

class Comparison {
public:
    Comparison(const json& record, const Translation& t, const json& result)
        : r_(record), t_(t), got_(result) {}

    std::vector<std::string> run() {
        log();
        signals();
        results();
        if (r_["panic"].get<bool>() != (got_["outcome"] == "panic"))
            differ("panic", r_["panic"], got_["outcome"]);
        if (!r_["panic"].get<bool>()) {
            state();
            badblocks();
            memtypes();
            direct_map();
        }
        return out_;
    }

private:
    void differ(const std::string& what, const json& wanted, const json& came) {
        out_.push_back(what + ": wanted " + shown(wanted) + ", came " + shown(came));
    }

    void log() {
        std::vector<std::string> wanted, came;
        for (const json& l : r_["dmesg"])
            if (is_core(l["line"])) wanted.push_back(normalise(l["line"]));
        for (const json& l : got_["log"])
            if (is_core(l["text"])) came.push_back(normalise(l["text"]));
        for (std::size_t i = 0; i < std::max(wanted.size(), came.size()); ++i) {
            const std::string w = i < wanted.size() ? wanted[i] : "(end of log)";
            const std::string c = i < came.size() ? came[i] : "(end of log)";
            if (w == c) continue;
            differ("log line " + std::to_string(i), w, c);
            return;  // what follows the first difference follows from it
        }
    }

    /// Signals a handler caught, per process in order; a fatal one is in `ends`.
    void signals() {
        std::set<std::string> roles;
        for (const auto& [pid, role] : r_["pids"].items()) roles.insert(role.get<std::string>());
        for (const std::string& role : roles) {
            std::vector<std::string> wanted, came;
            for (const json& s : r_["signals"]) {
                if (s["role"] != role) continue;
                const int code = s["si_code"];
                wanted.push_back(code == 0x80 ? "SI_KERNEL"
                                              : s["si_code_name"].get<std::string>() + " " +
                                                    s["si_addr"].get<std::string>() +
                                                    (code == 2 ? "" : " lsb " + s["si_addr_lsb"].dump()));
            }
            std::string end = "alive", wanted_end = "alive";
            for (const json& p : got_["processes"])
                if (p["id"] == role && p["state"] != "alive")
                    end = p["state"] == "killed" ? "killed by " + shown(p["by"]) : "exited";
            for (const json& e : r_["ends"])
                if (e["role"] == role)
                    wanted_end = e["how"] != "signal" ? "exited"
                                 : e["value"] == 9    ? "killed by SIGKILL"
                                                      : "killed by SIGBUS";
            for (const json& s : got_["signals"]) {
                if (s["process"] != role) continue;
                const std::string code = s["code"].is_string() ? s["code"].get<std::string>() : "?";
                came.push_back(code == "SI_KERNEL" ? "SI_KERNEL"
                                                   : code + " " + shown(s["addr"]) +
                                                         (code == "BUS_ADRERR" ? "" : " lsb " + s["lsb"].dump()));
            }
            if (end.starts_with("killed") && !came.empty()) came.pop_back();
            if (wanted != came) differ("signals of " + role, json(wanted), json(came));
            if (end != wanted_end && !r_["panic"].get<bool>()) differ("end of " + role, wanted_end, end);
        }
    }

    json find_syscall(const std::string& event) const {
        for (const json& s : got_["syscalls"])
            if (s["event"] == event) return s;
        return nullptr;
    }
    json find_access(const std::string& event) const {
        for (const json& a : got_.value("accesses", json::array()))
            if (a["event"] == event) return a;
        return nullptr;
    }

    void results() {
        for (const Observation& o : t_.observations) {
            const std::string ev = o.expected["ev"];
            const std::string what = ev + " (" + o.role + ", " + o.event + ")";
            if (ev == "touch") {
                const json access = find_access(o.event);
                const std::string came = access.is_null() ? "nothing" : access["result"].get<std::string>();
                if (came != o.expected["result"]) differ(what, o.expected["result"], came);
            } else if (ev == "spin") {
                // Its signal is compared with the others.
            } else if (ev == "sleeps") {
                const json call = find_syscall(o.event);
                if (!call.is_null()) differ(what, "sleeps for ever", call["ret"]);
            } else {
                const json call = find_syscall(o.event);
                if (call.is_null()) {
                    differ(what, o.expected.value("ret", json()), "no system call");
                    continue;
                }
                const bool wanted_ok = o.expected["ret"].get<std::int64_t>() >= 0;
                const std::int64_t ret = call["ret"];
                const std::string came = ret >= 0 ? "ok" : shown(call["errno"]);
                const std::string wanted = wanted_ok ? "ok" : shown(o.expected["errno"]);
                if (wanted != came) differ(what, wanted, came);
                else if (wanted_ok && ev.starts_with("p") && ret != o.expected["ret"].get<std::int64_t>())
                    differ(what, o.expected["ret"], ret);
            }
        }
    }

    void state() {
        const json& delta = r_["state_delta"];
        if (!delta.contains("HardwareCorrupted")) return;
        const auto wanted = delta["HardwareCorrupted"].is_number_unsigned()
                                ? delta["HardwareCorrupted"].get<std::uint64_t>()
                                : static_cast<std::uint64_t>(delta["HardwareCorrupted"].get<std::int64_t>());
        const std::uint64_t came = got_["counters"]["HardwareCorrupted_kB"];
        if (wanted != came) differ("HardwareCorrupted", wanted, came);
        const json& before = got_["direct_map"];
        for (const auto& [name, key] : {std::pair{"DirectMap4k", "4k_delta_kB"},
                                        {"DirectMap2M", "2M_delta_kB"}, {"DirectMap1G", "1G_delta_kB"}})
            if (before.contains(key) && before[key] != delta[name]) differ(name, delta[name], before[key]);
    }

    void badblocks() {
        if (!r_["state_after"].contains("badblocks")) return;
        for (const auto& [path, lines] : r_["state_after"]["badblocks"].items()) {
            std::string wanted, id;
            for (const json& line : lines) wanted += line.get<std::string>() + "\n";
            if (path.find("region0") != std::string::npos) id = "region0";
            else if (path.find("region1") != std::string::npos) id = "region1";
            else if (path.find("pmem0") != std::string::npos) id = "namespace0.0";
            else continue;
            const std::string came = got_["badblocks"].value(id, "");
            if (wanted != came) differ("badblocks of " + id, wanted, came);
        }
    }

    /// Only what lies in persistent memory: the records' other entries are devices of QEMU.
    void memtypes() {
        if (!r_["state_after"].contains("pat_memtype_list")) return;
        std::vector<std::string> wanted, came;
        static const std::regex high(R"(0x0*1[0-9a-f]{8}[- ])");
        for (const json& line : r_["state_after"]["pat_memtype_list"])
            if (std::regex_search(line.get<std::string>(), high)) wanted.push_back(line);
        for (const json& line : got_["memtypes"])
            if (std::regex_search(line.get<std::string>(), high)) came.push_back(line);
        if (wanted != came) differ("memtypes", json(wanted), json(came));
    }

    void direct_map() {
        if (!r_["extra"].is_object() || !r_["extra"].contains("direct_map_after")) return;
        for (const json& e : r_["extra"]["direct_map_after"]) {
            const std::uint64_t pfn = number(e["pfn"]);
            if (e["level"] != "4K" && e["level"] != "2M") continue;  // nothing is mapped there
            const bool wanted_present = e["present"];
            std::set<std::string> flags;
            for (const json& f : e["flags"]) flags.insert(f.get<std::string>());
            const std::string wanted_type = !wanted_present ? "NP" : flags.contains("PCD") ? "UC-" : "WB";
            std::string came_type = "WB";
            for (const json& range : got_["direct_map"]["ranges"]) {
                const std::uint64_t first = number(range["pfn"]);
                if (pfn >= first && pfn < first + range["pages"].get<std::uint64_t>()) came_type = range["type"];
            }
            if (wanted_type != came_type) differ("direct map of " + hex(pfn), wanted_type, came_type);
            if (!got_["direct_map"].contains("split")) continue;
            bool split = false;
            for (const json& unit : got_["direct_map"]["split"])
                if (unit["shift"] == 21 && number(unit["pfn"]) == pfn / 512 * 512) split = true;
            if ((e["level"] == "4K") != split && !always_4k(e))
                differ("direct map level of " + hex(pfn), e["level"], split ? "4K" : "2M");
        }
    }
    /// Units that this kernel had split at boot, before any case.
    bool always_4k(const json& after) const {
        if (!r_["extra"].contains("direct_map_before")) return true;
        for (const json& before : r_["extra"]["direct_map_before"])
            if (before["pfn"] == after["pfn"]) return before["level"] == "4K";
        return true;
    }

    const json& r_;
    const Translation& t_;
    const json& got_;
    std::vector<std::string> out_;
};

class OracleFamily final : public Family {
public:
    std::string name() const override { return "oracle"; }
    bool owns(const json& record) const override {
        return record.is_object() && record.contains("driver_log") && record.contains("normalised_core");
    }
    std::vector<Case> translate(const json& record) const override {
        Translation t = translate_oracle(record);
        Case c;
        c.scenario = std::move(t.scenario);
        return {c};
    }
    Verdict compare(const json& record, const Case&, const json& result) const override {
        const Translation t = translate_oracle(record);
        return {Comparison(record, t, result).run(), {}};
    }
};

}  // namespace

std::unique_ptr<Family> make_oracle_family() { return std::make_unique<OracleFamily>(); }

}  // namespace mcemu::conformance
