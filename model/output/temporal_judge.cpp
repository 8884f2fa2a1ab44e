#include "output/temporal_judge.hpp"

#include <algorithm>
#include <optional>

#include "output/words.hpp"

namespace mcemu::output {
namespace {

using Op = TemporalExpectation::Op;
using Span = ConditionHistory::Span;

/// A point of the run: a time, the trace record that showed it, and its place in the order. The end
/// of an event (`done`) is noticed after the last record that there was.
struct Point {
    SimTime at{};
    std::uint32_t id = 0;
    std::uint64_t key = 0;
};
constexpr std::uint64_t kNever = ~std::uint64_t{0};

std::uint64_t key_of(const Condition& c, std::uint32_t id) {
    return 2 * std::uint64_t{id} + (c.kind == Condition::Kind::done ? 1 : 0);
}
Point begin_of(const Condition& c, const Span& s) {
    return {s.begin, s.begin_id, key_of(c, s.begin_id)};
}
std::uint64_t end_key(const Span& s) {
    return s.end_id == ~0u ? kNever : 2 * std::uint64_t{s.end_id};
}

/// Where the expectation counts: [begin, end) in that order, and up to `latest`.
struct Window {
    Point begin{};
    Point end{SimTime::max(), ~0u, kNever};
    SimTime latest = SimTime::max();
};

bool overlaps(const Condition& c, const Span& s, const Window& w) {
    const std::uint64_t begin = key_of(c, s.begin_id);
    const bool reaches = s.moment ? begin >= w.begin.key : end_key(s) > w.begin.key;
    return reaches && begin < w.end.key && s.begin <= w.latest;
}

/// The first moment of the window at which the condition held.
std::optional<Point> first_in(const Condition& c, const ConditionHistory& history,
                              const Window& w) {
    for (const Span& s : history.spans) {
        if (!overlaps(c, s, w)) continue;
        const Point begin = begin_of(c, s);
        return begin.key < w.begin.key ? w.begin : begin;
    }
    return std::nullopt;
}

class Judge {
public:
    Judge(const TemporalExpectation& item, const TemporalHistory& history,
          const TemporalContext& context, Finding finding)
        : item_(item), history_(history), context_(context), finding_(std::move(finding)) {}

    Finding judge() {
        if (!open_window()) return std::move(finding_);
        switch (item_.op) {
            case Op::always: always(); break;
            case Op::never: never(); break;
            case Op::eventually: eventually(); break;
            case Op::before: before(); break;
        }
        if (finding_.ok) finding_.wanted = finding_.got = finding_.nearest = nullptr;
        return std::move(finding_);
    }

private:
    bool open_window() {
        if (item_.after) {
            const auto first = first_in(*item_.after, history_.after, {});
            if (!first) {
                finding_.note = "its \"after\" never came" + hint(*item_.after, history_.after);
                return false;
            }
            window_.begin = *first;
        }
        if (item_.until) {
            Window from;
            from.begin = window_.begin;
            if (const auto first = first_in(*item_.until, history_.until, from)) window_.end = *first;
        }
        if (item_.within && item_.op != Op::before) window_.latest = window_.begin.at + *item_.within;
        return true;
    }

    void always() {
        Point at = window_.begin;
        for (const Span& s : history_.what.spans) {
            if (end_key(s) <= at.key) continue;  // over before
            const Point begin = begin_of(item_.what, s);
            // What is over and true again at the same time has lasted.
            if (at.at < begin.at && at.at <= window_.latest && at.key < window_.end.key)
                return gap(at, begin);
            at = {s.end, s.end_id, end_key(s)};
        }
        if (at.key >= window_.end.key || at.at > window_.latest)
            finding_.ok = true;
        else
            gap(at, {context_.end, ~0u, kNever});
    }
    void gap(Point from, Point to) {
        const SimTime until = std::min({to.at, window_.latest, window_.end.at, context_.end});
        finding_.got = "not so from " + when(from) + " for " + human_time(until - std::min(from.at, until));
        finding_.nearest = {{"t_ns", ns(from.at)}, {"for_ns", ns(until - std::min(from.at, until))}};
    }

    void never() {
        const auto first = first_in(item_.what, history_.what, window_);
        if (!first) {
            finding_.ok = true;
            return;
        }
        finding_.got = "it was so at " + when(*first);
        finding_.nearest = {{"t_ns", ns(first->at)}};
    }

