#include "compare/report.hpp"

#include <algorithm>

#include "output/words.hpp"

namespace mcemu::compare {
namespace {

constexpr std::size_t kNone = Divergence::kNone;

std::string time_words(std::uint64_t ps) { return output::human_time(SimTime{ps}); }

/// "1.000 ms   page flag pfn 0x200 ...".
std::string line_of(const Step& step) {
    std::string t = time_words(step.t_ps);
    t.resize(std::max<std::size_t>(t.size(), 12), ' ');
    return t + " " + describe(step);
}

/// The shared causes, a line each, the middle of a long chain left out.
std::string shared_causes(const std::vector<Step>& steps, std::size_t cause) {
    if (cause == kNone) return "    (the beginning)\n";
    constexpr std::size_t kMost = 8;
    const std::vector<std::size_t> ids = chain(steps, cause);
    std::string out;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids.size() > kMost && i == 3) {
            out += "    ... " + std::to_string(ids.size() - kMost + 1) + " steps\n";
            i = ids.size() - (kMost - 4);
        }
        out += "    " + line_of(steps[ids[i]]) + "\n";
    }
    return out;
}

/// What follows the cause in one run: the step itself, or what comes there instead.
std::string side(const std::vector<Step>& steps, std::size_t index) {
    return index == kNone ? "(no such thing)" : line_of(steps[index]);
}

/// Later than its cause by so much.
std::string after_cause(const std::vector<Step>& steps, std::size_t index, std::size_t cause) {
    const std::uint64_t from = cause == kNone ? 0 : steps[cause].t_ps;
    return time_words(steps[index].t_ps - from) + " after its cause";
}

std::string divergence_text(const Divergence& d, const World& a, const World& b,
                            const ReportOptions& o) {
    std::string out;
    if (d.how == Parting::order) {
        out += "  the same happens in another order:\n";
        out += "  " + o.a + " first  " + side(a.steps, d.a) + "\n";
        out += "  " + o.b + " first  " + side(b.steps, d.b) + "\n";
        return out;
    }
    out += "  both:\n" + shared_causes(a.steps, d.cause_a);
    const auto tail = [&](const World& w, std::size_t index, std::size_t cause) {
        if (d.how != Parting::time || index == kNone) return std::string();
        return "   [" + after_cause(w.steps, index, cause) + "]";
    };
    out += "  then " + o.a + "  " + side(a.steps, d.a) + tail(a, d.a, d.cause_a) + "\n";
    out += "  then " + o.b + "  " + side(b.steps, d.b) + tail(b, d.b, d.cause_b) + "\n";
    return out;
}

const char* parting_word(Parting how) {
    switch (how) {
        case Parting::only_a: return "only in A";
        case Parting::only_b: return "only in B";
        case Parting::values: return "other values";
        case Parting::time: return "other time";
        case Parting::order: return "other order";
    }
    return "?";
}

std::string places(std::size_t n) { return std::to_string(n) + (n == 1 ? " place" : " places"); }

std::string first_text(const CauseDiff& causes, const World& a, const World& b,
                       const ReportOptions& o) {
    const Divergence* happened = causes.happened.empty() ? nullptr : &causes.happened.front();
    const Divergence* time = causes.times.empty() || !o.times ? nullptr : &causes.times.front();
    std::string out;
    if (time && (!happened || time->at_ps <= happened->at_ps)) {
        out += "first divergence, in time, at " + time_words(time->at_ps) + ":\n" +
               divergence_text(*time, a, b, o);
        if (causes.times.size() > 1)
            out += "  (times differ at " + places(causes.times.size()) + ")\n";
        if (happened) out += "\nwhat happens differs first at ";
    } else if (happened) {
        out += "first divergence at ";
    }
    if (happened) {
        out += time_words(happened->at_ps) + ":\n" + divergence_text(*happened, a, b, o);
        if (causes.happened.size() > 1)
            out += "  (and at " + std::to_string(causes.happened.size() - 1) +
                   (causes.happened.size() == 2 ? " more place" : " more places") +
                   " that do not follow from it)\n";
    }
    if (!causes.order.empty())
        out += "first divergence at " + time_words(causes.order.front().at_ps) + ":\n" +
               divergence_text(causes.order.front(), a, b, o);
    if (out.empty())
        out = "the same happens in both: " + std::to_string(causes.common) + " records\n";
    return out;
}

std::string change_text(const Change& c, const ReportOptions& o) {
    if (c.what.empty())
        return (c.a ? "  - " + *c.a + "\n" : "") + (c.b ? "  + " + *c.b + "\n" : "");
    if (!c.a) return "  + " + c.what + ": " + *c.b + "\n";
    if (!c.b) return "  - " + c.what + ": " + *c.a + "\n";
    if (c.a->size() + c.b->size() < 60)
        return "    " + c.what + ": " + o.a + " " + *c.a + ", " + o.b + " " + *c.b + "\n";
    return "    " + c.what + "\n  - " + *c.a + "\n  + " + *c.b + "\n";
}

