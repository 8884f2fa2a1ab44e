#include "output/verdict.hpp"

#include <algorithm>
#include <map>

#include "output/expect.hpp"
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
    std::string time = e["t_ns"].is_null()
                           ? "-"
                           : human_time(from_ns(e["t_ns"].get<std::uint64_t>()));
    if (time.size() < 10) time.insert(0, 10 - time.size(), ' ');
    const std::string word = e["fate"].is_null() ? "-" : e["fate"].get<std::string>();
    std::string fate = word;
    pad(fate, 11);
    return id + "  " + time + "  " + paint(fate, word, colour) + "  " +
           e["because"].get<std::string>() + "\n";
}

}  // namespace

std::string verdict(const Json& result, bool colour) {
    std::string out;
    const Json& events = result["events"];
    std::size_t id_width = 2;
    for (std::size_t i = 0; i < std::min(events.size(), kMostEvents); ++i)
        id_width = std::max(id_width, events[i]["id"].get_ref<const std::string&>().size());
    for (std::size_t i = 0; i < std::min(events.size(), kMostEvents); ++i)
        out += one_event(events[i], id_width, colour);
    if (events.size() > kMostEvents) {
        std::map<std::string, std::size_t> counts;
        for (const Json& e : events)
            ++counts[e["fate"].is_null() ? "no fate" : e["fate"].get<std::string>()];
        out += "... of " + std::to_string(events.size()) + " events:";
        for (const auto& [fate, count] : counts) out += " " + std::to_string(count) + " " + fate;
        out += "\n";
    }

    const std::string outcome = result["outcome"].get<std::string>();
    const std::string cls = result["class"].get<std::string>();
    out += "outcome: " + paint(outcome, outcome, colour);
    if (result["panic"].is_string()) out += " (" + result["panic"].get<std::string>() + ")";
    out += ", class: " + paint(cls, cls, colour);
    if (result.contains("interrupted")) out += ", interrupted";
    out += " at " + human_time(from_ns(result["end_ns"].get<std::uint64_t>())) + "\n";

    std::size_t failed = 0;
    for (const Json& e : result["expect"]) {
        if (e["ok"].get<bool>()) continue;
        ++failed;
        Finding f{.at = e["at"], .wanted = e["wanted"], .got = e["got"]};
        if (e.contains("nearest")) f.nearest = e["nearest"];
        if (e.contains("note")) f.note = e["note"];
        out += paint("failed ", "panic", colour) + to_text(f) + "\n";
    }
    if (const std::size_t all = result["expect"].size(); all > 0)
        out += "expectations: " + std::to_string(all - failed) + " of " + std::to_string(all) +
               " met\n";
    return out;
}

}  // namespace mcemu::output
