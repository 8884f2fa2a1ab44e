// A record's topology and steps as a scenario (conformance/ndctl/README.md).
#include <algorithm>
#include <stdexcept>

#include "conformance/ndctl_record.hpp"

namespace mcemu::conformance {
namespace {

struct NotYet {};  // a step wants a value that no run has saved yet

std::string hex(std::uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

const char* errno_word(std::int64_t code) {
    switch (code) {
        case 0: return "none";
        case -1: return "EPERM";
        case -5: return "EIO";
        case -6: return "ENXIO";
        case -13: return "EACCES";
        case -14: return "EFAULT";
        case -16: return "EBUSY";
        case -19: return "ENODEV";
        case -22: return "EINVAL";
        case -25: return "ENOTTY";
        case -28: return "ENOSPC";
        case -95: return "EOPNOTSUPP";
        default: throw std::invalid_argument("no name for errno " + std::to_string(code));
    }
}

class Translator {
public:
    Translator(const json& record, const Values& saved) : record_(record) { t_.values = saved; }

    Translated run() {
        machine();
        for (const json& step : record_["steps"]) {
            t_.events.emplace_back();
            number_ = t_.events.size();
            try {
                perform(step);
            } catch (const NotYet&) {
                t_.events.pop_back();
                break;
            }
            ++t_.steps;
        }
        if (events_.empty()) mark("0s");
        if (t_.steps == record_["steps"].size()) finish();
        scenario_["processes"] = processes();
        if (!files_.empty()) scenario_["files"] = files_;
        scenario_["events"] = events_;
        t_.scenario = std::move(scenario_);
        return std::move(t_);
    }

private:
    // ------------------------------------------------------------ values

    json value(const json& v) const {
        if (!v.is_string() || !v.get_ref<const std::string&>().starts_with("=")) return v;
        const auto found = evaluate_expression(v.get_ref<const std::string&>().substr(1), t_.values);
        if (!found) throw NotYet{};
        return *found;
    }
    std::uint64_t number(const json& step, const char* key) const {
        return number_of(value(step.at(key)));
    }
    json text(const json& step, const char* key) const { return value(step.at(key)); }

    /// Arguments that this step may have; others are told.
    void knows(const json& step, std::set<std::string> keys) {
        for (const char* common : {"op", "expect", "save", "note"}) keys.insert(common);
        for (const auto& [key, v] : step.items())
            if (!keys.contains(key))
                t_.unknown.insert("step " + std::to_string(number_) + ": argument \"" + key + "\"");
    }

    // ------------------------------------------------------------ events

    json& event(const std::string& what) {
        std::string id = "s" + std::to_string(number_);
        if (!t_.events.back().empty()) id += "." + std::to_string(t_.events.back().size() + 1);
        json e = {{"id", id}};
        if (events_.empty()) e["at"] = "1ms";
        else {
            e["after"] = {{"event", events_.back()["id"]}};
            if (!pause_.empty()) e["after"]["by"] = pause_;
        }
        pause_.clear();
        e["do"] = what;
        t_.events.back().push_back(id);
        events_.push_back(std::move(e));
        return events_.back();
    }
    void mark(const std::string& after) {
        pause_ = after;
        if (t_.events.empty()) t_.events.emplace_back();
        event("read_attribute")["attribute"] = "hw_error_scrub";
    }

    /// Looks that the record's end state asks for.
    void finish() {
        for (const auto& [key, wanted] : record_["expect"].items()) {
            if (key.ends_with("_enabled")) {
                json& e = end("regions", "list");
                e["regions"] = e["idle"] = true;
            } else if (key.starts_with("error_flag_lba")) {
                json& e = end(key, "btt_lookup");
                e["namespace"] = t_.namespaces.back().id;
                e["block"] = std::stoull(key.substr(14));
            } else if (key == "old_block_in_freelist") {
                json& e = end(key, "btt_lookup");
                e["namespace"] = t_.namespaces.back().id;
                e["block"] = last_lba_;
            } else if (key.starts_with("ndctl_list_")) {
                json& e = end(key, "list");
                e["namespace"] = space(key.substr(11)).id;
                e["media_errors"] = true;
            } else if (key == "data_offset_equal") {
                end(key, "read_infoblock")["namespace"] = t_.namespaces.back().id;
            } else if (key == "stale_badrange_entries") {
                end("off", "disable_region")["region"] = "all";
                end("on", "enable_region")["region"] = "all";
                for (const json& r : record_["topology"]["regions"]) {
                    json& e = end("badblocks." + r["name"].get<std::string>(), "read_attribute");
                    e["attribute"] = "badblocks";
                    e["region"] = r["name"];
                }
            } else if (key == "scrub_count_delta") {
                end(key, "read_attribute")["attribute"] = "scrub";
            }
        }
        if (record_["topology"].contains("smart")) {
            json& e = end("health", "list");
            e["dimms"] = e["health"] = true;
            e["nvdimm"] = record_["topology"]["dimms"][0]["name"];
        }
    }
    json& end(const std::string& name, const std::string& what) {
        json e = {{"id", "end." + name}, {"do", what}};
        e["after"] = {{"event", events_.back()["id"]}};
        events_.push_back(std::move(e));
        return events_.back();
    }

    // ------------------------------------------------------------ machine

    void machine() {
        const json& topology = record_["topology"];
        for (const auto& [key, v] : topology.items())
            if (!std::set<std::string>{"bus", "clear_err_unit", "max_ars_out", "scrub_time_s",
                                       "dimms", "regions", "smart", "thresholds", "memdevs", "note"}
                     .contains(key))
                t_.unknown.insert("topology: \"" + key + "\"");
        scenario_ = {{"schema", "mcemu/scenario/1"},
                     {"name", record_["name"]},
                     {"kernel", {{"profile", "v6.1"}}}};
        json& m = scenario_["machine"];
        m["memory"] = json::array({{{"id", "dram0"}, {"base", "0x0"}, {"size", "2GiB"}}});
        std::map<std::string, std::uint64_t> sizes;
        std::uint64_t largest = 0;
        json regions = json::array();
        for (const json& r : topology.value("regions", json::array())) {
            const std::uint64_t size = number_of(r.at("size")), ways = r["dimms"].size();
            json base = json::array();
            for (std::size_t way = 0; way < ways; ++way) {
                const json& b = r.value("dpa_base", json(0));
                const std::uint64_t dpa = number_of(b.is_array() ? b.at(way) : b);
                base.push_back(hex(dpa));
                std::uint64_t& end = sizes[r["dimms"][way]];
                end = std::max(end, dpa + size / ways);
            }
            largest = std::max(largest, size / ways);
            regions.push_back({{"id", r["name"]},
                               {"base", hex(number_of(r.at("base")))},
                               {"size", size},
                               {"nvdimms", r["dimms"]},
                               {"dpa_base", base},
                               {"interleave", r.value("granularity", json(4096))}});
        }
        for (const json& d : topology.value("dimms", json::array())) {
            json n = {{"id", d["name"]}, {"profile", "test"}};
            n["size"] = std::max<std::uint64_t>(sizes[d["name"]], 4096);
            if (d.contains("handle")) n["handle"] = hex(number_of(d["handle"]));
            if (topology.contains("clear_err_unit"))
                n["clear_unit"] = number_of(topology["clear_err_unit"]);
            if (topology.contains("max_ars_out"))
                n["max_ars_out"] = number_of(topology["max_ars_out"]);
            if (topology.contains("scrub_time_s"))
                n["ars_rate"] = std::max<std::uint64_t>(
                    1, largest / std::max<std::uint64_t>(1, number_of(topology["scrub_time_s"])));
            if (topology.contains("smart")) n["smart"] = renamed(topology["smart"]);
            if (topology.contains("thresholds")) n["thresholds"] = renamed(topology["thresholds"]);
            m["nvdimms"].push_back(std::move(n));
        }
        if (!regions.empty()) m["regions"] = std::move(regions);
        for (const json& d : topology.value("memdevs", json::array())) {
            json n = {{"id", d["name"]}};
            n["volatile"] = number_of(d.value("ram_size", json(0)));
            n["persistent"] = number_of(d.value("pmem_size", json(0)));
            if (d.contains("inject_limit")) n["inject_limit"] = d["inject_limit"];
            m["memdevs"].push_back(std::move(n));
        }
    }
    /// "media_temperature_c" is "media_temperature".
    static json renamed(const json& object) {
        json out = json::object();
        for (const auto& [key, v] : object.items())
            out[key.ends_with("_c") ? key.substr(0, key.size() - 2) : key] = v;
        return out;
    }

    json processes() const {
        json list = json::array();
        list.push_back({{"id", "test"}, {"pid", 2000}, {"comm", "test"}, {"cpu", 0}, {"sigbus", "handler"}});
        for (const std::uint64_t lane : lanes_)
            list.push_back({{"id", "lane" + std::to_string(lane)}, {"cpu", lane}, {"sigbus", "handler"}});
        return list;
    }

    // ------------------------------------------------------------ things

    RecordNamespace& space(const std::string& name) {
        for (RecordNamespace& ns : t_.namespaces)
            if (ns.name == name || ns.id == name) return ns;
        throw std::invalid_argument("there is no namespace \"" + name + "\"");
    }
    bool is_space(const std::string& name) const {
        return std::any_of(t_.namespaces.begin(), t_.namespaces.end(),
                           [&](const auto& ns) { return ns.name == name || ns.id == name; });
    }
    /// The key and name of a region or namespace that an attribute belongs to.
    void owner(json& e, const std::string& name) {
        if (is_space(name)) e["namespace"] = space(name).id;
        else e["region"] = name;
    }
    void data(json& e, const json& step) const {
        if (step.contains("fill")) {
            const json fill = value(step["fill"]);
            if (fill.is_number()) e["fill"] = fill;
            else if (fill == "zero") e["fill"] = 0;
            else e["pattern"] = fill;
        }
        if (step.contains("pattern")) e["pattern"] = step["pattern"];
    }

    // ------------------------------------------------------------ steps

    void perform(const json& step) {
        const std::string op = step.at("op");
        if (op == "create_namespace" || op == "convert_namespace") return make(step, op);
        if (op == "destroy_namespace") {
            knows(step, {"ns", "force"});
            json& e = event("destroy_namespace");
            e["namespace"] = step["ns"] == "all" ? json("all") : json(space(step["ns"]).id);
            e["force"] = step.value("force", false);
        } else if (op == "disable_region" || op == "enable_region") {
            knows(step, {"region"});
            event(op)["region"] = step.value("region", json("all"));
        } else if (op == "disable_dimm" || op == "enable_dimm") {
            knows(step, {"dimm"});
            event(op)["nvdimm"] = step.value("dimm", json("all"));
        } else if (op == "disable_namespace" || op == "enable_namespace") {
            knows(step, {"ns"});
            if (step.value("ns", json("all")) != "all") event(op)["namespace"] = space(step["ns"]).id;
            else
                for (const RecordNamespace& ns : t_.namespaces) event(op)["namespace"] = ns.id;
        } else if (op == "force_raw") {
            knows(step, {"ns", "value"});
            RecordNamespace& ns = space(step["ns"]);
            ns.raw = number(step, "value") != 0;
            event("disable_namespace")["namespace"] = ns.id;
            json& e = event("write_attribute");
            e["namespace"] = ns.id;
            e["attribute"] = "force_raw";
            e["text"] = ns.raw ? "1" : "0";
            event("enable_namespace")["namespace"] = ns.id;
        } else if (op == "inject_error" || op == "uninject_error" || op == "inject_status") {
            knows(step, {"ns", "block", "count", "notify", "saturate", "uninject", "status"});
            const std::string id = space(step["ns"]).id;
            json given = json::object();
            for (const char* key : {"block", "count"})
                if (step.contains(key)) given[key] = number(step, key);
            for (const char* key : {"notify", "saturate", "uninject", "status"})
                if (step.contains(key)) given[key] = step[key];
            json& e = event("inject_error");
            e["namespace"] = id;
            e.update(given);
            if (op == "uninject_error") e["uninject"] = true;
            if (op == "inject_status") e["status"] = true;
        } else if (op == "start_scrub") {
            knows(step, {"bus", "wait"});
            event("start_scrub")["wait"] = step.value("wait", false);
        } else if (op == "wait_scrub") {
            knows(step, {"bus"});
            event("wait_scrub");
        } else if (op == "scrub_file") {
            knows(step, {"bus"});
            event("read_attribute")["attribute"] = "scrub";
        } else if (op == "badblocks") {
            knows(step, {"of"});
            json& e = event("read_attribute");
            e["attribute"] = "badblocks";
            owner(e, step["of"]);
        } else if (op == "set_badblock") {
            knows(step, {"of", "text"});
            const json line = text(step, "text");
            json& e = event("write_attribute");
            e["attribute"] = "badblocks";
            e["text"] = line;
            owner(e, step["of"]);
        } else if (op == "read" || op == "write") {
            knows(step, {"dev", "sector", "count", "fill", "pattern"});
            const std::uint64_t sector = number(step, "sector");
            json& e = event("bio");
            e["op"] = op;
            e["namespace"] = space(step["dev"]).id;
            e["sector"] = sector;
            e["sectors"] = step.contains("count") ? number(step, "count") : 1;
            data(e, step);
            if (op == "read") e["report"] = true;
        } else if (op == "btt_read" || op == "btt_write") {
            knows(step, {"ns", "lba", "fill", "pattern", "lane"});
            const std::uint64_t lba = number(step, "lba");
            json& e = event("bio");
            e["op"] = op == "btt_read" ? "read" : "write";
            e["namespace"] = space(step["ns"]).id;
            e["sector"] = lba * 8;
            e["sectors"] = 8;
            data(e, step);
            if (op == "btt_read") e["report"] = true;
            if (step.contains("lane")) {
                const std::uint64_t lane = number(step, "lane");
                lanes_.insert(lane);
                e["process"] = "lane" + std::to_string(lane);
                cpus(lane + 1);
            }
        } else if (op == "btt_map_lookup") {
            knows(step, {"ns", "lba"});
            const std::uint64_t lba = number(step, "lba");
            json& e = event("btt_lookup");
            e["namespace"] = space(step["ns"]).id;
            e["block"] = lba;
            last_lba_ = lba;
        } else if (op == "check_namespace") {
            knows(step, {"ns", "repair", "rewrite_log", "force"});
            json& e = event("check_namespace");
            e["namespace"] = space(step["ns"]).id;
            for (const char* key : {"repair", "rewrite_log", "force"})
                if (step.contains(key)) e[key] = step[key];
        } else if (op == "clear_errors") {
            knows(step, {"ns", "scrub"});
            json& e = event("clear_errors");
            e["namespace"] = space(step["ns"]).id;
            if (step.contains("scrub")) e["scrub"] = step["scrub"];
        } else if (op == "block_device") {
            knows(step, {"ns"});
            json& e = event("read_attribute");
            e["attribute"] = "device";
            e["namespace"] = space(step["ns"]).id;
        } else if (op == "read_info_block") {
            knows(step, {"ns", "offset"});
            json& e = event("read_infoblock");
            e["namespace"] = space(step["ns"]).id;
            if (step.contains("offset")) e["offset"] = number(step, "offset");
        } else if (op == "list") {
            knows(step, {"ns", "region", "dimm", "media_errors", "health", "human", "idle"});
            json& e = event("list");
            if (step.contains("ns")) e["namespace"] = space(step["ns"]).id;
            if (step.contains("dimm")) e["nvdimm"] = step["dimm"];
            for (const char* key : {"region", "media_errors", "health", "human", "idle"})
                if (step.contains(key)) e[key] = step[key];
        } else if (op == "dsm") {
            call(step);
        } else if (op == "advance_time") {
            knows(step, {"s"});
            mark(std::to_string(number(step, "s")) + "s");
        } else if (!files(step, op) && !health(step, op) && !cxl(step, op)) {
            t_.unknown.insert("step " + std::to_string(number_) + ": op \"" + op + "\"");
        }
    }

    void make(const json& step, const std::string& op) {
        knows(step, {"region", "mode", "map", "align", "sector_size", "label_version", "size", "name",
                     "ns", "force"});
        const bool creates = op == "create_namespace";
        if (creates) {
            std::string region = step.at("region");
            std::string digits;
            for (const char c : region)
                if (c >= '0' && c <= '9') digits += c;
            const auto before =
                std::count_if(t_.namespaces.begin(), t_.namespaces.end(),
                              [&](const auto& ns) { return ns.region == region; });
            const std::string id = "namespace" + digits + "." + std::to_string(before);
            t_.namespaces.push_back({step.value("name", id), id, region, "fsdax", false});
        }
        RecordNamespace& ns = creates ? t_.namespaces.back() : space(step["ns"]);
        if (step.contains("mode")) ns.mode = step["mode"];
        json& e = event(creates ? "create_namespace" : "reconfigure_namespace");
        e["namespace"] = ns.id;
        if (creates) e["region"] = ns.region;
        else e["force"] = step.value("force", true);
        for (const char* key : {"mode", "map", "label_version"})
            if (step.contains(key)) e[key] = step[key];
        for (const char* key : {"align", "sector_size", "size"})
            if (step.contains(key)) e[key] = number(step, key);
        // Where the data begin, or how the BTT is laid out, stands in the info block.
        const json expect = step.value("expect", json::object());
        const bool asked = record_["expect"].contains("data_offset_equal");
        if ((asked || expect.contains("data_offset") || expect.contains("btt")) && ns.mode != "raw")
            event("read_infoblock")["namespace"] = ns.id;
    }

    void call(const json& step) {
        knows(step, {"fn", "address", "length", "type", "flags", "poll_s", "max_polls", "dimm",
                     "options", "enable", "value", "alarm_control", "spares", "media_temperature_c",
                     "ctrl_temperature_c", "media_temperature", "ctrl_temperature"});
        const std::string fn = step.at("fn");
        const std::uint64_t polls = step.contains("max_polls") ? number(step, "max_polls") : 1;
        for (std::uint64_t i = 0; i < polls; ++i) {
            if (step.contains("poll_s")) pause_ = std::to_string(number(step, "poll_s")) + "s";
            json& e = event("dsm");
            e["function"] = fn;
            if (step.contains("dimm")) e["nvdimm"] = step["dimm"];
            if (step.contains("address")) e["address"] = hex(number(step, "address"));
            if (step.contains("length")) e["length"] = number(step, "length");
            for (const char* key : {"flags", "options", "enable", "value"})
                if (step.contains(key)) e["flags"] = number(step, key);
            if (fn == "smart_set_threshold") {
                json limits = json::object();
                for (const char* key : {"alarm_control", "spares", "media_temperature_c",
                                        "ctrl_temperature_c", "media_temperature", "ctrl_temperature"})
                    if (step.contains(key)) limits[key] = step[key];
                e["thresholds"] = renamed(limits);
            }
        }
    }

    // ------------------------------------------------------------ files and mappings

    struct Map {
        std::string id;
        std::uint64_t va = 0, bytes = 0;
    };
    const Map& map_of(const json& step) const {
        const std::string name = step.at("map");
        const auto it = maps_.find(name);
        if (it == maps_.end()) throw std::invalid_argument("there is no map \"" + name + "\"");
        return it->second;
    }
    void map_fields(json& e, const Map& map, std::uint64_t offset) const {
        e["process"] = "test";
        e["va"] = hex(map.va + offset);
    }
    Map new_map(std::uint64_t bytes, const std::string& name) {
        constexpr std::uint64_t kGiB = 1ull << 30;
        Map map{name, next_va_, bytes};
        next_va_ += (bytes + kGiB - 1) / kGiB * kGiB + kGiB;
        maps_[name] = map;
        return map;
    }
    std::uint64_t offset_of(const json& step) const {
        return step.contains("offset") ? number(step, "offset") : 0;
    }
    std::uint64_t bytes_of(const json& step, std::uint64_t otherwise) const {
        return step.contains("bytes") ? number(step, "bytes") : otherwise;
    }

    bool files(const json& step, const std::string& op) {
        if (op == "filesystem") {
            knows(step, {"ns", "fs", "block", "dax", "mount"});
            mounted_ = space(step["ns"]).id;
            fs_ = step.value("fs", "ext4");
            dax_ = step.value("dax", true);
            return true;
        }
        if (op == "create_file") {
            knows(step, {"file", "bytes", "fill", "contiguous_align"});
            const std::uint64_t bytes = number(step, "bytes");
            const std::uint64_t align =
                step.contains("contiguous_align") ? number(step, "contiguous_align") : 4096;
            const std::uint64_t begin = (next_block_ + align - 1) / align * align;
            next_block_ = begin + (bytes + 4095) / 4096 * 4096;
            files_.push_back(
                {{"id", step["file"]}, {"on", mounted_}, {"fs", fs_}, {"dax", dax_}, {"size", bytes}});
            files_.back()["extents"] = json::array(
                {{{"offset", 0}, {"pmem", hex(begin)}, {"size", (bytes + 4095) / 4096 * 4096}}});
            if (step.contains("save")) t_.values[step["save"]] = begin / 512;
            return true;
        }
        if (op == "file_read" || op == "file_pwrite") {
            knows(step, {"file", "offset", "bytes", "fill", "pattern"});
            json& e = event(op == "file_read" ? "read_file" : "write_file");
            e["process"] = "test";
            e["file"] = step["file"];
            e["offset"] = offset_of(step);
            e["size"] = number(step, "bytes");
            data(e, step);
            if (op == "file_read") e["report"] = true;
            return true;
        }
        if (op == "file_punch_hole") {
            knows(step, {"file", "offset", "bytes"});
            json& e = event("punch_hole");
            e["process"] = "test";
            e["file"] = step["file"];
            e["offset"] = offset_of(step);
            e["size"] = number(step, "bytes");
            return true;
        }
        if (op == "mmap" || op == "file_mmap_load") {
            knows(step, {"file", "bytes", "flags", "prot", "name", "spa", "offset"});
            const std::uint64_t bytes = number(step, "bytes");
            const Map map = new_map(bytes, step.value("name", "#" + std::to_string(number_)));
            const std::string file = step["file"];
            json m = {{"id", map.id + std::to_string(number_)}, {"va", hex(map.va)}, {"size", bytes}};
            const json flags = step.value("flags", json::array({"MAP_SHARED"}));
            const bool is_private =
                std::find(flags.begin(), flags.end(), "MAP_PRIVATE") != flags.end();
            m["share"] = is_private ? "private" : "shared";
            if (step.contains("offset") && op == "mmap") m["offset"] = offset_of(step);
            if (file == "/dev/mem") {
                m["kind"] = "devmem";
                m["at"] = hex(number(step, "spa"));
            } else if (file.starts_with("dax") || file.starts_with("/dev/dax")) {
                m["kind"] = "devdax";
                m["of"] = device_space(file);
            } else {
                m["kind"] = dax_ ? "fsdax" : "file";
                m["of"] = file;
                if (dax_ && bytes >= 2u << 20) m["page"] = "2MiB";
                // Without MAP_POPULATE pages come with faults.
                const bool populate =
                    std::find(flags.begin(), flags.end(), "MAP_POPULATE") != flags.end();
                if (!populate) m["state"] = "untouched";
            }
            json& e = event("mmap");
            e["process"] = "test";
            e["map"] = m;
            if (op == "mmap") return true;
            json& load = event("load");
            map_fields(load, map, offset_of(step));
            load["size"] = bytes - offset_of(step);
            return true;
        }
        if (op == "load" || op == "store" || op == "compare") {
            knows(step, {"map", "offset", "bytes", "value", "pattern", "fill"});
            const Map& map = map_of(step);
            json& e = event(op == "store" ? "store" : "load");
            map_fields(e, map, offset_of(step));
            e["size"] = bytes_of(step, 8);
            data(e, step);
            if (step.contains("value") && number(step, "value") == 0 && op == "store") e["fill"] = 0;
            if (op != "store") e["report"] = true;
            return true;
        }
        if (op == "madvise") {
            knows(step, {"map", "offset", "bytes", "advice"});
            const Map& map = map_of(step);
            json& e = event("madvise");
            map_fields(e, map, offset_of(step));
            e["size"] = bytes_of(step, 4096);
            const std::string advice = step["advice"];
            e["advice"] = advice == "MADV_SOFT_OFFLINE" ? "soft_offline" : "hwpoison";
            return true;
        }
        if (op == "soft_offline_page") {
            knows(step, {"spa", "pfn", "flags"});
            json& e = event("call");
            e["function"] = "soft_offline_page";
            const std::uint64_t pfn =
                step.contains("pfn") ? number(step, "pfn") : number(step, "spa") >> 12;
            e["arguments"] = json::array({hex(pfn)});
            return true;
        }
        if (op == "dax_poison_test") {
            knows(step, {"align", "ns", "file", "fsdax"});
            if (number(step, "align") < (2u << 20)) return true;  // the routine does nothing
            poison_test(step);
            return true;
        }
        return false;
    }

    /// test_dax_poison() on device-dax: soft offline fails, an injected poison kills the mapping.
    void poison_test(const json& step) {
        const std::uint64_t align = number(step, "align");
        const Map map = new_map(2 * align, "poison");
        json& mmap = event("mmap");
        mmap["process"] = "test";
        mmap["map"] = {{"id", "poison"}, {"va", hex(map.va)}, {"size", 2 * align},
                       {"kind", "devdax"}, {"share", "shared"}, {"of", t_.namespaces.back().id}};
        for (const char* advice : {"soft_offline", "hwpoison"}) {
            json& e = event("madvise");
            map_fields(e, map, align / 2);
            e["size"] = 4096;
            e["advice"] = advice;
        }
    }

    std::string device_space(std::string device) const {
        if (device.starts_with("/dev/")) device = device.substr(5);
        const std::string id = "namespace" + device.substr(3);
        for (const RecordNamespace& ns : t_.namespaces)
            if (ns.id == id) return id;
        throw std::invalid_argument("there is no device \"" + device + "\"");
    }
    void cpus(std::uint64_t least) {
        const std::uint64_t cores = std::max<std::uint64_t>(4, least);
        scenario_["machine"]["cpus"] = {{"sockets", 1}, {"cores", std::max(cores, cores_)}};
        cores_ = std::max(cores, cores_);
    }

    // ------------------------------------------------------------ health

    void thresholds(const json& dimm, const json& limits) {
        json& e = event("dsm");
        e["function"] = "smart_set_threshold";
        e["nvdimm"] = dimm;
        e["thresholds"] = limits;
    }

    bool health(const json& step, const std::string& op) {
        if (op == "inject_smart") {
            knows(step, {"dimm", "options"});
            json& e = event("inject_smart");
            e["nvdimm"] = step["dimm"];
            e.update(step.value("options", json::object()));
            pause_ = "10ms";  // a module takes its time to notify (nvdimm.md 16)
            return true;
        }
        if (op == "health" || op == "health_wait") {
            knows(step, {"dimm"});
            if (op == "health_wait") pause_ = "1s";
            json& e = event("list");
            e["dimms"] = e["health"] = true;
            if (step.contains("dimm")) e["nvdimm"] = step["dimm"];
            return true;
        }
        if (op == "smart_notify_all") {
            knows(step, {"bus"});
            // Per module and alarm a threshold that the present value violates, then the former.
            const json& topology = record_["topology"];
            const json smart = renamed(topology.value("smart", json::object()));
            const json before = renamed(topology.value("thresholds", json::object()));
            const int control = before.value("alarm_control", 3);
            for (const json& dimm : topology["dimms"]) {
                if (control & 2) {
                    json limits = before;
                    limits["media_temperature"] = smart.value("media_temperature", 23.0) - 1;
                    thresholds(dimm["name"], limits);
                }
                if (control & 4) {
                    json limits = before;
                    limits["ctrl_temperature"] = smart.value("ctrl_temperature", 25.0) - 1;
                    thresholds(dimm["name"], limits);
                }
                if (control & 1) {
                    json limits = before;
                    limits["spares"] = smart.value("spares", 75) + 1;
                    thresholds(dimm["name"], limits);
                }
                thresholds(dimm["name"], before);
            }
            return true;
        }
        if (op == "monitor_start") {
            knows(step, {"filter", "events"});
            json& e = event("monitor");
            const json filter = step.value("filter", json::object());
            for (const auto& [key, name] : filter.items()) {
                if (key == "dimm") e["nvdimm"] = name;
                else if (key == "region") e["region"] = name;
                else if (key == "namespace") e["namespace"] = space(name).id;
                else if (key != "bus")
                    t_.unknown.insert("step " + std::to_string(number_) + ": filter \"" + key + "\"");
            }
            const json events = step.value("events", json("all"));
            if (events != "all") e["dimm_events"] = events.is_array() ? events : json::array({events});
            return true;
        }
        if (op == "monitor_log") {
            knows(step, {});
            mark("3s");
            return true;
        }
        if (op == "dimm_fail_cmd") {
            knows(step, {"dimm", "cmd", "code"});
            json& e = event("fail_command");
            e["nvdimm"] = step["dimm"];
            e["command"] = step["cmd"];
            e["error"] = errno_word(value(step.value("code", json(-5))).get<std::int64_t>());
            return true;
        }
        return false;
    }

    // ------------------------------------------------------------ CXL

    bool cxl(const json& step, const std::string& op) {
        const std::map<std::string, std::string> commands = {
            {"cxl_inject_poison", "inject_poison"},
            {"cxl_clear_poison", "clear_poison"},
            {"cxl_list_media_errors", "get_poison_list"}};
        const auto it = commands.find(op);
        if (it == commands.end()) return false;
        knows(step, {"memdev", "dpa", "length"});
        json& e = event("cxl");
        e["command"] = it->second;
        e["memdev"] = step["memdev"];
        if (step.contains("dpa")) e["dpa"] = hex(number(step, "dpa"));
        return true;
    }

    const json& record_;
    Translated t_;
    json scenario_;
    json events_ = json::array(), files_ = json::array();
    std::size_t number_ = 0;  // of the step
    std::string pause_;       // before the next event
    std::string mounted_, fs_ = "ext4";
    bool dax_ = true;
    std::map<std::string, Map> maps_;
    std::set<std::uint64_t> lanes_;
    std::uint64_t last_lba_ = 0;
    std::uint64_t next_va_ = 0x7f0000000000, next_block_ = 2u << 20, cores_ = 0;
};

}  // namespace

std::uint64_t number_of(const json& value) {
    if (value.is_string()) return std::stoull(value.get<std::string>(), nullptr, 0);
    if (value.is_number_float()) return static_cast<std::uint64_t>(value.get<double>());
    return value.get<std::uint64_t>();
}

Translated translate_ndctl(const json& record, const Values& saved) {
    return Translator(record, saved).run();
}

}  // namespace mcemu::conformance
