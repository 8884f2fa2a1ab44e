#include "output/verdict.hpp"

#include <algorithm>
#include <map>

#include "output/evidence.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

constexpr std::size_t kMostEvents = 200;  // beyond, a table of counts says more

const char* colour_of(std::string_view word) {
    if (word == "panic" || word == "shutdown" || word == "kernel-bug" || word == "silent")
        return "31";  // red
    if (word == "over-kill" || word == "late" || word == "latent" || word == "overwritten")
        return "33";  // yellow
    if (word == "consumed" || word == "logged" || word == "recovered" || word == "corrected" ||
        word == "masked" || word == "running")
        return "32";  // green
    return "2";       // faint
}

std::string paint(const std::string& text, std::string_view word, bool colour) {
    if (!colour) return text;
    return std::string("\x1b[") + colour_of(word) + "m" + text + "\x1b[0m";
}

void pad(std::string& text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
}

std::string one_event(const Json& e, std::size_t id_width, bool colour) {
    std::string id = e["id"].get<std::string>();
    pad(id, id_width);
    std::string time =
        e["t_ns"].is_null() ? "-" : human_time(from_ns(e["t_ns"].get<std::uint64_t>()));
    if (time.size() < 10) time.insert(0, 10 - time.size(), ' ');
    const std::string word = e["fate"].get<std::string>();
    std::string fate = word == "none" ? "-" : word;
    pad(fate, 11);
    return id + "  " + time + "  " + paint(fate, word, colour) + "  " +
           e["because"].get<std::string>() + "\n";
}

}  // namespace

std::string failed_expectations(const Json& result, const Where& where, bool colour,
                                const Rank& rank) {
    std::string out;
    for (const Json* failure : failures_in_order(result, rank)) {
        const Json& e = *failure;
        const std::string place = where(e["at"].get<std::string>());
        out += paint("failed", "panic", colour) + " ";
        if (!place.empty()) out += place + ": ";
        out += e["text"].get<std::string>() + "\n";
    }
    return out;
}

std::string verdict(const Json& result, const Where& where, bool colour, const Rank& rank) {
    std::string out;
    const Json& events = result["events"];
    std::size_t id_width = 2;
    for (std::size_t i = 0; i < std::min(events.size(), kMostEvents); ++i)
        id_width = std::max(id_width, events[i]["id"].get_ref<const std::string&>().size());
    for (std::size_t i = 0; i < std::min(events.size(), kMostEvents); ++i)
        out += one_event(events[i], id_width, colour);
    if (events.size() > kMostEvents) {
        std::map<std::string, std::size_t> counts;
        for (const Json& e : events) ++counts[e["fate"].get<std::string>()];
        out += "... of " + std::to_string(events.size()) + " events:";
        for (const auto& [fate, count] : counts) out += " " + std::to_string(count) + " " + fate;
        out += "\n";
    }

    for (const Json& access : result["accesses"])
        if (access["result"] == "restarts for ever")
            out += "note: machine checks restart the access of " +
                   access["event"].get<std::string>() +
                   " for ever; it was followed for a while only\n";

    const std::string outcome = result["outcome"].get<std::string>();
    const std::string cls = result["class"].get<std::string>();
    out += "outcome: " + paint(outcome, outcome, colour);
    if (result["panic"].is_string()) out += " (" + result["panic"].get<std::string>() + ")";
    out += ", class: " + paint(cls, cls, colour);
    if (result.contains("interrupted")) out += ", interrupted";
    out += " at " + human_time(from_ns(result["end_ns"].get<std::uint64_t>())) + "\n";

    out += failed_expectations(result, where, colour, rank);
    const Json& expect = result["expect"];
    const auto met = std::count_if(expect.begin(), expect.end(),
                                   [](const Json& e) { return e["ok"].get<bool>(); });
    if (!expect.empty())
        out += "expectations: " + std::to_string(met) + " of " + std::to_string(expect.size()) +
               " met\n";
    return out;
}

}  // namespace mcemu::output