    void eventually() {
        if (first_in(item_.what, history_.what, window_)) {
            finding_.ok = true;
            return;
        }
        Window later = window_;
        later.latest = SimTime::max();
        if (const auto late = first_in(item_.what, history_.what, later)) {
            finding_.late = true;
            finding_.got = "it came at " + when(*late) + ", " + human_time(late->at - window_.latest) + " late";
            finding_.nearest = {{"t_ns", ns(late->at)},
                                {"late_ns", ns(late->at - window_.latest)},
                                {"within_ns", enough(late->at - window_.begin.at)}};
            return;
        }
        later.end = Window{}.end;
        if (const auto after = first_in(item_.what, history_.what, later)) {
            finding_.got = "it came at " + when(*after) + ", after its \"until\" at " + when(window_.end);
            finding_.nearest = {{"t_ns", ns(after->at)}};
            return;
        }
        if (!history_.what.spans.empty()) {  // none of them reaches into the window
            const Point last = begin_of(item_.what, history_.what.spans.back());
            finding_.got = "it came at " + when(last) + ", before its \"after\" at " + when(window_.begin);
            finding_.nearest = {{"t_ns", ns(last.at)}};
            return;
        }
        finding_.got = "it never came" + hint(item_.what, history_.what);
    }

    void before() {
        const auto first = first_in(item_.what, history_.what, window_), second = first_in(*item_.then, history_.then, window_);
        if (!first || !second) {
            finding_.got = !first ? "the first never came" + hint(item_.what, history_.what)
                                  : "the second never came" + hint(*item_.then, history_.then);
            if (first) finding_.nearest = {{"first_ns", ns(first->at)}};
            if (second) finding_.nearest = {{"second_ns", ns(second->at)}};
            return;
        }
        const bool right = first->key < second->key;
        const SimTime between = right ? second->at - first->at : first->at - second->at;
        finding_.nearest = {{"first_ns", ns(first->at)},
                            {"second_ns", ns(second->at)},
                            {"within_ns", enough(between)}};
        if (first->key == second->key) {
            finding_.nearest["together"] = true;
            finding_.got = "both came at once: at " + when(*first);
            return;
        }
        if (!right) {
            finding_.got = "the second came first: at " + when(*second) + ", the first at " + when(*first);
            return;
        }
        finding_.ok = !item_.within || between <= *item_.within;
        finding_.late = !finding_.ok;
        if (!finding_.ok)
            finding_.got = "the second came " + human_time(between) + " after the first, " +
                           human_time(between - *item_.within) + " late";
    }

    static std::uint64_t ns(SimTime t) { return static_cast<std::uint64_t>(t.count()) / 1000; }
    /// The whole nanoseconds that `t` lies within.
    static std::uint64_t enough(SimTime t) { return ns(t + SimTime{999}); }
    /// "1.500 ms (bank 1 of CPU 0 latched ...)".
    std::string when(Point p) const {
        std::string text = human_time(std::min(p.at, context_.end));
        if (p.id == 0) return text + " (the start)";
        const std::string told = context_.told ? context_.told(p.id) : std::string();
        return told.empty() ? text : text + " (" + told + ")";
    }
    /// Why a condition never held: which of its parts did, or what came instead.
    std::string hint(const Condition& c, const ConditionHistory& h) const {
        if (c.parts.empty()) {
            const std::string near = context_.instead ? context_.instead(c, h) : std::string();
            return near.empty() ? std::string() : ": " + near;
        }
        std::string text;
        for (std::size_t i = 0; i < h.parts.size(); ++i) {
            const auto& spans = h.parts[i].spans;
            text += (text.empty() ? ": /" : ", /") + std::to_string(i) +
                    (spans.empty() ? " never" + near_of(c.parts[i], h.parts[i])
                                   : " first at " + human_time(spans.front().begin));
        }
        return text;
    }

    std::string near_of(const Condition& c, const ConditionHistory& h) const {
        if (!c.parts.empty() || !context_.instead) return {};
        const std::string near = context_.instead(c, h);
        return near.empty() ? std::string() : " (" + near + ")";
    }

    const TemporalExpectation& item_;
    const TemporalHistory& history_;
    const TemporalContext& context_;
    Finding finding_;
    Window window_;
};

}  // namespace

Finding judge(const TemporalExpectation& item, const TemporalHistory& history,
              const TemporalContext& context, std::string at, nlohmann::ordered_json wanted) {
    Finding finding{.at = std::move(at), .wanted = std::move(wanted)};
    return Judge(item, history, context, std::move(finding)).judge();
}

}  // namespace mcemu::output