std::string kind_text(const Kind& kind, const ReportOptions& o) {
    std::string out = kind.name;
    const std::size_t n = kind.changes.size(), later = o.times ? kind.later.size() : 0;
    out += ": ";
    if (n != 0) out += std::to_string(n) + (n == 1 ? " difference" : " differences");
    if (later != 0)
        out += (n != 0 ? ", " : "") + std::to_string(later) + " at another time";
    out += "\n";
    for (std::size_t i = 0; i < std::min(n, o.most); ++i) out += change_text(kind.changes[i], o);
    if (n > o.most) out += "    ... and " + std::to_string(n - o.most) + " more\n";
    const std::size_t shown = n == 0 ? std::min<std::size_t>(later, 3) : 0;
    for (std::size_t i = 0; i < shown; ++i) out += change_text(kind.later[i], o);
    if (n == 0 && later > shown) out += "    ... and " + std::to_string(later - shown) + " more\n";
    return out;
}

Json step_json(const Step& s) {
    return {{"t_ps", s.t_ps}, {"id", s.id}, {"kind", s.kind}, {"what", describe(s)}};
}

Json divergence_json(const Divergence& d, const World& a, const World& b) {
    Json causes = Json::array();
    if (d.cause_a != kNone)
        for (const std::size_t i : chain(a.steps, d.cause_a)) causes.push_back(step_json(a.steps[i]));
    return {{"how", parting_word(d.how)},
            {"t_ps", d.at_ps},
            {"causes", causes},
            {"a", d.a == kNone ? Json(nullptr) : step_json(a.steps[d.a])},
            {"b", d.b == kNone ? Json(nullptr) : step_json(b.steps[d.b])}};
}

Json changes_json(const std::vector<Change>& changes) {
    Json list = Json::array();
    for (const Change& c : changes)
        list.push_back({{"what", c.what.empty() ? Json(nullptr) : Json(c.what)},
                        {"a", c.a ? Json(*c.a) : Json(nullptr)},
                        {"b", c.b ? Json(*c.b) : Json(nullptr)}});
    return list;
}

}  // namespace

bool Comparison::differs(bool times) const {
    if (!causes.happened.empty() || !causes.order.empty()) return true;
    if (times && !causes.times.empty()) return true;
    return !differing(kinds, times).empty();
}

Comparison compare(const World& a, const World& b) {
    Comparison c;
    c.with_traces = a.has_trace && b.has_trace;
    c.with_results = a.result.is_object() && b.result.is_object();
    if (c.with_traces) c.causes = diff_causes(a.steps, b.steps);
    if (!c.with_results) return c;
    if (a.was_read || b.was_read) {
        // Through the sorted kind: both in the same order of members.
        const Json x = nlohmann::json(a.result), y = nlohmann::json(b.result);
        c.kinds = diff_results(x, y);
    } else {
        c.kinds = diff_results(a.result, b.result);
    }
    return c;
}

std::string report_text(const Comparison& c, const World& a, const World& b,
                        const ReportOptions& o) {
    const auto title = [](const std::string& letter, const World& w) {
        std::string out = letter + ": " + w.name;
        if (!w.result.is_object()) return out + "\n";
        return out + " (" + in_words_plain(w.result.value("profile", Json("?"))) + ", seed " +
               in_words_plain(w.result.value("seed", Json("?"))) + ")\n";
    };
    std::string out = title(o.a, a) + title(o.b, b) + "\n";
    if (c.with_traces) out += first_text(c.causes, a, b, o);
    else out += "no traces to find the first divergence in\n";
    if (!c.with_results) return out;
    std::string rest;
    std::string same;
    for (const Kind& kind : c.kinds) {
        if (kind.changes.empty() && (!o.times || kind.later.empty())) {
            if (kind.in_a + kind.in_b != 0) same += (same.empty() ? "" : ", ") + kind.name;
            continue;
        }
        rest += "\n" + kind_text(kind, o);
    }
    out += rest.empty() ? "the results are the same\n" : rest;
    if (!rest.empty() && !same.empty()) out += "\nthe same: " + same + "\n";
    return out;
}

Json report_json(const Comparison& c, const World& a, const World& b, const ReportOptions& o) {
    Json kinds = Json::object();
    for (const Kind& kind : c.kinds)
        kinds[kind.name] = {{"a", kind.in_a},
                            {"b", kind.in_b},
                            {"changes", changes_json(kind.changes)},
                            {"times", changes_json(kind.later)}};
    const auto list = [&](const std::vector<Divergence>& all) {
        Json out = Json::array();
        for (std::size_t i = 0; i < std::min(all.size(), o.most); ++i)
            out.push_back(divergence_json(all[i], a, b));
        return out;
    };
    const Divergence* first = c.causes.first();
    return {{"schema", "mcemu/diff/1"},
            {"a", a.name},
            {"b", b.name},
            {"differ", c.differs(o.times)},
            {"first", first ? divergence_json(*first, a, b) : Json(nullptr)},
            {"happened", list(c.causes.happened)},
            {"times", list(c.causes.times)},
            {"order", list(c.causes.order)},
            {"kinds", std::move(kinds)}};
}

}  // namespace mcemu::compare
