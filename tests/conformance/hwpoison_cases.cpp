// MADV_HWPOISON on a page in a given state: three runs of the suite's program, and what the kernel
// and the program said.
#include <algorithm>
#include <map>
#include <regex>

#include "conformance/mce_test.hpp"
#include "conformance/oracle_translate.hpp"

namespace mcemu::conformance {
namespace {

constexpr const char* kRuns[] = {"late_kill_with_handler", "default_action",
                                 "early_kill_with_handler"};
constexpr std::uint64_t kPage = 4096, kHuge = 2u << 20;

/// What the program does with one page: how it gets it, and which accesses follow the poisoning.
struct Script {
    json map;
    bool dirties = false;  ///< written before
    bool locks = false;
    bool shared = false;                ///< a child shares the page and poisons it
    std::vector<std::string> accesses;  ///< "read", "write", in order
};

Script script_of(const json& record) {
    const std::string state = record["preconditions"]["page_state"];
    const auto has = [&state](const char* word) { return state.find(word) != std::string::npos; };
    Script s;
    const bool huge = has("huge");
    s.map = {{"id", "m"},
             {"size", huge ? kHuge : kPage},
             {"page", huge ? kHuge : kPage},
             {"kind", "anon"},
             {"share", "private"}};
    s.shared = has("parent and child");
    if (s.shared) s.map.update({{"kind", "shmem"}, {"share", "shared"}});
    if (huge && !has("transparent"))
        s.map.update({{"kind", "hugetlb"}, {"share", has("private") ? "private" : "shared"}});
    if (has("file mapping"))
        s.map.update({{"kind", "file"},
                      {"share", has("private") ? "private" : "shared"},
                      {"of", "f"},
                      {"offset", "0x0"}});
    s.locks = has("mlocked");
    s.dirties = !has("written back");  // the file is written before it is mapped
    const std::string access = record["access_after_injection"];
    for (const char* word : {"read", "write"})
        if (access.find(word) != std::string::npos) s.accesses.push_back(word);
    return s;
}

/// Addresses and frames of one run, as its lines tell.
struct Injection {
    std::uint64_t pfn = 0, va = 0;
};
std::vector<Injection> injections_of(const json& log) {
    static const std::regex line(
        R"(Injecting memory failure for pfn (0x[0-9a-f]+) at process virtual address (0x[0-9a-f]+))");
    std::vector<Injection> all;
    for (const json& l : log) {
        std::smatch m;
        const std::string text = l;
        if (std::regex_match(text, m, line)) all.push_back({number(m[1]), number(m[2])});
    }
    return all;
}

class Builder {
public:
    Builder(const Script& script, std::string run) : s_(script), run_(std::move(run)) {}
    json events() const { return events_; }

    std::string event(json e, const std::string& process = "parent") {
        ++step_;
        const std::string id = "e" + std::to_string(step_);
        json full = {{"id", id}, {"at", std::to_string(step_ * 10) + "ms"}, {"process", process}};
        full.update(e);
        events_.push_back(full);
        return id;
    }
    void access(const std::string& how, std::uint64_t va, const std::string& process) {
        event({{"do", how == "read" ? "load" : "store"}, {"va", hex(va)}, {"size", 1}}, process);
    }

