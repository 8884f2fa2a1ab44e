// trace_check NDJSON JSON VCD: what the three traces of one run promise their readers. Prints what
// is wrong and exits 1.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::json;
int wrong = 0;

void complain(const std::string& text) {
    std::cerr << text << "\n";
    ++wrong;
}

std::map<std::uint64_t, Json> read_ndjson(const char* path) {
    std::ifstream in(path);
    std::map<std::uint64_t, Json> records;
    for (std::string line; std::getline(in, line);) {
        Json record = Json::parse(line);
        if (records.empty()) {
            const Json head = record.value("trace", Json::object());
            if (head.value("schema", "") != "mcemu/trace/1") complain("ndjson: no head");
        }
        const std::uint64_t id = record["id"];
        records[id] = std::move(record);
    }
    if (records.empty()) complain("ndjson: no records");
    else if (records.begin()->second["trace"]["last"] != records.rbegin()->first)
        complain("ndjson: the head names another last record");
    return records;
}

/// Slices nest on their track, every record is there once, at its time, and every flow's ends lie
/// in slices of the records that it joins.
void check_perfetto(const char* path, const std::map<std::uint64_t, Json>& records) {
    std::ifstream in(path);
    const Json trace = Json::parse(in);
    std::vector<Json> events = trace["traceEvents"];
    std::stable_sort(events.begin(), events.end(), [](const Json& a, const Json& b) {
        return a["ts"].get<double>() < b["ts"].get<double>();
    });
    using Track = std::pair<int, int>;
    struct Slice {
        std::uint64_t record;
        double end;
    };
    std::map<Track, std::vector<Slice>> stacks;
    std::set<Track> named;
    std::set<std::uint64_t> seen, begun, ended;
    for (const Json& e : events) {
        const Track track{e["pid"], e["tid"]};
        const std::string phase = e["ph"];
        std::vector<Slice>& stack = stacks[track];
        const double at = e["ts"];
        while (!stack.empty() && stack.back().end < at) stack.pop_back();
        if (phase == "M") {
            if (e["name"] == "thread_name") named.insert(track);
        } else if (phase == "B" || phase == "X") {
            const double end = phase == "X" ? at + e["dur"].get<double>() : 1e300;
            while (!stack.empty() && phase == "X" && stack.back().end <= at + 1e-9) stack.pop_back();
            if (!stack.empty() && end < 1e300 && stack.back().end < end)
                complain("slices overlap: " + e.dump());
            std::uint64_t id = 0;
            if (e.contains("args")) {
                id = e["args"]["id"];
                const auto record = records.find(id);
                if (record == records.end() || !seen.insert(id).second)
                    complain("no such record, or twice: " + e.dump());
                else if (record->second["kind"] != e["args"]["kind"] ||
                         record->second["cause"] != e["args"]["cause"])
                    complain("another record: " + e.dump());
                else if (phase == "B" &&
                         std::abs(record->second["t_ps"].get<double>() / 1e6 - at) > 1e-6)
                    complain("another time: " + e.dump());
            }
            stack.push_back({id, end});
        } else if (phase == "E") {
            if (stack.empty()) complain("an end without a beginning: " + e.dump());
            else stack.pop_back();
        } else if (stack.empty() || stack.back().record == 0) {
            complain("a flow outside of a record: " + e.dump());
        } else if (phase == "s") {
            if (stack.back().record != e["id"]) complain("a flow begins elsewhere: " + e.dump());
            begun.insert(e["id"].get<std::uint64_t>());
        } else if (phase == "f") {
            const Json& cause = records.at(stack.back().record)["cause"];
            if (cause != e["id"] || e["bp"] != "e") complain("a flow ends elsewhere: " + e.dump());
            ended.insert(e["id"].get<std::uint64_t>());
        }
    }
    for (const auto& [track, stack] : stacks) {
        if (!named.count(track)) complain("a track without a name");
        for (const Slice& s : stack)
            if (s.end == 1e300) complain("a slice does not end");
    }
    if (seen.size() != records.size()) complain("records are missing");
    if (begun != ended) complain("a flow lacks an end");
    if (begun.empty()) complain("there is no flow");
}

void check_vcd(const char* path) {
    std::ifstream in(path);
    std::map<std::string, std::string> types;   // by code
    std::set<std::string> initial;
    std::vector<std::set<std::string>> scopes(1);
    bool timescale = false, defined = false, dumping = false;
    double now = -1;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string first, second, third, fourth, fifth;
        words >> first >> second >> third >> fourth >> fifth;
        static const std::regex identifier("[A-Za-z_][A-Za-z0-9_]*");
        const auto declare = [&](const std::string& name) {
            if (!std::regex_match(name, identifier)) complain("no identifier: " + line);
            if (!scopes.back().insert(name).second) complain("twice in a scope: " + line);
        };
        if (first == "$timescale") timescale = line == "$timescale 1 ps $end";
        else if (first == "$scope") declare(third), scopes.emplace_back();
        else if (first == "$upscope") scopes.pop_back();
        else if (first == "$var") {
            declare(fifth);
            if (!types.emplace(fourth, second).second) complain("a code twice: " + line);
        } else if (first == "$enddefinitions") defined = true;
        else if (first == "$dumpvars") dumping = true;
        else if (first == "$end") dumping = false;
        else if (first[0] == '$') continue;
        else if (first[0] == '#') {
            const double at = std::stod(first.substr(1));
            if (at <= now) complain("time stands still: " + line);
            now = at;
        } else {
            const bool wire = first[0] == '0' || first[0] == '1';
            const std::string code = wire ? first.substr(1) : second;
            const std::string type = first[0] == 's' ? "string" : wire ? "wire" : "reg";
            if (!types.count(code) || types[code] != type) complain("no such signal: " + line);
            if (!third.empty()) complain("blanks in a value: " + line);
            if (dumping) initial.insert(code);
        }
    }
    if (!timescale || !defined) complain("vcd: no timescale or no definitions");
    if (scopes.size() != 1) complain("vcd: scopes are not closed");
    if (types.empty() || initial.size() != types.size())
        complain("vcd: signals without an initial value");
}

}  // namespace

int main(int, char** argv) {
    const auto records = read_ndjson(argv[1]);
    check_perfetto(argv[2], records);
    check_vcd(argv[3]);
    return wrong ? 1 : 0;
}
