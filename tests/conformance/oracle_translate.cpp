#include "conformance/oracle_translate.hpp"

#include <algorithm>
#include <cstdio>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

namespace mcemu::conformance {

std::uint64_t number(const std::string& text) { return std::stoull(text, nullptr, 0); }

std::string hex(std::uint64_t value) {
    char text[19];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

namespace {

constexpr std::uint64_t kPage = 4096, kHuge = 2u << 20;
// Time between two steps of the driver: the 1 s poll timer runs between them (README of the
// records, "driver_log").
constexpr std::uint64_t kStepMs = 2500;

// Where an idle CPU of the records stood; the address is not compared.
constexpr const char* kKernelIp = "0xffffffff81001000";

std::vector<std::string> words(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> out;
    for (std::string w; in >> w;) out.push_back(w);
    return out;
}

struct Mapping {
    std::string id;
    std::uint64_t va = 0, length = 0, offset = 0;
    std::string kind, path, share = "private";
    bool thp = false;
};

class Translator {
public:
    explicit Translator(const json& record) : r_(record) {}

    Translation run() {
        out_.scenario = {{"schema", "mcemu/scenario/1"}, {"name", r_["case"]}};
        collect();
        machine();
        kernel();
        drive();
        files();
        processes();
        out_.scenario["events"] = events_;
        return out_;
    }

private:
    // ------------------------------------------------------------ what the record knows

    void collect() {
        for (const auto& [role, events] : r_["victim_events"].items()) {
            for (const json& e : events) {
                const std::string ev = e["ev"];
                if (ev == "map" && e.value("ret", -1) == 0)
                    vas_[{role, e["map"]}] = number(e["va"]);
                if (ev == "pfn" && e.value("present", false) && e["pfn"].is_string()) {
                    const std::string map = e["map"];
                    pins_[{role, map}].emplace(number(e["off"]), number(e["pfn"]));
                }
            }
        }
        // Where the kernel put maps that it then refused is told by its line only.
        static const std::regex line(R"(fail, unaligned vma \((0x[0-9a-f]+) - )");
        for (const json& l : r_["dmesg"]) {
            std::smatch m;
            const std::string text = l["line"];
            if (std::regex_search(text, m, line)) refused_.push_back(number(m[1]));
        }
        for (const auto& [pid, role] : r_["pids"].items()) pids_[role] = std::stoi(pid);
        // Pages that were injected into without a look at their frame before.
        std::size_t next = 0;
        for (const json& inject : r_["injected"]) {
            if (inject["type"] != "madvise") continue;
            const std::uint64_t pages =
                std::max<std::uint64_t>(1, inject["len"].get<std::uint64_t>() / kPage);
            for (std::uint64_t i = 0; i < pages && next < r_["pfns"].size(); ++i, ++next)
                pins_[{inject["by"], inject["map"]}].emplace(number(inject["off"]) + i * kPage,
                                                             number(r_["pfns"][next]));
        }
        const json& config = r_["machine"]["config"];
        for (const json& prep : r_["machine"]["prep"]) {
            const std::string text = prep;
            if (text.find("devdax") != std::string::npos)
                devdax_align_ = text.find("--align=4K") != std::string::npos ? kPage : kHuge;
        }
        plain_disk_ = config == "n1";
    }

    /// Where the kernel of the record put the data of the device-dax namespace: the formula of
    /// later kernels gives another place for 4 KiB alignment.
    std::optional<std::uint64_t> devdax_data_offset() const {
        for (const auto& [key, pages] : pins_)
            for (const auto& [off, pfn] : pages)
                if (!plain_disk_ && pfn >= 0x100000 && pfn < 0x120000)
                    return pfn * kPage - off - 0x100000000;
        return std::nullopt;
    }

    std::uint64_t pmem0_data() const { return 0x120000000 + kHuge; }

    // ------------------------------------------------------------ machine and kernel

    void machine() {
        const unsigned cpus = r_["machine"]["smp"];
        const std::string config = r_["machine"]["config"];
        json& m = out_.scenario["machine"];
        m["cpus"] = {{"sockets", 1}, {"cores", cpus}, {"threads", 1}, {"model", "generic"},
                     {"cpuid", "0x80660"}, {"microcode", "0x1"}};
        m["mca"] = {{"banks", 10}, {"ser", true}, {"lmce", false}, {"cmci", false},
                    {"ctl_p", true}, {"ucna_on_read", false}};
        m["memory"] = json::array({{{"id", "dram0"}, {"base", "0x0"}, {"size", "0x7ffdf000"}}});
        m["nvdimms"] = json::array({{{"id", "nmem0"}, {"size", "512MiB"}},
                                    {{"id", "nmem1"}, {"size", "512MiB"}}});
        m["regions"] = json::array(
            {{{"id", "region0"}, {"base", "0x120000000"}, {"nvdimms", {"nmem0"}}},
             {{"id", "region1"}, {"base", "0x100000000"}, {"nvdimms", {"nmem1"}}}});
        const std::string kind = r_["setup"].value("page_kind", "");
        // The last page of the image is the zero page.
        const bool zero = kind.find("zero") != std::string::npos;
        if (zero || kind.find("kernel-text") != std::string::npos)
            out_.scenario["kernel_pages"] =
                json::array({{{"at", hex(number(r_["pfns"][0]) * kPage)}, {"size", "4KiB"},
                              {"state", zero ? "kernel" : "reserved"}}});
        json second = {{"id", "namespace1.0"}, {"region", "region1"}, {"map", "mem"}};
        if (plain_disk_) second["mode"] = "fsdax";
        else second.update({{"mode", "devdax"}, {"align", devdax_align_}});
        if (const auto offset = devdax_data_offset()) second["data_offset"] = hex(*offset);
        m["namespaces"] = json::array(
            {{{"id", "namespace0.0"}, {"region", "region0"}, {"mode", "fsdax"}, {"map", "mem"}},
             second});
        m["clear_error_supported"] = config == "c1" || config == "c2" || config == "p1" || config == "d1";
    }

    void kernel() {
        const std::string uname = r_["kernel"]["uname_r"];
        const std::string cmdline = r_["kernel"]["cmdline"];
        const bool v61 = uname.starts_with("6.1"), v418 = uname.starts_with("4.18");
        json& k = out_.scenario["kernel"];
        k["profile"] = v61 ? "v6.1" : v418 ? "v4.18" : "v4.19";
        k["check_interval"] = "1s";
        json boot = json::object(), sysctl = json::object(), knobs = json::object();
        if (cmdline.find("nopat") != std::string::npos) boot["nopat"] = true;
        if (cmdline.find("debugpat") != std::string::npos) boot["debugpat"] = true;
        // Icelake has fast strings with recovery in 6.1; 4.x needs mce=recovery.
        knobs["mcsafe"] = v61 || cmdline.find("mce=recovery") != std::string::npos;
        if (uname.starts_with("4.19.1")) knobs["strict_4_19_0"] = true;
        const json& setup = r_["setup"];
        if (setup.contains("sysctl")) {
            const std::string text = setup["sysctl"];
            sysctl[text.substr(0, text.find('='))] = std::stoi(text.substr(text.find('=') + 1));
        }
        if (setup.contains("sysfs")) {
            const std::string text = setup["sysfs"];
            if (text.starts_with("tolerant=")) boot["mce.tolerant"] = std::stoi(text.substr(9));
        }
        if (setup.contains("debugfs")) knobs["fake_panic"] = true;
        // These kernels left one 2 MiB unit of their image's mapping whole (kernel.md 4.5).
        if (!v61) knobs["whole_image_units"] = json::array({"0x1a00000"});
        if (!boot.empty()) k["boot"] = boot;
        if (!sysctl.empty()) k["sysctl"] = sysctl;
        k["knobs"] = knobs;
    }

    // ------------------------------------------------------------ processes, maps, files

    void processes() {
        json list = json::array();
        for (const std::string& role : started_) list.push_back(process(role));
        if (!list.empty()) out_.scenario["processes"] = list;
    }

    json process(const std::string& role) const {
        json p = {{"id", role}, {"comm", "victim"}, {"cpu", 0}, {"sigbus", "handler"}};
        if (pids_.contains(role)) p["pid"] = pids_.at(role);
        return p;
    }

    std::optional<std::uint64_t> pin(const std::string& role, const std::string& map,
                                     std::uint64_t offset) const {
        const auto it = pins_.find({role, map});
        if (it == pins_.end()) return std::nullopt;
        const auto page = it->second.find(offset / kPage * kPage);
        if (page == it->second.end()) return std::nullopt;
        return page->second * kPage;
    }

    /// Emits the mmap event(s) of `map ID KIND LEN [PATH OFFSET share]`.
    void map(const std::string& role, const std::vector<std::string>& w) {
        Mapping m;
        m.id = w[1];
        m.length = number(w[3]);
        m.va = vas_.contains({role, m.id}) ? vas_.at({role, m.id}) : next_va_ += 1u << 30;
        if (!refused_.empty()) {
            m.va = refused_.front();
            refused_.erase(refused_.begin());
        }
        const std::string& kind = w[2];
        std::uint64_t page = kPage;
        if (kind == "anon" || kind == "thp" || kind == "shanon") {
            m.kind = kind == "shanon" ? "shmem" : "anon";
            m.share = kind == "shanon" ? "shared" : "private";
            m.thp = kind == "thp";
            if (m.thp) page = kHuge;
        } else if (kind == "hugetlb") {
            m.kind = "hugetlb";
            m.share = w.size() > 4 ? "shared" : "private";
            page = kHuge;
        } else {
            m.path = w[4];
            m.offset = number(w[5]);
            m.share = w[6] == "private" ? "private" : "shared";
            if (kind == "dax") {
                m.kind = "devdax";
                page = devdax_align_;
            } else if (m.path.starts_with("/mnt/dax")) {
                m.kind = "fsdax";
            } else {
                m.kind = m.path.starts_with("/tmp") ? "shmem_file" : "file";
            }
        }
        maps_[{role, m.id}] = m;
        if (m.kind == "fsdax") {
            place_file(role, m);
            if (m.length % kHuge == 0 && m.offset % kHuge == 0 && file_base_ % kHuge == 0)
                page = kHuge;
        }
        const bool ram = m.kind == "anon" || m.kind == "shmem" || m.kind == "hugetlb" ||
                         m.kind == "file" || m.kind == "shmem_file";
        // A run of pages whose frames the record knows and that do not lie in one block becomes
        // one map a page: `at` pins a whole map.
        std::vector<std::uint64_t> cuts{0};
        if (ram && page == kPage) {
            if (const auto it = pins_.find({role, m.id}); it != pins_.end() && it->second.size() > 1)
                for (std::uint64_t off = kPage; off < m.length; off += kPage) cuts.push_back(off);
        }
        cuts.push_back(m.length);
        for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
            json j = {{"id", m.id + "." + std::to_string(++map_number_)},
                      {"va", hex(m.va + cuts[i])}, {"size", cuts[i + 1] - cuts[i]},
                      {"kind", m.kind == "shmem_file" ? "file" : m.kind}, {"page", page},
                      {"share", m.share}, {"state", m.thp ? "thp" : "untouched"}};
            if (m.kind == "devdax") j["of"] = "namespace1.0";
            if (m.kind == "fsdax" || m.kind == "file" || m.kind == "shmem_file") j["of"] = file_id(m.path);
            if (!m.path.empty()) j["offset"] = hex(m.offset + cuts[i]);
            if (ram) {
                const auto pins = pins_.find({role, m.id});
                if (pins != pins_.end() && !pins->second.empty()) {
                    if (cuts.size() > 2) {
                        if (const auto at = pin(role, m.id, cuts[i])) j["at"] = hex(*at);
                    } else {
                        const auto& [off, pfn] = *pins->second.begin();
                        const std::uint64_t base = pfn * kPage - off;
                        j["at"] = hex(page == kHuge ? base / kHuge * kHuge : base);
                    }
                }
            }
            event(role, {{"do", "mmap"}, {"map", j}});
        }
    }

    std::string file_id(const std::string& path) {
        paths_.insert(path);
        std::string id = path.substr(1);
        std::replace(id.begin(), id.end(), '/', '_');
        return id;
    }

    /// fs-dax: the file's blocks lie where the record saw its first page.
    void place_file(const std::string& role, const Mapping& m) {
        if (file_base_ != 0) return;
        for (const auto& [key, pages] : pins_) {
            const auto other = maps_.find({key.first, key.second});
            const Mapping& seen = other != maps_.end() ? other->second : m;
            if (key.first != role && other == maps_.end()) continue;
            if (seen.kind != "fsdax" || pages.empty()) continue;
            const auto& [off, pfn] = *pages.begin();
            if (pfn * kPage < pmem0_data()) continue;  // a private page, copied to RAM
            file_base_ = pfn * kPage - off - seen.offset - pmem0_data();
            return;
        }
        for (const json& pfn : r_["pfns"]) {
            const std::uint64_t pa = number(pfn) * kPage;
            if (pa < pmem0_data()) continue;
            const std::string off = r_["setup"].value("file_offset_hit", r_["setup"].value("offset", "0x0"));
            file_base_ = pa - number(off) / kPage * kPage - pmem0_data();
            return;
        }
    }

    void files() {
        json list = json::array();
        for (const std::string& path : paths_) {
            json f = {{"id", file_id(path)}, {"path", path}, {"size", "32MiB"}};
            if (path.starts_with("/mnt/dax")) {
                f["on"] = "namespace0.0";
                f["fs"] = r_["machine"]["config"] == "x1"   ? "xfs"
                          : plain_disk_                       ? "xfs"
                                                              : "ext4";
                f["extents"] = json::array({{{"offset", "0x0"}, {"pmem", hex(file_base_)}, {"size", "32MiB"}}});
            } else {
                f["fs"] = path.starts_with("/tmp") ? "tmpfs" : "ext4";
            }
            list.push_back(f);
        }
        if (!list.empty()) out_.scenario["files"] = list;
    }

    // ------------------------------------------------------------ the driver's steps

    /// Whether the record holds another result of this role: a command without one never ran (the
    /// process was still busy, or dead, when the record ended).
    bool ran(const std::string& role) const {
        std::size_t left = observed_.contains(role) ? observed_.at(role) : 0;
        for (const json& result : r_["results"])
            if (result["role"] == role && left-- == 0) return true;
        return false;
    }

    std::string event(const std::string& role, json e, bool own_step = false) {
        if (own_step) ++step_;
        const std::string id = "e" + std::to_string(events_.size());
        json full = {{"id", id}, {"at", std::to_string(step_ * kStepMs) + "ms"}};
        full.update(e);
        if (!role.empty() && !full.contains("process")) full["process"] = role;
        events_.push_back(full);
        return id;
    }

    /// The next entry of the record's `results` for this role, which this event observes.
    void observe(const std::string& role, const std::string& event_id) {
        std::size_t seen = observed_[role]++;
        for (const json& result : r_["results"]) {
            if (result["role"] != role) continue;
            if (seen-- != 0) continue;
            out_.observations.push_back({role, event_id, result});
            return;
        }
    }

    void drive() {
        const json& log = r_["driver_log"];
        const std::size_t hidden_at = hidden_position(log);
        for (std::size_t i = 0; i < log.size(); ++i) {
            if (i == hidden_at) hidden();
            step(log, i);
        }
        if (hidden_at >= log.size()) hidden();
    }

    /// Where the injections that are not in the driver's log happened (README of the records).
    std::size_t hidden_position(const json& log) const {
        if (hidden_injections().empty()) return log.size() + 1;
        std::size_t munmap = 0, last_inject = 0, last_smaps = 0;
        bool any_process = false;
        // Firmware reported before the machine check that follows it in the record's list.
        if (r_["injected"][0]["type"] == "ghes")
            for (std::size_t i = 0; i < log.size(); ++i)
                if (log[i].contains("hmp") || (log[i].contains("cmd") && words(log[i]["cmd"])[0] == "spin")) return i;
        for (std::size_t i = 0; i < log.size(); ++i) {
            if (log[i].contains("start")) any_process = true;
            if (log[i].contains("hmp")) last_inject = i + 1;
            if (!log[i].contains("cmd")) continue;
            const std::string cmd = words(log[i]["cmd"])[0];
            if (cmd == "munmap") munmap = i + 1;
            if (cmd == "hwpoison") last_inject = i + 1;
            if (cmd == "smaps" || cmd == "pfn") last_smaps = last_smaps_before_touch(log, i);
        }
        if (!any_process) return log.size();
        if (munmap != 0) return munmap < log.size() && log[munmap].contains("sh") ? munmap + 1 : munmap;
        if (last_inject != 0) return last_inject;
        return last_smaps;
    }
    std::size_t last_smaps_before_touch(const json& log, std::size_t fallback) const {
        std::size_t at = fallback + 1;
        for (std::size_t i = 0; i < log.size(); ++i)
            if (log[i].contains("cmd") && words(log[i]["cmd"])[0] == "smaps") at = i + 1;
        return at;
    }
    std::vector<json> hidden_injections() const {
        std::vector<json> out;
        for (const json& inject : r_["injected"]) {
            const std::string type = inject["type"];
            const std::string method = inject.value("method", "");
            if (type == "corrupt-pfn" || type == "unpoison-pfn" || type == "ghes" || type == "write" ||
                method.starts_with("guest wrmsr"))
                out.push_back(inject);
        }
        return out;
    }
    void hidden() {
        for (const json& inject : hidden_injections()) {
            const std::string type = inject["type"];
            json e;
            if (type == "corrupt-pfn") e = {{"do", "hwpoison_pfn"}, {"pfn", inject["pfn"]}};
            else if (type == "unpoison-pfn") e = {{"do", "unpoison_pfn"}, {"pfn", inject["pfn"]}};
            else if (type == "write")
                e = {{"do", "call"},
                     {"function", std::string(inject["file"]).ends_with("soft_offline_page") ? "soft_offline_page" : "memory_failure"},
                     {"arguments", {hex(number(inject["addr"]) / kPage), 0}}};
            else if (type == "ghes")
                e = {{"do", "cper"}, {"severity", inject["severity"]}, {"section", "memory"},
                     {"address", inject["addr"]}, {"mask", "0xfffffffffffff000"}, {"error_type", 2},
                     {"threshold_exceeded", inject.value("section_flags", 0) != 0}};
            else
                e = {{"do", "mce"}, {"cpu", inject["cpu"]}, {"bank", inject["bank"]},
                     {"status", inject["status"]}, {"mcgstatus", "0x0"}, {"addr", inject["addr"]},
                     {"misc", inject["misc"]}, {"poll", true}};
            event("", e, true);
        }
    }

    void step(const json& log, std::size_t i) {
        const json& entry = log[i];
        if (entry.contains("start")) {
            started_.push_back(entry["start"]);
            return;
        }
        if (entry.contains("hmp")) return monitor(entry["hmp"], running_);
        if (entry.contains("sh")) return shell(entry["sh"]);
        const std::string role = entry["to"];
        const auto w = words(entry["cmd"]);
        const std::string& c = w[0];
        if (c == "smaps" || c == "physflags" || c == "pfn" || c == "pin") return;
        ++step_;
        running_.clear();
        const auto address = [&](std::size_t at) {
            return maps_[{role, w[1]}].va + number(w[at]);
        };
        if (c == "map") return map(role, w);
        if (c == "fill") {
            const Mapping& m = maps_[{role, w[1]}];
            event(role, {{"do", "store"}, {"va", hex(m.va)}, {"size", m.length}});
        } else if (c == "touch") {
            const bool last_act = !ran(role);
            bool dies = false;
            for (const json& end : r_["ends"]) dies = dies || end["role"] == role;
            if (last_act && !dies) return;
            observe(role, event(role, {{"do", w[3] == "w" ? "store" : "load"}, {"va", hex(address(2))}, {"size", 1}}));
        } else if (c == "spin") {
            // The machine check arrives while the process runs; its result is the signal.
            const std::string id = event(role, {{"do", w[3] == "w" ? "store" : "load"}, {"va", hex(address(2))}, {"size", 1}});
            const bool hit = i + 1 < log.size() && log[i + 1].contains("hmp");
            if (hit) running_ = role;
            else observe(role, id);
        } else if (c == "handler") {
            event(role, {{"do", "sigaction"}, {"sigbus", w[1] == "on" ? "handler" : "default"}});
        } else if (c == "mce_kill") {
            event(role, {{"do", "prctl_mce_kill"}, {"policy", w[1]}});
        } else if (c == "fork") {
            for (const auto& [key, m] : std::map(maps_))
                if (key.first == role) maps_[{w[1], key.second}] = m;
            json child = process(w[1]);
            child.erase("cpu");
            child.erase("sigbus");  // its parent's, as of now
            event(role, {{"do", "fork"}, {"child", child}});
        } else if (c == "munmap") {
            const Mapping& m = maps_[{role, w[1]}];
            observe(role, event(role, {{"do", "munmap"}, {"va", hex(m.va)}, {"size", m.length}}));
        } else if (c == "mlock") {
            const Mapping& m = maps_[{role, w[1]}];
            observe(role, event(role, {{"do", "mlock"}, {"va", hex(m.va)}, {"size", m.length}}));
        } else if (c == "msync" && maps_[{role, w[1]}].path.empty()) {
            ++observed_[role];  // nothing to write back: 0
        } else if (c == "fsync" || c == "msync") {
            observe(role, event(role, {{"do", "fsync"}, {"file", file_id(maps_[{role, w[1]}].path)}}));
        } else if (c == "exit") {
            event(role, {{"do", "exit"}, {"code", std::stoi(w[1])}});
        } else if (c == "hwpoison" || c == "softoff") {
            observe(role, event(role, {{"do", "madvise"}, {"va", hex(address(2))}, {"size", number(w[3])},
                                       {"advice", c == "hwpoison" ? "hwpoison" : "soft_offline"}}));
        } else if (c == "sysread" || c == "syswrite") {
            copy_step(role, log, i, {{"do", "copy"}, {"direction", c == "sysread" ? "from_user" : "to_user"},
                                     {"va", hex(address(2))}, {"size", number(w[3])}});
        } else if (c == "pread" || c == "pwrite") {
            file_step(role, log, i, w);
        } else {
            throw std::runtime_error("the command \"" + entry["cmd"].get<std::string>() +
                                     "\" is not known");
        }
    }

    /// Inside a kernel copy the record stops the machine at the copying instruction; here the
    /// line is bad while the copy runs, and good again afterwards, as QEMU's memory always is.
    void copy_step(const std::string& role, const json& log, std::size_t i, const json& e) {
        // Else the next machine check comes after this call has returned.
        const bool inside = r_["extra"].is_object() && r_["extra"].contains("stopped_at");
        const bool hit = inside && i + 1 < log.size() && log[i + 1].contains("hmp");
        std::string address;
        if (hit) {
            address = words(log[i + 1]["hmp"])[5 + (words(log[i + 1]["hmp"])[1] == "-b" ? 1 : 0)];
            // A file read was stopped at its first instruction: nothing had been copied.
            const std::uint64_t unit = e["do"] == "read_file" ? kPage : 64;
            address = hex(number(address) / unit * unit);
            event("", {{"do", "poison"}, {"spa", address}, {"length", 64}});
        }
        observe(role, event(role, e));
        if (!hit) return;
        json heal = {{"do", "unpoison_media"}, {"spa", address}, {"length", 64}};
        ++step_;
        event("", heal);
        skip_monitor_ = true;
    }

    void file_step(const std::string& role, const json& log, std::size_t i,
                   const std::vector<std::string>& w) {
        const std::uint64_t offset = number(w[2]), length = number(w[3]);
        const bool write = w[0] == "pwrite";
        json e;
        if (w[1].starts_with("/dev/pmem"))
            e = {{"do", "bio"}, {"op", write ? "write" : "read"},
                 {"namespace", w[1] == "/dev/pmem0" ? "namespace0.0" : "namespace1.0"},
                 {"sector", offset / 512}, {"sectors", length / 512}};
        else
            e = {{"do", write ? "write_file" : "read_file"}, {"file", file_id(w[1])},
                 {"offset", hex(offset)}, {"size", length}};
        copy_step(role, log, i, e);
        if (write) {
            // pwrite is followed by an fsync of its own.
            const std::string id = w[1].starts_with("/dev/")
                                       ? std::string()
                                       : event(role, {{"do", "fsync"}, {"file", file_id(w[1])}});
            if (!id.empty()) observe(role, id);
            else ++observed_[role];
        }
    }

    void monitor(const std::string& line, const std::string& running) {
        if (skip_monitor_) {
            skip_monitor_ = false;
            return;
        }
        auto w = words(line);  // mce [-b] CPU BANK STATUS MCGSTATUS ADDR MISC
        const bool all = w[1] == "-b";
        if (all) w.erase(w.begin() + 1);
        const std::uint64_t status = number(w[3]);
        const bool uncorrected = (status >> 61) & 1;
        json e = {{"do", "mce"}, {"cpu", std::stoi(w[1])}, {"bank", std::stoi(w[2])},
                  {"status", w[3]}, {"mcgstatus", w[4]}, {"addr", w[5]}, {"misc", w[6]}, {"poll", false}};
        if (!uncorrected) {
            e["poll"] = true;
        } else {
            // Without -b QEMU tells one CPU of several; that is no LMCE, the others just stay away.
            e["broadcast"] = true;
            if (!all) silence_others();
            else latch_others(e["cpu"]);
        }
        if (!running.empty()) {
            e["cs"] = "0x33";
            e["ip"] = "0x401136";
            const std::string id = event(running, e, true);
            observe(running, id);
        } else {
            if (uncorrected) e.update({{"cs", "0x10"}, {"ip", kKernelIp}});
            event("", e, true);
        }
        running_.clear();
    }

    /// QEMU's -b gives every other CPU a bank 1 with VAL and UC and nothing else.
    void latch_others(unsigned hit) {
        const unsigned cpus = r_["machine"]["smp"];
        ++step_;
        for (unsigned c = 0; c < cpus; ++c)
            if (c != hit)
                event("", {{"do", "mce"}, {"cpu", c}, {"bank", 1}, {"status", "0xa000000000000000"},
                           {"mcgstatus", "0x0"}, {"poll", true}});
        --step_;
    }

    void silence_others() {
        const unsigned cpus = r_["machine"]["smp"];
        if (cpus == 1) return;
        json stuck = json::array();
        for (unsigned c = 1; c < cpus; ++c) stuck.push_back(c);
        out_.scenario["machine"]["mca"]["stuck_cpus"] = stuck;
    }

    void shell(const std::string& sh) {
        if (sh.starts_with("truncate")) {
            event("", {{"do", "truncate"}, {"file", file_id("/mnt/dax/f")}, {"size", 0}}, true);
            return;
        }
        if (const std::size_t at = sh.find("ndctl disable-namespace "); at != std::string::npos) {
            const std::string ns = words(sh.substr(at))[2];
            const std::string id =
                event("", {{"do", "disable_namespace"}, {"namespace", ns}}, true);
            // `teardown` holds what ndctl said, or where it sleeps.
            const json& said = r_["extra"]["teardown"];
            const bool ended = std::find(said.begin(), said.end(), "rc 0") != said.end();
            out_.observations.push_back(
                {"sh", id, {{"ev", ended ? "disable-namespace" : "sleeps"}, {"ret", 0}}});
            return;
        }
        // echo hw > flags; echo CPU > cpu; ... echo BANK > bank
        std::map<std::string, std::string> values;
        std::istringstream in(sh);
        for (std::string part; std::getline(in, part, ';');) {
            const auto w = words(part);
            if (w.size() == 4 && w[0] == "echo") values[w[3]] = w[1];
        }
        const std::uint64_t status = number(values["status"]) | 1ull << 63 |
                                     (number(values["misc"]) != 0 ? 1ull << 59 : 0);
        if (values["flags"] == "sw") {
            event("", {{"do", "mce"}, {"via", "debugfs-sw"}, {"cpu", std::stoi(values["cpu"])},
                       {"bank", std::stoi(values["bank"])}, {"status", hex(status)},
                       {"addr", values["addr"]}, {"misc", values["misc"]}}, true);
            return;
        }
        const bool pcc = (status >> 57) & 1;
        event("", {{"do", "mce"}, {"cpu", std::stoi(values["cpu"])}, {"bank", std::stoi(values["bank"])},
                   {"status", hex(status)}, {"mcgstatus", pcc ? "0x6" : "0x7"}, {"addr", values["addr"]},
                   {"misc", values["misc"]}, {"broadcast", true}, {"cs", "0x10"}, {"ip", kKernelIp}},
              true);
    }

    const json& r_;
    Translation out_;
    json events_ = json::array();
    std::uint64_t step_ = 0;
    std::map<std::pair<std::string, std::string>, std::uint64_t> vas_;
    std::map<std::pair<std::string, std::string>, std::map<std::uint64_t, std::uint64_t>> pins_;
    std::map<std::pair<std::string, std::string>, Mapping> maps_;
    std::vector<std::uint64_t> refused_;
    std::map<std::string, int> pids_;
    std::map<std::string, std::size_t> observed_;
    std::vector<std::string> started_;
    std::set<std::string> paths_;
    std::string running_;
    std::uint64_t devdax_align_ = kHuge, file_base_ = 0, next_va_ = 0x7f0000000000;
    unsigned map_number_ = 0;
    bool plain_disk_ = false, skip_monitor_ = false;
};

}  // namespace

Translation translate_oracle(const json& record) { return Translator(record).run(); }

}  // namespace mcemu::conformance