    /// One page from its mapping to the last access.
    void page(const Injection& at, const std::string& poisoner,
              const std::vector<std::string>& accesses) {
        json map = s_.map;
        if (maps_ > 0) event({{"do", "munmap"}, {"va", hex(at.va)}, {"size", map["size"]}});
        if (map["kind"] == "file") map["offset"] = hex(maps_ * kPage);  // a file of its own there
        map["id"] = "m" + std::to_string(++maps_);
        map["va"] = hex(at.va);
        map["at"] = hex(at.pfn * kPage);
        map["state"] = "untouched";
        event({{"do", "mmap"}, {"map", map}});
        access(s_.dirties ? "write" : "read", at.va, "parent");
        if (s_.locks) event({{"do", "mlock"}, {"va", hex(at.va)}, {"size", map["size"]}});
        if (poisoner == "child")
            event({{"do", "fork"},
                   {"child", {{"id", "child"}, {"pid", 2000}, {"comm", "tinjpage"}}}});
        event(
            {{"do", "madvise"}, {"va", hex(at.va)}, {"size", map["size"]}, {"advice", "hwpoison"}},
            poisoner);
        for (const std::string& how : accesses) access(how, at.va, poisoner);
        if (poisoner == "child" && run_ != "early_kill_with_handler")
            for (const std::string& how : accesses) access(how, at.va, "parent");
    }

private:
    const Script& s_;
    std::string run_;
    json events_ = json::array();
    unsigned step_ = 0, maps_ = 0;
};

/// Signals that the program's handler reported: "signal 7 code 4 addr 0x...".
json reported(const json& output) {
    static const std::regex line(R"(signal 7 code (\d) addr (0x[0-9a-f]+))");
    json list = json::array();
    for (const json& l : output) {
        std::smatch m;
        const std::string text = l;
        if (std::regex_match(text, m, line))
            list.push_back(std::string(m[1] == "4" ? "BUS_MCEERR_AR " : "BUS_MCEERR_AO ") +
                           m[2].str());
    }
    return list;
}

std::string normalise(std::string line) {
    return std::regex_replace(line, std::regex(R"((Killing [^:]+):\d+)"), "$1:<pid>");
}

/// Lines of the kernel that are about memory failures; not what other system calls print.
json kernel_lines(const json& log, bool result) {
    json lines = json::array();
    for (const json& l : log) {
        const std::string text = result ? l["text"].get<std::string>() : l.get<std::string>();
        if (text.find("remap_file_pages") == std::string::npos) lines.push_back(normalise(text));
    }
    return lines;
}

}  // namespace

std::vector<Case> hwpoison_cases(const json& record) {
    std::vector<Case> cases;
    const Script script = script_of(record);
    for (const json& recorded : record.value("recorded", json::array()))
        for (const std::string run : kRuns) {
            if (!recorded["runs"].contains(run)) continue;
            Case c;
            c.name = recorded["kernel"].get<std::string>() + " " + run;
            c.about = {
                {"kernel", recorded["kernel"]}, {"run", run}, {"recorded", recorded["runs"][run]}};
            const std::string profile = profile_of(recorded["kernel"]);
            c.scenario = recorded_machine(profile, recorded["cpus"], true);
            c.scenario["name"] = record["name"];
            const bool early = run == kRuns[2];
            c.scenario["kernel"]["sysctl"] = {{"memory_failure_early_kill", early ? 1 : 0}};
            const std::string sigbus = run == kRuns[1] ? "default" : "handler";
            c.scenario["processes"] = json::array({{{"id", "parent"},
                                                    {"pid", 1000},
                                                    {"comm", "tinjpage"},
                                                    {"cpu", 0},
                                                    {"sigbus", sigbus}}});
            if (script.map["kind"] == "file")
                c.scenario["files"] = json::array(
                    {{{"id", "f"}, {"path", "/mnt/f"}, {"fs", "ext4"}, {"size", "1MiB"}}});
            Builder b(script, run);
            const auto injections = injections_of(c.about["recorded"]["log"]);
            for (std::size_t i = 0; i < injections.size(); ++i) {
                // With several pages every access of the case has one of its own.
                std::vector<std::string> accesses = script.accesses;
                if (injections.size() > 1 && i < accesses.size()) accesses = {accesses[i]};
                b.page(injections[i], script.shared ? "child" : "parent", accesses);
            }
            c.scenario["events"] = b.events();
            cases.push_back(c);
        }
    return cases;
}

Verdict compare_hwpoison(const json&, const Case& c, const json& result) {
    Verdict v;
    const json& recorded = c.about["recorded"];
    differ(v.differences, "log", kernel_lines(recorded["log"], false),
           kernel_lines(result["log"], true));
    if (!recorded.contains("ended")) {
        json came = json::array();
        for (const json& s : result["signals"])
            came.push_back(s["code"].get<std::string>() + " " + shown(s.value("addr", json())));
        differ(v.differences, "signals", reported(recorded["output"]), came);
        return v;
    }
    json ended = "exit";
    for (const json& p : result["processes"])
        if (p["state"] == "killed") ended = "killed by " + p["by"].get<std::string>();
    differ(v.differences, "ended", recorded["ended"], ended);
    return v;
}

}  // namespace mcemu::conformance
