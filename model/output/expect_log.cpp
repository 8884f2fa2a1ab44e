#include "output/expect_log.hpp"

#include <algorithm>

namespace mcemu::output {
namespace {

bool is_gap(const Json& entry) { return entry.is_string() && entry == "..."; }

const std::string& text_of(const Json& log, std::size_t line) {
    return log[line]["text"].get_ref<const std::string&>();
}

bool line_matches(const Json& wanted, const std::string& text) {
    if (wanted.is_string()) return wanted.get_ref<const std::string&>() == text;
    if (is_pattern(wanted)) return matches_pattern(wanted, text);
    throw BadPattern("a log line is a text or {\"re\": \"...\"}");
}

/// The line most like `wanted`, from `from` on first, then anywhere.
Json nearest_line(const Json& wanted, const Json& log, std::size_t from) {
    constexpr std::size_t kMostLines = 2000;
    if (!wanted.is_string()) return nullptr;
    const auto& text = wanted.get_ref<const std::string&>();
    std::size_t best = text.size() * 2 / 3, best_line = log.size();
    const auto look = [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < std::min(end, begin + kMostLines) && best > 0; ++i) {
            const std::size_t d = distance(text, text_of(log, i), best);
            if (d < best || (d == best && best_line == log.size())) {
                best = d;
                best_line = i;
            }
        }
    };
    look(from, log.size());
    if (best_line == log.size()) look(0, from);
    if (best_line == log.size()) return nullptr;
    return {{"line", best_line}, {"text", text_of(log, best_line)}, {"edits", best}};
}

struct Segment {
    std::size_t first, last;  ///< entries [first, last) of the list
    bool anchored_front, anchored_back;
};

std::vector<Segment> segments_of(const Json& wanted) {
    std::vector<Segment> segments;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= wanted.size(); ++i) {
        if (i < wanted.size() && !is_gap(wanted[i])) continue;
        segments.push_back({begin, i, begin == 0, i == wanted.size()});
        begin = i + 1;
    }
    return segments;
}

Finding failed(const Json& wanted, const Json& log, std::size_t entry, std::size_t line) {
    Finding f;
    f.at = "/expect/log/" + std::to_string(entry);
    f.wanted = entry < wanted.size() ? wanted[entry] : Json("the end of the log");
    f.got = line < log.size() ? Json(text_of(log, line)) : Json("the end of the log");
    if (entry < wanted.size()) f.nearest = nearest_line(wanted[entry], log, line);
    // A near miss that is the line itself says nothing new.
    if (f.nearest.is_object() && f.nearest["text"] == f.got) f.nearest.erase("text");
    return f;
}

/// How many entries of the segment match from `line` on.
std::size_t matched_at(const Json& wanted, const Segment& s, const Json& log, std::size_t line) {
    std::size_t n = 0;
    while (s.first + n < s.last && line + n < log.size() &&
           line_matches(wanted[s.first + n], text_of(log, line + n)))
        ++n;
    return n;
}

std::optional<Finding> compare(const Json& wanted, const Json& log) {
    std::size_t line = 0;
    for (const Segment& s : segments_of(wanted)) {
        const std::size_t length = s.last - s.first;
        if (s.anchored_front || s.anchored_back) {
            std::size_t at = line;
            if (!s.anchored_front && log.size() >= line + length) at = log.size() - length;
            const std::size_t n = matched_at(wanted, s, log, at);
            if (n < length) return failed(wanted, log, s.first + n, at + n);
            if (s.anchored_back && at + length < log.size())
                return failed(wanted, log, wanted.size(), at + length);
            line = at + length;
            continue;
        }
        // Somewhere later: the first place where all of it stands; on failure, the entry that was
        // reached by the longest beginning.
        std::size_t best = 0, best_line = line;
        bool found = length == 0;
        for (std::size_t at = line; !found && at < log.size(); ++at) {
            const std::size_t n = matched_at(wanted, s, log, at);
            if (n == length) {
                line = at + length;
                found = true;
            } else if (n > best) {
                best = n;
                best_line = at;
            }
        }
        if (!found) {
            Finding f = failed(wanted, log, s.first + best, best == 0 ? line : best_line + best);
            if (best == 0) f.got = nullptr;  // any line would have done: none matched
            if (best == 0) f.note = "no such line from line " + std::to_string(line) + " on";
            return f;
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<Finding> evaluate_log(const Json& wanted, const Json& log) {
    if (!wanted.is_array())
        return {{.at = "/expect/log", .wanted = wanted, .note = "a list of lines is expected"}};
    try {
        if (auto finding = compare(wanted, log)) return {*finding};
    } catch (const BadPattern& e) {
        return {{.at = "/expect/log", .note = e.what()}};
    }
    return {{.at = "/expect/log", .ok = true}};
}

std::vector<Finding> evaluate_no_log(const Json& wanted, const Json& log) {
    std::vector<Finding> findings;
    const Json list = wanted.is_array() ? wanted : Json::array({wanted});
    for (std::size_t i = 0; i < list.size(); ++i) {
        Finding f{.at = wanted.is_array() ? "/expect/no_log/" + std::to_string(i)
                                          : std::string("/expect/no_log"),
                  .ok = true};
        try {
            for (std::size_t line = 0; line < log.size() && f.ok; ++line) {
                const std::string& text = text_of(log, line);
                const bool there =
                    list[i].is_string()
                        ? text.find(list[i].get_ref<const std::string&>()) != std::string::npos
                        : line_matches(list[i], text);
                if (!there) continue;
                f.ok = false;
                f.wanted = list[i];
                f.got = text;
                f.note = "must not occur, but is line " + std::to_string(line) + " of the log";
            }
        } catch (const BadPattern& e) {
            f.ok = false;
            f.note = e.what();
        }
        findings.push_back(std::move(f));
    }
    return findings;
}

}  // namespace mcemu::output
